# SPDX-License-Identifier: MIT
# xensnd-backend. Included by the top Makefile.am.

sbin_PROGRAMS += xensnd-backend

# What knows nothing of Xen, ALSA or threads is also linked by the unit tests.
noinst_LTLIBRARIES += libxensnd-backend-pure.la
libxensnd_backend_pure_la_SOURCES = \
	src/backend/card_state.c src/backend/card_state.h \
	src/backend/device_spec.c src/backend/device_spec.h \
	src/backend/pacer.c src/backend/pacer.h \
	src/backend/position.c src/backend/position.h \
	src/backend/silence.c src/backend/silence.h \
	src/backend/stream_limits.c src/backend/stream_limits.h \
	src/backend/wav_header.c src/backend/wav_header.h \
	src/backend/wav_source.c src/backend/wav_source.h \
	src/backend/wire_status.c src/backend/wire_status.h

xensnd_backend_SOURCES = \
	src/backend/backend.c src/backend/backend.h \
	src/backend/capture.c src/backend/capture.h \
	src/backend/card_config.c src/backend/card_config.h \
	src/backend/daemon_log.c src/backend/daemon_log.h \
	src/backend/device.h \
	src/backend/device_alsa.c \
	src/backend/device_paced.c \
	src/backend/guest_card.c src/backend/guest_card.h \
	src/backend/log_limit.h \
	src/backend/main.c \
	src/backend/memory_limit.h \
	src/backend/options.c src/backend/options.h \
	src/backend/pcm.c src/backend/pcm.h \
	src/backend/playback.c src/backend/playback.h \
	src/backend/privileges.c src/backend/privileges.h \
	src/backend/service.c src/backend/service.h \
	src/backend/session.c src/backend/session.h \
	src/backend/stream.c src/backend/stream.h \
	src/backend/stream_buffer.c src/backend/stream_buffer.h \
	src/backend/wav_file.c src/backend/wav_file.h
xensnd_backend_LDADD = libxensnd-backend-pure.la libxensnd-xenbus.la libxensnd-protocol.la \
	$(ALSA_LIBS) $(XEN_LIBS) -lpthread

dist_man_MANS += doc/xensnd-backend.8

# Made by make, not by configure, so that a prefix given to make counts.
systemdsystemunit_DATA = conf/xensnd-backend.service
EXTRA_DIST += conf/xensnd-backend.service.in
CLEANFILES += conf/xensnd-backend.service
conf/xensnd-backend.service: $(srcdir)/conf/xensnd-backend.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) conf && sed 's|@sbindir[@]|$(sbindir)|' $(srcdir)/conf/xensnd-backend.service.in >$@

if HAVE_CMOCKA
backend_unit_tests = \
	tests/unit/backend_capture \
	tests/unit/backend_card_state \
	tests/unit/backend_device_spec \
	tests/unit/backend_pacer \
	tests/unit/backend_playback \
	tests/unit/backend_position \
	tests/unit/backend_silence \
	tests/unit/backend_stream_limits \
	tests/unit/backend_wav_header \
	tests/unit/backend_wav_source
check_PROGRAMS += $(backend_unit_tests)
TESTS += $(backend_unit_tests)

backend_unit_cppflags = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
backend_unit_libs = libxensnd-backend-pure.la libxensnd-protocol.la $(CMOCKA_LIBS)
tests_unit_backend_capture_SOURCES = tests/unit/backend_capture.c tests/unit/fake_device.h \
	src/backend/capture.c src/backend/pcm.c
tests_unit_backend_capture_CPPFLAGS = $(backend_unit_cppflags)
tests_unit_backend_capture_LDADD = $(backend_unit_libs)
tests_unit_backend_card_state_CPPFLAGS = $(backend_unit_cppflags)
tests_unit_backend_card_state_LDADD = $(backend_unit_libs)
tests_unit_backend_device_spec_CPPFLAGS = $(backend_unit_cppflags)
tests_unit_backend_device_spec_LDADD = $(backend_unit_libs)
tests_unit_backend_pacer_CPPFLAGS = $(backend_unit_cppflags)
tests_unit_backend_pacer_LDADD = $(backend_unit_libs)
tests_unit_backend_playback_SOURCES = tests/unit/backend_playback.c tests/unit/fake_device.h \
	src/backend/pcm.c src/backend/playback.c
tests_unit_backend_playback_CPPFLAGS = $(backend_unit_cppflags)
tests_unit_backend_playback_LDADD = $(backend_unit_libs)
tests_unit_backend_position_CPPFLAGS = $(backend_unit_cppflags)
tests_unit_backend_position_LDADD = $(backend_unit_libs)
tests_unit_backend_silence_CPPFLAGS = $(backend_unit_cppflags)
tests_unit_backend_silence_LDADD = $(backend_unit_libs)
tests_unit_backend_stream_limits_CPPFLAGS = $(backend_unit_cppflags)
tests_unit_backend_stream_limits_LDADD = $(backend_unit_libs)
tests_unit_backend_wav_header_CPPFLAGS = $(backend_unit_cppflags)
tests_unit_backend_wav_header_LDADD = $(backend_unit_libs)
tests_unit_backend_wav_source_CPPFLAGS = $(backend_unit_cppflags)
tests_unit_backend_wav_source_LDADD = $(backend_unit_libs)
endif

# A frontend for the host tests of the backend.
check_PROGRAMS += tests/host/scripted-frontend
tests_host_scripted_frontend_SOURCES = tests/host/scripted_frontend.c
tests_host_scripted_frontend_LDADD = libxensnd-xenbus.la libxensnd-protocol.la $(XEN_LIBS)
EXTRA_DIST += tests/host/backend-test.sh
