/* SPDX-License-Identifier: MIT */
/*
 * Copies of 64-byte packets into and out of memory that the peer may write at any time.
 *
 * Apart because this is the only place where packets of shared memory are touched. Each word is
 * read exactly once, by a relaxed atomic load, so that the compiler can neither read it again after
 * a check nor assume that it did not change; a racing peer yields a mixed packet, never undefined
 * behaviour.
 */
#ifndef XENSND_PROTOCOL_SHARED_COPY_H
#define XENSND_PROTOCOL_SHARED_COPY_H

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#define XENSND_PACKET_WORDS 8u

static inline void xensnd_packet_from_shared(void *packet, const void *shared)
{
	const _Atomic uint64_t *from = (const _Atomic uint64_t *)shared;
	uint64_t words[XENSND_PACKET_WORDS];

	for (unsigned int i = 0; i < XENSND_PACKET_WORDS; i++)
		words[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
	memcpy(packet, words, sizeof(words));
}

static inline void xensnd_packet_to_shared(void *shared, const void *packet)
{
	_Atomic uint64_t *to = (_Atomic uint64_t *)shared;
	uint64_t words[XENSND_PACKET_WORDS];

	memcpy(words, packet, sizeof(words));
	for (unsigned int i = 0; i < XENSND_PACKET_WORDS; i++)
		atomic_store_explicit(&to[i], words[i], memory_order_relaxed);
}

/* An index word of a shared page as the atomic that it is. */
static inline _Atomic uint32_t *xensnd_shared_index(uint32_t *word)
{
	return (_Atomic uint32_t *)word;
}

#endif
