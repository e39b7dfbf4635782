# SPDX-License-Identifier: MIT
# The convenience libraries that plugin, daemons and tests share. They do not contain each other: whoever links one
# names those below it too.

noinst_LTLIBRARIES += libxensnd-protocol.la libxensnd-frontend.la

libxensnd_protocol_la_SOURCES = \
	src/common/clock.h \
	src/common/log.c src/common/log.h \
	src/common/quiet_xentoollog.c src/common/quiet_xentoollog.h \
	src/common/thread.c src/common/thread.h \
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

libxensnd_frontend_la_SOURCES = \
	src/frontend/card.c src/frontend/card.h \
	src/frontend/card_lock.c src/frontend/card_lock.h \
	src/frontend/channel.c src/frontend/channel.h \
	src/frontend/control.c \
	src/frontend/geometry.c src/frontend/geometry.h \
	src/frontend/grant_pages.c src/frontend/grant_pages.h \
	src/frontend/keeper.c src/frontend/keeper.h \
	src/frontend/link.c src/frontend/link.h \
	src/frontend/local_owner.c src/frontend/local_owner.h \
	src/frontend/mailbox.c \
	src/frontend/owner.c src/frontend/owner.h \
	src/frontend/position.c src/frontend/position.h \
	src/frontend/requests.c src/frontend/requests.h \
	src/frontend/stream.c src/frontend/stream.h src/frontend/stream_impl.h \
	src/frontend/worker.c

pkglibexec_PROGRAMS = xensnd-keeper
xensnd_keeper_SOURCES = src/keeper/main.c
libxensnd_frontend_la_CPPFLAGS = $(AM_CPPFLAGS) -DXENSND_KEEPER='"$(pkglibexecdir)/xensnd-keeper"'
