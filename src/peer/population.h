/*
 * A campus after RMM: clients, external peers, and pairs of them in the classes of Table I, with flows,
 * packets, sizes, round trips, popularity and the hours of the day; and calls. Its messages go straight to
 * the wire: a client of a population has no role, but the same layouts (message.h).
 */
#ifndef FS_PEER_POPULATION_H
#define FS_PEER_POPULATION_H
#include "peer/wire.h"

#define POPULATION_NET "198.18.0.0/15" /* where its clients are */

struct population; /* what section [population] says: all of it has defaults after RMM */
struct population *population_new(struct error *err);
void population_free(struct population *p);
/* One key of the section. err: what is wrong, without file and line. */
bool population_set(struct population *p, const char *key, const char *value, struct error *err);
/* --scale: share of the clients, peers, pairs and calls. */
void population_scale(struct population *p, double scale);

struct progress;
/* Everything of [begins, begins + lasts), in order of time. places: a file of places (.mmdb) to write beside
 * it; NULL: none. */
bool population_run(const struct population *p, int64_t begins_ns, int64_t lasts_ns, uint64_t seed,
		    struct wire *wire, struct truth *truth, const char *places, struct progress *progress,
		    struct error *err);
#endif
