/* SPDX-License-Identifier: MIT */
/* Unanswered requests: which answer belongs to which, and in which order they count. */
#include "unit.h"

#include <errno.h>

#include "common/clock.h"
#include "frontend/requests.h"

static int answer(struct xensnd_requests *requests, uint16_t id, uint8_t operation)
{
	const struct xensnd_resp rsp = { .id = id, .operation = operation };
	struct xensnd_request request;

	return xensnd_requests_answer(requests, &rsp, &request);
}

static uint16_t write_add(struct xensnd_requests *requests, uint32_t bytes)
{
	return xensnd_requests_add(requests, XENSND_OP_WRITE, bytes, XENSND_NEVER);
}

static void requests_start_empty(void **state)
{
	struct xensnd_requests requests = { 0 };

	(void)state;
	assert_int_equal(xensnd_requests_audio(&requests), 0);
	assert_int_equal(xensnd_requests_retire(&requests), 0);
	assert_true(xensnd_requests_deadline(&requests) == XENSND_NEVER);
	assert_int_equal(answer(&requests, 0, XENSND_OP_OPEN), -EPROTO);
}

static void requests_match_an_answer_by_id_and_operation(void **state)
{
	struct xensnd_requests requests = { 0 };
	uint16_t first = write_add(&requests, 100);
	uint16_t trigger = xensnd_requests_add(&requests, XENSND_OP_TRIGGER, 0, 77);
	struct xensnd_resp rsp = { .id = trigger, .operation = XENSND_OP_TRIGGER, .status = -5 };
	struct xensnd_request request;

	(void)state;
	assert_int_not_equal(first, trigger);
	assert_int_equal(answer(&requests, trigger, XENSND_OP_WRITE), -EPROTO);
	assert_int_equal(answer(&requests, first, XENSND_OP_TRIGGER), -EPROTO);
	assert_int_equal(answer(&requests, (uint16_t)(trigger + 1), XENSND_OP_TRIGGER), -EPROTO);
	assert_int_equal(xensnd_requests_answer(&requests, &rsp, &request), 0);
	assert_int_equal(request.id, trigger);
	assert_int_equal(request.operation, XENSND_OP_TRIGGER);
	assert_int_equal(request.bytes, 0);
	assert_true(request.deadline_ns == 77);
	assert_int_equal(answer(&requests, first, XENSND_OP_WRITE), 0);
}

static void requests_are_answered_once(void **state)
{
	struct xensnd_requests requests = { 0 };
	uint16_t first = write_add(&requests, 100), second = write_add(&requests, 100);

	(void)state;
	/* The second one stays in the queue behind the first, but it is not open any more. */
	assert_int_equal(answer(&requests, second, XENSND_OP_WRITE), 0);
	assert_int_equal(answer(&requests, second, XENSND_OP_WRITE), -EPROTO);
	assert_int_equal(answer(&requests, first, XENSND_OP_WRITE), 0);
	assert_int_equal(xensnd_requests_retire(&requests), 200);
	assert_int_equal(answer(&requests, first, XENSND_OP_WRITE), -EPROTO);
}

static void requests_answered_out_of_order_count_in_order(void **state)
{
	struct xensnd_requests requests = { 0 };
	uint16_t ids[4];

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		ids[i] = write_add(&requests, 1u << i);
	assert_int_equal(xensnd_requests_audio(&requests), 4);
	assert_int_equal(answer(&requests, ids[2], XENSND_OP_WRITE), 0);
	assert_int_equal(xensnd_requests_retire(&requests), 0);
	assert_int_equal(xensnd_requests_audio(&requests), 3);
	assert_int_equal(answer(&requests, ids[0], XENSND_OP_WRITE), 0);
	assert_int_equal(xensnd_requests_retire(&requests), 1);
	assert_int_equal(xensnd_requests_retire(&requests), 0);
	assert_int_equal(answer(&requests, ids[1], XENSND_OP_WRITE), 0);
	assert_int_equal(xensnd_requests_retire(&requests), 2 + 4);
	assert_int_equal(requests.n, 1);
	assert_int_equal(answer(&requests, ids[3], XENSND_OP_WRITE), 0);
	assert_int_equal(xensnd_requests_retire(&requests), 8);
	assert_int_equal(requests.n, 0);
}

