/* SPDX-License-Identifier: MIT */
/* Sample formats. See formats.h. */
#include "formats.h"

#include "protocol/format.h"
#include "protocol/wire.h"

/* ADPCM, MPEG and GSM have no frame that a ring could be cut into, and stay out. */
static const struct {
	unsigned int xen;
	snd_pcm_format_t alsa;
} formats[] = {
	{ XENSND_PCM_FORMAT_S8, SND_PCM_FORMAT_S8 },
	{ XENSND_PCM_FORMAT_U8, SND_PCM_FORMAT_U8 },
	{ XENSND_PCM_FORMAT_S16_LE, SND_PCM_FORMAT_S16_LE },
	{ XENSND_PCM_FORMAT_S16_BE, SND_PCM_FORMAT_S16_BE },
	{ XENSND_PCM_FORMAT_U16_LE, SND_PCM_FORMAT_U16_LE },
	{ XENSND_PCM_FORMAT_U16_BE, SND_PCM_FORMAT_U16_BE },
	{ XENSND_PCM_FORMAT_S24_LE, SND_PCM_FORMAT_S24_LE },
	{ XENSND_PCM_FORMAT_S24_BE, SND_PCM_FORMAT_S24_BE },
	{ XENSND_PCM_FORMAT_U24_LE, SND_PCM_FORMAT_U24_LE },
	{ XENSND_PCM_FORMAT_U24_BE, SND_PCM_FORMAT_U24_BE },
	{ XENSND_PCM_FORMAT_S32_LE, SND_PCM_FORMAT_S32_LE },
	{ XENSND_PCM_FORMAT_S32_BE, SND_PCM_FORMAT_S32_BE },
	{ XENSND_PCM_FORMAT_U32_LE, SND_PCM_FORMAT_U32_LE },
	{ XENSND_PCM_FORMAT_U32_BE, SND_PCM_FORMAT_U32_BE },
	{ XENSND_PCM_FORMAT_F32_LE, SND_PCM_FORMAT_FLOAT_LE },
	{ XENSND_PCM_FORMAT_F32_BE, SND_PCM_FORMAT_FLOAT_BE },
	{ XENSND_PCM_FORMAT_F64_LE, SND_PCM_FORMAT_FLOAT64_LE },
	{ XENSND_PCM_FORMAT_F64_BE, SND_PCM_FORMAT_FLOAT64_BE },
	{ XENSND_PCM_FORMAT_IEC958_SUBFRAME_LE, SND_PCM_FORMAT_IEC958_SUBFRAME_LE },
	{ XENSND_PCM_FORMAT_IEC958_SUBFRAME_BE, SND_PCM_FORMAT_IEC958_SUBFRAME_BE },
	{ XENSND_PCM_FORMAT_MU_LAW, SND_PCM_FORMAT_MU_LAW },
	{ XENSND_PCM_FORMAT_A_LAW, SND_PCM_FORMAT_A_LAW },
};

#define N_FORMATS (sizeof(formats) / sizeof(formats[0]))

snd_pcm_format_t pcm_xen_format_to_alsa(unsigned int format)
{
	for (size_t i = 0; i < N_FORMATS; i++)
		if (formats[i].xen == format)
			return formats[i].alsa;
	return SND_PCM_FORMAT_UNKNOWN;
}

int pcm_xen_format_from_alsa(snd_pcm_format_t format)
{
	for (size_t i = 0; i < N_FORMATS; i++)
		if (formats[i].alsa == format)
			return (int)formats[i].xen;
	return -EINVAL;
}
