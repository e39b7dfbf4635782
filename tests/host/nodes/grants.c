// SPDX-License-Identifier: MIT
/*
 * Grant tables and the memory behind them: what Linux' gntalloc.c and gntdev.c do, for all domains.
 *
 * All pages are in one memory file. Every mapping is made through a hard link of its own to that
 * file, opened once for it; the kernel tells by inotify when a link's last descriptor and last
 * mapping are gone, whoever held them: munmap, exit, exec and fork need no help. Only granted
 * pages that nobody maps are free again, as with the real drivers.
 */
#include "hyper.h"
#include "xenbus.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <xen/sys/gntalloc.h>

#define FRAMES 16384u
#define REF_FIRST 8u /* the lower ones are reserved in a real table */
#define REF_XENSTORE 1u
#define DOMID_SELF_VALUE 0x7ff0u

struct notify {
	uint32_t action;
	uint32_t page, octet;
	uint32_t port;
};

/* A granted page. Its reference is its place in the table, unique over all domains. */
struct grant {
	bool used;
	bool revoked; /* gone from its domain's table, kept for who maps it */
	bool counted; /* towards the limit */
	bool system;
	bool kernel; /* its domain's kernel holds it */
	uint32_t domid, to;
	bool writable;
	uint32_t frame;
	struct file *file; /* on its list of allocations, or NULL */
	uint64_t index;
	uint64_t allocation;
	unsigned int shared; /* mappings by the owner */
	unsigned int mapped; /* mappings by the peer */
	struct notify notify;
};

/* What one IOCTL_GNTDEV_MAP_GRANT_REF made. */
struct map {
	struct map *next;
	struct file *file;
	uint64_t first; /* page number of the index */
	uint32_t count;
	bool listed; /* not yet taken away by UNMAP_GRANT_REF */
	struct mapping *mapping;
	struct notify notify;
	struct wire_reference refs[];
};

/* One successful mmap, of either node. */
struct mapping {
	struct mapping *next;
	uint64_t number;
	struct file *file;
	struct map *map; /* NULL: gntalloc */
	uint32_t count;
	uint32_t refs[];
};

static struct grant grants[FRAMES];
static bool frames_used[FRAMES];
static struct map *maps;
static struct mapping *mappings;
static uint64_t last_mapping, last_allocation;
static uint32_t limit = 1024, counted;
static unsigned char *memory;
static int memory_fd, watch_fd;
static char memory_dir[PATH_MAX];

static void path_format(char *out, size_t size, uint64_t mapping)
{
	if (mapping)
		snprintf(out, size, "%s/map-%llx", memory_dir, (unsigned long long)mapping);
	else
		snprintf(out, size, "%s/memory", memory_dir);
}

void grants_init(const char *dir)
{
	size_t bytes = (size_t)FRAMES * NODES_PAGE_BYTES;
	char path[PATH_MAX + 32];

	snprintf(memory_dir, sizeof(memory_dir), "%s", dir);
	path_format(path, sizeof(path), 0);
	memory_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (memory_fd < 0 || ftruncate(memory_fd, (off_t)bytes) < 0)
		nodes_die(path);
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
	if (memory == MAP_FAILED)
		nodes_die("mmap the memory");
	watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch_fd < 0 || inotify_add_watch(watch_fd, dir, IN_CLOSE | IN_ONLYDIR) < 0)
		nodes_die("watch the memory");
}

int grants_watch_fd(void)
{
	return watch_fd;
}

void grants_limit_set(uint32_t pages)
{
	limit = pages;
}

/* ---- one grant ---- */

static struct grant *grant_get(uint32_t ref)
{
	return ref < FRAMES && grants[ref].used ? &grants[ref] : NULL;
}

static void notify_run(struct notify *notify, uint32_t domid, uint32_t frame)
{
	if (notify->action & UNMAP_NOTIFY_CLEAR_BYTE)
		memory[(size_t)frame * NODES_PAGE_BYTES + notify->octet] = 0;
	if (notify->action & UNMAP_NOTIFY_SEND_EVENT)
		ports_notify_any(domid, notify->port);
	notify->action = 0;
}

/* The owner is through with it: the page does not count any more, but lives while it is mapped. */
static void grant_put(struct grant *grant)
{
	if (grant->file || grant->shared || grant->kernel)
		return;
	notify_run(&grant->notify, grant->domid, grant->frame);
	if (grant->counted)
		counted--;
	grant->counted = false;
	if (grant->mapped)
		return;
	/* fresh pages read as zero */
	if (fallocate(memory_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    (off_t)grant->frame * NODES_PAGE_BYTES, NODES_PAGE_BYTES) < 0)
		memset(memory + (size_t)grant->frame * NODES_PAGE_BYTES, 0, NODES_PAGE_BYTES);
	frames_used[grant->frame] = false;
	*grant = (struct grant){ .used = false };
}

