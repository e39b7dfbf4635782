// SPDX-License-Identifier: MIT
/*
 * Event channels: what Xen's event_channel.c and the kernel's evtchn driver do with a port. Port
 * numbers are unique over all domains here, so that a number used in the wrong domain is an error.
 */
#include "hyper.h"
#include "xenbus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOMID_SELF_VALUE 0x7ff0u

enum port_state { PORT_FREE, PORT_UNBOUND, PORT_INTERDOMAIN, PORT_VIRQ };

struct port {
	enum port_state state;
	struct file *file; /* NULL: the kernel's own, or free */
	uint32_t domid;
	uint32_t remote; /* domain that may bind it, or has */
	uint32_t peer;
	uint32_t virq;
};

static struct port ports[NODES_PORTS];
static struct port_table *table;
static uint32_t xenstore_port;
static unsigned int xenstore_events;

static bool port_get(struct file *file, uint32_t number)
{
	return number && number < NODES_PORTS && ports[number].state != PORT_FREE &&
	       ports[number].file == file;
}

static uint32_t domid_resolve(struct file *file, uint32_t domid)
{
	return domid == DOMID_SELF_VALUE ? file->domid : domid;
}

/* As Xen does: the lowest free number. Number 0 is never given out. */
static int port_alloc(struct file *file, enum port_state state, uint32_t domid, uint32_t remote)
{
	for (uint32_t i = 1; i < NODES_PORTS; i++) {
		if (ports[i].state != PORT_FREE)
			continue;
		ports[i] = (struct port){
			.state = state, .file = file, .domid = domid, .remote = remote
		};
		atomic_store(&table->ports[i].bits, 0);
		atomic_store(&table->ports[i].peer, 0);
		atomic_store(&table->ports[i].owner, file ? file->inode : 0);
		return (int)i;
	}
	return -ENOSPC;
}

