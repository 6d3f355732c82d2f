/*
 * The calls of libndpi that the bridge needs, with one signature for all versions of its API. Private to
 * ndpi_bridge.c; a file of its own because <ndpi_api.h> includes <netinet/ip.h>, whose struct ip is not ours.
 */
#ifndef FS_IDENTIFY_NDPI_COMPAT_H
#define FS_IDENTIFY_NDPI_COMPAT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ndpi_detection_module_struct;
struct ndpi_flow_struct;

/* A protocol, and the one that carries it; 0: unknown. */
struct ndpi_pair {
	uint16_t master, app;
};

/* What libndpi says of a flow. */
struct ndpi_answer {
	struct ndpi_pair pair;
	bool by_payload; /* the flow's own payload told it, as far as libndpi says */
};

const char *compat_version(void);

/* A module that knows all protocols; NULL: libndpi could not be initialised. */
struct ndpi_detection_module_struct *compat_module_new(void);
void compat_module_free(struct ndpi_detection_module_struct *module);

/* libndpi's flow is flow_size() zeroed bytes; flow_clear() frees what it has allocated for itself. */
size_t compat_flow_size(void);
void compat_flow_clear(struct ndpi_flow_struct *flow);

/* One packet, from its IP header on. libndpi finds the direction by itself, from addresses and ports. */
struct ndpi_answer compat_packet(struct ndpi_detection_module_struct *module, struct ndpi_flow_struct *flow,
				 const uint8_t *bytes, uint16_t length, uint64_t ms);
/* The last word on a flow that no dissector has recognised; guesses by port and address are allowed. */
struct ndpi_answer compat_giveup(struct ndpi_detection_module_struct *module, struct ndpi_flow_struct *flow);

/* The name of one protocol: "DNS". */
const char *compat_protocol(struct ndpi_detection_module_struct *module, uint16_t id);
#endif
