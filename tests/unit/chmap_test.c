/* SPDX-License-Identifier: MIT */
/* Channel maps: the standard ones are offered, every order of them is taken, and nothing else. */
#include "unit.h"

#include <stdlib.h>

#include "chmap.h"

/* alsa-lib's map ends in an array without a length. */
struct map8 {
	unsigned int channels;
	unsigned int pos[PCM_XEN_CHMAP_MAX];
};

static int order_of(const struct map8 *map, unsigned int channels, unsigned int *order)
{
	return pcm_xen_chmap_order((const snd_pcm_chmap_t *)(const void *)map, channels, order);
}

static void chmap_offers_what_the_channels_allow(void **state)
{
	static const unsigned int wanted[] = { 2, 4, 6 };
	snd_pcm_chmap_query_t **maps = pcm_xen_chmap_query(2, 7);

	(void)state;
	assert_non_null(maps);
	for (unsigned int i = 0; i < UNIT_COUNT(wanted); i++) {
		assert_non_null(maps[i]);
		assert_int_equal(maps[i]->type, SND_CHMAP_TYPE_VAR);
		assert_int_equal(maps[i]->map.channels, wanted[i]);
		assert_int_equal(maps[i]->map.pos[0], SND_CHMAP_FL);
	}
	assert_null(maps[3]);
	snd_pcm_free_chmaps(maps);
	assert_null(pcm_xen_chmap_query(9, 255));
	assert_null(pcm_xen_chmap_query(3, 3));
}

static void chmap_of_an_odd_number_of_channels_is_unknown(void **state)
{
	(void)state;
	assert_null(pcm_xen_chmap_standard(0));
	assert_null(pcm_xen_chmap_standard(3));
	assert_null(pcm_xen_chmap_standard(255));
}

static void chmap_standard_order_changes_nothing(void **state)
{
	unsigned int order[PCM_XEN_CHMAP_MAX];

	(void)state;
	for (unsigned int channels = 1; channels <= PCM_XEN_CHMAP_MAX; channels++) {
		snd_pcm_chmap_t *map = pcm_xen_chmap_standard(channels);

		if (!map)
			continue;
		assert_int_equal(pcm_xen_chmap_order(map, channels, order), 0);
		for (unsigned int i = 0; i < channels; i++)
			assert_int_equal(order[i], i);
		free(map);
	}
}

static void chmap_of_another_order_says_where_each_channel_goes(void **state)
{
	/* As WAV files have it. */
	const struct map8 wav = { 6, { SND_CHMAP_FL, SND_CHMAP_FR, SND_CHMAP_FC, SND_CHMAP_LFE,
					     SND_CHMAP_RL, SND_CHMAP_RR } };
	static const unsigned int wanted[] = { 0, 1, 4, 5, 2, 3 };
	unsigned int order[PCM_XEN_CHMAP_MAX];

	(void)state;
	assert_int_equal(order_of(&wav, 6, order), 0);
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(order[i], wanted[i]);
}

static void chmap_with_other_channels_is_refused(void **state)
{
	const struct map8 twice = { 2, { SND_CHMAP_FL, SND_CHMAP_FL } };
	const struct map8 foreign = { 2, { SND_CHMAP_FL, SND_CHMAP_LFE } };
	const struct map8 fewer = { 1, { SND_CHMAP_MONO } };
	const struct map8 three = { 3, { SND_CHMAP_FL, SND_CHMAP_FR, SND_CHMAP_LFE } };
	const struct map8 huge = { 1u << 31, { SND_CHMAP_FL } };
	unsigned int order[PCM_XEN_CHMAP_MAX];

	(void)state;
	assert_int_equal(order_of(&twice, 2, order), -EINVAL);
	assert_int_equal(order_of(&foreign, 2, order), -EINVAL);
	assert_int_equal(order_of(&fewer, 2, order), -EINVAL);
	assert_int_equal(order_of(&three, 3, order), -EINVAL);
	assert_int_equal(order_of(&huge, 2, order), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(chmap_offers_what_the_channels_allow),
		cmocka_unit_test(chmap_of_an_odd_number_of_channels_is_unknown),
		cmocka_unit_test(chmap_standard_order_changes_nothing),
		cmocka_unit_test(chmap_of_another_order_says_where_each_channel_goes),
		cmocka_unit_test(chmap_with_other_channels_is_refused),
	};

	return UNIT_RUN("chmap", tests);
}
