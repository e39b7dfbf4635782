# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# In the guest.
plays()
{
	/files/wavtool make /tmp/played.wav s16 48000 2 960000 3
	echo 'the guest begins'
	aplay -q -D xenhw /tmp/played.wav
}

check 'aplay plays through 3 detachments of its card' plays
check 'the next aplay plays' aplay -q -D xenhw /files/short.wav
lab_await detached
check 'without a card there is nothing to play on' sh -c '! timeout 5 aplay -q -D xenhw /files/short.wav'
check 'the kernel has nothing to complain of' sh -c '! dmesg | grep -E "BUG|Oops|WARNING|Call Trace"'
