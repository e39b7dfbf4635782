# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# In the guest. The arguments are how it is called in results, and what it does.
guest=$1

# A minute, with noise of its own; made on both sides, since in the images every guest would have to unpack it.
plays()
{
	/files/wavtool make /tmp/minute.wav s16 48000 2 2880000 60
	echo 'the guest begins'
	aplay -q -D xenhw /tmp/minute.wav
}

# Forty seconds in all: what is recorded while the backend is restarted, and some more.
records()
{
	/files/wavtool make /tmp/source.wav s16 48000 2 2880000 61
	echo 'the guest begins'
	arecord -q -D xenhw -f dat -d 40 /tmp/recorded.wav
}

case $2 in
play)
	check "$guest: aplay plays a minute through 20 restarts of the backend" plays
	;;
record)
	check "$guest: arecord records through 20 restarts of the backend" records
	check "$guest: what it recorded is what the backends had, without a gap between restarts" \
		/files/wavtool beginnings /tmp/recorded.wav /tmp/source.wav 21 0
	;;
esac
