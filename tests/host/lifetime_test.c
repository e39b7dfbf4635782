/* SPDX-License-Identifier: MIT */
/*
 * What the plugin owes the program that it lives in: when that sets up again and again, closes in
 * any state, forks, has signals, runs short of descriptors or loses its backend, and what is left
 * behind. Prints TAP.
 *
 * Apart from promises_test.c, which is about what one stream does.
 *
 * Usage: lifetime_test [OPTION...] CASE..., with options as in pcm_case.h
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "pcm_case.h"

/* Four seconds of buffer, never stopped: what runs on in a parent runs on. */
static const struct setup patient = { .access = SND_PCM_ACCESS_RW_INTERLEAVED,
	.rate = 8000,
	.channels = 1,
	.period = 160,
	.buffer = 32000,
	.start = NEVER,
	.stop = NEVER };

/* ---- fork ---- */

/* The child's exit status; it has so many seconds. */
static int in_child(bool (*run)(snd_pcm_t *pcm), snd_pcm_t *pcm)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		alarm(PATIENCE_MS / 1000);
		_exit(run(pcm) ? 0 : 1);
	}
	waitpid(child, &status, 0);
	return status;
}

static bool child_closes(snd_pcm_t *pcm)
{
	return snd_pcm_close(pcm) == 0;
}

static bool child_exits(snd_pcm_t *pcm)
{
	return pcm != NULL;
}

/* Whatever a child asks for is answered, at once, and is not done. */
static bool child_uses(snd_pcm_t *pcm)
{
	snd_pcm_sframes_t delay;

	return pcm_transfer(pcm, 1) == -ENODEV && revents_now(pcm) == (POLLERR | POLLHUP) &&
	       pcm_transfer(pcm, 1) == -ENODEV && snd_pcm_wait(pcm, PATIENCE_MS) == -ENODEV &&
	       snd_pcm_prepare(pcm) == -ENODEV && snd_pcm_start(pcm) == -ENODEV &&
	       snd_pcm_drain(pcm) == -ENODEV && snd_pcm_drop(pcm) == -ENODEV &&
	       hw_params(pcm, &usual) == -ENODEV &&
	       (snd_pcm_delay(pcm, &delay), snd_pcm_close(pcm)) == 0;
}

/* The plugin's threads do not come along, and the connection is the parent's. */
static void case_fork(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &patient);
	snd_pcm_sframes_t before;

	pcm_run(pcm, LONG_BUFFER);
	check_result(in_child(child_exits, pcm), 0, "a forked child that exits");
	check_result(in_child(child_uses, pcm), 0,
		"a forked child that uses the PCM is told that there is none");
	check_result(in_child(child_closes, pcm), 0, "a forked child closes the PCM");
	check_state(pcm, SND_PCM_STATE_RUNNING, "its parent's PCM runs on");
	before = snd_pcm_avail(pcm);
	check(pcm_transfer(pcm, 800) == 800, "takes and gives data");
	while (snd_pcm_avail(pcm) == before && snd_pcm_state(pcm) == SND_PCM_STATE_RUNNING)
		must(snd_pcm_wait(pcm, PATIENCE_MS), "wait");
	check_result(snd_pcm_drop(pcm), 0, "and can be stopped");
	check(hw_params(pcm, &usual) == 0 && sw_params(pcm, &usual) == 0 && pcm_works(pcm),
		"and set up again");
	check(snd_pcm_close(pcm) == 0, "and closed");
}

/* ---- Signals ---- */

/* The blocked signals of a thread, as the kernel prints them; 0 if it has gone. */
static unsigned long long blocked_signals(const char *task)
{
	unsigned long long blocked = 0;
	char path[300], line[200];
	FILE *status;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
	status = fopen(path, "r");
	while (status && fgets(line, sizeof(line), status))
		if (strncmp(line, "SigBlk:", 7) == 0)
			blocked = strtoull(line + 7, NULL, 16);
	if (status)
		fclose(status);
	return blocked;
}

