/* SPDX-License-Identifier: MIT */
/*
 * The request/response ring, both ends over one page. Nothing of Xen is needed: a page is memory.
 */
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "protocol/ring.h"

struct pair {
	struct xen_sndif_sring *page;
	struct xensnd_front_ring front;
	struct xensnd_back_ring back;
};

/* Both ends over an idle ring that has carried so many requests. */
static void pair_at(struct pair *pair, uint32_t index)
{
	xensnd_front_ring_init(&pair->front, pair->page);
	pair->page->req_prod = index;
	pair->page->rsp_prod = index;
	pair->page->req_event = index + 1;
	pair->page->rsp_event = index + 1;
	xensnd_front_ring_attach(&pair->front, pair->page, index);
	xensnd_back_ring_init(&pair->back, pair->page);
	pair->back.req_cons = index;
	pair->back.rsp_prod = index;
	pair->back.rsp_pushed = index;
}

static int pair_setup(void **state)
{
	struct pair *pair = malloc(sizeof(*pair));

	assert_non_null(pair);
	pair->page = aligned_alloc(XENSND_PAGE_BYTES, XENSND_PAGE_BYTES);
	assert_non_null(pair->page);
	memset(pair->page, 0xa5, XENSND_PAGE_BYTES);
	xensnd_front_ring_init(&pair->front, pair->page);
	xensnd_back_ring_init(&pair->back, pair->page);
	*state = pair;
	return 0;
}

static int pair_teardown(void **state)
{
	struct pair *pair = *state;

	free(pair->page);
	free(pair);
	return 0;
}

static struct xensnd_req request_numbered(uint32_t number)
{
	struct xensnd_req req;

	memset(&req, (int)(number & 0x7f), sizeof(req));
	req.id = (uint16_t)number;
	req.op.rw.offset = number;
	return req;
}

static struct xensnd_resp response_numbered(uint32_t number)
{
	struct xensnd_resp rsp;

	memset(&rsp, (int)(~number & 0x7f), sizeof(rsp));
	rsp.id = (uint16_t)number;
	rsp.status = (int32_t)number;
	return rsp;
}

static void requests_put(struct pair *pair, uint32_t first, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct xensnd_req req = request_numbered(first + i);

		assert_int_equal(xensnd_front_ring_put(&pair->front, &req), 0);
	}
}

static void requests_get(struct pair *pair, uint32_t first, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct xensnd_req expected = request_numbered(first + i), req;

		assert_int_equal(xensnd_back_ring_get(&pair->back, &req), 1);
		assert_memory_equal(&req, &expected, sizeof(req));
	}
}

static void responses_put(struct pair *pair, uint32_t first, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct xensnd_resp rsp = response_numbered(first + i);

		assert_int_equal(xensnd_back_ring_put(&pair->back, &rsp), 0);
	}
}

static void responses_get(struct pair *pair, uint32_t first, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct xensnd_resp expected = response_numbered(first + i), rsp;

		assert_int_equal(xensnd_front_ring_get(&pair->front, &rsp), 1);
		assert_memory_equal(&rsp, &expected, sizeof(rsp));
	}
}

/* So many requests go to the backend, unanswered. */
static void requests_send(struct pair *pair, uint32_t first, unsigned int n)
{
	requests_put(pair, first, n);
	xensnd_front_ring_push(&pair->front);
	requests_get(pair, first, n);
}

static void ring_starts_empty_and_zeroed(void **state)
{
	struct pair *pair = *state;
	const unsigned char *bytes = (const unsigned char *)pair->page;
	struct xensnd_req req;
	struct xensnd_resp rsp;

	assert_int_equal(pair->page->req_event, 1);
	assert_int_equal(pair->page->rsp_event, 1);
	assert_int_equal(pair->page->req_prod, 0);
	assert_int_equal(pair->page->rsp_prod, 0);
	for (size_t i = 16; i < XENSND_PAGE_BYTES; i++)
		assert_int_equal(bytes[i], 0);
	assert_int_equal(xensnd_front_ring_space(&pair->front), 32);
	assert_int_equal(xensnd_front_ring_get(&pair->front, &rsp), 0);
	assert_int_equal(xensnd_back_ring_get(&pair->back, &req), 0);
	assert_false(xensnd_front_ring_push(&pair->front));
	assert_false(xensnd_back_ring_push(&pair->back));
}

