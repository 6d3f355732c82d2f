/*
 * Which patterns the packets of a flow fit: the first packet of each pattern in each direction, kept with the
 * flow until it ends. Private to identify/.
 */
#ifndef FS_IDENTIFY_HITS_H
#define FS_IDENTIFY_HITS_H
#include "identify/observer.h"

struct hits;
struct hits *hits_new(struct error *err);
void hits_free(struct hits *h);
/* A packet of TCP or UDP. */
void hits_packet(struct hits *h, const struct packet *packet, struct flow *flow, enum direction dir);
/* The flow ends: its hits go to the observer, in the order of their packets. */
void hits_ended(struct hits *h, struct flow *flow, const struct observer *observer);
uint64_t hits_refused(const struct hits *h);
uint64_t hits_untold(const struct hits *h); /* packets, see patterns_untold() */
#endif
