/* SPDX-License-Identifier: MIT */
/*
 * What the programs share that ask ALSA's promises of a PCM: TAP, opening, setting up, waiting,
 * sounds, and what is left behind.
 *
 * Apart from the cases so that each of those reads as the promise that it is about. Without any
 * knowledge of Xen: the same cases run on any card.
 */
#ifndef TESTS_HOST_PCM_CASE_H
#define TESTS_HOST_PCM_CASE_H

#include <alsa/asoundlib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/poll.h>

#define RATE 48000u
#define CHANNELS 2u
#define FRAME_BYTES 4u
#define PERIOD 960u
#define BUFFER (4 * PERIOD)
#define LONG_BUFFER 24000u /* half a second */
#define PATIENCE_MS 5000

/*
 * From the command line:
 *   -C          the cases that run in either direction record
 *   -D DEVICE   the PCM (default: xenhw)
 *   -E DEVICE   another PCM of the same card
 *   -i FILE     a WAV file, 44 octets of header, 48000 Hz stereo s16: what is played or recorded
 *   -j FILE     the same for the other PCM
 *   -b COMMAND  breaks something
 *   -m COMMAND  mends it
 *   -n COMMAND  prints what must not grow
 *   -e ERRNO    the error that the case is to meet
 */
struct options {
	snd_pcm_stream_t stream;
	const char *device, *other;
	const char *file, *other_file;
	const char *break_command, *mend_command, *count_command, *error;
};

struct test_case {
	const char *name;
	void (*run)(const struct options *options);
};

/* main() of such a program: runs the cases that are named, returns the exit status. */
int cases_main(int argc, char **argv, const struct test_case *cases, size_t n);

/* ---- TAP ---- */

__attribute__((format(printf, 2, 3))) bool check(bool good, const char *format, ...);

/* A call's result; what it was, if it is not what was promised. */
void check_result(long got, long wanted, const char *name);
void check_state(snd_pcm_t *pcm, snd_pcm_state_t wanted, const char *name);

/* What a case builds on and does not test: bails out if negative. */
long must(long ret, const char *what);

/* ---- Opening and setting up ---- */

/* s16; what is 0 is RATE, CHANNELS, or alsa-lib's default. */
struct setup {
	snd_pcm_access_t access;
	snd_pcm_uframes_t period, buffer;
	snd_pcm_uframes_t start, stop, avail_min;
	bool period_event;
	unsigned int rate, channels;
};

#define NEVER ((snd_pcm_uframes_t)-1) /* as start or stop: the boundary */

extern const struct setup usual; /* BUFFER */
extern const struct setup roomy; /* LONG_BUFFER, started by hand or when it is full */
extern const int16_t silence[LONG_BUFFER * CHANNELS];

snd_pcm_t *pcm_open(const struct options *options, int mode);
int hw_params(snd_pcm_t *pcm, const struct setup *setup);
int sw_params(snd_pcm_t *pcm, const struct setup *setup);
snd_pcm_t *pcm_make(const struct options *options, int mode, const struct setup *setup);

/* ---- Running, in the PCM's direction, RW interleaved; nobody looks at the samples ---- */

/* writei or readi of at most LONG_BUFFER frames; what those return. */
snd_pcm_sframes_t pcm_transfer(snd_pcm_t *pcm, snd_pcm_uframes_t frames);

/* Starts it, playback with so much written first. */
void pcm_run(snd_pcm_t *pcm, snd_pcm_uframes_t frames);

/* PREPARED, made with `usual` or `roomy`: plays or records half a BUFFER, to SETUP. */
bool pcm_works(snd_pcm_t *pcm);

void write_silence(snd_pcm_t *pcm, snd_pcm_uframes_t frames);

/* ---- Waiting ---- */

int64_t elapsed_ms(int64_t since_ns);
bool elapsed_below(int64_t since_ns, int64_t ms);

struct pollfd pcm_pollfd(snd_pcm_t *pcm);

/* Whether the descriptor itself becomes ready, without a word to alsa-lib. */
bool fd_ready(snd_pcm_t *pcm, int ms);

/* What a program that does as it should sees within so many ms; 0: nothing. */
unsigned short revents_within(snd_pcm_t *pcm, int ms);

/* What poll says now, whether or not the descriptor is ready; an error of revents bails out. */
unsigned short revents_now(snd_pcm_t *pcm);

/* POLLOUT or POLLIN. */
unsigned short pcm_good(snd_pcm_t *pcm);

/* ---- Sounds: 48000 Hz stereo s16 ---- */

struct sound {
	int16_t *samples; /* to be freed */
	snd_pcm_uframes_t frames;
};

struct sound sound_load(const char *path);

/* The first frame, not before from, where so many frames stand in it as they are; -1: nowhere. */
long sound_find(const struct sound *sound, const int16_t *samples, snd_pcm_uframes_t frames,
	snd_pcm_uframes_t from);

/* ---- The world around ---- */

/* Runs a shell command, which has to succeed; NULL: nothing. */
void command_run(const char *command);

unsigned int entries(const char *folder);

/* Is a file of that name mapped into this process? */
bool mapped(const char *name);

int64_t cpu_ms(void);

#endif