/*
 * One run, so that a mapping is one range of the file; with a free frame on either side, since
 * valgrind (3.19) takes neighbours in memory and file for one mapping, whatever their names, and
 * fails when one of them goes.
 */
static uint32_t frames_find(uint32_t count)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < FRAMES; i++) {
		run = frames_used[i] ? 0 : run + 1;
		if (run == count + 2)
			return i - count;
	}
	return FRAMES;
}

/* ---- gntalloc ---- */

int grants_alloc(struct file *file, uint32_t to, bool writable, uint32_t count, uint32_t *refs,
	uint64_t *index)
{
	uint32_t frame, ref = REF_FIRST;

	if (count > limit || counted > limit - count)
		return -ENOSPC;
	frame = frames_find(count);
	if (frame == FRAMES)
		return -ENOMEM;
	*index = file->next_index;
	file->next_index += (uint64_t)count * NODES_PAGE_BYTES;
	last_allocation++;
	for (uint32_t i = 0; i < count; i++) {
		while (ref < FRAMES && grants[ref].used)
			ref++;
		if (ref == FRAMES)
			nodes_die("find a grant reference");
		frames_used[frame + i] = true;
		grants[ref] = (struct grant){
			.used = true,
			.counted = true,
			.system = file->system,
			.domid = file->domid,
			.to = to == DOMID_SELF_VALUE ? file->domid : to,
			.writable = writable,
			.frame = frame + i,
			.file = file,
			.index = *index + (uint64_t)i * NODES_PAGE_BYTES,
			.allocation = last_allocation,
		};
		refs[i] = ref;
	}
	counted += count;
	return 0;
}

uint32_t grants_kernel_page(uint32_t domid, void **page)
{
	uint32_t ref = REF_FIRST, frame = frames_find(1);

	while (ref < FRAMES && grants[ref].used)
		ref++;
	if (ref == FRAMES || frame == FRAMES)
		nodes_die("find a page");
	frames_used[frame] = true;
	grants[ref] = (struct grant){ .used = true,
		.system = true,
		.kernel = true,
		.domid = domid,
		.writable = true,
		.frame = frame };
	*page = memory + (size_t)frame * NODES_PAGE_BYTES;
	return ref;
}

void grants_kernel_page_end(uint32_t ref)
{
	grants[ref].kernel = false;
	grant_put(&grants[ref]);
}

static struct grant *grant_at(struct file *file, uint64_t index)
{
	static uint32_t hint; /* asked for one after the other, found so */

	for (uint32_t i = 0; i < FRAMES; i++) {
		struct grant *grant = &grants[(hint + i) % FRAMES];

		if (!grant->used || grant->file != file || grant->index != index)
			continue;
		hint = (hint + i) % FRAMES;
		return grant;
	}
	return NULL;
}

/* Whether the pages are all there: `count` of them from `index` on. */
static bool grants_at(struct file *file, uint64_t index, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		if (!grant_at(file, index + i * NODES_PAGE_BYTES))
			return false;
	}
	return count > 0;
}

int grants_dealloc(struct file *file, uint64_t index, uint64_t count)
{
	if (count > FRAMES || !grants_at(file, index, count))
		return -EINVAL;
	for (uint64_t i = 0; i < count; i++) {
		struct grant *grant = grant_at(file, index + i * NODES_PAGE_BYTES);

		grant->file = NULL;
		grant_put(grant);
	}
	return 0;
}

static struct map *map_at(struct file *file, uint64_t page)
{
	for (struct map *map = maps; map; map = map->next) {
		if (map->file == file && map->listed && page >= map->first &&
			page < map->first + map->count)
			return map;
	}
	return NULL;
}

int grants_notify_set(struct file *file, uint64_t index, uint32_t action, uint32_t port)
{
	uint64_t page = index / NODES_PAGE_BYTES;
	struct notify notify = { action, 0, (uint32_t)(index % NODES_PAGE_BYTES), port };
	struct grant *grant = NULL;
	struct map *map = NULL;

	if (action & ~(uint32_t)(UNMAP_NOTIFY_CLEAR_BYTE | UNMAP_NOTIFY_SEND_EVENT))
		return -EINVAL;
	if (file->node == NODE_GNTALLOC)
		grant = grant_at(file, page * NODES_PAGE_BYTES);
	else
		map = map_at(file, page);
	if (grant) {
		grant->notify = notify;
	} else if (map) {
		notify.page = (uint32_t)(page - map->first);
		map->notify = notify;
	} else {
		return -ENOENT;
	}
	return 0;
}

