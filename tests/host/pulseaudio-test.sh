#!/bin/bash
# SPDX-License-Identifier: MIT
# PulseAudio on the card, by the configuration that is shipped: ten seconds are played and recorded at once, without a gap.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"
. "$(dirname "$0")/programs.sh"

programs_fetch pulseaudio pulseaudio-utils
sound_start '0/1/unique-id=wav<source.wav>'
tone=$HOST_DIR/tone.wav
source=$SOUND_OUT/source.wav
recorded=$HOST_DIR/recorded.wav
log=$HOST_DIR/pulseaudio.log
frames=480000
daemon='' recorder=''
"$WAVTOOL" make "$tone" s16 48000 2 "$frames"
"$WAVTOOL" make "$source" s16 48000 2 "$((frames * 4))" 5

# The daemon's libraries, and everything else that it looks for, below the test's own folders. No bus: it would start one.
modules=$(echo "$PROGRAMS"/usr/lib/pulse-*/modules)
mkdir "$HOST_DIR/home" "$HOST_DIR/run"
chmod 700 "$HOST_DIR/run"
pulse=(env -u DISPLAY "HOME=$HOST_DIR/home" "XDG_CONFIG_HOME=$HOST_DIR/home" "XDG_RUNTIME_DIR=$HOST_DIR/run"
	"PULSE_RUNTIME_PATH=$HOST_DIR/run" "PULSE_STATE_PATH=$HOST_DIR/home" "PULSE_SERVER=unix:$HOST_DIR/run/pulse.sock"
	"DBUS_SESSION_BUS_ADDRESS=unix:path=$HOST_DIR/run/none" "DBUS_SYSTEM_BUS_ADDRESS=unix:path=$HOST_DIR/run/none"
	"LD_LIBRARY_PATH=$PROGRAMS_LIB:$PROGRAMS_LIB/pulseaudio:$modules")

# As shipped, but for larger fragments: here is no real time to be kept.
script()
{
	sed 's/fragment_size=[0-9]*/fragment_size=16384/' "$HOST_TESTS/../../conf/alsa-xen.pa.example"
	printf 'load-module module-native-protocol-unix auth-anonymous=1 socket=%s\n' "$HOST_DIR/run/pulse.sock"
}
script >"$HOST_DIR/script.pa"
start_guest daemon "${SOUND_ENV[@]}" "${pulse[@]}" "$PROGRAMS/usr/bin/pulseaudio" -n -v --daemonize=no --exit-idle-time=-1 \
	--use-pid-file=no --disable-shm --log-target=stderr "--dl-search-path=$modules" -F "$HOST_DIR/script.pa" 2>"$log"
check 'PulseAudio starts with the shipped configuration' line_of "$log" 'Loaded "module-native-protocol-unix"'

host_start_with recorder "${pulse[@]}" "$PROGRAMS/usr/bin/parecord" --device=xen_in --file-format=wav --format=s16le \
	--rate=48000 --channels=2 "$recorded"
check 'paplay plays' silent "${pulse[@]}" timeout 40 "$PROGRAMS/usr/bin/paplay" --device=xen "$tone"
# paplay ends before the card has played the last of it.
check 'PulseAudio plays on' arrives "$(($(stat -c %s "$SOUND_OUT/out.wav") + 48000 * 4))"
check 'parecord records' arrives "$((44 + frames * 4))" "$recorded"
host_end "$recorder" INT
check 'PulseAudio still runs' kill -0 "$daemon"
host_end "$daemon"

check 'what PulseAudio played has no gap' gapless "$SOUND_OUT/out.wav" "$tone" "$frames"
check 'what PulseAudio recorded has no gap' gapless "$source" "$recorded" "$((frames - 4096))"
said()
{
	[ "$(grep -c "$1" "$log")" -ge "$2" ] && return
	cat "$log"
	return 1
}
check 'PulseAudio maps both streams' said 'Successfully enabled mmap() mode' 2
check 'PulseAudio knows that nothing can be taken back' said 'Disabling rewind for device xenhw' 1
strange()
{
	! grep -iE 'strange|POLLERR|snd_pcm_(avail|delay|mmap).* (returned|failed)|most likely this is a bug' "$log"
}
check 'PulseAudio has nothing to complain about the card' strange

sound_end
[ "$HOST_FAILED" = 0 ]
