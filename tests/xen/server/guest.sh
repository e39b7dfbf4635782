# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# In the guest: a sound server that has the card, and programs that know only the server.
. "$HERE/announced.sh"

export PULSE_SERVER=unix:/run/pulse.socket XDG_RUNTIME_DIR=/run
log=/run/pulse.log

# recorded FILE: until dom0 says that it has played all
recorded()
{
	mkfifo /run/recorded
	announced "$1" </run/recorded &
	announcer=$!
	parec --file-format=wav --format=s16le --rate=48000 --channels=2 >/run/recorded &
	recorder=$!
	lab_await played
	kill "$recorder"
	wait "$recorder" "$announcer"
}

pulseaudio -n -F "$HERE/server.pa" --exit-idle-time=-1 --use-pid-file=no --log-target=stderr --log-level=info 2>"$log" &
server=$!
check 'PulseAudio takes the card' log_await "$log" 30 'Daemon startup complete' "$server"
check 'a program plays through PulseAudio' paplay /files/ten.wav
check 'a program records through PulseAudio' recorded /tmp/recorded.wav
check 'the recording contains the file bit-exact and without a gap' /files/wavtool contains /tmp/recorded.wav /files/four.wav
check 'a second program plays' paplay /files/short.wav
kill "$server"
check 'PulseAudio ends' wait "$server"
cat "$log"
check 'PulseAudio saw no xrun' sh -c "! grep -iE 'underrun|overrun|xrun|broken pipe' $log"