/* ---- gntdev ---- */

/* The first gap that is wide enough, as the driver does: an index is used again. */
static uint64_t map_place(struct file *file, uint32_t count)
{
	uint64_t first = 0;
	struct map *map;

again:
	for (map = maps; map; map = map->next) {
		if (map->file == file && map->listed && first < map->first + map->count &&
			map->first < first + count) {
			first = map->first + map->count;
			goto again;
		}
	}
	return first;
}

int grants_map(
	struct file *file, const struct wire_reference *refs, uint32_t count, uint64_t *index)
{
	struct map *map = calloc(1, sizeof(*map) + count * sizeof(map->refs[0]));

	if (!map)
		return -ENOMEM;
	map->file = file;
	map->count = count;
	map->listed = true;
	map->first = map_place(file, count);
	memcpy(map->refs, refs, count * sizeof(map->refs[0]));
	for (uint32_t i = 0; i < count; i++) {
		if (map->refs[i].domid == DOMID_SELF_VALUE)
			map->refs[i].domid = file->domid;
	}
	map->next = maps;
	maps = map;
	*index = map->first * NODES_PAGE_BYTES;
	return 0;
}

static void map_put(struct map *map)
{
	struct map **link = &maps;

	if (map->listed || map->mapping)
		return;
	map->notify.action &= ~(uint32_t)UNMAP_NOTIFY_CLEAR_BYTE;
	notify_run(&map->notify, map->file->domid, 0);
	while (*link != map)
		link = &(*link)->next;
	*link = map->next;
	free(map);
}

int grants_unmap(struct file *file, uint64_t index, uint64_t count)
{
	struct map *map = map_at(file, index / NODES_PAGE_BYTES);

	if (!map || map->first != index / NODES_PAGE_BYTES || (count && map->count != count))
		return -ENOENT;
	map->listed = false;
	map_put(map);
	return 0;
}

int grants_offset(struct file *file, uint64_t number, uint64_t *offset, uint64_t *count)
{
	struct mapping *mapping = mappings;

	while (mapping && mapping->number != number)
		mapping = mapping->next;
	if (!mapping || !mapping->map || mapping->file != file)
		return -EINVAL;
	*offset = mapping->map->first * NODES_PAGE_BYTES;
	*count = mapping->map->count;
	return 0;
}

/* ---- mappings ---- */

static int mapping_collect_shared(struct mapping *mapping, uint64_t index)
{
	uint64_t allocation = 0;

	for (uint32_t i = 0; i < mapping->count; i++) {
		struct grant *grant =
			grant_at(mapping->file, index + (uint64_t)i * NODES_PAGE_BYTES);

		if (!grant)
			return -ENOENT;
		/* the driver lets it pass, and drops the wrong pages later */
		if (i && grant->allocation != allocation)
			return -EINVAL;
		allocation = grant->allocation;
		mapping->refs[i] = (uint32_t)(grant - grants);
	}
	return 0;
}

static int mapping_collect_foreign(struct mapping *mapping, uint64_t index, bool writable)
{
	struct map *map = map_at(mapping->file, index / NODES_PAGE_BYTES);

	if (!map || map->first != index / NODES_PAGE_BYTES || map->count != mapping->count ||
		map->mapping)
		return -EINVAL;
	for (uint32_t i = 0; i < map->count; i++) {
		uint32_t ref = map->refs[i].ref;
		struct grant *grant;

		if (ref == REF_XENSTORE)
			ref = xenbus_domain_ref(map->refs[i].domid);
		grant = grant_get(ref);
		if (!grant || grant->revoked || grant->domid != map->refs[i].domid ||
			grant->to != mapping->file->domid || (writable && !grant->writable))
			return -EINVAL;
		mapping->refs[i] = ref;
	}
	mapping->map = map;
	return 0;
}

