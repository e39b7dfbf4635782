/* SPDX-License-Identifier: MIT */
/*
 * The page directory: what the frontend fills and the backend walks. Nothing of Xen is needed: a
 * page is memory.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/page_directory.h"

/* Directory page number n is named DIRECTORY_GREF + n, data page n is named DATA_GREF + n. */
#define DIRECTORY_GREF 500000u
#define DATA_GREF 9u

struct directory {
	grant_ref_t *pages;
	unsigned int n_pages;
	grant_ref_t *data;
	unsigned int n_data;
};

static struct directory directory_make(unsigned int n_data)
{
	struct directory directory = { .n_pages = xensnd_directory_pages(n_data),
		.n_data = n_data };
	grant_ref_t grefs[8];
	size_t bytes = directory.n_pages * (size_t)XENSND_PAGE_BYTES;

	assert_true(directory.n_pages <= UNIT_COUNT(grefs));
	directory.pages = aligned_alloc(XENSND_PAGE_BYTES, bytes);
	directory.data = calloc(n_data, sizeof(directory.data[0]));
	assert_non_null(directory.pages);
	assert_non_null(directory.data);
	memset(directory.pages, 0xa5, bytes);
	for (unsigned int i = 0; i < directory.n_pages; i++)
		grefs[i] = DIRECTORY_GREF + i;
	for (unsigned int i = 0; i < n_data; i++)
		directory.data[i] = DATA_GREF + i;
	xensnd_directory_fill(directory.pages, grefs, directory.n_pages, directory.data, n_data);
	return directory;
}

static void directory_free(struct directory *directory)
{
	free(directory->pages);
	free(directory->data);
}

static grant_ref_t *directory_page(const struct directory *directory, unsigned int page)
{
	return directory->pages + page * (XENSND_PAGE_BYTES / sizeof(grant_ref_t));
}

/* Walks as the backend does, from the first page on; returns what the last page returned. */
static int directory_walk(const struct directory *directory, struct xensnd_directory_walk *walk,
	unsigned int *visited)
{
	grant_ref_t at = DIRECTORY_GREF;
	int ret;

	*visited = 0;
	do {
		assert_in_range(at, DIRECTORY_GREF, DIRECTORY_GREF + directory->n_pages - 1);
		ret = xensnd_directory_walk_page(
			walk, directory_page(directory, at - DIRECTORY_GREF), &at);
		(*visited)++;
	} while (ret == 1);
	return ret;
}

static void directory_counts_the_pages_of_a_buffer(void **state)
{
	(void)state;
	assert_int_equal(xensnd_buffer_pages(0), 0);
	assert_int_equal(xensnd_buffer_pages(1), 1);
	assert_int_equal(xensnd_buffer_pages(4095), 1);
	assert_int_equal(xensnd_buffer_pages(4096), 1);
	assert_int_equal(xensnd_buffer_pages(4097), 2);
	assert_int_equal(xensnd_buffer_pages(UINT32_MAX - 4094), 1048576);
	assert_int_equal(xensnd_buffer_pages(UINT32_MAX), 1048576);
}

static void directory_counts_its_own_pages(void **state)
{
	(void)state;
	assert_int_equal(xensnd_directory_pages(0), 1);
	assert_int_equal(xensnd_directory_pages(1), 1);
	assert_int_equal(xensnd_directory_pages(1022), 1);
	assert_int_equal(xensnd_directory_pages(1023), 1);
	assert_int_equal(xensnd_directory_pages(1024), 2);
	assert_int_equal(xensnd_directory_pages(2046), 2);
	assert_int_equal(xensnd_directory_pages(2047), 3);
	assert_int_equal(xensnd_directory_pages(1048576), 1026);
}

static void directory_is_laid_out_as_the_header_says(void **state)
{
	struct directory directory = directory_make(1024);
	const grant_ref_t *first = directory_page(&directory, 0),
			  *second = directory_page(&directory, 1);

	(void)state;
	assert_int_equal(first[0], DIRECTORY_GREF + 1);
	assert_int_equal(first[1], DATA_GREF);
	assert_int_equal(first[1023], DATA_GREF + 1022);
	assert_int_equal(second[0], 0);
	assert_int_equal(second[1], DATA_GREF + 1023);
	for (unsigned int i = 2; i < 1024; i++)
		assert_int_equal(second[i], 0);
	directory_free(&directory);
}

static void directory_walk_finds_what_was_filled_in(void **state)
{
	static const unsigned int counts[] = { 1, 2, 1022, 1023, 1024, 2046, 2047, 4096 };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(counts); i++) {
		struct directory directory = directory_make(counts[i]);
		struct xensnd_directory_walk walk = { .n_grefs = counts[i] };
		unsigned int visited;

		walk.grefs = calloc(counts[i], sizeof(walk.grefs[0]));
		assert_non_null(walk.grefs);
		assert_int_equal(directory_walk(&directory, &walk, &visited), 0);
		assert_int_equal(visited, directory.n_pages);
		assert_int_equal(walk.found, counts[i]);
		assert_memory_equal(walk.grefs, directory.data, counts[i] * sizeof(walk.grefs[0]));
		free(walk.grefs);
		directory_free(&directory);
	}
}

