# SPDX-License-Identifier: MIT
# Tests of the plugin: ALSA's promises, and backends that do not keep theirs. Included by the top Makefile.am.

check_PROGRAMS += tests/host/pcm-test
tests_host_pcm_test_SOURCES = tests/host/pcm_test.c
tests_host_pcm_test_LDADD = $(ALSA_LIBS) -lpthread

EXTRA_DIST += tests/host/pcm-test.sh
