/* SPDX-License-Identifier: MIT */
/*
 * libasound_module_pcm_xen.so: a Xen sound card as an ALSA PCM.
 *
 * The ioplug callbacks, and nothing else: each translates between ALSA's frames and states and the
 * stream of src/frontend. What ioplug asks of a callback is in alsa-lib's src/pcm/pcm_ioplug.c.
 *
 * Positions are frames since prepare, which do not wrap; ioplug has them in a way of its own
 * (pointers.h).
 */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/poll.h>

#include "chmap.h"
#include "constraints.h"
#include "formats.h"
#include "frontend/stream.h"
#include "pointers.h"
#include "protocol/format.h"
#include "protocol/wire.h"
#include "settings.h"
#include "shared_areas.h"

struct pcm_xen {
	snd_pcm_ioplug_t io;
	struct pcm_xen_settings settings;
	struct xensnd_stream *stream;
	bool capture;
	unsigned int frame_bytes; /* set by hw_params */

	/* Set by sw_params, which may run beside the callbacks that hold the PCM's lock. */
	_Atomic snd_pcm_uframes_t boundary;
	_Atomic snd_pcm_uframes_t stop_threshold;

	/*
	 * For prepare and chmaps, which come without the PCM's lock; taken after that where both
	 * are. prepare holds it while it waits for the backend, so that nobody writes in between.
	 */
	pthread_mutex_t lock;
	bool adopt; /* prepare has ended, and ioplug's appl_ptr was not looked at since */
	struct pcm_xen_pointers pointers;
	/* Playback: */
	uint64_t written; /* the frames below it have samples, though the program may have gone back
			   */
	uint64_t frozen;  /* the frames below it are the backend's, whatever is written */
	struct pcm_xen_areas areas;
	snd_pcm_chmap_t *chmap; /* as the program has it; NULL: no standard one */
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

/* ---- Where the program is ---- */

static uint64_t frames_position(struct pcm_xen *xen)
{
	return xen->frame_bytes ? xensnd_stream_position(xen->stream) / xen->frame_bytes : 0;
}

/* How many frames a transfer may carry; ioplug asks for no more unless its pointers are astray. */
static uint64_t frames_avail(struct pcm_xen *xen)
{
	uint64_t position = frames_position(xen);
	uint64_t appl = xen->pointers.appl;

	if (xen->capture)
		return position > appl ? position - appl : 0;
	return xen->areas.frames + position > appl ? xen->areas.frames + position - appl : 0;
}

static void appl_commit(struct pcm_xen *xen, uint64_t appl)
{
	xen->pointers.appl = appl;
	if (appl > xen->written)
		xen->written = appl;
	xensnd_stream_commit(xen->stream, appl * xen->frame_bytes);
}

/* snd_pcm_reset(): what was recorded is skipped. What the backend plays can not be taken back. */
static void program_reset(struct pcm_xen *xen)
{
	uint64_t base = xen->capture ? frames_position(xen) : xen->pointers.appl;

	pcm_xen_pointers_reset(&xen->pointers, base, base);
	if (xen->capture)
		appl_commit(xen, base);
}

/*
 * What is skipped without ever having been written must not be what was there a buffer before.
 * Further than there are frames is nothing: the pointers have lost their meaning until prepare.
 */
static void program_forward(struct pcm_xen *xen, uint64_t frames)
{
	uint64_t end = xen->pointers.appl + frames;

	if (frames > frames_avail(xen)) {
		xensnd_stream_xrun(xen->stream);
		return;
	}
	if (!xen->capture && end > xen->written) {
		uint64_t from =
			xen->written > xen->pointers.appl ? xen->written : xen->pointers.appl;

		(void)pcm_xen_areas_silence(&xen->areas, from, end - from);
	}
	appl_commit(xen, end);
}

/* Gives back what the backend does not have yet. */
static void program_take_back(struct pcm_xen *xen, uint64_t appl)
{
	uint64_t bytes = appl * xen->frame_bytes;
	uint64_t taken;

	xen->pointers.appl = appl;
	if (xen->capture) {
		xensnd_stream_commit(xen->stream, bytes);
		return;
	}
	/* Before the start the backend can be made to forget, and is sent what is left once more.
	 */
	if (xen->io.state == SND_PCM_STATE_PREPARED && xensnd_stream_prepare(xen->stream) == 0) {
		xen->frozen = 0;
		xensnd_stream_commit(xen->stream, bytes);
		return;
	}
	taken = xensnd_stream_take_back(xen->stream, bytes) / xen->frame_bytes;
	if (taken > xen->frozen)
		xen->frozen = taken;
}

/*
 * ioplug lets a program go back further than prepare, where nothing is. Before the first frame that
 * is only a number; later the pointers have lost their meaning.
 */
static void program_back(struct pcm_xen *xen, uint64_t frames)
{
	if (frames <= xen->pointers.appl) {
		program_take_back(xen, xen->pointers.appl - frames);
	} else if (frames_position(xen) == 0) {
		program_take_back(xen, 0);
		pcm_xen_pointers_adopt(&xen->pointers, xen->io.appl_ptr);
	} else {
		xensnd_stream_xrun(xen->stream);
	}
}

/*
 * Takes up what the program did without a callback. Both locks are held: only under the PCM's do
 * its two pointers fit together.
 */
static void program_follow(struct pcm_xen *xen)
{
	struct pcm_xen_move move;

	xen->pointers.boundary = atomic_load(&xen->boundary);
	if (xen->adopt)
		pcm_xen_pointers_adopt(&xen->pointers, xen->io.appl_ptr);
	xen->adopt = false;
	move = pcm_xen_pointers_compare(&xen->pointers, xen->io.appl_ptr, xen->io.hw_ptr);
	if (move.kind == PCM_XEN_MOVE_RESET) {
		program_reset(xen);
		/* It may have gone on from there. */
		move = pcm_xen_pointers_compare(&xen->pointers, xen->io.appl_ptr, xen->io.hw_ptr);
	}
	/*
	 * While it plays, but nothing was played yet, a rewind of all that was written looks like a
	 * reset. Taken for one, nothing is lost that is written next.
	 */
	if (move.kind == PCM_XEN_MOVE_BACK && xen->io.state != SND_PCM_STATE_PREPARED &&
		xen->io.appl_ptr == 0 && xen->io.hw_ptr == 0) {
		program_reset(xen);
		return;
	}
	switch (move.kind) {
	case PCM_XEN_MOVE_NONE:
	case PCM_XEN_MOVE_RESET:
		break;
	case PCM_XEN_MOVE_FORWARD:
		program_forward(xen, move.frames);
		break;
	case PCM_XEN_MOVE_BACK:
		program_back(xen, move.frames);
		break;
	}
}

/* ---- Position ---- */

/* Brings ioplug's state up to what has become of the stream: 0, or what a call is to say. */
static int state_update(struct pcm_xen *xen)
{
	snd_pcm_ioplug_t *io = &xen->io;
	bool live = io->state == SND_PCM_STATE_RUNNING || io->state == SND_PCM_STATE_DRAINING ||
		    io->state == SND_PCM_STATE_PREPARED || io->state == SND_PCM_STATE_PAUSED;

	switch (xensnd_stream_condition(xen->stream)) {
	case XENSND_STREAM_LOST:
		if (io->state != SND_PCM_STATE_DISCONNECTED)
			snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
		return -ENODEV;
	case XENSND_STREAM_AWAY:
		/* A PCM that is not set up, or was stopped, has nothing to suspend. */
		if (live)
			snd_pcm_ioplug_set_state(io, SND_PCM_STATE_SUSPENDED);
		return io->state == SND_PCM_STATE_SUSPENDED ? -ESTRPIPE : 0;
	case XENSND_STREAM_XRUN:
		/* Also in a pause, which the end of the data may have overtaken. */
		return live ? -EPIPE : 0;
	default:
		return 0;
	}
}

/*
 * Has the program left so much unread that it is to be stopped? Seen here, not by the worker: only
 * here is known how far it has read. Both locks are held.
 */
static bool overrun(struct pcm_xen *xen, uint64_t position)
{
	snd_pcm_uframes_t stop = atomic_load(&xen->stop_threshold);
	uint64_t avail = position - xen->pointers.appl;

	if (!xen->capture || xen->io.state != SND_PCM_STATE_RUNNING || avail < stop)
		return false;
	xensnd_stream_xrun(xen->stream);
	return true;
}

/*
 * Negative only for an xrun: ioplug takes every negative value as one, whatever the state; but
 * while it drains, as the end of that.
 */
static snd_pcm_sframes_t pcm_xen_pointer(snd_pcm_ioplug_t *io)
{
	struct pcm_xen *xen = pcm_xen(io);
	snd_pcm_sframes_t hw = -EPIPE;
	uint64_t position;

	if (state_update(xen) == -EPIPE)
		return hw;
	if (io->state == SND_PCM_STATE_DRAINING) {
		/* A recording has nothing to wait for. */
		if (xen->capture)
			return hw;
		/* There is no drain callback: ioplug waits here until all was played. */
		xensnd_stream_drain(xen->stream);
	}
	pthread_mutex_lock(&xen->lock);
	program_follow(xen);
	position = frames_position(xen);
	if (!overrun(xen, position))
		hw = (snd_pcm_sframes_t)pcm_xen_pointers_hw(&xen->pointers, position);
	pthread_mutex_unlock(&xen->lock);
	return hw;
}

/*
 * Recordings: a backend may have more than it has delivered. Without pointer, so an overrun has to
 * be found here.
 */
static int pcm_xen_capture_delay(snd_pcm_ioplug_t *io, snd_pcm_sframes_t *delay)
{
	struct pcm_xen *xen = pcm_xen(io);
	int ret = state_update(xen);

	if (io->state == SND_PCM_STATE_XRUN)
		return -EPIPE;
	if (ret == -EPIPE)
		snd_pcm_ioplug_set_state(io, SND_PCM_STATE_XRUN);
	if (ret < 0)
		return ret;
	pthread_mutex_lock(&xen->lock);
	program_follow(xen);
	if (overrun(xen, frames_position(xen))) {
		snd_pcm_ioplug_set_state(io, SND_PCM_STATE_XRUN);
		ret = -EPIPE;
	} else {
		uint64_t recorded = xensnd_stream_recorded(xen->stream);

		*delay = xen->frame_bytes ? (snd_pcm_sframes_t)(recorded / xen->frame_bytes -
								xen->pointers.appl)
					  : 0;
	}
	pthread_mutex_unlock(&xen->lock);
	return ret;
}

/* Playback: ioplug itself would call an xrun a delay of some frames. */
static int pcm_xen_playback_delay(snd_pcm_ioplug_t *io, snd_pcm_sframes_t *delay)
{
	snd_pcm_sframes_t boundary = (snd_pcm_sframes_t)atomic_load(&pcm_xen(io)->boundary);
	int ret = snd_pcm_hwsync(io->pcm);

	if (ret < 0)
		return ret;
	if (io->state == SND_PCM_STATE_XRUN)
		return -EPIPE;
	if (io->state == SND_PCM_STATE_DISCONNECTED)
		return -ENODEV;
	/* The pointers wrap; a program that went back behind hw_ptr has a negative delay. */
	*delay = (snd_pcm_sframes_t)(io->appl_ptr - io->hw_ptr);
	if (*delay > boundary / 2)
		*delay -= boundary;
	else if (*delay < -boundary / 2)
		*delay += boundary;
	return 0;
}

/* ---- Data ---- */

/* What is below frozen is too late: the backend plays what was there before. */
static int frames_write(struct pcm_xen *xen, const snd_pcm_channel_area_t *areas,
	snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
	uint64_t appl = xen->pointers.appl;
	uint64_t late = xen->frozen > appl ? xen->frozen - appl : 0;

	if (late >= size)
		return 0;
	return pcm_xen_areas_write(&xen->areas, appl + late, areas, offset + late, size - late);
}

/* ioplug repeats mmap_begin's transfers and moves appl_ptr later: program_follow() then sees it. */
static bool access_is_mmap(const snd_pcm_ioplug_t *io)
{
	return io->access != SND_PCM_ACCESS_RW_INTERLEAVED &&
	       io->access != SND_PCM_ACCESS_RW_NONINTERLEAVED;
}

static snd_pcm_sframes_t pcm_xen_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
	snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
	struct pcm_xen *xen = pcm_xen(io);
	int ret = state_update(xen);

