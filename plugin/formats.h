/* SPDX-License-Identifier: MIT */
/*
 * Sample formats: sndif's numbers and ALSA's.
 *
 * Apart because it is the only table that knows both.
 */
#ifndef XENSND_PLUGIN_FORMATS_H
#define XENSND_PLUGIN_FORMATS_H

#include <alsa/asoundlib.h>

/*
 * The ALSA format of an XENSND_PCM_FORMAT_*, or SND_PCM_FORMAT_UNKNOWN: not in ALSA, or without a
 * fixed sample size.
 */
snd_pcm_format_t pcm_xen_format_to_alsa(unsigned int format);

/* The XENSND_PCM_FORMAT_* of an ALSA format, or -EINVAL. */
int pcm_xen_format_from_alsa(snd_pcm_format_t format);

#endif
