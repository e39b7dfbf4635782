/* SPDX-License-Identifier: MIT */
/*
 * Which part of the buffer is sent next: each byte once, in order, and never later than it has to
 * be.
 */
#include "unit.h"

#include <stdlib.h>

#include "frontend/geometry.h"

/* Four periods and a half: a buffer need not be a multiple of the period. */
static const struct xensnd_geometry odd = {
	.rate = 48000, .channels = 2, .frame_bytes = 4, .period_bytes = 400, .buffer_bytes = 1800
};

static void next_is(const struct xensnd_fill *fill, uint32_t offset, uint32_t length)
{
	struct xensnd_range range = xensnd_geometry_next(&odd, fill);

	assert_int_equal(range.length, length);
	if (length > 0)
		assert_int_equal(range.offset, offset);
}

static void geometry_sends_nothing_when_there_is_nothing(void **state)
{
	struct xensnd_fill fill = { .appl = 0, .started = true };

	(void)state;
	next_is(&fill, 0, 0);
	assert_int_equal(xensnd_geometry_wanted(&odd, &fill), 4);
	fill.appl = fill.submitted = 5000;
	next_is(&fill, 0, 0);
	assert_int_equal(xensnd_geometry_wanted(&odd, &fill), 5004);
}

static void geometry_sends_at_once_when_none_is_in_flight(void **state)
{
	struct xensnd_fill fill = { .appl = 4, .started = true };

	(void)state;
	next_is(&fill, 0, 4);
	fill.started = false;
	next_is(&fill, 0, 4);
	fill.appl = 404;
	fill.submitted = 400;
	next_is(&fill, 400, 4);
}

static void geometry_waits_for_a_whole_period_when_one_is_in_flight(void **state)
{
	struct xensnd_fill fill = {
		.appl = 799, .submitted = 400, .in_flight = 1, .started = true
	};

	(void)state;
	next_is(&fill, 0, 0);
	assert_int_equal(xensnd_geometry_wanted(&odd, &fill), 800);
	fill.appl = 800;
	next_is(&fill, 400, 400);
}

static void geometry_sends_a_period_at_most(void **state)
{
	struct xensnd_fill fill = { .appl = 1800, .started = true };

	(void)state;
	next_is(&fill, 0, 400);
	fill.in_flight = 3;
	next_is(&fill, 0, 400);
}

static void geometry_splits_at_the_end_of_the_buffer(void **state)
{
	struct xensnd_fill fill = { .appl = 3000, .submitted = 1600, .started = true };

	(void)state;
	next_is(&fill, 1600, 200);
	fill.submitted = 1800;
	next_is(&fill, 0, 400);
	fill.submitted = 1796;
	next_is(&fill, 1796, 4);
	fill.in_flight = 1;
	next_is(&fill, 1796, 4);
}

static void geometry_leaves_a_period_of_room_before_start(void **state)
{
	struct xensnd_fill fill = { .appl = 1800, .submitted = 1200 };

	(void)state;
	next_is(&fill, 1200, 200);
	fill.in_flight = 1;
	next_is(&fill, 1200, 200);
	fill.in_flight = 0;
	fill.submitted = 1400;
	next_is(&fill, 0, 0);
	assert_true(xensnd_geometry_wanted(&odd, &fill) == UINT64_MAX);
	fill.started = true;
	next_is(&fill, 1400, 400);
	assert_int_equal(xensnd_geometry_wanted(&odd, &fill), 1404);
}

static void geometry_of_one_period_sends_nothing_before_start(void **state)
{
	const struct xensnd_geometry one = { .rate = 8000,
		.channels = 1,
		.frame_bytes = 1,
		.period_bytes = 64,
		.buffer_bytes = 64 };
	struct xensnd_fill fill = { .appl = 64 };

	(void)state;
	assert_int_equal(xensnd_geometry_next(&one, &fill).length, 0);
	assert_true(xensnd_geometry_wanted(&one, &fill) == UINT64_MAX);
	fill.started = true;
	assert_int_equal(xensnd_geometry_next(&one, &fill).length, 64);
}

static void geometry_limits_what_is_in_flight(void **state)
{
	struct xensnd_fill fill = {
		.appl = 1800, .in_flight = XENSND_MAX_IN_FLIGHT - 1, .started = true
	};

	(void)state;
	next_is(&fill, 0, 400);
	fill.in_flight = XENSND_MAX_IN_FLIGHT;
	next_is(&fill, 0, 0);
	assert_true(xensnd_geometry_wanted(&odd, &fill) == UINT64_MAX);
	fill.in_flight = XENSND_MAX_IN_FLIGHT + 1;
	next_is(&fill, 0, 0);
}

