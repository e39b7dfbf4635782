/* SPDX-License-Identifier: MIT */
/*
 * A backend that does as an option says: keeps to the protocol in its own way, or breaks it. For
 * one card with one playback stream, 0/0.
 *
 * Apart from xensnd-backend because that one is to have no faults; what other backends do, or do
 * not do, is only found here. It plays by the clock into a raw file, and has no more than a buffer.
 *
 * Usage: scripted_backend FRONTEND-PATH BACKEND-PATH FILE [OPTION...]
 *   --capture        the stream records: bytes of silence, by the clock
 *   --consumed=FILE  publishes how far it is (consumed.h)
 *   --deaf-after=N   does nothing any more after so many requests
 *   --versions=LIST  the protocol versions that it says it speaks
 *   --THING=WAY      see choices[]
 * Faults hit the first connection only: the next one finds an honest backend.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

#include <xen/errno.h>

#include "common/clock.h"
#include "consumed.h"
#include "frontend/geometry.h"
#include "protocol/event_page.h"
#include "protocol/format.h"
#include "protocol/page_directory.h"
#include "protocol/ring.h"
#include "protocol/xenstore_path.h"
#include "xenbus/node.h"

#define TICK_MS 2
#define SETTLED_STEPS 4
#define POSITIONS 128u
#define LATE_NS (15 * XENSND_NS_PER_MS)
#define FAULT_WRITE 5u /* which WRITE of the first connection meets the fault */

enum { WAY_HONEST };
enum position_way {
	POSITION_SINCE_OPEN,
	POSITION_SINCE_START,
	POSITION_WHOLE_PERIODS,
	POSITION_ALWAYS_ZERO,
	POSITION_JUMP_BACK,
	POSITION_AHEAD,
	POSITION_SILENT,
	POSITION_FALLS_SILENT,
};
enum write_way {
	WRITE_ACCEPT,
	WRITE_ERROR,
	WRITE_ERRORS,
	WRITE_NEVER,
	WRITE_LATE,
	WRITE_WRONG_ID,
	WRITE_WRONG_OPERATION,
	WRITE_RING_AHEAD,
	WRITE_EVENTS_AHEAD,
	WRITE_EVENTS_STRANGE,
	WRITE_FLOOD,
};
enum query_way { QUERY_OK, QUERY_ERROR, QUERY_NONSENSE, QUERY_WIDEN, QUERY_NEVER };
enum open_way { OPEN_OK, OPEN_EINVAL, OPEN_EBUSY, OPEN_WEIRD, OPEN_NEVER };
enum trigger_way { TRIGGER_OK, TRIGGER_ERROR, TRIGGER_ENOSYS, TRIGGER_NEVER };
enum connect_way { CONNECT_OK, CONNECT_NEVER, CONNECT_REFUSE_ONCE, CONNECT_REFUSE };

enum choice {
	CHOICE_POSITION,
	CHOICE_WRITE,
	CHOICE_QUERY,
	CHOICE_OPEN,
	CHOICE_START,
	CHOICE_STOP,
	CHOICE_PAUSE,
	CHOICE_CLOSE,
	CHOICE_CONNECT,
	CHOICES,
};

/* The values in the order of the enumerations above; the first one is honest. */
static const struct {
	const char *option;
	const char *values[12];
} choices[CHOICES] = {
	[CHOICE_POSITION] = { "--position=",
		{ "since-open", "since-start", "whole-periods", "always-zero", "jump-back", "ahead",
			"silent", "falls-silent" } },
	[CHOICE_WRITE] = { "--write=",
		{ "accept", "error", "errors", "never-answer", "late-out-of-order", "wrong-id",
			"wrong-operation", "ring-ahead", "events-ahead", "events-strange",
			"event-flood" } },
	[CHOICE_QUERY] = { "--query=", { "ok", "error", "nonsense", "widen", "never" } },
	[CHOICE_OPEN] = { "--open=", { "ok", "einval", "ebusy", "weird-status", "never" } },
	[CHOICE_START] = { "--start=", { "ok", "error", "enosys", "never" } },
	[CHOICE_STOP] = { "--stop=", { "ok", "error", "enosys", "never" } },
	[CHOICE_PAUSE] = { "--pause=", { "ok", "error", "enosys", "never" } },
	[CHOICE_CLOSE] = { "--close=", { "ok", "error", "enosys", "never" } },
	[CHOICE_CONNECT] = { "--connect=", { "ok", "never", "refuse-once", "refuse" } },
};

