/* SPDX-License-Identifier: MIT */
/*
 * A WAV file that grows, and is a valid file at every moment.
 *
 * Apart from the device because a file knows no clock: samples go in where they belong, what was
 * not played is cut off again, and the header follows.
 */
#ifndef XENSND_BACKEND_WAV_FILE_H
#define XENSND_BACKEND_WAV_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "stream_limits.h"

struct xensnd_wav_file {
	int fd;
	unsigned int format;
	uint32_t channels;
	uint32_t rate;
	uint32_t frame_bytes;
	size_t header_bytes;
};

/*
 * Creates or overwrites a file; an existing one must be a regular file, and the last part of the
 * path no link. 0; -EINVAL: WAV has no such format; another negative errno.
 */
int xensnd_wav_file_open(
	struct xensnd_wav_file *file, const char *path, const struct xensnd_pcm_params *params);

/* Writes frames at a place, counted in frames from the beginning. 0 or a negative errno. */
int xensnd_wav_file_write(
	struct xensnd_wav_file *file, uint64_t at_frame, const void *data, uint32_t frames);

/* Makes the header say that there are so many frames. 0 or a negative errno. */
int xensnd_wav_file_update(struct xensnd_wav_file *file, uint64_t frames);

/* Cuts the file off after so many frames, and closes it. */
void xensnd_wav_file_close(struct xensnd_wav_file *file, uint64_t frames);

#endif
