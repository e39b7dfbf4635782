/* SPDX-License-Identifier: MIT */
/* The limits of a stream. See stream_limits.h. */
#include "stream_limits.h"

#include <errno.h>
#include <stdbool.h>

#include "protocol/format.h"
#include "protocol/hw_param.h"

static bool rate_allowed(const struct xensnd_params *limits, uint32_t rate)
{
	for (unsigned int i = 0; i < limits->n_rates; i++)
		if (limits->rates[i] == rate)
			return true;
	return false;
}

int xensnd_open_check(struct xensnd_pcm_params *params, const struct xensnd_open_req *open,
	const struct xensnd_params *limits)
{
	uint32_t frame_bytes = xensnd_format_bytes(open->pcm_format) * open->pcm_channels;

	if (frame_bytes == 0 || (limits->formats & XENSND_FORMAT_BIT(open->pcm_format)) == 0)
		return -EINVAL;
	if (open->pcm_channels < limits->channels_min || open->pcm_channels > limits->channels_max)
		return -EINVAL;
	if (!rate_allowed(limits, open->pcm_rate))
		return -EINVAL;
	if (open->buffer_sz == 0 || open->buffer_sz > limits->buffer_bytes_max ||
		open->buffer_sz % frame_bytes != 0)
		return -EINVAL;
	if (open->period_sz > open->buffer_sz || open->period_sz % frame_bytes != 0)
		return -EINVAL;
	*params = (struct xensnd_pcm_params){ .format = open->pcm_format,
		.rate = open->pcm_rate,
		.channels = open->pcm_channels,
		.frame_bytes = frame_bytes,
		.buffer_frames = open->buffer_sz / frame_bytes,
		.period_frames = open->period_sz / frame_bytes };
	return 0;
}

/* The allowed formats that have frames at all. */
static uint64_t formats_framed(uint64_t formats)
{
	uint64_t framed = 0;

	for (unsigned int i = 0; i < XENSND_FORMATS; i++)
		if (xensnd_format_bytes(i) != 0)
			framed |= formats & XENSND_FORMAT_BIT(i);
	return framed;
}

static void sample_bytes_range(uint64_t formats, uint32_t *min, uint32_t *max)
{
	*min = UINT32_MAX;
	*max = 0;
	for (unsigned int i = 0; i < XENSND_FORMATS; i++) {
		uint32_t bytes = xensnd_format_bytes(i);

		if ((formats & XENSND_FORMAT_BIT(i)) == 0 || bytes == 0)
			continue;
		if (bytes < *min)
			*min = bytes;
		if (bytes > *max)
			*max = bytes;
	}
}

/* Buffers and periods in frames, as wide as any frame size that is left in the set permits. */
static int set_limit_sizes(struct xensnd_query_hw_param *set, const struct xensnd_params *limits)
{
	struct xensnd_query_hw_param sizes = *set;
	uint32_t bytes_min, bytes_max, frame_min, frame_max;

	sample_bytes_range(set->formats, &bytes_min, &bytes_max);
	frame_min = bytes_min * set->channels.min;
	frame_max = bytes_max * set->channels.max;
	sizes.period.min = (XENSND_PERIOD_BYTES_MIN + frame_max - 1) / frame_max;
	sizes.period.max = limits->buffer_bytes_max / 2 / frame_min;
	sizes.buffer.min = 2 * sizes.period.min;
	sizes.buffer.max = limits->buffer_bytes_max / frame_min;
	return xensnd_hw_param_narrow(set, &sizes);
}

int xensnd_query_limit(struct xensnd_query_hw_param *set, const struct xensnd_params *limits)
{
	struct xensnd_query_hw_param narrowed = *set;
	struct xensnd_query_hw_param config = *set;
	int ret;

	config.formats = formats_framed(limits->formats);
	config.channels.min = limits->channels_min;
	config.channels.max = limits->channels_max;
	config.rates.min = UINT32_MAX;
	config.rates.max = 0;
	for (unsigned int i = 0; i < limits->n_rates; i++) {
		uint32_t rate = limits->rates[i];

		if (rate < set->rates.min || rate > set->rates.max)
			continue;
		if (rate < config.rates.min)
			config.rates.min = rate;
		if (rate > config.rates.max)
			config.rates.max = rate;
	}
	ret = xensnd_hw_param_narrow(&narrowed, &config);
	if (ret == 0)
		ret = set_limit_sizes(&narrowed, limits);
	if (ret == 0)
		*set = narrowed;
	return ret;
}

void xensnd_query_all(struct xensnd_query_hw_param *set, const struct xensnd_params *limits)
{
	*set = (struct xensnd_query_hw_param){ .formats = UINT64_MAX,
		.rates = { 1, UINT32_MAX },
		.channels = { 1, UINT32_MAX },
		.buffer = { 1, UINT32_MAX },
		.period = { 1, UINT32_MAX } };
	(void)xensnd_query_limit(set, limits);
}
