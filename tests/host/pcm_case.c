/* SPDX-License-Identifier: MIT */
/* What the programs share that ask ALSA's promises of a PCM. See pcm_case.h. */
#include "pcm_case.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

#define WAV_HEADER_BYTES 44

const struct setup usual = { .period = PERIOD,
	.buffer = BUFFER,
	.avail_min = PERIOD,
	.access = SND_PCM_ACCESS_RW_INTERLEAVED };
const struct setup roomy = { .period = PERIOD,
	.buffer = LONG_BUFFER,
	.start = LONG_BUFFER,
	.access = SND_PCM_ACCESS_RW_INTERLEAVED };
const int16_t silence[LONG_BUFFER * CHANNELS];
static _Atomic unsigned int failed;

/* ---- TAP ---- */

bool check(bool good, const char *format, ...)
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

void check_result(long got, long wanted, const char *name)
{
	if (!check(got == wanted, "%s", name))
		printf("# %ld (%s), not %ld (%s)\n", got, got < 0 ? snd_strerror((int)got) : "",
			wanted, wanted < 0 ? snd_strerror((int)wanted) : "");
}

void check_state(snd_pcm_t *pcm, snd_pcm_state_t wanted, const char *name)
{
	snd_pcm_state_t got = snd_pcm_state(pcm);

	if (!check(got == wanted, "%s", name))
		printf("# %s, not %s\n", snd_pcm_state_name(got), snd_pcm_state_name(wanted));
}

long must(long ret, const char *what)
{
	if (ret < 0) {
		printf("Bail out! %s: %s\n", what, snd_strerror((int)ret));
		exit(1);
	}
	return ret;
}

/* ---- Opening and setting up ---- */

snd_pcm_t *pcm_open(const struct options *options, int mode)
{
	snd_pcm_t *pcm;

	must(snd_pcm_open(&pcm, options->device, options->stream, mode), options->device);
	return pcm;
}

int hw_params(snd_pcm_t *pcm, const struct setup *setup)
{
	unsigned int channels = setup->channels ? setup->channels : CHANNELS;
	unsigned int rate = setup->rate ? setup->rate : RATE;
	snd_pcm_hw_params_t *params;

	snd_pcm_hw_params_alloca(&params);
	must(snd_pcm_hw_params_any(pcm, params), "hw_params_any");
	must(snd_pcm_hw_params_set_access(pcm, params, setup->access), "access");
	must(snd_pcm_hw_params_set_format(pcm, params, SND_PCM_FORMAT_S16_LE), "format");
	must(snd_pcm_hw_params_set_channels(pcm, params, channels), "channels");
	must(snd_pcm_hw_params_set_rate(pcm, params, rate, 0), "rate");
	must(snd_pcm_hw_params_set_period_size(pcm, params, setup->period, 0), "period");
	must(snd_pcm_hw_params_set_buffer_size(pcm, params, setup->buffer), "buffer");
	return snd_pcm_hw_params(pcm, params);
}

int sw_params(snd_pcm_t *pcm, const struct setup *setup)
{
	snd_pcm_uframes_t start = setup->start, stop = setup->stop, boundary;
	snd_pcm_sw_params_t *params;

	snd_pcm_sw_params_alloca(&params);
	must(snd_pcm_sw_params_current(pcm, params), "sw_params_current");
	must(snd_pcm_sw_params_get_boundary(params, &boundary), "boundary");
	if (start == NEVER)
		start = boundary;
	if (stop == NEVER)
		stop = boundary;
	if (start)
		snd_pcm_sw_params_set_start_threshold(pcm, params, start);
	if (stop)
		snd_pcm_sw_params_set_stop_threshold(pcm, params, stop);
	if (setup->avail_min)
		snd_pcm_sw_params_set_avail_min(pcm, params, setup->avail_min);
	snd_pcm_sw_params_set_period_event(pcm, params, setup->period_event);
	return snd_pcm_sw_params(pcm, params);
}

snd_pcm_t *pcm_make(const struct options *options, int mode, const struct setup *setup)
{
	snd_pcm_t *pcm = pcm_open(options, mode);

	must(hw_params(pcm, setup), "hw_params");
	must(sw_params(pcm, setup), "sw_params");
	return pcm;
}

/* ---- Running ---- */

void write_silence(snd_pcm_t *pcm, snd_pcm_uframes_t frames)
{
	if (snd_pcm_writei(pcm, silence, frames) != (snd_pcm_sframes_t)frames)
		must(-EIO, "writei");
}

snd_pcm_sframes_t pcm_transfer(snd_pcm_t *pcm, snd_pcm_uframes_t frames)
{
	static _Thread_local int16_t unwanted[LONG_BUFFER * CHANNELS];

	if (snd_pcm_stream(pcm) == SND_PCM_STREAM_CAPTURE)
		return snd_pcm_readi(pcm, unwanted, frames);
	return snd_pcm_writei(pcm, silence, frames);
}

