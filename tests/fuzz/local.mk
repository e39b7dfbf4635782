# SPDX-License-Identifier: MIT
# Fuzz targets. Included by the top Makefile.am; scripts/fuzz configures a build for them and runs `make fuzz-targets`.
# FUZZ_ENGINE is what brings main(): of clang, or of afl-clang-fast, which takes the same flag.

FUZZ_ENGINE = -fsanitize=fuzzer
fuzz_targets = \
	tests/fuzz/answers \
	tests/fuzz/config \
	tests/fuzz/events \
	tests/fuzz/limits \
	tests/fuzz/link \
	tests/fuzz/session \
	tests/fuzz/spec \
	tests/fuzz/wav
EXTRA_PROGRAMS += $(fuzz_targets)

.PHONY: fuzz-targets
fuzz-targets: $(fuzz_targets)

fuzz_ldflags = $(AM_LDFLAGS) $(FUZZ_ENGINE)
fuzz_frontend = libxensnd-frontend.la libxensnd-protocol.la
fuzz_backend = libxensnd-backend-pure.la libxensnd-protocol.la

tests_fuzz_answers_SOURCES = tests/fuzz/answers.c tests/fuzz/fuzz.h
tests_fuzz_answers_LDADD = $(fuzz_frontend)
tests_fuzz_answers_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_config_SOURCES = tests/fuzz/config.c tests/fuzz/fuzz.h
tests_fuzz_config_LDADD = $(fuzz_frontend)
tests_fuzz_config_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_events_SOURCES = tests/fuzz/events.c tests/fuzz/fuzz.h
tests_fuzz_events_LDADD = $(fuzz_frontend)
tests_fuzz_events_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_limits_SOURCES = tests/fuzz/limits.c tests/fuzz/fuzz.h
tests_fuzz_limits_LDADD = $(fuzz_backend)
tests_fuzz_limits_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_link_SOURCES = tests/fuzz/link.c tests/fuzz/fuzz.h
tests_fuzz_link_LDADD = $(fuzz_frontend)
tests_fuzz_link_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_spec_SOURCES = tests/fuzz/spec.c tests/fuzz/fuzz.h
tests_fuzz_spec_LDADD = $(fuzz_backend)
tests_fuzz_spec_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_wav_SOURCES = tests/fuzz/wav.c tests/fuzz/fuzz.h
tests_fuzz_wav_LDADD = $(fuzz_backend)
tests_fuzz_wav_LDFLAGS = $(fuzz_ldflags)

# The session with a clock and a grant table of the target's: libxengnttab is not linked.
tests_fuzz_session_SOURCES = tests/fuzz/session.c tests/fuzz/fuzz.h tests/fuzz/guest.c tests/fuzz/guest.h \
	src/backend/capture.c \
	src/backend/device_paced.c \
	src/backend/pcm.c \
	src/backend/playback.c \
	src/backend/session.c \
	src/backend/stream_buffer.c \
	src/backend/wav_file.c
tests_fuzz_session_CPPFLAGS = $(AM_CPPFLAGS) -Dclock_gettime=fuzz_clock_gettime
tests_fuzz_session_LDADD = $(fuzz_backend)
tests_fuzz_session_LDFLAGS = $(fuzz_ldflags)

EXTRA_DIST += tests/fuzz/README.md tests/fuzz/seeds tests/fuzz/config.dict tests/fuzz/wav.dict tests/fuzz/spec.dict