struct pending_write {
	uint16_t id;
	uint32_t offset, length;
};

struct stream {
	bool connected;
	struct xensnd_back_ring ring;
	struct xensnd_back_events events;
	void *ring_page, *event_page;
	evtchn_port_t ring_port, event_port;

	bool open, running, paused;
	char *data;
	unsigned int pages;
	uint32_t buffer_bytes, period_bytes, frame_bytes, rate;
	uint64_t taken, played;    /* bytes since OPEN; what STOP dropped does not count */
	uint64_t start;            /* played at START */
	uint64_t reported_periods; /* since START */
	bool reported_dry;
	int64_t anchor_ns;
	uint64_t anchor;
	struct pending_write pending[XENSND_RING_SLOTS];
	unsigned int n_pending;
	uint16_t late[XENSND_RING_SLOTS]; /* taken, not answered yet */
	unsigned int n_late;
	int64_t late_ns;
	unsigned int n_writes, n_opens, n_events, n_requests;

	uint64_t positions[POSITIONS]; /* of the last events, by their index in the page */
	uint64_t reads[POSITIONS];     /* how far the last READs go */
	unsigned int n_reads;
	uint64_t settling[SETTLED_STEPS];
};

struct backend {
	const char *front, *back, *file, *versions, *consumed_file;
	struct consumed *consumed; /* never NULL */
	bool capture;
	unsigned int way[CHOICES];
	unsigned int deaf_after;
	uint32_t domid;
	unsigned int connections, refusals;
	struct xs_handle *xs;
	xengnttab_handle *grants;
	xenevtchn_handle *evtchn;
	FILE *out;
	struct stream stream;
};

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "scripted_backend: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* How something is to be done now. */
static unsigned int way(const struct backend *backend, enum choice choice)
{
	return backend->connections <= 1 ? backend->way[choice] : WAY_HONEST;
}

/* ---- The connection ---- */

static void state_write(struct backend *backend, unsigned int state)
{
	if (xensnd_node_write(
		    backend->xs, XBT_NULL, backend->back, XENSND_NODE_STATE, "%u", state) < 0)
		die("the state can not be written");
}

static uint32_t stream_node(struct backend *backend, const char *name)
{
	char path[XENSND_PATH_BYTES];
	uint32_t value = 0;

	if (xensnd_path_stream_node(path, sizeof(path), 0, 0, name) < 0 ||
		xensnd_node_read_number(
			backend->xs, XBT_NULL, backend->front, path, 0, UINT32_MAX, &value) < 0)
		die(name);
	return value;
}

static void *page_map(struct backend *backend, grant_ref_t ref)
{
	void *page = xengnttab_map_grant_ref(
		backend->grants, backend->domid, ref, PROT_READ | PROT_WRITE);

	if (!page)
		die("a page can not be mapped");
	return page;
}

static evtchn_port_t port_bind(struct backend *backend, const char *node)
{
	xenevtchn_port_or_error_t port = xenevtchn_bind_interdomain(
		backend->evtchn, backend->domid, (evtchn_port_t)stream_node(backend, node));

	if (port < 0)
		die("a port can not be bound");
	return (evtchn_port_t)port;
}

static void stream_connect(struct backend *backend)
{
	struct stream *stream = &backend->stream;

	*stream = (struct stream){ .connected = true };
	stream->ring_page = page_map(backend, stream_node(backend, XENSND_FIELD_RING_REF));
	stream->event_page = page_map(backend, stream_node(backend, XENSND_FIELD_EVT_RING_REF));
	stream->ring_port = port_bind(backend, XENSND_FIELD_EVT_CHNL);
	stream->event_port = port_bind(backend, XENSND_FIELD_EVT_EVT_CHNL);
	xensnd_back_ring_init(&stream->ring, stream->ring_page);
	xensnd_back_events_init(&stream->events, stream->event_page);
	backend->connections++;
}

