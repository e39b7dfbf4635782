#!/bin/bash
# SPDX-License-Identifier: MIT
# The judge itself: what wavtool says of audio that was interrupted.
set -eu
# shellcheck source=tests/host/lib.sh
. "$(dirname "$0")/lib.sh"

host_start
tool=$BUILD/tests/tools/wavtool
cd "$HOST_DIR"
"$tool" make all s16 48000 2 10000

# piece NAME FROM FRAMES [FROM FRAMES]...: a file with these parts of the reference
piece()
{
	local name=$1
	shift
	head -c 44 all >"$name"
	while [ $# -gt 0 ]; do
		tail -c "+$((45 + $1 * 4))" all | head -c "$(($2 * 4))" >>"$name"
		shift 2
	done
}

# refuses COMMAND...: it says no, and does not crash
refuses()
{
	local status=0
	"$@" || status=$?
	[ "$status" = 1 ]
}

piece first 0 4000
piece second 4500 3000
piece third 7500 2500
piece early 3999 3501
piece torn 4500 1000 5600 1900
piece short 7500 2499
piece nothing 0 0
head -c 2000 /dev/zero | cat third - >padded
check 'pieces in their order pass' "$tool" pieces 500 all first nothing second third
check 'silence may follow the last' "$tool" pieces 500 all first second padded
check 'more lost than allowed is seen' refuses "$tool" pieces 499 all first second third
check 'a frame that is heard twice is seen' refuses "$tool" pieces 500 all first early third
check 'a gap within a piece is seen' refuses "$tool" pieces 500 all first torn third
check 'a wrong order is seen' refuses "$tool" pieces 10000 all second first third
check 'a missing end is seen' refuses "$tool" pieces 500 all first second short

piece anew 0 4000 0 100 0 6000
piece gap 0 4000 0 100 600 3000
piece back 0 4000 2000 1000
check 'a source that began anew is recognized' "$tool" beginnings anew all 3 0
check 'too few beginnings are seen' refuses "$tool" beginnings anew all 4 0
check 'a gap is told from a beginning' "$tool" beginnings gap all 2 1
check 'a gap that should not be is seen' refuses "$tool" beginnings gap all 2 0
check 'a part that is recorded twice is seen' refuses "$tool" beginnings back all 1 1
[ "$HOST_FAILED" = 0 ]
