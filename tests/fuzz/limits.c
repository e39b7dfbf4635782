/* SPDX-License-Identifier: MIT */
/*
 * What a guest may OPEN, and what HW_PARAM_QUERY answers: any question against any configuration.
 *
 * The input: a configuration within the limits of config.h, and then the structures as a guest
 * sends them. The two have to agree: what the answer still allows can be opened.
 */
#include "fuzz.h"

#include <errno.h>

#include "backend/stream_limits.h"
#include "protocol/format.h"
#include "protocol/hw_param.h"

static void params_make(struct xensnd_params *params, struct fuzz_input *input)
{
	uint32_t rate = 0;

	memset(params, 0, sizeof(*params));
	params->formats = fuzz_u32(input) & ((1u << XENSND_FORMATS) - 1);
	if (params->formats == 0)
		params->formats = XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_S16_LE);
	params->n_rates = 1 + fuzz_u8(input) % XENSND_MAX_RATES;
	for (unsigned int i = 0; i < params->n_rates; i++)
		params->rates[i] = rate += 1 + fuzz_u16(input) % (XENSND_MAX_RATE / 32);
	params->channels_max = 1 + fuzz_u8(input) % XENSND_MAX_CHANNELS;
	params->channels_min = 1 + fuzz_u8(input) % params->channels_max;
	params->buffer_bytes_max = 1 + fuzz_u32(input) % XENSND_MAX_BUFFER_BYTES;
}

static bool rate_is_listed(const struct xensnd_params *params, uint32_t rate)
{
	for (unsigned int i = 0; i < params->n_rates; i++)
		if (params->rates[i] == rate)
			return true;
	return false;
}

static void open_check(const struct xensnd_open_req *open, const struct xensnd_params *limits)
{
	struct xensnd_pcm_params params;
	int ret = xensnd_open_check(&params, open, limits);

	FUZZ_CHECK(ret == 0 || ret == -EINVAL);
	if (ret < 0)
		return;
	FUZZ_CHECK(params.format == open->pcm_format && params.format < XENSND_FORMATS);
	FUZZ_CHECK(limits->formats >> params.format & 1);
	FUZZ_CHECK(rate_is_listed(limits, params.rate));
	FUZZ_CHECK(params.channels >= limits->channels_min);
	FUZZ_CHECK(params.channels <= limits->channels_max);
	FUZZ_CHECK(params.frame_bytes > 0);
	FUZZ_CHECK(params.frame_bytes == params.channels * xensnd_format_bytes(params.format));
	FUZZ_CHECK(params.buffer_frames > 0 && params.period_frames <= params.buffer_frames);
	FUZZ_CHECK((uint64_t)params.buffer_frames * params.frame_bytes == open->buffer_sz);
	FUZZ_CHECK((uint64_t)params.period_frames * params.frame_bytes == open->period_sz);
	FUZZ_CHECK(open->buffer_sz <= limits->buffer_bytes_max);
}

/* [min, max] is a part of [outer_min, outer_max], and not nothing. */
static void range_check(uint32_t min, uint32_t max, uint32_t outer_min, uint32_t outer_max)
{
	FUZZ_CHECK(min <= max && max > 0 && min >= outer_min && max <= outer_max);
}

static void inside_check(
	const struct xensnd_query_hw_param *set, const struct xensnd_query_hw_param *outer)
{
	FUZZ_CHECK(set->formats != 0 && (set->formats & ~outer->formats) == 0);
	range_check(set->rates.min, set->rates.max, outer->rates.min, outer->rates.max);
	range_check(set->channels.min, set->channels.max, outer->channels.min, outer->channels.max);
	range_check(set->buffer.min, set->buffer.max, outer->buffer.min, outer->buffer.max);
	range_check(set->period.min, set->period.max, outer->period.min, outer->period.max);
}

/* A question for one combination that was allowed, with a period that the buffer holds. */
static void point_check(const struct xensnd_query_hw_param *set, const struct xensnd_params *limits)
{
	unsigned int format = (unsigned int)__builtin_ctzll(set->formats);
	uint32_t frame_bytes = xensnd_format_bytes(format) * set->channels.min;
	struct xensnd_query_hw_param point = { .formats = XENSND_FORMAT_BIT(format),
		.rates = { set->rates.min, set->rates.min },
		.channels = { set->channels.min, set->channels.min },
		.buffer = { set->buffer.max, set->buffer.max },
		.period = { set->period.min, set->period.min } };
	struct xensnd_open_req open = { .pcm_rate = set->rates.min,
		.pcm_format = (uint8_t)format,
		.pcm_channels = (uint8_t)set->channels.min,
		.buffer_sz = set->buffer.max * frame_bytes,
		.period_sz = set->period.min * frame_bytes };
	struct xensnd_pcm_params params;

	FUZZ_CHECK(frame_bytes > 0);
	if (set->period.min > set->buffer.max || xensnd_query_limit(&point, limits) < 0)
		return;
	FUZZ_CHECK(xensnd_open_check(&params, &open, limits) == 0);
}

static void query_check(
	const struct xensnd_query_hw_param *question, const struct xensnd_params *limits)
{
	struct xensnd_query_hw_param all, set = *question, again;
	int ret = xensnd_query_limit(&set, limits);

	FUZZ_CHECK(ret == 0 || ret == -EINVAL);
	if (ret < 0) {
		FUZZ_CHECK(memcmp(&set, question, sizeof(set)) == 0);
		return;
	}
	FUZZ_CHECK(xensnd_hw_param_is_possible(&set));
	inside_check(&set, question);
	xensnd_query_all(&all, limits);
	inside_check(&set, &all);
	FUZZ_CHECK(rate_is_listed(limits, set.rates.min) && rate_is_listed(limits, set.rates.max));
	FUZZ_CHECK((set.formats & ~limits->formats) == 0);
	FUZZ_CHECK(set.channels.min >= limits->channels_min);
	FUZZ_CHECK(set.channels.max <= limits->channels_max);
	/* An answer is its own answer, or nothing once its sizes count only what is left. */
	again = set;
	if (xensnd_query_limit(&again, limits) == 0)
		inside_check(&again, &set);
	point_check(&set, limits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { .at = data, .left = size };
	struct xensnd_query_hw_param question, other, both;
	struct xensnd_open_req open;
	struct xensnd_params limits;

	params_make(&limits, &input);
	fuzz_take(&input, &open, sizeof(open));
	open_check(&open, &limits);
	fuzz_take(&input, &question, sizeof(question));
	query_check(&question, &limits);
	xensnd_query_all(&question, &limits);
	query_check(&question, &limits);
	fuzz_take(&input, &other, sizeof(other));
	both = question;
	if (xensnd_hw_param_narrow(&both, &other) == 0) {
		inside_check(&both, &question);
		inside_check(&both, &other);
	} else {
		FUZZ_CHECK(memcmp(&both, &question, sizeof(both)) == 0);
	}
	return 0;
}
