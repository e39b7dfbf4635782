/* SPDX-License-Identifier: MIT */
/*
 * The ALSA device: any PCM of the host, in either direction, without ever waiting for it. See
 * device.h.
 *
 * The device is started by the stream, not by thresholds, and keeps the frontend's
 * format, channels and rate exactly: a guest must not be told that a conversion is its own rate.
 */
#include "device.h"

#include <errno.h>
#include <stdlib.h>

#include <alsa/asoundlib.h>

#include "common/clock.h"
#include "protocol/format.h"
#include "protocol/hw_param.h"

#include "pacer.h"

struct alsa {
	struct xensnd_device device;
	snd_pcm_t *pcm;
	uint32_t rate;
	snd_pcm_uframes_t buffer_frames;
	snd_pcm_uframes_t period_frames;
	bool can_pause;
	bool capture;
	bool xrun; /* it ran out or over, was prepared again, and status has not yet said so */
	snd_pcm_sframes_t last_delay;
	int64_t step_ns; /* the shortest wait between two looks; grows while the device does not
			    move */
};

static const snd_pcm_format_t alsa_formats[XENSND_FORMATS] = {
	[XENSND_PCM_FORMAT_S8] = SND_PCM_FORMAT_S8,
	[XENSND_PCM_FORMAT_U8] = SND_PCM_FORMAT_U8,
	[XENSND_PCM_FORMAT_S16_LE] = SND_PCM_FORMAT_S16_LE,
	[XENSND_PCM_FORMAT_S16_BE] = SND_PCM_FORMAT_S16_BE,
	[XENSND_PCM_FORMAT_U16_LE] = SND_PCM_FORMAT_U16_LE,
	[XENSND_PCM_FORMAT_U16_BE] = SND_PCM_FORMAT_U16_BE,
	[XENSND_PCM_FORMAT_S24_LE] = SND_PCM_FORMAT_S24_LE,
	[XENSND_PCM_FORMAT_S24_BE] = SND_PCM_FORMAT_S24_BE,
	[XENSND_PCM_FORMAT_U24_LE] = SND_PCM_FORMAT_U24_LE,
	[XENSND_PCM_FORMAT_U24_BE] = SND_PCM_FORMAT_U24_BE,
	[XENSND_PCM_FORMAT_S32_LE] = SND_PCM_FORMAT_S32_LE,
	[XENSND_PCM_FORMAT_S32_BE] = SND_PCM_FORMAT_S32_BE,
	[XENSND_PCM_FORMAT_U32_LE] = SND_PCM_FORMAT_U32_LE,
	[XENSND_PCM_FORMAT_U32_BE] = SND_PCM_FORMAT_U32_BE,
	[XENSND_PCM_FORMAT_F32_LE] = SND_PCM_FORMAT_FLOAT_LE,
	[XENSND_PCM_FORMAT_F32_BE] = SND_PCM_FORMAT_FLOAT_BE,
	[XENSND_PCM_FORMAT_F64_LE] = SND_PCM_FORMAT_FLOAT64_LE,
	[XENSND_PCM_FORMAT_F64_BE] = SND_PCM_FORMAT_FLOAT64_BE,
	[XENSND_PCM_FORMAT_IEC958_SUBFRAME_LE] = SND_PCM_FORMAT_IEC958_SUBFRAME_LE,
	[XENSND_PCM_FORMAT_IEC958_SUBFRAME_BE] = SND_PCM_FORMAT_IEC958_SUBFRAME_BE,
	[XENSND_PCM_FORMAT_MU_LAW] = SND_PCM_FORMAT_MU_LAW,
	[XENSND_PCM_FORMAT_A_LAW] = SND_PCM_FORMAT_A_LAW,
	[XENSND_PCM_FORMAT_IMA_ADPCM] = SND_PCM_FORMAT_IMA_ADPCM,
	[XENSND_PCM_FORMAT_MPEG] = SND_PCM_FORMAT_MPEG,
	[XENSND_PCM_FORMAT_GSM] = SND_PCM_FORMAT_GSM,
};

static struct alsa *alsa_of(struct xensnd_device *device)
{
	return (struct alsa *)device;
}

