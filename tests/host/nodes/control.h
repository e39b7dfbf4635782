/* SPDX-License-Identifier: MIT */
/* What a test asks of the daemon: counts, faults, limits. Apart from the loop that serves files. */
#ifndef XENNODES_CONTROL_H
#define XENNODES_CONTROL_H

#include "hyper.h"

/*
 * The errno, negated, that a fault makes of an operation, or 0. The names of the operations are
 * those of the commands.
 */
int fault_take(enum node node, const char *op, uint32_t domid);
/* The same without using the fault up. */
int fault_peek(enum node node, const char *op, uint32_t domid);
/*
 * Runs a command. What it says goes to `out`. Returns 0, a negative errno where the command was
 * wrong or failed, or CONTROL_WAITS where the answer comes later, from control_check.
 */
#define CONTROL_WAITS 1
int control_run(const char *text, FILE *out, int connection);
/* Answers those who wait for counts that hold now. */
void control_check(void);
/* The connection is closed. */
void control_forget(int connection);

/* ---- xennodes.c ---- */

unsigned int files_count(uint32_t domid);
unsigned int crashes_count(void);
void files_move(uint32_t from, uint32_t to);
void connection_answer(int connection, int64_t result, const char *text, size_t bytes);
const char *node_name(enum node node);

#endif
