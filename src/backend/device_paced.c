/* SPDX-License-Identifier: MIT */
/*
 * Devices without hardware, driven by the monotonic clock as a sound card would be: into and out of
 * WAV files, or nothing.
 *
 * One file for all, since the WAV file is all that differs. See device.h and pacer.h.
 */
#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "protocol/format.h"
#include "protocol/hw_param.h"

#include "pacer.h"
#include "silence.h"
#include "wav_file.h"
#include "wav_header.h"
#include "wav_source.h"

/* Which file there is. */
enum paced_file { FILE_NONE, FILE_WRITTEN, FILE_READ };

struct paced {
	struct xensnd_device device;
	struct xensnd_pacer pacer;
	struct xensnd_pcm_params params;
	enum paced_file has;
	struct xensnd_wav_file file;
	uint64_t header_frames; /* what its header says */
	struct xensnd_wav_source source;
};

static struct paced *paced_of(struct xensnd_device *device)
{
	return (struct paced *)device;
}

static int paced_new(struct paced **paced, const struct xensnd_device_ops *ops,
	const struct xensnd_pcm_params *params, bool capture)
{
	*paced = calloc(1, sizeof(**paced));
	if (!*paced)
		return -ENOMEM;
	(*paced)->device.ops = ops;
	(*paced)->params = *params;
	xensnd_pacer_init(&(*paced)->pacer, params->rate, params->buffer_frames, capture);
	return 0;
}

static int null_open(struct xensnd_device **device, const struct xensnd_device_spec *spec,
	const struct xensnd_pcm_params *params, bool capture, struct xensnd_device_host *host)
{
	struct paced *paced;
	int ret = paced_new(&paced, &xensnd_device_null, params, capture);

	(void)spec;
	(void)host;
	if (ret == 0)
		*device = &paced->device;
	return ret;
}

