#!/bin/bash
# SPDX-License-Identifier: MIT
# Positions and delays against what the backend really played and recorded (position_test.c), both at the same time.
# POSITION_SECONDS: how long.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"

seconds=${POSITION_SECONDS:-60}
pids=()

# watched CARD TYPE BACKEND-OPTIONS...: a card and its backend
watched()
{
	local card=$1 type=$2 pid
	shift 2
	host_card "$card" sample-rates=48000 sample-formats=s16_le channels-max=2 buffer-size=65536 "0/0/type=$type"
	start_dom0 pid "$BUILD/tests/host/scripted-backend" "$(host_frontend "$card")" "$(host_backend "$card")" \
		"$HOST_DIR/$card.raw" "--consumed=$HOST_DIR/$card.consumed" "$@"
	backends+=("$pid")
	store_wait "$(host_backend "$card")/state" 2
}

# watches WORDS...: a program that looks
watches()
{
	local pid
	start_guest pid "${SOUND_ENV[@]}" timeout $((seconds + 60)) "$BUILD/tests/host/position-test" -s "$seconds" "$@"
	pids+=("$pid")
}

host_start
sound_alsa_conf >"$HOST_DIR/alsa.conf"
SOUND_ENV=(env "ALSA_CONFIG_PATH=/usr/share/alsa/alsa.conf:$HOST_DIR/alsa.conf")
host_guest 7
backends=()
watched 0 p
watched 1 c --capture
watches -D xenhw:0 "$HOST_DIR/0.consumed"
watches -c -D xenhw:1 "$HOST_DIR/1.consumed"
for pid in "${pids[@]}"; do
	wait "$pid" || HOST_FAILED=$((HOST_FAILED + 1))
done
for pid in "${backends[@]}"; do
	host_end "$pid"
done
check 'nothing is left shared or bound' nodes_ctl wait grants=0 mapped=0 ports=0
[ "$HOST_FAILED" = 0 ]
