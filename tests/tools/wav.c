/* SPDX-License-Identifier: MIT */
/* WAV files, whole and in memory. See wav.h. */
#include "wav.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAV_EXTENSIBLE 0xfffeu
#define HEADER_MAX 80u

/* KSDATAFORMAT_SUBTYPE_PCM, ..._IEEE_FLOAT: what follows the encoding in their GUIDs */
static const uint8_t guid_rest[14] = { 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xaa,
	0x00, 0x38, 0x9b, 0x71 };

void wav_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static uint32_t le(const uint8_t *at, unsigned int bytes)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint32_t)at[i] << (8 * i);
	return value;
}

static uint8_t *le_put(uint8_t *at, uint32_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		*at++ = (uint8_t)(value >> (8 * i));
	return at;
}

static uint8_t *file_read(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "rb");
	uint8_t *content;
	long end;

	if (!file || fseek(file, 0, SEEK_END) < 0 || (end = ftell(file)) < 0 ||
		fseek(file, 0, SEEK_SET) < 0)
		wav_fail("%s: %s", path, strerror(errno));
	*bytes = (size_t)end;
	content = malloc(*bytes ? *bytes : 1);
	if (!content || fread(content, 1, *bytes, file) != *bytes)
		wav_fail("%s: can not be read", path);
	fclose(file);
	return content;
}

static void format_parse(struct wav *wav, const char *path, const uint8_t *chunk, size_t size)
{
	if (size < 16)
		wav_fail("%s: fmt chunk too short", path);
	wav->encoding = (uint16_t)le(chunk, 2);
	wav->channels = (uint16_t)le(chunk + 2, 2);
	wav->rate = le(chunk + 4, 4);
	wav->frame_bytes = (uint16_t)le(chunk + 12, 2);
	wav->bits = (uint16_t)le(chunk + 14, 2);
	if (wav->encoding == WAV_EXTENSIBLE && size >= 40) {
		wav->bits = (uint16_t)le(chunk + 18, 2);
		wav->encoding = (uint16_t)le(chunk + 24, 2);
	}
	if (wav->channels == 0 || wav->frame_bytes == 0)
		wav_fail("%s: no frames in this format", path);
}

struct wav wav_read(const char *path)
{
	struct wav wav = { .data = NULL };
	size_t bytes, at = 12;
	uint8_t *file = file_read(path, &bytes);

	if (bytes < 12 || memcmp(file, "RIFF", 4) != 0 || memcmp(file + 8, "WAVE", 4) != 0)
		wav_fail("%s: not a WAV file", path);
	while (at + 8 <= bytes) {
		size_t size = le(file + at + 4, 4);
		const uint8_t *chunk = file + at + 8;
		size_t left = bytes - at - 8;

		if (memcmp(file + at, "data", 4) == 0) {
			if (wav.frame_bytes == 0)
				wav_fail("%s: data before fmt", path);
			wav.file = file;
			wav.data = file + at + 8;
			wav.data_bytes = size < left ? size : left;
			wav.more_bytes =
				(left - wav.data_bytes) / wav.frame_bytes * wav.frame_bytes;
			return wav;
		}
		if (size > left)
			break;
		if (memcmp(file + at, "fmt ", 4) == 0)
			format_parse(&wav, path, chunk, size);
		at += 8 + size + (size & 1);
	}
	wav_fail("%s: no data", path);
}

/* Which speakers the channels are is left open. */
static uint8_t *extension_put(uint8_t *at, const struct wav *wav)
{
	at = le_put(at, 22, 2);
	at = le_put(at, wav->bits, 2);
	at = le_put(at, 0, 4);
	at = le_put(at, wav->encoding, 2);
	memcpy(at, guid_rest, sizeof(guid_rest));
	return at + sizeof(guid_rest);
}

static size_t header_make(uint8_t *header, const struct wav *wav)
{
	bool extensible = wav->channels > 2;
	uint32_t fmt_bytes = extensible ? 40 : 16;
	uint32_t data_bytes = (uint32_t)wav->data_bytes;
	uint8_t *at = header;

	memcpy(at, "RIFF", 4);
	at = le_put(at + 4, 20 + fmt_bytes + data_bytes, 4);
	memcpy(at, "WAVEfmt ", 8);
	at = le_put(at + 8, fmt_bytes, 4);
	at = le_put(at, extensible ? WAV_EXTENSIBLE : wav->encoding, 2);
	at = le_put(at, wav->channels, 2);
	at = le_put(at, wav->rate, 4);
	at = le_put(at, wav->rate * wav->frame_bytes, 4);
	at = le_put(at, wav->frame_bytes, 2);
	at = le_put(at, extensible ? 8u * wav->frame_bytes / wav->channels : wav->bits, 2);
	if (extensible)
		at = extension_put(at, wav);
	memcpy(at, "data", 4);
	at = le_put(at + 4, data_bytes, 4);
	return (size_t)(at - header);
}

void wav_write(const char *path, const struct wav *wav)
{
	uint8_t header[HEADER_MAX];
	size_t header_bytes = header_make(header, wav);
	FILE *out = fopen(path, "wb");

	if (!out || fwrite(header, 1, header_bytes, out) != header_bytes ||
		fwrite(wav->data, 1, wav->data_bytes, out) != wav->data_bytes || fclose(out) != 0)
		wav_fail("%s: %s", path, strerror(errno));
}

void wav_same_format(const struct wav *got, const struct wav *wanted)
{
	if (got->encoding != wanted->encoding || got->channels != wanted->channels ||
		got->rate != wanted->rate || got->frame_bytes != wanted->frame_bytes)
		wav_fail("formats differ: %u Hz, %u channels, encoding %u, %u bytes a frame; "
			 "expected "
			 "%u, %u, %u, %u",
			got->rate, got->channels, got->encoding, got->frame_bytes, wanted->rate,
			wanted->channels, wanted->encoding, wanted->frame_bytes);
}

bool wav_is_silence(const struct wav *wav, size_t from)
{
	uint8_t silence = wav->encoding == WAV_PCM && wav->bits == 8 ? 0x80 : 0;

	for (size_t i = from; i < wav->data_bytes; i++)
		if (wav->data[i] != silence)
			return false;
	return true;
}
