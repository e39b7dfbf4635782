/* SPDX-License-Identifier: MIT */
/*
 * The header of a RIFF WAVE file.
 *
 * Apart because it is bytes in, bytes out, and is written again and again while a file grows.
 */
#ifndef XENSND_BACKEND_WAV_HEADER_H
#define XENSND_BACKEND_WAV_HEADER_H

#include <stddef.h>
#include <stdint.h>

#define XENSND_WAV_HEADER_MAX 80u

/* The formats that a WAV file can carry, as XENSND_FORMAT_BITs. */
uint64_t xensnd_wav_formats(void);

/*
 * Writes the header of a file with data_bytes of samples (its 32-bit sizes stick at their maximum
 * beyond that) and returns its length, which depends on format and channels only; 0 if WAV has no
 * such format. S24_LE is written as arecord does it: 24 bits in 4 octets.
 */
size_t xensnd_wav_header(uint8_t header[XENSND_WAV_HEADER_MAX], unsigned int format,
	uint32_t channels, uint32_t rate, uint64_t data_bytes);

#endif
