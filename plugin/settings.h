/* SPDX-License-Identifier: MIT */
/*
 * The fields of a "type xen" PCM in an ALSA configuration.
 *
 * Apart from the callbacks because it is parsing, with an error for each kind of mistake.
 */
#ifndef XENSND_PLUGIN_SETTINGS_H
#define XENSND_PLUGIN_SETTINGS_H

#include <alsa/asoundlib.h>

#include "frontend/position.h"

struct pcm_xen_settings {
	unsigned int card;   /* <dev-id>: device/vsnd/<card> */
	unsigned int device; /* <pcm-dev-idx> of the card */
	enum xensnd_position_policy position;
};

/* Reads them: 0, or -EINVAL after a line that names the field. */
int pcm_xen_settings_read(struct pcm_xen_settings *settings, snd_config_t *conf);

#endif
