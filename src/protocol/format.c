/* SPDX-License-Identifier: MIT */
/* Sample formats. See format.h. */
#include "format.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "wire.h"

struct format_entry {
	const char *name;
	unsigned int bytes;
};

static const struct format_entry formats[XENSND_FORMATS] = {
	[XENSND_PCM_FORMAT_S8] = { XENSND_PCM_FORMAT_S8_STR, 1 },
	[XENSND_PCM_FORMAT_U8] = { XENSND_PCM_FORMAT_U8_STR, 1 },
	[XENSND_PCM_FORMAT_S16_LE] = { XENSND_PCM_FORMAT_S16_LE_STR, 2 },
	[XENSND_PCM_FORMAT_S16_BE] = { XENSND_PCM_FORMAT_S16_BE_STR, 2 },
	[XENSND_PCM_FORMAT_U16_LE] = { XENSND_PCM_FORMAT_U16_LE_STR, 2 },
	[XENSND_PCM_FORMAT_U16_BE] = { XENSND_PCM_FORMAT_U16_BE_STR, 2 },
	[XENSND_PCM_FORMAT_S24_LE] = { XENSND_PCM_FORMAT_S24_LE_STR, 4 },
	[XENSND_PCM_FORMAT_S24_BE] = { XENSND_PCM_FORMAT_S24_BE_STR, 4 },
	[XENSND_PCM_FORMAT_U24_LE] = { XENSND_PCM_FORMAT_U24_LE_STR, 4 },
	[XENSND_PCM_FORMAT_U24_BE] = { XENSND_PCM_FORMAT_U24_BE_STR, 4 },
	[XENSND_PCM_FORMAT_S32_LE] = { XENSND_PCM_FORMAT_S32_LE_STR, 4 },
	[XENSND_PCM_FORMAT_S32_BE] = { XENSND_PCM_FORMAT_S32_BE_STR, 4 },
	[XENSND_PCM_FORMAT_U32_LE] = { XENSND_PCM_FORMAT_U32_LE_STR, 4 },
	[XENSND_PCM_FORMAT_U32_BE] = { XENSND_PCM_FORMAT_U32_BE_STR, 4 },
	[XENSND_PCM_FORMAT_F32_LE] = { XENSND_PCM_FORMAT_F32_LE_STR, 4 },
	[XENSND_PCM_FORMAT_F32_BE] = { XENSND_PCM_FORMAT_F32_BE_STR, 4 },
	[XENSND_PCM_FORMAT_F64_LE] = { XENSND_PCM_FORMAT_F64_LE_STR, 8 },
	[XENSND_PCM_FORMAT_F64_BE] = { XENSND_PCM_FORMAT_F64_BE_STR, 8 },
	[XENSND_PCM_FORMAT_IEC958_SUBFRAME_LE] = { XENSND_PCM_FORMAT_IEC958_SUBFRAME_LE_STR, 4 },
	[XENSND_PCM_FORMAT_IEC958_SUBFRAME_BE] = { XENSND_PCM_FORMAT_IEC958_SUBFRAME_BE_STR, 4 },
	[XENSND_PCM_FORMAT_MU_LAW] = { XENSND_PCM_FORMAT_MU_LAW_STR, 1 },
	[XENSND_PCM_FORMAT_A_LAW] = { XENSND_PCM_FORMAT_A_LAW_STR, 1 },
	[XENSND_PCM_FORMAT_IMA_ADPCM] = { XENSND_PCM_FORMAT_IMA_ADPCM_STR, 0 },
	[XENSND_PCM_FORMAT_MPEG] = { XENSND_PCM_FORMAT_MPEG_STR, 0 },
	[XENSND_PCM_FORMAT_GSM] = { XENSND_PCM_FORMAT_GSM_STR, 0 },
};

/* libxl's enumeration spells floating point in its own way (libxl_types.idl). */
static const struct {
	const char *name;
	int format;
} libxl_names[] = {
	{ "f32_le", XENSND_PCM_FORMAT_F32_LE },
	{ "f32_be", XENSND_PCM_FORMAT_F32_BE },
	{ "f64_le", XENSND_PCM_FORMAT_F64_LE },
	{ "f64_be", XENSND_PCM_FORMAT_F64_BE },
};

static int name_matches(const char *known, const char *name, size_t len)
{
	return strlen(known) == len && strncasecmp(known, name, len) == 0;
}

int xensnd_format_from_name(const char *name, size_t len)
{
	for (unsigned int i = 0; i < XENSND_FORMATS; i++)
		if (name_matches(formats[i].name, name, len))
			return (int)i;
	for (size_t i = 0; i < sizeof(libxl_names) / sizeof(libxl_names[0]); i++)
		if (name_matches(libxl_names[i].name, name, len))
			return libxl_names[i].format;
	return -EINVAL;
}

const char *xensnd_format_name(unsigned int format)
{
	return format < XENSND_FORMATS ? formats[format].name : NULL;
}

unsigned int xensnd_format_bytes(unsigned int format)
{
	return format < XENSND_FORMATS ? formats[format].bytes : 0;
}
