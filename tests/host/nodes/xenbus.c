// SPDX-License-Identifier: MIT
/*
 * Plays the xenbus driver of guests' kernels: clients speak XenStore's wire protocol on a socket,
 * xenstored on the ring of the domain, as with a real guest. So xenstored itself knows the guest,
 * with its permissions, quotas and relative paths. As in the kernel, requests of all clients share
 * the ring under numbers of our own, and so do watches under tokens.
 */
#include "xenbus.h"

#include "hyper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <xen/io/xs_wire.h>

#define MESSAGE_BYTES (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX)

struct bytes {
	char *data;
	size_t used, room;
};

struct domain {
	struct domain *next;
	uint32_t domid;
	uint32_t ref;
	struct xenstore_domain_interface *ring;
	uint32_t port;
	struct bytes out; /* not yet in the ring */
	struct bytes in;  /* the beginning of a message */
};

/* Where a domain's processes connect. A restored guest keeps the one it had. */
struct listener {
	struct listener *next;
	struct domain *domain;
	int fd;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

/* What the domain was called before it was restored. */
struct alias {
	struct alias *next;
	uint32_t from, to;
};

struct client {
	struct client *next;
	struct domain *domain;
	int fd;
	uint32_t number;
	struct bytes in, out;
};

struct transaction {
	struct transaction *next;
	uint32_t client, id;
	bool stale; /* begun before a restore */
};

struct watch {
	struct watch *next;
	uint32_t client, number;
	char *path, *token;
};

/* A request that xenstored has not answered yet. */
struct request {
	struct request *next;
	uint32_t number;
	uint32_t client; /* 0: nobody wants the answer */
	uint32_t client_number;
	uint32_t watch; /* to be dropped when: it fails to be set, or is taken away */
};

static struct domain *domains;
static struct listener *listeners;
static struct alias *aliases;
static struct client *clients;
static struct transaction *transactions;
static struct watch *watches;
static struct request *requests;
static uint32_t last_client, last_request, last_watch;

/* ---- bytes ---- */

static void bytes_add(struct bytes *bytes, const void *data, size_t count)
{
	if (bytes->used + count > bytes->room) {
		bytes->room = (bytes->used + count) * 2;
		bytes->data = realloc(bytes->data, bytes->room);
		if (!bytes->data)
			nodes_die("buffer");
	}
	if (count)
		memcpy(bytes->data + bytes->used, data, count);
	bytes->used += count;
}

static void bytes_take(struct bytes *bytes, size_t count)
{
	bytes->used -= count;
	memmove(bytes->data, bytes->data + count, bytes->used);
}

static void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){ .data = NULL };
}

/* The first message's length with its header; 0: not all of it is there; -1: nonsense. */
static long message_bytes(const struct bytes *bytes, struct xsd_sockmsg *header)
{
	if (bytes->used < sizeof(*header))
		return 0;
	memcpy(header, bytes->data, sizeof(*header));
	if (header->len > XENSTORE_PAYLOAD_MAX)
		return -1;
	return bytes->used < sizeof(*header) + header->len ? 0
							   : (long)(sizeof(*header) + header->len);
}

/* ---- finding ---- */

static struct client *client_find(uint32_t number)
{
	struct client *client = clients;

	while (client && client->number != number)
		client = client->next;
	return client;
}

static struct watch **watch_find(uint32_t number)
{
	struct watch **link = &watches;

	while (*link && (*link)->number != number)
		link = &(*link)->next;
	return link;
}

static void watch_drop(uint32_t number)
{
	struct watch **link = watch_find(number), *watch = *link;

	if (!watch)
		return;
	*link = watch->next;
	free(watch->path);
	free(watch->token);
	free(watch);
}

/* ---- the ring ---- */

static void ring_push(struct domain *domain)
{
	struct xenstore_domain_interface *ring = domain->ring;
	uint32_t cons = __atomic_load_n(&ring->req_cons, __ATOMIC_ACQUIRE), prod = ring->req_prod;
	size_t count = 0;

	while (count < domain->out.used && prod - cons < XENSTORE_RING_SIZE)
		ring->req[MASK_XENSTORE_IDX(prod++)] = domain->out.data[count++];
	if (!count)
		return;
	__atomic_store_n(&ring->req_prod, prod, __ATOMIC_SEQ_CST);
	bytes_take(&domain->out, count);
	ports_notify_any(domain->domid, domain->port);
}

