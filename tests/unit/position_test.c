/* SPDX-License-Identifier: MIT */
/*
 * The backend's position, from backends that count in every way that sndif.h leaves open, and from
 * liars.
 */
#include "unit.h"

#include "frontend/position.h"

#define PERIOD 1000u

struct run {
	struct xensnd_position position;
	uint64_t written; /* since prepare */
};

static struct run run_open(void)
{
	struct run run = { .written = 0 };

	xensnd_position_open(&run.position, XENSND_POSITION_EVENTS);
	xensnd_position_prepare(&run.position);
	return run;
}

/* So much was sent, and taken. */
static void run_write(struct run *run, uint64_t bytes)
{
	run->written += bytes;
	xensnd_position_ack(&run->position, bytes);
}

static void run_prepare(struct run *run)
{
	run->written = 0;
	xensnd_position_prepare(&run->position);
}

static uint64_t run_event(struct run *run, uint64_t raw)
{
	xensnd_position_event(&run->position, raw, run->written, PERIOD);
	return xensnd_position_now(&run->position);
}

static void position_starts_at_0(void **state)
{
	struct run run = run_open();

	(void)state;
	assert_int_equal(xensnd_position_now(&run.position), 0);
	run_write(&run, 5000);
	assert_int_equal(xensnd_position_now(&run.position), 0);
	assert_int_equal(run.position.source, XENSND_POSITION_EVENTS);
	assert_false(run.position.moved);
}

static void position_follows_a_backend_that_counts_from_open(void **state)
{
	struct run run = run_open();

	(void)state;
	run_write(&run, 5000);
	assert_int_equal(run_event(&run, 0), 0);
	assert_false(run.position.moved);
	assert_int_equal(run_event(&run, 1000), 1000);
	assert_true(run.position.moved);
	assert_int_equal(run_event(&run, 1000), 1000);
	assert_int_equal(run_event(&run, 3500), 3500);
	run_prepare(&run);
	assert_int_equal(xensnd_position_now(&run.position), 0);
	run_write(&run, 4000);
	assert_int_equal(run_event(&run, 4500), 1000);
	assert_int_equal(run_event(&run, 7500), 4000);
}

/* Once seen to count from START, a backend is known: the next run may begin beyond the last value.
 */
static void position_remembers_a_backend_that_counts_from_start(void **state)
{
	struct run run = run_open();

	(void)state;
	run_write(&run, 5000);
	assert_int_equal(run_event(&run, 3000), 3000);
	run_prepare(&run);
	run_write(&run, 5000);
	assert_int_equal(run_event(&run, 1000), 1000);
	run_prepare(&run);
	run_write(&run, 5000);
	/* By difference to the run before, this would be nothing. */
	assert_int_equal(run_event(&run, 1000), 1000);
	assert_int_equal(run_event(&run, 4000), 4000);
	/* What no run can have reached is counted from OPEN after all. */
	run_prepare(&run);
	run_write(&run, 5000);
	assert_int_equal(run_event(&run, 6000), 2000);
}

static void position_follows_a_backend_that_restarts_from_0(void **state)
{
	struct run run = run_open();

	(void)state;
	run_write(&run, 5000);
	assert_int_equal(run_event(&run, 4000), 4000);
	run_prepare(&run);
	run_write(&run, 3000);
	assert_int_equal(run_event(&run, 1000), 1000);
	assert_int_equal(run_event(&run, 2000), 2000);
	/* It may also restart in the middle of a run. */
	assert_int_equal(run_event(&run, 500), 2500);
}

static void position_of_always_0_never_moves(void **state)
{
	struct run run = run_open();

	(void)state;
	run_write(&run, 5000);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(run_event(&run, 0), 0);
	assert_false(run.position.moved);
	/* Which is when the worker turns to acknowledgements. */
	run.position.source = XENSND_POSITION_ACKS;
	assert_int_equal(xensnd_position_now(&run.position), 5000);
	assert_int_equal(run_event(&run, 0), 5000);
	run_prepare(&run);
	assert_int_equal(xensnd_position_now(&run.position), 0);
	assert_int_equal(run.position.source, XENSND_POSITION_ACKS);
}

static void position_may_start_anywhere(void **state)
{
	struct run run = run_open();

	(void)state;
	run_write(&run, 5000);
	assert_int_equal(run_event(&run, UINT64_C(896216000)), 0);
	assert_false(run.position.moved);
	assert_true(run.position.seen);
	assert_int_equal(run_event(&run, UINT64_C(896217000)), 1000);
	assert_true(run.position.moved);
}

