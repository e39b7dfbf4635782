/* SPDX-License-Identifier: MIT */
/* The program's side of a stream. See stream.h. */
#include "stream.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/thread.h"
#include "link.h"
#include "protocol/format.h"
#include "protocol/hw_param.h"
#include "protocol/wire.h"
#include "stream_impl.h"

/* The owner answers within its own time for connecting; this is only against one that hangs. */
#define CLAIM_MS 4900

/*
 * What is offered where neither XenStore nor the backend says anything: below it is no period, only
 * overhead.
 */
#define PERIOD_FRAMES_MIN 16u

/* Room for a line of explanation, handed through the steps of opening. */
struct explanation {
	char *text;
	size_t size;
};

__attribute__((format(printf, 3, 4))) static int explain(
	const struct explanation *why, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, why->size, format, args);
	va_end(args);
	return error;
}

/* ---- Opening ---- */

static void fds_close(const int fds[XENSND_LINK_MAX_FDS])
{
	for (unsigned int i = 0; i < XENSND_LINK_MAX_FDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int xensnd_stream_adopt(
	struct xensnd_stream *stream, const struct xensnd_link_stream *grant, const int *fds)
{
	struct xensnd_worker *worker = &stream->worker;
	char *pages = (char *)(uintptr_t)grant->pages.address;
	int ret;

	if (fds[0] < 0 || fds[1] >= 0 || !xensnd_link_stream_is_sound(grant)) {
		fds_close(fds);
		return -EPROTO;
	}
	ret = xensnd_channel_adopt(&stream->channel, fds[0], grant->ring_port, grant->event_port);
	if (ret < 0)
		return ret;
	/* The one before may have left it masked (worker.c, port_unmask). */
	(void)xensnd_channel_unmask(&stream->channel, grant->event_port);
	xensnd_front_ring_attach(&worker->ring, pages, grant->rings.req_prod);
	xensnd_front_events_attach(
		&worker->events, pages + XENSND_PAGE_BYTES, grant->rings.evt_cons);
	worker->requests = (struct xensnd_requests){ .next_id = grant->rings.next_id };
	return 0;
}

/* Asks the owner for the stream and takes up what it hands out. */
static int stream_claim(struct xensnd_stream *stream, const struct xensnd_stream_spec *spec,
	const struct explanation *why)
{
	struct xensnd_link_message message = { .type = XENSND_LINK_CLAIM };
	const struct xensnd_link_stream *grant = &message.u.stream;
	int fds[XENSND_LINK_MAX_FDS] = { -1, -1 };
	int ret;

	message.u.claim = (struct xensnd_link_claim){
		.version = XENSND_LINK_VERSION, .device = spec->device, .capture = spec->capture
	};
	ret = xensnd_link_send(stream->hold.fd, &message, NULL, 0);
	if (ret == 0)
		ret = xensnd_link_wait(
			stream->hold.fd, &message, fds, xensnd_deadline_ms(CLAIM_MS));
	if (ret < 0)
		return explain(why, ret, "card %u: its owner does not answer: %s", spec->card,
			strerror(-ret));
	if (message.type == XENSND_LINK_STREAM && grant->error < 0) {
		fds_close(fds);
		return explain(why, grant->error, "%.255s", grant->text);
	}
	if (message.type != XENSND_LINK_STREAM || grant->error > 0) {
		fds_close(fds);
		ret = -EPROTO;
	} else {
		ret = xensnd_stream_adopt(stream, grant, fds);
	}
	if (ret == -EPROTO)
		return explain(
			why, ret, "card %u: its owner does not keep to the protocol", spec->card);
	if (ret < 0)
		return explain(why, ret, "card %u: the event channel can not be used: %s",
			spec->card, strerror(-ret));
	stream->info.backend_domid = grant->backend_domid;
	stream->info.config = grant->config;
	memcpy(stream->info.card_name, grant->card_name, sizeof(stream->info.card_name));
	memcpy(stream->info.device_name, grant->device_name, sizeof(stream->info.device_name));
	return 0;
}

/* Tells the owner where the rings stand, so that the next user can go on with them. */
static void stream_leave(struct xensnd_stream *stream)
{
	const struct xensnd_worker *worker = &stream->worker;
	struct xensnd_link_message message = { .type = XENSND_LINK_LEAVE };

	if (worker->lost || worker->away || worker->requests.n > 0 ||
		worker->run != XENSND_RUN_CLOSED)
		return;
	message.u.leave.req_prod = worker->ring.req_prod;
	message.u.leave.evt_cons = worker->events.cons;
	message.u.leave.next_id = worker->requests.next_id;
	(void)xensnd_link_send(stream->hold.fd, &message, NULL, 0);
}

/* A forked child has copies of everything but the threads, and may only close them. */
static bool worker_is_here(const struct xensnd_stream *stream)
{
	return *stream->here;
}

/*
 * The kernel clears this page in a forked child: to look there costs nothing, while getpid() is a
 * system call.
 */
static int here_mark(struct xensnd_stream *stream)
{
	bool *here = mmap(NULL, XENSND_PAGE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (here == MAP_FAILED)
		return -errno;
	if (madvise(here, XENSND_PAGE_BYTES, MADV_WIPEONFORK) < 0) {
		int error = -errno;

		munmap(here, XENSND_PAGE_BYTES);
		return error;
	}
	*here = true;
	stream->here = here;
	return 0;
}

static void here_unmark(struct xensnd_stream *stream)
{
	munmap((void *)(uintptr_t)stream->here, XENSND_PAGE_BYTES);
}

static int command_send(struct xensnd_stream *stream, struct xensnd_command *command)
{
	return worker_is_here(stream) ? xensnd_mailbox_call(&stream->mailbox, command) : -ENODEV;
}

static int command_call(struct xensnd_stream *stream, enum xensnd_command_op op)
{
	struct xensnd_command command = { .op = op };

	return command_send(stream, &command);
}

static void worker_end(struct xensnd_stream *stream)
{
	command_call(stream, XENSND_COMMAND_QUIT);
	pthread_join(stream->thread, NULL);
}

/* ---- What the stream can do ---- */

static uint32_t sample_bytes_min(uint64_t formats)
{
	uint32_t bytes = 0;

	for (unsigned int format = 0; format < XENSND_FORMATS; format++) {
		uint32_t here =
			formats & XENSND_FORMAT_BIT(format) ? xensnd_format_bytes(format) : 0;

		if (here > 0 && (bytes == 0 || here < bytes))
			bytes = here;
	}
	return bytes > 0 ? bytes : 1;
}

static void info_default(struct xensnd_stream_info *info)
{
	const struct xensnd_params *params = &info->config.params;
	uint32_t frame_bytes = sample_bytes_min(params->formats) * params->channels_min;

	info->rate_min = params->rates[0];
	info->rate_max = params->rates[params->n_rates - 1];
	info->period_frames_min = PERIOD_FRAMES_MIN;
	info->buffer_frames_min = 2 * PERIOD_FRAMES_MIN;
	info->buffer_frames_max = params->buffer_bytes_max / frame_bytes;
	info->period_frames_max = info->buffer_frames_max / 2;
}

static struct xensnd_query_hw_param info_set(const struct xensnd_stream_info *info)
{
	return (struct xensnd_query_hw_param){
		.formats = info->config.params.formats,
		.rates = { .min = info->rate_min, .max = info->rate_max },
		.channels = { .min = info->config.params.channels_min,
			.max = info->config.params.channels_max },
		.buffer = { .min = info->buffer_frames_min, .max = info->buffer_frames_max },
		.period = { .min = info->period_frames_min, .max = info->period_frames_max },
	};
}

/* False, and nothing changes, if the set leaves none of the rates. */
static bool info_narrow(struct xensnd_stream_info *info, const struct xensnd_query_hw_param *set)
{
	struct xensnd_params *params = &info->config.params;
	unsigned int kept = 0;

	for (unsigned int i = 0; i < params->n_rates; i++)
		kept += params->rates[i] >= set->rates.min && params->rates[i] <= set->rates.max;
	if (kept == 0)
		return false;
	kept = 0;
	for (unsigned int i = 0; i < params->n_rates; i++)
		if (params->rates[i] >= set->rates.min && params->rates[i] <= set->rates.max)
			params->rates[kept++] = params->rates[i];
	params->n_rates = kept;
	params->formats = set->formats;
	params->channels_min = set->channels.min;
	params->channels_max = set->channels.max;
	info->rate_min = params->rates[0];
	info->rate_max = params->rates[kept - 1];
	info->buffer_frames_min = set->buffer.min;
	info->buffer_frames_max = set->buffer.max;
	info->period_frames_min = set->period.min;
	info->period_frames_max = set->period.max;
	return true;
}

/*
 * Asks the backend once. A backend that does not know the question, or answers nonsense, leaves
 * XenStore's word as it is: then OPEN decides.
 */
static int info_query(struct xensnd_stream *stream, const struct explanation *why)
{
	struct xensnd_query_hw_param asked = info_set(&stream->info);
	struct xensnd_query_hw_param answer = asked;
	struct xensnd_command command = { .op = XENSND_COMMAND_QUERY, .u.set = &answer };
	int ret = command_send(stream, &command);

	if (ret == -ENODEV)
		return explain(why, ret, "%s", ""); /* the worker has said why */
	if (ret == 0)
		ret = xensnd_hw_param_narrow(&asked, &answer);
	if (ret < 0 || !info_narrow(&stream->info, &asked))
		xensnd_log(&stream->log, XENSND_LOG_DEBUG,
			"card %u device %u: the backend does not say what it can do (%d)",
			stream->card, stream->info.config.device, ret);
	return 0;
}

int xensnd_stream_open(struct xensnd_stream **streamp, const struct xensnd_stream_spec *spec,
	const struct xensnd_log *log, char *error, size_t error_size)
{
	const struct explanation why = { .text = error, .size = error_size };
	struct xensnd_stream *stream = calloc(1, sizeof(*stream));
	int ret;

	if (!stream)
		return explain(&why, -ENOMEM, "out of memory");
	stream->log = *log;
	stream->card = spec->card;
	stream->capture = spec->capture;
	stream->policy = spec->position;
	stream->reconnect_s = spec->reconnect_s;
	stream->worker.patience_ns = XENSND_NEVER;
	stream->stop_command.op = XENSND_COMMAND_STOP;
	stream->worker.owner_deadline_ns = XENSND_NEVER;
	atomic_store(&stream->wanted, UINT64_MAX);
	atomic_store(&stream->stop_threshold, UINT64_MAX);
	stream->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stream->wake_fd < 0) {
		ret = explain(&why, -errno, "no more descriptors");
		goto err_stream;
	}
	ret = here_mark(stream);
	if (ret < 0) {
		explain(&why, ret, "%s",
			ret == -EINVAL ? "this kernel is older than Linux 4.14" : strerror(-ret));
		goto err_wake;
	}
	ret = xensnd_mailbox_init(&stream->mailbox);
	if (ret < 0) {
		explain(&why, ret, "no more descriptors");
		goto err_here;
	}
	ret = xensnd_local_owner_join(&stream->hold, spec->card, log);
	if (ret < 0) {
		explain(&why, ret, "card %u: %s", spec->card, strerror(-ret));
		goto err_mailbox;
	}
	ret = stream_claim(stream, spec, &why);
	if (ret < 0)
		goto err_hold;
	info_default(&stream->info);
	if (stream->info.buffer_frames_max < stream->info.buffer_frames_min) {
		ret = explain(&why, -EINVAL,
			"card %u device %u: XenStore's " XENSND_FIELD_BUFFER_SIZE
			" has no room for two periods",
			spec->card, spec->device);
		goto err_claim;
	}
	ret = xensnd_thread_start(&stream->thread, xensnd_worker_thread, stream);
	if (ret < 0) {
		explain(&why, ret, "no more threads: %s", strerror(-ret));
		goto err_claim;
	}
	ret = info_query(stream, &why);
	if (ret < 0)
		goto err_worker;
	*streamp = stream;
	return 0;

err_worker:
	worker_end(stream);
err_claim:
	stream_leave(stream);
	xensnd_channel_close(&stream->channel);
err_hold:
	xensnd_local_owner_leave(&stream->hold);
err_mailbox:
	xensnd_mailbox_destroy(&stream->mailbox);
err_here:
	here_unmark(stream);
err_wake:
	close(stream->wake_fd);
err_stream:
	free(stream);
	return ret;
}

/*
 * In a forked child. Nothing is told to the owner, whose connection is the parent's, and nothing is
 * destroyed that a thread of the parent's may have been using.
 */
static void stream_forget(struct xensnd_stream *stream)
{
	xensnd_channel_close(&stream->channel);
	xensnd_local_owner_leave(&stream->hold);
	close(stream->mailbox.kick_fd);
	here_unmark(stream);
	close(stream->wake_fd);
	free(stream);
}

void xensnd_stream_close(struct xensnd_stream *stream)
{
	if (!worker_is_here(stream)) {
		stream_forget(stream);
		return;
	}
	xensnd_stream_release(stream);
	worker_end(stream);
	stream_leave(stream);
	xensnd_channel_close(&stream->channel);
	xensnd_local_owner_leave(&stream->hold);
	xensnd_mailbox_destroy(&stream->mailbox);
	here_unmark(stream);
	close(stream->wake_fd);
	free(stream);
}

const struct xensnd_stream_info *xensnd_stream_info(const struct xensnd_stream *stream)
{
	return &stream->info;
}

/* ---- Setting up and running ---- */

int xensnd_stream_setup(struct xensnd_stream *stream, const struct xensnd_geometry *geometry)
{
	struct xensnd_command command = { .op = XENSND_COMMAND_OPEN, .u.geometry = *geometry };
	int ret;

	if (geometry->frame_bytes == 0 || geometry->rate == 0 || geometry->period_bytes == 0 ||
		geometry->period_bytes >= geometry->buffer_bytes ||
		geometry->buffer_bytes > stream->info.config.params.buffer_bytes_max)
		return -EINVAL;
	ret = xensnd_stream_release(stream);
	return ret < 0 ? ret : command_send(stream, &command);
}

int xensnd_stream_release(struct xensnd_stream *stream)
{
	return command_call(stream, XENSND_COMMAND_CLOSE);
}

void *xensnd_stream_buffer(const struct xensnd_stream *stream)
{
	return stream->buffer;
}

int xensnd_stream_prepare(struct xensnd_stream *stream)
{
	int ret = command_call(stream, XENSND_COMMAND_PREPARE);

	if (ret == 0)
		xensnd_stream_poll(stream);
	return ret;
}

int xensnd_stream_start(struct xensnd_stream *stream)
{
	return command_call(stream, XENSND_COMMAND_START);
}

int xensnd_stream_pause(struct xensnd_stream *stream, bool pause)
{
	return command_call(stream, pause ? XENSND_COMMAND_PAUSE : XENSND_COMMAND_RESUME);
}

void xensnd_stream_stop(struct xensnd_stream *stream)
{
	if (!worker_is_here(stream))
		return;
	atomic_store(&stream->stopped, true);
	xensnd_mailbox_post(&stream->mailbox, &stream->stop_command);
	xensnd_stream_wake(stream);
}

void xensnd_stream_commit(struct xensnd_stream *stream, uint64_t appl)
{
	uint64_t wanted;

	if (!worker_is_here(stream))
		return;
	atomic_store(&stream->appl, appl);
	wanted = atomic_load(&stream->wanted);
	/* One kick is enough until the worker says again what it waits for. */
	if (appl >= wanted && atomic_compare_exchange_strong(&stream->wanted, &wanted, UINT64_MAX))
		xensnd_mailbox_kick(&stream->mailbox);
	/* A program that never asks for revents also finds the descriptor as it should be. */
	if (atomic_load(&stream->signalled))
		xensnd_stream_poll(stream);
}

uint64_t xensnd_stream_take_back(struct xensnd_stream *stream, uint64_t appl)
{
	uint64_t claimed;

	if (!worker_is_here(stream))
		return appl;
	atomic_store(&stream->appl, appl);
	claimed = atomic_load(&stream->claimed);
	return claimed > appl ? claimed : appl;
}

void xensnd_stream_xrun(struct xensnd_stream *stream)
{
	int fine = XENSND_STREAM_FINE;

	if (!worker_is_here(stream))
		return;
	/* In this order, as in the worker's xrun_begin(). */
	if (atomic_load(&stream->condition) == XENSND_STREAM_FINE)
		xensnd_mailbox_post(&stream->mailbox, &stream->stop_command);
	atomic_compare_exchange_strong(&stream->condition, &fine, XENSND_STREAM_XRUN);
	xensnd_stream_wake(stream);
}

void xensnd_stream_drain(struct xensnd_stream *stream)
{
	if (!worker_is_here(stream))
		return;
	/* The worker has to reckon with the end from now on, and may have been waiting for more. */
	if (!atomic_exchange(&stream->draining, true))
		xensnd_mailbox_kick(&stream->mailbox);
}

uint64_t xensnd_stream_position(const struct xensnd_stream *stream)
{
	return atomic_load(&stream->position);
}

uint64_t xensnd_stream_recorded(const struct xensnd_stream *stream)
{
	return atomic_load(&stream->recorded);
}

enum xensnd_condition xensnd_stream_condition(const struct xensnd_stream *stream)
{
	if (!worker_is_here(stream))
		return XENSND_STREAM_LOST;
	return (enum xensnd_condition)atomic_load(&stream->condition);
}

enum xensnd_position_source xensnd_stream_position_source(const struct xensnd_stream *stream)
{
	return (enum xensnd_position_source)atomic_load(&stream->position_source);
}

struct xensnd_stream_traffic xensnd_stream_traffic(const struct xensnd_stream *stream)
{
	return (struct xensnd_stream_traffic){
		.in_flight = atomic_load_explicit(&stream->in_flight, memory_order_relaxed),
		.in_flight_most =
			atomic_load_explicit(&stream->in_flight_most, memory_order_relaxed),
		.requests = atomic_load_explicit(&stream->requests_sent, memory_order_relaxed),
	};
}

void xensnd_stream_set_thresholds(
	struct xensnd_stream *stream, const struct xensnd_thresholds *thresholds)
{
	atomic_store(&stream->avail_min, thresholds->avail_min_bytes);
	atomic_store(&stream->stop_threshold, thresholds->stop_bytes);
	atomic_store(&stream->period_event, thresholds->period_event);
	if (!thresholds->period_event)
		atomic_store(&stream->period_ended, false);
	xensnd_stream_poll(stream);
	/* A recording may go on further now. */
	if (stream->capture && worker_is_here(stream))
		xensnd_mailbox_kick(&stream->mailbox);
}

int xensnd_stream_wake_fd(const struct xensnd_stream *stream)
{
	return stream->wake_fd;
}

bool xensnd_stream_ready(struct xensnd_stream *stream)
{
	uint64_t appl, position, avail, avail_min;

	if (atomic_load(&stream->condition) != XENSND_STREAM_FINE || atomic_load(&stream->stopped))
		return true;
	/* The one that follows the other is read first: then the difference is not negative. */
	if (stream->capture) {
		appl = atomic_load(&stream->appl);
		position = atomic_load(&stream->position);
	} else {
		position = atomic_load(&stream->position);
		appl = atomic_load(&stream->appl);
	}
	if (atomic_load(&stream->draining))
		return position >= appl;
	if (atomic_load(&stream->period_ended))
		return true;
	avail_min = atomic_load(&stream->avail_min);
	if (!stream->capture)
		return stream->geometry.buffer_bytes - (appl - position) >= avail_min;
	/* Too late is a reason, too; an underrun has shown itself as the condition. */
	avail = position - appl;
	return avail >= avail_min || avail >= atomic_load(&stream->stop_threshold);
}

bool xensnd_stream_period_ended(struct xensnd_stream *stream)
{
	return atomic_exchange(&stream->period_ended, false);
}

/*
 * Flag first: a signal in between is then followed by a look at worst, never lost (see wake_clear).
 */
void xensnd_stream_wake(struct xensnd_stream *stream)
{
	const uint64_t one = 1;

	if (!worker_is_here(stream))
		return;
	if (!atomic_exchange(&stream->signalled, true) &&
		write(stream->wake_fd, &one, sizeof(one)) < 0)
		atomic_store(&stream->signalled, false);
}

/*
 * Empty, then say so; the caller then looks again, since what came before it was said was not
 * signalled.
 */
static void wake_clear(struct xensnd_stream *stream)
{
	uint64_t count;

	/* Already empty (EAGAIN) is as good. */
	if (read(stream->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	atomic_store(&stream->signalled, false);
}

bool xensnd_stream_poll(struct xensnd_stream *stream)
{
	if (!worker_is_here(stream))
		return true;
	do {
		if (!xensnd_stream_ready(stream)) {
			wake_clear(stream);
			if (!xensnd_stream_ready(stream))
				return false;
		}
		xensnd_stream_wake(stream);
		/* A commit that came before the flag was set has left the descriptor to us. */
	} while (!xensnd_stream_ready(stream));
	return true;
}
