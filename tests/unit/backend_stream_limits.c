/* SPDX-License-Identifier: MIT */
/* OPEN and HW_PARAM_QUERY against a stream's configuration. */
#include "unit.h"

#include <errno.h>

#include "backend/stream_limits.h"

static const struct xensnd_params limits = {
	.formats = XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_S16_LE) |
		   XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_S32_LE) |
		   XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_MPEG),
	.rates = { 22050, 44100, 48000 },
	.n_rates = 3,
	.channels_min = 1,
	.channels_max = 2,
	.buffer_bytes_max = 65536,
};

static struct xensnd_open_req open_good(void)
{
	return (struct xensnd_open_req){ .pcm_rate = 48000,
		.pcm_format = XENSND_PCM_FORMAT_S16_LE,
		.pcm_channels = 2,
		.buffer_sz = 65536,
		.gref_directory = 8,
		.period_sz = 16384 };
}

static int check(const struct xensnd_open_req *open)
{
	struct xensnd_pcm_params params;

	return xensnd_open_check(&params, open, &limits);
}

static void a_stream_opens_as_configured(void **state)
{
	const struct xensnd_open_req open = open_good();
	struct xensnd_pcm_params params;

	(void)state;
	assert_int_equal(xensnd_open_check(&params, &open, &limits), 0);
	assert_int_equal(params.frame_bytes, 4);
	assert_int_equal(params.buffer_frames, 16384);
	assert_int_equal(params.period_frames, 4096);
}

static void what_the_configuration_lacks_does_not_open(void **state)
{
	struct xensnd_open_req open;

	(void)state;
	open = open_good(), open.pcm_rate = 32000;
	assert_int_equal(check(&open), -EINVAL);
	open = open_good(), open.pcm_format = XENSND_PCM_FORMAT_S16_BE;
	assert_int_equal(check(&open), -EINVAL);
	open = open_good(), open.pcm_channels = 3;
	assert_int_equal(check(&open), -EINVAL);
	open = open_good(), open.pcm_channels = 0;
	assert_int_equal(check(&open), -EINVAL);
	open = open_good(), open.buffer_sz = 65540;
	assert_int_equal(check(&open), -EINVAL);
}

static void formats_without_a_frame_do_not_open(void **state)
{
	struct xensnd_open_req open = open_good();

	(void)state;
	open.pcm_format = XENSND_PCM_FORMAT_MPEG;
	assert_int_equal(check(&open), -EINVAL);
	open.pcm_format = 25;
	assert_int_equal(check(&open), -EINVAL);
	open.pcm_format = 255;
	assert_int_equal(check(&open), -EINVAL);
}

static void sizes_are_whole_frames_and_a_period_fits(void **state)
{
	struct xensnd_open_req open;

	(void)state;
	open = open_good(), open.buffer_sz = 0;
	assert_int_equal(check(&open), -EINVAL);
	open = open_good(), open.buffer_sz = 65534;
	assert_int_equal(check(&open), -EINVAL);
	open = open_good(), open.period_sz = 16382;
	assert_int_equal(check(&open), -EINVAL);
	open = open_good(), open.period_sz = 65540;
	assert_int_equal(check(&open), -EINVAL);
	open = open_good(), open.period_sz = 0;
	assert_int_equal(check(&open), 0);
}

static struct xensnd_query_hw_param query_any(void)
{
	return (struct xensnd_query_hw_param){ .formats = UINT64_MAX,
		.rates = { 1, UINT32_MAX },
		.channels = { 1, UINT32_MAX },
		.buffer = { 1, UINT32_MAX },
		.period = { 1, UINT32_MAX } };
}

static void an_open_question_is_answered_by_the_configuration(void **state)
{
	struct xensnd_query_hw_param set = query_any();

	(void)state;
	assert_int_equal(xensnd_query_limit(&set, &limits), 0);
	assert_true(set.formats == (XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_S16_LE) |
					   XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_S32_LE)));
	assert_int_equal(set.rates.min, 22050);
	assert_int_equal(set.rates.max, 48000);
	assert_int_equal(set.channels.max, 2);
	assert_int_equal(set.buffer.max, 32768); /* mono, two octets */
	assert_int_equal(set.period.max, 16384);
	assert_int_equal(set.period.min, 8); /* stereo, four octets: 64 octets */
}

static void sizes_follow_from_the_frame_that_was_asked_for(void **state)
{
	struct xensnd_query_hw_param set = query_any();

	(void)state;
	set.formats = XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_S32_LE);
	set.channels.min = 2;
	assert_int_equal(xensnd_query_limit(&set, &limits), 0);
	assert_int_equal(set.buffer.max, 8192);
	assert_int_equal(set.period.max, 4096);
}

static void rates_are_narrowed_to_those_of_the_list(void **state)
{
	struct xensnd_query_hw_param set = query_any();

	(void)state;
	set.rates.min = 30000;
	set.rates.max = 47999;
	assert_int_equal(xensnd_query_limit(&set, &limits), 0);
	assert_int_equal(set.rates.min, 44100);
	assert_int_equal(set.rates.max, 44100);
	set.rates.min = 44101;
	set.rates.max = 47999;
	assert_int_equal(xensnd_query_limit(&set, &limits), -EINVAL);
}

static void an_answer_stays_within_the_question(void **state)
{
	struct xensnd_query_hw_param set = query_any();

	(void)state;
	set.buffer.min = 1000;
	set.buffer.max = 2000;
	set.period.min = 100;
	set.period.max = 200;
	assert_int_equal(xensnd_query_limit(&set, &limits), 0);
	assert_int_equal(set.buffer.min, 1000);
	assert_int_equal(set.buffer.max, 2000);
	assert_int_equal(set.period.min, 100);
	assert_int_equal(set.period.max, 200);
}

static void impossible_questions_are_refused(void **state)
{
	struct xensnd_query_hw_param set = query_any();

	(void)state;
	set.channels.min = 3;
	assert_int_equal(xensnd_query_limit(&set, &limits), -EINVAL);
	assert_int_equal(set.channels.min, 3);
	set = query_any();
	set.formats = 0;
	assert_int_equal(xensnd_query_limit(&set, &limits), -EINVAL);
	set = query_any();
	set.rates.min = 48000;
	set.rates.max = 44100;
	assert_int_equal(xensnd_query_limit(&set, &limits), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_opens_as_configured),
		cmocka_unit_test(what_the_configuration_lacks_does_not_open),
		cmocka_unit_test(formats_without_a_frame_do_not_open),
		cmocka_unit_test(sizes_are_whole_frames_and_a_period_fits),
		cmocka_unit_test(an_open_question_is_answered_by_the_configuration),
		cmocka_unit_test(sizes_follow_from_the_frame_that_was_asked_for),
		cmocka_unit_test(rates_are_narrowed_to_those_of_the_list),
		cmocka_unit_test(an_answer_stays_within_the_question),
		cmocka_unit_test(impossible_questions_are_refused),
	};

	return UNIT_RUN("the limits", tests);
}