static void data_unmap(struct backend *backend)
{
	struct stream *stream = &backend->stream;

	if (stream->data)
		xengnttab_unmap(backend->grants, stream->data, stream->pages);
	stream->data = NULL;
	stream->open = stream->running = stream->paused = false;
	stream->n_pending = stream->n_late = 0;
}

static void stream_disconnect(struct backend *backend)
{
	struct stream *stream = &backend->stream;

	if (!stream->connected)
		return;
	data_unmap(backend);
	xenevtchn_unbind(backend->evtchn, stream->ring_port);
	xenevtchn_unbind(backend->evtchn, stream->event_port);
	xengnttab_unmap(backend->grants, stream->ring_page, 1);
	xengnttab_unmap(backend->grants, stream->event_page, 1);
	stream->connected = false;
}

static void front_initialised(struct backend *backend)
{
	unsigned int how = way(backend, CHOICE_CONNECT);

	if (backend->stream.connected || how == CONNECT_NEVER)
		return;
	if (how == CONNECT_REFUSE || (how == CONNECT_REFUSE_ONCE && backend->refusals == 0)) {
		backend->refusals++;
		state_write(backend, XenbusStateClosed);
		return;
	}
	stream_connect(backend);
	state_write(backend, XenbusStateConnected);
}

static void front_step(struct backend *backend)
{
	char **event;

	while ((event = xs_check_watch(backend->xs)))
		free(event);
	switch (xensnd_node_state(backend->xs, backend->front)) {
	case XenbusStateInitialising:
		stream_disconnect(backend);
		if (xensnd_node_state(backend->xs, backend->back) != XenbusStateInitWait)
			state_write(backend, XenbusStateInitWait);
		break;
	case XenbusStateInitialised:
		front_initialised(backend);
		break;
	case XenbusStateClosing:
	case XenbusStateClosed:
		if (!backend->stream.connected)
			break;
		stream_disconnect(backend);
		state_write(backend, XenbusStateInitWait);
		break;
	default:
		break;
	}
}

/* ---- What is published ---- */

static void consumed_open(struct backend *backend, const char *path)
{
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666) : -1;

	if (path && (fd < 0 || ftruncate(fd, sizeof(*backend->consumed)) < 0))
		die(path);
	backend->consumed = mmap(NULL, sizeof(*backend->consumed), PROT_READ | PROT_WRITE,
		path ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS, fd, 0);
	if (backend->consumed == MAP_FAILED)
		die("mmap");
	if (fd >= 0)
		close(fd);
}

/*
 * What the frontend must have heard of by now: the events that it has taken out of the page, or the
 * answers without which it could not have asked for more.
 */
static uint64_t heard_now(const struct backend *backend)
{
	const struct stream *stream = &backend->stream;
	uint32_t taken = __atomic_load_n(&stream->events.shared->in_cons, __ATOMIC_ACQUIRE);

	if (!backend->capture)
		return taken == 0 ? 0 : stream->positions[(taken - 1) % POSITIONS];
	return stream->n_reads <= XENSND_MAX_IN_FLIGHT
		       ? 0
		       : stream->reads[(stream->n_reads - XENSND_MAX_IN_FLIGHT - 1) % POSITIONS];
}

/*
 * There are new requests. A frontend may still be about to tell its program what it has heard; but
 * it takes in, sends, tells, in this order, and pushes once in each such turn. Of what it has heard
 * now, it may first have to wait for an answer (pushed by now), and one push may be on its way
 * while we look: four pushes later it has told.
 */
static void settled_move(struct backend *backend)
{
	uint64_t *settling = backend->stream.settling;

	atomic_store(&backend->consumed->settled, settling[0]);
	memmove(settling, settling + 1, (SETTLED_STEPS - 1) * sizeof(*settling));
	settling[SETTLED_STEPS - 1] = heard_now(backend);
}

