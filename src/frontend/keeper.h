/* SPDX-License-Identifier: MIT */
/*
 * A process that holds a descriptor for ever, so that no program is the last to close it.
 *
 * Apart because it works around one fault of the guest's kernel: after a restore Linux (6.1, and
 * those up to the present that were looked at) meets a BUG_ON in evtchn_unbind_from_user() when the
 * last copy of an event-channel descriptor from before is closed, also by exit.
 */
#ifndef XENSND_FRONTEND_KEEPER_H
#define XENSND_FRONTEND_KEEPER_H

/*
 * Starts a process with a copy of fd and nothing else of this program's; fd stays the caller's. It
 * is no child of the caller's, who gets no SIGCHLD for it and never has to wait for it. 0 or a
 * negative errno.
 */
int xensnd_keeper_start(int fd);

#endif
