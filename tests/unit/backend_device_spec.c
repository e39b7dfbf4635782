/* SPDX-License-Identifier: MIT */
/* Naming devices, and what a guest's nodes may not name. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "backend/device_spec.h"

static void devices_are_named_in_any_case(void **state)
{
	struct xensnd_device_spec spec;

	(void)state;
	assert_int_equal(xensnd_device_spec_parse("ALSA<hw:0;1>", &spec), 0);
	assert_int_equal(spec.kind, XENSND_DEVICE_ALSA);
	assert_string_equal(spec.name, "hw:0,1");
	assert_int_equal(xensnd_device_spec_parse("Wav</tmp/a;b.wav>", &spec), 0);
	assert_int_equal(spec.kind, XENSND_DEVICE_WAV);
	assert_string_equal(spec.name, "/tmp/a;b.wav");
	assert_int_equal(xensnd_device_spec_parse("null", &spec), 0);
	assert_int_equal(spec.kind, XENSND_DEVICE_NULL);
}

static void no_name_is_the_default_device(void **state)
{
	struct xensnd_device_spec spec;

	(void)state;
	assert_int_equal(xensnd_device_spec_parse("alsa", &spec), 0);
	assert_string_equal(spec.name, "default");
	assert_int_equal(xensnd_device_spec_parse("alsa<>", &spec), 0);
	assert_string_equal(spec.name, "default");
	assert_int_equal(xensnd_device_spec_parse("wav<>", &spec), -EINVAL);
}

static void properties_of_other_backends_are_ignored(void **state)
{
	struct xensnd_device_spec spec;

	(void)state;
	assert_int_equal(xensnd_device_spec_parse("alsa<hw:1>media.role:music", &spec), 0);
	assert_string_equal(spec.name, "hw:1");
}

static void identifiers_name_no_device(void **state)
{
	static const char *const ids[] = { "", "0", "out0", "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
		"pulse<x>", "<hw:0>" };
	struct xensnd_device_spec spec;

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		assert_int_equal(xensnd_device_spec_parse(ids[i], &spec), -ENOENT);
}

static void a_name_that_does_not_end_or_fit_is_refused(void **state)
{
	struct xensnd_device_spec spec;
	char text[400];

	(void)state;
	assert_int_equal(xensnd_device_spec_parse("alsa<hw:0", &spec), -EINVAL);
	memset(text, 'a', sizeof(text));
	memcpy(text, "alsa<", 5);
	memcpy(text + sizeof(text) - 2, ">", 2);
	assert_int_equal(xensnd_device_spec_parse(text, &spec), -EINVAL);
}

static int restricted(const char *text, const char *wav_dir, struct xensnd_device_spec *spec)
{
	assert_int_equal(xensnd_device_spec_parse(text, spec), 0);
	return xensnd_device_spec_restrict(spec, wav_dir);
}

static void a_configuration_can_choose_hardware_and_names_of_the_host(void **state)
{
	static const char *const names[] = { "alsa<>", "alsa<hw:0;0>",
		"alsa<plughw:CARD=PCH;DEV=3>", "alsa<pulse>", "alsa<front:1>",
		"alsa<sysdefault:CARD=x>", "null" };
	struct xensnd_device_spec spec;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(restricted(names[i], NULL, &spec), 0);
}

static void a_configuration_can_not_make_alsa_open_files_or_run_programs(void **state)
{
	static const char *const names[] = { "alsa<file:/etc/passwd;raw>", "alsa<file:|reboot;raw>",
		"alsa<tee:hw;x;raw>", "alsa<plug:tee:hw>", "alsa<plug:SLAVE='file:x'>",
		"alsa<{ type file file \"|reboot\" slave.pcm null }>", "alsa<hw:0|>",
		"alsa<hw:{ x }>", "alsa<hw:/x>", "alsa<hw:0'>", "alsa<:0>", "alsa< hw>",
		"alsa<a b>" };
	struct xensnd_device_spec spec;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(restricted(names[i], "/wav", &spec), -EPERM);
}

static void a_configuration_writes_files_in_the_folder_for_them_only(void **state)
{
	static const char *const bad[] = { "wav</etc/passwd>", "wav<../x>", "wav<a/b>",
		"wav<.hidden>", "wav<..>", "wav</wav/../x>", "wav</wav/>", "wav</wavx/y>",
		"wav<a b>" };
	struct xensnd_device_spec spec;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(restricted(bad[i], "/wav", &spec), -EPERM);
	assert_int_equal(restricted("wav<guest-%n.wav>", "/wav", &spec), 0);
	assert_string_equal(spec.name, "guest-%n.wav");
	assert_int_equal(restricted("wav</wav/x.wav>", "/wav", &spec), 0);
	assert_string_equal(spec.name, "x.wav");
	assert_int_equal(restricted("wav<x.wav>", NULL, &spec), -EPERM);
}

static bool matches(const char *text, uint32_t domid, const char *name, unsigned int stream)
{
	const struct xensnd_stream_identity identity = {
		.domid = domid, .domain_name = name, .card = 1, .device = 2, .stream = stream
	};
	struct xensnd_device_rule rule;

	assert_int_equal(xensnd_device_rule_parse(text, false, &rule), 0);
	return xensnd_device_rule_matches(&rule, &identity);
}

static void rules_match_by_number_name_or_star(void **state)
{
	(void)state;
	assert_true(matches("*/*/*/*=null", 3, NULL, 0));
	assert_true(matches("3/1/2/0=null", 3, NULL, 0));
	assert_false(matches("3/1/2/0=null", 30, NULL, 0));
	assert_false(matches("3/1/2/1=null", 3, NULL, 0));
	assert_false(matches("3/0/2/0=null", 3, NULL, 0));
	assert_true(matches("desk/*/2/*=null", 3, "desk", 0));
	assert_false(matches("desk/*/*/*=null", 3, "desktop", 0));
	assert_false(matches("desk/*/*/*=null", 3, NULL, 0));
}

static void rules_are_of_one_direction(void **state)
{
	const struct xensnd_stream_identity plays = { .domid = 3 },
					    records = { .domid = 3, .capture = true };
	struct xensnd_device_rule rule;

	(void)state;
	assert_int_equal(xensnd_device_rule_parse("*/*/*/*=null", true, &rule), 0);
	assert_true(xensnd_device_rule_matches(&rule, &records));
	assert_false(xensnd_device_rule_matches(&rule, &plays));
	assert_int_equal(xensnd_device_rule_parse("*/*/*/*=null", false, &rule), 0);
	assert_true(xensnd_device_rule_matches(&rule, &plays));
	assert_false(xensnd_device_rule_matches(&rule, &records));
}

static void malformed_rules_are_refused(void **state)
{
	static const char *const bad[] = { "", "null", "3=null", "3/1=null", "3/1/2=null",
		"3/1/2/0", "3/1/2/0=", "3/1/2/0=bad", "/1/2/0=null", "3/x/2/0=null",
		"3/1/2/0/5=null", "3/1//0=null", "3/1/2/-1=null" };
	struct xensnd_device_rule rule;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(xensnd_device_rule_parse(bad[i], false, &rule), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_are_named_in_any_case),
		cmocka_unit_test(no_name_is_the_default_device),
		cmocka_unit_test(properties_of_other_backends_are_ignored),
		cmocka_unit_test(identifiers_name_no_device),
		cmocka_unit_test(a_name_that_does_not_end_or_fit_is_refused),
		cmocka_unit_test(a_configuration_can_choose_hardware_and_names_of_the_host),
		cmocka_unit_test(a_configuration_can_not_make_alsa_open_files_or_run_programs),
		cmocka_unit_test(a_configuration_writes_files_in_the_folder_for_them_only),
		cmocka_unit_test(rules_match_by_number_name_or_star),
		cmocka_unit_test(rules_are_of_one_direction),
		cmocka_unit_test(malformed_rules_are_refused),
	};

	return UNIT_RUN("naming devices", tests);
}
