#!/bin/bash
# SPDX-License-Identifier: MIT
# What a person sees who has no sound: the right error, one line that says what to do, and never a hang.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"

sound_start
wav=$HOST_DIR/in.wav
"$WAVTOOL" make "$wav" s16 48000 2 4800

# fails WANTED-ERROR WANTED-LINE PCM: aplay fails within five seconds with the error, and one line of ours explains it
fails()
{
	local said ours status=0
	said=$(as_guest timeout 5 "${SOUND_ENV[@]}" aplay -q -D "$3" "$wav" 2>&1) || status=$?
	ours=$(grep -c '^ALSA lib.*\(stream_open\|number_read\|pcm_xen\)' <<<"$said" || :)
	printf '%s\nexit %s, %s lines of ours\n' "$said" "$status" "$ours"
	[ "$status" = 1 ] && [ "$ours" = 1 ] && grep -q "audio open error: $1" <<<"$said" && grep -q "$2" <<<"$said"
}

plays()
{
	as_guest timeout 20 "${SOUND_ENV[@]}" aplay -q -D xen "$wav" && "$WAVTOOL" same "$SOUND_OUT/out.wav" "$wav"
}

# with_fault NODE ERRNO COMMAND...
with_fault()
{
	local status=0
	nodes_ctl fault "$1" open "$2"
	shift 2
	"$@" || status=$?
	nodes_ctl clear
	return "$status"
}

check 'no Xen' with_fault xenbus ENOENT fails 'No such device' 'no Xen guest' xen
check 'no event channel node' with_fault evtchn ENOENT fails 'No such file' 'modprobe xen-evtchn' xen
check 'no grant node' with_fault gntalloc ENOENT fails 'No such file' 'modprobe xen-gntalloc' xen
check 'no permission' with_fault xenbus EACCES fails 'Permission denied' 'as root' xen
check 'no permission for grants' with_fault gntalloc EACCES fails 'Permission denied' '/dev/xen/gntalloc' xen
check 'no such card' fails 'No such device' 'no sound card 3' xen:3
check 'no such device' fails 'No such file' 'no playback stream on device 5' xen:0,5
check 'a card that is no number' fails 'Invalid argument' 'not a number' xen:abc

nodes_ctl limit 2
check 'no pages left to share' fails 'No space left' 'parameters/limit' xen
nodes_ctl limit 1024

in_use()
{
	local pid status=0
	start_guest pid "${SOUND_ENV[@]}" aplay -q -D xen -f dat /dev/zero
	store_wait "$(host_frontend 0)/state" 4
	fails 'Device or resource busy' "in use by process $pid" xen || status=1
	host_end "$pid"
	return "$status"
}
check 'a card in use names who has it' in_use
check 'the card plays again afterwards' plays

bad_node()
{
	local status=0
	store_write "$(host_frontend 0)/$1" "$2"
	fails 'Invalid argument' "$1" xen || status=1
	store_write "$(host_frontend 0)/$1" "$3"
	return "$status"
}
check 'a malformed rate names its node' bad_node sample-rates '44100,fast' 8000,22050,44100,48000,96000
check 'a malformed channel count names its node' bad_node channels-max two 2
check 'a malformed stream type names its node' bad_node 0/0/type playback p
check 'a buffer that is too small names its node' bad_node buffer-size 16 131072
check 'the card plays again afterwards' plays

refused()
{
	local said
	said=$(as_guest timeout 10 "${SOUND_ENV[@]}" aplay -q -D xenhw -f S16_LE -r 12345 -c 2 "$wav" 2>&1 --dump-hw-params) || :
	grep -q 'RATE' <<<"$said"
}
check 'what the card can do is shown' refused

backend_gone()
{
	host_end "$SOUND_BACKEND" KILL
	fails 'Connection timed out' 'is xensnd-backend running' xen
}
check 'no backend' backend_gone
sound_backend_start
check 'the card plays when the backend is back' plays

sound_end
[ "$HOST_FAILED" = 0 ]
