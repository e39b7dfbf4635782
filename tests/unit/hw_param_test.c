/* SPDX-License-Identifier: MIT */
/* Sets of hardware parameters: narrowing never widens, and never ends with an empty set. */
#include "unit.h"

#include <errno.h>

#include "protocol/hw_param.h"

static const struct xensnd_query_hw_param wide = {
	.formats = 0x1ffffff,
	.rates = { 8000, 48000 },
	.channels = { 1, 8 },
	.buffer = { 64, 65536 },
	.period = { 16, 8192 },
};

static void set_equals(const struct xensnd_query_hw_param *a, const struct xensnd_query_hw_param *b)
{
	assert_int_equal(a->formats, b->formats);
	assert_int_equal(a->rates.min, b->rates.min);
	assert_int_equal(a->rates.max, b->rates.max);
	assert_int_equal(a->channels.min, b->channels.min);
	assert_int_equal(a->channels.max, b->channels.max);
	assert_int_equal(a->buffer.min, b->buffer.min);
	assert_int_equal(a->buffer.max, b->buffer.max);
	assert_int_equal(a->period.min, b->period.min);
	assert_int_equal(a->period.max, b->period.max);
}

static void hw_param_narrows_every_range(void **state)
{
	const struct xensnd_query_hw_param other = {
		.formats = 0x14,
		.rates = { 16000, 44100 },
		.channels = { 2, 4 },
		.buffer = { 128, 1024 },
		.period = { 32, 512 },
	};
	struct xensnd_query_hw_param set = wide;

	(void)state;
	assert_int_equal(xensnd_hw_param_narrow(&set, &other), 0);
	set_equals(&set, &other);
}

static void hw_param_never_widens(void **state)
{
	const struct xensnd_query_hw_param other = {
		.formats = UINT64_MAX,
		.rates = { 1, UINT32_MAX },
		.channels = { 0, UINT32_MAX },
		.buffer = { 0, UINT32_MAX },
		.period = { 0, UINT32_MAX },
	};
	struct xensnd_query_hw_param set = wide;

	(void)state;
	assert_int_equal(xensnd_hw_param_narrow(&set, &other), 0);
	set_equals(&set, &wide);
}

static void hw_param_drops_formats_that_nobody_knows(void **state)
{
	struct xensnd_query_hw_param set = wide, other = wide;

	(void)state;
	set.formats = other.formats = UINT64_MAX;
	assert_int_equal(xensnd_hw_param_narrow(&set, &other), 0);
	assert_int_equal(set.formats, 0x1ffffff);
	set.formats = other.formats = UINT64_C(1) << 25;
	assert_false(xensnd_hw_param_is_possible(&set));
	assert_int_equal(xensnd_hw_param_narrow(&set, &other), -EINVAL);
	set.formats = UINT64_C(1) << 24;
	assert_true(xensnd_hw_param_is_possible(&set));
}

/* Each of these leaves nothing of one parameter. */
static void hw_param_refuses_what_leaves_nothing(void **state)
{
	struct xensnd_query_hw_param others[] = { wide, wide, wide, wide, wide, wide, wide, wide };

	(void)state;
	others[0].formats = 0;
	others[1].rates.min = 48001;
	others[1].rates.max = 96000;
	others[2].channels.min = 9;
	others[2].channels.max = 10;
	others[3].buffer.max = 63;
	others[3].buffer.min = 1;
	others[4].period.min = 9000;
	others[4].period.max = 10000;
	others[5].rates.max = 0;
	others[6].period.min = 100;
	others[6].period.max = 99;
	others[7].channels.min = 3;
	others[7].channels.max = 2;
	for (size_t i = 0; i < UNIT_COUNT(others); i++) {
		struct xensnd_query_hw_param set = wide;

		assert_int_equal(xensnd_hw_param_narrow(&set, &others[i]), -EINVAL);
		set_equals(&set, &wide);
	}
}

static void hw_param_is_impossible_with_any_empty_part(void **state)
{
	struct xensnd_query_hw_param set = wide;

	(void)state;
	assert_true(xensnd_hw_param_is_possible(&set));
	set.formats = 0;
	assert_false(xensnd_hw_param_is_possible(&set));
	set = wide;
	set.rates.min = 48001;
	assert_false(xensnd_hw_param_is_possible(&set));
	set = wide;
	set.channels.min = 9;
	assert_false(xensnd_hw_param_is_possible(&set));
	set = wide;
	set.buffer.min = 65537;
	assert_false(xensnd_hw_param_is_possible(&set));
	set = wide;
	set.period.min = 8193;
	assert_false(xensnd_hw_param_is_possible(&set));
}

static void hw_param_is_impossible_with_nothing_above_0(void **state)
{
	struct xensnd_query_hw_param sets[] = { wide, wide, wide, wide };

	(void)state;
	sets[0].rates.min = sets[0].rates.max = 0;
	sets[1].channels.min = sets[1].channels.max = 0;
	sets[2].buffer.min = sets[2].buffer.max = 0;
	sets[3].period.min = sets[3].period.max = 0;
	for (size_t i = 0; i < UNIT_COUNT(sets); i++)
		assert_false(xensnd_hw_param_is_possible(&sets[i]));
}

static void hw_param_may_be_a_single_value(void **state)
{
	const struct xensnd_query_hw_param one = {
		.formats = 4,
		.rates = { 48000, 48000 },
		.channels = { 2, 2 },
		.buffer = { 1024, 1024 },
		.period = { 1024, 1024 },
	};
	struct xensnd_query_hw_param set = wide;

	(void)state;
	assert_true(xensnd_hw_param_is_possible(&one));
	assert_int_equal(xensnd_hw_param_narrow(&set, &one), 0);
	set_equals(&set, &one);
	/* A lower bound of 0 is how a backend may say that there is none. */
	set.channels.min = set.buffer.min = 0;
	assert_true(xensnd_hw_param_is_possible(&set));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hw_param_narrows_every_range),
		cmocka_unit_test(hw_param_never_widens),
		cmocka_unit_test(hw_param_drops_formats_that_nobody_knows),
		cmocka_unit_test(hw_param_refuses_what_leaves_nothing),
		cmocka_unit_test(hw_param_is_impossible_with_any_empty_part),
		cmocka_unit_test(hw_param_is_impossible_with_nothing_above_0),
		cmocka_unit_test(hw_param_may_be_a_single_value),
	};

	return UNIT_RUN("hw_param", tests);
}
