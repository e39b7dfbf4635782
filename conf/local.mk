# SPDX-License-Identifier: MIT
# Configuration: the file itself, and a link in the folder that alsa-lib reads.

dist_man_MANS += doc/libasound_module_pcm_xen.7

dist_alsadata_DATA = conf/50-xen.conf
dist_modulesload_DATA = conf/alsa-xen.conf
dist_doc_DATA = \
	README.md \
	conf/alsa-xen-blacklist.conf.example \
	conf/alsa-xen-pipewire.conf.example \
	conf/alsa-xen.pa.example

install-data-hook:
	$(MKDIR_P) "$(DESTDIR)$(alsaconfdir)"
	cd "$(DESTDIR)$(alsaconfdir)" && rm -f 50-xen.conf && $(LN_S) "$(alsadatadir)/50-xen.conf" 50-xen.conf
	rm -f "$(DESTDIR)$(alsaplugindir)/libasound_module_pcm_xen.la"

uninstall-hook:
	rm -f "$(DESTDIR)$(alsaconfdir)/50-xen.conf" "$(DESTDIR)$(alsaplugindir)/libasound_module_pcm_xen.so"