static void ring_carries_packets_unchanged_in_order(void **state)
{
	struct pair *pair = *state;

	requests_put(pair, 100, 5);
	xensnd_front_ring_push(&pair->front);
	requests_get(pair, 100, 5);
	responses_put(pair, 200, 5);
	xensnd_back_ring_push(&pair->back);
	responses_get(pair, 200, 5);
}

static void ring_puts_packets_where_the_header_says(void **state)
{
	struct pair *pair = *state;
	struct xensnd_req expected = request_numbered(1);

	requests_put(pair, 0, 2);
	assert_memory_equal((const char *)pair->page + 64 + 64, &expected, sizeof(expected));
}

static void ring_hides_what_was_not_pushed(void **state)
{
	struct pair *pair = *state;
	struct xensnd_req req;
	struct xensnd_resp rsp;

	requests_put(pair, 0, 1);
	assert_int_equal(xensnd_back_ring_get(&pair->back, &req), 0);
	xensnd_front_ring_push(&pair->front);
	requests_get(pair, 0, 1);
	responses_put(pair, 0, 1);
	assert_int_equal(xensnd_front_ring_get(&pair->front, &rsp), 0);
	xensnd_back_ring_push(&pair->back);
	responses_get(pair, 0, 1);
}

static void ring_keeps_a_slot_busy_until_its_response_is_taken(void **state)
{
	struct pair *pair = *state;
	struct xensnd_req req = request_numbered(32);

	for (unsigned int i = 0; i < 32; i++) {
		assert_int_equal(xensnd_front_ring_space(&pair->front), 32 - i);
		requests_put(pair, i, 1);
	}
	assert_int_equal(xensnd_front_ring_space(&pair->front), 0);
	assert_int_equal(xensnd_front_ring_put(&pair->front, &req), -EAGAIN);
	xensnd_front_ring_push(&pair->front);
	requests_get(pair, 0, 32);
	responses_put(pair, 0, 32);
	xensnd_back_ring_push(&pair->back);
	assert_int_equal(xensnd_front_ring_space(&pair->front), 0);
	assert_int_equal(xensnd_front_ring_put(&pair->front, &req), -EAGAIN);
	responses_get(pair, 0, 1);
	assert_int_equal(xensnd_front_ring_space(&pair->front), 1);
	requests_put(pair, 32, 1);
	assert_int_equal(xensnd_front_ring_put(&pair->front, &req), -EAGAIN);
	responses_get(pair, 1, 31);
	xensnd_front_ring_push(&pair->front);
	requests_get(pair, 32, 1);
}

static void ring_survives_the_wrap_of_its_indices(void **state)
{
	struct pair *pair = *state;

	pair_at(pair, UINT32_MAX - 40);
	for (uint32_t i = 0; i < 100; i += 10) {
		requests_put(pair, i, 10);
		assert_int_equal(xensnd_front_ring_space(&pair->front), 22);
		assert_true(xensnd_front_ring_push(&pair->front));
		requests_get(pair, i, 10);
		assert_false(xensnd_back_ring_arm(&pair->back));
		responses_put(pair, i, 10);
		assert_true(xensnd_back_ring_push(&pair->back));
		responses_get(pair, i, 10);
		assert_false(xensnd_front_ring_arm(&pair->front));
		assert_int_equal(xensnd_front_ring_space(&pair->front), 32);
	}
}

