/* SPDX-License-Identifier: MIT */
/*
 * What ALSA promises a program that records, where the samples matter: they are compared with the
 * file that the card records from. Prints TAP.
 *
 * Apart from promises_test.c because these need a source that gives that file, from its start after
 * the first START, at its own pace.
 *
 * Usage: capture_test [OPTION...] CASE..., with options as in pcm_case.h; -C is implied
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "pcm_case.h"

#define MUCH (2 * RATE) /* frames in the buffer: two seconds to be late by */
#define PART 24000u     /* frames that a case records */

static const struct setup patient = {
	.access = SND_PCM_ACCESS_RW_INTERLEAVED, .period = PERIOD, .buffer = MUCH
};

struct recording {
	snd_pcm_t *pcm;
	struct sound source;
	int16_t *samples; /* PART frames */
};

static struct recording recording_make(const struct options *options, const struct setup *setup)
{
	struct options capture = *options;
	struct recording recording;

	capture.stream = SND_PCM_STREAM_CAPTURE;
	recording.pcm = pcm_make(&capture, 0, setup);
	recording.source = sound_load(options->file);
	recording.samples = calloc(PART, FRAME_BYTES);
	if (!recording.samples)
		must(-ENOMEM, "samples");
	return recording;
}

static void recording_end(struct recording *recording)
{
	check_result(snd_pcm_close(recording->pcm), 0, "close");
	free(recording->samples);
	free(recording->source.samples);
}

/* Reads so many frames and tells where in the source they stand; bails out if nowhere. */
static long read_at(struct recording *recording, snd_pcm_uframes_t frames)
{
	snd_pcm_sframes_t ret = snd_pcm_readi(recording->pcm, recording->samples, frames);
	long at;

	if (ret != (snd_pcm_sframes_t)frames)
		must(ret < 0 ? ret : -EIO, "readi");
	at = sound_find(&recording->source, recording->samples, frames, 0);
	if (at < 0)
		check(false, "%lu frames stand in the source as they were read", frames);
	return at;
}

static void check_at(long got, long wanted, const char *name)
{
	if (!check(got == wanted, "%s", name))
		printf("# frame %ld of the source, not %ld\n", got, wanted);
}

static void wait_for(snd_pcm_t *pcm, snd_pcm_uframes_t frames)
{
	snd_pcm_sframes_t avail;

	while ((avail = snd_pcm_avail(pcm)) < (snd_pcm_sframes_t)frames)
		must(avail < 0 ? avail : snd_pcm_wait(pcm, PATIENCE_MS), "wait");
}

/* ---- Accesses ---- */

static snd_pcm_sframes_t readn_part(snd_pcm_t *pcm, int16_t *samples, snd_pcm_uframes_t frames)
{
	int16_t channels[CHANNELS][PERIOD];
	void *buffers[CHANNELS] = { channels[0], channels[1] };
	snd_pcm_sframes_t got = snd_pcm_readn(pcm, buffers, frames < PERIOD ? frames : PERIOD);

	for (snd_pcm_sframes_t i = 0; i < got; i++)
		for (unsigned int channel = 0; channel < CHANNELS; channel++)
			samples[i * CHANNELS + channel] = channels[channel][i];
	return got;
}

static snd_pcm_sframes_t readi_part(snd_pcm_t *pcm, int16_t *samples, snd_pcm_uframes_t frames)
{
	return snd_pcm_readi(pcm, samples, frames < PERIOD ? frames : PERIOD);
}

static void areas_take(int16_t *samples, const snd_pcm_channel_area_t *areas,
	snd_pcm_uframes_t offset, unsigned int frames)
{
	for (unsigned int channel = 0; channel < CHANNELS; channel++) {
		snd_pcm_channel_area_t to = {
			.addr = samples, .first = channel * 16, .step = FRAME_BYTES * 8
		};

		snd_pcm_area_copy(&to, 0, &areas[channel], offset, frames, SND_PCM_FORMAT_S16);
	}
}