	if (ret < 0)
		return ret;
	pthread_mutex_lock(&xen->lock);
	program_follow(xen);
	if (size > frames_avail(xen)) {
		xensnd_stream_xrun(xen->stream);
		ret = -EPIPE;
	} else if (xen->capture) {
		ret = pcm_xen_areas_read(&xen->areas, xen->pointers.appl, areas, offset, size);
	} else {
		ret = frames_write(xen, areas, offset, size);
	}
	if (ret == 0 && !(xen->capture && access_is_mmap(io)))
		appl_commit(xen, xen->pointers.appl + size);
	pthread_mutex_unlock(&xen->lock);
	return ret < 0 ? ret : (snd_pcm_sframes_t)size;
}

/* ---- Set-up ---- */

static int areas_make(struct pcm_xen *xen)
{
	const snd_pcm_ioplug_t *io = &xen->io;

	return pcm_xen_areas_make(&xen->areas, xensnd_stream_buffer(xen->stream), io->format,
		io->channels, io->buffer_size);
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
	pthread_mutex_lock(&xen->lock);
	ret = areas_make(xen);
	free(xen->chmap);
	xen->chmap = pcm_xen_chmap_standard(io->channels);
	pthread_mutex_unlock(&xen->lock);
	if (ret < 0)
		xensnd_stream_release(xen->stream);
	return ret;
}

