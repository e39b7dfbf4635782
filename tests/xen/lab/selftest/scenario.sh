# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Shows that the lab does what its README says, without a backend for sound.

# There is no backend here, but xl waits for one: says InitWait on behalf of it when a vsnd device appears (1),
# Closed when it is to go (5)
backends_pretend()
{
	xenstore-watch backend/vsnd | while read -r path; do
		case $path in
		backend/vsnd/*/*/state) ;;
		*) continue ;;
		esac
		case $(xenstore-read "$path") in
		1) xenstore-write "$path" 2 ;;
		5) xenstore-write "$path" 6 ;;
		esac
	done
}

# guest_passes NAME: its script ends with the exit code that it was told to
guest_passes()
{
	rc=0
	guest_wait "$1" 60 || rc=$?
	note "guest $1 ended"
	check "guest $1 hands its exit code back" [ "$rc" = 7 ]
}

card='CARD, short-name=Main, sample-rates=44100;48000, sample-formats=s16_le, channels-max=2, buffer-size=65536
	| PCM, name=Main | STREAM, unique-id=out0, type=p | STREAM, unique-id=in0, type=c, channels-max=1'
service_start pretend '' backends_pretend
export GUEST_ARGS='two words'

check "dom0 sees itself" xl list
load_module snd-aloop
load_module snd-dummy
check "dom0 has a loopback card" grep -q Loopback /proc/asound/cards
check "dom0 has a silent card" grep -q Dummy /proc/asound/cards
check "the host's files are in dom0" [ -e "$HERE/guest.sh" ]

# at the same time
guest_create pv0 pv generic guest.sh "$card"
guest_create pvh0 pvh generic guest.sh "$card" 'CARD, short-name=Second | PCM | STREAM, unique-id=b, type=p'
guest_create cloud0 pvh cloud guest.sh "$card"
check "the guest's card is listed" sh -c 'xl vsnd-list pv0 | grep "short-name: .Main"'
for guest in pv0 pvh0 cloud0; do
	guest_tell "$guest" go
	guest_passes "$guest"
done
guest_file pv0 given
check "a file of the guest comes over whole" sh -c 'seq 1 20000 | cmp - given'
check "no guest is left" [ "$(xl list | wc -l)" = 2 ]

guest_create pvcloud pv cloud guest.sh "$card"
check "a guest's line can be waited for" guest_wait_line pvcloud 30 '^waits for go'
note "saves"
check "a guest is saved" xl save pvcloud /run/lab/saved
note "restores"
check "a guest is restored" xl restore /run/lab/saved
note "restored"
guest_tell pvcloud go
guest_passes pvcloud
note "restored guest ended"

echo kept >/tmp/kept
keep /tmp/kept
