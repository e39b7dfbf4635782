/* SPDX-License-Identifier: MIT */
/* A card's configuration, from a table of nodes in place of XenStore. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/config.h"
#include "protocol/format.h"
#include "protocol/wire.h"

#define FORMAT(name) XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_##name)

struct node {
	const char *path;
	const char *value;
};

/*
 * What is in XenStore; the list ends with a NULL path. A node without value exists, but can not be
 * read.
 */
static char *table_read(void *context, const char *path)
{
	const struct node *node = context;

	for (; node->path; node++) {
		if (strcmp(node->path, path) != 0)
			continue;
		errno = EIO;
		return node->value ? strdup(node->value) : NULL;
	}
	errno = ENOENT;
	return NULL;
}

/* The card is on the heap, so that a sanitizer sees its ends, and starts with garbage. */
static int card_setup(void **state)
{
	struct xensnd_card_config *card = malloc(sizeof(*card));

	assert_non_null(card);
	memset(card, 0xa5, sizeof(*card));
	*state = card;
	return 0;
}

static int card_teardown(void **state)
{
	free(*state);
	return 0;
}

static int card_read(struct xensnd_card_config *card, struct node *nodes)
{
	const struct xensnd_config_source source = { .read = table_read, .context = nodes };

	return xensnd_config_read(card, &source);
}

/* Reads a card from pairs of path and value. */
#define READ(card, ...) card_read(card, (struct node[]){ __VA_ARGS__, { NULL, NULL } })

/* A card with one stream and one more node. */
static int one_read(struct xensnd_card_config *card, const char *path, const char *value)
{
	return READ(card, { path, value }, { "0/0/type", "p" });
}

static void read_fails(struct xensnd_card_config *card, const char *path, const char *value)
{
	assert_int_equal(one_read(card, path, value), -EINVAL);
	assert_non_null(strstr(card->error, path));
}

static void rates_are(const struct xensnd_params *params, const uint32_t *rates, unsigned int n)
{
	assert_int_equal(params->n_rates, n);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(params->rates[i], rates[i]);
}

