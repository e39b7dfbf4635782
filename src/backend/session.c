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
	session->pcm = setup->config.capture ? &session->capture.pcm : &session->playback.pcm;
	xensnd_back_ring_init(&session->ring, ring_page);
	xensnd_back_events_init(&session->events, event_page);
}

/* ---- the two directions ---- */

static bool session_records(const struct xensnd_session *session)
{
	return session->setup->config.capture;
}

static bool session_is_open(const struct xensnd_session *session)
{
	return session->pcm->device != NULL;
}

static int direction_open(struct xensnd_session *session, const struct xensnd_pcm_params *params)
{
	const struct xensnd_stream_setup *setup = session->setup;

	return session_records(session)
		       ? xensnd_capture_open(&session->capture, &setup->device, params, setup->host)
		       : xensnd_playback_open(
				 &session->playback, &setup->device, params, setup->host);
}

static int direction_look(struct xensnd_session *session)
{
	return session_records(session) ? xensnd_capture_look(&session->capture)
					: xensnd_playback_look(&session->playback);
}

static int direction_trigger(struct xensnd_session *session, uint8_t type)
{
	return session_records(session) ? xensnd_capture_trigger(&session->capture, type)
					: xensnd_playback_trigger(&session->playback, type);
}

static int64_t direction_transfer(struct xensnd_session *session, void *data, uint32_t frames)
{
	return session_records(session) ? xensnd_capture_read(&session->capture, data, frames)
					: xensnd_playback_write(&session->playback, data, frames);
}

static int64_t direction_when(struct xensnd_session *session, uint32_t wanted_frames)
{
	return session_records(session) ? xensnd_capture_when(&session->capture, wanted_frames)
					: xensnd_playback_when(&session->playback, wanted_frames);
}

static uint8_t direction_operation(const struct xensnd_session *session)
{
	return session_records(session) ? XENSND_OP_READ : XENSND_OP_WRITE;
}

/* ---- answers ---- */

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

/* ---- WRITEs that wait for room, READs that wait for data ---- */

static struct xensnd_pending_transfer *pending_head(struct xensnd_session *session)
{
	return session->n_pending > 0 ? &session->pending[session->pending_first] : NULL;
}

static void pending_answer_head(struct xensnd_session *session, int64_t ret)
{
	session_answer(session, pending_head(session)->id, direction_operation(session), ret, NULL);
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
		(struct xensnd_pending_transfer){
			.id = id, .offset_bytes = rw->offset, .left_bytes = rw->length
		};
	return 0;
}

/* Moves what the device takes or has, straight between it and the guest's buffer. True: some. */
static bool pending_move(struct xensnd_session *session)
{
	uint32_t frame_bytes = session->pcm->params.frame_bytes;
	struct xensnd_pending_transfer *head;
	bool moved = false;

	while ((head = pending_head(session)) != NULL) {
		char *at = (char *)session->buffer.data + head->offset_bytes;
		uint32_t frames = head->left_bytes / frame_bytes;
		int64_t done = 0;

		if (frames > 0 && session->pcm->ready_frames == 0)
			break;
		if (frames > 0)
			done = direction_transfer(session, at, frames);
		if (done < 0)
			break;
		moved = moved || done > 0;
		head->offset_bytes += (uint32_t)done * frame_bytes;
		head->left_bytes -= (uint32_t)done * frame_bytes;
		if (head->left_bytes > 0)
			break;
		pending_answer_head(session, 0);
	}
	return moved;
}

/* The stream halts for good: no room will come, and no data. */
static void pending_end(struct xensnd_session *session)
{
	if (!session_records(session)) {
		pending_answer_all(session, 0);
		return;
	}
	if (session->n_pending > 0 && direction_look(session) == 0)
		(void)pending_move(session);
	pending_answer_all(session, session->pcm->error ? session->pcm->error : -EIO);
}

/* ---- requests ---- */

static const char *device_error(int ret)
{
	return ret == -EBADMSG ? "no WAV file that could be played to a guest" : strerror(-ret);
}

