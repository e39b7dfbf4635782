// SPDX-License-Identifier: MIT
/*
 * Does the emulation keep the promises of the real nodes? Asked through the real libraries, from
 * two processes. Run by nodes-test.sh, which has started the daemon and xenstored.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntalloc.h>
#include <xen/sys/gntdev.h>

#define PAGE 4096u
#define ROUNDS 2000

static int failed;

static void check(bool good, const char *name)
{
	printf("%s - %s\n", good ? "ok" : "not ok", name);
	if (!good)
		printf("#  errno %d (%s)\n", errno, strerror(errno));
	fflush(stdout);
	failed += !good;
}

/*
 * The daemon's control command, its words separated by blanks, succeeded. Without a shell, which a
 * preloaded libtsan would end.
 */
static bool ctl(const char *words)
{
	const char *program = getenv("XENNODES");
	char text[256], *rest = text, *word, *argv[12] = { NULL };
	int count = 0, status = -1;
	pid_t pid;

	snprintf(text, sizeof(text), "%s --ctl %s", program ? program : "xennodes", words);
	while (count < 11 && (word = strsep(&rest, " ")) != NULL)
		argv[count++] = word;
	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0)
		return false;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- two processes ---- */

struct child {
	pid_t pid;
	int sock;
};

/* The child runs `play` on its end and exits with what it returns. */
static struct child child_start(int (*play)(int sock))
{
	struct child child;
	int pair[2];

	fflush(stdout);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	child.pid = fork();
	if (child.pid == 0) {
		close(pair[0]);
		_exit(play(pair[1]));
	}
	close(pair[1]);
	child.sock = pair[0];
	return child;
}

static int child_end(struct child *child)
{
	int status = -1;

	close(child->sock);
	waitpid(child->pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void number_send(int sock, uint32_t number)
{
	if (send(sock, &number, sizeof(number), MSG_NOSIGNAL) < 0)
		perror("#  send");
}

static uint32_t number_take(int sock)
{
	uint32_t number = UINT32_MAX;

	return recv(sock, &number, sizeof(number), 0) == sizeof(number) ? number : UINT32_MAX;
}

static void fd_send(int sock, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS,
			      .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct iovec part = { &(char){ 'f' }, 1 };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.space) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (sendmsg(sock, &message, MSG_NOSIGNAL) < 0)
		perror("#  sendmsg");
}

static int fd_take(int sock)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char octet;
	struct iovec part = { &octet, 1 };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(sock, &message, MSG_CMSG_CLOEXEC) < 0 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* ---- grants ---- */

static int gntalloc_open(void)
{
	return open("/dev/xen/gntalloc", O_RDWR | O_CLOEXEC);
}

static int gref_alloc(int fd, uint32_t count, uint64_t *index, uint32_t *refs)
{
	struct ioctl_gntalloc_alloc_gref *op =
		calloc(1, sizeof(*op) + count * sizeof(op->gref_ids[0]));
	int result;

	op->domid = 0;
	op->flags = GNTALLOC_FLAG_WRITABLE;
	op->count = count;
	result = ioctl(fd, IOCTL_GNTALLOC_ALLOC_GREF, op);
	*index = op->index;
	if (refs)
		memcpy(refs, op->gref_ids, count * sizeof(refs[0]));
	free(op);
	return result;
}

static int gref_dealloc(int fd, uint64_t index, uint32_t count)
{
	struct ioctl_gntalloc_dealloc_gref op = { .index = index, .count = count };

	return ioctl(fd, IOCTL_GNTALLOC_DEALLOC_GREF, &op);
}

static void *map_at(int fd, uint64_t index, size_t pages, int flags)
{
	void *address = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, (off_t)index);

	return address == MAP_FAILED ? NULL : address;
}

