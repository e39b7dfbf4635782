/* SPDX-License-Identifier: MIT */
/*
 * What ALSA promises a program that plays, asked of one PCM through alsa-lib's public functions.
 * Prints TAP.
 *
 * Apart from promises_test.c because these need a backend that plays what it is given, at its own
 * pace, and mostly some sound.
 *
 * Usage: pcm_test [OPTION...] CASE..., with options as in pcm_case.h
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "pcm_case.h"

/* ---- Underrun ---- */

static const struct setup starving = { .access = SND_PCM_ACCESS_RW_INTERLEAVED,
	.period = PERIOD,
	.buffer = BUFFER,
	.start = BUFFER,
	.avail_min = 64 * BUFFER };

/* Plays a period and no more. With that avail_min only the underrun makes the descriptor ready. */
static bool starve(snd_pcm_t *pcm)
{
	write_silence(pcm, PERIOD);
	must(snd_pcm_start(pcm), "start");
	return fd_ready(pcm, PATIENCE_MS);
}

static void underrun_is_told(snd_pcm_t *pcm)
{
	check(starve(pcm), "an underrun makes the descriptor ready");
	check_result(snd_pcm_writei(pcm, silence, PERIOD), -EPIPE, "writei after an underrun");
	check_state(pcm, SND_PCM_STATE_XRUN, "the state after an underrun is XRUN");
	check_result(snd_pcm_writei(pcm, silence, PERIOD), -EPIPE, "writei again gives the same");
	check_result(snd_pcm_start(pcm) < 0, true, "start after an underrun is refused");
	check_result(snd_pcm_prepare(pcm), 0, "prepare ends the underrun");
	check_result(snd_pcm_avail(pcm), BUFFER, "the buffer is empty after prepare");
	check(pcm_works(pcm), "playing goes on after prepare");
}

static void underrun_elsewhere(snd_pcm_t *pcm)
{
	must(snd_pcm_prepare(pcm), "prepare");
	starve(pcm);
	check_result(snd_pcm_avail(pcm), -EPIPE, "avail after an underrun");
	must(snd_pcm_prepare(pcm), "prepare");
	starve(pcm);
	check_result(snd_pcm_wait(pcm, PATIENCE_MS), -EPIPE, "wait after an underrun");
	must(snd_pcm_prepare(pcm), "prepare");
	write_silence(pcm, PERIOD);
	must(snd_pcm_start(pcm), "start");
	check_result(snd_pcm_wait(pcm, PATIENCE_MS), -EPIPE, "wait that an underrun ends");
	check_result(snd_pcm_recover(pcm, -EPIPE, 1), 0, "snd_pcm_recover()");
	check_state(pcm, SND_PCM_STATE_PREPARED, "the state after snd_pcm_recover() is PREPARED");
	check(pcm_works(pcm), "playing goes on after snd_pcm_recover()");
}

static void case_underrun(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &starving);

	underrun_is_told(pcm);
	underrun_elsewhere(pcm);
	must(snd_pcm_prepare(pcm), "prepare");
	starve(pcm);
	check(revents_within(pcm, PATIENCE_MS) == (POLLOUT | POLLERR),
		"poll in XRUN says POLLOUT and POLLERR");
	check_state(pcm, SND_PCM_STATE_XRUN, "poll finds the underrun");
	check_result(snd_pcm_drop(pcm), 0, "drop in XRUN");
	must(snd_pcm_prepare(pcm), "prepare");
	starve(pcm);
	check_result(snd_pcm_close(pcm), 0, "close in XRUN");
}

/* For so long: every answer is that all was played, and none is an error. */
static bool stands(snd_pcm_t *pcm, int64_t ms)
{
	int64_t until_ns = xensnd_deadline_ms(ms);
	snd_pcm_sframes_t avail, delay;

	do {
		avail = snd_pcm_avail(pcm);
		if (snd_pcm_delay(pcm, &delay) < 0)
			delay = -1;
	} while (avail == BUFFER && delay == 0 && xensnd_now_ns() < until_ns);
	if (avail != BUFFER || delay != 0)
		printf("# avail %ld, delay %ld\n", (long)avail, (long)delay);
	return avail == BUFFER && delay == 0 && snd_pcm_state(pcm) == SND_PCM_STATE_RUNNING;
}

static void case_no_underrun(const struct options *options)
{
	struct setup setup = usual;
	snd_pcm_t *pcm;
	int64_t began;

	setup.stop = NEVER;
	setup.start = setup.avail_min = BUFFER;
	pcm = pcm_make(options, 0, &setup);
	write_silence(pcm, PERIOD);
	must(snd_pcm_start(pcm), "start");
	check(revents_within(pcm, PATIENCE_MS) == POLLOUT && stands(pcm, 900),
		"without a stop threshold the pointer stands where the data ends");
	began = xensnd_now_ns();
	write_silence(pcm, 3 * PERIOD + 7);
	check(revents_within(pcm, PATIENCE_MS) == POLLOUT && elapsed_ms(began) >= 50,
		"and goes on when there is more, as fast as it plays");
	check(stands(pcm, 50), "and stands again");
	check_result(snd_pcm_drain(pcm), 0, "and drain finds nothing left");
	snd_pcm_close(pcm);
}

/* ---- Set-up ---- */

