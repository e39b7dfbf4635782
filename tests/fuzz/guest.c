/* SPDX-License-Identifier: MIT */
/* A guest's memory. See guest.h. */
#include "guest.h"

#include "fuzz.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096u

int64_t guest_now_ns;

/* What clock_gettime is called in the files of this target. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	FUZZ_CHECK(clock == CLOCK_MONOTONIC);
	now->tv_sec = guest_now_ns / 1000000000;
	now->tv_nsec = guest_now_ns % 1000000000;
	return 0;
}

void guest_start(struct xengntdev_handle *guest)
{
	void *memory;

	*guest = (struct xengntdev_handle){ .memory_fd = memfd_create("guest", MFD_CLOEXEC) };
	FUZZ_CHECK(guest->memory_fd >= 0);
	FUZZ_CHECK(ftruncate(guest->memory_fd, GUEST_PAGES * PAGE) == 0);
	memory = mmap(
		NULL, GUEST_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, guest->memory_fd, 0);
	FUZZ_CHECK(memory != MAP_FAILED);
	guest->memory = memory;
}

void guest_end(struct xengntdev_handle *guest)
{
	FUZZ_CHECK(guest->directory.at == NULL && guest->data.at == NULL);
	munmap(guest->memory, GUEST_PAGES * PAGE);
	close(guest->memory_fd);
}

/* So many pages, with one on either side that must not be touched. */
static uint8_t *guarded_map(uint32_t pages, int protection)
{
	size_t bytes = (size_t)pages * PAGE;
	uint8_t *all = mmap(NULL, bytes + 2 * PAGE, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	FUZZ_CHECK(all != MAP_FAILED);
	FUZZ_CHECK(mprotect(all + PAGE, bytes, protection) == 0);
	return all + PAGE;
}

static void guarded_unmap(struct guest_mapping *mapping)
{
	munmap((uint8_t *)mapping->at - PAGE, ((size_t)mapping->pages + 2) * PAGE);
	*mapping = (struct guest_mapping){ .at = NULL };
}

static void page_share(struct xengntdev_handle *guest, uint8_t *at, uint32_t ref, int protection)
{
	void *page = mmap(at, PAGE, protection, MAP_SHARED | MAP_FIXED, guest->memory_fd,
		(off_t)(ref - 1) * PAGE);

	FUZZ_CHECK(page == at);
}

/* As the driver does it: all references are good, or nothing is mapped. */
static void *refs_map(struct xengntdev_handle *guest, struct guest_mapping *mapping,
	const uint32_t *refs, uint32_t count, int protection)
{
	uint8_t *at;

	FUZZ_CHECK(mapping->at == NULL && count > 0);
	for (uint32_t i = 0; i < count; i++) {
		/* Reference 0 means the end of a list: nobody may ask for it. */
		FUZZ_CHECK(refs[i] != 0);
		if (refs[i] <= GUEST_PAGES)
			continue;
		errno = EINVAL;
		return NULL;
	}
	at = guarded_map(count, protection);
	for (uint32_t i = 0; i < count && count <= GUEST_SHARED_MAX; i++)
		page_share(guest, at + (size_t)i * PAGE, refs[i], protection);
	*mapping = (struct guest_mapping){ .at = at, .pages = count };
	return at;
}

void *xengnttab_map_grant_ref(xengnttab_handle *guest, uint32_t domid, uint32_t ref, int prot)
{
	FUZZ_CHECK(domid == GUEST_DOMID && prot == PROT_READ);
	/* A directory that loops must not be walked for ever: not by any of a ring of OPENs. */
	FUZZ_CHECK(guest->data.at == NULL && ++guest->directories <= 32 * 5);
	return refs_map(guest, &guest->directory, &ref, 1, prot);
}

void *xengnttab_map_domain_grant_refs(
	xengnttab_handle *guest, uint32_t count, uint32_t domid, uint32_t *refs, int prot)
{
	void *at;

	FUZZ_CHECK(domid == GUEST_DOMID && prot == guest->data_protection);
	FUZZ_CHECK(guest->directory.at == NULL);
	at = refs_map(guest, &guest->data, refs, count, prot);
	if (!at)
		return NULL;
	guest->opens++;
	for (uint32_t i = 0; i < count && count <= GUEST_SHARED_MAX; i++)
		if (refs[i] <= 2 && (prot & PROT_WRITE) != 0)
			guest->data_has_rings = true;
	return at;
}

int xengnttab_unmap(xengnttab_handle *guest, void *start_address, uint32_t count)
{
	struct guest_mapping *mapping =
		start_address == guest->directory.at ? &guest->directory : &guest->data;

	FUZZ_CHECK(start_address != NULL && mapping->at == start_address);
	FUZZ_CHECK(mapping->pages == count);
	guarded_unmap(mapping);
	return 0;
}