static void requests_tell_audio_from_control(void **state)
{
	struct xensnd_requests requests = { 0 };

	(void)state;
	xensnd_requests_add(&requests, XENSND_OP_TRIGGER, 0, 1);
	assert_int_equal(xensnd_requests_audio(&requests), 0);
	write_add(&requests, 1);
	assert_int_equal(xensnd_requests_audio(&requests), 1);
}

static void requests_that_are_refused_carry_nothing(void **state)
{
	struct xensnd_requests requests = { 0 };
	struct xensnd_resp refusal = { .operation = XENSND_OP_WRITE, .status = -5 };
	struct xensnd_request request;
	uint16_t first = write_add(&requests, 100);

	(void)state;
	refusal.id = write_add(&requests, 30);
	assert_int_equal(xensnd_requests_answer(&requests, &refusal, &request), 0);
	assert_int_equal(request.bytes, 30);
	assert_int_equal(answer(&requests, first, XENSND_OP_WRITE), 0);
	assert_int_equal(xensnd_requests_retire(&requests), 100);
}

static void requests_use_every_slot(void **state)
{
	struct xensnd_requests requests = { 0 };
	uint16_t ids[32];

	(void)state;
	for (unsigned int round = 0; round < 50; round++) {
		for (unsigned int i = 0; i < 32; i++)
			ids[i] = write_add(&requests, 3);
		assert_int_equal(requests.n, 32);
		for (unsigned int i = 32; i > 0; i--)
			assert_int_equal(answer(&requests, ids[i - 1], XENSND_OP_WRITE), 0);
		assert_int_equal(xensnd_requests_retire(&requests), 96);
		/* So that the queue starts elsewhere next time. */
		assert_int_equal(answer(&requests, write_add(&requests, 5), XENSND_OP_WRITE), 0);
		assert_int_equal(xensnd_requests_retire(&requests), 5);
	}
}

static void requests_ids_wrap_and_skip_open_ones(void **state)
{
	struct xensnd_requests requests = { .next_id = 65534 };
	uint16_t open_ids[3], id;

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		open_ids[i] = write_add(&requests, 1);
	assert_int_equal(open_ids[0], 65534);
	assert_int_equal(open_ids[1], 65535);
	assert_int_equal(open_ids[2], 0);
	requests.next_id = 65533;
	assert_int_equal(write_add(&requests, 1), 65533);
	id = write_add(&requests, 1);
	assert_int_equal(id, 1);
	assert_int_equal(write_add(&requests, 1), 2);
}

/* An answer that comes late, or twice, then meets no other request. */
static void requests_ids_are_not_used_again_at_once(void **state)
{
	struct xensnd_requests requests = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 65536; i++) {
		assert_int_equal(write_add(&requests, 1), i);
		assert_int_equal(answer(&requests, (uint16_t)i, XENSND_OP_WRITE), 0);
		assert_int_equal(xensnd_requests_retire(&requests), 1);
	}
	assert_int_equal(write_add(&requests, 1), 0);
}

/* An answer that came twice would otherwise be taken for the next request's. */
static void requests_ids_skip_those_that_are_answered_but_not_retired(void **state)
{
	struct xensnd_requests requests = { 0 };
	uint16_t first = write_add(&requests, 1), second = write_add(&requests, 1);

	(void)state;
	assert_int_equal(answer(&requests, second, XENSND_OP_WRITE), 0);
	requests.next_id = first;
	assert_int_equal(write_add(&requests, 1), second + 1);
}