static void geometry_of_a_recording_asks_for_what_is_free(void **state)
{
	struct xensnd_fill fill = { .capture = true, .window = 1800, .started = true };

	(void)state;
	next_is(&fill, 0, 400);
	fill = (struct xensnd_fill){
		.capture = true, .window = 1800, .submitted = 1600, .in_flight = 3, .started = true
	};
	/* Less than a period is free, and something is under way. */
	next_is(&fill, 0, 0);
	assert_int_equal(xensnd_geometry_wanted(&odd, &fill), 200);
	fill.appl = 200;
	next_is(&fill, 1600, 200);
	/* Nothing is under way: what there is. */
	fill.appl = 0;
	fill.in_flight = 0;
	next_is(&fill, 1600, 200);
	fill.submitted = 1800;
	next_is(&fill, 0, 0);
	assert_int_equal(xensnd_geometry_wanted(&odd, &fill), 4);
	fill.appl = 4;
	next_is(&fill, 0, 4);
	fill.in_flight = XENSND_MAX_IN_FLIGHT;
	fill.appl = 1800;
	next_is(&fill, 0, 0);
}

static void geometry_of_a_recording_may_run_over_a_late_program(void **state)
{
	struct xensnd_fill fill = {
		.capture = true, .window = UINT64_MAX, .submitted = 18000, .started = true
	};

	(void)state;
	next_is(&fill, 0, 400);
	assert_int_equal(xensnd_geometry_wanted(&odd, &fill), 0);
	fill.window = 18100;
	next_is(&fill, 0, 100);
}

/* snd_pcm_rewind() may leave more asked for than there is room for, snd_pcm_forward() less. */
static void geometry_of_a_recording_copes_with_a_program_that_moves(void **state)
{
	struct xensnd_fill fill = {
		.capture = true, .window = 1800, .appl = 1000, .submitted = 3000, .started = true
	};

	(void)state;
	next_is(&fill, 0, 0);
	fill.appl = 4000;
	next_is(&fill, 1200, 400);
}

static void geometry_counts_beyond_32_bits(void **state)
{
	/* 1800 * 10^10, 1800 * 10^10 + 1600 */
	struct xensnd_fill fill = { .appl = UINT64_C(18000000001700), .started = true };

	(void)state;
	fill.submitted = UINT64_C(18000000000000);
	next_is(&fill, 0, 400);
	fill.submitted += 1600;
	next_is(&fill, 1600, 100);
	assert_true(xensnd_geometry_wanted(&odd, &fill) == UINT64_C(18000000001604));
}

static void geometry_tells_how_long_bytes_play(void **state)
{
	struct xensnd_geometry slow = odd;

	(void)state;
	assert_int_equal(xensnd_geometry_ns(&odd, 0), 0);
	assert_int_equal(xensnd_geometry_ns(&odd, 3), 0);
	assert_int_equal(xensnd_geometry_ns(&odd, 192000), 1000000000);
	assert_int_equal(xensnd_geometry_ns(&odd, 4), 20833);
	/* The largest buffer in the smallest frames at the lowest rate. */
	slow.rate = 1;
	slow.frame_bytes = 1;
	assert_true(xensnd_geometry_ns(&slow, 16u * 1024 * 1024) == INT64_C(16777216000000000));
}

/* A program, the frontend's decisions, and a backend that takes what it is sent. */
struct simulation {
	struct unit_random random;
	struct xensnd_geometry geometry;
	struct xensnd_fill fill;
	uint32_t in_flight[XENSND_MAX_IN_FLIGHT]; /* lengths, oldest first */
	uint64_t acked;
	uint64_t total; /* what the program will have written in the end */
	uint8_t *buffer;
};

static uint8_t sample_at(uint64_t byte)
{
	return (uint8_t)(byte * 167 + (byte >> 8));
}

static void simulation_write(struct simulation *simulation)
{
	uint32_t frame = simulation->geometry.frame_bytes, size = simulation->geometry.buffer_bytes;
	uint64_t room = simulation->acked + size - simulation->fill.appl;
	uint64_t bytes;

	if (room > simulation->total - simulation->fill.appl)
		room = simulation->total - simulation->fill.appl;
	bytes = unit_random_next(&simulation->random) % (room / frame + 1) * frame;
	/* A program that waits for room fills it all; otherwise any amount. */
	if (unit_random_in(&simulation->random, 0, 3) == 0)
		bytes = room;
	for (; bytes > 0; bytes--, simulation->fill.appl++)
		simulation->buffer[simulation->fill.appl % size] = sample_at(simulation->fill.appl);
}

