/* SPDX-License-Identifier: MIT */
/*
 * What ALSA promises a program in either direction, asked of one PCM through alsa-lib's public
 * functions. Prints TAP.
 *
 * Apart from pcm_test.c and capture_test.c because nobody looks at samples here: the backend may
 * take and give anything, at its own pace.
 *
 * Usage: promises_test [OPTION...] CASE..., with options as in pcm_case.h
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "common/clock.h"
#include "pcm_case.h"

/* Eight seconds in a buffer: whatever happens sooner did not need all of it. */
static const struct setup slow = { .access = SND_PCM_ACCESS_RW_INTERLEAVED,
	.rate = 8000,
	.channels = 1,
	.period = 160,
	.buffer = 64000,
	.start = NEVER };

static bool is_capture(const struct options *options)
{
	return options->stream == SND_PCM_STREAM_CAPTURE;
}

/* PREPARED again, whatever it was before. */
static void pcm_again(snd_pcm_t *pcm)
{
	must(snd_pcm_drop(pcm), "drop");
	must(snd_pcm_prepare(pcm), "prepare");
}

static snd_pcm_uframes_t pcm_position(snd_pcm_t *pcm, snd_pcm_uframes_t transferred)
{
	bool capture = snd_pcm_stream(pcm) == SND_PCM_STREAM_CAPTURE;

	return transferred + (snd_pcm_uframes_t)must(snd_pcm_avail(pcm), "avail") -
	       (capture ? 0 : BUFFER);
}

/* ---- XRUN ---- */

static const struct setup starving = { .access = SND_PCM_ACCESS_RW_INTERLEAVED,
	.period = PERIOD,
	.buffer = BUFFER,
	.start = NEVER,
	.avail_min = 64 * BUFFER };

/* With an avail_min that is never reached only the xrun itself makes the descriptor ready. */
static bool xrun_comes(snd_pcm_t *pcm)
{
	pcm_run(pcm, PERIOD);
	return fd_ready(pcm, PATIENCE_MS);
}

static void check_xrun_everywhere(snd_pcm_t *pcm)
{
	snd_pcm_status_t *status;
	snd_pcm_sframes_t delay;

	snd_pcm_status_alloca(&status);
	for (unsigned int i = 0; i < 2; i++) {
		const char *times = i == 0 ? "" : ", again";

		check(pcm_transfer(pcm, 1) == -EPIPE, "an xrun sticks: transfer%s", times);
		check_state(pcm, SND_PCM_STATE_XRUN, "an xrun sticks: the state");
		check(snd_pcm_avail(pcm) == -EPIPE, "an xrun sticks: avail%s", times);
		check(snd_pcm_avail_update(pcm) == -EPIPE, "an xrun sticks: avail_update%s", times);
		check(snd_pcm_delay(pcm, &delay) == -EPIPE, "an xrun sticks: delay%s", times);
		check(snd_pcm_wait(pcm, 0) == -EPIPE, "an xrun sticks: wait%s", times);
		check(snd_pcm_start(pcm) < 0, "an xrun sticks: start%s", times);
		check(snd_pcm_pause(pcm, 1) < 0, "an xrun sticks: pause%s", times);
		check(snd_pcm_status(pcm, status) == 0 &&
				snd_pcm_status_get_state(status) == SND_PCM_STATE_XRUN,
			"an xrun sticks: status%s", times);
		check(revents_now(pcm) == (pcm_good(pcm) | POLLERR), "an xrun sticks: poll%s",
			times);
	}
}

