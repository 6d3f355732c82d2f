/*
 * libndpi behind one file: the labels of everything that we have no dissector for. Built without libndpi,
 * every call is a stub that says so: ndpi_bridge_available() is false and ndpi_bridge_new() fails.
 *
 * Names that come out are interned and live as long as the bridge.
 */
#ifndef FS_IDENTIFY_NDPI_BRIDGE_H
#define FS_IDENTIFY_NDPI_BRIDGE_H
#include "base/error.h"
#include "base/intern.h"
#include "flow/flow_table.h"

#define NDPI_PACKETS_DEFAULT 16U /* payload packets per flow: 8 lose 0.2 % of the labels, 32 win none */

/* Flows that libndpi is undecided about at a time (700 to 1,200 bytes each); more go without a label, and are
 * counted. */
#define NDPI_FLOWS_MAX 131072U

bool ndpi_bridge_available(void);
const char *ndpi_bridge_version(void); /* of the library in use; "" without */

struct ndpi_bridge;
/* names: where interned labels live; borrowed, must outlive the bridge. */
struct ndpi_bridge *ndpi_bridge_new(unsigned packets_per_flow, struct intern *names, struct error *err);
uint64_t
ndpi_bridge_passed_over(const struct ndpi_bridge *b); /* flows beyond NDPI_FLOWS_MAX; b may be NULL */
void ndpi_bridge_free(struct ndpi_bridge *b);

/*
 * Shows a packet of an undecided flow; updates flow->id (ndpi, ndpi_label, ndpi_by_payload, ndpi_done,
 * ndpi_packets). Call it for packets with payload only. TCP payload ahead of a gap is left out (step->held);
 * when the gap is filled, the bytes are shown in order, so that a split or reordered hello gets the same
 * label as a whole one.
 */
void ndpi_bridge_packet(struct ndpi_bridge *b, const struct packet *packet, const struct flow_step *step);
/* The flow ended: last guess of libndpi (by port or address, ndpi_by_payload false), and its memory is freed.
 */
void ndpi_bridge_ended(struct ndpi_bridge *b, struct flow *flow);
#endif
