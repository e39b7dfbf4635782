/* SPDX-License-Identifier: MIT */
/*
 * What the program's side of a stream (stream.c) and its worker (worker.c, control.c) share.
 *
 * Apart from stream.h because nobody else may see it. Each field says who may touch it.
 */
#ifndef XENSND_FRONTEND_STREAM_IMPL_H
#define XENSND_FRONTEND_STREAM_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "channel.h"
#include "local_owner.h"
#include "position.h"
#include "protocol/event_page.h"
#include "protocol/ring.h"
#include "requests.h"
#include "stream.h"

/* What the program asks of the worker. */
enum xensnd_command_op {
	XENSND_COMMAND_QUERY,
	XENSND_COMMAND_OPEN,
	XENSND_COMMAND_CLOSE,
	XENSND_COMMAND_PREPARE,
	XENSND_COMMAND_START,
	XENSND_COMMAND_STOP,
	XENSND_COMMAND_PAUSE,
	XENSND_COMMAND_RESUME,
	XENSND_COMMAND_QUIT,
};

/* One such call. The caller's until it was posted, the worker's until done. */
struct xensnd_command {
	struct xensnd_command *next;
	enum xensnd_command_op op;
	union {
		struct xensnd_geometry geometry;   /* OPEN */
		struct xensnd_query_hw_param *set; /* QUERY: asked for, and the answer */
	} u;
	int result;
	bool done;   /* under the mailbox' lock */
	bool queued; /* under the mailbox' lock */
};

/* Commands on their way to the worker, in order. */
struct xensnd_mailbox {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	struct xensnd_command *first; /* under the lock, as the whole list */
	int kick_fd;                  /* an eventfd: wakes the worker */
};

/* Is the stream open at the backend, and does it run there? */
enum xensnd_run {
	XENSND_RUN_CLOSED,
	XENSND_RUN_STOPPED,
	XENSND_RUN_RUNNING,
	XENSND_RUN_PAUSED,
};

/* The worker's own. */
struct xensnd_worker {
	struct xensnd_front_ring ring;
	struct xensnd_front_events events;
	struct xensnd_requests requests;
	struct xensnd_position position;
	enum xensnd_run run;
	bool prepared;       /* audio may be sent and positions count: from prepare to STOP */
	bool can_not_pause;  /* the backend has refused to: STOP and START do it */
	bool halting;        /* PAUSE is being done by STOP */
	bool halted;         /* paused by STOP */
	bool dirty;          /* audio or START was sent since the last STOP */
	uint64_t submitted;  /* bytes sent, or asked for, since prepare */
	uint64_t began;      /* where the run begins or began: 0, or where a pause by STOP was */
	int64_t now_ns;      /* when this turn began: asking the clock may cost a system call */
	int64_t progress_ns; /* when the stream was started, its position moved, or could again */

	/*
	 * The command that is being carried out; at most one control request is on its way at a
	 * time.
	 */
	struct xensnd_command *command;
	bool requested;            /* the command has sent something and waits for the answer */
	int64_t owner_deadline_ns; /* for the owner's answer, XENSND_NEVER if none is due */
	int64_t patience_ns; /* AWAY: how long the command waits; XENSND_NEVER: it has not begun */
	int64_t away_deadline_ns; /* AWAY: when the backend is given up */
	bool away;                /* there are no rings */
	bool reopen;              /* what was open before the loss is to be opened again */
	bool proven;              /* the backend has taken or delivered audio since it came */
	bool lost;
	bool quit;
};

struct xensnd_stream {
	/* Set at open, constant then. */
	struct xensnd_stream_info info;
	struct xensnd_log log;
	unsigned int card;
	bool capture;
	enum xensnd_position_policy policy;
	unsigned int reconnect_s;
	struct xensnd_local_hold hold;
	pthread_t thread;
	const bool *here; /* in a page that reads as 0 in a forked child: nobody works for that */
	int wake_fd;      /* an eventfd; see signalled */
	struct xensnd_mailbox mailbox;
	struct xensnd_command stop_command; /* stop has no caller that waits */

	/*
	 * Written by the worker in setup and release, while the program's thread waits for just
	 * that.
	 */
	struct xensnd_geometry geometry;
	void *buffer;

	/* Program → worker. */
	_Atomic uint64_t appl; /* release: the samples below it are in, or out of, the buffer */
	_Atomic uint64_t avail_min;
	_Atomic uint64_t stop_threshold;
	_Atomic bool period_event;
	_Atomic bool draining;
	_Atomic bool stopped; /* until prepare: nothing to send, nothing to wait for */

