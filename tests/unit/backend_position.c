/* SPDX-License-Identifier: MIT */
/* What a stream has consumed, and when its frontend is told. */
#include "unit.h"

#include "backend/position.h"

static struct xensnd_position position_started(uint32_t period, uint32_t accepted)
{
	struct xensnd_position position;

	xensnd_position_init(&position, period);
	xensnd_position_accept(&position, accepted);
	xensnd_position_start(&position);
	return position;
}

static void an_event_is_due_at_a_period_and_not_before(void **state)
{
	struct xensnd_position position = position_started(100, 1000);

	(void)state;
	assert_int_equal(xensnd_position_distance(&position), 100);
	xensnd_position_update(&position, 901);
	assert_false(position.event_due);
	assert_int_equal(xensnd_position_distance(&position), 1);
	xensnd_position_update(&position, 900);
	assert_true(position.event_due);
	assert_int_equal(position.consumed, 100);
}

static void missed_periods_make_one_event(void **state)
{
	struct xensnd_position position = position_started(100, 1000);

	(void)state;
	xensnd_position_update(&position, 1000 - 345);
	assert_true(position.event_due);
	xensnd_position_reported(&position);
	assert_int_equal(position.reported, 345);
	assert_int_equal(xensnd_position_distance(&position), 55);
	xensnd_position_update(&position, 1000 - 399);
	assert_false(position.event_due);
}

static void the_end_of_data_is_told_once(void **state)
{
	struct xensnd_position position = position_started(100, 130);

	(void)state;
	xensnd_position_update(&position, 30);
	xensnd_position_reported(&position);
	assert_int_equal(xensnd_position_distance(&position), 30);
	xensnd_position_update(&position, 0);
	assert_true(position.event_due);
	xensnd_position_reported(&position);
	xensnd_position_update(&position, 0);
	assert_false(position.event_due);
	assert_true(xensnd_position_distance(&position) == UINT64_MAX);
}

static void it_never_steps_back_whatever_the_device_says(void **state)
{
	struct xensnd_position position = position_started(100, 1000);

	(void)state;
	xensnd_position_update(&position, 500);
	xensnd_position_update(&position, 700);
	assert_int_equal(position.consumed, 500);
	xensnd_position_update(&position, UINT64_MAX);
	assert_int_equal(position.consumed, 500);
}

static void dropped_data_does_not_count(void **state)
{
	struct xensnd_position position = position_started(100, 1000);

	(void)state;
	xensnd_position_update(&position, 750);
	xensnd_position_reported(&position);
	xensnd_position_drop(&position);
	assert_int_equal(position.consumed, 250);
	xensnd_position_accept(&position, 500);
	xensnd_position_start(&position);
	xensnd_position_update(&position, 400);
	assert_int_equal(position.consumed, 350);
	assert_true(position.event_due);
}

static void a_halt_tells_what_no_period_has_told(void **state)
{
	struct xensnd_position position = position_started(100, 1000);

	(void)state;
	xensnd_position_update(&position, 950);
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
	xensnd_position_update(&position, 0);
	xensnd_position_halt(&position);
	assert_int_equal(position.consumed, 1000);
	assert_false(position.event_due);
	assert_true(xensnd_position_distance(&position) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_due_at_a_period_and_not_before),
		cmocka_unit_test(missed_periods_make_one_event),
		cmocka_unit_test(the_end_of_data_is_told_once),
		cmocka_unit_test(it_never_steps_back_whatever_the_device_says),
		cmocka_unit_test(dropped_data_does_not_count),
		cmocka_unit_test(a_halt_tells_what_no_period_has_told),
		cmocka_unit_test(without_a_period_there_are_no_events),
	};

	return UNIT_RUN("the position", tests);
}
