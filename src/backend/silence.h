/* SPDX-License-Identifier: MIT */
/*
 * What silence looks like in each format.
 *
 * Apart because it is a table: for unsigned and companded samples silence is not zero.
 */
#ifndef XENSND_BACKEND_SILENCE_H
#define XENSND_BACKEND_SILENCE_H

#include <stddef.h>

/* Fills so many bytes, whole samples of a format that has a sample size. */
void xensnd_silence_fill(void *data, unsigned int format, size_t bytes);

#endif