/* ---- Playing and recording ---- */

/* What there is to play, or room to record in. */
static uint64_t clock_limit(const struct backend *backend)
{
	const struct stream *stream = &backend->stream;

	return backend->capture ? stream->taken + stream->buffer_bytes : stream->taken;
}

static void clock_move(struct backend *backend)
{
	struct stream *stream = &backend->stream;
	uint64_t limit = clock_limit(backend);
	int64_t now_ns = xensnd_now_ns();
	uint64_t frames;

	if (stream->running && !stream->paused) {
		frames = (uint64_t)(now_ns - stream->anchor_ns) * stream->rate /
			 (uint64_t)XENSND_NS_PER_SECOND;
		stream->played = stream->anchor + frames * stream->frame_bytes;
		if (stream->played < limit)
			return;
		stream->played = limit;
	}
	stream->anchor = stream->played;
	stream->anchor_ns = now_ns;
}

static void clock_look(struct backend *backend)
{
	clock_move(backend);
	atomic_store(&backend->consumed->moved, backend->stream.played);
}

static void answer(struct backend *backend, uint16_t id, uint8_t operation, int32_t status)
{
	struct xensnd_resp rsp = { .id = id, .operation = operation, .status = status };

	if (xensnd_back_ring_put(&backend->stream.ring, &rsp) < 0)
		die("an answer too many");
}

static void notify(struct backend *backend)
{
	xenevtchn_notify(backend->evtchn, backend->stream.ring_port);
	xenevtchn_notify(backend->evtchn, backend->stream.event_port);
}

/* The fault that a WRITE meets. True: it is not to be answered any more. */
static bool write_fault(struct backend *backend, uint16_t id)
{
	struct stream *stream = &backend->stream;
	unsigned int how = way(backend, CHOICE_WRITE);

	if (stream->n_writes != FAULT_WRITE && how != WRITE_ERRORS && how != WRITE_NEVER)
		return false;
	switch (how) {
	case WRITE_ERROR:
	case WRITE_ERRORS:
		if (stream->n_writes < FAULT_WRITE)
			return false;
		answer(backend, id, XENSND_OP_WRITE, -XEN_EIO);
		return true;
	case WRITE_NEVER:
		return true;
	case WRITE_WRONG_ID:
		answer(backend, (uint16_t)(id + 1000), XENSND_OP_WRITE, 0);
		return true;
	case WRITE_WRONG_OPERATION:
		answer(backend, id, XENSND_OP_CLOSE, 0);
		return true;
	case WRITE_RING_AHEAD:
		stream->ring.shared->rsp_prod += 1000;
		notify(backend);
		return true;
	case WRITE_EVENTS_AHEAD:
		stream->events.shared->in_prod += 1000;
		notify(backend);
		return true;
	default:
		return false;
	}
}

static void write_answer(struct backend *backend, uint16_t id)
{
	struct stream *stream = &backend->stream;

	if (way(backend, CHOICE_WRITE) != WRITE_LATE) {
		answer(backend, id, XENSND_OP_WRITE, 0);
		return;
	}
	if (stream->n_late == 0)
		stream->late_ns = xensnd_now_ns() + LATE_NS;
	stream->late[stream->n_late++] = id;
}

static void late_answer(struct backend *backend, bool now)
{
	struct stream *stream = &backend->stream;

	if (!now && (stream->n_late == 0 || xensnd_now_ns() < stream->late_ns))
		return;
	while (stream->n_late > 0)
		answer(backend, stream->late[--stream->n_late], XENSND_OP_WRITE, 0);
}

/* Answers the READs that there is enough for. */
static void pending_fill(struct backend *backend)
{
	struct stream *stream = &backend->stream;

	clock_look(backend);
	while (stream->n_pending > 0) {
		struct pending_write *read = &stream->pending[0];

		if (stream->played - stream->taken < read->length)
			return;
		memset(stream->data + read->offset, 0, read->length);
		stream->taken += read->length;
		atomic_store(&backend->consumed->delivered, stream->taken);
		answer(backend, read->id, XENSND_OP_READ, 0);
		stream->n_pending--;
		memmove(read, read + 1, stream->n_pending * sizeof(*read));
	}
}

