/* SPDX-License-Identifier: MIT */
/*
 * One stream of a card, as the plugin uses it: open, set up, play or record.
 *
 * Apart from the plugin so that everything here is without ALSA's types, and apart from the worker
 * because this half runs on the program's threads. Those never touch a ring: they write samples
 * into the shared buffer or read them there, tell the worker how far they are, and read back
 * positions.
 *
 * Unless said otherwise a call may come from any thread of the program. Positions are bytes since
 * prepare, 64 bits.
 */
#ifndef XENSND_FRONTEND_STREAM_H
#define XENSND_FRONTEND_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/log.h"
#include "geometry.h"
#include "position.h"
#include "protocol/config.h"

struct xensnd_stream;

struct xensnd_stream_spec {
	unsigned int card;
	unsigned int device;
	bool capture;
	enum xensnd_position_policy position;
};

/*
 * What the stream is and can do: XenStore's word, narrowed by the backend's answer to
 * HW_PARAM_QUERY.
 */
struct xensnd_stream_info {
	char card_name[81]; /* "" if the toolstack gave none */
	char device_name[81];
	uint32_t backend_domid;
	struct xensnd_stream_config config;
	uint32_t rate_min, rate_max; /* Hz; config.params.rates are narrowed too */
	uint32_t period_frames_min, period_frames_max;
	uint32_t buffer_frames_min, buffer_frames_max;
};

enum xensnd_condition {
	XENSND_STREAM_FINE,
	XENSND_STREAM_XRUN, /* the program came too late; cleared by prepare */
	XENSND_STREAM_LOST, /* the backend is gone or broken; for good */
};

/*
 * Opens a stream and starts its worker. error: room for a line that says what is wrong and how to
 * mend it, "" if that was logged. 0, and *stream is to be closed; -ENODEV: no Xen, no card;
 * -ENOENT: no kernel module, no such device; -EACCES; -EBUSY; -ETIMEDOUT: no backend; other
 * negative errno. Takes five seconds without a backend; some more, but not for ever, with one that
 * stops answering half-way.
 */
int xensnd_stream_open(struct xensnd_stream **stream, const struct xensnd_stream_spec *spec,
	const struct xensnd_log *log, char *error, size_t error_size);

/*
 * Ends whatever runs, joins the worker and frees everything. No other call may be under way. In a
 * forked child it only lets go of the child's copies; all other calls are of no use there.
 */
void xensnd_stream_close(struct xensnd_stream *stream);

/* Constant as long as the stream is open. */
const struct xensnd_stream_info *xensnd_stream_info(const struct xensnd_stream *stream);

/*
 * Shares a buffer and opens the stream at the backend (XENSND_OP_OPEN); what was set up before is
 * released first. 0; -EINVAL: the backend refuses the parameters, and others may be tried; other
 * negative errno.
 */
int xensnd_stream_setup(struct xensnd_stream *stream, const struct xensnd_geometry *geometry);

/*
 * Closes the stream at the backend (XENSND_OP_CLOSE) and frees the buffer. Nothing happens if none
 * is set up.
 */
int xensnd_stream_release(struct xensnd_stream *stream);

/*
 * The shared buffer, geometry->buffer_bytes long, valid from setup to release; byte n since prepare
 * is at n % buffer_bytes.
 */
void *xensnd_stream_buffer(const struct xensnd_stream *stream);

/*
 * Stops the backend if it runs, waits until it has let go of the buffer, and starts counting at 0.
 */
int xensnd_stream_prepare(struct xensnd_stream *stream);

/* Starts the backend and waits for its answer: 0 or a negative errno. */
int xensnd_stream_start(struct xensnd_stream *stream);

/*
 * Pauses or goes on: 0 or a negative errno. A backend that can not pause is stopped instead, and
 * what it had not played is sent again.
 */
int xensnd_stream_pause(struct xensnd_stream *stream, bool pause);

/*
 * Stops the backend without waiting for it, and wakes the program. May be called in any state,
 * repeatedly.
 */
void xensnd_stream_stop(struct xensnd_stream *stream);

/*
 * The program has written the buffer up to appl bytes since prepare, or does not need what is below
 * any more. One thread at a time; never waits.
 */
void xensnd_stream_commit(struct xensnd_stream *stream, uint64_t appl);

/*
 * Playback: the program takes back what it has written beyond appl. Returns the byte up to which
 * the buffer must be left as it is, since the backend has it or is just being given it. One thread
 * at a time, the one that commits.
 */
uint64_t xensnd_stream_take_back(struct xensnd_stream *stream, uint64_t appl);

/* The program came too late, or has lost its place: the backend is stopped, until prepare. */
void xensnd_stream_xrun(struct xensnd_stream *stream);

/*
 * Nothing more will come: run to the end of what was committed, which is no underrun. Ends with
 * prepare or stop.
 */
void xensnd_stream_drain(struct xensnd_stream *stream);

/*
 * Bytes played, or recorded into the buffer, since prepare: never less than before, playback never
 * more than was committed.
 */
uint64_t xensnd_stream_position(const struct xensnd_stream *stream);

/* Capture: bytes recorded since prepare, with what the backend has not delivered yet. */
uint64_t xensnd_stream_recorded(const struct xensnd_stream *stream);

enum xensnd_condition xensnd_stream_condition(const struct xensnd_stream *stream);

/* Where the position comes from, for people. */
enum xensnd_position_source xensnd_stream_position_source(const struct xensnd_stream *stream);

/* For people: what is on its way between the two ends. */
struct xensnd_stream_traffic {
	unsigned int in_flight;      /* requests that the backend has not answered */
	unsigned int in_flight_most; /* at any time since open; of XENSND_RING_SLOTS */
	uint64_t requests;           /* since open */
};
struct xensnd_stream_traffic xensnd_stream_traffic(const struct xensnd_stream *stream);

/*
 * When the program wants to be woken, and when it is too late: bytes that it could write or read
 * (ALSA's avail). UINT64_MAX as stop threshold: never.
 */
struct xensnd_thresholds {
	uint64_t avail_min_bytes;
	uint64_t stop_bytes;
	bool period_event; /* woken at the end of each period, too */
};
void xensnd_stream_set_thresholds(
	struct xensnd_stream *stream, const struct xensnd_thresholds *thresholds);

/*
 * A descriptor that is readable (POLLIN) while the program has reason to look: enough to write or
 * to read, the end of a period or of a drain, an xrun, a loss. The same one from open to close.
 */
int xensnd_stream_wake_fd(const struct xensnd_stream *stream);

/* Has the program reason to look? Makes the descriptor readable if so, and unreadable if not. */
bool xensnd_stream_poll(struct xensnd_stream *stream);

/* Has a period ended since the last call? Only while period_event is set. */
bool xensnd_stream_period_ended(struct xensnd_stream *stream);

/*
 * Makes the descriptor readable whatever the reason, until the next xensnd_stream_poll() that finds
 * none.
 */
void xensnd_stream_wake(struct xensnd_stream *stream);

#endif