static void ring_may_be_full_across_the_wrap(void **state)
{
	struct pair *pair = *state;
	struct xensnd_req req = request_numbered(0);

	pair_at(pair, UINT32_MAX - 15);
	requests_send(pair, 0, 32);
	assert_int_equal(xensnd_front_ring_put(&pair->front, &req), -EAGAIN);
	responses_put(pair, 0, 32);
	xensnd_back_ring_push(&pair->back);
	responses_get(pair, 0, 32);
	assert_int_equal(xensnd_front_ring_space(&pair->front), 32);
}

static void ring_notifies_the_backend_only_when_it_asked(void **state)
{
	struct pair *pair = *state;

	pair_at(pair, UINT32_MAX - 2);
	requests_put(pair, 0, 1);
	assert_true(xensnd_front_ring_push(&pair->front));
	assert_false(xensnd_front_ring_push(&pair->front));
	requests_put(pair, 1, 1);
	assert_false(xensnd_front_ring_push(&pair->front));
	requests_get(pair, 0, 2);
	assert_false(xensnd_back_ring_arm(&pair->back));
	requests_put(pair, 2, 3);
	assert_true(xensnd_front_ring_push(&pair->front));
	requests_put(pair, 5, 1);
	assert_false(xensnd_front_ring_push(&pair->front));
}

static void ring_notifies_the_frontend_only_when_it_asked(void **state)
{
	struct pair *pair = *state;

	pair_at(pair, UINT32_MAX - 2);
	requests_send(pair, 0, 6);
	responses_put(pair, 0, 1);
	assert_true(xensnd_back_ring_push(&pair->back));
	assert_false(xensnd_back_ring_push(&pair->back));
	responses_put(pair, 1, 1);
	assert_false(xensnd_back_ring_push(&pair->back));
	responses_get(pair, 0, 2);
	assert_false(xensnd_front_ring_arm(&pair->front));
	responses_put(pair, 2, 3);
	assert_true(xensnd_back_ring_push(&pair->back));
	responses_put(pair, 5, 1);
	assert_false(xensnd_back_ring_push(&pair->back));
}

static void ring_notifies_when_a_batch_passes_a_later_threshold(void **state)
{
	struct pair *pair = *state;

	pair->page->req_event = 4;
	requests_put(pair, 0, 3);
	assert_false(xensnd_front_ring_push(&pair->front));
	requests_put(pair, 3, 2);
	assert_true(xensnd_front_ring_push(&pair->front));
	pair->page->rsp_event = 4;
	requests_get(pair, 0, 5);
	responses_put(pair, 0, 3);
	assert_false(xensnd_back_ring_push(&pair->back));
	responses_put(pair, 3, 1);
	assert_true(xensnd_back_ring_push(&pair->back));
}

static void ring_arm_sees_what_came_meanwhile(void **state)
{
	struct pair *pair = *state;
	struct xensnd_req req;
	struct xensnd_resp rsp;

	/*
	 * The first push was announced, the second was not: without a second look it would be slept
	 * through.
	 */
	requests_send(pair, 0, 1);
	assert_int_equal(xensnd_back_ring_get(&pair->back, &req), 0);
	requests_put(pair, 1, 1);
	assert_false(xensnd_front_ring_push(&pair->front));
	assert_true(xensnd_back_ring_arm(&pair->back));
	requests_get(pair, 1, 1);
	assert_false(xensnd_back_ring_arm(&pair->back));
	assert_int_equal(pair->page->req_event, 3);

	responses_put(pair, 0, 1);
	assert_true(xensnd_back_ring_push(&pair->back));
	responses_get(pair, 0, 1);
	assert_int_equal(xensnd_front_ring_get(&pair->front, &rsp), 0);
	responses_put(pair, 1, 1);
	assert_false(xensnd_back_ring_push(&pair->back));
	assert_true(xensnd_front_ring_arm(&pair->front));
	responses_get(pair, 1, 1);
	assert_false(xensnd_front_ring_arm(&pair->front));
	assert_int_equal(pair->page->rsp_event, 3);
}

