// SPDX-License-Identifier: MIT
/*
 * Plays the hypervisor and the drivers behind /dev/xen for processes that have libxennodes.so
 * preloaded. Run as `xennodes` it serves $XENNODES_DIR until it is told to end, after one line that
 * says it is ready; as `xennodes --ctl WORD...` it sends a command to the one that runs.
 *
 * An open file of a node is one end of a socket pair; the other end is here and hears the last
 * close. One thread, no waiting but in epoll.
 */
#include "control.h"
#include "domain.h"
#include "xenbus.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <xen/xen.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntalloc.h>
#include <xen/sys/gntdev.h>

#define DATA_BYTES (NODES_PAGES_MAX * sizeof(struct wire_reference))
#define CONTROL_WAIT_S 10
#define EVENTS 64

static struct file *files;
static unsigned int crashes;
static int listener, signals;
/* the files' ends and the watch are in an epoll of their own, emptied before any request */
static int files_poll, main_poll;
static char memory_dir[PATH_MAX];
static bool memory_dir_made;

static union {
	struct wire_reference refs[NODES_PAGES_MAX];
	struct wire_run runs[NODES_PAGES_MAX];
	char text[DATA_BYTES];
} data;

void nodes_die(const char *what)
{
	fprintf(stderr, "xennodes: can not %s: %s\n", what, strerror(errno));
	exit(1);
}

const char *node_name(enum node node)
{
	static const char *const names[NODE_COUNT] = { "none", "gntalloc", "gntdev", "evtchn",
		"xenbus" };

	return names[node];
}

/* ---- files ---- */

unsigned int files_count(uint32_t domid)
{
	unsigned int count = 0;

	for (struct file *file = files; file; file = file->next)
		count += !file->system && (domid == DOMID_NONE || file->domid == domid);
	return count;
}

static struct file *file_find(uint64_t inode)
{
	struct file *file = files;

	while (file && (file->inode != inode || file->sock < 0))
		file = file->next;
	return file;
}

void file_put(struct file *file)
{
	struct file **link = &files;

	if (file->sock >= 0 || file->mappings)
		return;
	grants_release(file);
	while (*link != file)
		link = &(*link)->next;
	*link = file->next;
	free(file);
}

void kernel_crash(const char *how)
{
	fprintf(stderr, "xennodes: a real kernel crashes here: %s\n", how);
	crashes++;
}

unsigned int crashes_count(void)
{
	return crashes;
}

/* A restore gives the domain another id. */
void files_move(uint32_t from, uint32_t to)
{
	for (struct file *file = files; file; file = file->next) {
		if (file->domid == from)
			file->domid = to;
	}
}

static void file_closed(struct file *file)
{
	if (file->stale)
		kernel_crash("closing an event-channel file from before a restore");
	close(file->sock);
	file->sock = -1;
	ports_release(file);
	file_put(file);
}

static void poll_add(int poll, int fd, void *owner)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = owner };

	if (owner == NULL)
		event.data.fd = fd;
	if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) < 0)
		nodes_die("watch a descriptor");
}

void descriptor_watch(int fd)
{
	poll_add(main_poll, fd, NULL);
}

void descriptor_watch_output(int fd, bool on)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (on)
		event.events |= EPOLLOUT;
	epoll_ctl(main_poll, EPOLL_CTL_MOD, fd, &event);
}

/* The other end, which is the caller's to pass on and close. */
static int file_make(const struct wire_request *request)
{
	struct file *file = calloc(1, sizeof(*file));
	int pair[2], bytes = 1 << 20;
	struct stat status;

	if (!file || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
		fstat(pair[1], &status) < 0)
		nodes_die("make a file");
	/* every port of a file can have an event waiting */
	for (int i = 0; i < 2; i++) {
		if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
			setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	}
	*file = (struct file){
		.next = files,
		.sock = pair[0],
		.inode = status.st_ino,
		.node = (enum node)request->node,
		.domid = request->domid,
		.system = request->system,
		.restricted_to = DOMID_NONE,
	};
	files = file;
	poll_add(files_poll, file->sock, file);
	return pair[1];
}

