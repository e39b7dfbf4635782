/* SPDX-License-Identifier: MIT */
/* A stream's position. See position.h. */
#include "position.h"

void xensnd_position_init(struct xensnd_position *position, uint32_t period_frames)
{
	*position = (struct xensnd_position){ .period_frames = period_frames,
		.boundary = period_frames };
}

void xensnd_position_start(struct xensnd_position *position)
{
	position->boundary = position->consumed + position->period_frames;
}

void xensnd_position_accept(struct xensnd_position *position, uint32_t frames)
{
	position->accepted += frames;
}

void xensnd_position_update(struct xensnd_position *position, uint64_t queued_frames)
{
	uint64_t held = position->accepted - position->consumed;

	if (queued_frames >= held)
		return;
	position->consumed = position->accepted - queued_frames;
	if (position->period_frames == 0)
		return;
	if (position->consumed >= position->boundary) {
		uint64_t past = position->consumed - position->boundary;

		position->boundary +=
			(past / position->period_frames + 1) * position->period_frames;
		position->event_due = true;
	}
	if (queued_frames == 0)
		position->event_due = true;
}

void xensnd_position_drop(struct xensnd_position *position)
{
	position->accepted = position->consumed;
}

void xensnd_position_halt(struct xensnd_position *position)
{
	if (position->period_frames != 0 && position->reported != position->consumed)
		position->event_due = true;
}

void xensnd_position_reported(struct xensnd_position *position)
{
	position->reported = position->consumed;
	position->event_due = false;
}

uint64_t xensnd_position_distance(const struct xensnd_position *position)
{
	uint64_t held = position->accepted - position->consumed;
	uint64_t to_boundary = position->boundary - position->consumed;

	if (position->period_frames == 0 || held == 0)
		return UINT64_MAX;
	return to_boundary < held ? to_boundary : held;
}
