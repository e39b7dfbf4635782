/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing single XenStore nodes, and a card's configuration, through libxenstore.
 *
 * Apart because both ends do it in the same way: every value is somebody else's, so numbers are
 * parsed strictly, and libxenstore's NULL-and-errno becomes a negative errno.
 */
#ifndef XENSND_XENBUS_NODE_H
#define XENSND_XENBUS_NODE_H

#include <stdint.h>
#include <xenstore.h>

#include "protocol/config.h"

/*
 * The text of "<base>/<node>", to be freed; NULL with errno if there is none (ENOENT) or on another
 * error.
 */
char *xensnd_node_read(
	struct xs_handle *xs, xs_transaction_t transaction, const char *base, const char *node);

/* A decimal number in [min, max]: 0; -ENOENT: no such node; -EINVAL: something else is in it. */
int xensnd_node_read_number(struct xs_handle *xs, xs_transaction_t transaction, const char *base,
	const char *node, uint32_t min, uint32_t max, uint32_t *value);

/* Writes "<base>/<node>". 0 or a negative errno. */
__attribute__((format(printf, 5, 6))) int xensnd_node_write(struct xs_handle *xs,
	xs_transaction_t transaction, const char *base, const char *node, const char *format, ...);

/* Removes "<base>/<node>"; one that is not there is no error. */
int xensnd_node_remove(
	struct xs_handle *xs, xs_transaction_t transaction, const char *base, const char *node);

/* This domain's number, or UINT32_MAX if XenStore does not say. */
uint32_t xensnd_node_own_domid(struct xs_handle *xs);

/* The XenBus state of a base (XenbusStateUnknown if the node is missing or malformed). */
unsigned int xensnd_node_state(struct xs_handle *xs, const char *base);

/*
 * Reads the configuration of the card whose frontend nodes are below base; see
 * xensnd_config_read().
 */
int xensnd_node_read_card(struct xs_handle *xs, const char *base, struct xensnd_card_config *card);

#endif
