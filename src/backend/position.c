/* SPDX-License-Identifier: MIT */
/* A stream's position. See position.h. */
#include "position.h"

void xensnd_position_init(struct xensnd_position *position, uint32_t period_frames)
{
	*position = (struct xensnd_position){ .period_frames = period_frames };
	xensnd_position_start(position);
}

void xensnd_position_start(struct xensnd_position *position)
{
	position->boundary = position->frames + position->period_frames + XENSND_PAST_PERIOD;
}

void xensnd_position_transfer(struct xensnd_position *position, uint32_t frames)
{
	position->transferred += frames;
}

static void position_move(struct xensnd_position *position, uint64_t frames)
{
	uint64_t past;

	position->frames = frames;
	if (position->period_frames == 0 || frames < position->boundary)
		return;
	past = frames - position->boundary;
	position->event_frames =
		position->boundary + past / position->period_frames * position->period_frames;
	position->boundary = position->event_frames + position->period_frames;
	position->event_due = true;
}

/* Where the position is, whatever a period has to say. */
static void event_exact(struct xensnd_position *position)
{
	position->event_frames = position->frames;
	position->event_due = true;
}

void xensnd_position_played(struct xensnd_position *position, uint64_t queued_frames)
{
	if (queued_frames >= position->transferred - position->frames)
		return;
	position_move(position, position->transferred - queued_frames);
	if (queued_frames == 0 && position->period_frames != 0)
		event_exact(position);
}

void xensnd_position_recorded(struct xensnd_position *position, uint64_t ready_frames)
{
	if (position->transferred + ready_frames > position->frames)
		position_move(position, position->transferred + ready_frames);
}

void xensnd_position_drop(struct xensnd_position *position)
{
	position->transferred = position->frames;
}

void xensnd_position_halt(struct xensnd_position *position)
{
	if (position->period_frames != 0 && position->reported != position->frames)
		event_exact(position);
}

void xensnd_position_reported(struct xensnd_position *position)
{
	position->reported = position->event_frames;
	position->event_due = false;
}

uint64_t xensnd_position_to_play(const struct xensnd_position *position)
{
	uint64_t held = position->transferred - position->frames;
	uint64_t to_boundary = position->boundary - position->frames;

	if (position->period_frames == 0 || held == 0)
		return UINT64_MAX;
	return to_boundary < held ? to_boundary : held;
}

uint64_t xensnd_position_to_record(const struct xensnd_position *position, uint64_t ready_frames)
{
	if (position->period_frames == 0)
		return UINT64_MAX;
	return position->boundary - (position->transferred + ready_frames);
}
