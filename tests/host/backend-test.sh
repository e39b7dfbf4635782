#!/bin/bash
# SPDX-License-Identifier: MIT
# xensnd-backend against a scripted frontend, the toolstack's moves, and its own death.
set -eu
. "$(dirname "$0")/lib.sh"

frontend=$BUILD/tests/host/scripted-frontend
back=
blocked=
front=
backend=

# Starts the daemon and waits until it says that it is ready.
backend_start()
{
	local lines tail
	touch "$HOST_DIR/backend.log"
	lines=$(wc -l <"$HOST_DIR/backend.log")
	start_dom0 backend "$BUILD/xensnd-backend" -v "$@" 2>>"$HOST_DIR/backend.log"
	exec {tail}< <(exec timeout "$HOST_PATIENCE" tail -n "+$((lines + 1))" -f "$HOST_DIR/backend.log")
	grep -q -m1 'xensnd-backend: ready$' <&"$tail"
	host_end "$!"
	exec {tail}<&-
}

# Not by check: only the shell that started a process can wait for it.
backend_end()
{
	if kill "$backend" && wait "$backend"; then
		ok "$1"
	else
		not_ok "$1"
	fi
}

card_start()
{
	host_card 0 short-name=Test sample-rates=44100,48000 sample-formats=s16_le buffer-size=131072 0/0/type=p \
		'0/0/unique-id=wav<card.wav>'
	back=$(host_backend 0)
	front=$(host_frontend 0)
}

logged()
{
	grep -q "$1" "$HOST_DIR/backend.log"
}

host_start
mkdir "$HOST_DIR/wav"
card_start
backend_start --wav-dir "$HOST_DIR/wav"
check 'a card is waited for' store_wait "$back/state" 2

# A guest owns its nodes: what it makes of them after the backend has seen the card counts for nothing.
store_write "$front/0/0/unique-id" "wav<evil.wav>"
as_guest "$frontend" "$front" || HOST_FAILED=$((HOST_FAILED + 1))
check 'a guest can not choose another output' test ! -e "$HOST_DIR/wav/evil.wav" -a -s "$HOST_DIR/wav/card.wav"
check 'a closed card maps and binds nothing' nodes_ctl wait files=0 mapped=0 ports=0

# A frontend that crashes leaves Connected behind, and tells nobody.
as_guest "$frontend" "$front" crash || HOST_FAILED=$((HOST_FAILED + 1))
as_guest "$frontend" "$front" crash || HOST_FAILED=$((HOST_FAILED + 1))
check 'a frontend that crashed is followed by the next' test "$(store_read "$back/state")" = 4

# A second daemon.
second()
{
	local pid
	start_dom0 pid "$BUILD/xensnd-backend" 2>"$HOST_DIR/second.log"
	! wait "$pid" && grep -q 'another xensnd-backend is running' "$HOST_DIR/second.log"
}
check 'a second daemon says that there is one' second

# The daemon is killed and comes back: the rings of its earlier life are not touched.
host_end "$backend" KILL
backend_start --wav-dir "$HOST_DIR/wav"
check 'after a crash of the daemon the frontend is sent away' store_wait "$back/state" 6
check 'nothing of the earlier connection is mapped' nodes_ctl wait mapped=0
as_guest "$frontend" "$front" crash || HOST_FAILED=$((HOST_FAILED + 1))
check 'and can connect anew' test "$(store_read "$back/state")" = 4

# The daemon ends in order, and comes back.
backend_end 'SIGTERM ends the daemon with success'
check 'an ending daemon closes its cards' test "$(store_read "$back/state")" = 6
check 'an ending daemon maps nothing any more' nodes_ctl wait mapped=0
backend_start --wav-dir "$HOST_DIR/wav"
check 'the next daemon does not take up old rings' store_wait "$back/state" 6
as_guest "$frontend" "$front" crash || HOST_FAILED=$((HOST_FAILED + 1))

# The toolstack takes the card away while it plays: first as xl vsnd-detach does it, then by force.
store_write "$back/online" 0 "$back/state" 5
check 'a card that the toolstack closes becomes Closed' store_wait "$back/state" 6
check 'and maps nothing' nodes_ctl wait mapped=0
host_card_remove 0
card_start
check 'a card made anew is waited for' store_wait "$back/state" 2
as_guest "$frontend" "$front" crash || HOST_FAILED=$((HOST_FAILED + 1))
host_card_remove 0
check 'a card that vanishes while playing is let go' nodes_ctl wait mapped=0
check 'and its folder is not brought back' test -z "$(store_read "$back/state")"

# Two cards at once, one made while the other plays.
card_start
check 'a card appears while the daemon runs' store_wait "$back/state" 2
as_guest "$frontend" "$front" crash || HOST_FAILED=$((HOST_FAILED + 1))
host_card 1 0/0/type=p 0/0/unique-id=null sample-rates=48000 sample-formats=s16_le
check 'another card is served beside it' store_wait "$(host_backend 1)/state" 2
check 'the first one still plays' test "$(store_read "$back/state")" = 4

# Configurations that are not to be obeyed.
host_card 2 0/0/type=p '0/0/unique-id=alsa<file:/tmp/x,raw>' sample-rates=48000 sample-formats=s16_le
check 'a card with a forbidden output is waited for, too' store_wait "$(host_backend 2)/state" 2
store_write "$(host_frontend 2)/state" 3
check 'but can not connect' store_wait "$(host_backend 2)/state" 6
check 'and the log says why' logged 'domain 0 card 2: stream 0/0: its unique-id names a device'
store_write "$(host_backend 3)/frontend" /local/domain/77/device/vsnd/3 "$(host_backend 3)/frontend-id" 0 \
	"$(host_backend 3)/state" 1
