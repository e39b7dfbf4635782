/* SPDX-License-Identifier: MIT */
/* WAV headers. See wav_header.h. */
#include "wav_header.h"

#include <stdbool.h>
#include <string.h>

#include "protocol/format.h"
#include "protocol/wire.h"

enum { TAG_PCM = 1, TAG_FLOAT = 3, TAG_A_LAW = 6, TAG_MU_LAW = 7, TAG_EXTENSIBLE = 0xfffe };

struct wav_format {
	uint16_t tag; /* 0: WAV has no such format */
	uint16_t bits;
};

static const struct wav_format wav_formats[XENSND_FORMATS] = {
	[XENSND_PCM_FORMAT_U8] = { TAG_PCM, 8 },
	[XENSND_PCM_FORMAT_S16_LE] = { TAG_PCM, 16 },
	[XENSND_PCM_FORMAT_S24_LE] = { TAG_PCM, 24 },
	[XENSND_PCM_FORMAT_S32_LE] = { TAG_PCM, 32 },
	[XENSND_PCM_FORMAT_F32_LE] = { TAG_FLOAT, 32 },
	[XENSND_PCM_FORMAT_F64_LE] = { TAG_FLOAT, 64 },
	[XENSND_PCM_FORMAT_MU_LAW] = { TAG_MU_LAW, 8 },
	[XENSND_PCM_FORMAT_A_LAW] = { TAG_A_LAW, 8 },
};

/* What follows the tag in the GUID of an extensible format. */
static const uint8_t guid_tail[14] = { 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xaa,
	0x00, 0x38, 0x9b, 0x71 };

uint64_t xensnd_wav_formats(void)
{
	uint64_t formats = 0;

	for (unsigned int i = 0; i < XENSND_FORMATS; i++)
		if (wav_formats[i].tag != 0)
			formats |= XENSND_FORMAT_BIT(i);
	return formats;
}

static uint8_t *put(uint8_t *at, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		*at++ = (uint8_t)(value >> (8 * i));
	return at;
}

static uint8_t *put_name(uint8_t *at, const char name[4])
{
	memcpy(at, name, 4);
	return at + 4;
}

static uint64_t size_limit(uint64_t bytes)
{
	return bytes > UINT32_MAX ? UINT32_MAX : bytes;
}

size_t xensnd_wav_header(uint8_t header[XENSND_WAV_HEADER_MAX], unsigned int format,
	uint32_t channels, uint32_t rate, uint64_t data_bytes)
{
	uint32_t frame_bytes = xensnd_format_bytes(format) * channels;
	bool extensible = channels > 2;
	struct wav_format wav;
	uint8_t *at, *riff_size;

	if (format >= XENSND_FORMATS || wav_formats[format].tag == 0)
		return 0;
	wav = wav_formats[format];
	riff_size = put_name(header, "RIFF");
	at = put_name(riff_size + 4, "WAVE");
	at = put(put_name(at, "fmt "), extensible ? 40 : wav.tag == TAG_PCM ? 16 : 18, 4);
	at = put(at, extensible ? TAG_EXTENSIBLE : wav.tag, 2);
	at = put(put(at, channels, 2), rate, 4);
	at = put(put(at, (uint64_t)rate * frame_bytes, 4), frame_bytes, 2);
	at = put(at, wav.bits, 2);
	if (extensible) {
		at = put(put(at, 22, 2), wav.bits, 2);
		at = put(put(at, 0, 4), wav.tag, 2); /* no claim about which channel is where */
		memcpy(at, guid_tail, sizeof(guid_tail));
		at += sizeof(guid_tail);
	} else if (wav.tag != TAG_PCM) {
		at = put(at, 0, 2);
	}
	if (wav.tag != TAG_PCM)
		at = put(put(put_name(at, "fact"), 4, 4), size_limit(data_bytes / frame_bytes), 4);
	at = put(put_name(at, "data"), size_limit(data_bytes), 4);
	put(riff_size, size_limit((uint64_t)(at - header) - 8 + data_bytes + data_bytes % 2), 4);
	return (size_t)(at - header);
}