static void case_setup(const struct options *options)
{
	snd_pcm_t *pcm = pcm_open(options, 0);
	struct setup setup = usual;
	bool good = true;

	for (unsigned int i = 1; i <= 3; i++) {
		setup.period = i * 480;
		setup.buffer = setup.period * (i + 1);
		good = good && hw_params(pcm, &setup) == 0;
	}
	check(good, "hw_params three times in a row");
	check(pcm_works(pcm), "the last one plays");
	check_result(hw_params(pcm, &usual), 0, "hw_params after playing");
	check(pcm_works(pcm), "and plays");
	check_result(snd_pcm_hw_free(pcm), 0, "hw_free");
	check_result(snd_pcm_hw_free(pcm), 0, "hw_free again");
	check_result(hw_params(pcm, &usual), 0, "hw_params after hw_free");
	check(pcm_works(pcm), "and plays again");
	must(snd_pcm_prepare(pcm), "prepare");
	write_silence(pcm, BUFFER);
	check_result(hw_params(pcm, &usual), 0, "hw_params in the middle of playing");
	check(pcm_works(pcm), "and plays after that");
	must(snd_pcm_prepare(pcm), "prepare");
	write_silence(pcm, BUFFER);
	check_result(snd_pcm_close(pcm), 0, "close while playing, without hw_free");
	pcm = pcm_open(options, 0);
	check_result(snd_pcm_close(pcm), 0, "close without hw_params");
}

static void case_prepare(const struct options *options)
{
	struct setup setup = usual;
	snd_pcm_sframes_t delay = -1;
	snd_pcm_t *pcm;

	setup.stop = NEVER; /* on a busy machine, too */
	pcm = pcm_make(options, 0, &setup);
	check_result(snd_pcm_drop(pcm), 0, "drop before anything was written");
	check_state(pcm, SND_PCM_STATE_SETUP, "the state after drop is SETUP");
	check_result(snd_pcm_drop(pcm), 0, "drop again");
	check_result(snd_pcm_prepare(pcm), 0, "prepare after drop");
	for (unsigned int i = 0; i < 6; i++)
		write_silence(pcm, PERIOD);
	check_result(snd_pcm_drop(pcm), 0, "drop while playing");
	check_result(snd_pcm_prepare(pcm), 0, "prepare after that");
	check_state(pcm, SND_PCM_STATE_PREPARED, "the state after prepare is PREPARED");
	check_result(snd_pcm_avail(pcm), BUFFER, "position restarts at 0 after prepare");
	check(snd_pcm_delay(pcm, &delay) == 0 && delay == 0, "delay is 0 after prepare");
	check(pcm_works(pcm), "a stream that was dropped plays again");
	check_result(snd_pcm_prepare(pcm), 0, "prepare after drain");
	write_silence(pcm, PERIOD);
	check_result(snd_pcm_prepare(pcm), 0, "prepare of a stream that has data");
	check_result(snd_pcm_avail(pcm), BUFFER, "forgets the data");
	check(pcm_works(pcm), "and plays");
	snd_pcm_close(pcm);
}

static void case_pause(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &roomy);
	snd_pcm_sframes_t before = 0, after = 0;
	int64_t until_ns;

	check_result(snd_pcm_pause(pcm, 1), -EBADFD, "pause before start is refused");
	write_silence(pcm, LONG_BUFFER / 2);
	must(snd_pcm_start(pcm), "start");
	while (snd_pcm_avail(pcm) < (snd_pcm_sframes_t)LONG_BUFFER / 2 + 2 * PERIOD)
		must(snd_pcm_wait(pcm, PATIENCE_MS), "wait");
	check_result(snd_pcm_pause(pcm, 1), 0, "pause");
	check_state(pcm, SND_PCM_STATE_PAUSED, "the state in a pause is PAUSED");
	/* A last event may still be on its way. */
	until_ns = xensnd_deadline_ms(100);
	must(snd_pcm_delay(pcm, &before), "delay");
	while (xensnd_now_ns() < until_ns)
		must(snd_pcm_delay(pcm, &after), "delay");
	check(before - after <= (snd_pcm_sframes_t)PERIOD && after > 0, "delay freezes in a pause");
	before = after;
	until_ns = xensnd_deadline_ms(100);
	while (xensnd_now_ns() < until_ns && after == before)
		must(snd_pcm_delay(pcm, &after), "delay");
	check_result(after, before, "delay stays frozen");
	write_silence(pcm, PERIOD);
	check_result(snd_pcm_delay(pcm, &after) < 0 ? -1 : after, before + PERIOD,
		"a paused stream takes more");
	check_result(snd_pcm_pause(pcm, 0), 0, "going on");
	check_state(pcm, SND_PCM_STATE_RUNNING, "the state after a pause is RUNNING");
	check_result(snd_pcm_drain(pcm), 0, "drain after a pause");
	must(snd_pcm_prepare(pcm), "prepare");
	write_silence(pcm, LONG_BUFFER);
	must(snd_pcm_pause(pcm, 1), "pause");
	until_ns = xensnd_now_ns();
	check(snd_pcm_drop(pcm) == 0 && elapsed_below(until_ns, 200), "drop in a pause");
	check(snd_pcm_prepare(pcm) == 0 && pcm_works(pcm), "plays after a drop in a pause");
	snd_pcm_close(pcm);
}

/* ---- Polling ---- */

