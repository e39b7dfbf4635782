/* SPDX-License-Identifier: MIT */
/* Growing WAV files. See wav_file.h. */
#include "wav_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wav_header.h"

static int file_write(int fd, const void *data, size_t bytes, uint64_t at)
{
	const char *from = data;

	while (bytes > 0) {
		ssize_t written = pwrite(fd, from, bytes, (off_t)at);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		if (written == 0)
			return -EIO;
		from += written;
		bytes -= (size_t)written;
		at += (uint64_t)written;
	}
	return 0;
}

int xensnd_wav_file_open(
	struct xensnd_wav_file *file, const char *path, const struct xensnd_pcm_params *params)
{
	uint8_t header[XENSND_WAV_HEADER_MAX];
	struct stat st;
	int ret;

	*file = (struct xensnd_wav_file){ .fd = -1,
		.format = params->format,
		.channels = params->channels,
		.rate = params->rate,
		.frame_bytes = params->frame_bytes,
		.header_bytes = xensnd_wav_header(
			header, params->format, params->channels, params->rate, 0) };
	if (file->header_bytes == 0)
		return -EINVAL;
	/* O_NONBLOCK: a FIFO in its place must not make the stream wait. */
	file->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	if (file->fd < 0)
		return -errno;
	ret = fstat(file->fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (ret == 0 && ftruncate(file->fd, 0) < 0)
		ret = -errno;
	if (ret == 0)
		ret = file_write(file->fd, header, file->header_bytes, 0);
	if (ret < 0)
		close(file->fd);
	return ret;
}

int xensnd_wav_file_write(
	struct xensnd_wav_file *file, uint64_t at_frame, const void *data, uint32_t frames)
{
	return file_write(file->fd, data, (size_t)frames * file->frame_bytes,
		file->header_bytes + at_frame * file->frame_bytes);
}

int xensnd_wav_file_update(struct xensnd_wav_file *file, uint64_t frames)
{
	uint8_t header[XENSND_WAV_HEADER_MAX];

	xensnd_wav_header(
		header, file->format, file->channels, file->rate, frames * file->frame_bytes);
	return file_write(file->fd, header, file->header_bytes, 0);
}

void xensnd_wav_file_close(struct xensnd_wav_file *file, uint64_t frames)
{
	uint64_t data_bytes = frames * file->frame_bytes;

	/* RIFF pads to an even length. Nobody is left to be told of an error: the header then says
	 * the old size. */
	if (ftruncate(file->fd, (off_t)(file->header_bytes + data_bytes + data_bytes % 2)) == 0)
		(void)xensnd_wav_file_update(file, frames);
	close(file->fd);
}