static void requests_ids_are_unique_over_many_wraps(void **state)
{
	struct unit_random random = unit_random_start(0x69647321);
	struct xensnd_requests requests = { .next_id = 65000 };
	bool open[65536] = { false };
	uint16_t ids[32];
	unsigned int n = 0;

	(void)state;
	/* The oldest one stays open all the time. */
	ids[n++] = write_add(&requests, 1);
	open[ids[0]] = true;
	for (unsigned int i = 0; i < 200000; i++) {
		unsigned int which = n > 1 ? unit_random_in(&random, 1, n - 1) : 0;

		if (requests.n < 32 && (n < 2 || unit_random_in(&random, 0, 1))) {
			ids[n] = write_add(&requests, 1);
			assert_false(open[ids[n]]);
			open[ids[n++]] = true;
		} else if (n > 1) {
			assert_int_equal(answer(&requests, ids[which], XENSND_OP_WRITE), 0);
			open[ids[which]] = false;
			ids[which] = ids[--n];
		}
		if (n == 1 && requests.n == 32) {
			assert_int_equal(answer(&requests, ids[0], XENSND_OP_WRITE), 0);
			open[ids[0]] = false;
			assert_int_equal(xensnd_requests_retire(&requests), 32);
			ids[0] = write_add(&requests, 1);
			open[ids[0]] = true;
		}
	}
}

static void requests_deadline_is_the_earliest_of_the_open_ones(void **state)
{
	struct xensnd_requests requests = { 0 };
	uint16_t late = xensnd_requests_add(&requests, XENSND_OP_TRIGGER, 0, 300);
	uint16_t early = xensnd_requests_add(&requests, XENSND_OP_WRITE, 8, 100);

	(void)state;
	xensnd_requests_add(&requests, XENSND_OP_WRITE, 8, XENSND_NEVER);
	assert_true(xensnd_requests_deadline(&requests) == 100);
	assert_int_equal(answer(&requests, early, XENSND_OP_WRITE), 0);
	assert_true(xensnd_requests_deadline(&requests) == 300);
	assert_int_equal(answer(&requests, late, XENSND_OP_TRIGGER), 0);
	assert_true(xensnd_requests_deadline(&requests) == XENSND_NEVER);
}

static void requests_new_audio_deadline_leaves_control_alone(void **state)
{
	struct xensnd_requests requests = { 0 };
	uint16_t trigger = xensnd_requests_add(&requests, XENSND_OP_TRIGGER, 0, 500);
	uint16_t first = write_add(&requests, 8), second = write_add(&requests, 8);

	(void)state;
	xensnd_requests_set_audio_deadline(&requests, 900);
	assert_true(xensnd_requests_deadline(&requests) == 500);
	assert_int_equal(answer(&requests, trigger, XENSND_OP_TRIGGER), 0);
	assert_true(xensnd_requests_deadline(&requests) == 900);
	assert_int_equal(answer(&requests, first, XENSND_OP_WRITE), 0);
	assert_true(xensnd_requests_deadline(&requests) == 900);
	xensnd_requests_set_audio_deadline(&requests, XENSND_NEVER);
	assert_true(xensnd_requests_deadline(&requests) == XENSND_NEVER);
	assert_int_equal(answer(&requests, second, XENSND_OP_WRITE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_start_empty),
		cmocka_unit_test(requests_match_an_answer_by_id_and_operation),
		cmocka_unit_test(requests_are_answered_once),
		cmocka_unit_test(requests_answered_out_of_order_count_in_order),
		cmocka_unit_test(requests_tell_audio_from_control),
		cmocka_unit_test(requests_that_are_refused_carry_nothing),
		cmocka_unit_test(requests_use_every_slot),
		cmocka_unit_test(requests_ids_wrap_and_skip_open_ones),
		cmocka_unit_test(requests_ids_are_not_used_again_at_once),
		cmocka_unit_test(requests_ids_skip_those_that_are_answered_but_not_retired),
		cmocka_unit_test(requests_ids_are_unique_over_many_wraps),
		cmocka_unit_test(requests_deadline_is_the_earliest_of_the_open_ones),
		cmocka_unit_test(requests_new_audio_deadline_leaves_control_alone),
	};

	return UNIT_RUN("requests", tests);
}