host_card 4 0/0/type=p
check 'the daemon survives folders that contradict themselves' store_wait "$(host_backend 4)/state" 2
check 'and does not serve them' test "$(store_read "$(host_backend 3)/state")" = 1

backend_end 'SIGTERM ends a daemon with several cards, too'
check 'nothing is left shared or bound' nodes_ctl wait files=0 grants=0 mapped=0 ports=0

# Recording: a WAV file, silence, and an ALSA device.
"$frontend" sound "$HOST_DIR/wav/sound.wav"
tail -c +45 "$HOST_DIR/wav/sound.wav" >"$HOST_DIR/sound.raw"
printf 'pcm.numbered { type file slave.pcm null file /dev/null infile "%s/sound.raw" format raw }\n' "$HOST_DIR" \
	>"$HOST_DIR/alsa.conf"
export ALSA_CONFIG_PATH=/usr/share/alsa/alsa.conf:$HOST_DIR/alsa.conf
# capture_card ID UNIQUE-ID
capture_card()
{
	host_card "$1" sample-rates=44100,48000 sample-formats=s16_le,u8 channels-max=2 buffer-size=65536 0/0/type=c \
		"0/0/unique-id=$2"
}
# records ID MODE...
records()
{
	local id=$1
	shift
	as_guest "$frontend" "$(host_frontend "$id")" "$@" || HOST_FAILED=$((HOST_FAILED + 1))
}
host_card_remove 0
host_card_remove 1
capture_card 0 'wav<sound.wav>'
capture_card 1 null
capture_card 6 'alsa<numbered>'
capture_card 7 'wav<card.wav>'
capture_card 8 'wav<missing.wav>'
capture_card 9 'wav<../sound.wav>'
all=s8,u8,mu_law,a_law,ima_adpcm,mpeg,gsm
for name in s16 u16 s24 u24 s32 u32 float float64 iec958_subframe; do
	all=$all,${name}_le,${name}_be
done
id=10
for device in null 'alsa<null>'; do
	host_card "$id" sample-rates=48000 "sample-formats=$all" channels-max=3 0/0/type=p "0/0/unique-id=$device"
	host_card $((id + 1)) sample-rates=48000 "sample-formats=$all" channels-max=3 0/0/type=c "0/0/unique-id=$device"
	id=$((id + 2))
done
backend_start --wav-dir "$HOST_DIR/wav" --input "*/7/*/*=wav<$HOST_DIR/sound.raw>"
records 0 record
check 'the log tells how much was recorded, and how often too late' logged \
	'domain 0 card 0 stream 0/0: closed, [0-9]* frames recorded, 1 overruns'
records 1 silent
records 6 numbered
records 10 formats
records 11 formats
# alsa-lib's null has all but one
records 12 formats iec958_subframe_be
records 13 formats iec958_subframe_be
open_fails()
{
	! as_guest "$frontend" "$(host_frontend "$1")" silent >/dev/null && logged "$2"
}
check 'a file that is no WAV file can not be recorded from' open_fails 7 'card 7 .*no WAV file'
check 'a file that is not there neither' open_fails 8 'card 8 .*No such file'
check 'a capture stream can not name files elsewhere' store_wait "$(host_backend 9)/state" 2
store_write "$(host_frontend 9)/state" 3
check 'and then does not connect' store_wait "$(host_backend 9)/state" 6
backend_end 'SIGTERM ends a daemon that has recorded'
check 'nothing is left of recording' nodes_ctl wait files=0 grants=0 mapped=0 ports=0

# A device that blocks: a file that is a FIFO without a reader. Nothing but its own card notices.
host_card_remove 0
for id in 1 6 7 8 9 10 11 12 13; do
	host_card_remove "$id"
done
mkfifo "$HOST_DIR/fifo"
printf 'pcm.blocks { type file slave.pcm null file "%s/fifo" format raw }\n' "$HOST_DIR" >"$HOST_DIR/alsa.conf"
export ALSA_CONFIG_PATH=/usr/share/alsa/alsa.conf:$HOST_DIR/alsa.conf
host_card 5 0/0/type=p '0/0/unique-id=alsa<blocks>' sample-rates=48000 sample-formats=s16_le
card_start
backend_start --wav-dir "$HOST_DIR/wav"
start_guest blocked "$frontend" "$(host_frontend 5)" crash >/dev/null
check 'a stream opens a device that blocks' nodes_ctl wait mapped=18
as_guest "$frontend" "$front" crash || HOST_FAILED=$((HOST_FAILED + 1))
store_write "$(host_frontend 5)/state" 5
check 'a blocked card closes as far as it can' store_wait "$(host_backend 5)/state" 5
as_guest "$frontend" "$front" crash || HOST_FAILED=$((HOST_FAILED + 1))
check 'other cards come and go meanwhile' test "$(store_read "$(host_backend 5)/state")" = 5
backend_end 'a blocked device does not keep the daemon from ending'
check 'which closes its card, too' test "$(store_read "$(host_backend 5)/state")" = 6
host_end "$blocked"
check 'nothing is left' nodes_ctl wait files=0 grants=0 mapped=0 ports=0
[ "$HOST_FAILED" = 0 ] || sed 's/^/# /' "$HOST_DIR/backend.log"
[ "$HOST_FAILED" = 0 ]
