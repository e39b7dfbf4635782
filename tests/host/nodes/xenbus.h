/* SPDX-License-Identifier: MIT */
/* Guests of their own domain id: what a guest's kernel does between /dev/xen/xenbus and xenstored.
 */
#ifndef XENNODES_XENBUS_H
#define XENNODES_XENBUS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Gives a domain a XenStore page, a port and a socket for its processes
 * ($XENNODES_DIR/xenbus-N.sock). Returns the port, with which xenstored is to be told of the
 * domain, or a negative errno.
 */
int xenbus_domain_add(const char *dir, uint32_t domid);
/* Once xenstored has let go of it. Clients are hung up on. */
int xenbus_domain_remove(uint32_t domid);
/* The domain's page as a grant: what the reserved reference of that domain stands for, or 0. */
uint32_t xenbus_domain_ref(uint32_t domid);
/*
 * A restore: the clients of one domain, with their watches, are those of another one from now on,
 * as are processes that say they are of the first one.
 */
int xenbus_domain_move(const char *dir, uint32_t from_domid, uint32_t to_domid);
/* The id that a domain has now. */
uint32_t xenbus_domid(uint32_t domid);
/* xenstored notified the kernel's port. */
void xenbus_event(uint32_t port);
/* Whether the descriptor is one of those here; if so, it was served. */
bool xenbus_ready(int fd);

/* ---- xennodes.c ---- */

void descriptor_watch(int fd);
void descriptor_watch_output(int fd, bool on);

#endif