static void case_xrun(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &starving);

	check(xrun_comes(pcm), "an xrun makes the descriptor ready");
	check(revents_within(pcm, PATIENCE_MS) == (pcm_good(pcm) | POLLERR),
		"poll finds the xrun by itself");
	check_xrun_everywhere(pcm);
	check_result(snd_pcm_prepare(pcm), 0, "prepare ends an xrun");
	check_state(pcm, SND_PCM_STATE_PREPARED, "the state is PREPARED then");
	must(sw_params(pcm, &usual), "sw_params");
	check(pcm_works(pcm), "and the stream works");
	must(snd_pcm_prepare(pcm), "prepare");
	must(sw_params(pcm, &starving), "sw_params");
	pcm_run(pcm, PERIOD);
	check_result(snd_pcm_wait(pcm, PATIENCE_MS), -EPIPE, "an xrun ends wait");
	check_result(snd_pcm_recover(pcm, -EPIPE, 1), 0, "snd_pcm_recover() after an xrun");
	must(sw_params(pcm, &usual), "sw_params");
	check(pcm_works(pcm), "and the stream works after that");
	must(snd_pcm_prepare(pcm), "prepare");
	must(sw_params(pcm, &starving), "sw_params");
	check(xrun_comes(pcm) && snd_pcm_drop(pcm) == 0, "drop after an xrun");
	check_state(pcm, SND_PCM_STATE_SETUP, "the state is SETUP then");
	must(snd_pcm_prepare(pcm), "prepare");
	xrun_comes(pcm);
	check_result(snd_pcm_close(pcm), 0, "close after an xrun");
}

/* ---- Thresholds ---- */

/* Six seconds are in the buffer, or eight fit into it. */
static void case_stop_threshold(const struct options *options)
{
	struct setup setup = slow;
	snd_pcm_t *pcm;

	setup.stop = setup.buffer - 2 * LONG_BUFFER + 5 * setup.period;
	if (is_capture(options))
		setup.stop = 5 * setup.period;
	setup.avail_min = setup.buffer;
	pcm = pcm_make(options, 0, &setup);
	pcm_run(pcm, LONG_BUFFER);
	if (!is_capture(options))
		write_silence(pcm, LONG_BUFFER);
	check_result(snd_pcm_wait(pcm, PATIENCE_MS), -EPIPE,
		"a stop threshold below the buffer stops before the buffer's end");
	check_state(pcm, SND_PCM_STATE_XRUN, "and that is an xrun");
	snd_pcm_close(pcm);
}

/* alsa-lib itself starts every recording by its first read, unless there is no threshold at all. */
static void case_start_threshold(const struct options *options)
{
	bool capture = is_capture(options);
	struct setup setup = usual;
	snd_pcm_t *pcm;

	setup.start = 2 * PERIOD;
	setup.stop = NEVER;
	pcm = pcm_make(options, SND_PCM_NONBLOCK, &setup);
	if (!capture) {
		check_result(pcm_transfer(pcm, 2 * PERIOD - 1), 2 * PERIOD - 1,
			"one frame less than the start threshold");
		check_state(pcm, SND_PCM_STATE_PREPARED, "does not start");
	}
	check_result(pcm_transfer(pcm, capture ? 2 * PERIOD : 1), capture ? -EAGAIN : 1,
		"a transfer that reaches the start threshold");
	check_state(pcm, SND_PCM_STATE_RUNNING, "starts");
	pcm_again(pcm);
	setup.start = NEVER;
	must(sw_params(pcm, &setup), "sw_params");
	if (!capture) {
		pcm_transfer(pcm, BUFFER);
		check_state(pcm, SND_PCM_STATE_PREPARED,
			"a start threshold of the boundary never starts by itself");
	}
	check_result(snd_pcm_start(pcm), 0, "but start does");
	check_state(pcm, SND_PCM_STATE_RUNNING, "and it runs");
	snd_pcm_close(pcm);
}

/* What poll says is what avail says. */
static void check_avail_min(snd_pcm_t *pcm, snd_pcm_uframes_t avail_min, const char *name)
{
	unsigned short revents = revents_within(pcm, PATIENCE_MS);
	snd_pcm_sframes_t avail = snd_pcm_avail(pcm);

	if (!check(revents == pcm_good(pcm) && avail >= (snd_pcm_sframes_t)avail_min, "%s", name))
		printf("# revents %#x, avail %ld of %lu\n", revents, (long)avail, avail_min);
}

