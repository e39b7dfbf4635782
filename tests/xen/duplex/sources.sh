# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced on both sides: what the guest plays and what it records. Made where it is needed: in the images, every guest would
# have to unpack it.

# sources_make FOLDER
sources_make()
{
	/files/wavtool make "$1/played.wav" s16 48000 2 1440000 1
	/files/wavtool make "$1/source.wav" s16 48000 2 1440000 2
}
