/* SPDX-License-Identifier: MIT */
/* What START, PAUSE, STOP and RESUME make of a device, on a device made of variables. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "backend/playback.h"
#include "common/clock.h"

#define BUFFER 1000u
#define PERIOD 100u

static struct {
	struct xensnd_output output;
	uint32_t queued;
	bool running;
	bool dry; /* it has just run out */
	bool can_pause;
	int error; /* every call fails with it */
	unsigned int starts, drops;
} device;

static int fake_open(struct xensnd_output **output, const struct xensnd_output_spec *spec,
	const struct xensnd_pcm_params *params, struct xensnd_output_host *host)
{
	(void)spec;
	(void)params;
	(void)host;
	*output = &device.output;
	return 0;
}

static void fake_close(struct xensnd_output *output)
{
	(void)output;
}

static int64_t fake_write(struct xensnd_output *output, const void *data, uint32_t frames)
{
	uint32_t room = BUFFER - device.queued;

	(void)output;
	(void)data;
	if (device.error)
		return device.error;
	if (frames > room)
		frames = room;
	device.queued += frames;
	return frames;
}

static int fake_start(struct xensnd_output *output)
{
	(void)output;
	assert_true(device.queued > 0);
	device.running = true;
	device.starts++;
	return device.error;
}

static int fake_drop(struct xensnd_output *output)
{
	(void)output;
	device.queued = 0;
	device.running = false;
	device.drops++;
	return device.error;
}

static int fake_pause(struct xensnd_output *output, bool on)
{
	(void)output;
	if (!device.can_pause)
		return -ENOSYS;
	device.running = !on;
	return 0;
}

static int fake_status(struct xensnd_output *output, struct xensnd_output_status *status)
{
	(void)output;
	*status = (struct xensnd_output_status){ .room_frames = BUFFER - device.queued,
		.queued_frames = device.queued,
		.dry = device.dry };
	device.dry = false;
	return device.error;
}

static int64_t fake_when(struct xensnd_output *output, uint64_t frames)
{
	(void)output;
	return INT64_MAX / 2 + (int64_t)frames;
}

static const struct xensnd_output_ops fake_ops = {
	.open = fake_open,
	.close = fake_close,
	.write = fake_write,
	.start = fake_start,
	.drop = fake_drop,
	.pause = fake_pause,
	.status = fake_status,
	.when = fake_when,
};

const struct xensnd_output_ops xensnd_output_alsa = { .open = fake_open };
const struct xensnd_output_ops xensnd_output_wav = { .open = fake_open };
const struct xensnd_output_ops xensnd_output_null = { .open = fake_open };

static void device_consume(uint32_t frames)
{
	assert_true(device.running && frames <= device.queued);
	device.queued -= frames;
	if (device.queued == 0) {
		device.running = false;
		device.dry = true;
	}
}

static struct xensnd_playback playback;

static int playback_fresh(void **state)
{
	const struct xensnd_output_spec spec = { .kind = XENSND_OUTPUT_NULL };
	const struct xensnd_pcm_params params = { .rate = 48000,
		.channels = 2,
		.frame_bytes = 4,
		.buffer_frames = BUFFER,
		.period_frames = PERIOD };

	(void)state;
	memset(&device, 0, sizeof(device));
	device.output.ops = &fake_ops;
	device.can_pause = true;
	return xensnd_playback_open(&playback, &spec, &params, NULL);
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
	assert_int_equal(device.starts, 0);
	assert_int_equal(xensnd_playback_when(&playback, 10), XENSND_NEVER);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	assert_int_equal(device.starts, 1);
}

static void start_on_an_empty_buffer_begins_with_the_first_data(void **state)
{
	(void)state;
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	assert_int_equal(device.starts, 0);
	feed(50, 50);
	assert_int_equal(device.starts, 1);
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
	assert_int_equal(device.starts, 2);
	device_consume(20);
	assert_int_equal(xensnd_playback_look(&playback), 0);
	assert_int_equal(playback.position.consumed, 70);
}

static void the_end_of_a_stream_is_no_underrun(void **state)
{
	(void)state;
	feed(50, 50);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	device_consume(50);
	assert_int_equal(xensnd_playback_look(&playback), 0);
	assert_true(playback.position.event_due);
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
	assert_int_equal(playback.position.consumed, 150);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_STOP), 0);
	assert_int_equal(xensnd_playback_look(&playback), 0);
	assert_int_equal(playback.position.consumed, 150);
	assert_int_equal(playback.room_frames, BUFFER);
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
	assert_false(device.running);
	assert_int_equal(playback.position.consumed, 130);
	assert_int_equal(xensnd_playback_when(&playback, BUFFER), XENSND_NEVER);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_PAUSE), -EBADF);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_RESUME), 0);
	assert_true(device.running);
}

static void data_in_a_pause_waits_for_resume(void **state)
{
	(void)state;
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_PAUSE), 0);
	feed(50, 50);
	assert_int_equal(device.starts, 0);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_RESUME), 0);
	assert_int_equal(device.starts, 1);
}

static void a_device_that_can_not_pause_plays_on(void **state)
{
	(void)state;
	device.can_pause = false;
	feed(500, 500);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_START), 0);
	assert_int_equal(trigger(XENSND_OP_TRIGGER_PAUSE), -ENOSYS);
	assert_true(device.running);
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
	device.error = -ENODEV;
	assert_int_equal(xensnd_playback_look(&playback), -ENODEV);
	device.error = 0;
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
