/* SPDX-License-Identifier: MIT */
/* The event page, both ends over one page. Nothing of Xen is needed: a page is memory. */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/event_page.h"

struct pair {
	struct xensnd_event_page *page;
	struct xensnd_front_events front;
	struct xensnd_back_events back;
};

/* Both ends over an empty page that has carried so many events. */
static void pair_at(struct pair *pair, uint32_t index)
{
	xensnd_front_events_init(&pair->front, pair->page);
	pair->page->in_cons = index;
	pair->page->in_prod = index;
	xensnd_front_events_attach(&pair->front, pair->page, index);
	xensnd_back_events_init(&pair->back, pair->page);
	pair->back.prod = index;
	pair->back.published = index;
}

static int pair_setup(void **state)
{
	struct pair *pair = malloc(sizeof(*pair));

	assert_non_null(pair);
	pair->page = aligned_alloc(XENSND_PAGE_BYTES, XENSND_PAGE_BYTES);
	assert_non_null(pair->page);
	memset(pair->page, 0xa5, XENSND_PAGE_BYTES);
	xensnd_front_events_init(&pair->front, pair->page);
	xensnd_back_events_init(&pair->back, pair->page);
	*state = pair;
	return 0;
}

static int pair_teardown(void **state)
{
	struct pair *pair = *state;

	free(pair->page);
	free(pair);
	return 0;
}

static struct xensnd_evt event_numbered(uint32_t number)
{
	struct xensnd_evt evt;

	memset(&evt, (int)(number & 0x7f), sizeof(evt));
	evt.id = (uint16_t)number;
	evt.op.cur_pos.position = number;
	return evt;
}

static void events_put(struct pair *pair, uint32_t first, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct xensnd_evt evt = event_numbered(first + i);

		assert_int_equal(xensnd_back_events_put(&pair->back, &evt), 0);
	}
}

static void events_get(struct pair *pair, uint32_t first, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct xensnd_evt expected = event_numbered(first + i), evt;

		assert_int_equal(xensnd_front_events_get(&pair->front, &evt), 1);
		assert_memory_equal(&evt, &expected, sizeof(evt));
	}
}

static void events_none(struct pair *pair)
{
	struct xensnd_evt evt;

	assert_int_equal(xensnd_front_events_get(&pair->front, &evt), 0);
}

static void events_full(struct pair *pair)
{
	struct xensnd_evt evt = event_numbered(0);

	assert_int_equal(xensnd_back_events_put(&pair->back, &evt), -EAGAIN);
}

static void page_starts_empty_and_zeroed(void **state)
{
	struct pair *pair = *state;
	const unsigned char *bytes = (const unsigned char *)pair->page;

	for (size_t i = 0; i < XENSND_PAGE_BYTES; i++)
		assert_int_equal(bytes[i], 0);
	events_none(pair);
	assert_false(xensnd_back_events_push(&pair->back));
}

static void page_carries_events_unchanged_in_order(void **state)
{
	struct pair *pair = *state;

	events_put(pair, 7, 5);
	assert_true(xensnd_back_events_push(&pair->back));
	events_get(pair, 7, 5);
	events_none(pair);
}

static void page_hides_what_was_not_pushed(void **state)
{
	struct pair *pair = *state;

	events_put(pair, 0, 2);
	events_none(pair);
	assert_true(xensnd_back_events_push(&pair->back));
	assert_false(xensnd_back_events_push(&pair->back));
	events_get(pair, 0, 2);
	events_none(pair);
}

static void page_acknowledges_each_event(void **state)
{
	struct pair *pair = *state;

	events_put(pair, 0, 3);
	xensnd_back_events_push(&pair->back);
	for (uint32_t i = 0; i < 3; i++) {
		events_get(pair, i, 1);
		assert_int_equal(pair->page->in_cons, i + 1);
	}
}

