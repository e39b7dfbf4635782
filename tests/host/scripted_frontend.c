/* SPDX-License-Identifier: MIT */
/*
 * A frontend that does what it should and what it should not, request by request, against a running
 * backend: what a backend promises to any guest, and what it does about a hostile one. Prints TAP.
 *
 * Usage: scripted_frontend FRONTEND-PATH [MODE], or scripted_frontend sound FILE. The card has one
 * stream, 48000 Hz stereo s16_le among others, and a buffer of at least 64 KiB; the backend is in
 * InitWait. Without a mode it is a playback stream. Modes:
 *
 *   crash     connects, plays and exits without a word, as a program that is killed
 *   record    a capture stream whose sound is a file that "sound" has written, in real time
 *   numbered  a capture stream whose sound are the numbered frames of that file, at any pace
 *   silent    a capture stream that is silent
 *   formats   a stream of either direction that takes every format, three channels; one that its
 *             device lacks may follow
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

#include <xen/errno.h>

#include "common/clock.h"
#include "protocol/event_page.h"
#include "protocol/format.h"
#include "protocol/page_directory.h"
#include "protocol/ring.h"
#include "protocol/xenstore_path.h"
#include "xenbus/node.h"

#define PATIENCE_MS 10000
#define FRAME 4u
#define RATE 48000u
#define BUFFER 65536u
#define PERIOD 1920u /* 10 ms */
#define PAGES (BUFFER / XENSND_PAGE_BYTES)
#define SOUND_FRAMES 60000u /* 1.25 s */

struct frontend {
	struct xs_handle *xs;
	const char *path;
	char backend[XENSND_PATH_BYTES];
	uint32_t backend_domid;
	xengntshr_handle *source;
	xenevtchn_handle *evtchn;
	evtchn_port_t ring_port, event_port;
	uint32_t refs[3 + PAGES]; /* ring, events, directory, data */
	char *memory;             /* the pages of these */
	struct xensnd_front_ring ring;
	struct xensnd_front_events events;
	uint16_t next_id;
	uint64_t position; /* of the last event */
	unsigned int n_events;
	bool stepped_back;
	bool ids_broken;
	int64_t started_ns; /* capture: just before START */
	bool ahead_of_time;
};

static unsigned int failed;