/* The page is put right again: only a new connection may mend the ring. */
static void front_is_broken_for_good(struct pair *pair, uint32_t good_rsp_prod)
{
	struct xensnd_req req = request_numbered(0);
	struct xensnd_resp rsp;

	assert_int_equal(xensnd_front_ring_get(&pair->front, &rsp), -EPROTO);
	pair->page->rsp_prod = good_rsp_prod;
	assert_int_equal(xensnd_front_ring_get(&pair->front, &rsp), -EPROTO);
	assert_int_equal(xensnd_front_ring_put(&pair->front, &req), -EPROTO);
	assert_int_equal(xensnd_front_ring_space(&pair->front), 0);
	pair->page->rsp_prod++;
	assert_false(xensnd_front_ring_arm(&pair->front));
}

static void back_is_broken_for_good(struct pair *pair, uint32_t good_req_prod)
{
	struct xensnd_req req;
	struct xensnd_resp rsp = response_numbered(0);

	assert_int_equal(xensnd_back_ring_get(&pair->back, &req), -EPROTO);
	pair->page->req_prod = good_req_prod;
	assert_int_equal(xensnd_back_ring_get(&pair->back, &req), -EPROTO);
	assert_int_equal(xensnd_back_ring_put(&pair->back, &rsp), -EPROTO);
	pair->page->req_prod++;
	assert_false(xensnd_back_ring_arm(&pair->back));
}

static void ring_refuses_responses_that_nobody_asked_for(void **state)
{
	struct pair *pair = *state;

	pair->page->rsp_prod = 1;
	front_is_broken_for_good(pair, 0);
}

static void ring_refuses_answers_to_requests_that_were_not_shown(void **state)
{
	struct pair *pair = *state;

	requests_put(pair, 0, 2);
	xensnd_front_ring_push(&pair->front);
	requests_put(pair, 2, 1);
	pair->page->rsp_prod = 3;
	front_is_broken_for_good(pair, 2);
}

static void ring_refuses_a_response_producer_that_goes_back(void **state)
{
	struct pair *pair = *state;

	requests_send(pair, 0, 3);
	responses_put(pair, 0, 2);
	xensnd_back_ring_push(&pair->back);
	responses_get(pair, 0, 2);
	pair->page->rsp_prod = 1;
	front_is_broken_for_good(pair, 2);
}

static void ring_refuses_a_response_producer_that_changes_its_mind(void **state)
{
	struct pair *pair = *state;

	requests_send(pair, 0, 3);
	responses_put(pair, 0, 3);
	xensnd_back_ring_push(&pair->back);
	responses_get(pair, 0, 1);
	pair->page->rsp_prod = 4;
	front_is_broken_for_good(pair, 3);
}

static void ring_refuses_a_producer_that_runs_ahead(void **state)
{
	struct pair *pair = *state;

	pair->page->req_prod = 33;
	back_is_broken_for_good(pair, 1);
}

static void ring_refuses_a_producer_that_goes_back(void **state)
{
	struct pair *pair = *state;

	requests_send(pair, 0, 2);
	responses_put(pair, 0, 1);
	pair->page->req_prod = 1;
	back_is_broken_for_good(pair, 2);
}

static void ring_refuses_requests_in_slots_that_are_not_answered(void **state)
{
	struct pair *pair = *state;

	requests_send(pair, 0, 32);
	responses_put(pair, 0, 2);
	pair->page->req_prod = 35;
	back_is_broken_for_good(pair, 34);
}

static void ring_takes_as_many_requests_as_there_are_slots(void **state)
{
	struct pair *pair = *state;
	struct xensnd_req req;

	pair->page->req_prod = 32;
	for (unsigned int i = 0; i < 32; i++)
		assert_int_equal(xensnd_back_ring_get(&pair->back, &req), 1);
	assert_int_equal(xensnd_back_ring_get(&pair->back, &req), 0);
	responses_put(pair, 0, 2);
	pair->page->req_prod = 34;
	assert_int_equal(xensnd_back_ring_get(&pair->back, &req), 1);
	assert_int_equal(xensnd_back_ring_get(&pair->back, &req), 1);
	assert_int_equal(xensnd_back_ring_get(&pair->back, &req), 0);
}

