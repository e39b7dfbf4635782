/* SPDX-License-Identifier: MIT */
/* A logger for Xen's libraries that says nothing. See quiet_xentoollog.h. */
#include "quiet_xentoollog.h"

__attribute__((format(printf, 5, 0))) static void quiet_vmessage(struct xentoollog_logger *logger,
	xentoollog_level level, int errnoval, const char *context, const char *format, va_list args)
{
	(void)logger;
	(void)level;
	(void)errnoval;
	(void)context;
	(void)format;
	(void)args;
}

static void quiet_destroy(struct xentoollog_logger *logger)
{
	(void)logger;
}

static const struct xentoollog_logger quiet = {
	.vmessage = quiet_vmessage,
	.destroy = quiet_destroy,
};

struct xentoollog_logger *xensnd_quiet_xentoollog(void)
{
	/* The libraries only call through it. */
	union {
		const struct xentoollog_logger *constant;
		struct xentoollog_logger *plain;
	} logger = { .constant = &quiet };

	return logger.plain;
}