static void position_jumping_ahead_is_cut_at_what_was_written(void **state)
{
	struct run run = run_open();

	(void)state;
	run_write(&run, 5000);
	assert_int_equal(run_event(&run, 1000), 1000);
	assert_int_equal(run_event(&run, 1000000), 5000);
	run_write(&run, 2000);
	assert_int_equal(run_event(&run, 1000500), 5500);
	assert_int_equal(run_event(&run, UINT64_MAX), 7000);
	assert_int_equal(run_event(&run, 3), 7000);
}

static void position_may_be_all_that_was_written_at_once(void **state)
{
	struct run run = run_open();

	(void)state;
	run_write(&run, 5000);
	assert_int_equal(run_event(&run, 5000), 5000);
	assert_true(run.position.moved);
	run = run_open();
	run_write(&run, 5000);
	assert_int_equal(run_event(&run, 5001), 0);
}

static void position_is_never_ahead_of_acknowledgements(void **state)
{
	struct run run = run_open();

	(void)state;
	run.written = 4000;
	assert_int_equal(run_event(&run, 1000), 0);
	xensnd_position_ack(&run.position, 500);
	assert_int_equal(xensnd_position_now(&run.position), 500);
	xensnd_position_ack(&run.position, 3500);
	assert_int_equal(xensnd_position_now(&run.position), 1000);
}

static void position_of_an_earlier_run_is_only_a_point_of_reference(void **state)
{
	struct run run = run_open();

	(void)state;
	run_write(&run, 5000);
	assert_int_equal(run_event(&run, 2000), 2000);
	run_prepare(&run);
	run_write(&run, 5000);
	xensnd_position_stale(&run.position, 5000);
	assert_int_equal(xensnd_position_now(&run.position), 0);
	assert_false(run.position.moved);
	assert_int_equal(run_event(&run, 6000), 1000);
	/* Also when it was the very first: what comes next is not "anywhere" then. */
	run = run_open();
	xensnd_position_stale(&run.position, 7000);
	run_write(&run, 5000);
	assert_int_equal(run_event(&run, 8000), 1000);
	run = run_open();
	xensnd_position_stale(&run.position, 7000);
	run_write(&run, 5000);
	assert_int_equal(run_event(&run, 80000), 5000);
}

static void position_at_prepare_has_not_moved(void **state)
{
	struct run run = run_open();

	(void)state;
	run_write(&run, 2000);
	run_event(&run, 1000);
	run_prepare(&run);
	assert_false(run.position.moved);
	assert_int_equal(run.position.acked, 0);
	run_write(&run, 2000);
	assert_int_equal(run_event(&run, 1000), 0);
	assert_false(run.position.moved);
	assert_int_equal(run_event(&run, 2000), 1000);
}

static void position_at_open_forgets_the_last_backend(void **state)
{
	struct run run = run_open();

	(void)state;
	run_write(&run, 2000);
	run_event(&run, 999);
	run.position.source = XENSND_POSITION_ACKS;
	xensnd_position_open(&run.position, XENSND_POSITION_EVENTS);
	assert_int_equal(run.position.source, XENSND_POSITION_EVENTS);
	assert_false(run.position.seen);
	assert_false(run.position.moved);
	assert_true(run.position.whole_periods);
	assert_int_equal(xensnd_position_now(&run.position), 0);
	assert_int_equal(run.position.raw, 0);
}

static void position_knows_a_backend_that_reports_whole_periods(void **state)
{
	struct run run = run_open();

	(void)state;
	run_write(&run, 10000);
	run_event(&run, 0);
	run_event(&run, 3000);
	assert_true(run.position.whole_periods);
	run_event(&run, 3001);
	assert_false(run.position.whole_periods);
	run_event(&run, 5000);
	assert_false(run.position.whole_periods);
	run_prepare(&run);
	assert_false(run.position.whole_periods);
	xensnd_position_open(&run.position, XENSND_POSITION_EVENTS);
	xensnd_position_event(&run.position, 0, 0, 0);
	assert_false(run.position.whole_periods);
}

static void position_counts_beyond_32_bits(void **state)
{
	const uint64_t gib = UINT64_C(1) << 30;
	struct run run = run_open();
	uint64_t raw = 0;

	(void)state;
	for (uint64_t i = 1; i <= 40; i++) {
		run_write(&run, gib);
		raw += gib;
		assert_true(run_event(&run, raw) == i * gib);
	}
	run_write(&run, 20 * gib);
	assert_true(run_event(&run, raw + 18 * gib) == 58 * gib);
	assert_true(run_event(&run, raw + 30 * gib) == 60 * gib);
}

/* What a backend reports when it has played so much in this run, and so much since OPEN. */
enum backend { FROM_OPEN, FROM_START, FROM_ANYWHERE, LIAR, BACKENDS };

