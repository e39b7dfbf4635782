# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# Sourced after lib.sh and sound.sh: programs of others, and what a test of one needs. Servers are unpacked into the cache,
# not installed: an installed sound server wants to be everybody's.

PROGRAMS=$HOST_CACHE/programs
PROGRAMS_LIB=$PROGRAMS/usr/lib/$(gcc -print-multiarch)

# ---- packages ----

# programs_fetch PKG...: unpacks the packages, and whatever they need that is not installed
programs_fetch()
{
	local mark needed package
	mark=$PROGRAMS/fetched$(printf -- '-%s' "$@")
	[ -e "$mark" ] && return
	packages_known "$@" || packages_update || return
	needed=$(apt-get -s --no-install-recommends install "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p') || return
	for package in $needed $(programs_installed "$@"); do
		fetch_packages "$HOST_CACHE" "$package" || return
		unpack_package "$(package_file "$HOST_CACHE" "$package")" "$PROGRAMS" || return
	done
	: >"$mark"
}

# programs_installed PKG...: those that are installed; the others find them below the same root only
programs_installed()
{
	local package missing
	missing=$(packages_missing "$@")
	for package in "$@"; do
		grep -qx "$package" <<<"$missing" || printf '%s\n' "$package"
	done
}

# ---- running ----

# program SECONDS CMD...: as a guest of the card; it may take so long
program()
{
	local seconds=$1
	shift
	as_guest timeout "$seconds" "${SOUND_ENV[@]}" "$@"
}

# leaky CMD...: a program that leaks memory itself, which a sanitizer is not to tell us
leaky()
{
	ASAN_OPTIONS=detect_leaks=0 "$@"
}

# silent CMD...: succeeds and says nothing
silent()
{
	local said status=0
	said=$("$@" 2>&1) || status=$?
	[ "$status" = 0 ] && [ -z "$said" ] && return
	printf '%s\nexit status %s\n' "$said" "$status"
	return 1
}

# arrives BYTES [FILE]: waits until the backend has written so much of a file
arrives()
{
	local file=${2:-$SOUND_OUT/out.wav} got
	got=$(timeout "$HOST_PATIENCE" tail -q -c +1 -F "$file" 2>/dev/null | head -c "$1" | wc -c) || :
	[ "$got" = "$1" ] || { echo "only $got bytes of $file came, not $1, in $HOST_PATIENCE s"; return 1; }
}

# line_of FILE PATTERN: waits for a line in a file that a program writes to
line_of()
{
	timeout "$HOST_PATIENCE" tail -q -n +1 -F "$1" 2>/dev/null | grep -qm 1 -e "$2" ||
		{ echo "no '$2' in $1 within $HOST_PATIENCE s"; return 1; }
}

# plays_on BYTES CMD...: a program without an end, until so much of its sound has come; it must not have ended, nor complained,
# but for what $PLAYS_ON_EXCUSE matches
plays_on()
{
	local bytes=$1 pid status=0 log=$HOST_DIR/program.log
	shift
	rm -f "$SOUND_OUT/out.wav"
	start_guest pid timeout 60 "${SOUND_ENV[@]}" "$@" >"$log" 2>&1
	arrives "$bytes" || status=1
	kill -0 "$pid" 2>/dev/null || { echo 'it has ended by itself'; status=1; }
	host_end "$pid"
	if grep -vE "${PLAYS_ON_EXCUSE:-^$}" "$log" | grep -qiE 'error|underrun|xrun|fail|broken'; then
		status=1
	fi
	if [ "$status" != 0 ]; then
		cat "$log"
		return 1
	fi
}

# ---- expected failures ----

# fails_as_expected NAME CMD...: as the table says
fails_as_expected()
{
	local name=$1 status words why said got=0
	shift
	IFS='|' read -r _ status words why < <(grep "^$name|" "$HOST_TESTS/expected-failures") ||
		{ not_ok "$name is in the table of expected failures"; return; }
	said=$("$@" 2>&1) || got=$?
	if [ "$got" = "$status" ] && grep -qF "$words" <<<"$said"; then
		ok "expected failure of $name: $why"
	else
		not_ok "$name fails with status $status and '$words', as expected"
		printf '%s\nexit status %s\n' "$said" "$got" | sed 's/^/#  /'
	fi
}

# ---- comparing ----

# gapless RECORDED ORIGINAL FRAMES: the whole of the original is in what was recorded, and it is that long
gapless()
{
	local said
	said=$("$WAVTOOL" contains "$1" "$2" 2>&1) && [ "${said%% *}" -ge "$3" ] && return
	printf '%s (at least %s frames are wanted)\n' "$said" "$3"
	return 1
}
