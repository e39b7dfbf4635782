/* SPDX-License-Identifier: MIT */
/*
 * What ALSA promises a program that plays, asked of one PCM through alsa-lib's public functions.
 * Prints TAP.
 *
 * A program of its own, without any knowledge of Xen, so that the same cases run on any card.
 *
 * Usage: pcm_test [OPTION...] CASE...
 *   -D DEVICE   the PCM (default: xenhw)
 *   -E DEVICE   another PCM of the same card
 *   -i FILE     a WAV file, 44 octets of header, of 48000 Hz stereo s16: what play cases play
 *   -j FILE     the same for the other PCM
 *   -b COMMAND  breaks something, so that the next hw_params fails
 *   -m COMMAND  mends it
 *   -e ERRNO    the error that the case is to meet
 */
#include <alsa/asoundlib.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

#define RATE 48000u
#define CHANNELS 2u
#define FRAME_BYTES 4u
#define PERIOD 960u
#define BUFFER (4 * PERIOD)
#define LONG_BUFFER 24000u /* half a second */
#define PATIENCE_MS 5000
#define WAV_HEADER_BYTES 44

struct options {
	const char *device, *other;
	const char *file, *other_file;
	const char *break_command, *mend_command, *error;
};

struct setup {
	snd_pcm_access_t access;
	snd_pcm_uframes_t period, buffer;
	snd_pcm_uframes_t start, stop, avail_min; /* 0: alsa-lib's default */
};

static const struct setup usual = { SND_PCM_ACCESS_RW_INTERLEAVED, PERIOD, BUFFER, 0, 0, 0 };
static const struct setup roomy = { SND_PCM_ACCESS_RW_INTERLEAVED, PERIOD, LONG_BUFFER, LONG_BUFFER,
	0, 0 };
static const int16_t silence[LONG_BUFFER * CHANNELS];
static _Atomic unsigned int failed;

/* ---- TAP ---- */

