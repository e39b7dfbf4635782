# SPDX-License-Identifier: MIT
# Unit tests of protocol, frontend and plugin. Included by the top Makefile.am; `make check` runs them.

unit_tests = \
	tests/unit/chmap_test \
	tests/unit/config_test \
	tests/unit/event_page_test \
	tests/unit/format_test \
	tests/unit/geometry_test \
	tests/unit/hw_param_test \
	tests/unit/link_test \
	tests/unit/page_directory_test \
	tests/unit/pointers_test \
	tests/unit/position_test \
	tests/unit/requests_test \
	tests/unit/ring_test \
	tests/unit/xenstore_path_test

unit_cppflags = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
unit_ldadd = libxensnd-frontend.la libxensnd-xenbus.la libxensnd-protocol.la \
	$(XEN_LIBS) $(CMOCKA_LIBS) -lpthread

if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif

# The plugin's pure parts, without the plugin.
tests_unit_chmap_test_SOURCES = tests/unit/chmap_test.c tests/unit/unit.h plugin/chmap.c plugin/chmap.h
tests_unit_chmap_test_CPPFLAGS = $(unit_cppflags) -I$(top_srcdir)/plugin $(ALSA_CFLAGS)
tests_unit_chmap_test_LDADD = $(ALSA_LIBS) $(CMOCKA_LIBS)

tests_unit_pointers_test_SOURCES = tests/unit/pointers_test.c tests/unit/unit.h plugin/pointers.c plugin/pointers.h
tests_unit_pointers_test_CPPFLAGS = $(unit_cppflags) -I$(top_srcdir)/plugin
tests_unit_pointers_test_LDADD = $(CMOCKA_LIBS)

tests_unit_config_test_SOURCES = tests/unit/config_test.c tests/unit/unit.h
tests_unit_config_test_CPPFLAGS = $(unit_cppflags)
tests_unit_config_test_LDADD = $(unit_ldadd)

tests_unit_event_page_test_SOURCES = tests/unit/event_page_test.c tests/unit/unit.h
tests_unit_event_page_test_CPPFLAGS = $(unit_cppflags)
tests_unit_event_page_test_LDADD = $(unit_ldadd)

tests_unit_format_test_SOURCES = tests/unit/format_test.c tests/unit/unit.h
tests_unit_format_test_CPPFLAGS = $(unit_cppflags)
tests_unit_format_test_LDADD = $(unit_ldadd)

tests_unit_geometry_test_SOURCES = tests/unit/geometry_test.c tests/unit/unit.h
tests_unit_geometry_test_CPPFLAGS = $(unit_cppflags)
tests_unit_geometry_test_LDADD = $(unit_ldadd)

tests_unit_hw_param_test_SOURCES = tests/unit/hw_param_test.c tests/unit/unit.h
tests_unit_hw_param_test_CPPFLAGS = $(unit_cppflags)
tests_unit_hw_param_test_LDADD = $(unit_ldadd)

tests_unit_link_test_SOURCES = tests/unit/link_test.c tests/unit/unit.h
tests_unit_link_test_CPPFLAGS = $(unit_cppflags)
tests_unit_link_test_LDADD = $(unit_ldadd)

tests_unit_page_directory_test_SOURCES = tests/unit/page_directory_test.c tests/unit/unit.h
tests_unit_page_directory_test_CPPFLAGS = $(unit_cppflags)
tests_unit_page_directory_test_LDADD = $(unit_ldadd)

tests_unit_position_test_SOURCES = tests/unit/position_test.c tests/unit/unit.h
tests_unit_position_test_CPPFLAGS = $(unit_cppflags)
tests_unit_position_test_LDADD = $(unit_ldadd)

tests_unit_requests_test_SOURCES = tests/unit/requests_test.c tests/unit/unit.h
tests_unit_requests_test_CPPFLAGS = $(unit_cppflags)
tests_unit_requests_test_LDADD = $(unit_ldadd)

tests_unit_ring_test_SOURCES = tests/unit/ring_test.c tests/unit/unit.h
tests_unit_ring_test_CPPFLAGS = $(unit_cppflags)
tests_unit_ring_test_LDADD = $(unit_ldadd)

tests_unit_xenstore_path_test_SOURCES = tests/unit/xenstore_path_test.c tests/unit/unit.h
tests_unit_xenstore_path_test_CPPFLAGS = $(unit_cppflags)
tests_unit_xenstore_path_test_LDADD = $(unit_ldadd)
