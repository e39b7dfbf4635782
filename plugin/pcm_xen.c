/* SPDX-License-Identifier: MIT */
/*
 * libasound_module_pcm_xen.so: a Xen sound card as an ALSA PCM.
 *
 * The ioplug callbacks, and nothing else: each translates between ALSA's frames and states and the
 * stream of src/frontend. What ioplug asks of a callback is in alsa-lib's src/pcm/pcm_ioplug.c.
 *
 * Positions are frames since prepare. ioplug wants them modulo the boundary; here and in the stream
 * they do not wrap.
 */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <stdlib.h>
#include <string.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/poll.h>

#include "constraints.h"
#include "formats.h"
#include "frontend/stream.h"
#include "protocol/format.h"
#include "settings.h"

struct pcm_xen {
	snd_pcm_ioplug_t io;
	struct pcm_xen_settings settings;
	struct xensnd_stream *stream;

	/* Set by hw_params. */
	unsigned int frame_bytes;
	snd_pcm_channel_area_t *areas; /* of the shared buffer, one for each channel */

	/*
	 * Set by sw_params and prepare, which may run beside the callbacks that hold the PCM's
	 * lock.
	 */
	_Atomic snd_pcm_uframes_t boundary;
	_Atomic uint64_t appl; /* frames written since prepare */
};

static struct pcm_xen *pcm_xen(snd_pcm_ioplug_t *io)
{
	return io->private_data;
}

/* ---- Log ---- */

static void log_write(void *context, enum xensnd_log_level level, const char *line)
{
	(void)context;
	(void)level;
	SNDERR("%s", line);
}

static struct xensnd_log log_make(void)
{
	const char *debug = getenv("ALSA_XEN_DEBUG");

	return (struct xensnd_log){ .write = log_write,
		.level = debug && strcmp(debug, "0") != 0 ? XENSND_LOG_DEBUG : XENSND_LOG_WARNING };
}

/* ---- Position ---- */

static snd_pcm_uframes_t frames_played(struct pcm_xen *xen)
{
	return xen->frame_bytes ? xensnd_stream_played(xen->stream) / xen->frame_bytes : 0;
}

/* Brings ioplug's state up to what has become of the stream; true if it runs on. */
static bool state_update(struct pcm_xen *xen)
{
	snd_pcm_ioplug_t *io = &xen->io;

	switch (xensnd_stream_condition(xen->stream)) {
	case XENSND_STREAM_LOST:
		if (io->state != SND_PCM_STATE_DISCONNECTED)
			snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
		return false;
	case XENSND_STREAM_XRUN:
		return io->state != SND_PCM_STATE_RUNNING && io->state != SND_PCM_STATE_DRAINING;
	default:
		return true;
	}
}

/* Negative only for an underrun: ioplug takes every negative value as one, whatever the state. */
static snd_pcm_sframes_t pcm_xen_pointer(snd_pcm_ioplug_t *io)
{
	struct pcm_xen *xen = pcm_xen(io);
	snd_pcm_uframes_t boundary = atomic_load(&xen->boundary);

	if (!state_update(xen) && io->state != SND_PCM_STATE_DISCONNECTED)
		return -EPIPE;
	/* There is no drain callback: ioplug waits here until all was played. */
	if (io->state == SND_PCM_STATE_DRAINING)
		xensnd_stream_drain(xen->stream);
	return boundary ? (snd_pcm_sframes_t)(frames_played(xen) % boundary) : 0;
}

/* ---- Data ---- */

/*
 * The only copy of a sample in the guest: from the program's buffer into the pages that the backend
 * maps.
 */
static int ring_copy(struct pcm_xen *xen, uint64_t at, const snd_pcm_channel_area_t *areas,
	snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
	snd_pcm_ioplug_t *io = &xen->io;

	while (size > 0) {
		snd_pcm_uframes_t ring_offset = at % io->buffer_size;
		snd_pcm_uframes_t part = io->buffer_size - ring_offset;
		int ret;

		if (part > size)
			part = size;
		ret = snd_pcm_areas_copy(
			xen->areas, ring_offset, areas, offset, io->channels, part, io->format);
		if (ret < 0)
			return ret;
		at += part;
		offset += part;
		size -= part;
	}
	return 0;
}

