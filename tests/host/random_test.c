/* SPDX-License-Identifier: MIT */
/*
 * Random sequences of calls on one PCM, from one thread or from several at once. After every call:
 * did it end, is its result one that ALSA allows, is the state one that follows, is the position in
 * the buffer? Afterwards: is what was played, or recorded, in order? Prints TAP.
 *
 * Apart from pcm_test.c, which asks for what somebody has thought of.
 *
 * Every frame is a number, one higher than the frame before it. A run is what is written from one
 * prepare to the next: each file of the backend has to be made of the beginnings of its runs.
 *
 * Usage: random_test [OPTION...]
 *   -D DEVICE  the PCM (default: xenhw)
 *   -c         record, instead of play
 *   -o PREFIX  playback: the backend writes PREFIX0.wav, PREFIX1.wav, ..., one for each hw_params;
 *              they are removed when they were read
 *   -f SEED    the first sequence (default: 1)
 *   -n COUNT   how many (default: 100)
 *   -s SEED    only that one, and show its calls
 *   -m FILE    only makes a WAV file of 32 bits to record from, with frames as above
 *   -M FILE    the same of 16 bits
 */
#include <alsa/asoundlib.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

#define HANG_NS (5 * XENSND_NS_PER_SECOND)
#define THREADS_MAX 3u
#define OPERATIONS_MAX 48u
#define BUFFER_MS_MIN 5u
#define BUFFER_MS_MAX 40u
#define RUNS_MAX 128u
#define FILES_MAX 64u
#define CHANNELS_MAX 8u
#define FRAME_BYTES_MAX 64u
#define FAILURES_MAX 5u     /* shown; then it is enough */
#define THREADS_TIME_MS 300 /* then the threads are to come to an end */
#define SOURCE_RATE 48000u  /* of -m */
#define SOURCE_FRAMES 480000u

/* ---- What is counted ---- */

enum promise { RESULTS, STATES, POSITIONS, ORDER, WAKING, LEFT, PROMISES };

static const char *const promises[PROMISES] = {
	[RESULTS] = "every result is one that ALSA allows",
	[STATES] = "every state follows from the one before",
	[POSITIONS] = "every position is inside the buffer",
	[ORDER] = "no frame is repeated, out of order or cut off",
	[WAKING] = "there is one descriptor, and it tells what the state is",
	[LEFT] = "nothing is left open",
};

struct tally {
	unsigned int sequences, threaded, calls, refused, judged_files;
	uint64_t judged_frames;
	unsigned int failed[PROMISES];
	unsigned int failed_sequences;
};

struct options {
	const char *device, *prefix;
	bool capture, show;
	uint64_t first;
	unsigned int count;
};

/* ---- Random numbers: splitmix64 ---- */

struct dice {
	uint64_t state;
};

static uint64_t dice_roll(struct dice *dice)
{
	uint64_t x = dice->state += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* 0 to n - 1 */
static unsigned long dice_below(struct dice *dice, unsigned long n)
{
	return (unsigned long)(dice_roll(dice) % n);
}

static bool dice_percent(struct dice *dice, unsigned int percent)
{
	return dice_below(dice, 100) < percent;
}

/* ---- A sequence ---- */

struct setup {
	snd_pcm_access_t access;
	snd_pcm_format_t format;
	unsigned int channels, rate, sample_bytes, frame_bytes;
	snd_pcm_uframes_t period, buffer;
	snd_pcm_uframes_t start, stop, avail_min, boundary;
};

/* Playback: what was written between two calls that may discard. */
struct run {
	uint64_t first;   /* its first frame's number */
	uint64_t written; /* frames */
	uint64_t heard;   /* so many of them the position said were played */
	bool moved;       /* the position does not count from the run's beginning */
	bool silent;      /* forward: nobody wrote these */
	bool limited;     /* an underrun may have ended it */
};

/* Playback: what one hw_params has to have made. */
struct made {
	struct setup setup;
	unsigned int first_run;
	bool judged;
};

struct sequence {
	const struct options *options;
	struct tally *tally;
	uint64_t seed;
	snd_pcm_t *pcm;
	bool threaded;
	bool may_reset, may_rewind, may_forward;
	bool nonblock;
	int poll_fd;
	unsigned int fds; /* before open */

	bool ready; /* hw_params was called, and no hw_free */
	struct setup setup;
	snd_pcm_state_t state; /* after the last call */

	struct run runs[RUNS_MAX];
	unsigned int n_runs;
	struct made made[FILES_MAX];
	unsigned int n_made;
	uint64_t recorded; /* the last frame's number, 0: none */
	bool moved; /* since hw_params rewind was called: what is played is anybody's guess */

	pthread_mutex_t lock; /* the rest */
	pthread_cond_t changed;
	unsigned int running; /* threads */
	_Atomic bool stop;
	char *log;
	size_t log_bytes;
	FILE *log_file;
	bool failed;
};

/* One thread's part of it. */
struct actor {
	struct sequence *sequence;
	unsigned int number;
	struct dice dice;
	uint64_t next; /* the next frame's number */
	uint8_t *bytes;
	pthread_t thread;
};

__attribute__((format(printf, 2, 3))) static void sequence_log(
	struct sequence *sequence, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&sequence->lock);
	va_start(args, format);
	vfprintf(sequence->log_file, format, args);
	va_end(args);
	pthread_mutex_unlock(&sequence->lock);
}

__attribute__((format(printf, 3, 4))) static void sequence_fail(
	struct sequence *sequence, enum promise promise, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&sequence->lock);
	if (!sequence->failed)
		sequence->tally->failed_sequences++;
	sequence->tally->failed[promise]++;
	sequence->failed = true;
	fputs("^^ ", sequence->log_file);
	va_start(args, format);
	vfprintf(sequence->log_file, format, args);
	va_end(args);
	fputc('\n', sequence->log_file);
	pthread_mutex_unlock(&sequence->lock);
}

static void sequence_show(struct sequence *sequence)
{
	char *line, *rest;

	fflush(sequence->log_file);
	printf("# seed %" PRIu64 ", %s\n", sequence->seed,
		sequence->threaded ? "threads" : "one thread");
	rest = sequence->log;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			printf("#   %s\n", line);
	fflush(stdout);
}

/* What alsa-lib and the plugin have to say belongs to the sequence. */
static struct sequence *_Atomic talking;

__attribute__((format(printf, 5, 6))) static void error_take(
	const char *file, int line, const char *function, int error, const char *format, ...)
{
	struct sequence *sequence = atomic_load(&talking);
	char text[400];
	va_list args;

	(void)file;
	(void)line;
	(void)error;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (sequence)
		sequence_log(sequence, "     %s: %s\n", function, text);
}

/* ---- The watchdog ---- */

/* What each thread is doing; the last place is the first thread's beside the actors. */
static struct watched {
	const char *_Atomic call; /* NULL: nothing that could hang */
	_Atomic int64_t since_ns;
} watched[THREADS_MAX + 1];

static void call_begin(unsigned int who, const char *call)
{
	atomic_store(&watched[who].since_ns, xensnd_now_ns());
	atomic_store(&watched[who].call, call);
}

static void call_end(unsigned int who)
{
	atomic_store(&watched[who].call, NULL);
}

/* TIMED(actor, call): the call's result; the watchdog knows of it. */
static long timed(unsigned int who, long ret)
{
	call_end(who);
	return ret;
}

#define TIMED(actor, call) (call_begin((actor)->number, #call), timed((actor)->number, (call)))

static void watch_one(struct watched *one)
{
	const char *call = atomic_load(&one->call);
	struct sequence *sequence = atomic_load(&talking);

	if (!call || !sequence || xensnd_now_ns() - atomic_load(&one->since_ns) < HANG_NS)
		return;
	/* Another call of the same name may have begun since. */
	if (atomic_load(&one->call) != call ||
		xensnd_now_ns() - atomic_load(&one->since_ns) < HANG_NS)
		return;
	printf("not ok - no call takes five seconds\n# seed %" PRIu64 ": %s\n", sequence->seed,
		call);
	sequence_show(sequence);
	abort();
}

static void *watchdog(void *argument)
{
	const int *stop_fd = argument;
	struct pollfd pfd = { .fd = *stop_fd, .events = POLLIN };

	while (poll(&pfd, 1, 250) == 0)
		for (unsigned int i = 0; i < THREADS_MAX + 1; i++)
			watch_one(&watched[i]);
	return NULL;
}