static void case_avail_min(const struct options *options)
{
	struct setup setup = roomy;
	snd_pcm_t *pcm;

	setup.start = setup.stop = NEVER;
	setup.avail_min = LONG_BUFFER / 2;
	pcm = pcm_make(options, SND_PCM_NONBLOCK, &setup);
	pcm_run(pcm, LONG_BUFFER);
	check_avail_min(pcm, setup.avail_min, "poll waits for avail_min");
	setup.avail_min = LONG_BUFFER;
	must(sw_params(pcm, &setup), "sw_params");
	check(snd_pcm_avail(pcm) >= (snd_pcm_sframes_t)LONG_BUFFER || !fd_ready(pcm, 0) ||
			snd_pcm_avail(pcm) >= (snd_pcm_sframes_t)LONG_BUFFER,
		"a higher avail_min counts at once while it runs");
	check_avail_min(pcm, setup.avail_min, "an avail_min of the whole buffer is reached");
	must(pcm_transfer(pcm, 2 * PERIOD), "transfer");
	setup.avail_min = 1;
	must(sw_params(pcm, &setup), "sw_params");
	check(fd_ready(pcm, 0), "a lower avail_min counts at once while it runs");
	/* Without a look in between: what sw_params changes must not need a program's call. */
	pcm_again(pcm);
	setup.avail_min = 64 * LONG_BUFFER;
	must(sw_params(pcm, &setup), "sw_params");
	pcm_run(pcm, LONG_BUFFER);
	while (snd_pcm_avail(pcm) < (snd_pcm_sframes_t)PERIOD)
		poll(NULL, 0, 5);
	check(!fd_ready(pcm, 0), "poll does not wake below avail_min");
	setup.avail_min = PERIOD;
	must(sw_params(pcm, &setup), "sw_params");
	check(fd_ready(pcm, PATIENCE_MS), "and does after another avail_min");
	snd_pcm_close(pcm);
}

static void case_period_event(const struct options *options)
{
	const unsigned int wanted = 15;
	struct setup setup = roomy;
	snd_pcm_uframes_t period = 0;
	unsigned int wakes = 0;
	snd_pcm_t *pcm;

	setup.start = setup.stop = NEVER;
	setup.avail_min = 64 * LONG_BUFFER;
	setup.period_event = true;
	pcm = pcm_make(options, 0, &setup);
	pcm_run(pcm, LONG_BUFFER);
	while (period < wanted && wakes < 100 &&
		revents_within(pcm, PATIENCE_MS) == pcm_good(pcm)) {
		period = (snd_pcm_uframes_t)must(snd_pcm_avail(pcm), "avail") / PERIOD;
		wakes++;
	}
	printf("# %u wake-ups in %lu periods\n", wakes, period);
	check(period >= wanted, "period_event wakes though avail_min is huge");
	check(wakes <= 2 * period, "and not more than needed");
	setup.period_event = false;
	must(sw_params(pcm, &setup), "sw_params");
	check(revents_now(pcm) == 0 && !fd_ready(pcm, 60), "without it nothing wakes");
	snd_pcm_close(pcm);
}

/* ---- Poll ---- */

static void case_descriptor(const struct options *options)
{
	snd_pcm_t *pcm = pcm_open(options, SND_PCM_NONBLOCK);
	const struct pollfd first = pcm_pollfd(pcm);
	bool same = snd_pcm_poll_descriptors_count(pcm) == 1 && (first.events & POLLIN);
	struct setup setup = usual;

	for (unsigned int i = 0; i < 8; i++) {
		struct pollfd now;

		switch (i) {
		case 0:
			must(hw_params(pcm, &usual), "hw_params");
			break;
		case 1:
			must(sw_params(pcm, &usual), "sw_params");
			break;
		case 2:
			pcm_run(pcm, BUFFER);
			break;
		case 3:
			while (snd_pcm_avail(pcm) != -EPIPE)
				snd_pcm_wait(pcm, PATIENCE_MS);
			break;
		case 4:
			must(snd_pcm_prepare(pcm), "prepare");
			break;
		case 5:
			must(snd_pcm_drop(pcm), "drop");
			break;
		case 6:
			must(snd_pcm_hw_free(pcm), "hw_free");
			break;
		default:
			setup.period = PERIOD / 2;
			must(hw_params(pcm, &setup), "hw_params");
		}
		now = pcm_pollfd(pcm);
		same = same && snd_pcm_poll_descriptors_count(pcm) == 1 && now.fd == first.fd &&
		       now.events == first.events;
	}
	check(same, "one poll descriptor, the same from open to close");
	snd_pcm_close(pcm);
}

