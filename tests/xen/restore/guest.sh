# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# In the guest. The arguments are how it is called in results, how often it is restored, and for how many seconds it plays, on one
# card, and records on another.
guest=$1
restores=$2
seconds=$3
# two cards, and each has a stream for either direction
CHANNELS=4

# keepers: how many processes hold event channels of before a restore
keepers()
{
	grep -lx xensnd-keeper /proc/[0-9]*/comm 2>/dev/null | wc -l
}

# killed: a program that was there during a restore dies without a chance to do anything
killed()
{
	aplay -q -D xenhw:0 /tmp/played.wav &
	pid=$!
	echo 'the guest plays again'
	lab_await again 100
	kill -9 "$pid"
	! wait "$pid"
}

kernel_is_well()
{
	! dmesg | grep -E 'BUG|Oops|WARNING|Call Trace|blocked for more'
}

/files/wavtool make /tmp/played.wav s16 48000 2 "$((48000 * seconds))" 1
/files/wavtool make /tmp/source.wav s16 48000 2 1440000 2
aplay -q -D xenhw:0 /tmp/played.wav &
player=$!
arecord -q -D xenhw:1 -f dat -d "$((seconds - 2))" /tmp/recorded.wav &
recorder=$!
echo 'the guest begins'
check "$guest: aplay plays through $restores restores and a checkpoint" wait "$player"
check "$guest: arecord records through $restores restores and a checkpoint" wait "$recorder"
# The one gap is the checkpoint, for which the guest stands still.
check "$guest: what it recorded is what the backend had, without a gap between restores" \
	/files/wavtool beginnings /tmp/recorded.wav /tmp/source.wav "$((restores + 1))" 1
check "$guest: processes of their own keep the event channels of before the restores" [ "$(keepers)" = "$((restores * CHANNELS))" ]
check "$guest: the kernel has nothing to complain of after the programs' end" kernel_is_well
check "$guest: aplay is killed after another restore" killed
check "$guest: the kernel has nothing to complain of after that either" kernel_is_well
check "$guest: the next aplay plays" aplay -q -D xenhw:0 /files/short.wav
check "$guest: the kernel is well" kernel_is_well