static snd_pcm_sframes_t mmap_part(snd_pcm_t *pcm, int16_t *samples, snd_pcm_uframes_t frames)
{
	const snd_pcm_channel_area_t *areas;
	snd_pcm_uframes_t offset;
	snd_pcm_sframes_t ret = 0;

	if (snd_pcm_state(pcm) == SND_PCM_STATE_PREPARED)
		ret = snd_pcm_start(pcm);
	while (ret == 0) {
		ret = snd_pcm_avail_update(pcm);
		if (ret == 0 && (ret = snd_pcm_wait(pcm, PATIENCE_MS)) >= 0)
			ret = 0;
	}
	if (ret > 0)
		ret = snd_pcm_mmap_begin(pcm, &areas, &offset, &frames);
	if (ret < 0)
		return ret;
	areas_take(samples, areas, offset, (unsigned int)frames);
	return snd_pcm_mmap_commit(pcm, offset, frames);
}

typedef snd_pcm_sframes_t (*part_read)(snd_pcm_t *pcm, int16_t *samples, snd_pcm_uframes_t frames);

static void record_with(const struct options *options, snd_pcm_access_t access, part_read read)
{
	struct setup setup = patient;
	struct recording recording;
	snd_pcm_uframes_t at = 0;

	setup.access = access;
	recording = recording_make(options, &setup);
	while (at < PART)
		at += (snd_pcm_uframes_t)must(
			read(recording.pcm, recording.samples + at * CHANNELS, PART - at), "read");
	check_at(sound_find(&recording.source, recording.samples, PART, 0), 0,
		snd_pcm_access_name(access));
	recording_end(&recording);
}

static void case_accesses(const struct options *options)
{
	printf("# each records bit-exact, from the first frame on\n");
	record_with(options, SND_PCM_ACCESS_RW_INTERLEAVED, readi_part);
	record_with(options, SND_PCM_ACCESS_RW_NONINTERLEAVED, readn_part);
	record_with(options, SND_PCM_ACCESS_MMAP_INTERLEAVED, mmap_part);
	record_with(options, SND_PCM_ACCESS_MMAP_NONINTERLEAVED, mmap_part);
}

static void peek(snd_pcm_t *pcm, int16_t *samples, snd_pcm_uframes_t frames, snd_pcm_uframes_t take)
{
	const snd_pcm_channel_area_t *areas;
	snd_pcm_uframes_t offset, there = frames;

	must(snd_pcm_avail_update(pcm), "avail_update");
	must(snd_pcm_mmap_begin(pcm, &areas, &offset, &there), "mmap_begin");
	if (there != frames)
		must(-EIO, "so few frames");
	areas_take(samples, areas, offset, (unsigned int)frames);
	must(snd_pcm_mmap_commit(pcm, offset, take), "mmap_commit");
}

/* A look takes nothing away, and a part that is taken takes just that. */
static void case_peek(const struct options *options)
{
	int16_t first[PERIOD * CHANNELS], second[PERIOD * CHANNELS];
	struct setup setup = patient;
	struct recording recording;
	snd_pcm_sframes_t before;

	setup.access = SND_PCM_ACCESS_MMAP_INTERLEAVED;
	recording = recording_make(options, &setup);
	must(snd_pcm_start(recording.pcm), "start");
	wait_for(recording.pcm, 3 * PERIOD);
	peek(recording.pcm, first, PERIOD, 0);
	peek(recording.pcm, second, PERIOD, 0);
	check(memcmp(first, second, sizeof(first)) == 0 &&
			sound_find(&recording.source, first, PERIOD, 0) == 0,
		"mmap_begin twice gives the same frames");
	before = snd_pcm_avail(recording.pcm);
	peek(recording.pcm, first, PERIOD, 100);
	check(snd_pcm_avail(recording.pcm) >= before - 100, "a partial commit takes a part");
	peek(recording.pcm, second, PERIOD, PERIOD);
	check_at(sound_find(&recording.source, second, PERIOD, 0), 100,
		"and the rest is there next time");
	peek(recording.pcm, second, PERIOD, PERIOD);
	check_at(sound_find(&recording.source, second, PERIOD, 0), 100 + PERIOD,
		"and what follows after that");
	recording_end(&recording);
}

/* ---- Overruns ---- */

