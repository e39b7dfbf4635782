/* SPDX-License-Identifier: MIT */
/*
 * The lock that makes a process the only owner of a card in its guest.
 *
 * Apart because it is the one thing that has to hold between processes that know nothing of each
 * other. It is a byte of /dev/xen/xenbus, locked as an open file description: whoever may own a
 * card may lock it, nobody else can, the kernel drops it with the process, and nothing is left
 * behind in a file system.
 */
#ifndef XENSND_FRONTEND_CARD_LOCK_H
#define XENSND_FRONTEND_CARD_LOCK_H

#include <sys/types.h>

#define XENSND_XENBUS_NODE "/dev/xen/xenbus"

/*
 * Locks a card. Returns a descriptor that holds the lock, to be given to xensnd_card_unlock();
 * -EBUSY: another owner has it, and *holder is its process or 0 if that can not be told; -ENOENT or
 * -EACCES: the node can not be opened; another negative errno.
 */
int xensnd_card_lock(unsigned int card, pid_t *holder);

/* Lets go, also where a forked child has inherited the descriptor. */
void xensnd_card_unlock(int fd, unsigned int card);

#endif
