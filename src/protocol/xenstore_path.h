/* SPDX-License-Identifier: MIT */
/*
 * Every XenStore path and node name of the protocol, spelled in one place.
 *
 * Paths that start without a slash are relative to the caller's domain, and so follow the guest
 * when it is restored under another number. All functions write at most size bytes with the final
 * NUL and return 0, or -ENAMETOOLONG. XENSND_PATH_BYTES is always enough for what is below a base
 * of up to 100 bytes.
 */
#ifndef XENSND_PROTOCOL_XENSTORE_PATH_H
#define XENSND_PROTOCOL_XENSTORE_PATH_H

#include <stddef.h>

#define XENSND_PATH_BYTES 160

/* The frontend's cards: the folder, and one card. */
#define XENSND_PATH_FRONTEND_CARDS "device/vsnd"
int xensnd_path_frontend_card(char *path, size_t size, unsigned int card);

/* The backend's guests: the folder, and one guest's cards below it. */
#define XENSND_PATH_BACKEND_GUESTS "backend/vsnd"

/* A node right below a base: "<base>/<node>". */
int xensnd_path_below(char *path, size_t size, const char *base, const char *node);

/* A numbered folder right below a base: "<base>/<number>". */
int xensnd_path_numbered(char *path, size_t size, const char *base, unsigned int number);

/*
 * A node of a device of a card, and of a stream of a device: "<device>/<node>",
 * "<device>/<stream>/<node>".
 */
int xensnd_path_device_node(char *path, size_t size, unsigned int device, const char *node);
int xensnd_path_stream_node(
	char *path, size_t size, unsigned int device, unsigned int stream, const char *node);

/* Nodes of XenBus itself, which sndif.h does not name. */
#define XENSND_NODE_STATE "state"
#define XENSND_NODE_BACKEND "backend"
#define XENSND_NODE_BACKEND_ID "backend-id"
#define XENSND_NODE_FRONTEND "frontend"
#define XENSND_NODE_FRONTEND_ID "frontend-id"
#define XENSND_NODE_ONLINE "online"
#define XENSND_NODE_DOMID "domid"

/* The name of a XenBus state, for people; "invalid" beyond those that exist. */
const char *xensnd_state_name(unsigned int state);

#endif
