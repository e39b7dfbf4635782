# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Small periods without an underrun. Run in virtual time: what is seen then depends on the work that is done, not on how busy the
# host is.
. "$HERE/card.sh"

backend_start --wav-dir "$WAV_DIR" -v
for sizes in 1024/8192 256/2048 128/1024; do
	name=p${sizes%/*}
	export GUEST_ARGS="$sizes"
	guest_create "$name" pv generic guest.sh "$(card "wav<$name.wav>")"
	id=$(guest_id "$name")
	check "periods of $sizes frames: aplay plays 10 s" guest_wait "$name" 120
	check "periods of $sizes frames: bit-exact" "$WAVTOOL" same "$WAV_DIR/$name.wav" /files/ten.wav
	check "periods of $sizes frames: the backend counted 0 underruns" [ "$(underruns "$id")" = 0 ]
done
