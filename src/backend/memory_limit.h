/* SPDX-License-Identifier: MIT */
/*
 * How much of a guest's memory may be mapped at once.
 *
 * Apart because it is shared by all streams of all cards of one guest: every mapping asks here
 * first, so that no guest can use up the host's room for grants.
 */
#ifndef XENSND_BACKEND_MEMORY_LIMIT_H
#define XENSND_BACKEND_MEMORY_LIMIT_H

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>

struct xensnd_memory_limit {
	uint32_t pages_max;
	_Atomic uint32_t pages; /* any thread; a plain counter, so relaxed order is enough */
};

/* Reserves pages: 0; -ENOMEM. */
static inline int xensnd_memory_reserve(struct xensnd_memory_limit *limit, uint32_t pages)
{
	uint32_t used = atomic_load_explicit(&limit->pages, memory_order_relaxed);

	do {
		if (pages > limit->pages_max - used)
			return -ENOMEM;
	} while (!atomic_compare_exchange_weak_explicit(
		&limit->pages, &used, used + pages, memory_order_relaxed, memory_order_relaxed));
	return 0;
}

static inline void xensnd_memory_return(struct xensnd_memory_limit *limit, uint32_t pages)
{
	atomic_fetch_sub_explicit(&limit->pages, pages, memory_order_relaxed);
}

#endif
