# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Linux' own frontend records what the backend takes from a WAV file and from a sound card of dom0, ALSA's loopback; and goes on
# when that card has run over.
. "$HERE/card.sh"

play_on()
{
	while loopback_play /files/four.wav; do :; done
}

overruns()
{
	backend_log | grep "stream 2/0: closed, [0-9]* frames recorded, $1 overruns"
}

load_module snd-aloop
cp /files/ten.wav "$WAV_DIR/ten.wav"
backend_start --wav-dir "$WAV_DIR" -v
guest_create record pv generic guest.sh 'CARD, short-name=Lab, sample-rates=48000, sample-formats=s16_le, buffer-size=131072
	| PCM | STREAM, unique-id=null, type=p | PCM | STREAM, unique-id=wav<ten.wav>, type=c
	| PCM | STREAM, unique-id=alsa<hw:Loopback;0;0>, type=c'
play_on &
player=$!
guest_tell record loopback
guest_wait_line record 60 '^recording'
# Into the middle of it: the backend stands still for longer than the card's buffer lasts.
sleep 3
kill -STOP "$(pidof xensnd-backend)"
sleep 1
kill -CONT "$(pidof xensnd-backend)"
check 'the guest has recorded all' guest_wait record 60
kill "$player"
guest_file record file.wav
guest_file record card.wav
check 'a part of the WAV file, bit-exact and without a gap' "$WAVTOOL" contains /files/ten.wav file.wav
check 'what was played into the card, bit-exact and without a gap' "$WAVTOOL" contains card.wav /files/four.wav
check 'the card ran over when the backend stood still, and recording went on' overruns 1
