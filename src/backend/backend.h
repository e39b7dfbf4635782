/* SPDX-License-Identifier: MIT */
/*
 * The backend's main loop: finds guests' cards in XenStore, keeps them up to date, and ends on a
 * signal.
 *
 * Apart from main(), which prepares the process for it.
 */
#ifndef XENSND_BACKEND_BACKEND_H
#define XENSND_BACKEND_BACKEND_H

#include <stdbool.h>
#include <xenstore.h>

#include "common/log.h"

#include "options.h"

struct xensnd_backend;

/* Takes over xs and watches. 0 or a negative errno. options and log outlive the backend. */
int xensnd_backend_new(struct xensnd_backend **backend, struct xs_handle *xs,
	const struct xensnd_options *options, const struct xensnd_log *log);

/* Runs until signal_fd, a signalfd, has something to read, then closes all cards: 0; negative
 * errno: XenStore is lost. */
int xensnd_backend_run(struct xensnd_backend *backend, int signal_fd);

/* Frees everything and closes XenStore. False: a stream's thread did not end, so the process can
 * only exit. */
bool xensnd_backend_free(struct xensnd_backend *backend);

#endif