/* Signals that can be blocked and are not the C library's own (32, 33). */
static unsigned long long all_signals(void)
{
	unsigned long long all = 0;

	for (int i = 1; i <= 64; i++)
		if (i != SIGKILL && i != SIGSTOP && i != 32 && i != 33)
			all |= 1ull << (i - 1);
	return all;
}

/* Threads that were not there before, and that some signal can hit. */
static unsigned int threads_open(unsigned int before)
{
	unsigned int open = 0, seen = 0;
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		seen++;
		open += (blocked_signals(entry->d_name) & all_signals()) != all_signals();
	}
	if (dir)
		closedir(dir);
	printf("# %u threads, %u of them with open signals\n", seen, open);
	/* There has to be one of ours. */
	return seen > before ? open : seen;
}

static void own_handler(int signal)
{
	(void)signal;
}

struct signals {
	sigset_t mask;
	void (*handlers[32])(int);
};

static struct signals signals_now(void)
{
	struct signals now = { .handlers = { NULL } };
	struct sigaction action;

	pthread_sigmask(SIG_SETMASK, NULL, &now.mask);
	for (int i = 1; i < 32; i++)
		if (sigaction(i, NULL, &action) == 0)
			now.handlers[i] = action.sa_handler;
	return now;
}

static bool signals_same(const struct signals *before)
{
	struct signals now = signals_now();

	for (int i = 1; i < 32; i++)
		if (now.handlers[i] != before->handlers[i] ||
			sigismember(&now.mask, i) != sigismember(&before->mask, i))
			return false;
	return true;
}

static void case_signals(const struct options *options)
{
	struct sigaction own = { .sa_handler = own_handler };
	unsigned int threads, open;
	struct signals before;
	sigset_t some;
	snd_pcm_t *pcm;

	sigaction(SIGUSR1, &own, NULL);
	sigaction(SIGPIPE, &own, NULL);
	sigaction(SIGCHLD, &own, NULL);
	sigemptyset(&some);
	sigaddset(&some, SIGUSR2);
	sigaddset(&some, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &some, NULL);
	before = signals_now();
	threads = entries("/proc/self/task") - 2;
	open = threads_open(0);
	pcm = pcm_make(options, 0, &usual);
	check_result(threads_open(threads), open, "no signal is delivered to a thread of ours");
	check(pcm_works(pcm), "it works");
	check(signals_same(&before), "a program's handlers and mask are left alone");
	snd_pcm_close(pcm);
	check(signals_same(&before), "also by close");
}

/* ---- Few descriptors ---- */

/* poll() refuses more descriptors than the limit, even open ones. */
static void case_limit(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &usual);
	struct rlimit before, few;

	getrlimit(RLIMIT_NOFILE, &before);
	few = before;
	few.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &few);
	check(pcm_works(pcm), "a program that may open no files works");
	/* Whether there is a new buffer to be had is the kernel's business; the owner has to
	 * answer. */
	(void)hw_params(pcm, &usual);
	setrlimit(RLIMIT_NOFILE, &before);
	check(hw_params(pcm, &usual) == 0 && pcm_works(pcm), "and works again when it may");
	check(snd_pcm_close(pcm) == 0, "and closes the PCM");
}

/* Runs until the backend goes, then waits for a line in the file -i before it measures. */
static void case_loss(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &usual);
	int64_t before_ms;
	char line[8];
	FILE *lines;
	snd_pcm_sframes_t ret;

	printf("# playing\n");
	fflush(stdout);
	do
		ret = pcm_transfer(pcm, PERIOD);
	while (ret > 0 || (ret == -EPIPE && snd_pcm_prepare(pcm) == 0));
	check(pcm_transfer(pcm, PERIOD) == -ENODEV, "a program learns that the backend has gone");
	lines = fopen(options->file, "r");
	check(lines && fgets(line, sizeof(line), lines), "it is told to go on");
	before_ms = cpu_ms();
	poll(NULL, 0, 500);
	check(cpu_ms() - before_ms < 100, "a stream whose backend has gone needs no processor");
	check(snd_pcm_close(pcm) == 0, "and can be closed");
	if (lines)
		fclose(lines);
	printf("# end\n");
	fflush(stdout);
}

