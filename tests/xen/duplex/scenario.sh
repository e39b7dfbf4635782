# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# One process in the guest plays and records for half a minute, by one poll loop, and both directions are bit-exact.
. "$HERE/card.sh"
. "$HERE/sources.sh"

sources_make "$WAV_DIR"
backend_start --wav-dir "$WAV_DIR" -v
for kind in pv/generic pvh/cloud; do
	type=${kind%/*}
	export GUEST_ARGS="$type"
	guest_create "$type" "$type" "${kind#*/}" guest.sh "$(card "wav<$type.wav>" 'wav<source.wav>')"
	id=$(guest_id "$type")
	check "$type: a guest plays and records at once" guest_wait "$type" 90
	check "$type: what it played is bit-exact" "$WAVTOOL" same "$WAV_DIR/$type.wav" "$WAV_DIR/played.wav"
	check "$type: the backend counted 0 underruns" [ "$(underruns "$id")" = 0 ]
done