/* Takes two grants, maps them the wrong way round, writes into both, unmaps. */
static int play_mapper(int sock)
{
	xengnttab_handle *gnttab = xengnttab_open(NULL, 0);
	uint32_t refs[2] = { number_take(sock), number_take(sock) };
	unsigned char *pages;
	bool good;

	pages = xengnttab_map_domain_grant_refs(gnttab, 2, 0, refs, PROT_READ | PROT_WRITE);
	if (!pages)
		return 1;
	good = pages[0] == 0x11 && pages[PAGE] == 0x22;
	pages[1] = 0x33;
	pages[PAGE + 1] = 0x44;
	number_send(sock, 1);
	number_take(sock);
	good = good && pages[2] == 0x55 && xengnttab_unmap(gnttab, pages, 2) == 0;
	xengnttab_close(gnttab);
	return good ? 0 : 2;
}

static void test_share(void)
{
	struct child child = child_start(play_mapper);
	xengntshr_handle *gntshr = xengntshr_open(NULL, 0);
	uint32_t first[3], second;
	unsigned char *a = xengntshr_share_pages(gntshr, 0, 3, first, 1);
	unsigned char *b =
		xengntshr_share_page_notify(gntshr, 0, &second, 1, UINT32_MAX, UINT32_MAX);

	if (!a || !b)
		abort();
	a[2 * PAGE] = 0x22;
	b[0] = 0x11;
	number_send(child.sock, second);
	number_send(child.sock, first[2]);
	number_take(child.sock);
	check(a[2 * PAGE + 1] == 0x44 && b[1] == 0x33,
		"a granted page is the same in both processes");
	check(ctl("wait grants=4 shared=4 mapped=2"), "grants and mappings are counted");
	b[2] = 0x55;
	number_send(child.sock, 1);
	check(child_end(&child) == 0, "pages of different grants make one mapping, and unmap");
	check(ctl("wait mapped=0 files=1"), "unmapped pages do not count");
	xengntshr_unshare(gntshr, a, 3);
	check(ctl("wait grants=1 files=1"),
		"an unshared page's grant ends before its file is closed");
	xengntshr_close(gntshr);
	check(ctl("wait grants=1 files=1"), "closing the file alone frees no mapped page");
	munmap(b, PAGE);
	check(ctl("wait grants=0 files=0 shared=0"),
		"unmapping the last page frees grant and file");
}

static int play_granter(int sock)
{
	xengntshr_handle *gntshr = xengntshr_open(NULL, 0);
	uint32_t ref;
	unsigned char *page = xengntshr_share_pages(gntshr, 0, 1, &ref, 1);

	if (!page)
		return 1;
	page[7] = 0x77;
	number_send(sock, ref);
	return number_take(sock) == 1 ? 0 : 1;
}

static void test_granter_dies(void)
{
	struct child child = child_start(play_granter);
	xengnttab_handle *gnttab = xengnttab_open(NULL, 0);
	uint32_t ref = number_take(child.sock);
	unsigned char *page = xengnttab_map_grant_ref(gnttab, 0, ref, PROT_READ | PROT_WRITE);

	if (!page)
		abort();
	number_send(child.sock, 1);
	child_end(&child);
	check(page[7] == 0x77 && ctl("wait grants=1 shared=0 mapped=1 files=1"),
		"a mapped page outlives the process that granted it");
	xengnttab_unmap(gnttab, page, 1);
	check(ctl("wait grants=0 mapped=0"), "the grant ends when the peer unmaps");
	errno = 0;
	page = xengnttab_map_grant_ref(gnttab, 0, ref, PROT_READ);
	check(!page && errno == EINVAL, "a reference that is gone does not map: EINVAL");
	xengnttab_close(gnttab);
}