static snd_pcm_sframes_t pcm_xen_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
	snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
	struct pcm_xen *xen = pcm_xen(io);
	uint64_t appl = atomic_load(&xen->appl);
	snd_pcm_uframes_t room = io->buffer_size - (snd_pcm_uframes_t)(appl - frames_played(xen));
	int ret;

	if (!state_update(xen))
		return io->state == SND_PCM_STATE_DISCONNECTED ? -ENODEV : -EPIPE;
	/* After snd_pcm_reset() ioplug believes in more room than there is. */
	if (size > room)
		size = room;
	if (size == 0)
		return -EAGAIN;
	ret = ring_copy(xen, appl, areas, offset, size);
	if (ret < 0)
		return ret;
	atomic_store(&xen->appl, appl + size);
	xensnd_stream_commit(xen->stream, (appl + size) * xen->frame_bytes);
	return (snd_pcm_sframes_t)size;
}

/* ---- Set-up ---- */

static int areas_make(struct pcm_xen *xen)
{
	snd_pcm_ioplug_t *io = &xen->io;
	unsigned int sample_bits = (unsigned int)snd_pcm_format_physical_width(io->format);
	snd_pcm_channel_area_t *areas = calloc(io->channels, sizeof(*areas));

	if (!areas)
		return -ENOMEM;
	for (unsigned int channel = 0; channel < io->channels; channel++)
		areas[channel] =
			(snd_pcm_channel_area_t){ .addr = xensnd_stream_buffer(xen->stream),
				.first = channel * sample_bits,
				.step = io->channels * sample_bits };
	free(xen->areas);
	xen->areas = areas;
	return 0;
}

static int pcm_xen_hw_params(snd_pcm_ioplug_t *io, snd_pcm_hw_params_t *params)
{
	struct pcm_xen *xen = pcm_xen(io);
	int format = pcm_xen_format_from_alsa(io->format);
	struct xensnd_geometry geometry;
	int ret;

	(void)params;
	if (format < 0 || io->channels > XENSND_MAX_CHANNELS)
		return -EINVAL;
	geometry = (struct xensnd_geometry){ .rate = io->rate,
		.format = (uint8_t)format,
		.channels = (uint8_t)io->channels,
		.frame_bytes = xensnd_format_bytes((unsigned int)format) * io->channels };
	if (io->buffer_size > UINT32_MAX / geometry.frame_bytes)
		return -EINVAL;
	geometry.period_bytes = (uint32_t)io->period_size * geometry.frame_bytes;
	geometry.buffer_bytes = (uint32_t)io->buffer_size * geometry.frame_bytes;
	ret = xensnd_stream_setup(xen->stream, &geometry);
	if (ret < 0)
		return ret;
	xen->frame_bytes = geometry.frame_bytes;
	ret = areas_make(xen);
	if (ret < 0)
		xensnd_stream_release(xen->stream);
	return ret;
}

static int pcm_xen_hw_free(snd_pcm_ioplug_t *io)
{
	struct pcm_xen *xen = pcm_xen(io);

	/* A backend that has gone has nothing to close. */
	xensnd_stream_release(xen->stream);
	free(xen->areas);
	xen->areas = NULL;
	return 0;
}

static int pcm_xen_sw_params(snd_pcm_ioplug_t *io, snd_pcm_sw_params_t *params)
{
	struct pcm_xen *xen = pcm_xen(io);
	snd_pcm_uframes_t avail_min = 0, stop_threshold = 0, boundary = 0;
	int ret;

	/* From params: ioplug's own fields are only set after this call. */
	ret = snd_pcm_sw_params_get_avail_min(params, &avail_min);
	if (ret == 0)
		ret = snd_pcm_sw_params_get_stop_threshold(params, &stop_threshold);
	if (ret == 0)
		ret = snd_pcm_sw_params_get_boundary(params, &boundary);
	if (ret < 0)
		return ret;
	atomic_store(&xen->boundary, boundary);
	xensnd_stream_set_thresholds(xen->stream, (uint64_t)avail_min * xen->frame_bytes,
		stop_threshold >= boundary ? UINT64_MAX
					   : (uint64_t)stop_threshold * xen->frame_bytes);
	return 0;
}

