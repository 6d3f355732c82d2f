/* footsteps rules: what its files share. Their options are one table, in cmd_rules.c. */
#ifndef FS_CMD_RULES_H
#define FS_CMD_RULES_H
#include "base/options.h"
#include "rules/endpoints.h"

#define RULES_PREFIXES_MAX 4096U /* of --internal and of --never */

struct rules_options {
	const char *strategy, *protocol; /* NULL: not given */
	int format, direction, action;   /* likewise -1 */
	const char *interface, *output, *readback;
	struct option_list internal, never, seen;
	int64_t expire_ns; /* 0: not given */
	bool list, try, all, json;
};

/* A rule set, with the prefixes that it borrows. */
struct rules_wanted {
	struct ruleset set;
	struct ip_prefix *internal, *never;
};
/*
 * What the options mean, defaults filled in; everything but endpoints and the command. EXIT_USAGE: what does
 * not go together. rules_wanted_drop() frees it, also after a failure.
 */
bool rules_wanted_make(struct rules_wanted *w, const struct rules_options *given, struct error *err);
void rules_wanted_drop(struct rules_wanted *w);

/* The endpoints of all runs of the databases, for the protocol and the strategy of r; sorted. */
bool rules_endpoints(struct endpoint_list *list, const struct ruleset *r, const char *const *databases,
		     size_t count, struct error *err);

/* Prints one rule set, or writes it to --output. */
enum exit_status rules_make(const struct rules_options *given, const char *const *databases, size_t count);
/* --try. */
enum exit_status rules_try(const struct rules_options *given, const char *const *arguments, size_t count);
#endif
