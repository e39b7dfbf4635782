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
	position->boundary = position->frames + position->period_frames;
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
	position->boundary += (past / position->period_frames + 1) * position->period_frames;
	position->event_due = true;
}

void xensnd_position_played(struct xensnd_position *position, uint64_t queued_frames)
{
	if (queued_frames >= position->transferred - position->frames)
		return;
	position_move(position, position->transferred - queued_frames);
	if (queued_frames == 0 && position->period_frames != 0)
		position->event_due = true;
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
		position->event_due = true;
}

void xensnd_position_reported(struct xensnd_position *position)
{
	position->reported = position->frames;
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
