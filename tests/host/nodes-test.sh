#!/bin/bash
# SPDX-License-Identifier: MIT
# The emulated nodes themselves, under the real libraries and xenstored: nodes/selftest.c says what is promised.
set -eu
# shellcheck source=tests/host/lib.sh
. "$(dirname "$0")/lib.sh"

host_start
export XENNODES=$BUILD/tests/host/xennodes
as_guest "$BUILD/tests/host/nodes-selftest"

# a guest that xenstored knows
host_guest 7
host_card 0 short-name=Main
check 'a guest writes below its own folder' as_guest xenstore-write device/vsnd/0/state 3
check 'the host reads it there' test "$(store_read "$(host_frontend 0)/state")" = 3
check 'a guest reads its backend' as_guest xenstore-read "$(host_backend 0)/state"
if as_guest xenstore-write "$(host_backend 0)/state" 4 2>/dev/null; then
	not_ok 'a guest can not write to its backend'
else
	ok 'a guest can not write to its backend'
fi
exec {first}< <(as_guest xenstore-watch -n 2 data) {second}< <(as_guest xenstore-watch -n 2 data)
read -r -u "$first" _
read -r -u "$second" _
as_guest xenstore-write data/x 1
read -r -u "$first" one
read -r -u "$second" two
check 'clients of a guest have the same watch, and each hears it' test "$one $two" = 'data/x data/x'
exec {first}<&- {second}<&-
host_card_remove 0
host_guest 8
HOST_GUEST=7
as_guest "$BUILD/tests/host/nodes-selftest" restore
check 'its exit would have crashed a kernel with old ports' nodes_ctl wait crashes=2
HOST_GUEST=8
host_guest_end 8
check 'a guest that is gone leaves nothing' nodes_ctl wait files=0 grants=0 ports=0
[ "$HOST_FAILED" = 0 ]