static void file_packet(struct file *file, const unsigned char *packet, size_t bytes)
{
	uint32_t port;

	if (file->node != NODE_EVTCHN)
		return;
	if (bytes == sizeof(struct wire_notify)) {
		memcpy(&port, packet + 1, sizeof(port));
		ports_notify_packet(file, port);
		return;
	}
	for (size_t at = 0; at + sizeof(port) <= bytes; at += sizeof(port)) {
		memcpy(&port, packet + at, sizeof(port));
		ports_unmask(file, port);
	}
}

/* One packet; epoll says when there are more. */
static void file_ready(struct file *file, bool hung_up)
{
	unsigned char packet[NODES_PAGE_BYTES];
	ssize_t n = recv(file->sock, packet, sizeof(packet), MSG_DONTWAIT);

	if (n > 0)
		file_packet(file, packet, (size_t)n);
	/* with unread events the other end goes with a reset, after its last packet */
	else if (n == 0 ? hung_up : errno != EAGAIN && errno != EINTR && errno != ECONNRESET)
		file_closed(file);
}

/* All that happened before now has its effect before what comes next. */
static void files_drain(void)
{
	struct epoll_event events[EVENTS];
	int n;

	while ((n = epoll_wait(files_poll, events, EVENTS, 0)) > 0) {
		bool watch = false;

		/* a file may be freed by what the watch says: that comes after the others */
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &files)
				watch = true;
			else
				file_ready(events[i].data.ptr, events[i].events & EPOLLHUP);
		}
		if (watch)
			grants_watch_read();
	}
}

/* ---- requests about files ---- */

static const char *ioctl_name(uint64_t cmd)
{
	switch (cmd) {
	case IOCTL_GNTALLOC_ALLOC_GREF:
		return "alloc";
	case IOCTL_GNTALLOC_DEALLOC_GREF:
		return "dealloc";
	case IOCTL_GNTALLOC_SET_UNMAP_NOTIFY:
		return "unmap-notify";
	case IOCTL_GNTDEV_MAP_GRANT_REF:
		return "map";
	case IOCTL_GNTDEV_UNMAP_GRANT_REF:
		return "unmap";
	case IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR:
		return "offset";
	case IOCTL_EVTCHN_BIND_VIRQ:
		return "bind-virq";
	case IOCTL_EVTCHN_BIND_INTERDOMAIN:
		return "bind-interdomain";
	case IOCTL_EVTCHN_BIND_UNBOUND_PORT:
		return "bind-unbound";
	case IOCTL_EVTCHN_UNBIND:
		return "unbind";
	case IOCTL_EVTCHN_NOTIFY:
		return "notify";
	case IOCTL_EVTCHN_RESET:
		return "reset";
	case IOCTL_EVTCHN_RESTRICT_DOMID:
		return "restrict";
	default:
		return "unknown";
	}
}