#define RATES_ARE(params, ...)                               \
	rates_are(params, (const uint32_t[]){ __VA_ARGS__ }, \
		sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static void config_of_a_bare_stream_has_defaults(void **state)
{
	struct xensnd_card_config *card = *state;
	const struct xensnd_stream_config *stream = &card->streams[0];

	assert_int_equal(READ(card, { "0/0/type", "p" }), 0);
	assert_string_equal(card->short_name, "");
	assert_string_equal(card->long_name, "");
	assert_string_equal(card->devices[0].name, "");
	assert_string_equal(card->error, "");
	assert_int_equal(card->n_devices, 1);
	assert_int_equal(card->devices[0].first_stream, 0);
	assert_int_equal(card->devices[0].n_streams, 1);
	assert_int_equal(card->n_streams, 1);
	assert_int_equal(stream->device, 0);
	assert_int_equal(stream->index, 0);
	assert_false(stream->capture);
	assert_string_equal(stream->unique_id, "");
	assert_int_equal(stream->params.channels_min, 1);
	assert_int_equal(stream->params.channels_max, 2);
	assert_int_equal(stream->params.buffer_bytes_max, 65536);
	assert_true(stream->params.formats == (FORMAT(U8) | FORMAT(S16_LE)));
	RATES_ARE(&stream->params, 5512, 8000, 11025, 16000, 22050, 32000, 44100, 48000);
}

static void config_of_a_full_card_is_read(void **state)
{
	struct xensnd_card_config *card = *state;

	assert_int_equal(
		READ(card, { "short-name", "Main" }, { "long-name", "The main card" },
			{ "sample-rates", "44100,48000,96000" },
			{ "sample-formats", "s16_le,s32_le" }, { "channels-min", "1" },
			{ "channels-max", "8" }, { "buffer-size", "262144" }, { "0/name", "Front" },
			{ "0/0/type", "p" }, { "0/0/unique-id", "out0" }, { "0/1/type", "c" },
			{ "0/1/unique-id", "in0" }, { "1/name", "Rear" }, { "1/0/type", "C" }),
		0);
	assert_string_equal(card->short_name, "Main");
	assert_string_equal(card->long_name, "The main card");
	assert_int_equal(card->n_devices, 2);
	assert_int_equal(card->n_streams, 3);
	assert_string_equal(card->devices[0].name, "Front");
	assert_int_equal(card->devices[0].n_streams, 2);
	assert_string_equal(card->devices[1].name, "Rear");
	assert_int_equal(card->devices[1].first_stream, 2);
	assert_int_equal(card->devices[1].n_streams, 1);
	assert_string_equal(card->streams[0].unique_id, "out0");
	assert_false(card->streams[0].capture);
	assert_string_equal(card->streams[1].unique_id, "in0");
	assert_true(card->streams[1].capture);
	assert_int_equal(card->streams[1].index, 1);
	assert_true(card->streams[2].capture);
	assert_int_equal(card->streams[2].device, 1);
	assert_int_equal(card->streams[2].index, 0);
	assert_int_equal(card->streams[2].params.channels_max, 8);
	assert_int_equal(card->streams[2].params.buffer_bytes_max, 262144);
	RATES_ARE(&card->streams[2].params, 44100, 48000, 96000);
}

static void config_inherits_from_card_to_device_to_stream(void **state)
{
	struct xensnd_card_config *card = *state;

	assert_int_equal(
		READ(card, { "sample-rates", "44100,48000,96000" },
			{ "sample-formats", "s16_le,s32_le,u8" }, { "channels-min", "2" },
			{ "channels-max", "8" }, { "buffer-size", "100000" },
			{ "0/sample-rates", "96000,44100" }, { "0/sample-formats", "s32_le,u8" },
			{ "0/channels-max", "6" }, { "0/buffer-size", "50000" },
			{ "0/0/type", "p" }, { "0/0/sample-rates", "44100" },
			{ "0/0/sample-formats", "u8" }, { "0/0/channels-min", "3" },
			{ "0/0/channels-max", "4" }, { "0/0/buffer-size", "20000" },
			{ "0/1/type", "c" }, { "1/0/type", "p" }),
		0);
	RATES_ARE(&card->streams[0].params, 44100);
	assert_true(card->streams[0].params.formats == FORMAT(U8));
	assert_int_equal(card->streams[0].params.channels_min, 3);
	assert_int_equal(card->streams[0].params.channels_max, 4);
	assert_int_equal(card->streams[0].params.buffer_bytes_max, 20000);
	/* A neighbour's choice is not inherited, the device's is. */
	RATES_ARE(&card->streams[1].params, 44100, 96000);
	assert_true(card->streams[1].params.formats == (FORMAT(S32_LE) | FORMAT(U8)));
	assert_int_equal(card->streams[1].params.channels_min, 2);
	assert_int_equal(card->streams[1].params.channels_max, 6);
	assert_int_equal(card->streams[1].params.buffer_bytes_max, 50000);
	RATES_ARE(&card->streams[2].params, 44100, 48000, 96000);
	assert_true(
		card->streams[2].params.formats == (FORMAT(S16_LE) | FORMAT(S32_LE) | FORMAT(U8)));
	assert_int_equal(card->streams[2].params.channels_max, 8);
	assert_int_equal(card->streams[2].params.buffer_bytes_max, 100000);
}

/* Where a level asks for more than the one above offers, it gets what both have. */
static void config_never_widens_what_is_inherited(void **state)
{
	struct xensnd_card_config *card = *state;
	const struct xensnd_params *params = &card->streams[0].params;

	assert_int_equal(
		READ(card, { "sample-rates", "44100,48000" }, { "sample-formats", "s16_le,u8" },
			{ "channels-min", "2" }, { "channels-max", "4" },
			{ "buffer-size", "10000" }, { "0/sample-rates", "8000,48000,192000" },
			{ "0/sample-formats", "s8,u8" }, { "0/channels-min", "1" },
			{ "0/channels-max", "255" }, { "0/buffer-size", "20000" },
			{ "0/0/type", "p" }),
		0);
	RATES_ARE(params, 48000);
	assert_true(params->formats == FORMAT(U8));
	assert_int_equal(params->channels_min, 2);
	assert_int_equal(params->channels_max, 4);
	assert_int_equal(params->buffer_bytes_max, 10000);
}

static void config_refuses_a_level_that_shares_nothing_with_the_one_above(void **state)
{
	static const struct node wrong[] = { { "0/sample-rates", "8000" },
		{ "0/sample-formats", "s8" }, { "0/channels-max", "1" },
		{ "0/0/sample-rates", "44101" }, { "0/0/sample-formats", "s16_be" },
		{ "0/0/channels-max", "1" } };
	struct xensnd_card_config *card = *state;

	for (size_t i = 0; i < UNIT_COUNT(wrong); i++) {
		assert_int_equal(READ(card, { "sample-rates", "44100" },
					 { "sample-formats", "s16_le" }, { "channels-min", "2" },
					 { "channels-max", "4" }, wrong[i], { "0/0/type", "p" }),
			-EINVAL);
		assert_non_null(strstr(card->error, wrong[i].path));
	}
}

/* A default is for what no level says; it is no offer that a device or stream had to keep to. */
static void config_defaults_do_not_restrict_a_lower_level(void **state)
{
	struct xensnd_card_config *card = *state;
	const struct xensnd_params *params = &card->streams[0].params;

	assert_int_equal(
		READ(card, { "0/channels-min", "3" }, { "0/sample-rates", "96000" },
			{ "0/0/type", "p" }, { "0/0/channels-max", "6" },
			{ "0/0/sample-formats", "s32_le" }, { "0/0/buffer-size", "131072" }),
		0);
	RATES_ARE(params, 96000);
	assert_true(params->formats == FORMAT(S32_LE));
	assert_int_equal(params->channels_min, 3);
	assert_int_equal(params->channels_max, 6);
	assert_int_equal(params->buffer_bytes_max, 131072);
	assert_int_equal(READ(card, { "0/channels-min", "3" }, { "0/0/type", " p " }), 0);
	assert_int_equal(params->channels_max, 3);
}

static void config_channels_have_to_be_a_range(void **state)
{
	struct xensnd_card_config *card = *state;
	const struct xensnd_params *params = &card->streams[0].params;

	assert_int_equal(
		READ(card, { "channels-min", "5" }, { "channels-max", "4" }, { "0/0/type", "p" }),
		-EINVAL);
	assert_non_null(strstr(card->error, "channels-m"));
	assert_int_equal(
		READ(card, { "channels-min", "5" }, { "channels-max", "5" }, { "0/0/type", "p" }),
		0);
	assert_int_equal(params->channels_min, 5);
	assert_int_equal(params->channels_max, 5);
	/* The default maximum gives way. */
	assert_int_equal(one_read(card, "channels-min", "6"), 0);
	assert_int_equal(params->channels_min, 6);
	assert_int_equal(params->channels_max, 6);
	assert_int_equal(one_read(card, "channels-max", "1"), 0);
	assert_int_equal(params->channels_max, 1);
	assert_int_equal(one_read(card, "channels-max", "255"), 0);
	assert_int_equal(params->channels_max, 255);
	read_fails(card, "channels-max", "256");
	read_fails(card, "channels-max", "0");
	read_fails(card, "channels-min", "0");
	read_fails(card, "channels-min", "256");
}

static void config_gap_ends_the_list_of_devices_and_streams(void **state)
{
	struct xensnd_card_config *card = *state;

	assert_int_equal(
		READ(card, { "0/0/type", "p" }, { "0/2/type", "c" }, { "2/0/type", "p" }), 0);
	assert_int_equal(card->n_devices, 1);
	assert_int_equal(card->n_streams, 1);
	/* A device without a stream is a gap, too. */
	assert_int_equal(
		READ(card, { "0/0/type", "p" }, { "1/name", "empty" }, { "2/0/type", "p" }), 0);
	assert_int_equal(card->n_devices, 1);
	assert_int_equal(READ(card, { "0/1/type", "p" }, { "1/0/type", "p" }), -ENODEV);
}

static void config_without_a_stream_is_no_card(void **state)
{
	struct xensnd_card_config *card = *state;

	assert_int_equal(READ(card, { "short-name", "Silent" }), -ENODEV);
	assert_string_not_equal(card->error, "");
	/* libxl leaves the type out where it was not configured: no type, no stream. */
	assert_int_equal(READ(card, { "0/0/unique-id", "x" }), -ENODEV);
}

static void config_knows_two_types_of_stream(void **state)
{
	static const char *const wrong[] = { "", "x", "pc", "playback", "p,c", "0" };
	struct xensnd_card_config *card = *state;

	assert_int_equal(
		READ(card, { "0/0/type", "P" }, { "0/1/type", "C" }, { "0/2/type", "p" }), 0);
	assert_false(card->streams[0].capture);
	assert_true(card->streams[1].capture);
	assert_false(card->streams[2].capture);
	for (size_t i = 0; i < UNIT_COUNT(wrong); i++) {
		assert_int_equal(READ(card, { "0/0/type", wrong[i] }), -EINVAL);
		assert_non_null(strstr(card->error, "0/0/type"));
	}
}

static void config_holds_32_devices_of_8_streams(void **state)
{
	struct xensnd_card_config *card = *state;
	struct node *nodes = calloc(34 * 10 + 1, sizeof(*nodes));
	char(*paths)[32] = calloc(34 * 10, sizeof(*paths));
	unsigned int n = 0;

	assert_non_null(nodes);
	assert_non_null(paths);
	for (unsigned int device = 0; device < 34; device++) {
		for (unsigned int stream = 0; stream < 10; stream++, n++) {
			snprintf(paths[n], sizeof(paths[n]), "%u/%u/type", device, stream);
			nodes[n] = (struct node){ paths[n], stream % 2 ? "c" : "p" };
		}
	}
	assert_int_equal(card_read(card, nodes), 0);
	assert_int_equal(card->n_devices, 32);
	assert_int_equal(card->n_streams, 256);
	for (unsigned int i = 0; i < 256; i++) {
		assert_int_equal(card->streams[i].device, i / 8);
		assert_int_equal(card->streams[i].index, i % 8);
		assert_int_equal(card->streams[i].capture, i % 2);
	}
	assert_int_equal(card->devices[31].first_stream, 248);
	assert_int_equal(card->devices[31].n_streams, 8);
	free(nodes);
	free(paths);
}

static void config_finds_a_stream_by_device_and_direction(void **state)
{
	struct xensnd_card_config *card = *state;

	assert_int_equal(READ(card, { "0/0/type", "c" }, { "0/1/type", "p" }, { "0/2/type", "p" },
				 { "1/0/type", "p" }),
		0);
	assert_ptr_equal(xensnd_config_find(card, 0, false), &card->streams[1]);
	assert_ptr_equal(xensnd_config_find(card, 0, true), &card->streams[0]);
	assert_ptr_equal(xensnd_config_find(card, 1, false), &card->streams[3]);
	assert_null(xensnd_config_find(card, 1, true));
	assert_null(xensnd_config_find(card, 2, false));
}

static void config_knows_both_spellings_of_floating_point(void **state)
{
	struct xensnd_card_config *card = *state;

	assert_int_equal(one_read(card, "sample-formats", "float_le,float64_be"), 0);
	assert_true(card->streams[0].params.formats == (FORMAT(F32_LE) | FORMAT(F64_BE)));
	assert_int_equal(one_read(card, "sample-formats", "f32_le,f64_be"), 0);
	assert_true(card->streams[0].params.formats == (FORMAT(F32_LE) | FORMAT(F64_BE)));
	assert_int_equal(READ(card, { "sample-formats", "f32_le,s8" },
				 { "0/sample-formats", "FLOAT_LE" }, { "0/0/type", "p" }),
		0);
	assert_true(card->streams[0].params.formats == FORMAT(F32_LE));
}

static void config_skips_formats_that_it_does_not_know(void **state)
{
	struct xensnd_card_config *card = *state;

	assert_int_equal(one_read(card, "sample-formats", " dsd_u8 , s16_le,,\tu8\n,s99,"), 0);
	assert_true(card->streams[0].params.formats == (FORMAT(S16_LE) | FORMAT(U8)));
	read_fails(card, "sample-formats", "dsd_u8");
	read_fails(card, "sample-formats", "");
	read_fails(card, "sample-formats", " , ");
	read_fails(card, "sample-formats", "s16_le;u8");
}

static void config_sorts_rates_and_drops_repetitions(void **state)
{
	struct xensnd_card_config *card = *state;

	assert_int_equal(
		one_read(card, "sample-rates", "48000, 8000 ,,44100,8000,\t96000 ,48000,"), 0);
	RATES_ARE(&card->streams[0].params, 8000, 44100, 48000, 96000);
	assert_int_equal(one_read(card, "sample-rates", "1,768000"), 0);
	RATES_ARE(&card->streams[0].params, 1, 768000);
}

static void config_refuses_rates_that_are_none(void **state)
{
	static const char *const wrong[] = { "", ",", " ", "0", "44100,0", "44100;48000", "44.1k",
		"-44100", "+44100", "0xac44", "44100 48000", "768001", "4294967296",
		"44100,4294967297", "44100,x" };
	struct xensnd_card_config *card = *state;

	for (size_t i = 0; i < UNIT_COUNT(wrong); i++)
		read_fails(card, "sample-rates", wrong[i]);
}

static void config_refuses_more_rates_than_it_holds(void **state)
{
	struct xensnd_card_config *card = *state;
	char text[256];

	for (unsigned int n = 32; n <= 33; n++) {
		text[0] = '\0';
		for (unsigned int i = 0; i < n; i++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u,", 9000 - i);
		if (n == 33) {
			read_fails(card, "sample-rates", text);
			break;
		}
		/* A repetition needs no room. */
		strcat(text, "8999,9000,8969");
		assert_int_equal(one_read(card, "sample-rates", text), 0);
		assert_int_equal(card->streams[0].params.n_rates, 32);
		assert_int_equal(card->streams[0].params.rates[0], 8969);
		assert_int_equal(card->streams[0].params.rates[31], 9000);
	}
}

static void config_buffer_has_a_limit(void **state)
{
	struct xensnd_card_config *card = *state;
	const struct xensnd_params *params = &card->streams[0].params;

	assert_int_equal(one_read(card, "buffer-size", "1"), 0);
	assert_int_equal(params->buffer_bytes_max, 1);
	assert_int_equal(one_read(card, "buffer-size", "16777217"), 0);
	assert_int_equal(params->buffer_bytes_max, 16777216);
	assert_int_equal(one_read(card, "buffer-size", "4294967295"), 0);
	assert_int_equal(params->buffer_bytes_max, 16777216);
	read_fails(card, "buffer-size", "0");
	read_fails(card, "buffer-size", "4294967296");
	read_fails(card, "0/buffer-size", "64k");
	read_fails(card, "0/0/buffer-size", "");
}

static void config_names_are_cut_and_made_printable(void **state)
{
	struct xensnd_card_config *card = *state;
	char name[120];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(READ(card, { "short-name", name }, { "long-name", name },
				 { "0/name", name }, { "0/0/type", "p" }),
		0);
	assert_int_equal(strlen(card->short_name), 32);
	assert_int_equal(strlen(card->long_name), 80);
	assert_int_equal(strlen(card->devices[0].name), 80);
	assert_memory_equal(card->devices[0].name, name, 80);
	name[32] = '\0';
	assert_int_equal(one_read(card, "short-name", name), 0);
	assert_string_equal(card->short_name, name);
	assert_int_equal(one_read(card, "short-name",
				 " \t a\tb\x1b[2Jc\x7f"
				 "d \n"),
		0);
	assert_string_equal(card->short_name, "a?b?[2Jc?d");
	assert_int_equal(one_read(card, "0/name", "  "), 0);
	assert_string_equal(card->devices[0].name, "");
	assert_int_equal(one_read(card, "0/name",
				 "Gr\xc3\xbc\xc3\x9f"
				 "e"),
		0);
	assert_string_equal(card->devices[0].name, "Gr\xc3\xbc\xc3\x9f"
						   "e");
}

/* It chooses what the backend opens: half of it would be something else. */
static void config_refuses_a_unique_id_that_is_too_long(void **state)
{
	struct xensnd_card_config *card = *state;
	char id[257];

	memset(id, 'i', 256);
	id[256] = '\0';
	read_fails(card, "0/0/unique-id", id);
	id[255] = '\0';
	assert_int_equal(one_read(card, "0/0/unique-id", id), 0);
	assert_string_equal(card->streams[0].unique_id, id);
	assert_int_equal(one_read(card, "0/0/unique-id", " alsa<plug:x> "), 0);
	assert_string_equal(card->streams[0].unique_id, " alsa<plug:x> ");
}

/* Otherwise a failing XenStore would look like a card with other properties. */
static void config_that_can_not_be_read_is_not_missing(void **state)
{
	static const char *const paths[] = { "short-name", "long-name", "channels-min",
		"channels-max", "sample-rates", "sample-formats", "buffer-size", "0/name",
		"0/channels-min", "0/sample-rates", "0/buffer-size", "0/0/unique-id",
		"0/0/channels-max", "0/0/sample-formats", "0/1/type", "1/name", "1/0/type" };
	struct xensnd_card_config *card = *state;

	for (size_t i = 0; i < UNIT_COUNT(paths); i++) {
		assert_int_equal(one_read(card, paths[i], NULL), -EIO);
		assert_non_null(strstr(card->error, paths[i]));
	}
	assert_int_equal(READ(card, { "0/0/type", NULL }), -EIO);
}

static char *no_errno_read(void *context, const char *path)
{
	(void)context;
	(void)path;
	errno = 0;
	return NULL;
}

static void config_source_without_errno_is_an_error(void **state)
{
	const struct xensnd_config_source source = { .read = no_errno_read };

	assert_int_equal(xensnd_config_read(*state, &source), -EIO);
}

static void number_is_strictly_decimal(void **state)
{
	static const char *const wrong[] = { "", " ", "-1", "+1", "0x10", "1 0", "1,", "1.0", "1e3",
		"ten", "0b1", "4294967296", "4294967297", "18446744073709551617",
		"99999999999999999999999", "00000000001", "\xb2", "1\xc2\xa0" };
	uint32_t value = 4711;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(wrong); i++) {
		assert_int_equal(xensnd_parse_number(wrong[i], 0, UINT32_MAX, &value), -EINVAL);
		assert_int_equal(value, 4711);
	}
	assert_int_equal(xensnd_parse_number("0", 0, UINT32_MAX, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(xensnd_parse_number(" \t4294967295\n", 0, UINT32_MAX, &value), 0);
	assert_int_equal(value, UINT32_MAX);
	assert_int_equal(xensnd_parse_number("0000000010", 0, UINT32_MAX, &value), 0);
	assert_int_equal(value, 10);
}

static void number_stays_in_its_range(void **state)
{
	uint32_t value = 4711;

	(void)state;
	assert_int_equal(xensnd_parse_number("9", 10, 20, &value), -EINVAL);
	assert_int_equal(xensnd_parse_number("21", 10, 20, &value), -EINVAL);
	assert_int_equal(value, 4711);
	assert_int_equal(xensnd_parse_number("10", 10, 20, &value), 0);
	assert_int_equal(value, 10);
	assert_int_equal(xensnd_parse_number("20", 10, 20, &value), 0);
	assert_int_equal(value, 20);
}

/* Answers every path with something that may or may not make sense there. */
static char *random_read(void *context, const char *path)
{
	static const char *const nodes[] = { "", "p", "c", "44100,48000", "48000", "8000,,96000",
		"s16_le,u8", "s16_le", "float_le,s8", "1", "2", "8", "65536", "0", "-1",
		"4294967296", ",,,", " ", "a name", "\x01\x02\xff" };
	struct unit_random *random = context;
	size_t len = strlen(path);
	char noise[600];
	uint32_t n;

	errno = ENOENT;
	/*
	 * Mostly streams, and mostly silence about the rest: a card of nothing but noise ends at
	 * its first node.
	 */
	if (len >= 4 && strcmp(path + len - 4, "type") == 0 && unit_random_in(random, 0, 9) > 0)
		return strdup(unit_random_in(random, 0, 1) ? "p" : "c");
	switch (unit_random_in(random, 0, 300)) {
	case 0:
		n = unit_random_in(random, 0, sizeof(noise) - 1);
		for (uint32_t i = 0; i < n; i++)
			noise[i] = (char)unit_random_in(random, 1, 255);
		noise[n] = '\0';
		return strdup(noise);
	case 1:
		errno = EACCES;
		return NULL;
	case 2:
	case 3:
	case 4:
	case 5:
		return strdup(nodes[unit_random_in(random, 0, UNIT_COUNT(nodes) - 1)]);
	default:
		return NULL;
	}
}

static void params_hold(const struct xensnd_params *params)
{
	assert_in_range(params->n_rates, 1, XENSND_MAX_RATES);
	for (unsigned int i = 0; i < params->n_rates; i++) {
		assert_in_range(params->rates[i], 1, XENSND_MAX_RATE);
		assert_true(i == 0 || params->rates[i] > params->rates[i - 1]);
	}
	assert_true(params->channels_min >= 1 && params->channels_min <= params->channels_max);
	assert_true(params->channels_max <= XENSND_MAX_CHANNELS);
	assert_true(params->formats != 0 && params->formats < XENSND_FORMAT_BIT(XENSND_FORMATS));
	assert_in_range(params->buffer_bytes_max, 1, XENSND_MAX_BUFFER_BYTES);
}

static void card_holds(const struct xensnd_card_config *card)
{
	unsigned int n_streams = 0;

	assert_in_range(card->n_devices, 1, XENSND_MAX_DEVICES);
	assert_true(memchr(card->short_name, '\0', sizeof(card->short_name)));
	for (unsigned int i = 0; i < card->n_devices; i++) {
		assert_int_equal(card->devices[i].first_stream, n_streams);
		assert_in_range(card->devices[i].n_streams, 1, XENSND_MAX_STREAMS);
		assert_true(memchr(card->devices[i].name, '\0', sizeof(card->devices[i].name)));
		n_streams += card->devices[i].n_streams;
	}
	assert_int_equal(card->n_streams, n_streams);
	for (unsigned int i = 0; i < n_streams; i++) {
		assert_true(memchr(
			card->streams[i].unique_id, '\0', sizeof(card->streams[i].unique_id)));
		params_hold(&card->streams[i].params);
	}
}

static void config_of_random_nodes_is_sound_or_refused(void **state)
{
	struct unit_random random = unit_random_start(0x636f6e66);
	const struct xensnd_config_source source = { .read = random_read, .context = &random };
	struct xensnd_card_config *card = *state;
	unsigned int good = 0, bad = 0;

	for (unsigned int i = 0; i < 20000; i++) {
		memset(card, 0xa5, sizeof(*card));
		if (xensnd_config_read(card, &source) == 0) {
			card_holds(card);
			good++;
		} else {
			assert_true(card->error[0] != '\0' &&
				    memchr(card->error, '\0', sizeof(card->error)));
			bad++;
		}
	}
	printf("# %u cards read, %u refused\n", good, bad);
	assert_true(good > 100 && bad > 100);
}

#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, card_setup, card_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIG_TEST(config_of_a_bare_stream_has_defaults),
		CONFIG_TEST(config_of_a_full_card_is_read),
		CONFIG_TEST(config_inherits_from_card_to_device_to_stream),
		CONFIG_TEST(config_never_widens_what_is_inherited),
		CONFIG_TEST(config_refuses_a_level_that_shares_nothing_with_the_one_above),
		CONFIG_TEST(config_defaults_do_not_restrict_a_lower_level),
		CONFIG_TEST(config_channels_have_to_be_a_range),
		CONFIG_TEST(config_gap_ends_the_list_of_devices_and_streams),
		CONFIG_TEST(config_without_a_stream_is_no_card),
		CONFIG_TEST(config_knows_two_types_of_stream),
		CONFIG_TEST(config_holds_32_devices_of_8_streams),
		CONFIG_TEST(config_finds_a_stream_by_device_and_direction),
		CONFIG_TEST(config_knows_both_spellings_of_floating_point),
		CONFIG_TEST(config_skips_formats_that_it_does_not_know),
		CONFIG_TEST(config_sorts_rates_and_drops_repetitions),
		CONFIG_TEST(config_refuses_rates_that_are_none),
		CONFIG_TEST(config_refuses_more_rates_than_it_holds),
		CONFIG_TEST(config_buffer_has_a_limit),
		CONFIG_TEST(config_names_are_cut_and_made_printable),
		CONFIG_TEST(config_refuses_a_unique_id_that_is_too_long),
		CONFIG_TEST(config_that_can_not_be_read_is_not_missing),
		CONFIG_TEST(config_source_without_errno_is_an_error),
		CONFIG_TEST(number_is_strictly_decimal),
		CONFIG_TEST(number_stays_in_its_range),
		CONFIG_TEST(config_of_random_nodes_is_sound_or_refused),
	};

	return UNIT_RUN("configuration", tests);
}
