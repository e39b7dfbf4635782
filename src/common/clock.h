/* SPDX-License-Identifier: MIT */
/*
 * The monotonic clock in nanoseconds, and deadlines for poll().
 *
 * Apart so that every wait computes its timeout in one way and none waits for ever by a rounding
 * mistake.
 */
#ifndef XENSND_COMMON_CLOCK_H
#define XENSND_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

#define XENSND_NS_PER_SECOND INT64_C(1000000000)
#define XENSND_NS_PER_MS INT64_C(1000000)

/* A deadline that never comes. */
#define XENSND_NEVER INT64_MAX

static inline int64_t xensnd_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * XENSND_NS_PER_SECOND + now.tv_nsec;
}

static inline int64_t xensnd_deadline_ms(int64_t ms)
{
	return xensnd_now_ns() + ms * XENSND_NS_PER_MS;
}

static inline int64_t xensnd_earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* poll()'s timeout for a deadline: rounded up, so that the deadline has passed when poll() ends. */
static inline int xensnd_poll_ms_from(int64_t now_ns, int64_t deadline_ns)
{
	int64_t left;

	if (deadline_ns == XENSND_NEVER)
		return -1;
	left = (deadline_ns - now_ns + XENSND_NS_PER_MS - 1) / XENSND_NS_PER_MS;
	if (left < 0)
		return 0;
	return left > 3600000 ? 3600000 : (int)left;
}

static inline int xensnd_poll_ms(int64_t deadline_ns)
{
	return deadline_ns == XENSND_NEVER ? -1 : xensnd_poll_ms_from(xensnd_now_ns(), deadline_ns);
}

#endif