static int hw_params_set(struct alsa *alsa, const struct xensnd_pcm_params *params)
{
	snd_pcm_uframes_t buffer = params->buffer_frames, buffer_min = buffer;
	snd_pcm_uframes_t period = params->period_frames ? params->period_frames : buffer / 4 + 1;
	snd_pcm_t *pcm = alsa->pcm;
	snd_pcm_hw_params_t *hw;
	int ret;

	snd_pcm_hw_params_alloca(&hw);
	ret = snd_pcm_hw_params_any(pcm, hw);
	if (ret >= 0)
		ret = snd_pcm_hw_params_set_access(pcm, hw, SND_PCM_ACCESS_RW_INTERLEAVED);
	if (ret >= 0)
		ret = snd_pcm_hw_params_set_format(pcm, hw, alsa_formats[params->format]);
	if (ret >= 0)
		ret = snd_pcm_hw_params_set_channels(pcm, hw, params->channels);
	if (ret >= 0)
		ret = snd_pcm_hw_params_set_rate(pcm, hw, params->rate, 0);
	/*
	 * A smaller buffer would do harm: frontends fill theirs before START, and a WRITE that
	 * finds no room until then would hold them up for ever. And what they may read late is as
	 * much as theirs holds.
	 */
	if (ret >= 0)
		ret = snd_pcm_hw_params_set_buffer_size_min(pcm, hw, &buffer_min);
	if (ret >= 0)
		ret = snd_pcm_hw_params_set_buffer_size_near(pcm, hw, &buffer);
	if (ret >= 0)
		ret = snd_pcm_hw_params_set_period_size_near(pcm, hw, &period, NULL);
	if (ret >= 0)
		ret = snd_pcm_hw_params(pcm, hw);
	if (ret < 0)
		return ret;
	alsa->buffer_frames = buffer;
	alsa->period_frames = period;
	alsa->can_pause = snd_pcm_hw_params_can_pause(hw) == 1;
	return buffer < params->buffer_frames ? -EINVAL : 0;
}

static int sw_params_set(struct alsa *alsa)
{
	snd_pcm_t *pcm = alsa->pcm;
	snd_pcm_sw_params_t *sw;
	snd_pcm_uframes_t boundary;
	int ret;

	snd_pcm_sw_params_alloca(&sw);
	ret = snd_pcm_sw_params_current(pcm, sw);
	if (ret >= 0)
		ret = snd_pcm_sw_params_get_boundary(sw, &boundary);
	if (ret >= 0)
		ret = snd_pcm_sw_params_set_start_threshold(pcm, sw, boundary);
	if (ret >= 0)
		ret = snd_pcm_sw_params_set_stop_threshold(pcm, sw, alsa->buffer_frames);
	if (ret >= 0)
		ret = snd_pcm_sw_params_set_avail_min(pcm, sw, alsa->period_frames);
	return ret < 0 ? ret : snd_pcm_sw_params(pcm, sw);
}

static int pcm_open(snd_pcm_t **pcm, const struct xensnd_device_spec *spec, bool capture)
{
	return snd_pcm_open(pcm, spec->name,
		capture ? SND_PCM_STREAM_CAPTURE : SND_PCM_STREAM_PLAYBACK, SND_PCM_NONBLOCK);
}

static int alsa_open(struct xensnd_device **device, const struct xensnd_device_spec *spec,
	const struct xensnd_pcm_params *params, bool capture, struct xensnd_device_host *host)
{
	struct alsa *alsa = calloc(1, sizeof(*alsa));
	int ret;

	if (!alsa)
		return -ENOMEM;
	alsa->device.ops = &xensnd_device_alsa;
	alsa->rate = params->rate;
	alsa->capture = capture;
	alsa->step_ns = XENSND_NS_PER_MS;
	ret = pcm_open(&alsa->pcm, spec, capture);
	if (ret < 0) {
		xensnd_log(host->log, XENSND_LOG_DEBUG, "ALSA \"%s\": %s", spec->name,
			snd_strerror(ret));
		goto free;
	}
	ret = hw_params_set(alsa, params);
	if (ret >= 0)
		ret = sw_params_set(alsa);
	if (ret < 0) {
		xensnd_log(host->log, XENSND_LOG_DEBUG,
			"ALSA \"%s\" does not take %s, %u Hz, %u channels, a buffer of %u frames: "
			"%s",
			spec->name, xensnd_format_name(params->format), params->rate,
			params->channels, params->buffer_frames, snd_strerror(ret));
		goto close;
	}
	*device = &alsa->device;
	return 0;
close:
	snd_pcm_close(alsa->pcm);
free:
	free(alsa);
	return ret;
}

