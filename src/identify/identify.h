/*
 * The worker's side of recognition: shows payload to the dissectors and to libndpi, and passes observations
 * on. No verdict falls here; that is sockets.h and store/label.h, on the aggregator's side.
 */
#ifndef FS_IDENTIFY_IDENTIFY_H
#define FS_IDENTIFY_IDENTIFY_H
#include "identify/ndpi_bridge.h"
#include "identify/observer.h"

/* Where a name of libndpi, "MASTER.APPLICATION" or "APPLICATION", speaks of this protocol itself; NULL:
 * nowhere. */
const char *part_of_protocol(const char *name, const struct protocol *protocol);

struct identifier;
/*
 * Borrowed, and may be NULL: bridge (then no libndpi), models (then media whose format no dissector knows is
 * not looked for).
 */
struct identifier *identifier_new(struct observer observer, struct ndpi_bridge *bridge,
				  const struct voice_models *models, struct error *err);
void identifier_free(struct identifier *id);
/* Measures all media in order to train on it, see media_meters_train(). Call before the first packet. */
bool identifier_train(struct identifier *id, struct error *err);
/* Flows that dissectors may be undecided about at a time; more are passed over, and counted. */
#define UNDECIDED_FLOWS_MAX 131072U
uint64_t identifier_passed_over(const struct identifier *id);
uint64_t identifier_unmeasured(const struct identifier *id); /* flows beyond MEDIA_METERS_MAX */
/* Hits of patterns that are kept for the flows that live, 32 bytes each; more are left out, and counted. */
#define PATTERN_HITS_MAX 1000000U
uint64_t identifier_hits_refused(const struct identifier *id);
/* Packets of which too little was captured to tell whether they fit a pattern. */
uint64_t identifier_hits_untold(const struct identifier *id);
/* A packet was accounted; returns what is still wanted of the flow's payload, for flow_table_settle(). */
enum flow_want identifier_packet(struct identifier *id, const struct packet *packet,
				 const struct flow_step *step);
/* As media_going_on(). */
size_t identifier_calls(const struct identifier *id, int64_t since_ns, struct media_call *out, size_t max);
/* The flow ends: settles flow->id. */
void identifier_ended(struct identifier *id, struct flow *flow);
#endif
