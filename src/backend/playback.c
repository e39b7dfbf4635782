/* SPDX-License-Identifier: MIT */
/* Playing. See playback.h. */
#include "playback.h"

#include <errno.h>

#include "common/clock.h"

int xensnd_playback_open(struct xensnd_playback *playback, const struct xensnd_device_spec *spec,
	const struct xensnd_pcm_params *params, struct xensnd_device_host *host)
{
	*playback = (struct xensnd_playback){ .starved = false };
	return xensnd_pcm_open(&playback->pcm, spec, params, false, host);
}

int xensnd_playback_look(struct xensnd_playback *playback)
{
	struct xensnd_pcm *pcm = &playback->pcm;
	struct xensnd_device_status status;
	bool was_due = pcm->position.event_due;
	int ret;

	if (pcm->error)
		return pcm->error;
	ret = pcm->device->ops->status(pcm->device, &status);
	if (ret < 0)
		return xensnd_pcm_failed(pcm, ret);
	pcm->ready_frames = status.ready_frames;
	if (!pcm->running)
		return 0;
	if (status.xrun) {
		pcm->running = false;
		playback->starved = true;
		status.held_frames = 0;
	}
	xensnd_position_played(&pcm->position, status.held_frames);
	if (pcm->position.event_due && !was_due)
		pcm->event_ns = xensnd_now_ns();
	return 0;
}

int64_t xensnd_playback_write(struct xensnd_playback *playback, const void *data, uint32_t frames)
{
	struct xensnd_pcm *pcm = &playback->pcm;
	int64_t taken;

	if (pcm->error)
		return pcm->error;
	taken = pcm->device->ops->write(pcm->device, data, frames);
	if (taken < 0)
		return xensnd_pcm_failed(pcm, (int)taken);
	xensnd_pcm_transferred(pcm, (uint32_t)taken, frames);
	return taken;
}

int xensnd_playback_run(struct xensnd_playback *playback)
{
	struct xensnd_pcm *pcm = &playback->pcm;
	const struct xensnd_position *position = &pcm->position;
	int ret;

	if (pcm->error)
		return pcm->error;
	if (!pcm->started || pcm->paused || pcm->running ||
		position->transferred == position->frames)
		return 0;
	ret = pcm->device->ops->start(pcm->device);
	if (ret < 0)
		return xensnd_pcm_failed(pcm, ret);
	pcm->running = true;
	/* Starving at the end of a stream is none; only more data shows that it came too late. */
	if (playback->starved)
		playback->underruns++;
	playback->starved = false;
	return 0;
}

static int playback_start(struct xensnd_playback *playback)
{
	struct xensnd_pcm *pcm = &playback->pcm;

	if (pcm->started)
		return -EBUSY;
	pcm->started = true;
	playback->starved = false;
	xensnd_position_start(&pcm->position);
	return xensnd_playback_run(playback);
}

static int playback_stop(struct xensnd_playback *playback)
{
	struct xensnd_pcm *pcm = &playback->pcm;
	int ret = xensnd_playback_look(playback);

	xensnd_position_halt(&pcm->position);
	xensnd_position_drop(&pcm->position);
	pcm->started = false;
	pcm->paused = false;
	pcm->running = false;
	playback->starved = false;
	if (ret == 0)
		ret = pcm->device->ops->drop(pcm->device);
	return ret < 0 ? xensnd_pcm_failed(pcm, ret) : xensnd_playback_look(playback);
}

static int playback_pause(struct xensnd_playback *playback)
{
	struct xensnd_pcm *pcm = &playback->pcm;
	int ret;

	if (!pcm->started || pcm->paused)
		return -EBADF;
	ret = xensnd_playback_look(playback);
	if (ret == 0 && pcm->running)
		ret = pcm->device->ops->pause(pcm->device, true);
	if (ret < 0)
		return ret;
	xensnd_position_halt(&pcm->position);
	pcm->paused = true;
	return 0;
}

static int playback_resume(struct xensnd_playback *playback)
{
	struct xensnd_pcm *pcm = &playback->pcm;
	int ret;

	if (!pcm->paused)
		return -EBADF;
	pcm->paused = false;
	if (!pcm->running)
		return xensnd_playback_run(playback);
	ret = pcm->device->ops->pause(pcm->device, false);
	return ret < 0 ? xensnd_pcm_failed(pcm, ret) : 0;
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
	struct xensnd_pcm *pcm = &playback->pcm;
	uint64_t frames = xensnd_position_to_play(&pcm->position);

	if (!pcm->running || pcm->paused || pcm->error)
		return XENSND_NEVER;
	return xensnd_pcm_when(pcm, frames, wanted_frames);
}
