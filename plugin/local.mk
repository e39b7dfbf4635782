# SPDX-License-Identifier: MIT
# What alsa-lib loads.

alsaplugin_LTLIBRARIES = libasound_module_pcm_xen.la

libasound_module_pcm_xen_la_SOURCES = \
	plugin/chmap.c plugin/chmap.h \
	plugin/constraints.c plugin/constraints.h \
	plugin/formats.c plugin/formats.h \
	plugin/pcm_xen.c \
	plugin/pointers.c plugin/pointers.h \
	plugin/settings.c plugin/settings.h \
	plugin/shared_areas.c plugin/shared_areas.h
libasound_module_pcm_xen_la_CPPFLAGS = $(AM_CPPFLAGS) -DPIC
libasound_module_pcm_xen_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -no-undefined \
	-export-symbols-regex '^_+snd_pcm_xen_open'
libasound_module_pcm_xen_la_LIBADD = libxensnd-frontend.la libxensnd-xenbus.la libxensnd-protocol.la \
	$(ALSA_LIBS) $(XEN_LIBS) -lpthread
