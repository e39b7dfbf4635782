/* SPDX-License-Identifier: MIT */
/*
 * The position, a thousand times a second, against what the backend really consumed or recorded.
 * Prints TAP, and how far behind the position is.
 *
 * Apart from pcm_test.c because it needs a backend that publishes that (consumed.h,
 * scripted_backend.c). What is asserted follows from the order of things, not from the clock:
 * nothing here depends on how busy the machine is. The clock only says how often to look.
 *
 * Usage: position_test [OPTION...] FILE
 *   -D DEVICE  the PCM (default: xenhw)
 *   -c         record, instead of play
 *   -s SECONDS how long (default: 60)
 */
#include <alsa/asoundlib.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "consumed.h"

#define RATE 48000u
#define CHANNELS 2u
#define FRAME_BYTES 4u
#define PERIOD 480u
#define BUFFER 1920u

static int16_t samples[BUFFER * CHANNELS];

struct watch {
	snd_pcm_t *pcm;
	bool capture;
	const struct consumed *consumed;
	uint64_t appl;          /* frames written or read */
	uint64_t last;          /* position */
	uint64_t settled_moves; /* how often the lower bound was a new one */
	uint64_t settled_last;
	uint32_t *behind; /* frames, of each look */
	unsigned int looks;
	unsigned int ahead, back, late, delay_ahead, delay_late, errors;
};

static void check(unsigned int bad, const char *direction, const char *what)
{
	printf("%sok - %s: %s\n", bad ? "not " : "", direction, what);
	if (bad)
		printf("# in %u looks\n", bad);
}

static void must(long ret, const char *what)
{
	if (ret >= 0)
		return;
	printf("Bail out! %s: %s\n", what, snd_strerror((int)ret));
	exit(1);
}

/* Without underruns: the position then stands until there is more. */
static void pcm_set(snd_pcm_t *pcm)
{
	snd_pcm_uframes_t boundary;
	snd_pcm_hw_params_t *hw;
	snd_pcm_sw_params_t *sw;

	snd_pcm_hw_params_alloca(&hw);
	must(snd_pcm_hw_params_any(pcm, hw), "hw_params_any");
	must(snd_pcm_hw_params_set_access(pcm, hw, SND_PCM_ACCESS_RW_INTERLEAVED), "access");
	must(snd_pcm_hw_params_set_format(pcm, hw, SND_PCM_FORMAT_S16_LE), "format");
	must(snd_pcm_hw_params_set_channels(pcm, hw, CHANNELS), "channels");
	must(snd_pcm_hw_params_set_rate(pcm, hw, RATE, 0), "rate");
	must(snd_pcm_hw_params_set_period_size(pcm, hw, PERIOD, 0), "period");
	must(snd_pcm_hw_params_set_buffer_size(pcm, hw, BUFFER), "buffer");
	must(snd_pcm_hw_params(pcm, hw), "hw_params");
	snd_pcm_sw_params_alloca(&sw);
	must(snd_pcm_sw_params_current(pcm, sw), "sw_params_current");
	must(snd_pcm_sw_params_get_boundary(sw, &boundary), "boundary");
	must(snd_pcm_sw_params_set_stop_threshold(pcm, sw, boundary), "stop threshold");
	must(snd_pcm_sw_params_set_start_threshold(pcm, sw, boundary), "start threshold");
	must(snd_pcm_sw_params(pcm, sw), "sw_params");
}

static uint64_t frames_of(const _Atomic uint64_t *bytes)
{
	return atomic_load(bytes) / FRAME_BYTES;
}

/*
 * Before the position is asked for, so much was settled, and it has to be in there; what it says
 * has to be what the backend has published by then.
 */
static long avail_look(struct watch *watch)
{
	uint64_t settled = frames_of(&watch->consumed->settled), moved, position;
	long avail = snd_pcm_avail(watch->pcm);

	if (avail < 0) {
		watch->errors++;
		return avail;
	}
	position = watch->capture ? watch->appl + (uint64_t)avail
				  : watch->appl - (BUFFER - (uint64_t)avail);
	moved = frames_of(watch->capture ? &watch->consumed->delivered : &watch->consumed->moved);
	watch->ahead += position > moved;
	watch->back += position < watch->last;
	watch->late += position < settled;
	watch->settled_moves += settled > watch->settled_last;
	watch->settled_last = settled;
	watch->last = position;
	watch->behind[watch->looks++] = (uint32_t)(frames_of(&watch->consumed->moved) - position);
	return avail;
}