static void directory_of_no_pages_is_complete_at_once(void **state)
{
	struct directory directory = directory_make(0);
	struct xensnd_directory_walk walk = { .n_grefs = 0 };
	unsigned int visited;

	(void)state;
	assert_int_equal(directory_walk(&directory, &walk, &visited), 0);
	assert_int_equal(walk.found, 0);
	directory_free(&directory);
}

static void directory_walk_refuses_grant_0(void **state)
{
	static const unsigned int places[] = { 0, 1, 500, 1022, 1023, 1500 };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(places); i++) {
		struct directory directory = directory_make(1501);
		grant_ref_t grefs[1501];
		struct xensnd_directory_walk walk = { .grefs = grefs, .n_grefs = 1501 };
		unsigned int visited;

		directory_page(&directory, places[i] / 1023)[1 + places[i] % 1023] = 0;
		assert_int_equal(directory_walk(&directory, &walk, &visited), -EINVAL);
		assert_int_equal(visited, 1 + places[i] / 1023);
		directory_free(&directory);
	}
}

static void directory_walk_ignores_what_is_behind_the_last_page(void **state)
{
	struct directory directory = directory_make(3);
	grant_ref_t grefs[2];
	struct xensnd_directory_walk walk = { .grefs = grefs, .n_grefs = 2 };
	unsigned int visited;

	(void)state;
	directory_page(&directory, 0)[0] = 77;
	directory_page(&directory, 0)[3] = 0;
	assert_int_equal(directory_walk(&directory, &walk, &visited), 0);
	assert_int_equal(visited, 1);
	assert_int_equal(walk.found, 2);
	directory_free(&directory);
}

static void directory_walk_refuses_an_early_end(void **state)
{
	struct directory directory = directory_make(1023);
	grant_ref_t grefs[1024];
	struct xensnd_directory_walk walk = { .grefs = grefs, .n_grefs = 1024 };
	unsigned int visited;

	(void)state;
	assert_int_equal(directory_walk(&directory, &walk, &visited), -EINVAL);
	assert_int_equal(visited, 1);
	directory_free(&directory);
}

static void directory_walk_of_a_loop_ends_by_itself(void **state)
{
	struct directory directory = directory_make(1023);
	struct xensnd_directory_walk walk = { .n_grefs = 3000 };
	unsigned int visited;

	(void)state;
	/* As large as promised, so that the address sanitizer sees one more. */
	walk.grefs = calloc(walk.n_grefs, sizeof(walk.grefs[0]));
	assert_non_null(walk.grefs);
	directory_page(&directory, 0)[0] = DIRECTORY_GREF;
	assert_int_equal(directory_walk(&directory, &walk, &visited), 0);
	assert_int_equal(visited, 3);
	assert_int_equal(walk.found, 3000);
	assert_int_equal(walk.grefs[1022], DATA_GREF + 1022);
	assert_int_equal(walk.grefs[1023], DATA_GREF);
	free(walk.grefs);
	directory_free(&directory);
}

static void directory_walk_stays_inside_the_page_and_the_array(void **state)
{
	struct directory directory = directory_make(2046);
	grant_ref_t grefs[1100];
	struct xensnd_directory_walk walk = { .grefs = grefs, .n_grefs = 1024 };
	grant_ref_t next = 0;

	(void)state;
	memset(grefs, 0xa5, sizeof(grefs));
	assert_int_equal(
		xensnd_directory_walk_page(&walk, directory_page(&directory, 0), &next), 1);
	assert_int_equal(walk.found, 1023);
	assert_int_equal(next, DIRECTORY_GREF + 1);
	assert_int_equal(
		xensnd_directory_walk_page(&walk, directory_page(&directory, 1), &next), 0);
	assert_int_equal(walk.found, 1024);
	for (unsigned int i = 1024; i < 1100; i++)
		assert_int_equal(grefs[i], 0xa5a5a5a5);
	directory_free(&directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directory_counts_the_pages_of_a_buffer),
		cmocka_unit_test(directory_counts_its_own_pages),
		cmocka_unit_test(directory_is_laid_out_as_the_header_says),
		cmocka_unit_test(directory_walk_finds_what_was_filled_in),
		cmocka_unit_test(directory_of_no_pages_is_complete_at_once),
		cmocka_unit_test(directory_walk_refuses_grant_0),
		cmocka_unit_test(directory_walk_ignores_what_is_behind_the_last_page),
		cmocka_unit_test(directory_walk_refuses_an_early_end),
		cmocka_unit_test(directory_walk_of_a_loop_ends_by_itself),
		cmocka_unit_test(directory_walk_stays_inside_the_page_and_the_array),
	};

	return UNIT_RUN("page directory", tests);
}
