/* SPDX-License-Identifier: MIT */
/*
 * ALSA's pointers against ours: whatever a program does to them is found, and told apart, and what
 * ALSA is told stays within its boundary.
 */
#include "unit.h"

#include "pointers.h"

#define BOUNDARY 4096u

static void move_is(const struct pcm_xen_pointers *pointers, uint64_t appl_ptr, uint64_t hw_ptr,
	enum pcm_xen_move_kind kind, uint64_t frames)
{
	struct pcm_xen_move move = pcm_xen_pointers_compare(pointers, appl_ptr, hw_ptr);

	assert_int_equal(move.kind, kind);
	if (kind == PCM_XEN_MOVE_FORWARD || kind == PCM_XEN_MOVE_BACK)
		assert_int_equal(move.frames, frames);
}

static void pointers_that_agree_are_no_move(void **state)
{
	struct pcm_xen_pointers pointers = { .boundary = BOUNDARY };

	(void)state;
	move_is(&pointers, 0, 0, PCM_XEN_MOVE_NONE, 0);
	pointers.appl = 100;
	move_is(&pointers, 100, 0, PCM_XEN_MOVE_NONE, 0);
	pointers.appl = 3 * BOUNDARY + 7;
	move_is(&pointers, 7, 7, PCM_XEN_MOVE_NONE, 0);
}

static void pointers_show_a_rewind_and_a_forward(void **state)
{
	struct pcm_xen_pointers pointers = { .boundary = BOUNDARY, .appl = 1000, .hw = 500 };

	(void)state;
	move_is(&pointers, 999, 500, PCM_XEN_MOVE_BACK, 1);
	move_is(&pointers, 600, 500, PCM_XEN_MOVE_BACK, 400);
	move_is(&pointers, 1001, 500, PCM_XEN_MOVE_FORWARD, 1);
	move_is(&pointers, 1400, 500, PCM_XEN_MOVE_FORWARD, 400);
}

static void pointers_show_moves_over_the_boundary(void **state)
{
	struct pcm_xen_pointers pointers = {
		.boundary = BOUNDARY, .appl = BOUNDARY + 10, .hw = 4000
	};

	(void)state;
	move_is(&pointers, BOUNDARY - 10, 4000, PCM_XEN_MOVE_BACK, 20);
	pointers.appl = 2 * BOUNDARY - 10;
	move_is(&pointers, 10, 4000, PCM_XEN_MOVE_FORWARD, 20);
}

static void pointers_show_a_reset(void **state)
{
	struct pcm_xen_pointers pointers = { .boundary = BOUNDARY, .appl = 1000, .hw = 500 };

	(void)state;
	move_is(&pointers, 0, 0, PCM_XEN_MOVE_RESET, 0);
	/* Recorded, and nothing of it read. */
	pointers.appl = 0;
	move_is(&pointers, 0, 0, PCM_XEN_MOVE_RESET, 0);
	/* And then snd_pcm_forward(). */
	pointers.appl = 1000;
	move_is(&pointers, 70, 0, PCM_XEN_MOVE_RESET, 0);
	/* All written was rewound, and nothing played: not to be told from a reset. */
	pointers = (struct pcm_xen_pointers){ .boundary = BOUNDARY, .appl = 1000 };
	move_is(&pointers, 0, 0, PCM_XEN_MOVE_BACK, 1000);
}

static void pointers_before_sw_params_are_no_move(void **state)
{
	struct pcm_xen_pointers pointers = { .boundary = 0 };

	(void)state;
	move_is(&pointers, 17, 0, PCM_XEN_MOVE_NONE, 0);
	assert_int_equal(pcm_xen_pointers_hw(&pointers, 12345), 0);
}

static void pointers_give_alsa_a_position_within_the_boundary(void **state)
{
	struct pcm_xen_pointers pointers = { .boundary = BOUNDARY };

	(void)state;
	assert_int_equal(pcm_xen_pointers_hw(&pointers, BOUNDARY - 1), BOUNDARY - 1);
	assert_int_equal(pcm_xen_pointers_hw(&pointers, BOUNDARY), 0);
	assert_int_equal(pcm_xen_pointers_hw(&pointers, UINT64_C(1) << 40), 0);
	assert_int_equal(pcm_xen_pointers_hw(&pointers, (UINT64_C(1) << 40) + 5), 5);
}

/* After a reset ALSA counts from 0, and what is still to be played lies before that. */
static void pointers_after_a_reset_keep_what_is_queued(void **state)
{
	struct pcm_xen_pointers pointers = { .boundary = BOUNDARY, .appl = 1000, .hw = 900 };

	(void)state;
	pcm_xen_pointers_reset(&pointers, 1000, 1000);
	move_is(&pointers, 0, 0, PCM_XEN_MOVE_NONE, 0);
	assert_int_equal(pcm_xen_pointers_hw(&pointers, 900), BOUNDARY - 100);
	move_is(&pointers, 0, BOUNDARY - 100, PCM_XEN_MOVE_NONE, 0);
	assert_int_equal(pcm_xen_pointers_hw(&pointers, 1000), 0);
	assert_int_equal(pcm_xen_pointers_hw(&pointers, 1010), 10);
	pointers.appl = 1200;
	move_is(&pointers, 200, 10, PCM_XEN_MOVE_NONE, 0);
}

/* Another thread has written while prepare was under way. */
static void pointers_take_up_what_was_written_beside_prepare(void **state)
{
	struct pcm_xen_pointers pointers = { .boundary = BOUNDARY, .appl = 1000, .hw = 900 };

	(void)state;
	pcm_xen_pointers_adopt(&pointers, 300);
	move_is(&pointers, 300, 0, PCM_XEN_MOVE_NONE, 0);
	assert_int_equal(pcm_xen_pointers_hw(&pointers, 0), 300);
	pointers.appl = 50;
	move_is(&pointers, 350, 300, PCM_XEN_MOVE_NONE, 0);
	assert_int_equal(pcm_xen_pointers_hw(&pointers, BOUNDARY), 300);
	pcm_xen_pointers_adopt(&pointers, 0);
	move_is(&pointers, 0, 0, PCM_XEN_MOVE_NONE, 0);
	assert_int_equal(pcm_xen_pointers_hw(&pointers, 7), 7);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pointers_that_agree_are_no_move),
		cmocka_unit_test(pointers_show_a_rewind_and_a_forward),
		cmocka_unit_test(pointers_show_moves_over_the_boundary),
		cmocka_unit_test(pointers_show_a_reset),
		cmocka_unit_test(pointers_before_sw_params_are_no_move),
		cmocka_unit_test(pointers_give_alsa_a_position_within_the_boundary),
		cmocka_unit_test(pointers_after_a_reset_keep_what_is_queued),
		cmocka_unit_test(pointers_take_up_what_was_written_beside_prepare),
	};

	return UNIT_RUN("pointers", tests);
}
