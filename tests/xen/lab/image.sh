# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced: puts together the file trees of dom0 and guests, and packs them as initramfs archives. A list of programs
# becomes a tree that runs: each with the shared libraries it needs.

image_error()
{
	printf 'lab: %s\n' "$*" >&2
	return 1
}

# image_list FILE...: the entries of lists, without comments
image_list()
{
	cat -- "$@" </dev/null | sed -e 's/[[:space:]]*$//' -e '/^#/d' -e '/^$/d'
}

# image_skeleton ROOT: the merged-/usr layout that Debian's programs expect
image_skeleton()
{
	mkdir -p "$1"/{dev,etc,mnt,proc,root,run,sys,tmp,usr/bin,usr/sbin,usr/lib,usr/lib64,var/lib,var/log}
	local dir
	for dir in bin sbin lib lib64; do
		ln -sfn "usr/$dir" "$1/$dir"
	done
	ln -sfn ../run "$1/var/run"
	ln -sfn ../run/lock "$1/var/lock"
}

# image_place FROM ROOT FILE...: copies files to where they are in ROOT: those of the tree FROM, and what that has not got from
# this machine ('' is this machine alone)
image_place()
{
	local tree=$1 root=$2 file to from
	shift 2
	for file in "$@"; do
		from=$tree
		[ -e "$from$file" ] || from=
		case $file in
		/bin/*|/sbin/*|/lib/*|/lib64/*) to=$root/usr$file ;;
		*) to=$root$file ;;
		esac
		[ -e "$to" ] && continue
		mkdir -p "${to%/*}"
		cp -rL --no-target-directory --preserve=mode -- "$from$file" "$to"
	done
}

# image_elf PATH...: the programs and shared libraries in it
image_elf()
{
	find "$@" -type f -exec awk 'FNR == 1 { if (/^\177ELF/) print FILENAME; nextfile }' {} + 2>/dev/null
}

# image_libraries FROM ROOT LIBRARY_PATH ELF...: copies the shared libraries that these need
image_libraries()
{
	local from=$1 root=$2 path=$3 found
	shift 3
	[ $# -gt 0 ] || return 0
	# ldd fails for what is linked statically
	found=$(LD_LIBRARY_PATH=$path ldd "$@" 2>/dev/null) || :
	case $found in
	*'not found'*) image_error "missing shared libraries:" "$(grep 'not found' <<<"$found" | sort -u)" || return ;;
	esac
	local libraries
	mapfile -t libraries < <(sed -n -e 's/.*=> \(\/[^ ]*\) (.*/\1/p' -e 's/^\t\(\/[^ ]*\) (.*/\1/p' <<<"$found" | sort -u)
	image_place "$from" "$root" "${libraries[@]#"$from"}"
}

# image_find FROM ENTRY: a program's or a file's path
image_find()
{
	local path=$2
	case $path in
	/*) ;;
	*) path=$(PATH=$1/usr/bin:$1/usr/sbin:$PATH:/usr/sbin:/sbin type -P "$2") || image_error "no program '$2'" || return ;;
	esac
	path=${path#"$1"}
	[ -e "$1$path" ] || [ -e "$path" ] || image_error "there is no $1$path" || return
	printf '%s\n' "$path"
}

# image_library_path FROM: the folders of a tree that have shared libraries
image_library_path()
{
	[ -z "$1" ] || find "$1" -name '*.so*' -printf '%h\n' | sort -u | tr '\n' ':'
}

# image_programs FROM ROOT LIST...: what the lists name, and the libraries
image_programs()
{
	local from=$1 root=$2 entry path paths=() elf
	shift 2
	while read -r entry; do
		path=$(image_find "$from" "$entry") || return
		image_place "$from" "$root" "$path"
		paths+=("$root$path")
	done < <(image_list "$@")
	[ ${#paths[@]} -gt 0 ] || return 0
	mapfile -t elf < <(image_elf -H "${paths[@]}")
	image_libraries "$from" "$root" "$(image_library_path "$from")" "${elf[@]}"
}

# image_stage STAGE ROOT: an install tree, and the libraries that its programs need and it does not have
image_stage()
{
	local elf
	tar -C "$1" --exclude='*.a' --exclude='*.la' --exclude=./usr/include --exclude=./usr/share/man -cf - . |
		tar -C "$2" --keep-directory-symlink --no-same-owner -xf -
	mapfile -t elf < <(image_elf "$1")
	image_libraries "$1" "$2" "$1/usr/lib/x86_64-linux-gnu:$1/usr/lib" "${elf[@]}"
}

# image_busybox ROOT: busybox for all commands that ROOT has not got already
image_busybox()
{
	local applet
	cp "$(type -P busybox)" "$1/usr/bin/busybox"
	for applet in $(busybox --list); do
		[ -e "$1/usr/bin/$applet" ] || [ -e "$1/usr/sbin/$applet" ] || ln -s busybox "$1/usr/bin/$applet"
	done
}

# image_pack ROOT FILE: an uncompressed archive (emulated, unpacking it costs more than its size);
# several archives one after another are one initramfs
image_pack()
{
	(cd "$1" && find . -mindepth 1 -print0 | cpio -0 -o -H newc -R 0:0 --quiet) >"$2.new"
	mv "$2.new" "$2"
}
