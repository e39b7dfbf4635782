/* SPDX-License-Identifier: MIT */
/*
 * A logger for Xen's libraries that says nothing.
 *
 * Apart because their default writes to stderr, which in a plugin is not ours: every failure
 * already comes back as an errno, and whoever handles it says one line that also tells what to do.
 */
#ifndef XENSND_COMMON_QUIET_XENTOOLLOG_H
#define XENSND_COMMON_QUIET_XENTOOLLOG_H

#include <xentoollog.h>

/* Shared and immutable, although the libraries' functions do not take a const pointer. */
struct xentoollog_logger *xensnd_quiet_xentoollog(void);

#endif
