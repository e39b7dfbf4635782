/* SPDX-License-Identifier: MIT */
/* The daemon's log. See daemon_log.h. */
#include "daemon_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* One write for a line, so that lines of several threads do not mix. */
static void line_write(const char *prefix, const char *line)
{
	char text[640];
	int len = snprintf(text, sizeof(text), "%sxensnd-backend: %s\n", prefix, line);

	if (len > 0)
		(void)!write(STDERR_FILENO, text, (size_t)len);
}

static void plain_write(void *context, enum xensnd_log_level level, const char *line)
{
	(void)context;
	(void)level;
	line_write("", line);
}

static void journal_write(void *context, enum xensnd_log_level level, const char *line)
{
	static const char *const priorities[] = { [XENSND_LOG_ERROR] = "<3>",
		[XENSND_LOG_WARNING] = "<4>",
		[XENSND_LOG_INFO] = "<6>",
		[XENSND_LOG_DEBUG] = "<7>" };

	(void)context;
	line_write(priorities[level], line);
}

void xensnd_daemon_log_init(struct xensnd_log *log, enum xensnd_log_level level)
{
	/* systemd sets it for services whose stderr is the journal. */
	*log = (struct xensnd_log){ .write = getenv("JOURNAL_STREAM") ? journal_write : plain_write,
		.level = level };
}
