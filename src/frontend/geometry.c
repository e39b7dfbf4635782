/* SPDX-License-Identifier: MIT */
/* A stream's buffer. See geometry.h. */
#include "geometry.h"

#include "common/clock.h"

/* How far may be sent at all. */
static uint64_t submit_limit(const struct xensnd_geometry *geometry, const struct xensnd_fill *fill)
{
	return fill->started ? UINT64_MAX : geometry->buffer_bytes - geometry->period_bytes;
}

struct xensnd_range xensnd_geometry_next(
	const struct xensnd_geometry *geometry, const struct xensnd_fill *fill)
{
	uint32_t offset = (uint32_t)(fill->submitted % geometry->buffer_bytes);
	uint64_t length = geometry->period_bytes;
	uint64_t limit = submit_limit(geometry, fill);

	if (fill->appl < xensnd_geometry_wanted(geometry, fill))
		return (struct xensnd_range){ .length = 0 };
	if (length > fill->appl - fill->submitted)
		length = fill->appl - fill->submitted;
	if (length > limit - fill->submitted)
		length = limit - fill->submitted;
	if (length > geometry->buffer_bytes - offset)
		length = geometry->buffer_bytes - offset;
	return (struct xensnd_range){ .offset = offset, .length = (uint32_t)length };
}

uint64_t xensnd_geometry_wanted(
	const struct xensnd_geometry *geometry, const struct xensnd_fill *fill)
{
	if (fill->in_flight >= XENSND_MAX_IN_FLIGHT ||
		fill->submitted >= submit_limit(geometry, fill))
		return UINT64_MAX;
	return fill->submitted +
	       (fill->in_flight > 0 ? geometry->period_bytes : geometry->frame_bytes);
}

int64_t xensnd_geometry_ns(const struct xensnd_geometry *geometry, uint64_t bytes)
{
	uint64_t frames = bytes / geometry->frame_bytes;

	return (int64_t)(frames * (uint64_t)XENSND_NS_PER_SECOND / geometry->rate);
}
