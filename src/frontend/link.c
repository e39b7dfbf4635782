/* SPDX-License-Identifier: MIT */
/* The protocol between owner and stream. See link.h. */
#include "link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(XENSND_LINK_MAX_FDS * sizeof(int))];
};

/* The length of a message's body on the wire, or 0 if there is no such type. */
static size_t body_bytes(uint32_t type)
{
	static const size_t bytes[] = {
		[XENSND_LINK_CLAIM] = sizeof(struct xensnd_link_claim),
		[XENSND_LINK_ALLOCATE] = sizeof(struct xensnd_link_allocate),
		[XENSND_LINK_RELEASE] = sizeof(uint32_t),
		[XENSND_LINK_LEAVE] = sizeof(struct xensnd_ring_state),
		[XENSND_LINK_LET_GO] = sizeof(uint32_t),
		[XENSND_LINK_STUCK] = sizeof(uint32_t),
		[XENSND_LINK_STREAM] = sizeof(struct xensnd_link_stream),
		[XENSND_LINK_BUFFER] = sizeof(struct xensnd_link_buffer),
		[XENSND_LINK_LOST] = sizeof(struct xensnd_link_lost),
	};

	return type < sizeof(bytes) / sizeof(bytes[0]) ? bytes[type] : 0;
}

static size_t message_bytes(uint32_t type)
{
	return offsetof(struct xensnd_link_message, u) + body_bytes(type);
}

static bool params_are_sound(const struct xensnd_params *params)
{
	uint32_t rate = 0;

	if (params->n_rates == 0 || params->n_rates > XENSND_MAX_RATES || params->formats == 0)
		return false;
	for (unsigned int i = 0; i < params->n_rates; i++) {
		if (params->rates[i] <= rate || params->rates[i] > XENSND_MAX_RATE)
			return false;
		rate = params->rates[i];
	}
	return params->channels_min > 0 && params->channels_min <= params->channels_max &&
	       params->channels_max <= XENSND_MAX_CHANNELS && params->buffer_bytes_max > 0 &&
	       params->buffer_bytes_max <= XENSND_MAX_BUFFER_BYTES;
}

bool xensnd_link_stream_is_sound(const struct xensnd_link_stream *stream)
{
	unsigned char capture;

	/* Reading a bool that is neither 0 nor 1 is undefined. */
	memcpy(&capture, &stream->config.capture, sizeof(capture));
	return capture <= 1 && memchr(stream->card_name, '\0', sizeof(stream->card_name)) &&
	       memchr(stream->device_name, '\0', sizeof(stream->device_name)) &&
	       memchr(stream->config.unique_id, '\0', sizeof(stream->config.unique_id)) &&
	       stream->pages.address != 0 && stream->pages.address % XENSND_PAGE_BYTES == 0 &&
	       stream->pages.n_pages == 2 && stream->ring_port != 0 && stream->event_port != 0 &&
	       params_are_sound(&stream->config.params);
}

int xensnd_link_send(
	int fd, const struct xensnd_link_message *message, const int *fds, unsigned int n_fds)
{
	/* sendmsg() does not write through the pointer; struct iovec has no const. */
	union {
		const void *readable;
		void *base;
	} bytes = { .readable = message };
	struct iovec iov = { .iov_base = bytes.base, .iov_len = message_bytes(message->type) };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	ssize_t sent;

	if (n_fds > XENSND_LINK_MAX_FDS)
		return -EINVAL;
	if (n_fds > 0) {
		memset(&control, 0, sizeof(control));
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
	}
	do
		sent = sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return 0;
}

/* Takes the descriptors out of a control message; returns how many. */
static unsigned int control_fds(struct msghdr *header, int fds[XENSND_LINK_MAX_FDS])
{
	unsigned int n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= bytes && n < XENSND_LINK_MAX_FDS;
			at += sizeof(int))
			memcpy(&fds[n++], CMSG_DATA(c) + at, sizeof(int));
	}
	return n;
}

int xensnd_link_receive(int fd, struct xensnd_link_message *message, int fds[XENSND_LINK_MAX_FDS])
{
	struct iovec iov = { .iov_base = message, .iov_len = sizeof(*message) };
	union control control;
	struct msghdr header = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	unsigned int n_fds;
	ssize_t got;

	memset(message, 0, sizeof(*message));
	for (unsigned int i = 0; i < XENSND_LINK_MAX_FDS; i++)
		fds[i] = -1;
	do
		got = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	n_fds = control_fds(&header, fds);
	if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 && (size_t)got > sizeof(uint32_t) &&
		body_bytes(message->type) != 0 && (size_t)got == message_bytes(message->type) &&
		(n_fds == 0 || message->type == XENSND_LINK_STREAM ||
			message->type == XENSND_LINK_BUFFER))
		return 1;
	for (unsigned int i = 0; i < n_fds; i++) {
		close(fds[i]);
		fds[i] = -1;
	}
	/*
	 * Nothing is what the end looks like; but an empty message does too, and may bring
	 * descriptors.
	 */
	return got == 0 ? -EPIPE : -EPROTO;
}

int xensnd_link_wait(int fd, struct xensnd_link_message *message, int fds[XENSND_LINK_MAX_FDS],
	int64_t deadline_ns)
{
	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		int ret = xensnd_link_receive(fd, message, fds);

		if (ret != -EAGAIN)
			return ret;
		if (xensnd_now_ns() >= deadline_ns)
			return -ETIMEDOUT;
		if (poll(&pfd, 1, xensnd_poll_ms(deadline_ns)) < 0 && errno != EINTR)
			return -errno;
	}
}
