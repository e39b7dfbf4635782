#!/bin/bash
# SPDX-License-Identifier: MIT
# Backends that are not ours: that report positions in their own way, refuse, answer wrongly, or not at all
# (scripted_backend.c). Each scene has a card, a backend and a program of its own, and they all run side by side.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"

cards=0
scenes=() judges=() pids=() backends=()

host_start
sound_alsa_conf >"$HOST_DIR/alsa.conf"
# Who is lost is lost: recovery-test.sh is about the others.
printf 'defaults.pcm.xen.reconnect_timeout 0\n' >>"$HOST_DIR/alsa.conf"
SOUND_ENV=(env "ALSA_CONFIG_PATH=/usr/share/alsa/alsa.conf:$HOST_DIR/alsa.conf")
host_guest 7
wav=$HOST_DIR/in.wav
"$WAVTOOL" make "$wav" s16 48000 2 72001
tail -c +45 "$wav" >"$HOST_DIR/in.raw"

# scene NAME JUDGE 'BACKEND-OPTIONS' COMMAND...: %CARD in the command becomes the card's number
scene()
{
	local back words log=$HOST_DIR/$cards.log pid
	host_card "$cards" sample-rates=44100,48000 sample-formats=s16_le channels-max=2 buffer-size=131072 0/0/type=p
	back=$(host_backend "$cards")
	read -ra words <<<"$3"
	start_dom0 pid "$BUILD/tests/host/scripted-backend" "$(host_frontend "$cards")" "$back" "$HOST_DIR/$cards.raw" \
		"${words[@]}" 2>"$HOST_DIR/$cards.err"
	backends+=("$pid")
	scenes+=("$1")
	judges+=("$2")
	store_wait "$back/state" 2
	shift 3
	start_guest pid "${SOUND_ENV[@]}" "${@//%CARD/$cards}" >"$log" 2>&1
	pids+=("$pid")
	cards=$((cards + 1))
}

# One and a half seconds of sound, and as much time again to end.
listen() { scene "$1" "$2" "$3" timeout 3 aplay -q -D xenhw:%CARD "$wav"; }
promise() { scene "$1" tap "$2" timeout 40 "$BUILD/tests/host/pcm-test" -D xenhw:%CARD "${@:3}"; }
loss() { scene "$1" one_line "$2" timeout 40 "$BUILD/tests/host/pcm-test" -D xenhw:%CARD -e "${@:3}" life; }

# ---- judges: CARD STATUS ----

ended() { [ "$2" = 0 ]; }
failed() { [ "$2" = 1 ]; }
tap() { ended "$@"; }

played()
{
	ended "$@" && cmp -n "$(stat -c %s "$HOST_DIR/in.raw")" "$HOST_DIR/in.raw" "$HOST_DIR/$1.raw"
}

# heard: played, and nothing of it was cut off by a STOP
heard()
{
	played "$@" && ! grep 'cut off' "$HOST_DIR/$1.err"
}

# paused: every frame was played once, in order, although the backend was stopped in between
paused()
{
	played "$@" && grep -q 'cut off' "$HOST_DIR/$1.err"
}

one_line()
{
	printf '%s lines of ours\n' "$(ours "$1")"
	ended "$@" && [ "$(ours "$1")" = 1 ]
}

ours()
{
	grep -c '^ALSA lib.*pcm_xen' "$HOST_DIR/$1.log" || :
}

# What a scene's program said comes first, as TAP or comments.
scenes_end()
{
	local i status before
	for ((i = 0; i < cards; i++)); do
		status=0
		before=$HOST_FAILED
		wait "${pids[i]}" || status=$?
		sed -n "s/^\(not \)\?ok - /&${scenes[i]}: /p; /^ *#/p" "$HOST_DIR/$i.log"
		check "${scenes[i]}" "${judges[i]}" "$i" "$status"
		[ "$HOST_FAILED" = "$before" ] || sed 's/^/#  /' "$HOST_DIR/$i.log" "$HOST_DIR/$i.err"
		host_end "${backends[i]}"
		host_card_remove "$i"
	done
	scenes=() judges=() pids=() backends=()
	cards=0
}

# ---- positions ----
listen 'a backend that reports whole periods only plays to the last frame' heard --position=whole-periods
listen 'a backend whose position is always 0 is followed by its answers' heard --position=always-zero
listen 'a backend that never reports is followed by its answers' heard --position=silent
listen 'a backend that counts from START plays' heard --position=since-start
listen 'a backend that counts from OPEN plays' heard --position=since-open
listen 'a backend whose position jumps back does not hang the player' ended --position=jump-back
listen 'a backend whose position runs ahead does not hang the player' ended --position=ahead
listen 'answers that come late and out of order play' played --write=late-out-of-order
scenes_end
listen 'events of an unknown kind are skipped' played --write=events-strange
listen 'a flood of events drowns nothing' played --write=event-flood
listen 'refused audio is an underrun that aplay plays on after' ended --write=error
listen 'a backend that refuses once is tried again' played --connect=refuse-once
listen 'a backend that refuses the query plays' played --query=error
listen 'a backend that answers the query with nonsense plays' played --query=nonsense
listen 'a backend that answers more than was asked plays' played --query=widen
listen 'a backend that speaks our version among others plays' played --versions=1,2,7
listen 'a backend that does not speak our version ends the player' failed --versions=1
listen 'a START that is refused ends the player' failed --start=error
listen 'a refusing backend ends the player' failed --connect=refuse
scenes_end

# ---- ALSA's promises on them ----
for position in since-start since-open whole-periods; do
	promise "position $position" "--position=$position" underrun setup prepare pause drain
done
promise 'a WRITE that fails' --write=error write-error
for position in since-start since-open; do
	scene "no pause, position $position" paused "--pause=enosys --position=$position" \
		timeout 40 "$BUILD/tests/host/pcm-test" -D xenhw:%CARD -i "$wav" pause pausing
done
promise 'OPEN refused with EINVAL' --open=einval -e 22 refused-once
scenes_end

# ---- never answered ----
loss 'WRITE is never answered' --write=never-answer 19
loss 'OPEN is never answered' --open=never 19
loss 'START is never answered' --start=never 19
loss 'STOP is never answered' --stop=never 19
loss 'PAUSE is never answered' --pause=never 19
promise 'positions stop coming' --position=falls-silent life
loss 'nothing is answered any more' --deaf-after=40 19
loss 'CLOSE is never answered' --close=never 0
loss 'a query is never answered' --query=never 19
scenes_end

# ---- broken ----
loss 'an answer with a wrong id' --write=wrong-id 19
loss 'an answer with a wrong operation' --write=wrong-operation 19
loss 'a broken request ring' --write=ring-ahead 19
loss 'a broken event page' --write=events-ahead 19
promise 'OPEN is busy' --open=ebusy -e 16 life
promise 'OPEN has a strange status' --open=weird-status -e 5 life
scenes_end

check 'nothing is left shared or bound' nodes_ctl wait grants=0 mapped=0 ports=0
[ "$HOST_FAILED" = 0 ]
