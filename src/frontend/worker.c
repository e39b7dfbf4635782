/* SPDX-License-Identifier: MIT */
/*
 * The worker: the one thread that touches a stream's rings.
 *
 * Apart from the program's side (stream.c), which must never wait for the backend, and from the
 * commands (control.c), which are rare: this is the path that every period takes. One turn takes in
 * what the backend said, sends what the program wrote, tells the program how far it got, and sleeps
 * in one poll().
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "link.h"
#include "stream_impl.h"

/* A running backend that takes this much longer than the audio itself plays is broken. */
#define AUDIO_GRACE_NS (2 * XENSND_NS_PER_SECOND)
/*
 * When a backend's position has not moved for this much longer than it could take, it never will
 * again.
 */
#define POSITION_GRACE_NS (XENSND_NS_PER_SECOND / 2)
#define DRAIN_GRACE_NS XENSND_NS_PER_SECOND
#define WHOLE_PERIODS_GRACE_NS (100 * XENSND_NS_PER_MS)

/* ---- What the program sees ---- */

static void condition_set(struct xensnd_stream *stream, enum xensnd_condition condition)
{
	atomic_store(&stream->condition, condition);
	xensnd_stream_wake(stream);
}

/* The rings are not touched any more, and the owner may know. */
static void rings_leave(struct xensnd_stream *stream, enum xensnd_link_type type)
{
	const struct xensnd_link_message message = { .type = type };

	xensnd_channel_close(&stream->channel);
	(void)xensnd_link_send(stream->hold.fd, &message, NULL, 0);
}

void xensnd_worker_lose(struct xensnd_stream *stream, const char *format, ...)
{
	char why[300];
	va_list args;

	if (stream->worker.lost)
		return;
	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	xensnd_log(&stream->log, XENSND_LOG_ERROR, "card %u device %u: %s", stream->card,
		stream->info.config.device, why);
	rings_leave(stream, XENSND_LINK_LET_GO);
	stream->worker.lost = true;
	stream->worker.away = false;
	condition_set(stream, XENSND_STREAM_LOST);
}

/* Without rings there is nothing to take and nothing to send. */
static bool connected(const struct xensnd_worker *worker)
{
	return !worker->lost && !worker->away;
}

void xensnd_worker_go_away(struct xensnd_stream *stream, bool stuck, const char *why)
{
	struct xensnd_worker *worker = &stream->worker;
	bool hopeless = stuck && !worker->proven;

	if (!connected(worker))
		return;
	if (stream->reconnect_s == 0 || hopeless) {
		xensnd_worker_lose(stream, "%s", why);
		return;
	}
	xensnd_log(&stream->log, XENSND_LOG_WARNING, "card %u device %u: %s; waiting for it",
		stream->card, stream->info.config.device, why);
	worker->away = true;
	worker->reopen = worker->reopen || worker->run != XENSND_RUN_CLOSED;
	worker->run = XENSND_RUN_CLOSED;
	worker->prepared = false;
	worker->dirty = false;
	worker->requests = (struct xensnd_requests){ .n = 0 };
	worker->away_deadline_ns =
		worker->now_ns + (int64_t)stream->reconnect_s * XENSND_NS_PER_SECOND;
	rings_leave(stream, stuck ? XENSND_LINK_STUCK : XENSND_LINK_LET_GO);
	xensnd_control_away(stream);
	condition_set(stream, XENSND_STREAM_AWAY);
}

/* New rings, with nothing open on them. The program goes on when it has prepared. */
static void stream_return(struct xensnd_stream *stream, const struct xensnd_link_stream *grant,
	int fds[XENSND_LINK_MAX_FDS])
{
	struct xensnd_worker *worker = &stream->worker;
	int ret = grant->error == 0 ? xensnd_stream_adopt(stream, grant, fds) : grant->error;

	/* Adopted, or closed. */
	if (grant->error == 0)
		fds[0] = fds[1] = -1;
	if (ret < 0) {
		xensnd_worker_lose(stream, "the card is back without this stream (%s)",
			grant->error < 0 ? grant->text : strerror(-ret));
		return;
	}
	worker->away = false;
	worker->proven = false;
	xensnd_log(&stream->log, XENSND_LOG_WARNING, "card %u device %u: the backend is back",
		stream->card, stream->info.config.device);
}

/* ---- From the backend ---- */

static void traffic_count(struct xensnd_stream *stream)
{
	unsigned int n = stream->worker.requests.n;

	atomic_store_explicit(&stream->in_flight, n, memory_order_relaxed);
	if (n > atomic_load_explicit(&stream->in_flight_most, memory_order_relaxed))
		atomic_store_explicit(&stream->in_flight_most, n, memory_order_relaxed);
	atomic_fetch_add_explicit(&stream->requests_sent, 1, memory_order_relaxed);
}

