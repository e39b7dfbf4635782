/* SPDX-License-Identifier: MIT */
/*
 * Channel maps: which channel of a frame is which loudspeaker or microphone.
 *
 * Apart because sndif.h does not know of them: the backend gets ALSA's standard order, and a
 * program that wants another has its channels put in order while they are copied, which costs
 * nothing.
 */
#ifndef PCM_XEN_CHMAP_H
#define PCM_XEN_CHMAP_H

#include <alsa/asoundlib.h>

#define PCM_XEN_CHMAP_MAX 8u

/*
 * The maps for channel counts from min to max that have a standard one, as ioplug's query_chmaps
 * returns them: the caller frees. NULL if there are none, or no memory.
 */
snd_pcm_chmap_query_t **pcm_xen_chmap_query(unsigned int min, unsigned int max);

/* The standard map, to be freed; NULL if this number of channels has none, or no memory is left. */
snd_pcm_chmap_t *pcm_xen_chmap_standard(unsigned int channels);

/* A copy, to be freed; NULL: no memory. */
snd_pcm_chmap_t *pcm_xen_chmap_copy(const snd_pcm_chmap_t *map);

/*
 * Where a program's channels are in the standard order: order[i] is that of its channel i. 0;
 * -EINVAL: not each channel of the standard map is there once, or there is none.
 */
int pcm_xen_chmap_order(
	const snd_pcm_chmap_t *map, unsigned int channels, unsigned int order[PCM_XEN_CHMAP_MAX]);

#endif
