/* SPDX-License-Identifier: MIT */
/* A stream and its thread. See stream.h. */
#include "stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xenevtchn.h>

#include "common/quiet_xentoollog.h"

#define THREAD_STACK_BYTES (512u * 1024)

/* Where the thread's own descriptors are in its poll set; the device's follow. */
enum { POLL_EVTCHN, POLL_MAILBOX, POLL_DEVICE };

struct xensnd_stream {
	struct xensnd_stream_setup setup; /* constant */
	/* Made by the owner before the thread starts and freed by it after the thread has ended. */
	pthread_t thread;
	int mailbox_fd; /* an eventfd; the owner writes */
	xengnttab_handle *grants;
	xenevtchn_handle *evtchn;
	evtchn_port_t ring_port; /* ours */
	evtchn_port_t event_port;
	void *ring_page;
	void *event_page;
	bool reserved; /* the two pages are counted */
	/* The thread's. */
	struct xensnd_session session;
	/* Both: released by the writer, so that what it did before is seen. */
	_Atomic bool stop; /* the owner writes */
	_Atomic int end;   /* enum xensnd_stream_end; the thread writes, last of all */
};

static int last_error(void)
{
	return errno > 0 ? -errno : -EIO;
}

static void eventfd_signal(int fd)
{
	const uint64_t one = 1;

	/* It fails only when the counter is full, and then the reader is awake anyway. */
	(void)!write(fd, &one, sizeof(one));
}

/* ---- the thread ---- */

static int stream_notify(struct xensnd_stream *stream)
{
	bool notify_ring, notify_events;
	int ret = 0;

	xensnd_session_push(&stream->session, &notify_ring, &notify_events);
	if (notify_events)
		ret = xenevtchn_notify(stream->evtchn, stream->event_port);
	if (notify_ring && ret == 0)
		ret = xenevtchn_notify(stream->evtchn, stream->ring_port);
	return ret < 0 ? last_error() : 0;
}

static int wait_until(struct pollfd *fds, nfds_t n, int64_t until_ns)
{
	struct timespec timeout = { 0 };
	int64_t left;

	if (until_ns == XENSND_NEVER)
		return ppoll(fds, n, NULL, NULL);
	left = until_ns - xensnd_now_ns();
	if (left > 0) {
		timeout.tv_sec = left / XENSND_NS_PER_SECOND;
		timeout.tv_nsec = left % XENSND_NS_PER_SECOND;
	}
	return ppoll(fds, n, &timeout, NULL);
}

/* Sleeps until there is something to do. The port that woke us, 0 if none did, or a negative errno.
 */
static int64_t stream_sleep(struct xensnd_stream *stream)
{
	struct pollfd fds[POLL_DEVICE + XENSND_DEVICE_FDS_MAX] = {
		[POLL_EVTCHN] = { .fd = xenevtchn_fd(stream->evtchn), .events = POLLIN },
		[POLL_MAILBOX] = { .fd = stream->mailbox_fd, .events = POLLIN },
	};
	int64_t until_ns;
	unsigned int n = xensnd_session_wait(
		&stream->session, &fds[POLL_DEVICE], XENSND_DEVICE_FDS_MAX, &until_ns);
	int ready = wait_until(fds, POLL_DEVICE + n, until_ns);

	if (ready < 0)
		return errno == EINTR ? 0 : last_error();
	for (unsigned int i = 0; i < n; i++) {
		if (fds[POLL_DEVICE + i].revents == 0)
			continue;
		xensnd_session_woken(&stream->session, &fds[POLL_DEVICE], n);
		break;
	}
	if (fds[POLL_EVTCHN].revents & POLLIN) {
		xenevtchn_port_or_error_t port = xenevtchn_pending(stream->evtchn);

		return port < 0 ? last_error() : port;
	}
	return fds[POLL_EVTCHN].revents ? -EIO : 0;
}

static int stream_run(struct xensnd_stream *stream)
{
	int64_t port = 0;

	while (!atomic_load_explicit(&stream->stop, memory_order_acquire)) {
		int more = xensnd_session_work(&stream->session);
		int ret = more < 0 ? more : stream_notify(stream);

		if (ret < 0)
			return ret;
		if (more)
			continue;
		/* Not before the work is done: a guest that notifies without need wakes us once for
		 * each round. */
		if (port > 0 && xenevtchn_unmask(stream->evtchn, (evtchn_port_t)port) < 0)
			return last_error();
		port = stream_sleep(stream);
		if (port < 0)
			return (int)port;
	}
	return 0;
}

