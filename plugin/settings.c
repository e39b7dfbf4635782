/* SPDX-License-Identifier: MIT */
/* Configuration fields. See settings.h. */
#include "settings.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/config.h"

/* XenStore's <dev-id> is a 16-bit number. */
#define MAX_CARD 65535u

/* A number, written as one or as a string: "xen:1" and "card 1" are the same. */
static int number_read(
	unsigned int *number, snd_config_t *node, const char *field, unsigned int max)
{
	uint32_t value = 0;
	char *text;
	int ret = snd_config_get_ascii(node, &text);

	if (ret < 0 || !text)
		ret = -EINVAL;
	if (ret == 0) {
		ret = xensnd_parse_number(text, 0, max, &value);
		if (ret < 0)
			SNDERR("%s \"%s\" is not a number from 0 to %u", field, text, max);
		free(text);
	} else {
		SNDERR("%s is not a number from 0 to %u", field, max);
	}
	*number = value;
	return ret < 0 ? -EINVAL : 0;
}

static int position_read(enum xensnd_position_policy *position, snd_config_t *node)
{
	static const char *const names[] = { [XENSND_POSITION_AUTO] = "auto",
		[XENSND_POSITION_EVENTS_ONLY] = "events",
		[XENSND_POSITION_ACKS_ONLY] = "acks" };
	const char *text;

	if (snd_config_get_string(node, &text) == 0 && text) {
		for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (strcmp(text, names[i]) != 0)
				continue;
			*position = (enum xensnd_position_policy)i;
			return 0;
		}
	}
	SNDERR("position is none of auto, events and acks");
	return -EINVAL;
}

int pcm_xen_settings_read(struct pcm_xen_settings *settings, snd_config_t *conf)
{
	snd_config_iterator_t i, next;

	*settings = (struct pcm_xen_settings){ .position = XENSND_POSITION_AUTO };
	snd_config_for_each(i, next, conf)
	{
		snd_config_t *node = snd_config_iterator_entry(i);
		const char *id;
		int ret = 0;

		if (snd_config_get_id(node, &id) < 0)
			continue;
		if (strcmp(id, "comment") == 0 || strcmp(id, "type") == 0 ||
			strcmp(id, "hint") == 0)
			continue;
		if (strcmp(id, "card") == 0) {
			ret = number_read(&settings->card, node, id, MAX_CARD);
		} else if (strcmp(id, "device") == 0) {
			ret = number_read(&settings->device, node, id, XENSND_MAX_DEVICES - 1);
		} else if (strcmp(id, "position") == 0) {
			ret = position_read(&settings->position, node);
		} else {
			SNDERR("Unknown field %s", id);
			ret = -EINVAL;
		}
		if (ret < 0)
			return ret;
	}
	return 0;
}