void pcm_run(snd_pcm_t *pcm, snd_pcm_uframes_t frames)
{
	if (snd_pcm_stream(pcm) == SND_PCM_STREAM_PLAYBACK)
		write_silence(pcm, frames);
	if (snd_pcm_state(pcm) == SND_PCM_STATE_PREPARED)
		must(snd_pcm_start(pcm), "start");
}

bool pcm_works(snd_pcm_t *pcm)
{
	int64_t began = xensnd_now_ns();
	long ret = 0;

	if (snd_pcm_stream(pcm) == SND_PCM_STREAM_CAPTURE)
		ret = snd_pcm_start(pcm);
	if (ret == 0)
		ret = pcm_transfer(pcm, BUFFER / 2);
	if (ret == BUFFER / 2)
		ret = snd_pcm_drain(pcm);
	if (ret != 0 || snd_pcm_state(pcm) != SND_PCM_STATE_SETUP)
		printf("# it does not work: %ld, %s\n", ret,
			snd_pcm_state_name(snd_pcm_state(pcm)));
	return ret == 0 && snd_pcm_state(pcm) == SND_PCM_STATE_SETUP && elapsed_below(began, 2000);
}

/* ---- Waiting ---- */

int64_t elapsed_ms(int64_t since_ns)
{
	return (xensnd_now_ns() - since_ns) / XENSND_NS_PER_MS;
}

bool elapsed_below(int64_t since_ns, int64_t ms)
{
	int64_t took_ms = elapsed_ms(since_ns);

	if (took_ms >= ms)
		printf("# took %lld ms\n", (long long)took_ms);
	return took_ms < ms;
}

struct pollfd pcm_pollfd(snd_pcm_t *pcm)
{
	struct pollfd pfd = { .fd = -1 };

	must(snd_pcm_poll_descriptors(pcm, &pfd, 1), "poll_descriptors");
	return pfd;
}

bool fd_ready(snd_pcm_t *pcm, int ms)
{
	struct pollfd pfd = pcm_pollfd(pcm);

	return poll(&pfd, 1, ms) == 1;
}

unsigned short revents_within(snd_pcm_t *pcm, int ms)
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

unsigned short revents_now(snd_pcm_t *pcm)
{
	struct pollfd pfd = pcm_pollfd(pcm);
	unsigned short revents = 0xffff;

	poll(&pfd, 1, 0);
	must(snd_pcm_poll_descriptors_revents(pcm, &pfd, 1, &revents), "revents");
	return revents;
}

unsigned short pcm_good(snd_pcm_t *pcm)
{
	return snd_pcm_stream(pcm) == SND_PCM_STREAM_CAPTURE ? POLLIN : POLLOUT;
}

/* ---- Sounds ---- */

struct sound sound_load(const char *path)
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

long sound_find(const struct sound *sound, const int16_t *samples, snd_pcm_uframes_t frames,
	snd_pcm_uframes_t from)
{
	for (; from + frames <= sound->frames; from++)
		if (memcmp(sound->samples + from * CHANNELS, samples, frames * FRAME_BYTES) == 0)
			return (long)from;
	return -1;
}

/* ---- The world around ---- */

void command_run(const char *command)
{
	if (command && system(command) != 0)
		must(-EINVAL, command);
}

unsigned int entries(const char *folder)
{
	DIR *dir = opendir(folder);
	unsigned int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

bool mapped(const char *name)
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

int64_t cpu_ms(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (int64_t)used.tv_sec * 1000 + used.tv_nsec / XENSND_NS_PER_MS;
}

/* ---- main ---- */

static const struct test_case *case_find(const struct test_case *cases, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(cases[i].name, name) == 0)
			return &cases[i];
	fprintf(stderr, "no case %s\n", name);
	return NULL;
}

static bool options_read(struct options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "CD:E:i:j:b:m:n:e:")) >= 0) {
		const char **field = option == 'D'   ? &options->device
				     : option == 'E' ? &options->other
				     : option == 'i' ? &options->file
				     : option == 'j' ? &options->other_file
				     : option == 'b' ? &options->break_command
				     : option == 'm' ? &options->mend_command
				     : option == 'n' ? &options->count_command
				     : option == 'e' ? &options->error
						     : NULL;

		if (option == 'C')
			options->stream = SND_PCM_STREAM_CAPTURE;
		else if (!field)
			return false;
		else
			*field = optarg;
	}
	return true;
}

int cases_main(int argc, char **argv, const struct test_case *cases, size_t n)
{
	struct options options = { .device = "xenhw", .other = "xenhw:0,1" };

	if (!options_read(&options, argc, argv))
		return 2;
	/* What is preloaded is for this program, not for the shells of the commands. */
	unsetenv("LD_PRELOAD");
	for (int i = optind; i < argc; i++) {
		const struct test_case *found = case_find(cases, n, argv[i]);

		if (!found)
			return 2;
		found->run(&options);
	}
	snd_config_update_free_global();
	return failed ? 1 : 0;
}