static void poll_while_running(snd_pcm_t *pcm)
{
	struct setup setup = roomy;

	check(revents_within(pcm, PATIENCE_MS) == POLLOUT, "poll is ready when there is room");
	write_silence(pcm, LONG_BUFFER);
	setup.avail_min = LONG_BUFFER / 2;
	must(sw_params(pcm, &setup), "sw_params");
	check(!fd_ready(pcm, 0) && revents_within(pcm, 20) == 0,
		"poll is not ready below avail_min");
	check(revents_within(pcm, PATIENCE_MS) == POLLOUT &&
			snd_pcm_avail(pcm) >= (snd_pcm_sframes_t)LONG_BUFFER / 2,
		"poll is ready at avail_min");
	setup.avail_min = LONG_BUFFER - PERIOD;
	must(sw_params(pcm, &setup), "sw_params");
	check(!fd_ready(pcm, 0), "a higher avail_min counts at once");
	setup.avail_min = LONG_BUFFER / 2;
	must(sw_params(pcm, &setup), "sw_params");
	check(fd_ready(pcm, 0), "a lower avail_min counts at once");
	check_result(snd_pcm_poll_descriptors_count(pcm), 1, "one descriptor while running");
}

static void case_poll(const struct options *options)
{
	snd_pcm_t *pcm = pcm_open(options, 0);
	struct pollfd first = pcm_pollfd(pcm), later;
	struct setup setup = roomy;

	check_result(snd_pcm_poll_descriptors_count(pcm), 1, "one descriptor after open");
	must(hw_params(pcm, &roomy), "hw_params");
	must(sw_params(pcm, &roomy), "sw_params");
	poll_while_running(pcm);
	must(snd_pcm_drop(pcm), "drop");
	check(fd_ready(pcm, 0) && revents_within(pcm, 0) == (POLLOUT | POLLERR),
		"poll in SETUP says POLLOUT and POLLERR");
	setup.avail_min = 2 * LONG_BUFFER;
	must(sw_params(pcm, &setup), "sw_params");
	check(fd_ready(pcm, 0), "and still does after sw_params");
	must(snd_pcm_prepare(pcm), "prepare");
	check(!fd_ready(pcm, 0), "poll is not ready below avail_min in PREPARED");
	setup.avail_min = PERIOD;
	must(sw_params(pcm, &setup), "sw_params");
	check(revents_within(pcm, 0) == POLLOUT, "poll is ready after prepare");
	write_silence(pcm, LONG_BUFFER - PERIOD / 2);
	check(!fd_ready(pcm, 0), "poll is not ready in PREPARED with a full buffer");
	must(snd_pcm_start(pcm), "start");
	check(revents_within(pcm, PATIENCE_MS) == POLLOUT, "poll is ready as soon as it plays");
	later = pcm_pollfd(pcm);
	check(later.fd == first.fd && later.events == first.events, "the descriptor never changes");
	snd_pcm_close(pcm);
}

/* Writes by the descriptor alone; returns how often it was ready for nothing. */
static unsigned int play_by_descriptor(snd_pcm_t *pcm, unsigned int frames)
{
	unsigned int idle = 0;

	while (frames > 0 && fd_ready(pcm, PATIENCE_MS)) {
		snd_pcm_sframes_t avail = snd_pcm_avail_update(pcm);
		snd_pcm_uframes_t size =
			avail < (snd_pcm_sframes_t)frames ? (snd_pcm_uframes_t)avail : frames;

		if (avail < 0 || idle > 10000)
			break;
		if (avail < (snd_pcm_sframes_t)PERIOD) {
			idle++;
			continue;
		}
		frames -= (unsigned int)must(snd_pcm_writei(pcm, silence, size), "writei");
	}
	return frames > 0 ? 10000 : idle;
}

static void case_level(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, SND_PCM_NONBLOCK, &usual);
	unsigned int idle = play_by_descriptor(pcm, RATE);

	if (!check(idle < 50, "a program that never asks for revents plays by the descriptor"))
		printf("# ready without room: %u times\n", idle);
	snd_pcm_close(pcm);
}

/* ---- Non-blocking ---- */

/* The rest of a drain, as a program with an event loop sees it: by poll and the state alone. */
static bool drain_ends_by_poll(snd_pcm_t *pcm)
{
	int64_t deadline_ns = xensnd_deadline_ms(PATIENCE_MS);
	unsigned int turns = 0;

	while (snd_pcm_state(pcm) == SND_PCM_STATE_DRAINING && xensnd_now_ns() < deadline_ns) {
		revents_within(pcm, xensnd_poll_ms(deadline_ns));
		turns++;
	}
	if (turns > 10)
		printf("# %u turns\n", turns);
	return snd_pcm_state(pcm) == SND_PCM_STATE_SETUP && turns <= 10;
}

