/* SPDX-License-Identifier: MIT */
/* What START, PAUSE, STOP and RESUME make of a device, on a device made of variables. */
#include "unit.h"

#include "fake_device.h"

#include "backend/playback.h"
#include "common/clock.h"

static void device_consume(uint32_t frames)
{
	assert_true(fake.running && frames <= fake.queued);
	fake.queued -= frames;
	if (fake.queued == 0) {
		fake.running = false;
		fake.xrun = true;
	}
}

static struct xensnd_playback playback;

static int playback_fresh(void **state)
{
	(void)state;
	fake_fresh();
	return xensnd_playback_open(&playback, &fake_spec, &fake_params, NULL);
}

static void feed(uint32_t frames, uint32_t taken)
{
	assert_int_equal(xensnd_playback_look(&playback), 0);
	assert_int_equal(xensnd_playback_write(&playback, "", frames), taken);
	assert_int_equal(xensnd_playback_run(&playback), 0);
}

static int trigger(uint8_t type)
{
	return xensnd_playback_trigger(&playback, type);
}

static void data_before_start_waits_for_it(void **state)
{
	(void)state;
	feed(BUFFER + 10, BUFFER);
	assert_int_equal(fake.starts, 0);
	assert_int_equal(xensnd_playback_when(&playback, 10), XENSND_NEVER);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	assert_int_equal(fake.starts, 1);
}

static void start_on_an_empty_buffer_begins_with_the_first_data(void **state)
{
	(void)state;
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	assert_int_equal(fake.starts, 0);
	feed(50, 50);
	assert_int_equal(fake.starts, 1);
	assert_int_equal(playback.underruns, 0);
}

static void start_twice_is_refused(void **state)
{
	(void)state;
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), -EBUSY);
}

static void data_that_comes_too_late_is_an_underrun(void **state)
{
	(void)state;
	feed(50, 50);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	device_consume(50);
	assert_int_equal(xensnd_playback_look(&playback), 0);
	assert_int_equal(playback.underruns, 0);
	feed(70, 70);
	assert_int_equal(playback.underruns, 1);
	assert_int_equal(fake.starts, 2);
	device_consume(20);
	assert_int_equal(xensnd_playback_look(&playback), 0);
	assert_int_equal(playback.pcm.position.frames, 70);
}

static void the_end_of_a_stream_is_no_underrun(void **state)
{
	(void)state;
	feed(50, 50);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	device_consume(50);
	assert_int_equal(xensnd_playback_look(&playback), 0);
	assert_true(playback.pcm.position.event_due);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_STOP), 0);
	feed(50, 50);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	assert_int_equal(playback.underruns, 0);
}

static void a_starved_stream_wakes_nobody(void **state)
{
	(void)state;
	feed(50, 50);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	assert_true(xensnd_playback_when(&playback, 0) != XENSND_NEVER);
	device_consume(50);
	assert_int_equal(xensnd_playback_look(&playback), 0);
	assert_int_equal(xensnd_playback_when(&playback, 0), XENSND_NEVER);
}

static void stop_drops_and_is_idempotent(void **state)
{
	(void)state;
	feed(500, 500);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	device_consume(150);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_STOP), 0);
	assert_int_equal(playback.pcm.position.frames, 150);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_STOP), 0);
	assert_int_equal(xensnd_playback_look(&playback), 0);
	assert_int_equal(playback.pcm.position.frames, 150);
	assert_int_equal(playback.pcm.ready_frames, BUFFER);
}

static void pause_holds_and_resume_goes_on(void **state)
{
	(void)state;
	assert_int_equal(trigger(XENSND_OP_TRIGGER_PAUSE), -EBADF);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_RESUME), -EBADF);
	feed(500, 500);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	device_consume(130);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_PAUSE), 0);
	assert_false(fake.running);
	assert_int_equal(playback.pcm.position.frames, 130);
	assert_int_equal(xensnd_playback_when(&playback, BUFFER), XENSND_NEVER);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_PAUSE), -EBADF);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_RESUME), 0);
	assert_true(fake.running);
}

static void data_in_a_pause_waits_for_resume(void **state)
{
	(void)state;
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_PAUSE), 0);
	feed(50, 50);
	assert_int_equal(fake.starts, 0);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_RESUME), 0);
	assert_int_equal(fake.starts, 1);
}

static void a_device_that_can_not_pause_plays_on(void **state)
{
	(void)state;
	fake.can_pause = false;
	feed(500, 500);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_PAUSE), -ENOSYS);
	assert_true(fake.running);
	assert_true(xensnd_playback_when(&playback, 0) != XENSND_NEVER);
}

static void unknown_triggers_are_refused(void **state)
{
	(void)state;
	assert_int_equal(trigger(4), -EINVAL);
	assert_int_equal(trigger(255), -EINVAL);
}

static void a_device_that_fails_stays_failed(void **state)
{
	(void)state;
	feed(50, 50);
	fake.error = -ENODEV;
	assert_int_equal(xensnd_playback_look(&playback), -ENODEV);
	fake.error = 0;
	assert_int_equal(xensnd_playback_write(&playback, "", 1), -ENODEV);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), -ENODEV);
	assert_int_equal(xensnd_playback_when(&playback, 1), XENSND_NEVER);
}

#define TEST(name) cmocka_unit_test_setup(name, playback_fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(data_before_start_waits_for_it),
		TEST(start_on_an_empty_buffer_begins_with_the_first_data),
		TEST(start_twice_is_refused),
		TEST(data_that_comes_too_late_is_an_underrun),
		TEST(the_end_of_a_stream_is_no_underrun),
		TEST(a_starved_stream_wakes_nobody),
		TEST(stop_drops_and_is_idempotent),
		TEST(pause_holds_and_resume_goes_on),
		TEST(data_in_a_pause_waits_for_resume),
		TEST(a_device_that_can_not_pause_plays_on),
		TEST(unknown_triggers_are_refused),
		TEST(a_device_that_fails_stays_failed),
	};

	return UNIT_RUN("a playback", tests);
}
