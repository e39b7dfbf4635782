# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# In the guest: a sound server that has the card, and programs that know only the server.
. "$HERE/grown.sh"

export PULSE_SERVER=unix:/run/pulse.socket XDG_RUNTIME_DIR=/run
log=/run/pulse.log

# recorded FILE: 6 seconds, in which dom0 plays something
recorded()
{
	parec -d xen_in --file-format=wav --format=s16le --rate=48000 --channels=2 "$1" &
	recorder=$!
	grown "$1" 1000 && note 'the guest records' && grown "$1" $((6 * 48000 * 4))
	rc=$?
	kill "$recorder" && wait "$recorder" && return "$rc"
}

pulseaudio -n -F "$HERE/server.pa" --exit-idle-time=-1 --use-pid-file=no --log-target=stderr --log-level=info 2>"$log" &
server=$!
check 'PulseAudio takes the card' log_await "$log" 30 'Daemon startup complete' "$server"
check 'a program plays through PulseAudio' paplay /files/ten.wav
check 'a program records through PulseAudio' recorded /tmp/recorded.wav
check 'the recording contains the file bit-exact and without a gap' /files/wavtool contains /tmp/recorded.wav /files/four.wav
check 'a second program plays' paplay /files/short.wav
note "PulseAudio took $(awk '{ print ($14 + $15) / 100 }' "/proc/$server/stat") s of processor time"
kill "$server"
check 'PulseAudio ends' wait "$server"
cat "$log"
check 'PulseAudio saw no xrun' sh -c "! grep -iE 'underrun|overrun|xrun|broken pipe' $log"