static int64_t evtchn_restrict(struct file *file, uint64_t domid)
{
	if (file->restricted_to != DOMID_NONE)
		return -EACCES;
	if (domid == 0 || domid >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	file->restricted_to = (uint32_t)domid;
	return 0;
}

static int64_t evtchn_ioctl(struct file *file, const struct wire_request *request)
{
	uint32_t first = (uint32_t)request->args[0];

	switch (request->cmd) {
	case IOCTL_EVTCHN_BIND_VIRQ:
		return ports_bind_virq(file, first);
	case IOCTL_EVTCHN_BIND_INTERDOMAIN:
		return ports_bind_interdomain(file, first, (uint32_t)request->args[1]);
	case IOCTL_EVTCHN_BIND_UNBOUND_PORT:
		return ports_bind_unbound(file, first);
	case IOCTL_EVTCHN_UNBIND:
		return ports_unbind(file, first);
	case IOCTL_EVTCHN_NOTIFY:
		return ports_notify(file, first);
	case IOCTL_EVTCHN_RESET: /* the caller has emptied its end */
		return 0;
	case IOCTL_EVTCHN_RESTRICT_DOMID:
		return evtchn_restrict(file, first);
	default:
		return -ENOSYS;
	}
}

static int64_t gntalloc_ioctl(struct file *file, const struct wire_request *request,
	struct wire_answer *answer, size_t *data_bytes)
{
	const uint64_t *args = request->args;
	int64_t result;

	switch (request->cmd) {
	case IOCTL_GNTALLOC_ALLOC_GREF:
		result = grants_alloc(file, (uint32_t)args[0], args[1] & GNTALLOC_FLAG_WRITABLE,
			(uint32_t)args[2], (uint32_t *)data.refs, &answer->values[0]);
		*data_bytes = result < 0 ? 0 : args[2] * sizeof(uint32_t);
		return result;
	case IOCTL_GNTALLOC_DEALLOC_GREF:
		return grants_dealloc(file, args[0], args[1]);
	case IOCTL_GNTALLOC_SET_UNMAP_NOTIFY:
		return grants_notify_set(file, args[0], (uint32_t)args[1], (uint32_t)args[2]);
	default:
		return -ENOTTY;
	}
}

static int64_t gntdev_ioctl(struct file *file, const struct wire_request *request,
	struct wire_answer *answer, size_t received)
{
	const uint64_t *args = request->args;

	switch (request->cmd) {
	case IOCTL_GNTDEV_MAP_GRANT_REF:
		if (received != args[0] * sizeof(data.refs[0]))
			return -EINVAL;
		return grants_map(file, data.refs, (uint32_t)args[0], &answer->values[0]);
	case IOCTL_GNTDEV_UNMAP_GRANT_REF:
		return grants_unmap(file, args[0], args[1]);
	case IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR:
		return grants_offset(file, args[0], &answer->values[0], &answer->values[1]);
	case IOCTL_GNTDEV_SET_UNMAP_NOTIFY:
		return grants_notify_set(file, args[0], (uint32_t)args[1], (uint32_t)args[2]);
	default:
		return -ENOTTY;
	}
}

static int64_t request_ioctl(const struct wire_request *request, struct wire_answer *answer,
	size_t received, size_t *data_bytes)
{
	struct file *file = file_find(request->inode);
	int error;

	if (!file)
		return -ENOTTY;
	error = fault_take(file->node, ioctl_name(request->cmd), file->domid);
	if (error)
		return error;
	if (file->node == NODE_EVTCHN)
		return evtchn_ioctl(file, request);
	if (file->node == NODE_GNTALLOC)
		return gntalloc_ioctl(file, request, answer, data_bytes);
	return gntdev_ioctl(file, request, answer, received);
}

static int64_t request_mmap(const struct wire_request *request, size_t *data_bytes, int *fd)
{
	struct file *file = file_find(request->inode);
	int64_t result;

	if (!file)
		return -ENODEV;
	if (!request->args[1] || request->args[1] > NODES_PAGES_MAX)
		return -EINVAL;
	result = fault_take(file->node, "mmap", file->domid);
	if (!result)
		result = grants_mmap(file, request->args[0], request->args[1],
			request->args[2] & 2 /* PROT_WRITE */, request->args[3], data.runs, fd);
	if (result > 0)
		*data_bytes = (size_t)result * sizeof(data.runs[0]);
	return result;
}

static int64_t request_open(const struct wire_request *request, int *fd)
{
	int64_t error;

	if (request->node <= NODE_NONE || request->node >= NODE_COUNT)
		return -ENOENT;
	error = fault_take((enum node)request->node, "open", request->domid);
	if (!error && request->node != NODE_XENBUS)
		*fd = file_make(request);
	return error;
}

/* ---- connections ---- */

static void connection_send(
	int connection, const struct wire_answer *answer, const void *bytes, size_t count, int fd)
{
	struct iovec parts[2] = { { (void *)(uintptr_t)answer, sizeof(*answer) },
		{ (void *)(uintptr_t)bytes, count } };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = count ? 2 : 1 };

	memset(&control, 0, sizeof(control));
	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.space);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	/* a process that was killed does not hear it, and its descriptor is closed with ours */
	sendmsg(connection, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (fd >= 0)
		close(fd);
}