static uint64_t backend_raw(
	struct unit_random *random, enum backend backend, uint64_t run, uint64_t all)
{
	switch (backend) {
	case FROM_OPEN:
		return all;
	case FROM_START:
		return run;
	case FROM_ANYWHERE:
		return (UINT64_C(1) << 40) + all;
	default:
		return unit_random_next(random) >> unit_random_in(random, 0, 63);
	}
}

/* One run of a stream. Events come in order, but only for part of what is played. */
static void random_run(
	struct unit_random *random, enum backend backend, struct run *run, uint64_t *all)
{
	uint64_t played = 0, last = 0, missed = 0;

	run_prepare(run);
	for (unsigned int i = 0; i < 60; i++) {
		uint64_t unacked = run->written - run->position.acked;
		bool first = !run->position.seen;

		run->written += unit_random_in(random, 0, 3 * PERIOD);
		xensnd_position_ack(&run->position, unit_random_next(random) % (unacked + 1));
		if (unit_random_in(random, 0, 1)) {
			uint64_t step =
				unit_random_next(random) % (run->position.acked - played + 1);

			played += step;
			*all += step;
			run_event(run, backend_raw(random, backend, played, *all));
			if (backend == FROM_ANYWHERE && first)
				missed = played;
			if (backend != LIAR)
				assert_true(xensnd_position_now(&run->position) == played - missed);
		}
		assert_true(xensnd_position_now(&run->position) <= run->position.acked);
		assert_true(xensnd_position_now(&run->position) >= last);
		assert_true(run->position.reported <= run->written);
		last = xensnd_position_now(&run->position);
	}
}

static void position_holds_for_random_backends(void **state)
{
	struct unit_random random = unit_random_start(0x706f73);

	(void)state;
	for (unsigned int i = 0; i < 4000; i++) {
		enum backend backend = (enum backend)(i % BACKENDS);
		struct run run = run_open();
		uint64_t all = 0;

		for (unsigned int runs = 0; runs < 4; runs++) {
			/*
			 * What was played, but not reported, is told late by those that count on; a
			 * restart is from 0.
			 */
			if (backend == FROM_START)
				xensnd_position_stale(&run.position, 0);
			random_run(&random, backend, &run, &all);
		}
	}
}

/* Paused by STOP: what the backend had taken and not played comes again. */
static void position_goes_on_after_a_halt(void **state)
{
	struct run run = run_open();

	(void)state;
	run_write(&run, 5000);
	assert_int_equal(run_event(&run, 2000), 2000);
	xensnd_position_halt(&run.position, 4);
	assert_int_equal(xensnd_position_now(&run.position), 2000);
	/* Sent again; the backend counts from OPEN. */
	xensnd_position_ack(&run.position, 3000);
	assert_int_equal(run_event(&run, 3000), 3000);
	xensnd_position_halt(&run.position, 4);
	xensnd_position_ack(&run.position, 2000);
	/* It counts from START after all. */
	assert_int_equal(run_event(&run, 500), 3500);
}

static void position_by_answers_goes_on_after_a_halt(void **state)
{
	struct run run = { .written = 0 };

	(void)state;
	xensnd_position_open(&run.position, XENSND_POSITION_ACKS);
	xensnd_position_prepare(&run.position);
	run_write(&run, 5000);
	assert_int_equal(run_event(&run, 2000), 5000);
	xensnd_position_halt(&run.position, 4);
	assert_int_equal(xensnd_position_now(&run.position), 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(position_starts_at_0),
		cmocka_unit_test(position_follows_a_backend_that_counts_from_open),
		cmocka_unit_test(position_remembers_a_backend_that_counts_from_start),
		cmocka_unit_test(position_follows_a_backend_that_restarts_from_0),
		cmocka_unit_test(position_of_always_0_never_moves),
		cmocka_unit_test(position_may_start_anywhere),
		cmocka_unit_test(position_jumping_ahead_is_cut_at_what_was_written),
		cmocka_unit_test(position_may_be_all_that_was_written_at_once),
		cmocka_unit_test(position_is_never_ahead_of_acknowledgements),
		cmocka_unit_test(position_of_an_earlier_run_is_only_a_point_of_reference),
		cmocka_unit_test(position_at_prepare_has_not_moved),
		cmocka_unit_test(position_at_open_forgets_the_last_backend),
		cmocka_unit_test(position_knows_a_backend_that_reports_whole_periods),
		cmocka_unit_test(position_counts_beyond_32_bits),
		cmocka_unit_test(position_goes_on_after_a_halt),
		cmocka_unit_test(position_by_answers_goes_on_after_a_halt),
		cmocka_unit_test(position_holds_for_random_backends),
	};

	return UNIT_RUN("position", tests);
}
