/* SPDX-License-Identifier: MIT */
/* The clocked buffer of devices without hardware. */
#include "unit.h"

#include "backend/pacer.h"
#include "common/clock.h"

#define START_NS (INT64_C(77) * XENSND_NS_PER_SECOND + 123456789)

static void frames_are_consumed_at_the_rate(void **state)
{
	struct xensnd_pacer pacer;

	(void)state;
	xensnd_pacer_init(&pacer, 48000, 96000, false);
	xensnd_pacer_add(&pacer, 96000);
	xensnd_pacer_start(&pacer, START_NS);
	assert_false(xensnd_pacer_advance(&pacer, START_NS + XENSND_NS_PER_SECOND));
	assert_int_equal(pacer.passed, 48000);
	assert_int_equal(xensnd_pacer_room(&pacer), 48000);
}

static void nothing_is_consumed_before_start(void **state)
{
	struct xensnd_pacer pacer;

	(void)state;
	xensnd_pacer_init(&pacer, 8000, 100, false);
	xensnd_pacer_add(&pacer, 100);
	assert_false(xensnd_pacer_advance(&pacer, INT64_MAX));
	assert_int_equal(pacer.passed, 0);
}

static void the_time_of_a_frame_is_when_it_is_consumed_and_not_earlier(void **state)
{
	static const uint32_t rates[] = { 5512, 8000, 11025, 44100, 48000, 192000, 768000 };

	(void)state;
	for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		for (uint32_t frames = 1; frames < 5000; frames += 77) {
			struct xensnd_pacer pacer;
			int64_t when;

			xensnd_pacer_init(&pacer, rates[r], 10000, false);
			xensnd_pacer_add(&pacer, 10000);
			xensnd_pacer_start(&pacer, START_NS);
			xensnd_pacer_advance(&pacer, START_NS + 1000000);
			when = xensnd_pacer_when(&pacer, frames);
			frames += (uint32_t)pacer.passed;
			xensnd_pacer_advance(&pacer, when - 1);
			assert_true(pacer.passed == frames - 1);
			xensnd_pacer_advance(&pacer, when);
			assert_true(pacer.passed == frames);
		}
	}
}

static void it_runs_dry_with_the_last_frame_and_waits_for_a_start(void **state)
{
	struct xensnd_pacer pacer;
	int64_t when;

	(void)state;
	xensnd_pacer_init(&pacer, 44100, 1000, false);
	xensnd_pacer_add(&pacer, 441);
	xensnd_pacer_start(&pacer, START_NS);
	when = xensnd_pacer_when(&pacer, 441);
	assert_false(xensnd_pacer_advance(&pacer, when - 1));
	assert_true(xensnd_pacer_advance(&pacer, when));
	assert_int_equal(pacer.passed, 441);
	assert_int_equal(xensnd_pacer_room(&pacer), 1000);
	xensnd_pacer_add(&pacer, 10);
	assert_false(xensnd_pacer_advance(&pacer, when + XENSND_NS_PER_SECOND));
	assert_int_equal(pacer.passed, 441);
}

static void a_pause_keeps_what_is_queued(void **state)
{
	struct xensnd_pacer pacer;

	(void)state;
	xensnd_pacer_init(&pacer, 48000, 4800, false);
	xensnd_pacer_add(&pacer, 4800);
	xensnd_pacer_start(&pacer, START_NS);
	xensnd_pacer_pause(&pacer, START_NS + 50 * XENSND_NS_PER_MS);
	assert_int_equal(pacer.passed, 2400);
	xensnd_pacer_start(&pacer, START_NS + 10 * XENSND_NS_PER_SECOND);
	xensnd_pacer_advance(&pacer, START_NS + 10 * XENSND_NS_PER_SECOND + 25 * XENSND_NS_PER_MS);
	assert_int_equal(pacer.passed, 3600);
}

static void a_drop_forgets_what_is_queued_and_keeps_the_count(void **state)
{
	struct xensnd_pacer pacer;

	(void)state;
	xensnd_pacer_init(&pacer, 48000, 4800, false);
	xensnd_pacer_add(&pacer, 4800);
	xensnd_pacer_start(&pacer, START_NS);
	xensnd_pacer_drop(&pacer, START_NS + 50 * XENSND_NS_PER_MS);
	assert_int_equal(pacer.passed, 2400);
	assert_int_equal(xensnd_pacer_room(&pacer), 4800);
}

