/* SPDX-License-Identifier: MIT */
/*
 * The header of a RIFF WAVE file, written and understood.
 *
 * Apart because it is bytes in, bytes out: it is written again and again while a file grows, and
 * what is read may be anything.
 */
#ifndef XENSND_BACKEND_WAV_HEADER_H
#define XENSND_BACKEND_WAV_HEADER_H

#include <stddef.h>
#include <stdint.h>

#define XENSND_WAV_HEADER_MAX 80u

/* How much of a format chunk is ever looked at. */
#define XENSND_WAV_FORMAT_CHUNK_MAX 40u

/* What a format chunk says. */
struct xensnd_wav_info {
	unsigned int format; /* XENSND_PCM_FORMAT */
	uint32_t channels;
	uint32_t rate; /* Hz */
	uint32_t frame_bytes;
};

/* The formats that a WAV file can carry, as XENSND_FORMAT_BITs. */
uint64_t xensnd_wav_formats(void);

/*
 * Writes the header of a file with data_bytes of samples (its 32-bit sizes stick at their maximum
 * beyond that) and returns its length, which depends on format and channels only; 0 if WAV has no
 * such format. S24_LE is written as arecord does it: 24 bits in 4 octets.
 */
size_t xensnd_wav_header(uint8_t header[XENSND_WAV_HEADER_MAX], unsigned int format,
	uint32_t channels, uint32_t rate, uint64_t data_bytes);

/*
 * Understands the beginning of a format chunk of so many bytes. 0; -EBADMSG: it contradicts itself,
 * or its samples are none of sndif's (24 bits packed into 3 octets, say).
 */
int xensnd_wav_format_parse(const uint8_t *chunk, size_t bytes, struct xensnd_wav_info *info);

#endif
