/* SPDX-License-Identifier: MIT */
/* The shared buffer. See shared_areas.h. */
#include "shared_areas.h"

#include <stdlib.h>

int pcm_xen_areas_make(struct pcm_xen_areas *areas, void *buffer, snd_pcm_format_t format,
	unsigned int channels, snd_pcm_uframes_t frames)
{
	snd_pcm_channel_area_t *list = calloc(channels, sizeof(*list));
	int bits = snd_pcm_format_physical_width(format);

	if (!list)
		return -ENOMEM;
	pcm_xen_areas_free(areas);
	*areas = (struct pcm_xen_areas){ .list = list,
		.channels = channels,
		.sample_bits = (unsigned int)bits,
		.format = format,
		.frames = frames,
		.buffer = buffer };
	for (unsigned int i = 0; i < channels; i++)
		list[i] = (snd_pcm_channel_area_t){ .addr = buffer,
			.first = i * areas->sample_bits,
			.step = channels * areas->sample_bits };
	return 0;
}

void pcm_xen_areas_free(struct pcm_xen_areas *areas)
{
	free(areas->list);
	*areas = (struct pcm_xen_areas){ .list = NULL };
}

void pcm_xen_areas_move(struct pcm_xen_areas *areas, void *buffer)
{
	areas->buffer = buffer;
	for (unsigned int i = 0; i < areas->channels; i++)
		areas->list[i].addr = buffer;
}

void pcm_xen_areas_order(struct pcm_xen_areas *areas, const unsigned int *order)
{
	for (unsigned int i = 0; i < areas->channels; i++)
		areas->list[i].first = order[i] * areas->sample_bits;
}

/* How much of size follows frame before the buffer's end, and where that is. */
static snd_pcm_uframes_t contiguous(const struct pcm_xen_areas *areas, uint64_t frame,
	snd_pcm_uframes_t size, snd_pcm_uframes_t *at)
{
	*at = frame % areas->frames;
	return size < areas->frames - *at ? size : areas->frames - *at;
}

int pcm_xen_areas_write(const struct pcm_xen_areas *areas, uint64_t frame,
	const snd_pcm_channel_area_t *from, snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
	int ret = areas->buffer ? 0 : -ENODEV;

	while (size > 0 && ret == 0) {
		snd_pcm_uframes_t at, part = contiguous(areas, frame, size, &at);

		ret = snd_pcm_areas_copy(
			areas->list, at, from, offset, areas->channels, part, areas->format);
		frame += part;
		offset += part;
		size -= part;
	}
	return ret;
}

int pcm_xen_areas_read(const struct pcm_xen_areas *areas, uint64_t frame,
	const snd_pcm_channel_area_t *to, snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
	int ret = areas->buffer ? 0 : -ENODEV;

	while (size > 0 && ret == 0) {
		snd_pcm_uframes_t at, part = contiguous(areas, frame, size, &at);

		ret = snd_pcm_areas_copy(
			to, offset, areas->list, at, areas->channels, part, areas->format);
		frame += part;
		offset += part;
		size -= part;
	}
	return ret;
}

int pcm_xen_areas_silence(const struct pcm_xen_areas *areas, uint64_t frame, snd_pcm_uframes_t size)
{
	int ret = areas->buffer ? 0 : -ENODEV;

	while (size > 0 && ret == 0) {
		snd_pcm_uframes_t at, part = contiguous(areas, frame, size, &at);

		ret = snd_pcm_areas_silence(areas->list, at, areas->channels, part, areas->format);
		frame += part;
		size -= part;
	}
	return ret;
}
