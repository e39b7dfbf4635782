/* SPDX-License-Identifier: MIT */
/* Giving up privileges. See privileges.h. */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int user_become(const char *name, const struct xensnd_log *log)
{
	const struct passwd *user;

	errno = 0;
	user = getpwnam(name);
	if (!user) {
		xensnd_log(log, XENSND_LOG_ERROR, "--user: there is no user %s", name);
		return errno > 0 ? -errno : -ENOENT;
	}
	if (initgroups(name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 ||
		setuid(user->pw_uid) < 0) {
		int ret = -errno;

		xensnd_log(
			log, XENSND_LOG_ERROR, "can not become user %s: %s", name, strerror(errno));
		return ret;
	}
	return 0;
}

int xensnd_privileges_drop(const char *user, const struct xensnd_log *log)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
	int ret = user ? user_become(user, log) : 0;

	if (ret < 0)
		return ret;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &header, none) < 0) {
		ret = -errno;
		xensnd_log(log, XENSND_LOG_ERROR, "can not drop capabilities: %s", strerror(errno));
	}
	return ret;
}
