/* SPDX-License-Identifier: MIT */
/*
 * WAV files that the backend plays to guests: made by somebody else, malformed, and changed while
 * they are read.
 *
 * The input: an octet that says how much longer than its contents the file is, where to read, and
 * the file itself. What is read has to be the file's samples, or silence.
 */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/silence.h"
#include "backend/wav_source.h"
#include "protocol/format.h"
#include "protocol/wire.h"

#define READ_FRAMES_MAX 64u

static void info_check(const struct xensnd_wav_info *info)
{
	FUZZ_CHECK(info->format < XENSND_FORMATS);
	FUZZ_CHECK(xensnd_wav_formats() & XENSND_FORMAT_BIT(info->format));
	FUZZ_CHECK(info->channels >= 1 && info->channels <= 255 && info->rate >= 1);
	FUZZ_CHECK(info->frame_bytes == xensnd_format_bytes(info->format) * info->channels);
	FUZZ_CHECK(info->frame_bytes > 0);
}

/* A header that says the same is understood in the same way. */
static void info_again(const struct xensnd_wav_info *info)
{
	uint8_t header[XENSND_WAV_HEADER_MAX];
	struct xensnd_wav_info again;
	size_t n = xensnd_wav_header(header, info->format, info->channels, info->rate, 0);

	FUZZ_CHECK(n > 20 && n <= sizeof(header));
	FUZZ_CHECK(xensnd_wav_format_parse(header + 20, header[16], &again) == 0);
	FUZZ_CHECK(memcmp(&again, info, sizeof(again)) == 0);
}

/* Octets of the file; what is beyond its end stays as it was. */
static size_t file_read(int fd, void *to, size_t n, uint64_t at)
{
	ssize_t got = pread(fd, to, n, (off_t)at);

	FUZZ_CHECK(got >= 0);
	return (size_t)got;
}

static void read_check(const struct xensnd_wav_source *source, uint64_t at, uint32_t frames)
{
	const struct xensnd_wav_info *info = &source->info;
	size_t bytes = (size_t)frames * info->frame_bytes, there = 0;
	uint64_t left = at < source->frames ? source->frames - at : 0;
	uint8_t *data = malloc(bytes + 1), *expected = malloc(bytes + 1);

	FUZZ_CHECK(data != NULL && expected != NULL);
	memset(data, 0xa5, bytes + 1);
	FUZZ_CHECK(xensnd_wav_source_read(source, at, data, frames) == 0);
	FUZZ_CHECK(data[bytes] == 0xa5);
	if (left > frames)
		left = frames;
	if (left > 0)
		there = file_read(source->fd, expected, (size_t)left * info->frame_bytes,
			source->data_at + at * info->frame_bytes);
	there -= there % info->frame_bytes;
	FUZZ_CHECK(memcmp(data, expected, there) == 0);
	xensnd_silence_fill(expected, info->format, bytes);
	FUZZ_CHECK(memcmp(data + there, expected, bytes - there) == 0);
	free(data);
	free(expected);
}

static void source_check(
	struct xensnd_wav_source *source, uint64_t file_bytes, uint64_t at, uint32_t frames)
{
	info_check(&source->info);
	info_again(&source->info);
	FUZZ_CHECK(source->data_at >= 12 + 8);
	FUZZ_CHECK(source->frames == 0 ||
		   source->data_at + source->frames * source->info.frame_bytes <= file_bytes);
	read_check(source, 0, frames);
	read_check(source, at, frames);
	read_check(source, source->frames - (source->frames > 0), frames);
	/* Somebody cuts the file off. */
	FUZZ_CHECK(ftruncate(source->fd, (off_t)(file_bytes / 2)) == 0);
	read_check(source, 0, frames);
	read_check(source, at, frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { .at = data, .left = size };
	uint8_t longer = fuzz_u8(&input) % 43;
	uint32_t frames = fuzz_u8(&input) % READ_FRAMES_MAX;
	uint64_t at = fuzz_u32(&input);
	uint64_t file_bytes = input.left + (longer > 0 ? UINT64_C(1) << (longer - 1) : 0);
	int fd = memfd_create("wav", MFD_CLOEXEC);
	struct xensnd_wav_source source;
	int ret;

	FUZZ_CHECK(fd >= 0 && write(fd, input.at, input.left) == (ssize_t)input.left);
	FUZZ_CHECK(ftruncate(fd, (off_t)file_bytes) == 0);
	ret = xensnd_wav_source_take(&source, fd);
	FUZZ_CHECK(ret == 0 || ret == -EBADMSG);
	if (ret == 0) {
		source_check(&source, file_bytes, at, frames);
		xensnd_wav_source_close(&source);
	}
	FUZZ_CHECK(fcntl(fd, F_GETFD) < 0 && source.fd == -1);
	return 0;
}
