# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Part of every guest's image: what a guest's script may use, besides lib.sh.
# shellcheck source=tests/xen/lab/lib.sh
. /lab/lib.sh

# dom0 finds the lines in the console's log
report()
{
	printf '%s\n' "$*" >/dev/console
}

# lab_await WORD [TIMEOUT]: until dom0 says 'guest_tell NAME WORD'
lab_await()
{
	xenstore_await "${2:-60}" "data/lab-$1" xenstore-exists "data/lab-$1"
}

# lab_give FILE: through the console, for dom0's guest_file
lab_give()
{
	{
		echo "LAB-FILE ${1##*/}"
		gzip -1 -c "$1" | base64
		echo LAB-FILE-END
	} >/dev/console
}
