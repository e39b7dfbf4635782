/* SPDX-License-Identifier: MIT */
/* Requests and events of a stream. See session.h. */
#include "session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/format.h"
#include "protocol/hw_param.h"

#include "wire_status.h"

void xensnd_session_log(
	struct xensnd_session *session, enum xensnd_log_level level, const char *format, ...)
{
	const struct xensnd_stream_setup *setup = session->setup;
	const struct xensnd_log *log = setup->host->log;
	uint32_t swallowed;
	char text[256];
	va_list args;

	if (level > log->level)
		return;
	if (!xensnd_log_allowed(&session->log_limit, xensnd_now_ns(), &swallowed))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (swallowed > 0)
		xensnd_log(log, XENSND_LOG_WARNING,
			"domain %u card %u stream %u/%u: %u lines left out", setup->domid,
			setup->card, setup->config.device, setup->config.index, swallowed);
	xensnd_log(log, level, "domain %u card %u stream %u/%u: %s", setup->domid, setup->card,
		setup->config.device, setup->config.index, text);
}

void xensnd_session_init(struct xensnd_session *session, const struct xensnd_stream_setup *setup,
	xengnttab_handle *grants, void *ring_page, void *event_page)
{
	*session = (struct xensnd_session){ .setup = setup, .grants = grants };
	xensnd_back_ring_init(&session->ring, ring_page);
	xensnd_back_events_init(&session->events, event_page);
}

static bool session_is_open(const struct xensnd_session *session)
{
	return session->playback.output != NULL;
}

static void session_answer(struct xensnd_session *session, uint16_t id, uint8_t operation,
	int64_t ret, const struct xensnd_query_hw_param *set)
{
	struct xensnd_resp rsp = {
		.id = id, .operation = operation, .status = xensnd_wire_status(ret)
	};

	if (set)
		rsp.resp.hw_param = *set;
	/* It can not fail: every answer has its request. */
	(void)xensnd_back_ring_put(&session->ring, &rsp);
}

/* ---- WRITEs that wait for room ---- */

static struct xensnd_pending_write *pending_head(struct xensnd_session *session)
{
	return session->n_pending > 0 ? &session->pending[session->pending_first] : NULL;
}

static void pending_answer_head(struct xensnd_session *session, int64_t ret)
{
	session_answer(session, pending_head(session)->id, XENSND_OP_WRITE, ret, NULL);
	session->pending_first = (session->pending_first + 1) % XENSND_RING_SLOTS;
	session->n_pending--;
}

static void pending_answer_all(struct xensnd_session *session, int64_t ret)
{
	while (session->n_pending > 0)
		pending_answer_head(session, ret);
}

static int pending_add(struct xensnd_session *session, uint16_t id, const struct xensnd_rw_req *rw)
{
	/* The ring has no more slots than the queue. */
	if (session->n_pending == XENSND_RING_SLOTS)
		return -EPROTO;
	session->pending[(session->pending_first + session->n_pending++) % XENSND_RING_SLOTS] =
		(struct xensnd_pending_write){
			.id = id, .offset_bytes = rw->offset, .left_bytes = rw->length
		};
	return 0;
}

/* Gives the output what it takes of the queue. True: it took something. */
static bool pending_feed(struct xensnd_session *session)
{
	uint32_t frame_bytes = session->playback.params.frame_bytes;
	struct xensnd_pending_write *head;
	bool fed = false;

	while ((head = pending_head(session)) != NULL) {
		const char *from = (const char *)session->buffer.data + head->offset_bytes;
		uint32_t frames = head->left_bytes / frame_bytes;
		int64_t taken = 0;

		if (frames > 0 && session->playback.room_frames == 0)
			break;
		if (frames > 0)
			taken = xensnd_playback_write(&session->playback, from, frames);
		if (taken < 0)
			break;
		fed = fed || taken > 0;
		head->offset_bytes += (uint32_t)taken * frame_bytes;
		head->left_bytes -= (uint32_t)taken * frame_bytes;
		if (head->left_bytes > 0)
			break;
		pending_answer_head(session, 0);
	}
	return fed;
}

/* ---- requests ---- */

