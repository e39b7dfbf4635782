/* SPDX-License-Identifier: MIT */
/* A stream's buffer. See geometry.h. */
#include "geometry.h"

#include "common/clock.h"

/* Playback: how far may be sent at all. */
static uint64_t submit_limit(const struct xensnd_geometry *geometry, const struct xensnd_fill *fill)
{
	return fill->started ? UINT64_MAX
			     : fill->began + geometry->buffer_bytes - geometry->period_bytes;
}

/* How much could be submitted at once. A program that went back may have asked for too much. */
static uint64_t submit_room(const struct xensnd_geometry *geometry, const struct xensnd_fill *fill)
{
	uint64_t limit = submit_limit(geometry, fill);
	uint64_t asked = fill->submitted - fill->appl;

	if (fill->capture && fill->submitted < fill->appl)
		return fill->window;
	if (fill->capture)
		return fill->window > asked ? fill->window - asked : 0;
	if (limit > fill->appl)
		limit = fill->appl;
	return limit > fill->submitted ? limit - fill->submitted : 0;
}

struct xensnd_range xensnd_geometry_next(
	const struct xensnd_geometry *geometry, const struct xensnd_fill *fill)
{
	uint32_t offset = (uint32_t)(fill->submitted % geometry->buffer_bytes);
	uint64_t length = geometry->period_bytes;
	uint64_t room = submit_room(geometry, fill);

	if (fill->appl < xensnd_geometry_wanted(geometry, fill))
		return (struct xensnd_range){ .length = 0 };
	if (length > room)
		length = room;
	if (length > geometry->buffer_bytes - offset)
		length = geometry->buffer_bytes - offset;
	return (struct xensnd_range){ .offset = offset, .length = (uint32_t)length };
}

uint64_t xensnd_geometry_wanted(
	const struct xensnd_geometry *geometry, const struct xensnd_fill *fill)
{
	uint64_t end = fill->submitted +
		       (fill->in_flight > 0 ? geometry->period_bytes : geometry->frame_bytes);

	if (fill->in_flight >= XENSND_MAX_IN_FLIGHT)
		return UINT64_MAX;
	if (fill->capture)
		return end > fill->window ? end - fill->window : 0;
	return fill->submitted >= submit_limit(geometry, fill) ? UINT64_MAX : end;
}

int64_t xensnd_geometry_ns(const struct xensnd_geometry *geometry, uint64_t bytes)
{
	uint64_t frames = bytes / geometry->frame_bytes;

	return (int64_t)(frames * (uint64_t)XENSND_NS_PER_SECOND / geometry->rate);
}
