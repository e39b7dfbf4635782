/* SPDX-License-Identifier: MIT */
/*
 * The sndif v2 wire structures, from the headers that libxen-dev ships.
 *
 * Apart so that every other file sees them through one door, with the layout
 * that the code relies on checked at compile time.
 */
#ifndef XENSND_PROTOCOL_WIRE_H
#define XENSND_PROTOCOL_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/io/sndif.h>
#include <xen/io/xenbus.h>

/* A page as the protocol counts it: a grant is 4096 bytes on every architecture. */
#define XENSND_PAGE_BYTES 4096u

/* Slots of the request ring and of the event page. 63 is no power of two: slots are idx % 63. */
#define XENSND_RING_SLOTS 32u
#define XENSND_EVENT_SLOTS 63u

/* sndif.h's bits of xensnd_query_hw_param.formats: bit n is XENSND_PCM_FORMAT n. */
#define XENSND_FORMAT_BIT(format) (UINT64_C(1) << (format))

_Static_assert(sizeof(struct xensnd_req) == 64, "request packet");
_Static_assert(sizeof(struct xensnd_resp) == 64, "response packet");
_Static_assert(sizeof(struct xensnd_evt) == 64, "event packet");
_Static_assert(offsetof(struct xen_sndif_sring, ring) == 64, "ring entries");
_Static_assert(sizeof(struct xensnd_event_page) == 64, "event page header");
_Static_assert(XENSND_IN_RING_LEN == XENSND_EVENT_SLOTS, "event slots");

#endif