static void delay_look(struct watch *watch)
{
	uint64_t settled = frames_of(&watch->consumed->settled), position;
	snd_pcm_sframes_t delay;

	if (snd_pcm_delay(watch->pcm, &delay) < 0) {
		watch->errors++;
		return;
	}
	position = watch->capture ? watch->appl + (uint64_t)delay : watch->appl - (uint64_t)delay;
	watch->delay_ahead += position > frames_of(&watch->consumed->moved);
	watch->delay_late += position < settled;
}

static void audio_move(struct watch *watch, long avail)
{
	long ret = 0;

	if (avail > BUFFER)
		avail = BUFFER;
	if (avail > 0)
		ret = watch->capture
			      ? snd_pcm_readi(watch->pcm, samples, (snd_pcm_uframes_t)avail)
			      : snd_pcm_writei(watch->pcm, samples, (snd_pcm_uframes_t)avail);
	if (ret > 0)
		watch->appl += (uint64_t)ret;
	else if (ret < 0 && ret != -EAGAIN)
		watch->errors++;
}

static void look_on(struct watch *watch, unsigned int n)
{
	int64_t next_ns = xensnd_now_ns();

	for (unsigned int i = 0; i < n && watch->errors < 10; i++) {
		struct timespec next;

		next_ns += XENSND_NS_PER_MS;
		next = (struct timespec){ .tv_sec = next_ns / XENSND_NS_PER_SECOND,
			.tv_nsec = next_ns % XENSND_NS_PER_SECOND };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		delay_look(watch);
		audio_move(watch, avail_look(watch));
	}
}

static int number_compare(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return (one > other) - (one < other);
}

static void report(struct watch *watch)
{
	const char *direction = watch->capture ? "recording" : "playing";

	qsort(watch->behind, watch->looks, sizeof(*watch->behind), number_compare);
	if (watch->looks > 0)
		printf("# %s: %u looks at %llu frames, %llu of them with new proof; frames behind: "
		       "median %u, 99 %% %u, most %u (a period is %u)\n",
			direction, watch->looks, (unsigned long long)watch->last,
			(unsigned long long)watch->settled_moves, watch->behind[watch->looks / 2],
			watch->behind[(size_t)watch->looks * 99 / 100],
			watch->behind[watch->looks - 1], PERIOD);
	check(watch->errors, direction, "no look fails");
	check(watch->ahead, direction, "the position is never ahead of the backend");
	check(watch->back, direction, "the position never steps back");
	check(watch->late, direction, "the position has what the worker has heard of");
	check(watch->delay_ahead, direction, "the delay is never ahead of the backend");
	check(watch->delay_late, direction, "the delay has what the worker has heard of");
	check(watch->settled_moves < 10, direction, "there was something to compare with");
}

int main(int argc, char **argv)
{
	struct watch watch = { .pcm = NULL };
	const char *device = "xenhw";
	unsigned int seconds = 60;
	int option, fd;

	while ((option = getopt(argc, argv, "D:cs:")) >= 0) {
		if (option == 'D')
			device = optarg;
		else if (option == 'c')
			watch.capture = true;
		else if (option == 's')
			seconds = (unsigned int)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	fd = optind < argc ? open(argv[optind], O_RDONLY | O_CLOEXEC) : -1;
	watch.consumed = mmap(NULL, sizeof(*watch.consumed), PROT_READ, MAP_SHARED, fd, 0);
	watch.behind = calloc((size_t)seconds * 1000, sizeof(*watch.behind));
	if (fd < 0 || watch.consumed == MAP_FAILED || !watch.behind)
		return 2;
	must(snd_pcm_open(&watch.pcm, device,
		     watch.capture ? SND_PCM_STREAM_CAPTURE : SND_PCM_STREAM_PLAYBACK,
		     SND_PCM_NONBLOCK),
		device);
	pcm_set(watch.pcm);
	if (!watch.capture)
		audio_move(&watch, BUFFER);
	must(snd_pcm_start(watch.pcm), "start");
	look_on(&watch, seconds * 1000);
	snd_pcm_close(watch.pcm);
	report(&watch);
	free(watch.behind);
	snd_config_update_free_global();
	return watch.errors || watch.ahead || watch.back || watch.late || watch.delay_ahead ||
	       watch.delay_late || watch.settled_moves < 10;
}
