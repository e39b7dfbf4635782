/* SPDX-License-Identifier: MIT */
/*
 * wavtool's judgement on audio that was interrupted: what was played is a reference with gaps, what
 * was recorded is a source that began anew.
 *
 * Apart from wavtool.c, whose files have no gaps.
 */
#ifndef XENSND_TESTS_PIECES_H
#define XENSND_TESTS_PIECES_H

/*
 * argv: how many frames may be lost before each piece, the reference, and the pieces' files in
 * order. Returns 0, or ends the program with what is wrong.
 */
int pieces_check(char **argv, int n_pieces);

/*
 * argv: the recording, its source, how often that has begun, and how many gaps there are in it that
 * are none of those. 0, or 1 if it was not so often.
 */
int beginnings_check(char **argv);

#endif
