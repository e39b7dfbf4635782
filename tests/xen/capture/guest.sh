# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# In the guest. The argument is how it is called in results.
. "$HERE/grown.sh"
. "$HERE/sources.sh"

guest=$1

# records FORMAT-CHANNELS-RATE ARECORD-OPTION...: any message is a failure
records()
{
	IFS=- read -r format channels rate <<-END
		$1
	END
	shift
	arecord -q -f "$(echo "$format" | tr s S)_LE" -c "$channels" -r "$rate" "$@" 2>/tmp/said
	cat /tmp/said
	[ ! -s /tmp/said ]
}

# looped DEVICE FILE: 6 seconds, in which dom0 plays something
looped()
{
	records s16-2-48000 -D "xenhw:0,$1" -d 6 "$2" &
	grown "$2" 1000 && note 'the guest records'
	wait "$!"
}

sources_make /tmp
device=0
for source in $SOURCES; do
	check "$guest: arecord records $source without an overrun" records "$source" -D "xenhw:0,$device" -d 3 /tmp/recorded.wav
	check "$guest: the recording of $source is bit-exact" /files/wavtool same /tmp/recorded.wav "/tmp/$source.wav"
	device=$((device + 1))
done
check "$guest: arecord records a sound card of dom0 without an overrun" looped "$device" /tmp/looped.wav
check "$guest: that recording contains the file bit-exact and without a gap" \
	/files/wavtool contains /tmp/looped.wav /files/four.wav