static void case_overrun(const struct options *options)
{
	struct setup setup = patient;
	struct recording recording;
	long before, after;

	setup.buffer = BUFFER;
	recording = recording_make(options, &setup);
	must(snd_pcm_start(recording.pcm), "start");
	while (snd_pcm_avail(recording.pcm) >= 0)
		must(snd_pcm_wait(recording.pcm, PATIENCE_MS), "wait");
	check_state(recording.pcm, SND_PCM_STATE_XRUN, "a program that does not read is in XRUN");
	check_result(snd_pcm_readi(recording.pcm, recording.samples, 1), -EPIPE,
		"and reads nothing then, not even what there was");
	must(snd_pcm_prepare(recording.pcm), "prepare");
	must(snd_pcm_start(recording.pcm), "start");
	before = read_at(&recording, PERIOD);
	check(before >= (long)BUFFER, "after an overrun it reads what came later");
	after = read_at(&recording, PERIOD);
	check_at(after, before + (long)PERIOD, "and from there on without a gap");
	recording_end(&recording);
}

/* Without a stop threshold the newest overwrites the oldest, and the count goes on. */
static void case_no_overrun(const struct options *options)
{
	snd_pcm_sframes_t avail, first;
	struct setup setup = patient;
	struct recording recording;
	long at, last;

	setup.buffer = BUFFER;
	setup.stop = NEVER;
	setup.avail_min = 2 * BUFFER;
	recording = recording_make(options, &setup);
	must(snd_pcm_start(recording.pcm), "start");
	wait_for(recording.pcm, 2 * BUFFER);
	first = snd_pcm_avail(recording.pcm);
	check_state(recording.pcm, SND_PCM_STATE_RUNNING,
		"without a stop threshold there is no overrun");
	wait_for(recording.pcm, (snd_pcm_uframes_t)first + PERIOD);
	check(true, "and the position moves on");
	avail = snd_pcm_avail(recording.pcm);
	/* All but the newest periods. */
	must(snd_pcm_forward(recording.pcm, (snd_pcm_uframes_t)avail - PERIOD), "forward");
	setup.avail_min = PERIOD;
	must(sw_params(recording.pcm, &setup), "sw_params");
	at = read_at(&recording, PERIOD / 2);
	check(at >= (long)BUFFER, "what is read after that is new");
	last = read_at(&recording, PERIOD);
	check_at(last, at + (long)PERIOD / 2, "and what follows is without a gap");
	recording_end(&recording);
}

/* ---- Pauses ---- */

static void case_pause(const struct options *options)
{
	struct recording recording = recording_make(options, &patient);
	long at = 0, wanted = 0;
	unsigned int good = 0;

	for (unsigned int i = 0; i < 5; i++) {
		at = read_at(&recording, 2 * PERIOD + 7);
		good += at == wanted;
		wanted += 2 * (long)PERIOD + 7;
		must(snd_pcm_pause(recording.pcm, 1), "pause");
		poll(NULL, 0, 30);
		must(snd_pcm_pause(recording.pcm, 0), "going on");
	}
	if (!check(good == 5, "a recording is without a gap over pauses"))
		printf("# the last part was at %ld\n", at);
	/* What was recorded before a pause can be read in it. */
	wait_for(recording.pcm, 2 * PERIOD);
	must(snd_pcm_pause(recording.pcm, 1), "pause");
	check_at(read_at(&recording, PERIOD), wanted, "what was recorded is read in a pause");
	must(snd_pcm_pause(recording.pcm, 0), "going on");
	check_at(read_at(&recording, 4 * PERIOD), wanted + (long)PERIOD, "and goes on after it");
	must(snd_pcm_pause(recording.pcm, 1), "pause");
	check_result(snd_pcm_drop(recording.pcm), 0, "drop in a pause");
	must(snd_pcm_prepare(recording.pcm), "prepare");
	check(read_at(&recording, PERIOD) > wanted, "and it records again");
	recording_end(&recording);
}

/* ---- Moving the pointer ---- */

