# SPDX-License-Identifier: MIT
# Tests of the plugin: ALSA's promises, and backends that do not keep theirs. Included by the top Makefile.am.

check_PROGRAMS += tests/host/pcm-test tests/host/capture-test tests/host/promises-test tests/host/offers-test
tests_host_pcm_test_SOURCES = tests/host/pcm_test.c tests/host/pcm_case.c tests/host/pcm_case.h
tests_host_pcm_test_LDADD = $(ALSA_LIBS) -lpthread
tests_host_capture_test_SOURCES = tests/host/capture_test.c tests/host/pcm_case.c tests/host/pcm_case.h
tests_host_capture_test_LDADD = $(ALSA_LIBS) -lpthread
tests_host_promises_test_SOURCES = tests/host/promises_test.c tests/host/pcm_case.c tests/host/pcm_case.h
tests_host_promises_test_LDADD = $(ALSA_LIBS) -lpthread
tests_host_offers_test_SOURCES = tests/host/offers_test.c tests/host/pcm_case.c tests/host/pcm_case.h
tests_host_offers_test_LDADD = $(ALSA_LIBS) -lpthread

check_PROGRAMS += tests/host/scripted-backend
tests_host_scripted_backend_SOURCES = tests/host/scripted_backend.c tests/host/consumed.h
tests_host_scripted_backend_LDADD = libxensnd-xenbus.la libxensnd-protocol.la $(XEN_LIBS)

EXTRA_DIST += tests/host/odd-backends-test.sh tests/host/pcm-test.sh \
	tests/host/promises-test.sh
