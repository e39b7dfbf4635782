/* SPDX-License-Identifier: MIT */
/*
 * The texts by which devices are named: the backend's rules from the command line, and what a
 * guest's configuration may say.
 *
 * The input: how long the wav-dir is, the wav-dir, and the text. What a guest's text may become is
 * checked against the policy once more, in other words: no path, no program, no definition.
 */
#include "fuzz.h"

#include <ctype.h>
#include <errno.h>

#include "backend/device_spec.h"

static void spec_check(const struct xensnd_device_spec *spec)
{
	FUZZ_CHECK(memchr(spec->name, '\0', sizeof(spec->name)) != NULL);
	FUZZ_CHECK(strchr(spec->name, '>') == NULL);
	switch (spec->kind) {
	case XENSND_DEVICE_ALSA:
		FUZZ_CHECK(spec->name[0] != '\0' && strchr(spec->name, ';') == NULL);
		break;
	case XENSND_DEVICE_WAV:
		FUZZ_CHECK(spec->name[0] != '\0');
		break;
	case XENSND_DEVICE_NULL:
		FUZZ_CHECK(spec->name[0] == '\0');
		break;
	default:
		abort();
	}
	FUZZ_CHECK(strcmp(xensnd_device_kind_name(spec->kind), "unknown") != 0);
}

static bool is_one_of(char c, const char *more)
{
	return (isascii(c) && isalnum((unsigned char)c)) || (c && strchr(more, c) != NULL);
}

/* A name of the host's configuration, or hardware by number. */
static void alsa_check(const char *name)
{
	static const char *const hardware[] = {
		"hw:", "plughw:", "sysdefault:", "default:", "dmix:", "dsnoop:", "front:"
	};
	unsigned int known = 0, colons = 0;

	for (const char *c = name; *c; c++) {
		FUZZ_CHECK(is_one_of(*c, colons ? "_-=," : "_-:"));
		colons += *c == ':';
	}
	for (size_t i = 0; i < FUZZ_COUNT(hardware); i++)
		known += strncmp(name, hardware[i], strlen(hardware[i])) == 0;
	FUZZ_CHECK(colons == 0 || (colons == 1 && known == 1));
}

static void restrict_check(const struct xensnd_device_spec *spec, const char *wav_dir)
{
	struct xensnd_device_spec restricted = *spec;
	int ret = xensnd_device_spec_restrict(&restricted, wav_dir);
	const char *file = restricted.name;

	FUZZ_CHECK(ret == 0 || ret == -EPERM);
	FUZZ_CHECK(restricted.kind == spec->kind);
	if (ret < 0)
		return;
	spec_check(&restricted);
	if (spec->kind == XENSND_DEVICE_ALSA)
		alsa_check(restricted.name);
	if (spec->kind != XENSND_DEVICE_WAV)
		return;
	FUZZ_CHECK(wav_dir && wav_dir[0] && file[0] != '.' && file[0] != '\0');
	for (const char *c = file; *c; c++)
		FUZZ_CHECK(is_one_of(*c, "_-.%"));
	/* It is what the text said, but for the folder before it. */
	FUZZ_CHECK(strcmp(spec->name + strlen(spec->name) - strlen(file), file) == 0);
	if (strlen(spec->name) != strlen(file))
		FUZZ_CHECK(strncmp(spec->name, wav_dir, strlen(wav_dir)) == 0 &&
			   spec->name[strlen(wav_dir)] == '/' &&
			   strlen(spec->name) == strlen(wav_dir) + 1 + strlen(file));
}

static void index_check(int64_t index)
{
	FUZZ_CHECK(index >= -1 && index <= UINT32_MAX);
}

static bool is_number(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return *text >= '0' && *text <= '9';
}

/* A rule matches what it names, and nothing that differs in one part. */
static void match_check(const struct xensnd_device_rule *rule)
{
	struct xensnd_stream_identity identity = { .domain_name = rule->domain,
		.card = rule->card < 0 ? 3 : (unsigned int)rule->card,
		.device = rule->device < 0 ? 4 : (unsigned int)rule->device,
		.stream = rule->stream < 0 ? 5 : (unsigned int)rule->stream,
		.capture = rule->capture };

	if (is_number(rule->domain))
		identity.domid = (uint32_t)strtoull(rule->domain, NULL, 10);
	FUZZ_CHECK(xensnd_device_rule_matches(rule, &identity));
	identity.capture = !rule->capture;
	FUZZ_CHECK(!xensnd_device_rule_matches(rule, &identity));
	identity.capture = rule->capture;
	identity.card++;
	FUZZ_CHECK(xensnd_device_rule_matches(rule, &identity) == (rule->card < 0));
	identity.card--;
	identity.device++;
	FUZZ_CHECK(xensnd_device_rule_matches(rule, &identity) == (rule->device < 0));
	identity.device--;
	identity.stream++;
	FUZZ_CHECK(xensnd_device_rule_matches(rule, &identity) == (rule->stream < 0));
	identity.stream--;
	identity.domid ^= 1;
	identity.domain_name = NULL;
	FUZZ_CHECK(xensnd_device_rule_matches(rule, &identity) == (strcmp(rule->domain, "*") == 0));
}

static void rule_check(const char *text, bool capture)
{
	struct xensnd_device_rule rule;
	int ret = xensnd_device_rule_parse(text, capture, &rule);
	size_t len;

	FUZZ_CHECK(ret == 0 || ret == -EINVAL);
	if (ret < 0)
		return;
	len = strnlen(rule.domain, sizeof(rule.domain));
	FUZZ_CHECK(len > 0 && len < sizeof(rule.domain) && strncmp(text, rule.domain, len) == 0);
	FUZZ_CHECK(text[len] == '/' && rule.capture == capture);
	index_check(rule.card);
	index_check(rule.device);
	index_check(rule.stream);
	spec_check(&rule.spec);
	match_check(&rule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { .at = data, .left = size };
	uint8_t shape = fuzz_u8(&input);
	size_t dir_len = shape % 32u < input.left ? shape % 32u : input.left;
	char *wav_dir = fuzz_text(input.at, dir_len);
	char *text = fuzz_text(input.at + dir_len, input.left - dir_len);
	struct xensnd_device_spec spec;
	int ret = xensnd_device_spec_parse(text, &spec);

	FUZZ_CHECK(ret == 0 || ret == -ENOENT || ret == -EINVAL);
	if (ret == 0) {
		spec_check(&spec);
		restrict_check(&spec, shape & 0x40 ? NULL : wav_dir);
	}
	rule_check(text, shape & 0x80);
	free(text);
	free(wav_dir);
	return 0;
}
