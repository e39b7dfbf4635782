/* SPDX-License-Identifier: MIT */
/*
 * What a PCM offers is what it does: formats, channels, rates, sizes, channel maps; and what it
 * says of itself. Prints TAP.
 *
 * Apart from promises_test.c because these run on cards with unusual configurations.
 *
 * Usage: offers_test [OPTION...] CASE..., with options as in pcm_case.h. -i: what a channel map's
 * case records from, -j: what the card writes.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "pcm_case.h"

#define FRAMES 1000u
#define MAX_MAP 8u

struct offer {
	snd_pcm_format_t format;
	unsigned int channels, rate;
	snd_pcm_uframes_t period, buffer; /* 0: the smallest; ULONG_MAX: the largest */
};

static bool is_capture(const struct options *options)
{
	return options->stream == SND_PCM_STREAM_CAPTURE;
}

/* hw_params for it, with the sizes that result; a negative errno. */
static int offer_take(snd_pcm_t *pcm, struct offer *offer)
{
	snd_pcm_hw_params_t *params;
	int ret;

	snd_pcm_hw_params_alloca(&params);
	must(snd_pcm_hw_params_any(pcm, params), "hw_params_any");
	must(snd_pcm_hw_params_set_access(pcm, params, SND_PCM_ACCESS_RW_INTERLEAVED), "access");
	ret = snd_pcm_hw_params_set_format(pcm, params, offer->format);
	if (ret == 0)
		ret = snd_pcm_hw_params_set_channels(pcm, params, offer->channels);
	if (ret == 0)
		ret = snd_pcm_hw_params_set_rate(pcm, params, offer->rate, 0);
	if (ret < 0)
		return ret;
	if (offer->period == 0)
		must(snd_pcm_hw_params_set_period_size_first(pcm, params, &offer->period, NULL),
			"period");
	else if (offer->period == ULONG_MAX)
		must(snd_pcm_hw_params_set_period_size_last(pcm, params, &offer->period, NULL),
			"period");
	else
		must(snd_pcm_hw_params_set_period_size_near(pcm, params, &offer->period, NULL),
			"period");
	if (offer->buffer == 0)
		must(snd_pcm_hw_params_set_buffer_size_first(pcm, params, &offer->buffer),
			"buffer");
	else if (offer->buffer == ULONG_MAX)
		must(snd_pcm_hw_params_set_buffer_size_last(pcm, params, &offer->buffer), "buffer");
	else
		must(snd_pcm_hw_params_set_buffer_size_near(pcm, params, &offer->buffer), "buffer");
	return snd_pcm_hw_params(pcm, params);
}

static void never_stop(snd_pcm_t *pcm)
{
	const struct setup setup = { .stop = NEVER, .start = NEVER };

	must(sw_params(pcm, &setup), "sw_params");
}

/* So many frames, in parts of at most a buffer; the first of them before the start. */
static bool offer_runs(
	const struct options *options, snd_pcm_t *pcm, const struct offer *offer, size_t frames)
{
	size_t part = frames < offer->buffer ? frames : offer->buffer, done = 0;
	size_t bytes = (size_t)snd_pcm_frames_to_bytes(pcm, (snd_pcm_sframes_t)part);
	char *samples = malloc(bytes);
	snd_pcm_sframes_t ret = samples ? 0 : -ENOMEM;

	never_stop(pcm);
	if (samples)
		snd_pcm_format_set_silence(
			offer->format, samples, (unsigned int)(part * offer->channels));
	if (ret == 0 && is_capture(options))
		ret = snd_pcm_start(pcm);
	while (ret >= 0 && done < frames) {
		size_t size = frames - done < part ? frames - done : part;

		ret = is_capture(options) ? snd_pcm_readi(pcm, samples, size)
					  : snd_pcm_writei(pcm, samples, size);
		done += ret > 0 ? (size_t)ret : 0;
		if (ret >= 0 && snd_pcm_state(pcm) == SND_PCM_STATE_PREPARED)
			ret = snd_pcm_start(pcm);
	}
	free(samples);
	if (ret >= 0)
		ret = snd_pcm_drain(pcm);
	if (ret < 0)
		printf("# %s, %u channels, %u Hz, period %lu, buffer %lu: %s after %zu frames\n",
			snd_pcm_format_name(offer->format), offer->channels, offer->rate,
			offer->period, offer->buffer, snd_strerror((int)ret), done);
	return ret >= 0;
}

