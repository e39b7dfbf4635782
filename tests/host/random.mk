# SPDX-License-Identifier: MIT
# Tests of the plugin at random, of its position, and of what it leaves behind. Included by the top Makefile.am.

check_PROGRAMS += tests/host/random-test
tests_host_random_test_SOURCES = tests/host/random_test.c
tests_host_random_test_LDADD = $(ALSA_LIBS) -lpthread

check_PROGRAMS += tests/host/leak-test
tests_host_leak_test_SOURCES = tests/host/leak_test.c
tests_host_leak_test_LDADD = $(ALSA_LIBS)

check_PROGRAMS += tests/host/position-test
tests_host_position_test_SOURCES = tests/host/position_test.c tests/host/consumed.h
tests_host_position_test_LDADD = $(ALSA_LIBS)

EXTRA_DIST += tests/host/random-test.sh tests/host/leak-test.sh tests/host/position-test.sh
