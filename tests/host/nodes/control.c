// SPDX-License-Identifier: MIT
/*
 * The daemon's control commands. A test never polls: `wait` is answered when the counts are what
 * it says.
 */
#include "control.h"
#include "xenbus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FAULTS 32
#define WAITERS 16
#define WORDS 16

enum count {
	COUNT_FILES,
	COUNT_GRANTS,
	COUNT_SHARED,
	COUNT_MAPPED,
	COUNT_PORTS,
	COUNT_FAULTS,
	COUNT_CRASHES,
	COUNT_XENSTORED,
	COUNT_ALL
};

static const char *const count_names[COUNT_ALL] = { "files", "grants", "shared", "mapped", "ports",
	"faults", "crashes", "xenstored" };

struct fault {
	enum node node; /* NODE_NONE: free */
	char op[24];
	int error;
	unsigned long skip, times;
	uint32_t domid;
};

struct waiter {
	int connection; /* 0: free */
	uint32_t domid;
	long wanted[COUNT_ALL]; /* -1: any */
};

static struct fault faults[FAULTS];
static struct waiter waiters[WAITERS];
static unsigned int faults_hit;

static struct fault *fault_find(enum node node, const char *op, uint32_t domid)
{
	for (int i = 0; i < FAULTS; i++) {
		if (faults[i].node == node && strcmp(faults[i].op, op) == 0 &&
			(faults[i].domid == DOMID_NONE || faults[i].domid == domid))
			return &faults[i];
	}
	return NULL;
}

int fault_peek(enum node node, const char *op, uint32_t domid)
{
	struct fault *fault = fault_find(node, op, domid);

	return fault && !fault->skip ? -fault->error : 0;
}

int fault_take(enum node node, const char *op, uint32_t domid)
{
	struct fault *fault = fault_find(node, op, domid);
	int error;

	if (!fault)
		return 0;
	if (fault->skip) {
		fault->skip--;
		return 0;
	}
	error = fault->error;
	faults_hit++;
	if (fault->times && --fault->times == 0)
		fault->node = NODE_NONE;
	return -error;
}

static void counts_get(long counts[COUNT_ALL], uint32_t domid)
{
	struct counts all = { 0 };

	grants_count(&all, domid);
	ports_count(&all, domid);
	counts[COUNT_FILES] = files_count(domid);
	counts[COUNT_GRANTS] = all.grants;
	counts[COUNT_SHARED] = all.shared;
	counts[COUNT_MAPPED] = all.mapped;
	counts[COUNT_PORTS] = all.ports;
	counts[COUNT_FAULTS] = faults_hit;
	counts[COUNT_CRASHES] = crashes_count();
	counts[COUNT_XENSTORED] = ports_xenstore_events();
}

static void counts_print(FILE *out, uint32_t domid)
{
	long counts[COUNT_ALL];

	counts_get(counts, domid);
	for (int i = 0; i <= COUNT_PORTS; i++)
		fprintf(out, "%s%s=%ld", i ? " " : "", count_names[i], counts[i]);
	fputc('\n', out);
}

static int error_parse(const char *name)
{
	for (int i = 1; i < 134; i++) {
		const char *known = strerrorname_np(i);

		if (known && strcmp(known, name) == 0)
			return i;
	}
	return 0;
}