static void alsa_close(struct xensnd_device *device)
{
	struct alsa *alsa = alsa_of(device);

	snd_pcm_drop(alsa->pcm);
	snd_pcm_close(alsa->pcm);
	free(alsa);
}

/* After an underrun, an overrun or a suspend: ready to be filled and started again, or recording.
 */
static int alsa_recover(struct alsa *alsa, int error)
{
	int ret;

	if (error != -EPIPE && error != -ESTRPIPE)
		return error;
	ret = snd_pcm_prepare(alsa->pcm);
	if (ret >= 0 && alsa->capture)
		ret = snd_pcm_start(alsa->pcm);
	if (ret < 0)
		return ret;
	alsa->xrun = true;
	return 0;
}

static int64_t alsa_write(struct xensnd_device *device, const void *data, uint32_t frames)
{
	struct alsa *alsa = alsa_of(device);
	snd_pcm_sframes_t taken = snd_pcm_writei(alsa->pcm, data, frames);

	if (taken == -EAGAIN)
		return 0;
	return taken < 0 ? alsa_recover(alsa, (int)taken) : taken;
}

static int64_t alsa_read(struct xensnd_device *device, void *data, uint32_t frames)
{
	struct alsa *alsa = alsa_of(device);
	snd_pcm_sframes_t given = snd_pcm_readi(alsa->pcm, data, frames);

	if (given == -EAGAIN)
		return 0;
	return given < 0 ? alsa_recover(alsa, (int)given) : given;
}

static int alsa_start(struct xensnd_device *device)
{
	alsa_of(device)->last_delay = 0;
	return snd_pcm_start(alsa_of(device)->pcm);
}

static int alsa_drop(struct xensnd_device *device)
{
	struct alsa *alsa = alsa_of(device);
	int ret = snd_pcm_drop(alsa->pcm);

	alsa->xrun = false;
	return ret < 0 ? ret : snd_pcm_prepare(alsa->pcm);
}

static int alsa_pause(struct xensnd_device *device, bool on)
{
	struct alsa *alsa = alsa_of(device);

	return alsa->can_pause ? snd_pcm_pause(alsa->pcm, on) : -ENOSYS;
}

/* Waits longer and longer between looks at a device that moves in large steps. */
static void step_adapt(struct alsa *alsa, snd_pcm_sframes_t delay)
{
	int64_t longest = xensnd_frames_to_ns(alsa->period_frames, alsa->rate) / 4;

	if (delay != alsa->last_delay)
		alsa->step_ns = XENSND_NS_PER_MS;
	else if (alsa->step_ns < longest)
		alsa->step_ns *= 2;
	alsa->last_delay = delay;
}

static int playback_status(struct alsa *alsa, struct xensnd_device_status *status)
{
	snd_pcm_sframes_t avail = 0, delay = 0;
	int ret = alsa->xrun ? 0 : snd_pcm_avail_delay(alsa->pcm, &avail, &delay);

	if (ret < 0)
		ret = alsa_recover(alsa, ret);
	if (ret < 0)
		return ret;
	if (alsa->xrun) {
		status->ready_frames = (uint32_t)alsa->buffer_frames;
		status->held_frames = 0;
		return 0;
	}
	step_adapt(alsa, delay);
	status->ready_frames = avail > 0 ? (uint32_t)avail : 0;
	status->held_frames = delay > 0 ? (uint64_t)delay : 0;
	return 0;
}

static int capture_status(struct alsa *alsa, struct xensnd_device_status *status)
{
	snd_pcm_sframes_t avail = snd_pcm_avail(alsa->pcm);
	int ret = avail < 0 ? alsa_recover(alsa, (int)avail) : 0;

	if (ret < 0)
		return ret;
	step_adapt(alsa, avail);
	status->ready_frames = avail > 0 ? (uint32_t)avail : 0;
	status->held_frames = status->ready_frames;
	return 0;
}

