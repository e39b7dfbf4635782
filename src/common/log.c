/* SPDX-License-Identifier: MIT */
/* Log lines. See log.h. */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void xensnd_log(const struct xensnd_log *log, enum xensnd_log_level level, const char *format, ...)
{
	int saved_errno = errno;
	char line[512];
	va_list args;

	if (!log || level > log->level)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	log->write(log->context, level, line);
	errno = saved_errno;
}
