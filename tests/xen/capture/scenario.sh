# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Guests record what dom0 plays: WAV files, bit by bit from their first frame on, and a sound card of dom0, ALSA's loopback,
# without a gap.
. "$HERE/card.sh"
. "$HERE/sources.sh"

# vsnd: a capture stream for each file, then one for the loopback
vsnd()
{
	printf 'CARD, short-name=Lab, sample-rates=48000;96000, sample-formats=s16_le;s32_le, channels-max=8, buffer-size=524288'
	for source in $SOURCES; do
		printf ' | PCM, name=%s | STREAM, unique-id=wav<%s.wav>, type=c' "$source" "$source"
	done
	printf ' | PCM, name=loopback | STREAM, unique-id=alsa<hw:Loopback;0;0>, type=c'
}

load_module snd-aloop
sources_make "$WAV_DIR"
backend_start --wav-dir "$WAV_DIR" -v
for kind in pv/generic pvh/cloud; do
	type=${kind%/*}
	export GUEST_ARGS="$type"
	guest_create "$type" "$type" "${kind#*/}" guest.sh "$(vsnd)"
	guest_wait_line "$type" 90 'the guest records'
	check "$type: dom0 plays into what the guest records from" loopback_play /files/four.wav
	check "$type: arecord records" guest_wait "$type" 60
done
