#!/bin/bash
# SPDX-License-Identifier: MIT
# ALSA's promises that hold in both directions (promises_test.c), those of recording (capture_test.c), and that a card does
# what it offers (offers_test.c), on the real backend. README.md has the table. Programs run side by side, each on a device of
# its own.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"

FORMATS=s8,u8,s16_le,s16_be,u16_le,u16_be,s24_le,s24_be,u24_le,u24_be,s32_le,s32_be,u32_le,u32_be,float_le,float_be,float64_le
FORMATS+=,float64_be,iec958_subframe_le,iec958_subframe_be,mu_law,a_law,ima_adpcm,mpeg,gsm

cards=1
names=() pids=()

sound_start 0/0/unique-id=null
for policy in acks events auto sometimes; do
	# shellcheck disable=SC2016 # for alsa-lib to expand
	printf 'pcm.xen%s { @args [ CARD ] @args.CARD { type string } type xen card $CARD device 0 position %s }\n' \
		"$policy" "$policy"
done >>"$HOST_DIR/alsa.conf"
echo 'pcm.xenvolume { type xen card 0 device 0 volume 11 }' >>"$HOST_DIR/alsa.conf"
nodes_ctl limit 4096
tape=$SOUND_OUT/tape.wav
"$WAVTOOL" make "$tape" s16 48000 2 480000
for channels in 2 6 8; do
	"$WAVTOOL" make "$SOUND_OUT/in$channels.wav" s16 48000 "$channels" 48000 "$channels"
done

# card_keys KIND: null takes and gives anything; tape records from a file; all is everything that a card can be; mapN writes
# and reads files of N channels
card_keys()
{
	local device='0/0/type=p 0/0/unique-id=null 0/1/type=c 0/1/unique-id=null'
	case $1 in
	null) echo sample-rates=8000,44100,48000,96000 sample-formats=s16_le channels-max=2 buffer-size=131072 "$device" \
		1/name=Second 1/0/type=p 1/0/unique-id=null 1/1/type=c 1/1/unique-id=null ;;
	tape) echo sample-rates=48000 sample-formats=s16_le channels-max=2 buffer-size=1048576 0/0/type=c \
		'0/0/unique-id=wav<tape.wav>' ;;
	all) echo sample-rates=12345,44100,96000 "sample-formats=$FORMATS" channels-max=255 buffer-size=524288 "$device" ;;
	map*) echo sample-rates=48000 sample-formats=s16_le channels-max=8 buffer-size=131072 0/0/type=p \
		"0/0/unique-id=wav<out${1#map}.wav>" 0/1/type=c "0/1/unique-id=wav<in${1#map}.wav>" ;;
	esac
}

# side NAME KIND PROGRAM ARGUMENT...: beside others, on a card of its own, %CARD in the arguments; its verdicts come with
# sides_end
side()
{
	local pid keys words=("${@:4}") log=$HOST_DIR/side${#pids[@]}.log
	mapfile -t keys < <(card_keys "$2" | tr ' ' '\n')
	host_card "$cards" "short-name=Card$cards" 0/name=First "${keys[@]}"
	store_wait "$(host_backend "$cards")/state" 2
	names+=("$1")
	start_guest pid timeout 60 "${SOUND_ENV[@]}" "$BUILD/tests/host/$3-test" "${words[@]//%CARD/$cards}" >"$log" 2>&1
	pids+=("$pid")
	cards=$((cards + 1))
}

# What they said.
sides_end()
{
	local i log status
	for ((i = 0; i < ${#pids[@]}; i++)); do
		log=$HOST_DIR/side$i.log
		status=0
		wait "${pids[i]}" || status=$?
		sed -n "s/^\(not \)\?ok - /&${names[i]}: /p; /^ *#/p" "$log"
		[ "$status" = 0 ] && continue
		not_ok "${names[i]} (exit status $status)"
		grep -v '^ok' "$log" | sed 's/^/#  /'
	done
	for ((i = 1; i < cards; i++)); do
		host_card_remove "$i"
	done
	names=() pids=() cards=1
}

# both NAME KIND PROGRAM ARGUMENT...: playback and recording
both()
{
	side "$1, playback" "${@:2:2}" -D xenhw:%CARD "${@:4}"
	side "$1, recording" "${@:2:2}" -D xenhw:%CARD -C "${@:4}"
}

both xrun null promises xrun descriptor
both thresholds null promises stop-threshold start-threshold
both 'wake-ups' null promises avail-min period-event wakeups
both poll null promises revents nonblock
both position null promises delay frozen monotonic time
both abort null promises abort
both 'numbers beyond everything' null promises huge-thresholds rewound-too-far
side 'xrun, playback, converted' null promises -D xen:%CARD xrun
side 'xrun, recording, converted' null promises -D xen:%CARD -C xrun
sides_end

tape() { side "$1" tape capture -D xenhw:%CARD -i "$tape" "${@:2}"; }
tape accesses accesses
tape peek peek overrun
tape 'no overrun' no-overrun nonblock
tape pause pause
tape reset reset rewind
tape forward forward drain
sides_end

both formats all offers formats
both channels all offers channels rates
both sizes all offers sizes
for channels in 2 6 8; do
	both "map of $channels" "map$channels" offers -e "$channels" -i "$SOUND_OUT/in$channels.wav" \
		-j "$SOUND_OUT/out$channels.wav" maps
done
sides_end

for policy in acks events auto; do
	side "position $policy" null offers -D "xen$policy:%CARD" -e "($policy)" dump
	side "position $policy, recording" null offers -D "xen$policy:%CARD" -C -e "($policy)" dump
done
for name in xen:%CARD xen:%CARD,1 xen:CARD=%CARD,DEV=1 xenhw:CARD=%CARD "plug:'xenhw:%CARD,1'"; do
	side "$name" null offers -D "$name" works
	side "$name, recording" null offers -D "$name" -C works
done
sides_end

# The file that a card records from is another one by now: refused, and usable again.
"$WAVTOOL" make "$HOST_DIR/slow" s16 44100 2 44100
cp "$tape" "$HOST_DIR/tape"
side refused tape lifetime -C -D xenhw:%CARD -e 22 -b "cp '$HOST_DIR/slow' '$tape'" -m "cp '$HOST_DIR/tape' '$tape'" refused
sides_end

# refuses LINE PCM: no such PCM, and one line that says why
refuses()
{
	local said
	! said=$(as_guest timeout 5 "${SOUND_ENV[@]}" aplay -q -D "$2" -f dat -d 1 /dev/zero 2>&1) || return
	printf '%s\n' "$said"
	[ "$(grep -c '^ALSA lib.*\(position_read\|settings_read\)' <<<"$said")" = 1 ] && grep -q "$1" <<<"$said" &&
		grep -q 'Invalid argument' <<<"$said"
}
check 'a position policy that is none is refused' refuses 'position is none of auto, events and acks' xensometimes:0
check 'a field that is none is refused' refuses 'Unknown field volume' xenvolume

# Once from here and once more.
twice()
{
	sound_alsa_conf >>"$HOST_DIR/alsa.conf"
	as_guest timeout 20 "${SOUND_ENV[@]}" "$BUILD/tests/host/offers-test" -D xen works &&
		as_guest timeout 20 "${SOUND_ENV[@]}" "$BUILD/tests/host/offers-test" -C -D xenhw works
}
check 'the configuration may be loaded twice' twice

sound_end
[ "$HOST_FAILED" = 0 ]