/* ---- Frames ---- */

static unsigned int number_bytes(const struct setup *setup)
{
	return setup->frame_bytes < 4 ? setup->frame_bytes : 4;
}

/* Two bytes do not tell threads apart, and one byte tells nothing. */
static bool judgeable(const struct sequence *sequence)
{
	if (sequence->threaded && sequence->may_rewind)
		return false;
	return sequence->setup.frame_bytes >= 4 ||
	       (sequence->setup.frame_bytes == 2 && !sequence->threaded);
}

static void frame_put(const struct setup *setup, const snd_pcm_channel_area_t *areas,
	snd_pcm_uframes_t at, uint64_t number)
{
	unsigned int byte = 0, bytes = number_bytes(setup);

	for (unsigned int channel = 0; channel < setup->channels; channel++) {
		const snd_pcm_channel_area_t *area = &areas[channel];
		uint8_t *to = (uint8_t *)area->addr + (area->first + at * area->step) / 8;

		for (unsigned int i = 0; i < setup->sample_bytes; i++, byte++)
			to[i] = (uint8_t)(number >> (8 * (byte % bytes)));
	}
}

/* False: the frame's parts are not of the same number. */
static bool frame_get(const struct setup *setup, const snd_pcm_channel_area_t *areas,
	snd_pcm_uframes_t at, uint64_t *number)
{
	unsigned int byte = 0, bytes = number_bytes(setup);
	uint8_t content[FRAME_BYTES_MAX];

	for (unsigned int channel = 0; channel < setup->channels; channel++) {
		const snd_pcm_channel_area_t *area = &areas[channel];
		const uint8_t *from =
			(const uint8_t *)area->addr + (area->first + at * area->step) / 8;

		for (unsigned int i = 0; i < setup->sample_bytes; i++)
			content[byte++] = from[i];
	}
	*number = 0;
	for (unsigned int i = 0; i < bytes; i++)
		*number |= (uint64_t)content[i] << (8 * i);
	for (unsigned int i = bytes; i < byte; i++)
		if (content[i] != content[i % bytes])
			return false;
	return true;
}

/* A frame's number as it is in the frame, with the thread's. */
static uint64_t frame_number(const struct setup *setup, unsigned int actor, uint64_t number)
{
	return setup->frame_bytes < 4 ? number & ((1u << (8 * setup->frame_bytes)) - 1)
				      : (number & 0x3fffffffu) | (uint64_t)actor << 30;
}

static uint64_t frame_silent(const struct setup *setup)
{
	return setup->format == SND_PCM_FORMAT_U8 ? frame_number(setup, 0, 0x80808080u) : 0;
}

/* How a buffer of so many frames lies in memory, as the access has it. */
static void areas_make(const struct setup *setup, snd_pcm_channel_area_t *areas, uint8_t *bytes,
	snd_pcm_uframes_t frames)
{
	bool planes = setup->access == SND_PCM_ACCESS_RW_NONINTERLEAVED ||
		      setup->access == SND_PCM_ACCESS_MMAP_NONINTERLEAVED;

	for (unsigned int channel = 0; channel < setup->channels; channel++)
		areas[channel] = (snd_pcm_channel_area_t){
			.addr = planes ? bytes + channel * frames * setup->sample_bytes : bytes,
			.first = planes ? 0 : channel * setup->sample_bytes * 8,
			.step = (planes ? setup->sample_bytes : setup->frame_bytes) * 8,
		};
}

static void areas_fill(struct actor *actor, const snd_pcm_channel_area_t *areas,
	snd_pcm_uframes_t at, snd_pcm_uframes_t frames)
{
	const struct setup *setup = &actor->sequence->setup;

	for (snd_pcm_uframes_t i = 0; i < frames; i++)
		frame_put(
			setup, areas, at + i, frame_number(setup, actor->number, actor->next + i));
}

/* ---- What a call may result in ---- */

enum call {
	CALL_TRANSFER,
	CALL_MMAP,
	CALL_START,
	CALL_PAUSE,
	CALL_RESUME,
	CALL_DROP,
	CALL_DRAIN,
	CALL_PREPARE,
	CALL_RESET,
	CALL_REWIND,
	CALL_FORWARD,
	CALL_WAIT,
	CALL_POLL,
	CALL_DELAY,
	CALL_AVAIL,
	CALL_AVAIL_UPDATE,
	CALL_STATUS,
	CALL_HWSYNC,
	CALL_NONBLOCK,
	CALL_CHMAP,
	CALL_DUMP,
	CALL_SW_PARAMS,
	CALL_HW_PARAMS,
	CALL_HW_FREE,
	CALLS,
};

static const struct {
	const char *name;
	unsigned int weight;
} calls[CALLS] = {
	[CALL_TRANSFER] = { "transfer", 60 },
	[CALL_MMAP] = { "mmap", 0 }, /* instead of transfer */
	[CALL_START] = { "start", 6 },
	[CALL_PAUSE] = { "pause", 5 },
	[CALL_RESUME] = { "pause off", 5 },
	[CALL_DROP] = { "drop", 3 },
	[CALL_DRAIN] = { "drain", 3 },
	[CALL_PREPARE] = { "prepare", 5 },
	[CALL_RESET] = { "reset", 3 },
	[CALL_REWIND] = { "rewind", 3 },
	[CALL_FORWARD] = { "forward", 3 },
	[CALL_WAIT] = { "wait", 10 },
	[CALL_POLL] = { "poll", 10 },
	[CALL_DELAY] = { "delay", 8 },
	[CALL_AVAIL] = { "avail", 8 },
	[CALL_AVAIL_UPDATE] = { "avail_update", 8 },
	[CALL_STATUS] = { "status", 6 },
	[CALL_HWSYNC] = { "hwsync", 4 },
	[CALL_NONBLOCK] = { "nonblock", 3 },
	[CALL_CHMAP] = { "chmap", 3 },
	[CALL_DUMP] = { "dump", 1 },
	[CALL_SW_PARAMS] = { "sw_params", 5 },
	[CALL_HW_PARAMS] = { "hw_params", 2 },
	[CALL_HW_FREE] = { "hw_free", 1 },
};

#define STATE(name) (1u << SND_PCM_STATE_##name)

/* What a state may have become since, without a call of ours. */
static unsigned int state_drifts(snd_pcm_state_t state)
{
	return 1u << state | (state == SND_PCM_STATE_RUNNING ? STATE(XRUN) : 0) |
	       (state == SND_PCM_STATE_DRAINING ? STATE(SETUP) : 0);
}

/* The states that a call may end in. */
static unsigned int states_after(enum call call, snd_pcm_state_t before, long ret)
{
	unsigned int drift = state_drifts(before);

	switch (call) {
	case CALL_HW_PARAMS:
	case CALL_PREPARE:
		return ret == 0 ? STATE(PREPARED) : drift;
	case CALL_START:
		return ret == 0 ? STATE(RUNNING) | STATE(XRUN) : drift;
	case CALL_PAUSE:
		return ret == 0 ? STATE(PAUSED) : drift;
	case CALL_RESUME:
		return ret == 0 ? STATE(RUNNING) | STATE(XRUN) : drift;
	case CALL_DROP:
		return ret == 0 ? STATE(SETUP) : drift;
	case CALL_DRAIN:
		return ret == 0         ? STATE(SETUP)
		       : ret == -EAGAIN ? STATE(DRAINING) | STATE(SETUP)
					: drift;
	case CALL_TRANSFER:
		return before == SND_PCM_STATE_PREPARED ? drift | STATE(RUNNING) | STATE(XRUN)
							: drift;
	default:
		return drift;
	}
}

/*
 * pcm.c's own checks: no set-up is EIO, a state in which the call makes no sense EBADFD, an
 * underrun EPIPE, and what would have to wait EAGAIN.
 */
