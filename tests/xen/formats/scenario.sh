# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Every sample format, channel count and rate that the card offers comes out bit-exact, in a PV and in a PVH guest.
. "$HERE/card.sh"

# A backend numbers its files from 0 on in the order in which they were opened; the guest plays in that of /files/formats.
compare()
{
	number=0
	while read -r name; do
		check "$1: $name is bit-exact through xenhw" "$WAVTOOL" same "$WAV_DIR/$1-$number.wav" "/files/$name.wav"
		number=$((number + 1))
	done </files/formats
}

for type in pv pvh; do
	backend_start --wav-dir "$WAV_DIR" -v
	guest_create "$type" "$type" generic guest.sh "$(card "wav<$type-%n.wav>")"
	check "$type: all files play" guest_wait "$type" 300
	compare "$type"
	backend_stop
done