static int pcm_xen_close(snd_pcm_ioplug_t *io)
{
	struct pcm_xen *xen = pcm_xen(io);

	xensnd_stream_close(xen->stream);
	free(xen->areas);
	free(xen);
	return 0;
}

/* ---- Running ---- */

/* After a loss ioplug would go on in the state before, until somebody asks for the position. */
static int command_ended(struct pcm_xen *xen, int ret)
{
	if (ret < 0)
		state_update(xen);
	return ret;
}

static int pcm_xen_prepare(snd_pcm_ioplug_t *io)
{
	struct pcm_xen *xen = pcm_xen(io);
	int ret = xensnd_stream_prepare(xen->stream);

	if (ret == 0)
		atomic_store(&xen->appl, 0);
	return command_ended(xen, ret);
}

static int pcm_xen_start(snd_pcm_ioplug_t *io)
{
	struct xensnd_stream *stream = pcm_xen(io)->stream;
	int ret = xensnd_stream_start(stream);

	/* The backend has refused audio that was written before the start. */
	if (ret < 0 && xensnd_stream_condition(stream) == XENSND_STREAM_XRUN) {
		snd_pcm_ioplug_set_state(io, SND_PCM_STATE_XRUN);
		return -EPIPE;
	}
	return command_ended(pcm_xen(io), ret);
}

/* Called with the PCM's lock held, in any state, repeatedly: must not wait for the backend. */
static int pcm_xen_stop(snd_pcm_ioplug_t *io)
{
	xensnd_stream_stop(pcm_xen(io)->stream);
	return 0;
}

static int pcm_xen_pause(snd_pcm_ioplug_t *io, int enable)
{
	return command_ended(pcm_xen(io), xensnd_stream_pause(pcm_xen(io)->stream, enable));
}

/*
 * As the kernel's snd_pcm_poll(): ready by avail_min while there is something to wait for, an error
 * otherwise. Never returns an error itself, which programs do not survive.
 */
static int pcm_xen_poll_revents(
	snd_pcm_ioplug_t *io, struct pollfd *pfd, unsigned int nfds, unsigned short *revents)
{
	struct pcm_xen *xen = pcm_xen(io);
	bool ready;

	(void)pfd;
	(void)nfds;
	if (!state_update(xen) && io->state != SND_PCM_STATE_DISCONNECTED)
		snd_pcm_ioplug_set_state(io, SND_PCM_STATE_XRUN);
	switch (io->state) {
	case SND_PCM_STATE_PREPARED:
	case SND_PCM_STATE_RUNNING:
	case SND_PCM_STATE_PAUSED:
		ready = xensnd_stream_poll(xen->stream);
		*revents = ready ? POLLOUT : 0;
		break;
	case SND_PCM_STATE_DRAINING:
		xensnd_stream_drain(xen->stream);
		ready = xensnd_stream_poll(xen->stream);
		/*
		 * A program that does not wait in drain looks at the state next, and that is only
		 * brought up to date by asking for the position.
		 */
		if (ready)
			snd_pcm_hwsync(io->pcm);
		*revents = ready ? POLLOUT : 0;
		break;
	case SND_PCM_STATE_DISCONNECTED:
		*revents = POLLERR | POLLHUP;
		break;
	default:
		xensnd_stream_wake(xen->stream);
		*revents = POLLOUT | POLLERR;
		break;
	}
	return 0;
}