static bool error_allowed(const struct sequence *sequence, enum call call, snd_pcm_state_t before,
	snd_pcm_state_t after, int error)
{
	unsigned int seen = 1u << before | 1u << after;

	/* Back beyond what there ever was: only prepare leads on. */
	if (sequence->moved && (error == -EPIPE || error == -EBADFD))
		return true;
	switch (error) {
	case -EIO: /* wait: the descriptor's POLLERR */
		return !sequence->ready || (call == CALL_WAIT && (seen & STATE(SETUP)));
	case -EBADFD:
		return !sequence->ready ||
		       (call == CALL_START && before != SND_PCM_STATE_PREPARED) ||
		       (call == CALL_PAUSE && before != SND_PCM_STATE_RUNNING) ||
		       (call == CALL_RESUME && before != SND_PCM_STATE_PAUSED) ||
		       (seen & (STATE(OPEN) | STATE(SETUP))) ||
		       ((call == CALL_TRANSFER || call == CALL_MMAP) && (seen & STATE(DRAINING)));
	case -EPIPE:
		return seen & STATE(XRUN);
	case -EAGAIN:
		return sequence->nonblock && (call == CALL_TRANSFER || call == CALL_DRAIN);
	case -ENXIO:
		return call == CALL_CHMAP;
	default:
		return false;
	}
}

/* With others at work, nothing is known of the state, but there are still no other errors. */
static bool error_known(enum call call, int error)
{
	return error == -EIO || error == -EBADFD || error == -EPIPE || error == -EAGAIN ||
	       (error == -ENXIO && call == CALL_CHMAP);
}

static void judge(struct actor *actor, enum call call, const char *what, long ret)
{
	struct sequence *sequence = actor->sequence;
	snd_pcm_state_t before = sequence->state, after = snd_pcm_state(sequence->pcm);

	if (sequence->threaded) {
		sequence_log(sequence, "%u: %s = %ld, %s\n", actor->number, what, ret,
			snd_pcm_state_name(after));
		if (ret < 0 && !error_known(call, (int)ret))
			sequence_fail(sequence, RESULTS, "%s", snd_strerror((int)ret));
		return;
	}
	sequence_log(sequence, "%s = %ld%s%s%s, %s\n", what, ret, ret < 0 ? " (" : "",
		ret < 0 ? snd_strerror((int)ret) : "", ret < 0 ? ")" : "",
		snd_pcm_state_name(after));
	if (ret < 0 && !error_allowed(sequence, call, before, after, (int)ret))
		sequence_fail(sequence, RESULTS, "not in %s", snd_pcm_state_name(before));
	if (sequence->ready && !(states_after(call, before, ret) & 1u << after))
		sequence_fail(sequence, STATES, "%s after %s", snd_pcm_state_name(after),
			snd_pcm_state_name(before));
	sequence->state = after;
}

/* ---- Runs ---- */

static struct run *run_now(struct sequence *sequence)
{
	return &sequence->runs[sequence->n_runs - 1];
}

/* What was written before may be cut off from here on. */
static void run_begin(struct actor *actor, bool moved)
{
	struct sequence *sequence = actor->sequence;

	if (sequence->threaded || sequence->options->capture || !sequence->ready)
		return;
	sequence->runs[sequence->n_runs++] = (struct run){ .first = actor->next,
		.moved = moved,
		.limited = sequence->setup.stop <= sequence->setup.buffer };
}

/*
 * alsa-lib loses count of what it has written when start fails, which it can when another thread
 * has just done that: there, no number is used twice.
 */
static void run_written(struct actor *actor, snd_pcm_uframes_t wanted, long frames)
{
	if (actor->sequence->threaded) {
		actor->next += wanted;
	} else if (frames > 0) {
		actor->next += (uint64_t)frames;
		run_now(actor->sequence)->written += (uint64_t)frames;
	}
}

/* Back: what is played then is anybody's guess. Forward: silence. */
static void run_moved(struct actor *actor, bool forward, uint64_t frames)
{
	struct sequence *sequence = actor->sequence;

	if (sequence->threaded)
		return;
	sequence->moved = sequence->moved || !forward;
	if (sequence->options->capture || !sequence->ready)
		return;
	run_now(sequence)->heard = 0;
	run_begin(actor, true);
	if (!forward) {
		sequence->made[sequence->n_made - 1].judged = false;
		return;
	}
	run_now(sequence)->silent = true;
	run_now(sequence)->written = frames;
	run_begin(actor, true);
}

/* So much of the buffer was free: the rest of the run was played. */
static void run_heard(struct sequence *sequence, snd_pcm_uframes_t avail)
{
	struct run *run;
	uint64_t held = sequence->setup.buffer - avail;

	if (sequence->threaded || sequence->options->capture || avail > sequence->setup.buffer)
		return;
	run = run_now(sequence);
	if (!run->moved && run->written > held && run->heard < run->written - held)
		run->heard = run->written - held;
}

/* ---- Set-up ---- */

static const snd_pcm_format_t formats[] = { SND_PCM_FORMAT_U8, SND_PCM_FORMAT_S16_LE,
	SND_PCM_FORMAT_S32_LE, SND_PCM_FORMAT_FLOAT_LE };
static const unsigned int rates[] = { 8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000 };
static const snd_pcm_access_t accesses[] = { SND_PCM_ACCESS_RW_INTERLEAVED,
	SND_PCM_ACCESS_RW_NONINTERLEAVED, SND_PCM_ACCESS_MMAP_INTERLEAVED,
	SND_PCM_ACCESS_MMAP_NONINTERLEAVED };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_mmap(const struct setup *setup)
{
	return setup->access == SND_PCM_ACCESS_MMAP_INTERLEAVED ||
	       setup->access == SND_PCM_ACCESS_MMAP_NONINTERLEAVED;
}

/* One that the card offers, of each. */
static void setup_choose(struct actor *actor, snd_pcm_hw_params_t *params, struct setup *setup)
{
	snd_pcm_t *pcm = actor->sequence->pcm;
	unsigned int channels_min = 1, channels_max = 1;

	setup->access = accesses[dice_below(&actor->dice, COUNT(accesses))];
	do
		setup->format = formats[dice_below(&actor->dice, COUNT(formats))];
	while (snd_pcm_hw_params_test_format(pcm, params, setup->format) < 0);
	do
		setup->rate = rates[dice_below(&actor->dice, COUNT(rates))];
	while (snd_pcm_hw_params_test_rate(pcm, params, setup->rate, 0) < 0);
	snd_pcm_hw_params_get_channels_min(params, &channels_min);
	snd_pcm_hw_params_get_channels_max(params, &channels_max);
	if (channels_max > CHANNELS_MAX)
		channels_max = CHANNELS_MAX;
	setup->channels = channels_min +
			  (unsigned int)dice_below(&actor->dice, channels_max - channels_min + 1);
	setup->sample_bytes = (unsigned int)snd_pcm_format_physical_width(setup->format) / 8;
	setup->frame_bytes = setup->sample_bytes * setup->channels;
	setup->buffer =
		setup->rate *
		(BUFFER_MS_MIN + dice_below(&actor->dice, BUFFER_MS_MAX - BUFFER_MS_MIN + 1)) /
		1000;
	setup->period = setup->buffer / (2 + dice_below(&actor->dice, 7));
}

static int setup_apply(snd_pcm_t *pcm, snd_pcm_hw_params_t *params, struct setup *setup)
{
	int ret = snd_pcm_hw_params_set_access(pcm, params, setup->access);

	if (ret == 0)
		ret = snd_pcm_hw_params_set_format(pcm, params, setup->format);
	if (ret == 0)
		ret = snd_pcm_hw_params_set_channels(pcm, params, setup->channels);
	if (ret == 0)
		ret = snd_pcm_hw_params_set_rate(pcm, params, setup->rate, 0);
	if (ret == 0)
		ret = snd_pcm_hw_params_set_period_size_near(pcm, params, &setup->period, NULL);
	if (ret == 0)
		ret = snd_pcm_hw_params_set_buffer_size_near(pcm, params, &setup->buffer);
	if (ret == 0)
		ret = snd_pcm_hw_params(pcm, params);
	if (ret == 0)
		ret = snd_pcm_hw_params_get_period_size(params, &setup->period, NULL);
	return ret == 0 ? snd_pcm_hw_params_get_buffer_size(params, &setup->buffer) : ret;
}

static void thresholds_read(struct sequence *sequence)
{
	struct setup *setup = &sequence->setup;
	snd_pcm_sw_params_t *params;

	snd_pcm_sw_params_alloca(&params);
	if (snd_pcm_sw_params_current(sequence->pcm, params) < 0)
		return;
	snd_pcm_sw_params_get_start_threshold(params, &setup->start);
	snd_pcm_sw_params_get_stop_threshold(params, &setup->stop);
	snd_pcm_sw_params_get_avail_min(params, &setup->avail_min);
	snd_pcm_sw_params_get_boundary(params, &setup->boundary);
}

