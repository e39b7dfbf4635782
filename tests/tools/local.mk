# SPDX-License-Identifier: MIT
# What host tests and the lab play, record and judge audio with.

check_PROGRAMS += tests/tools/duplex tests/tools/wavtool
tests_tools_duplex_SOURCES = tests/tools/duplex.c tests/tools/wav.c tests/tools/wav.h
tests_tools_duplex_LDADD = $(ALSA_LIBS)
tests_tools_wavtool_SOURCES = tests/tools/wavtool.c tests/tools/pieces.c tests/tools/pieces.h tests/tools/wav.c \
	tests/tools/wav.h

EXTRA_DIST += tests/host/wavtool-test.sh
