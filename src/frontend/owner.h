/* SPDX-License-Identifier: MIT */
/*
 * The owner of a card: the event loop that holds the card (card.h) and hands its streams to clients
 * over their sockets (link.h).
 *
 * Apart from where it runs: here on a thread of the program (local_owner.h). Everything in the
 * structure belongs to the thread that runs the loop, but for the two descriptors that it is woken
 * and reached by.
 */
#ifndef XENSND_FRONTEND_OWNER_H
#define XENSND_FRONTEND_OWNER_H

#include <stdbool.h>

#include "card.h"
#include "common/log.h"

struct xensnd_owner_client;

struct xensnd_owner {
	struct xensnd_card card;
	struct xensnd_log log;
	unsigned int number;                 /* of the card */
	struct xensnd_owner_client *clients; /* a list */
	unsigned int n_clients;

	int quit_fd;   /* an eventfd; readable: close the card and return */
	int listen_fd; /* clients connect here, or -1 */
	/* Asked for each connection, with its socket; false: refuse it. */
	bool (*admit)(struct xensnd_owner *owner, int fd);
};

/*
 * Adds a client whose connected socket is fd, which becomes the owner's. Before the loop runs. 0 or
 * -ENOMEM.
 */
int xensnd_owner_add(struct xensnd_owner *owner, int fd);

/*
 * Takes the card and serves until quit_fd is readable; then closes the card in an orderly way and
 * frees all.
 */
void xensnd_owner_run(struct xensnd_owner *owner);

#endif