void connection_answer(int connection, int64_t result, const char *text, size_t bytes)
{
	struct wire_answer answer = { .result = result };

	connection_send(connection, &answer, text, bytes, -1);
}

static void request_control(int connection, size_t bytes)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	int result;

	if (!out)
		nodes_die("print");
	data.text[bytes < DATA_BYTES ? bytes : DATA_BYTES - 1] = '\0';
	result = control_run(data.text, out, connection);
	fclose(out);
	if (result != CONTROL_WAITS)
		connection_answer(connection, result, text, length);
	free(text);
}

static void request_serve(int connection, const struct wire_request *request, size_t received)
{
	struct wire_answer answer = { 0 };
	size_t data_bytes = 0;
	int fd = -1;

	switch (request->op) {
	case WIRE_OPEN:
		answer.result = request_open(request, &fd);
		break;
	case WIRE_STAT:
		answer.result = request->node < NODE_COUNT ? fault_peek((enum node)request->node,
								     "open", request->domid)
							   : -ENOENT;
		break;
	case WIRE_IOCTL:
		answer.result = request_ioctl(request, &answer, received, &data_bytes);
		break;
	case WIRE_MMAP:
		answer.result = request_mmap(request, &data_bytes, &fd);
		break;
	case WIRE_CONTROL:
		request_control(connection, received);
		return;
	default:
		answer.result = -EOPNOTSUPP;
		break;
	}
	connection_send(connection, &answer, &data, data_bytes, fd);
}

static void connection_ready(int connection)
{
	struct wire_request request;
	struct iovec parts[2] = { { &request, sizeof(request) }, { &data, sizeof(data) } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n = recvmsg(connection, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < (ssize_t)sizeof(request)) {
		control_forget(connection);
		close(connection);
		return;
	}
	files_drain();
	request.domid = xenbus_domid(request.domid);
	request_serve(connection, &request, (size_t)n - sizeof(request));
}

static void listener_ready(void)
{
	int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (connection < 0)
		return;
	poll_add(main_poll, connection, NULL);
	connection_ready(connection);
}

/* ---- start and end ---- */

static void name_in(char *out, size_t size, const char *dir, const char *name)
{
	if (snprintf(out, size, "%s/%s", dir, name) >= (int)size) {
		errno = ENAMETOOLONG;
		nodes_die(name);
	}
}

static void file_write(const char *dir, const char *name, const char *text, off_t bytes)
{
	char path[PATH_MAX];
	int fd;

	name_in(path, sizeof(path), dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0 || fchmod(fd, 0666) < 0 || write(fd, text, strlen(text)) < 0 ||
		(bytes && ftruncate(fd, bytes) < 0))
		nodes_die(path);
	close(fd);
}

/* On an overlay a mapping does not hold the file that was opened: the watch would speak too early.
 */
static void memory_dir_choose(const char *dir)
{
	struct statfs status;

	if (statfs(dir, &status) < 0)
		nodes_die(dir);
	if (status.f_type != OVERLAYFS_SUPER_MAGIC) {
		name_in(memory_dir, sizeof(memory_dir), dir, "memory");
		if (mkdir(memory_dir, 0700) < 0)
			nodes_die(memory_dir);
		return;
	}
	snprintf(memory_dir, sizeof(memory_dir), "/dev/shm/xennodes.XXXXXX");
	if (!mkdtemp(memory_dir))
		nodes_die(memory_dir);
	memory_dir_made = true;
}

static void memory_dir_remove(void)
{
	char path[PATH_MAX + 16];

	if (!memory_dir_made)
		return;
	snprintf(path, sizeof(path), "%s/memory", memory_dir);
	unlink(path);
	/* with a link in it, somebody still has pages mapped; they are freed with them */
	rmdir(memory_dir);
}

static int socket_address(struct sockaddr_un *address, const char *dir)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	name_in(address->sun_path, sizeof(address->sun_path), dir, NODES_SOCKET);
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

static void listener_open(const char *dir)
{
	struct sockaddr_un address;

	listener = socket_address(&address, dir);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		chmod(address.sun_path, 0666) < 0 || listen(listener, 1024) < 0)
		nodes_die(address.sun_path);
}

