/* SPDX-License-Identifier: MIT */
/* What a stream has played or recorded, and when its frontend is told. */
#include "unit.h"

#include "backend/position.h"

static struct xensnd_position position_started(uint32_t period, uint32_t written)
{
	struct xensnd_position position;

	xensnd_position_init(&position, period);
	xensnd_position_transfer(&position, written);
	xensnd_position_start(&position);
	return position;
}

static void an_event_is_due_at_a_period_and_not_before(void **state)
{
	struct xensnd_position position = position_started(100, 1000);

	(void)state;
	assert_int_equal(xensnd_position_to_play(&position), 100 + XENSND_PAST_PERIOD);
	xensnd_position_played(&position, 900);
	assert_false(position.event_due);
	assert_int_equal(xensnd_position_to_play(&position), XENSND_PAST_PERIOD);
	xensnd_position_played(&position, 900 - XENSND_PAST_PERIOD);
	assert_true(position.event_due);
	assert_int_equal(position.frames, 100 + XENSND_PAST_PERIOD);
}

/* However late they are: else a frontend finds less than a period free between two of them. */
static void events_are_a_period_apart(void **state)
{
	struct xensnd_position position = position_started(100, 1000);
	uint64_t last = 0;

	(void)state;
	for (uint64_t late = 0; late < 50; late += 7) {
		uint64_t now = position.boundary + 49 - late;

		xensnd_position_transfer(&position, 100);
		xensnd_position_played(&position, position.transferred - now);
		assert_true(position.event_due);
		assert_int_equal(
			position.event_frames, last ? last + 100 : 100 + XENSND_PAST_PERIOD);
		last = position.event_frames;
		xensnd_position_reported(&position);
	}
}

static void missed_periods_make_one_event(void **state)
{
	struct xensnd_position position = position_started(100, 1000);

	(void)state;
	xensnd_position_played(&position, 1000 - 345);
	assert_true(position.event_due);
	xensnd_position_reported(&position);
	assert_int_equal(position.reported, 300 + XENSND_PAST_PERIOD);
	assert_int_equal(xensnd_position_to_play(&position), 55 + XENSND_PAST_PERIOD);
	xensnd_position_played(&position, 1000 - 399);
	assert_false(position.event_due);
}

static void the_end_of_data_is_told_once(void **state)
{
	struct xensnd_position position = position_started(100, 135);

	(void)state;
	xensnd_position_played(&position, 30);
	xensnd_position_reported(&position);
	assert_int_equal(xensnd_position_to_play(&position), 30);
	xensnd_position_played(&position, 0);
	assert_true(position.event_due);
	xensnd_position_reported(&position);
	assert_int_equal(position.reported, 135);
	xensnd_position_played(&position, 0);
	assert_false(position.event_due);
	assert_true(xensnd_position_to_play(&position) == UINT64_MAX);
}

static void it_never_steps_back_whatever_the_device_says(void **state)
{
	struct xensnd_position position = position_started(100, 1000);

	(void)state;
	xensnd_position_played(&position, 500);
	xensnd_position_played(&position, 700);
	assert_int_equal(position.frames, 500);
	xensnd_position_played(&position, UINT64_MAX);
	assert_int_equal(position.frames, 500);
}

static void dropped_data_does_not_count(void **state)
{
	struct xensnd_position position = position_started(100, 1000);

	(void)state;
	xensnd_position_played(&position, 750);
	xensnd_position_reported(&position);
	xensnd_position_drop(&position);
	assert_int_equal(position.frames, 250);
	xensnd_position_transfer(&position, 500);
	xensnd_position_start(&position);
	xensnd_position_played(&position, 399);
	assert_int_equal(position.frames, 351);
	assert_true(position.event_due);
}

static void a_halt_tells_what_no_period_has_told(void **state)
{
	struct xensnd_position position = position_started(100, 1000);

	(void)state;
	xensnd_position_played(&position, 950);
	xensnd_position_halt(&position);
	assert_true(position.event_due);
	xensnd_position_reported(&position);
	xensnd_position_halt(&position);
	assert_false(position.event_due);
}

static void without_a_period_there_are_no_events(void **state)
{
	struct xensnd_position position = position_started(0, 1000);

	(void)state;
	xensnd_position_played(&position, 0);
	xensnd_position_halt(&position);
	assert_int_equal(position.frames, 1000);
	assert_false(position.event_due);
	assert_true(xensnd_position_to_play(&position) == UINT64_MAX);
}

static void a_recording_counts_what_was_read_and_what_can_be(void **state)
{
	struct xensnd_position position = position_started(100, 0);

	(void)state;
	xensnd_position_recorded(&position, 99);
	assert_false(position.event_due);
	assert_int_equal(xensnd_position_to_record(&position, 99), 1 + XENSND_PAST_PERIOD);
	xensnd_position_transfer(&position, 60);
	xensnd_position_recorded(&position, 40 + XENSND_PAST_PERIOD);
	assert_int_equal(position.frames, 100 + XENSND_PAST_PERIOD);
	assert_true(position.event_due);
	assert_int_equal(xensnd_position_to_record(&position, 40), 100 + XENSND_PAST_PERIOD);
}

static void an_overrun_lets_a_recording_stand_still(void **state)
{
	struct xensnd_position position = position_started(100, 0);

	(void)state;
	xensnd_position_recorded(&position, 950);
	xensnd_position_reported(&position);
	xensnd_position_recorded(&position, 0);
	assert_int_equal(position.frames, 950);
	assert_false(position.event_due);
	assert_int_equal(xensnd_position_to_record(&position, 0), 1000 + XENSND_PAST_PERIOD);
	xensnd_position_recorded(&position, 1001);
	assert_int_equal(position.frames, 1001);
	assert_true(position.event_due);
}

static void dropped_recordings_count_as_read(void **state)
{
	struct xensnd_position position = position_started(100, 0);

	(void)state;
	xensnd_position_recorded(&position, 250);
	xensnd_position_drop(&position);
	xensnd_position_start(&position);
	assert_int_equal(xensnd_position_to_record(&position, 0), 100 + XENSND_PAST_PERIOD);
	xensnd_position_recorded(&position, 1);
	assert_int_equal(position.frames, 251);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_due_at_a_period_and_not_before),
		cmocka_unit_test(events_are_a_period_apart),
		cmocka_unit_test(missed_periods_make_one_event),
		cmocka_unit_test(the_end_of_data_is_told_once),
		cmocka_unit_test(it_never_steps_back_whatever_the_device_says),
		cmocka_unit_test(dropped_data_does_not_count),
		cmocka_unit_test(a_halt_tells_what_no_period_has_told),
		cmocka_unit_test(without_a_period_there_are_no_events),
		cmocka_unit_test(a_recording_counts_what_was_read_and_what_can_be),
		cmocka_unit_test(an_overrun_lets_a_recording_stand_still),
		cmocka_unit_test(dropped_recordings_count_as_read),
	};

	return UNIT_RUN("the position", tests);
}
