/* SPDX-License-Identifier: MIT */
/* Naming devices. See device_spec.h. */
#include "device_spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/config.h"

static const struct {
	const char *word;
	enum xensnd_device_kind kind;
} kinds[] = {
	{ "alsa", XENSND_DEVICE_ALSA },
	{ "wav", XENSND_DEVICE_WAV },
	{ "null", XENSND_DEVICE_NULL },
};

/* ALSA names whose arguments are only numbers and names of cards. */
static const char *const hardware[] = { "hw", "plughw", "sysdefault", "default", "dmix", "dsnoop",
	"front" };

#define WORD_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
#define FILE_CHARACTERS WORD_CHARACTERS ".%"

static int kind_find(const char *word, size_t len)
{
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].word) == len && strncasecmp(kinds[i].word, word, len) == 0)
			return (int)kinds[i].kind;
	return -ENOENT;
}

const char *xensnd_device_kind_name(enum xensnd_device_kind kind)
{
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].kind == kind)
			return kinds[i].word;
	return "unknown";
}

int xensnd_device_spec_parse(const char *text, struct xensnd_device_spec *spec)
{
	size_t word = strcspn(text, "<");
	const char *name = text[word] ? text + word + 1 : "";
	size_t len = strcspn(name, ">");
	int kind = kind_find(text, word);

	if (kind < 0)
		return kind;
	*spec = (struct xensnd_device_spec){ .kind = (enum xensnd_device_kind)kind };
	if (spec->kind == XENSND_DEVICE_NULL)
		return 0;
	if ((text[word] && name[len] != '>') || len >= sizeof(spec->name))
		return -EINVAL;
	memcpy(spec->name, name, len);
	if (spec->kind == XENSND_DEVICE_WAV)
		return len > 0 ? 0 : -EINVAL;
	for (char *c = spec->name; *c; c++)
		if (*c == ';')
			*c = ',';
	if (len == 0)
		snprintf(spec->name, sizeof(spec->name), "default");
	return 0;
}

static int alsa_restrict(const char *name)
{
	size_t word = strspn(name, WORD_CHARACTERS);
	const char *arguments = name + word;

	if (word == 0)
		return -EPERM;
	if (*arguments == '\0')
		return 0;
	if (*arguments != ':' || arguments[1 + strspn(arguments + 1, WORD_CHARACTERS "=,")] != '\0')
		return -EPERM;
	for (unsigned int i = 0; i < sizeof(hardware) / sizeof(hardware[0]); i++)
		if (strlen(hardware[i]) == word && strncmp(hardware[i], name, word) == 0)
			return 0;
	return -EPERM;
}

static int wav_restrict(char *path, const char *wav_dir)
{
	size_t dir = wav_dir ? strlen(wav_dir) : 0;
	const char *file = path;

	if (dir == 0)
		return -EPERM;
	if (path[0] == '/') {
		if (strncmp(path, wav_dir, dir) != 0 || path[dir] != '/')
			return -EPERM;
		file = path + dir + 1;
	}
	/* No slash is among the characters. */
	if (file[0] == '.' || file[0] == '\0' || file[strspn(file, FILE_CHARACTERS)] != '\0')
		return -EPERM;
	memmove(path, file, strlen(file) + 1);
	return 0;
}

int xensnd_device_spec_restrict(struct xensnd_device_spec *spec, const char *wav_dir)
{
	switch (spec->kind) {
	case XENSND_DEVICE_ALSA:
		return alsa_restrict(spec->name);
	case XENSND_DEVICE_WAV:
		return wav_restrict(spec->name, wav_dir);
	case XENSND_DEVICE_NULL:
		return 0;
	}
	return -EPERM;
}

/* Takes "<number>" or "*" up to the character end. */
static int index_parse(const char **at, char end, int64_t *index)
{
	char text[12];
	size_t len = strcspn(*at, "/=");
	uint32_t number;

	if ((*at)[len] != end || len == 0 || len >= sizeof(text))
		return -EINVAL;
	memcpy(text, *at, len);
	text[len] = '\0';
	*at += len + 1;
	*index = -1;
	if (strcmp(text, "*") == 0)
		return 0;
	if (xensnd_parse_number(text, 0, UINT32_MAX, &number) < 0)
		return -EINVAL;
	*index = number;
	return 0;
}

int xensnd_device_rule_parse(const char *text, bool capture, struct xensnd_device_rule *rule)
{
	size_t len = strcspn(text, "/");
	const char *at = text + len + 1;

	if (text[len] != '/' || len == 0 || len >= sizeof(rule->domain))
		return -EINVAL;
	*rule = (struct xensnd_device_rule){ .capture = capture, .card = -1 };
	memcpy(rule->domain, text, len);
	if (index_parse(&at, '/', &rule->card) < 0 || index_parse(&at, '/', &rule->device) < 0 ||
		index_parse(&at, '=', &rule->stream) < 0)
		return -EINVAL;
	return xensnd_device_spec_parse(at, &rule->spec) < 0 ? -EINVAL : 0;
}

static bool domain_matches(const char *domain, const struct xensnd_stream_identity *identity)
{
	uint32_t number;

	if (strcmp(domain, "*") == 0)
		return true;
	if (xensnd_parse_number(domain, 0, UINT32_MAX, &number) == 0)
		return number == identity->domid;
	return identity->domain_name && strcmp(domain, identity->domain_name) == 0;
}

bool xensnd_device_rule_matches(
	const struct xensnd_device_rule *rule, const struct xensnd_stream_identity *identity)
{
	return rule->capture == identity->capture && domain_matches(rule->domain, identity) &&
	       (rule->card < 0 || rule->card == identity->card) &&
	       (rule->device < 0 || rule->device == identity->device) &&
	       (rule->stream < 0 || rule->stream == identity->stream);
}
