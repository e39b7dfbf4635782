# SPDX-License-Identifier: MIT
# Tests of the plugin: ALSA's promises, and backends that do not keep theirs. Included by the top Makefile.am.

check_PROGRAMS += tests/host/pcm-test
tests_host_pcm_test_SOURCES = tests/host/pcm_test.c
tests_host_pcm_test_LDADD = $(ALSA_LIBS) -lpthread

check_PROGRAMS += tests/host/scripted-backend
tests_host_scripted_backend_SOURCES = tests/host/scripted_backend.c tests/host/consumed.h
tests_host_scripted_backend_LDADD = libxensnd-xenbus.la libxensnd-protocol.la $(XEN_LIBS)

EXTRA_DIST += tests/host/odd-backends-test.sh tests/host/pcm-test.sh