	/* Worker → program. */
	_Atomic uint64_t position;
	_Atomic uint64_t recorded; /* capture: never less than position */
	_Atomic int condition;     /* enum xensnd_condition; the program sets XRUN, too */
	_Atomic int position_source;
	_Atomic bool period_ended; /* until the program has seen it */
	/*
	 * Bytes since prepare that are given to the backend. To take audio back the program lowers
	 * appl, then reads this; the worker raises this, then reads appl once more. Sequentially
	 * consistent, so that at least one of the two sees the other's and lets it be.
	 */
	_Atomic uint64_t claimed;
	_Atomic unsigned int in_flight; /* these three for people only */
	_Atomic unsigned int in_flight_most;
	_Atomic uint64_t requests_sent;

	/*
	 * Two wake-ups, each a flag and a descriptor, neither of which may get lost: whoever
	 * changes what the other one waits for stores it, then reads the flag; whoever is about to
	 * sleep stores the flag, then looks again at what it waits for. All four are sequentially
	 * consistent.
	 */
	_Atomic uint64_t wanted; /* the worker sleeps until appl reaches this */
	_Atomic bool signalled;  /* wake_fd is readable */

	/* Shared pages and ports: the worker's alone. */
	struct xensnd_channel channel;
	struct xensnd_worker worker;
};

/* Sends a command and waits for its result; the worker gives every command an end. */
int xensnd_mailbox_call(struct xensnd_mailbox *mailbox, struct xensnd_command *command);

/* Sends a command that nobody waits for, unless it is still on its way. */
void xensnd_mailbox_post(struct xensnd_mailbox *mailbox, struct xensnd_command *command);

/* Worker: takes the oldest command, or NULL; and tells its result. */
struct xensnd_command *xensnd_mailbox_take(struct xensnd_mailbox *mailbox);
void xensnd_mailbox_answer(
	struct xensnd_mailbox *mailbox, struct xensnd_command *command, int result);

/* Wakes the worker. */
void xensnd_mailbox_kick(struct xensnd_mailbox *mailbox);

int xensnd_mailbox_init(struct xensnd_mailbox *mailbox);
void xensnd_mailbox_destroy(struct xensnd_mailbox *mailbox);

/* The worker's thread; argument is the stream. */
void *xensnd_worker_thread(void *argument);

/* Has the program reason to look (stream.h, wake_fd)? Either thread. */
bool xensnd_stream_ready(struct xensnd_stream *stream);

/*
 * Takes up what the owner hands out: 0; -EPROTO: that is not sound; another negative errno. The
 * descriptors become the stream's, or are closed.
 */
struct xensnd_link_stream;
int xensnd_stream_adopt(
	struct xensnd_stream *stream, const struct xensnd_link_stream *grant, const int *fds);

/* ---- worker.c for control.c ---- */

/*
 * Puts a request into the ring, with a deadline, to be pushed before the worker sleeps. 0; -EAGAIN:
 * the ring is full, try again after the next answer.
 */
int xensnd_worker_send(
	struct xensnd_stream *stream, struct xensnd_req *req, uint32_t bytes, int64_t deadline_ns);

/* The backend or the owner failed us: says why, once, and ends all that waits with -ENODEV. */
__attribute__((format(printf, 2, 3))) void xensnd_worker_lose(
	struct xensnd_stream *stream, const char *format, ...);

/*
 * The rings are gone: what waits for them ends or waits for their return. stuck: the owner does not
 * know it yet.
 */
void xensnd_worker_go_away(struct xensnd_stream *stream, bool stuck, const char *why);

/* Sends, or asks for, what there is room for of the program's audio. */
void xensnd_worker_submit(struct xensnd_stream *stream);

/* Takes in one event. */
void xensnd_worker_event(struct xensnd_stream *stream, const struct xensnd_evt *evt);

/* ---- control.c for worker.c ---- */

/* Goes on with the command that is being carried out, and takes the next. */
void xensnd_control_step(struct xensnd_stream *stream);

/* The backend answered a control request. */
void xensnd_control_answer(struct xensnd_stream *stream, const struct xensnd_request *request,
	const struct xensnd_resp *rsp);

/* The rings are gone. */
void xensnd_control_away(struct xensnd_stream *stream);

/* The owner answered ALLOCATE. */
struct xensnd_link_buffer;
void xensnd_control_buffer(struct xensnd_stream *stream, const struct xensnd_link_buffer *reply);

#endif