int xensnd_worker_send(
	struct xensnd_stream *stream, struct xensnd_req *req, uint32_t bytes, int64_t deadline_ns)
{
	struct xensnd_worker *worker = &stream->worker;

	if (xensnd_front_ring_space(&worker->ring) == 0 || worker->requests.n == XENSND_RING_SLOTS)
		return -EAGAIN;
	req->id = xensnd_requests_add(&worker->requests, req->operation, bytes, deadline_ns);
	traffic_count(stream);
	return xensnd_front_ring_put(&worker->ring, req);
}

static void answer_take(struct xensnd_stream *stream, const struct xensnd_resp *rsp)
{
	struct xensnd_worker *worker = &stream->worker;
	struct xensnd_request request;

	if (xensnd_requests_answer(&worker->requests, rsp, &request) < 0) {
		xensnd_worker_lose(stream,
			"the backend answered a request that was not made (id %u, operation %u)",
			rsp->id, rsp->operation);
		return;
	}
	if (request.bytes == 0)
		xensnd_control_answer(stream, &request, rsp);
	else if (rsp->status != 0 && worker->prepared && worker->run != XENSND_RUN_PAUSED) {
		xensnd_log(&stream->log, XENSND_LOG_WARNING,
			"card %u device %u: the backend refused audio (%d)", stream->card,
			stream->info.config.device, rsp->status);
		condition_set(stream, XENSND_STREAM_XRUN);
	}
	xensnd_position_ack(&worker->position, xensnd_requests_retire(&worker->requests));
	atomic_store_explicit(&stream->in_flight, worker->requests.n, memory_order_relaxed);
}

/*
 * The furthest that a position can be: what was sent; or what was delivered, and as much again as
 * the buffer holds, which a backend may have recorded before anybody asked for it.
 */
static uint64_t position_possible(const struct xensnd_stream *stream)
{
	const struct xensnd_worker *worker = &stream->worker;

	return stream->capture ? worker->position.acked + stream->geometry.buffer_bytes
			       : worker->submitted;
}

void xensnd_worker_event(struct xensnd_stream *stream, const struct xensnd_evt *evt)
{
	struct xensnd_worker *worker = &stream->worker;

	if (evt->type != XENSND_EVT_CUR_POS)
		return;
	if (worker->prepared &&
		(worker->run == XENSND_RUN_RUNNING || worker->run == XENSND_RUN_PAUSED))
		xensnd_position_event(&worker->position, evt->op.cur_pos.position,
			position_possible(stream), stream->geometry.period_bytes);
	else
		xensnd_position_stale(&worker->position, evt->op.cur_pos.position);
}

/*
 * Answers first: a position may rest on an acknowledgement that was given before it. There are no
 * more of them than requests, but a backend can go on with events for ever: a full page in one turn
 * is enough, and what comes later has a notification of its own.
 */
static void rings_take(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;
	unsigned int room = XENSND_EVENT_SLOTS;
	struct xensnd_resp rsp;
	struct xensnd_evt evt;
	int ret;

	while (connected(worker) && (ret = xensnd_front_ring_get(&worker->ring, &rsp)) != 0) {
		if (ret < 0)
			xensnd_worker_lose(stream, "the backend broke the request ring");
		else
			answer_take(stream, &rsp);
	}
	while (connected(worker) && room-- > 0 &&
		(ret = xensnd_front_events_get(&worker->events, &evt)) != 0) {
		if (ret < 0)
			xensnd_worker_lose(stream, "the backend broke the event page");
		else
			xensnd_worker_event(stream, &evt);
	}
}

/* ---- To the backend ---- */

/*
 * How far a program may fall behind before nothing more is recorded for it: a buffer, unless it
 * wants the oldest to be overwritten (ALSA's stop_threshold beyond the buffer).
 */
static uint64_t capture_window(const struct xensnd_stream *stream)
{
	uint64_t stop = atomic_load(&stream->stop_threshold);

	return stop > stream->geometry.buffer_bytes ? stop : stream->geometry.buffer_bytes;
}

static struct xensnd_fill fill_now(const struct xensnd_stream *stream)
{
	const struct xensnd_worker *worker = &stream->worker;

	return (struct xensnd_fill){
		.appl = atomic_load(&stream->appl),
		.submitted = worker->submitted,
		.window = stream->capture ? capture_window(stream) : 0,
		.in_flight = xensnd_requests_audio(&worker->requests),
		.capture = stream->capture,
		.started = worker->run == XENSND_RUN_RUNNING,
	};
}