static void test_grant_rules(void)
{
	xengntshr_handle *gntshr = xengntshr_open(NULL, 0);
	xengnttab_handle *gnttab = xengnttab_open(NULL, 0);
	uint32_t readonly, elsewhere;
	void *a = xengntshr_share_pages(gntshr, 0, 1, &readonly, 0);
	void *b = xengntshr_share_pages(gntshr, 5, 1, &elsewhere, 1);
	void *page;

	page = xengnttab_map_grant_ref(gnttab, 0, readonly, PROT_READ | PROT_WRITE);
	check(!page && errno == EINVAL, "a read-only grant does not map for writing");
	page = xengnttab_map_grant_ref(gnttab, 0, readonly, PROT_READ);
	check(page && xengnttab_unmap(gnttab, page, 1) == 0, "a read-only grant maps for reading");
	page = xengnttab_map_grant_ref(gnttab, 0, elsewhere, PROT_READ);
	check(!page, "a page granted to another domain does not map");
	page = xengnttab_map_grant_ref(gnttab, 3, readonly, PROT_READ);
	check(!page, "a reference of another domain does not map");
	xengntshr_unshare(gntshr, a, 1);
	xengntshr_unshare(gntshr, b, 1);
	xengntshr_close(gntshr);
	xengnttab_close(gnttab);
	check(ctl("wait grants=0 mapped=0 files=0"), "failed maps leave nothing behind");
}

static void test_alloc_rules(void)
{
	int fd = gntalloc_open();
	uint64_t index, next, more;
	char *page, *rest;

	check(gref_alloc(fd, 2, &index, NULL) == 0 && gref_alloc(fd, 1, &next, NULL) == 0 &&
			index == 0 && next == 2 * PAGE,
		"indexes of a file start at 0 and grow by the pages");
	page = map_at(fd, PAGE, 1, MAP_SHARED);
	check(page, "a part of an allocation maps");
	check(!map_at(fd, 0, 1, MAP_PRIVATE) && errno == EINVAL, "a private mapping is refused");
	check(!map_at(fd, PAGE, 2, MAP_SHARED), "a range over two allocations is refused");
	strcpy(page, "still here");
	check(gref_dealloc(fd, 0, 2) == 0 && strcmp(page, "still here") == 0 &&
			ctl("wait grants=2"),
		"a deallocated page lives while it is mapped");
	check(!map_at(fd, PAGE, 1, MAP_SHARED) && errno == ENOENT,
		"a deallocated index does not map: ENOENT");
	check(gref_dealloc(fd, 0, 2) < 0 && errno == EINVAL, "deallocating twice is EINVAL");
	check(gref_alloc(fd, 1022, &more, NULL) == 0 && more == 3 * PAGE,
		"an index is not used again");
	check(gref_alloc(fd, 1, &next, NULL) < 0 && errno == ENOSPC, "page 1025 is ENOSPC");
	munmap(page, PAGE);
	check(gref_alloc(fd, 1, &next, NULL) == 0, "a freed page can be allocated again");
	rest = map_at(fd, next, 1, MAP_SHARED);
	check(rest && rest[0] == '\0', "a new page is empty");
	munmap(rest, PAGE);
	close(fd);
	check(ctl("wait grants=0 files=0"), "closing a file ends its grants");
}

static int play_holder(int sock)
{
	return number_take(sock) == UINT32_MAX ? 0 : 1;
}

static void test_fork(void)
{
	xengntshr_handle *gntshr = xengntshr_open(NULL, 0);
	uint32_t ref;
	void *page = xengntshr_share_pages(gntshr, 0, 1, &ref, 1);
	struct child child = child_start(play_holder);

	xengntshr_unshare(gntshr, page, 1);
	xengntshr_close(gntshr);
	check(ctl("wait grants=1 files=1"), "a forked child holds the mapping");
	child_end(&child);
	check(ctl("wait grants=0 files=0"), "its exit ends it");
}