/* Takes what there is room for. */
static void pending_feed(struct backend *backend)
{
	struct stream *stream = &backend->stream;

	if (backend->capture) {
		pending_fill(backend);
		return;
	}

	while (stream->n_pending > 0) {
		struct pending_write *write = &stream->pending[0];
		uint64_t room = stream->buffer_bytes - (stream->taken - stream->played);
		uint32_t part = write->length < room ? write->length : (uint32_t)room;

		clock_look(backend);
		if (fwrite(stream->data + write->offset, 1, part, backend->out) != part)
			die("the file can not be written");
		stream->taken += part;
		write->offset += part;
		write->length -= part;
		if (write->length > 0)
			break;
		write_answer(backend, write->id);
		stream->n_pending--;
		memmove(write, write + 1, stream->n_pending * sizeof(*write));
	}
	fflush(backend->out);
}

static uint64_t position_value(struct backend *backend)
{
	const struct stream *stream = &backend->stream;

	switch (way(backend, CHOICE_POSITION)) {
	case POSITION_SINCE_START:
		return stream->played - stream->start;
	case POSITION_WHOLE_PERIODS:
		return stream->reported_periods * stream->period_bytes;
	case POSITION_ALWAYS_ZERO:
		return 0;
	case POSITION_JUMP_BACK:
		return stream->n_events % 8 == 5 ? stream->played / 2 : stream->played;
	case POSITION_AHEAD:
		return 2 * stream->played + stream->buffer_bytes;
	default:
		return stream->played;
	}
}

static void position_put(struct backend *backend)
{
	struct stream *stream = &backend->stream;
	struct xensnd_evt evt = { .id = (uint16_t)stream->n_events++, .type = XENSND_EVT_CUR_POS };
	unsigned int how = way(backend, CHOICE_POSITION);

	if (how == POSITION_SILENT || (how == POSITION_FALLS_SILENT && stream->n_events > 5))
		return;
	evt.op.cur_pos.position = position_value(backend);
	if (way(backend, CHOICE_WRITE) == WRITE_EVENTS_STRANGE && stream->n_events % 2 == 0) {
		evt.type = 77;
		evt.id = 4711;
	}
	stream->positions[stream->events.prod % POSITIONS] = evt.op.cur_pos.position;
	(void)xensnd_back_events_put(&stream->events, &evt);
}

static void position_step(struct backend *backend)
{
	struct stream *stream = &backend->stream;
	uint64_t periods;
	bool dry;

	clock_look(backend);
	if (!stream->running || stream->paused || stream->period_bytes == 0)
		return;
	periods = (stream->played - stream->start) / stream->period_bytes;
	dry = !backend->capture && stream->played == stream->taken &&
	      stream->played != stream->start;
	if (periods != stream->reported_periods ||
		(dry && !stream->reported_dry &&
			way(backend, CHOICE_POSITION) != POSITION_WHOLE_PERIODS)) {
		stream->reported_periods = periods;
		position_put(backend);
	}
	stream->reported_dry = dry;
	while (way(backend, CHOICE_WRITE) == WRITE_FLOOD &&
		stream->events.prod - stream->events.shared->in_cons < XENSND_EVENT_SLOTS)
		position_put(backend);
}

/* ---- Requests ---- */

static int data_map(struct backend *backend, grant_ref_t directory)
{
	struct stream *stream = &backend->stream;
	struct xensnd_directory_walk walk = { .n_grefs = stream->pages };
	int ret = 1;

	walk.grefs = calloc(stream->pages, sizeof(*walk.grefs));
	while (walk.grefs && ret > 0) {
		void *page = page_map(backend, directory);

		ret = xensnd_directory_walk_page(&walk, page, &directory);
		xengnttab_unmap(backend->grants, page, 1);
	}
	if (ret == 0)
		stream->data = xengnttab_map_domain_grant_refs(backend->grants, stream->pages,
			backend->domid, walk.grefs,
			backend->capture ? PROT_READ | PROT_WRITE : PROT_READ);
	free(walk.grefs);
	return stream->data ? 0 : -XEN_EINVAL;
}

