/* SPDX-License-Identifier: MIT */
/*
 * WAV files, whole and in memory, for the test tools.
 *
 * Apart from the backend's own reader and writer, which they judge.
 */
#ifndef XENSND_TESTS_WAV_H
#define XENSND_TESTS_WAV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WAV_PCM 1u
#define WAV_FLOAT 3u

struct wav {
	uint16_t encoding; /* WAV_PCM or WAV_FLOAT */
	uint16_t channels;
	uint32_t rate;
	uint16_t frame_bytes;
	uint16_t bits; /* of a sample, without padding */
	uint8_t *file; /* all of it, to be freed; NULL if data is not from a file */
	uint8_t *data;
	size_t data_bytes;
	size_t more_bytes; /* in the file, whole frames, beyond what its header says */
};

/* Says what is wrong, and ends the program with exit code 1. */
__attribute__((noreturn, format(printf, 1, 2))) void wav_fail(const char *format, ...);

/* The data's length is what is in the file: a header may say more, if the writer was killed. */
struct wav wav_read(const char *path);

/* With the extensible header beyond two channels. */
void wav_write(const char *path, const struct wav *wav);

/* Ends the program unless both are of one format. */
void wav_same_format(const struct wav *got, const struct wav *wanted);

/* From a byte on? aplay fills its last chunk up with silence. */
bool wav_is_silence(const struct wav *wav, size_t from);

#endif
