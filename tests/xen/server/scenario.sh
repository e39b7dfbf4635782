# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# A sound server in the guest holds the card: what programs play through it arrives without a gap, and so does what they
# record through it.
. "$HERE/card.sh"

load_module snd-aloop
backend_start --wav-dir "$WAV_DIR" -v
guest_create server pv generic guest.sh "$(card 'wav<server.wav>' 'alsa<hw:Loopback;0;0>')"
id=$(guest_id server)
guest_wait_line server 90 'the guest records'
check 'dom0 plays into what the guest records from' loopback_play /files/four.wav
check 'programs in a guest play and record through a sound server' guest_wait server 120
check 'what dom0 received contains the file bit-exact and without a gap' \
	"$WAVTOOL" contains "$WAV_DIR/server.wav" /files/ten.wav
check 'the backend counted 0 underruns' [ "$(underruns "$id")" = 0 ]
