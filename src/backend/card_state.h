/* SPDX-License-Identifier: MIT */
/*
 * The XenBus state machine of a card, as a table of decisions.
 *
 * Apart from the card because states come from two other parties (guest and toolstack) in any
 * order, with short-lived ones never seen: what is decided depends on what both say now, and is
 * tested without XenStore.
 */
#ifndef XENSND_BACKEND_CARD_STATE_H
#define XENSND_BACKEND_CARD_STATE_H

#include <stdbool.h>

/* What is known when something changed. States are XenbusStates. */
struct xensnd_card_view {
	unsigned int ours;     /* what we wrote last; XenbusStateUnknown: nothing yet */
	bool present;          /* the backend's folder exists */
	unsigned int backend;  /* its state node, which the toolstack may have written */
	bool online;           /* the toolstack wants the device to stay */
	unsigned int frontend; /* XenbusStateUnknown: no such node */
};

enum xensnd_card_action {
	XENSND_CARD_KEEP,    /* nothing to do */
	XENSND_CARD_WAIT,    /* be ready for a connection: InitWait */
	XENSND_CARD_CONNECT, /* take up the frontend's rings: Connected */
	XENSND_CARD_RELEASE, /* let go of the rings, then InitWait: the frontend has begun anew */
	XENSND_CARD_CLOSE,   /* Closing, let go of everything, Closed */
	XENSND_CARD_FORGET,  /* let go of everything and write nothing */
};

/*
 * protocol.md's rules: rings are taken up only once after an InitWait of this daemon's life, so a
 * frontend that was connected to an earlier one is sent through Closed and comes back by itself.
 * InitWait is also where a closed card rests as long as the toolstack keeps it online.
 */
enum xensnd_card_action xensnd_card_decide(const struct xensnd_card_view *view);

#endif