static void check_revents(snd_pcm_t *pcm, snd_pcm_state_t state, unsigned short wanted)
{
	unsigned short got = revents_now(pcm);
	bool in_state = snd_pcm_state(pcm) == state;

	if (!check(got == wanted && in_state, "revents in %s are the kernel's%s",
		    snd_pcm_state_name(state), wanted == 0 ? " (nothing)" : ""))
		printf("# %#x, not %#x; the state is %s\n", got, wanted,
			snd_pcm_state_name(snd_pcm_state(pcm)));
}

static void revents_running(snd_pcm_t *pcm, struct setup *setup)
{
	unsigned short good = pcm_good(pcm);

	setup->avail_min = LONG_BUFFER;
	must(sw_params(pcm, setup), "sw_params");
	pcm_run(pcm, LONG_BUFFER - PERIOD);
	check_revents(pcm, SND_PCM_STATE_RUNNING, 0);
	setup->avail_min = PERIOD;
	must(sw_params(pcm, setup), "sw_params");
	revents_within(pcm, PATIENCE_MS);
	check_revents(pcm, SND_PCM_STATE_RUNNING, good);
	must(snd_pcm_pause(pcm, 1), "pause");
	check_revents(pcm, SND_PCM_STATE_PAUSED, good);
	setup->avail_min = 2 * LONG_BUFFER;
	must(sw_params(pcm, setup), "sw_params");
	check_revents(pcm, SND_PCM_STATE_PAUSED, 0);
	must(snd_pcm_pause(pcm, 0), "going on");
	check_revents(pcm, SND_PCM_STATE_RUNNING, 0);
}

static void case_revents(const struct options *options)
{
	struct setup setup = roomy;
	snd_pcm_t *pcm = pcm_open(options, SND_PCM_NONBLOCK);
	unsigned short good = pcm_good(pcm);

	setup.start = setup.stop = NEVER;
	check_revents(pcm, SND_PCM_STATE_OPEN, good | POLLERR);
	must(hw_params(pcm, &setup), "hw_params");
	must(sw_params(pcm, &setup), "sw_params");
	check_revents(pcm, SND_PCM_STATE_PREPARED, is_capture(options) ? 0 : POLLOUT);
	revents_running(pcm, &setup);
	if (!is_capture(options)) {
		check_result(snd_pcm_drain(pcm), -EAGAIN, "a drain that does not wait");
		check_revents(pcm, SND_PCM_STATE_DRAINING, 0);
	}
	must(snd_pcm_drop(pcm), "drop");
	check_revents(pcm, SND_PCM_STATE_SETUP, good | POLLERR);
	must(snd_pcm_prepare(pcm), "prepare");
	setup.avail_min = 1;
	must(sw_params(pcm, &setup), "sw_params");
	check_revents(pcm, SND_PCM_STATE_PREPARED, is_capture(options) ? 0 : POLLOUT);
	setup.stop = LONG_BUFFER / 4;
	must(sw_params(pcm, &setup), "sw_params");
	pcm_run(pcm, PERIOD);
	while (snd_pcm_state(pcm) == SND_PCM_STATE_RUNNING)
		revents_now(pcm);
	check_revents(pcm, SND_PCM_STATE_XRUN, good | POLLERR);
	snd_pcm_close(pcm);
}

