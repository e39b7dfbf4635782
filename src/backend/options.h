/* SPDX-License-Identifier: MIT */
/* The command line of xensnd-backend, checked once and constant from then on. */
#ifndef XENSND_BACKEND_OPTIONS_H
#define XENSND_BACKEND_OPTIONS_H

#include "common/log.h"

#include "device_spec.h"

struct xensnd_options {
	enum xensnd_log_level log_level;
	struct xensnd_device_spec default_output; /* for streams that play */
	struct xensnd_device_spec default_input;  /* for those that record */
	struct xensnd_device_rule *rules;         /* the first that matches wins */
	unsigned int n_rules;
	const char *wav_dir; /* NULL: XenStore can not choose files */
	uint32_t guest_pages_max;
	const char *user;     /* NULL: stay who we are */
	const char *pid_file; /* NULL: the default */
	bool alsa_messages;   /* show what alsa-lib says */
};

/*
 * 0: run; 1: everything was said (--help, --version), exit with 0; -EINVAL: an error line has been
 * written, exit with 2. Strings stay argv's.
 */
int xensnd_options_parse(struct xensnd_options *options, int argc, char **argv);
void xensnd_options_free(struct xensnd_options *options);

#endif
