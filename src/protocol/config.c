/* SPDX-License-Identifier: MIT */
/* A card's configuration. See config.h. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "wire.h"
#include "xenstore_path.h"

struct reader {
	const struct xensnd_config_source *source;
	struct xensnd_card_config *card;
};

static const uint32_t default_rates[] = { 5512, 8000, 11025, 16000, 22050, 32000, 44100, 48000 };

/* Says what is wrong with a node and hands the error on. */
static int node_error(struct reader *reader, const char *path, const char *what, int err)
{
	snprintf(reader->card->error, sizeof(reader->card->error), "XenStore node %s %s", path,
		what);
	return err;
}

/*
 * 1: *value is the node's text, to be freed; 0: there is no such node; negative: it can not be
 * read.
 */
static int node_read(struct reader *reader, const char *path, char **value)
{
	*value = reader->source->read(reader->source->context, path);
	if (*value)
		return 1;
	if (errno == ENOENT)
		return 0;
	return node_error(reader, path, "can not be read", errno ? -errno : -EIO);
}

/* The part of text without blanks at its ends; *len is its length. */
static const char *text_trim(const char *text, size_t *len)
{
	while (*len > 0 && isspace((unsigned char)*text)) {
		text++;
		(*len)--;
	}
	while (*len > 0 && isspace((unsigned char)text[*len - 1]))
		(*len)--;
	return text;
}

static int number_parse(const char *text, size_t len, uint32_t min, uint32_t max, uint32_t *value)
{
	uint64_t number = 0;

	text = text_trim(text, &len);
	if (len == 0 || len > 10)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		number = number * 10 + (uint64_t)(text[i] - '0');
	}
	if (number < min || number > max)
		return -EINVAL;
	*value = (uint32_t)number;
	return 0;
}

int xensnd_parse_number(const char *text, uint32_t min, uint32_t max, uint32_t *value)
{
	return number_parse(text, strlen(text), min, max, value);
}

/* Reads a number if the node is there; *value is left alone if not. */
static int number_read(
	struct reader *reader, const char *path, uint32_t min, uint32_t max, uint32_t *value)
{
	char *text;
	int ret = node_read(reader, path, &text);

	if (ret <= 0)
		return ret;
	ret = xensnd_parse_number(text, min, max, value);
	free(text);
	return ret < 0 ? node_error(reader, path, "is not a number in its range", ret) : 0;
}

/* Copies a name if the node is there. What is too long is cut: it is only shown to people. */
static int name_read(struct reader *reader, const char *path, char *name, size_t size)
{
	char *text;
	int ret = node_read(reader, path, &text);
	size_t len;
	const char *trimmed;

	if (ret <= 0)
		return ret;
	len = strlen(text);
	trimmed = text_trim(text, &len);
	if (len >= size)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		name[i] = iscntrl((unsigned char)trimmed[i]) ? '?' : trimmed[i];
	name[len] = '\0';
	free(text);
	return 0;
}

/*
 * Copies an identifier if the node is there. It chooses what the backend opens, so nothing of it is
 * changed.
 */
static int id_read(struct reader *reader, const char *path, char *id, size_t size)
{
	char *text;
	int ret = node_read(reader, path, &text);

	if (ret <= 0)
		return ret;
	if (strlen(text) < size)
		memcpy(id, text, strlen(text) + 1);
	else
		ret = node_error(reader, path, "is too long", -EINVAL);
	free(text);
	return ret < 0 ? ret : 0;
}

/* Calls add() for each item of a list; empty items are skipped. */
static int list_each(
	const char *text, int (*add)(void *context, const char *item, size_t len), void *context)
{
	while (*text) {
		size_t field = strcspn(text, XENSND_LIST_SEPARATOR);
		size_t len = field;
		const char *item = text_trim(text, &len);
		int ret = len > 0 ? add(context, item, len) : 0;

		if (ret < 0)
			return ret;
		text += field;
		text += *text != '\0';
	}
	return 0;
}

struct rate_list {
	uint32_t rates[XENSND_MAX_RATES];
	unsigned int n;
};

/* Keeps the list ascending and without repetition. */
static int rate_add(void *context, const char *item, size_t len)
{
	struct rate_list *list = context;
	unsigned int at;
	uint32_t rate;

	if (number_parse(item, len, 1, XENSND_MAX_RATE, &rate) < 0)
		return -EINVAL;
	for (at = 0; at < list->n && list->rates[at] < rate; at++)
		;
	if (at < list->n && list->rates[at] == rate)
		return 0;
	if (list->n == XENSND_MAX_RATES)
		return -EINVAL;
	memmove(&list->rates[at + 1], &list->rates[at], (list->n - at) * sizeof(list->rates[0]));
	list->rates[at] = rate;
	list->n++;
	return 0;
}

