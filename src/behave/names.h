/*
 * Names of addresses, from the DNS answers of the trace. Bounded: beyond NAMES_MAX, and beyond
 * NAMES_OF_ADDRESS of one address, newer names are not kept; the former are counted.
 */
#ifndef FS_BEHAVE_NAMES_H
#define FS_BEHAVE_NAMES_H
#include "base/error.h"
#include "behave/dns.h"

#define NAMES_MAX        400000U /* about 50 MB with their text */
#define NAMES_OF_ADDRESS 8U      /* content networks serve thousands of names from one address */

struct named_address {
	struct ip ip;
	const char *name; /* lives as long as the table */
	int64_t first_ns; /* of the first such answer */
};

struct name_table;
struct name_table *name_table_new(struct error *err);
void name_table_free(struct name_table *t);
/* False only when out of memory. */
bool name_table_add(struct name_table *t, const struct dns_answer *answer, int64_t ns, struct error *err);
/* The names of an address, in no order, beginning with *at == 0; NULL when there are no more. */
const struct named_address *name_table_next(const struct name_table *t, const struct ip *ip, uint32_t *at);
uint32_t name_table_count(const struct name_table *t);
uint64_t name_table_refused(const struct name_table *t); /* at NAMES_MAX */
#endif