static void made_add(struct actor *actor)
{
	struct sequence *sequence = actor->sequence;

	sequence->moved = false;
	sequence->recorded = 0;
	sequence->made[sequence->n_made++] = (struct made){ .setup = sequence->setup,
		.first_run = sequence->n_runs,
		.judged = judgeable(sequence) };
	run_begin(actor, false);
}

static void do_hw_params(struct actor *actor)
{
	struct sequence *sequence = actor->sequence;
	struct setup setup = { .buffer = 0 };
	snd_pcm_hw_params_t *params;
	char what[200];
	int ret;

	snd_pcm_hw_params_alloca(&params);
	if (snd_pcm_hw_params_any(sequence->pcm, params) < 0) {
		sequence_fail(sequence, RESULTS, "hw_params_any");
		return;
	}
	setup_choose(actor, params, &setup);
	ret = (int)TIMED(actor, setup_apply(sequence->pcm, params, &setup));
	snprintf(what, sizeof(what), "hw_params(%s, %s, %u channels, %u Hz, %lu, %lu)",
		snd_pcm_access_name(setup.access), snd_pcm_format_name(setup.format),
		setup.channels, setup.rate, setup.period, setup.buffer);
	sequence->ready = ret == 0;
	sequence->setup = setup;
	judge(actor, CALL_HW_PARAMS, what, ret);
	if (ret < 0) {
		sequence_fail(sequence, RESULTS, "parameters that are on offer are refused");
		return;
	}
	thresholds_read(sequence);
	free(actor->bytes);
	actor->bytes = malloc(2 * setup.buffer * setup.frame_bytes);
	made_add(actor);
}

static void do_hw_free(struct actor *actor)
{
	struct sequence *sequence = actor->sequence;
	long ret = TIMED(actor, snd_pcm_hw_free(sequence->pcm));

	sequence->ready = false;
	judge(actor, CALL_HW_FREE, "hw_free", ret);
	if (ret < 0)
		sequence_fail(sequence, RESULTS, "hw_free fails");
}

static void do_sw_params(struct actor *actor)
{
	struct sequence *sequence = actor->sequence;
	struct setup chosen = sequence->setup;
	struct dice *dice = &actor->dice;
	snd_pcm_sw_params_t *params;
	char what[200];
	int ret;

	chosen.start =
		dice_percent(dice, 10) ? chosen.boundary : 1 + dice_below(dice, chosen.buffer);
	chosen.stop = dice_percent(dice, 60)   ? chosen.buffer
		      : dice_percent(dice, 75) ? chosen.boundary
					       : 1 + dice_below(dice, chosen.buffer);
	/* Then the oldest frames are overwritten while they wait, and nothing is known of the
	 * order. */
	if (sequence->options->capture && sequence->threaded)
		chosen.stop = chosen.buffer;
	chosen.avail_min =
		1 + dice_below(dice, dice_percent(dice, 10) ? 3 * chosen.buffer : chosen.buffer);
	snd_pcm_sw_params_alloca(&params);
	if (snd_pcm_sw_params_current(sequence->pcm, params) < 0)
		return;
	snd_pcm_sw_params_set_start_threshold(sequence->pcm, params, chosen.start);
	snd_pcm_sw_params_set_stop_threshold(sequence->pcm, params, chosen.stop);
	snd_pcm_sw_params_set_avail_min(sequence->pcm, params, chosen.avail_min);
	snd_pcm_sw_params_set_period_event(sequence->pcm, params, dice_percent(dice, 30));
	ret = (int)TIMED(actor, snd_pcm_sw_params(sequence->pcm, params));
	snprintf(what, sizeof(what), "sw_params(start %lu, stop %lu, avail_min %lu)", chosen.start,
		chosen.stop, chosen.avail_min);
	if (ret == 0 && !sequence->threaded) {
		sequence->setup = chosen;
		if (sequence->options->capture)
			sequence->moved = sequence->moved || chosen.stop > chosen.buffer;
		else
			run_now(sequence)->limited |= chosen.stop <= chosen.buffer;
	}
	judge(actor, CALL_SW_PARAMS, what, ret);
	if (ret < 0)
		sequence_fail(sequence, RESULTS, "sw_params fails");
}

/* ---- Audio ---- */

/* Would a program that calls this now wait for ever, as ALSA has it? */
static bool would_hang(const struct sequence *sequence, snd_pcm_uframes_t frames)
{
	const struct setup *setup = &sequence->setup;

	if (sequence->nonblock || sequence->threaded)
		return false;
	if (sequence->options->capture)
		return sequence->state == SND_PCM_STATE_PAUSED ||
		       (sequence->state == SND_PCM_STATE_PREPARED && frames < setup->start);
	return setup->avail_min > setup->buffer && setup->stop > setup->buffer;
}

/* Recorded frames only ever go up; silence comes after the end of the source. */
static void frames_check(struct actor *actor, const snd_pcm_channel_area_t *areas,
	snd_pcm_uframes_t at, snd_pcm_uframes_t frames)
{
	struct sequence *sequence = actor->sequence;
	uint64_t *last = sequence->threaded ? &actor->next : &sequence->recorded;
	bool judged = sequence->threaded ? !sequence->may_rewind : !sequence->moved;

	for (snd_pcm_uframes_t i = 0; i < frames; i++) {
		uint64_t number;
		bool whole = frame_get(&sequence->setup, areas, at + i, &number);

		if (number == 0 && whole)
			continue;
		if (judged && (!whole || number <= *last)) {
			sequence_fail(sequence, ORDER, "frame %lu is %" PRIu64 "%s after %" PRIu64,
				i, number, whole ? "" : ", torn", *last);
			return;
		}
		*last = number;
	}
	if (judged && !sequence->threaded)
		sequence->tally->judged_frames += frames;
}

static long transfer_call(struct actor *actor, snd_pcm_uframes_t frames)
{
	const struct setup *setup = &actor->sequence->setup;
	bool capture = actor->sequence->options->capture;
	snd_pcm_t *pcm = actor->sequence->pcm;
	void *planes[CHANNELS_MAX];

	for (unsigned int channel = 0; channel < setup->channels; channel++)
		planes[channel] = actor->bytes + channel * frames * setup->sample_bytes;
	switch (setup->access) {
	case SND_PCM_ACCESS_RW_INTERLEAVED:
		return capture ? TIMED(actor, snd_pcm_readi(pcm, actor->bytes, frames))
			       : TIMED(actor, snd_pcm_writei(pcm, actor->bytes, frames));
	case SND_PCM_ACCESS_RW_NONINTERLEAVED:
		return capture ? TIMED(actor, snd_pcm_readn(pcm, planes, frames))
			       : TIMED(actor, snd_pcm_writen(pcm, planes, frames));
	case SND_PCM_ACCESS_MMAP_INTERLEAVED:
		return capture ? TIMED(actor, snd_pcm_mmap_readi(pcm, actor->bytes, frames))
			       : TIMED(actor, snd_pcm_mmap_writei(pcm, actor->bytes, frames));
	default:
		return capture ? TIMED(actor, snd_pcm_mmap_readn(pcm, planes, frames))
			       : TIMED(actor, snd_pcm_mmap_writen(pcm, planes, frames));
	}
}

static void do_transfer(struct actor *actor)
{
	struct sequence *sequence = actor->sequence;
	const struct setup *setup = &sequence->setup;
	bool capture = sequence->options->capture;
	snd_pcm_channel_area_t areas[CHANNELS_MAX];
	snd_pcm_uframes_t frames =
		1 + dice_below(&actor->dice,
			    dice_percent(&actor->dice, 15) ? 2 * setup->buffer : setup->buffer);
	char what[100];
	long ret;

	if (would_hang(sequence, frames))
		return;
	areas_make(setup, areas, actor->bytes, frames);
	if (!capture)
		areas_fill(actor, areas, 0, frames);
	ret = transfer_call(actor, frames);
	snprintf(what, sizeof(what), "%s(%lu)", capture ? "read" : "write", frames);
	judge(actor, CALL_TRANSFER, what, ret);
	if (ret > (long)frames)
		sequence_fail(sequence, RESULTS, "more than was asked for");
	else if (ret > 0 && capture)
		frames_check(actor, areas, 0, (snd_pcm_uframes_t)ret);
	else if (!capture)
		run_written(actor, frames, ret);
}

