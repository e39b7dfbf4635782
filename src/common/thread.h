/* SPDX-License-Identifier: MIT */
/*
 * Starting a thread inside somebody else's program.
 *
 * Apart because signals are the program's: a thread of ours must never be the one that a signal is
 * delivered to, not even between its start and its first instruction.
 */
#ifndef XENSND_COMMON_THREAD_H
#define XENSND_COMMON_THREAD_H

#include <pthread.h>

/* Starts a thread with all signals blocked, to be joined by the caller. 0 or a negative errno. */
int xensnd_thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);

#endif