/* "key=value": the value, or NULL. */
static const char *word_value(const char *word, const char *key)
{
	size_t len = strlen(key);

	return strncmp(word, key, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

static uint32_t words_domid(char **words, int count)
{
	for (int i = 0; i < count; i++) {
		const char *value = word_value(words[i], "dom");

		if (value)
			return (uint32_t)strtoul(value, NULL, 10);
	}
	return DOMID_NONE;
}

static bool fault_fill(struct fault *fault, char **words, int count)
{
	if (count < 4)
		return false;
	*fault = (struct fault){ .domid = words_domid(words, count) };
	for (int i = NODE_NONE + 1; i < NODE_COUNT; i++) {
		if (strcmp(words[1], node_name((enum node)i)) == 0)
			fault->node = (enum node)i;
	}
	snprintf(fault->op, sizeof(fault->op), "%s", words[2]);
	fault->error = error_parse(words[3]);
	for (int i = 4; i < count; i++) {
		const char *skip = word_value(words[i], "skip");
		const char *times = word_value(words[i], "times");

		if (skip)
			fault->skip = strtoul(skip, NULL, 10);
		if (times)
			fault->times = strtoul(times, NULL, 10);
	}
	return fault->node != NODE_NONE && fault->error;
}

static int fault_add(char **words, int count, FILE *out)
{
	struct fault fault;

	if (!fault_fill(&fault, words, count)) {
		fprintf(out, "fault NODE OPERATION ERRNO [skip=N] [times=N] [dom=N]\n");
		return -EINVAL;
	}
	for (int i = 0; i < FAULTS; i++) {
		if (faults[i].node != NODE_NONE)
			continue;
		faults[i] = fault;
		if (strcmp(fault.op, "notify") == 0)
			ports_notify_asks(true);
		return 0;
	}
	fprintf(out, "too many faults\n");
	return -ENOSPC;
}

static void faults_clear(void)
{
	memset(faults, 0, sizeof(faults));
	faults_hit = 0;
	ports_notify_asks(false);
}

static bool waiter_holds(const struct waiter *waiter)
{
	long counts[COUNT_ALL];

	counts_get(counts, waiter->domid);
	for (int i = 0; i < COUNT_ALL; i++) {
		if (waiter->wanted[i] >= 0 && waiter->wanted[i] != counts[i])
			return false;
	}
	return true;
}

static bool waiter_fill(struct waiter *waiter, char **words, int count)
{
	waiter->domid = words_domid(words, count);
	for (int i = 0; i < COUNT_ALL; i++)
		waiter->wanted[i] = -1;
	for (int word = 1; word < count; word++) {
		bool known = word_value(words[word], "dom") != NULL;

		for (int i = 0; i < COUNT_ALL; i++) {
			const char *value = word_value(words[word], count_names[i]);

			if (value) {
				waiter->wanted[i] = strtol(value, NULL, 10);
				known = true;
			}
		}
		if (!known)
			return false;
	}
	return true;
}

static int wait_run(char **words, int count, FILE *out, int connection)
{
	struct waiter waiter = { .connection = connection };

	if (!waiter_fill(&waiter, words, count)) {
		fprintf(out, "wait [files=N] [grants=N] [shared=N] [mapped=N] [ports=N] [faults=N] "
			     "[crashes=N] "
			     "[xenstored=N] [dom=N]\n");
		return -EINVAL;
	}
	if (waiter_holds(&waiter))
		return 0;
	for (int i = 0; i < WAITERS; i++) {
		if (waiters[i].connection)
			continue;
		waiters[i] = waiter;
		return CONTROL_WAITS;
	}
	fprintf(out, "too many waiters\n");
	return -ENOSPC;
}

void control_check(void)
{
	for (int i = 0; i < WAITERS; i++) {
		if (!waiters[i].connection || !waiter_holds(&waiters[i]))
			continue;
		connection_answer(waiters[i].connection, 0, NULL, 0);
		waiters[i].connection = 0;
	}
}

void control_forget(int connection)
{
	for (int i = 0; i < WAITERS; i++) {
		if (waiters[i].connection == connection)
			waiters[i].connection = 0;
	}
}

static int words_split(char *text, char **words)
{
	char *rest = text, *word;
	int count = 0;

	while (count < WORDS && (word = strsep(&rest, " \n")) != NULL) {
		if (*word)
			words[count++] = word;
	}
	return count;
}

static void domain_zap(uint32_t domid)
{
	ports_zap(domid);
	grants_zap(domid);
}

/* Commands with a number: its value, or false. */
static bool word_number(char **words, int count, uint32_t *number)
{
	char *end = NULL;

	if (count != 2)
		return false;
	*number = (uint32_t)strtoul(words[1], &end, 10);
	return end != words[1] && *end == '\0';
}

static int number_command(const char *command, uint32_t number, FILE *out)
{
	int result;

	if (strcmp(command, "limit") == 0) {
		grants_limit_set(number);
		return 0;
	}
	if (strcmp(command, "zap") == 0) {
		domain_zap(number);
		return 0;
	}
	if (strcmp(command, "domain-remove") == 0)
		return xenbus_domain_remove(number);
	if (strcmp(command, "domain-add") != 0)
		return -ENOSYS;
	result = xenbus_domain_add(getenv("XENNODES_DIR"), number);
	if (result > 0)
		fprintf(out, "%d\n", result);
	return result < 0 ? result : 0;
}

/* The rest of a restore: the test has added the new domain and writes its nodes. */
static int domain_move(char **words)
{
	uint32_t from = (uint32_t)strtoul(words[1], NULL, 10);
	uint32_t to = (uint32_t)strtoul(words[2], NULL, 10);
	int result = xenbus_domain_move(getenv("XENNODES_DIR"), from, to);

	if (result < 0)
		return result;
	domain_zap(from);
	files_move(from, to);
	return 0;
}

int control_run(const char *text, FILE *out, int connection)
{
	char copy[1024], *words[WORDS];
	uint32_t number;
	int count, result = -ENOSYS;

	snprintf(copy, sizeof(copy), "%s", text);
	count = words_split(copy, words);
	if (count == 0)
		return -EINVAL;
	if (strcmp(words[0], "wait") == 0)
		return wait_run(words, count, out, connection);
	if (strcmp(words[0], "fault") == 0)
		return fault_add(words, count, out);
	if (strcmp(words[0], "counts") == 0) {
		counts_print(out, words_domid(words, count));
		return 0;
	}
	if (strcmp(words[0], "clear") == 0) {
		faults_clear();
		return 0;
	}
	if (strcmp(words[0], "dump") == 0) {
		grants_dump(out);
		ports_dump(out);
		return 0;
	}
	if (strcmp(words[0], "move") == 0 && count == 3)
		result = domain_move(words);
	else if (word_number(words, count, &number))
		result = number_command(words[0], number, out);
	if (result < 0)
		fprintf(out, "%s: %s\n", words[0], strerror(-result));
	return result;
}
