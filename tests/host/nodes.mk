# SPDX-License-Identifier: MIT
# The emulated /dev/xen nodes of the host tests. Included by the top Makefile.am; built by `make check`.

check_PROGRAMS += tests/host/xennodes tests/host/nodes-selftest
check_LTLIBRARIES += tests/host/libxennodes.la

tests_host_xennodes_SOURCES = \
	tests/host/nodes/control.c \
	tests/host/nodes/control.h \
	tests/host/nodes/domain.c \
	tests/host/nodes/domain.h \
	tests/host/nodes/grants.c \
	tests/host/nodes/hyper.h \
	tests/host/nodes/ports.c \
	tests/host/nodes/wire.h \
	tests/host/nodes/xenbus.c \
	tests/host/nodes/xenbus.h \
	tests/host/nodes/xennodes.c

tests_host_xennodes_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE

# -rpath, though it is never installed: libtool builds no shared library without
tests_host_libxennodes_la_SOURCES = \
	tests/host/nodes/preload.c \
	tests/host/nodes/wire.h \
	tests/host/nodes/xenctrl.c
tests_host_libxennodes_la_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_host_libxennodes_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden -fno-sanitize=all
tests_host_libxennodes_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere

tests_host_nodes_selftest_SOURCES = tests/host/nodes/selftest.c
tests_host_nodes_selftest_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_host_nodes_selftest_LDADD = $(XEN_LIBS) -lpthread

EXTRA_DIST += \
	tests/host/README.md \
	tests/host/lib.sh \
	tests/host/nodes-test.sh
