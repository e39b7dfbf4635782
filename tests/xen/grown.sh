# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by guests that record. Linked into the scenarios' folders.

# grown FILE BYTES: waits until the file, which somebody writes, has so much
grown()
{
	[ "$(timeout 60 tail -c +1 -s 0.2 -F "$1" 2>/dev/null | head -c "$2" | wc -c)" = "$2" ]
}
