/* SPDX-License-Identifier: MIT */
/*
 * A connected stream: its thread, and what only that thread may touch.
 *
 * Apart from the session, which it runs, because this is about descriptors and lifetime. One thread
 * for each stream, so that one guest's blocked device is nobody else's trouble: the owner never
 * waits for a thread, it asks it to stop and is told by a descriptor when it has ended.
 */
#ifndef XENSND_BACKEND_STREAM_H
#define XENSND_BACKEND_STREAM_H

#include "session.h"

struct xensnd_stream;

enum xensnd_stream_end {
	XENSND_STREAM_RUNS,
	XENSND_STREAM_STOPPED, /* as it was asked to */
	XENSND_STREAM_BROKEN,  /* the frontend broke the protocol, or the host's nodes failed */
};

/*
 * Maps and binds what the frontend published, and starts the thread. setup is copied. 0; -ENOMEM:
 * over the guest's limit; another negative errno.
 */
int xensnd_stream_start(struct xensnd_stream **stream, const struct xensnd_stream_setup *setup);

/* Asks the thread to end. */
void xensnd_stream_stop(struct xensnd_stream *stream);

enum xensnd_stream_end xensnd_stream_ended(const struct xensnd_stream *stream);

/* Frees a stream that has ended. */
void xensnd_stream_free(struct xensnd_stream *stream);

#endif