__attribute__((format(printf, 2, 3))) static bool check(bool good, const char *format, ...)
{
	va_list args;

	failed += !good;
	printf("%sok - ", good ? "" : "not ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	return good;
}

/* A call's result; what it was, if it is not what was promised. */
static void check_result(long got, long wanted, const char *name)
{
	if (!check(got == wanted, "%s", name))
		printf("# %ld (%s), not %ld (%s)\n", got, got < 0 ? snd_strerror((int)got) : "",
			wanted, wanted < 0 ? snd_strerror((int)wanted) : "");
}

static void check_state(snd_pcm_t *pcm, snd_pcm_state_t wanted, const char *name)
{
	snd_pcm_state_t got = snd_pcm_state(pcm);

	if (!check(got == wanted, "%s", name))
		printf("# %s, not %s\n", snd_pcm_state_name(got), snd_pcm_state_name(wanted));
}

/* What a case builds on and does not test. */
static long must(long ret, const char *what)
{
	if (ret < 0) {
		printf("Bail out! %s: %s\n", what, snd_strerror((int)ret));
		exit(1);
	}
	return ret;
}

static int64_t elapsed_ms(int64_t since_ns)
{
	return (xensnd_now_ns() - since_ns) / XENSND_NS_PER_MS;
}

static bool elapsed_below(int64_t since_ns, int64_t ms)
{
	int64_t took_ms = elapsed_ms(since_ns);

	if (took_ms >= ms)
		printf("# took %lld ms\n", (long long)took_ms);
	return took_ms < ms;
}

/* ---- Opening and setting up ---- */

static snd_pcm_t *pcm_open(const char *device, int mode)
{
	snd_pcm_t *pcm;

	must(snd_pcm_open(&pcm, device, SND_PCM_STREAM_PLAYBACK, mode), device);
	return pcm;
}

static int hw_params(snd_pcm_t *pcm, const struct setup *setup)
{
	snd_pcm_hw_params_t *params;

	snd_pcm_hw_params_alloca(&params);
	must(snd_pcm_hw_params_any(pcm, params), "hw_params_any");
	must(snd_pcm_hw_params_set_access(pcm, params, setup->access), "access");
	must(snd_pcm_hw_params_set_format(pcm, params, SND_PCM_FORMAT_S16_LE), "format");
	must(snd_pcm_hw_params_set_channels(pcm, params, CHANNELS), "channels");
	must(snd_pcm_hw_params_set_rate(pcm, params, RATE, 0), "rate");
	must(snd_pcm_hw_params_set_period_size(pcm, params, setup->period, 0), "period");
	must(snd_pcm_hw_params_set_buffer_size(pcm, params, setup->buffer), "buffer");
	return snd_pcm_hw_params(pcm, params);
}

static int sw_params(snd_pcm_t *pcm, const struct setup *setup)
{
	snd_pcm_sw_params_t *params;

	snd_pcm_sw_params_alloca(&params);
	must(snd_pcm_sw_params_current(pcm, params), "sw_params_current");
	if (setup->start)
		snd_pcm_sw_params_set_start_threshold(pcm, params, setup->start);
	if (setup->stop)
		snd_pcm_sw_params_set_stop_threshold(pcm, params, setup->stop);
	if (setup->avail_min)
		snd_pcm_sw_params_set_avail_min(pcm, params, setup->avail_min);
	return snd_pcm_sw_params(pcm, params);
}

static snd_pcm_t *pcm_make(const char *device, int mode, const struct setup *setup)
{
	snd_pcm_t *pcm = pcm_open(device, mode);

	must(hw_params(pcm, setup), "hw_params");
	must(sw_params(pcm, setup), "sw_params");
	return pcm;
}

static void write_silence(snd_pcm_t *pcm, snd_pcm_uframes_t frames)
{
	if (snd_pcm_writei(pcm, silence, frames) != (snd_pcm_sframes_t)frames)
		must(-EIO, "writei");
}

static bool plays_on(snd_pcm_t *pcm)
{
	int64_t began = xensnd_now_ns();

	return snd_pcm_writei(pcm, silence, BUFFER / 2) == BUFFER / 2 && snd_pcm_drain(pcm) == 0 &&
	       snd_pcm_state(pcm) == SND_PCM_STATE_SETUP && elapsed_below(began, 2000);
}

/* ---- poll ---- */

static struct pollfd pcm_pollfd(snd_pcm_t *pcm)
{
	struct pollfd pfd = { .fd = -1 };

	must(snd_pcm_poll_descriptors(pcm, &pfd, 1), "poll_descriptors");
	return pfd;
}

/* Whether the descriptor itself becomes ready, without a word to alsa-lib. */
static bool fd_ready(snd_pcm_t *pcm, int ms)
{
	struct pollfd pfd = pcm_pollfd(pcm);

	return poll(&pfd, 1, ms) == 1;
}

/* What a program that does as it should sees within so many ms; 0: nothing. */
static unsigned short revents_within(snd_pcm_t *pcm, int ms)
{
	int64_t deadline_ns = xensnd_deadline_ms(ms);
	struct pollfd pfd = pcm_pollfd(pcm);
	unsigned short revents = 0;

	do {
		if (poll(&pfd, 1, xensnd_poll_ms(deadline_ns)) == 1)
			must(snd_pcm_poll_descriptors_revents(pcm, &pfd, 1, &revents), "revents");
	} while (revents == 0 && xensnd_now_ns() < deadline_ns);
	return revents;
}

/* ---- Underrun ---- */

static const struct setup starving = { SND_PCM_ACCESS_RW_INTERLEAVED, PERIOD, BUFFER, BUFFER, 0,
	64 * BUFFER };

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
	check(plays_on(pcm), "playing goes on after prepare");
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
	check(plays_on(pcm), "playing goes on after snd_pcm_recover()");
}

static void case_underrun(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options->device, 0, &starving);

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
	snd_pcm_sw_params_t *params;
	snd_pcm_t *pcm = pcm_make(options->device, 0, &setup);
	int64_t began;

	snd_pcm_sw_params_alloca(&params);
	must(snd_pcm_sw_params_current(pcm, params), "sw_params_current");
	must(snd_pcm_sw_params_get_boundary(params, &setup.stop), "boundary");
	setup.start = setup.avail_min = BUFFER;
	must(sw_params(pcm, &setup), "sw_params");
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
	snd_pcm_t *pcm = pcm_open(options->device, 0);
	struct setup setup = usual;
	bool good = true;

	for (unsigned int i = 1; i <= 3; i++) {
		setup.period = i * 480;
		setup.buffer = setup.period * (i + 1);
		good = good && hw_params(pcm, &setup) == 0;
	}
	check(good, "hw_params three times in a row");
	check(plays_on(pcm), "the last one plays");
	check_result(hw_params(pcm, &usual), 0, "hw_params after playing");
	check(plays_on(pcm), "and plays");
	check_result(snd_pcm_hw_free(pcm), 0, "hw_free");
	check_result(snd_pcm_hw_free(pcm), 0, "hw_free again");
	check_result(hw_params(pcm, &usual), 0, "hw_params after hw_free");
	check(plays_on(pcm), "and plays again");
	must(snd_pcm_prepare(pcm), "prepare");
	write_silence(pcm, BUFFER);
	check_result(hw_params(pcm, &usual), 0, "hw_params in the middle of playing");
	check(plays_on(pcm), "and plays after that");
	must(snd_pcm_prepare(pcm), "prepare");
	write_silence(pcm, BUFFER);
	check_result(snd_pcm_close(pcm), 0, "close while playing, without hw_free");
	pcm = pcm_open(options->device, 0);
	check_result(snd_pcm_close(pcm), 0, "close without hw_params");
}

