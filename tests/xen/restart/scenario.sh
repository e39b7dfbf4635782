# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# The backend is killed 20 times while one guest plays a minute and another records: both go on by themselves, soon, and play
# nothing twice.
. "$HERE/card.sh"

ROUNDS=20
LATE_MS=2000

# opened DOMID: a guest's stream is open. How many milliseconds after the backend's start that was is in $took
opened()
{
	backend_wait_line 10 "domain $1 .* open, " || return
	took=$(($(now_ms) - started))
	[ "$took" -le "$LATE_MS" ] || late=$((late + 1))
}

# backend_run ROUND: with files of its own
backend_run()
{
	mkdir -p "$WAV_DIR/$1"
	ln "$WAV_DIR/source.wav" "$WAV_DIR/$1/source.wav"
	started=$(now_ms)
	backend_start --wav-dir "$WAV_DIR/$1" -v
}

# restarts: again and again, after a while and an absence that always differ
restarts()
{
	round=0
	while [ "$round" -lt "$ROUNDS" ]; do
		round=$((round + 1))
		sleep "1.$((round * 37 % 100))"
		backend_kill
		sleep "$((round % 4 / 3)).$((round * 53 % 7))"
		backend_run "$(printf '%02d' "$round")"
		opened "$player" || return
		player_took=$took
		opened "$recorder" || return
		note "restart $round: one plays after $player_took ms, one records after $took ms"
	done
}

/files/wavtool make "$WAV_DIR/minute.wav" s16 48000 2 2880000 60
/files/wavtool make "$WAV_DIR/source.wav" s16 48000 2 2880000 61
late=0
backend_run 00
GUEST_ARGS='pv play' guest_create pv pv generic guest.sh "$(card 'wav<played-%n.wav>')"
GUEST_ARGS='pvh record' guest_create pvh pvh cloud guest.sh "$(card null 'wav<source.wav>')"
player=$(guest_id pv)
recorder=$(guest_id pvh)
guest_wait_line pv 60 '^the guest begins'
guest_wait_line pvh 60 '^the guest begins'
opened "$player"
opened "$recorder"
late=0
check 'both guests come back after each restart' restarts
check 'each time within two seconds' [ "$late" = 0 ]
check 'pvh: all well' guest_wait pvh 60
check 'pv: all well' guest_wait pv 90
check 'pv: nothing is heard twice, and at most a buffer is lost' heard_once "$WAV_DIR/minute.wav" "$WAV_DIR"/*/played-*.wav