static bool offer_works(const struct options *options, snd_pcm_t *pcm, struct offer *offer)
{
	int ret = offer_take(pcm, offer);

	if (ret < 0)
		printf("# %s, %u channels, %u Hz, period %lu, buffer %lu: %s\n",
			snd_pcm_format_name(offer->format), offer->channels, offer->rate,
			offer->period, offer->buffer, snd_strerror(ret));
	return ret == 0 && offer_runs(options, pcm, offer, 2 * offer->period + 1);
}

/* ---- Formats, channels, rates ---- */

/* The card is configured to have them all, also three that ALSA has no frames for. */
static void case_formats(const struct options *options)
{
	static const snd_pcm_format_t frameless[] = { SND_PCM_FORMAT_MPEG, SND_PCM_FORMAT_GSM,
		SND_PCM_FORMAT_IMA_ADPCM };
	snd_pcm_t *pcm = pcm_open(options, 0);
	snd_pcm_hw_params_t *params;
	snd_pcm_format_mask_t *mask;
	unsigned int offered = 0, good = 0, odd = 0;

	snd_pcm_hw_params_alloca(&params);
	snd_pcm_format_mask_alloca(&mask);
	must(snd_pcm_hw_params_any(pcm, params), "hw_params_any");
	snd_pcm_hw_params_get_format_mask(params, mask);
	for (int format = 0; format <= SND_PCM_FORMAT_LAST; format++) {
		struct offer two = { .format = format,
			.channels = 2,
			.rate = 96000,
			.period = 256,
			.buffer = 1024 };
		struct offer many = two;

		many.channels = 8;
		if (!snd_pcm_format_mask_test(mask, format))
			continue;
		offered++;
		good += offer_works(options, pcm, &two) && offer_works(options, pcm, &many);
	}
	for (unsigned int i = 0; i < 3; i++)
		odd += snd_pcm_format_mask_test(mask, frameless[i]) != 0;
	/* alsa-lib's hw_params have no IEC958_SUBFRAME_BE, which makes 21 of 22. */
	check(offered >= 21, "every format that ALSA has frames for is offered");
	check_result(odd, 0, "and mpeg, gsm and ima_adpcm are not");
	check_result(good, offered, "every format that is offered works");
	snd_pcm_close(pcm);
}

static void case_channels(const struct options *options)
{
	static const unsigned int counts[] = { 1, 2, 3, 4, 5, 6, 7, 8, 64, 255 };
	snd_pcm_t *pcm = pcm_open(options, 0);
	snd_pcm_hw_params_t *params;
	unsigned int min = 0, max = 0;

	snd_pcm_hw_params_alloca(&params);
	must(snd_pcm_hw_params_any(pcm, params), "hw_params_any");
	snd_pcm_hw_params_get_channels_min(params, &min);
	snd_pcm_hw_params_get_channels_max(params, &max);
	check(min == 1 && max == 255, "1 to 255 channels are offered");
	for (unsigned int i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct offer offer = { .format = SND_PCM_FORMAT_S16_LE,
			.channels = counts[i],
			.rate = 96000,
			.period = 64,
			.buffer = 256 };

		check(offer_works(options, pcm, &offer), "%u channels work", counts[i]);
	}
	snd_pcm_close(pcm);
}

/* The card has 12345, 44100 and 96000 Hz. */
static void case_rates(const struct options *options)
{
	snd_pcm_t *pcm = pcm_open(options, 0);
	struct offer offer = { .format = SND_PCM_FORMAT_S16_LE,
		.channels = 2,
		.rate = 12345,
		.period = 256,
		.buffer = 1024 };

	check(offer_works(options, pcm, &offer), "a rate that only the configuration knows works");
	offer.rate = 48000;
	check_result(offer_take(pcm, &offer), -EINVAL, "a rate that it does not know is refused");
	offer.rate = 96000;
	check(offer_works(options, pcm, &offer), "and the PCM stays usable");
	snd_pcm_close(pcm);
}

/* ---- Sizes ---- */

static void size_check(const struct options *options, snd_pcm_format_t format,
	unsigned int channels, unsigned long period, unsigned long buffer)
{
	snd_pcm_t *pcm = pcm_open(options, 0);
	struct offer offer = { .format = format,
		.channels = channels,
		.rate = 96000,
		.period = period,
		.buffer = buffer };
	int ret = offer_take(pcm, &offer);
	/* Round the buffer once, where that does not take seconds. */
	size_t frames = offer.buffer + offer.period + 1;

	check(ret == 0 && offer_runs(options, pcm, &offer, frames < 48000 ? frames : 48000),
		"%s, %u channels: the %s period with the %s buffer works",
		snd_pcm_format_name(format), channels, period ? "largest" : "smallest",
		buffer ? "largest" : "smallest");
	printf("# period %lu, buffer %lu: %s\n", offer.period, offer.buffer, snd_strerror(ret));
	snd_pcm_close(pcm);
}

