/* SPDX-License-Identifier: MIT */
/* Starting a thread. See thread.h. */
#include "thread.h"

#include <signal.h>

int xensnd_thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	ret = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (ret == 0) {
		ret = pthread_create(thread, NULL, run, argument);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	return -ret;
}
