/* SPDX-License-Identifier: MIT */
/*
 * What the plugin's threads and descriptors owe the program that they live in, when it forks, when
 * it runs short of descriptors and when the backend goes. Prints TAP.
 *
 * Apart from pcm_test.c because ALSA promises nothing of this.
 *
 * Usage: lifetime_test fork | limit | loss FILE
 */
#include <alsa/asoundlib.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

#define RATE 48000u
#define LATENCY_US 100000u
#define PATIENCE_S 5

static const int16_t silence[RATE / 2 * 2];
static int failed;

static void check(bool good, const char *what)
{
	failed += !good;
	printf("%sok - %s\n", good ? "" : "not ", what);
	fflush(stdout);
}

static int pcm_set(snd_pcm_t *pcm)
{
	return snd_pcm_set_params(
		pcm, SND_PCM_FORMAT_S16_LE, SND_PCM_ACCESS_RW_INTERLEAVED, 2, RATE, 0, LATENCY_US);
}

static snd_pcm_t *pcm_start(void)
{
	snd_pcm_t *pcm;

	if (snd_pcm_open(&pcm, "xenhw", SND_PCM_STREAM_PLAYBACK, 0) < 0 || pcm_set(pcm) < 0) {
		printf("Bail out! no PCM\n");
		exit(1);
	}
	return pcm;
}

static bool pcm_plays(snd_pcm_t *pcm)
{
	return snd_pcm_writei(pcm, silence, RATE / 2) == RATE / 2 && snd_pcm_drain(pcm) == 0;
}

/* The plugin's threads do not come along, and the connection is the parent's. */
static void fork_case(void)
{
	snd_pcm_t *pcm = pcm_start();
	int status = -1;
	pid_t child;

	check(pcm_plays(pcm), "a program plays");
	check(snd_pcm_prepare(pcm) == 0 && snd_pcm_writei(pcm, silence, RATE / 2) == RATE / 2,
		"and plays on while it forks");
	child = fork();
	if (child == 0) {
		alarm(PATIENCE_S);
		_exit(snd_pcm_close(pcm) == 0 ? 0 : 1);
	}
	waitpid(child, &status, 0);
	check(status == 0, "a forked child closes the PCM");
	check(snd_pcm_drain(pcm) == 0, "its parent plays to the end");
	check(snd_pcm_prepare(pcm) == 0 && pcm_plays(pcm), "and plays again");
	check(snd_pcm_close(pcm) == 0, "and closes the PCM");
}

/* poll() refuses more descriptors than the limit, even open ones. */
static void limit_case(void)
{
	snd_pcm_t *pcm = pcm_start();
	struct rlimit before, few;

	getrlimit(RLIMIT_NOFILE, &before);
	few = before;
	few.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &few);
	check(pcm_plays(pcm), "a program that may open no files plays");
	/* Whether there is a new buffer to be had is the kernel's business; the owner has to
	 * answer. */
	(void)pcm_set(pcm);
	setrlimit(RLIMIT_NOFILE, &before);
	check(pcm_set(pcm) == 0 && pcm_plays(pcm), "and plays again when it may");
	check(snd_pcm_close(pcm) == 0, "and closes the PCM");
}

static int64_t cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (int64_t)used.tv_sec * XENSND_NS_PER_SECOND + used.tv_nsec;
}

/* Plays until the backend goes, then waits for a line in a file before it measures. */
static void loss_case(const char *file)
{
	snd_pcm_t *pcm = pcm_start();
	snd_pcm_sframes_t ret;
	int64_t before_ns;
	char line[8];
	FILE *lines;

	printf("# playing\n");
	fflush(stdout);
	do
		ret = snd_pcm_writei(pcm, silence, RATE / 2);
	while (ret > 0);
	check(ret == -ENODEV, "a program learns that the backend has gone");
	lines = fopen(file, "r");
	check(lines && fgets(line, sizeof(line), lines), "it is told to go on");
	before_ns = cpu_ns();
	poll(NULL, 0, 500);
	check(cpu_ns() - before_ns < 100 * XENSND_NS_PER_MS,
		"a stream whose backend has gone needs no processor");
	check(snd_pcm_close(pcm) == 0, "and can be closed");
	if (lines)
		fclose(lines);
	printf("# end\n");
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "fork") == 0)
		fork_case();
	else if (argc == 2 && strcmp(argv[1], "limit") == 0)
		limit_case();
	else if (argc == 3 && strcmp(argv[1], "loss") == 0)
		loss_case(argv[2]);
	else
		return 2;
	return failed > 0;
}
