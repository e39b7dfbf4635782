/* SPDX-License-Identifier: MIT */
/* Silence in every format. */
#include "unit.h"

#include <string.h>

#include "backend/silence.h"
#include "protocol/format.h"
#include "protocol/wire.h"

static void is_silent(unsigned int format, const char *sample, size_t bytes)
{
	char data[64];

	memset(data, 0x11, sizeof(data));
	xensnd_silence_fill(data, format, sizeof(data) - 8);
	for (size_t at = 0; at < sizeof(data) - 8; at += bytes)
		assert_memory_equal(data + at, sample, bytes);
	assert_int_equal(data[sizeof(data) - 8], 0x11);
}

static void silence_is_the_middle_of_the_range(void **state)
{
	(void)state;
	is_silent(XENSND_PCM_FORMAT_U8, "\x80", 1);
	is_silent(XENSND_PCM_FORMAT_U16_LE, "\0\x80", 2);
	is_silent(XENSND_PCM_FORMAT_U16_BE, "\x80\0", 2);
	is_silent(XENSND_PCM_FORMAT_U24_LE, "\0\0\x80\0", 4);
	is_silent(XENSND_PCM_FORMAT_U24_BE, "\0\x80\0\0", 4);
	is_silent(XENSND_PCM_FORMAT_U32_LE, "\0\0\0\x80", 4);
	is_silent(XENSND_PCM_FORMAT_U32_BE, "\x80\0\0\0", 4);
	is_silent(XENSND_PCM_FORMAT_MU_LAW, "\x7f", 1);
	is_silent(XENSND_PCM_FORMAT_A_LAW, "\x55", 1);
}

static void it_is_zero_for_all_others(void **state)
{
	static const unsigned int formats[] = { XENSND_PCM_FORMAT_S8, XENSND_PCM_FORMAT_S16_LE,
		XENSND_PCM_FORMAT_S16_BE, XENSND_PCM_FORMAT_S24_LE, XENSND_PCM_FORMAT_S24_BE,
		XENSND_PCM_FORMAT_S32_LE, XENSND_PCM_FORMAT_S32_BE, XENSND_PCM_FORMAT_F32_LE,
		XENSND_PCM_FORMAT_F32_BE, XENSND_PCM_FORMAT_F64_LE, XENSND_PCM_FORMAT_F64_BE,
		XENSND_PCM_FORMAT_IEC958_SUBFRAME_LE, XENSND_PCM_FORMAT_IEC958_SUBFRAME_BE };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(formats); i++)
		is_silent(formats[i], "\0\0\0\0\0\0\0", xensnd_format_bytes(formats[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_is_the_middle_of_the_range),
		cmocka_unit_test(it_is_zero_for_all_others),
	};

	return UNIT_RUN("silence", tests);
}
