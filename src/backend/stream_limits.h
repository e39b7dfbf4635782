/* SPDX-License-Identifier: MIT */
/*
 * What a stream's configuration allows: the check of OPEN, and the set that HW_PARAM_QUERY starts
 * from.
 *
 * Apart from the stream because it is a guest's numbers against the toolstack's, without any
 * device.
 */
#ifndef XENSND_BACKEND_STREAM_LIMITS_H
#define XENSND_BACKEND_STREAM_LIMITS_H

#include "protocol/config.h"
#include "protocol/wire.h"

/* The smallest period that is offered; the one that Linux' frontend offers to its programs. */
#define XENSND_PERIOD_BYTES_MIN 64u

/* A stream's parameters as OPEN fixes them. */
struct xensnd_pcm_params {
	unsigned int format; /* XENSND_PCM_FORMAT */
	uint32_t rate;       /* Hz */
	uint32_t channels;
	uint32_t frame_bytes;
	uint32_t buffer_frames;
	uint32_t period_frames; /* 0: no events */
};

/* Checks an OPEN against a configuration. 0; -EINVAL. */
int xensnd_open_check(struct xensnd_pcm_params *params, const struct xensnd_open_req *open,
	const struct xensnd_params *limits);

/* Narrows a question to what a configuration allows. 0; -EINVAL, when nothing is left, and *set is
 * as it was. */
int xensnd_query_limit(struct xensnd_query_hw_param *set, const struct xensnd_params *limits);

/* Everything that a configuration allows at all. */
void xensnd_query_all(struct xensnd_query_hw_param *set, const struct xensnd_params *limits);

#endif
