/* SPDX-License-Identifier: MIT */
/*
 * A playback between OPEN and CLOSE: a device, what START, PAUSE, STOP and RESUME make of it, and
 * its position.
 *
 * Apart from the stream because it knows neither rings nor grants, and apart from the devices
 * because what a frontend may rely on must not depend on the device: START works on an empty
 * buffer, an underrun is repaired by the next data, and the position never steps back.
 *
 * One thread uses an object.
 */
#ifndef XENSND_BACKEND_PLAYBACK_H
#define XENSND_BACKEND_PLAYBACK_H

#include "pcm.h"

struct xensnd_playback {
	struct xensnd_pcm pcm;
	bool starved; /* the device has run dry since START, and waits for data */
	uint64_t underruns;
};

/* 0; -EINVAL; -EBUSY; another negative errno. */
int xensnd_playback_open(struct xensnd_playback *playback, const struct xensnd_device_spec *spec,
	const struct xensnd_pcm_params *params, struct xensnd_device_host *host);

/*
 * XENSND_OP_TRIGGER: 0; -EINVAL: no such type; -EBUSY: START of what is started; -EBADF: PAUSE or
 * RESUME in a state that has none; -ENOSYS: the device can not pause, and goes on.
 */
int xensnd_playback_trigger(struct xensnd_playback *playback, uint8_t type);

/* Looks at the device: position, room, and whether it ran dry. 0 or a negative errno. */
int xensnd_playback_look(struct xensnd_playback *playback);

/*
 * Hands frames to the device as far as there is room: the number taken, or a negative errno. After
 * the last of several writes, xensnd_playback_run() starts a device that waits for them.
 */
int64_t xensnd_playback_write(struct xensnd_playback *playback, const void *data, uint32_t frames);
int xensnd_playback_run(struct xensnd_playback *playback);

/*
 * When to look again: for the next event, and for so much room (0: nobody waits for any).
 * XENSND_NEVER when nothing moves.
 */
int64_t xensnd_playback_when(struct xensnd_playback *playback, uint32_t wanted_frames);

#endif
