/* SPDX-License-Identifier: MIT */
/* Playing. See playback.h. */
#include "playback.h"

#include <errno.h>

#include "common/clock.h"

/* Whatever period a guest asks for, its events are no closer together than this. */
#define EVENT_NS_MIN XENSND_NS_PER_MS

int xensnd_playback_open(struct xensnd_playback *playback, const struct xensnd_output_spec *spec,
	const struct xensnd_pcm_params *params, struct xensnd_output_host *host)
{
	*playback = (struct xensnd_playback){ .params = *params };
	xensnd_position_init(&playback->position, params->period_frames);
	return xensnd_output_find(spec->kind)->open(&playback->output, spec, params, host);
}

void xensnd_playback_close(struct xensnd_playback *playback)
{
	if (playback->output)
		playback->output->ops->close(playback->output);
	playback->output = NULL;
}

static int playback_failed(struct xensnd_playback *playback, int error)
{
	playback->error = error;
	playback->running = false;
	return error;
}

int xensnd_playback_look(struct xensnd_playback *playback)
{
	struct xensnd_output_status status;
	bool was_due = playback->position.event_due;
	int ret;

	if (playback->error)
		return playback->error;
	ret = playback->output->ops->status(playback->output, &status);
	if (ret < 0)
		return playback_failed(playback, ret);
	playback->room_frames = status.room_frames;
	if (!playback->running)
		return 0;
	if (status.dry) {
		playback->running = false;
		playback->starved = true;
		status.queued_frames = 0;
	}
	xensnd_position_update(&playback->position, status.queued_frames);
	if (playback->position.event_due && !was_due)
		playback->event_ns = xensnd_now_ns();
	return 0;
}

int64_t xensnd_playback_write(struct xensnd_playback *playback, const void *data, uint32_t frames)
{
	int64_t taken;

	if (playback->error)
		return playback->error;
	taken = playback->output->ops->write(playback->output, data, frames);
	if (taken < 0)
		return playback_failed(playback, (int)taken);
	/* One that takes less than it is given is full, whatever it said before. */
	if (taken < frames || playback->room_frames < taken)
		playback->room_frames = 0;
	else
		playback->room_frames -= (uint32_t)taken;
	xensnd_position_accept(&playback->position, (uint32_t)taken);
	return taken;
}

int xensnd_playback_run(struct xensnd_playback *playback)
{
	const struct xensnd_position *position = &playback->position;
	int ret;

	if (playback->error)
		return playback->error;
	if (!playback->started || playback->paused || playback->running ||
		position->accepted == position->consumed)
		return 0;
	ret = playback->output->ops->start(playback->output);
	if (ret < 0)
		return playback_failed(playback, ret);
	playback->running = true;
	/* Starving at the end of a stream is none; only more data shows that it came too late. */
	if (playback->starved)
		playback->underruns++;
	playback->starved = false;
	return 0;
}

static int playback_start(struct xensnd_playback *playback)
{
	if (playback->started)
		return -EBUSY;
	playback->started = true;
	playback->starved = false;
	xensnd_position_start(&playback->position);
	return xensnd_playback_run(playback);
}

static int playback_stop(struct xensnd_playback *playback)
{
	int ret = xensnd_playback_look(playback);

	xensnd_position_halt(&playback->position);
	xensnd_position_drop(&playback->position);
	playback->started = false;
	playback->paused = false;
	playback->running = false;
	playback->starved = false;
	if (ret == 0)
		ret = playback->output->ops->drop(playback->output);
	return ret < 0 ? playback_failed(playback, ret) : xensnd_playback_look(playback);
}

static int playback_pause(struct xensnd_playback *playback)
{
	int ret;

	if (!playback->started || playback->paused)
		return -EBADF;
	ret = xensnd_playback_look(playback);
	if (ret == 0 && playback->running)
		ret = playback->output->ops->pause(playback->output, true);
	if (ret < 0)
		return ret;
	xensnd_position_halt(&playback->position);
	playback->paused = true;
	return 0;
}

static int playback_resume(struct xensnd_playback *playback)
{
	int ret;

	if (!playback->paused)
		return -EBADF;
	playback->paused = false;
	if (!playback->running)
		return xensnd_playback_run(playback);
	ret = playback->output->ops->pause(playback->output, false);
	return ret < 0 ? playback_failed(playback, ret) : 0;
}

int xensnd_playback_trigger(struct xensnd_playback *playback, uint8_t type)
{
	switch (type) {
	case XENSND_OP_TRIGGER_START:
		return playback_start(playback);
	case XENSND_OP_TRIGGER_PAUSE:
		return playback_pause(playback);
	case XENSND_OP_TRIGGER_STOP:
		return playback_stop(playback);
	case XENSND_OP_TRIGGER_RESUME:
		return playback_resume(playback);
	default:
		return -EINVAL;
	}
}

int64_t xensnd_playback_when(struct xensnd_playback *playback, uint32_t wanted_frames)
{
	uint64_t frames = xensnd_position_distance(&playback->position);
	int64_t when;

	if (!playback->running || playback->paused || playback->error)
		return XENSND_NEVER;
	if (wanted_frames > playback->room_frames && wanted_frames - playback->room_frames < frames)
		frames = wanted_frames - playback->room_frames;
	if (frames == UINT64_MAX)
		return XENSND_NEVER;
	when = playback->output->ops->when(playback->output, frames);
	return when > playback->event_ns + EVENT_NS_MIN ? when : playback->event_ns + EVENT_NS_MIN;
}