static void pcm_xen_dump(snd_pcm_ioplug_t *io, snd_output_t *out)
{
	struct pcm_xen *xen = pcm_xen(io);
	const struct xensnd_stream_info *info = xensnd_stream_info(xen->stream);

	snd_output_printf(out, "Xen PCM: card %u \"%s\", device %u \"%s\", backend in domain %u\n",
		xen->settings.card, info->card_name, xen->settings.device, info->device_name,
		info->backend_domid);
	snd_output_printf(out, "Position by the backend's %s\n",
		xensnd_stream_position_source(xen->stream) == XENSND_POSITION_EVENTS ? "events"
										     : "answers");
	if (io->pcm && snd_pcm_state(io->pcm) != SND_PCM_STATE_OPEN) {
		snd_output_printf(out, "Its setup is:\n");
		snd_pcm_dump_setup(io->pcm, out);
	}
}

static const snd_pcm_ioplug_callback_t callbacks = {
	.start = pcm_xen_start,
	.stop = pcm_xen_stop,
	.pointer = pcm_xen_pointer,
	.transfer = pcm_xen_transfer,
	.close = pcm_xen_close,
	.hw_params = pcm_xen_hw_params,
	.hw_free = pcm_xen_hw_free,
	.sw_params = pcm_xen_sw_params,
	.prepare = pcm_xen_prepare,
	.pause = pcm_xen_pause,
	.poll_revents = pcm_xen_poll_revents,
	.dump = pcm_xen_dump,
};

/* ---- Opening ---- */

static int stream_open(struct pcm_xen *xen, snd_pcm_stream_t direction)
{
	const struct xensnd_stream_spec spec = { .card = xen->settings.card,
		.device = xen->settings.device,
		.capture = direction == SND_PCM_STREAM_CAPTURE };
	const struct xensnd_log log = log_make();
	char error[300];
	int ret = xensnd_stream_open(&xen->stream, &spec, &log, error, sizeof(error));

	if (ret < 0 && error[0] != '\0')
		SNDERR("%s", error);
	return ret;
}

static void io_init(struct pcm_xen *xen, int mode)
{
	xen->io.version = SND_PCM_IOPLUG_VERSION;
	xen->io.name = "Xen virtual sound card";
	xen->io.flags = SND_PCM_IOPLUG_FLAG_MONOTONIC | SND_PCM_IOPLUG_FLAG_BOUNDARY_WA;
	xen->io.callback = &callbacks;
	xen->io.private_data = xen;
	xen->io.poll_fd = xensnd_stream_wake_fd(xen->stream);
	xen->io.poll_events = POLLIN;
	xen->io.mmap_rw = 0;
	/* ioplug itself only learns of it by snd_pcm_nonblock(), so drain would block. */
	xen->io.nonblock = !!(mode & SND_PCM_NONBLOCK);
}

/* alsa-lib finds it by name, so no header declares it. */
SND_PCM_PLUGIN_DEFINE_FUNC(xen);

SND_PCM_PLUGIN_DEFINE_FUNC(xen)
{
	struct pcm_xen *xen;
	int ret;

	(void)root;
	if (stream != SND_PCM_STREAM_PLAYBACK) {
		SNDERR("recording is not supported yet");
		return -ENOSYS;
	}
	xen = calloc(1, sizeof(*xen));
	if (!xen)
		return -ENOMEM;
	ret = pcm_xen_settings_read(&xen->settings, conf);
	if (ret == 0)
		ret = stream_open(xen, stream);
	if (ret < 0) {
		free(xen);
		return ret;
	}
	io_init(xen, mode);
	ret = snd_pcm_ioplug_create(&xen->io, name, stream, mode);
	if (ret < 0) {
		pcm_xen_close(&xen->io);
		return ret;
	}
	ret = pcm_xen_constrain(&xen->io, xensnd_stream_info(xen->stream));
	if (ret < 0) {
		/* Calls our close. */
		snd_pcm_ioplug_delete(&xen->io);
		return ret;
	}
	*pcmp = xen->io.pcm;
	return 0;
}

SND_PCM_PLUGIN_SYMBOL(xen);
