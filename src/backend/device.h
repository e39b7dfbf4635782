/* SPDX-License-Identifier: MIT */
/*
 * Where a stream's sound goes or comes from: one interface before ALSA, WAV files and nothing at
 * all.
 *
 * Apart because the stream must not know which it is. The interface is what a sound card has: a
 * buffer that is filled, started, and consumed by itself until it runs dry; or that is started,
 * fills itself, and overflows if nobody reads. An open device has one direction.
 *
 * A device belongs to the thread that opened it and never makes it wait for the hardware.
 */
#ifndef XENSND_BACKEND_DEVICE_H
#define XENSND_BACKEND_DEVICE_H

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/log.h"
#include "protocol/wire.h"

#include "device_spec.h"
#include "stream_limits.h"

#define XENSND_DEVICE_FDS_MAX 8u

struct xensnd_device;

/* What all devices of the process share. */
struct xensnd_device_host {
	const struct xensnd_log *log;
	_Atomic unsigned int files; /* names given out so far; any thread */
};

struct xensnd_device_status {
	uint32_t ready_frames; /* what write would take now, or read give */
	uint64_t held_frames;  /* playback: taken and not yet consumed, with what the hardware has
				  in flight; capture: as ready */
	/*
	 * Playback: it has run out since it was started; start runs it again. Capture: it has
	 * overflowed since the last look, lost frames, and goes on.
	 */
	bool xrun;
};

struct xensnd_device_ops {
	/*
	 * Opens one direction with exactly these parameters; only the buffer may become larger.
	 * 0; -EINVAL: the device can not do that; -EBUSY; another negative errno.
	 */
	int (*open)(struct xensnd_device **device, const struct xensnd_device_spec *spec,
		const struct xensnd_pcm_params *params, bool capture,
		struct xensnd_device_host *host);
	/*
	 * What the device can do at all, without staying open: narrows *set. 0; -EBUSY: not known
	 * now; -errno.
	 */
	int (*query)(const struct xensnd_device_spec *spec, bool capture,
		struct xensnd_query_hw_param *set);
	void (*close)(struct xensnd_device *device);
	/*
	 * Playback. Takes what fits: the number of frames, 0 when it is full, or a negative errno
	 * when the device is gone.
	 */
	int64_t (*write)(struct xensnd_device *device, const void *data, uint32_t frames);
	/*
	 * Capture. Gives what there is, straight into data: the number of frames, 0 when there are
	 * none, or a negative errno when the device is gone.
	 */
	int64_t (*read)(struct xensnd_device *device, void *data, uint32_t frames);
	/* Begins consuming what has been written, or recording. 0 or a negative errno. */
	int (*start)(struct xensnd_device *device);
	/* Stops and forgets what was not consumed, or not read. 0 or a negative errno. */
	int (*drop)(struct xensnd_device *device);
	/* Halts and goes on, while running: 0; -ENOSYS when the device can not. */
	int (*pause)(struct xensnd_device *device, bool on);
	int (*status)(struct xensnd_device *device, struct xensnd_device_status *status);
	/*
	 * When to look again in order to see so many more frames consumed or recorded. An estimate:
	 * status tells what is. XENSND_NEVER: it has no room for so many until it is read.
	 */
	int64_t (*when)(struct xensnd_device *device, uint64_t frames);
	/*
	 * Descriptors that tell when there is room, or a period to be read; at most max of them; 0:
	 * look at when() instead.
	 */
	unsigned int (*poll_fds)(
		struct xensnd_device *device, struct pollfd *fds, unsigned int max);
	/* To be called with these descriptors after poll() has found one ready. */
	void (*poll_done)(struct xensnd_device *device, struct pollfd *fds, unsigned int n);
};

struct xensnd_device {
	const struct xensnd_device_ops *ops;
};

extern const struct xensnd_device_ops xensnd_device_alsa;
extern const struct xensnd_device_ops xensnd_device_wav;
extern const struct xensnd_device_ops xensnd_device_null;

static inline const struct xensnd_device_ops *xensnd_device_find(enum xensnd_device_kind kind)
{
	switch (kind) {
	case XENSND_DEVICE_WAV:
		return &xensnd_device_wav;
	case XENSND_DEVICE_NULL:
		return &xensnd_device_null;
	case XENSND_DEVICE_ALSA:
		break;
	}
	return &xensnd_device_alsa;
}

#endif
