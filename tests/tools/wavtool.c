/* SPDX-License-Identifier: MIT */
/*
 * wavtool: makes WAV files whose every frame is different, and tells whether what came out is what
 * went in.
 *
 * A program of its own so that the host tests and dom0 in the lab judge by the same rule, bit by
 * bit, without a sound editor that might convert something on the way.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pieces.h"
#include "wav.h"

static const struct {
	const char *name;
	uint16_t encoding;
	uint16_t bits;
	uint16_t bytes;
} formats[] = {
	{ "u8", WAV_PCM, 8, 1 },
	{ "s16", WAV_PCM, 16, 2 },
	{ "s24", WAV_PCM, 24, 3 },
	{ "s24in32", WAV_PCM, 24, 4 },
	{ "s32", WAV_PCM, 32, 4 },
	{ "float", WAV_FLOAT, 32, 4 },
};

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
	uint32_t sample = encoding == WAV_FLOAT ? noise_float(state) : noise(state);

	/* Sign-extended in a wider container, as ALSA's S24 wants it. */
	return bits == 24 ? (uint32_t)((int32_t)(sample << 8) >> 8) : sample;
}

static void samples_make(struct wav *wav, unsigned int sample_bytes, uint32_t state)
{
	for (size_t at = 0; at < wav->data_bytes; at += sample_bytes) {
		uint32_t sample = noise_sample(&state, wav->encoding, wav->bits);

		for (unsigned int i = 0; i < sample_bytes; i++)
			wav->data[at + i] = (uint8_t)(sample >> (8 * i));
	}
}

static int command_make(char **argv)
{
	struct wav wav = { .rate = (uint32_t)strtoul(argv[2], NULL, 10),
		.channels = (uint16_t)strtoul(argv[3], NULL, 10) };
	uint32_t frames = (uint32_t)strtoul(argv[4], NULL, 10);
	uint32_t seed = argv[5] ? (uint32_t)strtoul(argv[5], NULL, 10) * 2654435761u + 1 : 1;
	size_t f = 0;

	while (f < sizeof(formats) / sizeof(formats[0]) && strcmp(formats[f].name, argv[1]) != 0)
		f++;
	if (f == sizeof(formats) / sizeof(formats[0]) || wav.rate == 0 || wav.channels == 0)
		wav_fail("unknown format, rate or channels");
	wav.encoding = formats[f].encoding;
	wav.bits = formats[f].bits;
	wav.frame_bytes = (uint16_t)(formats[f].bytes * wav.channels);
	wav.data_bytes = (size_t)frames * wav.frame_bytes;
	wav.data = malloc(wav.data_bytes ? wav.data_bytes : 1);
	if (!wav.data)
		wav_fail("out of memory");
	samples_make(&wav, formats[f].bytes, seed);
	wav_write(argv[0], &wav);
	free(wav.data);
	return 0;
}

static int command_same(char **argv)
{
	struct wav got = wav_read(argv[0]), wanted = wav_read(argv[1]);
	size_t same = 0;

	wav_same_format(&got, &wanted);
	while (same < got.data_bytes && same < wanted.data_bytes &&
		got.data[same] == wanted.data[same])
		same++;
	if (same != wanted.data_bytes || !wav_is_silence(&got, same))
		wav_fail("%s: %zu frames, %s: %zu frames; they differ at frame %zu", argv[0],
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

	wav_same_format(&got, &wanted);
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
	wav_fail("%s does not contain %s; best: %zu of %zu frames, from frame %zu on", argv[0],
		argv[1], best / wanted.frame_bytes, wanted.data_bytes / wanted.frame_bytes,
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
	if (argc >= 5 && strcmp(argv[1], "pieces") == 0)
		return pieces_check(argv + 2, argc - 4);
	if (argc == 6 && strcmp(argv[1], "beginnings") == 0)
		return beginnings_check(argv + 2);
	fputs("usage: wavtool make FILE u8|s16|s24|s24in32|s32|float RATE CHANNELS FRAMES [SEED]\n"
	      "       wavtool same FILE REFERENCE        bit by bit, from the start; then at most "
	      "silence\n"
	      "       wavtool contains FILE REFERENCE    somewhere in it, without a gap\n"
	      "       wavtool pieces FRAMES REFERENCE FILE...   each file a piece of it, in order, "
	      "with at most so many frames lost before each\n"
	      "       wavtool beginnings FILE REFERENCE COUNT GAPS   the reference's beginning, so "
	      "many times, and so many gaps within\n",
		stderr);
	return 2;
}
