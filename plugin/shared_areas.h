/* SPDX-License-Identifier: MIT */
/*
 * The buffer that is shared with the backend, as ALSA's channel areas: where the one copy of a
 * sample in the guest is made.
 *
 * Apart from the callbacks because it knows addresses and wraps, and nothing of states. Frames are
 * counted since prepare; frame n is at n modulo the buffer.
 */
#ifndef PCM_XEN_SHARED_AREAS_H
#define PCM_XEN_SHARED_AREAS_H

#include <alsa/asoundlib.h>
#include <stdint.h>

/* All-zero is empty. */
struct pcm_xen_areas {
	snd_pcm_channel_area_t *list; /* one for each channel of the program's */
	unsigned int channels;
	unsigned int sample_bits;
	snd_pcm_format_t format;
	snd_pcm_uframes_t frames; /* of the buffer */
	void *buffer;
};

/*
 * Describes a buffer of interleaved frames, which stays the caller's; what was described before is
 * freed. 0 or -ENOMEM.
 */
int pcm_xen_areas_make(struct pcm_xen_areas *areas, void *buffer, snd_pcm_format_t format,
	unsigned int channels, snd_pcm_uframes_t frames);
void pcm_xen_areas_free(struct pcm_xen_areas *areas);

/* The buffer is at another place now; NULL: there is none, and copying is an error (-ENODEV). */
void pcm_xen_areas_move(struct pcm_xen_areas *areas, void *buffer);

/* The program's channel i is the buffer's order[i]. */
void pcm_xen_areas_order(struct pcm_xen_areas *areas, const unsigned int *order);

/* Copy between the buffer and a program's areas; 0 or a negative errno. */
int pcm_xen_areas_write(const struct pcm_xen_areas *areas, uint64_t frame,
	const snd_pcm_channel_area_t *from, snd_pcm_uframes_t offset, snd_pcm_uframes_t size);
int pcm_xen_areas_read(const struct pcm_xen_areas *areas, uint64_t frame,
	const snd_pcm_channel_area_t *to, snd_pcm_uframes_t offset, snd_pcm_uframes_t size);

/* Makes part of the buffer silent, as the format has it. */
int pcm_xen_areas_silence(
	const struct pcm_xen_areas *areas, uint64_t frame, snd_pcm_uframes_t size);

#endif
