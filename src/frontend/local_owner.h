/* SPDX-License-Identifier: MIT */
/*
 * The owner of a card on a thread of the program's own process, shared by all of the program's
 * streams of that card.
 *
 * Apart from the owner itself because a broker process runs the same loop. There is no process-wide
 * list of owners: a second stream finds the first one's owner by a socket whose name only means
 * something within the process.
 */
#ifndef XENSND_FRONTEND_LOCAL_OWNER_H
#define XENSND_FRONTEND_LOCAL_OWNER_H

#include <stdint.h>

#include "common/log.h"

struct xensnd_local_owner;

/* A stream's hold on an owner. */
struct xensnd_local_hold {
	int fd; /* the connection (link.h); closed by xensnd_local_owner_leave() */
	struct xensnd_local_owner *owner;
};

/*
 * Connects to this process' owner of a card, starting it if there is none. The log must stay valid
 * as long as the process has a stream of the card open. 0 or a negative errno; whether the card can
 * be had is in the answer to XENSND_LINK_CLAIM.
 */
int xensnd_local_owner_join(
	struct xensnd_local_hold *hold, unsigned int card, const struct xensnd_log *log);

/* Ends the hold. The last one closes the card and joins the owner's thread. */
void xensnd_local_owner_leave(struct xensnd_local_hold *hold);

#endif