static void test_unmap_notify(void)
{
	xengntshr_handle *gntshr = xengntshr_open(NULL, 0);
	xengnttab_handle *gnttab = xengnttab_open(NULL, 0);
	xenevtchn_handle *evtchn = xenevtchn_open(NULL, 0);
	xenevtchn_port_or_error_t there = xenevtchn_bind_unbound_port(evtchn, 0), here, port;
	unsigned char *page, *mapped;
	uint32_t ref;

	here = xenevtchn_bind_interdomain(evtchn, 0, (evtchn_port_t)there);
	port = xenevtchn_pending(evtchn);
	xenevtchn_unmask(evtchn, (evtchn_port_t)port);
	page = xengntshr_share_pages(gntshr, 0, 1, &ref, 1);
	memset(page, 0xff, PAGE);
	mapped = xengnttab_map_grant_ref_notify(
		gnttab, 0, ref, PROT_READ | PROT_WRITE, 9, (evtchn_port_t)here);
	check(mapped && page[9] == 0xff && xengnttab_unmap(gnttab, mapped, 1) == 0 &&
			xenevtchn_pending(evtchn) == there && page[9] == 0 && page[8] == 0xff,
		"an unmap notification clears its octet and sends its event");
	xengntshr_unshare(gntshr, page, 1);
	xengntshr_close(gntshr);
	xengnttab_close(gnttab);
	xenevtchn_close(evtchn);
}

/* ---- event channels ---- */

static bool event_waits(xenevtchn_handle *evtchn)
{
	struct pollfd item = { .fd = xenevtchn_fd(evtchn), .events = POLLIN };

	/* what was sent before a request was handled before it */
	errno = 0;
	if (xenevtchn_unbind(evtchn, 4000) == 0 || errno != ENOTCONN)
		return false;
	return poll(&item, 1, 0) == 1;
}

static void test_events(void)
{
	xenevtchn_handle *a = xenevtchn_open(NULL, 0), *b = xenevtchn_open(NULL, 0);
	xenevtchn_port_or_error_t there = xenevtchn_bind_unbound_port(a, 0), here, more;
	evtchn_port_t pa = (evtchn_port_t)there, pb;
	int bad;

	here = xenevtchn_bind_interdomain(b, 0, pa);
	pb = (evtchn_port_t)here;
	check(there > 0 && here > 0 && here != there && ctl("wait ports=2 files=2"),
		"two ports are bound");
	check(event_waits(b) && xenevtchn_pending(b) == here && xenevtchn_unmask(b, pb) == 0 &&
			!event_waits(b) && !event_waits(a),
		"binding to a port raises the own one, once");
	check(xenevtchn_notify(a, pa) == 0 && xenevtchn_pending(b) == here, "an event arrives");
	xenevtchn_notify(a, pa);
	xenevtchn_notify(a, pa);
	check(!event_waits(b), "a port that was read is masked");
	xenevtchn_unmask(b, pb);
	check(event_waits(b) && xenevtchn_pending(b) == here && xenevtchn_unmask(b, pb) == 0 &&
			!event_waits(b),
		"unmasking delivers what came meanwhile, as one event");
	fcntl(xenevtchn_fd(b), F_SETFL, O_NONBLOCK);
	bad = xenevtchn_pending(b);
	check(bad == -1 && errno == EAGAIN, "reading without waiting is EAGAIN");
	check(xenevtchn_notify(b, pa) == -1 && errno == ENOTCONN,
		"notifying another file's port is ENOTCONN");
	check(xenevtchn_bind_interdomain(b, 0, pa) == -1 && errno == EINVAL,
		"a bound port is not bound again");
	check(xenevtchn_bind_interdomain(b, 9, pa) == -1 && errno == EINVAL,
		"another domain's port is not bound");
	xenevtchn_close(b);
	check(xenevtchn_notify(a, pa) == 0 && ctl("wait ports=1 files=1"),
		"an event to a closed peer is lost silently");
	check(!event_waits(a), "nobody is told that the peer closed");
	b = xenevtchn_open(NULL, 0);
	more = xenevtchn_bind_interdomain(b, 0, pa);
	check(more > 0 && xenevtchn_pending(b) == more &&
			xenevtchn_notify(b, (evtchn_port_t)more) == 0 &&
			xenevtchn_pending(a) == there,
		"a port whose peer is gone can be bound again");
	xenevtchn_unbind(a, pa);
	xenevtchn_notify(b, (evtchn_port_t)more);
	check(ctl("wait ports=1"), "an unbound port is free");
	xenevtchn_close(b);
	xenevtchn_close(a);
}

