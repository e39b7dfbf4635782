/* SPDX-License-Identifier: MIT */
/*
 * Being a service: only one at a time, and saying when it is ready.
 *
 * Apart from main() because these are two small promises to the host's administration, each with
 * its own failures.
 */
#ifndef XENSND_BACKEND_SERVICE_H
#define XENSND_BACKEND_SERVICE_H

/*
 * Writes our process id into a file and locks it for as long as the process lives. path may be
 * NULL: then it is xensnd-backend.pid in $XENSTORED_RUNDIR (one backend for each xenstored) or
 * /run. Returns the descriptor to keep; -EBUSY: another backend has it; another negative errno.
 * *used is the path, to be freed.
 */
int xensnd_pid_file_lock(const char *path, char **used);

/* Tells systemd, if it asks ($NOTIFY_SOCKET, sd_notify(3)), that the service is ready or ending
 * ("READY=1"). */
void xensnd_service_notify(const char *state);

#endif
