/* SPDX-License-Identifier: MIT */
/* XenStore paths. See xenstore_path.h. */
#include "xenstore_path.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 3, 4))) static int path_print(
	char *path, size_t size, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(path, size, format, args);
	va_end(args);
	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

int xensnd_path_frontend_card(char *path, size_t size, unsigned int card)
{
	return path_print(path, size, XENSND_PATH_FRONTEND_CARDS "/%u", card);
}

int xensnd_path_below(char *path, size_t size, const char *base, const char *node)
{
	return path_print(path, size, "%s/%s", base, node);
}

int xensnd_path_numbered(char *path, size_t size, const char *base, unsigned int number)
{
	return path_print(path, size, "%s/%u", base, number);
}

int xensnd_path_device_node(char *path, size_t size, unsigned int device, const char *node)
{
	return path_print(path, size, "%u/%s", device, node);
}

int xensnd_path_stream_node(
	char *path, size_t size, unsigned int device, unsigned int stream, const char *node)
{
	return path_print(path, size, "%u/%u/%s", device, stream, node);
}

const char *xensnd_state_name(unsigned int state)
{
	static const char *const names[] = { "Unknown", "Initialising", "InitWait", "Initialised",
		"Connected", "Closing", "Closed", "Reconfiguring", "Reconfigured" };

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "invalid";
}