static void page_has_63_slots_and_drops_what_does_not_fit(void **state)
{
	struct pair *pair = *state;

	events_put(pair, 0, 63);
	events_full(pair);
	xensnd_back_events_push(&pair->back);
	events_full(pair);
	assert_int_equal(pair->page->in_prod, 63);
	events_get(pair, 0, 1);
	events_put(pair, 63, 1);
	events_full(pair);
	xensnd_back_events_push(&pair->back);
	events_get(pair, 1, 63);
	events_none(pair);
}

static void page_goes_on_past_its_last_slot(void **state)
{
	struct pair *pair = *state;

	for (uint32_t i = 0; i < 1000; i += 10) {
		events_put(pair, i, 10);
		xensnd_back_events_push(&pair->back);
		events_get(pair, i, 10);
	}
}

/* Slots by index % 63, so after index 2^32 - 1 in slot 3 comes index 0 in slot 0. */
static void page_jumps_to_slot_0_where_the_index_wraps(void **state)
{
	static const struct {
		uint32_t index;
		size_t slot;
	} places[] = { { 0, 0 }, { 62, 62 }, { 63, 0 }, { UINT32_MAX - 4, 62 },
		{ UINT32_MAX - 3, 0 }, { UINT32_MAX, 3 } };
	struct pair *pair = *state;
	struct xensnd_evt expected = event_numbered(42);

	for (size_t i = 0; i < UNIT_COUNT(places); i++) {
		pair_at(pair, places[i].index);
		events_put(pair, 42, 1);
		assert_memory_equal(
			(char *)pair->page + 64 + places[i].slot * 64, &expected, sizeof(expected));
		xensnd_back_events_push(&pair->back);
		events_get(pair, 42, 1);
	}
}

static void page_survives_the_wrap_of_its_indices(void **state)
{
	struct pair *pair = *state;

	pair_at(pair, UINT32_MAX - 200);
	for (uint32_t i = 0; i < 400; i += 2) {
		events_put(pair, i, 2);
		assert_true(xensnd_back_events_push(&pair->back));
		events_get(pair, i, 2);
		events_none(pair);
	}
	pair_at(pair, UINT32_MAX - 30);
	for (unsigned int i = 0; i < 63; i++)
		events_put(pair, i, 1);
	events_full(pair);
}

/* The page is put right again: only a new connection may mend it. */
static void front_is_broken_for_good(struct pair *pair, uint32_t good_prod)
{
	struct xensnd_evt evt;

	assert_int_equal(xensnd_front_events_get(&pair->front, &evt), -EPROTO);
	pair->page->in_prod = good_prod;
	assert_int_equal(xensnd_front_events_get(&pair->front, &evt), -EPROTO);
}

static void page_refuses_a_producer_that_runs_ahead(void **state)
{
	struct pair *pair = *state;

	pair->page->in_prod = 64;
	front_is_broken_for_good(pair, 1);
}

static void page_refuses_a_producer_that_goes_back(void **state)
{
	struct pair *pair = *state;

	events_put(pair, 0, 2);
	xensnd_back_events_push(&pair->back);
	events_get(pair, 0, 2);
	pair->page->in_prod = 1;
	front_is_broken_for_good(pair, 3);
}

static void page_takes_as_many_events_as_there_are_slots(void **state)
{
	struct pair *pair = *state;
	struct xensnd_evt evt;

	pair->page->in_prod = 63;
	for (unsigned int i = 0; i < 63; i++)
		assert_int_equal(xensnd_front_events_get(&pair->front, &evt), 1);
	events_none(pair);
}

