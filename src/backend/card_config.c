/* SPDX-License-Identifier: MIT */
/* The kept configuration of a card. See card_config.h. */
#include "card_config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "protocol/xenstore_path.h"
#include "xenbus/node.h"

/* Version 1 has another packet layout and is not served. */
#define VERSIONS "2"

static const char *const parameters[] = { XENSND_FIELD_CHANNELS_MIN, XENSND_FIELD_CHANNELS_MAX,
	XENSND_FIELD_SAMPLE_RATES, XENSND_FIELD_SAMPLE_FORMATS, XENSND_FIELD_BUFFER_SIZE, NULL };
static const char *const identity[] = { XENSND_FIELD_TYPE, XENSND_FIELD_STREAM_UNIQUE_ID, NULL };

struct copy {
	struct xs_handle *xs;
	const char *backend;
	const char *frontend;
};

/* Copies the nodes that are there of one level ("", "0/" or "0/1/"). */
static int nodes_copy(const struct copy *copy, const char *level, const char *const *nodes)
{
	for (; *nodes; nodes++) {
		char node[64], path[XENSND_PATH_BYTES];
		char *value;
		bool written;

		snprintf(node, sizeof(node), "%s%s", level, *nodes);
		value = xensnd_node_read(copy->xs, XBT_NULL, copy->frontend, node);
		if (!value && errno == ENOENT)
			continue;
		if (!value)
			return -errno;
		written = xensnd_path_below(path, sizeof(path), copy->backend, node) == 0 &&
			  xs_write(copy->xs, XBT_NULL, path, value, (unsigned int)strlen(value));
		free(value);
		if (!written)
			return errno > 0 ? -errno : -EIO;
	}
	return 0;
}

static int config_copy(const struct copy *copy, const struct xensnd_card_config *config)
{
	char level[32];
	int ret = nodes_copy(copy, "", parameters);

	for (unsigned int i = 0; i < config->n_devices && ret == 0; i++) {
		snprintf(level, sizeof(level), "%u/", i);
		ret = nodes_copy(copy, level, parameters);
	}
	for (unsigned int i = 0; i < config->n_streams && ret == 0; i++) {
		snprintf(level, sizeof(level), "%u/%u/", config->streams[i].device,
			config->streams[i].index);
		ret = nodes_copy(copy, level, identity);
		if (ret == 0)
			ret = nodes_copy(copy, level, parameters);
	}
	return ret;
}

static bool copy_is_complete(struct xs_handle *xs, const char *backend)
{
	char *versions = xensnd_node_read(xs, XBT_NULL, backend, XENSND_FIELD_BE_VERSIONS);

	free(versions);
	return versions != NULL;
}

int xensnd_card_config_take(struct xs_handle *xs, const char *backend, const char *frontend,
	struct xensnd_card_config *config)
{
	const struct copy copy = { .xs = xs, .backend = backend, .frontend = frontend };
	int ret;

	if (!copy_is_complete(xs, backend)) {
		ret = xensnd_node_read_card(xs, frontend, config);
		if (ret == 0)
			ret = config_copy(&copy, config);
		if (ret == 0)
			ret = xensnd_node_write(
				xs, XBT_NULL, backend, XENSND_FIELD_BE_VERSIONS, "%s", VERSIONS);
		if (ret < 0)
			return ret;
	}
	return xensnd_node_read_card(xs, backend, config);
}
