/* SPDX-License-Identifier: MIT */
/* XenStore paths, against their spelling, and cut nowhere. */
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "protocol/xenstore_path.h"

static void path_spells_what_sndif_says(void **state)
{
	char path[XENSND_PATH_BYTES];

	(void)state;
	assert_int_equal(xensnd_path_frontend_card(path, sizeof(path), 3), 0);
	assert_string_equal(path, "device/vsnd/3");
	assert_int_equal(xensnd_path_below(path, sizeof(path), "backend/vsnd/7/0", "state"), 0);
	assert_string_equal(path, "backend/vsnd/7/0/state");
	assert_int_equal(xensnd_path_numbered(path, sizeof(path), "backend/vsnd/7", 12), 0);
	assert_string_equal(path, "backend/vsnd/7/12");
	assert_int_equal(xensnd_path_device_node(path, sizeof(path), 31, "name"), 0);
	assert_string_equal(path, "31/name");
	assert_int_equal(xensnd_path_stream_node(path, sizeof(path), 0, 7, "evt-ring-ref"), 0);
	assert_string_equal(path, "0/7/evt-ring-ref");
	assert_string_equal(XENSND_PATH_FRONTEND_CARDS, "device/vsnd");
	assert_string_equal(XENSND_PATH_BACKEND_GUESTS, "backend/vsnd");
}

static void path_that_does_not_fit_is_an_error(void **state)
{
	char path[32];

	(void)state;
	for (size_t size = 0; size <= 14; size++) {
		int expected = size >= 14 ? 0 : -ENAMETOOLONG;

		memset(path, '#', sizeof(path));
		assert_int_equal(xensnd_path_frontend_card(path, size, 3), expected);
		assert_int_equal(path[size], '#');
		assert_int_equal(xensnd_path_below(path, size, "device", "vsnd/3"), expected);
		assert_int_equal(xensnd_path_numbered(path, size, "device/vsnd", 3), expected);
		assert_int_equal(xensnd_path_device_node(path, size, 1, "event-chann"), expected);
		assert_int_equal(xensnd_path_stream_node(path, size, 1, 2, "ring-refs"), expected);
		assert_int_equal(path[size], '#');
	}
}

static void path_size_is_enough_below_a_base_of_100(void **state)
{
	char path[XENSND_PATH_BYTES], base[101], node[XENSND_PATH_BYTES];

	(void)state;
	memset(base, 'b', 100);
	base[100] = '\0';
	assert_int_equal(xensnd_path_stream_node(
				 node, sizeof(node), UINT_MAX, UINT_MAX, "evt-event-channel"),
		0);
	assert_int_equal(xensnd_path_below(path, sizeof(path), base, node), 0);
	assert_int_equal(strlen(path), 100 + 1 + strlen(node));
}

static void states_have_the_names_of_xenbus(void **state)
{
	static const char *const names[] = { "Unknown", "Initialising", "InitWait", "Initialised",
		"Connected", "Closing", "Closed", "Reconfiguring", "Reconfigured" };

	(void)state;
	for (unsigned int i = 0; i < UNIT_COUNT(names); i++)
		assert_string_equal(xensnd_state_name(i), names[i]);
	assert_string_equal(xensnd_state_name(9), "invalid");
	assert_string_equal(xensnd_state_name(UINT_MAX), "invalid");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_spells_what_sndif_says),
		cmocka_unit_test(path_that_does_not_fit_is_an_error),
		cmocka_unit_test(path_size_is_enough_below_a_base_of_100),
		cmocka_unit_test(states_have_the_names_of_xenbus),
	};

	return UNIT_RUN("XenStore paths", tests);
}
