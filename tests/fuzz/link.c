/* SPDX-License-Identifier: MIT */
/*
 * The protocol between the owner of a card and a stream, against a peer that sends anything: any
 * length, any octets, any number of descriptors.
 *
 * The input: datagrams. Each has a type, a length that is right or any, descriptors, and octets
 * written over a message that would be right. The descriptors are all ends of one pipe, whose other
 * end tells at last whether one of them was lost, whatever its number.
 */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "frontend/link.h"

#define FDS_MAX 4u

enum { HEAD_BYTES = offsetof(struct xensnd_link_message, u) };

struct datagram {
	uint8_t bytes[sizeof(struct xensnd_link_message) + 64];
	size_t len;
	unsigned int n_fds;
};

/* As link.h has it. */
static size_t length_of(uint32_t type)
{
	switch (type) {
	case XENSND_LINK_CLAIM:
		return HEAD_BYTES + sizeof(struct xensnd_link_claim);
	case XENSND_LINK_ALLOCATE:
		return HEAD_BYTES + sizeof(struct xensnd_link_allocate);
	case XENSND_LINK_RELEASE:
		return HEAD_BYTES + sizeof(uint32_t);
	case XENSND_LINK_LEAVE:
		return HEAD_BYTES + sizeof(struct xensnd_ring_state);
	case XENSND_LINK_STREAM:
		return HEAD_BYTES + sizeof(struct xensnd_link_stream);
	case XENSND_LINK_BUFFER:
		return HEAD_BYTES + sizeof(struct xensnd_link_buffer);
	case XENSND_LINK_LOST:
		return HEAD_BYTES + sizeof(struct xensnd_link_lost);
	default:
		return 0;
	}
}

/* Where a stream is easily spoilt. */
#define STREAM_AT(field) (HEAD_BYTES + offsetof(struct xensnd_link_stream, field))
static const size_t weak_places[] = {
	STREAM_AT(card_name),
	STREAM_AT(device_name),
	STREAM_AT(config.unique_id),
	STREAM_AT(config.capture),
	STREAM_AT(config.params.formats),
	STREAM_AT(config.params.rates),
	STREAM_AT(config.params.n_rates),
	STREAM_AT(config.params.channels_min),
	STREAM_AT(config.params.channels_max),
	STREAM_AT(config.params.buffer_bytes_max),
	STREAM_AT(pages.address),
	STREAM_AT(pages.n_pages),
	STREAM_AT(ring_port),
	STREAM_AT(event_port),
};

/* A stream that can be used, for the input to spoil. */
static struct xensnd_link_message message_right(uint32_t type)
{
	struct xensnd_link_message message = { .type = type };
	struct xensnd_params params = { .formats = XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_S16_LE),
		.n_rates = XENSND_MAX_RATES,
		.channels_min = 1,
		.channels_max = 2,
		.buffer_bytes_max = 65536 };

	for (unsigned int i = 0; i < XENSND_MAX_RATES; i++)
		params.rates[i] = 1 + i;
	if (type != XENSND_LINK_STREAM)
		return message;
	message.u.stream.ring_port = 7;
	message.u.stream.event_port = 8;
	message.u.stream.pages.address = 4096;
	message.u.stream.pages.n_pages = 2;
	message.u.stream.config.params = params;
	return message;
}

/* Some octets of the input, or one of them again and again, in any place or a weak one. */
static void datagram_patch(struct datagram *datagram, struct fuzz_input *input)
{
	uint16_t where = fuzz_u16(input);
	uint8_t how = fuzz_u8(input);
	size_t at = where % sizeof(datagram->bytes), n = 1u + how % 4;

	if (where & 0x8000)
		at = weak_places[where % FUZZ_COUNT(weak_places)];
	if (how & 0x80)
		n = 81;
	if (n > sizeof(datagram->bytes) - at)
		n = sizeof(datagram->bytes) - at;
	if (how & 0x80)
		memset(datagram->bytes + at, fuzz_u8(input), n);
	else
		fuzz_take(input, datagram->bytes + at, n);
}

static void datagram_make(struct datagram *datagram, struct fuzz_input *input)
{
	uint8_t shape = fuzz_u8(input);
	uint32_t type = shape & 0x40 ? fuzz_u32(input) : (shape & 0x0f) % 9u;
	struct xensnd_link_message message = message_right(type);
	uint8_t patches = fuzz_u8(input) % 8;

	memset(datagram, 0, sizeof(*datagram));
	memcpy(datagram->bytes, &message, sizeof(message));
	datagram->n_fds = (shape >> 4) % 4;
	if (datagram->n_fds == 3)
		datagram->n_fds = FDS_MAX;
	datagram->len = length_of(type);
	if (datagram->len == 0 || shape & 0x80)
		datagram->len = fuzz_u16(input) % (sizeof(datagram->bytes) + 1);
	while (patches-- > 0)
		datagram_patch(datagram, input);
}

static void datagram_send(int fd, const struct datagram *datagram, int passed)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	union {
		const void *readable;
		void *base;
	} bytes = { .readable = datagram->bytes };
	struct iovec iov = { .iov_base = bytes.base, .iov_len = datagram->len };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

	memset(&control, 0, sizeof(control));
	if (datagram->n_fds > 0) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(datagram->n_fds * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(datagram->n_fds * sizeof(int));
		for (unsigned int i = 0; i < datagram->n_fds; i++)
			memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &passed, sizeof(int));
	}
	FUZZ_CHECK(sendmsg(fd, &header, MSG_NOSIGNAL) == (ssize_t)datagram->len);
}