static int session_open(struct xensnd_session *session, const struct xensnd_open_req *open)
{
	const struct xensnd_stream_setup *setup = session->setup;
	struct xensnd_pcm_params params;
	int ret;

	if (setup->config.capture)
		return -EOPNOTSUPP;
	if (session_is_open(session))
		return -EBUSY;
	ret = xensnd_open_check(&params, open, &setup->config.params);
	if (ret < 0) {
		xensnd_session_log(
			session, XENSND_LOG_DEBUG, "OPEN outside of the stream's configuration");
		return ret;
	}
	ret = xensnd_stream_buffer_map(&session->buffer, session->grants, setup->memory,
		setup->domid, open->gref_directory, open->buffer_sz);
	if (ret < 0) {
		xensnd_session_log(session, XENSND_LOG_WARNING,
			"can not map a buffer of %u bytes: %s", open->buffer_sz, strerror(-ret));
		return ret;
	}
	ret = xensnd_playback_open(&session->playback, &setup->output, &params, setup->host);
	if (ret == 0)
		ret = xensnd_playback_look(&session->playback);
	if (ret < 0) {
		xensnd_playback_close(&session->playback);
		xensnd_stream_buffer_unmap(&session->buffer, session->grants, setup->memory);
		session->abilities_known = false;
		xensnd_session_log(session, ret == -EINVAL ? XENSND_LOG_DEBUG : XENSND_LOG_WARNING,
			"can not open the output %s<%s>: %s",
			xensnd_output_kind_name(setup->output.kind), setup->output.name,
			strerror(-ret));
		return ret;
	}
	xensnd_session_log(session, XENSND_LOG_DEBUG,
		"open, %s, %u Hz, %u channels, buffer %u, period %u frames",
		xensnd_format_name(params.format), params.rate, params.channels,
		params.buffer_frames, params.period_frames);
	return 0;
}

static void session_close(struct xensnd_session *session)
{
	if (!session_is_open(session))
		return;
	(void)xensnd_playback_look(&session->playback);
	xensnd_playback_close(&session->playback);
	xensnd_stream_buffer_unmap(&session->buffer, session->grants, session->setup->memory);
	xensnd_session_log(session, XENSND_LOG_INFO, "closed, %llu frames played, %llu underruns",
		(unsigned long long)session->playback.position.consumed,
		(unsigned long long)session->playback.underruns);
}

static int session_write(
	struct xensnd_session *session, uint16_t id, const struct xensnd_rw_req *rw)
{
	uint32_t frame_bytes;

	if (session->setup->config.capture)
		return -EOPNOTSUPP;
	if (!session_is_open(session))
		return -EBADF;
	if (session->playback.error)
		return session->playback.error;
	frame_bytes = session->playback.params.frame_bytes;
	if ((uint64_t)rw->offset + rw->length > session->buffer.bytes ||
		rw->length % frame_bytes != 0)
		return -EINVAL;
	return pending_add(session, id, rw);
}

/* Tells the frontend the position, if that is due. A full page leaves it due. */
static void session_send_position(struct xensnd_session *session)
{
	struct xensnd_position *position = &session->playback.position;
	struct xensnd_evt evt = { .id = (uint16_t)session->events.prod,
		.type = XENSND_EVT_CUR_POS };

	if (!position->event_due)
		return;
	evt.op.cur_pos.position = position->consumed * session->playback.params.frame_bytes;
	if (xensnd_back_events_put(&session->events, &evt) == 0)
		xensnd_position_reported(position);
}

static int session_trigger(struct xensnd_session *session, uint8_t type)
{
	int ret;

	if (session->setup->config.capture)
		return -EOPNOTSUPP;
	if (!session_is_open(session))
		return -EBADF;
	if (type == XENSND_OP_TRIGGER_STOP)
		pending_answer_all(session, 0);
	ret = xensnd_playback_trigger(&session->playback, type);
	/* Before the answer, so that the frontend starts its next count from where this one ended.
	 */
	session_send_position(session);
	return ret;
}

/* Looks once what the output can do; a busy device leaves the answer to the configuration. */
static int abilities_learn(struct xensnd_session *session)
{
	const struct xensnd_output_spec *spec = &session->setup->output;
	int ret;

	if (session->abilities_known)
		return 0;
	xensnd_query_all(&session->abilities, &session->setup->config.params);
	ret = xensnd_output_find(spec->kind)->query(spec, &session->abilities);
	session->abilities_known = ret == 0;
	return ret == -EBUSY ? 0 : ret;
}

static int session_query(struct xensnd_session *session, struct xensnd_query_hw_param *set)
{
	int ret;

	if (session->setup->config.capture)
		return -EOPNOTSUPP;
	ret = abilities_learn(session);
	if (ret == 0)
		ret = xensnd_query_limit(set, &session->setup->config.params);
	if (ret == 0)
		ret = xensnd_hw_param_narrow(set, &session->abilities);
	return ret;
}