static void ring_pull(struct domain *domain)
{
	struct xenstore_domain_interface *ring = domain->ring;
	uint32_t prod = __atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE), cons = ring->rsp_cons;
	uint32_t start = cons;

	while (cons != prod && cons - start < XENSTORE_RING_SIZE)
		bytes_add(&domain->in, &ring->rsp[MASK_XENSTORE_IDX(cons++)], 1);
	if (cons == start)
		return;
	__atomic_store_n(&ring->rsp_cons, cons, __ATOMIC_SEQ_CST);
	ports_notify_any(domain->domid, domain->port);
}

static struct request *request_add(uint32_t client, uint32_t client_number)
{
	struct request *request = calloc(1, sizeof(*request));

	if (!request)
		nodes_die("send a request");
	*request = (struct request){ .next = requests,
		.number = ++last_request,
		.client = client,
		.client_number = client_number };
	requests = request;
	return request;
}

static void request_send(struct domain *domain, const struct request *request, uint32_t type,
	uint32_t transaction, const struct bytes *payload)
{
	struct xsd_sockmsg header = { .type = type,
		.req_id = request->number,
		.tx_id = transaction,
		.len = (uint32_t)payload->used };

	bytes_add(&domain->out, &header, sizeof(header));
	bytes_add(&domain->out, payload->data, payload->used);
	ring_push(domain);
}

/* ---- clients ---- */

static void client_flush(struct client *client)
{
	ssize_t n = client->out.used ? send(client->fd, client->out.data, client->out.used,
					       MSG_NOSIGNAL | MSG_DONTWAIT)
				     : 0;

	if (n > 0)
		bytes_take(&client->out, (size_t)n);
	descriptor_watch_output(client->fd, client->out.used > 0);
}

static void client_send(struct client *client, uint32_t type, uint32_t number, uint32_t transaction,
	const char *payload, size_t count)
{
	struct xsd_sockmsg header = {
		.type = type, .req_id = number, .tx_id = transaction, .len = (uint32_t)count
	};

	bytes_add(&client->out, &header, sizeof(header));
	bytes_add(&client->out, payload, count);
	client_flush(client);
}

static void token_format(uint32_t number, char *out, size_t size)
{
	snprintf(out, size, "watch-%u", number);
}

/* The path stays, the token becomes ours. */
static struct bytes watch_payload(const char *path, uint32_t number)
{
	struct bytes payload = { NULL, 0, 0 };
	char token[24];

	token_format(number, token, sizeof(token));
	bytes_add(&payload, path, strlen(path) + 1);
	bytes_add(&payload, token, strlen(token) + 1);
	return payload;
}

/* Two strings that fill the payload. */
static bool payload_split(const char *payload, size_t count, const char **second)
{
	size_t first = strnlen(payload, count);

	*second = payload + first + 1;
	return first + 1 < count && strnlen(*second, count - first - 1) + first + 2 == count;
}

static void client_watch(struct client *client, const struct xsd_sockmsg *header, const char *path,
	const char *token)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	struct request *request = request_add(client->number, header->req_id);
	struct bytes payload;

	if (!watch)
		nodes_die("watch");
	*watch = (struct watch){ watches, client->number, ++last_watch, strdup(path),
		strdup(token) };
	watches = watch;
	request->watch = watch->number;
	payload = watch_payload(path, watch->number);
	request_send(client->domain, request, XS_WATCH, header->tx_id, &payload);
	bytes_free(&payload);
}

static void client_unwatch(struct client *client, const struct xsd_sockmsg *header,
	const char *path, const char *token)
{
	struct watch *watch = watches;
	struct request *request;
	struct bytes payload;

	while (watch && (watch->client != client->number || strcmp(watch->path, path) != 0 ||
				strcmp(watch->token, token) != 0))
		watch = watch->next;
	if (!watch) {
		client_send(client, XS_ERROR, header->req_id, header->tx_id, "ENOENT", 7);
		return;
	}
	request = request_add(client->number, header->req_id);
	payload = watch_payload(path, watch->number);
	watch_drop(watch->number);
	request_send(client->domain, request, XS_UNWATCH, header->tx_id, &payload);
	bytes_free(&payload);
}

