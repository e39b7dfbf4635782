# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# In the guest.

# fails ERROR LINE PCM: aplay fails within five seconds with the error, and one line of the plugin says what to do
fails()
{
	status=0
	timeout 5 aplay -q -D "$3" /files/short.wav >/tmp/said 2>&1 || status=$?
	cat /tmp/said
	[ "$status" = 1 ] && [ "$(grep -c '(stream_open)' /tmp/said)" = 1 ] && grep -q "audio open error: $1" /tmp/said &&
		grep -q "$2" /tmp/said
}

# killed: aplay is killed in mid-play
killed()
{
	aplay -q -D xen /files/four.wav &
	pid=$!
	sleep 1
	kill -9 "$pid"
	! wait "$pid"
}

# in_use: a second program is told who has the card
in_use()
{
	aplay -q -D xen /files/four.wav &
	pid=$!
	sleep 1
	rc=0
	fails 'Device or resource busy' "in use by process $pid" xen || rc=1
	wait "$pid"
	return "$rc"
}

without_module()
{
	rmmod "$1"
	rc=0
	fails 'No such file' "modprobe $2" xen || rc=1
	load_module "$2"
	return "$rc"
}

as_nobody()
{
	chmod 644 /files/short.wav 2>/dev/null || :
	rc=0
	su nobody -s /bin/sh -c 'timeout 5 aplay -q -D xen /files/short.wav' >/tmp/said 2>&1 || rc=$?
	cat /tmp/said
	[ "$rc" = 1 ] && grep -q 'Permission denied' /tmp/said && grep -q 'as root' /tmp/said
}

driver_bound()
{
	load_module snd_xen_front
	rc=0
	fails 'Device or resource busy' 'xen/drivers/vsnd/unbind' xen || rc=1
	echo vsnd-0 >/sys/bus/xen/drivers/vsnd/unbind
	rmmod snd_xen_front
	return "$rc"
}

check 'aplay is killed in mid-play' killed
check 'the next aplay takes the card over' aplay -q -D xen /files/short.wav
check 'a second program is told who has the card' in_use
check 'no such card' fails 'No such device' 'no sound card 3' xen:3
check 'no such device' fails 'No such file' 'no playback stream on device 5' xen:0,5
check 'no event channel module' without_module xen_evtchn xen-evtchn
check 'no grant module' without_module xen_gntalloc xen-gntalloc
check 'no permission' as_nobody
check 'the kernel driver holds the card' driver_bound
aplay -q -D xen /files/four.wav
