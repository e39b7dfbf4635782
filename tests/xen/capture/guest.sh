# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# In the guest. The argument is how it is called in results.
. "$HERE/announced.sh"
. "$HERE/sources.sh"

guest=$1

# records FORMAT-CHANNELS-RATE ARECORD-OPTION...: standard output is the recording; any message is a failure
records()
{
	IFS=- read -r format channels rate <<-END
		$1
	END
	shift
	rm -f /tmp/said
	arecord -q -f "$(echo "$format" | tr s S)_LE" -c "$channels" -r "$rate" "$@" 2>/tmp/said
	cat /tmp/said >&2
	[ ! -s /tmp/said ]
}

# looped: until dom0 says that it has played all
looped()
{
	mkfifo /run/looped
	announced /tmp/looped.wav </run/looped &
	announcer=$!
	# not in a function: the shell would be between arecord and its end
	arecord -q -f S16_LE -c 2 -r 48000 -D "xenhw:0,$device" >/run/looped 2>/tmp/said &
	recorder=$!
	lab_await played
	kill -INT "$recorder"
	wait "$recorder" || :
	wait "$announcer"
	cat /tmp/said
}

sources_make /tmp
device=0
for source in $SOURCES; do
	check "$guest: arecord records $source without an overrun" records "$source" -D "xenhw:0,$device" -d 3 /tmp/recorded.wav
	check "$guest: the recording of $source is bit-exact" /files/wavtool same /tmp/recorded.wav "/tmp/$source.wav"
	device=$((device + 1))
done
check "$guest: arecord records a sound card of dom0" looped
check "$guest: that recording contains the file bit-exact and without a gap" \
	/files/wavtool contains /tmp/looped.wav /files/four.wav
