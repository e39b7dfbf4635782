/* SPDX-License-Identifier: MIT */
/* The daemon's log: lines on stderr, with syslog's priority before each when the journal reads it.
 */
#ifndef XENSND_BACKEND_DAEMON_LOG_H
#define XENSND_BACKEND_DAEMON_LOG_H

#include "common/log.h"

/* Fills in *log, for all threads. */
void xensnd_daemon_log_init(struct xensnd_log *log, enum xensnd_log_level level);

#endif