/* ---- A backend that goes ---- */

static void check_disconnected(snd_pcm_t *pcm)
{
	const snd_pcm_channel_area_t *areas;
	snd_pcm_uframes_t offset, frames = 1;
	unsigned short revents = revents_now(pcm);

	check_state(pcm, SND_PCM_STATE_DISCONNECTED, "a lost backend: the state is DISCONNECTED");
	check(revents == (POLLERR | POLLHUP), "a lost backend: poll says POLLERR and POLLHUP");
	check(fd_ready(pcm, 0), "a lost backend: the descriptor is ready");
	check_result(pcm_transfer(pcm, 1), -ENODEV, "a lost backend: transfer");
	check_result(snd_pcm_mmap_begin(pcm, &areas, &offset, &frames), -ENODEV,
		"a lost backend: mmap_begin");
	check_result(snd_pcm_wait(pcm, PATIENCE_MS), -ENODEV, "a lost backend: wait");
	check_result(snd_pcm_prepare(pcm), -ENODEV, "a lost backend: prepare");
	check_result(snd_pcm_start(pcm), -ENODEV, "a lost backend: start");
	check_result(snd_pcm_pause(pcm, 1), -ENODEV, "a lost backend: pause");
	check_result(snd_pcm_drain(pcm), -ENODEV, "a lost backend: drain");
	check_result(snd_pcm_drop(pcm), -ENODEV, "a lost backend: drop");
	check_result(snd_pcm_rewind(pcm, 1), -ENODEV, "a lost backend: rewind");
	check_result(snd_pcm_forward(pcm, 1), -ENODEV, "a lost backend: forward");
	check_state(pcm, SND_PCM_STATE_DISCONNECTED, "a lost backend: and it stays so");
}

/* -b takes the backend away, -m brings it back. */
/* Every call as facts about the backend, none of which ends the PCM. */
static void check_suspended(const struct options *options, snd_pcm_t *pcm)
{
	unsigned short ready = options->stream == SND_PCM_STREAM_CAPTURE ? POLLIN : POLLOUT;
	int64_t before_ms;

	check_state(pcm, SND_PCM_STATE_SUSPENDED, "a backend away: the state is SUSPENDED");
	check(revents_within(pcm, 0) == (ready | POLLERR), "a backend away: poll says POLLERR");
	check_result(pcm_transfer(pcm, 1), -ESTRPIPE, "a backend away: transfer");
	check_result(snd_pcm_wait(pcm, PATIENCE_MS), -ESTRPIPE, "a backend away: wait");
	check_result(snd_pcm_start(pcm), -ESTRPIPE, "a backend away: start");
	check_result(snd_pcm_pause(pcm, 1), -ESTRPIPE, "a backend away: pause");
	check_result(snd_pcm_drain(pcm), -ESTRPIPE, "a backend away: drain");
	check_result(snd_pcm_prepare(pcm), -EAGAIN, "a backend away: prepare waits in vain");
	check_result(snd_pcm_resume(pcm), 0, "a backend away: resume can not say so");
	check_state(pcm, SND_PCM_STATE_SUSPENDED, "a backend away: and the state stays SUSPENDED");
	before_ms = cpu_ms();
	poll(NULL, 0, 500);
	check(cpu_ms() - before_ms < 100, "a backend away: nothing of ours needs the processor");
}

static void case_suspended(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &roomy);
	snd_pcm_sframes_t ret;

	pcm_run(pcm, LONG_BUFFER);
	command_run(options->break_command);
	do
		ret = pcm_transfer(pcm, PERIOD);
	while (ret > 0);
	check_result(ret, -ESTRPIPE, "a backend away: transfer, first of all");
	check_suspended(options, pcm);
	command_run(options->mend_command);
	do
		ret = snd_pcm_resume(pcm);
	while (ret == 0 && snd_pcm_state(pcm) == SND_PCM_STATE_SUSPENDED);
	check_state(pcm, SND_PCM_STATE_PREPARED, "a backend that is back: resume has prepared");
	check(pcm_works(pcm), "a backend that is back: the stream works");
	check_result(snd_pcm_close(pcm), 0, "a backend that is back: close");
	printf("# end\n");
	fflush(stdout);
}