/* Looking does not take anything away. */
static void peek_again(struct actor *actor, const snd_pcm_channel_area_t *areas,
	snd_pcm_uframes_t offset, snd_pcm_uframes_t frames)
{
	struct sequence *sequence = actor->sequence;
	snd_pcm_uframes_t offset_again, frames_again = frames;
	const snd_pcm_channel_area_t *areas_again;
	uint64_t before = 0, after = 1;
	long ret;

	if (sequence->threaded)
		return;
	frame_get(&sequence->setup, areas, offset + frames - 1, &before);
	ret = TIMED(actor,
		snd_pcm_mmap_begin(sequence->pcm, &areas_again, &offset_again, &frames_again));
	judge(actor, CALL_MMAP, "mmap_begin", ret);
	if (ret < 0)
		return;
	if (frames_again >= frames)
		frame_get(&sequence->setup, areas_again, offset_again + frames - 1, &after);
	if (offset_again != offset || before != after)
		sequence_fail(sequence, ORDER, "another look at the same frames shows others");
}

static void mmap_part(struct actor *actor, snd_pcm_uframes_t wanted)
{
	struct sequence *sequence = actor->sequence;
	bool capture = sequence->options->capture;
	const snd_pcm_channel_area_t *areas;
	snd_pcm_uframes_t offset, frames = wanted;
	char what[100];
	long ret = TIMED(actor, snd_pcm_mmap_begin(sequence->pcm, &areas, &offset, &frames));

	snprintf(what, sizeof(what), "mmap_begin(%lu)", wanted);
	judge(actor, CALL_MMAP, what, ret);
	if (ret < 0 || frames == 0)
		return;
	if (frames > wanted || offset + frames > sequence->setup.buffer) {
		sequence_fail(sequence, POSITIONS, "%lu frames at %lu", frames, offset);
		return;
	}
	if (capture) {
		peek_again(actor, areas, offset, frames);
		frames_check(actor, areas, offset, frames);
	} else {
		areas_fill(actor, areas, offset, frames);
	}
	ret = TIMED(actor, snd_pcm_mmap_commit(sequence->pcm, offset, frames));
	snprintf(what, sizeof(what), "mmap_commit(%lu, %lu)", offset, frames);
	judge(actor, CALL_MMAP, what, ret);
	if (ret >= 0 && ret != (long)frames && !sequence->threaded)
		sequence_fail(sequence, RESULTS, "not all of it");
	if (!capture)
		run_written(actor, frames, ret);
}

static void do_mmap(struct actor *actor)
{
	struct sequence *sequence = actor->sequence;
	long avail = TIMED(actor, snd_pcm_avail_update(sequence->pcm));

	judge(actor, CALL_MMAP, "avail_update", avail);
	if (avail > 0 && (sequence->threaded || sequence->state != SND_PCM_STATE_SETUP))
		mmap_part(actor, 1 + dice_below(&actor->dice, (unsigned long)avail));
}

/* ---- Positions ---- */

static void avail_check(struct sequence *sequence, long avail)
{
	const struct setup *setup = &sequence->setup;

	/* rewind may go back beyond what was played by then. */
	if (avail < 0 || sequence->threaded || sequence->moved ||
		sequence->state == SND_PCM_STATE_XRUN)
		return;
	if (sequence->options->capture && setup->stop > setup->buffer)
		return;
	if ((snd_pcm_uframes_t)avail > setup->buffer)
		sequence_fail(sequence, POSITIONS, "avail is %ld of %lu", avail, setup->buffer);
	else if (sequence->state == SND_PCM_STATE_RUNNING ||
		 sequence->state == SND_PCM_STATE_PAUSED)
		run_heard(sequence, (snd_pcm_uframes_t)avail);
}

/* A recording may have as much again as the buffer holds at the backend. */
static void delay_check(struct sequence *sequence, long delay)
{
	const struct setup *setup = &sequence->setup;
	bool capture = sequence->options->capture;
	bool endless = capture && setup->stop > setup->buffer;
	long most = (long)setup->buffer * (capture ? 2 : 1);

	if (!sequence->threaded && !sequence->moved && sequence->state != SND_PCM_STATE_XRUN &&
		(delay < 0 || (delay > most && !endless)))
		sequence_fail(sequence, POSITIONS, "delay is %ld of %lu", delay, setup->buffer);
}

static void do_avail(struct actor *actor, bool update)
{
	struct sequence *sequence = actor->sequence;
	long ret = update ? TIMED(actor, snd_pcm_avail_update(sequence->pcm))
			  : TIMED(actor, snd_pcm_avail(sequence->pcm));

	judge(actor, update ? CALL_AVAIL_UPDATE : CALL_AVAIL, update ? "avail_update" : "avail",
		ret);
	if (sequence->ready)
		avail_check(sequence, ret);
}

static void do_delay(struct actor *actor)
{
	struct sequence *sequence = actor->sequence;
	snd_pcm_sframes_t delay = 0;
	long ret = TIMED(actor, snd_pcm_delay(sequence->pcm, &delay));
	char what[100];

	snprintf(what, sizeof(what), "delay(%ld)", delay);
	judge(actor, CALL_DELAY, what, ret);
	if (ret == 0 && sequence->ready)
		delay_check(sequence, delay);
}

static void do_status(struct actor *actor)
{
	struct sequence *sequence = actor->sequence;
	snd_pcm_status_t *status;
	char what[100];
	long ret;

	snd_pcm_status_alloca(&status);
	ret = TIMED(actor, snd_pcm_status(sequence->pcm, status));
	snprintf(what, sizeof(what), "status(avail %lu, delay %ld)",
		snd_pcm_status_get_avail(status), snd_pcm_status_get_delay(status));
	judge(actor, CALL_STATUS, what, ret);
	if (ret < 0 || sequence->threaded || !sequence->ready)
		return;
	avail_check(sequence, (long)snd_pcm_status_get_avail(status));
	delay_check(sequence, snd_pcm_status_get_delay(status));
	if (sequence->options->capture && sequence->state == SND_PCM_STATE_RUNNING &&
		snd_pcm_status_get_delay(status) < (long)snd_pcm_status_get_avail(status))
		sequence_fail(sequence, POSITIONS, "delay is less than avail");
	/* The delay, which comes last in it, may have found an overrun. */
	if (snd_pcm_status_get_state(status) != sequence->state &&
		sequence->state != SND_PCM_STATE_XRUN)
		sequence_fail(sequence, STATES, "status says %s",
			snd_pcm_state_name(snd_pcm_status_get_state(status)));
}

/* ---- The other calls ---- */

static void do_prepare(struct actor *actor)
{
	long ret = TIMED(actor, snd_pcm_prepare(actor->sequence->pcm));

	judge(actor, CALL_PREPARE, "prepare", ret);
	if (ret == 0)
		run_begin(actor, false);
}

static void do_reset(struct actor *actor)
{
	long ret = TIMED(actor, snd_pcm_reset(actor->sequence->pcm));

	judge(actor, CALL_RESET, "reset", ret);
	if (ret == 0)
		run_begin(actor, true);
}

/* From PREPARED on, or where there are no underruns, all is played. */
static void do_drain(struct actor *actor)
{
	struct sequence *sequence = actor->sequence;
	snd_pcm_state_t before = sequence->state;
	long ret = TIMED(actor, snd_pcm_drain(sequence->pcm));
	struct run *run;

	judge(actor, CALL_DRAIN, "drain", ret);
	if (ret < 0 || sequence->threaded || sequence->options->capture || !sequence->ready)
		return;
	run = run_now(sequence);
	if (!run->moved && (before == SND_PCM_STATE_PREPARED ||
				   (!run->limited && (before == SND_PCM_STATE_RUNNING ||
							     before == SND_PCM_STATE_DRAINING))))
		run->heard = run->written;
}

/* Back or forward by as much as is possible at most. */
static void do_move(struct actor *actor, bool forward)
{
	struct sequence *sequence = actor->sequence;
	long possible = forward ? TIMED(actor, snd_pcm_forwardable(sequence->pcm))
				: TIMED(actor, snd_pcm_rewindable(sequence->pcm));
	snd_pcm_uframes_t frames;
	char what[100];
	long ret;

	judge(actor, forward ? CALL_FORWARD : CALL_REWIND, forward ? "forwardable" : "rewindable",
		possible);
	if (possible <= 0)
		return;
	frames = 1 + dice_below(&actor->dice, (unsigned long)possible);
	ret = forward ? TIMED(actor, snd_pcm_forward(sequence->pcm, frames))
		      : TIMED(actor, snd_pcm_rewind(sequence->pcm, frames));
	snprintf(what, sizeof(what), "%s(%lu)", forward ? "forward" : "rewind", frames);
	judge(actor, forward ? CALL_FORWARD : CALL_REWIND, what, ret);
	if (ret > (long)frames)
		sequence_fail(sequence, RESULTS, "more than was asked for");
	if (ret > 0)
		run_moved(actor, forward, (uint64_t)ret);
}

