/* SPDX-License-Identifier: MIT */
/*
 * The host's errors as Xen's.
 *
 * Apart because a status crosses to another operating system: only the numbers of xen/errno.h mean
 * something there.
 */
#ifndef XENSND_BACKEND_WIRE_STATUS_H
#define XENSND_BACKEND_WIRE_STATUS_H

#include <stdint.h>

/* 0, or a negative errno, as the status of a response. What Xen has no number for becomes -XEN_EIO.
 */
int32_t xensnd_wire_status(int64_t ret);

#endif
