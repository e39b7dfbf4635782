# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by the scenarios, in dom0: cards, and what came out of them. Linked into each scenario's folder.

export WAVTOOL=/files/wavtool
WAV_DIR=/run/xensnd

mkdir -p "$WAV_DIR"

# now_ms: the machine's time, in steps of 10 ms
now_ms()
{
	echo "$(tr -d . </proc/uptime | cut -d ' ' -f 1)0"
}

# card OUTPUT [SOURCE]: a vsnd entry with a playback stream that goes to an output of the backend, and a capture stream
card()
{
	printf 'CARD, short-name=Lab, sample-rates=%s, sample-formats=%s, channels-max=2, buffer-size=131072 | ' \
		'8000;22050;44100;48000;96000' 'u8;s16_le;s32_le;f32_le'
	printf 'PCM, name=Main | STREAM, unique-id=%s, type=p | STREAM, unique-id=%s, type=c' "$1" "${2:-null}"
}

# underruns DOMID: how many the backend counted in all of a guest's streams
underruns()
{
	backend_log | sed -n "s/.*domain $1 .*, \([0-9]*\) underruns.*/\1/p" | awk '{ sum += $1 } END { print sum + 0 }'
}

# heard_once REFERENCE FILE...: what aplay has played, through whatever happened, are pieces of the reference in order. Before each
# at most aplay's buffer of half a second, at 48 kHz, is lost.
heard_once()
{
	heard=$("$WAVTOOL" pieces 24000 "$@") || return
	note "$heard"
}

# loopback_play FILE: 16 bit stereo, 48 kHz, into the end of the loopback that is played to. A second of silence follows: while it
# drains, snd-aloop loses some of what it carries, whoever records.
loopback_play()
{
	{
		tail -c +45 "$1"
		head -c 192000 /dev/zero
	} | aplay -q -t raw -f S16_LE -r 48000 -c 2 -D hw:Loopback,1,0 --buffer-time=500000
}