static void page_drops_events_for_a_frontend_that_lies(void **state)
{
	static const uint32_t lies[] = { 11, 12, 1000, 0x80000000, UINT32_MAX - 52 };
	struct pair *pair = *state;

	/*
	 * Ten were put; in_cons claims to be ahead of them, or so far behind that it comes to the
	 * same.
	 */
	events_put(pair, 0, 10);
	xensnd_back_events_push(&pair->back);
	for (size_t i = 0; i < UNIT_COUNT(lies); i++) {
		pair->page->in_cons = lies[i];
		events_full(pair);
		assert_false(xensnd_back_events_push(&pair->back));
	}
	/* It costs the liar his events, no more. */
	pair->page->in_cons = 10;
	events_put(pair, 10, 1);
	assert_true(xensnd_back_events_push(&pair->back));
}

static void page_never_reads_its_own_indices_back(void **state)
{
	struct pair *pair = *state;

	events_put(pair, 0, 2);
	xensnd_back_events_push(&pair->back);
	pair->page->in_cons = 1;
	events_get(pair, 0, 1);
	pair->page->in_cons = 50;
	events_get(pair, 1, 1);
	assert_int_equal(pair->page->in_cons, 2);
	pair->page->in_prod = 5;
	events_put(pair, 2, 1);
	xensnd_back_events_push(&pair->back);
	assert_int_equal(pair->page->in_prod, 3);
	events_get(pair, 2, 1);
}

static void page_is_handed_over_without_touching_it(void **state)
{
	struct pair *pair = *state;
	unsigned char before[XENSND_PAGE_BYTES];
	struct xensnd_front_events next;

	events_put(pair, 0, 3);
	xensnd_back_events_push(&pair->back);
	events_get(pair, 0, 2);
	memcpy(before, pair->page, sizeof(before));
	memset(&next, 0xa5, sizeof(next));
	xensnd_front_events_attach(&next, pair->page, pair->front.cons);
	assert_memory_equal(before, pair->page, sizeof(before));
	pair->front = next;
	events_get(pair, 2, 1);
	events_none(pair);
}

#define THREAD_EVENTS 200000u

static void *back_thread(void *argument)
{
	struct pair *pair = argument;

	for (uint32_t i = 0; i < THREAD_EVENTS; i++) {
		struct xensnd_evt evt = event_numbered(i);

		while (xensnd_back_events_put(&pair->back, &evt) == -EAGAIN)
			sched_yield();
		xensnd_back_events_push(&pair->back);
	}
	return NULL;
}

static void page_passes_every_event_between_two_threads(void **state)
{
	struct pair *pair = *state;
	pthread_t thread;
	bool good = true;

	assert_int_equal(pthread_create(&thread, NULL, back_thread, pair), 0);
	for (uint32_t i = 0; i < THREAD_EVENTS; i++) {
		struct xensnd_evt expected = event_numbered(i), evt;

		while (xensnd_front_events_get(&pair->front, &evt) == 0)
			sched_yield();
		good = good && memcmp(&evt, &expected, sizeof(evt)) == 0;
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(good);
}

#define PAGE_TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAGE_TEST(page_starts_empty_and_zeroed),
		PAGE_TEST(page_carries_events_unchanged_in_order),
		PAGE_TEST(page_hides_what_was_not_pushed),
		PAGE_TEST(page_acknowledges_each_event),
		PAGE_TEST(page_has_63_slots_and_drops_what_does_not_fit),
		PAGE_TEST(page_goes_on_past_its_last_slot),
		PAGE_TEST(page_jumps_to_slot_0_where_the_index_wraps),
		PAGE_TEST(page_survives_the_wrap_of_its_indices),
		PAGE_TEST(page_refuses_a_producer_that_runs_ahead),
		PAGE_TEST(page_refuses_a_producer_that_goes_back),
		PAGE_TEST(page_takes_as_many_events_as_there_are_slots),
		PAGE_TEST(page_drops_events_for_a_frontend_that_lies),
		PAGE_TEST(page_never_reads_its_own_indices_back),
		PAGE_TEST(page_is_handed_over_without_touching_it),
		PAGE_TEST(page_passes_every_event_between_two_threads),
	};

	return UNIT_RUN("event page", tests);
}