static void session_handle(struct xensnd_session *session, const struct xensnd_req *req)
{
	struct xensnd_query_hw_param set;
	int64_t ret = 0;

	switch (req->operation) {
	case XENSND_OP_OPEN:
		ret = session_open(session, &req->op.open);
		break;
	case XENSND_OP_CLOSE:
		pending_answer_all(session, 0);
		session_close(session);
		break;
	case XENSND_OP_WRITE:
		ret = session_write(session, req->id, &req->op.rw);
		if (ret == 0)
			return; /* answered when the output has taken it */
		break;
	case XENSND_OP_READ:
		ret = session->setup->config.capture ? -EOPNOTSUPP : -EINVAL;
		break;
	case XENSND_OP_TRIGGER:
		ret = session_trigger(session, req->op.trigger.type);
		break;
	case XENSND_OP_HW_PARAM_QUERY:
		set = req->op.hw_param;
		ret = session_query(session, &set);
		session_answer(session, req->id, req->operation, ret, ret == 0 ? &set : NULL);
		return;
	default:
		ret = -EOPNOTSUPP;
		break;
	}
	session_answer(session, req->id, req->operation, ret, NULL);
}

/* ---- the output ---- */

/* Moves data and position. A device that failed answers all WRITEs with its error. */
static void session_play(struct xensnd_session *session)
{
	struct xensnd_playback *playback = &session->playback;
	bool had_error = playback->error != 0;
	bool waiting = session->n_pending > 0;
	bool fed;

	/* Twice when nothing was taken where there was room: the device ran dry between look and
	 * write. */
	for (unsigned int tries = 0; tries < 2; tries++) {
		bool had_room = xensnd_playback_look(playback) == 0 && playback->room_frames > 0;

		fed = pending_feed(session);
		if (fed || session->n_pending == 0 || !had_room)
			break;
	}
	(void)xensnd_playback_run(playback);
	session->output_idle = session->output_idle && waiting && !fed;
	if (playback->error) {
		pending_answer_all(session, playback->error);
		if (!had_error)
			xensnd_session_log(session, XENSND_LOG_ERROR,
				"the output %s<%s> failed: %s",
				xensnd_output_kind_name(session->setup->output.kind),
				session->setup->output.name, strerror(-playback->error));
	}
	session_send_position(session);
}

int xensnd_session_work(struct xensnd_session *session)
{
	struct xensnd_req req;
	int ret = 0;

	/* No more than a ring of them at once: whoever keeps filling it must not keep us here. */
	for (unsigned int n = 0; n < XENSND_RING_SLOTS; n++) {
		ret = xensnd_back_ring_get(&session->ring, &req);
		if (ret <= 0)
			break;
		session_handle(session, &req);
	}
	if (ret < 0)
		return ret;
	if (session_is_open(session))
		session_play(session);
	return xensnd_back_ring_arm(&session->ring);
}

void xensnd_session_push(struct xensnd_session *session, bool *notify_ring, bool *notify_events)
{
	*notify_events = xensnd_back_events_push(&session->events);
	*notify_ring = xensnd_back_ring_push(&session->ring);
}

/* How much room is worth a wake-up for the WRITE at the head: all it needs, or a period. */
static uint32_t wanted_room(struct xensnd_session *session)
{
	const struct xensnd_pcm_params *params = &session->playback.params;
	const struct xensnd_pending_write *head = pending_head(session);
	uint32_t period =
		params->period_frames ? params->period_frames : params->buffer_frames / 4 + 1;
	uint32_t frames;

	if (!head)
		return 0;
	frames = head->left_bytes / params->frame_bytes;
	return frames < period ? frames : period;
}

unsigned int xensnd_session_wait(
	struct xensnd_session *session, struct pollfd *fds, unsigned int max, int64_t *until_ns)
{
	struct xensnd_playback *playback = &session->playback;
	unsigned int n = 0;

	*until_ns = XENSND_NEVER;
	if (!session_is_open(session))
		return 0;
	if (session->n_pending > 0 && playback->running && !playback->paused &&
		!session->output_idle)
		n = playback->output->ops->poll_fds(playback->output, fds, max);
	*until_ns = xensnd_playback_when(playback, n > 0 ? 0 : wanted_room(session));
	return n;
}

void xensnd_session_woken(struct xensnd_session *session, struct pollfd *fds, unsigned int n)
{
	if (!session_is_open(session))
		return;
	session->playback.output->ops->poll_done(session->playback.output, fds, n);
	session->output_idle = true; /* until the next work has fed it */
}

void xensnd_session_end(struct xensnd_session *session)
{
	session_close(session);
}
