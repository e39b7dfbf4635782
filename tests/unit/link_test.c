/* SPDX-License-Identifier: MIT */
/*
 * Messages between owner and stream over a real socket, from a peer that keeps to the protocol and
 * from one that does not.
 */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/clock.h"
#include "frontend/link.h"

struct ends {
	int near, far;
	unsigned int open_fds; /* of the whole process, at the start */
	struct xensnd_link_message sent, got;
	int fds[XENSND_LINK_MAX_FDS];
};

static unsigned int open_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

static int ends_setup(void **state)
{
	struct ends *ends = malloc(sizeof(*ends));
	int pair[2];

	assert_non_null(ends);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	memset(ends, 0xa5, sizeof(*ends));
	ends->near = pair[0];
	ends->far = pair[1];
	ends->open_fds = open_fds();
	*state = ends;
	return 0;
}

static int ends_teardown(void **state)
{
	struct ends *ends = *state;

	close(ends->near);
	if (ends->far >= 0)
		close(ends->far);
	free(ends);
	return 0;
}

static size_t wire_bytes(uint32_t type)
{
	static const size_t bytes[] = { 0, sizeof(struct xensnd_link_claim),
		sizeof(struct xensnd_link_allocate), 4, sizeof(struct xensnd_ring_state), 4, 4,
		sizeof(struct xensnd_link_stream), sizeof(struct xensnd_link_buffer),
		sizeof(struct xensnd_link_lost) };

	return offsetof(struct xensnd_link_message, u) + bytes[type];
}

/*
 * A datagram of any length with any number of descriptors, as a peer may send it that was not
 * written by us.
 */
static void raw_send(int fd, const void *bytes, size_t n_bytes, const int *fds, unsigned int n_fds)
{
	union {
		const void *readable;
		void *base;
	} data = { .readable = bytes };
	struct iovec iov = { .iov_base = data.base, .iov_len = n_bytes };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(8 * sizeof(int))];
	} control = { .space = { 0 } };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n_fds > 0) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &header, MSG_NOSIGNAL), n_bytes);
}

/* What comes is refused, and no descriptor is left of it. */
static void receive_refuses(struct ends *ends)
{
	assert_int_equal(xensnd_link_receive(ends->near, &ends->got, ends->fds), -EPROTO);
	for (unsigned int i = 0; i < XENSND_LINK_MAX_FDS; i++)
		assert_int_equal(ends->fds[i], -1);
	assert_int_equal(open_fds(), ends->open_fds);
}

static void receive_still_works(struct ends *ends)
{
	ends->sent.type = XENSND_LINK_ALLOCATE;
	ends->sent.u.allocate.buffer_bytes = 4711;
	assert_int_equal(xensnd_link_send(ends->far, &ends->sent, NULL, 0), 0);
	assert_int_equal(xensnd_link_receive(ends->near, &ends->got, ends->fds), 1);
	assert_int_equal(ends->got.u.allocate.buffer_bytes, 4711);
}

static void link_carries_every_message_unchanged(void **state)
{
	struct ends *ends = *state;

	for (uint32_t type = XENSND_LINK_CLAIM; type <= XENSND_LINK_LOST; type++) {
		memset(&ends->sent, (int)(type + 'a'), sizeof(ends->sent));
		ends->sent.type = type;
		assert_int_equal(xensnd_link_send(ends->far, &ends->sent, NULL, 0), 0);
		assert_int_equal(xensnd_link_receive(ends->near, &ends->got, ends->fds), 1);
		assert_memory_equal(&ends->got, &ends->sent, wire_bytes(type));
		assert_int_equal(ends->fds[0], -1);
		assert_int_equal(ends->fds[1], -1);
	}
}

static void link_keeps_no_rest_of_an_earlier_message(void **state)
{
	struct ends *ends = *state;
	const unsigned char *bytes = (const unsigned char *)&ends->got;

	receive_still_works(ends);
	for (size_t i = wire_bytes(XENSND_LINK_ALLOCATE); i < sizeof(ends->got); i++)
		assert_int_equal(bytes[i], 0);
}

