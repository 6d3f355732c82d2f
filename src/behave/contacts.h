/*
 * R2, C(p, i): with how many different peers client p exchanged a packet over UDP in the i-th 5 minutes since
 * its first packet. Over all intervals that begin within its lifetime (D13), empty ones included; the last
 * one is as long as the lifetime lets it be. Packets of media count too: a peer is a peer, and an entry of a
 * NAT table is an entry.
 *
 * Bounded: CONTACTS_CLIENT_MAX intervals of a client, CONTACTS_MAX in all; a client beyond is left out whole.
 */
#ifndef FS_BEHAVE_CONTACTS_H
#define FS_BEHAVE_CONTACTS_H
#include "base/clock.h"
#include "behave/distributions.h"
#include "behave/labelled.h"

#define CONTACTS_INTERVAL_NS (300 * NS_PER_S) /* RMM III.A */
#define CONTACTS_CLIENT_MAX  105408U          /* 366 days */
#define CONTACTS_MAX         8000000U         /* 4 bytes each: 3,900 clients for a week */

struct contacts;
/* Of the recognised ones of `clients` clients, borrowed; pairs: how many there are. */
struct contacts *contacts_new(const struct measured_client *client, uint32_t clients, uint32_t pairs,
			      int64_t idle_ns, struct error *err);
void contacts_free(struct contacts *c);
/* A UDP flow of a kept pair. Flows of one pair in their order. */
void contacts_add(struct contacts *c, const struct labelled_flow *f);
/* Adds every C(p, i) to the measure "contacts". */
bool contacts_distribute(const struct contacts *c, struct distributions *d, struct error *err);
/* Clients that are left out. */
uint32_t contacts_refused(const struct contacts *c);
#endif
