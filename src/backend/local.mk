# SPDX-License-Identifier: MIT
# xensnd-backend. Included by the top Makefile.am.

sbin_PROGRAMS += xensnd-backend

# What knows nothing of Xen, ALSA or threads is also linked by the unit tests.
noinst_LTLIBRARIES += libxensnd-backend-pure.la
libxensnd_backend_pure_la_SOURCES = \
	src/backend/card_state.c src/backend/card_state.h \
	src/backend/output_spec.c src/backend/output_spec.h \
	src/backend/pacer.c src/backend/pacer.h \
	src/backend/position.c src/backend/position.h \
	src/backend/stream_limits.c src/backend/stream_limits.h \
	src/backend/wav_header.c src/backend/wav_header.h \
	src/backend/wire_status.c src/backend/wire_status.h

xensnd_backend_SOURCES = \
	src/backend/backend.c src/backend/backend.h \
	src/backend/card_config.c src/backend/card_config.h \
	src/backend/daemon_log.c src/backend/daemon_log.h \
	src/backend/guest_card.c src/backend/guest_card.h \
	src/backend/log_limit.h \
	src/backend/main.c \
	src/backend/memory_limit.h \
	src/backend/options.c src/backend/options.h \
	src/backend/output.h \
	src/backend/output_alsa.c \
	src/backend/output_paced.c \
	src/backend/playback.c src/backend/playback.h \
	src/backend/privileges.c src/backend/privileges.h \
	src/backend/service.c src/backend/service.h \
	src/backend/session.c src/backend/session.h \
	src/backend/stream.c src/backend/stream.h \
	src/backend/stream_buffer.c src/backend/stream_buffer.h \
	src/backend/wav_file.c src/backend/wav_file.h
xensnd_backend_LDADD = libxensnd-backend-pure.la libxensnd-xenbus.la libxensnd-protocol.la \
	$(ALSA_LIBS) $(XEN_LIBS) -lpthread
