// SPDX-License-Identifier: MIT
/*
 * Tells xenstored that a domain exists or is gone. This is not the daemon's to do: xenstored asks
 * the daemon for the domain's page and port before it answers.
 */
#include "domain.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xen/io/xs_wire.h>

static bool all_read(int sock, void *data, size_t count)
{
	return recv(sock, data, count, MSG_WAITALL) == (ssize_t)count;
}

/* One request of strings, each with its zero, and whether xenstored answered it in kind. */
static bool store_ask(uint32_t type, const char *payload, size_t count)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct xsd_sockmsg header = { .type = type, .len = (uint32_t)count };
	const char *dir = getenv("XENSTORED_RUNDIR"); /* XENSTORED_PATH may be a guest's */
	char text[XENSTORE_PAYLOAD_MAX + 1] = "";
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good;

	if (!dir || sock < 0 ||
		snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", dir) >=
			(int)sizeof(address.sun_path)) {
		fprintf(stderr, "XENSTORED_RUNDIR names no folder with xenstored's socket\n");
		return false;
	}
	good = connect(sock, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	       send(sock, &header, sizeof(header), MSG_NOSIGNAL) == (ssize_t)sizeof(header) &&
	       send(sock, payload, count, MSG_NOSIGNAL) == (ssize_t)count &&
	       all_read(sock, &header, sizeof(header)) && header.len <= XENSTORE_PAYLOAD_MAX &&
	       all_read(sock, text, header.len);
	close(sock);
	if (good && header.type == type)
		return true;
	fprintf(stderr, "xenstored at %s: %s\n", address.sun_path, good ? text : "no answer");
	return false;
}

int domain_introduce(const char *dir, const char *domid)
{
	char command[64], port[256], payload[128];
	int count;

	snprintf(command, sizeof(command), "domain-add %s", domid);
	if (control_send(dir, command, port, sizeof(port)) < 0) {
		fputs(port, stderr);
		return 1;
	}
	port[strcspn(port, "\n")] = '\0';
	/* the page's frame number is of no interest: xenstored maps the reserved grant */
	count = snprintf(payload, sizeof(payload), "%s%c1%c%s%c", domid, 0, 0, port, 0);
	return !store_ask(XS_INTRODUCE, payload, (size_t)count);
}

int domain_release(const char *dir, const char *domid)
{
	char command[64], said[256];

	if (!store_ask(XS_RELEASE, domid, strlen(domid) + 1))
		return 1;
	snprintf(command, sizeof(command), "domain-remove %s", domid);
	if (control_send(dir, command, said, sizeof(said)) == 0)
		return 0;
	fputs(said, stderr);
	return 1;
}