/* Sends all that may be sent; the backend reads it at once. */
static void simulation_send(struct simulation *simulation)
{
	const struct xensnd_geometry *geometry = &simulation->geometry;
	struct xensnd_fill *fill = &simulation->fill;
	struct xensnd_range range;
	bool more = xensnd_geometry_wanted(geometry, fill) <= fill->appl;

	while (range = xensnd_geometry_next(geometry, fill), range.length > 0) {
		assert_true(more);
		assert_true(range.length <= geometry->period_bytes);
		assert_true(range.length <= fill->appl - fill->submitted);
		assert_int_equal(range.length % geometry->frame_bytes, 0);
		assert_true((uint64_t)range.offset + range.length <= geometry->buffer_bytes);
		assert_true(fill->in_flight < XENSND_MAX_IN_FLIGHT);
		for (uint32_t i = 0; i < range.length; i++)
			assert_int_equal(simulation->buffer[range.offset + i],
				sample_at(fill->submitted + i));
		simulation->in_flight[fill->in_flight++] = range.length;
		fill->submitted += range.length;
		assert_true(fill->started ||
			    fill->submitted <= geometry->buffer_bytes - geometry->period_bytes);
		more = xensnd_geometry_wanted(geometry, fill) <= fill->appl;
	}
	assert_false(more);
	/*
	 * Never for ever: what is left moves as soon as the backend answers, the program writes or
	 * the stream starts.
	 */
	if (fill->in_flight == 0 && fill->started)
		assert_true(fill->submitted == fill->appl);
}

static void simulation_answer(struct simulation *simulation)
{
	struct xensnd_fill *fill = &simulation->fill;

	if (fill->in_flight == 0)
		return;
	simulation->acked += simulation->in_flight[0];
	fill->in_flight--;
	for (unsigned int i = 0; i < fill->in_flight; i++)
		simulation->in_flight[i] = simulation->in_flight[i + 1];
}

static void simulation_run(struct simulation *simulation)
{
	unsigned int steps = 0;

	while (simulation->acked < simulation->total) {
		assert_true(++steps < 100000);
		switch (unit_random_in(&simulation->random, 0, 4)) {
		case 0:
		case 1:
			simulation_write(simulation);
			break;
		case 2:
		case 3:
			simulation_answer(simulation);
			break;
		default:
			/*
			 * At the latest when the buffer is full or all is written, as alsa-lib
			 * does.
			 */
			if (unit_random_in(&simulation->random, 0, 3) == 0 ||
				simulation->fill.appl == simulation->total ||
				simulation->fill.appl - simulation->acked ==
					simulation->geometry.buffer_bytes)
				simulation->fill.started = true;
		}
		simulation_send(simulation);
	}
	assert_true(simulation->fill.submitted == simulation->total);
}

static void geometry_sends_each_byte_once_and_never_waits_for_ever(void **state)
{
	struct simulation simulation = { .random = unit_random_start(0x67656f) };
	struct unit_random *random = &simulation.random;

	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		struct xensnd_geometry *geometry = &simulation.geometry;
		uint32_t period = unit_random_in(random, 1, 60);

		*geometry = (struct xensnd_geometry){ .rate = 44100,
			.frame_bytes = unit_random_in(random, 1, 8) };
		geometry->period_bytes = period * geometry->frame_bytes;
		geometry->buffer_bytes =
			unit_random_in(random, period, 10 * period) * geometry->frame_bytes;
		simulation.fill = (struct xensnd_fill){ .appl = 0 };
		simulation.acked = 0;
		simulation.total =
			(uint64_t)unit_random_in(random, 1, 3000) * geometry->frame_bytes;
		simulation.buffer = malloc(geometry->buffer_bytes);
		assert_non_null(simulation.buffer);
		simulation_run(&simulation);
		free(simulation.buffer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(geometry_sends_nothing_when_there_is_nothing),
		cmocka_unit_test(geometry_sends_at_once_when_none_is_in_flight),
		cmocka_unit_test(geometry_waits_for_a_whole_period_when_one_is_in_flight),
		cmocka_unit_test(geometry_sends_a_period_at_most),
		cmocka_unit_test(geometry_splits_at_the_end_of_the_buffer),
		cmocka_unit_test(geometry_leaves_a_period_of_room_before_start),
		cmocka_unit_test(geometry_of_one_period_sends_nothing_before_start),
		cmocka_unit_test(geometry_limits_what_is_in_flight),
		cmocka_unit_test(geometry_of_a_recording_asks_for_what_is_free),
		cmocka_unit_test(geometry_of_a_recording_may_run_over_a_late_program),
		cmocka_unit_test(geometry_of_a_recording_copes_with_a_program_that_moves),
		cmocka_unit_test(geometry_counts_beyond_32_bits),
		cmocka_unit_test(geometry_tells_how_long_bytes_play),
		cmocka_unit_test(geometry_sends_each_byte_once_and_never_waits_for_ever),
	};

	return UNIT_RUN("geometry", tests);
}