static bool rate_offered(const struct xensnd_params *params, uint32_t rate)
{
	for (unsigned int i = 0; i < params->n_rates; i++)
		if (params->rates[i] == rate)
			return true;
	return false;
}

/* Narrows the inherited rates to the listed ones; the first level that lists any has free choice.
 */
static int rates_read(struct reader *reader, const char *path, struct xensnd_params *params)
{
	struct rate_list list = { .n = 0 };
	unsigned int kept = 0;
	char *text;
	int ret = node_read(reader, path, &text);

	if (ret <= 0)
		return ret;
	ret = list_each(text, rate_add, &list);
	free(text);
	if (ret < 0)
		return node_error(reader, path, "is not a list of sample rates", ret);
	for (unsigned int i = 0; i < list.n; i++)
		if (params->n_rates == 0 || rate_offered(params, list.rates[i]))
			list.rates[kept++] = list.rates[i];
	if (kept == 0)
		return node_error(
			reader, path, "leaves no sample rate that the level above offers", -EINVAL);
	memcpy(params->rates, list.rates, kept * sizeof(list.rates[0]));
	params->n_rates = kept;
	return 0;
}

/* A format that this version does not know is no error: the others can still be used. */
static int format_add(void *context, const char *item, size_t len)
{
	uint64_t *formats = context;
	int format = xensnd_format_from_name(item, len);

	if (format >= 0)
		*formats |= XENSND_FORMAT_BIT(format);
	return 0;
}

static int formats_read(struct reader *reader, const char *path, struct xensnd_params *params)
{
	uint64_t formats = 0;
	char *text;
	int ret = node_read(reader, path, &text);

	if (ret <= 0)
		return ret;
	list_each(text, format_add, &formats);
	free(text);
	if (params->formats != 0)
		formats &= params->formats;
	if (formats == 0)
		return node_error(reader, path,
			"leaves no known sample format that the level above offers", -EINVAL);
	params->formats = formats;
	return 0;
}

/* Where a level's nodes are: "" for the card, else "0/" or "0/1/". */
struct level {
	char prefix[24];
};

static const char *level_path(const struct level *level, const char *node, char *path, size_t size)
{
	snprintf(path, size, "%s%s", level->prefix, node);
	return path;
}

static int channels_read(
	struct reader *reader, const struct level *level, struct xensnd_params *params)
{
	char path[XENSND_PATH_BYTES];
	uint32_t min = 0, max = 0;
	int ret;

	ret = number_read(reader, level_path(level, XENSND_FIELD_CHANNELS_MIN, path, sizeof(path)),
		1, XENSND_MAX_CHANNELS, &min);
	if (ret == 0)
		ret = number_read(reader,
			level_path(level, XENSND_FIELD_CHANNELS_MAX, path, sizeof(path)), 1,
			XENSND_MAX_CHANNELS, &max);
	if (ret < 0)
		return ret;
	if (min > params->channels_min)
		params->channels_min = min;
	if (max > 0 && (params->channels_max == 0 || max < params->channels_max))
		params->channels_max = max;
	if (params->channels_max > 0 && params->channels_min > params->channels_max)
		return node_error(reader, path,
			"leaves no number of channels that the level above offers", -EINVAL);
	return 0;
}

static int buffer_read(
	struct reader *reader, const struct level *level, struct xensnd_params *params)
{
	char path[XENSND_PATH_BYTES];
	uint32_t bytes = 0;
	int ret =
		number_read(reader, level_path(level, XENSND_FIELD_BUFFER_SIZE, path, sizeof(path)),
			1, UINT32_MAX, &bytes);

	if (ret < 0)
		return ret;
	if (bytes > XENSND_MAX_BUFFER_BYTES)
		bytes = XENSND_MAX_BUFFER_BYTES;
	if (bytes > 0 && (params->buffer_bytes_max == 0 || bytes < params->buffer_bytes_max))
		params->buffer_bytes_max = bytes;
	return 0;
}

/*
 * Narrows the inherited parameters by what the level says. What no level has said yet is 0, and
 * restricts nothing: defaults are for what is silent on all levels.
 */
static int params_read(
	struct reader *reader, const struct level *level, struct xensnd_params *params)
{
	char path[XENSND_PATH_BYTES];
	int ret;

	ret = channels_read(reader, level, params);
	if (ret == 0)
		ret = rates_read(reader,
			level_path(level, XENSND_FIELD_SAMPLE_RATES, path, sizeof(path)), params);
	if (ret == 0)
		ret = formats_read(reader,
			level_path(level, XENSND_FIELD_SAMPLE_FORMATS, path, sizeof(path)), params);
	return ret == 0 ? buffer_read(reader, level, params) : ret;
}

