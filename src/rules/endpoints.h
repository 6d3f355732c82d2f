/* Endpoints for STRATEGY_SERVERS and STRATEGY_CLIENTS, from databases. */
#ifndef FS_RULES_ENDPOINTS_H
#define FS_RULES_ENDPOINTS_H
#include "rules/rules.h"
#include "views/query.h"

#define ENDPOINTS_MAX 65536U /* what `ipset` holds by default, and more than anybody looks through */

struct endpoint_list {
	struct rule_endpoint *item;
	size_t count, room;
};
/*
 * Adds what one run of a database holds for the strategy: responders of its flows in the strategy's roles
 * (whole addresses), or the sockets of recognised clients: the internal ones, or all where none is. A server
 * that is in `never` is left to the rule. EXIT_USAGE when there are more than ENDPOINTS_MAX. Call
 * endpoint_list_sort() at the end.
 */
bool endpoint_list_add(struct endpoint_list *list, const struct view *v, const struct protocol *protocol,
		       const struct block_strategy *strategy, struct error *err);
/* In order of address and port, each once. */
void endpoint_list_sort(struct endpoint_list *list);
void endpoint_list_drop(struct endpoint_list *list);
#endif