static void case_lost(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &roomy);
	snd_pcm_sframes_t ret;

	pcm_run(pcm, LONG_BUFFER);
	command_run(options->break_command);
	do
		ret = pcm_transfer(pcm, PERIOD);
	while (ret > 0);
	check_result(ret, -ENODEV, "a lost backend: transfer, first of all");
	check_disconnected(pcm);
	check_result(hw_params(pcm, &usual), -ENODEV, "a lost backend: hw_params");
	check_result(snd_pcm_close(pcm), 0, "a lost backend: close");
	command_run(options->mend_command);
	pcm = pcm_make(options, 0, &usual);
	check(pcm_works(pcm), "another open works when the backend is back");
	snd_pcm_close(pcm);
	printf("# end\n");
	fflush(stdout);
}

/* ---- Setting up ---- */

static void case_setup(const struct options *options)
{
	static const struct setup others[] = {
		{ .access = SND_PCM_ACCESS_RW_INTERLEAVED,
			.rate = 8000,
			.channels = 1,
			.period = 80,
			.buffer = 320 },
		{ .access = SND_PCM_ACCESS_RW_INTERLEAVED,
			.rate = 96000,
			.channels = 2,
			.period = 1000,
			.buffer = 4000 },
		{ .access = SND_PCM_ACCESS_RW_INTERLEAVED,
			.rate = 44100,
			.channels = 1,
			.period = 441,
			.buffer = 7056 },
	};
	snd_pcm_t *pcm = pcm_open(options, 0);
	unsigned int good = 0;

	for (unsigned int i = 0; i < 12; i++) {
		const struct setup *setup = &others[i % 3];

		/* Every second one is left behind running. */
		if (hw_params(pcm, setup) == 0 && sw_params(pcm, setup) == 0)
			good += i % 2 == 0 ? pcm_transfer(pcm, 2 * setup->period) ==
						     (snd_pcm_sframes_t)(2 * setup->period)
					   : pcm_works(pcm);
	}
	check_result(good, 12, "hw_params twelve times without hw_free, running or not");
	check_result(snd_pcm_hw_free(pcm), 0, "hw_free");
	check_result(snd_pcm_hw_free(pcm), 0, "hw_free again");
	check(hw_params(pcm, &usual) == 0 && sw_params(pcm, &usual) == 0 && pcm_works(pcm),
		"and another hw_params works");
	snd_pcm_close(pcm);
}

static void case_close(const struct options *options)
{
	static const char *const states[] = { "running", "paused", "draining", "stopped" };
	snd_pcm_t *pcm;

	for (unsigned int i = 0; i < 4; i++) {
		pcm = pcm_make(options, SND_PCM_NONBLOCK, &roomy);
		pcm_run(pcm, LONG_BUFFER);
		if (i == 1)
			must(snd_pcm_pause(pcm, 1), "pause");
		if (i == 2)
			snd_pcm_drain(pcm);
		if (i == 3)
			must(snd_pcm_drop(pcm), "drop");
		check(snd_pcm_close(pcm) == 0, "close while %s", states[i]);
	}
	pcm = pcm_make(options, 0, &usual);
	check(pcm_works(pcm), "and the device works for the next program");
	snd_pcm_close(pcm);
	pcm = pcm_open(options, 0);
	check_result(snd_pcm_close(pcm), 0, "close without hw_params");
}

/* ---- Refused parameters ---- */