static int session_open(struct xensnd_session *session, const struct xensnd_open_req *open)
{
	const struct xensnd_stream_setup *setup = session->setup;
	struct xensnd_pcm_params params;
	int ret;

	if (session_is_open(session))
		return -EBUSY;
	ret = xensnd_open_check(&params, open, &setup->config.params);
	if (ret < 0) {
		xensnd_session_log(
			session, XENSND_LOG_DEBUG, "OPEN outside of the stream's configuration");
		return ret;
	}
	ret = xensnd_stream_buffer_map(&session->buffer, session->grants, setup->memory,
		setup->domid, open->gref_directory, open->buffer_sz, session_records(session));
	if (ret < 0) {
		xensnd_session_log(session, XENSND_LOG_WARNING,
			"can not map a buffer of %u bytes: %s", open->buffer_sz, strerror(-ret));
		return ret;
	}
	session->failure_logged = false;
	ret = direction_open(session, &params);
	if (ret == 0)
		ret = direction_look(session);
	if (ret < 0) {
		xensnd_pcm_close(session->pcm);
		xensnd_stream_buffer_unmap(&session->buffer, session->grants, setup->memory);
		session->abilities_known = false;
		xensnd_session_log(session, ret == -EINVAL ? XENSND_LOG_DEBUG : XENSND_LOG_WARNING,
			"can not open the device %s<%s>: %s",
			xensnd_device_kind_name(setup->device.kind), setup->device.name,
			device_error(ret));
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
	bool records = session_records(session);

	if (!session_is_open(session))
		return;
	(void)direction_look(session);
	xensnd_pcm_close(session->pcm);
	xensnd_stream_buffer_unmap(&session->buffer, session->grants, session->setup->memory);
	xensnd_session_log(session, XENSND_LOG_INFO, "closed, %llu frames %s, %llu %s",
		(unsigned long long)session->pcm->position.frames, records ? "recorded" : "played",
		(unsigned long long)(records ? session->capture.overruns
					     : session->playback.underruns),
		records ? "overruns" : "underruns");
}

static int session_transfer(struct xensnd_session *session, const struct xensnd_req *req)
{
	const struct xensnd_rw_req *rw = &req->op.rw;

	if (req->operation != direction_operation(session))
		return -EINVAL;
	if (!session_is_open(session))
		return -EBADF;
	if (session->pcm->error)
		return session->pcm->error;
	if ((uint64_t)rw->offset + rw->length > session->buffer.bytes ||
		rw->length % session->pcm->params.frame_bytes != 0)
		return -EINVAL;
	return pending_add(session, req->id, rw);
}

/* Tells the frontend the position, if that is due. A full page leaves it due. */
static void session_send_position(struct xensnd_session *session)
{
	struct xensnd_position *position = &session->pcm->position;
	struct xensnd_evt evt = { .id = (uint16_t)session->events.prod,
		.type = XENSND_EVT_CUR_POS };

	if (!position->event_due)
		return;
	evt.op.cur_pos.position = position->event_frames * session->pcm->params.frame_bytes;
	if (xensnd_back_events_put(&session->events, &evt) == 0)
		xensnd_position_reported(position);
}

static int session_trigger(struct xensnd_session *session, uint8_t type)
{
	int ret;

	if (!session_is_open(session))
		return -EBADF;
	if (type == XENSND_OP_TRIGGER_STOP)
		pending_end(session);
	ret = direction_trigger(session, type);
	/* Before the answer, so that the frontend starts its next count from where this one ended.
	 */
	session_send_position(session);
	return ret;
}

/* Looks once what the device can do; a busy device leaves the answer to the configuration. */
static int abilities_learn(struct xensnd_session *session)
{
	const struct xensnd_device_spec *spec = &session->setup->device;
	int ret;

	if (session->abilities_known)
		return 0;
	xensnd_query_all(&session->abilities, &session->setup->config.params);
	ret = xensnd_device_find(spec->kind)
		      ->query(spec, session_records(session), &session->abilities);
	session->abilities_known = ret == 0;
	return ret == -EBUSY ? 0 : ret;
}

static int session_query(struct xensnd_session *session, struct xensnd_query_hw_param *set)
{
	int ret = abilities_learn(session);

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
		pending_end(session);
		session_close(session);
		break;
	case XENSND_OP_WRITE:
	case XENSND_OP_READ:
		ret = session_transfer(session, req);
		if (ret == 0)
			return; /* answered when the device has taken it, or the buffer has it */
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

/* ---- the device ---- */

/* Moves data and position. A device that failed answers all that waits with its error. */
static void session_move(struct xensnd_session *session)
{
	const struct xensnd_device_spec *spec = &session->setup->device;
	struct xensnd_pcm *pcm = session->pcm;
	bool waiting = session->n_pending > 0;
	bool moved;

	/* Twice when nothing was moved where it could have been: the device ran dry, or over,
	 * between look and transfer. */
	for (unsigned int tries = 0; tries < 2; tries++) {
		bool was_ready = direction_look(session) == 0 && pcm->ready_frames > 0;

		moved = pending_move(session);
		if (moved || session->n_pending == 0 || !was_ready)
			break;
	}
	if (!session_records(session))
		(void)xensnd_playback_run(&session->playback);
	session->device_idle = session->device_idle && waiting && !moved;
	if (pcm->error) {
		pending_answer_all(session, pcm->error);
		if (!session->failure_logged)
			xensnd_session_log(session, XENSND_LOG_ERROR,
				"the device %s<%s> failed: %s", xensnd_device_kind_name(spec->kind),
				spec->name, strerror(-pcm->error));
		session->failure_logged = true;
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
		session_move(session);
	return xensnd_back_ring_arm(&session->ring);
}

void xensnd_session_push(struct xensnd_session *session, bool *notify_ring, bool *notify_events)
{
	*notify_events = xensnd_back_events_push(&session->events);
	*notify_ring = xensnd_back_ring_push(&session->ring);
}

/* The frames of a period, or of something like it. */
static uint32_t period_frames(const struct xensnd_session *session)
{
	const struct xensnd_pcm_params *params = &session->pcm->params;

	return params->period_frames ? params->period_frames : params->buffer_frames / 4 + 1;
}

/* How many frames are worth a wake-up for the request at the head: all it needs, or a period. */
static uint32_t wanted_frames(struct xensnd_session *session)
{
	const struct xensnd_pending_transfer *head = pending_head(session);
	uint32_t period = period_frames(session);
	uint32_t frames;

	if (!head)
		return 0;
	frames = head->left_bytes / session->pcm->params.frame_bytes;
	return frames < period ? frames : period;
}

unsigned int xensnd_session_wait(
	struct xensnd_session *session, struct pollfd *fds, unsigned int max, int64_t *until_ns)
{
	struct xensnd_pcm *pcm = session->pcm;
	unsigned int n = 0;
	uint32_t wanted;

	*until_ns = XENSND_NEVER;
	if (!session_is_open(session))
		return 0;
	wanted = wanted_frames(session);
	if (session->n_pending > 0 && pcm->running && !pcm->paused && !session->device_idle)
		n = pcm->device->ops->poll_fds(pcm->device, fds, max);
	/* The descriptors tell of a period. Room may be late; who reads less than one is waiting.
	 */
	if (n > 0 && (!session_records(session) || wanted == period_frames(session)))
		wanted = 0;
	*until_ns = direction_when(session, wanted);
	return n;
}

void xensnd_session_woken(struct xensnd_session *session, struct pollfd *fds, unsigned int n)
{
	if (!session_is_open(session))
		return;
	session->pcm->device->ops->poll_done(session->pcm->device, fds, n);
	session->device_idle = true; /* until the next work has moved something */
}

void xensnd_session_end(struct xensnd_session *session)
{
	session_close(session);
}