static void transaction_note(uint32_t client, uint32_t id)
{
	struct transaction *transaction = calloc(1, sizeof(*transaction));

	if (!transaction)
		nodes_die("note a transaction");
	*transaction = (struct transaction){ transactions, client, id, false };
	transactions = transaction;
}

static void transaction_forget(uint32_t client, uint32_t id)
{
	for (struct transaction **link = &transactions; *link; link = &(*link)->next) {
		struct transaction *transaction = *link;

		if (transaction->client != client || transaction->id != id)
			continue;
		*link = transaction->next;
		free(transaction);
		return;
	}
}

static bool transaction_stale(uint32_t client, uint32_t id)
{
	for (struct transaction *transaction = transactions; transaction;
		transaction = transaction->next) {
		if (transaction->client == client && transaction->id == id && transaction->stale)
			return true;
	}
	return false;
}

static void client_message(
	struct client *client, const struct xsd_sockmsg *header, const char *payload)
{
	struct bytes copy = { NULL, 0, 0 };
	bool stale = transaction_stale(client->number, header->tx_id);
	const char *token;

	if (header->type == XS_TRANSACTION_END)
		transaction_forget(client->number, header->tx_id);
	if (stale) {
		client_send(client, XS_ERROR, header->req_id, header->tx_id, "EAGAIN", 7);
		return;
	}
	if ((header->type == XS_WATCH || header->type == XS_UNWATCH) &&
		payload_split(payload, header->len, &token)) {
		if (header->type == XS_WATCH)
			client_watch(client, header, payload, token);
		else
			client_unwatch(client, header, payload, token);
		return;
	}
	bytes_add(&copy, payload, header->len);
	request_send(client->domain, request_add(client->number, header->req_id), header->type,
		header->tx_id, &copy);
	bytes_free(&copy);
}

/* What it held is given back as the kernel does for a closed file. */
static void client_close(struct client *client)
{
	struct client **link = &clients;
	struct bytes payload;

	for (struct watch *watch = watches, *next; watch; watch = next) {
		next = watch->next;
		if (watch->client != client->number)
			continue;
		payload = watch_payload(watch->path, watch->number);
		request_send(client->domain, request_add(0, 0), XS_UNWATCH, 0, &payload);
		bytes_free(&payload);
		watch_drop(watch->number);
	}
	for (struct transaction *transaction = transactions, *next; transaction;
		transaction = next) {
		next = transaction->next;
		if (transaction->client != client->number)
			continue;
		payload = (struct bytes){ NULL, 0, 0 };
		bytes_add(&payload, "F", 2);
		request_send(client->domain, request_add(0, 0), XS_TRANSACTION_END, transaction->id,
			&payload);
		bytes_free(&payload);
		transaction_forget(client->number, transaction->id);
	}
	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	close(client->fd);
	bytes_free(&client->in);
	bytes_free(&client->out);
	free(client);
}

static void client_ready(struct client *client)
{
	struct xsd_sockmsg header;
	char block[MESSAGE_BYTES];
	ssize_t n = recv(client->fd, block, sizeof(block), MSG_DONTWAIT);
	long bytes;

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		client_close(client);
		return;
	}
	bytes_add(&client->in, block, n > 0 ? (size_t)n : 0);
	while ((bytes = message_bytes(&client->in, &header)) > 0) {
		char payload[XENSTORE_PAYLOAD_MAX + 1] = "";

		memcpy(payload, client->in.data + sizeof(header), header.len);
		bytes_take(&client->in, (size_t)bytes);
		client_message(client, &header, payload);
	}
	if (bytes < 0) {
		client_close(client);
		return;
	}
	client_flush(client);
}

/* ---- answers ---- */

