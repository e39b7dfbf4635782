# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced: gets Debian packages, for every script that needs one. Two ways, and the difference matters: what a build
# or a test runs is installed; a kernel, a hypervisor and Xen's tools are only downloaded and unpacked, since
# installing those changes what the machine boots.

packages_say()
{
	printf '%s\n' "$*" >&2
}

# packages_missing PKG...: those that are not installed, one a line
packages_missing()
{
	for package in "$@"; do
		case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || :) in
		ii*|hi*) ;;
		*) printf '%s\n' "$package" ;;
		esac
	done
}

# packages_as_root COMMAND...: as root, or through sudo, without asking for anything on the terminal's input
packages_as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@" </dev/null
	else
		sudo "$@" </dev/null
	fi
}

# packages_known PKG...: whether the package lists hold them all
packages_known()
{
	for package in "$@"; do
		apt-cache show --no-all-versions "$package" >/dev/null 2>&1 || return 1
	done
}

packages_update()
{
	packages_as_root apt-get -q -o DPkg::Lock::Timeout=300 update >&2
}

# need_packages PKG...: installs those that are missing
need_packages()
{
	missing=$(packages_missing "$@" | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		packages_say "These Debian packages are missing; as root, type: apt-get install $missing"
		return 1
	fi
	packages_say "# installs $missing"
	# shellcheck disable=SC2086 # a list of names
	packages_known $missing || packages_update
	# shellcheck disable=SC2086
	packages_install $missing && return
	# the lists may be older than the archive
	packages_update
	# shellcheck disable=SC2086
	packages_install $missing && return
	packages_say "Installing failed; see why with: apt-get install $missing"
	return 1
}

packages_install()
{
	packages_as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout=300 --no-install-recommends install "$@" >&2
}

# kernel_package FLAVOUR: the exact package that linux-image-FLAVOUR (amd64, cloud-amd64) depends on
kernel_package()
{
	packages_known "linux-image-$1" || packages_update || return
	apt-cache show --no-all-versions "linux-image-$1" |
		sed -n 's/^Depends:.* *\(linux-image-[0-9][^ ]*\) (=.*/\1/p' | grep .
}

# fetch_packages DIR PKG...: downloads what DIR does not hold yet; installs nothing, needs no root
fetch_packages()
{
	fetch_dir=$1
	shift
	mkdir -p "$fetch_dir"
	for package in "$@"; do
		package_file "$fetch_dir" "$package" >/dev/null && continue
		packages_say "# downloads $package"
		packages_download "$fetch_dir" "$package" && continue
		# lists that are missing, or older than the archive
		packages_update && packages_download "$fetch_dir" "$package" && continue
		packages_say "Downloading $package failed: is the network up? As root, type apt-get update, then try again."
		return 1
	done
}

# packages_download DIR PKG: a file in DIR is a whole one
packages_download()
{
	download_dir=$(mktemp -d "$1/download.XXXXXX") || return
	download_status=0
	(cd "$download_dir" && apt-get -q -o "APT::Sandbox::User=$(id -un)" download "$2" >&2 &&
		mv ./*.deb ..) || download_status=$?
	rm -rf "$download_dir"
	return "$download_status"
}

# package_file DIR PKG: the downloaded file's name
package_file()
{
	find "$1" -maxdepth 1 -name "$2_*.deb" 2>/dev/null | sort | tail -n 1 | grep .
}

# unpack_package DEB DIR [PATTERN...]: all of it, or the members that match (./usr/lib/...)
unpack_package()
{
	unpack_deb=$1
	unpack_dir=$2
	shift 2
	mkdir -p "$unpack_dir"
	if [ $# = 0 ]; then
		dpkg-deb -x "$unpack_deb" "$unpack_dir"
	else
		dpkg-deb --fsys-tarfile "$unpack_deb" | tar -x -C "$unpack_dir" --wildcards --no-same-owner "$@"
	fi
}