static bool may_submit(const struct xensnd_stream *stream)
{
	const struct xensnd_worker *worker = &stream->worker;

	if (!worker->prepared || !connected(worker) || atomic_load(&stream->stopped))
		return false;
	/* A backend may take READ before START as a START of its own. */
	if (stream->capture)
		return worker->run == XENSND_RUN_RUNNING && !worker->requested;
	return worker->run == XENSND_RUN_STOPPED || worker->run == XENSND_RUN_RUNNING;
}

/* Announces that the backend gets audio up to end; false if the program has just taken it back. */
static bool submit_claim(struct xensnd_stream *stream, uint64_t end)
{
	if (stream->capture)
		return true;
	atomic_store(&stream->claimed, end);
	if (atomic_load(&stream->appl) >= end)
		return true;
	atomic_store(&stream->claimed, stream->worker.submitted);
	return false;
}

void xensnd_worker_submit(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;

	while (may_submit(stream)) {
		struct xensnd_fill fill = fill_now(stream);
		struct xensnd_range range = xensnd_geometry_next(&stream->geometry, &fill);
		struct xensnd_req req = { .operation = stream->capture ? XENSND_OP_READ
								       : XENSND_OP_WRITE };
		int64_t deadline_ns = XENSND_NEVER;

		if (range.length == 0 || !submit_claim(stream, worker->submitted + range.length))
			return;
		if (fill.started)
			deadline_ns = worker->now_ns + AUDIO_GRACE_NS +
				      2 * xensnd_geometry_ns(
						  &stream->geometry, stream->geometry.buffer_bytes);
		req.op.rw.offset = range.offset;
		req.op.rw.length = range.length;
		if (xensnd_worker_send(stream, &req, range.length, deadline_ns) < 0)
			return;
		/* From running dry to here there was nothing to move by. */
		if (xensnd_position_now(&worker->position) >= worker->submitted)
			worker->progress_ns = worker->now_ns;
		worker->submitted += range.length;
		worker->dirty = true;
	}
}

/* ---- Position, underrun, end of a drain ---- */

/* All was sent and answered, and nothing more will come. */
static bool end_is_near(const struct xensnd_stream *stream)
{
	return atomic_load(&stream->draining) &&
	       stream->worker.position.acked >= atomic_load(&stream->appl);
}

/* When to stop believing in the backend's events, and whether that is now. */
static int64_t position_deadline(const struct xensnd_stream *stream)
{
	const struct xensnd_worker *worker = &stream->worker;
	const struct xensnd_position *position = &worker->position;
	uint64_t played = xensnd_position_now(position);
	uint64_t left = worker->submitted - played;
	bool last_part =
		position->moved && position->whole_periods && left < stream->geometry.period_bytes;
	int64_t period_ns;

	if (worker->run != XENSND_RUN_RUNNING || position->source != XENSND_POSITION_EVENTS ||
		stream->capture || left == 0)
		return XENSND_NEVER;
	period_ns = xensnd_geometry_ns(&stream->geometry, stream->geometry.period_bytes);
	/* A backend that only reports whole periods says nothing about a last part of one. */
	if (end_is_near(stream) && position->moved)
		return worker->progress_ns + period_ns +
		       (last_part ? WHOLE_PERIODS_GRACE_NS : DRAIN_GRACE_NS) +
		       xensnd_geometry_ns(&stream->geometry, left);
	if (last_part || stream->policy == XENSND_POSITION_EVENTS_ONLY)
		return XENSND_NEVER;
	return worker->progress_ns + 2 * period_ns + POSITION_GRACE_NS +
	       xensnd_geometry_ns(&stream->geometry, stream->geometry.buffer_bytes);
}

static void position_give_up(struct xensnd_stream *stream)
{
	struct xensnd_position *position = &stream->worker.position;

	if (end_is_near(stream) && position->moved) {
		position->reported = position->acked;
		return;
	}
	xensnd_log(&stream->log, XENSND_LOG_INFO,
		"card %u device %u: the backend's position does not move; following its answers",
		stream->card, stream->info.config.device);
	position->source = XENSND_POSITION_ACKS;
	atomic_store(&stream->position_source, XENSND_POSITION_ACKS);
}

/*
 * Running dry is an underrun unless the program said otherwise (ALSA's stop_threshold, or a drain).
 */