static void do_wait(struct actor *actor)
{
	int ms = (int)dice_below(&actor->dice, 20);
	long ret = TIMED(actor, snd_pcm_wait(actor->sequence->pcm, ms));
	char what[100];

	snprintf(what, sizeof(what), "wait(%d)", ms);
	judge(actor, CALL_WAIT, what, ret);
	if (ret > 1)
		sequence_fail(actor->sequence, RESULTS, "wait is neither 0 nor 1");
}

static void revents_check(struct sequence *sequence, unsigned short revents)
{
	unsigned short data = sequence->options->capture ? POLLIN : POLLOUT;
	bool fine = sequence->state == SND_PCM_STATE_PREPARED ||
		    sequence->state == SND_PCM_STATE_RUNNING ||
		    sequence->state == SND_PCM_STATE_PAUSED ||
		    sequence->state == SND_PCM_STATE_DRAINING;

	if (revents & ~(data | POLLERR))
		sequence_fail(sequence, WAKING, "revents are %#x", revents);
	else if (!sequence->threaded && sequence->ready && fine && revents & POLLERR)
		sequence_fail(sequence, WAKING, "an error in a state without one");
}

static void do_poll(struct actor *actor)
{
	struct sequence *sequence = actor->sequence;
	int ms = (int)dice_below(&actor->dice, 10);
	struct pollfd pfd = { .fd = -1 };
	unsigned short revents = 0;
	char what[100];
	long ret;

	if (snd_pcm_poll_descriptors_count(sequence->pcm) != 1 ||
		snd_pcm_poll_descriptors(sequence->pcm, &pfd, 1) != 1 ||
		pfd.fd != sequence->poll_fd)
		sequence_fail(sequence, WAKING, "another descriptor");
	if (poll(&pfd, 1, ms) < 0)
		sequence_fail(sequence, WAKING, "poll fails");
	ret = TIMED(actor, snd_pcm_poll_descriptors_revents(sequence->pcm, &pfd, 1, &revents));
	snprintf(what, sizeof(what), "poll(%d): %#x, %#x", ms, (unsigned int)pfd.revents, revents);
	judge(actor, CALL_POLL, what, ret);
	if (ret == 0)
		revents_check(sequence, revents);
}

static void do_nonblock(struct actor *actor)
{
	struct sequence *sequence = actor->sequence;
	bool nonblock = dice_percent(&actor->dice, 50);
	long ret = TIMED(actor, snd_pcm_nonblock(sequence->pcm, nonblock));

	if (!sequence->threaded)
		sequence->nonblock = nonblock;
	judge(actor, CALL_NONBLOCK, nonblock ? "nonblock" : "block", ret);
}

static void do_chmap(struct actor *actor)
{
	snd_pcm_t *pcm = actor->sequence->pcm;
	snd_pcm_chmap_query_t **maps = snd_pcm_query_chmaps(pcm);
	snd_pcm_chmap_t *map = snd_pcm_get_chmap(pcm);
	long ret = 0;

	if (maps)
		snd_pcm_free_chmaps(maps);
	if (map && dice_percent(&actor->dice, 50))
		ret = TIMED(actor, snd_pcm_set_chmap(pcm, map));
	judge(actor, CALL_CHMAP, map ? "chmap" : "no chmap", ret);
	free(map);
}

static void do_dump(struct actor *actor)
{
	snd_output_t *output;
	long ret = snd_output_buffer_open(&output);

	if (ret < 0)
		return;
	ret = TIMED(actor, snd_pcm_dump(actor->sequence->pcm, output));
	snd_output_close(output);
	judge(actor, CALL_DUMP, "dump", ret);
}

static void do_call(struct actor *actor, enum call call)
{
	snd_pcm_t *pcm = actor->sequence->pcm;

	switch (call) {
	case CALL_TRANSFER:
		do_transfer(actor);
		break;
	case CALL_MMAP:
		do_mmap(actor);
		break;
	case CALL_START:
		judge(actor, call, "start", TIMED(actor, snd_pcm_start(pcm)));
		break;
	case CALL_PAUSE:
		judge(actor, call, "pause", TIMED(actor, snd_pcm_pause(pcm, 1)));
		break;
	case CALL_RESUME:
		judge(actor, call, "pause off", TIMED(actor, snd_pcm_pause(pcm, 0)));
		break;
	case CALL_DROP:
		judge(actor, call, "drop", TIMED(actor, snd_pcm_drop(pcm)));
		break;
	case CALL_DRAIN:
		do_drain(actor);
		break;
	case CALL_PREPARE:
		do_prepare(actor);
		break;
	case CALL_RESET:
		do_reset(actor);
		break;
	case CALL_REWIND:
		do_move(actor, false);
		break;
	case CALL_FORWARD:
		do_move(actor, true);
		break;
	case CALL_WAIT:
		do_wait(actor);
		break;
	case CALL_POLL:
		do_poll(actor);
		break;
	case CALL_DELAY:
		do_delay(actor);
		break;
	case CALL_AVAIL:
		do_avail(actor, false);
		break;
	case CALL_AVAIL_UPDATE:
		do_avail(actor, true);
		break;
	case CALL_STATUS:
		do_status(actor);
		break;
	case CALL_HWSYNC:
		judge(actor, call, "hwsync", TIMED(actor, snd_pcm_hwsync(pcm)));
		break;
	case CALL_NONBLOCK:
		do_nonblock(actor);
		break;
	case CALL_CHMAP:
		do_chmap(actor);
		break;
	case CALL_DUMP:
		do_dump(actor);
		break;
	case CALL_SW_PARAMS:
		do_sw_params(actor);
		break;
	case CALL_HW_PARAMS:
		do_hw_params(actor);
		break;
	case CALL_HW_FREE:
		do_hw_free(actor);
		break;
	case CALLS:
		break;
	}
}

/* ---- Which call comes next ---- */

static enum call call_choose(struct actor *actor)
{
	unsigned int sum = 0, at = 0;
	unsigned long point;

	for (unsigned int i = 0; i < CALLS; i++)
		sum += calls[i].weight;
	point = dice_below(&actor->dice, sum);
	while (point >= calls[at].weight)
		point -= calls[at++].weight;
	return (enum call)at;
}

/* What would lead nowhere, or must not be done here, becomes something else. */
static enum call call_sensible(struct actor *actor, enum call call)
{
	const struct sequence *sequence = actor->sequence;
	bool again = dice_percent(&actor->dice, 60), by_mmap = dice_percent(&actor->dice, 50);

	if ((call == CALL_RESET && !sequence->may_reset) ||
		(call == CALL_REWIND && !sequence->may_rewind) ||
		(call == CALL_FORWARD && !sequence->may_forward) ||
		(sequence->threaded && (call == CALL_HW_PARAMS || call == CALL_HW_FREE)))
		call = CALL_TRANSFER;
	if (!sequence->threaded && !sequence->ready)
		return again || call == CALL_TRANSFER || call == CALL_SW_PARAMS ? CALL_HW_PARAMS
										: call;
	if (again && (call == CALL_TRANSFER || call == CALL_START || call == CALL_WAIT)) {
		snd_pcm_state_t state = snd_pcm_state(sequence->pcm);

		if (state == SND_PCM_STATE_SETUP || state == SND_PCM_STATE_XRUN)
			return CALL_PREPARE;
		if (sequence->options->capture && state == SND_PCM_STATE_PREPARED)
			return CALL_START;
	}
	/* Between begin and commit the buffer is this thread's own, and nobody else may write. */
	if (call == CALL_TRANSFER && is_mmap(&sequence->setup)) {
		if (sequence->threaded && actor->number != 0)
			return CALL_AVAIL;
		return by_mmap ? CALL_MMAP : call;
	}
	return call;
}