/* A process of domain 7. */
static int play_guest(int sock)
{
	xengntshr_handle *gntshr;
	xenevtchn_handle *evtchn;
	unsigned char *page;
	uint32_t ref;

	setenv("XENNODES_DOMID", "7", 1);
	gntshr = xengntshr_open(NULL, 0);
	evtchn = xenevtchn_open(NULL, 0);
	page = xengntshr_share_pages(gntshr, 0, 1, &ref, 1);
	page[0] = 0x77;
	number_send(sock, ref);
	number_send(sock, (uint32_t)xenevtchn_bind_unbound_port(evtchn, 0));
	return xenevtchn_pending(evtchn) > 0 ? 0 : 1;
}

static void test_domains(void)
{
	struct child child = child_start(play_guest);
	xengnttab_handle *gnttab = xengnttab_open(NULL, 0);
	xenevtchn_handle *evtchn = xenevtchn_open(NULL, 0);
	uint32_t ref = number_take(child.sock), there = number_take(child.sock);
	unsigned char *page = xengnttab_map_grant_ref(gnttab, 0, ref, PROT_READ);
	xenevtchn_port_or_error_t port;

	check(!page, "a guest's reference is not domain 0's");
	page = xengnttab_map_grant_ref(gnttab, 7, ref, PROT_READ);
	check(page && page[0] == 0x77 && ctl("wait grants=1 files=2 dom=7"),
		"a guest's page maps under its domain id");
	port = xenevtchn_bind_interdomain(evtchn, 0, there);
	check(port < 0, "a guest's port is not domain 0's");
	port = xenevtchn_bind_interdomain(evtchn, 7, there);
	check(port > 0 && xenevtchn_notify(evtchn, (evtchn_port_t)port) == 0 &&
			child_end(&child) == 0,
		"a guest's port is bound under its domain id");
	xengnttab_close(gnttab);
	xenevtchn_close(evtchn);
	if (page)
		munmap(page, PAGE);
}

static void test_restrict(void)
{
	xenevtchn_handle *evtchn = xenevtchn_open(NULL, 0);

	check(xenevtchn_restrict(evtchn, 0) < 0 && errno == EINVAL,
		"restricting to domain 0 is EINVAL");
	check(xenevtchn_restrict(evtchn, 4) == 0 && xenevtchn_bind_unbound_port(evtchn, 4) < 0 &&
			errno == EACCES,
		"a restricted file binds no unbound port");
	xenevtchn_close(evtchn);
}

/* Loses its privileges, then uses what it was handed. */
static int play_receiver(int sock)
{
	int gntalloc = fd_take(sock), events = fd_take(sock);
	uint32_t index = number_take(sock), port = number_take(sock);
	xenevtchn_handle *evtchn;
	unsigned char *page;
	bool good;

	if (getuid() == 0 && setuid(65534) < 0)
		return 1;
	page = map_at(gntalloc, index, 1, MAP_SHARED);
	if (!page)
		return 2;
	good = page[0] == 0xab;
	page[1] = 0xcd;
	evtchn = xenevtchn_fdopen(NULL, events, 0);
	good = good && evtchn && xenevtchn_notify(evtchn, port) == 0 &&
	       xenevtchn_pending(evtchn) == (int)port && xenevtchn_unmask(evtchn, port) == 0;
	number_send(sock, 1);
	/* until the other one has closed its descriptors */
	number_take(sock);
	good = good && xenevtchn_notify(evtchn, port) == 0;
	number_send(sock, 2);
	number_take(sock);
	return good ? 0 : 3;
}