static void watch_event(const char *payload, size_t count)
{
	struct bytes event = { NULL, 0, 0 };
	struct watch *watch;
	struct client *client;
	const char *token;

	if (!payload_split(payload, count, &token) || strncmp(token, "watch-", 6) != 0)
		return;
	watch = *watch_find((uint32_t)strtoul(token + 6, NULL, 10));
	client = watch ? client_find(watch->client) : NULL;
	if (!client)
		return;
	bytes_add(&event, payload, strlen(payload) + 1);
	bytes_add(&event, watch->token, strlen(watch->token) + 1);
	client_send(client, XS_WATCH_EVENT, 0, 0, event.data, event.used);
	bytes_free(&event);
}

static void answer(const struct xsd_sockmsg *header, const char *payload)
{
	struct request **link = &requests, *request;
	struct client *client;

	while (*link && (*link)->number != header->req_id)
		link = &(*link)->next;
	request = *link;
	if (!request)
		return;
	*link = request->next;
	if (request->watch && header->type == XS_ERROR)
		watch_drop(request->watch);
	client = client_find(request->client);
	if (client && header->type == XS_TRANSACTION_START)
		transaction_note(client->number, (uint32_t)strtoul(payload, NULL, 10));
	if (client)
		client_send(client, header->type, request->client_number, header->tx_id, payload,
			header->len);
	free(request);
}

void xenbus_event(uint32_t port)
{
	struct xsd_sockmsg header;
	struct domain *domain = domains;
	long bytes;

	while (domain && domain->port != port)
		domain = domain->next;
	if (!domain)
		return;
	ring_pull(domain);
	ring_push(domain);
	while ((bytes = message_bytes(&domain->in, &header)) > 0) {
		char payload[XENSTORE_PAYLOAD_MAX + 1] = "";

		memcpy(payload, domain->in.data + sizeof(header), header.len);
		bytes_take(&domain->in, (size_t)bytes);
		if (header.type == XS_WATCH_EVENT)
			watch_event(payload, header.len);
		else
			answer(&header, payload);
	}
	if (bytes < 0) {
		errno = EPROTO;
		nodes_die("understand xenstored");
	}
}

/* ---- domains ---- */

static struct domain **domain_find(uint32_t domid)
{
	struct domain **link = &domains;

	while (*link && (*link)->domid != domid)
		link = &(*link)->next;
	return link;
}

uint32_t xenbus_domain_ref(uint32_t domid)
{
	struct domain *domain = *domain_find(domid);

	return domain ? domain->ref : 0;
}

uint32_t xenbus_domid(uint32_t domid)
{
	struct alias *alias = aliases;

	while (alias) {
		if (alias->from == domid) {
			domid = alias->to;
			alias = aliases;
		} else {
			alias = alias->next;
		}
	}
	return domid;
}

static void listener_accept(struct listener *listener)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		nodes_die("accept");
	client->fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client->fd < 0) {
		free(client);
		return;
	}
	client->domain = listener->domain;
	client->number = ++last_client;
	client->next = clients;
	clients = client;
	descriptor_watch(client->fd);
}

bool xenbus_ready(int fd)
{
	for (struct listener *listener = listeners; listener; listener = listener->next) {
		if (listener->fd == fd) {
			listener_accept(listener);
			return true;
		}
	}
	for (struct client *client = clients; client; client = client->next) {
		if (client->fd == fd) {
			client_ready(client);
			return true;
		}
	}
	return false;
}

static int listener_add(struct domain *domain, const char *dir)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int error = ENAMETOOLONG;

	if (!listener)
		return -ENOMEM;
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/xenbus-%u.sock", dir,
		    domain->domid) >= (int)sizeof(address.sun_path))
		goto fail;
	if (listener->fd < 0 ||
		bind(listener->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		chmod(address.sun_path, 0666) < 0 || listen(listener->fd, 64) < 0) {
		error = errno;
		goto fail;
	}
	memcpy(listener->path, address.sun_path, sizeof(listener->path));
	listener->domain = domain;
	listener->next = listeners;
	listeners = listener;
	descriptor_watch(listener->fd);
	return 0;
fail:
	if (listener->fd >= 0)
		close(listener->fd);
	free(listener);
	return -error;
}

