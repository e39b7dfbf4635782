#!/bin/bash
# SPDX-License-Identifier: MIT
# The backend goes and comes back, the guest is restored elsewhere, the card is taken away: programs go on by
# themselves, or end with an error, and never hang.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"

sound_start '0/0/unique-id=wav<out%n.wav>' '0/1/unique-id=wav<in.wav>'
wav=$HOST_DIR/in.wav
"$WAVTOOL" make "$wav" s16 48000 2 288000
"$WAVTOOL" make "$SOUND_OUT/in.wav" s16 48000 2 2880000

# says LINE FILE [COUNT]: waits until the file has a line like that so many times
says()
{
	local deadline=$((SECONDS + HOST_PATIENCE))
	until [ "$(grep -c "$1" "$2")" -ge "${3:-1}" ]; do
		[ "$SECONDS" -lt "$deadline" ] || { echo "no '$1' in $2:"; cat "$2"; return 1; }
		sleep 0.05
	done
}

opened() { says "open, " "$HOST_DIR/backend.log" "$1"; }
opens() { grep -c "open, " "$HOST_DIR/backend.log" || :; }

# holds NAME CMD...: as check, but in this shell, whose children the backends are
holds()
{
	local name=$1
	shift
	if "$@" >"$HOST_DIR/said" 2>&1; then
		ok "$name"
	else
		not_ok "$name"
		sed 's/^/#  /' "$HOST_DIR/said"
	fi
}

# keepers: the processes that were left by programs of ours, whose emulated nodes they still have
keepers()
{
	local process found=1
	for process in /proc/[0-9]*; do
		[ "$(awk '{ print $4 }' "$process/stat" 2>/dev/null)" = 1 ] || continue
		tr '\0' '\n' <"$process/environ" 2>/dev/null | grep -qxF "XENNODES_DIR=$XENNODES_DIR" || continue
		printf '%s\n' "${process#/proc/}"
		found=0
	done
	return "$found"
}

keepers_end()
{
	local pid
	for pid in $(keepers); do
		kill -KILL "$pid"
	done
}

# backend_again SIGNAL: ends it and starts another; returns when that has the stream
backend_again()
{
	local before
	before=$(opens)
	host_end "$SOUND_BACKEND" "$1"
	sound_backend_run
	opened "$((before + 1))"
}

# survives SIGNAL COMMAND...: the program ends well although its backend is restarted three times
survives()
{
	local signal=$1 pid round
	shift
	: >"$HOST_DIR/program.log"
	round=$(opens)
	start_guest pid timeout 60 "${SOUND_ENV[@]}" "$@" >"$HOST_DIR/program.log" 2>&1
	opened "$((round + 1))"
	for round in 1 2 3; do
		backend_again "$signal"
	done
	wait "$pid" || { cat "$HOST_DIR/program.log"; return 1; }
}

# twenty: a minute's file, and the backend killed twenty times. What each backend has played is a piece of the file, and
# begins after the end of the one before.
twenty()
{
	local pid round began_ms
	start_guest pid timeout 120 "${SOUND_ENV[@]}" aplay -q -D xenhw "$HOST_DIR/long.wav" >"$HOST_DIR/program.log" 2>&1
	opened "$(($(opens) + 1))"
	for ((round = 0; round < 20; round++)); do
		sleep 2 # of sound
		host_end "$SOUND_BACKEND" KILL
		mv "$SOUND_OUT/out0.wav" "$HOST_DIR/piece$round.wav"
		began_ms=$(date +%s%3N)
		sound_backend_run
		opened "$(($(opens) + 1))"
		gaps+=("$(($(date +%s%3N) - began_ms))")
	done
	wait "$pid" || { cat "$HOST_DIR/program.log"; return 1; }
	cp "$SOUND_OUT/out0.wav" "$HOST_DIR/piece20.wav"
}

