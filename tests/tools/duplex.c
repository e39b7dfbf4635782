/* SPDX-License-Identifier: MIT */
/*
 * duplex: plays a WAV file and records into another one, at once, in one thread; any xrun is a
 * failure.
 *
 * A program of its own because alsa-utils has none that does both. It knows nothing of Xen, so it
 * runs on any card.
 *
 * Usage: duplex [-p PERIOD] [-b BUFFER] [-s SECONDS] PLAYBACK-PCM CAPTURE-PCM PLAY.wav RECORD.wav
 * Records in the format of PLAY.wav, SECONDS (default 1) longer than that is; meanwhile silence is
 * played.
 */
#include <alsa/asoundlib.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "wav.h"

#define PATIENCE_MS 5000
#define FDS_MAX 16

struct options {
	snd_pcm_uframes_t period, buffer;
	uint32_t seconds;
};

struct side {
	const char *name;
	snd_pcm_t *pcm;
	struct wav wav;
	size_t done_bytes;
	struct pollfd *fds; /* in the loop's array */
	unsigned int n_fds;
};

static long must(long ret, const struct side *side, const char *what)
{
	if (ret < 0)
		wav_fail("duplex: %s: %s: %s", side->name, what, snd_strerror((int)ret));
	return ret;
}

static snd_pcm_format_t wav_format(const struct wav *wav)
{
	unsigned int width = 8u * wav->frame_bytes / wav->channels;

	if (wav->encoding == WAV_FLOAT)
		return SND_PCM_FORMAT_FLOAT_LE;
	if (width == 24)
		return SND_PCM_FORMAT_S24_3LE;
	return snd_pcm_build_linear_format(wav->bits, (int)width, width == 8, 0);
}

static void hw_params(const struct side *side, const struct options *options)
{
	snd_pcm_uframes_t period = options->period, buffer = options->buffer;
	snd_pcm_hw_params_t *params;
	snd_pcm_t *pcm = side->pcm;

	snd_pcm_hw_params_alloca(&params);
	must(snd_pcm_hw_params_any(pcm, params), side, "hw_params_any");
	must(snd_pcm_hw_params_set_access(pcm, params, SND_PCM_ACCESS_RW_INTERLEAVED), side,
		"access");
	must(snd_pcm_hw_params_set_format(pcm, params, wav_format(&side->wav)), side, "format");
	must(snd_pcm_hw_params_set_channels(pcm, params, side->wav.channels), side, "channels");
	must(snd_pcm_hw_params_set_rate(pcm, params, side->wav.rate, 0), side, "rate");
	must(snd_pcm_hw_params_set_buffer_size_near(pcm, params, &buffer), side, "buffer");
	must(snd_pcm_hw_params_set_period_size_near(pcm, params, &period, NULL), side, "period");
	must(snd_pcm_hw_params(pcm, params), side, "hw_params");
	printf("%s: periods of %lu, buffer of %lu frames\n", side->name, period, buffer);
}

/* Only snd_pcm_start() starts it. */
static void sw_params(const struct side *side)
{
	snd_pcm_sw_params_t *params;
	snd_pcm_uframes_t boundary;

	snd_pcm_sw_params_alloca(&params);
	must(snd_pcm_sw_params_current(side->pcm, params), side, "sw_params_current");
	must(snd_pcm_sw_params_get_boundary(params, &boundary), side, "boundary");
	must(snd_pcm_sw_params_set_start_threshold(side->pcm, params, boundary), side,
		"start threshold");
	must(snd_pcm_sw_params(side->pcm, params), side, "sw_params");
}

static void side_open(struct side *side, const char *device, snd_pcm_stream_t stream,
	const struct options *options)
{
	must(snd_pcm_open(&side->pcm, device, stream, SND_PCM_NONBLOCK), side, device);
	hw_params(side, options);
	sw_params(side);
}

static size_t bytes_left(const struct side *side)
{
	return side->wav.data_bytes - side->done_bytes;
}

static snd_pcm_uframes_t frames_left(const struct side *side)
{
	return bytes_left(side) / side->wav.frame_bytes;
}

/* What one transfer did; false when there is nothing to do now. */
static bool transferred(struct side *side, snd_pcm_sframes_t frames)
{
	if (frames == -EAGAIN || frames == 0)
		return false;
	if (frames == -EPIPE)
		wav_fail("duplex: %s: xrun after %zu frames", side->name,
			side->done_bytes / side->wav.frame_bytes);
	must(frames, side, "transfer");
	return true;
}

static void play(struct side *side, const uint8_t *silence, snd_pcm_uframes_t silence_frames)
{
	bool on = true;

	while (on && bytes_left(side) > 0) {
		snd_pcm_sframes_t frames = snd_pcm_writei(
			side->pcm, side->wav.data + side->done_bytes, frames_left(side));

		on = transferred(side, frames);
		if (on)
			side->done_bytes += (size_t)frames * side->wav.frame_bytes;
	}
	while (on)
		on = transferred(side, snd_pcm_writei(side->pcm, silence, silence_frames));
}