static int alsa_status(struct xensnd_device *device, struct xensnd_device_status *status)
{
	struct alsa *alsa = alsa_of(device);
	int ret = alsa->capture ? capture_status(alsa, status) : playback_status(alsa, status);

	status->xrun = alsa->xrun;
	if (ret == 0)
		alsa->xrun = false;
	return ret;
}

static int64_t alsa_when(struct xensnd_device *device, uint64_t frames)
{
	struct alsa *alsa = alsa_of(device);
	int64_t ns = xensnd_frames_to_ns(frames, alsa->rate);

	return xensnd_now_ns() + (ns > alsa->step_ns ? ns : alsa->step_ns);
}

static unsigned int alsa_poll_fds(
	struct xensnd_device *device, struct pollfd *fds, unsigned int max)
{
	int n = snd_pcm_poll_descriptors(alsa_of(device)->pcm, fds, max);

	return n > 0 && (unsigned int)n <= max ? (unsigned int)n : 0;
}

static void alsa_poll_done(struct xensnd_device *device, struct pollfd *fds, unsigned int n)
{
	unsigned short revents;

	/* Some plugins have to be told, or their descriptor stays ready. */
	(void)snd_pcm_poll_descriptors_revents(alsa_of(device)->pcm, fds, n, &revents);
}

static uint64_t formats_of(snd_pcm_t *pcm, snd_pcm_hw_params_t *hw)
{
	uint64_t formats = 0;

	for (unsigned int i = 0; i < XENSND_FORMATS; i++)
		if (snd_pcm_hw_params_test_format(pcm, hw, alsa_formats[i]) == 0)
			formats |= XENSND_FORMAT_BIT(i);
	return formats;
}

static uint32_t frames_limit(snd_pcm_uframes_t frames)
{
	return frames > UINT32_MAX ? UINT32_MAX : (uint32_t)frames;
}

static int alsa_query(
	const struct xensnd_device_spec *spec, bool capture, struct xensnd_query_hw_param *set)
{
	struct xensnd_query_hw_param device = *set;
	snd_pcm_hw_params_t *hw;
	snd_pcm_uframes_t buffer_max;
	snd_pcm_t *pcm;
	int ret = pcm_open(&pcm, spec, capture);

	if (ret < 0)
		return ret;
	snd_pcm_hw_params_alloca(&hw);
	ret = snd_pcm_hw_params_any(pcm, hw);
	if (ret >= 0)
		ret = snd_pcm_hw_params_set_access(pcm, hw, SND_PCM_ACCESS_RW_INTERLEAVED);
	if (ret < 0)
		goto close;
	device.formats = formats_of(pcm, hw);
	ret = snd_pcm_hw_params_get_rate_min(hw, &device.rates.min, NULL);
	if (ret >= 0)
		ret = snd_pcm_hw_params_get_rate_max(hw, &device.rates.max, NULL);
	if (ret >= 0)
		ret = snd_pcm_hw_params_get_channels_min(hw, &device.channels.min);
	if (ret >= 0)
		ret = snd_pcm_hw_params_get_channels_max(hw, &device.channels.max);
	if (ret >= 0)
		ret = snd_pcm_hw_params_get_buffer_size_max(hw, &buffer_max);
	/* The device's period and smallest buffer bind nobody: events need no period, a larger
	 * buffer does no harm. */
	if (ret >= 0) {
		device.buffer.max = frames_limit(buffer_max);
		ret = xensnd_hw_param_narrow(set, &device);
	}
close:
	snd_pcm_close(pcm);
	return ret;
}

const struct xensnd_device_ops xensnd_device_alsa = {
	.open = alsa_open,
	.query = alsa_query,
	.close = alsa_close,
	.write = alsa_write,
	.read = alsa_read,
	.start = alsa_start,
	.drop = alsa_drop,
	.pause = alsa_pause,
	.status = alsa_status,
	.when = alsa_when,
	.poll_fds = alsa_poll_fds,
	.poll_done = alsa_poll_done,
};
