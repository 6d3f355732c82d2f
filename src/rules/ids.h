/*
 * What Suricata and Snort 3 have in common: a rule is an action, a protocol, two sides, and options about one
 * packet. Numbers (sid) are in the range that is reserved for local rules.
 */
#ifndef FS_RULES_IDS_H
#define FS_RULES_IDS_H
#include "rules/rules.h"

struct ids_language {
	const char *engine; /* "Suricata", for messages */
	/* A list of all addresses but some: what is written before the first of them, between them, behind.
	 */
	const char *but, *nor, *end;
	/* The options that judge the packet: of a pattern, or (NULL) of rules for addresses. */
	void (*put_options)(const struct ruleset *r, const struct packet_pattern *pattern, FILE *out);
};

bool ids_can(const struct ruleset *r, const struct ids_language *language, struct error *err);
void ids_put_rules(const struct ruleset *r, const struct ids_language *language, FILE *out);
/* The number of the rule set's first rule, and how many there are. */
unsigned ids_first_number(const struct ruleset *r);
size_t ids_rule_count(const struct ruleset *r);
/* "16 03 01" */
void ids_put_hex(const struct pattern_test *test, FILE *out);
#endif