static void case_nonblock(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, SND_PCM_NONBLOCK, &roomy);
	int64_t began = xensnd_now_ns();

	check_result(snd_pcm_writei(pcm, silence, LONG_BUFFER), LONG_BUFFER, "writei fills up");
	check_result(snd_pcm_writei(pcm, silence, LONG_BUFFER), -EAGAIN, "writei when full");
	check_result(snd_pcm_drain(pcm), -EAGAIN, "drain does not wait");
	check(elapsed_below(began, 300), "nothing of that took time");
	check_state(pcm, SND_PCM_STATE_DRAINING, "the state is DRAINING then");
	check(!fd_ready(pcm, 0) && revents_within(pcm, 20) == 0, "poll waits for a drain's end");
	check(drain_ends_by_poll(pcm), "polling ends the drain in SETUP");
	check(elapsed_ms(began) >= 400, "and not before all was played");
	check_result(snd_pcm_drain(pcm), 0, "another drain finds nothing");
	must(snd_pcm_prepare(pcm), "prepare");
	write_silence(pcm, PERIOD);
	while (snd_pcm_drain(pcm) == -EAGAIN)
		revents_within(pcm, PATIENCE_MS);
	check_state(pcm, SND_PCM_STATE_SETUP, "drain and poll in turn end in SETUP");
	snd_pcm_close(pcm);
}

/* ---- Drain ---- */

struct dropper {
	snd_pcm_t *pcm;
	pthread_t thread;
};

static void *drop_thread(void *argument)
{
	struct dropper *dropper = argument;

	while (snd_pcm_state(dropper->pcm) != SND_PCM_STATE_DRAINING)
		sched_yield();
	snd_pcm_drop(dropper->pcm);
	return NULL;
}

/* Half a second is in the buffer; drop by another thread ends drain's wait. */
static bool drain_dropped(snd_pcm_t *pcm)
{
	struct dropper dropper = { .pcm = pcm };
	int64_t began;

	must(snd_pcm_prepare(pcm), "prepare");
	write_silence(pcm, LONG_BUFFER);
	must(-pthread_create(&dropper.thread, NULL, drop_thread, &dropper), "thread");
	began = xensnd_now_ns();
	snd_pcm_drain(pcm);
	pthread_join(dropper.thread, NULL);
	return elapsed_below(began, 300) && snd_pcm_state(pcm) == SND_PCM_STATE_SETUP;
}

static void case_drain(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &roomy);
	int64_t began = xensnd_now_ns();
	unsigned int rounds = 0;

	check(snd_pcm_drain(pcm) == 0 && elapsed_below(began, 200), "drain of nothing");
	check_state(pcm, SND_PCM_STATE_SETUP, "the state after drain is SETUP");
	must(snd_pcm_prepare(pcm), "prepare");
	write_silence(pcm, 100);
	began = xensnd_now_ns();
	check(snd_pcm_drain(pcm) == 0 && elapsed_below(began, 500),
		"drain from PREPARED of less than a period");
	must(snd_pcm_prepare(pcm), "prepare");
	write_silence(pcm, 5 * PERIOD + 1);
	began = xensnd_now_ns();
	check(snd_pcm_drain(pcm) == 0 && elapsed_ms(began) >= 80 && elapsed_below(began, 600),
		"drain takes as long as the data plays");
	check_result(snd_pcm_writei(pcm, silence, 1), -EBADFD, "writei after drain is refused");
	must(snd_pcm_prepare(pcm), "prepare");
	write_silence(pcm, LONG_BUFFER);
	must(snd_pcm_pause(pcm, 1), "pause");
	began = xensnd_now_ns();
	check(snd_pcm_drain(pcm) == 0 && elapsed_below(began, 200), "drain in a pause drops");
	while (rounds < 30 && drain_dropped(pcm))
		rounds++;
	check_result(rounds, 30, "drop by another thread ends drain");
	snd_pcm_close(pcm);
}

/* ---- Position ---- */

struct samples {
	uint64_t written, played;
	unsigned long taken, back, ahead, delayed;
};

static void sample_take(snd_pcm_t *pcm, struct samples *samples)
{
	snd_pcm_sframes_t avail, delay;
	uint64_t played;

	must(snd_pcm_avail_delay(pcm, &avail, &delay), "avail_delay");
	played = samples->written + (uint64_t)avail - BUFFER;
	samples->taken++;
	samples->back += (int64_t)played < (int64_t)samples->played;
	samples->ahead += avail > (snd_pcm_sframes_t)BUFFER;
	samples->delayed += delay < 0 || delay > (snd_pcm_sframes_t)BUFFER;
	samples->played = played;
}

static void case_position(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, SND_PCM_NONBLOCK, &usual);
	struct samples samples = { .written = 0 };
	int64_t until_ns = xensnd_deadline_ms(500), began = xensnd_now_ns();
	uint64_t possible;

	while (xensnd_now_ns() < until_ns) {
		snd_pcm_sframes_t ret = snd_pcm_writei(pcm, silence, PERIOD);

		if (ret != -EAGAIN)
			samples.written += (uint64_t)must(ret, "writei");
		sample_take(pcm, &samples);
	}
	possible = (uint64_t)(xensnd_now_ns() - began) * RATE / XENSND_NS_PER_SECOND;
	printf("# %lu samples, %llu of %llu frames played\n", samples.taken,
		(unsigned long long)samples.played, (unsigned long long)samples.written);
	check(samples.taken > 100, "the position can be asked in a loop");
	check_result((long)samples.back, 0, "the pointer never goes back");
	check_result((long)samples.ahead, 0, "the pointer never passes what was written");
	check_result((long)samples.delayed, 0, "delay is never beyond the buffer");
	check(samples.played > possible / 2 && samples.played <= possible + 2 * PERIOD,
		"the pointer goes as fast as the clock");
	snd_pcm_close(pcm);
}