/* Each call has dice of its own: it does not depend on what the calls before it met. */
static void actor_play(struct actor *actor, unsigned int operations)
{
	struct sequence *sequence = actor->sequence;
	uint64_t seed = sequence->seed * 1000003u + actor->number * 1009u;

	for (unsigned int i = 0; i < operations && !atomic_load(&sequence->stop); i++) {
		actor->dice.state = (seed + i) * 0x2545f4914f6cdd1du;
		do_call(actor, call_sensible(actor, call_choose(actor)));
		if (!sequence->threaded)
			sequence->tally->calls++;
	}
}

/* ---- Threads ---- */

static void *actor_thread(void *argument)
{
	struct actor *actor = argument;
	struct sequence *sequence = actor->sequence;

	actor_play(actor, OPERATIONS_MAX);
	pthread_mutex_lock(&sequence->lock);
	sequence->running--;
	pthread_cond_signal(&sequence->changed);
	pthread_mutex_unlock(&sequence->lock);
	return NULL;
}

/* False: they still run when the time is up. */
static bool threads_wait(struct sequence *sequence, int ms)
{
	int64_t until_ns = xensnd_deadline_ms(ms);
	struct timespec until = { .tv_sec = until_ns / XENSND_NS_PER_SECOND,
		.tv_nsec = until_ns % XENSND_NS_PER_SECOND };
	int ret = 0;
	bool ended;

	pthread_mutex_lock(&sequence->lock);
	while (sequence->running > 0 && ret == 0)
		ret = pthread_cond_timedwait(&sequence->changed, &sequence->lock, &until);
	ended = sequence->running == 0;
	pthread_mutex_unlock(&sequence->lock);
	return ended;
}

/* A thread may be in a call that waits for what no other will do any more: drop ends it. */
static void threads_play(struct sequence *sequence, struct actor *actors, unsigned int n)
{
	struct actor self = { .sequence = sequence, .number = THREADS_MAX };
	int ms = THREADS_TIME_MS;

	sequence->running = n;
	for (unsigned int i = 0; i < n; i++)
		if (pthread_create(&actors[i].thread, NULL, actor_thread, &actors[i]) != 0)
			abort();
	while (!threads_wait(sequence, ms)) {
		atomic_store(&sequence->stop, true);
		(void)TIMED(&self, snd_pcm_drop(sequence->pcm));
		ms = 10;
	}
	for (unsigned int i = 0; i < n; i++)
		pthread_join(actors[i].thread, NULL);
}

/* ---- What the backend wrote ---- */

struct wav {
	uint8_t *file, *data;
	size_t frames;
};

static bool wav_load(struct wav *wav, const char *path, unsigned int frame_bytes)
{
	FILE *file = fopen(path, "rb");
	size_t at = 12, bytes = 0;
	long end = -1;

	*wav = (struct wav){ .frames = 0 };
	if (file && fseek(file, 0, SEEK_END) == 0)
		end = ftell(file);
	if (end >= 0 && (wav->file = malloc((size_t)end + 1)) && fseek(file, 0, SEEK_SET) == 0)
		bytes = fread(wav->file, 1, (size_t)end, file);
	if (file)
		fclose(file);
	while (at + 8 <= bytes) {
		const uint8_t *size = wav->file + at + 4;
		size_t chunk = size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 |
			       (size_t)size[3] << 24;

		if (memcmp(wav->file + at, "data", 4) == 0) {
			wav->data = wav->file + at + 8;
			wav->frames = chunk / frame_bytes;
			return at + 8 + chunk <= bytes;
		}
		at += 8 + chunk + (chunk & 1);
	}
	return false;
}

/* Leaves a run: was as much of it played as was said? */
static void run_left(struct sequence *sequence, const struct run *run, uint64_t played)
{
	if (played < run->heard)
		sequence_fail(sequence, ORDER,
			"of the %" PRIu64 " frames from %" PRIu64 " on, %" PRIu64
			" were played, %" PRIu64 " were said to be",
			run->written, run->first, played, run->heard);
}

/* Is this the run's next frame? */
static bool run_goes_on(
	const struct setup *setup, const struct run *run, uint64_t played, uint64_t number)
{
	return played < run->written &&
	       number == (run->silent ? frame_silent(setup)
				      : frame_number(setup, 0, run->first + played));
}

static void runs_judge(
	struct sequence *sequence, const struct made *made, unsigned int end, const struct wav *wav)
{
	const struct setup *setup = &made->setup;
	snd_pcm_channel_area_t areas[CHANNELS_MAX];
	struct setup interleaved = *setup;
	unsigned int at = made->first_run;
	uint64_t played = 0;

	interleaved.access = SND_PCM_ACCESS_RW_INTERLEAVED;
	areas_make(&interleaved, areas, wav->data, wav->frames);
	for (size_t i = 0; i < wav->frames; i++) {
		uint64_t number;
		bool whole = frame_get(setup, areas, i, &number);

		while (at < end && !run_goes_on(setup, &sequence->runs[at], played, number)) {
			run_left(sequence, &sequence->runs[at++], played);
			played = 0;
		}
		if (at == end || !whole) {
			sequence_fail(sequence, ORDER,
				"frame %zu of %zu in the file is %" PRIu64 "%s", i, wav->frames,
				number, whole ? "" : ", torn");
			return;
		}
		played++;
	}
	for (; at < end; at++, played = 0)
		run_left(sequence, &sequence->runs[at], played);
}

/* Nobody knows whose turn it was, but each thread's own frames are in order. */
static void threads_judge(struct sequence *sequence, const struct made *made, const struct wav *wav)
{
	snd_pcm_channel_area_t areas[CHANNELS_MAX];
	struct setup interleaved = made->setup;
	uint64_t last[4] = { 0 };

	interleaved.access = SND_PCM_ACCESS_RW_INTERLEAVED;
	areas_make(&interleaved, areas, wav->data, wav->frames);
	for (size_t i = 0; i < wav->frames; i++) {
		uint64_t number;
		bool whole = frame_get(&made->setup, areas, i, &number);
		unsigned int actor = (unsigned int)(number >> 30);

		if (whole && number == 0 && sequence->may_forward)
			continue;
		if (!whole || (number & 0x3fffffffu) <= last[actor]) {
			sequence_fail(sequence, ORDER,
				"frame %zu of %zu in the file is %" PRIu64
				" of thread %u%s, after %" PRIu64,
				i, wav->frames, number & 0x3fffffffu, actor, whole ? "" : ", torn",
				last[actor]);
			return;
		}
		last[actor] = number & 0x3fffffffu;
	}
}

/* PREFIX12.wav: 12; otherwise -1 */
static long made_number(const char *name, const char *prefix)
{
	size_t length = strlen(prefix);
	char *end;
	long number;

	if (strncmp(name, prefix, length) != 0)
		return -1;
	number = strtol(name + length, &end, 10);
	return end > name + length && strcmp(end, ".wav") == 0 ? number : -1;
}

/* The numbers of the files that are there, in order. */
static unsigned int made_list(const char *folder, const char *prefix, long numbers[FILES_MAX])
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned int n = 0;

	while (dir && (entry = readdir(dir))) {
		long number = made_number(entry->d_name, prefix);
		unsigned int at;

		if (number < 0 || n == FILES_MAX)
			continue;
		for (at = n++; at > 0 && numbers[at - 1] > number; at--)
			numbers[at] = numbers[at - 1];
		numbers[at] = number;
	}
	if (dir)
		closedir(dir);
	return n;
}

static void made_judge(struct sequence *sequence, unsigned int index, const char *path)
{
	const struct made *made = &sequence->made[index];
	unsigned int end = index + 1 < sequence->n_made ? sequence->made[index + 1].first_run
							: sequence->n_runs;
	struct wav wav;

	sequence_log(sequence, "file %u\n", index);
	if (!wav_load(&wav, path, made->setup.frame_bytes)) {
		sequence_fail(sequence, ORDER, "what the backend wrote is no WAV file");
	} else if (made->judged) {
		if (sequence->threaded)
			threads_judge(sequence, made, &wav);
		else
			runs_judge(sequence, made, end, &wav);
		sequence->tally->judged_files++;
		sequence->tally->judged_frames += wav.frames;
	}
	free(wav.file);
}

