/* Endpoints from databases; see endpoints.h. */
#include "rules/endpoints.h"
#include "identify/record.h"
#include <stdlib.h>
#include <string.h>

static const char servers_sql[] =
	"SELECT server_ip FROM flows WHERE run = :run AND protocol = :of AND role = :role "
	"UNION "
	"SELECT server_ip FROM exchanges "
	"WHERE run = :run AND protocol = :of AND replace(role, '-', '_') = :role";

/* A client outside counts only where none is inside: elsewhere it is somebody else's, beyond the firewall. */
static const char clients_sql[] =
	"SELECT ip, port FROM clients AS c WHERE run = :run AND protocol = :of AND verdict = :of AND "
	"(internal OR NOT EXISTS (SELECT 1 FROM clients WHERE run = :run AND protocol = :of AND verdict = :of "
	"AND internal))";

static bool list_put(struct endpoint_list *list, const struct rule_endpoint *endpoint, struct error *err)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		struct rule_endpoint *item = realloc(list->item, room * sizeof *item);
		if (!item)
			return error_memory(err, "the list of endpoints");
		list->item = item;
		list->room = room;
	}
	list->item[list->count++] = *endpoint;
	return true;
}

static bool list_bounded(struct endpoint_list *list, struct error *err)
{
	endpoint_list_sort(list);
	return list->count <= ENDPOINTS_MAX ||
	       error_set(err, EXIT_USAGE,
			 "more than %u endpoints are too many for a rule; name fewer databases, or take a "
			 "strategy that looks for patterns",
			 ENDPOINTS_MAX);
}

/*
 * 0.0.0.0 and :: are nobody's address (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.2), and all addresses
 * in a list of Snort (sfvar_ip_in4() of its sf_ipvar.cc): a forged packet would make a rule that stops
 * everything.
 */
static bool is_nobody(const struct ip *ip)
{
	static const uint8_t zero[16] = { 0 };
	const unsigned skip = ip_is_v4(ip) ? 12 : 0;

	return memcmp(ip->b + skip, zero, sizeof zero - skip) == 0;
}

/* A database comes from anybody: what is no address or port does not get into a rule. */
static bool row_put(struct endpoint_list *list, const struct view *v, sqlite3_stmt *stmt, bool port,
		    struct error *err)
{
	const char *text = query_text(stmt, 0);
	/* What is no number, whatever begins with digits, is 0. */
	int64_t number =
		port && sqlite3_column_type(stmt, 1) == SQLITE_INTEGER ? sqlite3_column_int64(stmt, 1) : 0;
	struct rule_endpoint endpoint;

	memset(&endpoint, 0, sizeof endpoint);
	if (!ip_parse(text, &endpoint.ip) || (port && (number < 1 || number > UINT16_MAX)))
		return error_set(err, EXIT_INPUT,
				 "%s holds '%.60s', port %lld, where an endpoint should be; is it damaged?",
				 v->path, text, (long long)number);
	if (is_nobody(&endpoint.ip))
		return true;
	endpoint.port = (uint16_t)number;
	/* Now and then: what several databases have in common counts once. */
	if (list->count >= 2 * ENDPOINTS_MAX && !list_bounded(list, err))
		return false;
	return list_put(list, &endpoint, err);
}

static bool rows_put(struct endpoint_list *list, const struct view *v, const struct protocol *protocol,
		     const char *role, struct error *err)
{
	sqlite3_stmt *stmt = query_open(v, role ? servers_sql : clients_sql, err);
	enum query_result result = QUERY_FAILED;

	if (stmt) {
		query_bind_text(stmt, ":of", protocol->name);
		if (role)
			query_bind_text(stmt, ":role", role);
		while ((result = query_step(v, stmt, err)) == QUERY_ROW)
			if (!row_put(list, v, stmt, !role, err)) {
				result = QUERY_FAILED;
				break;
			}
	}
	sqlite3_finalize(stmt);
	return result == QUERY_END && (list->count <= ENDPOINTS_MAX || list_bounded(list, err));
}

bool endpoint_list_add(struct endpoint_list *list, const struct view *v, const struct protocol *protocol,
		       const struct block_strategy *strategy, struct error *err)
{
	if (strategy->kind == STRATEGY_CLIENTS)
		return rows_put(list, v, protocol, NULL, err);
	for (unsigned role = 0; role < ROLE_COUNT; role++)
		if (strategy->kind == STRATEGY_SERVERS && strategy->roles >> role & 1 &&
		    !rows_put(list, v, protocol, flow_role_names[role], err))
			return false;
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct rule_endpoint *left = a, *right = b;
	int order = memcmp(left->ip.b, right->ip.b, sizeof left->ip.b);

	return order ? order : (left->port > right->port) - (left->port < right->port);
}

void endpoint_list_sort(struct endpoint_list *list)
{
	size_t kept = 0;

	if (list->count > 1)
		qsort(list->item, list->count, sizeof *list->item, by_address);
	for (size_t i = 0; i < list->count; i++)
		if (kept == 0 || by_address(&list->item[kept - 1], &list->item[i]) != 0)
			list->item[kept++] = list->item[i];
	list->count = kept;
}

void endpoint_list_drop(struct endpoint_list *list)
{
	free(list->item);
	*list = (struct endpoint_list){ 0 };
}
