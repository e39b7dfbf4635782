# SPDX-License-Identifier: MIT
# Tests of the plugin as a guest in other people's processes. Included by the top Makefile.am.

check_PROGRAMS += tests/host/lifetime-test
tests_host_lifetime_test_SOURCES = tests/host/lifetime_test.c tests/host/pcm_case.c tests/host/pcm_case.h
tests_host_lifetime_test_LDADD = $(ALSA_LIBS) -lpthread

EXTRA_DIST += tests/host/lifetime-test.sh