/* A program that waits for every period. Bounded by what is transferred, not by a time. */
static void wakeups_count(const struct options *options, snd_pcm_uframes_t period, unsigned int n)
{
	struct setup setup = roomy;
	unsigned int wakes = 0, periods = 0;
	snd_pcm_t *pcm;

	setup.start = setup.stop = NEVER;
	setup.period = setup.avail_min = period;
	setup.buffer = 20 * period;
	pcm = pcm_make(options, SND_PCM_NONBLOCK, &setup);
	pcm_run(pcm, setup.buffer);
	while (periods < n && wakes < 10 * n && fd_ready(pcm, PATIENCE_MS)) {
		snd_pcm_sframes_t ret = 0;

		wakes++;
		if (revents_now(pcm) == pcm_good(pcm))
			ret = pcm_transfer(pcm, period);
		if (ret == (snd_pcm_sframes_t)period)
			periods++;
		else if (ret != -EAGAIN && must(ret, "transfer") > 0)
			break;
	}
	printf("# %u wake-ups for %u periods of %lu frames\n", wakes, periods, period);
	check(periods == n, "no wake-up is lost in %u periods of %lu frames", n, period);
	check(wakes <= 2 * n, "at most two wake-ups a period of %lu frames", period);
	snd_pcm_close(pcm);
}

static void case_wakeups(const struct options *options)
{
	wakeups_count(options, 480, 100);
	wakeups_count(options, 64, 750);
}

/* ---- Time and position ---- */

static bool between(const struct timespec *from, const snd_htimestamp_t *at)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (from->tv_sec < at->tv_sec ||
		       (from->tv_sec == at->tv_sec && from->tv_nsec <= at->tv_nsec)) &&
	       (at->tv_sec < now.tv_sec ||
		       (at->tv_sec == now.tv_sec && at->tv_nsec <= now.tv_nsec));
}

static bool stamps_agree(snd_pcm_t *pcm)
{
	snd_pcm_status_t *status;
	snd_pcm_uframes_t avail;
	snd_htimestamp_t stamp;
	struct timespec before;

	snd_pcm_status_alloca(&status);
	clock_gettime(CLOCK_MONOTONIC, &before);
	must(snd_pcm_htimestamp(pcm, &avail, &stamp), "htimestamp");
	if (!between(&before, &stamp))
		return false;
	clock_gettime(CLOCK_MONOTONIC, &before);
	must(snd_pcm_status(pcm, status), "status");
	snd_pcm_status_get_htstamp(status, &stamp);
	return between(&before, &stamp);
}

static void case_time(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &roomy);
	snd_pcm_sw_params_t *params;
	snd_pcm_tstamp_type_t type = SND_PCM_TSTAMP_TYPE_GETTIMEOFDAY;
	unsigned int good = 0;

	snd_pcm_sw_params_alloca(&params);
	must(snd_pcm_sw_params_current(pcm, params), "sw_params_current");
	must(snd_pcm_sw_params_get_tstamp_type(params, &type), "tstamp_type");
	check_result(
		(long)type, SND_PCM_TSTAMP_TYPE_MONOTONIC, "time stamps are said to be monotonic");
	must(snd_pcm_sw_params_set_tstamp_mode(pcm, params, SND_PCM_TSTAMP_ENABLE), "tstamp_mode");
	check_result(snd_pcm_sw_params(pcm, params), 0, "time stamps can be had");
	pcm_run(pcm, LONG_BUFFER);
	while (good < 1000 && stamps_agree(pcm))
		good++;
	check_result(good, 1000, "time stamps are the monotonic clock's");
	snd_pcm_close(pcm);
}

static void delay_follows(snd_pcm_t *pcm, bool capture)
{
	snd_pcm_sframes_t avail, delay, status_delay;
	unsigned long wrong = 0, taken = 0;
	snd_pcm_status_t *status;

	snd_pcm_status_alloca(&status);
	do {
		must(snd_pcm_avail_delay(pcm, &avail, &delay), "avail_delay");
		must(snd_pcm_status(pcm, status), "status");
		status_delay = snd_pcm_status_get_delay(status);
		if (capture)
			wrong += delay < avail ||
				 status_delay < (snd_pcm_sframes_t)snd_pcm_status_get_avail(status);
		else
			/* It may have played on between the two. */
			wrong += delay > (snd_pcm_sframes_t)LONG_BUFFER - avail;
		taken++;
	} while (avail < (snd_pcm_sframes_t)(LONG_BUFFER / 2));
	printf("# %lu samples\n", taken);
	check_result((long)wrong, 0,
		capture ? "delay is never below avail" : "delay is what avail is not");
}

