/* SPDX-License-Identifier: MIT */
/*
 * What the preloaded library and the hypervisor's daemon say to each other: one request and one
 * answer per connection, and a shared table of event-channel ports. Both sides include this file,
 * so it holds no code but what has to be the same on both.
 */
#ifndef XENNODES_WIRE_H
#define XENNODES_WIRE_H

#include <stdatomic.h>
#include <stdint.h>

#define NODES_PAGE_BYTES 4096u
#define NODES_PORTS 4096u
/* more pages than these in one request are refused before they are sent */
#define NODES_PAGES_MAX 8192u

/* files in $XENNODES_DIR */
#define NODES_SOCKET "ctl"
#define NODES_TABLE "ports"

enum node { NODE_NONE, NODE_GNTALLOC, NODE_GNTDEV, NODE_EVTCHN, NODE_XENBUS, NODE_COUNT };

enum wire_op {
	WIRE_OPEN,  /* node, flags; the descriptor comes with the answer, but for xenbus */
	WIRE_STAT,  /* node: is it there, and may it be opened? */
	WIRE_IOCTL, /* inode, cmd, args; a list of references as data, either way */
	WIRE_MMAP, /* inode, args: offset, bytes, prot, shared; answered by runs and a descriptor */
	WIRE_CONTROL, /* text as data, either way */
	WIRE_DOMAIN,  /* args: first domain id; result: the first one that exists from there on */
};

/*
 * A file is known by the inode of its socket, which is the same in every process that has the
 * descriptor, however it got there.
 */
struct wire_request {
	uint32_t op;
	uint32_t node;
	uint32_t domid;
	uint32_t system; /* asked by the emulated host's own servers: not counted */
	uint64_t inode;
	uint64_t cmd;
	uint64_t args[4];
};

struct wire_answer {
	int64_t result; /* or a negative errno */
	uint64_t values[2];
};

/* A foreign grant as IOCTL_GNTDEV_MAP_GRANT_REF lists it. */
struct wire_reference {
	uint32_t domid;
	uint32_t ref;
};

/* Pages of a mapping that follow each other in the memory file. */
struct wire_run {
	uint32_t frame;
	uint32_t pages;
};

/*
 * The shared port table. A port's two bits live in one word, so that either the sender sees MASKED
 * and the unmasking that follows sees its PENDING, or the sender sees the port open and sends. All
 * operations on it are sequentially consistent.
 */
#define PORT_PENDING 1u
#define PORT_MASKED 2u

struct table_port {
	_Atomic uint64_t owner; /* inode of the file that the port belongs to, 0: none */
	_Atomic uint32_t peer;  /* 0: none */
	_Atomic uint32_t bits;
};

struct port_table {
	_Atomic uint32_t
		notify_asks; /* every notification goes by request: a fault is set for it */
	uint32_t unused;
	struct table_port ports[NODES_PORTS];
};

/*
 * A notification on an event-channel file's own socket. Plain writes there are lists of ports to
 * unmask, a multiple of four octets; this is not.
 */
struct wire_notify {
	uint8_t octets[7];
};

#endif
