/* SPDX-License-Identifier: MIT */
/*
 * Where a stream's sound goes: one interface before ALSA, WAV files and nothing at all.
 *
 * Apart because the stream must not know which it is. The interface is what a sound card has: a
 * buffer that is filled, started, and consumed by itself until it runs dry. A direction is a
 * parameter of open, so that capture needs a read beside write and nothing else.
 *
 * An output belongs to the thread that opened it and never makes it wait for the device.
 */
#ifndef XENSND_BACKEND_OUTPUT_H
#define XENSND_BACKEND_OUTPUT_H

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/log.h"
#include "protocol/wire.h"

#include "output_spec.h"
#include "stream_limits.h"

#define XENSND_OUTPUT_FDS_MAX 8u

struct xensnd_output;

/* What all outputs of the process share. */
struct xensnd_output_host {
	const struct xensnd_log *log;
	_Atomic unsigned int files; /* names given out so far; any thread */
};

struct xensnd_output_status {
	uint32_t room_frames;   /* what write would take now */
	uint64_t queued_frames; /* taken and not yet consumed, with what the hardware has in flight
				 */
	bool dry;               /* it has run out since it was started; start runs it again */
};

struct xensnd_output_ops {
	/*
	 * Opens with exactly these parameters; only the buffer may become larger.
	 * 0; -EINVAL: the output can not do that; -EBUSY; another negative errno.
	 */
	int (*open)(struct xensnd_output **output, const struct xensnd_output_spec *spec,
		const struct xensnd_pcm_params *params, struct xensnd_output_host *host);
	/* What the output can do at all, without staying open: narrows *set. 0; -EBUSY: not known
	 * now; -errno. */
	int (*query)(const struct xensnd_output_spec *spec, struct xensnd_query_hw_param *set);
	void (*close)(struct xensnd_output *output);
	/* Takes what fits: the number of frames, 0 when it is full, or a negative errno when the
	 * device is gone. */
	int64_t (*write)(struct xensnd_output *output, const void *data, uint32_t frames);
	/* Begins consuming; something has been written. 0 or a negative errno. */
	int (*start)(struct xensnd_output *output);
	/* Stops and forgets what was not consumed. 0 or a negative errno. */
	int (*drop)(struct xensnd_output *output);
	/* Halts and goes on, while running: 0; -ENOSYS when the device can not. */
	int (*pause)(struct xensnd_output *output, bool on);
	int (*status)(struct xensnd_output *output, struct xensnd_output_status *status);
	/* When to look again in order to see so many more frames consumed. An estimate: status
	 * tells what is. */
	int64_t (*when)(struct xensnd_output *output, uint64_t frames);
	/* Descriptors that tell when there is room, at most max of them; 0: look at when() instead.
	 */
	unsigned int (*poll_fds)(
		struct xensnd_output *output, struct pollfd *fds, unsigned int max);
	/* To be called with these descriptors after poll() has found one ready. */
	void (*poll_done)(struct xensnd_output *output, struct pollfd *fds, unsigned int n);
};

struct xensnd_output {
	const struct xensnd_output_ops *ops;
};

extern const struct xensnd_output_ops xensnd_output_alsa;
extern const struct xensnd_output_ops xensnd_output_wav;
extern const struct xensnd_output_ops xensnd_output_null;

static inline const struct xensnd_output_ops *xensnd_output_find(enum xensnd_output_kind kind)
{
	switch (kind) {
	case XENSND_OUTPUT_WAV:
		return &xensnd_output_wav;
	case XENSND_OUTPUT_NULL:
		return &xensnd_output_null;
	case XENSND_OUTPUT_ALSA:
		break;
	}
	return &xensnd_output_alsa;
}

#endif
