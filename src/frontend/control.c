/* SPDX-License-Identifier: MIT */
/*
 * The worker's commands: open, close, prepare, start, stop, pause, query.
 *
 * Apart from the worker's turn because these are rare and take several steps. One command is
 * carried out at a time, each step sends at most one request, and every request has a deadline, so
 * every command ends.
 */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "link.h"
#include "protocol/hw_param.h"
#include "stream_impl.h"

/* A backend may have to open a sound card first. */
#define CONTROL_NS (3 * XENSND_NS_PER_SECOND)
#define OWNER_NS XENSND_NS_PER_SECOND
/* A program waits for a backend that is away: as often as it likes, so long each time. */
#define PATIENCE_NS XENSND_NS_PER_SECOND

static void command_end(struct xensnd_stream *stream, int result)
{
	struct xensnd_command *command = stream->worker.command;

	stream->worker.command = NULL;
	stream->worker.requested = false;
	stream->worker.owner_deadline_ns = XENSND_NEVER;
	stream->worker.patience_ns = XENSND_NEVER;
	xensnd_mailbox_answer(&stream->mailbox, command, result);
}

/* A backend may answer with any number; programs know these. */
static int status_errno(int32_t status)
{
	switch (status) {
	case 0:
	case -EPERM:
	case -ENOENT:
	case -EIO:
	case -EAGAIN:
	case -ENOMEM:
	case -EACCES:
	case -EBUSY:
	case -ENODEV:
	case -EINVAL:
	case -ENOSPC:
	case -EPIPE:
	case -ENOSYS:
	case -EOPNOTSUPP:
		return status;
	default:
		return -EIO;
	}
}

/*
 * The longest that the backend may need: it works in order, and may have to play out what it has.
 */
static int64_t control_deadline(const struct xensnd_stream *stream)
{
	int64_t deadline_ns = stream->worker.now_ns + CONTROL_NS;

	if (stream->worker.run != XENSND_RUN_CLOSED)
		deadline_ns += xensnd_geometry_ns(&stream->geometry, stream->geometry.buffer_bytes);
	return deadline_ns;
}

/* Sends the command's request; -EAGAIN is tried again at the worker's next turn. */
static void request_send(struct xensnd_stream *stream, struct xensnd_req *req)
{
	stream->worker.requested =
		xensnd_worker_send(stream, req, 0, control_deadline(stream)) == 0;
}

static void trigger_send(struct xensnd_stream *stream, uint8_t type)
{
	struct xensnd_req req = { .operation = XENSND_OP_TRIGGER };

	req.op.trigger.type = type;
	request_send(stream, &req);
}

/* ---- Stopping ---- */

/* Brings the backend to rest. True: nothing is running or under way any more. */
static bool stream_settle(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;

	if (worker->requested)
		return false;
	if (!worker->dirty)
		return xensnd_requests_audio(&worker->requests) == 0;
	trigger_send(stream, XENSND_OP_TRIGGER_STOP);
	if (worker->requested) {
		worker->prepared = false;
		/* Before START and in a pause the backend had all the time it liked for these. */
		xensnd_requests_set_audio_deadline(&worker->requests, control_deadline(stream));
	}
	return false;
}

/*
 * A drain whose end is only known by answers: the backend has taken everything, and may still have
 * to play up to a buffer of it. STOP would cut that off; it ends by itself, or by CLOSE, which
 * backends without positions play out (snd_be), or by the next prepare.
 */
static bool drained_by_answers(const struct xensnd_stream *stream)
{
	const struct xensnd_worker *worker = &stream->worker;

	return worker->run == XENSND_RUN_RUNNING && !worker->requested &&
	       worker->position.source == XENSND_POSITION_ACKS && atomic_load(&stream->draining) &&
	       worker->position.acked >= atomic_load(&stream->appl) &&
	       atomic_load(&stream->condition) == XENSND_STREAM_FINE;
}

/*
 * What is in the event page by now belongs to the run that has ended: it counts if that goes on
 * later, and is only a point of reference if not.
 */
static void stop_answered(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;
	unsigned int room = XENSND_EVENT_SLOTS;
	struct xensnd_evt evt;

	while (room-- > 0 && xensnd_front_events_get(&worker->events, &evt) == 1)
		xensnd_worker_event(stream, &evt);
	worker->requested = false;
	worker->dirty = false;
	worker->run = XENSND_RUN_STOPPED;
}

