# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# In the guest. The argument is how it is called in results.
. "$HERE/sources.sh"

guest=$1
sources_make /tmp
check "$guest: a program plays and records 30 s at once without an xrun" \
	/files/duplex xenhw xenhw /tmp/played.wav /tmp/recorded.wav
check "$guest: what it recorded is bit-exact" /files/wavtool same /tmp/recorded.wav /tmp/source.wav