static int32_t stream_open(struct backend *backend, const struct xensnd_open_req *open)
{
	struct stream *stream = &backend->stream;
	unsigned int n = stream->n_opens++;

	switch (way(backend, CHOICE_OPEN)) {
	case OPEN_EINVAL:
		if (n % 2 == 0)
			return -XEN_EINVAL;
		break;
	case OPEN_EBUSY:
		return -XEN_EBUSY;
	case OPEN_WEIRD:
		return n % 2 == 0 ? -99999 : 12345;
	default:
		break;
	}
	stream->buffer_bytes = open->buffer_sz;
	stream->period_bytes = open->period_sz;
	stream->frame_bytes = xensnd_format_bytes(open->pcm_format) * open->pcm_channels;
	stream->rate = open->pcm_rate;
	stream->pages = xensnd_buffer_pages(open->buffer_sz);
	stream->taken = stream->played = stream->start = stream->anchor = 0;
	stream->open = true;
	if (!backend->out)
		backend->out = fopen(backend->file, "wb");
	else
		backend->out = freopen(backend->file, "wb", backend->out);
	if (!backend->out)
		die(backend->file);
	return data_map(backend, open->gref_directory);
}

static void pending_drop(struct backend *backend)
{
	struct stream *stream = &backend->stream;

	late_answer(backend, true);
	for (unsigned int i = 0; i < stream->n_pending; i++)
		answer(backend, stream->pending[i].id,
			backend->capture ? XENSND_OP_READ : XENSND_OP_WRITE, 0);
	stream->n_pending = 0;
}

static void stream_trigger(struct backend *backend, uint8_t type)
{
	struct stream *stream = &backend->stream;

	clock_look(backend);
	switch (type) {
	case XENSND_OP_TRIGGER_START:
		stream->running = true;
		stream->paused = false;
		stream->start = stream->played;
		stream->reported_periods = 0;
		stream->reported_dry = false;
		break;
	case XENSND_OP_TRIGGER_STOP:
		pending_drop(backend);
		if (!backend->capture && stream->taken > stream->played)
			fprintf(stderr, "scripted_backend: STOP cut off %llu bytes\n",
				(unsigned long long)(stream->taken - stream->played));
		/* What comes next is played next; and a STOP for want of a pause tells where. */
		if (backend->out && fseeko(backend->out, (off_t)stream->played, SEEK_SET) < 0)
			die(backend->file);
		if (way(backend, CHOICE_PAUSE) == TRIGGER_ENOSYS && stream->running)
			position_put(backend);
		stream->running = stream->paused = false;
		stream->taken = stream->played;
		break;
	default:
		stream->paused = type == XENSND_OP_TRIGGER_PAUSE;
	}
	clock_look(backend);
}

static enum choice trigger_choice(uint8_t type)
{
	return type == XENSND_OP_TRIGGER_START  ? CHOICE_START
	       : type == XENSND_OP_TRIGGER_STOP ? CHOICE_STOP
						: CHOICE_PAUSE;
}

static void trigger_handle(struct backend *backend, const struct xensnd_req *req)
{
	switch (way(backend, trigger_choice(req->op.trigger.type))) {
	case TRIGGER_OK:
		stream_trigger(backend, req->op.trigger.type);
		answer(backend, req->id, req->operation, 0);
		break;
	case TRIGGER_ERROR:
		answer(backend, req->id, req->operation, -XEN_EIO);
		break;
	case TRIGGER_ENOSYS:
		answer(backend, req->id, req->operation, -XEN_ENOSYS);
		break;
	default:
		break;
	}
}