static void record(struct side *side)
{
	bool on = true;

	while (on && bytes_left(side) > 0) {
		snd_pcm_sframes_t frames = snd_pcm_readi(
			side->pcm, side->wav.data + side->done_bytes, frames_left(side));

		on = transferred(side, frames);
		if (on)
			side->done_bytes += (size_t)frames * side->wav.frame_bytes;
	}
}

/* Whether it can go on; an error shows itself in the transfer. */
static bool side_ready(const struct side *side)
{
	unsigned short revents = 0;

	must(snd_pcm_poll_descriptors_revents(side->pcm, side->fds, side->n_fds, &revents), side,
		"revents");
	return revents != 0;
}

static unsigned int side_fds(struct side *side, struct pollfd *fds, unsigned int space)
{
	side->fds = fds;
	side->n_fds = (unsigned int)must(
		snd_pcm_poll_descriptors(side->pcm, fds, space), side, "poll descriptors");
	return side->n_fds;
}

/* One turn of the loop: waits for either side. */
static void turn(struct side *playback, struct side *capture, const uint8_t *silence,
	snd_pcm_uframes_t silence_frames)
{
	struct pollfd fds[FDS_MAX];
	unsigned int n = side_fds(playback, fds, FDS_MAX);
	int ready;

	n += side_fds(capture, fds + n, FDS_MAX - n);
	ready = poll(fds, n, PATIENCE_MS);
	if (ready < 0)
		wav_fail("duplex: poll: %s", strerror(errno));
	if (ready == 0)
		wav_fail("duplex: nothing moves; %zu bytes played, %zu recorded",
			playback->done_bytes, capture->done_bytes);
	if (side_ready(playback))
		play(playback, silence, silence_frames);
	if (side_ready(capture))
		record(capture);
}

static void duplex(struct side *playback, struct side *capture, const struct options *options)
{
	snd_pcm_uframes_t silence_frames = options->period;
	uint8_t *silence = malloc(silence_frames * playback->wav.frame_bytes);

	if (!silence)
		wav_fail("duplex: out of memory");
	must(snd_pcm_format_set_silence(wav_format(&playback->wav), silence,
		     (unsigned int)silence_frames * playback->wav.channels),
		playback, "silence");
	play(playback, silence, silence_frames);
	must(snd_pcm_start(capture->pcm), capture, "start");
	must(snd_pcm_start(playback->pcm), playback, "start");
	while (bytes_left(playback) > 0 || bytes_left(capture) > 0)
		turn(playback, capture, silence, silence_frames);
	must(snd_pcm_drop(capture->pcm), capture, "drop");
	must(snd_pcm_nonblock(playback->pcm, 0), playback, "blocking");
	must(snd_pcm_drain(playback->pcm), playback, "drain");
	free(silence);
}

static void run(char **names, const struct options *options)
{
	struct side playback = { .name = "playback" };
	struct side capture = { .name = "capture" };

	playback.wav = wav_read(names[2]);
	capture.wav = playback.wav;
	capture.wav.file = NULL;
	capture.wav.data_bytes +=
		(size_t)options->seconds * capture.wav.rate * capture.wav.frame_bytes;
	/* touched now: a page fault in mid-recording is not what is to be tested */
	capture.wav.data = malloc(capture.wav.data_bytes + 1);
	if (!capture.wav.data)
		wav_fail("duplex: out of memory");
	memset(capture.wav.data, 0xff, capture.wav.data_bytes);
	side_open(&playback, names[0], SND_PCM_STREAM_PLAYBACK, options);
	side_open(&capture, names[1], SND_PCM_STREAM_CAPTURE, options);
	duplex(&playback, &capture, options);
	printf("%zu frames played, %zu recorded, no xrun\n",
		playback.done_bytes / playback.wav.frame_bytes,
		capture.done_bytes / capture.wav.frame_bytes);
	snd_pcm_close(capture.pcm);
	snd_pcm_close(playback.pcm);
	wav_write(names[3], &capture.wav);
	free(capture.wav.data);
	free(playback.wav.file);
	snd_config_update_free_global();
}

int main(int argc, char **argv)
{
	struct options options = { .period = 1024, .buffer = 8192, .seconds = 1 };
	int option;

	while ((option = getopt(argc, argv, "p:b:s:")) != -1) {
		if (option == 'p')
			options.period = strtoul(optarg, NULL, 10);
		else if (option == 'b')
			options.buffer = strtoul(optarg, NULL, 10);
		else if (option == 's')
			options.seconds = (uint32_t)strtoul(optarg, NULL, 10);
	}
	if (argc - optind != 4 || options.period == 0) {
		fputs("usage: duplex [-p PERIOD] [-b BUFFER] [-s SECONDS] PLAYBACK-PCM CAPTURE-PCM "
		      "PLAY.wav RECORD.wav\n",
			stderr);
		return 2;
	}
	run(argv + optind, &options);
	return 0;
}
