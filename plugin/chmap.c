/* SPDX-License-Identifier: MIT */
/* Channel maps. See chmap.h. */
#include "chmap.h"

#include <stdbool.h>
#include <stdlib.h>

/* As Linux' snd_pcm_std_chmaps. */
static const struct {
	unsigned int channels;
	unsigned int pos[PCM_XEN_CHMAP_MAX];
} standard[] = {
	{ 1, { SND_CHMAP_MONO } },
	{ 2, { SND_CHMAP_FL, SND_CHMAP_FR } },
	{ 4, { SND_CHMAP_FL, SND_CHMAP_FR, SND_CHMAP_RL, SND_CHMAP_RR } },
	{ 6, { SND_CHMAP_FL, SND_CHMAP_FR, SND_CHMAP_RL, SND_CHMAP_RR, SND_CHMAP_FC,
		     SND_CHMAP_LFE } },
	{ 8, { SND_CHMAP_FL, SND_CHMAP_FR, SND_CHMAP_RL, SND_CHMAP_RR, SND_CHMAP_FC, SND_CHMAP_LFE,
		     SND_CHMAP_SL, SND_CHMAP_SR } },
};

#define N_STANDARD (sizeof(standard) / sizeof(standard[0]))

static const unsigned int *standard_find(unsigned int channels)
{
	for (size_t i = 0; i < N_STANDARD; i++)
		if (standard[i].channels == channels)
			return standard[i].pos;
	return NULL;
}

static void map_fill(snd_pcm_chmap_t *map, unsigned int channels, const unsigned int *pos)
{
	map->channels = channels;
	for (unsigned int i = 0; i < channels; i++)
		map->pos[i] = pos[i];
}

snd_pcm_chmap_query_t **pcm_xen_chmap_query(unsigned int min, unsigned int max)
{
	snd_pcm_chmap_query_t **maps = calloc(N_STANDARD + 1, sizeof(*maps));
	size_t n = 0;

	if (!maps)
		return NULL;
	for (size_t i = 0; i < N_STANDARD; i++) {
		unsigned int channels = standard[i].channels;

		if (channels < min || channels > max)
			continue;
		maps[n] = malloc(sizeof(*maps[n]) + channels * sizeof(maps[n]->map.pos[0]));
		if (!maps[n])
			break;
		maps[n]->type = SND_CHMAP_TYPE_VAR;
		map_fill(&maps[n]->map, channels, standard[i].pos);
		n++;
	}
	if (n > 0)
		return maps;
	free(maps);
	return NULL;
}

static snd_pcm_chmap_t *map_new(unsigned int channels, const unsigned int *pos)
{
	snd_pcm_chmap_t *map = malloc(sizeof(*map) + channels * sizeof(map->pos[0]));

	if (map)
		map_fill(map, channels, pos);
	return map;
}

snd_pcm_chmap_t *pcm_xen_chmap_standard(unsigned int channels)
{
	const unsigned int *pos = standard_find(channels);

	return pos ? map_new(channels, pos) : NULL;
}

snd_pcm_chmap_t *pcm_xen_chmap_copy(const snd_pcm_chmap_t *map)
{
	return map_new(map->channels, map->pos);
}

int pcm_xen_chmap_order(
	const snd_pcm_chmap_t *map, unsigned int channels, unsigned int order[PCM_XEN_CHMAP_MAX])
{
	const unsigned int *pos = standard_find(channels);
	bool taken[PCM_XEN_CHMAP_MAX] = { false };

	if (!pos || map->channels != channels)
		return -EINVAL;
	for (unsigned int i = 0; i < channels; i++) {
		unsigned int place = 0;

		while (place < channels && (taken[place] || pos[place] != map->pos[i]))
			place++;
		if (place == channels)
			return -EINVAL;
		taken[place] = true;
		order[i] = place;
	}
	return 0;
}