/* ---- Two devices, two opens ---- */

static bool sound_play(snd_pcm_t *pcm, const struct sound *sound)
{
	snd_pcm_uframes_t at = 0;

	while (at < sound->frames) {
		snd_pcm_uframes_t part = sound->frames - at < PERIOD ? sound->frames - at : PERIOD;
		snd_pcm_sframes_t ret = snd_pcm_writei(pcm, sound->samples + at * CHANNELS, part);

		if (ret < 0)
			return false;
		at += (snd_pcm_uframes_t)ret;
	}
	return snd_pcm_drain(pcm) == 0;
}

struct player {
	struct options options;
	pthread_t thread;
	bool good;
};

static void *play_thread(void *argument)
{
	struct player *player = argument;
	struct sound sound = sound_load(player->options.file);
	snd_pcm_t *pcm = pcm_make(&player->options, 0, &roomy);

	player->good = sound_play(pcm, &sound);
	snd_pcm_close(pcm);
	free(sound.samples);
	return NULL;
}

static void case_two(const struct options *options)
{
	struct player player = { .options = {
					 .device = options->other, .file = options->other_file } };
	snd_pcm_t *pcm = pcm_make(options, 0, &roomy), *second = NULL;
	struct sound sound = sound_load(options->file);
	int64_t began = xensnd_now_ns();

	check_result(snd_pcm_open(&second, options->device, SND_PCM_STREAM_PLAYBACK, 0), -EBUSY,
		"a second open of the device in the same process is busy");
	check(elapsed_below(began, 200), "and says so at once");
	must(-pthread_create(&player.thread, NULL, play_thread, &player), "thread");
	check(sound_play(pcm, &sound), "one device plays");
	pthread_join(player.thread, NULL);
	check(player.good, "and another one of the same card at the same time");
	snd_pcm_close(pcm);
	free(sound.samples);
}

/* ---- mmap and writen, with data ---- */

static bool mmap_play(snd_pcm_t *pcm, const struct sound *sound)
{
	snd_pcm_uframes_t at = 0;

	while (at < sound->frames) {
		const snd_pcm_channel_area_t *areas;
		snd_pcm_uframes_t offset, part = sound->frames - at;
		snd_pcm_channel_area_t source[CHANNELS];
		snd_pcm_sframes_t ret = snd_pcm_avail_update(pcm);

		if (ret == 0 && snd_pcm_state(pcm) == SND_PCM_STATE_PREPARED)
			ret = snd_pcm_start(pcm);
		if (ret == 0)
			ret = snd_pcm_wait(pcm, PATIENCE_MS);
		if (ret < 0 || snd_pcm_mmap_begin(pcm, &areas, &offset, &part) < 0)
			return false;
		for (unsigned int channel = 0; channel < CHANNELS; channel++)
			source[channel] = (snd_pcm_channel_area_t){ .addr = sound->samples,
				.first = channel * 16,
				.step = FRAME_BYTES * 8 };
		snd_pcm_areas_copy(areas, offset, source, at, CHANNELS, part, SND_PCM_FORMAT_S16);
		ret = snd_pcm_mmap_commit(pcm, offset, part);
		if (ret < 0)
			return false;
		at += (snd_pcm_uframes_t)ret;
	}
	return snd_pcm_drain(pcm) == 0;
}

static bool writen_play(snd_pcm_t *pcm, const struct sound *sound)
{
	int16_t channels[CHANNELS][PERIOD];
	void *buffers[CHANNELS] = { channels[0], channels[1] };
	snd_pcm_uframes_t at = 0;

	while (at < sound->frames) {
		snd_pcm_uframes_t part = sound->frames - at < PERIOD ? sound->frames - at : PERIOD;
		snd_pcm_sframes_t ret;

		for (snd_pcm_uframes_t i = 0; i < part; i++)
			for (unsigned int channel = 0; channel < CHANNELS; channel++)
				channels[channel][i] =
					sound->samples[(at + i) * CHANNELS + channel];
		ret = snd_pcm_writen(pcm, buffers, part);
		if (ret < 0)
			return false;
		at += (snd_pcm_uframes_t)ret;
	}
	return snd_pcm_drain(pcm) == 0;
}

/* Pauses every few periods. */
static bool pausing_play(snd_pcm_t *pcm, const struct sound *sound)
{
	snd_pcm_uframes_t at = 0;

	for (unsigned int turn = 0; at < sound->frames; turn++) {
		snd_pcm_uframes_t part = sound->frames - at < PERIOD ? sound->frames - at : PERIOD;
		snd_pcm_sframes_t ret = snd_pcm_writei(pcm, sound->samples + at * CHANNELS, part);

		if (ret < 0)
			return false;
		at += (snd_pcm_uframes_t)ret;
		if (turn % 8 == 7 && snd_pcm_state(pcm) == SND_PCM_STATE_RUNNING &&
			(snd_pcm_pause(pcm, 1) < 0 || snd_pcm_pause(pcm, 0) < 0))
			return false;
	}
	return snd_pcm_drain(pcm) == 0;
}

