/* SPDX-License-Identifier: MIT */
/* Decisions of the XenBus state machine. See card_state.h. */
#include "card_state.h"

#include "protocol/wire.h"

/* The first look at a card, which a daemon before this one may have served. */
static enum xensnd_card_action decide_first(const struct xensnd_card_view *view)
{
	if (!view->online && view->backend == XenbusStateClosing)
		return XENSND_CARD_CLOSE;
	switch (view->frontend) {
	case XenbusStateInitialised:
		/* Published, but nobody has taken the rings up: they are fresh if the state before
		 * was InitWait. */
		if (view->backend == XenbusStateInitialising)
			return XENSND_CARD_WAIT;
		return view->backend == XenbusStateInitWait ? XENSND_CARD_CONNECT
							    : XENSND_CARD_CLOSE;
	case XenbusStateConnected:
	case XenbusStateReconfiguring:
		return XENSND_CARD_CLOSE;
	default:
		return XENSND_CARD_WAIT;
	}
}

static enum xensnd_card_action decide_connected(const struct xensnd_card_view *view)
{
	switch (view->frontend) {
	case XenbusStateInitialising:
		return XENSND_CARD_RELEASE;
	case XenbusStateUnknown:
	case XenbusStateClosing:
	case XenbusStateClosed:
	case XenbusStateReconfiguring:
		return XENSND_CARD_CLOSE;
	default:
		return XENSND_CARD_KEEP;
	}
}

static enum xensnd_card_action decide_closed(const struct xensnd_card_view *view)
{
	switch (view->frontend) {
	case XenbusStateInitialising:
	case XenbusStateClosing:
	case XenbusStateClosed:
		return view->online ? XENSND_CARD_WAIT : XENSND_CARD_KEEP;
	default:
		/* Initialised and Connected are what the frontend had before: it has to leave them
		 * first. */
		return XENSND_CARD_KEEP;
	}
}

enum xensnd_card_action xensnd_card_decide(const struct xensnd_card_view *view)
{
	if (!view->present)
		return XENSND_CARD_FORGET;
	if (view->ours == XenbusStateUnknown)
		return decide_first(view);
	if (view->backend != view->ours) {
		/* Not us: the toolstack. Initialising means that the device was made anew under the
		 * same name. */
		if (view->backend == XenbusStateInitialising)
			return XENSND_CARD_FORGET;
		if (view->backend == XenbusStateClosing || view->backend == XenbusStateClosed)
			return XENSND_CARD_CLOSE;
	}
	switch (view->ours) {
	case XenbusStateInitWait:
		return view->frontend == XenbusStateInitialised ||
				       view->frontend == XenbusStateConnected
			       ? XENSND_CARD_CONNECT
			       : XENSND_CARD_KEEP;
	case XenbusStateConnected:
		return decide_connected(view);
	case XenbusStateClosing:
		/* Nothing is being released any more, so only the last step is missing. */
		return XENSND_CARD_CLOSE;
	case XenbusStateClosed:
		return decide_closed(view);
	default:
		return XENSND_CARD_KEEP;
	}
}
