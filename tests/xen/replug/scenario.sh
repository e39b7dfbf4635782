# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# A guest's card is detached while a program plays on it, and another attached: the program goes on with that.
. "$HERE/card.sh"

VSND=$(card 'wav<played-%n.wav>')

# opens COUNT: waits until the guest's stream was opened so many times
opens()
{
	timeout 10 tail -n +1 -s 0.2 -F /run/lab/backend.log 2>/dev/null | grep -m "$1" 'open, ' | tail -n "+$1" | grep -q .
}

# detached: neither side's nodes are left, also when the guest has had time to write there
detached()
{
	xl vsnd-detach replug 0 || return
	sleep 0.5
	! xenstore-exists "/local/domain/$id/device/vsnd/0" && ! xenstore-exists "backend/vsnd/$id/0"
}

# attach: the card as guest_create made it
attach()
{
	IFS='|'
	set --
	for part in $VSND; do
		set -- "$@" "$(echo "$part" | xargs)"
	done
	xl vsnd-attach replug "$@"
}

# attached COUNT: the guest has opened its stream so many times by then
attached()
{
	(attach) && opens "$1"
}

/files/wavtool make "$WAV_DIR/played.wav" s16 48000 2 960000 3
backend_start --wav-dir "$WAV_DIR" -v
guest_create replug pv generic guest.sh "$VSND"
id=$(guest_id replug)
guest_wait_line replug 60 '^the guest begins'
opens 1
for round in 1 2 3; do
	sleep "1.$round"
	check "$round: the card is detached, and nothing of it is left" detached
	sleep "$round"
	check "$round: another is attached, and the guest plays on it" attached "$((round + 1))"
done
guest_wait_line replug 60 'the next aplay plays'
check 'the card is detached again' detached
guest_tell replug detached
check 'all well' guest_wait replug 60
check 'nothing is heard twice, and at most a buffer is lost' heard_once "$WAV_DIR/played.wav" "$WAV_DIR"/played-[0123].wav