static void params_complete(struct xensnd_params *params)
{
	if (params->formats == 0)
		params->formats = XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_U8) |
				  XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_S16_LE);
	if (params->n_rates == 0) {
		params->n_rates = sizeof(default_rates) / sizeof(default_rates[0]);
		memcpy(params->rates, default_rates, sizeof(default_rates));
	}
	if (params->channels_min == 0)
		params->channels_min = 1;
	if (params->channels_max == 0)
		params->channels_max = params->channels_min > XENSND_DEFAULT_CHANNELS_MAX
					       ? params->channels_min
					       : XENSND_DEFAULT_CHANNELS_MAX;
	if (params->buffer_bytes_max == 0)
		params->buffer_bytes_max = XENSND_DEFAULT_BUFFER_BYTES;
}

static int type_parse(const char *text, bool *capture)
{
	size_t len = strlen(text);
	const char *type = text_trim(text, &len);

	if (len != 1)
		return -EINVAL;
	*capture = tolower((unsigned char)*type) == XENSND_STREAM_TYPE_CAPTURE[0];
	return *capture || tolower((unsigned char)*type) == XENSND_STREAM_TYPE_PLAYBACK[0]
		       ? 0
		       : -EINVAL;
}

/* 1: the stream is there and added to the card; 0: there is no such stream. */
static int stream_read(struct reader *reader, unsigned int device, unsigned int index,
	const struct xensnd_params *above)
{
	struct xensnd_stream_config *stream = &reader->card->streams[reader->card->n_streams];
	struct level level;
	char path[XENSND_PATH_BYTES];
	char *type;
	int ret;

	snprintf(level.prefix, sizeof(level.prefix), "%u/%u/", device, index);
	ret = node_read(reader, level_path(&level, XENSND_FIELD_TYPE, path, sizeof(path)), &type);
	if (ret <= 0)
		return ret;
	*stream =
		(struct xensnd_stream_config){ .device = device, .index = index, .params = *above };
	ret = type_parse(type, &stream->capture);
	free(type);
	if (ret < 0)
		return node_error(reader, path, "is neither \"p\" nor \"c\"", ret);
	ret = id_read(reader, level_path(&level, XENSND_FIELD_STREAM_UNIQUE_ID, path, sizeof(path)),
		stream->unique_id, sizeof(stream->unique_id));
	if (ret < 0)
		return ret;
	ret = params_read(reader, &level, &stream->params);
	if (ret < 0)
		return ret;
	params_complete(&stream->params);
	reader->card->n_streams++;
	return 1;
}

/* 1: the device has a stream and is added to the card; 0: there is no such device. */
static int device_read(struct reader *reader, const struct xensnd_params *above)
{
	struct xensnd_card_config *card = reader->card;
	struct xensnd_device_config *device = &card->devices[card->n_devices];
	struct xensnd_params params = *above;
	struct level level;
	char path[XENSND_PATH_BYTES];
	int ret;

	snprintf(level.prefix, sizeof(level.prefix), "%u/", card->n_devices);
	*device = (struct xensnd_device_config){ .first_stream = card->n_streams };
	ret = name_read(reader, level_path(&level, XENSND_FIELD_DEVICE_NAME, path, sizeof(path)),
		device->name, sizeof(device->name));
	if (ret == 0)
		ret = params_read(reader, &level, &params);
	if (ret < 0)
		return ret;
	while (device->n_streams < XENSND_MAX_STREAMS) {
		ret = stream_read(reader, card->n_devices, device->n_streams, &params);
		if (ret < 0)
			return ret;
		if (ret == 0)
			break;
		device->n_streams++;
	}
	if (device->n_streams == 0)
		return 0;
	card->n_devices++;
	return 1;
}

int xensnd_config_read(struct xensnd_card_config *card, const struct xensnd_config_source *source)
{
	struct reader reader = { .source = source, .card = card };
	const struct level level = { .prefix = "" };
	struct xensnd_params params = { .formats = 0 };
	int ret;

	memset(card, 0, sizeof(*card));
	ret = name_read(
		&reader, XENSND_FIELD_VCARD_SHORT_NAME, card->short_name, sizeof(card->short_name));
	if (ret == 0)
		ret = name_read(&reader, XENSND_FIELD_VCARD_LONG_NAME, card->long_name,
			sizeof(card->long_name));
	if (ret == 0)
		ret = params_read(&reader, &level, &params);
	while (ret >= 0 && card->n_devices < XENSND_MAX_DEVICES) {
		ret = device_read(&reader, &params);
		if (ret == 0)
			break;
	}
	if (ret < 0)
		return ret;
	if (card->n_streams == 0) {
		snprintf(card->error, sizeof(card->error), "the card has no stream in XenStore");
		return -ENODEV;
	}
	return 0;
}

const struct xensnd_stream_config *xensnd_config_find(
	const struct xensnd_card_config *card, unsigned int device, bool capture)
{
	for (unsigned int i = 0; i < card->n_streams; i++)
		if (card->streams[i].device == device && card->streams[i].capture == capture)
			return &card->streams[i];
	return NULL;
}
