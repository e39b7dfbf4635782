/* SPDX-License-Identifier: MIT */
/* The control command's part of a domain's birth and end: telling xenstored, as a toolstack does.
 */
#ifndef XENNODES_DOMAIN_H
#define XENNODES_DOMAIN_H

#include <stddef.h>

/* Exit statuses. */
int domain_introduce(const char *dir, const char *domid);
int domain_release(const char *dir, const char *domid);

/* ---- xennodes.c ---- */

/* Sends a command to the daemon; what it says goes to `said`. Returns 0 or a negative errno. */
int control_send(const char *dir, const char *words, char *said, size_t size);

#endif
