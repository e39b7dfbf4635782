/* SPDX-License-Identifier: MIT */
/*
 * A WAV file that is read.
 *
 * Apart from the one that is written because they share nothing but the format: this file was made
 * by somebody else, may be malformed, and may change while it is read. Nothing of it is kept but
 * where its samples are.
 */
#ifndef XENSND_BACKEND_WAV_SOURCE_H
#define XENSND_BACKEND_WAV_SOURCE_H

#include <stdint.h>

#include "wav_header.h"

struct xensnd_wav_source {
	int fd;
	struct xensnd_wav_info info;
	uint64_t data_at; /* where the samples begin, in bytes */
	uint64_t frames;  /* whole ones, as far as the file goes */
};

/*
 * Opens a file: a regular one, and the last part of the path no link. 0; -EBADMSG: it is no WAV
 * file with samples that sndif knows; another negative errno.
 */
int xensnd_wav_source_open(struct xensnd_wav_source *source, const char *path);

/* The same with an open descriptor, which becomes the source's, also after an error. */
int xensnd_wav_source_take(struct xensnd_wav_source *source, int fd);

/*
 * Reads frames from a place, counted in frames from the beginning, straight into data. What is
 * beyond the end is silence. 0 or a negative errno.
 */
int xensnd_wav_source_read(
	const struct xensnd_wav_source *source, uint64_t at_frame, void *data, uint32_t frames);

void xensnd_wav_source_close(struct xensnd_wav_source *source);

#endif
