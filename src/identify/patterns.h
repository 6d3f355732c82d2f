/*
 * All patterns of all protocols against every packet: one number each, 0.. in the order of protocols[] and of
 * their tables.
 */
#ifndef FS_IDENTIFY_PATTERNS_H
#define FS_IDENTIFY_PATTERNS_H
#include "identify/dissector.h"

#define PATTERNS_MAX 32U /* bits of flow_identity.fits */

unsigned pattern_count(void);
/* The protocol and the pattern of a number below pattern_count(). */
const struct packet_pattern *pattern_numbered(unsigned number, unsigned *protocol);

/* Prepared for the packet path: nearly every packet is done with after its length or its first byte. */
struct patterns;
struct patterns *patterns_new(struct error *err);
void patterns_free(struct patterns *p);
/* Bit n: the packet fits pattern n. */
uint32_t patterns_fit(const struct patterns *p, uint8_t l4, struct span payload, uint32_t wire);
/* Of a packet cut by the snap length: whether it fits some pattern hangs on bytes that were not captured. */
bool patterns_untold(const struct patterns *p, uint8_t l4, struct span payload, uint32_t wire);
/* "tcp, 5 bytes, 16 03 01 00 00 at 0": what a pattern is, for the database and for people; into out. */
#define PATTERN_TEXT 400
void pattern_describe(const struct packet_pattern *pattern, char out[PATTERN_TEXT]);
#endif
