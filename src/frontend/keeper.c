/* SPDX-License-Identifier: MIT */
/* The keeper of descriptors. See keeper.h. */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEPT_FD 3

/*
 * A child whose end sends no signal, and that runs no handlers of pthread_atfork(). It may only
 * call what is safe after fork in a program with threads.
 */
static pid_t child_make(void)
{
	return (pid_t)syscall(SYS_clone, 0UL, 0UL, 0UL, 0UL, 0UL);
}

/* By system calls alone: the program that loaded us has no business with exit and its kin. */
__attribute__((noreturn)) static void child_end(int status)
{
	for (;;)
		(void)syscall(SYS_exit_group, status);
}

__attribute__((noreturn)) static void keeper_run(int fd)
{
	char name[] = "xensnd-keeper";
	char *const arguments[] = { name, NULL };
	extern char **environ;

	(void)setsid();
	if (fd == KEPT_FD ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, KEPT_FD) < 0)
		child_end(1);
	(void)close_range(KEPT_FD + 1, UINT_MAX, 0);
	for (int standard = 0; standard < KEPT_FD; standard++)
		close(standard);
	/*
	 * Another program holds neither this one's memory nor its granted pages. Signals are
	 * blocked, as in every thread of ours.
	 */
	(void)syscall(SYS_execve, XENSND_KEEPER, arguments, environ);
	for (;;)
		pause();
}

int xensnd_keeper_start(int fd)
{
	pid_t child = child_make();
	int status;

	if (child < 0)
		return -errno;
	if (child == 0) {
		/* A grandchild is adopted by init. */
		child = child_make();
		if (child == 0)
			keeper_run(fd);
		child_end(child < 0);
	}
	while (waitpid(child, &status, (int)__WCLONE) < 0)
		if (errno != EINTR)
			return -errno;
	return status == 0 ? 0 : -EAGAIN;
}