static void case_reset(const struct options *options)
{
	struct recording recording = recording_make(options, &patient);
	snd_pcm_sframes_t pending, avail, delay;
	long before, after;

	before = read_at(&recording, PERIOD);
	wait_for(recording.pcm, 10 * PERIOD);
	pending = snd_pcm_avail(recording.pcm);
	check_result(snd_pcm_reset(recording.pcm), 0, "reset");
	must(snd_pcm_avail_delay(recording.pcm, &avail, &delay), "avail_delay");
	check(avail < pending && delay >= avail, "reset skips what was recorded");
	check_state(recording.pcm, SND_PCM_STATE_RUNNING, "and it records on");
	after = read_at(&recording, PERIOD);
	check(after >= before + (long)PERIOD + (long)pending, "what is read next came later");
	check_at(read_at(&recording, PERIOD), after + (long)PERIOD, "and goes on without a gap");
	recording_end(&recording);
}

static void case_rewind(const struct options *options)
{
	struct recording recording = recording_make(options, &patient);
	long at = read_at(&recording, 5 * PERIOD);

	check_result(snd_pcm_rewind(recording.pcm, 2 * PERIOD), 2 * PERIOD, "rewind");
	check(snd_pcm_avail(recording.pcm) >= (snd_pcm_sframes_t)(2 * PERIOD),
		"makes frames available again");
	check_at(read_at(&recording, 3 * PERIOD), at + 3 * (long)PERIOD,
		"and they are read again, and what follows");
	/* alsa-lib lets it go further back than there was anything. */
	must(snd_pcm_rewind(recording.pcm, 100 * MUCH), "rewind");
	check_result(snd_pcm_avail(recording.pcm), -EPIPE, "rewind to before the start is an xrun");
	must(snd_pcm_prepare(recording.pcm), "prepare");
	check(read_at(&recording, PERIOD) > at, "after which it records again");
	recording_end(&recording);
}

static void case_forward(const struct options *options)
{
	struct recording recording = recording_make(options, &patient);
	long at = read_at(&recording, PERIOD);

	wait_for(recording.pcm, 4 * PERIOD);
	check_result(snd_pcm_forward(recording.pcm, 2 * PERIOD + 3), 2 * PERIOD + 3, "forward");
	check_at(read_at(&recording, PERIOD), at + 3 * (long)PERIOD + 3,
		"what is read next comes after what was skipped");
	recording_end(&recording);
}

/* ---- The end ---- */

static void case_drain(const struct options *options)
{
	struct recording recording = recording_make(options, &patient);
	int64_t began;
	long at;

	check_result(snd_pcm_drain(recording.pcm), 0, "drain before anything was recorded");
	check_state(recording.pcm, SND_PCM_STATE_SETUP, "ends in SETUP");
	must(snd_pcm_prepare(recording.pcm), "prepare");
	at = read_at(&recording, PERIOD);
	wait_for(recording.pcm, PERIOD);
	began = xensnd_now_ns();
	/* The buffer has room for two seconds, which it does not wait for. */
	check(snd_pcm_drain(recording.pcm) == 0 && elapsed_below(began, 1000),
		"drain of a recording ends at once");
	check_state(recording.pcm, SND_PCM_STATE_SETUP, "in SETUP");
	check_result(snd_pcm_readi(recording.pcm, recording.samples, 1), -EBADFD,
		"readi after drain is refused");
	must(snd_pcm_prepare(recording.pcm), "prepare");
	check_result(snd_pcm_avail(recording.pcm), 0, "nothing is left after prepare");
	check(read_at(&recording, PERIOD) > at, "and it records again");
	recording_end(&recording);
}

static void case_nonblock(const struct options *options)
{
	struct recording recording = recording_make(options, &patient);

	must(snd_pcm_nonblock(recording.pcm, 1), "nonblock");
	check_result(snd_pcm_readi(recording.pcm, recording.samples, 50 * PERIOD), -EAGAIN,
		"readi with nothing to read does not wait");
	check_state(recording.pcm, SND_PCM_STATE_RUNNING, "and has started");
	check(revents_within(recording.pcm, PATIENCE_MS) == POLLIN, "poll says when there is");
	check_at(read_at(&recording, PERIOD), 0, "and nothing is missing");
	recording_end(&recording);
}

static const struct test_case cases[] = {
	{ "accesses", case_accesses },
	{ "peek", case_peek },
	{ "overrun", case_overrun },
	{ "no-overrun", case_no_overrun },
	{ "pause", case_pause },
	{ "reset", case_reset },
	{ "rewind", case_rewind },
	{ "forward", case_forward },
	{ "drain", case_drain },
	{ "nonblock", case_nonblock },
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
