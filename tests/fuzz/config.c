/* SPDX-License-Identifier: MIT */
/*
 * A card's configuration in XenStore: nodes on all levels, with any octets in them.
 *
 * The input is text: a line for each node, "0/1/type=p", the first one that fits counts. "#" in a
 * path stands for any number, which makes large cards out of short inputs. In a value, octet 1
 * stands for a newline, and octet 2 at its beginning for a node that can not be read.
 */
#include "fuzz.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

#include "protocol/config.h"
#include "protocol/format.h"
#include "protocol/wire.h"

/* Names, parameters, type and unique-id of every stream there may be, and the one after the last.
 */
#define READS_MAX (10u * (XENSND_MAX_DEVICES + 1) * (XENSND_MAX_STREAMS + 2))

struct store {
	const char *text; /* the input */
	unsigned int reads;
};

static bool path_fits(const char *pattern, size_t len, const char *path)
{
	const char *end = pattern + len;

	while (pattern < end && *path) {
		if (*pattern == '#' && isdigit((unsigned char)*path)) {
			path += strspn(path, "0123456789");
			pattern++;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return pattern == end && *path == '\0';
}

/* The octets of a node, or NULL with errno. */
static char *store_read(void *context, const char *path)
{
	struct store *store = context;
	const char *line = store->text;

	FUZZ_CHECK(++store->reads <= READS_MAX);
	while (*line) {
		size_t len = strcspn(line, "\n"), key = strcspn(line, "=\n");

		if (key < len && path_fits(line, key, path)) {
			char *value = fuzz_text(line + key + 1, len - key - 1);

			if (value[0] != 2) {
				for (char *c = value; *c; c++)
					*c = *c == 1 ? '\n' : *c;
				return value;
			}
			free(value);
			errno = EACCES;
			return NULL;
		}
		line += len + (line[len] != '\0');
	}
	errno = ENOENT;
	return NULL;
}

/* As config.h has it, in other words. */
static int number_of(const char *text, uint32_t min, uint32_t max, uint32_t *value)
{
	unsigned long long number;
	char *end;
	size_t digits;

	while (isspace((unsigned char)*text))
		text++;
	digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 10)
		return -EINVAL;
	number = strtoull(text, &end, 10);
	while (isspace((unsigned char)*end))
		end++;
	if (*end || number < min || number > max)
		return -EINVAL;
	*value = (uint32_t)number;
	return 0;
}

static void number_check(const char *text, uint32_t min, uint32_t max)
{
	uint32_t value = 77, expected = 77;

	FUZZ_CHECK(xensnd_parse_number(text, min, max, &value) ==
		   number_of(text, min, max, &expected));
	FUZZ_CHECK(value == expected);
}

static void format_check(const char *text)
{
	int format = xensnd_format_from_name(text, strlen(text));

	FUZZ_CHECK(format >= -EINVAL && format < (int)XENSND_FORMATS);
	FUZZ_CHECK(format >= 0 || format == -EINVAL);
	if (format < 0)
		return;
	FUZZ_CHECK(strcasecmp(xensnd_format_name((unsigned int)format), text) == 0 ||
		   (tolower((unsigned char)text[0]) == 'f' && strlen(text) == 6));
}

static char *level_node(struct store *store, const char *prefix, const char *node)
{
	char path[64];

	snprintf(path, sizeof(path), "%s%s", prefix, node);
	store->reads = 0;
	return store_read(store, path);
}

/* The number that a level says, or otherwise. */
static uint32_t level_number(
	struct store *store, const char *prefix, const char *node, uint32_t otherwise)
{
	char *text = level_node(store, prefix, node);

	/* What was accepted is a number. */
	FUZZ_CHECK(!text || number_of(text, 0, UINT32_MAX, &otherwise) == 0);
	free(text);
	return otherwise;
}

static bool list_holds_rate(const char *list, uint32_t rate)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		char *item = fuzz_text(list, len);
		uint32_t number;
		bool same = number_of(item, 1, UINT32_MAX, &number) == 0 && number == rate;

		free(item);
		if (same)
			return true;
		list += len + (list[len] != '\0');
	}
	return false;
}

/* No level can give what the one above does not. */
static void level_check(struct store *store, const char *prefix, const struct xensnd_params *params)
{
	char *rates = level_node(store, prefix, XENSND_FIELD_SAMPLE_RATES);
	char *formats = level_node(store, prefix, XENSND_FIELD_SAMPLE_FORMATS);

	FUZZ_CHECK(
		params->channels_min >= level_number(store, prefix, XENSND_FIELD_CHANNELS_MIN, 1));
	FUZZ_CHECK(params->channels_max <=
		   level_number(store, prefix, XENSND_FIELD_CHANNELS_MAX, XENSND_MAX_CHANNELS));
	FUZZ_CHECK(params->buffer_bytes_max <=
		   level_number(store, prefix, XENSND_FIELD_BUFFER_SIZE, XENSND_MAX_BUFFER_BYTES));
	for (unsigned int i = 0; i < params->n_rates; i++)
		FUZZ_CHECK(!rates || list_holds_rate(rates, params->rates[i]));
	for (unsigned int i = 0; formats && i < XENSND_FORMATS; i++)
		FUZZ_CHECK((params->formats >> i & 1) == 0 ||
			   strcasestr(formats, xensnd_format_name(i)) ||
			   strcasestr(formats, "f32_") || strcasestr(formats, "f64_"));
	free(rates);
	free(formats);
}

