/* SPDX-License-Identifier: MIT */
/* Headers of WAV files. */
#include "unit.h"

#include <string.h>

#include "backend/wav_header.h"
#include "protocol/wire.h"

static uint32_t number(const uint8_t *at, unsigned int bytes)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint32_t)at[i] << (8 * i);
	return value;
}

static void stereo_of_16_bits_is_the_plain_format(void **state)
{
	uint8_t header[XENSND_WAV_HEADER_MAX];

	(void)state;
	assert_int_equal(xensnd_wav_header(header, XENSND_PCM_FORMAT_S16_LE, 2, 44100, 4000), 44);
	assert_memory_equal(header, "RIFF", 4);
	assert_int_equal(number(header + 4, 4), 36 + 4000);
	assert_memory_equal(header + 8, "WAVEfmt ", 8);
	assert_int_equal(number(header + 16, 4), 16);
	assert_int_equal(number(header + 20, 2), 1);
	assert_int_equal(number(header + 22, 2), 2);
	assert_int_equal(number(header + 24, 4), 44100);
	assert_int_equal(number(header + 28, 4), 176400);
	assert_int_equal(number(header + 32, 2), 4);
	assert_int_equal(number(header + 34, 2), 16);
	assert_memory_equal(header + 36, "data", 4);
	assert_int_equal(number(header + 40, 4), 4000);
}

static void floating_point_says_how_many_frames_there_are(void **state)
{
	uint8_t header[XENSND_WAV_HEADER_MAX];

	(void)state;
	assert_int_equal(xensnd_wav_header(header, XENSND_PCM_FORMAT_F32_LE, 1, 48000, 400), 58);
	assert_int_equal(number(header + 20, 2), 3);
	assert_int_equal(number(header + 34, 2), 32);
	assert_memory_equal(header + 38, "fact", 4);
	assert_int_equal(number(header + 46, 4), 100);
	assert_memory_equal(header + 50, "data", 4);
}

static void many_channels_are_extensible(void **state)
{
	uint8_t header[XENSND_WAV_HEADER_MAX];

	(void)state;
	assert_int_equal(xensnd_wav_header(header, XENSND_PCM_FORMAT_S32_LE, 6, 48000, 0), 68);
	assert_int_equal(number(header + 16, 4), 40);
	assert_int_equal(number(header + 20, 2), 0xfffe);
	assert_int_equal(number(header + 36, 2), 22);
	assert_int_equal(number(header + 44, 2), 1);
	assert_memory_equal(header + 60, "data", 4);
	assert_true(xensnd_wav_header(header, XENSND_PCM_FORMAT_F64_LE, 255, 48000, 0) <=
		    XENSND_WAV_HEADER_MAX);
}

static void formats_that_wav_lacks_have_no_header(void **state)
{
	uint8_t header[XENSND_WAV_HEADER_MAX];

	(void)state;
	assert_int_equal(xensnd_wav_header(header, XENSND_PCM_FORMAT_S16_BE, 2, 44100, 0), 0);
	assert_int_equal(xensnd_wav_header(header, XENSND_PCM_FORMAT_U16_LE, 2, 44100, 0), 0);
	assert_int_equal(xensnd_wav_header(header, XENSND_PCM_FORMAT_S8, 2, 44100, 0), 0);
	assert_int_equal(xensnd_wav_header(header, 255, 2, 44100, 0), 0);
	assert_true((xensnd_wav_formats() & XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_S16_BE)) == 0);
	assert_true((xensnd_wav_formats() & XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_MU_LAW)) != 0);
}

static void sizes_beyond_32_bits_stick_at_the_maximum(void **state)
{
	uint8_t header[XENSND_WAV_HEADER_MAX];

	(void)state;
	xensnd_wav_header(header, XENSND_PCM_FORMAT_S16_LE, 2, 44100, UINT64_C(1) << 33);
	assert_int_equal(number(header + 4, 4), UINT32_MAX);
	assert_int_equal(number(header + 40, 4), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stereo_of_16_bits_is_the_plain_format),
		cmocka_unit_test(floating_point_says_how_many_frames_there_are),
		cmocka_unit_test(many_channels_are_extensible),
		cmocka_unit_test(formats_that_wav_lacks_have_no_header),
		cmocka_unit_test(sizes_beyond_32_bits_stick_at_the_maximum),
	};

	return UNIT_RUN("the WAV header", tests);
}
