/* SPDX-License-Identifier: MIT */
/*
 * A limit to how many lines a guest can make the backend write.
 *
 * Apart because each source of lines (a card, a stream) has its own, and none is shared by threads.
 */
#ifndef XENSND_BACKEND_LOG_LIMIT_H
#define XENSND_BACKEND_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

#define XENSND_LOG_LIMIT_LINES 100u
#define XENSND_LOG_LIMIT_NS (10 * XENSND_NS_PER_SECOND)

struct xensnd_log_limit {
	int64_t since_ns;
	uint32_t lines;
	uint32_t swallowed;
};

/* True: the line may be written; *swallowed is how many were not since the last one that was. */
static inline bool xensnd_log_allowed(
	struct xensnd_log_limit *limit, int64_t now_ns, uint32_t *swallowed)
{
	if (now_ns - limit->since_ns >= XENSND_LOG_LIMIT_NS || limit->since_ns == 0) {
		limit->since_ns = now_ns;
		limit->lines = 0;
	}
	if (limit->lines >= XENSND_LOG_LIMIT_LINES) {
		limit->swallowed++;
		return false;
	}
	limit->lines++;
	*swallowed = limit->swallowed;
	limit->swallowed = 0;
	return true;
}

#endif