/* Replaces the first "%n" by a number that grows with every such file of this process. */
static int path_expand(
	char *path, size_t size, const char *pattern, struct xensnd_device_host *host)
{
	const char *mark = strstr(pattern, "%n");
	int len;

	if (mark)
		len = snprintf(path, size, "%.*s%u%s", (int)(mark - pattern), pattern,
			atomic_fetch_add_explicit(&host->files, 1, memory_order_relaxed), mark + 2);
	else
		len = snprintf(path, size, "%s", pattern);
	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

static int paced_write_file(
	struct paced *paced, const char *pattern, struct xensnd_device_host *host)
{
	char path[512];
	int ret = path_expand(path, sizeof(path), pattern, host);

	if (ret == 0)
		ret = xensnd_wav_file_open(&paced->file, path, &paced->params);
	if (ret == 0)
		paced->has = FILE_WRITTEN;
	else if (ret != -EINVAL)
		xensnd_log(
			host->log, XENSND_LOG_ERROR, "can not write %s: %s", path, strerror(-ret));
	return ret;
}

/* A file is what it is: nothing else can be had from it. */
static bool info_matches(const struct xensnd_wav_info *info, const struct xensnd_pcm_params *params)
{
	return info->format == params->format && info->rate == params->rate &&
	       info->channels == params->channels;
}

static int paced_read_file(struct paced *paced, const char *path, struct xensnd_device_host *host)
{
	const struct xensnd_wav_info *info = &paced->source.info;
	int ret = xensnd_wav_source_open(&paced->source, path);

	if (ret < 0)
		return ret;
	if (!info_matches(info, &paced->params)) {
		xensnd_log(host->log, XENSND_LOG_DEBUG, "%s has %s, %u Hz, %u channels", path,
			xensnd_format_name(info->format), info->rate, info->channels);
		xensnd_wav_source_close(&paced->source);
		return -EINVAL;
	}
	paced->has = FILE_READ;
	return 0;
}

static int wav_open(struct xensnd_device **device, const struct xensnd_device_spec *spec,
	const struct xensnd_pcm_params *params, bool capture, struct xensnd_device_host *host)
{
	struct paced *paced;
	int ret = paced_new(&paced, &xensnd_device_wav, params, capture);

	if (ret < 0)
		return ret;
	ret = capture ? paced_read_file(paced, spec->name, host)
		      : paced_write_file(paced, spec->name, host);
	if (ret < 0) {
		free(paced);
		return ret;
	}
	*device = &paced->device;
	return 0;
}

static void paced_close(struct xensnd_device *device)
{
	struct paced *paced = paced_of(device);

	xensnd_pacer_drop(&paced->pacer, xensnd_now_ns());
	if (paced->has == FILE_WRITTEN)
		xensnd_wav_file_close(&paced->file, paced->pacer.passed);
	if (paced->has == FILE_READ)
		xensnd_wav_source_close(&paced->source);
	free(paced);
}

/* Keeps the header at most a second behind, so that a killed daemon leaves a valid file. */
static int header_follow(struct paced *paced)
{
	if (paced->has != FILE_WRITTEN ||
		paced->pacer.passed - paced->header_frames < paced->pacer.rate)
		return 0;
	paced->header_frames = paced->pacer.passed;
	return xensnd_wav_file_update(&paced->file, paced->pacer.passed);
}

static int64_t paced_write(struct xensnd_device *device, const void *data, uint32_t frames)
{
	struct paced *paced = paced_of(device);
	struct xensnd_pacer *pacer = &paced->pacer;
	uint32_t room = xensnd_pacer_room(pacer);
	int ret;

	if (frames > room)
		frames = room;
	if (paced->has == FILE_WRITTEN && frames > 0) {
		ret = xensnd_wav_file_write(
			&paced->file, pacer->passed + pacer->queued, data, frames);
		if (ret < 0)
			return ret;
	}
	xensnd_pacer_add(pacer, frames);
	return frames;
}

static int64_t paced_read(struct xensnd_device *device, void *data, uint32_t frames)
{
	struct paced *paced = paced_of(device);
	struct xensnd_pacer *pacer = &paced->pacer;
	int ret = 0;

	if (frames > pacer->queued)
		frames = (uint32_t)pacer->queued;
	if (paced->has == FILE_READ)
		ret = xensnd_wav_source_read(
			&paced->source, pacer->passed - pacer->queued, data, frames);
	else
		xensnd_silence_fill(
			data, paced->params.format, (size_t)frames * paced->params.frame_bytes);
	if (ret < 0)
		return ret;
	xensnd_pacer_take(pacer, frames);
	return frames;
}

static int paced_start(struct xensnd_device *device)
{
	xensnd_pacer_start(&paced_of(device)->pacer, xensnd_now_ns());
	return 0;
}

static int paced_drop(struct xensnd_device *device)
{
	struct paced *paced = paced_of(device);

	xensnd_pacer_drop(&paced->pacer, xensnd_now_ns());
	if (paced->has != FILE_WRITTEN)
		return 0;
	paced->header_frames = paced->pacer.passed;
	return xensnd_wav_file_update(&paced->file, paced->pacer.passed);
}

static int paced_pause(struct xensnd_device *device, bool on)
{
	struct paced *paced = paced_of(device);

	if (on)
		xensnd_pacer_pause(&paced->pacer, xensnd_now_ns());
	else
		xensnd_pacer_start(&paced->pacer, xensnd_now_ns());
	return 0;
}

static int paced_status(struct xensnd_device *device, struct xensnd_device_status *status)
{
	struct paced *paced = paced_of(device);
	struct xensnd_pacer *pacer = &paced->pacer;

	status->xrun = xensnd_pacer_advance(pacer, xensnd_now_ns());
	status->ready_frames = pacer->capture ? (uint32_t)pacer->queued : xensnd_pacer_room(pacer);
	status->held_frames = pacer->queued;
	return header_follow(paced);
}

static int64_t paced_when(struct xensnd_device *device, uint64_t frames)
{
	const struct xensnd_pacer *pacer = &paced_of(device)->pacer;

	if (pacer->capture && frames > xensnd_pacer_room(pacer))
		return XENSND_NEVER;
	return xensnd_pacer_when(pacer, frames);
}

static unsigned int paced_poll_fds(
	struct xensnd_device *device, struct pollfd *fds, unsigned int max)
{
	(void)device;
	(void)fds;
	(void)max;
	return 0;
}

static void paced_poll_done(struct xensnd_device *device, struct pollfd *fds, unsigned int n)
{
	(void)device;
	(void)fds;
	(void)n;
}

static int null_query(
	const struct xensnd_device_spec *spec, bool capture, struct xensnd_query_hw_param *set)
{
	(void)spec;
	(void)capture;
	(void)set;
	return 0;
}

static int source_query(const char *path, struct xensnd_query_hw_param *set)
{
	struct xensnd_query_hw_param file = *set;
	struct xensnd_wav_source source;
	int ret = xensnd_wav_source_open(&source, path);

	if (ret < 0)
		return ret;
	xensnd_wav_source_close(&source);
	file.formats = XENSND_FORMAT_BIT(source.info.format);
	file.rates.min = file.rates.max = source.info.rate;
	file.channels.min = file.channels.max = source.info.channels;
	return xensnd_hw_param_narrow(set, &file);
}

static int wav_query(
	const struct xensnd_device_spec *spec, bool capture, struct xensnd_query_hw_param *set)
{
	if (capture)
		return source_query(spec->name, set);
	if ((set->formats & xensnd_wav_formats()) == 0)
		return -EINVAL;
	set->formats &= xensnd_wav_formats();
	return 0;
}

const struct xensnd_device_ops xensnd_device_null = {
	.open = null_open,
	.query = null_query,
	.close = paced_close,
	.write = paced_write,
	.read = paced_read,
	.start = paced_start,
	.drop = paced_drop,
	.pause = paced_pause,
	.status = paced_status,
	.when = paced_when,
	.poll_fds = paced_poll_fds,
	.poll_done = paced_poll_done,
};

const struct xensnd_device_ops xensnd_device_wav = {
	.open = wav_open,
	.query = wav_query,
	.close = paced_close,
	.write = paced_write,
	.read = paced_read,
	.start = paced_start,
	.drop = paced_drop,
	.pause = paced_pause,
	.status = paced_status,
	.when = paced_when,
	.poll_fds = paced_poll_fds,
	.poll_done = paced_poll_done,
};
