/*
 * Where addresses are, by the user's MaxMind DB files (.mmdb): the only file that knows libmaxminddb. A build
 * without that library has all of this, and places_open() says what is missing.
 */
#ifndef FS_STORE_PLACES_H
#define FS_STORE_PLACES_H
#include "base/error.h"
#include "base/ip.h"
#include <stdint.h>

/* Sizes leave room for the longest English names of GeoLite2; what is longer is cut. Unused bytes are zero,
 * so that places can be compared as bytes. */
struct place {
	char continent[24], country_name[64], city[96];
	char country[8]; /* ISO 3166-1 alpha-2 */
	double latitude, longitude;
};
struct network {
	uint32_t asn; /* 0: not said */
	char organisation[124];
};

/* One of the two files, for the manifest. */
struct place_file {
	const char *option, *path, *type; /* "geo" or "asn"; as named; as the file says */
	int64_t built_ns;
};

struct places;
/* geo, asn: paths, either may be NULL. Fails with EXIT_INPUT when a file is none of its kind. */
struct places *places_open(const char *geo, const char *asn, struct error *err);
void places_close(struct places *p);
/* The n-th file, from 0; false when there are no more. */
bool places_file(const struct places *p, unsigned n, struct place_file *out);
/* What is not known is "" , 0, and for both coordinates NAN. False: nothing is known. p may be NULL. */
bool places_find(struct places *p, const struct ip *ip, struct place *place, struct network *network);
/* Addresses at whose data a file turned out to be damaged. */
uint64_t places_damaged(const struct places *p);
/* Of libmaxminddb; "" when it is not built in. */
const char *places_library(void);
#endif
