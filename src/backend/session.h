/* SPDX-License-Identifier: MIT */
/*
 * What a connected stream does with its requests: OPEN, CLOSE, WRITE, READ, TRIGGER,
 * HW_PARAM_QUERY and the rest, and which events it sends.
 *
 * Apart from the thread that runs it: no descriptors and no waiting here. A WRITE is answered when
 * the device has taken its bytes, a READ when all of its bytes are in the buffer; until then it
 * waits in a queue of its own, and whatever comes behind it is carried out at once. When nothing
 * more will come of it, a WRITE is answered as done, since nobody will hear what was dropped; a
 * READ is not, since its bytes are not there.
 *
 * Everything that comes from the guest is copied once, checked, then used. Statuses are Xen's
 * errors (xen/errno.h), whatever the host's are.
 */
#ifndef XENSND_BACKEND_SESSION_H
#define XENSND_BACKEND_SESSION_H

#include <xengnttab.h>

#include "protocol/event_page.h"
#include "protocol/ring.h"

#include "capture.h"
#include "log_limit.h"
#include "playback.h"
#include "stream_buffer.h"

/* A stream's place in the world; set by the card before the stream's thread starts, and constant.
 */
struct xensnd_stream_setup {
	uint32_t domid;
	unsigned int card;
	struct xensnd_stream_config config;
	struct xensnd_device_spec device;   /* of the host */
	struct xensnd_memory_limit *memory; /* of the guest */
	struct xensnd_device_host *host;
	grant_ref_t ring_ref; /* what the frontend published */
	grant_ref_t event_ref;
	uint32_t ring_port;
	uint32_t event_port;
	int ended_fd; /* an eventfd of the owner: the stream's thread has ended */
};

/* A WRITE that the device has not taken yet, or a READ that is not filled, or the rest of one. */
struct xensnd_pending_transfer {
	uint16_t id;
	uint32_t offset_bytes;
	uint32_t left_bytes;
};

struct xensnd_session {
	const struct xensnd_stream_setup *setup;
	xengnttab_handle *grants;
	struct xensnd_back_ring ring;
	struct xensnd_back_events events;
	struct xensnd_stream_buffer buffer;
	struct xensnd_playback playback; /* one of the two, by the stream's direction */
	struct xensnd_capture capture;
	struct xensnd_pcm *pcm; /* what it has in common with the other */
	struct xensnd_pending_transfer
		pending[XENSND_RING_SLOTS]; /* from first on, in order, wrapping */
	unsigned int pending_first;
	unsigned int n_pending;
	bool device_idle;    /* its descriptors were ready, and it moved nothing */
	bool failure_logged; /* the device's */
	bool abilities_known;
	struct xensnd_query_hw_param abilities; /* of the device */
	struct xensnd_log_limit log_limit;
};

/* Takes up freshly mapped pages. They, setup and grants stay the caller's. */
void xensnd_session_init(struct xensnd_session *session, const struct xensnd_stream_setup *setup,
	xengnttab_handle *grants, void *ring_page, void *event_page);

/* Closes what is open. The pages are not touched any more. */
void xensnd_session_end(struct xensnd_session *session);

/*
 * Does what can be done now: requests, queued WRITEs and READs, events. Answers and events are
 * shown by xensnd_session_push(). 0; 1: there are more requests, so do not sleep; -EPROTO: the
 * frontend broke a rule of the ring.
 */
int xensnd_session_work(struct xensnd_session *session);

/* Shows the frontend what work has put; which of the two ports have to be notified. */
void xensnd_session_push(struct xensnd_session *session, bool *notify_ring, bool *notify_events);

/* What to sleep on: fills fds with the device's descriptors, and *until with the time of the next
 * look. */
unsigned int xensnd_session_wait(
	struct xensnd_session *session, struct pollfd *fds, unsigned int max, int64_t *until_ns);

/* To be called after the wait with the same descriptors when one of them is ready. */
void xensnd_session_woken(struct xensnd_session *session, struct pollfd *fds, unsigned int n);

/* One line about the stream, unless the guest has caused too many. */
__attribute__((format(printf, 3, 4))) void xensnd_session_log(
	struct xensnd_session *session, enum xensnd_log_level level, const char *format, ...);

#endif