static void ring_refuses_more_responses_than_requests(void **state)
{
	struct pair *pair = *state;
	struct xensnd_resp rsp = response_numbered(0);

	assert_int_equal(xensnd_back_ring_put(&pair->back, &rsp), -EPROTO);
	requests_send(pair, 0, 1);
	responses_put(pair, 0, 1);
	assert_int_equal(xensnd_back_ring_put(&pair->back, &rsp), -EPROTO);
	/* A mistake of the caller, not of the peer: the ring goes on. */
	xensnd_back_ring_push(&pair->back);
	responses_get(pair, 0, 1);
	requests_send(pair, 1, 1);
}

static void ring_never_reads_its_own_indices_back(void **state)
{
	struct pair *pair = *state;

	requests_send(pair, 0, 1);
	pair->page->req_prod = 1000;
	pair->page->rsp_event = 1000;
	requests_put(pair, 1, 1);
	xensnd_front_ring_push(&pair->front);
	assert_int_equal(pair->page->req_prod, 2);
	requests_get(pair, 1, 1);
	responses_put(pair, 0, 1);
	xensnd_back_ring_push(&pair->back);
	pair->page->rsp_prod = 1000;
	responses_put(pair, 1, 1);
	xensnd_back_ring_push(&pair->back);
	assert_int_equal(pair->page->rsp_prod, 2);
	responses_get(pair, 0, 2);
}

static void ring_is_handed_over_without_touching_the_page(void **state)
{
	struct pair *pair = *state;
	unsigned char before[XENSND_PAGE_BYTES];
	struct xensnd_front_ring next;
	struct xensnd_resp rsp;

	requests_send(pair, 0, 3);
	responses_put(pair, 0, 3);
	xensnd_back_ring_push(&pair->back);
	responses_get(pair, 0, 3);
	memcpy(before, pair->page, sizeof(before));
	memset(&next, 0xa5, sizeof(next));
	xensnd_front_ring_attach(&next, pair->page, pair->front.req_prod);
	assert_memory_equal(before, pair->page, sizeof(before));
	pair->front = next;
	assert_int_equal(xensnd_front_ring_space(&pair->front), 32);
	assert_int_equal(xensnd_front_ring_get(&pair->front, &rsp), 0);
	assert_false(xensnd_front_ring_push(&pair->front));
	requests_send(pair, 3, 1);
	responses_put(pair, 3, 1);
	xensnd_back_ring_push(&pair->back);
	responses_get(pair, 3, 1);
}

/* Where both ends should stand. */
struct model {
	uint32_t put, pushed, taken;        /* requests */
	uint32_t answered, shown, received; /* responses */
};

static void model_front_step(struct pair *pair, struct model *model, unsigned int what)
{
	struct xensnd_req req = request_numbered(model->put);
	struct xensnd_resp rsp, expected = response_numbered(model->received);

	switch (what) {
	case 0:
		if (model->put - model->received == 32) {
			assert_int_equal(xensnd_front_ring_put(&pair->front, &req), -EAGAIN);
		} else {
			assert_int_equal(xensnd_front_ring_put(&pair->front, &req), 0);
			model->put++;
		}
		break;
	case 1:
		xensnd_front_ring_push(&pair->front);
		model->pushed = model->put;
		break;
	default:
		assert_int_equal(
			xensnd_front_ring_get(&pair->front, &rsp), model->shown != model->received);
		if (model->shown == model->received) {
			assert_false(xensnd_front_ring_arm(&pair->front));
			break;
		}
		assert_memory_equal(&rsp, &expected, sizeof(rsp));
		model->received++;
		assert_int_equal(
			xensnd_front_ring_arm(&pair->front), model->shown != model->received);
	}
	assert_int_equal(
		xensnd_front_ring_space(&pair->front), 32 - (model->put - model->received));
}

