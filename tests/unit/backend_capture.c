/* SPDX-License-Identifier: MIT */
/* What START, PAUSE, STOP and RESUME make of a device that records. */
#include "unit.h"

#include "fake_device.h"

#include "backend/capture.h"
#include "common/clock.h"

static struct xensnd_capture capture;

static int capture_fresh(void **state)
{
	(void)state;
	fake_fresh();
	return xensnd_capture_open(&capture, &fake_spec, &fake_params, NULL);
}

static int trigger(uint8_t type)
{
	return xensnd_capture_trigger(&capture, type);
}

static void device_record(uint32_t frames)
{
	assert_true(fake.running);
	fake.queued += frames;
	if (fake.queued > BUFFER) {
		fake.queued = BUFFER;
		fake.xrun = true;
	}
}

static void look(uint32_t ready, uint64_t position)
{
	assert_int_equal(xensnd_capture_look(&capture), 0);
	assert_int_equal(capture.pcm.ready_frames, ready);
	assert_int_equal(capture.pcm.position.frames, position);
}

static void nothing_is_there_before_start(void **state)
{
	(void)state;
	look(0, 0);
	assert_true(xensnd_capture_when(&capture, PERIOD) == XENSND_NEVER);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	assert_int_equal(fake.starts, 1);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), -EBUSY);
}

static void the_position_moves_whether_or_not_anybody_reads(void **state)
{
	(void)state;
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	device_record(PERIOD + XENSND_PAST_PERIOD);
	look(PERIOD + 1, PERIOD + 1);
	assert_true(capture.pcm.position.event_due);
	assert_int_equal(xensnd_capture_read(&capture, NULL, 60), 60);
	look(PERIOD - 59, PERIOD + 1);
	device_record(10);
	look(PERIOD - 49, PERIOD + 11);
}

static void data_that_came_after_the_look_is_read_and_counted(void **state)
{
	(void)state;
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	device_record(50);
	look(50, 50);
	device_record(70);
	assert_int_equal(xensnd_capture_read(&capture, NULL, 200), 120);
	assert_int_equal(capture.pcm.ready_frames, 0);
	assert_int_equal(capture.pcm.position.frames, 120);
	assert_true(capture.pcm.position.event_due);
}

static void it_wakes_for_what_is_wanted_and_for_events(void **state)
{
	(void)state;
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	device_record(30);
	look(30, 30);
	assert_true(xensnd_capture_when(&capture, 0) == FAKE_WHEN(PERIOD + 1 - 30));
	assert_true(xensnd_capture_when(&capture, 40) == FAKE_WHEN(10));
	assert_true(xensnd_capture_when(&capture, 500) == FAKE_WHEN(PERIOD + 1 - 30));
	/* A READ of a period and the event after it need one look, not two. */
	assert_true(xensnd_capture_when(&capture, PERIOD) == FAKE_WHEN(PERIOD + 1 - 30));
}

static void an_overrun_is_counted_once_and_the_position_stands(void **state)
{
	(void)state;
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	device_record(BUFFER);
	look(BUFFER, BUFFER);
	/* A device that starts again with an empty buffer. */
	fake.queued = 0;
	fake.xrun = true;
	look(0, BUFFER);
	fake.xrun = true;
	look(0, BUFFER);
	assert_int_equal(capture.overruns, 1);
	assert_true(xensnd_capture_when(&capture, 0) == FAKE_WHEN(PERIOD));
	device_record(PERIOD);
	look(PERIOD, BUFFER);
	assert_int_equal(xensnd_capture_read(&capture, NULL, PERIOD), PERIOD);
	device_record(BUFFER);
	look(BUFFER, BUFFER + PERIOD);
	device_record(1);
	look(BUFFER, BUFFER + PERIOD);
	assert_int_equal(capture.overruns, 2);
}

static void stop_drops_and_start_goes_on_counting(void **state)
{
	(void)state;
	assert_int_equal(trigger(XENSND_OP_TRIGGER_STOP), 0);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	device_record(150);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_STOP), 0);
	assert_true(capture.pcm.position.event_due);
	assert_int_equal(fake.queued, 0);
	look(0, 150);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_STOP), 0);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	device_record(10);
	look(10, 160);
	assert_true(xensnd_capture_when(&capture, 0) == FAKE_WHEN(PERIOD + 1 - 10));
}

static void pause_holds_what_was_recorded(void **state)
{
	(void)state;
	assert_int_equal(trigger(XENSND_OP_TRIGGER_PAUSE), -EBADF);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_RESUME), -EBADF);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	device_record(130);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_PAUSE), 0);
	assert_false(fake.running);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_PAUSE), -EBADF);
	assert_true(xensnd_capture_when(&capture, BUFFER) == XENSND_NEVER);
	look(130, 130);
	assert_int_equal(xensnd_capture_read(&capture, NULL, 200), 130);
	look(0, 130);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_RESUME), 0);
	assert_true(fake.running);
}

static void a_device_that_can_not_pause_records_on(void **state)
{
	(void)state;
	fake.can_pause = false;
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_PAUSE), -ENOSYS);
	assert_true(fake.running);
	device_record(10);
	look(10, 10);
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
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	device_record(50);
	fake.error = -ENODEV;
	assert_int_equal(xensnd_capture_look(&capture), -ENODEV);
	fake.error = 0;
	assert_int_equal(xensnd_capture_read(&capture, NULL, 1), -ENODEV);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_STOP), -ENODEV);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), -ENODEV);
	assert_true(xensnd_capture_when(&capture, 1) == XENSND_NEVER);
}

#define TEST(name) cmocka_unit_test_setup(name, capture_fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_there_before_start),
		TEST(the_position_moves_whether_or_not_anybody_reads),
		TEST(data_that_came_after_the_look_is_read_and_counted),
		TEST(it_wakes_for_what_is_wanted_and_for_events),
		TEST(an_overrun_is_counted_once_and_the_position_stands),
		TEST(stop_drops_and_start_goes_on_counting),
		TEST(pause_holds_what_was_recorded),
		TEST(a_device_that_can_not_pause_records_on),
		TEST(unknown_triggers_are_refused),
		TEST(a_device_that_fails_stays_failed),
	};

	return UNIT_RUN("a capture", tests);
}