static void test_passing(void)
{
	struct child child = child_start(play_receiver);
	xenevtchn_handle *peer = xenevtchn_open(NULL, 0), *evtchn = xenevtchn_open(NULL, 0);
	xenevtchn_port_or_error_t there = xenevtchn_bind_unbound_port(peer, 0), here;
	int gntalloc = gntalloc_open();
	uint64_t index;
	unsigned char *page;

	here = xenevtchn_bind_interdomain(evtchn, 0, (evtchn_port_t)there);
	gref_alloc(gntalloc, 1, &index, NULL);
	page = map_at(gntalloc, index, 1, MAP_SHARED);
	page[0] = 0xab;
	fd_send(child.sock, gntalloc);
	fd_send(child.sock, xenevtchn_fd(evtchn));
	number_send(child.sock, (uint32_t)index);
	number_send(child.sock, (uint32_t)here);
	check(number_take(child.sock) == 1 && page[1] == 0xcd,
		"a passed gntalloc file maps at the same index, without privileges");
	check(xenevtchn_pending(peer) == there && xenevtchn_unmask(peer, (evtchn_port_t)there) == 0,
		"a passed event channel notifies and is read");
	munmap(page, PAGE);
	close(gntalloc);
	xenevtchn_close(evtchn);
	check(ctl("wait files=3 grants=1 ports=2"), "files live on with the receiver");
	number_send(child.sock, 1);
	check(number_take(child.sock) == 2 && xenevtchn_pending(peer) == there,
		"a port works after its first owner closed");
	check(child_end(&child) == 0, "the receiver used both");
	check(ctl("wait files=1 grants=0 ports=1"), "the last close releases them");
	xenevtchn_close(peer);
}

static void test_library_index(void)
{
	xengntshr_handle *gntshr = xengntshr_open(NULL, 0);
	uint32_t ref;
	void *page = xengntshr_share_pages(gntshr, 0, 1, &ref, 1);

	check(!map_at(xengntshr_fd(gntshr), 0, 1, MAP_SHARED) && errno == ENOENT,
		"libxengnttab's own pages do not map a second time");
	xengntshr_unshare(gntshr, page, 1);
	xengntshr_close(gntshr);
}

static int play_echo(int sock)
{
	xenevtchn_handle *evtchn = xenevtchn_open(NULL, 0);
	xenevtchn_port_or_error_t port =
		xenevtchn_bind_interdomain(evtchn, 0, (evtchn_port_t)number_take(sock));

	/* the first one is from binding */
	for (int i = 0; i < ROUNDS + 1; i++) {
		if (xenevtchn_pending(evtchn) != port)
			return 1;
		xenevtchn_unmask(evtchn, (evtchn_port_t)port);
		xenevtchn_notify(evtchn, (evtchn_port_t)port);
	}
	return 0;
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void test_ping_pong(void)
{
	struct child child = child_start(play_echo);
	xenevtchn_handle *evtchn = xenevtchn_open(NULL, 0);
	xenevtchn_port_or_error_t port = xenevtchn_bind_unbound_port(evtchn, 0);
	bool good = true;
	double start;

	number_send(child.sock, (uint32_t)port);
	good = xenevtchn_pending(evtchn) == port;
	start = now_us();
	for (int i = 0; i < ROUNDS && good; i++) {
		xenevtchn_unmask(evtchn, (evtchn_port_t)port);
		xenevtchn_notify(evtchn, (evtchn_port_t)port);
		good = xenevtchn_pending(evtchn) == port;
	}
	printf("#  %.1f us for an event there and back\n", (now_us() - start) / ROUNDS);
	check(child_end(&child) == 0 && good, "no event is lost or doubled in a long exchange");
	xenevtchn_close(evtchn);
}

static void *thread_play(void *failures)
{
	for (int i = 0; i < 50; i++) {
		xengntshr_handle *gntshr = xengntshr_open(NULL, 0);
		xengnttab_handle *gnttab = xengnttab_open(NULL, 0);
		uint32_t refs[4];
		unsigned char *pages = xengntshr_share_pages(gntshr, 0, 4, refs, 1);
		unsigned char *mapped =
			xengnttab_map_domain_grant_refs(gnttab, 4, 0, refs, PROT_READ | PROT_WRITE);

		if (!pages || !mapped)
			return failures;
		pages[3 * PAGE] = (unsigned char)i;
		if (mapped[3 * PAGE] != i || xengnttab_unmap(gnttab, mapped, 4) < 0)
			return failures;
		xengntshr_unshare(gntshr, pages, 4);
		xengnttab_close(gnttab);
		xengntshr_close(gntshr);
	}
	return NULL;
}

static void test_threads(void)
{
	pthread_t threads[4];
	bool good = true;
	void *result;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, thread_play, &failed);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &result);
		good = good && !result;
	}
	check(good && ctl("wait files=0 grants=0"), "threads share and map at the same time");
}

