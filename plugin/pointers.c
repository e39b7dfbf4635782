/* SPDX-License-Identifier: MIT */
/* Pointers. See pointers.h. */
#include "pointers.h"

/* frame - base, modulo the boundary. */
static uint64_t wrapped(const struct pcm_xen_pointers *pointers, uint64_t frame)
{
	uint64_t before;

	if (pointers->boundary == 0)
		return 0;
	if (frame >= pointers->base)
		return (frame - pointers->base) % pointers->boundary;
	before = (pointers->base - frame) % pointers->boundary;
	return before == 0 ? 0 : pointers->boundary - before;
}

struct pcm_xen_move pcm_xen_pointers_compare(
	const struct pcm_xen_pointers *pointers, uint64_t appl_ptr, uint64_t hw_ptr)
{
	uint64_t expected = wrapped(pointers, pointers->appl);
	uint64_t forward;

	/*
	 * Only that moves hw_ptr. While it is 0 anyway, a reset looks like a rewind of all that was
	 * written, and is as good as one.
	 */
	if (hw_ptr == 0 && pointers->hw != 0)
		return (struct pcm_xen_move){ .kind = PCM_XEN_MOVE_RESET };
	if (pointers->boundary == 0 || appl_ptr == expected)
		return (struct pcm_xen_move){ .kind = PCM_XEN_MOVE_NONE };
	forward = appl_ptr > expected ? appl_ptr - expected
				      : pointers->boundary - expected + appl_ptr;
	/* Nobody goes further than a buffer, of which the boundary is a large multiple. */
	if (forward <= pointers->boundary / 2)
		return (struct pcm_xen_move){ .kind = PCM_XEN_MOVE_FORWARD, .frames = forward };
	return (struct pcm_xen_move){ .kind = PCM_XEN_MOVE_BACK,
		.frames = pointers->boundary - forward };
}

uint64_t pcm_xen_pointers_hw(struct pcm_xen_pointers *pointers, uint64_t position)
{
	pointers->hw = wrapped(pointers, position);
	return pointers->hw;
}

void pcm_xen_pointers_reset(struct pcm_xen_pointers *pointers, uint64_t base, uint64_t appl)
{
	pointers->base = base;
	pointers->appl = appl;
	pointers->hw = 0;
}

void pcm_xen_pointers_adopt(struct pcm_xen_pointers *pointers, uint64_t appl_ptr)
{
	pcm_xen_pointers_reset(
		pointers, appl_ptr < pointers->boundary ? pointers->boundary - appl_ptr : 0, 0);
}
