/* SPDX-License-Identifier: MIT */
/*
 * wavtool: makes WAV files whose every frame is different, and tells whether what came out is what
 * went in.
 *
 * A program of its own so that the host tests and dom0 in the lab judge by the same rule, bit by
 * bit, without a sound editor that might convert something on the way.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_PCM 1u
#define FORMAT_FLOAT 3u
#define FORMAT_EXTENSIBLE 0xfffeu

struct wav {
	uint16_t encoding; /* FORMAT_PCM, FORMAT_FLOAT, ... */
	uint16_t channels;
	uint32_t rate;
	uint16_t frame_bytes;
	uint16_t bits; /* of a sample, without padding */
	uint8_t *file; /* all of it, to be freed */
	uint8_t *data;
	size_t data_bytes;
};

static const struct {
	const char *name;
	uint16_t encoding;
	uint16_t bits;
	uint16_t bytes;
} formats[] = {
	{ "u8", FORMAT_PCM, 8, 1 },
	{ "s16", FORMAT_PCM, 16, 2 },
	{ "s24", FORMAT_PCM, 24, 3 },
	{ "s24in32", FORMAT_PCM, 24, 4 },
	{ "s32", FORMAT_PCM, 32, 4 },
	{ "float", FORMAT_FLOAT, 32, 4 },
};

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("wavtool: ", stderr);
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
		fail("%s: %s", path, strerror(errno));
	*bytes = (size_t)end;
	content = malloc(*bytes ? *bytes : 1);
	if (!content || fread(content, 1, *bytes, file) != *bytes)
		fail("%s: can not be read", path);
	fclose(file);
	return content;
}

static void format_parse(struct wav *wav, const char *path, const uint8_t *chunk, size_t size)
{
	if (size < 16)
		fail("%s: fmt chunk too short", path);
	wav->encoding = (uint16_t)le(chunk, 2);
	wav->channels = (uint16_t)le(chunk + 2, 2);
	wav->rate = le(chunk + 4, 4);
	wav->frame_bytes = (uint16_t)le(chunk + 12, 2);
	wav->bits = (uint16_t)le(chunk + 14, 2);
	if (wav->encoding == FORMAT_EXTENSIBLE && size >= 40) {
		wav->bits = (uint16_t)le(chunk + 18, 2);
		wav->encoding = (uint16_t)le(chunk + 24, 2);
	}
	if (wav->channels == 0 || wav->frame_bytes == 0)
		fail("%s: no frames in this format", path);
}

/* The data's length is what is in the file: a header may say less, if the writer was killed. */
static struct wav wav_read(const char *path)
{
	struct wav wav = { .data = NULL };
	size_t bytes, at = 12;
	uint8_t *file = file_read(path, &bytes);

	if (bytes < 12 || memcmp(file, "RIFF", 4) != 0 || memcmp(file + 8, "WAVE", 4) != 0)
		fail("%s: not a WAV file", path);
	while (at + 8 <= bytes) {
		size_t size = le(file + at + 4, 4);
		const uint8_t *chunk = file + at + 8;
		size_t left = bytes - at - 8;

		if (memcmp(file + at, "data", 4) == 0) {
			if (wav.frame_bytes == 0)
				fail("%s: data before fmt", path);
			wav.file = file;
			wav.data = file + at + 8;
			wav.data_bytes = size < left ? size : left;
			return wav;
		}
		if (size > left)
			break;
		if (memcmp(file + at, "fmt ", 4) == 0)
			format_parse(&wav, path, chunk, size);
		at += 8 + size + (size & 1);
	}
	fail("%s: no data", path);
}

