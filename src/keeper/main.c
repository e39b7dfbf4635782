/* SPDX-License-Identifier: MIT */
/*
 * xensnd-keeper: holds what it was given and does nothing, until the machine stops. Why there has
 * to be such a program is said in src/frontend/keeper.h.
 *
 * systemd ends what it finds in the control group of a service or a session that ends, so the
 * keeper leaves that; and at the machine's end it waits for every process whose name does not begin
 * with
 * "@" (its documentation on storage daemons of the root file system).
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int group = open("/sys/fs/cgroup/cgroup.procs", O_WRONLY | O_CLOEXEC);
	ssize_t moved = group >= 0 ? write(group, "0", 1) : 0;
	sigset_t all;

	/* Not permitted, or no such file system: then it stays where it is. */
	(void)moved;
	if (group >= 0)
		close(group);
	if (chdir("/") < 0)
		return 1;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	(void)prctl(PR_SET_NAME, "xensnd-keeper");
	if (argc > 0 && argv[0][0] != '\0')
		argv[0][0] = '@';
	for (;;)
		pause();
}
