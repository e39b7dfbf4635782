/* SPDX-License-Identifier: MIT */
/* Recording. See capture.h. */
#include "capture.h"

#include <errno.h>

#include "common/clock.h"

int xensnd_capture_open(struct xensnd_capture *capture, const struct xensnd_device_spec *spec,
	const struct xensnd_pcm_params *params, struct xensnd_device_host *host)
{
	*capture = (struct xensnd_capture){ .overrunning = false };
	return xensnd_pcm_open(&capture->pcm, spec, params, true, host);
}

/* The position follows what was read and what is ready. */
static void capture_count(struct xensnd_pcm *pcm)
{
	bool was_due = pcm->position.event_due;

	xensnd_position_recorded(&pcm->position, pcm->ready_frames);
	if (pcm->position.event_due && !was_due)
		pcm->event_ns = xensnd_now_ns();
}

int xensnd_capture_look(struct xensnd_capture *capture)
{
	struct xensnd_pcm *pcm = &capture->pcm;
	struct xensnd_device_status status;
	int ret;

	if (pcm->error)
		return pcm->error;
	/* Nothing comes; what was ready in a pause still is. */
	if (!pcm->running || pcm->paused)
		return 0;
	ret = pcm->device->ops->status(pcm->device, &status);
	if (ret < 0)
		return xensnd_pcm_failed(pcm, ret);
	pcm->ready_frames = status.ready_frames;
	/* Losing on and on while nobody reads is one overrun. */
	if (status.xrun && !capture->overrunning)
		capture->overruns++;
	capture->overrunning = capture->overrunning || status.xrun;
	capture_count(pcm);
	return 0;
}

int64_t xensnd_capture_read(struct xensnd_capture *capture, void *data, uint32_t frames)
{
	struct xensnd_pcm *pcm = &capture->pcm;
	int64_t given;

	if (pcm->error)
		return pcm->error;
	given = pcm->device->ops->read(pcm->device, data, frames);
	if (given < 0)
		return xensnd_pcm_failed(pcm, (int)given);
	xensnd_pcm_transferred(pcm, (uint32_t)given, frames);
	/* More may have come since the look. */
	capture_count(pcm);
	if (given > 0)
		capture->overrunning = false;
	return given;
}

static int capture_start(struct xensnd_capture *capture)
{
	struct xensnd_pcm *pcm = &capture->pcm;
	int ret;

	if (pcm->error)
		return pcm->error;
	if (pcm->started)
		return -EBUSY;
	ret = pcm->device->ops->start(pcm->device);
	if (ret < 0)
		return xensnd_pcm_failed(pcm, ret);
	xensnd_position_start(&pcm->position);
	pcm->started = true;
	pcm->running = true;
	return 0;
}

static int capture_stop(struct xensnd_capture *capture)
{
	struct xensnd_pcm *pcm = &capture->pcm;
	int ret = xensnd_capture_look(capture);

	xensnd_position_halt(&pcm->position);
	xensnd_position_drop(&pcm->position);
	pcm->started = false;
	pcm->paused = false;
	pcm->running = false;
	pcm->ready_frames = 0;
	capture->overrunning = false;
	if (ret == 0)
		ret = pcm->device->ops->drop(pcm->device);
	return ret < 0 ? xensnd_pcm_failed(pcm, ret) : 0;
}

static int capture_pause(struct xensnd_capture *capture)
{
	struct xensnd_pcm *pcm = &capture->pcm;
	int ret;

	if (!pcm->started || pcm->paused)
		return -EBADF;
	ret = xensnd_capture_look(capture);
	if (ret == 0)
		ret = pcm->device->ops->pause(pcm->device, true);
	if (ret < 0)
		return ret;
	xensnd_position_halt(&pcm->position);
	pcm->paused = true;
	return 0;
}

static int capture_resume(struct xensnd_capture *capture)
{
	struct xensnd_pcm *pcm = &capture->pcm;
	int ret;

	if (!pcm->paused)
		return -EBADF;
	pcm->paused = false;
	ret = pcm->device->ops->pause(pcm->device, false);
	return ret < 0 ? xensnd_pcm_failed(pcm, ret) : 0;
}

int xensnd_capture_trigger(struct xensnd_capture *capture, uint8_t type)
{
	switch (type) {
	case XENSND_OP_TRIGGER_START:
		return capture_start(capture);
	case XENSND_OP_TRIGGER_PAUSE:
		return capture_pause(capture);
	case XENSND_OP_TRIGGER_STOP:
		return capture_stop(capture);
	case XENSND_OP_TRIGGER_RESUME:
		return capture_resume(capture);
	default:
		return -EINVAL;
	}
}

int64_t xensnd_capture_when(struct xensnd_capture *capture, uint32_t wanted_frames)
{
	struct xensnd_pcm *pcm = &capture->pcm;
	uint64_t frames = xensnd_position_to_record(&pcm->position, pcm->ready_frames);

	if (!pcm->running || pcm->paused || pcm->error)
		return XENSND_NEVER;
	/* After an overrun the next event is further away than the device may run by itself. */
	if (pcm->params.period_frames != 0 && frames > pcm->params.period_frames)
		frames = pcm->params.period_frames;
	return xensnd_pcm_when(pcm, frames, wanted_frames);
}
