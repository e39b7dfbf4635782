/* SPDX-License-Identifier: MIT */
/* The command line. See options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/config.h"
#include "protocol/wire.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#else
#define PACKAGE_VERSION "development"
#endif

#define GUEST_MEMORY_DEFAULT_MIB 16u
#define GUEST_MEMORY_MAX_MIB 4096u
#define PAGES_PER_MIB (1024u * 1024 / XENSND_PAGE_BYTES)

enum {
	OPTION_DEFAULT_OUTPUT = 256,
	OPTION_OUTPUT,
	OPTION_DEFAULT_INPUT,
	OPTION_INPUT,
	OPTION_WAV_DIR,
	OPTION_MAX_MEMORY,
	OPTION_USER,
	OPTION_PID_FILE,
};

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "default-output", required_argument, NULL, OPTION_DEFAULT_OUTPUT },
	{ "output", required_argument, NULL, OPTION_OUTPUT },
	{ "default-input", required_argument, NULL, OPTION_DEFAULT_INPUT },
	{ "input", required_argument, NULL, OPTION_INPUT },
	{ "wav-dir", required_argument, NULL, OPTION_WAV_DIR },
	{ "max-memory", required_argument, NULL, OPTION_MAX_MEMORY },
	{ "user", required_argument, NULL, OPTION_USER },
	{ "pid-file", required_argument, NULL, OPTION_PID_FILE },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"Usage: xensnd-backend [OPTION...]\n"
	"Plays and records the sound of Xen guests. Runs in the foreground, in dom0 or in a "
	"driver\n"
	"domain.\n"
	"\n"
	"  -h, --help                 this text\n"
	"  -V, --version              the version\n"
	"  -v, --verbose              more about what happens; twice: what alsa-lib says, too\n"
	"      --default-output=SPEC  for streams that play and name nothing (alsa<default>)\n"
	"      --default-input=SPEC   for streams that record and name nothing (alsa<default>)\n"
	"      --output=DOMAIN/CARD/DEVICE/STREAM=SPEC\n"
	"                             for streams that play and match; each part a number or *,\n"
	"                             DOMAIN also a name; the first match wins\n"
	"      --input=DOMAIN/CARD/DEVICE/STREAM=SPEC\n"
	"                             the same for streams that record\n"
	"      --wav-dir=DIR          where guests' configurations may have WAV files written and\n"
	"                             read\n"
	"      --max-memory=MIB       of a guest's memory mapped at once (16)\n"
	"      --user=NAME            the user to become after the start\n"
	"      --pid-file=FILE        written and locked (xensnd-backend.pid in /run)\n"
	"\n"
	"SPEC is alsa<PCM>, wav<PATH> or null: where sound goes to, or comes from.\n";

static int option_error(const char *what, const char *value)
{
	fprintf(stderr, "xensnd-backend: %s: %s; see xensnd-backend --help\n", what, value);
	return -EINVAL;
}

static int rule_add(struct xensnd_options *options, bool capture, const char *text)
{
	struct xensnd_device_rule *rules;

	rules = realloc(options->rules, (options->n_rules + 1) * sizeof(*rules));
	if (!rules)
		return option_error("out of memory", text);
	options->rules = rules;
	if (xensnd_device_rule_parse(text, capture, &rules[options->n_rules]) < 0)
		return option_error(capture ? "--input wants DOMAIN/CARD/DEVICE/STREAM=SPEC"
					    : "--output wants DOMAIN/CARD/DEVICE/STREAM=SPEC",
			text);
	options->n_rules++;
	return 0;
}

static int default_take(struct xensnd_device_spec *spec, const char *text)
{
	if (xensnd_device_spec_parse(text, spec) < 0)
		return option_error("a default is alsa<PCM>, wav<PATH> or null", text);
	return 0;
}

static int option_take(struct xensnd_options *options, int option, const char *value)
{
	uint32_t mib;

	switch (option) {
	case 'v':
		options->alsa_messages = options->log_level == XENSND_LOG_DEBUG;
		options->log_level = XENSND_LOG_DEBUG;
		return 0;
	case OPTION_DEFAULT_OUTPUT:
		return default_take(&options->default_output, value);
	case OPTION_DEFAULT_INPUT:
		return default_take(&options->default_input, value);
	case OPTION_OUTPUT:
		return rule_add(options, false, value);
	case OPTION_INPUT:
		return rule_add(options, true, value);
	case OPTION_WAV_DIR:
		if (value[0] != '/')
			return option_error("--wav-dir wants an absolute path", value);
		options->wav_dir = value;
		return 0;
	case OPTION_MAX_MEMORY:
		if (xensnd_parse_number(value, 1, GUEST_MEMORY_MAX_MIB, &mib) < 0)
			return option_error("--max-memory wants a number of MiB", value);
		options->guest_pages_max = mib * PAGES_PER_MIB;
		return 0;
	case OPTION_USER:
		options->user = value;
		return 0;
	case OPTION_PID_FILE:
		options->pid_file = value;
		return 0;
	default:
		return -EINVAL; /* getopt has said why */
	}
}

int xensnd_options_parse(struct xensnd_options *options, int argc, char **argv)
{
	int option, ret;

	*options = (struct xensnd_options){ .log_level = XENSND_LOG_INFO,
		.default_output = { .kind = XENSND_DEVICE_ALSA, .name = "default" },
		.default_input = { .kind = XENSND_DEVICE_ALSA, .name = "default" },
		.guest_pages_max = GUEST_MEMORY_DEFAULT_MIB * PAGES_PER_MIB };
	while ((option = getopt_long(argc, argv, "hVv", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return 1;
		}
		if (option == 'V') {
			puts("xensnd-backend " PACKAGE_VERSION);
			return 1;
		}
		ret = option_take(options, option, optarg);
		if (ret < 0)
			return ret;
	}
	return optind < argc ? option_error("unexpected argument", argv[optind]) : 0;
}

void xensnd_options_free(struct xensnd_options *options)
{
	free(options->rules);
	options->rules = NULL;
	options->n_rules = 0;
}
