# SPDX-License-Identifier: MIT
# What host tests and the lab judge audio with.

check_PROGRAMS += tests/tools/wavtool
tests_tools_wavtool_SOURCES = tests/tools/wavtool.c
