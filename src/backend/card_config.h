/* SPDX-License-Identifier: MIT */
/*
 * A card's configuration, out of the guest's reach.
 *
 * The toolstack writes it into the frontend's folder, which belongs to the guest; libxl keeps no
 * copy of it (its own folder has the backend's nodes only). So the backend copies it into its
 * folder, which the guest can only read, when it first sees the card: before libxl lets a new
 * domain run. From then on it reads the copy, also after a restart of the daemon, and a guest that
 * rewrites unique-id, type or limits changes nothing.
 *
 * Apart from the card because it is the one place that knows of two folders with the same nodes.
 */
#ifndef XENSND_BACKEND_CARD_CONFIG_H
#define XENSND_BACKEND_CARD_CONFIG_H

#include <xenstore.h>

#include "protocol/config.h"

/*
 * Makes the copy unless there is one, and writes "versions", which marks it as complete; then reads
 * it into *config. Both paths are folders of a card. 0; -EINVAL, -ENODEV: as xensnd_config_read(),
 * config->error says why and nothing was copied; another negative errno.
 */
int xensnd_card_config_take(struct xs_handle *xs, const char *backend, const char *frontend,
	struct xensnd_card_config *config);

#endif