static void query_handle(struct backend *backend, const struct xensnd_req *req)
{
	struct xensnd_resp rsp = { .id = req->id, .operation = req->operation };
	struct xensnd_query_hw_param *set = &rsp.resp.hw_param;

	*set = req->op.hw_param;
	switch (way(backend, CHOICE_QUERY)) {
	case QUERY_ERROR:
		rsp.status = -XEN_EOPNOTSUPP;
		break;
	case QUERY_NONSENSE:
		memset(set, 0xa5, sizeof(*set));
		set->rates.min = set->rates.max + 1;
		break;
	case QUERY_WIDEN:
		set->formats = UINT64_MAX;
		set->rates.max = set->channels.max = set->buffer.max = set->period.max = UINT32_MAX;
		set->rates.min = set->channels.min = set->buffer.min = set->period.min = 0;
		break;
	case QUERY_NEVER:
		return;
	default:
		break;
	}
	if (xensnd_back_ring_put(&backend->stream.ring, &rsp) < 0)
		die("an answer too many");
}

static void write_handle(struct backend *backend, const struct xensnd_req *req)
{
	struct stream *stream = &backend->stream;
	const struct xensnd_rw_req *rw = &req->op.rw;

	stream->n_writes++;
	if (write_fault(backend, req->id))
		return;
	if (!stream->open || (uint64_t)rw->offset + rw->length > stream->buffer_bytes ||
		stream->n_pending == XENSND_RING_SLOTS) {
		answer(backend, req->id, req->operation, -XEN_EINVAL);
		return;
	}
	stream->pending[stream->n_pending++] =
		(struct pending_write){ .id = req->id, .offset = rw->offset, .length = rw->length };
	pending_feed(backend);
}

static void read_handle(struct backend *backend, const struct xensnd_req *req)
{
	struct stream *stream = &backend->stream;
	const struct xensnd_rw_req *rw = &req->op.rw;

	if (!backend->capture || !stream->open ||
		(uint64_t)rw->offset + rw->length > stream->buffer_bytes ||
		stream->n_pending == XENSND_RING_SLOTS) {
		answer(backend, req->id, req->operation, -XEN_EINVAL);
		return;
	}
	stream->reads[stream->n_reads % POSITIONS] =
		(stream->n_reads ? stream->reads[(stream->n_reads - 1) % POSITIONS] : 0) +
		rw->length;
	stream->n_reads++;
	stream->pending[stream->n_pending++] =
		(struct pending_write){ .id = req->id, .offset = rw->offset, .length = rw->length };
	pending_feed(backend);
}

static void request_handle(struct backend *backend, const struct xensnd_req *req)
{
	switch (req->operation) {
	case XENSND_OP_OPEN:
		if (way(backend, CHOICE_OPEN) != OPEN_NEVER)
			answer(backend, req->id, req->operation,
				stream_open(backend, &req->op.open));
		break;
	case XENSND_OP_CLOSE:
		if (way(backend, CHOICE_CLOSE) == TRIGGER_NEVER)
			break;
		pending_drop(backend);
		data_unmap(backend);
		answer(backend, req->id, req->operation,
			way(backend, CHOICE_CLOSE) == TRIGGER_ERROR ? -XEN_EIO : 0);
		break;
	case XENSND_OP_WRITE:
		write_handle(backend, req);
		break;
	case XENSND_OP_READ:
		read_handle(backend, req);
		break;
	case XENSND_OP_TRIGGER:
		trigger_handle(backend, req);
		break;
	case XENSND_OP_HW_PARAM_QUERY:
		query_handle(backend, req);
		break;
	default:
		answer(backend, req->id, req->operation, -XEN_EOPNOTSUPP);
	}
}

static void stream_push(struct backend *backend)
{
	struct stream *stream = &backend->stream;

	if (xensnd_back_events_push(&stream->events))
		xenevtchn_notify(backend->evtchn, stream->event_port);
	if (xensnd_back_ring_push(&stream->ring))
		xenevtchn_notify(backend->evtchn, stream->ring_port);
}

/* As one that was killed: nothing changes in XenStore, and nobody looks at the rings. */
static bool deaf(const struct backend *backend)
{
	return backend->deaf_after > 0 && backend->connections <= 1 &&
	       backend->stream.n_requests >= backend->deaf_after;
}