static void listeners_remove(struct domain *domain)
{
	struct listener **link = &listeners, *listener;

	while ((listener = *link) != NULL) {
		if (listener->domain != domain) {
			link = &listener->next;
			continue;
		}
		*link = listener->next;
		close(listener->fd);
		unlink(listener->path);
		free(listener);
	}
}

static void lock_path(char *out, size_t size, const char *dir, uint32_t domid)
{
	snprintf(out, size, "%s/xenbus-%05u", dir, domid);
}

/* What a domain's processes open as /dev/xen/xenbus, any user's: it takes their locks. */
static void lock_make(const char *dir, uint32_t domid)
{
	char path[PATH_MAX];
	int fd;

	lock_path(path, sizeof(path), dir, domid);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		nodes_die(path);
	close(fd);
}

/* Locks outlive a restore: the new domain's node is the old one's. */
static void lock_move(const char *dir, uint32_t from, uint32_t to)
{
	char old[PATH_MAX], new[PATH_MAX];

	lock_path(old, sizeof(old), dir, from);
	lock_path(new, sizeof(new), dir, to);
	unlink(new);
	if (link(old, new) < 0)
		nodes_die(new);
}

int xenbus_domain_add(const char *dir, uint32_t domid)
{
	struct domain *domain;
	int result;

	if (!domid || *domain_find(domid))
		return -EEXIST;
	domain = calloc(1, sizeof(*domain));
	if (!domain)
		return -ENOMEM;
	domain->domid = domid;
	result = listener_add(domain, dir);
	if (result < 0) {
		free(domain);
		return result;
	}
	lock_make(dir, domid);
	domain->ref = grants_kernel_page(domid, (void **)&domain->ring);
	result = ports_kernel(domid);
	if (result < 0)
		nodes_die("find a port");
	domain->port = (uint32_t)result;
	domain->next = domains;
	domains = domain;
	return result;
}

int xenbus_domain_remove(uint32_t domid)
{
	struct domain **link = domain_find(domid), *domain = *link;

	if (!domain)
		return -ENOENT;
	for (struct client *client = clients, *next; client; client = next) {
		next = client->next;
		if (client->domain == domain)
			client_close(client);
	}
	listeners_remove(domain);
	*link = domain->next;
	ports_kernel_close(domain->port);
	grants_kernel_page_end(domain->ref);
	bytes_free(&domain->in);
	bytes_free(&domain->out);
	free(domain);
	return 0;
}

/* ---- restore ---- */

/* What it waits for is lost, what it has begun is void, its watches are set again and fire. */
static void client_move(struct client *client, struct domain *to)
{
	struct bytes payload;

	for (struct request *request = requests; request; request = request->next) {
		if (request->client != client->number)
			continue;
		client_send(client, XS_ERROR, request->client_number, 0, "EAGAIN", 7);
		request->client = 0;
	}
	for (struct transaction *transaction = transactions; transaction;
		transaction = transaction->next) {
		if (transaction->client == client->number)
			transaction->stale = true;
	}
	client->domain = to;
	for (struct watch *watch = watches; watch; watch = watch->next) {
		if (watch->client != client->number)
			continue;
		payload = watch_payload(watch->path, watch->number);
		request_send(to, request_add(0, 0), XS_WATCH, 0, &payload);
		bytes_free(&payload);
	}
}

int xenbus_domain_move(const char *dir, uint32_t from_domid, uint32_t to_domid)
{
	struct domain *from = *domain_find(from_domid), *to = *domain_find(to_domid);
	struct alias *alias = calloc(1, sizeof(*alias));

	if (!alias || !from || !to || from == to) {
		free(alias);
		return -ENOENT;
	}
	*alias = (struct alias){ aliases, from_domid, to_domid };
	aliases = alias;
	lock_move(dir, from_domid, to_domid);
	for (struct listener *listener = listeners; listener; listener = listener->next) {
		if (listener->domain == from)
			listener->domain = to;
	}
	for (struct client *client = clients; client; client = client->next) {
		if (client->domain == from)
			client_move(client, to);
	}
	return 0;
}
