/*
 * Where the external peers of a population are, after Table II of RMM: places with their shares of probed and
 * of other addresses, each with a block of addresses of its own, and a file of places that says so.
 *
 * The addresses are of 240.0.0.0/4, which no host can have (RFC 1112 section 4, guard.h).
 */
#ifndef FS_PEER_ATLAS_H
#define FS_PEER_ATLAS_H
#include "peer/truth.h"

enum atlas_class {              /* of an address (measurements R10) */
		   ATLAS_PROBE, /* all its pairs are probes */
		   ATLAS_NON_PROBE,
		   ATLAS_CLASSES
};

struct atlas;
/* counts: how many addresses of each class there are to be. */
struct atlas *atlas_new(const uint32_t counts[ATLAS_CLASSES], struct error *err);
void atlas_free(struct atlas *a);
/* The n-th address of the class, n below its count. Neighbours in n are in the same place, if not at its
 * edge. */
uint32_t atlas_address(const struct atlas *a, enum atlas_class kind, uint32_t n);
/* The way there and back from Torino: along the great circle, half as long again, at 200 km/ms, and 4 ms. 0:
 * where it is, is UNKNOWN. */
unsigned atlas_round_trip_ms(const struct atlas *a, enum atlas_class kind, uint32_t n);
void atlas_tell(const struct atlas *a, enum atlas_class kind, uint32_t n, struct truth *truth);
bool atlas_write(const struct atlas *a, const char *path, uint64_t built_s, struct error *err);
#endif