/* Nothing is played before its time, however soon the backend has taken it. */
static void delay_is_honest(snd_pcm_t *pcm)
{
	int64_t began = xensnd_now_ns();
	unsigned long wrong = 0;
	snd_pcm_sframes_t delay;

	pcm_run(pcm, LONG_BUFFER);
	do {
		int64_t possible;

		must(snd_pcm_delay(pcm, &delay), "delay");
		possible = (xensnd_now_ns() - began) * RATE / XENSND_NS_PER_SECOND + PERIOD;
		wrong += delay + possible < (int64_t)LONG_BUFFER;
	} while (delay > (snd_pcm_sframes_t)LONG_BUFFER / 2);
	check_result((long)wrong, 0, "delay counts what the backend has and has not played");
}

static void case_delay(const struct options *options)
{
	struct setup setup = roomy;
	snd_pcm_sframes_t delay = -1;
	snd_pcm_t *pcm;

	setup.start = NEVER;
	pcm = pcm_make(options, 0, &setup);
	check(snd_pcm_delay(pcm, &delay) == 0 && delay == 0, "delay is 0 before anything");
	if (!is_capture(options)) {
		delay_is_honest(pcm);
		pcm_again(pcm);
	}
	pcm_run(pcm, LONG_BUFFER);
	delay_follows(pcm, is_capture(options));
	pcm_again(pcm);
	delay = -1;
	check(snd_pcm_delay(pcm, &delay) == 0 && delay == 0, "delay is 0 after prepare");
	snd_pcm_close(pcm);
}

/* A paced backend stands still in a pause; a last answer may still be on its way. */
static bool stands(snd_pcm_t *pcm)
{
	snd_pcm_sframes_t avail = 0, delay = 0, first_avail = 0, first_delay = 0;
	int64_t until_ns = xensnd_deadline_ms(50);

	while (xensnd_now_ns() < until_ns)
		must(snd_pcm_avail_delay(pcm, &first_avail, &first_delay), "avail_delay");
	until_ns = xensnd_deadline_ms(100);
	do
		must(snd_pcm_avail_delay(pcm, &avail, &delay), "avail_delay");
	while (avail == first_avail && delay == first_delay && xensnd_now_ns() < until_ns);
	if (avail != first_avail || delay != first_delay)
		printf("# avail %ld, then %ld; delay %ld, then %ld\n", (long)first_avail,
			(long)avail, (long)first_delay, (long)delay);
	return avail == first_avail && delay == first_delay;
}

/* The pointer moves in RUNNING only, and forwards. */
static void case_frozen(const struct options *options)
{
	struct setup setup = roomy;
	snd_pcm_t *pcm;
	snd_pcm_uframes_t before;

	setup.start = setup.stop = NEVER;
	pcm = pcm_make(options, 0, &setup);
	if (!is_capture(options))
		write_silence(pcm, LONG_BUFFER);
	check(stands(pcm), "the pointer stands in PREPARED");
	must(snd_pcm_start(pcm), "start");
	while (snd_pcm_avail(pcm) < (snd_pcm_sframes_t)(3 * PERIOD))
		must(snd_pcm_wait(pcm, PATIENCE_MS), "wait");
	must(snd_pcm_pause(pcm, 1), "pause");
	check_state(pcm, SND_PCM_STATE_PAUSED, "the state in a pause is PAUSED");
	check(stands(pcm), "pointer and delay stand in PAUSED");
	before = (snd_pcm_uframes_t)must(snd_pcm_avail(pcm), "avail");
	check_result(snd_pcm_pause(pcm, 0), 0, "going on");
	check_state(pcm, SND_PCM_STATE_RUNNING, "the state after a pause is RUNNING");
	while ((snd_pcm_uframes_t)must(snd_pcm_avail(pcm), "avail") <= before)
		must(snd_pcm_wait(pcm, PATIENCE_MS), "wait");
	check(true, "the pointer moves on after a pause");
	must(snd_pcm_drop(pcm), "drop");
	check(snd_pcm_avail(pcm) != -EPIPE, "the pointer is no xrun in SETUP");
	check_result(snd_pcm_prepare(pcm), 0, "prepare");
	check_result(snd_pcm_avail(pcm), is_capture(options) ? 0 : LONG_BUFFER,
		"the pointer restarts at 0 after prepare");
	snd_pcm_close(pcm);
}

