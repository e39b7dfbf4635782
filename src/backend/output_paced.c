/* SPDX-License-Identifier: MIT */
/*
 * Outputs without hardware, consumed by the monotonic clock as a sound card would: into a WAV file,
 * or into nothing.
 *
 * One file for both, since the file is all that differs. See output.h and pacer.h.
 */
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#include "pacer.h"
#include "wav_file.h"
#include "wav_header.h"

struct paced {
	struct xensnd_output output;
	struct xensnd_pacer pacer;
	bool has_file;
	struct xensnd_wav_file file;
	uint64_t header_frames; /* what the file's header says */
};

static struct paced *paced_of(struct xensnd_output *output)
{
	return (struct paced *)output;
}

static int paced_new(struct paced **paced, const struct xensnd_output_ops *ops,
	const struct xensnd_pcm_params *params)
{
	*paced = calloc(1, sizeof(**paced));
	if (!*paced)
		return -ENOMEM;
	(*paced)->output.ops = ops;
	xensnd_pacer_init(&(*paced)->pacer, params->rate, params->buffer_frames);
	return 0;
}

static int null_open(struct xensnd_output **output, const struct xensnd_output_spec *spec,
	const struct xensnd_pcm_params *params, struct xensnd_output_host *host)
{
	struct paced *paced;
	int ret = paced_new(&paced, &xensnd_output_null, params);

	(void)spec;
	(void)host;
	if (ret == 0)
		*output = &paced->output;
	return ret;
}

/* Replaces the first "%n" by a number that grows with every such file of this process. */
static int path_expand(
	char *path, size_t size, const char *pattern, struct xensnd_output_host *host)
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

static int wav_open(struct xensnd_output **output, const struct xensnd_output_spec *spec,
	const struct xensnd_pcm_params *params, struct xensnd_output_host *host)
{
	struct paced *paced;
	char path[512];
	int ret = path_expand(path, sizeof(path), spec->name, host);

	if (ret == 0)
		ret = paced_new(&paced, &xensnd_output_wav, params);
	if (ret < 0)
		return ret;
	ret = xensnd_wav_file_open(&paced->file, path, params);
	if (ret < 0) {
		if (ret != -EINVAL)
			xensnd_log(host->log, XENSND_LOG_ERROR, "can not write %s: %s", path,
				strerror(-ret));
		free(paced);
		return ret;
	}
	paced->has_file = true;
	*output = &paced->output;
	return 0;
}

static void paced_close(struct xensnd_output *output)
{
	struct paced *paced = paced_of(output);

	xensnd_pacer_drop(&paced->pacer, xensnd_now_ns());
	if (paced->has_file)
		xensnd_wav_file_close(&paced->file, paced->pacer.consumed);
	free(paced);
}

/* Keeps the header at most a second behind, so that a killed daemon leaves a valid file. */
static int header_follow(struct paced *paced)
{
	if (!paced->has_file || paced->pacer.consumed - paced->header_frames < paced->pacer.rate)
		return 0;
	paced->header_frames = paced->pacer.consumed;
	return xensnd_wav_file_update(&paced->file, paced->pacer.consumed);
}

static int64_t paced_write(struct xensnd_output *output, const void *data, uint32_t frames)
{
	struct paced *paced = paced_of(output);
	struct xensnd_pacer *pacer = &paced->pacer;
	uint32_t room = xensnd_pacer_room(pacer);
	int ret;

	if (frames > room)
		frames = room;
	if (paced->has_file && frames > 0) {
		ret = xensnd_wav_file_write(
			&paced->file, pacer->consumed + pacer->queued, data, frames);
		if (ret < 0)
			return ret;
	}
	xensnd_pacer_add(pacer, frames);
	return frames;
}

static int paced_start(struct xensnd_output *output)
{
	xensnd_pacer_start(&paced_of(output)->pacer, xensnd_now_ns());
	return 0;
}

static int paced_drop(struct xensnd_output *output)
{
	struct paced *paced = paced_of(output);

	xensnd_pacer_drop(&paced->pacer, xensnd_now_ns());
	if (!paced->has_file)
		return 0;
	paced->header_frames = paced->pacer.consumed;
	return xensnd_wav_file_update(&paced->file, paced->pacer.consumed);
}

static int paced_pause(struct xensnd_output *output, bool on)
{
	struct paced *paced = paced_of(output);

	if (on)
		xensnd_pacer_pause(&paced->pacer, xensnd_now_ns());
	else
		xensnd_pacer_start(&paced->pacer, xensnd_now_ns());
	return 0;
}

static int paced_status(struct xensnd_output *output, struct xensnd_output_status *status)
{
	struct paced *paced = paced_of(output);

	status->dry = xensnd_pacer_advance(&paced->pacer, xensnd_now_ns());
	status->room_frames = xensnd_pacer_room(&paced->pacer);
	status->queued_frames = paced->pacer.queued;
	return header_follow(paced);
}

static int64_t paced_when(struct xensnd_output *output, uint64_t frames)
{
	return xensnd_pacer_when(&paced_of(output)->pacer, frames);
}

static unsigned int paced_poll_fds(
	struct xensnd_output *output, struct pollfd *fds, unsigned int max)
{
	(void)output;
	(void)fds;
	(void)max;
	return 0;
}

static void paced_poll_done(struct xensnd_output *output, struct pollfd *fds, unsigned int n)
{
	(void)output;
	(void)fds;
	(void)n;
}

static int null_query(const struct xensnd_output_spec *spec, struct xensnd_query_hw_param *set)
{
	(void)spec;
	(void)set;
	return 0;
}

static int wav_query(const struct xensnd_output_spec *spec, struct xensnd_query_hw_param *set)
{
	(void)spec;
	if ((set->formats & xensnd_wav_formats()) == 0)
		return -EINVAL;
	set->formats &= xensnd_wav_formats();
	return 0;
}

const struct xensnd_output_ops xensnd_output_null = {
	.open = null_open,
	.query = null_query,
	.close = paced_close,
	.write = paced_write,
	.start = paced_start,
	.drop = paced_drop,
	.pause = paced_pause,
	.status = paced_status,
	.when = paced_when,
	.poll_fds = paced_poll_fds,
	.poll_done = paced_poll_done,
};

const struct xensnd_output_ops xensnd_output_wav = {
	.open = wav_open,
	.query = wav_query,
	.close = paced_close,
	.write = paced_write,
	.start = paced_start,
	.drop = paced_drop,
	.pause = paced_pause,
	.status = paced_status,
	.when = paced_when,
	.poll_fds = paced_poll_fds,
	.poll_done = paced_poll_done,
};