static void case_prepare(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options->device, 0, &usual);
	snd_pcm_sframes_t delay = -1;

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
	check(plays_on(pcm), "a stream that was dropped plays again");
	check_result(snd_pcm_prepare(pcm), 0, "prepare after drain");
	write_silence(pcm, PERIOD);
	check_result(snd_pcm_prepare(pcm), 0, "prepare of a stream that has data");
	check_result(snd_pcm_avail(pcm), BUFFER, "forgets the data");
	check(plays_on(pcm), "and plays");
	snd_pcm_close(pcm);
}

static void case_pause(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options->device, 0, &roomy);
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
	check(snd_pcm_prepare(pcm) == 0 && plays_on(pcm), "plays after a drop in a pause");
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
	snd_pcm_t *pcm = pcm_open(options->device, 0);
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
	snd_pcm_t *pcm = pcm_make(options->device, SND_PCM_NONBLOCK, &usual);
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
	snd_pcm_t *pcm = pcm_make(options->device, SND_PCM_NONBLOCK, &roomy);
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
	snd_pcm_t *pcm = pcm_make(options->device, 0, &roomy);
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
	snd_pcm_t *pcm = pcm_make(options->device, SND_PCM_NONBLOCK, &usual);
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

struct sound {
	int16_t *samples;
	snd_pcm_uframes_t frames;
};

static struct sound sound_load(const char *path)
{
	FILE *file = path ? fopen(path, "rb") : NULL;
	struct sound sound = { .frames = 0 };
	long bytes = 0;

	if (file && fseek(file, 0, SEEK_END) == 0)
		bytes = ftell(file) - WAV_HEADER_BYTES;
	if (bytes > 0 && fseek(file, WAV_HEADER_BYTES, SEEK_SET) == 0)
		sound.samples = malloc((size_t)bytes);
	if (sound.samples)
		sound.frames = fread(sound.samples, FRAME_BYTES, (size_t)bytes / FRAME_BYTES, file);
	if (file)
		fclose(file);
	if (sound.frames == 0)
		must(-EINVAL, path ? path : "no file");
	return sound;
}

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
	const char *device, *file;
	pthread_t thread;
	bool good;
};

static void *play_thread(void *argument)
{
	struct player *player = argument;
	struct sound sound = sound_load(player->file);
	snd_pcm_t *pcm = pcm_make(player->device, 0, &roomy);

	player->good = sound_play(pcm, &sound);
	snd_pcm_close(pcm);
	free(sound.samples);
	return NULL;
}