/* ---- XenStore and its node ---- */

static int play_lock(int sock)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 1 };
	int fd, result;

	number_take(sock);
	fd = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
	result = fcntl(fd, F_OFD_SETLK, &lock);
	return result == -1 && (errno == EAGAIN || errno == EACCES) ? 0 : 1;
}

static void test_lock(void)
{
	struct child child = child_start(play_lock);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 1 };
	int fd = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);

	check(fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0, "the xenbus node takes a lock");
	number_send(child.sock, 1);
	check(child_end(&child) == 0, "the lock holds in another process");
	close(fd);
}

static void test_store(void)
{
	struct xs_handle *store = xs_open(0);
	unsigned int length, count;
	char *value, **watch = NULL;

	if (!store) {
		check(false, "xenstored answers");
		return;
	}
	check(xs_write(store, XBT_NULL, "data/x", "1", 1), "a relative path is written");
	value = xs_read(store, XBT_NULL, "/local/domain/0/data/x", &length);
	check(value && strcmp(value, "1") == 0, "it is in the own domain's folder");
	free(value);
	check(xs_watch(store, "data", "mark") && (watch = xs_read_watch(store, &count)) != NULL,
		"a watch fires once for its registration");
	free(watch);
	xs_write(store, XBT_NULL, "data/x", "2", 1);
	watch = xs_read_watch(store, &count);
	check(watch && strcmp(watch[XS_WATCH_PATH], "data/x") == 0 &&
			strcmp(watch[XS_WATCH_TOKEN], "mark") == 0,
		"and for a change, with the relative path");
	free(watch);
	xs_close(store);
}

/* ---- restore: run for itself, as a process of domain 7 ---- */

static void watch_take(struct xs_handle *store, char *path, size_t size)
{
	unsigned int count;
	char **watch = xs_read_watch(store, &count);

	snprintf(path, size, "%s", watch ? watch[XS_WATCH_PATH] : "nothing");
	free(watch);
}

