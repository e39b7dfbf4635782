# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# In the guest: Linux' own frontend records from each of the card's streams, and hands over what it got.
load_module snd_xen_front

# record DEVICE SECONDS FILE
record()
{
	arecord -q -D "hw:0,$1" -f S16_LE -r 48000 -c 2 --period-size=1024 --buffer-size=8192 -d "$2" "$3" 2>/tmp/said ||
		echo failed >>/tmp/said
	cat /tmp/said
	[ ! -s /tmp/said ] && lab_give "$3"
}

check "Linux' own frontend records from a WAV file" record 1 3 file.wav
lab_await loopback
check "Linux' own frontend records from a sound card" record 2 8 card.wav
echo recording
check "Linux' own frontend records while the backend is held up" record 2 8 overrun.wav