pieces_in_order()
{
	local round said at=0 from frames
	for ((round = 0; round <= 20; round++)); do
		said=$("$WAVTOOL" contains "$HOST_DIR/long.wav" "$HOST_DIR/piece$round.wav") || { echo "piece $round: $said"; return 1; }
		frames=${said%% *}
		from=${said#*from frame }
		from=${from%% *}
		[ "$from" -ge "$at" ] || { echo "piece $round: $said, the one before ended at $at"; return 1; }
		at=$((from + frames))
	done
}

gaps=()
"$WAVTOOL" make "$HOST_DIR/long.wav" s16 48000 2 2880000
holds 'aplay plays a minute although the backend is killed 20 times' twenty
printf '# from the start of a backend until it has the stream, ms: %s\n' "${gaps[*]}"
holds 'what was played is in order, and nothing twice' pieces_in_order

for signal in KILL TERM; do
	holds "aplay plays on when the backend is restarted (SIG$signal)" survives "$signal" aplay -q -D xenhw "$wav"
	holds "arecord records on when the backend is restarted (SIG$signal)" \
		survives "$signal" arecord -q -D xenhw -f dat -d 4 "$HOST_DIR/recorded.wav"
done

# ---- the guest is restored in another domain ----

# card DEVID...: the card as sound_start makes it, in the present guest
restored()
{
	local pid old=$HOST_GUEST
	: >"$HOST_DIR/program.log"
	start_guest pid timeout 60 "${SOUND_ENV[@]}" "$@" >"$HOST_DIR/program.log" 2>&1
	opened "$(($(opens) + 1))"
	host_guest "$((old + 1))"
	host_card 0 "${SOUND_CARD[@]}"
	host_restored "$old" "$((old + 1))"
	opened "$(($(opens) + 1))"
	wait "$pid" || { cat "$HOST_DIR/program.log"; return 1; }
}

holds 'aplay plays on in a restored guest' restored aplay -q -D xenhw "$wav"
holds 'arecord records on in a restored guest' restored arecord -q -D xenhw -f dat -d 4 "$HOST_DIR/recorded.wav"
check 'nobody closes the event channels of before a restore' nodes_ctl wait crashes=0
check 'a process of its own keeps them' keepers

# The keepers stay until the machine stops. Here that is now.
keepers_end

# ---- the card is taken away ----

# A pulled card comes back as another device with the same number.
replugged()
{
	local pid before
	start_guest pid timeout 60 "${SOUND_ENV[@]}" aplay -q -D xenhw "$wav" >"$HOST_DIR/program.log" 2>&1
	opened "$(($(opens) + 1))"
	before=$(opens)
	host_card_remove 0
	says 'waiting for it' "$HOST_DIR/program.log"
	host_card 0 "${SOUND_CARD[@]}"
	opened "$((before + 1))"
	wait "$pid" || { cat "$HOST_DIR/program.log"; return 1; }
}
holds 'aplay plays on when its card is pulled and plugged again' replugged

# There are no pages for the new rings, at first.
starved()
{
	local pid before
	start_guest pid timeout 60 "${SOUND_ENV[@]}" ALSA_XEN_DEBUG=1 aplay -q -D xenhw "$wav" >"$HOST_DIR/program.log" 2>&1
	opened "$(($(opens) + 1))"
	before=$(opens)
	nodes_ctl limit 2
	host_end "$SOUND_BACKEND" KILL
	sound_backend_run
	says 'parameters/limit' "$HOST_DIR/program.log"
	nodes_ctl limit 1024
	opened "$((before + 1))"
	wait "$pid" || { cat "$HOST_DIR/program.log"; return 1; }
}
holds 'aplay plays on when pages were short on the way back' starved

# forsaken COMMAND...: fails, and says so, within the time that is configured and a little
forsaken()
{
	local pid status=0
	printf 'defaults.pcm.xen.reconnect_timeout 2\n' >>"$HOST_DIR/alsa.conf"
	start_guest pid timeout 20 "${SOUND_ENV[@]}" "$@" >"$HOST_DIR/program.log" 2>&1
	opened "$(($(opens) + 1))"
	host_end "$SOUND_BACKEND" "$signal"
	wait "$pid" || status=$?
	cat "$HOST_DIR/program.log"
	[ "$status" = 1 ] && grep -q 'No such device' "$HOST_DIR/program.log"
}
for signal in KILL TERM; do
	holds "aplay ends with an error when the backend stays away (SIG$signal)" forsaken aplay -q -D xenhw "$wav"
	sound_backend_start
	holds "arecord ends with an error when the backend stays away (SIG$signal)" \
		forsaken arecord -q -D xenhw -f dat -d 6 "$HOST_DIR/recorded.wav"
	sound_backend_start
done

sound_end
[ "$HOST_FAILED" = 0 ]
