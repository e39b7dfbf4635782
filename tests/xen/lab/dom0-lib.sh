# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Part of dom0's image: what a scenario may use, besides lib.sh. README.md tells what each does.
# shellcheck source=tests/xen/lab/lib.sh
. /lab/lib.sh

# the serial line that the host prints live; the other one has everything else
report()
{
	printf '%s\n' "$*" >/dev/ttyS1
	printf '%s\n' "$*"
}

keep()
{
	mkdir -p "/out/${HERE##*/}"
	cp -r "$@" "/out/${HERE##*/}/"
}

# --- guests ---

guest_console()
{
	printf '/var/log/xen/guest-%s.log' "$1"
}

guest_log()
{
	tr -d '\r' <"$(guest_console "$1")"
}

guest_id()
{
	xl domid "$1"
}

# guest_vsnd VSND...: cards, as xl spells them
guest_vsnd()
{
	for card in "$@"; do
		printf '%s\n' "$card" | tr '\n' ' ' | sed -e 's/[[:space:]]*$//' -e "s/[[:space:]]*|[[:space:]]*/', '/g" -e "s/.*/[ '&' ],/"
	done
}

# guest_config NAME TYPE KERNEL SCRIPT [VSND...]
guest_config()
{
	cat <<-END
		name = '$1'
		type = '$2'
		kernel = '/lab/guest/kernel-$3'
		ramdisk = '$(guest_ramdisk "$3")'
		extra = 'console=hvc0 loglevel=3 $(cat /lab/kernel-options) ${GUEST_CMDLINE:-} LAB_SCRIPT=$4 LAB_ARGS="${GUEST_ARGS:-}"'
		memory = ${GUEST_MEMORY:-192}
		vcpus = ${GUEST_VCPUS:-1}
		cpus = '$guest_cpu'
		on_poweroff = 'destroy'
		on_reboot = 'destroy'
		on_crash = 'destroy'
	END
	shift 4
	[ $# = 0 ] || printf 'vsnd = [ %s ]\n' "$(guest_vsnd "$@")"
	printf '%s\n' "${GUEST_EXTRA:-}"
}

# guest_ramdisk KERNEL: its path; with the scenario's own programs if there are any
guest_ramdisk()
{
	ramdisk=/run/lab/ramdisk-$1
	ramdisk_own=/lab/guest/${HERE##*/}.cpio
	if [ -e "$ramdisk_own" ]; then
		ramdisk=/run/lab/ramdisk-$1-own
	else
		ramdisk_own=
	fi
	[ -e "$ramdisk" ] || cat /lab/guest/guest.cpio "/lab/guest/modules-$1.cpio" /lab/guest/run.cpio \
		${ramdisk_own:+"$ramdisk_own"} >"$ramdisk"
	printf '%s\n' "$ramdisk"
}

guest_create()
{
	guest_name=$1
	guest_type=$2
	guest_kernel=$3
	guest_script=$(realpath "$4")
	shift 4
	# Never moved to another processor: emulated SVM gets its state mixed up then, and the guest triple-faults.
	guest_cpu=$((($(wc -l </run/lab/guests) + 1) % $(nproc)))
	echo "$guest_name" >>/run/lab/guests
	guest_config "$guest_name" "$guest_type" "$guest_kernel" "$guest_script" "$@" >"/run/lab/$guest_name.cfg"
	rm -f "$(guest_console "$guest_name")" "/run/lab/$guest_name.passed"
	xl create -q "/run/lab/$guest_name.cfg" || return
	guest_id "$guest_name" >"/run/lab/$guest_name.id"
	note "guest $guest_name ($guest_type, $guest_kernel) created"
}

guest_wait_line()
{
	log_await "$(guest_console "$1")" "$2" "$3"
}

# guest_pass NAME: hands on the guest's result lines that were not handed on yet
guest_pass()
{
	guest_log "$1" | grep -E '^(ok|not ok|#) ' >"/run/lab/$1.tap" || :
	passed=$(cat "/run/lab/$1.passed" 2>/dev/null || echo 0)
	tail -n "+$((passed + 1))" "/run/lab/$1.tap" | while read -r line; do
		report "$line"
	done
	wc -l <"/run/lab/$1.tap" >"/run/lab/$1.passed"
}

guest_wait()
{
	guest_status=124
	if guest_wait_line "$1" "$2" '^LAB-END|Kernel panic'; then
		guest_status=$(guest_log "$1" | sed -n 's/^LAB-END //p' | tail -n 1)
		guest_gone "$1" || :
	else
		note "guest $1 did not end within $2 s"
	fi
	guest_pass "$1"
	return "${guest_status:-125}"
}

# guest_gone NAME: until its domain is destroyed, which its power-off starts
guest_gone()
{
	gone_id=$(guest_id "$1" 2>/dev/null) || return 0
	xenstore_await 20 "/local/domain/$gone_id" guest_gone_now "$gone_id"
}

guest_gone_now()
{
	! xenstore-exists "/local/domain/$1"
}

guest_tell()
{
	xenstore-write "/local/domain/$(guest_id "$1")/data/lab-$2" 1
}

guest_file()
{
	guest_log "$1" | sed -n "/^LAB-FILE $2\$/,/^LAB-FILE-END/p" | sed -e 1d -e '$d' | base64 -d | gzip -dc >"$2"
}

# --- programs in the background ---

service_start()
{
	service_name=$1
	service_ready=$2
	shift 2
	"$@" >"/run/lab/$service_name.log" 2>&1 &
	echo $! >"/run/lab/$service_name.pid"
	[ -z "$service_ready" ] || service_wait_line "$service_name" 20 "$service_ready" || {
		note "$service_name was not ready in time"
		service_log "$service_name"
		return 1
	}
}

service_pid()
{
	cat "/run/lab/$1.pid"
}

service_log()
{
	cat "/run/lab/$1.log"
}

service_wait_line()
{
	log_await "/run/lab/$1.log" "$2" "$3" "$(service_pid "$1")"
}

# service_signal NAME SIGNAL: its exit code is returned
service_signal()
{
	signal_pid=$(service_pid "$1")
	rm "/run/lab/$1.pid"
	kill "-$2" "$signal_pid" 2>/dev/null || :
	wait "$signal_pid"
}

service_stop()
{
	service_signal "$1" TERM
}

service_kill()
{
	service_signal "$1" KILL || :
}

backend_start()
{
	service_start backend "${BACKEND_READY:-ready}" /usr/sbin/xensnd-backend "$@"
}

backend_stop()
{
	service_stop backend
}

backend_kill()
{
	service_kill backend
}

backend_log()
{
	service_log backend
}

backend_wait_line()
{
	service_wait_line backend "$@"
}
