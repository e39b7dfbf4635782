/* SPDX-License-Identifier: MIT */
/*
 * A card's configuration as the toolstack wrote it into XenStore: card → device → stream, each
 * level inheriting from the one above and narrowing it.
 *
 * Apart from whoever reads XenStore: nodes come through a function, so both ends use the same rules
 * and they are tested without XenStore. Strings are the other side's: lengths are checked, unknown
 * formats skipped, blanks trimmed, anything else malformed is an error that names the node.
 */
#ifndef XENSND_PROTOCOL_CONFIG_H
#define XENSND_PROTOCOL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define XENSND_MAX_DEVICES 32u /* as Linux' frontend */
#define XENSND_MAX_STREAMS 8u  /* of one device, as Linux' frontend */
#define XENSND_MAX_RATES 32u
#define XENSND_MAX_CHANNELS 255u /* OPEN carries one octet */
#define XENSND_MAX_RATE 768000u
#define XENSND_MAX_BUFFER_BYTES (16u * 1024 * 1024)

/* What a card offers where its configuration is silent: Linux' frontend's choice. */
#define XENSND_DEFAULT_CHANNELS_MAX 2u
#define XENSND_DEFAULT_BUFFER_BYTES (64u * 1024)

struct xensnd_params {
	uint64_t formats;                 /* XENSND_FORMAT_BITs */
	uint32_t rates[XENSND_MAX_RATES]; /* Hz, ascending */
	unsigned int n_rates;
	uint32_t channels_min;
	uint32_t channels_max;
	uint32_t buffer_bytes_max;
};

struct xensnd_stream_config {
	unsigned int device; /* <pcm-dev-idx> */
	unsigned int index;  /* <stream-idx> in that device */
	bool capture;
	char unique_id[256]; /* "" if there is none */
	struct xensnd_params params;
};

struct xensnd_device_config {
	char name[81];
	unsigned int first_stream; /* in the card's streams */
	unsigned int n_streams;
};

struct xensnd_card_config {
	char short_name[33];
	char long_name[81];
	unsigned int n_devices;
	struct xensnd_device_config devices[XENSND_MAX_DEVICES];
	unsigned int n_streams; /* of all devices */
	struct xensnd_stream_config streams[XENSND_MAX_DEVICES * XENSND_MAX_STREAMS];
	char error[256]; /* why reading failed, for people */
};

/*
 * Reads the node at a path relative to the card ("0/1/type"). Returns a string that the reader
 * releases by free(), or NULL with errno ENOENT when there is no such node, another errno when it
 * can not be read.
 */
struct xensnd_config_source {
	char *(*read)(void *context, const char *path);
	void *context;
};

/*
 * Reads a card. Devices and their streams are numbered from 0 without a gap; the first missing one
 * ends the list (sndif.h). 0; -ENODEV: not a single stream; -EINVAL: a node is malformed or a level
 * is not a subset of the one above; another negative errno: XenStore can not be read. card->error
 * then says why.
 */
int xensnd_config_read(struct xensnd_card_config *card, const struct xensnd_config_source *source);

/* The stream of a device in a direction, or NULL. */
const struct xensnd_stream_config *xensnd_config_find(
	const struct xensnd_card_config *card, unsigned int device, bool capture);

/* Strict decimal number in [min, max] with blanks around it allowed: 0, or -EINVAL. */
int xensnd_parse_number(const char *text, uint32_t min, uint32_t max, uint32_t *value);

#endif
