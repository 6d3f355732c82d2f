/*
 * Writes a MaxMind database of places: MaxMind DB file format 2.0 (maxmind.github.io/MaxMind-DB), IPv4,
 * records as in GeoLite2-City and DB-IP City Lite.
 */
#ifndef FS_PEER_MMDB_H
#define FS_PEER_MMDB_H
#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>

struct mmdb_place { /* what is NULL is left out */
	const char *continent_code, *continent, *country_code, *country, *city;
	double latitude, longitude;
};

struct mmdb;                 /* being made */
struct mmdb *mmdb_new(void); /* NULL: out of memory */
void mmdb_free(struct mmdb *m);
/* A network that lies in no other one and holds none. bits: 1 to 32. False: out of memory, or it overlaps. */
bool mmdb_add(struct mmdb *m, uint32_t network, unsigned bits, const struct mmdb_place *place);
/* built_s: seconds since the epoch. The file is complete, or it is not there. */
bool mmdb_write(const struct mmdb *m, const char *path, const char *type, uint64_t built_s,
		struct error *err);
#endif
