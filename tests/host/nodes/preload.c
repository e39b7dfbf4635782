// SPDX-License-Identifier: MIT
/*
 * The /dev/xen nodes for a process without Xen: calls that would reach the kernel's drivers become
 * requests to the daemon (xennodes.c), all others go to the kernel as they are.
 *
 * It keeps no state, no lock, no descriptor and no memory but the mapped port table, so threads,
 * fork, exec, passed descriptors and any order of destruction need no care. What a descriptor is
 * says the inode of its socket. System calls are made directly: the library works before
 * constructors run, below a sanitizer's interceptors, and is not interposed by anything else.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntalloc.h>
#include <xen/sys/gntdev.h>

#include "wire.h"

#define EXPORT __attribute__((visibility("default")))

static _Atomic(struct port_table *) shared_table;

static const char *nodes_dir(void)
{
	const char *dir = getenv("XENNODES_DIR");

	return dir && dir[0] ? dir : NULL;
}

static uint32_t own_domid(void)
{
	const char *text = getenv("XENNODES_DOMID");

	return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static bool path_in_dir(char *out, size_t size, const char *dir, const char *name)
{
	size_t dir_len = strlen(dir), name_len = strlen(name);

	if (dir_len + 1 + name_len + 1 > size)
		return false;
	memcpy(out, dir, dir_len);
	out[dir_len] = '/';
	memcpy(out + dir_len + 1, name, name_len + 1);
	return true;
}

static void close_raw(int fd)
{
	int saved = errno;

	syscall(SYS_close, fd);
	errno = saved;
}

/* ---- requests ---- */

static int daemon_connect(void)
{
	const char *dir = nodes_dir();
	struct sockaddr_un address;
	int fd;

	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	if (!dir || !path_in_dir(address.sun_path, sizeof(address.sun_path), dir, NODES_SOCKET)) {
		errno = ENOENT;
		return -1;
	}
	fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	while (syscall(SYS_connect, fd, &address, sizeof(address)) < 0) {
		if (errno == EINTR)
			continue;
		close_raw(fd);
		return -1;
	}
	return fd;
}

static int fd_from(struct msghdr *message)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/*
 * Sends a request with `out`, waits for the answer, whose data goes to `in`. A descriptor that
 * comes with it is stored in `fd_out`, or -1. Returns the answer's result, or -1 with errno set.
 */
static long ask_daemon(const struct wire_request *request, const struct iovec *out,
	struct iovec *in, struct wire_answer *answer, int *fd_out)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec parts[2] = { { .iov_base = (void *)(uintptr_t)request,
		.iov_len = sizeof(*request) } };
	struct msghdr message;
	int sock = daemon_connect(), fd;
	long n;

	if (sock < 0)
		return -1;
	memset(&message, 0, sizeof(message));
	message.msg_iov = parts;
	message.msg_iovlen = out ? 2 : 1;
	if (out)
		parts[1] = *out;
	do
		n = syscall(SYS_sendmsg, sock, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		goto fail;

	memset(&message, 0, sizeof(message));
	memset(&control, 0, sizeof(control));
	memset(answer, 0, sizeof(*answer));
	parts[0].iov_base = answer;
	parts[0].iov_len = sizeof(*answer);
	message.msg_iov = parts;
	message.msg_iovlen = in ? 2 : 1;
	if (in)
		parts[1] = *in;
	message.msg_control = &control;
	message.msg_controllen = sizeof(control);
	do
		n = syscall(SYS_recvmsg, sock, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		goto fail;
	fd = fd_from(&message);
	if (fd_out)
		*fd_out = fd;
	else if (fd >= 0)
		close_raw(fd);
	close_raw(sock);
	if ((size_t)n < sizeof(*answer)) {
		errno = EIO;
		return -1;
	}
	if (in)
		in->iov_len = (size_t)n - sizeof(*answer);
	if (answer->result < 0) {
		errno = (int)-answer->result;
		return -1;
	}
	return (long)answer->result;
fail:
	close_raw(sock);
	return -1;
}

static void request_init(struct wire_request *request, enum wire_op op)
{
	memset(request, 0, sizeof(*request));
	request->op = op;
	request->domid = own_domid();
	request->system = getenv("XENNODES_SYSTEM") != NULL;
}

/* The inode of a descriptor if it is a socket, else 0. */
static uint64_t socket_inode(int fd)
{
	struct stat status;

	/* the memory checkers do not know what a raw call fills in */
	memset(&status, 0, sizeof(status));
	if (syscall(SYS_fstat, fd, &status) < 0 || !S_ISSOCK(status.st_mode))
		return 0;
	return status.st_ino;
}

/* ---- open ---- */

static enum node node_of(const char *path)
{
	static const struct {
		const char *path;
		enum node node;
	} known[] = {
		{ "/dev/xen/gntalloc", NODE_GNTALLOC },
		{ "/dev/xen/gntdev", NODE_GNTDEV },
		{ "/dev/xen/evtchn", NODE_EVTCHN },
		{ "/dev/xen/xenbus", NODE_XENBUS },
		{ "/proc/xen/xenbus", NODE_XENBUS },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(path, known[i].path) == 0)
			return known[i].node;
	}
	return NODE_NONE;
}

