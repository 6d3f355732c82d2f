/* Within format_iptables.c and iptables_u32.c: one family of addresses, which is half of the script. */
#ifndef FS_RULES_IPTABLES_H
#define FS_RULES_IPTABLES_H
#include "rules/rules.h"

struct half {
	const struct ruleset *r;
	FILE *out;
	bool v4;
	char name[RULESET_NAME];    /* of the chain that the hooks jump to */
	char own[RULESET_NAME - 4]; /* the others are "OWN-hit" and the like; no `name` has a "-" in it */
};

/* The rules for the patterns, which end in OWN-hit; of UDP they pass through OWN-udp. */
void iptables_patterns_write(const struct half *h, const char *chain);
bool iptables_has_udp(const struct ruleset *r);
void iptables_udp_write(const struct half *h);
#endif