static void link_sends_no_more_than_the_message(void **state)
{
	struct ends *ends = *state;
	char bytes[sizeof(struct xensnd_link_message) + 1];

	ends->sent.type = XENSND_LINK_LEAVE;
	assert_int_equal(xensnd_link_send(ends->far, &ends->sent, NULL, 0), 0);
	assert_int_equal(recv(ends->near, bytes, sizeof(bytes), MSG_DONTWAIT),
		wire_bytes(XENSND_LINK_LEAVE));
}

static void link_hands_over_descriptors(void **state)
{
	static const uint32_t types[] = { XENSND_LINK_STREAM, XENSND_LINK_BUFFER };
	struct ends *ends = *state;
	struct stat ours, theirs;
	int pipe_fds[2];

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	for (size_t i = 0; i < UNIT_COUNT(types); i++) {
		for (unsigned int n = 1; n <= 2; n++) {
			memset(&ends->sent, 0, sizeof(ends->sent));
			ends->sent.type = types[i];
			assert_int_equal(xensnd_link_send(ends->far, &ends->sent, pipe_fds, n), 0);
			assert_int_equal(xensnd_link_receive(ends->near, &ends->got, ends->fds), 1);
			assert_int_equal(ends->fds[1] >= 0, n == 2);
			for (unsigned int k = 0; k < n; k++) {
				assert_int_equal(fstat(pipe_fds[k], &ours), 0);
				assert_int_equal(fstat(ends->fds[k], &theirs), 0);
				assert_int_equal(ours.st_ino, theirs.st_ino);
				assert_true(fcntl(ends->fds[k], F_GETFD) & FD_CLOEXEC);
				close(ends->fds[k]);
			}
		}
	}
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	assert_int_equal(open_fds(), ends->open_fds);
}

static void link_refuses_wrong_lengths(void **state)
{
	struct ends *ends = *state;
	char bytes[sizeof(struct xensnd_link_message) + 64];

	for (uint32_t type = XENSND_LINK_CLAIM; type <= XENSND_LINK_LOST; type++) {
		const size_t lengths[] = { 1, 3, 4, 7, 8, wire_bytes(type) - 1,
			wire_bytes(type) + 1, sizeof(struct xensnd_link_message) + 1,
			sizeof(bytes) };

		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, &type, sizeof(type));
		for (size_t i = 0; i < UNIT_COUNT(lengths); i++) {
			raw_send(ends->far, bytes, lengths[i], NULL, 0);
			receive_refuses(ends);
		}
		for (uint32_t other = XENSND_LINK_CLAIM; other <= XENSND_LINK_LOST; other++) {
			if (wire_bytes(other) == wire_bytes(type))
				continue;
			raw_send(ends->far, bytes, wire_bytes(other), NULL, 0);
			receive_refuses(ends);
		}
	}
	receive_still_works(ends);
}

static void link_refuses_types_that_do_not_exist(void **state)
{
	static const uint32_t types[] = { 0, XENSND_LINK_LOST + 1, 1000, UINT32_MAX };
	struct ends *ends = *state;
	char bytes[sizeof(struct xensnd_link_message)] = { 0 };

	for (size_t i = 0; i < UNIT_COUNT(types); i++) {
		memcpy(bytes, &types[i], sizeof(types[i]));
		raw_send(ends->far, bytes, offsetof(struct xensnd_link_message, u), NULL, 0);
		receive_refuses(ends);
		raw_send(ends->far, bytes, sizeof(bytes), NULL, 0);
		receive_refuses(ends);
	}
	receive_still_works(ends);
}

static void link_closes_descriptors_that_nobody_asked_for(void **state)
{
	static const uint32_t types[] = { XENSND_LINK_CLAIM, XENSND_LINK_ALLOCATE,
		XENSND_LINK_RELEASE, XENSND_LINK_LEAVE, XENSND_LINK_LET_GO, XENSND_LINK_STUCK,
		XENSND_LINK_LOST };
	struct ends *ends = *state;
	const int fds[] = { ends->near, ends->far };

	for (size_t i = 0; i < UNIT_COUNT(types); i++) {
		memset(&ends->sent, 0, sizeof(ends->sent));
		ends->sent.type = types[i];
		raw_send(ends->far, &ends->sent, wire_bytes(types[i]), fds, 1);
		receive_refuses(ends);
		raw_send(ends->far, &ends->sent, wire_bytes(types[i]), fds, 2);
		receive_refuses(ends);
	}
	receive_still_works(ends);
}