static void play_with(const struct options *options, snd_pcm_access_t access,
	bool (*play)(snd_pcm_t *pcm, const struct sound *sound), const char *name)
{
	struct sound sound = sound_load(options->file);
	struct setup setup = {
		.access = access, .period = PERIOD, .buffer = 10 * PERIOD, .start = 10 * PERIOD
	};
	snd_pcm_t *pcm = pcm_make(options, 0, &setup);

	check(play(pcm, &sound), "%s plays to the end", name);
	snd_pcm_close(pcm);
	free(sound.samples);
}

static void case_mmap(const struct options *options)
{
	play_with(options, SND_PCM_ACCESS_MMAP_INTERLEAVED, mmap_play, "interleaved mmap");
}

static void case_mmap_planes(const struct options *options)
{
	play_with(options, SND_PCM_ACCESS_MMAP_NONINTERLEAVED, mmap_play, "non-interleaved mmap");
}

static void case_writen(const struct options *options)
{
	play_with(options, SND_PCM_ACCESS_RW_NONINTERLEAVED, writen_play, "writen");
}

static void case_pausing(const struct options *options)
{
	play_with(options, SND_PCM_ACCESS_RW_INTERLEAVED, pausing_play, "a pause now and then");
}

/* ---- Moving the pointer, with data ---- */

/* What the card has made of it, once the PCM was closed: -j. */
static struct sound played(const struct options *options, snd_pcm_t *pcm)
{
	must(snd_pcm_drain(pcm), "drain");
	must(snd_pcm_close(pcm), "close");
	return sound_load(options->other_file);
}

static bool frames_same(const struct sound *out, snd_pcm_uframes_t at, const int16_t *wanted,
	snd_pcm_uframes_t frames)
{
	return at + frames <= out->frames &&
	       memcmp(out->samples + at * CHANNELS, wanted, frames * FRAME_BYTES) == 0;
}

static void write_sound(snd_pcm_t *pcm, const int16_t *samples, snd_pcm_uframes_t frames)
{
	if (snd_pcm_writei(pcm, samples, frames) != (snd_pcm_sframes_t)frames)
		must(-EIO, "writei");
}

/* What the backend has plays on, and nothing is played twice. */
static void case_reset(const struct options *options)
{
	struct sound sound = sound_load(options->file), out;
	snd_pcm_t *pcm = pcm_make(options, 0, &roomy);
	snd_pcm_sframes_t before, after;

	write_sound(pcm, sound.samples, LONG_BUFFER);
	while (snd_pcm_avail(pcm) < (snd_pcm_sframes_t)(2 * PERIOD))
		must(snd_pcm_wait(pcm, PATIENCE_MS), "wait");
	must(snd_pcm_delay(pcm, &before), "delay");
	check_result(snd_pcm_reset(pcm), 0, "reset while it plays");
	must(snd_pcm_delay(pcm, &after), "delay");
	if (!check(after > 0 && after <= before, "delay is what is left to play after a reset"))
		printf("# %ld, after %ld\n", (long)after, (long)before);
	check_state(pcm, SND_PCM_STATE_RUNNING, "and it plays on");
	write_sound(pcm, sound.samples + LONG_BUFFER * CHANNELS, sound.frames - LONG_BUFFER);
	out = played(options, pcm);
	check(out.frames >= sound.frames && frames_same(&out, 0, sound.samples, sound.frames),
		"every frame is played once, in order");
	free(out.samples);
	free(sound.samples);
}

/*
 * Frames that are written a second time: each is the new one, or was already the backend's; the new
 * ones begin somewhere and then go on.
 */
static bool frames_rewritten(const struct sound *out, snd_pcm_uframes_t at, const int16_t *before,
	const int16_t *after, snd_pcm_uframes_t frames, snd_pcm_uframes_t *kept)
{
	for (*kept = 0; *kept < frames; (*kept)++)
		if (!frames_same(out, at + *kept, before + *kept * CHANNELS, 1))
			break;
	return frames_same(out, at + *kept, after + *kept * CHANNELS, frames - *kept);
}

/* Before the start the backend is given all but a period of the buffer. */
static void case_rewind(const struct options *options)
{
	const snd_pcm_uframes_t back = 3 * PERIOD, end = LONG_BUFFER;
	struct sound sound = sound_load(options->file), out;
	snd_pcm_t *pcm = pcm_make(options, 0, &roomy);
	const int16_t *other = sound.samples + PERIOD * CHANNELS;
	snd_pcm_uframes_t kept = 0;

	write_sound(pcm, sound.samples, end - 1);
	check_result(snd_pcm_rewind(pcm, (snd_pcm_uframes_t)back), (long)back, "rewind");
	check_result(snd_pcm_avail(pcm), (long)back + 1, "makes room again");
	write_sound(pcm, other, back + 1);
	check_state(pcm, SND_PCM_STATE_RUNNING, "a full buffer starts");
	out = played(options, pcm);
	check(frames_same(&out, 0, sound.samples, end - 1 - back),
		"what was not taken back is played as it was");
	check(frames_rewritten(&out, end - 1 - back, sound.samples + (end - 1 - back) * CHANNELS,
		      other, back + 1, &kept),
		"what was taken back is played as it was written then");
	if (!check(kept <= back - PERIOD + 1, "unless the backend had it already"))
		printf("# it had %lu frames\n", kept);
	check(out.frames == end, "and it is neither longer nor shorter");
	free(out.samples);
	free(sound.samples);
}