/* A file that stands for another one: xenbus as a plain file, and what xenstored reads. */
static bool path_stand_in(const char *path, char *out, size_t size)
{
	const char *dir = nodes_dir();
	char name[32] = "xenbus-";
	unsigned int domid = own_domid() % 100000u;
	size_t at = strlen(name);

	if (!dir)
		return false;
	if (strcmp(path, "/proc/xen/xsd_kva") == 0)
		return path_in_dir(out, size, dir, "xsd_kva");
	if (strcmp(path, "/proc/xen/xsd_port") == 0)
		return path_in_dir(out, size, dir, "xsd_port");
	if (node_of(path) != NODE_XENBUS)
		return false;
	for (unsigned int place = 10000; place; place /= 10)
		name[at++] = (char)('0' + domid / place % 10);
	name[at] = '\0';
	return path_in_dir(out, size, dir, name);
}

static bool path_is_ours(const char *path)
{
	return path &&
	       (strncmp(path, "/dev/xen/", 9) == 0 || strncmp(path, "/proc/xen/", 10) == 0) &&
	       nodes_dir();
}

static long node_ask(enum wire_op op, enum node node, int *fd)
{
	struct wire_request request;
	struct wire_answer answer;

	request_init(&request, op);
	request.node = node;
	return ask_daemon(&request, NULL, NULL, &answer, fd);
}