static void link_closes_descriptors_of_malformed_messages(void **state)
{
	struct ends *ends = *state;
	const int fds[] = { ends->near, ends->far, 0, 1, 2, 0 };
	char bytes[sizeof(struct xensnd_link_message) + 8] = { 0 };

	memset(&ends->sent, 0, sizeof(ends->sent));
	ends->sent.type = XENSND_LINK_STREAM;
	memcpy(bytes, &ends->sent.type, sizeof(ends->sent.type));
	raw_send(ends->far, bytes, 5, fds, 2);
	receive_refuses(ends);
	raw_send(ends->far, bytes, sizeof(bytes), fds, 2);
	receive_refuses(ends);
	/* More of them than there is room for. */
	raw_send(ends->far, &ends->sent, wire_bytes(XENSND_LINK_STREAM), fds, 3);
	receive_refuses(ends);
	raw_send(ends->far, &ends->sent, wire_bytes(XENSND_LINK_STREAM), fds, 6);
	receive_refuses(ends);
	receive_still_works(ends);
}

static void link_closes_descriptors_of_empty_messages(void **state)
{
	struct ends *ends = *state;
	const int fds[] = { ends->near, ends->far };

	raw_send(ends->far, "", 0, fds, 2);
	assert_int_equal(xensnd_link_receive(ends->near, &ends->got, ends->fds), -EPIPE);
	assert_int_equal(ends->fds[0], -1);
	assert_int_equal(ends->fds[1], -1);
	assert_int_equal(open_fds(), ends->open_fds);
}

static void link_sends_no_more_descriptors_than_allowed(void **state)
{
	struct ends *ends = *state;
	const int fds[] = { 0, 1, 2 };

	ends->sent.type = XENSND_LINK_STREAM;
	assert_int_equal(xensnd_link_send(ends->far, &ends->sent, fds, 3), -EINVAL);
	assert_int_equal(xensnd_link_receive(ends->near, &ends->got, ends->fds), -EAGAIN);
}

static void link_does_not_wait(void **state)
{
	struct ends *ends = *state;
	int ret, sent = 0;

	assert_int_equal(xensnd_link_receive(ends->near, &ends->got, ends->fds), -EAGAIN);
	assert_int_equal(ends->fds[0], -1);
	assert_int_equal(ends->fds[1], -1);
	memset(&ends->sent, 0, sizeof(ends->sent));
	ends->sent.type = XENSND_LINK_LOST;
	while ((ret = xensnd_link_send(ends->far, &ends->sent, NULL, 0)) == 0)
		assert_true(++sent < 100000);
	assert_int_equal(ret, -EAGAIN);
	while (sent-- > 0)
		assert_int_equal(xensnd_link_receive(ends->near, &ends->got, ends->fds), 1);
	assert_int_equal(xensnd_link_receive(ends->near, &ends->got, ends->fds), -EAGAIN);
}

static void link_tells_that_the_peer_has_gone(void **state)
{
	struct ends *ends = *state;

	ends->sent.type = XENSND_LINK_RELEASE;
	assert_int_equal(xensnd_link_send(ends->far, &ends->sent, NULL, 0), 0);
	close(ends->far);
	ends->far = -1;
	/* What he sent before still counts. */
	assert_int_equal(xensnd_link_receive(ends->near, &ends->got, ends->fds), 1);
	assert_int_equal(xensnd_link_receive(ends->near, &ends->got, ends->fds), -EPIPE);
	assert_int_equal(ends->fds[0], -1);
	/* Nor is there a signal, which would end the program here. */
	assert_int_equal(xensnd_link_send(ends->near, &ends->sent, NULL, 0), -EPIPE);
	assert_int_equal(xensnd_link_wait(ends->near, &ends->got, ends->fds, XENSND_NEVER), -EPIPE);
}

