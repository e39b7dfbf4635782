/* SPDX-License-Identifier: MIT */
/*
 * The shape of an open stream's buffer, and which part of it the next WRITE or READ should carry.
 *
 * Apart from the worker because it is arithmetic that decides how many requests and wake-ups a
 * period costs, and what a backend may be asked to hold before it was started.
 */
#ifndef XENSND_FRONTEND_GEOMETRY_H
#define XENSND_FRONTEND_GEOMETRY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * More in flight would only delay a STOP that waits behind them in a backend that works in order.
 */
#define XENSND_MAX_IN_FLIGHT 4u

struct xensnd_geometry {
	uint32_t rate;  /* Hz */
	uint8_t format; /* XENSND_PCM_FORMAT_* */
	uint8_t channels;
	uint32_t frame_bytes;
	uint32_t period_bytes;
	uint32_t buffer_bytes; /* no need to be a multiple of the period */
};

/* Where a stream of audio stands, in bytes since prepare. */
struct xensnd_fill {
	uint64_t appl;          /* the program has written, or read, up to here */
	uint64_t submitted;     /* sent to, or asked of, the backend up to here */
	uint64_t window;        /* capture: how far beyond appl may be asked for */
	uint64_t began;         /* playback: where the run begins or began */
	unsigned int in_flight; /* requests that carry audio and are not answered */
	bool capture;
	bool started;
};

/* Part of the buffer; length 0: nothing is to be sent now. */
struct xensnd_range {
	uint32_t offset;
	uint32_t length;
};

/*
 * The next range to send or to ask for: at once when none is in flight, otherwise a whole period;
 * never past the buffer's end. Before START a period's room is left, since a backend whose device
 * is full would make START wait behind the data.
 */
struct xensnd_range xensnd_geometry_next(
	const struct xensnd_geometry *geometry, const struct xensnd_fill *fill);

/*
 * The value that appl has to reach before there is anything to send or to ask for, or UINT64_MAX if
 * that alone changes nothing.
 */
uint64_t xensnd_geometry_wanted(
	const struct xensnd_geometry *geometry, const struct xensnd_fill *fill);

/* How long so many bytes play, in nanoseconds. */
int64_t xensnd_geometry_ns(const struct xensnd_geometry *geometry, uint64_t bytes);

#endif