static void case_sizes(const struct options *options)
{
	static const struct {
		snd_pcm_format_t format;
		unsigned int channels;
	} frames[] = { { SND_PCM_FORMAT_U8, 1 }, { SND_PCM_FORMAT_S16_LE, 2 },
		{ SND_PCM_FORMAT_FLOAT64_LE, 3 }, { SND_PCM_FORMAT_FLOAT64_LE, 255 } };

	for (unsigned int i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		size_check(options, frames[i].format, frames[i].channels, 0, 0);
		size_check(options, frames[i].format, frames[i].channels, 0, ULONG_MAX);
		size_check(options, frames[i].format, frames[i].channels, ULONG_MAX, ULONG_MAX);
	}
}

/* ---- Channel maps ---- */

union map {
	snd_pcm_chmap_t map;
	unsigned int room[1 + MAX_MAP];
};

static snd_pcm_t *map_pcm(const struct options *options, unsigned int channels)
{
	const struct setup setup = { .access = SND_PCM_ACCESS_RW_INTERLEAVED,
		.channels = channels,
		.period = PERIOD,
		.buffer = BUFFER,
		.start = NEVER,
		.stop = NEVER };

	return pcm_make(options, 0, &setup);
}

static bool map_get(snd_pcm_t *pcm, union map *to)
{
	snd_pcm_chmap_t *map = snd_pcm_get_chmap(pcm);
	bool good = map && map->channels <= MAX_MAP;

	if (good)
		memcpy(to, map, sizeof(map->channels) + map->channels * sizeof(map->pos[0]));
	free(map);
	return good;
}

static bool maps_equal(const union map *a, const union map *b)
{
	return a->map.channels == b->map.channels &&
	       memcmp(a->map.pos, b->map.pos, a->map.channels * sizeof(a->map.pos[0])) == 0;
}

static union map map_reversed(const union map *map)
{
	union map reversed = *map;

	for (unsigned int i = 0; i < map->map.channels; i++)
		reversed.map.pos[i] = map->map.pos[map->map.channels - 1 - i];
	return reversed;
}

/* FRAMES frames, every sample different: channel and frame in one number. */
static void frames_make(int16_t *samples, unsigned int channels)
{
	for (unsigned int i = 0; i < FRAMES * channels; i++)
		samples[i] = (int16_t)(i % channels * 2000 + i / channels);
}

/* Does one have the other's channels in reverse order? */
static bool frames_reversed(const int16_t *one, const int16_t *other, unsigned int channels)
{
	for (unsigned int i = 0; i < FRAMES; i++)
		for (unsigned int channel = 0; channel < channels; channel++)
			if (one[i * channels + channel] !=
				other[i * channels + channels - 1 - channel])
				return false;
	return true;
}

/* The first FRAMES frames of a WAV file, whatever its header's length. */
static bool wav_load(const char *path, int16_t *samples, unsigned int channels)
{
	size_t wanted = (size_t)FRAMES * channels * sizeof(*samples);
	FILE *file = fopen(path, "rb");
	char head[200];
	size_t got = file ? fread(head, 1, sizeof(head), file) : 0;
	const char *data = memmem(head, got, "data", 4);
	bool good = data && fseek(file, data + 8 - head, SEEK_SET) == 0 &&
		    fread(samples, 1, wanted, file) == wanted;

	if (file)
		fclose(file);
	return good;
}

/* The other way round in the program than in the card. */
static void map_permutes(const struct options *options, snd_pcm_t *pcm, unsigned int channels)
{
	int16_t program[FRAMES * MAX_MAP], card[FRAMES * MAX_MAP];
	bool good;

	if (is_capture(options)) {
		must(snd_pcm_start(pcm), "start");
		must(snd_pcm_readi(pcm, program, FRAMES), "readi");
		must(snd_pcm_close(pcm), "close");
		good = wav_load(options->file, card, channels);
	} else {
		frames_make(program, channels);
		must(snd_pcm_writei(pcm, program, FRAMES), "writei");
		must(snd_pcm_drain(pcm), "drain");
		must(snd_pcm_close(pcm), "close");
		good = wav_load(options->other_file, card, channels);
	}
	check(good && frames_reversed(program, card, channels),
		"%u channels: a map that was set permutes the samples", channels);
}

