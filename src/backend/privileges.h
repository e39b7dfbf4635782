/* SPDX-License-Identifier: MIT */
/*
 * Giving up what is not needed.
 *
 * The daemon parses what guests write, so after the start it keeps no capability at all: root
 * without capabilities still owns /dev/xen/gntdev, /dev/xen/evtchn and the sound devices, which are
 * opened for each stream. As another user these nodes have to be open to that user.
 */
#ifndef XENSND_BACKEND_PRIVILEGES_H
#define XENSND_BACKEND_PRIVILEGES_H

#include "common/log.h"

/*
 * Becomes a user (NULL: stays), with that user's groups, then drops all capabilities for good. 0 or
 * a negative errno, with a line in the log. Before other threads exist: capabilities belong to
 * threads.
 */
int xensnd_privileges_drop(const char *user, const struct xensnd_log *log);

#endif
