/*
 * Which new TCP flows are likely to be a protocol's, before they have said anything: those between two
 * addresses, to a port, that had the protocol over UDP, or in an opening over TCP. Such a flow's messages are
 * logged from its first one, and dissectors may look deeper. It is no evidence. UDP and TCP flows of one
 * address pair meet in the same worker, so each has one of these; it remembers the newest EXPECTATIONS_MAX.
 */
#ifndef FS_IDENTIFY_EXPECT_H
#define FS_IDENTIFY_EXPECT_H
#include "base/error.h"
#include "flow/flow.h"

#define EXPECTATIONS_MAX 16384U
struct expectations;
struct expectations *expectations_new(struct error *err);
void expectations_free(struct expectations *e);
/* A flow in which dissectors of these protocols (bits) found evidence. Over UDP either end may be called over
 * TCP at the same port; over TCP, the responder again. */
void expectations_add(struct expectations *e, const struct flow *flow, uint16_t protocols);
/* The protocols (bits) expected of a new TCP flow. */
uint16_t expectations_find(const struct expectations *e, const struct flow *flow);
#endif
