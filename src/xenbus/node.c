/* SPDX-License-Identifier: MIT */
/* XenStore nodes. See node.h. */
#include "node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "protocol/xenstore_path.h"

/* libxenstore leaves errno; never report success for a failure that left none. */
static int last_error(void)
{
	return errno > 0 ? -errno : -EIO;
}

char *xensnd_node_read(
	struct xs_handle *xs, xs_transaction_t transaction, const char *base, const char *node)
{
	char path[XENSND_PATH_BYTES];
	unsigned int len;
	char *value;

	if (xensnd_path_below(path, sizeof(path), base, node) < 0) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	value = xs_read(xs, transaction, path, &len);
	/* A value with a NUL inside would be read in part only. */
	if (value && strlen(value) != len) {
		free(value);
		errno = EINVAL;
		return NULL;
	}
	return value;
}

int xensnd_node_read_number(struct xs_handle *xs, xs_transaction_t transaction, const char *base,
	const char *node, uint32_t min, uint32_t max, uint32_t *value)
{
	char *text = xensnd_node_read(xs, transaction, base, node);
	int ret;

	if (!text)
		return last_error();
	ret = xensnd_parse_number(text, min, max, value);
	free(text);
	return ret;
}

int xensnd_node_write(struct xs_handle *xs, xs_transaction_t transaction, const char *base,
	const char *node, const char *format, ...)
{
	char path[XENSND_PATH_BYTES];
	char value[256];
	va_list args;
	int len;

	if (xensnd_path_below(path, sizeof(path), base, node) < 0)
		return -ENAMETOOLONG;
	va_start(args, format);
	len = vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(value))
		return -EINVAL;
	return xs_write(xs, transaction, path, value, (unsigned int)len) ? 0 : last_error();
}

int xensnd_node_remove(
	struct xs_handle *xs, xs_transaction_t transaction, const char *base, const char *node)
{
	char path[XENSND_PATH_BYTES];

	if (xensnd_path_below(path, sizeof(path), base, node) < 0)
		return -ENAMETOOLONG;
	return xs_rm(xs, transaction, path) || errno == ENOENT ? 0 : last_error();
}

uint32_t xensnd_node_own_domid(struct xs_handle *xs)
{
	char *text = xs_read(xs, XBT_NULL, XENSND_NODE_DOMID, NULL);
	uint32_t domid = UINT32_MAX;

	if (text && xensnd_parse_number(text, 0, DOMID_FIRST_RESERVED, &domid) < 0)
		domid = UINT32_MAX;
	free(text);
	return domid;
}

unsigned int xensnd_node_state(struct xs_handle *xs, const char *base)
{
	uint32_t state = XenbusStateUnknown;

	if (xensnd_node_read_number(
		    xs, XBT_NULL, base, XENSND_NODE_STATE, 0, XenbusStateReconfigured, &state) < 0)
		return XenbusStateUnknown;
	return state;
}

struct card_nodes {
	struct xs_handle *xs;
	const char *base;
};

static char *card_node_read(void *context, const char *path)
{
	const struct card_nodes *nodes = context;

	return xensnd_node_read(nodes->xs, XBT_NULL, nodes->base, path);
}

int xensnd_node_read_card(struct xs_handle *xs, const char *base, struct xensnd_card_config *card)
{
	struct card_nodes nodes = { .xs = xs, .base = base };
	const struct xensnd_config_source source = { .read = card_node_read, .context = &nodes };

	return xensnd_config_read(card, &source);
}
