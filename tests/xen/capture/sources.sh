# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced on both sides: the files that dom0 plays to the guests. Made where they are needed: in the images, every guest would
# have to unpack them.
SOURCES='s16-2-48000 s32-2-48000 s32-8-96000'

# sources_make FOLDER: two seconds each, every one with noise of its own
sources_make()
{
	for source in $SOURCES; do
		IFS=- read -r format channels rate <<-END
			$source
		END
		/files/wavtool make "$1/$source.wav" "$format" "$rate" "$channels" "$((2 * rate))" "$((rate + channels))"
	done
}
