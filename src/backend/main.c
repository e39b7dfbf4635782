/* SPDX-License-Identifier: MIT */
/*
 * xensnd-backend: prepares the process, checks that the host has what is needed and says what to do
 * if not, and runs the backend.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <alsa/asoundlib.h>
#include <xenstore.h>

#include "backend.h"
#include "daemon_log.h"
#include "options.h"
#include "privileges.h"
#include "service.h"

#define EXIT_USAGE 2

/* Signals are blocked in all threads and read from a descriptor: no handler ever runs. */
static int signals_prepare(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The nodes are opened for each stream; say now what would fail then. */
static int node_check(const char *path, const char *module, const struct xensnd_log *log)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		xensnd_log(log, XENSND_LOG_ERROR, "there is no %s: modprobe %s (and run under Xen)",
			path, module);
	else
		xensnd_log(log, XENSND_LOG_ERROR,
			"can not open %s: %s; run as root, or give the user access to it", path,
			strerror(errno));
	return -errno;
}

static int instance_lock(const struct xensnd_options *options, const struct xensnd_log *log)
{
	char *path;
	int fd = xensnd_pid_file_lock(options->pid_file, &path);

	if (fd == -EBUSY)
		xensnd_log(log, XENSND_LOG_ERROR,
			"another xensnd-backend is running: it has locked %s", path);
	else if (fd < 0)
		xensnd_log(log, XENSND_LOG_ERROR,
			"can not write %s: %s; choose another place by --pid-file",
			path ? path : "the pid file", strerror(-fd));
	free(path);
	return fd;
}

static struct xs_handle *xenstore_open(const struct xensnd_log *log)
{
	struct xs_handle *xs = xs_open(0);

	if (!xs)
		xensnd_log(log, XENSND_LOG_ERROR,
			"can not connect to XenStore: %s; is xenstored running (in dom0), or "
			"/dev/xen/xenbus "
			"there (in a driver domain)?",
			strerror(errno));
	return xs;
}

static void alsa_say_nothing(
	const char *file, int line, const char *function, int error, const char *format, ...)
{
	(void)file;
	(void)line;
	(void)function;
	(void)error;
	(void)format;
}

static int backend_serve(struct xs_handle *xs, int signal_fd, const struct xensnd_options *options,
	const struct xensnd_log *log)
{
	struct xensnd_backend *backend;
	int ret = xensnd_backend_new(&backend, xs, options, log);

	if (ret < 0) {
		xensnd_log(log, XENSND_LOG_ERROR, "can not watch XenStore: %s", strerror(-ret));
		xs_close(xs);
		return ret;
	}
	xensnd_log(log, XENSND_LOG_INFO, "ready");
	xensnd_service_notify("READY=1");
	ret = xensnd_backend_run(backend, signal_fd);
	xensnd_service_notify("STOPPING=1");
	if (ret < 0)
		xensnd_log(log, XENSND_LOG_ERROR, "XenStore is lost: %s", strerror(-ret));
	if (!xensnd_backend_free(backend))
		_exit(ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	return ret;
}

static int process_run(const struct xensnd_options *options, const struct xensnd_log *log)
{
	int lock_fd, signal_fd = signals_prepare();
	struct xs_handle *xs = NULL;
	int ret = -EIO;

	if (signal_fd < 0)
		return signal_fd;
	lock_fd = instance_lock(options, log);
	if (lock_fd >= 0)
		xs = xenstore_open(log);
	if (xs)
		ret = xensnd_privileges_drop(options->user, log);
	if (xs && ret == 0)
		ret = node_check("/dev/xen/gntdev", "xen-gntdev", log);
	if (xs && ret == 0)
		ret = node_check("/dev/xen/evtchn", "xen-evtchn", log);
	if (xs && ret == 0)
		ret = backend_serve(xs, signal_fd, options, log);
	else if (xs)
		xs_close(xs);
	if (lock_fd >= 0)
		close(lock_fd);
	close(signal_fd);
	return ret;
}

int main(int argc, char **argv)
{
	struct xensnd_options options;
	struct xensnd_log log;
	int ret = xensnd_options_parse(&options, argc, argv);

	if (ret == 0) {
		xensnd_daemon_log_init(&log, options.log_level);
		if (!options.alsa_messages)
			snd_lib_error_set_handler(alsa_say_nothing);
		ret = process_run(&options, &log) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
		snd_config_update_free_global();
	} else {
		ret = ret < 0 ? EXIT_USAGE : EXIT_SUCCESS;
	}
	xensnd_options_free(&options);
	return ret;
}
