/* SPDX-License-Identifier: MIT */
/* The event channels of a stream. See channel.h. */
#include "channel.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/quiet_xentoollog.h"
#include "keeper.h"

static int last_error(void)
{
	return errno > 0 ? -errno : -EIO;
}

static int port_bind(struct xensnd_channel *channel, uint32_t domid, evtchn_port_t *port)
{
	xenevtchn_port_or_error_t bound = xenevtchn_bind_unbound_port(channel->handle, domid);

	if (bound < 0)
		return last_error();
	*port = (evtchn_port_t)bound;
	return 0;
}

int xensnd_channel_bind(struct xensnd_channel *channel, uint32_t backend_domid)
{
	int ret;

	*channel =
		(struct xensnd_channel){ .handle = xenevtchn_open(xensnd_quiet_xentoollog(), 0) };
	if (!channel->handle)
		return last_error();
	ret = port_bind(channel, backend_domid, &channel->ring_port);
	if (ret == 0)
		ret = port_bind(channel, backend_domid, &channel->event_port);
	if (ret < 0)
		xensnd_channel_unbind(channel);
	return ret;
}

int xensnd_channel_adopt(
	struct xensnd_channel *channel, int fd, evtchn_port_t ring_port, evtchn_port_t event_port)
{
	*channel = (struct xensnd_channel){ .handle = xenevtchn_fdopen(
						    xensnd_quiet_xentoollog(), fd, 0),
		.ring_port = ring_port,
		.event_port = event_port };
	if (!channel->handle) {
		int ret = last_error();

		close(fd);
		return ret;
	}
	return 0;
}

void xensnd_channel_unbind(struct xensnd_channel *channel)
{
	if (channel->handle && channel->ring_port)
		xenevtchn_unbind(channel->handle, channel->ring_port);
	if (channel->handle && channel->event_port)
		xenevtchn_unbind(channel->handle, channel->event_port);
	xensnd_channel_close(channel);
}

void xensnd_channel_close(struct xensnd_channel *channel)
{
	if (channel->handle)
		xenevtchn_close(channel->handle);
	*channel = (struct xensnd_channel){ .handle = NULL };
}

void xensnd_channel_bury(struct xensnd_channel *channel, const struct xensnd_log *log)
{
	int ret = channel->handle ? xensnd_keeper_start(xenevtchn_fd(channel->handle)) : 0;

	if (ret < 0) {
		xensnd_log(log, XENSND_LOG_WARNING,
			"no process keeps the event channels of before the restore: %s",
			strerror(-ret));
		*channel = (struct xensnd_channel){ .handle = NULL };
		return;
	}
	xensnd_channel_close(channel);
}

int xensnd_channel_fd(const struct xensnd_channel *channel)
{
	return xenevtchn_fd(channel->handle);
}

int xensnd_channel_notify(const struct xensnd_channel *channel)
{
	return xenevtchn_notify(channel->handle, channel->ring_port) < 0 ? last_error() : 0;
}

int64_t xensnd_channel_pending(const struct xensnd_channel *channel)
{
	xenevtchn_port_or_error_t port = xenevtchn_pending(channel->handle);

	return port < 0 ? last_error() : port;
}

int xensnd_channel_unmask(const struct xensnd_channel *channel, evtchn_port_t port)
{
	return xenevtchn_unmask(channel->handle, port) < 0 ? last_error() : 0;
}