static void port_deliver(uint32_t number)
{
	struct port *port = &ports[number];
	uint32_t bits = atomic_load(&table->ports[number].bits);

	if (!(bits & PORT_PENDING) || (bits & PORT_MASKED))
		return;
	if (!port->file) { /* a kernel's own */
		atomic_store(&table->ports[number].bits, 0);
		if (number == xenstore_port)
			xenstore_events++;
		else
			xenbus_event(number);
		return;
	}
	/* taken before it is handed over: what is sent from now on is another event */
	atomic_store(&table->ports[number].bits, PORT_MASKED);
	if (send(port->file->sock, &number, sizeof(number), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
		errno != EPIPE && errno != ECONNRESET)
		nodes_die("deliver an event");
}

static void port_raise(uint32_t number)
{
	atomic_fetch_or(&table->ports[number].bits, PORT_PENDING);
	port_deliver(number);
}

/* The peer can be bound again by the same domain; nobody is told. */
static void port_close(uint32_t number)
{
	struct port *port = &ports[number];

	if (port->state == PORT_INTERDOMAIN) {
		ports[port->peer].state = PORT_UNBOUND;
		ports[port->peer].peer = 0;
		atomic_store(&table->ports[port->peer].peer, 0);
	}
	*port = (struct port){ .state = PORT_FREE };
	atomic_store(&table->ports[number].owner, 0);
	atomic_store(&table->ports[number].peer, 0);
}

void ports_init(const char *table_path)
{
	int fd = open(table_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0 || fchmod(fd, 0666) < 0 || ftruncate(fd, sizeof(*table)) < 0)
		nodes_die(table_path);
	table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (table == MAP_FAILED)
		nodes_die("mmap the port table");
	close(fd);
	xenstore_port = (uint32_t)port_alloc(NULL, PORT_UNBOUND, 0, 0);
}

int ports_bind_unbound(struct file *file, uint32_t remote)
{
	if (file->restricted_to != DOMID_NONE)
		return -EACCES;
	return port_alloc(file, PORT_UNBOUND, file->domid, domid_resolve(file, remote));
}

int ports_bind_interdomain(struct file *file, uint32_t remote, uint32_t remote_port)
{
	int number;

	remote = domid_resolve(file, remote);
	if (file->restricted_to != DOMID_NONE && file->restricted_to != remote)
		return -EACCES;
	if (!remote_port || remote_port >= NODES_PORTS ||
		ports[remote_port].state != PORT_UNBOUND || ports[remote_port].domid != remote ||
		ports[remote_port].remote != file->domid)
		return -EINVAL;
	number = port_alloc(file, PORT_INTERDOMAIN, file->domid, remote);
	if (number < 0)
		return number;
	ports[number].peer = remote_port;
	ports[remote_port].state = PORT_INTERDOMAIN;
	ports[remote_port].peer = (uint32_t)number;
	atomic_store(&table->ports[number].peer, remote_port);
	atomic_store(&table->ports[remote_port].peer, (uint32_t)number);
	/* Xen: something may have been sent before anyone could hear it */
	port_raise((uint32_t)number);
	return number;
}

int ports_bind_virq(struct file *file, uint32_t virq)
{
	int number;

	if (file->restricted_to != DOMID_NONE)
		return -EACCES;
	for (uint32_t i = 1; i < NODES_PORTS; i++) {
		if (ports[i].state == PORT_VIRQ && ports[i].virq == virq &&
			ports[i].domid == file->domid)
			return -EEXIST;
	}
	number = port_alloc(file, PORT_VIRQ, file->domid, 0);
	if (number > 0)
		ports[number].virq = virq;
	return number;
}

int ports_unbind(struct file *file, uint32_t port)
{
	if (port >= NODES_PORTS)
		return -EINVAL;
	if (!port_get(file, port)) {
		if (file->stale)
			kernel_crash("unbinding a port on a file from before a restore");
		return -ENOTCONN;
	}
	port_close(port);
	return 0;
}

int ports_notify(struct file *file, uint32_t port)
{
	if (!port_get(file, port))
		return -ENOTCONN;
	if (ports[port].state == PORT_INTERDOMAIN)
		port_raise(ports[port].peer);
	return 0;
}

/*
 * The sender has set PENDING itself. Where it is not set any more, the event was handed over since
 * then, and setting it again would make two of one.
 */
void ports_notify_packet(struct file *file, uint32_t port)
{
	if (port_get(file, port) && ports[port].state == PORT_INTERDOMAIN)
		port_deliver(ports[port].peer);
}

void ports_notify_any(uint32_t domid, uint32_t port)
{
	if (port && port < NODES_PORTS && ports[port].domid == domid &&
		ports[port].state == PORT_INTERDOMAIN)
		port_raise(ports[port].peer);
}

void ports_unmask(struct file *file, uint32_t port)
{
	if (!port_get(file, port))
		return;
	atomic_fetch_and(&table->ports[port].bits, ~PORT_MASKED);
	port_deliver(port);
}

void ports_release(struct file *file)
{
	for (uint32_t i = 1; i < NODES_PORTS; i++) {
		if (port_get(file, i))
			port_close(i);
	}
}

/* A restore: the ports are gone, the files stay and hear nothing any more. */
void ports_zap(uint32_t domid)
{
	for (uint32_t i = 1; i < NODES_PORTS; i++) {
		if (ports[i].state != PORT_FREE && ports[i].domid == domid && ports[i].file &&
			!ports[i].file->system) {
			ports[i].file->stale = true;
			port_close(i);
		}
	}
}

int ports_kernel(uint32_t domid)
{
	return port_alloc(NULL, PORT_UNBOUND, domid, 0);
}

void ports_kernel_close(uint32_t port)
{
	port_close(port);
}

void ports_notify_asks(bool on)
{
	atomic_store(&table->notify_asks, on);
}

void ports_count(struct counts *counts, uint32_t domid)
{
	for (uint32_t i = 1; i < NODES_PORTS; i++) {
		if (ports[i].state != PORT_FREE && ports[i].file && !ports[i].file->system &&
			(domid == DOMID_NONE || ports[i].domid == domid))
			counts->ports++;
	}
}

void ports_dump(FILE *out)
{
	static const char *const names[] = { "free", "unbound", "interdomain", "virq" };

	for (uint32_t i = 1; i < NODES_PORTS; i++) {
		uint32_t bits = atomic_load(&table->ports[i].bits);

		if (ports[i].state == PORT_FREE)
			continue;
		fprintf(out, "port %u dom=%u %s remote=%u peer=%u%s%s\n", i, ports[i].domid,
			names[ports[i].state], ports[i].remote, ports[i].peer,
			bits & PORT_MASKED ? " masked" : "", bits & PORT_PENDING ? " pending" : "");
	}
}

uint32_t ports_xenstore(void)
{
	return xenstore_port;
}

unsigned int ports_xenstore_events(void)
{
	return xenstore_events;
}
