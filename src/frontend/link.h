/* SPDX-License-Identifier: MIT */
/*
 * The protocol between the owner of a card and a stream: fixed-size messages over a SOCK_SEQPACKET
 * socket, with descriptors beside them (SCM_RIGHTS). One connection is one stream; its end is the
 * stream's end.
 *
 * Apart because owner and stream may be two threads of one process or two processes, and must not
 * be able to tell: what crosses is all here. Either side treats a message as hostile: its length,
 * type and number of descriptors are checked, descriptors that nobody asked for are closed.
 */
#ifndef XENSND_FRONTEND_LINK_H
#define XENSND_FRONTEND_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/config.h"
#include "protocol/wire.h"

#define XENSND_LINK_VERSION 2u

enum xensnd_link_type {
	/* stream → owner */
	XENSND_LINK_CLAIM = 1, /* give me a device's stream; answered by STREAM */
	XENSND_LINK_ALLOCATE,  /* give me a buffer of so many bytes; answered by BUFFER */
	XENSND_LINK_RELEASE,   /* the backend has let go of the buffer; not answered */
	XENSND_LINK_LEAVE,     /* the rings are idle and in this state; not answered */
	XENSND_LINK_LET_GO, /* after LOST: the old rings are not touched any more; not answered */
	XENSND_LINK_STUCK,  /* the backend does not answer; LOST follows */
	/* owner → stream */
	XENSND_LINK_STREAM, /* comes again when a lost backend is back, with new rings */
	XENSND_LINK_BUFFER,
	XENSND_LINK_LOST, /* the connection to the backend is gone; the rings stay until LET_GO, the
			     buffer until RELEASE */
};

/* Where a frontend's end of the rings stands, for whoever uses them next. */
struct xensnd_ring_state {
	uint32_t req_prod;
	uint32_t evt_cons;
	uint16_t next_id;
	uint16_t reserved;
};

/* Pages of the owner, by their address: it only means something within one process. */
struct xensnd_link_pages {
	uint64_t address;
	uint32_t n_pages;
	uint32_t reserved;
};

struct xensnd_link_claim {
	uint32_t version;
	uint32_t device;
	uint32_t capture;
};

struct xensnd_link_stream {
	int32_t error; /* negative errno; text then says what to do */
	char text[256];
	uint32_t backend_domid;
	uint32_t ring_port; /* local ports of the event-channel descriptor */
	uint32_t event_port;
	struct xensnd_ring_state rings;
	struct xensnd_link_pages pages; /* the ring, then the event page */
	struct xensnd_stream_config config;
	char card_name[81];
	char device_name[81];
};

struct xensnd_link_allocate {
	uint32_t buffer_bytes;
};

struct xensnd_link_buffer {
	int32_t error; /* negative errno; text then says what to do */
	char text[256];
	grant_ref_t directory;
	struct xensnd_link_pages pages; /* the data pages */
};

struct xensnd_link_lost {
	char text[256]; /* why */
};

struct xensnd_link_message {
	uint32_t type;
	union {
		struct xensnd_link_claim claim;
		struct xensnd_link_allocate allocate;
		struct xensnd_ring_state leave;
		struct xensnd_link_stream stream;
		struct xensnd_link_buffer buffer;
		struct xensnd_link_lost lost;
	} u;
};

/*
 * Descriptors that go with STREAM: the event channels; then the pages, where they have no address.
 */
#define XENSND_LINK_MAX_FDS 2

/*
 * Is a granted stream (error 0) one that can be used: strings that end, a direction, ascending
 * rates, channels and a buffer within the limits of config.h, two pages, two ports?
 */
bool xensnd_link_stream_is_sound(const struct xensnd_link_stream *stream);

/*
 * Sends a message with n_fds descriptors, which stay the caller's. Never waits: a peer that does
 * not read is -EAGAIN. 0 or a negative errno (-EPIPE when the peer has gone; no signal is raised).
 */
int xensnd_link_send(
	int fd, const struct xensnd_link_message *message, const int *fds, unsigned int n_fds);

/*
 * Receives one message, without waiting. fds is filled with its descriptors, which become the
 * caller's, and -1. 1: received; -EAGAIN: none is there; -EPIPE: the peer has gone; -EPROTO: not a
 * message, or one with a wrong length or number of descriptors (all of which are closed).
 */
int xensnd_link_receive(int fd, struct xensnd_link_message *message, int fds[XENSND_LINK_MAX_FDS]);

/* As xensnd_link_receive(), waiting until a deadline (clock.h): -ETIMEDOUT when it passes. */
int xensnd_link_wait(int fd, struct xensnd_link_message *message, int fds[XENSND_LINK_MAX_FDS],
	int64_t deadline_ns);

#endif