/* A rewind of everything is no snd_pcm_reset(): what was taken back is not queued any more. */
static void case_rewind_all(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &roomy);
	snd_pcm_sframes_t delay = 0;

	write_silence(pcm, 4 * PERIOD);
	check_result(snd_pcm_rewind(pcm, 4 * PERIOD), 4 * PERIOD, "a rewind of everything");
	check_result(snd_pcm_avail(pcm), LONG_BUFFER, "empties the buffer");
	write_silence(pcm, 4 * PERIOD);
	must(snd_pcm_delay(pcm, &delay), "delay");
	check_result(delay, 4 * PERIOD, "which is filled anew");
	snd_pcm_close(pcm);
}

/*
 * The end of the data and a pause at the same time: either of the two, but nothing in between. How
 * often they meet is up to the machine.
 */
static void case_pause_at_the_end(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &roomy);
	unsigned int odd = 0, paused = 0;

	for (unsigned int round = 0; round < 60; round++) {
		int64_t until = xensnd_now_ns() + PERIOD * XENSND_NS_PER_SECOND / RATE +
				((int64_t)round % 20 - 10) * 100000;
		int ret;

		write_silence(pcm, PERIOD);
		must(snd_pcm_start(pcm), "start");
		while (xensnd_now_ns() < until)
			sched_yield();
		ret = snd_pcm_pause(pcm, 1);
		paused += ret == 0;
		if (ret == 0)
			ret = snd_pcm_pause(pcm, 0);
		odd += ret != 0 && (ret != -EPIPE || snd_pcm_state(pcm) != SND_PCM_STATE_XRUN);
		must(snd_pcm_prepare(pcm), "prepare");
	}
	printf("# %u of 60 were paused\n", paused);
	check_result(odd, 0, "a pause at the end of the data is a pause or an underrun");
	snd_pcm_close(pcm);
}

/* While it plays there may be nothing left to take back, but everything stays in its place. */
static void case_rewind_running(const struct options *options)
{
	struct sound sound = sound_load(options->file), out;
	snd_pcm_t *pcm = pcm_make(options, 0, &roomy);
	snd_pcm_uframes_t at = LONG_BUFFER;

	write_sound(pcm, sound.samples, LONG_BUFFER);
	while (at < sound.frames) {
		snd_pcm_sframes_t back = snd_pcm_rewind(pcm, 2 * PERIOD);

		must(back, "rewind");
		at -= (snd_pcm_uframes_t)back;
		/* The same frames again: whichever of the two is played, it is the right one. */
		write_sound(pcm, sound.samples + at * CHANNELS, (snd_pcm_uframes_t)back);
		at += (snd_pcm_uframes_t)back;
		write_sound(pcm, sound.samples + at * CHANNELS,
			sound.frames - at < PERIOD ? sound.frames - at : PERIOD);
		at += sound.frames - at < PERIOD ? sound.frames - at : PERIOD;
	}
	out = played(options, pcm);
	check(out.frames >= sound.frames && frames_same(&out, 0, sound.samples, sound.frames),
		"rewinding all the time while it plays loses and repeats nothing");
	free(out.samples);
	free(sound.samples);
}

static void case_forward(const struct options *options)
{
	const snd_pcm_uframes_t part = 2 * PERIOD + 5;
	struct sound sound = sound_load(options->file), out;
	snd_pcm_t *pcm = pcm_make(options, 0, &roomy);

	/* What was in the buffer before must not be heard in the gap. */
	write_sound(pcm, sound.samples + 5 * PERIOD * CHANNELS, LONG_BUFFER - 1);
	must(snd_pcm_drop(pcm), "drop");
	must(snd_pcm_prepare(pcm), "prepare");
	write_sound(pcm, sound.samples, part);
	check_result(snd_pcm_forward(pcm, PERIOD), PERIOD, "forward");
	check_result(snd_pcm_avail(pcm), (long)(LONG_BUFFER - part - PERIOD), "takes room");
	write_sound(pcm, sound.samples + part * CHANNELS, part);
	out = played(options, pcm);
	check(frames_same(&out, 0, sound.samples, part), "what was before it is played");
	check(frames_same(&out, part, silence, PERIOD), "what was skipped is silence");
	check(frames_same(&out, part + PERIOD, sound.samples + part * CHANNELS, part),
		"what came after it is played");
	free(out.samples);
	free(sound.samples);
}

/* ---- Backends that fail ---- */

/* A program's whole life, and how long its slowest call took. */
struct life {
	int error; /* the first */
	const char *where;
	int64_t began_ns, slowest_ms;
	const char *slowest;
};

/* False after an error. */
static bool lived(struct life *life, long ret, const char *call)
{
	int64_t ms = elapsed_ms(life->began_ns);

	if (ms > life->slowest_ms) {
		life->slowest_ms = ms;
		life->slowest = call;
	}
	life->began_ns = xensnd_now_ns();
	if (ret < 0 && life->error == 0) {
		life->error = (int)ret;
		life->where = call;
	}
	return life->error == 0;
}

/* More than a buffer. */
static bool life_plays(struct life *life, snd_pcm_t *pcm)
{
	bool good = true;

	for (unsigned int i = 0; i < 2 * LONG_BUFFER / PERIOD && good; i++)
		good = lived(life, snd_pcm_writei(pcm, silence, PERIOD), "writei");
	return good;
}

