/* SPDX-License-Identifier: MIT */
/* What both directions share. See pcm.h. */
#include "pcm.h"

#include "common/clock.h"

/* Whatever period a guest asks for, its events are no closer together than this. */
#define EVENT_NS_MIN XENSND_NS_PER_MS

int xensnd_pcm_open(struct xensnd_pcm *pcm, const struct xensnd_device_spec *spec,
	const struct xensnd_pcm_params *params, bool capture, struct xensnd_device_host *host)
{
	*pcm = (struct xensnd_pcm){ .params = *params };
	xensnd_position_init(&pcm->position, params->period_frames);
	return xensnd_device_find(spec->kind)->open(&pcm->device, spec, params, capture, host);
}

void xensnd_pcm_close(struct xensnd_pcm *pcm)
{
	if (pcm->device)
		pcm->device->ops->close(pcm->device);
	pcm->device = NULL;
}

int xensnd_pcm_failed(struct xensnd_pcm *pcm, int error)
{
	pcm->error = error;
	pcm->running = false;
	return error;
}

void xensnd_pcm_transferred(struct xensnd_pcm *pcm, uint32_t frames, uint32_t asked)
{
	/* A device that moves less than it was asked for has no more, whatever it said before. */
	if (frames < asked || pcm->ready_frames < frames)
		pcm->ready_frames = 0;
	else
		pcm->ready_frames -= frames;
	xensnd_position_transfer(&pcm->position, frames);
}

int64_t xensnd_pcm_when(struct xensnd_pcm *pcm, uint64_t event_frames, uint32_t wanted_frames)
{
	int64_t earliest = pcm->event_ns + EVENT_NS_MIN;
	uint64_t frames = event_frames;
	int64_t when;

	if (wanted_frames > pcm->ready_frames &&
		wanted_frames - pcm->ready_frames + XENSND_PAST_PERIOD < event_frames)
		frames = wanted_frames - pcm->ready_frames;
	if (frames == UINT64_MAX)
		return XENSND_NEVER;
	when = pcm->device->ops->when(pcm->device, frames);
	return when > earliest ? when : earliest;
}
