# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced, after packages.sh, by demo and check: what a build needs, and how one is made. TOP is the tree.

# shellcheck disable=SC2034 # used by those who source this
BUILD_PACKAGES='autoconf automake libtool make pkg-config gcc libc6-dev libasound2-dev libxen-dev libcmocka-dev alsa-utils'
# shellcheck disable=SC2034
FUZZ_PACKAGES='clang libclang-rt-dev'

say()
{
	printf '# %s\n' "$*"
}

# quietly LOG COMMAND...: its output goes to a file, of which the end is shown if it fails
quietly()
{
	quiet_log=$1
	shift
	"$@" >"$quiet_log" 2>&1 </dev/null && return
	tail -n 30 "$quiet_log" | sed 's/^/#  /'
	say "failed: $*; the whole log is $quiet_log"
	return 1
}

# configure_tree DIR [CONFIGURE-ARGUMENT...]: configures a build folder if it is new, or its arguments are
configure_tree()
{
	build_dir=$1
	shift
	mkdir -p "$build_dir"
	# Once there, make keeps it up to date by itself.
	if [ ! -x "$TOP/configure" ]; then
		quietly "$build_dir/bootstrap.log" "$TOP/scripts/bootstrap"
	fi
	if [ ! -e "$build_dir/Makefile" ] || [ "$(cat "$build_dir/arguments" 2>/dev/null)" != "$*" ]; then
		(cd "$build_dir" && quietly configure.log "$TOP/configure" --prefix=/usr --sysconfdir=/etc "$@")
		printf '%s' "$*" >"$build_dir/arguments"
	fi
}

# build_tree DIR [CONFIGURE-ARGUMENT...]: configures, and builds programs and tests
build_tree()
{
	configure_tree "$@"
	quietly "$build_dir/make.log" make -C "$build_dir" -j "$(nproc)" all &&
		quietly "$build_dir/make-check.log" make -C "$build_dir" -j "$(nproc)" check TESTS=
}

# build_stage DIR STAGE: installs a build below a folder, for the lab
build_stage()
{
	rm -rf "$2"
	quietly "$1/stage.log" make -C "$1" install "DESTDIR=$2"
}

# build_fuzz DIR: the fuzz targets, with clang's libFuzzer
build_fuzz()
{
	configure_tree "$1" --enable-werror --enable-sanitizers=fuzzer-no-link,address,undefined CC=clang 'CFLAGS=-g -O1'
	quietly "$1/make-fuzz.log" make -C "$1" -j "$(nproc)" fuzz-targets
}