static void prepare_finish(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;

	worker->run = XENSND_RUN_STOPPED;
	worker->submitted = 0;
	worker->prepared = true;
	worker->halted = false;
	xensnd_position_prepare(&worker->position);
	atomic_store(&stream->appl, 0);
	atomic_store(&stream->position, 0);
	atomic_store(&stream->recorded, 0);
	atomic_store(&stream->claimed, 0);
	atomic_store(&stream->period_ended, false);
	atomic_store(&stream->draining, false);
	atomic_store(&stream->stopped, false);
	if (!worker->lost)
		atomic_store(&stream->condition, XENSND_STREAM_FINE);
	command_end(stream, 0);
}

/* ---- Opening and closing ---- */

static void buffer_release(struct xensnd_stream *stream)
{
	const struct xensnd_link_message message = { .type = XENSND_LINK_RELEASE };

	(void)xensnd_link_send(stream->hold.fd, &message, NULL, 0);
	stream->buffer = NULL;
}

/*
 * For what is to be opened, or was open before a loss. New pages in any case: those of an OPEN that
 * a loss has overtaken may still be mapped by a backend.
 */
static void buffer_ask(struct xensnd_stream *stream)
{
	struct xensnd_link_message message = { .type = XENSND_LINK_ALLOCATE };
	struct xensnd_worker *worker = &stream->worker;
	int ret;

	buffer_release(stream);
	message.u.allocate.buffer_bytes = stream->geometry.buffer_bytes;
	ret = xensnd_link_send(stream->hold.fd, &message, NULL, 0);
	if (ret < 0) {
		command_end(stream, ret);
		return;
	}
	worker->requested = true;
	worker->owner_deadline_ns = worker->now_ns + OWNER_NS;
}

static void open_begin(struct xensnd_stream *stream)
{
	if (stream->worker.run != XENSND_RUN_CLOSED) {
		command_end(stream, -EBUSY);
		return;
	}
	stream->geometry = stream->worker.command->u.geometry;
	buffer_ask(stream);
}

void xensnd_control_buffer(struct xensnd_stream *stream, const struct xensnd_link_buffer *reply)
{
	struct xensnd_worker *worker = &stream->worker;
	struct xensnd_req req = { .operation = XENSND_OP_OPEN };

	if (!worker->command || worker->owner_deadline_ns == XENSND_NEVER) {
		/* The answer to a question that a loss has overtaken. */
		if (reply->error < 0)
			return;
		xensnd_worker_lose(stream, "the card's owner sent a buffer that was not asked for");
		return;
	}
	worker->owner_deadline_ns = XENSND_NEVER;
	if (reply->error < 0) {
		xensnd_log(&stream->log, XENSND_LOG_ERROR, "card %u device %u: %.255s",
			stream->card, stream->info.config.device, reply->text);
		command_end(stream, reply->error);
		return;
	}
	stream->buffer = (void *)(uintptr_t)reply->pages.address;
	req.op.open = (struct xensnd_open_req){
		.pcm_rate = stream->geometry.rate,
		.pcm_format = stream->geometry.format,
		.pcm_channels = stream->geometry.channels,
		.buffer_sz = stream->geometry.buffer_bytes,
		.gref_directory = reply->directory,
		.period_sz = stream->geometry.period_bytes,
	};
	if (xensnd_worker_send(stream, &req, 0, control_deadline(stream)) < 0)
		xensnd_worker_lose(stream, "the request ring is full");
}

/* Recorded frames are there when the READ that carries them was answered, whatever events say. */
static enum xensnd_position_source source_begin(const struct xensnd_stream *stream)
{
	switch (stream->policy) {
	case XENSND_POSITION_EVENTS_ONLY:
		return XENSND_POSITION_EVENTS;
	case XENSND_POSITION_ACKS_ONLY:
		return XENSND_POSITION_ACKS;
	case XENSND_POSITION_AUTO:
		break;
	}
	return stream->capture ? XENSND_POSITION_ACKS : XENSND_POSITION_EVENTS;
}

static void open_answered(struct xensnd_stream *stream, int result)
{
	struct xensnd_worker *worker = &stream->worker;

	if (result < 0) {
		buffer_release(stream);
	} else {
		worker->reopen = false;
		worker->run = XENSND_RUN_STOPPED;
		worker->prepared = false;
		worker->dirty = false;
		worker->halted = false;
		worker->submitted = 0;
		xensnd_position_open(&worker->position, source_begin(stream));
		atomic_store(&stream->position_source, (int)worker->position.source);
	}
	/* A prepare goes on from here. */
	if (result < 0 || worker->command->op == XENSND_COMMAND_OPEN)
		command_end(stream, result);
	else
		worker->requested = false;
}