static int mapping_open(struct mapping *mapping)
{
	char memory_path[PATH_MAX + 32], path[PATH_MAX + 32];
	int fd;

	path_format(memory_path, sizeof(memory_path), 0);
	path_format(path, sizeof(path), mapping->number);
	if (link(memory_path, path) < 0)
		nodes_die(path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		nodes_die(path);
	return fd;
}

static int runs_make(const struct mapping *mapping, struct wire_run *runs)
{
	int count = 0;

	for (uint32_t i = 0; i < mapping->count; i++) {
		uint32_t frame = grants[mapping->refs[i]].frame;

		if (count && runs[count - 1].frame + runs[count - 1].pages == frame)
			runs[count - 1].pages++;
		else
			runs[count++] = (struct wire_run){ frame, 1 };
	}
	return count;
}

int grants_mmap(struct file *file, uint64_t offset, uint64_t pages, bool writable, bool shared,
	struct wire_run *runs, int *fd)
{
	struct mapping *mapping = calloc(1, sizeof(*mapping) + pages * sizeof(mapping->refs[0]));
	int result = -EINVAL;

	if (!mapping)
		return -ENOMEM;
	mapping->file = file;
	mapping->count = (uint32_t)pages;
	if (file->node == NODE_GNTALLOC && shared)
		result = mapping_collect_shared(mapping, offset);
	else if (file->node == NODE_GNTDEV && (shared || !writable))
		result = mapping_collect_foreign(mapping, offset, writable);
	if (result < 0) {
		free(mapping);
		return result;
	}
	mapping->number = ++last_mapping;
	*fd = mapping_open(mapping);
	for (uint32_t i = 0; i < mapping->count; i++) {
		if (mapping->map)
			grants[mapping->refs[i]].mapped++;
		else
			grants[mapping->refs[i]].shared++;
	}
	if (mapping->map)
		mapping->map->mapping = mapping;
	file->mappings++;
	mapping->next = mappings;
	mappings = mapping;
	return runs_make(mapping, runs);
}

static void mapping_end(struct mapping *mapping)
{
	struct file *file = mapping->file;
	struct map *map = mapping->map;

	if (map && (map->notify.action & UNMAP_NOTIFY_CLEAR_BYTE)) {
		struct notify clear = map->notify;

		clear.action = UNMAP_NOTIFY_CLEAR_BYTE;
		notify_run(&clear, file->domid, grants[mapping->refs[clear.page]].frame);
	}
	for (uint32_t i = 0; i < mapping->count; i++) {
		struct grant *grant = &grants[mapping->refs[i]];

		if (map)
			grant->mapped--;
		else
			grant->shared--;
		grant_put(grant);
	}
	if (map) {
		map->mapping = NULL;
		map_put(map);
	}
	free(mapping);
	file->mappings--;
	file_put(file);
}

static void mapping_closed(const char *name)
{
	struct mapping **link = &mappings, *mapping;
	char path[PATH_MAX + 32];
	uint64_t number;

	if (strncmp(name, "map-", 4) != 0)
		return;
	number = strtoull(name + 4, NULL, 16);
	while (*link && (*link)->number != number)
		link = &(*link)->next;
	mapping = *link;
	if (!mapping)
		return;
	*link = mapping->next;
	path_format(path, sizeof(path), number);
	unlink(path);
	mapping_end(mapping);
}

void grants_watch_read(void)
{
	_Alignas(struct inotify_event) char buffer[8192];
	const struct inotify_event *event;
	ssize_t n;

	while ((n = read(watch_fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
			event = (const void *)(buffer + at);
			if (event->mask & IN_Q_OVERFLOW)
				nodes_die("keep up with unmapped pages");
			if (event->len)
				mapping_closed(event->name);
		}
	}
}

/* No descriptor and no mapping refers to the file any more. */
void grants_release(struct file *file)
{
	struct map *map, *next;

	for (map = maps; map; map = next) {
		next = map->next;
		if (map->file == file) {
			map->listed = false;
			map_put(map);
		}
	}
	for (uint32_t i = 0; i < FRAMES; i++) {
		if (grants[i].used && grants[i].file == file) {
			grants[i].file = NULL;
			grant_put(&grants[i]);
		}
	}
}

void grants_zap(uint32_t domid)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		if (grants[i].used && !grants[i].kernel && grants[i].domid == domid)
			grants[i].revoked = true;
	}
}

void grants_count(struct counts *counts, uint32_t domid)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		if (!grants[i].used || grants[i].system ||
			(domid != DOMID_NONE && grants[i].domid != domid))
			continue;
		counts->grants++;
		counts->shared += grants[i].shared;
		counts->mapped += grants[i].mapped;
	}
}

void grants_dump(FILE *out)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		struct grant *grant = &grants[i];

		if (grant->used)
			fprintf(out, "grant %u dom=%u to=%u frame=%u shared=%u mapped=%u%s%s\n", i,
				grant->domid, grant->to, grant->frame, grant->shared, grant->mapped,
				grant->file ? " listed" : "", grant->revoked ? " revoked" : "");
	}
}
