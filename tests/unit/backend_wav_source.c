/* SPDX-License-Identifier: MIT */
/* WAV files that somebody else made. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/wav_source.h"
#include "protocol/format.h"
#include "protocol/wire.h"

/* A file of these bytes, as a source. */
static int source_of(struct xensnd_wav_source *source, const void *bytes, size_t n)
{
	int fd = memfd_create("wav", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	return xensnd_wav_source_take(source, fd);
}

static uint8_t *put(uint8_t *at, uint32_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		*at++ = (uint8_t)(value >> (8 * i));
	return at;
}

static uint8_t *put_chunk(uint8_t *at, const char name[4], uint32_t bytes)
{
	memcpy(at, name, 4);
	return put(at + 4, bytes, 4);
}

static uint8_t *put_riff(uint8_t *at)
{
	at = put_chunk(at, "RIFF", 0);
	memcpy(at, "WAVE", 4);
	return at + 4;
}

/* A plain format chunk. */
static uint8_t *put_format(uint8_t *at, uint32_t tag, uint32_t channels, uint32_t rate,
	uint32_t frame_bytes, uint32_t bits)
{
	at = put(put(put_chunk(at, "fmt ", 16), tag, 2), channels, 2);
	return put(put(put(put(at, rate, 4), rate * frame_bytes, 4), frame_bytes, 2), bits, 2);
}

static void what_is_written_can_be_read_in_every_format(void **state)
{
	(void)state;
	for (unsigned int format = 0; format < XENSND_FORMATS; format++) {
		for (uint32_t channels = 1; channels <= 255; channels += 254 / 2) {
			struct xensnd_wav_source source;
			uint8_t file[XENSND_WAV_HEADER_MAX + 5000] = { 0 };
			uint32_t frame = xensnd_format_bytes(format) * channels;
			size_t header = xensnd_wav_header(file, format, channels, 96000, 2 * frame);

			if (header == 0)
				continue;
			assert_int_equal(source_of(&source, file, header + 2 * frame), 0);
			assert_int_equal(source.info.format, format);
			assert_int_equal(source.info.channels, channels);
			assert_int_equal(source.info.rate, 96000);
			assert_int_equal(source.info.frame_bytes, frame);
			assert_int_equal(source.data_at, header);
			assert_int_equal(source.frames, 2);
			xensnd_wav_source_close(&source);
		}
	}
}

static void eight_channels_of_32_bits_are_read_from_the_extensible_form(void **state)
{
	struct xensnd_wav_source source;
	uint8_t file[XENSND_WAV_HEADER_MAX + 32], frame[32];
	size_t header = xensnd_wav_header(file, XENSND_PCM_FORMAT_S32_LE, 8, 96000, 32);

	(void)state;
	/* 24 valid bits in 32: the samples are left-justified, so they are of 32. */
	file[38] = 24;
	for (unsigned int i = 0; i < 32; i++)
		file[header + i] = (uint8_t)(i + 1);
	assert_int_equal(source_of(&source, file, header + 32), 0);
	assert_int_equal(source.info.format, XENSND_PCM_FORMAT_S32_LE);
	assert_int_equal(source.info.channels, 8);
	assert_int_equal(xensnd_wav_source_read(&source, 0, frame, 1), 0);
	assert_memory_equal(frame, file + header, 32);
	xensnd_wav_source_close(&source);
}

static void frames_come_from_their_place_and_silence_after_the_end(void **state)
{
	struct xensnd_wav_source source;
	uint8_t file[64], data[6];
	uint8_t *at = put_chunk(put_format(put_riff(file), 1, 1, 8000, 1, 8), "data", 5);

	(void)state;
	memcpy(at, "abcdexxx", 8);
	assert_int_equal(source_of(&source, file, (size_t)(at + 8 - file)), 0);
	assert_int_equal(source.frames, 5);
	assert_int_equal(xensnd_wav_source_read(&source, 1, data, 3), 0);
	assert_memory_equal(data, "bcd", 3);
	assert_int_equal(xensnd_wav_source_read(&source, 3, data, 6), 0);
	assert_memory_equal(data, "de\x80\x80\x80\x80", 6);
	assert_int_equal(xensnd_wav_source_read(&source, UINT64_MAX / 2, data, 2), 0);
	assert_memory_equal(data, "\x80\x80", 2);
	xensnd_wav_source_close(&source);
}

static void a_file_that_is_cut_off_has_the_whole_frames_that_are_there(void **state)
{
	static const uint32_t sizes[] = { 4000, 0x80000000, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
		struct xensnd_wav_source source;
		uint8_t file[64], data[8];
		uint8_t *at =
			put_chunk(put_format(put_riff(file), 1, 2, 8000, 4, 16), "data", sizes[i]);

		memcpy(at, "abcdefg", 7);
		assert_int_equal(source_of(&source, file, (size_t)(at + 7 - file)), 0);
		assert_int_equal(source.frames, 1);
		assert_int_equal(ftruncate(source.fd, at + 3 - file), 0);
		assert_int_equal(xensnd_wav_source_read(&source, 0, data, 2), 0);
		assert_memory_equal(data, "\0\0\0\0\0\0\0\0", 8);
		xensnd_wav_source_close(&source);
	}
}

static void other_chunks_are_skipped_with_their_padding(void **state)
{
	struct xensnd_wav_source source;
	uint8_t file[128];
	uint8_t *at = put_chunk(put_riff(file), "LIST", 3);

	(void)state;
	at = put_format(put(at, 0, 4), 1, 1, 8000, 2, 16);
	at = put_chunk(put_chunk(at, "junk", 0), "data", 2);
	assert_int_equal(source_of(&source, file, (size_t)(put(at, 0, 2) - file)), 0);
	assert_int_equal(source.frames, 1);
	assert_int_equal(source.data_at, at - file);
	xensnd_wav_source_close(&source);
}

static void a_file_without_samples_is_silence(void **state)
{
	struct xensnd_wav_source source;
	uint8_t file[64], data[2];
	uint8_t *at = put_chunk(put_format(put_riff(file), 1, 1, 8000, 2, 16), "data", 0);

	(void)state;
	assert_int_equal(source_of(&source, file, (size_t)(at - file)), 0);
	assert_int_equal(source.frames, 0);
	assert_int_equal(xensnd_wav_source_read(&source, 0, data, 1), 0);
	assert_memory_equal(data, "\0\0", 2);
	xensnd_wav_source_close(&source);
}

static void formats_that_sndif_lacks_or_that_contradict_themselves_are_refused(void **state)
{
	static const struct {
		uint32_t tag, channels, rate, frame_bytes, bits;
	} bad[] = {
		{ 1, 2, 8000, 6, 24 },      /* packed */
		{ 1, 0, 8000, 0, 16 },      /* no channels */
		{ 1, 0, 8000, 4, 16 },      /* no channels */
		{ 1, 256, 8000, 512, 16 },  /* more than OPEN can name */
		{ 1, 2, 0, 4, 16 },         /* no rate */
		{ 1, 2, 8000, 0, 16 },      /* no frames */
		{ 1, 2, 8000, 3, 16 },      /* half a sample */
		{ 1, 2, 8000, 8, 16 },      /* another size than it says */
		{ 1, 2, 8000, 4, 0 },       /* no bits */
		{ 0, 2, 8000, 4, 16 },      /* no tag */
		{ 3, 1, 8000, 2, 16 },      /* half floats */
		{ 2, 1, 8000, 256, 4 },     /* ADPCM */
		{ 0x55, 2, 44100, 1, 0 },   /* MP3 */
		{ 0xfffe, 2, 8000, 4, 16 }, /* extensible without its tail */
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
		struct xensnd_wav_source source;
		uint8_t file[64];
		uint8_t *at = put_format(put_riff(file), bad[i].tag, bad[i].channels, bad[i].rate,
			bad[i].frame_bytes, bad[i].bits);

		at = put_chunk(at, "data", 4);
		assert_int_equal(
			source_of(&source, file, (size_t)(put(at, 0, 4) - file)), -EBADMSG);
		assert_int_equal(source.fd, -1);
	}
}

static void an_extensible_format_of_a_stranger_is_refused(void **state)
{
	struct xensnd_wav_source source;
	uint8_t file[XENSND_WAV_HEADER_MAX];
	size_t header = xensnd_wav_header(file, XENSND_PCM_FORMAT_S32_LE, 8, 96000, 0);

	(void)state;
	assert_int_equal(source_of(&source, file, header), 0);
	xensnd_wav_source_close(&source);
	file[50]++;
	assert_int_equal(source_of(&source, file, header), -EBADMSG);
}

static void every_beginning_of_a_file_is_refused(void **state)
{
	struct xensnd_wav_source source;
	uint8_t file[XENSND_WAV_HEADER_MAX];
	size_t header = xensnd_wav_header(file, XENSND_PCM_FORMAT_F32_LE, 6, 48000, 0);

	(void)state;
	for (size_t n = 0; n < header; n++)
		assert_int_equal(source_of(&source, file, n), -EBADMSG);
}

static void samples_before_their_format_are_refused(void **state)
{
	struct xensnd_wav_source source;
	uint8_t file[64];
	uint8_t *at = put(put_chunk(put_riff(file), "data", 4), 0, 4);

	(void)state;
	at = put_format(at, 1, 1, 8000, 2, 16);
	assert_int_equal(source_of(&source, file, (size_t)(at - file)), -EBADMSG);
}

static void a_file_of_nothing_but_chunks_is_given_up(void **state)
{
	static uint8_t file[12 + 8 * 100000];
	struct xensnd_wav_source source;
	uint8_t *at = put_riff(file);

	(void)state;
	while (at < file + sizeof(file))
		at = put_chunk(at, "junk", 0);
	assert_int_equal(source_of(&source, file, sizeof(file)), -EBADMSG);
}

static void sizes_that_lead_nowhere_are_refused(void **state)
{
	static const uint32_t sizes[] = { UINT32_MAX, UINT32_MAX - 1, 0x7fffffff, 100 };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
		struct xensnd_wav_source source;
		uint8_t file[64];
		uint8_t *at = put_chunk(put_riff(file), "LIST", sizes[i]);

		at = put_format(at, 1, 1, 8000, 2, 16);
		assert_int_equal(source_of(&source, file, (size_t)(at - file)), -EBADMSG);
	}
}