static int node_open(enum node node, int flags)
{
	int fd;

	if (node_ask(WIRE_OPEN, node, &fd) < 0)
		return -1;
	if (!(flags & O_CLOEXEC))
		syscall(SYS_fcntl, fd, F_SETFD, 0);
	if (flags & O_NONBLOCK)
		syscall(SYS_fcntl, fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int file_open(int dirfd, const char *path, int flags, mode_t mode)
{
	char stand_in[PATH_MAX];
	enum node node;

	if (!path_is_ours(path))
		return (int)syscall(SYS_openat, dirfd, path, flags, mode);
	node = node_of(path);
	if (node != NODE_NONE && node != NODE_XENBUS)
		return node_open(node, flags);
	if (node == NODE_XENBUS && node_ask(WIRE_OPEN, node, NULL) < 0)
		return -1;
	if (!path_stand_in(path, stand_in, sizeof(stand_in))) {
		errno = ENOENT;
		return -1;
	}
	/* The first to open xenbus makes the file; what xenstored reads is there already. */
	if (node == NODE_XENBUS)
		return (int)syscall(SYS_openat, AT_FDCWD, stand_in, flags | O_CREAT, 0666);
	return (int)syscall(SYS_openat, AT_FDCWD, stand_in, flags, mode);
}

static bool mode_follows(int flags)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

static mode_t mode_taken(int flags, va_list *args)
{
	return mode_follows(flags) ? va_arg(*args, mode_t) : 0;
}

#define OPEN_FUNCTION(name, extra)                                       \
	EXPORT int name(const char *path, int flags, ...);               \
	EXPORT int name(const char *path, int flags, ...)                \
	{                                                                \
		va_list args;                                            \
		mode_t mode;                                             \
                                                                         \
		va_start(args, flags);                                   \
		mode = mode_taken(flags, &args);                         \
		va_end(args);                                            \
		return file_open(AT_FDCWD, path, flags | (extra), mode); \
	}

#define OPENAT_FUNCTION(name, extra)                                  \
	EXPORT int name(int dirfd, const char *path, int flags, ...); \
	EXPORT int name(int dirfd, const char *path, int flags, ...)  \
	{                                                             \
		va_list args;                                         \
		mode_t mode;                                          \
                                                                      \
		va_start(args, flags);                                \
		mode = mode_taken(flags, &args);                      \
		va_end(args);                                         \
		return file_open(dirfd, path, flags | (extra), mode); \
	}

OPEN_FUNCTION(open, 0)
OPEN_FUNCTION(open64, O_LARGEFILE)
OPENAT_FUNCTION(openat, 0)
OPENAT_FUNCTION(openat64, O_LARGEFILE)

/* what _FORTIFY_SOURCE makes of calls without a mode */
EXPORT int __open_2(const char *path, int flags);
EXPORT int __open_2(const char *path, int flags)
{
	return file_open(AT_FDCWD, path, flags, 0);
}

EXPORT int __open64_2(const char *path, int flags);
EXPORT int __open64_2(const char *path, int flags)
{
	return file_open(AT_FDCWD, path, flags | O_LARGEFILE, 0);
}

EXPORT int __openat_2(int dirfd, const char *path, int flags);
EXPORT int __openat_2(int dirfd, const char *path, int flags)
{
	return file_open(dirfd, path, flags, 0);
}

EXPORT int __openat64_2(int dirfd, const char *path, int flags);
EXPORT int __openat64_2(int dirfd, const char *path, int flags)
{
	return file_open(dirfd, path, flags | O_LARGEFILE, 0);
}

/* ---- access and stat: is a node there? ---- */

static long node_check(const char *path)
{
	char stand_in[PATH_MAX];
	enum node node = node_of(path);

	if (node != NODE_NONE)
		return node_ask(WIRE_STAT, node, NULL);
	if (path_stand_in(path, stand_in, sizeof(stand_in)))
		return 0;
	errno = ENOENT;
	return -1;
}

/* A node without permission is there, but can not be opened. */
static int node_access(const char *path, int mode)
{
	if (node_check(path) == 0)
		return 0;
	return errno == EACCES && mode == F_OK ? 0 : -1;
}

static int node_stat(const char *path, struct stat *status)
{
	if (node_check(path) < 0 && errno != EACCES)
		return -1;
	memset(status, 0, sizeof(*status));
	status->st_mode = S_IFCHR | 0600;
	status->st_nlink = 1;
	status->st_ino = (ino_t)(1000 + node_of(path));
	status->st_rdev = (dev_t)((10 << 8) + 100 + node_of(path));
	return 0;
}

EXPORT int access(const char *path, int mode)
{
	if (path_is_ours(path))
		return node_access(path, mode);
	return (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

EXPORT int stat(const char *restrict path, struct stat *restrict status)
{
	if (path_is_ours(path))
		return node_stat(path, status);
	return (int)syscall(SYS_newfstatat, AT_FDCWD, path, status, 0);
}

EXPORT int lstat(const char *restrict path, struct stat *restrict status)
{
	if (path_is_ours(path))
		return node_stat(path, status);
	return (int)syscall(SYS_newfstatat, AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

/* ---- event channels ---- */

static struct port_table *table_get(void)
{
	struct port_table *table = atomic_load(&shared_table), *expected = NULL;
	const char *dir = nodes_dir();
	char path[PATH_MAX];
	long address;
	int fd;

	if (table || !dir || !path_in_dir(path, sizeof(path), dir, NODES_TABLE))
		return table;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	address =
		syscall(SYS_mmap, NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0L);
	close_raw(fd);
	if (address == -1)
		return NULL;
	table = (struct port_table *)address;
	if (!atomic_compare_exchange_strong(&shared_table, &expected, table)) {
		syscall(SYS_munmap, address, sizeof(*table));
		table = expected;
	}
	return table;
}

static long notify_by_request(uint64_t inode, uint32_t port)
{
	struct wire_request request;
	struct wire_answer answer;

	request_init(&request, WIRE_IOCTL);
	request.inode = inode;
	request.cmd = IOCTL_EVTCHN_NOTIFY;
	request.args[0] = port;
	return ask_daemon(&request, NULL, NULL, &answer, NULL);
}

/* One send on the file itself, and none where the receiver has the port masked anyhow. */
static int evtchn_notify(int fd, uint64_t inode, uint32_t port)
{
	struct port_table *table = table_get();
	struct wire_notify packet = { { 'n', 0, 0, 0, 0, 0, 0 } };
	uint32_t peer, bits;

	if (!table || atomic_load(&table->notify_asks))
		return (int)notify_by_request(inode, port);
	if (port >= NODES_PORTS || atomic_load(&table->ports[port].owner) != inode) {
		errno = ENOTCONN;
		return -1;
	}
	peer = atomic_load(&table->ports[port].peer);
	if (!peer || peer >= NODES_PORTS)
		return 0;
	bits = atomic_fetch_or(&table->ports[peer].bits, PORT_PENDING);
	if (bits & PORT_MASKED)
		return 0;
	memcpy(packet.octets + 1, &port, sizeof(port));
	if (syscall(SYS_sendto, fd, &packet, sizeof(packet), MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0) <
		0)
		return (int)notify_by_request(inode, port);
	return 0;
}

static long evtchn_ioctl(int fd, unsigned long cmd, void *arg, struct wire_request *request)
{
	struct wire_answer answer;
	uint32_t ignored;

	switch (cmd) {
	case IOCTL_EVTCHN_NOTIFY:
		return evtchn_notify(fd, request->inode, ((struct ioctl_evtchn_notify *)arg)->port);
	case IOCTL_EVTCHN_BIND_INTERDOMAIN:
		request->args[0] = ((struct ioctl_evtchn_bind_interdomain *)arg)->remote_domain;
		request->args[1] = ((struct ioctl_evtchn_bind_interdomain *)arg)->remote_port;
		break;
	case IOCTL_EVTCHN_RESTRICT_DOMID:
		request->args[0] = ((struct ioctl_evtchn_restrict_domid *)arg)->domid;
		break;
	case IOCTL_EVTCHN_RESET:
		while (syscall(SYS_recvfrom, fd, &ignored, sizeof(ignored), MSG_DONTWAIT, NULL,
			       NULL) > 0)
			;
		break;
	default: /* the others have one number */
		request->args[0] = *(unsigned int *)arg;
		break;
	}
	return ask_daemon(request, NULL, NULL, &answer, NULL);
}

/* ---- grants ---- */

static long gntalloc_alloc(struct ioctl_gntalloc_alloc_gref *op, struct wire_request *request)
{
	struct wire_answer answer;
	struct iovec refs = { op->gref_ids, sizeof(op->gref_ids[0]) * (size_t)op->count };
	long result;

	if (op->count == 0 || op->count > NODES_PAGES_MAX) {
		errno = op->count ? ENOSPC : EINVAL;
		return -1;
	}
	request->args[0] = op->domid;
	request->args[1] = op->flags;
	request->args[2] = op->count;
	result = ask_daemon(request, NULL, &refs, &answer, NULL);
	if (result >= 0)
		op->index = answer.values[0];
	return result;
}

static long gntdev_map(struct ioctl_gntdev_map_grant_ref *op, struct wire_request *request)
{
	struct wire_answer answer;
	struct iovec refs = { op->refs, sizeof(op->refs[0]) * (size_t)op->count };
	long result;

	_Static_assert(sizeof(op->refs[0]) == sizeof(struct wire_reference), "one layout");
	if (op->count == 0 || op->count > NODES_PAGES_MAX) {
		errno = EINVAL;
		return -1;
	}
	request->args[0] = op->count;
	result = ask_daemon(request, &refs, NULL, &answer, NULL);
	if (result >= 0)
		op->index = answer.values[0];
	return result;
}

static bool hex_take(const char **text, uint64_t *value)
{
	const char *start = *text;

	for (*value = 0;; (*text)++) {
		char c = **text;

		if (c >= '0' && c <= '9')
			*value = *value * 16 + (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*value = *value * 16 + (uint64_t)(c - 'a' + 10);
		else
			return *text != start;
	}
}

/* The mapping's number when a line of /proc/self/maps covers the address and is one of ours. */
static bool maps_line_match(const char *line, uint64_t address, uint64_t *mapping)
{
	uint64_t start, end;
	const char *name, *at = line;

	*mapping = 0;
	if (!hex_take(&at, &start) || *at++ != '-' || !hex_take(&at, &end))
		return false;
	if (address < start || address >= end)
		return false;
	name = strrchr(line, '/');
	if (name && strncmp(name, "/map-", 5) == 0) {
		name += 5;
		hex_take(&name, mapping);
	}
	return true;
}

/* The kernel's table of mappings is the one that fork, munmap and passing keep right. */
static uint64_t mapping_at(uint64_t address)
{
	char line[PATH_MAX + 128], block[1024];
	size_t used = 0;
	uint64_t mapping = 0;
	bool found = false;
	long n;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	memset(block, 0, sizeof(block));
	while (!found && (n = syscall(SYS_read, fd, block, sizeof(block))) > 0) {
		for (long i = 0; i < n && !found; i++) {
			if (block[i] != '\n') {
				if (used < sizeof(line) - 1)
					line[used++] = block[i];
				continue;
			}
			line[used] = '\0';
			used = 0;
			found = maps_line_match(line, address, &mapping);
		}
	}
	close_raw(fd);
	return mapping;
}

static long gntdev_offset(
	struct ioctl_gntdev_get_offset_for_vaddr *op, struct wire_request *request)
{
	struct wire_answer answer;
	long result;

	request->args[0] = mapping_at(op->vaddr);
	if (!request->args[0]) {
		errno = EINVAL;
		return -1;
	}
	result = ask_daemon(request, NULL, NULL, &answer, NULL);
	if (result >= 0) {
		op->offset = answer.values[0];
		op->count = (uint32_t)answer.values[1];
	}
	return result;
}

static long grants_ioctl(unsigned long cmd, void *arg, struct wire_request *request)
{
	struct wire_answer answer;

	switch (cmd) {
	case IOCTL_GNTALLOC_ALLOC_GREF:
		return gntalloc_alloc(arg, request);
	case IOCTL_GNTDEV_MAP_GRANT_REF:
		return gntdev_map(arg, request);
	case IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR:
		return gntdev_offset(arg, request);
	case IOCTL_GNTALLOC_DEALLOC_GREF:
		request->args[0] = ((struct ioctl_gntalloc_dealloc_gref *)arg)->index;
		request->args[1] = ((struct ioctl_gntalloc_dealloc_gref *)arg)->count;
		break;
	case IOCTL_GNTDEV_UNMAP_GRANT_REF:
		request->args[0] = ((struct ioctl_gntdev_unmap_grant_ref *)arg)->index;
		request->args[1] = ((struct ioctl_gntdev_unmap_grant_ref *)arg)->count;
		break;
	case IOCTL_GNTALLOC_SET_UNMAP_NOTIFY: /* both nodes have it, and its number */
		request->args[0] = ((struct ioctl_gntalloc_unmap_notify *)arg)->index;
		request->args[1] = ((struct ioctl_gntalloc_unmap_notify *)arg)->action;
		request->args[2] = ((struct ioctl_gntalloc_unmap_notify *)arg)->event_channel_port;
		break;
	default:
		break;
	}
	return ask_daemon(request, NULL, NULL, &answer, NULL);
}

_Static_assert(IOCTL_GNTALLOC_SET_UNMAP_NOTIFY == IOCTL_GNTDEV_SET_UNMAP_NOTIFY, "one number");

static bool ioctl_is_ours(unsigned long cmd)
{
	return _IOC_DIR(cmd) == _IOC_NONE && ((_IOC_TYPE(cmd) == 'E' && _IOC_NR(cmd) <= 6) ||
						     (_IOC_TYPE(cmd) == 'G' && _IOC_NR(cmd) <= 12));
}

EXPORT int ioctl(int fd, unsigned long cmd, ...)
{
	struct wire_request request;
	va_list args;
	void *arg;

	va_start(args, cmd);
	arg = va_arg(args, void *);
	va_end(args);
	if (ioctl_is_ours(cmd) && nodes_dir()) {
		request_init(&request, WIRE_IOCTL);
		request.inode = socket_inode(fd);
		request.cmd = cmd;
		if (request.inode && _IOC_TYPE(cmd) == 'E')
			return (int)evtchn_ioctl(fd, cmd, arg, &request);
		if (request.inode)
			return (int)grants_ioctl(cmd, arg, &request);
	}
	return (int)syscall(SYS_ioctl, fd, cmd, arg);
}

/* ---- mmap ---- */

static void *mmap_raw(void *address, size_t bytes, int prot, int flags, int fd, uint64_t offset)
{
	return (void *)syscall(SYS_mmap, address, bytes, prot, flags, fd, offset);
}

/* Several runs make one range: reserved first, then filled piece by piece. */
static void *runs_map(
	void *address, size_t bytes, int prot, int flags, int fd, struct iovec *answer)
{
	const struct wire_run *runs = answer->iov_base;
	size_t count = answer->iov_len / sizeof(*runs);
	char *base;

	if (count == 1)
		return mmap_raw(address, bytes, prot, flags, fd,
			(uint64_t)runs[0].frame * NODES_PAGE_BYTES);
	base = mmap_raw(address, bytes, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (flags & MAP_FIXED), -1, 0);
	if (base == MAP_FAILED)
		return base;
	for (size_t i = 0, at = 0; i < count; i++) {
		size_t length = (size_t)runs[i].pages * NODES_PAGE_BYTES;

		if (mmap_raw(base + at, length, prot, (flags | MAP_FIXED) & ~MAP_FIXED_NOREPLACE,
			    fd, (uint64_t)runs[i].frame * NODES_PAGE_BYTES) == MAP_FAILED) {
			syscall(SYS_munmap, base, bytes);
			return MAP_FAILED;
		}
		at += length;
	}
	return base;
}

static void *node_mmap(
	void *address, size_t bytes, int prot, int flags, uint64_t inode, uint64_t offset)
{
	struct wire_run few[32];
	struct iovec runs = { few, sizeof(few) };
	size_t pages = (bytes + NODES_PAGE_BYTES - 1) / NODES_PAGE_BYTES, room = 0;
	struct wire_request request;
	struct wire_answer answer;
	void *result = MAP_FAILED;
	int fd = -1;

	if (pages == 0 || pages > NODES_PAGES_MAX) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	if (pages > sizeof(few) / sizeof(few[0])) { /* not on a small thread's stack */
		room = pages * sizeof(few[0]);
		runs.iov_len = room;
		runs.iov_base = mmap_raw(
			NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (runs.iov_base == MAP_FAILED)
			return MAP_FAILED;
	}
	request_init(&request, WIRE_MMAP);
	request.inode = inode;
	request.args[0] = offset;
	request.args[1] = pages;
	request.args[2] = (uint64_t)prot;
	request.args[3] = (flags & MAP_TYPE) != MAP_PRIVATE;
	if (ask_daemon(&request, NULL, &runs, &answer, &fd) >= 0 && fd >= 0)
		result = runs_map(address, bytes, prot, flags, fd, &runs);
	if (fd >= 0)
		close_raw(fd);
	if (room) {
		int saved = errno;

		syscall(SYS_munmap, runs.iov_base, room);
		errno = saved;
	}
	return result;
}

static void *file_mmap(void *address, size_t bytes, int prot, int flags, int fd, uint64_t offset)
{
	uint64_t inode;

	/* nothing but ours maps a socket */
	if (fd >= 0 && !(flags & MAP_ANONYMOUS) && nodes_dir()) {
		inode = socket_inode(fd);
		if (inode)
			return node_mmap(address, bytes, prot, flags, inode, offset);
	}
	return mmap_raw(address, bytes, prot, flags, fd, offset);
}

EXPORT void *mmap(void *address, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	return file_mmap(address, bytes, prot, flags, fd, (uint64_t)offset);
}

EXPORT void *mmap64(void *address, size_t bytes, int prot, int flags, int fd, off64_t offset);
EXPORT void *mmap64(void *address, size_t bytes, int prot, int flags, int fd, off64_t offset)
{
	return file_mmap(address, bytes, prot, flags, fd, (uint64_t)offset);
}
