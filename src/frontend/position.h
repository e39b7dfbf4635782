/* SPDX-License-Identifier: MIT */
/*
 * Where the backend is in the stream, in bytes since prepare: from its position events and its
 * acknowledgements.
 *
 * Apart because sndif.h does not say what a position counts from, and backends differ: since OPEN,
 * since the last START, any offset, or always 0. Pure arithmetic on what was received; a clock has
 * no say.
 *
 * Only differences of events count. A step back is a restart from 0; one that the first event of a
 * run shows tells that the backend counts from START, which a later run may not show: its first
 * event may be beyond the last one of the run before. Nothing is ever reported that was not
 * acknowledged, and the result never steps back.
 */
#ifndef XENSND_FRONTEND_POSITION_H
#define XENSND_FRONTEND_POSITION_H

#include <stdbool.h>
#include <stdint.h>

enum xensnd_position_source {
	XENSND_POSITION_EVENTS,
	XENSND_POSITION_ACKS, /* the backend's events never move: what it took counts as played */
};

/* What the user wants. */
enum xensnd_position_policy {
	XENSND_POSITION_AUTO, /* playback: events, and answers where those do not move; capture:
				 answers */
	XENSND_POSITION_EVENTS_ONLY,
	XENSND_POSITION_ACKS_ONLY,
};

struct xensnd_position {
	enum xensnd_position_source source;
	uint64_t raw;       /* the last event's value */
	bool seen;          /* there was an event since OPEN */
	bool fresh;         /* there was none since prepare */
	bool from_start;    /* the backend counts from START */
	bool moved;         /* events have advanced the position since prepare */
	bool whole_periods; /* so far every event was a multiple of the period */
	uint64_t reported;  /* by events */
	uint64_t acked;     /* by acknowledgements */
};

/* After OPEN. */
void xensnd_position_open(struct xensnd_position *position, enum xensnd_position_source source);

/* At prepare: counting starts again at 0; what is known of the backend stays. */
void xensnd_position_prepare(struct xensnd_position *position);

/*
 * The stream was stopped in order to go on later, and what was not played is sent again: the count
 * stays, but for a part of a frame, which no backend can have played.
 */
void xensnd_position_halt(struct xensnd_position *position, uint32_t frame_bytes);

/*
 * An event while the stream runs. possible: bytes since prepare, beyond which it can not be.
 * period_bytes as in OPEN.
 */
void xensnd_position_event(
	struct xensnd_position *position, uint64_t raw, uint64_t possible, uint32_t period_bytes);

/* An event of an earlier run that arrived late: only a new point of reference. */
void xensnd_position_stale(struct xensnd_position *position, uint64_t raw);

/* The backend has taken, or delivered, so many bytes more. */
void xensnd_position_ack(struct xensnd_position *position, uint64_t bytes);

/* Bytes played, or recorded into the buffer, since prepare. */
uint64_t xensnd_position_now(const struct xensnd_position *position);

#endif