static void underrun_check(struct xensnd_stream *stream, uint64_t played)
{
	const struct xensnd_worker *worker = &stream->worker;
	uint64_t avail = stream->geometry.buffer_bytes - (atomic_load(&stream->appl) - played);

	if (stream->capture || worker->run != XENSND_RUN_RUNNING || !worker->prepared ||
		worker->position.source != XENSND_POSITION_EVENTS || atomic_load(&stream->draining))
		return;
	if (avail >= atomic_load(&stream->stop_threshold))
		condition_set(stream, XENSND_STREAM_XRUN);
}

static void position_report(struct xensnd_stream *stream, uint64_t before, uint64_t now)
{
	struct xensnd_worker *worker = &stream->worker;
	uint32_t period_bytes = stream->geometry.period_bytes;

	worker->progress_ns = worker->now_ns;
	/* A backend that takes audio and does not answer START has shown nothing yet. */
	if (worker->run == XENSND_RUN_RUNNING && !worker->requested)
		worker->proven = true;
	atomic_store(&stream->position, now);
	if (now / period_bytes != before / period_bytes && atomic_load(&stream->period_event))
		atomic_store(&stream->period_ended, true);
	underrun_check(stream, now);
}

static void progress_report(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;
	uint64_t before = atomic_load(&stream->position);
	uint64_t now;

	if (worker->run == XENSND_RUN_CLOSED || !connected(worker))
		return;
	if (position_deadline(stream) <= worker->now_ns)
		position_give_up(stream);
	now = xensnd_position_now(&worker->position);
	if (worker->prepared && stream->capture) {
		uint64_t reported = worker->position.reported;

		atomic_store(&stream->recorded, reported > now ? reported : now);
	}
	if (worker->prepared && now > before)
		position_report(stream, before, now);
	if (atomic_load(&stream->condition) == XENSND_STREAM_XRUN && worker->prepared)
		xensnd_mailbox_post(&stream->mailbox, &stream->stop_command);
	if (xensnd_stream_ready(stream))
		xensnd_stream_poll(stream);
}

/* ---- The turn ---- */

/* The owner has noticed, or was told by us, that the connection is gone. */
static void owner_lost(struct xensnd_stream *stream, const struct xensnd_link_lost *lost)
{
	char why[sizeof(lost->text) + 1];

	snprintf(why, sizeof(why), "%.255s", lost->text);
	if (stream->worker.away)
		rings_leave(stream, XENSND_LINK_LET_GO);
	else
		xensnd_worker_go_away(stream, false, why);
}