/* xorshift: every frame differs from every other of its file, for all practical purposes. */
static uint32_t noise(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* A finite float below 1, with a full random mantissa. */
static uint32_t noise_float(uint32_t *state)
{
	uint32_t random = noise(state);
	float value = (float)(int32_t)random / 2147483648.0f;
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static uint32_t noise_sample(uint32_t *state, uint16_t encoding, uint16_t bits)
{
	uint32_t sample = encoding == FORMAT_FLOAT ? noise_float(state) : noise(state);

	/* Sign-extended in a wider container, as ALSA's S24 wants it. */
	return bits == 24 ? (uint32_t)((int32_t)(sample << 8) >> 8) : sample;
}

static int command_make(char **argv)
{
	const char *path = argv[0];
	uint32_t rate = (uint32_t)strtoul(argv[2], NULL, 10);
	uint16_t channels = (uint16_t)strtoul(argv[3], NULL, 10);
	uint32_t frames = (uint32_t)strtoul(argv[4], NULL, 10);
	uint32_t state = argv[5] ? (uint32_t)strtoul(argv[5], NULL, 10) * 2654435761u + 1 : 1;
	size_t f = 0;

	while (f < sizeof(formats) / sizeof(formats[0]) && strcmp(formats[f].name, argv[1]) != 0)
		f++;
	if (f == sizeof(formats) / sizeof(formats[0]) || rate == 0 || channels == 0)
		fail("unknown format, rate or channels");
	uint32_t frame_bytes = (uint32_t)formats[f].bytes * channels;
	uint32_t data_bytes = frames * frame_bytes;
	uint8_t *file = malloc(44 + (size_t)data_bytes);
	FILE *out = fopen(path, "wb");
	uint8_t *at = file;

	if (!file || !out)
		fail("%s: %s", path, strerror(errno));
	memcpy(at, "RIFF", 4);
	at = le_put(at + 4, 36 + data_bytes, 4);
	memcpy(at, "WAVEfmt ", 8);
	at = le_put(at + 8, 16, 4);
	at = le_put(at, formats[f].encoding, 2);
	at = le_put(at, channels, 2);
	at = le_put(at, rate, 4);
	at = le_put(at, rate * frame_bytes, 4);
	at = le_put(at, frame_bytes, 2);
	at = le_put(at, formats[f].bits, 2);
	memcpy(at, "data", 4);
	at = le_put(at + 4, data_bytes, 4);
	for (uint32_t i = 0; i < frames * channels; i++)
		at = le_put(at, noise_sample(&state, formats[f].encoding, formats[f].bits),
			formats[f].bytes);
	if (fwrite(file, 1, (size_t)(at - file), out) != (size_t)(at - file) || fclose(out) != 0)
		fail("%s: %s", path, strerror(errno));
	free(file);
	return 0;
}

static void formats_check(const struct wav *got, const struct wav *wanted)
{
	if (got->encoding != wanted->encoding || got->channels != wanted->channels ||
		got->rate != wanted->rate || got->frame_bytes != wanted->frame_bytes)
		fail("formats differ: %u Hz, %u channels, encoding %u, %u bytes a frame; expected "
		     "%u, %u, %u, %u",
			got->rate, got->channels, got->encoding, got->frame_bytes, wanted->rate,
			wanted->channels, wanted->encoding, wanted->frame_bytes);
}

/* aplay fills its last chunk up with silence. */
static bool is_silence(const struct wav *wav, size_t from)
{
	uint8_t silence = wav->encoding == FORMAT_PCM && wav->bits == 8 ? 0x80 : 0;

	for (size_t i = from; i < wav->data_bytes; i++)
		if (wav->data[i] != silence)
			return false;
	return true;
}

static int command_same(char **argv)
{
	struct wav got = wav_read(argv[0]), wanted = wav_read(argv[1]);
	size_t same = 0;

	formats_check(&got, &wanted);
	while (same < got.data_bytes && same < wanted.data_bytes &&
		got.data[same] == wanted.data[same])
		same++;
	if (same != wanted.data_bytes || !is_silence(&got, same))
		fail("%s: %zu frames, %s: %zu frames; they differ at frame %zu", argv[0],
			got.data_bytes / got.frame_bytes, argv[1],
			wanted.data_bytes / wanted.frame_bytes, same / wanted.frame_bytes);
	printf("%zu frames, bit-exact\n", wanted.data_bytes / wanted.frame_bytes);
	free(got.file);
	free(wanted.file);
	return 0;
}

static int command_contains(char **argv)
{
	struct wav got = wav_read(argv[0]), wanted = wav_read(argv[1]);
	size_t best = 0, best_at = 0;

	formats_check(&got, &wanted);
	for (size_t at = 0; at + wanted.frame_bytes <= got.data_bytes; at += got.frame_bytes) {
		size_t same = 0;

		while (at + same < got.data_bytes && same < wanted.data_bytes &&
			got.data[at + same] == wanted.data[same])
			same++;
		if (same == wanted.data_bytes) {
			printf("%zu frames, bit-exact, from frame %zu on\n",
				wanted.data_bytes / wanted.frame_bytes, at / got.frame_bytes);
			free(got.file);
			free(wanted.file);
			return 0;
		}
		if (same > best) {
			best = same;
			best_at = at;
		}
	}
	fail("%s does not contain %s; best: %zu of %zu frames, from frame %zu on", argv[0], argv[1],
		best / wanted.frame_bytes, wanted.data_bytes / wanted.frame_bytes,
		best_at / got.frame_bytes);
}

int main(int argc, char **argv)
{
	if (argc >= 7 && strcmp(argv[1], "make") == 0)
		return command_make(argv + 2);
	if (argc == 4 && strcmp(argv[1], "same") == 0)
		return command_same(argv + 2);
	if (argc == 4 && strcmp(argv[1], "contains") == 0)
		return command_contains(argv + 2);
	fputs("usage: wavtool make FILE u8|s16|s24|s24in32|s32|float RATE CHANNELS FRAMES [SEED]\n"
	      "       wavtool same FILE REFERENCE        bit by bit, from the start; then at most "
	      "silence\n"
	      "       wavtool contains FILE REFERENCE    somewhere in it, without a gap\n",
		stderr);
	return 2;
}
