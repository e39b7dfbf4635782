/* SPDX-License-Identifier: MIT */
/*
 * What a stream can do, told to ioplug.
 *
 * Apart from the callbacks because ioplug's constraints are static lists and ranges in bytes,
 * without rules between them: what is said here has to be true for every combination that a program
 * may try.
 */
#ifndef XENSND_PLUGIN_CONSTRAINTS_H
#define XENSND_PLUGIN_CONSTRAINTS_H

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>

#include "frontend/stream.h"

/*
 * Sets all constraints, and says which formats are left out: 0; -EINVAL if the stream has no format
 * that ALSA knows; another negative errno.
 */
int pcm_xen_constrain(
	snd_pcm_ioplug_t *io, const struct xensnd_stream_info *info, const struct xensnd_log *log);

#endif