/* Whatever the bytes are, what is taken is consistent. */
static void mangled_files_are_refused_or_consistent(void **state)
{
	struct unit_random random = unit_random_start(0x77a7);

	(void)state;
	for (unsigned int round = 0; round < 5000; round++) {
		struct xensnd_wav_source source;
		uint8_t file[XENSND_WAV_HEADER_MAX + 64] = { 0 }, data[512 * 8];
		size_t header = xensnd_wav_header(
			file, XENSND_PCM_FORMAT_S16_LE, unit_random_in(&random, 1, 3), 48000, 64);

		for (unsigned int n = unit_random_in(&random, 1, 4); n > 0; n--)
			file[unit_random_in(&random, 0, (uint32_t)header - 1)] =
				(uint8_t)unit_random_next(&random);
		if (source_of(&source, file, header + 64) < 0)
			continue;
		assert_true(source.info.channels >= 1 && source.info.rate > 0);
		assert_int_equal(source.info.frame_bytes,
			xensnd_format_bytes(source.info.format) * source.info.channels);
		assert_true(
			source.data_at + source.frames * source.info.frame_bytes <= header + 64);
		assert_int_equal(xensnd_wav_source_read(&source, 0, data, 1), 0);
		xensnd_wav_source_close(&source);
	}
}