static void model_back_step(struct pair *pair, struct model *model, unsigned int what)
{
	struct xensnd_resp rsp = response_numbered(model->answered);
	struct xensnd_req req, expected = request_numbered(model->taken);

	switch (what) {
	case 0:
		if (model->answered == model->taken) {
			assert_int_equal(xensnd_back_ring_put(&pair->back, &rsp), -EPROTO);
		} else {
			assert_int_equal(xensnd_back_ring_put(&pair->back, &rsp), 0);
			model->answered++;
		}
		break;
	case 1:
		xensnd_back_ring_push(&pair->back);
		model->shown = model->answered;
		break;
	default:
		assert_int_equal(
			xensnd_back_ring_get(&pair->back, &req), model->pushed != model->taken);
		if (model->pushed == model->taken) {
			assert_false(xensnd_back_ring_arm(&pair->back));
			break;
		}
		assert_memory_equal(&req, &expected, sizeof(req));
		model->taken++;
		assert_int_equal(xensnd_back_ring_arm(&pair->back), model->pushed != model->taken);
	}
}

static void ring_agrees_with_a_model_whatever_the_ends_do(void **state)
{
	struct unit_random random = unit_random_start(0x72696e67);
	struct pair *pair = *state;
	struct model model;

	for (uint32_t start = UINT32_MAX - 5000; start > UINT32_MAX / 2; start -= UINT32_MAX / 8) {
		model = (struct model){ 0 };
		pair_at(pair, start);
		for (unsigned int i = 0; i < 100000; i++) {
			uint32_t what = unit_random_in(&random, 0, 5);

			if (unit_random_in(&random, 0, 1))
				model_front_step(pair, &model, what % 3);
			else
				model_back_step(pair, &model, what % 3);
		}
		assert_true(model.received > 5000);
	}
}

#define THREAD_REQUESTS 200000u
#define LOST_MS 60000

/* The ends in two threads; each wakes the other by an eventfd and only when it was asked to. */
struct threads {
	struct pair *pair;
	int front_fd, back_fd;
	unsigned int sleeps;
	unsigned int back_sleeps;
};