static void case_monotonic(const struct options *options)
{
	snd_pcm_uframes_t transferred = is_capture(options) ? 0 : BUFFER, last = 0, now;
	struct setup setup = usual;
	unsigned long back = 0;
	snd_pcm_t *pcm;

	setup.start = setup.stop = NEVER;
	pcm = pcm_make(options, SND_PCM_NONBLOCK, &setup);
	pcm_run(pcm, BUFFER);
	while (last < 10 * BUFFER) {
		snd_pcm_sframes_t ret = pcm_transfer(pcm, PERIOD / 3);

		if (ret != -EAGAIN)
			transferred += (snd_pcm_uframes_t)must(ret, "transfer");
		now = pcm_position(pcm, transferred);
		back += now < last;
		last = now;
	}
	check_result((long)back, 0, "the pointer never goes back");
	snd_pcm_close(pcm);
}

/* ---- Non-blocking ---- */

static void case_nonblock(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, SND_PCM_NONBLOCK, &roomy);

	pcm_run(pcm, LONG_BUFFER);
	check_result(pcm_transfer(pcm, LONG_BUFFER) == -EAGAIN ||
			     pcm_transfer(pcm, LONG_BUFFER) < (snd_pcm_sframes_t)LONG_BUFFER,
		1, "a transfer that would have to wait does not");
	check_result(snd_pcm_drain(pcm), is_capture(options) ? 0 : -EAGAIN,
		"nor does a drain, by the mode of open alone");
	check_state(pcm, is_capture(options) ? SND_PCM_STATE_SETUP : SND_PCM_STATE_DRAINING,
		"the state then is right");
	while (snd_pcm_state(pcm) == SND_PCM_STATE_DRAINING)
		revents_within(pcm, PATIENCE_MS);
	check_state(pcm, SND_PCM_STATE_SETUP, "and ends as SETUP");
	must(snd_pcm_nonblock(pcm, 0), "nonblock");
	must(snd_pcm_prepare(pcm), "prepare");
	check(pcm_works(pcm), "snd_pcm_nonblock(0) makes it wait");
	must(snd_pcm_prepare(pcm), "prepare");
	must(snd_pcm_nonblock(pcm, 1), "nonblock");
	pcm_run(pcm, LONG_BUFFER);
	check_result(snd_pcm_drain(pcm), is_capture(options) ? 0 : -EAGAIN,
		"and snd_pcm_nonblock(1) not to");
	snd_pcm_close(pcm);
}

/* ---- Interrupted ---- */

static snd_pcm_t *_Atomic aborted;

static void abort_pcm(int signal)
{
	(void)signal;
	snd_pcm_abort(atomic_load(&aborted));
}

struct interrupter {
	pthread_t thread, target;
	_Atomic bool enough;
};

/* Once more every 20 ms: the one before may have come before the wait. */
static void *interrupt_thread(void *argument)
{
	struct interrupter *interrupter = argument;

	while (!interrupter->enough) {
		poll(NULL, 0, 20);
		pthread_kill(interrupter->target, SIGUSR1);
	}
	return NULL;
}

