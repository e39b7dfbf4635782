# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Killed programs, missing modules, cards that are not there or taken: on the real thing.
. "$HERE/card.sh"

backend_start --wav-dir "$WAV_DIR" -v
for type in pv pvh; do
	guest_create "$type" "$type" generic guest.sh "$(card "wav<$type-%n.wav>")"
	check "$type: every fault is answered" guest_wait "$type" 120
	last=$(find "$WAV_DIR" -name "$type-*.wav" | sed 's/.*-\([0-9]*\)\.wav/\1/' | sort -n | tail -n 1)
	check "$type: what is played after all that is bit-exact" "$WAVTOOL" same "$WAV_DIR/$type-$last.wav" /files/four.wav
done