static void case_two(const struct options *options)
{
	struct player player = { .device = options->other, .file = options->other_file };
	snd_pcm_t *pcm = pcm_make(options->device, 0, &roomy), *second = NULL;
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
	struct setup setup = { access, PERIOD, 10 * PERIOD, 10 * PERIOD, 0, 0 };
	snd_pcm_t *pcm = pcm_make(options->device, 0, &setup);

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

/* ---- Refused parameters ---- */

static void command_run(const char *command)
{
	if (command && system(command) != 0)
		must(-EINVAL, command);
}

static void case_refused(const struct options *options)
{
	snd_pcm_t *pcm = pcm_open(options->device, 0);
	int ret;

	command_run(options->break_command);
	ret = hw_params(pcm, &usual);
	check(ret < 0 && ret != -ENODEV, "refused parameters are an error of hw_params (%s)",
		snd_strerror(ret));
	ret = hw_params(pcm, &usual);
	check(ret < 0 && ret != -ENODEV, "and are refused again");
	command_run(options->mend_command);
	check_result(hw_params(pcm, &usual), 0, "another hw_params then succeeds");
	check(plays_on(pcm), "and plays");
	command_run(options->break_command);
	check(hw_params(pcm, &usual) < 0, "parameters refused after playing are an error");
	command_run(options->mend_command);
	check_result(hw_params(pcm, &usual), 0, "which another hw_params mends");
	check(plays_on(pcm), "and that plays");
	command_run(options->break_command);
	hw_params(pcm, &usual);
	command_run(options->mend_command);
	check_result(snd_pcm_close(pcm), 0, "close after refused parameters");
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

static int64_t cpu_ms(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (int64_t)used.tv_sec * 1000 + used.tv_nsec / XENSND_NS_PER_MS;
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
	check(hw_params(pcm, &usual) == 0 && plays_on(pcm),
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
	snd_pcm_t *pcm = pcm_make(options->device, 0, &roomy);

	check_result(play_to_error(pcm), -EPIPE, "refused audio is an underrun");
	check_state(pcm, SND_PCM_STATE_XRUN, "the state then is XRUN");
	check_result(snd_pcm_prepare(pcm), 0, "prepare ends it");
	check(plays_on(pcm), "playing goes on after refused audio");
	snd_pcm_close(pcm);
}

/* Every other set-up is refused. */
static void case_refused_once(const struct options *options)
{
	snd_pcm_t *pcm = pcm_open(options->device, 0);

	check_result(hw_params(pcm, &usual), options->error ? -atoi(options->error) : -EINVAL,
		"the backend's refusal is hw_params' error");
	check_result(hw_params(pcm, &roomy), 0, "other parameters are taken");
	check(plays_on(pcm), "and play");
	check(hw_params(pcm, &usual) < 0, "parameters refused after that are an error");
	check_result(hw_params(pcm, &roomy), 0, "and again others are taken");
	check(plays_on(pcm), "and play as well");
	snd_pcm_close(pcm);
}

/* ---- What is left behind ---- */

static unsigned int entries(const char *folder)
{
	DIR *dir = opendir(folder);
	unsigned int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static bool mapped(const char *name)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[600];
	bool found = false;

	while (maps && !found && fgets(line, sizeof(line), maps))
		found = strstr(line, name) != NULL;
	if (maps)
		fclose(maps);
	return found;
}

static void *idle_thread(void *argument)
{
	return argument;
}

/* The library may be unmapped after this, so no thread of ours may still run in it. */
static void case_unload(const struct options *options)
{
	snd_pcm_t *pcm = NULL;
	unsigned int threads;
	pthread_t idle;

	/* A sanitizer may start a thread of its own beside the first. */
	must(-pthread_create(&idle, NULL, idle_thread, NULL), "thread");
	pthread_join(idle, NULL);
	threads = entries("/proc/self/task");
	for (unsigned int i = 0; i < 3; i++) {
		pcm = pcm_make(options->device, 0, &usual);
		write_silence(pcm, BUFFER);
		snd_pcm_close(pcm);
		snd_config_update_free_global();
	}
	check_result(entries("/proc/self/task"), threads, "no thread outlives close");
	check(!mapped("libasound_module_pcm_xen"), "the plugin can be unloaded");
	pcm = pcm_make(options->device, 0, &usual);
	check(plays_on(pcm), "and loaded again");
	snd_pcm_close(pcm);
	snd_config_update_free_global();
}

static const struct {
	const char *name;
	void (*run)(const struct options *options);
} cases[] = {
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
	{ "refused", case_refused },
	{ "life", case_life },
	{ "write-error", case_write_error },
	{ "refused-once", case_refused_once },
	{ "unload", case_unload },
};

static bool case_run(const char *name, const struct options *options)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(cases[i].name, name) != 0)
			continue;
		cases[i].run(options);
		return true;
	}
	fprintf(stderr, "pcm_test: no case %s\n", name);
	return false;
}

int main(int argc, char **argv)
{
	struct options options = { .device = "xenhw", .other = "xenhw:0,1" };
	int option;

	while ((option = getopt(argc, argv, "D:E:i:j:b:m:e:")) >= 0) {
		const char **field = option == 'D'   ? &options.device
				     : option == 'E' ? &options.other
				     : option == 'i' ? &options.file
				     : option == 'j' ? &options.other_file
				     : option == 'b' ? &options.break_command
				     : option == 'm' ? &options.mend_command
				     : option == 'e' ? &options.error
						     : NULL;

		if (!field)
			return 2;
		*field = optarg;
	}
	/* What is preloaded is for this program, not for the shells of the commands. */
	unsetenv("LD_PRELOAD");
	for (int i = optind; i < argc; i++)
		if (!case_run(argv[i], &options))
			return 2;
	snd_config_update_free_global();
	return failed ? 1 : 0;
}
