/* SPDX-License-Identifier: MIT */
/*
 * What playing and recording have in common between OPEN and CLOSE: a device, its state, and the
 * position.
 *
 * Apart so that the two keep only what differs, and the session can ask either without knowing
 * which it is.
 *
 * One thread uses an object.
 */
#ifndef XENSND_BACKEND_PCM_H
#define XENSND_BACKEND_PCM_H

#include "device.h"
#include "position.h"

struct xensnd_pcm {
	struct xensnd_device *device; /* NULL: not open */
	struct xensnd_pcm_params params;
	struct xensnd_position position;
	uint32_t ready_frames; /* room to write, or recorded to be read, as of the last look */
	bool started;          /* from START to STOP */
	bool paused;
	bool running;     /* the device consumes or records */
	int64_t event_ns; /* when the last event became due */
	int error;        /* the device has failed; nothing works until close */
};

/* 0; -EINVAL; -EBUSY; another negative errno. */
int xensnd_pcm_open(struct xensnd_pcm *pcm, const struct xensnd_device_spec *spec,
	const struct xensnd_pcm_params *params, bool capture, struct xensnd_device_host *host);
void xensnd_pcm_close(struct xensnd_pcm *pcm);

/* Notes that the device has failed; returns the error. */
int xensnd_pcm_failed(struct xensnd_pcm *pcm, int error);

/* Takes frames off what is ready, after asked frames were asked for. */
void xensnd_pcm_transferred(struct xensnd_pcm *pcm, uint32_t frames, uint32_t asked);

/*
 * When event_frames more will have passed, or so many that wanted_frames are ready, and not too
 * soon after the last event. Two looks a frame apart are one.
 */
int64_t xensnd_pcm_when(struct xensnd_pcm *pcm, uint64_t event_frames, uint32_t wanted_frames);

#endif