static void only_regular_files_are_read(void **state)
{
	struct xensnd_wav_source source;

	(void)state;
	assert_int_equal(xensnd_wav_source_open(&source, "/dev/zero"), -EBADMSG);
	assert_int_equal(xensnd_wav_source_open(&source, "/"), -EBADMSG);
	assert_int_equal(xensnd_wav_source_open(&source, "/proc/self/exe"), -ELOOP);
	assert_int_equal(xensnd_wav_source_open(&source, "/does/not/exist"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_can_be_read_in_every_format),
		cmocka_unit_test(eight_channels_of_32_bits_are_read_from_the_extensible_form),
		cmocka_unit_test(frames_come_from_their_place_and_silence_after_the_end),
		cmocka_unit_test(a_file_that_is_cut_off_has_the_whole_frames_that_are_there),
		cmocka_unit_test(other_chunks_are_skipped_with_their_padding),
		cmocka_unit_test(a_file_without_samples_is_silence),
		cmocka_unit_test(
			formats_that_sndif_lacks_or_that_contradict_themselves_are_refused),
		cmocka_unit_test(an_extensible_format_of_a_stranger_is_refused),
		cmocka_unit_test(every_beginning_of_a_file_is_refused),
		cmocka_unit_test(samples_before_their_format_are_refused),
		cmocka_unit_test(a_file_of_nothing_but_chunks_is_given_up),
		cmocka_unit_test(sizes_that_lead_nowhere_are_refused),
		cmocka_unit_test(mangled_files_are_refused_or_consistent),
		cmocka_unit_test(only_regular_files_are_read),
	};

	return UNIT_RUN("reading WAV files", tests);
}