static void life_runs(struct life *life, snd_pcm_t *pcm)
{
	if (lived(life, hw_params(pcm, &roomy), "hw_params") &&
		lived(life, sw_params(pcm, &roomy), "sw_params") && life_plays(life, pcm) &&
		lived(life, snd_pcm_pause(pcm, 1), "pause") &&
		lived(life, snd_pcm_pause(pcm, 0), "going on") &&
		lived(life, snd_pcm_drop(pcm), "drop") &&
		lived(life, snd_pcm_prepare(pcm), "prepare") && life_plays(life, pcm))
		lived(life, snd_pcm_drain(pcm), "drain");
}

static void check_lost(snd_pcm_t *pcm)
{
	int64_t before_ms, used_ms;

	check_state(pcm, SND_PCM_STATE_DISCONNECTED, "the state is DISCONNECTED then");
	check_result(snd_pcm_writei(pcm, silence, 1), -ENODEV, "writei says so again");
	check_result(snd_pcm_prepare(pcm), -ENODEV, "and prepare");
	check(revents_within(pcm, 0) == (POLLERR | POLLHUP), "and poll");
	before_ms = cpu_ms();
	poll(NULL, 0, 1000); /* the time is what is measured against */
	used_ms = cpu_ms() - before_ms;
	if (!check(used_ms < 50, "and nothing of ours runs on"))
		printf("# %lld ms of a second\n", (long long)used_ms);
}

static void check_life(const struct options *options, const struct life *life)
{
	int wanted = options->error ? -atoi(options->error) : 0;
	snd_pcm_t *pcm;

	if (!check(life->error == wanted, "a program's first error is %s",
		    wanted ? snd_strerror(wanted) : "none"))
		printf("# %s: %s\n", life->where ? life->where : "none", snd_strerror(life->error));
	if (!check(life->slowest_ms < 5000, "no call takes five seconds"))
		printf("# %s: %lld ms\n", life->slowest, (long long)life->slowest_ms);
	if (snd_pcm_open(&pcm, options->device, SND_PCM_STREAM_PLAYBACK, 0) < 0) {
		check(false, "another open of the same process finds the card usable");
		return;
	}
	check(hw_params(pcm, &usual) == 0 && pcm_works(pcm),
		"another open of the same process finds the card usable");
	snd_pcm_close(pcm);
}

static void case_life(const struct options *options)
{
	struct life life = { .began_ns = xensnd_now_ns() };
	snd_pcm_t *pcm = NULL;

	if (lived(&life, snd_pcm_open(&pcm, options->device, SND_PCM_STREAM_PLAYBACK, 0), "open"))
		life_runs(&life, pcm);
	if (pcm && life.error == -ENODEV && strcmp(life.where, "hw_params") != 0)
		check_lost(pcm);
	life.began_ns = xensnd_now_ns();
	if (pcm)
		lived(&life, snd_pcm_close(pcm), "close");
	check_life(options, &life);
}

/* Plays until there is an error, which there should be soon. */
static int play_to_error(snd_pcm_t *pcm)
{
	int64_t until_ns = xensnd_deadline_ms(PATIENCE_MS);
	long ret = 0;

	while (ret >= 0 && xensnd_now_ns() < until_ns)
		ret = snd_pcm_writei(pcm, silence, PERIOD);
	return ret < 0 ? (int)ret : 0;
}

static void case_write_error(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &roomy);

	check_result(play_to_error(pcm), -EPIPE, "refused audio is an underrun");
	check_state(pcm, SND_PCM_STATE_XRUN, "the state then is XRUN");
	check_result(snd_pcm_prepare(pcm), 0, "prepare ends it");
	check(pcm_works(pcm), "playing goes on after refused audio");
	snd_pcm_close(pcm);
}

/* Every other set-up is refused. */
static void case_refused_once(const struct options *options)
{
	snd_pcm_t *pcm = pcm_open(options, 0);

	check_result(hw_params(pcm, &usual), options->error ? -atoi(options->error) : -EINVAL,
		"the backend's refusal is hw_params' error");
	check_result(hw_params(pcm, &roomy), 0, "other parameters are taken");
	check(pcm_works(pcm), "and play");
	check(hw_params(pcm, &usual) < 0, "parameters refused after that are an error");
	check_result(hw_params(pcm, &roomy), 0, "and again others are taken");
	check(pcm_works(pcm), "and play as well");
	snd_pcm_close(pcm);
}

static const struct test_case cases[] = {
	{ "underrun", case_underrun },
	{ "no-underrun", case_no_underrun },
	{ "setup", case_setup },
	{ "prepare", case_prepare },
	{ "pause", case_pause },
	{ "poll", case_poll },
	{ "level", case_level },
	{ "nonblock", case_nonblock },
	{ "drain", case_drain },
	{ "position", case_position },
	{ "two", case_two },
	{ "mmap", case_mmap },
	{ "mmap-planes", case_mmap_planes },
	{ "writen", case_writen },
	{ "pausing", case_pausing },
	{ "reset", case_reset },
	{ "rewind", case_rewind },
	{ "rewind-running", case_rewind_running },
	{ "rewind-all", case_rewind_all },
	{ "pause-at-the-end", case_pause_at_the_end },
	{ "forward", case_forward },
	{ "life", case_life },
	{ "write-error", case_write_error },
	{ "refused-once", case_refused_once },
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
