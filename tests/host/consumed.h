/* SPDX-License-Identifier: MIT */
/*
 * What scripted-backend --consumed=FILE publishes, for position_test.c: the file is mapped by both.
 *
 * All counts are bytes since OPEN. Each is stored before the frontend is told of anything that
 * rests on it, so whoever has heard from the frontend finds at least as much here.
 */
#ifndef TESTS_CONSUMED_H
#define TESTS_CONSUMED_H

#include <stdatomic.h>
#include <stdint.h>

struct consumed {
	_Atomic uint64_t moved;     /* played, or recorded */
	_Atomic uint64_t delivered; /* recorded, and in the program's buffer */
	/*
	 * What the frontend has heard of and has told its program: see settled_move(). It is a
	 * lower bound by what happened, not by how long ago.
	 */
	_Atomic uint64_t settled;
};

#endif