static int pcm_xen_hw_free(snd_pcm_ioplug_t *io)
{
	struct pcm_xen *xen = pcm_xen(io);

	/* A backend that has gone has nothing to close. */
	xensnd_stream_release(xen->stream);
	pthread_mutex_lock(&xen->lock);
	pcm_xen_areas_free(&xen->areas);
	pthread_mutex_unlock(&xen->lock);
	/* As the kernel has it; ioplug would leave the state as it was. */
	if (io->state != SND_PCM_STATE_DISCONNECTED)
		snd_pcm_ioplug_set_state(io, SND_PCM_STATE_OPEN);
	return 0;
}

/* Thresholds may be as large as the boundary, whose bytes are more than 64 bits count. */
static uint64_t bytes_capped(snd_pcm_uframes_t frames, unsigned int frame_bytes)
{
	return frames > UINT64_MAX / frame_bytes ? UINT64_MAX : (uint64_t)frames * frame_bytes;
}

static int pcm_xen_sw_params(snd_pcm_ioplug_t *io, snd_pcm_sw_params_t *params)
{
	struct pcm_xen *xen = pcm_xen(io);
	snd_pcm_uframes_t avail_min = 0, stop_threshold = 0, boundary = 0;
	struct xensnd_thresholds thresholds;
	int period_event = 0;
	int ret;

	/* From params: ioplug's own fields are only set after this call. */
	ret = snd_pcm_sw_params_get_avail_min(params, &avail_min);
	if (ret == 0)
		ret = snd_pcm_sw_params_get_stop_threshold(params, &stop_threshold);
	if (ret == 0)
		ret = snd_pcm_sw_params_get_boundary(params, &boundary);
	if (ret == 0)
		ret = snd_pcm_sw_params_get_period_event(params, &period_event);
	if (ret < 0)
		return ret;
	if (stop_threshold >= boundary)
		stop_threshold = ULONG_MAX;
	atomic_store(&xen->boundary, boundary);
	atomic_store(&xen->stop_threshold, stop_threshold);
	thresholds = (struct xensnd_thresholds){
		.avail_min_bytes = bytes_capped(avail_min, xen->frame_bytes),
		.stop_bytes = bytes_capped(stop_threshold, xen->frame_bytes),
		.period_event = period_event != 0,
	};
	xensnd_stream_set_thresholds(xen->stream, &thresholds);
	return 0;
}