static void case_refused(const struct options *options)
{
	snd_pcm_t *pcm = pcm_open(options, 0);
	int ret;

	command_run(options->break_command);
	ret = hw_params(pcm, &usual);
	check(ret < 0 && ret != -ENODEV, "refused parameters are an error of hw_params (%s)",
		snd_strerror(ret));
	ret = hw_params(pcm, &usual);
	check(ret < 0 && ret != -ENODEV, "and are refused again");
	command_run(options->mend_command);
	check_result(hw_params(pcm, &usual), 0, "another hw_params then succeeds");
	check(pcm_works(pcm), "and plays");
	command_run(options->break_command);
	check(hw_params(pcm, &usual) < 0, "parameters refused after playing are an error");
	command_run(options->mend_command);
	check_result(hw_params(pcm, &usual), 0, "which another hw_params mends");
	check(pcm_works(pcm), "and that plays");
	command_run(options->break_command);
	hw_params(pcm, &usual);
	command_run(options->mend_command);
	check_result(snd_pcm_close(pcm), 0, "close after refused parameters");
}

/* ---- What is left behind ---- */

struct left {
	unsigned int descriptors, threads;
	char counts[200];
};

static struct left left_now(const struct options *options)
{
	struct left left = { .counts = "" };
	FILE *counts = options->count_command ? popen(options->count_command, "r") : NULL;

	if (counts) {
		if (!fgets(left.counts, sizeof(left.counts), counts))
			strcpy(left.counts, "nothing");
		pclose(counts);
	}
	left.descriptors = entries("/proc/self/fd");
	left.threads = entries("/proc/self/task");
	return left;
}

static void check_left(const struct left *before, const struct left *after, const char *name)
{
	bool same = before->descriptors == after->descriptors &&
		    before->threads == after->threads && strcmp(before->counts, after->counts) == 0;

	if (!check(same, "%s", name))
		printf("# %u descriptors, %u threads, %s# not %u descriptors, %u threads, %s",
			after->descriptors, after->threads, after->counts, before->descriptors,
			before->threads, before->counts);
}

static void case_loops(const struct options *options)
{
	snd_pcm_t *pcm = pcm_make(options, 0, &usual);
	struct left before, after;
	bool good = true;

	snd_pcm_close(pcm);
	before = left_now(options);
	for (unsigned int i = 0; i < 100 && good; i++) {
		good = snd_pcm_open(&pcm, options->device, options->stream, 0) == 0;
		if (good && i % 4 == 0)
			good = hw_params(pcm, &usual) == 0;
		if (good)
			good = snd_pcm_close(pcm) == 0;
	}
	check(good, "open and close 100 times");
	after = left_now(options);
	check_left(&before, &after, "leave no descriptor, thread or page behind");
	pcm = pcm_make(options, 0, &usual);
	before = left_now(options);
	for (unsigned int i = 0; i < 200 && good; i++)
		good = snd_pcm_hw_free(pcm) == 0 && hw_params(pcm, &usual) == 0;
	check(good, "hw_free and hw_params 200 times");
	after = left_now(options);
	check_left(&before, &after, "leave nothing behind either");
	check(pcm_works(pcm), "and the stream plays");
	snd_pcm_close(pcm);
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
		pcm = pcm_make(options, 0, &usual);
		pcm_run(pcm, BUFFER);
		snd_pcm_close(pcm);
		snd_config_update_free_global();
	}
	check_result(entries("/proc/self/task"), threads, "no thread outlives close");
	check(!mapped("libasound_module_pcm_xen"), "the plugin can be unloaded");
	pcm = pcm_make(options, 0, &usual);
	check(pcm_works(pcm), "and loaded again");
	snd_pcm_close(pcm);
	snd_config_update_free_global();
}

static const struct test_case cases[] = {
	{ "fork", case_fork },
	{ "signals", case_signals },
	{ "limit", case_limit },
	{ "loss", case_loss },
	{ "lost", case_lost },
	{ "suspended", case_suspended },
	{ "setup", case_setup },
	{ "close", case_close },
	{ "refused", case_refused },
	{ "loops", case_loops },
	{ "unload", case_unload },
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