/* A peer that goes without having read what it was sent resets the connection. */
static void link_takes_a_reset_for_the_end(void **state)
{
	struct ends *ends = *state;

	ends->sent.type = XENSND_LINK_RELEASE;
	assert_int_equal(xensnd_link_send(ends->near, &ends->sent, NULL, 0), 0);
	close(ends->far);
	ends->far = -1;
	assert_int_equal(xensnd_link_receive(ends->near, &ends->got, ends->fds), -EPIPE);
	assert_int_equal(xensnd_link_receive(ends->near, &ends->got, ends->fds), -EPIPE);
}

/* Whichever of the two calls comes first is told of the reset. */
static void link_takes_a_reset_at_sending_for_the_end(void **state)
{
	struct ends *ends = *state;

	ends->sent.type = XENSND_LINK_RELEASE;
	assert_int_equal(xensnd_link_send(ends->near, &ends->sent, NULL, 0), 0);
	close(ends->far);
	ends->far = -1;
	assert_int_equal(xensnd_link_send(ends->near, &ends->sent, NULL, 0), -EPIPE);
	assert_int_equal(xensnd_link_send(ends->near, &ends->sent, NULL, 0), -EPIPE);
}

static int64_t cpu_ns(void)
{
	struct timespec used;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used), 0);
	return (int64_t)used.tv_sec * XENSND_NS_PER_SECOND + used.tv_nsec;
}

static void link_wait_sleeps_until_its_deadline(void **state)
{
	struct ends *ends = *state;
	int64_t deadline_ns = xensnd_deadline_ms(300), used_ns = cpu_ns();

	assert_int_equal(xensnd_link_wait(ends->near, &ends->got, ends->fds, 0), -ETIMEDOUT);
	assert_int_equal(
		xensnd_link_wait(ends->near, &ends->got, ends->fds, deadline_ns), -ETIMEDOUT);
	assert_true(xensnd_now_ns() >= deadline_ns);
	assert_true(cpu_ns() - used_ns < 20 * XENSND_NS_PER_MS);
}

static void signal_ignore(int number)
{
	(void)number;
}

