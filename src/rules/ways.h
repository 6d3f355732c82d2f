/*
 * Where the packets of a rule set come from and go to, for formats that say it with lists of addresses.
 */
#ifndef FS_RULES_WAYS_H
#define FS_RULES_WAYS_H
#include "rules/rules.h"

/* Addresses of `never` are in none of these. */
enum rule_side {
	SIDE_ANY,
	SIDE_INSIDE,  /* in `internal` */
	SIDE_OUTSIDE, /* not in `internal` */
	SIDE_BLOCKED, /* endpoints: those that endpoint_stays() tells */
};
struct rule_way {
	enum rule_side from, to;
	bool out; /* of a rule set with an interface: the packet leaves by it; false: it comes in by it */
};
#define RULE_WAYS_MAX 2U
/* One way, or two of which one is the other reversed. */
unsigned rule_ways(const struct ruleset *r, struct rule_way way[RULE_WAYS_MAX]);

/* Whether any packet can be acted upon for this endpoint: --never and --internal may leave nothing of it. */
bool endpoint_stays(const struct ruleset *r, const struct rule_endpoint *e);

/*
 * SIDE_INSIDE is the prefixes of `internal` that internal_stays() tells without those of `never` that
 * never_cuts() tells; SIDE_OUTSIDE is everything without the prefixes of `internal` that internal_stays() and
 * those of `never` that never_stays() tell; SIDE_ANY is everything without the prefixes of `never` that
 * never_stays() tells, for then there is no `internal`. So no list names a prefix in vain: no positive one is
 * within a negative one, and none within another of its kind.
 */
bool internal_stays(const struct ruleset *r, size_t i);
bool never_cuts(const struct ruleset *r, size_t i);
bool never_stays(const struct ruleset *r, size_t i);

/* Whether there is such an address; of a family if it is not SIDE_INSIDE. SIDE_BLOCKED is not asked for. */
bool side_has_family(const struct ruleset *r, enum rule_side side, bool v4);

/* "10.0.0.0/8" of "10.1.2.3/8"; a single address without its length. */
void prefix_text(const struct ip_prefix *p, char out[IP_PREFIX_TEXT]);
/* The prefix with zeros behind it. */
struct ip_prefix prefix_masked(const struct ip_prefix *p);
/* Whether the address is in any of them. */
bool prefixes_have(const struct ip_prefix *list, size_t count, const struct ip *ip);

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define NAME_DIGITS  "0123456789"
/* Names of Cisco's interfaces are the longest, such as "TwentyFiveGigE1/0/24.4094". */
#define INTERFACE_NAME_MAX 64U
/* An interface's name that means nothing else in any of these languages. */
bool interface_is_plain(const char *name);
/* What the kernel of Linux takes for a name, or *err: for the formats of Linux. NULL is fine, too. */
bool interface_is_linux(const char *name, struct error *err);
#endif
