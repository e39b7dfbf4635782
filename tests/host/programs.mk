# SPDX-License-Identifier: MIT
# Tests with programs of others. Included by the top Makefile.am.

EXTRA_DIST += \
	tests/host/alsa-utils-test.sh \
	tests/host/examples-test.sh \
	tests/host/expected-failures \
	tests/host/pipewire-test.sh \
	tests/host/programs.sh \
	tests/host/pulseaudio-test.sh