static void link_wait_goes_on_after_a_signal(void **state)
{
	const struct sigaction action = { .sa_handler = signal_ignore };
	const struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { { 0, 0 }, { 0, 0 } };
	struct ends *ends = *state;
	struct sigaction before;

	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	assert_int_equal(
		xensnd_link_wait(ends->near, &ends->got, ends->fds, xensnd_deadline_ms(50)),
		-ETIMEDOUT);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

static void link_wait_takes_what_is_there_after_its_deadline(void **state)
{
	struct ends *ends = *state;

	ends->sent.type = XENSND_LINK_RELEASE;
	assert_int_equal(xensnd_link_send(ends->far, &ends->sent, NULL, 0), 0);
	assert_int_equal(xensnd_link_wait(ends->near, &ends->got, ends->fds, 0), 1);
	raw_send(ends->far, "x", 1, NULL, 0);
	assert_int_equal(
		xensnd_link_wait(ends->near, &ends->got, ends->fds, XENSND_NEVER), -EPROTO);
}

/* Sends once the other thread is about to wait, or waits already. */
static void *wait_thread(void *argument)
{
	struct ends *ends = argument;
	char go;

	if (recv(ends->far, &go, sizeof(go), 0) == sizeof(go))
		(void)xensnd_link_send(ends->far, &ends->sent, NULL, 0);
	return NULL;
}

static void link_wait_is_woken_by_a_message(void **state)
{
	struct ends *ends = *state;
	pthread_t thread;

	ends->sent.type = XENSND_LINK_ALLOCATE;
	ends->sent.u.allocate.buffer_bytes = 65536;
	assert_int_equal(pthread_create(&thread, NULL, wait_thread, ends), 0);
	assert_int_equal(send(ends->near, "g", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(xensnd_link_wait(ends->near, &ends->got, ends->fds, XENSND_NEVER), 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(ends->got.type, XENSND_LINK_ALLOCATE);
	assert_int_equal(ends->got.u.allocate.buffer_bytes, 65536);
}

#define LINK_TEST(name) cmocka_unit_test_setup_teardown(name, ends_setup, ends_teardown)

static struct xensnd_link_stream sound_stream(void)
{
	return (struct xensnd_link_stream){ .ring_port = 1,
		.event_port = 2,
		.pages = { .address = 16 * XENSND_PAGE_BYTES, .n_pages = 2 },
		.config.params = { .formats = 1,
			.rates = { 48000 },
			.n_rates = 1,
			.channels_min = 1,
			.channels_max = 2,
			.buffer_bytes_max = 65536 } };
}

/* Every field that a stream would use unseen, spoilt one by one. */
static void link_stream_with_any_unsound_field_is_refused(void **state)
{
	struct xensnd_link_stream wrong[22];
	struct xensnd_link_stream *next = wrong;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(wrong); i++)
		wrong[i] = sound_stream();
	assert_true(xensnd_link_stream_is_sound(&wrong[0]));
	memset(next->card_name, 'x', sizeof(next->card_name)), next++;
	memset(next->device_name, 'x', sizeof(next->device_name)), next++;
	memset(next->config.unique_id, 'x', sizeof(next->config.unique_id)), next++;
	(next++)->pages.address = 0;
	(next++)->pages.address += 8;
	(next++)->pages.n_pages = 1;
	(next++)->pages.n_pages = 3;
	(next++)->ring_port = 0;
	(next++)->event_port = 0;
	(next++)->config.params.formats = 0;
	(next++)->config.params.n_rates = 0;
	/* All of them good, so that only their number is wrong. */
	for (unsigned int i = 0; i < XENSND_MAX_RATES; i++)
		next->config.params.rates[i] = 48000 + i;
	(next++)->config.params.n_rates = XENSND_MAX_RATES + 1;
	/* Who uses them takes the first for the lowest and the last for the highest. */
	next->config.params.rates[1] = 44100;
	(next++)->config.params.n_rates = 2;
	next->config.params.rates[1] = 48000;
	(next++)->config.params.n_rates = 2;
	/* No bool at all. */
	memset(&(next++)->config.capture, 2, sizeof(bool));
	(next++)->config.params.rates[0] = 0;
	(next++)->config.params.rates[0] = XENSND_MAX_RATE + 1;
	(next++)->config.params.channels_min = 0;
	(next++)->config.params.channels_min = 3;
	(next++)->config.params.channels_max = XENSND_MAX_CHANNELS + 1;
	(next++)->config.params.buffer_bytes_max = 0;
	(next++)->config.params.buffer_bytes_max = XENSND_MAX_BUFFER_BYTES + 1;
	assert_ptr_equal(next, &wrong[UNIT_COUNT(wrong)]);
	for (size_t i = 0; i < UNIT_COUNT(wrong); i++)
		assert_false(xensnd_link_stream_is_sound(&wrong[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(link_carries_every_message_unchanged),
		LINK_TEST(link_keeps_no_rest_of_an_earlier_message),
		LINK_TEST(link_sends_no_more_than_the_message),
		LINK_TEST(link_hands_over_descriptors),
		LINK_TEST(link_stream_with_any_unsound_field_is_refused),
		LINK_TEST(link_refuses_wrong_lengths),
		LINK_TEST(link_refuses_types_that_do_not_exist),
		LINK_TEST(link_closes_descriptors_that_nobody_asked_for),
		LINK_TEST(link_closes_descriptors_of_malformed_messages),
		LINK_TEST(link_closes_descriptors_of_empty_messages),
		LINK_TEST(link_sends_no_more_descriptors_than_allowed),
		LINK_TEST(link_does_not_wait),
		LINK_TEST(link_tells_that_the_peer_has_gone),
		LINK_TEST(link_takes_a_reset_for_the_end),
		LINK_TEST(link_takes_a_reset_at_sending_for_the_end),
		LINK_TEST(link_wait_sleeps_until_its_deadline),
		LINK_TEST(link_wait_goes_on_after_a_signal),
		LINK_TEST(link_wait_takes_what_is_there_after_its_deadline),
		LINK_TEST(link_wait_is_woken_by_a_message),
	};

	return UNIT_RUN("link", tests);
}
