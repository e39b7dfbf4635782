/* SPDX-License-Identifier: MIT */
/* Audio that was interrupted. See pieces.h. */
#include "pieces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wav.h"

/* So many frames of noise are in the reference only once. */
#define KEY_FRAMES 32u

struct heard {
	size_t at;      /* bytes of the reference, all of which were heard or lost */
	size_t lost;    /* bytes */
	size_t largest; /* loss at once */
	unsigned int pieces;
};

/* From the given place on, where does the reference have the piece's beginning? */
static bool piece_find(const struct wav *all, const struct wav *piece, size_t *at)
{
	size_t key = (size_t)KEY_FRAMES * all->frame_bytes;

	if (piece->data_bytes < key)
		key = piece->data_bytes;
	for (; *at + key <= all->data_bytes; *at += all->frame_bytes)
		if (memcmp(all->data + *at, piece->data, key) == 0)
			return true;
	return false;
}

static size_t same_bytes(const struct wav *all, size_t at, const struct wav *piece, size_t from)
{
	size_t same = 0;

	while (from + same < piece->data_bytes && at + same < all->data_bytes &&
		piece->data[from + same] == all->data[at + same])
		same++;
	return same;
}

/* One that is found before where the last one ended would have been heard twice. */
static void piece_check(struct heard *heard, const struct wav *all, const char *path)
{
	struct wav piece = wav_read(path);
	size_t at = heard->at, same, lost;

	/* A writer that was killed has written more than its header says. */
	piece.data_bytes += piece.more_bytes;
	wav_same_format(&piece, all);
	if (piece.data_bytes == 0) {
		free(piece.file);
		return;
	}
	if (!piece_find(all, &piece, &at))
		wav_fail("%s: begins with nothing that comes after frame %zu", path,
			heard->at / all->frame_bytes);
	same = same_bytes(all, at, &piece, 0);
	if (same < piece.data_bytes &&
		(at + same < all->data_bytes || !wav_is_silence(&piece, same)))
		wav_fail("%s: from frame %zu on, and then, at its frame %zu, something else", path,
			at / all->frame_bytes, same / all->frame_bytes);
	lost = at - heard->at;
	heard->at = at + same;
	heard->lost += lost;
	heard->largest = lost > heard->largest ? lost : heard->largest;
	heard->pieces++;
	free(piece.file);
}

int pieces_check(char **argv, int n_pieces)
{
	size_t most_frames = (size_t)strtoul(argv[0], NULL, 10);
	struct wav all = wav_read(argv[1]);
	struct heard heard = { .at = 0 };

	for (int i = 0; i < n_pieces; i++) {
		piece_check(&heard, &all, argv[2 + i]);
		if (heard.largest / all.frame_bytes > most_frames)
			wav_fail("%s: %zu frames were lost before it", argv[2 + i],
				heard.largest / all.frame_bytes);
	}
	if (heard.at < all.data_bytes)
		wav_fail("the last %zu frames are missing",
			(all.data_bytes - heard.at) / all.frame_bytes);
	printf("%u pieces; %zu of %zu frames lost, at most %zu at once\n", heard.pieces,
		heard.lost / all.frame_bytes, all.data_bytes / all.frame_bytes,
		heard.largest / all.frame_bytes);
	free(all.file);
	return 0;
}

/* How the recording goes on from a byte on: in the source where it was, at its beginning, or later.
 */
struct record {
	size_t at;
	size_t source_at;
	unsigned long begun;
	unsigned long gaps;
};

static void record_step(struct record *record, const struct wav *got, const struct wav *source)
{
	struct wav rest = { .data = got->data + record->at,
		.data_bytes = got->data_bytes - record->at };
	size_t same = same_bytes(source, 0, &rest, 0);

	/* Half a frame that is alike is chance. */
	if (same >= got->frame_bytes) {
		record->source_at = 0;
		record->begun++;
	} else if (piece_find(source, &rest, &record->source_at)) {
		record->gaps++;
		same = same_bytes(source, record->source_at, &rest, 0);
	} else {
		wav_fail("neither how the source begins nor how it goes on, at frame %zu",
			record->at / got->frame_bytes);
	}
	same -= same % got->frame_bytes;
	record->at += same;
	record->source_at += same;
}

int beginnings_check(char **argv)
{
	struct wav got = wav_read(argv[0]), source = wav_read(argv[1]);
	struct record record = { .at = 0 };

	wav_same_format(&got, &source);
	while (record.at < got.data_bytes)
		record_step(&record, &got, &source);
	printf("the source began %lu times in %zu frames; %lu gaps\n", record.begun,
		got.data_bytes / got.frame_bytes, record.gaps);
	free(got.file);
	free(source.file);
	return record.begun == strtoul(argv[2], NULL, 10) &&
			       record.gaps == strtoul(argv[3], NULL, 10)
		       ? 0
		       : 1;
}
