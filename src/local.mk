# The convenience libraries that plugin, daemons and tests share.

noinst_LTLIBRARIES += libxensnd-protocol.la libxensnd-frontend.la

libxensnd_protocol_la_SOURCES = \
	src/common/clock.h \
	src/common/log.c src/common/log.h \
	src/protocol/config.c src/protocol/config.h \
	src/protocol/event_page.c src/protocol/event_page.h \
	src/protocol/format.c src/protocol/format.h \
	src/protocol/hw_param.c src/protocol/hw_param.h \
	src/protocol/page_directory.c src/protocol/page_directory.h \
	src/protocol/ring.c src/protocol/ring.h \
	src/protocol/shared_copy.h \
	src/protocol/wire.h \
	src/protocol/xenstore_path.c src/protocol/xenstore_path.h

noinst_LTLIBRARIES += libxensnd-xenbus.la
libxensnd_xenbus_la_SOURCES = src/xenbus/node.c src/xenbus/node.h
libxensnd_xenbus_la_LIBADD = libxensnd-protocol.la $(XEN_LIBS)
