/* SPDX-License-Identifier: MIT */
/*
 * The two event channels of one stream, on one descriptor: one for the request ring, one for the
 * event page.
 *
 * Apart because owner and stream each hold a handle of it: the owner binds the ports and passes the
 * descriptor on, the stream takes it up and is the only one to read it (two readers would steal
 * each other's events).
 */
#ifndef XENSND_FRONTEND_CHANNEL_H
#define XENSND_FRONTEND_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <xenevtchn.h>

#include "common/log.h"

struct xensnd_channel {
	xenevtchn_handle *handle;
	evtchn_port_t ring_port; /* 0: not bound */
	evtchn_port_t event_port;
};

/*
 * Binds two unbound ports for a backend's domain. 0; -ENOENT: no node; -EACCES; another negative
 * errno.
 */
int xensnd_channel_bind(struct xensnd_channel *channel, uint32_t backend_domid);

/*
 * Takes up a descriptor whose ports were bound by another handle; the descriptor becomes the
 * channel's.
 */
int xensnd_channel_adopt(
	struct xensnd_channel *channel, int fd, evtchn_port_t ring_port, evtchn_port_t event_port);

/*
 * Unbinds both ports, so that it also works while a forked child holds the descriptor, and closes
 * the handle.
 */
void xensnd_channel_unbind(struct xensnd_channel *channel);

/* Closes the handle and leaves the ports to the one who bound them. */
void xensnd_channel_close(struct xensnd_channel *channel);

/*
 * Closes the handle of ports that a restore has taken away, having given it to a process that keeps
 * it (keeper.h); without such a process it stays open.
 */
void xensnd_channel_bury(struct xensnd_channel *channel, const struct xensnd_log *log);

/* To be polled for POLLIN. */
int xensnd_channel_fd(const struct xensnd_channel *channel);

/* Notifies the backend of new requests. 0 or a negative errno. */
int xensnd_channel_notify(const struct xensnd_channel *channel);

/*
 * Takes up one event after poll() said that there is one (the library may block otherwise, code of
 * libxenevtchn). Returns its port, still masked, or a negative errno. The caller looks at the
 * shared pages and then unmasks the port.
 */
int64_t xensnd_channel_pending(const struct xensnd_channel *channel);
int xensnd_channel_unmask(const struct xensnd_channel *channel, evtchn_port_t port);

#endif
