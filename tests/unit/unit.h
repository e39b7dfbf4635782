/* SPDX-License-Identifier: MIT */
/*
 * What every unit test needs: cmocka with the headers that it wants first, TAP on standard output,
 * and random numbers that are the same in every run.
 *
 * Apart so that all test programs print alike and a failure of a random test can be repeated.
 */
#ifndef XENSND_TESTS_UNIT_UNIT_H
#define XENSND_TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define UNIT_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Runs an array of tests; unit is the name of what they are about. The value is for main() to
 * return.
 */
#define UNIT_RUN(unit, tests)                      \
	(cmocka_set_message_output(CM_OUTPUT_TAP), \
		cmocka_run_group_tests_name(unit, tests, NULL, NULL))

struct unit_random {
	uint64_t state;
};

/* Starts a sequence and prints its seed as a comment in the TAP output. */
static inline struct unit_random unit_random_start(uint64_t seed)
{
	printf("# seed %#llx\n", (unsigned long long)seed);
	return (struct unit_random){ .state = seed };
}

/* The next number (splitmix64). */
static inline uint64_t unit_random_next(struct unit_random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* A number in [min, max]. */
static inline uint32_t unit_random_in(struct unit_random *random, uint32_t min, uint32_t max)
{
	return min + (uint32_t)(unit_random_next(random) % ((uint64_t)max - min + 1));
}

#endif
