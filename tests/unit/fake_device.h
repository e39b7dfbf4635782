/* SPDX-License-Identifier: MIT */
/*
 * A device made of variables, for the tests of playing and recording.
 *
 * Apart because both directions are tested on the same one.
 */
#ifndef XENSND_TESTS_UNIT_FAKE_DEVICE_H
#define XENSND_TESTS_UNIT_FAKE_DEVICE_H

#include <errno.h>
#include <string.h>

#include "backend/device.h"

#define BUFFER 1000u
#define PERIOD 100u

static struct {
	struct xensnd_device device;
	uint32_t queued; /* written and not consumed, or recorded and not read */
	bool capture;
	bool running;
	bool xrun; /* it has just run out, or over */
	bool can_pause;
	int error; /* every call fails with it */
	unsigned int starts, drops;
} fake;

static int fake_open(struct xensnd_device **device, const struct xensnd_device_spec *spec,
	const struct xensnd_pcm_params *params, bool capture, struct xensnd_device_host *host)
{
	(void)spec;
	(void)params;
	(void)host;
	fake.capture = capture;
	*device = &fake.device;
	return 0;
}

static void fake_close(struct xensnd_device *device)
{
	(void)device;
}

static int64_t fake_write(struct xensnd_device *device, const void *data, uint32_t frames)
{
	uint32_t room = BUFFER - fake.queued;

	(void)device;
	(void)data;
	assert_false(fake.capture);
	if (fake.error)
		return fake.error;
	if (frames > room)
		frames = room;
	fake.queued += frames;
	return frames;
}

static int64_t fake_read(struct xensnd_device *device, void *data, uint32_t frames)
{
	(void)device;
	(void)data;
	assert_true(fake.capture);
	if (fake.error)
		return fake.error;
	if (frames > fake.queued)
		frames = fake.queued;
	fake.queued -= frames;
	return frames;
}

static int fake_start(struct xensnd_device *device)
{
	(void)device;
	assert_true(fake.capture || fake.queued > 0);
	fake.running = true;
	fake.starts++;
	return fake.error;
}

static int fake_drop(struct xensnd_device *device)
{
	(void)device;
	fake.queued = 0;
	fake.running = false;
	fake.drops++;
	return fake.error;
}

static int fake_pause(struct xensnd_device *device, bool on)
{
	(void)device;
	if (!fake.can_pause)
		return -ENOSYS;
	fake.running = !on;
	return 0;
}

static int fake_status(struct xensnd_device *device, struct xensnd_device_status *status)
{
	(void)device;
	*status =
		(struct xensnd_device_status){ .ready_frames = fake.capture ? fake.queued
									    : BUFFER - fake.queued,
			.held_frames = fake.queued,
			.xrun = fake.xrun };
	fake.xrun = false;
	return fake.error;
}

/* So that a test sees for how many frames it was asked. */
#define FAKE_WHEN(frames) (INT64_MAX / 2 + (int64_t)(frames))

static int64_t fake_when(struct xensnd_device *device, uint64_t frames)
{
	(void)device;
	return FAKE_WHEN(frames);
}

static const struct xensnd_device_ops fake_ops = {
	.open = fake_open,
	.close = fake_close,
	.write = fake_write,
	.read = fake_read,
	.start = fake_start,
	.drop = fake_drop,
	.pause = fake_pause,
	.status = fake_status,
	.when = fake_when,
};

const struct xensnd_device_ops xensnd_device_alsa = { .open = fake_open };
const struct xensnd_device_ops xensnd_device_wav = { .open = fake_open };
const struct xensnd_device_ops xensnd_device_null = { .open = fake_open };

static const struct xensnd_device_spec fake_spec = { .kind = XENSND_DEVICE_NULL };
static const struct xensnd_pcm_params fake_params = { .rate = 48000,
	.channels = 2,
	.frame_bytes = 4,
	.buffer_frames = BUFFER,
	.period_frames = PERIOD };

static void fake_fresh(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.device.ops = &fake_ops;
	fake.can_pause = true;
}

#endif
