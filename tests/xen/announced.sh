# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by guests that record: says when sound comes in. Linked into the scenarios' folders.

# announced FILE: copies standard input to the file, and says when the first of it, more than a WAV header, is there
announced()
{
	{
		dd bs=1 count=1000 2>/dev/null
		note 'the guest records'
		cat
	} >"$1"
}
