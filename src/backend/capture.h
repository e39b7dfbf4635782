/* SPDX-License-Identifier: MIT */
/*
 * A recording between OPEN and CLOSE: a device, what START, PAUSE, STOP and RESUME make of it, and
 * its position.
 *
 * Apart from the stream and the devices for the reasons of playback.h, which it stands beside: the
 * device runs whether or not anybody reads, an overrun is repaired at once and only counted, and
 * the position never steps back.
 *
 * One thread uses an object.
 */
#ifndef XENSND_BACKEND_CAPTURE_H
#define XENSND_BACKEND_CAPTURE_H

#include "pcm.h"

struct xensnd_capture {
	struct xensnd_pcm pcm;
	bool overrunning; /* frames were lost, and none was read since */
	uint64_t overruns;
};

/* 0; -EINVAL; -EBUSY; another negative errno. */
int xensnd_capture_open(struct xensnd_capture *capture, const struct xensnd_device_spec *spec,
	const struct xensnd_pcm_params *params, struct xensnd_device_host *host);

/* XENSND_OP_TRIGGER, as xensnd_playback_trigger(). STOP drops what was not read. */
int xensnd_capture_trigger(struct xensnd_capture *capture, uint8_t type);

/* Looks at the device: position, what can be read, and whether it ran over. 0 or a negative errno.
 */
int xensnd_capture_look(struct xensnd_capture *capture);

/* Reads what there is straight into data: the number of frames, or a negative errno. */
int64_t xensnd_capture_read(struct xensnd_capture *capture, void *data, uint32_t frames);

/*
 * When to look again: for the next event, and for so many frames to be read (0: nobody waits for
 * any). At least once in a period, so that a device that ran over goes on. XENSND_NEVER when
 * nothing moves.
 */
int64_t xensnd_capture_when(struct xensnd_capture *capture, uint32_t wanted_frames);

#endif
