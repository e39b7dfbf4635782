/* SPDX-License-Identifier: MIT */
/* Decisions of the XenBus state machine. */
#include "unit.h"

#include "backend/card_state.h"
#include "protocol/wire.h"

enum { NONE = XenbusStateUnknown };

static enum xensnd_card_action decide(
	unsigned int ours, unsigned int backend, unsigned int frontend, bool online)
{
	const struct xensnd_card_view view = { .ours = ours,
		.present = true,
		.backend = backend,
		.online = online,
		.frontend = frontend };

	return xensnd_card_decide(&view);
}

/* Nobody but us has written the backend's state. */
static enum xensnd_card_action ours_decide(unsigned int ours, unsigned int frontend)
{
	return decide(ours, ours, frontend, true);
}

static void a_new_card_waits_for_its_frontend(void **state)
{
	(void)state;
	assert_int_equal(decide(NONE, XenbusStateInitialising, XenbusStateInitialising, true),
		XENSND_CARD_WAIT);
	assert_int_equal(decide(NONE, XenbusStateInitialising, XenbusStateInitialised, true),
		XENSND_CARD_WAIT);
	assert_int_equal(
		decide(NONE, XenbusStateClosed, XenbusStateClosed, true), XENSND_CARD_WAIT);
}

static void published_rings_are_taken_up(void **state)
{
	(void)state;
	assert_int_equal(
		ours_decide(XenbusStateInitWait, XenbusStateInitialising), XENSND_CARD_KEEP);
	assert_int_equal(
		ours_decide(XenbusStateInitWait, XenbusStateInitialised), XENSND_CARD_CONNECT);
	assert_int_equal(
		ours_decide(XenbusStateInitWait, XenbusStateConnected), XENSND_CARD_CONNECT);
	assert_int_equal(ours_decide(XenbusStateInitWait, XenbusStateClosed), XENSND_CARD_KEEP);
}

static void rings_of_an_earlier_daemon_are_not_taken_up(void **state)
{
	(void)state;
	assert_int_equal(
		decide(NONE, XenbusStateConnected, XenbusStateConnected, true), XENSND_CARD_CLOSE);
	assert_int_equal(decide(NONE, XenbusStateConnected, XenbusStateInitialised, true),
		XENSND_CARD_CLOSE);
	assert_int_equal(
		decide(NONE, XenbusStateClosed, XenbusStateConnected, true), XENSND_CARD_CLOSE);
	assert_int_equal(
		decide(NONE, XenbusStateInitWait, XenbusStateConnected, true), XENSND_CARD_CLOSE);
	assert_int_equal(ours_decide(XenbusStateClosed, XenbusStateConnected), XENSND_CARD_KEEP);
	assert_int_equal(ours_decide(XenbusStateClosed, XenbusStateInitialising), XENSND_CARD_WAIT);
}

static void rings_that_nobody_has_taken_up_are(void **state)
{
	(void)state;
	assert_int_equal(decide(NONE, XenbusStateInitWait, XenbusStateInitialised, true),
		XENSND_CARD_CONNECT);
}

static void a_frontend_that_leaves_is_let_go(void **state)
{
	(void)state;
	assert_int_equal(ours_decide(XenbusStateConnected, XenbusStateConnected), XENSND_CARD_KEEP);
	assert_int_equal(
		ours_decide(XenbusStateConnected, XenbusStateInitialised), XENSND_CARD_KEEP);
	assert_int_equal(
		ours_decide(XenbusStateConnected, XenbusStateInitialising), XENSND_CARD_RELEASE);
	assert_int_equal(ours_decide(XenbusStateConnected, XenbusStateClosing), XENSND_CARD_CLOSE);
	assert_int_equal(ours_decide(XenbusStateConnected, XenbusStateClosed), XENSND_CARD_CLOSE);
	assert_int_equal(
		ours_decide(XenbusStateConnected, XenbusStateReconfiguring), XENSND_CARD_CLOSE);
	assert_int_equal(ours_decide(XenbusStateConnected, NONE), XENSND_CARD_CLOSE);
}

static void a_closed_card_rests_in_init_wait(void **state)
{
	(void)state;
	assert_int_equal(ours_decide(XenbusStateClosed, XenbusStateClosing), XENSND_CARD_WAIT);
	assert_int_equal(ours_decide(XenbusStateClosed, XenbusStateClosed), XENSND_CARD_WAIT);
	assert_int_equal(
		ours_decide(XenbusStateClosed, XenbusStateReconfiguring), XENSND_CARD_KEEP);
}

static void a_failed_connection_waits_for_a_new_beginning(void **state)
{
	(void)state;
	assert_int_equal(ours_decide(XenbusStateClosed, XenbusStateInitialised), XENSND_CARD_KEEP);
	assert_int_equal(ours_decide(XenbusStateClosed, XenbusStateInitialising), XENSND_CARD_WAIT);
}

static void the_toolstack_closes_a_card(void **state)
{
	static const unsigned int ours[] = { NONE, XenbusStateInitWait, XenbusStateConnected,
		XenbusStateClosed };

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		assert_int_equal(decide(ours[i], XenbusStateClosing, XenbusStateConnected, false),
			XENSND_CARD_CLOSE);
	assert_int_equal(
		decide(XenbusStateClosed, XenbusStateClosed, XenbusStateInitialising, false),
		XENSND_CARD_KEEP);
}

static void a_card_made_anew_is_another_card(void **state)
{
	(void)state;
	assert_int_equal(decide(XenbusStateConnected, XenbusStateInitialising,
				 XenbusStateInitialising, true),
		XENSND_CARD_FORGET);
}

static void a_card_without_its_folder_is_forgotten(void **state)
{
	const struct xensnd_card_view view = { .ours = XenbusStateConnected, .present = false };

	(void)state;
	assert_int_equal(xensnd_card_decide(&view), XENSND_CARD_FORGET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_card_waits_for_its_frontend),
		cmocka_unit_test(published_rings_are_taken_up),
		cmocka_unit_test(rings_of_an_earlier_daemon_are_not_taken_up),
		cmocka_unit_test(rings_that_nobody_has_taken_up_are),
		cmocka_unit_test(a_frontend_that_leaves_is_let_go),
		cmocka_unit_test(a_closed_card_rests_in_init_wait),
		cmocka_unit_test(a_failed_connection_waits_for_a_new_beginning),
		cmocka_unit_test(the_toolstack_closes_a_card),
		cmocka_unit_test(a_card_made_anew_is_another_card),
		cmocka_unit_test(a_card_without_its_folder_is_forgotten),
	};

	return UNIT_RUN("the state machine", tests);
}
