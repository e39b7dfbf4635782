# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# A PV guest, and a PVH guest whose kernel has no sound subsystem, each play a file by plain aplay.
. "$HERE/card.sh"

# demo NAME pv|pvh generic|cloud
demo()
{
	guest_create "$1" "$2" "$3" guest.sh "$(card "wav<$1.wav>")"
	id=$(guest_id "$1")
	check "$1: aplay -D xen plays a file in a $2 guest with the $3 kernel" guest_wait "$1" 60
	keep "$WAV_DIR/$1.wav"
	verdict=$("$WAVTOOL" same "$WAV_DIR/$1.wav" /files/demo.wav 2>&1) || {
		tap_not_ok "$1: bit-exact ($verdict)"
		return 0
	}
	count=$(underruns "$id")
	if [ "$count" = 0 ]; then
		tap_ok "$1: what dom0 received is the file: $verdict, $count underruns"
	else
		tap_not_ok "$1: $verdict, but $count underruns"
	fi
}

backend_start --wav-dir "$WAV_DIR" -v
demo pv pv generic
demo pvh pvh cloud