static void close_step(struct xensnd_stream *stream)
{
	struct xensnd_req req = { .operation = XENSND_OP_CLOSE };

	if (stream->worker.run == XENSND_RUN_CLOSED) {
		if (stream->worker.reopen)
			buffer_release(stream);
		stream->worker.reopen = false;
		command_end(stream, 0);
	} else if (drained_by_answers(stream) || stream_settle(stream))
		request_send(stream, &req);
}

static void close_answered(struct xensnd_stream *stream)
{
	stream->worker.run = XENSND_RUN_CLOSED;
	stream->worker.prepared = false;
	buffer_release(stream);
	command_end(stream, 0);
}

/* ---- Running ---- */

/* What the program has written goes first: the backend then starts with data. */
static void start_step(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;

	/*
	 * Another thread's start has overtaken the end of a prepare, after which ioplug believes in
	 * PREPARED.
	 */
	if (worker->run == XENSND_RUN_RUNNING && worker->prepared) {
		command_end(stream, 0);
		return;
	}
	if (worker->run != XENSND_RUN_STOPPED || !worker->prepared) {
		command_end(stream, -EBADFD);
		return;
	}
	xensnd_worker_submit(stream);
	trigger_send(stream, XENSND_OP_TRIGGER_START);
	if (!worker->requested)
		return;
	worker->run = XENSND_RUN_RUNNING;
	worker->dirty = true;
	worker->progress_ns = worker->now_ns;
}

/*
 * The backend was stopped and has let go of the buffer. What it has not played is sent again later,
 * from the next whole frame on.
 */
static void halt_finish(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;
	uint32_t frame_bytes = stream->geometry.frame_bytes;
	uint64_t now;

	xensnd_position_halt(&worker->position);
	now = xensnd_position_now(&worker->position);
	worker->submitted = (now + frame_bytes - 1) / frame_bytes * frame_bytes;
	atomic_store(&stream->claimed, worker->submitted);
	worker->run = XENSND_RUN_PAUSED;
	worker->halted = true;
	command_end(stream, 0);
}

static void pause_step(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;

	if (!worker->prepared || (worker->run != XENSND_RUN_RUNNING && !worker->halting)) {
		command_end(stream, -EBADFD);
	} else if (!worker->can_not_pause) {
		trigger_send(stream, XENSND_OP_TRIGGER_PAUSE);
	} else if (!worker->halting) {
		trigger_send(stream, XENSND_OP_TRIGGER_STOP);
		if (worker->requested) {
			worker->halting = true;
			/* Positions count until the answer, and nothing more is sent. */
			worker->run = XENSND_RUN_PAUSED;
			xensnd_requests_set_audio_deadline(
				&worker->requests, control_deadline(stream));
		}
	} else if (xensnd_requests_audio(&worker->requests) == 0) {
		worker->halting = false;
		halt_finish(stream);
	}
}

static void resume_step(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;

	if (worker->run != XENSND_RUN_PAUSED) {
		command_end(stream, -EBADFD);
	} else if (worker->halted) {
		worker->run = XENSND_RUN_STOPPED;
		start_step(stream);
		if (!worker->requested)
			worker->run = XENSND_RUN_PAUSED;
	} else {
		trigger_send(stream, XENSND_OP_TRIGGER_RESUME);
	}
}

static void run_answered(struct xensnd_stream *stream, enum xensnd_command_op op, int result)
{
	struct xensnd_worker *worker = &stream->worker;
	int64_t buffer_ns = xensnd_geometry_ns(&stream->geometry, stream->geometry.buffer_bytes);

	if (op == XENSND_COMMAND_START && result < 0)
		worker->run = XENSND_RUN_STOPPED;
	if (op == XENSND_COMMAND_PAUSE && result == 0)
		worker->run = XENSND_RUN_PAUSED;
	if (op == XENSND_COMMAND_RESUME)
		worker->run = result == 0 ? XENSND_RUN_RUNNING : XENSND_RUN_PAUSED;
	if (result == 0)
		worker->halted = false;
	worker->progress_ns = worker->now_ns;
	xensnd_requests_set_audio_deadline(&worker->requests,
		worker->run == XENSND_RUN_RUNNING ? worker->progress_ns + CONTROL_NS + 2 * buffer_ns
						  : XENSND_NEVER);
	command_end(stream, result);
}

/* A backend that can not pause says so in many ways; one that has gone says nothing. */
static void pause_answered(struct xensnd_stream *stream, int result)
{
	struct xensnd_worker *worker = &stream->worker;

	if (worker->halting) {
		stop_answered(stream);
		worker->run = XENSND_RUN_PAUSED;
	} else if (result == -EOPNOTSUPP || result == -ENOSYS || result == -EINVAL) {
		worker->can_not_pause = true;
		worker->requested = false;
	} else {
		run_answered(stream, XENSND_COMMAND_PAUSE, result);
	}
}

