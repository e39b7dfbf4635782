/* SPDX-License-Identifier: MIT */
/* Constraints. See constraints.h. */
#include "constraints.h"

#include "common/log.h"
#include "formats.h"
#include "protocol/format.h"
#include "protocol/wire.h"

#define MAX_PERIODS 1024u

/* ALSA formats of a stream, and the range of their sample sizes in bytes. */
struct format_set {
	unsigned int list[XENSND_FORMATS];
	unsigned int n;
	unsigned int bytes_min, bytes_max;
};

static void formats_collect(
	struct format_set *set, const struct xensnd_stream_info *info, const struct xensnd_log *log)
{
	uint64_t formats = info->config.params.formats;

	*set = (struct format_set){ .n = 0 };
	for (unsigned int format = 0; format < XENSND_FORMATS; format++) {
		snd_pcm_format_t alsa = pcm_xen_format_to_alsa(format);
		unsigned int bytes = xensnd_format_bytes(format);

		if (!(formats & XENSND_FORMAT_BIT(format)))
			continue;
		if (alsa == SND_PCM_FORMAT_UNKNOWN) {
			xensnd_log(log, XENSND_LOG_INFO,
				"device %u: the format %s has no frames, so it is left out",
				info->config.device, xensnd_format_name(format));
			continue;
		}
		if (set->n == 0 || bytes < set->bytes_min)
			set->bytes_min = bytes;
		if (bytes > set->bytes_max)
			set->bytes_max = bytes;
		set->list[set->n++] = (unsigned int)alsa;
	}
}

static unsigned int bytes_capped(uint64_t frames, uint64_t frame_bytes, uint64_t cap)
{
	uint64_t bytes = frames * frame_bytes;

	return (unsigned int)(bytes < cap ? bytes : cap);
}

static unsigned int bytes_at_least(unsigned int bytes, uint64_t least)
{
	return bytes < least ? (unsigned int)least : bytes;
}

/*
 * Bytes, wide enough for every frame size: a range that fits the smallest frame at its lower and
 * the largest at its upper end. The exact combination is checked by the backend. Of the largest
 * frame the least is one in a period: alsa-lib would offer less than that, and then fail.
 */
static int sizes_constrain(snd_pcm_ioplug_t *io, const struct xensnd_stream_info *info,
	const struct format_set *formats)
{
	const struct xensnd_params *params = &info->config.params;
	uint64_t frame_min = (uint64_t)formats->bytes_min * params->channels_min;
	uint64_t frame_max = (uint64_t)formats->bytes_max * params->channels_max;
	uint64_t buffer_cap = params->buffer_bytes_max;
	unsigned int period_min = bytes_capped(info->period_frames_min, frame_min, buffer_cap / 2);
	unsigned int period_max = bytes_capped(info->period_frames_max, frame_max, buffer_cap / 2);
	unsigned int buffer_min = bytes_capped(info->buffer_frames_min, frame_min, buffer_cap);
	unsigned int buffer_max = bytes_capped(info->buffer_frames_max, frame_max, buffer_cap);
	int ret;

	period_min = bytes_at_least(period_min, frame_max);
	buffer_min = bytes_at_least(buffer_min, 2 * frame_max);
	if (period_min > period_max || buffer_min > buffer_max) {
		SNDERR("device %u: buffer-size (%u octets) is too small for two periods of frames "
		       "with %llu octets: see buffer-size, channels-max and sample-formats in the "
		       "guest's configuration",
			info->config.device, params->buffer_bytes_max,
			(unsigned long long)frame_max);
		return -EINVAL;
	}
	ret = snd_pcm_ioplug_set_param_minmax(
		io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, period_min, period_max);
	if (ret == 0)
		ret = snd_pcm_ioplug_set_param_minmax(
			io, SND_PCM_IOPLUG_HW_BUFFER_BYTES, buffer_min, buffer_max);
	if (ret == 0)
		ret = snd_pcm_ioplug_set_param_minmax(
			io, SND_PCM_IOPLUG_HW_PERIODS, 2, MAX_PERIODS);
	return ret;
}

int pcm_xen_constrain(
	snd_pcm_ioplug_t *io, const struct xensnd_stream_info *info, const struct xensnd_log *log)
{
	static const unsigned int accesses[] = { SND_PCM_ACCESS_RW_INTERLEAVED,
		SND_PCM_ACCESS_RW_NONINTERLEAVED, SND_PCM_ACCESS_MMAP_INTERLEAVED,
		SND_PCM_ACCESS_MMAP_NONINTERLEAVED };
	const struct xensnd_params *params = &info->config.params;
	struct format_set formats;
	int ret;

	formats_collect(&formats, info, log);
	if (formats.n == 0) {
		SNDERR("the card offers no sample format that ALSA knows: see sample-formats in "
		       "the guest's configuration");
		return -EINVAL;
	}
	ret = snd_pcm_ioplug_set_param_list(
		io, SND_PCM_IOPLUG_HW_ACCESS, sizeof(accesses) / sizeof(accesses[0]), accesses);
	if (ret == 0)
		ret = snd_pcm_ioplug_set_param_list(
			io, SND_PCM_IOPLUG_HW_FORMAT, formats.n, formats.list);
	if (ret == 0)
		ret = snd_pcm_ioplug_set_param_minmax(
			io, SND_PCM_IOPLUG_HW_CHANNELS, params->channels_min, params->channels_max);
	if (ret == 0)
		ret = snd_pcm_ioplug_set_param_list(
			io, SND_PCM_IOPLUG_HW_RATE, params->n_rates, params->rates);
	return ret == 0 ? sizes_constrain(io, info, &formats) : ret;
}
