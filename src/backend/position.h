/* SPDX-License-Identifier: MIT */
/*
 * What a stream has played or recorded, and when its frontend is to be told.
 *
 * Apart because the promise is subtle and has nothing to do with devices: frames count from OPEN
 * and never go back, over STOP, START and underruns alike (sndif.h leaves the origin open, and
 * every frontend copes with this one).
 */
#ifndef XENSND_BACKEND_POSITION_H
#define XENSND_BACKEND_POSITION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * An event comes so many frames after a period's end: Linux' frontend takes a period for ended when
 * more than one is over (sound/xen/xen_snd_front_alsa.c).
 */
#define XENSND_PAST_PERIOD 1u

struct xensnd_position {
	uint32_t period_frames; /* between events; 0: none are wanted */
	uint64_t transferred;   /* written to the device or read from it since OPEN, but what was
				   dropped counts as if it had been played or read */
	uint64_t frames;        /* the position: played, or recorded; never goes back */
	uint64_t boundary;      /* the next position that is worth an event */
	/*
	 * What the due event says: the boundary that was passed, not how late that was noticed. A
	 * frontend with two periods fills the buffer at each event; if one came later after its
	 * boundary than the next one, less than a period would be free at that, and its program
	 * would sleep until all is played.
	 */
	uint64_t event_frames;
	uint64_t reported; /* by the last event */
	bool event_due;    /* stays until the event was sent */
};

void xensnd_position_init(struct xensnd_position *position, uint32_t period_frames);

/* START: periods count from here. */
void xensnd_position_start(struct xensnd_position *position);

/* The device took frames, or gave them. */
void xensnd_position_transfer(struct xensnd_position *position, uint32_t frames);

/*
 * Playback: the device still holds queued frames; what it says is clamped to what can be. An event
 * is due when a period boundary was passed, or when all that was written is played: nothing else
 * would tell a draining frontend of its last part of a period.
 */
void xensnd_position_played(struct xensnd_position *position, uint64_t queued_frames);

/*
 * Capture: so many frames can be read. What an overrun has lost is no part of the position, so that
 * it never promises more than READs will get: it then stands still until as much is there again. An
 * event is due when a period boundary was passed.
 */
void xensnd_position_recorded(struct xensnd_position *position, uint64_t ready_frames);

/* The device forgets what it holds; the position stays, and goes on from there. */
void xensnd_position_drop(struct xensnd_position *position);

/* The stream halts: the frontend is told where, if it does not know. */
void xensnd_position_halt(struct xensnd_position *position);

/* The due event was sent with event_frames. */
void xensnd_position_reported(struct xensnd_position *position);

/* How many more frames are to be played until an event will be due; UINT64_MAX: none will. */
uint64_t xensnd_position_to_play(const struct xensnd_position *position);

/* As much for capture, with so many frames ready now. */
uint64_t xensnd_position_to_record(const struct xensnd_position *position, uint64_t ready_frames);

#endif
