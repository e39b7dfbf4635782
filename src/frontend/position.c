/* SPDX-License-Identifier: MIT */
/* The backend's position. See position.h. */
#include "position.h"

void xensnd_position_open(struct xensnd_position *position, enum xensnd_position_source source)
{
	*position = (struct xensnd_position){ .source = source, .whole_periods = true };
}

void xensnd_position_prepare(struct xensnd_position *position)
{
	position->fresh = true;
	position->moved = false;
	position->reported = 0;
	position->acked = 0;
}

void xensnd_position_halt(struct xensnd_position *position, uint32_t frame_bytes)
{
	uint64_t now = xensnd_position_now(position) / frame_bytes * frame_bytes;

	position->fresh = true;
	position->reported = now;
	position->acked = now;
}

/* The first event of a run: does it count from START? Then the last run's value is no reference. */
static void run_begin(struct xensnd_position *position, uint64_t raw, uint64_t possible)
{
	if (position->seen && raw < position->raw)
		position->from_start = true;
	if (raw > possible)
		position->from_start = false;
	if (position->from_start)
		position->raw = 0;
	position->fresh = false;
}

void xensnd_position_event(
	struct xensnd_position *position, uint64_t raw, uint64_t possible, uint32_t period_bytes)
{
	uint64_t room = possible > position->reported ? possible - position->reported : 0;
	bool first = !position->seen;
	uint64_t advance;

	if (position->fresh)
		run_begin(position, raw, possible);
	advance = raw >= position->raw ? raw - position->raw : raw;
	position->raw = raw;
	position->seen = true;
	if (period_bytes == 0 || raw % period_bytes != 0)
		position->whole_periods = false;
	if (advance > room) {
		/*
		 * The first value may count from anywhere; a later one can only be too far ahead.
		 */
		if (first)
			return;
		advance = room;
	}
	position->reported += advance;
	if (advance > 0)
		position->moved = true;
}

void xensnd_position_stale(struct xensnd_position *position, uint64_t raw)
{
	position->raw = raw;
	position->seen = true;
}

void xensnd_position_ack(struct xensnd_position *position, uint64_t bytes)
{
	position->acked += bytes;
}

uint64_t xensnd_position_now(const struct xensnd_position *position)
{
	if (position->source == XENSND_POSITION_ACKS || position->acked < position->reported)
		return position->acked;
	return position->reported;
}