static void all_made_judge(struct sequence *sequence)
{
	const char *slash = strrchr(sequence->options->prefix, '/');
	long numbers[FILES_MAX];
	char folder[256], path[600];
	unsigned int n;

	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - sequence->options->prefix),
		sequence->options->prefix);
	n = made_list(folder, slash + 1, numbers);
	if (n != sequence->n_made)
		sequence_fail(sequence, ORDER, "%u files for %u hw_params", n, sequence->n_made);
	for (unsigned int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s%ld.wav", sequence->options->prefix, numbers[i]);
		if (i < sequence->n_made)
			made_judge(sequence, i, path);
		unlink(path);
	}
}

/* ---- One sequence ---- */

static unsigned int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static bool sequence_open(struct sequence *sequence, struct actor *actor)
{
	snd_pcm_stream_t direction =
		sequence->options->capture ? SND_PCM_STREAM_CAPTURE : SND_PCM_STREAM_PLAYBACK;
	struct pollfd pfd = { .fd = -1 };
	long ret;

	sequence->nonblock = dice_percent(&actor->dice, 40);
	sequence->fds = descriptors();
	ret = TIMED(actor, snd_pcm_open(&sequence->pcm, sequence->options->device, direction,
				   sequence->nonblock ? SND_PCM_NONBLOCK : 0));
	sequence_log(sequence, "open(%s) = %ld\n", sequence->nonblock ? "nonblock" : "block", ret);
	if (ret < 0) {
		sequence_fail(sequence, RESULTS, "open fails: %s", snd_strerror((int)ret));
		return false;
	}
	sequence->state = SND_PCM_STATE_OPEN;
	snd_pcm_poll_descriptors(sequence->pcm, &pfd, 1);
	sequence->poll_fd = pfd.fd;
	return true;
}

static void sequence_close(struct sequence *sequence, struct actor *actor)
{
	long ret = TIMED(actor, snd_pcm_close(sequence->pcm));
	unsigned int fds = descriptors();

	sequence_log(sequence, "close = %ld\n", ret);
	if (ret < 0)
		sequence_fail(sequence, RESULTS, "close fails");
	if (fds != sequence->fds)
		sequence_fail(sequence, LEFT, "%u descriptors, not %u", fds, sequence->fds);
}

static void sequence_play(struct sequence *sequence, struct actor actors[THREADS_MAX])
{
	struct dice *dice = &actors[0].dice;
	unsigned int n = 2 + (unsigned int)dice_below(dice, THREADS_MAX - 1);
	unsigned int operations = 8 + (unsigned int)dice_below(dice, OPERATIONS_MAX - 8);

	do_hw_params(&actors[0]);
	if (!sequence->threaded) {
		actor_play(&actors[0], operations);
		return;
	}
	if (!sequence->ready)
		return;
	do_sw_params(&actors[0]);
	for (unsigned int i = 1; i < n; i++)
		actors[i].bytes = malloc(2 * sequence->setup.buffer * sequence->setup.frame_bytes);
	threads_play(sequence, actors, n);
}

static void sequence_begin(struct sequence *sequence)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&sequence->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&sequence->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	sequence->log_file = open_memstream(&sequence->log, &sequence->log_bytes);
	if (!sequence->log_file)
		abort();
	atomic_store(&talking, sequence);
}

static void sequence_end(struct sequence *sequence)
{
	atomic_store(&talking, NULL);
	if (sequence->options->show ||
		(sequence->failed && sequence->tally->failed_sequences <= FAILURES_MAX))
		sequence_show(sequence);
	fclose(sequence->log_file);
	free(sequence->log);
	pthread_cond_destroy(&sequence->changed);
	pthread_mutex_destroy(&sequence->lock);
}

static void sequence_run(const struct options *options, struct tally *tally, uint64_t seed)
{
	struct dice dice = { .state = seed };
	struct sequence sequence = { .options = options, .tally = tally, .seed = seed };
	struct actor actors[THREADS_MAX] = { 0 };

	sequence_begin(&sequence);
	sequence.threaded = dice_percent(&dice, 25);
	sequence.may_reset = dice_percent(&dice, 20);
	sequence.may_rewind = dice_percent(&dice, 10);
	sequence.may_forward = dice_percent(&dice, 10);
	for (unsigned int i = 0; i < THREADS_MAX; i++)
		actors[i] = (struct actor){
			.sequence = &sequence, .number = i, .next = options->capture ? 0 : 1
		};
	actors[0].dice = dice;
	tally->sequences++;
	tally->threaded += sequence.threaded;
	if (sequence_open(&sequence, &actors[0])) {
		sequence_play(&sequence, actors);
		sequence_close(&sequence, &actors[0]);
		if (!options->capture && options->prefix)
			all_made_judge(&sequence);
	}
	for (unsigned int i = 0; i < THREADS_MAX; i++)
		free(actors[i].bytes);
	sequence_end(&sequence);
}

/* ---- The source to record from ---- */

static void le32_put(uint8_t *at, uint32_t value)
{
	for (unsigned int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

/* Stereo: each frame is its number, from 1 on, as frame_put() has it. */
static int source_make(const char *path, unsigned int bits)
{
	static const uint8_t start[] = { 'R', 'I', 'F', 'F', 0, 0, 0, 0, 'W', 'A', 'V', 'E', 'f',
		'm', 't', ' ', 16, 0, 0, 0, 1, 0, 2, 0 };
	const struct setup setup = {
		.channels = 2, .sample_bytes = bits / 8, .frame_bytes = bits / 4
	};
	snd_pcm_channel_area_t areas[2];
	uint8_t header[44] = { 0 }, frame[8];
	FILE *file = fopen(path, "wb");

	memcpy(header, start, sizeof(start));
	le32_put(header + 4, 36 + setup.frame_bytes * SOURCE_FRAMES);
	le32_put(header + 24, SOURCE_RATE);
	le32_put(header + 28, SOURCE_RATE * setup.frame_bytes);
	header[32] = (uint8_t)setup.frame_bytes;
	header[34] = (uint8_t)bits;
	memcpy(header + 36, "data", 4);
	le32_put(header + 40, setup.frame_bytes * SOURCE_FRAMES);
	if (!file || fwrite(header, sizeof(header), 1, file) != 1)
		return 1;
	areas_make(&setup, areas, frame, 1);
	for (uint64_t i = 1; i <= SOURCE_FRAMES; i++) {
		frame_put(&setup, areas, 0, i);
		if (fwrite(frame, setup.frame_bytes, 1, file) != 1)
			return 1;
	}
	return fclose(file) == 0 ? 0 : 1;
}

/* ---- All of them ---- */

static void tally_print(const struct options *options, const struct tally *tally)
{
	printf("# %u sequences of %s from seed %" PRIu64
	       " on, %u of them by several threads; %u calls of "
	       "one thread; %" PRIu64 " frames judged in %u files\n",
		tally->sequences, options->capture ? "recording" : "playing", options->first,
		tally->threaded, tally->calls, tally->judged_frames, tally->judged_files);
	for (unsigned int i = 0; i < PROMISES; i++)
		printf("%sok - %s: %s\n", tally->failed[i] ? "not " : "",
			options->capture ? "recording at random" : "playing at random",
			promises[i]);
}

static int all_run(const struct options *options)
{
	struct tally tally = { 0 };
	int stop[2];
	pthread_t dog;

	if (pipe(stop) < 0 || pthread_create(&dog, NULL, watchdog, &stop[0]) != 0)
		return 2;
	snd_lib_error_set_handler(error_take);
	for (unsigned int i = 0; i < options->count && tally.failed_sequences < 50; i++)
		sequence_run(options, &tally, options->first + i);
	close(stop[1]);
	pthread_join(dog, NULL);
	tally_print(options, &tally);
	printf("ok - %s: no call takes five seconds\n",
		options->capture ? "recording at random" : "playing at random");
	snd_config_update_free_global();
	return tally.failed_sequences ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct options options = { .device = "xenhw", .first = 1, .count = 100 };
	int option;

	while ((option = getopt(argc, argv, "D:co:f:n:s:m:M:")) >= 0) {
		switch (option) {
		case 'D':
			options.device = optarg;
			break;
		case 'c':
			options.capture = true;
			break;
		case 'o':
			options.prefix = optarg;
			break;
		case 'f':
			options.first = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			options.count = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 's':
			options.first = strtoull(optarg, NULL, 10);
			options.count = 1;
			options.show = true;
			break;
		case 'm':
			return source_make(optarg, 32);
		case 'M':
			return source_make(optarg, 16);
		default:
			return 2;
		}
	}
	if (options.prefix && !strchr(options.prefix, '/'))
		return 2;
	return all_run(&options);
}