static int play_restore(void)
{
	struct xs_handle *store = xs_open(0);
	xengntshr_handle *gntshr = xengntshr_open(NULL, 0);
	xenevtchn_handle *before = xenevtchn_open(NULL, 0), *after;
	xenevtchn_port_or_error_t port = xenevtchn_bind_unbound_port(before, 0);
	char path[64], *value;
	xs_transaction_t transaction;
	unsigned int length;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 1 };
	struct child other;
	uint32_t ref;
	char *page = xengntshr_share_pages(gntshr, 0, 1, &ref, 1);
	int fd = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);

	if (!store || !page || port < 0)
		return 1;
	strcpy(page, "kept");
	xs_watch(store, "domid", "mark");
	watch_take(store, path, sizeof(path));
	transaction = xs_transaction_start(store);
	if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) < 0 || !ctl("move 7 8"))
		return 1;
	setenv("XENNODES_DOMID", "8", 1);
	other = child_start(play_lock);
	number_send(other.sock, 1);
	check(child_end(&other) == 0, "a lock on its xenbus node holds after a restore");
	watch_take(store, path, sizeof(path));
	check(strcmp(path, "domid") == 0, "its watches fire");
	check(!xs_transaction_end(store, transaction, false) && errno == EAGAIN,
		"its transactions are to be tried again");
	value = xs_read(store, XBT_NULL, "domid", &length);
	check(value && strcmp(value, "8") == 0, "it reads what the toolstack wrote for its new id");
	free(value);
	check(strcmp(page, "kept") == 0 && xenevtchn_notify(before, (evtchn_port_t)port) < 0,
		"its memory is there, its ports are not");
	after = xenevtchn_open(NULL, 0);
	check(xenevtchn_bind_unbound_port(after, 0) > 0 &&
			xengntshr_share_pages(gntshr, 0, 1, &ref, 1) && ctl("wait ports=1 dom=8"),
		"new ports and grants are of the new domain");
	xenevtchn_close(after);
	check(ctl("wait crashes=1"), "a handle from after the restore closes without harm");
	check(ctl("release 7") && ctl("wait grants=2"), "the old domain goes");
	xs_close(store);
	/* what is left open is left on purpose: nothing for a leak checker */
	fflush(stdout);
	_exit(failed != 0);
}

/* ---- faults ---- */

static void test_faults(void)
{
	xenevtchn_handle *evtchn;
	struct stat status;
	uint64_t index;
	int fd;

	check(stat("/dev/xen/gntalloc", &status) == 0 && S_ISCHR(status.st_mode) &&
			access("/dev/xen/gntdev", R_OK | W_OK) == 0,
		"the nodes are there");
	ctl("fault gntalloc open ENOENT times=1");
	check(access("/dev/xen/gntalloc", F_OK) < 0 && gntalloc_open() < 0 && errno == ENOENT,
		"a node can be absent");
	ctl("fault evtchn open EACCES times=1");
	check(access("/dev/xen/evtchn", F_OK) == 0 && access("/dev/xen/evtchn", R_OK) < 0 &&
			!xenevtchn_open(NULL, 0) && errno == EACCES,
		"a node can be forbidden");
	ctl("fault gntalloc alloc ENOSPC skip=1 times=1");
	fd = gntalloc_open();
	check(gref_alloc(fd, 1, &index, NULL) == 0 && gref_alloc(fd, 1, &index, NULL) < 0 &&
			errno == ENOSPC && gref_alloc(fd, 1, &index, NULL) == 0,
		"the second allocation can fail, and only it");
	close(fd);
	ctl("fault evtchn notify EIO times=1");
	evtchn = xenevtchn_open(NULL, 0);
	fd = xenevtchn_bind_unbound_port(evtchn, 0);
	check(xenevtchn_notify(evtchn, (evtchn_port_t)fd) < 0 && errno == EIO,
		"a notification can fail");
	ctl("clear");
	check(xenevtchn_notify(evtchn, (evtchn_port_t)fd) == 0, "faults can be cleared");
	ctl("zap 0");
	check(xenevtchn_notify(evtchn, (evtchn_port_t)fd) < 0 && ctl("wait ports=0 files=1"),
		"a restore takes the ports away and leaves the file");
	xenevtchn_close(evtchn);
	check(ctl("wait files=0 crashes=1"),
		"closing a file from before a restore is told to crash a kernel");
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "restore") == 0)
		return play_restore();
	test_share();
	test_granter_dies();
	test_grant_rules();
	test_alloc_rules();
	test_library_index();
	test_fork();
	test_unmap_notify();
	test_events();
	test_domains();
	test_restrict();
	test_passing();
	test_ping_pong();
	test_threads();
	test_lock();
	test_store();
	test_faults();
	check(ctl("wait files=0 grants=0 shared=0 mapped=0 ports=0"), "all counts go back to zero");
	return failed != 0;
}