static void owner_message(struct xensnd_stream *stream)
{
	struct xensnd_link_message message;
	int fds[XENSND_LINK_MAX_FDS];
	int ret = xensnd_link_receive(stream->hold.fd, &message, fds);

	if (ret == -EAGAIN)
		return;
	if (ret < 0)
		xensnd_worker_lose(stream, "the card's owner has gone (%s)", strerror(-ret));
	else if (message.type == XENSND_LINK_LOST)
		owner_lost(stream, &message.u.lost);
	else if (message.type == XENSND_LINK_STREAM && stream->worker.away)
		stream_return(stream, &message.u.stream, fds);
	else if (message.type == XENSND_LINK_BUFFER)
		xensnd_control_buffer(stream, &message.u.buffer);
	for (unsigned int i = 0; i < XENSND_LINK_MAX_FDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int64_t deadline_now(const struct xensnd_stream *stream)
{
	const struct xensnd_worker *worker = &stream->worker;

	if (worker->lost)
		return XENSND_NEVER;
	if (worker->away)
		return xensnd_earlier(worker->away_deadline_ns, worker->patience_ns);
	return xensnd_earlier(xensnd_earlier(worker->owner_deadline_ns, position_deadline(stream)),
		xensnd_requests_deadline(&worker->requests));
}

static void deadlines_check(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;
	char why[64];

	if (worker->away && worker->now_ns >= worker->away_deadline_ns)
		xensnd_worker_lose(stream, "the backend was away for %u s", stream->reconnect_s);
	if (!connected(worker))
		return;
	if (worker->now_ns >= worker->owner_deadline_ns)
		xensnd_worker_lose(stream, "the card's owner does not answer");
	if (worker->now_ns < xensnd_requests_deadline(&worker->requests))
		return;
	snprintf(why, sizeof(why), "the backend in domain %u does not answer",
		stream->info.backend_domid);
	xensnd_worker_go_away(stream, true, why);
}

/*
 * Is an answer worth a wake-up of its own? Not while position events come by anyway and nothing
 * waits to be sent: each event is followed by a look at the answers. After the last event of a
 * drain none comes by, and a position beyond what was acknowledged waits for just that.
 */
static bool answers_wanted(const struct xensnd_stream *stream, const struct xensnd_fill *fill)
{
	const struct xensnd_worker *worker = &stream->worker;
	const struct xensnd_position *position = &worker->position;

	return stream->capture || worker->requested || worker->run != XENSND_RUN_RUNNING ||
	       !position->moved || position->source != XENSND_POSITION_EVENTS ||
	       position->reported > position->acked || atomic_load(&stream->draining) ||
	       fill->appl > fill->submitted || fill->in_flight >= XENSND_MAX_IN_FLIGHT;
}

/*
 * Ready to sleep? Announces what would be worth a wake-up and looks once more, so that nothing that
 * comes in between is lost (stream_impl.h, ring.c).
 */
static bool may_sleep(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;
	struct xensnd_fill fill = fill_now(stream);
	bool answers = answers_wanted(stream, &fill);
	uint64_t wanted = UINT64_MAX;

	/* After a loss only commands count, and the one under way has to be ended first. */
	if (!connected(worker))
		return !worker->command || (worker->away && worker->patience_ns != XENSND_NEVER);
	/* Without answers, what is in flight may be done by the time there is more to send. */
	if (!answers)
		fill.in_flight = 0;
	/* A recording has an answer coming, after which it asks for more; that is early enough. */
	if (may_submit(stream) && !(stream->capture && fill.in_flight > 0))
		wanted = xensnd_geometry_wanted(&stream->geometry, &fill);
	atomic_store(&stream->wanted, wanted);
	if (atomic_load(&stream->appl) >= wanted)
		return false;
	return !answers || !xensnd_front_ring_arm(&worker->ring);
}

static void ring_push(struct xensnd_stream *stream)
{
	if (connected(&stream->worker) && xensnd_front_ring_push(&stream->worker.ring))
		(void)xensnd_channel_notify(&stream->channel);
}

enum { POLL_CHANNEL, POLL_KICK, POLL_OWNER, POLL_COUNT };

/* Sleeps until there is something to do; returns the event channel's port to be unmasked, or 0. */
static evtchn_port_t worker_sleep(struct xensnd_stream *stream)
{
	const struct xensnd_worker *worker = &stream->worker;
	struct pollfd pfds[POLL_COUNT] = {
		[POLL_CHANNEL] = { .fd = connected(worker) ? xensnd_channel_fd(&stream->channel)
							   : -1,
			.events = POLLIN },
		[POLL_KICK] = { .fd = stream->mailbox.kick_fd, .events = POLLIN },
		[POLL_OWNER] = { .fd = worker->lost ? -1 : stream->hold.fd, .events = POLLIN },
	};
	int64_t deadline_ns = deadline_now(stream);
	int64_t port = 0;
	uint64_t kicks;

	if (poll(pfds, POLL_COUNT, xensnd_poll_ms_from(worker->now_ns, deadline_ns)) < 0) {
		if (errno != EINTR)
			xensnd_worker_lose(stream, "poll failed (%s)", strerror(errno));
		return 0;
	}
	if (pfds[POLL_KICK].revents && read(stream->mailbox.kick_fd, &kicks, sizeof(kicks)) < 0)
		return 0;
	if (pfds[POLL_CHANNEL].revents)
		port = xensnd_channel_pending(&stream->channel);
	if (port < 0)
		xensnd_worker_lose(stream, "the event channel failed (%s)", strerror((int)-port));
	if (pfds[POLL_OWNER].revents)
		owner_message(stream);
	return port > 0 ? (evtchn_port_t)port : 0;
}

/*
 * A recording that goes by answers has no use for events: its port stays masked after the first
 * one, and the page is read whenever an answer comes.
 */
static void port_unmask(struct xensnd_stream *stream, evtchn_port_t port)
{
	if (port == 0 || !connected(&stream->worker))
		return;
	if (stream->capture && stream->policy != XENSND_POSITION_EVENTS_ONLY &&
		port == stream->channel.event_port)
		return;
	(void)xensnd_channel_unmask(&stream->channel, port);
}

void *xensnd_worker_thread(void *argument)
{
	struct xensnd_stream *stream = argument;
	evtchn_port_t port = 0;

	while (!stream->worker.quit) {
		stream->worker.now_ns = xensnd_now_ns();
		rings_take(stream);
		port_unmask(stream, port);
		port = 0;
		xensnd_control_step(stream);
		xensnd_worker_submit(stream);
		ring_push(stream);
		progress_report(stream);
		deadlines_check(stream);
		if (!stream->worker.quit && may_sleep(stream))
			port = worker_sleep(stream);
	}
	return NULL;
}
