/* SPDX-License-Identifier: MIT */
/* The table of sample formats, against names and sizes that are spelled out here. */
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "protocol/format.h"

/* By sndif's number: the number is also the bit in HW_PARAM_QUERY. */
static const struct {
	const char *name;
	unsigned int bytes;
} formats[] = {
	{ "s8", 1 }, { "u8", 1 },                                                         //
	{ "s16_le", 2 }, { "s16_be", 2 }, { "u16_le", 2 }, { "u16_be", 2 },               //
	{ "s24_le", 4 }, { "s24_be", 4 }, { "u24_le", 4 }, { "u24_be", 4 },               //
	{ "s32_le", 4 }, { "s32_be", 4 }, { "u32_le", 4 }, { "u32_be", 4 },               //
	{ "float_le", 4 }, { "float_be", 4 }, { "float64_le", 8 }, { "float64_be", 8 },   //
	{ "iec958_subframe_le", 4 }, { "iec958_subframe_be", 4 },                         //
	{ "mu_law", 1 }, { "a_law", 1 }, { "ima_adpcm", 0 }, { "mpeg", 0 }, { "gsm", 0 }, //
};

static int from_name(const char *name)
{
	return xensnd_format_from_name(name, strlen(name));
}

static void format_names_go_both_ways(void **state)
{
	(void)state;
	assert_int_equal(UNIT_COUNT(formats), XENSND_FORMATS);
	for (unsigned int i = 0; i < UNIT_COUNT(formats); i++) {
		assert_string_equal(xensnd_format_name(i), formats[i].name);
		assert_int_equal(from_name(formats[i].name), i);
	}
}

static void format_sizes_are_those_of_a_sample_in_memory(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < UNIT_COUNT(formats); i++)
		assert_int_equal(xensnd_format_bytes(i), formats[i].bytes);
}

static void format_knows_how_libxl_spells_floating_point(void **state)
{
	(void)state;
	assert_int_equal(from_name("f32_le"), 14);
	assert_int_equal(from_name("f32_be"), 15);
	assert_int_equal(from_name("f64_le"), 16);
	assert_int_equal(from_name("f64_be"), 17);
	assert_int_equal(from_name("F32_LE"), 14);
}

static void format_names_have_no_case(void **state)
{
	(void)state;
	assert_int_equal(from_name("S16_LE"), 2);
	assert_int_equal(from_name("Float_Le"), 14);
	assert_int_equal(from_name("IEC958_subframe_BE"), 19);
}

static void format_names_end_where_the_length_says(void **state)
{
	(void)state;
	assert_int_equal(xensnd_format_from_name("s16_le,u8", 6), 2);
	assert_int_equal(xensnd_format_from_name("s8x", 2), 0);
	assert_int_equal(xensnd_format_from_name("s16_le", 5), -EINVAL);
	assert_int_equal(xensnd_format_from_name("f32_le", 5), -EINVAL);
	assert_int_equal(xensnd_format_from_name("s16_le", 0), -EINVAL);
}

static void format_refuses_names_that_are_none(void **state)
{
	static const char *const unknown[] = { "", "s", "s16", "s16_", "s16_lee", " s16_le",
		"s16_le ", "s16-le", "s20_le", "float", "float32_le", "f32", "f32_lee", "dsd_u8",
		"S16_LE\n" };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(unknown); i++)
		assert_int_equal(from_name(unknown[i]), -EINVAL);
}

static void format_numbers_beyond_the_table_are_none(void **state)
{
	static const unsigned int numbers[] = { 25, 26, 63, 255, UINT_MAX };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(numbers); i++) {
		assert_null(xensnd_format_name(numbers[i]));
		assert_int_equal(xensnd_format_bytes(numbers[i]), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format_names_go_both_ways),
		cmocka_unit_test(format_sizes_are_those_of_a_sample_in_memory),
		cmocka_unit_test(format_knows_how_libxl_spells_floating_point),
		cmocka_unit_test(format_names_have_no_case),
		cmocka_unit_test(format_names_end_where_the_length_says),
		cmocka_unit_test(format_refuses_names_that_are_none),
		cmocka_unit_test(format_numbers_beyond_the_table_are_none),
	};

	return UNIT_RUN("formats", tests);
}