static void check(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void check(bool good, const char *format, ...)
{
	va_list args;

	failed += !good;
	printf("%sok - ", good ? "" : "not ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- XenStore ---- */

static unsigned int backend_state(struct frontend *front)
{
	return xensnd_node_state(front->xs, front->backend);
}

static void state_write(struct frontend *front, unsigned int state)
{
	if (xensnd_node_write(front->xs, XBT_NULL, front->path, XENSND_NODE_STATE, "%u", state) < 0)
		die("can not write the state");
}

/* Waits for one of two states of the backend. */
static bool backend_wait(struct frontend *front, unsigned int one, unsigned int other)
{
	int64_t deadline = xensnd_deadline_ms(PATIENCE_MS);
	char path[XENSND_PATH_BYTES];
	bool reached = false;

	xensnd_path_below(path, sizeof(path), front->backend, XENSND_NODE_STATE);
	if (!xs_watch(front->xs, path, "w"))
		die("xs_watch");
	while (!reached && xensnd_now_ns() < deadline) {
		struct pollfd pfd = { .fd = xs_fileno(front->xs), .events = POLLIN };
		unsigned int state;

		free(xs_check_watch(front->xs));
		state = backend_state(front);
		reached = state == one || state == other;
		if (!reached)
			poll(&pfd, 1, xensnd_poll_ms(deadline));
	}
	xs_unwatch(front->xs, path, "w");
	if (!reached)
		printf("# backend is in state %u, not %u or %u\n", backend_state(front), one,
			other);
	return reached;
}

/* ---- the connection ---- */

static grant_ref_t ring_ref(const struct frontend *front)
{
	return front->refs[0];
}

static void *page_at(const struct frontend *front, unsigned int page)
{
	return front->memory + (size_t)page * XENSND_PAGE_BYTES;
}

static void directory_fill(struct frontend *front)
{
	xensnd_directory_fill(page_at(front, 2), &front->refs[2], 1, &front->refs[3], PAGES);
}

static void channels_bind(struct frontend *front)
{
	xenevtchn_port_or_error_t ring, events;

	front->evtchn = xenevtchn_open(NULL, 0);
	if (!front->evtchn)
		die("xenevtchn_open");
	ring = xenevtchn_bind_unbound_port(front->evtchn, front->backend_domid);
	events = xenevtchn_bind_unbound_port(front->evtchn, front->backend_domid);
	if (ring < 0 || events < 0)
		die("xenevtchn_bind_unbound_port");
	front->ring_port = (evtchn_port_t)ring;
	front->event_port = (evtchn_port_t)events;
}

static void publish(struct frontend *front, grant_ref_t ring)
{
	xensnd_node_write(
		front->xs, XBT_NULL, front->path, "0/0/" XENSND_FIELD_RING_REF, "%u", ring);
	xensnd_node_write(front->xs, XBT_NULL, front->path, "0/0/" XENSND_FIELD_EVT_CHNL, "%u",
		front->ring_port);
	xensnd_node_write(front->xs, XBT_NULL, front->path, "0/0/" XENSND_FIELD_EVT_RING_REF, "%u",
		front->refs[1]);
	xensnd_node_write(front->xs, XBT_NULL, front->path, "0/0/" XENSND_FIELD_EVT_EVT_CHNL, "%u",
		front->event_port);
}

static void resources_free(struct frontend *front)
{
	if (front->evtchn)
		xenevtchn_close(front->evtchn);
	if (front->memory)
		xengntshr_unshare(front->source, front->memory, 3 + PAGES);
	front->evtchn = NULL;
	front->memory = NULL;
}

static void resources_make(struct frontend *front)
{
	resources_free(front);
	channels_bind(front);
	front->memory = xengntshr_share_pages(
		front->source, front->backend_domid, 3 + PAGES, front->refs, 1);
	if (!front->memory)
		die("xengntshr_share_pages");
	xensnd_front_ring_init(&front->ring, page_at(front, 0));
	xensnd_front_events_init(&front->events, page_at(front, 1));
	directory_fill(front);
	front->n_events = 0;
	front->position = 0;
}

/* From wherever both are: a fresh beginning, and Connected. */
static bool front_connect(struct frontend *front)
{
	resources_make(front);
	state_write(front, XenbusStateInitialising);
	if (!backend_wait(front, XenbusStateInitWait, XenbusStateInitWait))
		return false;
	publish(front, ring_ref(front));
	state_write(front, XenbusStateInitialised);
	if (!backend_wait(front, XenbusStateConnected, XenbusStateConnected))
		return false;
	state_write(front, XenbusStateConnected);
	return true;
}

/* ---- requests ---- */

static void put_raw(struct frontend *front, struct xensnd_req *req)
{
	req->id = front->next_id++;
	if (xensnd_front_ring_put(&front->ring, req) < 0)
		die("the ring is full");
}

static void push(struct frontend *front)
{
	if (xensnd_front_ring_push(&front->ring))
		xenevtchn_notify(front->evtchn, front->ring_port);
}

/* How much can have been recorded since START. */
static uint64_t bytes_until_now(const struct frontend *front)
{
	uint64_t us = (uint64_t)(xensnd_now_ns() - front->started_ns) / 1000;

	return us * RATE / 1000000 * FRAME + FRAME;
}

static void events_take(struct frontend *front)
{
	struct xensnd_evt evt;

	while (xensnd_front_events_get(&front->events, &evt) > 0) {
		if (evt.id != (uint16_t)front->n_events)
			front->ids_broken = true;
		if (evt.op.cur_pos.position < front->position)
			front->stepped_back = true;
		front->position = evt.op.cur_pos.position;
		if (front->started_ns != 0 && front->position > bytes_until_now(front))
			front->ahead_of_time = true;
		front->n_events++;
	}
}

/* Waits for something to happen on either port. False: the time is over. */
static bool front_sleep(struct frontend *front, int64_t deadline)
{
	struct pollfd pfd = { .fd = xenevtchn_fd(front->evtchn), .events = POLLIN };
	xenevtchn_port_or_error_t port;

	if (poll(&pfd, 1, xensnd_poll_ms(deadline)) <= 0)
		return false;
	port = xenevtchn_pending(front->evtchn);
	return port >= 0 && xenevtchn_unmask(front->evtchn, (evtchn_port_t)port) >= 0;
}

/* Takes one response; events are left alone. */
static bool response_wait(struct frontend *front, struct xensnd_resp *rsp)
{
	int64_t deadline = xensnd_deadline_ms(PATIENCE_MS);
	int ret;

	while ((ret = xensnd_front_ring_get(&front->ring, rsp)) == 0)
		if (!xensnd_front_ring_arm(&front->ring) && !front_sleep(front, deadline))
			return false;
	return ret > 0;
}

static bool position_wait(struct frontend *front, uint64_t position)
{
	int64_t deadline = xensnd_deadline_ms(PATIENCE_MS);

	for (;;) {
		events_take(front);
		if (front->position >= position)
			return true;
		if (!front_sleep(front, deadline))
			return false;
	}
}

/* One request and its status; INT32_MIN without an answer. */
static int32_t ask(struct frontend *front, struct xensnd_req *req, struct xensnd_resp *rsp)
{
	struct xensnd_resp own;

	if (!rsp)
		rsp = &own;
	put_raw(front, req);
	push(front);
	if (!response_wait(front, rsp))
		return INT32_MIN;
	if (rsp->id != req->id || rsp->operation != req->operation) {
		printf("# answer to %u (operation %u) instead of %u (%u)\n", rsp->id,
			rsp->operation, req->id, req->operation);
		return INT32_MIN;
	}
	return rsp->status;
}

static int32_t ask_operation(struct frontend *front, uint8_t operation)
{
	struct xensnd_req req = { .operation = operation };

	return ask(front, &req, NULL);
}

static struct xensnd_req open_request(const struct frontend *front)
{
	return (struct xensnd_req){ .operation = XENSND_OP_OPEN,
		.op.open = { .pcm_rate = RATE,
			.pcm_format = XENSND_PCM_FORMAT_S16_LE,
			.pcm_channels = 2,
			.buffer_sz = BUFFER,
			.gref_directory = front->refs[2],
			.period_sz = PERIOD } };
}

static int32_t ask_open(struct frontend *front)
{
	struct xensnd_req req = open_request(front);

	return ask(front, &req, NULL);
}

static struct xensnd_req write_request(uint32_t offset, uint32_t length)
{
	return (struct xensnd_req){ .operation = XENSND_OP_WRITE,
		.op.rw = { .offset = offset, .length = length } };
}

static int32_t ask_write(struct frontend *front, uint32_t offset, uint32_t length)
{
	struct xensnd_req req = write_request(offset, length);

	return ask(front, &req, NULL);
}

static int32_t ask_trigger(struct frontend *front, uint8_t type)
{
	struct xensnd_req req = { .operation = XENSND_OP_TRIGGER, .op.trigger.type = type };

	return ask(front, &req, NULL);
}

/* ---- what is promised ---- */

static void a_closed_stream_refuses(struct frontend *front)
{
	struct xensnd_req noise;

	check(ask_write(front, 0, 1024) == -XEN_EBADF, "WRITE before OPEN is refused");
	check(ask_trigger(front, XENSND_OP_TRIGGER_START) == -XEN_EBADF,
		"TRIGGER before OPEN is refused");
	check(ask_operation(front, XENSND_OP_CLOSE) == 0, "CLOSE of a closed stream is no error");
	check(ask_operation(front, XENSND_OP_READ) == -XEN_EINVAL,
		"READ of a playback stream is refused");
	check(ask_operation(front, XENSND_OP_SET_VOLUME) == -XEN_EOPNOTSUPP,
		"volume is not supported");
	memset(&noise, 0xff, sizeof(noise));
	check(ask(front, &noise, NULL) == -XEN_EOPNOTSUPP, "an unknown operation is not supported");
}

static void bad_opens_are_refused(struct frontend *front)
{
	struct xensnd_req req;
	grant_ref_t *directory = page_at(front, 2);

	req = open_request(front), req.op.open.pcm_rate = 1;
	check(ask(front, &req, NULL) == -XEN_EINVAL,
		"OPEN with a rate that is not offered is refused");
	req = open_request(front), req.op.open.pcm_format = 255;
	check(ask(front, &req, NULL) == -XEN_EINVAL, "OPEN with an unknown format is refused");
	req = open_request(front), req.op.open.buffer_sz = 0xfffffffc;
	check(ask(front, &req, NULL) == -XEN_EINVAL, "OPEN with a buffer of 4 GiB is refused");
	req = open_request(front), req.op.open.gref_directory = 0;
	check(ask(front, &req, NULL) == -XEN_EINVAL, "OPEN without a directory is refused");
	req = open_request(front), req.op.open.gref_directory = 0x7fffffff;
	check(ask(front, &req, NULL) < 0, "OPEN with a directory that is not granted is refused");
	directory[PAGES] = 0;
	check(ask_open(front) == -XEN_EINVAL, "OPEN with too short a directory is refused");
	directory[PAGES] = 0x7fffffff;
	check(ask_open(front) < 0, "OPEN with a page that is not granted is refused");
	directory_fill(front);
	req = open_request(front);
	memset(req.reserved, 0xff, sizeof(req.reserved));
	check(ask(front, &req, NULL) == 0,
		"OPEN works after all these, whatever is in reserved octets");
	check(ask_open(front) == -XEN_EBUSY, "a second OPEN is refused");
}

static void bad_writes_are_refused(struct frontend *front)
{
	check(ask_write(front, 0xfffffffc, 8) == -XEN_EINVAL,
		"WRITE over the end of 32 bits is refused");
	check(ask_write(front, BUFFER - 4, 8) == -XEN_EINVAL,
		"WRITE over the buffer's end is refused");
	check(ask_write(front, BUFFER, 4) == -XEN_EINVAL, "WRITE beyond the buffer is refused");
	check(ask_write(front, 0, 6) == -XEN_EINVAL, "WRITE of half a frame is refused");
	check(ask_trigger(front, 9) == -XEN_EINVAL, "an unknown TRIGGER is refused");
	check(ask_trigger(front, XENSND_OP_TRIGGER_PAUSE) == -XEN_EBADF,
		"PAUSE before START is refused");
}

static void a_query_narrows(struct frontend *front)
{
	struct xensnd_req req = { .operation = XENSND_OP_HW_PARAM_QUERY,
		.op.hw_param = { .formats = UINT64_MAX,
			.rates = { RATE, RATE },
			.channels = { 2, 2 },
			.buffer = { 1, UINT32_MAX },
			.period = { 1, UINT32_MAX } } };
	struct xensnd_resp rsp;

	check(ask(front, &req, &rsp) == 0 && rsp.resp.hw_param.rates.min == RATE &&
			rsp.resp.hw_param.rates.max == RATE &&
			rsp.resp.hw_param.buffer.max < UINT32_MAX &&
			(rsp.resp.hw_param.formats & XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_S16_LE)),
		"HW_PARAM_QUERY narrows to what the stream can do");
	req.op.hw_param.rates.min = req.op.hw_param.rates.max = 1;
	check(ask(front, &req, &rsp) == -XEN_EINVAL,
		"HW_PARAM_QUERY for the impossible is refused");
}

/* Fills the device, and one WRITE more, which has to wait for START. */
static void a_full_device_keeps_writes_waiting(struct frontend *front)
{
	struct xensnd_req late = write_request(0, PERIOD),
			  start = { .operation = XENSND_OP_TRIGGER };
	struct xensnd_resp rsp;

	check(ask_write(front, 0, BUFFER) == 0, "a whole buffer can be written before START");
	put_raw(front, &late);
	start.op.trigger.type = XENSND_OP_TRIGGER_START;
	put_raw(front, &start);
	push(front);
	check(response_wait(front, &rsp) && rsp.id == start.id && rsp.status == 0,
		"START is carried out though a WRITE before it waits");
	check(response_wait(front, &rsp) && rsp.id == late.id && rsp.status == 0,
		"the waiting WRITE is answered once there is room");
	check(ask_trigger(front, XENSND_OP_TRIGGER_START) == -XEN_EBUSY,
		"START of a started stream is refused");
	check(position_wait(front, BUFFER + PERIOD),
		"the position reaches the end of what was written");
	check(front->position == BUFFER + PERIOD, "and does not go beyond it");
	check(!front->stepped_back, "the position never steps back");
	check(!front->ids_broken, "events are counted");
	check(front->n_events >= BUFFER / PERIOD / 2 && front->n_events <= BUFFER / PERIOD + 3,
		"there is about one event for each period (%u)", front->n_events);
}

static void stop_answers_what_waits(struct frontend *front)
{
	struct xensnd_req waits[3], stop = { .operation = XENSND_OP_TRIGGER };
	struct xensnd_resp rsp;
	bool good = true;

	check(ask_trigger(front, XENSND_OP_TRIGGER_STOP) == 0, "STOP");
	check(ask_trigger(front, XENSND_OP_TRIGGER_STOP) == 0,
		"STOP of a stopped stream is no error");
	check(ask_write(front, 0, BUFFER) == 0, "a buffer can be filled after STOP");
	for (unsigned int i = 0; i < 3; i++) {
		waits[i] = write_request(i * PERIOD, PERIOD);
		put_raw(front, &waits[i]);
	}
	stop.op.trigger.type = XENSND_OP_TRIGGER_STOP;
	put_raw(front, &stop);
	push(front);
	for (unsigned int i = 0; i < 3; i++)
		good = good && response_wait(front, &rsp) && rsp.id == waits[i].id &&
		       rsp.status == 0;
	check(good, "STOP answers waiting WRITEs in their order");
	check(response_wait(front, &rsp) && rsp.id == stop.id && rsp.status == 0,
		"and then itself");
}

static void pause_holds(struct frontend *front)
{
	uint64_t held;

	check(ask_trigger(front, XENSND_OP_TRIGGER_START) == 0,
		"START on an empty buffer succeeds");
	check(ask_write(front, 0, BUFFER) == 0, "WRITE after START");
	held = front->position;
	check(position_wait(front, held + PERIOD), "the position goes on from where STOP left it");
	check(ask_trigger(front, XENSND_OP_TRIGGER_PAUSE) == 0, "PAUSE");
	events_take(front);
	held = front->position;
	check(ask_trigger(front, XENSND_OP_TRIGGER_PAUSE) == -XEN_EBADF,
		"PAUSE in a pause is refused");
	events_take(front);
	check(held == front->position, "the position holds in a pause");
	check(ask_trigger(front, XENSND_OP_TRIGGER_RESUME) == 0, "RESUME");
	check(position_wait(front, held + PERIOD), "the position goes on after RESUME");
}

/* Does not take events for longer than the page has slots. */
static void a_full_event_page_loses_no_position(struct frontend *front)
{
	uint64_t before, written = 0;

	check(ask_trigger(front, XENSND_OP_TRIGGER_STOP) == 0, "STOP while playing");
	events_take(front);
	before = front->position;
	check(ask_trigger(front, XENSND_OP_TRIGGER_START) == 0, "START again");
	while (written < 90 * PERIOD) {
		if (ask_write(front, 0, PERIOD) != 0)
			break;
		written += PERIOD;
	}
	/* The last WRITE was taken when all but a buffer was played; draining that takes the rest.
	 */
	check(written == 90 * PERIOD, "WRITEs are answered while the event page is full");
	check(position_wait(front, before + written), "no position is lost to a full event page");
	check(front->position == before + written, "and it is exact");
}

static void close_answers_what_waits(struct frontend *front)
{
	struct xensnd_req wait = write_request(0, PERIOD), stop = { .operation = XENSND_OP_CLOSE };
	struct xensnd_resp rsp;

	check(ask_trigger(front, XENSND_OP_TRIGGER_STOP) == 0, "STOP before CLOSE");
	check(ask_write(front, 0, BUFFER) == 0, "a full buffer before CLOSE");
	put_raw(front, &wait);
	put_raw(front, &stop);
	push(front);
	check(response_wait(front, &rsp) && rsp.id == wait.id && rsp.status == 0 &&
			response_wait(front, &rsp) && rsp.id == stop.id && rsp.status == 0,
		"CLOSE answers a waiting WRITE and itself at once");
	check(ask_open(front) == 0 && ask_operation(front, XENSND_OP_CLOSE) == 0,
		"a stream can be opened again");
}

static void a_broken_ring_costs_the_connection_only(struct frontend *front)
{
	front->ring.shared->req_prod += 100;
	xenevtchn_notify(front->evtchn, front->ring_port);
	check(backend_wait(front, XenbusStateClosed, XenbusStateClosed),
		"a ring index too far closes the connection");
	check(front_connect(front), "a new connection works");
	check(ask_open(front) == 0, "and opens");
}

static void a_bad_grant_is_no_last_word(struct frontend *front)
{
	resources_make(front);
	state_write(front, XenbusStateInitialising);
	check(backend_wait(front, XenbusStateInitWait, XenbusStateInitWait),
		"a frontend that restarts is waited for");
	publish(front, 0x7fffffff);
	state_write(front, XenbusStateInitialised);
	check(backend_wait(front, XenbusStateClosed, XenbusStateClosed),
		"a ring that can not be mapped is refused");
	check(front_connect(front), "and the next try connects");
}

static void states_are_followed(struct frontend *front)
{
	check(ask_open(front) == 0 && ask_write(front, 0, BUFFER) == 0 &&
			ask_trigger(front, XENSND_OP_TRIGGER_START) == 0,
		"a stream plays");
	state_write(front, XenbusStateReconfiguring);
	check(backend_wait(front, XenbusStateClosed, XenbusStateClosed),
		"Reconfiguring lets go of the rings");
	check(front_connect(front), "Initialising after it connects again");
	check(ask_open(front) == 0 && ask_write(front, 0, BUFFER) == 0 &&
			ask_trigger(front, XENSND_OP_TRIGGER_START) == 0,
		"a stream plays again");
	state_write(front, XenbusStateClosing);
	check(backend_wait(front, XenbusStateInitWait, XenbusStateInitWait),
		"a frontend that closes while playing leaves the backend waiting for the next");
	state_write(front, XenbusStateClosed);
}

static void versions_are_published(struct frontend *front)
{
	char *versions =
		xensnd_node_read(front->xs, XBT_NULL, front->backend, XENSND_FIELD_BE_VERSIONS);

	check(versions && strcmp(versions, "2") == 0,
		"the backend publishes the protocol's version");
	free(versions);
}

/* ---- recording ---- */

/* A frame says which one it is, and is never silent. */
static void sound_frame(uint8_t *bytes, uint32_t number)
{
	bytes[0] = (uint8_t)number;
	bytes[1] = (uint8_t)(number >> 8);
	bytes[2] = (uint8_t)~bytes[0];
	bytes[3] = (uint8_t)~bytes[1];
}

static int sound_write(const char *path)
{
	static const uint8_t header[44] = "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\2\0\x80\xbb\0\0"
					  "\0\xee\2\0\4\0\x10\0data\xff\xff\xff\xff";
	static uint8_t frames[SOUND_FRAMES * FRAME];
	FILE *file = fopen(path, "we");
	bool good;

	if (!file)
		die(path);
	for (uint32_t i = 0; i < SOUND_FRAMES; i++)
		sound_frame(frames + (size_t)i * FRAME, i);
	good = fwrite(header, sizeof(header), 1, file) == 1 &&
	       fwrite(frames, sizeof(frames), 1, file) == 1;
	return fclose(file) == 0 && good ? 0 : 1;
}

static uint8_t *data_at(const struct frontend *front, uint32_t offset)
{
	return (uint8_t *)page_at(front, 3) + offset;
}

/* Whether the buffer has the frames from number on there, and silence after the last. */
static bool sound_is(
	const struct frontend *front, uint32_t offset, uint32_t length, uint32_t number)
{
	for (uint32_t at = 0; at < length; at += FRAME, number++) {
		uint8_t frame[FRAME] = { 0 };

		if (number < SOUND_FRAMES)
			sound_frame(frame, number);
		if (memcmp(data_at(front, offset + at), frame, FRAME) != 0) {
			printf("# frame %u is %02x%02x %02x%02x\n", number,
				data_at(front, offset + at)[1], data_at(front, offset + at)[0],
				data_at(front, offset + at)[3], data_at(front, offset + at)[2]);
			return false;
		}
	}
	return true;
}

static uint32_t number_at(const struct frontend *front, uint32_t offset)
{
	return data_at(front, offset)[0] | (uint32_t)data_at(front, offset)[1] << 8;
}

static void data_spoil(struct frontend *front)
{
	memset(data_at(front, 0), 0x5a, BUFFER);
}

static struct xensnd_req read_request(uint32_t offset, uint32_t length)
{
	return (struct xensnd_req){ .operation = XENSND_OP_READ,
		.op.rw = { .offset = offset, .length = length } };
}

static struct xensnd_req trigger_request(uint8_t type)
{
	return (struct xensnd_req){ .operation = XENSND_OP_TRIGGER, .op.trigger.type = type };
}

static int32_t ask_read(struct frontend *front, uint32_t offset, uint32_t length)
{
	struct xensnd_req req = read_request(offset, length);

	return ask(front, &req, NULL);
}

static bool answered(struct frontend *front, const struct xensnd_req *req, int32_t status)
{
	struct xensnd_resp rsp;

	if (!response_wait(front, &rsp))
		return false;
	if (rsp.id == req->id && rsp.operation == req->operation && rsp.status == status)
		return true;
	printf("# answer %d to %u (operation %u) instead of %d to %u (%u)\n", rsp.status, rsp.id,
		rsp.operation, status, req->id, req->operation);
	return false;
}

static void a_capture_refuses_what_is_wrong(struct frontend *front)
{
	struct xensnd_req req;

	check(ask_read(front, 0, 1024) == -XEN_EBADF, "READ before OPEN is refused");
	check(ask_write(front, 0, 1024) == -XEN_EINVAL, "WRITE of a capture stream is refused");
	check(ask_trigger(front, XENSND_OP_TRIGGER_START) == -XEN_EBADF,
		"START before OPEN is refused");
	req = open_request(front), req.op.open.pcm_rate = 44100;
	check(ask(front, &req, NULL) == -XEN_EINVAL, "another rate than the file's is refused");
	req = open_request(front), req.op.open.pcm_format = XENSND_PCM_FORMAT_U8;
	check(ask(front, &req, NULL) == -XEN_EINVAL, "another format than the file's is refused");
	req = open_request(front), req.op.open.pcm_channels = 1;
	check(ask(front, &req, NULL) == -XEN_EINVAL, "another number of channels is refused");
	check(ask_open(front) == 0, "a recording opens");
	check(ask_write(front, 0, 1024) == -XEN_EINVAL,
		"WRITE of an open capture stream is refused");
	check(ask_read(front, 0xfffffffc, 8) == -XEN_EINVAL,
		"READ over the end of 32 bits is refused");
	check(ask_read(front, BUFFER - 4, 8) == -XEN_EINVAL,
		"READ over the buffer's end is refused");
	check(ask_read(front, BUFFER, 4) == -XEN_EINVAL, "READ beyond the buffer is refused");
	check(ask_read(front, 0, 6) == -XEN_EINVAL, "READ of half a frame is refused");
	check(ask_read(front, 0, 0) == 0, "READ of nothing is answered");
}

static void a_query_tells_the_file(struct frontend *front)
{
	struct xensnd_req req = { .operation = XENSND_OP_HW_PARAM_QUERY,
		.op.hw_param = { .formats = UINT64_MAX,
			.rates = { 1, UINT32_MAX },
			.channels = { 1, UINT32_MAX },
			.buffer = { 1, UINT32_MAX },
			.period = { 1, UINT32_MAX } } };
	struct xensnd_query_hw_param *set;
	struct xensnd_resp rsp;

	check(ask(front, &req, &rsp) == 0, "HW_PARAM_QUERY of a recording");
	set = &rsp.resp.hw_param;
	check(set->formats == XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_S16_LE) &&
			set->rates.min == RATE && set->rates.max == RATE &&
			set->channels.min == 2 && set->channels.max == 2,
		"narrows to what the file has");
}

/* READs around START. Returns the number of the next frame. */
static uint32_t reads_wait_for_their_data(struct frontend *front)
{
	struct xensnd_req early = read_request(0, PERIOD),
			  start = trigger_request(XENSND_OP_TRIGGER_START), reads[8];
	uint32_t length = 0;
	bool good = true;

	data_spoil(front);
	put_raw(front, &early);
	front->started_ns = xensnd_now_ns();
	put_raw(front, &start);
	push(front);
	check(answered(front, &start, 0), "START is carried out though a READ before it waits");
	check(answered(front, &early, 0), "the waiting READ is answered");
	check(sound_is(front, 0, PERIOD, 0), "with the first frames of the file");
	check(ask_trigger(front, XENSND_OP_TRIGGER_START) == -XEN_EBUSY,
		"START of a started recording is refused");
	for (uint32_t i = 0; i < 8; i++) {
		reads[i] = read_request(length, (i % 3 + 1) * PERIOD - 5 * i * FRAME);
		length += reads[i].op.rw.length;
		put_raw(front, &reads[i]);
	}
	push(front);
	for (uint32_t i = 0, at = 0; i < 8; at += reads[i++].op.rw.length)
		good = good && answered(front, &reads[i], 0) &&
		       sound_is(front, at, reads[i].op.rw.length, (PERIOD + at) / FRAME);
	check(good, "several READs are answered in their order, with all of their data");
	return (PERIOD + length) / FRAME;
}

static void the_position_needs_no_reads(struct frontend *front, uint32_t next)
{
	unsigned int before;

	events_take(front);
	check(front->position + PERIOD >= next * FRAME, "the position follows what was read");
	before = front->n_events;
	check(position_wait(front, front->position + 5 * PERIOD),
		"the position goes on while nobody reads");
	check(front->n_events - before <= 6, "and no more than once in each period");
}

static uint32_t a_pause_holds_a_recording(struct frontend *front, uint32_t next)
{
	struct xensnd_req late = read_request(0, PERIOD),
			  resume = trigger_request(XENSND_OP_TRIGGER_RESUME);
	uint64_t held;
	uint32_t rest;

	check(ask_trigger(front, XENSND_OP_TRIGGER_PAUSE) == 0, "PAUSE of a recording");
	events_take(front);
	held = front->position;
	rest = (uint32_t)held - next * FRAME;
	check(ask_read(front, 0, rest) == 0 && sound_is(front, 0, rest, next),
		"what the position tells can be read in a pause");
	check(ask_trigger(front, XENSND_OP_TRIGGER_PAUSE) == -XEN_EBADF,
		"PAUSE in a pause is refused");
	events_take(front);
	check(front->position == held, "the position holds in a pause of a recording");
	put_raw(front, &late);
	put_raw(front, &resume);
	push(front);
	check(answered(front, &resume, 0) && answered(front, &late, 0) &&
			sound_is(front, 0, PERIOD, (uint32_t)(held / FRAME)),
		"RESUME goes on with the frame where PAUSE held");
	return (uint32_t)(held + PERIOD) / FRAME;
}

static uint32_t stop_refuses_what_waits(struct frontend *front, uint32_t next)
{
	struct xensnd_req waits[3], stop = trigger_request(XENSND_OP_TRIGGER_STOP);
	bool good = true;

	check(position_wait(front, next * FRAME + 2 * PERIOD), "something is there to be dropped");
	check(ask_trigger(front, XENSND_OP_TRIGGER_STOP) == 0, "STOP of a recording");
	events_take(front);
	next = (uint32_t)(front->position / FRAME);
	check(ask_trigger(front, XENSND_OP_TRIGGER_STOP) == 0,
		"STOP of a stopped recording is no error");
	check(ask_trigger(front, XENSND_OP_TRIGGER_START) == 0, "START after STOP");
	check(ask_read(front, 0, PERIOD) == 0 && sound_is(front, 0, PERIOD, next),
		"goes on where the position stood, and not with what was dropped");
	for (unsigned int i = 0; i < 3; i++) {
		waits[i] = read_request(0, BUFFER);
		put_raw(front, &waits[i]);
	}
	put_raw(front, &stop);
	push(front);
	for (unsigned int i = 0; i < 3; i++)
		good = good && answered(front, &waits[i], -XEN_EIO);
	check(good, "STOP answers waiting READs with an error");
	check(answered(front, &stop, 0), "and itself with success");
	events_take(front);
	return (uint32_t)(front->position / FRAME);
}

static void an_overrun_costs_the_oldest_frames_only(struct frontend *front, uint32_t next)
{
	int64_t lost_by;
	uint64_t full;
	uint32_t first;

	check(ask_trigger(front, XENSND_OP_TRIGGER_START) == 0, "START before an overrun");
	check(position_wait(front, next * FRAME + BUFFER - PERIOD),
		"nobody reads until it is full");
	lost_by = xensnd_deadline_ms(2 * 1000 * PERIOD / FRAME / RATE + 20);
	while (front_sleep(front, lost_by))
		;
	events_take(front);
	full = front->position;
	check(full <= next * FRAME + BUFFER, "the position promises no more than can be read");
	check(ask_read(front, 0, BUFFER) == 0, "READ after an overrun succeeds");
	first = number_at(front, 0);
	check(first > next && sound_is(front, 0, BUFFER, first),
		"with the last frames, one after the other");
	check(position_wait(front, full + PERIOD), "the position goes on after an overrun");
}

/* Reads until all is silent. */
static void the_end_is_followed_by_silence(struct frontend *front)
{
	int64_t deadline = xensnd_deadline_ms(PATIENCE_MS);
	bool good = true, silent = false;

	while (good && !silent && xensnd_now_ns() < deadline) {
		uint32_t first, last;

		good = ask_read(front, 0, 8 * PERIOD) == 0;
		first = number_at(front, 0);
		last = first + 8 * PERIOD / FRAME;
		silent = memcmp(data_at(front, 0), "\0\0\0\0", FRAME) == 0;
		good = good && sound_is(front, 0, 8 * PERIOD, silent ? SOUND_FRAMES : first) &&
		       (silent || last > first);
	}
	check(good && silent, "the file's end is followed by silence");
	check(!front->stepped_back, "the position of a recording never steps back");
	check(!front->ahead_of_time, "and is never ahead of real time");
	check(!front->ids_broken, "its events are counted");
}

static void close_refuses_what_waits(struct frontend *front)
{
	struct xensnd_req wait = read_request(0, BUFFER), end = { .operation = XENSND_OP_CLOSE };

	put_raw(front, &wait);
	put_raw(front, &end);
	push(front);
	check(answered(front, &wait, -XEN_EIO) && answered(front, &end, 0),
		"CLOSE answers a waiting READ with an error and itself at once");
	check(ask_read(front, 0, PERIOD) == -XEN_EBADF, "READ after CLOSE is refused");
}

static void no_period_means_no_events(struct frontend *front)
{
	struct xensnd_req req = open_request(front);
	unsigned int before;

	events_take(front);
	before = front->n_events;
	req.op.open.period_sz = 0;
	check(ask(front, &req, NULL) == 0, "OPEN without a period");
	check(ask_trigger(front, XENSND_OP_TRIGGER_START) == 0 &&
			ask_read(front, 0, BUFFER / 2) == 0 && sound_is(front, 0, BUFFER / 2, 0),
		"a new OPEN begins with the file's first frame");
	check(ask_trigger(front, XENSND_OP_TRIGGER_STOP) == 0, "STOP without a period");
	events_take(front);
	check(front->n_events == before, "and sends no events");
	check(ask_operation(front, XENSND_OP_CLOSE) == 0, "CLOSE after it");
}

static void a_recording_frontend_may_go(struct frontend *front)
{
	struct xensnd_req wait = read_request(0, BUFFER);

	check(ask_open(front) == 0 && ask_trigger(front, XENSND_OP_TRIGGER_START) == 0,
		"a stream records");
	put_raw(front, &wait);
	push(front);
	state_write(front, XenbusStateClosing);
	check(backend_wait(front, XenbusStateInitWait, XenbusStateInitWait),
		"a frontend that closes while a READ waits leaves the backend waiting for the "
		"next");
	state_write(front, XenbusStateClosed);
}

static void record(struct frontend *front)
{
	uint32_t next;

	a_capture_refuses_what_is_wrong(front);
	a_query_tells_the_file(front);
	next = reads_wait_for_their_data(front);
	the_position_needs_no_reads(front, next);
	next = a_pause_holds_a_recording(front, next);
	next = stop_refuses_what_waits(front, next);
	an_overrun_costs_the_oldest_frames_only(front, next);
	the_end_is_followed_by_silence(front);
	close_refuses_what_waits(front);
	no_period_means_no_events(front);
	a_recording_frontend_may_go(front);
}

/* From OPEN to CLOSE, over the buffer's end; which frames are expected? */
static void listen_to(struct frontend *front, uint32_t number, const char *what)
{
	check(ask_open(front) == 0 && ask_trigger(front, XENSND_OP_TRIGGER_START) == 0,
		"recording %s starts", what);
	data_spoil(front);
	check(ask_read(front, 0, PERIOD) == 0 && sound_is(front, 0, PERIOD, number),
		"a READ gets %s", what);
	check(ask_read(front, PERIOD, BUFFER - PERIOD) == 0 &&
			sound_is(front, PERIOD, BUFFER - PERIOD,
				number == 0 ? PERIOD / FRAME : number),
		"and a long one more of it");
	check(position_wait(front, BUFFER), "the position follows");
	check(ask_trigger(front, XENSND_OP_TRIGGER_STOP) == 0 &&
			ask_operation(front, XENSND_OP_CLOSE) == 0,
		"recording %s ends", what);
	state_write(front, XenbusStateClosing);
	check(backend_wait(front, XenbusStateInitWait, XenbusStateInitWait),
		"and its card waits for the next");
	state_write(front, XenbusStateClosed);
}

static void front_init(struct frontend *front, const char *path)
{
	char *backend;

	*front = (struct frontend){ .path = path, .xs = xs_open(0), .next_id = 60000 };
	if (!front->xs)
		die("xs_open");
	backend = xensnd_node_read(front->xs, XBT_NULL, path, XENSND_NODE_BACKEND);
	if (!backend || xensnd_node_read_number(front->xs, XBT_NULL, path, XENSND_NODE_BACKEND_ID,
				0, UINT16_MAX, &front->backend_domid) < 0)
		die("the card's nodes are missing");
	snprintf(front->backend, sizeof(front->backend), "%s", backend);
	free(backend);
	front->source = xengntshr_open(NULL, 0);
	if (!front->source)
		die("xengntshr_open");
}

/* Opens, moves a buffer and closes. */
static bool format_works(
	struct frontend *front, unsigned int format, bool capture, const char *lacking)
{
	struct xensnd_req req = open_request(front), move = read_request(0, 0);
	uint32_t bytes = xensnd_format_bytes(format);

	req.op.open.pcm_format = (uint8_t)format;
	req.op.open.pcm_channels = 3;
	req.op.open.buffer_sz = 3 * 512 * (bytes ? bytes : 1);
	req.op.open.period_sz = 0;
	if (bytes == 0 || (lacking && strcmp(xensnd_format_name(format), lacking) == 0))
		return ask(front, &req, NULL) == -XEN_EINVAL;
	move.operation = capture ? XENSND_OP_READ : XENSND_OP_WRITE;
	move.op.rw.length = req.op.open.buffer_sz;
	return ask(front, &req, NULL) == 0 && ask_read(front, 0, 1) == -XEN_EINVAL &&
	       ask_write(front, 0, bytes) == -XEN_EINVAL &&
	       ask_trigger(front, XENSND_OP_TRIGGER_START) == 0 && ask(front, &move, NULL) == 0 &&
	       ask_operation(front, XENSND_OP_CLOSE) == 0;
}

static void formats(struct frontend *front, const char *lacking)
{
	char *type = xensnd_node_read(front->xs, XBT_NULL, front->path, "0/0/type");
	bool capture = type && strcmp(type, "c") == 0, good = true;

	free(type);
	for (unsigned int format = 0; format < XENSND_FORMATS; format++) {
		if (format_works(front, format, capture, lacking))
			continue;
		printf("# %s does not\n", xensnd_format_name(format));
		good = false;
	}
	check(good, "%s works in all formats of the device that have frames, and in no other",
		capture ? "recording" : "playing");
	state_write(front, XenbusStateClosed);
}

static void crash(struct frontend *front)
{
	check(ask_open(front) == 0 && ask_write(front, 0, BUFFER) == 0 &&
			ask_trigger(front, XENSND_OP_TRIGGER_START) == 0,
		"a stream plays until its program crashes");
	_exit(failed ? 1 : 0);
}

static void play(struct frontend *front)
{
	versions_are_published(front);
	a_closed_stream_refuses(front);
	bad_opens_are_refused(front);
	bad_writes_are_refused(front);
	a_query_narrows(front);
	a_full_device_keeps_writes_waiting(front);
	stop_answers_what_waits(front);
	pause_holds(front);
	a_full_event_page_loses_no_position(front);
	close_answers_what_waits(front);
	a_broken_ring_costs_the_connection_only(front);
	a_bad_grant_is_no_last_word(front);
	states_are_followed(front);
}

int main(int argc, char **argv)
{
	struct frontend front;

	if (argc < 2)
		return 2;
	if (strcmp(argv[1], "sound") == 0)
		return argc == 3 ? sound_write(argv[2]) : 2;
	front_init(&front, argv[1]);
	check(front_connect(&front), "a connection is made");
	if (argc > 2 && strcmp(argv[2], "crash") == 0)
		crash(&front);
	if (argc > 2 && strcmp(argv[2], "record") == 0)
		record(&front);
	else if (argc > 2 && strcmp(argv[2], "numbered") == 0)
		listen_to(&front, 0, "numbered frames");
	else if (argc > 2 && strcmp(argv[2], "formats") == 0)
		formats(&front, argv[3]);
	else if (argc > 2)
		listen_to(&front, SOUND_FRAMES, "silence");
	else
		play(&front);
	resources_free(&front);
	xengntshr_close(front.source);
	xs_close(front.xs);
	return failed ? 1 : 0;
}
