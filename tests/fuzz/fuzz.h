/* SPDX-License-Identifier: MIT */
/*
 * What every fuzz target needs: numbers and strings out of the input, and a check that ends the
 * run.
 *
 * Apart so that all targets decode alike: an input that is too short goes on as zeros, so that
 * every input means something and mutating one byte changes little else.
 */
#ifndef XENSND_TESTS_FUZZ_FUZZ_H
#define XENSND_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Called once for each input, by libFuzzer or by AFL++'s driver for it. Nothing outlives a call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What has to be true whatever the input is. */
#define FUZZ_CHECK(condition)                                                                     \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

/* Takes n octets; what the input does not have is 0. */
static inline void fuzz_take(struct fuzz_input *input, void *to, size_t n)
{
	size_t there = n < input->left ? n : input->left;

	memset(to, 0, n);
	if (there > 0)
		memcpy(to, input->at, there);
	input->at += there;
	input->left -= there;
}

static inline uint8_t fuzz_u8(struct fuzz_input *input)
{
	uint8_t value;

	fuzz_take(input, &value, sizeof(value));
	return value;
}

static inline uint16_t fuzz_u16(struct fuzz_input *input)
{
	uint16_t value;

	fuzz_take(input, &value, sizeof(value));
	return value;
}

static inline uint32_t fuzz_u32(struct fuzz_input *input)
{
	uint32_t value;

	fuzz_take(input, &value, sizeof(value));
	return value;
}

static inline uint64_t fuzz_u64(struct fuzz_input *input)
{
	uint64_t value;

	fuzz_take(input, &value, sizeof(value));
	return value;
}

/* A page as it is shared: on a page's boundary, with what is beyond it out of bounds. */
static inline void *fuzz_page(void)
{
	void *page = aligned_alloc(4096, 4096);

	FUZZ_CHECK(page != NULL);
	memset(page, 0, 4096);
	return page;
}

/* A copy of some octets as a string of its own, of which what is beyond the end is out of bounds.
 */
static inline char *fuzz_text(const void *from, size_t len)
{
	char *text = malloc(len + 1);

	FUZZ_CHECK(text != NULL);
	if (len > 0)
		memcpy(text, from, len);
	text[len] = '\0';
	return text;
}

#endif
