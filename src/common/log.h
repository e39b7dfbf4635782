/* SPDX-License-Identifier: MIT */
/*
 * Log lines with a level, handed to a function of the program's choice.
 *
 * Apart because the same code runs in other people's processes, where a line goes to alsa-lib's
 * error handler and stderr is not ours, and in daemons, where it goes to stderr. There is no global
 * logger.
 */
#ifndef XENSND_COMMON_LOG_H
#define XENSND_COMMON_LOG_H

enum xensnd_log_level {
	XENSND_LOG_ERROR,   /* something does not work; says what to do */
	XENSND_LOG_WARNING, /* something works less well than it could */
	XENSND_LOG_INFO,    /* a change of state that an administrator would want to see */
	XENSND_LOG_DEBUG,
};

/* write() may be called from any thread that was given the log. line has no newline at its end. */
struct xensnd_log {
	void (*write)(void *context, enum xensnd_log_level level, const char *line);
	void *context;
	enum xensnd_log_level level; /* lines above it are not even formatted */
};

/* A NULL log swallows the line. Lines are cut at 511 bytes. errno is left alone. */
__attribute__((format(printf, 3, 4))) void xensnd_log(
	const struct xensnd_log *log, enum xensnd_log_level level, const char *format, ...);

#endif