static void *stream_thread(void *context)
{
	struct xensnd_stream *stream = context;
	int ended_fd = stream->setup.ended_fd;
	int ret = stream_run(stream);

	if (ret < 0)
		xensnd_session_log(&stream->session, XENSND_LOG_WARNING, "%s: %s",
			ret == -EPROTO ? "the frontend broke the ring's protocol"
				       : "connection failed",
			strerror(-ret));
	xensnd_session_end(&stream->session);
	atomic_store_explicit(&stream->end, ret < 0 ? XENSND_STREAM_BROKEN : XENSND_STREAM_STOPPED,
		memory_order_release);
	/* The owner may be freeing the stream by now. */
	eventfd_signal(ended_fd);
	return NULL;
}

/* ---- the owner ---- */

static int port_bind(struct xensnd_stream *stream, uint32_t remote, evtchn_port_t *port)
{
	xenevtchn_port_or_error_t bound =
		xenevtchn_bind_interdomain(stream->evtchn, stream->setup.domid, remote);

	if (bound < 0)
		return last_error();
	*port = (evtchn_port_t)bound;
	return 0;
}

static int page_map(struct xensnd_stream *stream, grant_ref_t ref, void **page)
{
	*page = xengnttab_map_grant_ref(
		stream->grants, stream->setup.domid, ref, PROT_READ | PROT_WRITE);
	return *page ? 0 : last_error();
}

static int stream_bind(struct xensnd_stream *stream)
{
	const struct xensnd_stream_setup *setup = &stream->setup;
	int ret = xensnd_memory_reserve(setup->memory, 2);

	if (ret < 0)
		return ret;
	stream->reserved = true;
	stream->grants = xengnttab_open(xensnd_quiet_xentoollog(), 0);
	if (!stream->grants)
		return last_error();
	ret = page_map(stream, setup->ring_ref, &stream->ring_page);
	if (ret == 0)
		ret = page_map(stream, setup->event_ref, &stream->event_page);
	if (ret < 0)
		return ret;
	stream->evtchn = xenevtchn_open(xensnd_quiet_xentoollog(), 0);
	if (!stream->evtchn)
		return last_error();
	ret = port_bind(stream, setup->ring_port, &stream->ring_port);
	return ret < 0 ? ret : port_bind(stream, setup->event_port, &stream->event_port);
}

static int thread_start(struct xensnd_stream *stream)
{
	pthread_attr_t attr;
	int ret = pthread_attr_init(&attr);

	if (ret != 0)
		return -ret;
	ret = pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	if (ret == 0)
		ret = pthread_create(&stream->thread, &attr, stream_thread, stream);
	pthread_attr_destroy(&attr);
	return -ret;
}

/* Undoes everything but the thread, whatever there is of it. */
static void stream_release(struct xensnd_stream *stream)
{
	/* Closing the handle unbinds its ports. */
	if (stream->evtchn)
		xenevtchn_close(stream->evtchn);
	if (stream->event_page)
		xengnttab_unmap(stream->grants, stream->event_page, 1);
	if (stream->ring_page)
		xengnttab_unmap(stream->grants, stream->ring_page, 1);
	if (stream->grants)
		xengnttab_close(stream->grants);
	if (stream->reserved)
		xensnd_memory_return(stream->setup.memory, 2);
	if (stream->mailbox_fd >= 0)
		close(stream->mailbox_fd);
	free(stream);
}

int xensnd_stream_start(struct xensnd_stream **stream, const struct xensnd_stream_setup *setup)
{
	struct xensnd_stream *new = calloc(1, sizeof(*new));
	int ret;

	if (!new)
		return -ENOMEM;
	new->setup = *setup;
	new->mailbox_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = new->mailbox_fd < 0 ? last_error() : stream_bind(new);
	if (ret == 0) {
		xensnd_session_init(
			&new->session, &new->setup, new->grants, new->ring_page, new->event_page);
		ret = thread_start(new);
	}
	if (ret < 0) {
		stream_release(new);
		return ret;
	}
	*stream = new;
	return 0;
}

void xensnd_stream_stop(struct xensnd_stream *stream)
{
	atomic_store_explicit(&stream->stop, true, memory_order_release);
	eventfd_signal(stream->mailbox_fd);
}

enum xensnd_stream_end xensnd_stream_ended(const struct xensnd_stream *stream)
{
	return (enum xensnd_stream_end)atomic_load_explicit(&stream->end, memory_order_acquire);
}

void xensnd_stream_free(struct xensnd_stream *stream)
{
	/* It has nothing left to do but return. */
	pthread_join(stream->thread, NULL);
	stream_release(stream);
}
