/* SPDX-License-Identifier: MIT */
/*
 * Which device a stream gets: the text that names one, the rules of the command line, and what a
 * guest may not say.
 *
 * Apart because it is the backend's policy and nothing but text: a stream's unique-id was written
 * by the toolstack, but into nodes that belong to the guest, so it is not obeyed like the command
 * line.
 */
#ifndef XENSND_BACKEND_DEVICE_SPEC_H
#define XENSND_BACKEND_DEVICE_SPEC_H

#include <stdbool.h>
#include <stdint.h>

enum xensnd_device_kind { XENSND_DEVICE_ALSA, XENSND_DEVICE_WAV, XENSND_DEVICE_NULL };

struct xensnd_device_spec {
	enum xensnd_device_kind kind;
	char name[256]; /* ALSA: the PCM; WAV: the path */
};

/*
 * Parses "alsa<NAME>", "wav<PATH>" or "null", in any case; ";" in an ALSA name stands for ",",
 * which XenStore lists can not hold, and no name for "default". What follows ">" (properties of
 * other backends) is ignored. 0; -ENOENT: the text names no device at all (a plain identifier);
 * -EINVAL: it does, in a wrong way.
 */
int xensnd_device_spec_parse(const char *text, struct xensnd_device_spec *spec);

/* "alsa", "wav" or "null". */
const char *xensnd_device_kind_name(enum xensnd_device_kind kind);

/*
 * Whether a spec from XenStore may be used. ALSA names can open files and run programs (the plugins
 * "file" and "tee", or a definition in braces), so only plain names without arguments, which the
 * host's configuration defines, and hardware by number are allowed. A WAV file must be a plain name
 * in wav_dir (also written with that folder before it); spec->name becomes that name. 0; -EPERM.
 */
int xensnd_device_spec_restrict(struct xensnd_device_spec *spec, const char *wav_dir);

/* Whose stream it is, for rules. */
struct xensnd_stream_identity {
	uint32_t domid;
	const char *domain_name; /* may be NULL */
	unsigned int card;
	unsigned int device;
	unsigned int stream;
	bool capture;
};

/* One "--output DOMAIN/CARD/DEVICE/STREAM=SPEC", or "--input". */
struct xensnd_device_rule {
	bool capture;     /* which streams it is about: those that record, or those that play */
	char domain[128]; /* a number, a name or "*" */
	int64_t card;     /* -1: any */
	int64_t device;
	int64_t stream;
	struct xensnd_device_spec spec;
};

/* 0 or -EINVAL. */
int xensnd_device_rule_parse(const char *text, bool capture, struct xensnd_device_rule *rule);
bool xensnd_device_rule_matches(
	const struct xensnd_device_rule *rule, const struct xensnd_stream_identity *identity);

#endif
