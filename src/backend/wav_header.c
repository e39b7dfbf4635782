/* SPDX-License-Identifier: MIT */
/* WAV headers. See wav_header.h. */
#include "wav_header.h"

#include <errno.h>
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

static uint32_t get(const uint8_t *at, unsigned int bytes)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint32_t)at[i] << (8 * i);
	return value;
}

/* Also the extensible form is one of the plain tags, with a tail. */
static int tag_parse(const uint8_t *chunk, size_t bytes, uint32_t *tag)
{
	*tag = get(chunk, 2);
	if (*tag != TAG_EXTENSIBLE)
		return 0;
	if (bytes < XENSND_WAV_FORMAT_CHUNK_MAX || get(chunk + 16, 2) < 22 ||
		memcmp(chunk + 26, guid_tail, sizeof(guid_tail)) != 0)
		return -EBADMSG;
	*tag = get(chunk + 24, 2);
	return 0;
}

static int format_find(uint32_t tag, uint32_t bits, uint32_t sample_bytes)
{
	for (unsigned int i = 0; i < XENSND_FORMATS; i++)
		if (wav_formats[i].tag != 0 && wav_formats[i].tag == tag &&
			wav_formats[i].bits == bits && xensnd_format_bytes(i) == sample_bytes)
			return (int)i;
	return -EBADMSG;
}

int xensnd_wav_format_parse(const uint8_t *chunk, size_t bytes, struct xensnd_wav_info *info)
{
	uint32_t tag, channels, frame_bytes;
	int format;

	if (bytes < 16 || tag_parse(chunk, bytes, &tag) < 0)
		return -EBADMSG;
	channels = get(chunk + 2, 2);
	frame_bytes = get(chunk + 12, 2);
	if (channels == 0 || channels > UINT8_MAX || frame_bytes % channels != 0)
		return -EBADMSG;
	format = format_find(tag, get(chunk + 14, 2), frame_bytes / channels);
	if (format < 0)
		return format;
	*info = (struct xensnd_wav_info){ .format = (unsigned int)format,
		.channels = channels,
		.rate = get(chunk + 4, 4),
		.frame_bytes = frame_bytes };
	return info->rate == 0 ? -EBADMSG : 0;
}
