# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# The backend plays into a sound card of dom0, ALSA's loopback, and what is recorded there is the file, without a gap.
. "$HERE/card.sh"

load_module snd-aloop
backend_start --wav-dir "$WAV_DIR" -v
guest_create loop pv generic guest.sh "$(card 'alsa<hw:Loopback;0;0>')"
service_start recorder '' arecord -q -D hw:Loopback,1,0 -f S16_LE -r 48000 -c 2 --buffer-time=500000 /run/recorded.wav
id=$(guest_id loop)
guest_tell loop record
check 'a guest plays into a sound card' guest_wait loop 60
service_stop recorder || :
check 'the recording contains the file bit-exact and without a gap' "$WAVTOOL" contains /run/recorded.wav /files/four.wav
check 'the backend counted 0 underruns' [ "$(underruns "$id")" = 0 ]
