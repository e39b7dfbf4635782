/* SPDX-License-Identifier: MIT */
/* Silence. See silence.h. */
#include "silence.h"

#include <stdint.h>
#include <string.h>

#include "protocol/format.h"
#include "protocol/wire.h"

/* One sample of the formats whose silence is not all zero; the values are alsa-lib's. */
static const uint8_t samples[XENSND_FORMATS][4] = {
	[XENSND_PCM_FORMAT_U8] = { 0x80 },
	[XENSND_PCM_FORMAT_U16_LE] = { 0, 0x80 },
	[XENSND_PCM_FORMAT_U16_BE] = { 0x80, 0 },
	[XENSND_PCM_FORMAT_U24_LE] = { 0, 0, 0x80, 0 },
	[XENSND_PCM_FORMAT_U24_BE] = { 0, 0x80, 0, 0 },
	[XENSND_PCM_FORMAT_U32_LE] = { 0, 0, 0, 0x80 },
	[XENSND_PCM_FORMAT_U32_BE] = { 0x80, 0, 0, 0 },
	[XENSND_PCM_FORMAT_MU_LAW] = { 0x7f },
	[XENSND_PCM_FORMAT_A_LAW] = { 0x55 },
};

void xensnd_silence_fill(void *data, unsigned int format, size_t bytes)
{
	size_t size = xensnd_format_bytes(format);
	uint8_t *at = data;

	if (size <= 1 || size > sizeof(samples[0])) {
		memset(data, samples[format][0], bytes);
		return;
	}
	for (size_t done = 0; done + size <= bytes; done += size)
		memcpy(at + done, samples[format], size);
}
