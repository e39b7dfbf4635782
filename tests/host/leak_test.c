/* SPDX-License-Identifier: MIT */
/*
 * Thousands of opens and set-ups of a PCM, and what they leave behind: memory, descriptors,
 * mappings, threads, and whatever a command counts. Prints TAP.
 *
 * Apart from pcm_test.c because only many rounds show a small leak. The first tenth may fill
 * caches; from then on all is to stay as it is.
 *
 * Usage: leak_test [OPTION...] CASE ROUNDS
 *   open      open and close
 *   hw_params hw_params and hw_free
 *   -D DEVICE the PCM (default: xenhw)
 *   -K DEVICE another PCM of the card, open throughout
 *   -c        both record
 *   -n COMMAND prints what must not grow
 */
#include <alsa/asoundlib.h>
#include <dirent.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

#define LATENCY_US 20000u
/* What the allocator may hold in a different way. */
#define RESIDENT_KB_MAX 512
#define ALLOCATED_BYTES_MAX 16384

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool own_allocator =
	true; /* which keeps what was freed; at the end it looks for leaks */
#else
static const bool own_allocator = false;
#endif

struct options {
	const char *device, *other, *count_command;
	snd_pcm_stream_t direction;
};

struct left {
	unsigned int descriptors, threads, mappings;
	long resident_kb, allocated_bytes;
	char counts[200];
};

static unsigned int failed;

static void check(bool good, const char *what, const char *name)
{
	failed += !good;
	printf("%sok - %s: %s\n", good ? "" : "not ", name, what);
	fflush(stdout);
}

/* ---- What is there ---- */

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

/* A file's lines; *value is the number in the one that starts with a name. */
static unsigned int lines(const char *path, const char *name, long *value)
{
	FILE *file = fopen(path, "r");
	char line[600];
	unsigned int n = 0;

	for (; file && fgets(line, sizeof(line), file); n++)
		if (name && strncmp(line, name, strlen(name)) == 0)
			*value = strtol(line + strlen(name), NULL, 10);
	if (file)
		fclose(file);
	return n;
}

static struct left left_now(const struct options *options)
{
	struct left left = { .counts = "" };
	FILE *counts = options->count_command ? popen(options->count_command, "r") : NULL;

	if (counts) {
		if (!fgets(left.counts, sizeof(left.counts), counts))
			strcpy(left.counts, "nothing");
		left.counts[strcspn(left.counts, "\n")] = '\0';
		pclose(counts);
	}
	malloc_trim(0);
	left.descriptors = entries("/proc/self/fd");
	left.threads = entries("/proc/self/task");
	left.mappings = lines("/proc/self/maps", NULL, NULL);
	left.allocated_bytes = (long)mallinfo2().uordblks;
	lines("/proc/self/status", "VmRSS:", &left.resident_kb);
	return left;
}

static void memory_check(const struct left *before, const struct left *after, const char *name)
{
	check(after->mappings <= before->mappings + 1, "no mapping is left", name);
	check(after->allocated_bytes <= before->allocated_bytes + ALLOCATED_BYTES_MAX &&
			after->resident_kb <= before->resident_kb + RESIDENT_KB_MAX,
		"memory does not grow", name);
}

static void left_check(const struct left *before, const struct left *after, const char *name)
{
	printf("# %s: %u descriptors, %u threads, %u mappings, %ld KiB resident, %ld bytes "
	       "allocated, %s\n",
		name, after->descriptors, after->threads, after->mappings, after->resident_kb,
		after->allocated_bytes, after->counts);
	printf("# after the first tenth: %u, %u, %u, %ld, %ld, %s\n", before->descriptors,
		before->threads, before->mappings, before->resident_kb, before->allocated_bytes,
		before->counts);
	check(after->descriptors == before->descriptors, "no descriptor is left open", name);
	check(after->threads == before->threads, "no thread is left", name);
	if (own_allocator)
		printf("ok - %s: memory does not grow # SKIP the sanitizer's own does\n", name);
	else
		memory_check(before, after, name);
	check(strcmp(after->counts, before->counts) == 0, "no grant and no port is left", name);
}

/* ---- The rounds ---- */

static bool pcm_set(snd_pcm_t *pcm)
{
	return snd_pcm_set_params(pcm, SND_PCM_FORMAT_S16_LE, SND_PCM_ACCESS_RW_INTERLEAVED, 2,
		       48000, 0, LATENCY_US) == 0;
}

static bool open_round(const struct options *options, snd_pcm_t *unused)
{
	snd_pcm_t *pcm;

	(void)unused;
	return snd_pcm_open(&pcm, options->device, options->direction, 0) == 0 &&
	       snd_pcm_close(pcm) == 0;
}

/* Ends with hw_params: pages are given back in the background, but before there are others. */
static bool hw_params_round(const struct options *options, snd_pcm_t *pcm)
{
	(void)options;
	return snd_pcm_hw_free(pcm) == 0 && pcm_set(pcm);
}

static void rounds(const struct options *options, snd_pcm_t *pcm, unsigned int n, const char *name,
	bool (*round)(const struct options *options, snd_pcm_t *pcm))
{
	int64_t began_ns = xensnd_now_ns();
	struct left before = left_now(options), after;
	bool good = true;

	for (unsigned int i = 0; i < n && good; i++) {
		if (i == n / 10)
			before = left_now(options);
		good = round(options, pcm);
	}
	printf("# %s: %u rounds, %.2f ms each\n", name, n,
		(double)(xensnd_now_ns() - began_ns) / (double)XENSND_NS_PER_MS / n);
	check(good, "every round succeeds", name);
	after = left_now(options);
	left_check(&before, &after, name);
}

static void case_run(const struct options *options, bool open_case, unsigned int n)
{
	const char *direction = snd_pcm_stream_name(options->direction);
	snd_pcm_t *pcm = NULL, *other = NULL;
	char name[100];

	if (options->other && snd_pcm_open(&other, options->other, options->direction, 0) < 0)
		failed++;
	if (!open_case && snd_pcm_open(&pcm, options->device, options->direction, 0) < 0)
		failed++;
	snprintf(name, sizeof(name), "%s %u times, %s%s", open_case ? "open" : "hw_params", n,
		direction, other ? ", beside another PCM of the card" : "");
	if (failed == 0)
		rounds(options, pcm, n, name, open_case ? open_round : hw_params_round);
	else
		check(false, "the PCMs can be opened", name);
	if (pcm)
		snd_pcm_close(pcm);
	if (other)
		snd_pcm_close(other);
}

int main(int argc, char **argv)
{
	struct options options = { .device = "xenhw", .direction = SND_PCM_STREAM_PLAYBACK };
	int option;

	while ((option = getopt(argc, argv, "D:K:cn:")) >= 0) {
		switch (option) {
		case 'D':
			options.device = optarg;
			break;
		case 'K':
			options.other = optarg;
			break;
		case 'c':
			options.direction = SND_PCM_STREAM_CAPTURE;
			break;
		case 'n':
			options.count_command = optarg;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2)
		return 2;
	/* What is preloaded is for this program, not for the shell of the command. */
	unsetenv("LD_PRELOAD");
	case_run(&options, strcmp(argv[optind], "open") == 0,
		(unsigned int)strtoul(argv[optind + 1], NULL, 10));
	snd_config_update_free_global();
	return failed ? 1 : 0;
}