static void params_check(const struct xensnd_params *params)
{
	FUZZ_CHECK(params->formats != 0 && params->formats >> XENSND_FORMATS == 0);
	FUZZ_CHECK(params->n_rates >= 1 && params->n_rates <= XENSND_MAX_RATES);
	FUZZ_CHECK(params->rates[0] >= 1 && params->rates[params->n_rates - 1] <= XENSND_MAX_RATE);
	for (unsigned int i = 1; i < params->n_rates; i++)
		FUZZ_CHECK(params->rates[i - 1] < params->rates[i]);
	FUZZ_CHECK(params->channels_min >= 1 && params->channels_min <= params->channels_max);
	FUZZ_CHECK(params->channels_max <= XENSND_MAX_CHANNELS);
	FUZZ_CHECK(params->buffer_bytes_max >= 1);
	FUZZ_CHECK(params->buffer_bytes_max <= XENSND_MAX_BUFFER_BYTES);
}

static void stream_check(struct store *store, const struct xensnd_stream_config *stream)
{
	char prefix[24];
	char *id;

	params_check(&stream->params);
	level_check(store, "", &stream->params);
	snprintf(prefix, sizeof(prefix), "%u/", stream->device);
	level_check(store, prefix, &stream->params);
	snprintf(prefix, sizeof(prefix), "%u/%u/", stream->device, stream->index);
	level_check(store, prefix, &stream->params);
	id = level_node(store, prefix, XENSND_FIELD_STREAM_UNIQUE_ID);
	FUZZ_CHECK(memchr(stream->unique_id, '\0', sizeof(stream->unique_id)) != NULL);
	FUZZ_CHECK(strcmp(stream->unique_id, id ? id : "") == 0);
	free(id);
}

static void name_check(const char *name, size_t size)
{
	size_t len = strnlen(name, size);

	FUZZ_CHECK(len < size);
	for (size_t i = 0; i < len; i++)
		FUZZ_CHECK(!iscntrl((unsigned char)name[i]));
}

static void card_check(struct store *store, const struct xensnd_card_config *card)
{
	unsigned int streams = 0;

	FUZZ_CHECK(card->n_devices >= 1 && card->n_devices <= XENSND_MAX_DEVICES);
	name_check(card->short_name, sizeof(card->short_name));
	name_check(card->long_name, sizeof(card->long_name));
	for (unsigned int d = 0; d < card->n_devices; d++) {
		const struct xensnd_device_config *device = &card->devices[d];

		name_check(device->name, sizeof(device->name));
		FUZZ_CHECK(device->first_stream == streams);
		FUZZ_CHECK(device->n_streams >= 1 && device->n_streams <= XENSND_MAX_STREAMS);
		for (unsigned int s = 0; s < device->n_streams; s++, streams++) {
			const struct xensnd_stream_config *stream = &card->streams[streams];
			const struct xensnd_stream_config *found =
				xensnd_config_find(card, d, stream->capture);

			FUZZ_CHECK(stream->device == d && stream->index == s);
			FUZZ_CHECK(found && found <= stream && found->device == d);
			FUZZ_CHECK(found->capture == stream->capture);
			/* All that a "#" has made are alike. */
			if (s < 2 && d < 2)
				stream_check(store, stream);
			params_check(&stream->params);
		}
	}
	FUZZ_CHECK(card->n_streams == streams);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct store store = { .text = text };
	const struct xensnd_config_source source = { .read = store_read, .context = &store };
	struct xensnd_card_config *card = malloc(sizeof(*card));
	int ret;

	FUZZ_CHECK(card != NULL);
	memset(card, 0xa5, sizeof(*card));
	ret = xensnd_config_read(card, &source);
	FUZZ_CHECK(ret == 0 || ret == -ENODEV || ret == -EINVAL || ret == -EACCES);
	FUZZ_CHECK(memchr(card->error, '\0', sizeof(card->error)) != NULL);
	FUZZ_CHECK((ret < 0) == (card->error[0] != '\0'));
	if (ret == 0)
		card_check(&store, card);
	number_check(text, 0, UINT32_MAX);
	number_check(text, 5, 5000);
	format_check(text);
	free(card);
	free(text);
	return 0;
}
