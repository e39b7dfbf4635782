# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Guests are saved and restored while a program plays and another records: both go on by themselves, the guest's kernel survives
# the end of both. A checkpoint interrupts nothing.
. "$HERE/card.sh"

IMAGE=/run/lab/image

# opens DOMID: how many streams of that guest's cards were opened so far
opens()
{
	backend_log | grep -c "domain $1 .* open, " || :
}

# restored NAME: by way of a file, until it plays again
restored()
{
	xl save "$1" "$IMAGE" || return
	started=$(now_ms)
	xl restore "$IMAGE" || return
	resumed=$(now_ms)
	rm "$IMAGE"
	id=$(guest_id "$1")
	backend_wait_line 20 "domain $id card 0 .* open, " || return
	note "$1: xl restore took $((resumed - started)) ms; it plays after another $(($(now_ms) - resumed)) ms"
}

# restores NAME COUNT
restores()
{
	round=0
	while [ "$round" -lt "$2" ]; do
		round=$((round + 1))
		restored "$1" || return
		backend_wait_line 20 "domain $id card 1 .* open, " || return
		sleep "0.$((round + 2))"
	done
}

# checkpoint NAME: the guest stands still for that, and goes on in the same domain
checkpoint()
{
	id=$(guest_id "$1")
	before=$(opens "$id")
	xl save -c "$1" "$IMAGE" || return
	rm "$IMAGE"
	sleep 2
	[ "$(guest_id "$1")" = "$id" ] && [ "$(opens "$id")" = "$before" ]
}

# guest_run TYPE KERNEL RESTORES SECONDS: it plays and records for so long, without the time for which it is away
guest_run()
{
	type=$1
	dir=$WAV_DIR/$type
	mkdir "$dir"
	/files/wavtool make "$dir/played.wav" s16 48000 2 "$((48000 * $4))" 1
	/files/wavtool make "$dir/source.wav" s16 48000 2 1440000 2
	backend_start --wav-dir "$dir" -v
	export GUEST_ARGS="$type $3 $4" GUEST_MEMORY=128
	guest_create "$type" "$type" "$2" guest.sh "$(card 'wav<played-%n.wav>')" "$(card null 'wav<source.wav>')"
	guest_wait_line "$type" 60 '^the guest begins'
	id=$(guest_id "$type")
	backend_wait_line 20 "domain $id card 0 .* open, "
	backend_wait_line 20 "domain $id card 1 .* open, "
	sleep 0.5
	check "$type: the guest is saved and restored $3 times" restores "$type" "$3"
	check "$type: a checkpoint makes nobody connect or open anew" checkpoint "$type"
	guest_wait_line "$type" 60 '^the guest plays again'
	sleep 1
	check "$type: it is saved and restored once more" restored "$type"
	guest_tell "$type" again
	check "$type: all well" guest_wait "$type" 60
	# what was played when the first aplay had ended
	rm -f "$dir/played-$(($3 + 1)).wav" "$dir/played-$(($3 + 2)).wav" "$dir/played-$(($3 + 3)).wav"
	check "$type: nothing is heard twice, and at most a buffer is lost" heard_once "$dir/played.wav" "$dir"/played-*.wav
	backend_stop
}

guest_run pv generic 5 16
guest_run pvh cloud 2 12