static void a_run_of_weeks_stays_exact(void **state)
{
	const int64_t seconds = 60 * 24 * 3600;
	struct xensnd_pacer pacer;

	(void)state;
	xensnd_pacer_init(&pacer, 768000, 10, false);
	xensnd_pacer_start(&pacer, START_NS);
	pacer.queued = UINT64_MAX / 2;
	xensnd_pacer_advance(&pacer, START_NS + seconds * XENSND_NS_PER_SECOND);
	assert_true(pacer.passed == (uint64_t)seconds * 768000);
	assert_true(xensnd_pacer_when(&pacer, 768000) ==
		    START_NS + (seconds + 1) * XENSND_NS_PER_SECOND);
}

static void a_capture_is_filled_at_the_rate(void **state)
{
	struct xensnd_pacer pacer;

	(void)state;
	xensnd_pacer_init(&pacer, 48000, 4800, true);
	assert_false(xensnd_pacer_advance(&pacer, INT64_MAX));
	xensnd_pacer_start(&pacer, START_NS);
	assert_false(xensnd_pacer_advance(&pacer, START_NS + 50 * XENSND_NS_PER_MS));
	assert_int_equal(pacer.queued, 2400);
	xensnd_pacer_take(&pacer, 2000);
	assert_false(xensnd_pacer_advance(&pacer, START_NS + 100 * XENSND_NS_PER_MS));
	assert_int_equal(pacer.queued, 2800);
	assert_int_equal(pacer.passed, 4800);
}

static void a_capture_that_nobody_reads_loses_its_oldest_frames(void **state)
{
	struct xensnd_pacer pacer;

	(void)state;
	xensnd_pacer_init(&pacer, 48000, 4800, true);
	xensnd_pacer_start(&pacer, START_NS);
	assert_false(xensnd_pacer_advance(&pacer, START_NS + 100 * XENSND_NS_PER_MS));
	assert_int_equal(pacer.queued, 4800);
	assert_true(xensnd_pacer_advance(&pacer, START_NS + 101 * XENSND_NS_PER_MS));
	assert_int_equal(pacer.queued, 4800);
	assert_int_equal(pacer.passed, 4848);
	assert_true(xensnd_pacer_advance(&pacer, START_NS + 3600 * XENSND_NS_PER_SECOND));
	assert_int_equal(pacer.queued, 4800);
	assert_true(pacer.running);
	assert_int_equal(pacer.passed, UINT64_C(3600) * 48000);
}

static void a_capture_stands_still_in_a_pause(void **state)
{
	const int64_t resume_ns = START_NS + XENSND_NS_PER_SECOND;
	struct xensnd_pacer pacer;

	(void)state;
	xensnd_pacer_init(&pacer, 48000, 4800, true);
	xensnd_pacer_start(&pacer, START_NS);
	xensnd_pacer_advance(&pacer, START_NS + 50 * XENSND_NS_PER_MS);
	xensnd_pacer_pause(&pacer, START_NS + 51 * XENSND_NS_PER_MS);
	assert_false(xensnd_pacer_advance(&pacer, resume_ns));
	assert_int_equal(pacer.queued, 2400);
	xensnd_pacer_start(&pacer, resume_ns);
	assert_true(xensnd_pacer_when(&pacer, 48) == resume_ns + XENSND_NS_PER_MS);
	xensnd_pacer_advance(&pacer, resume_ns + XENSND_NS_PER_MS);
	xensnd_pacer_drop(&pacer, resume_ns + 2 * XENSND_NS_PER_MS);
	assert_int_equal(pacer.queued, 0);
	assert_int_equal(pacer.passed, 2448);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_consumed_at_the_rate),
		cmocka_unit_test(nothing_is_consumed_before_start),
		cmocka_unit_test(the_time_of_a_frame_is_when_it_is_consumed_and_not_earlier),
		cmocka_unit_test(it_runs_dry_with_the_last_frame_and_waits_for_a_start),
		cmocka_unit_test(a_pause_keeps_what_is_queued),
		cmocka_unit_test(a_drop_forgets_what_is_queued_and_keeps_the_count),
		cmocka_unit_test(a_run_of_weeks_stays_exact),
		cmocka_unit_test(a_capture_is_filled_at_the_rate),
		cmocka_unit_test(a_capture_that_nobody_reads_loses_its_oldest_frames),
		cmocka_unit_test(a_capture_stands_still_in_a_pause),
	};

	return UNIT_RUN("the pacer", tests);
}
