/* SPDX-License-Identifier: MIT */
/*
 * The way from the program's threads to the worker: a list of commands and an eventfd.
 *
 * Apart from the stream because it is the only place where one of our threads waits for another.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "stream_impl.h"

int xensnd_mailbox_init(struct xensnd_mailbox *mailbox)
{
	mailbox->first = NULL;
	mailbox->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->kick_fd < 0)
		return -errno;
	pthread_mutex_init(&mailbox->lock, NULL);
	pthread_cond_init(&mailbox->answered, NULL);
	return 0;
}

void xensnd_mailbox_destroy(struct xensnd_mailbox *mailbox)
{
	close(mailbox->kick_fd);
	pthread_cond_destroy(&mailbox->answered);
	pthread_mutex_destroy(&mailbox->lock);
}

void xensnd_mailbox_kick(struct xensnd_mailbox *mailbox)
{
	const uint64_t one = 1;

	/* Fails only when the counter is at its end, and then the worker is awake. */
	if (write(mailbox->kick_fd, &one, sizeof(one)) < 0)
		return;
}

/* Under the lock. */
static void mailbox_append(struct xensnd_mailbox *mailbox, struct xensnd_command *command)
{
	struct xensnd_command **link = &mailbox->first;

	while (*link)
		link = &(*link)->next;
	command->next = NULL;
	command->done = false;
	command->queued = true;
	*link = command;
}

int xensnd_mailbox_call(struct xensnd_mailbox *mailbox, struct xensnd_command *command)
{
	pthread_mutex_lock(&mailbox->lock);
	mailbox_append(mailbox, command);
	xensnd_mailbox_kick(mailbox);
	while (!command->done)
		pthread_cond_wait(&mailbox->answered, &mailbox->lock);
	pthread_mutex_unlock(&mailbox->lock);
	return command->result;
}

void xensnd_mailbox_post(struct xensnd_mailbox *mailbox, struct xensnd_command *command)
{
	pthread_mutex_lock(&mailbox->lock);
	if (!command->queued) {
		mailbox_append(mailbox, command);
		xensnd_mailbox_kick(mailbox);
	}
	pthread_mutex_unlock(&mailbox->lock);
}

struct xensnd_command *xensnd_mailbox_take(struct xensnd_mailbox *mailbox)
{
	struct xensnd_command *command;

	pthread_mutex_lock(&mailbox->lock);
	command = mailbox->first;
	if (command)
		mailbox->first = command->next;
	pthread_mutex_unlock(&mailbox->lock);
	return command;
}

void xensnd_mailbox_answer(
	struct xensnd_mailbox *mailbox, struct xensnd_command *command, int result)
{
	pthread_mutex_lock(&mailbox->lock);
	command->result = result;
	command->done = true;
	command->queued = false;
	pthread_cond_broadcast(&mailbox->answered);
	pthread_mutex_unlock(&mailbox->lock);
}