static void signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		nodes_die("wait for signals");
}

static void limit_from_env(void)
{
	const char *text = getenv("XENNODES_LIMIT");

	if (text)
		grants_limit_set((uint32_t)strtoul(text, NULL, 10));
}

static void daemon_start(const char *dir)
{
	char path[PATH_MAX], number[16];

	umask(0);
	files_poll = epoll_create1(EPOLL_CLOEXEC);
	main_poll = epoll_create1(EPOLL_CLOEXEC);
	if (files_poll < 0 || main_poll < 0)
		nodes_die("wait");
	memory_dir_choose(dir);
	grants_init(memory_dir);
	limit_from_env();
	name_in(path, sizeof(path), dir, NODES_TABLE);
	ports_init(path);
	snprintf(number, sizeof(number), "%u\n", ports_xenstore());
	file_write(dir, "xsd_port", number, 0);
	file_write(dir, "xsd_kva", "", NODES_PAGE_BYTES);
	file_write(dir, "xenbus-00000", "", 0);
	signals_open();
	listener_open(dir);
	poll_add(files_poll, grants_watch_fd(), &files);
	poll_add(main_poll, files_poll, NULL);
	poll_add(main_poll, signals, NULL);
	poll_add(main_poll, listener, NULL);
}

static int daemon_run(void)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int n = epoll_wait(main_poll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == signals)
				return 0;
			if (fd == files_poll)
				files_drain();
			else if (fd == listener)
				listener_ready();
			else if (!xenbus_ready(fd))
				connection_ready(fd);
		}
		control_check();
	}
}

int control_send(const char *dir, const char *words, char *said, size_t size)
{
	struct wire_request request = { .op = WIRE_CONTROL };
	struct wire_answer answer;
	struct iovec parts[2] = { { &request, sizeof(request) },
		{ (void *)(uintptr_t)words, strlen(words) } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	struct timeval patience = { .tv_sec = CONTROL_WAIT_S };
	struct sockaddr_un address;
	int sock = socket_address(&address, dir);
	ssize_t n;

	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
		sendmsg(sock, &message, MSG_NOSIGNAL) < 0)
		nodes_die("reach the daemon");
	parts[0] = (struct iovec){ &answer, sizeof(answer) };
	parts[1] = (struct iovec){ said, size - 1 };
	n = recvmsg(sock, &message, 0);
	close(sock);
	if (n < (ssize_t)sizeof(answer)) {
		snprintf(said, size, "xennodes: no answer in %d s\n", CONTROL_WAIT_S);
		return -ETIMEDOUT;
	}
	said[(size_t)n - sizeof(answer)] = '\0';
	return (int)answer.result;
}

static int control_main(const char *dir, int count, char **words)
{
	char text[1000] = "";
	size_t used = 0;
	int result;

	for (int i = 0; i < count && used < sizeof(text); i++)
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%s%s", i ? " " : "", words[i]);
	if (count == 2 && strcmp(words[0], "domain") == 0)
		return domain_introduce(dir, words[1]);
	if (count == 2 && strcmp(words[0], "release") == 0)
		return domain_release(dir, words[1]);
	result = control_send(dir, text, data.text, sizeof(data.text));
	fputs(data.text, result < 0 ? stderr : stdout);
	return result < 0;
}

int main(int argc, char **argv)
{
	const char *dir = getenv("XENNODES_DIR");
	int status;

	if (!dir || (argc > 1 && strcmp(argv[1], "--ctl") != 0)) {
		fprintf(stderr, "usage: XENNODES_DIR=... xennodes [--ctl COMMAND...]\n");
		return 2;
	}
	if (argc > 1)
		return control_main(dir, argc - 2, argv + 2);
	daemon_start(dir);
	puts("xennodes: ready");
	fflush(stdout);
	status = daemon_run();
	memory_dir_remove();
	return status;
}