/* ---- Asking ---- */

static void query_begin(struct xensnd_stream *stream)
{
	struct xensnd_req req = { .operation = XENSND_OP_HW_PARAM_QUERY };

	req.op.hw_param = *stream->worker.command->u.set;
	request_send(stream, &req);
}

static void query_answered(struct xensnd_stream *stream, const struct xensnd_resp *rsp)
{
	int result = status_errno(rsp->status);

	if (result == 0)
		*stream->worker.command->u.set = rsp->resp.hw_param;
	command_end(stream, result);
}

/* ---- Dispatch ---- */

void xensnd_control_answer(struct xensnd_stream *stream, const struct xensnd_request *request,
	const struct xensnd_resp *rsp)
{
	const struct xensnd_command *command = stream->worker.command;
	int result = status_errno(rsp->status);

	if (!command)
		return;
	switch (command->op) {
	case XENSND_COMMAND_QUERY:
		query_answered(stream, rsp);
		break;
	case XENSND_COMMAND_OPEN:
		open_answered(stream, result);
		break;
	case XENSND_COMMAND_CLOSE:
		if (request->operation == XENSND_OP_TRIGGER)
			stop_answered(stream);
		else
			close_answered(stream);
		break;
	case XENSND_COMMAND_PREPARE:
		if (request->operation == XENSND_OP_OPEN)
			open_answered(stream, result);
		else
			stop_answered(stream);
		break;
	case XENSND_COMMAND_STOP:
		stop_answered(stream);
		break;
	case XENSND_COMMAND_PAUSE:
		pause_answered(stream, result);
		break;
	case XENSND_COMMAND_START:
	case XENSND_COMMAND_RESUME:
		run_answered(stream, command->op, result);
		break;
	case XENSND_COMMAND_QUIT:
		break;
	}
}

/* ---- Without a backend ---- */

/* What the command had sent will never be answered. It may wait for the return, or not begin. */
void xensnd_control_away(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;

	worker->requested = false;
	worker->halting = false;
	worker->owner_deadline_ns = XENSND_NEVER;
}

/* A program that prepares or sets up waits a while, so that it need not ask again and again. */
static void away_step(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;

	switch (worker->command->op) {
	case XENSND_COMMAND_CLOSE:
		close_step(stream);
		break;
	case XENSND_COMMAND_STOP:
		command_end(stream, 0);
		break;
	case XENSND_COMMAND_PREPARE:
	case XENSND_COMMAND_OPEN:
		if (worker->patience_ns == XENSND_NEVER)
			worker->patience_ns = worker->now_ns + PATIENCE_NS;
		if (worker->now_ns >= worker->patience_ns)
			command_end(stream, -EAGAIN);
		break;
	default:
		command_end(stream, -ESTRPIPE);
		break;
	}
}

/* Goes on with the command under way, which may end by that. */
static void command_step(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;
	enum xensnd_command_op op = worker->command->op;

	if (op == XENSND_COMMAND_QUIT) {
		worker->quit = true;
		command_end(stream, 0);
	} else if (worker->lost) {
		command_end(stream, -ENODEV);
	} else if (worker->away) {
		away_step(stream);
	} else if (worker->requested) {
		return;
	} else if (op == XENSND_COMMAND_QUERY) {
		query_begin(stream);
	} else if (op == XENSND_COMMAND_OPEN) {
		open_begin(stream);
	} else if (op == XENSND_COMMAND_CLOSE) {
		close_step(stream);
	} else if (op == XENSND_COMMAND_PREPARE && worker->run == XENSND_RUN_CLOSED &&
		   worker->reopen) {
		buffer_ask(stream);
	} else if (worker->run == XENSND_RUN_CLOSED) {
		command_end(stream, op == XENSND_COMMAND_STOP ? 0 : -EBADFD);
	} else if (op == XENSND_COMMAND_PREPARE) {
		if (stream_settle(stream))
			prepare_finish(stream);
	} else if (op == XENSND_COMMAND_STOP) {
		if (drained_by_answers(stream) || stream_settle(stream))
			command_end(stream, 0);
	} else if (op == XENSND_COMMAND_START) {
		start_step(stream);
	} else if (op == XENSND_COMMAND_PAUSE) {
		pause_step(stream);
	} else {
		resume_step(stream);
	}
}

void xensnd_control_step(struct xensnd_stream *stream)
{
	struct xensnd_worker *worker = &stream->worker;

	for (;;) {
		if (!worker->command)
			worker->command = xensnd_mailbox_take(&stream->mailbox);
		if (!worker->command)
			return;
		command_step(stream);
		if (worker->command || worker->quit)
			return;
	}
}