static int pcm_xen_close(snd_pcm_ioplug_t *io)
{
	struct pcm_xen *xen = pcm_xen(io);

	xensnd_stream_close(xen->stream);
	pcm_xen_areas_free(&xen->areas);
	free(xen->chmap);
	pthread_mutex_destroy(&xen->lock);
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

/*
 * ioplug has zeroed its pointers and given up its lock before this, so another thread may have
 * written since: those frames are lost, and count as played. hwsync takes the lock and looks; in
 * the state that ioplug is about to have, since a drain of before would end the new run.
 */
static int pcm_xen_prepare(snd_pcm_ioplug_t *io)
{
	struct pcm_xen *xen = pcm_xen(io);
	int ret;

	pthread_mutex_lock(&xen->lock);
	ret = xensnd_stream_prepare(xen->stream);
	/* A backend that has come back has another buffer, and one that is coming back none. */
	pcm_xen_areas_move(&xen->areas, xensnd_stream_buffer(xen->stream));
	if (ret == 0) {
		pcm_xen_pointers_reset(&xen->pointers, 0, 0);
		xen->written = 0;
		xen->frozen = 0;
		xen->adopt = true;
	}
	pthread_mutex_unlock(&xen->lock);
	if (ret == 0) {
		snd_pcm_ioplug_set_state(io, SND_PCM_STATE_PREPARED);
		(void)snd_pcm_hwsync(io->pcm);
	}
	return command_ended(xen, ret);
}

/*
 * Waits up to a second for a backend that is away. ioplug ignores the result and says 0: the state
 * has to tell. A program that goes on writing finds it suspended again, and comes back here.
 */
static int pcm_xen_resume(snd_pcm_ioplug_t *io)
{
	struct pcm_xen *xen = pcm_xen(io);
	int ret;

	(void)state_update(xen);
	if (io->state != SND_PCM_STATE_SUSPENDED)
		return 0;
	ret = pcm_xen_prepare(io);
	if (ret == 0)
		snd_pcm_ioplug_set_state(io, SND_PCM_STATE_PREPARED);
	return ret;
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
	struct xensnd_stream *stream = pcm_xen(io)->stream;
	int ret = xensnd_stream_pause(stream, enable);

	/* All was played before the backend could pause, whatever it said. */
	if (xensnd_stream_condition(stream) == XENSND_STREAM_XRUN) {
		snd_pcm_ioplug_set_state(io, SND_PCM_STATE_XRUN);
		return -EPIPE;
	}
	return command_ended(pcm_xen(io), ret);
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
	unsigned short good = xen->capture ? POLLIN : POLLOUT;

	(void)pfd;
	(void)nfds;
	/* What mmap_commit has read, and an overrun, show when somebody asks for the position. */
	if (xen->capture && io->state == SND_PCM_STATE_RUNNING)
		snd_pcm_hwsync(io->pcm);
	/* The state is changed with the PCM's lock held: another thread may be preparing. */
	if (state_update(xen) == -EPIPE)
		snd_pcm_hwsync(io->pcm);
	switch (io->state) {
	case SND_PCM_STATE_PREPARED:
	case SND_PCM_STATE_RUNNING:
	case SND_PCM_STATE_PAUSED:
		ready = xensnd_stream_poll(xen->stream);
		/* The end of a period is told once. */
		if (ready && xensnd_stream_period_ended(xen->stream))
			xensnd_stream_poll(xen->stream);
		*revents = ready ? good : 0;
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
		*revents = ready ? good : 0;
		break;
	case SND_PCM_STATE_DISCONNECTED:
		*revents = POLLERR | POLLHUP;
		break;
	default:
		xensnd_stream_wake(xen->stream);
		*revents = good | POLLERR;
		break;
	}
	return 0;
}

/* ---- Channel maps ---- */

static snd_pcm_chmap_query_t **pcm_xen_query_chmaps(snd_pcm_ioplug_t *io)
{
	const struct xensnd_stream_info *info = xensnd_stream_info(pcm_xen(io)->stream);

	return pcm_xen_chmap_query(
		info->config.params.channels_min, info->config.params.channels_max);
}

static snd_pcm_chmap_t *pcm_xen_get_chmap(snd_pcm_ioplug_t *io)
{
	struct pcm_xen *xen = pcm_xen(io);
	snd_pcm_chmap_t *map = NULL;

	pthread_mutex_lock(&xen->lock);
	if (xen->areas.list && xen->chmap)
		map = pcm_xen_chmap_copy(xen->chmap);
	pthread_mutex_unlock(&xen->lock);
	return map;
}

static int pcm_xen_set_chmap(snd_pcm_ioplug_t *io, const snd_pcm_chmap_t *map)
{
	struct pcm_xen *xen = pcm_xen(io);
	unsigned int order[PCM_XEN_CHMAP_MAX];
	snd_pcm_chmap_t *copy;
	int ret;

	/* As the kernel has it: after hw_params, and not in mid-play. */
	if (io->state != SND_PCM_STATE_PREPARED)
		return io->state == SND_PCM_STATE_RUNNING ? -EBUSY : -EBADFD;
	ret = pcm_xen_chmap_order(map, io->channels, order);
	if (ret < 0)
		return ret;
	copy = pcm_xen_chmap_copy(map);
	if (!copy)
		return -ENOMEM;
	pthread_mutex_lock(&xen->lock);
	pcm_xen_areas_order(&xen->areas, order);
	free(xen->chmap);
	xen->chmap = copy;
	pthread_mutex_unlock(&xen->lock);
	return 0;
}

/* ---- For people ---- */

static const char *position_source_name(const struct pcm_xen *xen)
{
	return xensnd_stream_position_source(xen->stream) == XENSND_POSITION_EVENTS ? "events"
										    : "answers";
}

static void pcm_xen_dump(snd_pcm_ioplug_t *io, snd_output_t *out)
{
	static const char *const policies[] = { [XENSND_POSITION_AUTO] = "auto",
		[XENSND_POSITION_EVENTS_ONLY] = "events",
		[XENSND_POSITION_ACKS_ONLY] = "acks" };
	struct pcm_xen *xen = pcm_xen(io);
	const struct xensnd_stream_info *info = xensnd_stream_info(xen->stream);
	struct xensnd_stream_traffic traffic = xensnd_stream_traffic(xen->stream);

	snd_output_printf(out, "Xen PCM: card %u \"%s\", device %u \"%s\", stream %u, %s\n",
		xen->settings.card, info->card_name, xen->settings.device, info->device_name,
		info->config.index, xen->capture ? "capture" : "playback");
	snd_output_printf(out, "Backend in domain %u, position by its %s (%s)\n",
		info->backend_domid, position_source_name(xen), policies[xen->settings.position]);
	snd_output_printf(out,
		"Ring: %llu requests so far, %u of %u slots in use, %u at the most\n",
		(unsigned long long)traffic.requests, traffic.in_flight, XENSND_RING_SLOTS,
		traffic.in_flight_most);
	if (io->pcm && snd_pcm_state(io->pcm) != SND_PCM_STATE_OPEN) {
		snd_output_printf(out, "Its setup is:\n");
		snd_pcm_dump_setup(io->pcm, out);
	}
}

#define CALLBACKS_OF_BOTH                                                                       \
	.start = pcm_xen_start, .stop = pcm_xen_stop, .pointer = pcm_xen_pointer,               \
	.transfer = pcm_xen_transfer, .close = pcm_xen_close, .hw_params = pcm_xen_hw_params,   \
	.hw_free = pcm_xen_hw_free, .sw_params = pcm_xen_sw_params, .prepare = pcm_xen_prepare, \
	.pause = pcm_xen_pause, .resume = pcm_xen_resume, .poll_revents = pcm_xen_poll_revents, \
	.dump = pcm_xen_dump, .query_chmaps = pcm_xen_query_chmaps,                             \
	.get_chmap = pcm_xen_get_chmap, .set_chmap = pcm_xen_set_chmap

static const snd_pcm_ioplug_callback_t playback_callbacks = { CALLBACKS_OF_BOTH,
	.delay = pcm_xen_playback_delay };
static const snd_pcm_ioplug_callback_t capture_callbacks = { CALLBACKS_OF_BOTH,
	.delay = pcm_xen_capture_delay };

/* ---- Opening ---- */

static int stream_open(struct pcm_xen *xen, const struct xensnd_log *log)
{
	const struct xensnd_stream_spec spec = { .card = xen->settings.card,
		.device = xen->settings.device,
		.capture = xen->capture,
		.position = xen->settings.position,
		.reconnect_s = xen->settings.reconnect_s };
	char error[300];
	int ret = xensnd_stream_open(&xen->stream, &spec, log, error, sizeof(error));

	if (ret < 0 && error[0] != '\0')
		SNDERR("%s", error);
	return ret;
}

static void io_init(struct pcm_xen *xen, int mode)
{
	xen->io.version = SND_PCM_IOPLUG_VERSION;
	xen->io.name = "Xen virtual sound card";
	xen->io.flags = SND_PCM_IOPLUG_FLAG_MONOTONIC | SND_PCM_IOPLUG_FLAG_BOUNDARY_WA;
	xen->io.callback = xen->capture ? &capture_callbacks : &playback_callbacks;
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
	const struct xensnd_log log = log_make();
	struct pcm_xen *xen;
	int ret;

	(void)root;
	xen = calloc(1, sizeof(*xen));
	if (!xen)
		return -ENOMEM;
	xen->capture = stream == SND_PCM_STREAM_CAPTURE;
	pthread_mutex_init(&xen->lock, NULL);
	ret = pcm_xen_settings_read(&xen->settings, conf);
	if (ret == 0)
		ret = stream_open(xen, &log);
	if (ret < 0) {
		pthread_mutex_destroy(&xen->lock);
		free(xen);
		return ret;
	}
	io_init(xen, mode);
	ret = snd_pcm_ioplug_create(&xen->io, name, stream, mode);
	if (ret < 0) {
		pcm_xen_close(&xen->io);
		return ret;
	}
	ret = pcm_xen_constrain(&xen->io, xensnd_stream_info(xen->stream), &log);
	if (ret < 0) {
		/* Calls our close. */
		snd_pcm_ioplug_delete(&xen->io);
		return ret;
	}
	*pcmp = xen->io.pcm;
	return 0;
}

SND_PCM_PLUGIN_SYMBOL(xen);