/* True: there is more to do at once. */
static bool stream_step(struct backend *backend)
{
	struct stream *stream = &backend->stream;
	struct xensnd_req req;
	unsigned int before = stream->n_requests;

	if (!stream->connected || deaf(backend))
		return false;
	clock_look(backend);
	while (xensnd_back_ring_get(&stream->ring, &req) > 0) {
		request_handle(backend, &req);
		if (++stream->n_requests == backend->deaf_after)
			break;
	}
	if (stream->n_requests != before)
		settled_move(backend);
	if (stream->open) {
		pending_feed(backend);
		late_answer(backend, false);
		position_step(backend);
	}
	stream_push(backend);
	return xensnd_back_ring_arm(&stream->ring);
}

/* ---- The loop ---- */

static void channel_take(struct backend *backend)
{
	xenevtchn_port_or_error_t port = xenevtchn_pending(backend->evtchn);

	if (port >= 0)
		xenevtchn_unmask(backend->evtchn, (evtchn_port_t)port);
}

static void backend_run(struct backend *backend)
{
	for (;;) {
		struct pollfd pfds[] = {
			{ .fd = xs_fileno(backend->xs), .events = POLLIN },
			{ .fd = xenevtchn_fd(backend->evtchn), .events = POLLIN },
		};
		bool busy = stream_step(backend);

		if (poll(pfds, 2, busy ? 0 : backend->stream.open ? TICK_MS : -1) < 0)
			die("poll");
		if (pfds[0].revents)
			front_step(backend);
		if (pfds[1].revents)
			channel_take(backend);
	}
}

static void backend_start(struct backend *backend)
{
	char path[XENSND_PATH_BYTES];

	backend->xs = xs_open(0);
	backend->grants = xengnttab_open(NULL, 0);
	backend->evtchn = xenevtchn_open(NULL, 0);
	if (!backend->xs || !backend->grants || !backend->evtchn)
		die("Xen's nodes");
	if (xensnd_node_read_number(backend->xs, XBT_NULL, backend->back, XENSND_NODE_FRONTEND_ID,
		    0, UINT16_MAX, &backend->domid) < 0)
		die("the card's nodes");
	xensnd_path_below(path, sizeof(path), backend->front, XENSND_NODE_STATE);
	if (!xs_watch(backend->xs, path, "state"))
		die("xs_watch");
	if (backend->versions && xensnd_node_write(backend->xs, XBT_NULL, backend->back,
					 XENSND_FIELD_BE_VERSIONS, "%s", backend->versions) < 0)
		die("the versions can not be written");
	state_write(backend, XenbusStateInitWait);
}

static bool option_take(struct backend *backend, const char *argument)
{
	for (unsigned int i = 0; i < CHOICES; i++) {
		size_t len = strlen(choices[i].option);

		if (strncmp(argument, choices[i].option, len) != 0)
			continue;
		for (unsigned int value = 0; choices[i].values[value]; value++) {
			if (strcmp(argument + len, choices[i].values[value]) != 0)
				continue;
			backend->way[i] = value;
			return true;
		}
	}
	if (strncmp(argument, "--versions=", 11) == 0) {
		backend->versions = argument + 11;
		return true;
	}
	if (strncmp(argument, "--consumed=", 11) == 0) {
		backend->consumed_file = argument + 11;
		return true;
	}
	if (strcmp(argument, "--capture") == 0)
		return backend->capture = true;
	return sscanf(argument, "--deaf-after=%u", &backend->deaf_after) == 1;
}

int main(int argc, char **argv)
{
	struct backend backend = { .file = NULL };

	if (argc < 4)
		return 2;
	backend.front = argv[1];
	backend.back = argv[2];
	backend.file = argv[3];
	for (int i = 4; i < argc; i++) {
		if (option_take(&backend, argv[i]))
			continue;
		fprintf(stderr, "scripted_backend: what is %s?\n", argv[i]);
		return 2;
	}
	consumed_open(&backend, backend.consumed_file);
	backend_start(&backend);
	backend_run(&backend);
	return 0;
}
