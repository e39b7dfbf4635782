/* SPDX-License-Identifier: MIT */
/*
 * Inside the daemon: the open files, and who does what with them. The loop (xennodes.c) owns files
 * and descriptors, grants.c the grant tables and memory, ports.c the event channels. One thread.
 */
#ifndef XENNODES_HYPER_H
#define XENNODES_HYPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "wire.h"

#define DOMID_NONE UINT32_MAX

/* An open file of a node. It lives until its descriptors and the mappings made from it are gone. */
struct file {
	struct file *next;
	int sock;       /* our end, -1 once the last descriptor of the other end is closed */
	uint64_t inode; /* of the other end */
	enum node node;
	uint32_t domid;
	bool system;
	unsigned int mappings;
	uint64_t next_index;    /* gntalloc */
	uint32_t restricted_to; /* evtchn, or DOMID_NONE */
	bool stale; /* evtchn: had ports before a restore. Debian's 6.1 crashes when it is closed */
};

struct counts {
	unsigned int files, grants, shared, mapped, ports;
};

/* ---- xennodes.c ---- */

/* What would be a crash of the guest's kernel. */
void kernel_crash(const char *how);
/* Drops the file once nothing refers to it. */
void file_put(struct file *file);
void nodes_die(const char *what) __attribute__((noreturn));

/* ---- grants.c: results are 0 or more, or a negative errno ---- */

void grants_init(const char *memory_dir);
/* To be called when the watch on the memory's folder has something to say. */
int grants_watch_fd(void);
void grants_watch_read(void);
void grants_limit_set(uint32_t pages);
/* References to `refs`, the index to `index`. */
int grants_alloc(struct file *file, uint32_t to, bool writable, uint32_t count, uint32_t *refs,
	uint64_t *index);
/* A page that the domain's kernel grants to domain 0, for xenstored. Returns its reference. */
uint32_t grants_kernel_page(uint32_t domid, void **page);
void grants_kernel_page_end(uint32_t ref);
int grants_dealloc(struct file *file, uint64_t index, uint64_t count);
int grants_notify_set(struct file *file, uint64_t index, uint32_t action, uint32_t port);
int grants_map(
	struct file *file, const struct wire_reference *refs, uint32_t count, uint64_t *index);
int grants_unmap(struct file *file, uint64_t index, uint64_t count);
int grants_offset(struct file *file, uint64_t mapping, uint64_t *offset, uint64_t *count);
/* The number of runs stored to `runs`, which has room for `pages`; a descriptor to map to `fd`. */
int grants_mmap(struct file *file, uint64_t offset, uint64_t pages, bool writable, bool shared,
	struct wire_run *runs, int *fd);
void grants_release(struct file *file);
/* All grants of a domain are gone from its table, as after a restore. */
void grants_zap(uint32_t domid);
void grants_count(struct counts *counts, uint32_t domid);
void grants_dump(FILE *out);

/* ---- ports.c ---- */

void ports_init(const char *table_path);
int ports_bind_unbound(struct file *file, uint32_t remote);
int ports_bind_interdomain(struct file *file, uint32_t remote, uint32_t remote_port);
int ports_bind_virq(struct file *file, uint32_t virq);
int ports_unbind(struct file *file, uint32_t port);
int ports_notify(struct file *file, uint32_t port);
void ports_notify_packet(struct file *file, uint32_t port);
/* Whatever file it belongs to: the sender is the hypervisor. */
void ports_notify_any(uint32_t domid, uint32_t port);
void ports_unmask(struct file *file, uint32_t port);
void ports_release(struct file *file);
/* The files that lose ports are stale from now on. */
void ports_zap(uint32_t domid);
void ports_notify_asks(bool on);
void ports_count(struct counts *counts, uint32_t domid);
void ports_dump(FILE *out);
/* A port of the domain's kernel that domain 0 may bind; its events go to xenbus_event. */
int ports_kernel(uint32_t domid);
void ports_kernel_close(uint32_t port);
/* A port of domain 0's own kernel for xenstored, and how often it was notified. */
uint32_t ports_xenstore(void);
unsigned int ports_xenstore_events(void);

#endif