static bool text_ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* What those who get a sound stream rely on without looking. */
static void stream_check(const struct xensnd_link_stream *stream)
{
	const struct xensnd_params *params = &stream->config.params;
	uint8_t capture;

	memcpy(&capture, &stream->config.capture, 1);
	FUZZ_CHECK(capture <= 1);
	FUZZ_CHECK(text_ends(stream->card_name, sizeof(stream->card_name)));
	FUZZ_CHECK(text_ends(stream->device_name, sizeof(stream->device_name)));
	FUZZ_CHECK(text_ends(stream->config.unique_id, sizeof(stream->config.unique_id)));
	FUZZ_CHECK(stream->pages.address % 4096 == 0 && stream->pages.address > 0);
	FUZZ_CHECK(stream->pages.n_pages == 2);
	FUZZ_CHECK(stream->ring_port > 0 && stream->event_port > 0);
	FUZZ_CHECK(params->formats != 0);
	FUZZ_CHECK(params->n_rates >= 1 && params->n_rates <= XENSND_MAX_RATES);
	FUZZ_CHECK(params->rates[0] >= 1 && params->rates[params->n_rates - 1] <= XENSND_MAX_RATE);
	for (unsigned int i = 1; i < params->n_rates; i++)
		FUZZ_CHECK(params->rates[i - 1] < params->rates[i]);
	FUZZ_CHECK(params->channels_min >= 1 && params->channels_min <= params->channels_max);
	FUZZ_CHECK(params->channels_max <= 255);
	FUZZ_CHECK(params->buffer_bytes_max >= 1 && params->buffer_bytes_max <= 16777216);
}

/* The message is what was sent, and sending it on gives the same again. */
static void message_check(const struct xensnd_link_message *message,
	const struct datagram *datagram, const int fds[XENSND_LINK_MAX_FDS])
{
	static const uint8_t zeros[sizeof(*message)];
	struct xensnd_link_message again;
	int none[XENSND_LINK_MAX_FDS], pair[2];
	size_t rest = sizeof(*message) - datagram->len;

	FUZZ_CHECK(memcmp(message, datagram->bytes, datagram->len) == 0);
	FUZZ_CHECK(memcmp((const char *)message + datagram->len, zeros, rest) == 0);
	for (unsigned int i = 0; i < XENSND_LINK_MAX_FDS; i++) {
		FUZZ_CHECK((fds[i] >= 0) == (i < datagram->n_fds));
		FUZZ_CHECK(fds[i] < 0 || fcntl(fds[i], F_GETFD) == FD_CLOEXEC);
	}
	if (message->type == XENSND_LINK_STREAM && xensnd_link_stream_is_sound(&message->u.stream))
		stream_check(&message->u.stream);
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	FUZZ_CHECK(xensnd_link_send(pair[0], message, NULL, 0) == 0);
	FUZZ_CHECK(xensnd_link_receive(pair[1], &again, none) == 1);
	FUZZ_CHECK(memcmp(&again, message, sizeof(again)) == 0);
	close(pair[0]);
	close(pair[1]);
}

/* Receives one datagram; its descriptors are closed again, as every caller does. */
static void datagram_receive(int fd, const struct datagram *datagram)
{
	struct xensnd_link_message message;
	int fds[XENSND_LINK_MAX_FDS];
	int ret = xensnd_link_receive(fd, &message, fds);
	uint32_t type;
	bool right;

	memcpy(&type, datagram->bytes, sizeof(type));
	right = datagram->len > HEAD_BYTES && datagram->len == length_of(type) &&
		(datagram->n_fds == 0 ||
			(datagram->n_fds <= XENSND_LINK_MAX_FDS &&
				(type == XENSND_LINK_STREAM || type == XENSND_LINK_BUFFER)));
	FUZZ_CHECK(ret == (right ? 1 : datagram->len == 0 ? -EPIPE : -EPROTO));
	if (right)
		message_check(&message, datagram, fds);
	for (unsigned int i = 0; i < XENSND_LINK_MAX_FDS; i++) {
		FUZZ_CHECK(right || fds[i] == -1);
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { .at = data, .left = size };
	struct xensnd_link_message message;
	int fds[XENSND_LINK_MAX_FDS], pair[2], passed[2];
	struct pollfd hangup;

	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	FUZZ_CHECK(pipe2(passed, O_CLOEXEC) == 0);
	for (unsigned int n = 0; n < 16 && input.left > 0; n++) {
		struct datagram datagram;

		datagram_make(&datagram, &input);
		datagram_send(pair[0], &datagram, passed[1]);
		datagram_receive(pair[1], &datagram);
		FUZZ_CHECK(xensnd_link_receive(pair[1], &message, fds) == -EAGAIN);
	}
	close(passed[1]);
	close(pair[0]);
	FUZZ_CHECK(xensnd_link_wait(pair[1], &message, fds, XENSND_NEVER) == -EPIPE);
	close(pair[1]);
	hangup = (struct pollfd){ .fd = passed[0] };
	FUZZ_CHECK(poll(&hangup, 1, 0) == 1 && hangup.revents & POLLHUP);
	close(passed[0]);
	return 0;
}
