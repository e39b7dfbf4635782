# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# In the guest: Linux' own frontend records from each of the card's streams, and hands over what it got.
load_module snd_xen_front

# record DEVICE SECONDS FILE [ARECORD-OPTION...]
record()
{
	device=$1
	seconds=$2
	file=$3
	shift 3
	arecord -q -D "hw:0,$device" -f S16_LE -r 48000 -c 2 --period-size=1024 --buffer-size=8192 -d "$seconds" "$@" "$file" \
		2>/tmp/said || echo failed >>/tmp/said
	cat /tmp/said
	[ ! -s /tmp/said ] && lab_give "$file"
}

check "Linux' own frontend records from a WAV file" record 1 3 file.wav
lab_await loopback
check "Linux' own frontend records from a sound card" record 2 10 card.wav
echo recording
# Without blocking: in read() Linux gives up, with EIO, when nothing has come for little more than a buffer's time.
check "Linux' own frontend records while the backend is held up" record 2 8 overrun.wav -N
