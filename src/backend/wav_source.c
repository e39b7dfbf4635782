/* SPDX-License-Identifier: MIT */
/* Reading WAV files. See wav_source.h. */
#include "wav_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "silence.h"

/* A file with more chunks before its samples is not looked through to the end. */
#define CHUNKS_MAX 256u

#define CHUNK_HEADER_BYTES 8u

struct chunk {
	char name[4];
	uint64_t at; /* of its contents */
	uint64_t bytes;
	bool endless; /* whoever wrote it did not know, or had no room for, its size */
};

/* Bytes read, fewer only at the end of the file; or a negative errno. */
static int64_t file_read(int fd, void *data, size_t bytes, uint64_t at)
{
	char *to = data;
	size_t done = 0;

	while (done < bytes) {
		ssize_t got = pread(fd, to + done, bytes - done, (off_t)(at + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (int64_t)done;
}

/* Reads so many bytes, which have to be there. */
static int file_read_all(int fd, void *data, size_t bytes, uint64_t at)
{
	int64_t got = file_read(fd, data, bytes, at);

	if (got < 0)
		return (int)got;
	return (size_t)got < bytes ? -EBADMSG : 0;
}

static int chunk_read(int fd, uint64_t at, struct chunk *chunk)
{
	uint8_t header[CHUNK_HEADER_BYTES];
	int ret = file_read_all(fd, header, sizeof(header), at);

	if (ret < 0)
		return ret;
	memcpy(chunk->name, header, sizeof(chunk->name));
	chunk->at = at + sizeof(header);
	chunk->bytes = (uint64_t)header[4] | (uint64_t)header[5] << 8 | (uint64_t)header[6] << 16 |
		       (uint64_t)header[7] << 24;
	chunk->endless = chunk->bytes == UINT32_MAX;
	return 0;
}

static int format_read(struct xensnd_wav_source *source, const struct chunk *chunk)
{
	uint8_t bytes[XENSND_WAV_FORMAT_CHUNK_MAX];
	size_t n = chunk->bytes < sizeof(bytes) ? (size_t)chunk->bytes : sizeof(bytes);
	int ret = file_read_all(source->fd, bytes, n, chunk->at);

	return ret < 0 ? ret : xensnd_wav_format_parse(bytes, n, &source->info);
}

static void data_take(
	struct xensnd_wav_source *source, const struct chunk *chunk, uint64_t file_bytes)
{
	uint64_t there = file_bytes > chunk->at ? file_bytes - chunk->at : 0;

	source->data_at = chunk->at;
	if (!chunk->endless && chunk->bytes < there)
		there = chunk->bytes;
	source->frames = there / source->info.frame_bytes;
}

static int source_parse(struct xensnd_wav_source *source, uint64_t file_bytes)
{
	bool has_format = false;
	uint8_t riff[12];
	struct chunk chunk;
	uint64_t at = sizeof(riff);
	int ret = file_read_all(source->fd, riff, sizeof(riff), 0);

	if (ret < 0)
		return ret;
	if (memcmp(riff, "RIFF", 4) != 0 || memcmp(riff + 8, "WAVE", 4) != 0)
		return -EBADMSG;
	for (unsigned int n = 0; n < CHUNKS_MAX; n++) {
		ret = chunk_read(source->fd, at, &chunk);
		if (ret < 0)
			return ret;
		if (memcmp(chunk.name, "data", 4) == 0) {
			if (!has_format)
				return -EBADMSG;
			data_take(source, &chunk, file_bytes);
			return 0;
		}
		if (memcmp(chunk.name, "fmt ", 4) == 0) {
			ret = format_read(source, &chunk);
			if (ret < 0)
				return ret;
			has_format = true;
		}
		/* Chunks begin at even places. It can not wrap: sizes have 32 bits. */
		at = chunk.at + chunk.bytes + chunk.bytes % 2;
	}
	return -EBADMSG;
}

int xensnd_wav_source_take(struct xensnd_wav_source *source, int fd)
{
	struct stat st;
	int ret;

	*source = (struct xensnd_wav_source){ .fd = fd };
	ret = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EBADMSG;
	if (ret == 0)
		ret = source_parse(source, (uint64_t)st.st_size);
	if (ret < 0)
		xensnd_wav_source_close(source);
	return ret;
}

int xensnd_wav_source_open(struct xensnd_wav_source *source, const char *path)
{
	/* O_NONBLOCK: a FIFO in its place must not make the stream wait. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd < 0 ? -errno : xensnd_wav_source_take(source, fd);
}

int xensnd_wav_source_read(
	const struct xensnd_wav_source *source, uint64_t at_frame, void *data, uint32_t frames)
{
	const size_t frame_bytes = source->info.frame_bytes;
	uint64_t left = at_frame < source->frames ? source->frames - at_frame : 0;
	size_t wanted = (left < frames ? (size_t)left : frames) * frame_bytes;
	int64_t got = 0;

	if (wanted > 0)
		got = file_read(source->fd, data, wanted, source->data_at + at_frame * frame_bytes);
	if (got < 0)
		return (int)got;
	/* Also where the file has become shorter since; the rest of a cut frame goes with it. */
	got -= got % (int64_t)frame_bytes;
	xensnd_silence_fill(
		(char *)data + got, source->info.format, frames * frame_bytes - (size_t)got);
	return 0;
}

void xensnd_wav_source_close(struct xensnd_wav_source *source)
{
	close(source->fd);
	source->fd = -1;
}