static void fd_signal(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

/* False when no wake-up came: it was lost. */
static bool fd_sleep(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t count;

	return poll(&pfd, 1, LOST_MS) == 1 && read(fd, &count, sizeof(count)) == sizeof(count);
}

static bool front_receive(struct threads *threads, uint32_t *received)
{
	struct xensnd_resp rsp;
	int ret;

	while ((ret = xensnd_front_ring_get(&threads->pair->front, &rsp)) == 1) {
		struct xensnd_resp expected = response_numbered(*received);

		if (memcmp(&rsp, &expected, sizeof(rsp)) != 0)
			return false;
		(*received)++;
	}
	return ret == 0;
}

/* Returns NULL, or what went wrong. */
static const char *front_run(struct threads *threads)
{
	struct unit_random random = { .state = 1 };
	struct xensnd_front_ring *ring = &threads->pair->front;
	uint32_t sent = 0, received = 0;

	while (received < THREAD_REQUESTS) {
		unsigned int batch = unit_random_in(&random, 1, 4);

		for (; batch > 0 && sent < THREAD_REQUESTS && xensnd_front_ring_space(ring) > 0;
			batch--) {
			struct xensnd_req req = request_numbered(sent++);

			if (xensnd_front_ring_put(ring, &req) != 0)
				return "a request found no slot";
		}
		if (xensnd_front_ring_push(ring))
			fd_signal(threads->back_fd);
		if (!front_receive(threads, &received))
			return "a response was wrong";
		if (received == sent || xensnd_front_ring_arm(ring))
			continue;
		threads->sleeps++;
		if (!fd_sleep(threads->front_fd))
			return "the frontend was not woken";
	}
	return NULL;
}

static const char *back_run(struct threads *threads)
{
	struct unit_random random = { .state = 2 };
	struct xensnd_back_ring *ring = &threads->pair->back;
	uint32_t answered = 0;

	while (answered < THREAD_REQUESTS) {
		unsigned int batch = unit_random_in(&random, 1, 4);
		struct xensnd_req req;
		int ret = 1;

		while (batch-- > 0 && (ret = xensnd_back_ring_get(ring, &req)) == 1) {
			struct xensnd_req expected = request_numbered(answered);
			struct xensnd_resp rsp = response_numbered(answered++);

			if (memcmp(&req, &expected, sizeof(req)) != 0 ||
				xensnd_back_ring_put(ring, &rsp) != 0)
				return "a request was wrong";
		}
		if (xensnd_back_ring_push(ring))
			fd_signal(threads->front_fd);
		if (ret < 0)
			return "the ring broke";
		if (ret == 1 || answered == THREAD_REQUESTS || xensnd_back_ring_arm(ring))
			continue;
		threads->back_sleeps++;
		if (!fd_sleep(threads->back_fd))
			return "the backend was not woken";
	}
	return NULL;
}

static void *back_thread(void *argument)
{
	union {
		const char *text;
		void *result;
	} why = { .text = back_run(argument) };

	return why.result;
}

static void ring_loses_no_wake_up_between_two_threads(void **state)
{
	struct threads threads = { .pair = *state };
	const char *front_why;
	pthread_t thread;
	void *back_why;

	pair_at(threads.pair, UINT32_MAX - THREAD_REQUESTS / 2);
	threads.front_fd = eventfd(0, EFD_CLOEXEC);
	threads.back_fd = eventfd(0, EFD_CLOEXEC);
	assert_true(threads.front_fd >= 0 && threads.back_fd >= 0);
	assert_int_equal(pthread_create(&thread, NULL, back_thread, &threads), 0);
	front_why = front_run(&threads);
	assert_int_equal(pthread_join(thread, &back_why), 0);
	close(threads.front_fd);
	close(threads.back_fd);
	printf("# %u requests, frontend slept %u times, backend %u times\n", THREAD_REQUESTS,
		threads.sleeps, threads.back_sleeps);
	if (front_why || back_why)
		fail_msg("%s", front_why ? front_why : (const char *)back_why);
}

#define RACES 5000u

/*
 * One end of the race below. Each thread counts its steps and waits for the other to have taken as
 * many.
 */
struct racer {
	struct pair *pair;
	_Atomic uint32_t steps;
	struct racer *other;
	uint32_t delays; /* a small number that decides how long to linger */
	const cpu_set_t *allowed;
	bool *saw; /* by round: what push or arm returned */
};

static void racer_meet(struct racer *racer)
{
	uint32_t step = atomic_fetch_add(&racer->steps, 1) + 1;

	for (unsigned int spins = 1; (int32_t)(atomic_load(&racer->other->steps) - step) < 0;
		spins++)
		if (spins % 4096 == 0)
			sched_yield();
	/* Not always at the same instant: the two have to hit each other's middle. */
	racer->delays = racer->delays * 1664525 + 1013904223;
	for (uint32_t i = racer->delays >> 27; i > 0; i--)
		atomic_load_explicit(&racer->steps, memory_order_relaxed);
}

/* Ties the calling thread to the nth of its processors: on one and the same there is no race. */
static void racer_pin(const cpu_set_t *allowed, int nth)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, allowed) && nth-- == 0)
			CPU_SET(cpu, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
}

static void *racing_back(void *argument)
{
	struct racer *racer = argument;
	struct xensnd_back_ring *ring = &racer->pair->back;
	struct xensnd_req req;
	struct xensnd_resp rsp = response_numbered(0);

	racer_pin(racer->allowed, 1);
	for (uint32_t i = 0; i < RACES; i++) {
		racer_meet(racer);
		racer->saw[2 * i] = xensnd_back_ring_arm(ring);
		racer_meet(racer);
		(void)xensnd_back_ring_get(ring, &req);
		(void)xensnd_back_ring_put(ring, &rsp);
		racer_meet(racer);
		racer->saw[2 * i + 1] = xensnd_back_ring_push(ring);
		racer_meet(racer);
	}
	return NULL;
}