/* As aplay's ^C: the handler calls snd_pcm_abort(), and the wait ends. */
static void case_abort(const struct options *options)
{
	struct sigaction action = { .sa_handler = abort_pcm };
	struct interrupter interrupter = { .target = pthread_self() };
	struct setup setup = slow;
	snd_pcm_t *pcm;
	int64_t began;
	long ret;

	setup.stop = NEVER;
	setup.avail_min = setup.buffer;
	pcm = pcm_make(options, 0, &setup);
	atomic_store(&aborted, pcm);
	sigaction(SIGUSR1, &action, NULL);
	pcm_run(pcm, LONG_BUFFER);
	if (!is_capture(options))
		write_silence(pcm, LONG_BUFFER);
	began = xensnd_now_ns();
	must(-pthread_create(&interrupter.thread, NULL, interrupt_thread, &interrupter), "thread");
	ret = is_capture(options) ? pcm_transfer(pcm, LONG_BUFFER) : snd_pcm_drain(pcm);
	interrupter.enough = true;
	pthread_join(interrupter.thread, NULL);
	/* Six or eight seconds of sound were to wait for. What drain returns is ioplug's affair. */
	if (!check(elapsed_below(began, PATIENCE_MS) && ret < (long)LONG_BUFFER,
		    "snd_pcm_abort() in a signal's handler ends the wait"))
		printf("# %ld\n", ret);
	must(snd_pcm_nonblock(pcm, 0), "nonblock");
	check_result(snd_pcm_drop(pcm), 0, "drop after that");
	check_state(pcm, SND_PCM_STATE_SETUP, "the state then is SETUP");
	must(hw_params(pcm, &usual), "hw_params");
	must(sw_params(pcm, &usual), "sw_params");
	check(pcm_works(pcm), "and the stream works");
	snd_pcm_close(pcm);
}

/* ---- The largest thresholds, and places that do not exist ---- */

static snd_pcm_uframes_t boundary_of(snd_pcm_t *pcm)
{
	snd_pcm_uframes_t boundary = 0;
	snd_pcm_sw_params_t *sw;

	snd_pcm_sw_params_alloca(&sw);
	must(snd_pcm_sw_params_current(pcm, sw), "sw_params_current");
	must(snd_pcm_sw_params_get_boundary(sw, &boundary), "boundary");
	return boundary;
}

/* In bytes they are more than 64 bits count. */
static void case_huge_thresholds(const struct options *options)
{
	struct setup setup = roomy;
	snd_pcm_t *pcm = pcm_make(options, SND_PCM_NONBLOCK, &setup);

	setup.start = NEVER;
	setup.avail_min = boundary_of(pcm);
	setup.stop = boundary_of(pcm) / 2;
	must(sw_params(pcm, &setup), "sw_params");
	pcm_run(pcm, LONG_BUFFER);
	while (snd_pcm_avail(pcm) < (snd_pcm_sframes_t)PERIOD)
		poll(NULL, 0, 5);
	check(!fd_ready(pcm, 0), "an avail_min of the boundary never wakes");
	while (snd_pcm_avail(pcm) >= 0 && snd_pcm_avail(pcm) < (snd_pcm_sframes_t)LONG_BUFFER)
		poll(NULL, 0, 5);
	check_state(
		pcm, SND_PCM_STATE_RUNNING, "a stop_threshold of half the boundary never stops");
	snd_pcm_close(pcm);
}

/* alsa-lib lets a program go back before prepare. */
static void case_rewound_too_far(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &roomy);
	struct timespec before, after;

	must(snd_pcm_rewind(pcm, 100), "rewind");
	(void)snd_pcm_avail(pcm);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	poll(NULL, 0, 300);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	check((after.tv_sec - before.tv_sec) * XENSND_NS_PER_SECOND + after.tv_nsec -
				before.tv_nsec <
			50 * XENSND_NS_PER_MS,
		"a rewind to before the start makes nothing run wild");
	check_state(pcm, SND_PCM_STATE_PREPARED, "a rewind to before the start leaves it PREPARED");
	check_result(snd_pcm_prepare(pcm), 0, "prepare after that");
	check(pcm_works(pcm), "and the stream works");
	snd_pcm_close(pcm);
}

static const struct test_case cases[] = {
	{ "xrun", case_xrun },
	{ "stop-threshold", case_stop_threshold },
	{ "start-threshold", case_start_threshold },
	{ "avail-min", case_avail_min },
	{ "period-event", case_period_event },
	{ "descriptor", case_descriptor },
	{ "revents", case_revents },
	{ "wakeups", case_wakeups },
	{ "time", case_time },
	{ "delay", case_delay },
	{ "frozen", case_frozen },
	{ "monotonic", case_monotonic },
	{ "nonblock", case_nonblock },
	{ "abort", case_abort },
	{ "huge-thresholds", case_huge_thresholds },
	{ "rewound-too-far", case_rewound_too_far },
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
