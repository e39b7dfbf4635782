/* SPDX-License-Identifier: MIT */
/*
 * ALSA's pointers and ours.
 *
 * Apart because ioplug moves appl_ptr and hw_ptr without telling anybody (snd_pcm_rewind, _forward,
 * _reset, mmap_commit of a recording; alsa-lib's src/pcm/pcm_ioplug.c), which shows only in a
 * comparison. Pure arithmetic.
 *
 * Ours count frames since prepare and do not wrap; ALSA's count since prepare or the last reset,
 * modulo the boundary.
 */
#ifndef PCM_XEN_POINTERS_H
#define PCM_XEN_POINTERS_H

#include <stdint.h>

struct pcm_xen_pointers {
	uint64_t boundary; /* 0: not known yet */
	uint64_t appl;     /* frames that the program has written or read */
	uint64_t base;     /* the frame where ALSA counts 0 */
	uint64_t hw;       /* what ALSA was told last */
};

enum pcm_xen_move_kind {
	PCM_XEN_MOVE_NONE,
	PCM_XEN_MOVE_FORWARD,
	PCM_XEN_MOVE_BACK,
	PCM_XEN_MOVE_RESET,
};

struct pcm_xen_move {
	enum pcm_xen_move_kind kind;
	uint64_t frames; /* FORWARD and BACK: how far */
};

/* What the program has done to ALSA's pointers since the last look. Changes nothing. */
struct pcm_xen_move pcm_xen_pointers_compare(
	const struct pcm_xen_pointers *pointers, uint64_t appl_ptr, uint64_t hw_ptr);

/* A position, in frames since prepare, as ALSA's hw_ptr; it may be before ALSA's 0. */
uint64_t pcm_xen_pointers_hw(struct pcm_xen_pointers *pointers, uint64_t position);

/* ALSA's pointers are 0 since the frame base, and so far was read or written. */
void pcm_xen_pointers_reset(struct pcm_xen_pointers *pointers, uint64_t base, uint64_t appl);

/* Nothing was read or written since prepare, and yet this is ALSA's appl_ptr. */
void pcm_xen_pointers_adopt(struct pcm_xen_pointers *pointers, uint64_t appl_ptr);

#endif
