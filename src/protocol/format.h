/* SPDX-License-Identifier: MIT */
/*
 * Sample formats: sndif's numbers, their names in XenStore, and the size of a sample.
 *
 * Apart from configuration parsing because both ends also need the table for OPEN. ALSA's numbers
 * are mapped where ALSA is used, not here.
 */
#ifndef XENSND_PROTOCOL_FORMAT_H
#define XENSND_PROTOCOL_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define XENSND_FORMATS 25u

/*
 * The format of a name as long as len, without regard to case; -EINVAL if unknown. Floating point
 * is known by sndif's names (float_le, float64_be) and by those that libxl writes (f32_le, f64_be).
 */
int xensnd_format_from_name(const char *name, size_t len);

/* The sndif name, or NULL if the number is no format. */
const char *xensnd_format_name(unsigned int format);

/*
 * Bytes of one sample in memory, or 0 for formats without a fixed size (ADPCM, MPEG, GSM) and for
 * unknown ones.
 */
unsigned int xensnd_format_bytes(unsigned int format);

#endif