static bool map_is_offered(snd_pcm_t *pcm, const union map *wanted)
{
	snd_pcm_chmap_query_t **maps = snd_pcm_query_chmaps(pcm);
	bool found = false;

	for (unsigned int i = 0; maps && maps[i]; i++)
		found = found || (maps[i]->map.channels == wanted->map.channels &&
					 memcmp(maps[i]->map.pos, wanted->map.pos,
						 wanted->map.channels * sizeof(int)) == 0);
	if (maps)
		snd_pcm_free_chmaps(maps);
	return found;
}

static void map_refused(snd_pcm_t *pcm, const union map *standard)
{
	union map wrong = *standard, now;

	wrong.map.pos[0] = SND_CHMAP_TC;
	check_result(snd_pcm_set_chmap(pcm, &wrong.map), -EINVAL, "a place that is not there");
	wrong.map.pos[0] = wrong.map.pos[1];
	check_result(snd_pcm_set_chmap(pcm, &wrong.map), -EINVAL, "a place that is there twice");
	wrong = *standard;
	wrong.map.channels--;
	check_result(snd_pcm_set_chmap(pcm, &wrong.map), -EINVAL, "too few places");
	check(map_get(pcm, &now) && maps_equal(&now, standard), "refused maps change nothing");
	pcm_run(pcm, PERIOD);
	wrong = map_reversed(standard);
	check(snd_pcm_set_chmap(pcm, &wrong.map) < 0, "another map while it runs");
	check(map_get(pcm, &now) && maps_equal(&now, standard), "which then stays as it was");
}

static void maps_check(const struct options *options, unsigned int channels)
{
	snd_pcm_t *pcm = map_pcm(options, channels);
	union map standard, reversed, now;

	printf("# a map of %u channels\n", channels);
	if (!check(map_get(pcm, &standard) && standard.map.channels == channels,
		    "%u channels: there is a map", channels)) {
		snd_pcm_close(pcm);
		return;
	}
	check(map_is_offered(pcm, &standard), "%u channels: the map is among those offered",
		channels);
	reversed = map_reversed(&standard);
	check_result(snd_pcm_set_chmap(pcm, &reversed.map), 0, "a permutation can be set");
	check(map_get(pcm, &now) && maps_equal(&now, &reversed), "and is what get says then");
	map_permutes(options, pcm, channels);
	pcm = map_pcm(options, channels);
	printf("# refused:\n");
	map_refused(pcm, &standard);
	snd_pcm_close(pcm);
}

/* As many channels as -e says: the card's file has so many. */
static void case_maps(const struct options *options)
{
	maps_check(options, (unsigned int)strtoul(options->error, NULL, 10));
}

/* ---- For people ---- */

static void case_dump(const struct options *options)
{
	static const char *const wanted[] = { "\"Card", "Backend in domain 0", "position by",
		"requests so far", "slots in use", "Its setup is" };
	snd_pcm_t *pcm = pcm_open(options, 0);
	snd_output_t *output;
	char *text = NULL;

	must(snd_output_buffer_open(&output), "output");
	check_result(snd_pcm_dump(pcm, output), 0, "dump before a setup");
	must(hw_params(pcm, &usual), "hw_params");
	check(pcm_works(pcm), "it works");
	check_result(snd_pcm_dump(pcm, output), 0, "dump after it worked");
	snd_output_putc(output, '\0');
	snd_output_buffer_string(output, &text);
	for (unsigned int i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		check(text && strstr(text, wanted[i]), "dump says: %s", wanted[i]);
	check(text && strstr(text, is_capture(options) ? "capture" : "playback"),
		"dump says which direction");
	/* -e: the policy as configured, and what it makes of the position. */
	if (options->error)
		check(text && strstr(text, options->error), "dump says: %s", options->error);
	snd_output_close(output);
	snd_pcm_close(pcm);
}

static void case_works(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &usual);

	check(pcm_works(pcm), "%s works", options->device);
	snd_pcm_close(pcm);
}

static const struct test_case cases[] = {
	{ "formats", case_formats },
	{ "channels", case_channels },
	{ "rates", case_rates },
	{ "sizes", case_sizes },
	{ "maps", case_maps },
	{ "dump", case_dump },
	{ "works", case_works },
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
