/* SPDX-License-Identifier: MIT */
/*
 * A guest for the session's fuzz target: its memory, the grants to it, and the clock.
 *
 * Apart from the target because it stands in for libxengnttab and for the clock, function by
 * function: mappings are real ones of real shared pages, with the protection that was asked for and
 * nothing readable beside them, so that whatever the backend does wrongly ends the run.
 */
#ifndef XENSND_TESTS_FUZZ_GUEST_H
#define XENSND_TESTS_FUZZ_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <xengnttab.h>

#define GUEST_DOMID 7u

/* Grant reference n is page n - 1; there are no others. */
#define GUEST_PAGES 16u

/* Mappings with more pages are made of fresh memory: nobody would look at so much. */
#define GUEST_SHARED_MAX 64u

struct guest_mapping {
	void *at; /* NULL: nothing is mapped */
	uint32_t pages;
};

/* The handle that libxengnttab's users pass around. */
struct xengntdev_handle {
	int memory_fd;
	uint8_t *memory; /* as the guest sees it */
	struct guest_mapping directory;
	struct guest_mapping data;
	unsigned int directories; /* mapped in this turn */
	unsigned int opens;       /* mappings of data so far */
	int data_protection;
	bool data_has_rings; /* the guest gave its ring or event page for audio */
};

/* The time that the backend sees, in nanoseconds. Set it before anything else. */
extern int64_t guest_now_ns;

void guest_start(struct xengntdev_handle *guest);

/* Nothing may be mapped any more. */
void guest_end(struct xengntdev_handle *guest);

static inline uint8_t *guest_page(struct xengntdev_handle *guest, unsigned int page)
{
	return guest->memory + page * 4096u;
}

#endif