static void racing_front(struct racer *racer)
{
	struct xensnd_front_ring *ring = &racer->pair->front;
	struct xensnd_req req = request_numbered(0);
	struct xensnd_resp rsp;

	for (uint32_t i = 0; i < RACES; i++) {
		(void)xensnd_front_ring_put(ring, &req);
		racer_meet(racer);
		racer->saw[2 * i] = xensnd_front_ring_push(ring);
		racer_meet(racer);
		racer_meet(racer);
		racer->saw[2 * i + 1] = xensnd_front_ring_arm(ring);
		racer_meet(racer);
		(void)xensnd_front_ring_get(ring, &rsp);
	}
}

/*
 * The instant that decides: one end shows a packet while the other is about to sleep. Neither
 * noticing is a hang.
 */
static void ring_push_or_arm_sees_the_other_end(void **state)
{
	cpu_set_t allowed;
	struct racer front = { .pair = *state, .delays = 1, .allowed = &allowed };
	struct racer back = { .pair = *state, .delays = 2, .allowed = &allowed };
	unsigned int lost = 0, woken = 0;
	pthread_t thread;

	front.other = &back;
	back.other = &front;
	front.saw = calloc(2 * RACES, sizeof(front.saw[0]));
	back.saw = calloc(2 * RACES, sizeof(back.saw[0]));
	assert_non_null(front.saw);
	assert_non_null(back.saw);
	assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	assert_int_equal(pthread_create(&thread, NULL, racing_back, &back), 0);
	racer_pin(&allowed, 0);
	racing_front(&front);
	assert_int_equal(pthread_join(thread, NULL), 0);
	(void)sched_setaffinity(0, sizeof(allowed), &allowed);
	for (uint32_t i = 0; i < 2 * RACES; i++) {
		lost += !front.saw[i] && !back.saw[i];
		woken += front.saw[i] && back.saw[i];
	}
	free(front.saw);
	free(back.saw);
	printf("# %u races, both ends noticed in %u, neither in %u\n", 2 * RACES, woken, lost);
	assert_int_equal(lost, 0);
}

#define RING_TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RING_TEST(ring_starts_empty_and_zeroed),
		RING_TEST(ring_carries_packets_unchanged_in_order),
		RING_TEST(ring_puts_packets_where_the_header_says),
		RING_TEST(ring_hides_what_was_not_pushed),
		RING_TEST(ring_keeps_a_slot_busy_until_its_response_is_taken),
		RING_TEST(ring_survives_the_wrap_of_its_indices),
		RING_TEST(ring_may_be_full_across_the_wrap),
		RING_TEST(ring_notifies_the_backend_only_when_it_asked),
		RING_TEST(ring_notifies_the_frontend_only_when_it_asked),
		RING_TEST(ring_notifies_when_a_batch_passes_a_later_threshold),
		RING_TEST(ring_arm_sees_what_came_meanwhile),
		RING_TEST(ring_refuses_responses_that_nobody_asked_for),
		RING_TEST(ring_refuses_answers_to_requests_that_were_not_shown),
		RING_TEST(ring_refuses_a_response_producer_that_goes_back),
		RING_TEST(ring_refuses_a_response_producer_that_changes_its_mind),
		RING_TEST(ring_refuses_a_producer_that_runs_ahead),
		RING_TEST(ring_refuses_a_producer_that_goes_back),
		RING_TEST(ring_refuses_requests_in_slots_that_are_not_answered),
		RING_TEST(ring_takes_as_many_requests_as_there_are_slots),
		RING_TEST(ring_refuses_more_responses_than_requests),
		RING_TEST(ring_never_reads_its_own_indices_back),
		RING_TEST(ring_is_handed_over_without_touching_the_page),
		RING_TEST(ring_agrees_with_a_model_whatever_the_ends_do),
		RING_TEST(ring_push_or_arm_sees_the_other_end),
		RING_TEST(ring_loses_no_wake_up_between_two_threads),
	};

	return UNIT_RUN("ring", tests);
}
