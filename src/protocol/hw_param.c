/* SPDX-License-Identifier: MIT */
/* Sets of hardware parameters. See hw_param.h. */
#include "hw_param.h"

#include <errno.h>

#include "format.h"

#define KNOWN_FORMATS (XENSND_FORMAT_BIT(XENSND_FORMATS) - 1)

static bool range_is_possible(uint32_t min, uint32_t max)
{
	return max > 0 && min <= max;
}

bool xensnd_hw_param_is_possible(const struct xensnd_query_hw_param *set)
{
	return (set->formats & KNOWN_FORMATS) != 0 &&
	       range_is_possible(set->rates.min, set->rates.max) &&
	       range_is_possible(set->channels.min, set->channels.max) &&
	       range_is_possible(set->buffer.min, set->buffer.max) &&
	       range_is_possible(set->period.min, set->period.max);
}

static void range_narrow(uint32_t *min, uint32_t *max, uint32_t other_min, uint32_t other_max)
{
	if (other_min > *min)
		*min = other_min;
	if (other_max < *max)
		*max = other_max;
}

int xensnd_hw_param_narrow(
	struct xensnd_query_hw_param *set, const struct xensnd_query_hw_param *other)
{
	struct xensnd_query_hw_param both = *set;

	both.formats &= other->formats & KNOWN_FORMATS;
	range_narrow(&both.rates.min, &both.rates.max, other->rates.min, other->rates.max);
	range_narrow(
		&both.channels.min, &both.channels.max, other->channels.min, other->channels.max);
	range_narrow(&both.buffer.min, &both.buffer.max, other->buffer.min, other->buffer.max);
	range_narrow(&both.period.min, &both.period.max, other->period.min, other->period.max);
	if (!xensnd_hw_param_is_possible(&both))
		return -EINVAL;
	*set = both;
	return 0;
}
