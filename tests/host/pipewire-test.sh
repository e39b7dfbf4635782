#!/bin/bash
# SPDX-License-Identifier: MIT
# PipeWire and WirePlumber on the card, by the configuration that is shipped: ten seconds are played and recorded at once,
# without a gap.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"
. "$(dirname "$0")/programs.sh"

programs_fetch pipewire pipewire-bin libspa-0.2-modules wireplumber
sound_start '0/1/unique-id=wav<source.wav>' buffer-size=524288
tone=$HOST_DIR/tone.wav
longer=$HOST_DIR/longer.wav
source=$SOUND_OUT/source.wav
recorded=$HOST_DIR/recorded.wav
log=$HOST_DIR/pipewire.log
frames=480000
daemon='' policy='' recorder=''
# PipeWire takes the card's float. pw-play 0.3.65 loses up to two buffers at the end of a file, on PipeWire's own null sink,
# too: what it plays is longer than what has to come out.
"$WAVTOOL" make "$tone" float 48000 2 "$frames"
"$WAVTOOL" make "$longer" float 48000 2 "$((frames + 65536))"
"$WAVTOOL" make "$source" s16 48000 2 "$((frames * 4))" 5

# Everything that the daemons look for is below the test's own folders. No bus: they would start one.
mkdir "$HOST_DIR/home" "$HOST_DIR/run" "$HOST_DIR/conf"
chmod 700 "$HOST_DIR/run"
cp -r "$PROGRAMS/usr/share/pipewire/." "$HOST_DIR/conf"
mkdir -p "$HOST_DIR/conf/pipewire.conf.d"
pipewire=(env -u DISPLAY "HOME=$HOST_DIR/home" "XDG_CONFIG_HOME=$HOST_DIR/home" "XDG_STATE_HOME=$HOST_DIR/home"
	"XDG_RUNTIME_DIR=$HOST_DIR/run" "PIPEWIRE_RUNTIME_DIR=$HOST_DIR/run" "PIPEWIRE_CONFIG_DIR=$HOST_DIR/conf"
	"PIPEWIRE_MODULE_DIR=$PROGRAMS_LIB/pipewire-0.3" "SPA_PLUGIN_DIR=$PROGRAMS_LIB/spa-0.2"
	"SPA_DATA_DIR=$PROGRAMS/usr/share/spa-0.2" "WIREPLUMBER_MODULE_DIR=$PROGRAMS_LIB/wireplumber-0.4"
	"WIREPLUMBER_DATA_DIR=$PROGRAMS/usr/share/wireplumber" "WIREPLUMBER_CONFIG_DIR=$PROGRAMS/usr/share/wireplumber"
	"DBUS_SESSION_BUS_ADDRESS=unix:path=$HOST_DIR/run/none" "DBUS_SYSTEM_BUS_ADDRESS=unix:path=$HOST_DIR/run/none"
	"LD_LIBRARY_PATH=$PROGRAMS_LIB")

# As shipped, but for more headroom, and a longer cycle: here is no real time to be kept.
sed 's/\(headroom *= \)[0-9]*/\18192/' "$HOST_TESTS/../../conf/alsa-xen-pipewire.conf.example" \
	>"$HOST_DIR/conf/pipewire.conf.d/50-alsa-xen.conf"
printf 'context.properties = { default.clock.max-quantum = 8192 }\n' >"$HOST_DIR/conf/pipewire.conf.d/60-test.conf"
start_guest daemon "${SOUND_ENV[@]}" "${pipewire[@]}" PIPEWIRE_DEBUG=3 "$PROGRAMS/usr/bin/pipewire" 2>"$log"
check 'PipeWire starts with the shipped configuration' line_of "$log" "section 'context.exec'"
# Its policy only: nobody looks for this machine's cards.
host_start_with policy "${pipewire[@]}" "$PROGRAMS/usr/bin/wireplumber" -c policy.conf 2>"$HOST_DIR/wireplumber.log"

host_start_with recorder "${pipewire[@]}" "$PROGRAMS/usr/bin/pw-record" --target=xen_in --latency=8192 --format=s16 \
	--rate=48000 --channels=2 "$recorded"
check 'pw-play plays' silent "${pipewire[@]}" timeout 40 "$PROGRAMS/usr/bin/pw-play" --target=xen --latency=8192 "$longer"
check 'pw-record records' arrives "$((44 + frames * 4))" "$recorded"
host_end "$recorder" INT
check 'PipeWire still runs' kill -0 "$daemon"
host_end "$policy"
host_end "$daemon"

check 'what PipeWire played has no gap' gapless "$SOUND_OUT/out.wav" "$tone" "$frames"
check 'what PipeWire recorded has no gap' gapless "$source" "$recorded" "$((frames - 4096))"

sound_end
[ "$HOST_FAILED" = 0 ]
