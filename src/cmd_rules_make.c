/* footsteps rules: from options and databases to one rule set, and that in a format. */
#include "base/clock.h"
#include "cmd.h"
#include "cmd_output.h"
#include "cmd_rules.h"
#include "identify/record.h"
#include "rules/endpoints.h"
#include "rules/ways.h"
#include "store/open.h"
#include "views/escape.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROLES_TEXT    128U
#define EXPIRE_MAX_NS (366 * 86400 * NS_PER_S)

/* --- what the options mean --- */

/* name: NULL for the recommended one. */
static const struct block_strategy *strategy_named(const struct protocol *p, const char *name)
{
	if (!name)
		return p->strategy_count ? &p->strategies[p->recommended] : NULL;
	for (unsigned i = 0; i < p->strategy_count; i++)
		if (strcmp(p->strategies[i].name, name) == 0)
			return &p->strategies[i];
	return NULL;
}

static bool strategy_missing(const struct protocol *p, const char *name, struct error *err)
{
	char names[256] = "";
	size_t used = 0;

	for (unsigned i = 0; i < p->strategy_count && used < sizeof names; i++)
		used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
					 p->strategies[i].name);
	return error_set(err, EXIT_USAGE, "%s has no strategy '%s'; it has %s", p->name, name, names);
}

/* The first protocol that the options leave, and its strategy. */
static bool strategy_choose(struct ruleset *r, const struct rules_options *given, struct error *err)
{
	for (unsigned i = 0; i < protocol_count && !r->strategy; i++) {
		const struct protocol *p = protocols[i];
		if (given->protocol && strcmp(given->protocol, p->name) != 0)
			continue;
		r->protocol = p;
		r->strategy = strategy_named(p, given->strategy);
	}
	if (r->strategy)
		return true;
	if (given->protocol && given->strategy)
		return strategy_missing(r->protocol, given->strategy, err);
	return error_set(err, EXIT_INTERNAL, "no protocol has a strategy");
}

/* A name that no shell, file of rules or comment could take for something else; the format
 * knows more of it. */
static bool interface_check(const char *name, struct error *err)
{
	if (!interface_is_plain(name))
		return error_set(err, EXIT_USAGE,
				 "--interface: '%.80s' is no name of an interface: 1 to %u of the characters "
				 "A-Z a-z 0-9 _ . : / @ -, the first a letter, a digit or _",
				 name, INTERFACE_NAME_MAX);
	return true;
}

static int by_prefix(const void *a, const void *b)
{
	const struct ip_prefix *left = a, *right = b;
	int order = memcmp(left->ip.b, right->ip.b, sizeof left->ip.b);

	if (left->v4 != right->v4)
		return left->v4 ? -1 : 1;
	return order ? order : (left->bits > right->bits) - (left->bits < right->bits);
}

/* Sorted, and none within another one: firewalls refuse sets whose members overlap. */
static bool prefixes_make(struct ip_prefix **out, size_t *count, const struct option_list *texts,
			  const char *option, struct error *err)
{
	struct error why;
	size_t kept = 0;

	*count = 0;
	if (texts->count == 0)
		return true;
	if (texts->count > RULES_PREFIXES_MAX)
		return error_set(err, EXIT_USAGE, "--%s: at most %u", option, RULES_PREFIXES_MAX);
	struct ip_prefix *list = calloc(texts->count, sizeof *list);
	*out = list;
	if (!list)
		return error_memory(err, "the list of IP prefixes");
	for (size_t i = 0; i < texts->count; i++)
		if (!ip_prefix_parse(texts->items[i], &list[i], &why))
			return error_set(err, why.status, "--%s: %s", option, why.text);
	/* A prefix sorts before all that it holds, and nothing that it does not hold comes between. */
	qsort(list, texts->count, sizeof *list, by_prefix);
	for (size_t i = 0; i < texts->count; i++)
		if (kept == 0 || list[kept - 1].v4 != list[i].v4 ||
		    !ip_prefix_has(&list[kept - 1], &list[i].ip))
			list[kept++] = list[i];
	*count = kept;
	return true;
}

static bool limits_check(const struct ruleset *r, const struct rules_options *given, struct error *err)
{
	if (r->interface && !interface_check(r->interface, err))
		return false;
	if (r->direction != RULE_BOTH && !ruleset_has_direction(r))
		return error_set(err, EXIT_USAGE,
				 "--direction %s: out of what, into what? Name the side with %s--internal "
				 "(out comes from there)",
				 rule_direction_names[r->direction],
				 given->try ? "" : "--interface (out leaves through it) or ");
	if (given->expire_ns == 0)
		return true;
	if (r->strategy->kind == STRATEGY_PATTERNS)
		return error_set(err, EXIT_USAGE,
				 "--expire: strategy '%s' lists no addresses that could expire",
				 r->strategy->name);
	if (given->expire_ns < NS_PER_S || given->expire_ns > EXPIRE_MAX_NS || given->expire_ns % NS_PER_S)
		return error_set(err, EXIT_USAGE,
				 "--expire: whole seconds, from 1s to 366 days (1h, 30m, 90s)");
	return true;
}

bool rules_wanted_make(struct rules_wanted *w, const struct rules_options *given, struct error *err)
{
	*w = (struct rules_wanted){ 0 };
	struct ruleset *r = &w->set;

	r->direction = given->direction < 0 ? RULE_BOTH : (enum rule_direction)given->direction;
	r->action = given->action < 0 ? RULE_DROP : (enum rule_action)given->action;
	r->interface = given->interface;
	r->expire_ns = given->expire_ns;
	r->version = version_number();
	r->command = "";
	if (!strategy_choose(r, given, err) ||
	    !prefixes_make(&w->internal, &r->internal_count, &given->internal, "internal", err) ||
	    !prefixes_make(&w->never, &r->never_count, &given->never, "never", err))
		return false;
	r->internal = w->internal;
	r->never = w->never;
	return limits_check(r, given, err);
}

void rules_wanted_drop(struct rules_wanted *w)
{
	free(w->internal);
	free(w->never);
}

/* --- endpoints --- */

/* All runs of one database. */
static bool database_add(struct endpoint_list *list, const struct ruleset *r, const char *path,
			 struct error *err)
{
	sqlite3 *db = store_open_read(path, err);
	struct view v;
	bool ok = db && view_open(&v, db, path, 0, err);
	sqlite3_stmt *runs = ok ? query_open(&v, "SELECT run FROM runs ORDER BY run", err) : NULL;
	enum query_result result = QUERY_FAILED;

	while (runs && (result = query_step(&v, runs, err)) == QUERY_ROW) {
		v.run = sqlite3_column_int64(runs, 0);
		if (!endpoint_list_add(list, &v, r->protocol, r->strategy, err)) {
			result = QUERY_FAILED;
			break;
		}
	}
	sqlite3_finalize(runs);
	sqlite3_close(db);
	return result == QUERY_END;
}

bool rules_endpoints(struct endpoint_list *list, const struct ruleset *r, const char *const *databases,
		     size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (!database_add(list, r, databases[i], err))
			return false;
	endpoint_list_sort(list);
	return true;
}

/* "login, contact_list or supernode" */
static void role_names(unsigned roles, char out[ROLES_TEXT])
{
	size_t used = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < ROLE_COUNT && used < ROLES_TEXT; i++)
		if (roles >> i & 1)
			used += (size_t)snprintf(out + used, ROLES_TEXT - used, "%s%s",
						 used == 0          ? ""
						 : roles >> (i + 1) ? ", "
								    : " or ",
						 flow_role_names[i]);
}

static bool endpoints_make(struct endpoint_list *list, struct ruleset *r, const char *const *databases,
			   size_t count, struct error *err)
{
	const char *name = r->strategy->name, *others = count > 1 ? " and the others" : "";
	char roles[ROLES_TEXT];

	if (r->strategy->kind == STRATEGY_PATTERNS)
		return count == 0 ||
		       error_set(
			       err, EXIT_USAGE,
			       "strategy '%s' looks into packets and takes nothing from a database; what is "
			       "'%.200s' for? To see what it would stop: footsteps rules --try",
			       name, databases[0]);
	if (count == 0)
		return error_set(err, EXIT_USAGE,
				 "strategy '%s' needs to be told %s: name a database of 'footsteps read'",
				 name,
				 r->strategy->kind == STRATEGY_CLIENTS ? "the clients" : "the addresses");
	if (!rules_endpoints(list, r, databases, count, err))
		return false;
	r->endpoint = list->item;
	r->endpoint_count = list->count;
	if (list->count > 0)
		return true;
	if (r->strategy->kind == STRATEGY_CLIENTS)
		return error_set(
			err, EXIT_INPUT,
			"nothing to block: in %s%s is no recognised client socket of %s ('footsteps show %s "
			"clients' lists suspected ones, too)",
			databases[0], others, r->protocol->title, databases[0]);
	role_names(r->strategy->roles, roles);
	return error_set(
		err, EXIT_INPUT,
		"nothing to block: in %s%s is no flow of %s whose role is %s ('footsteps show %s labels' "
		"tells what there is)",
		databases[0], others, r->protocol->title, roles, databases[0]);
}

/* --- the command that is told in the head --- */

static void option_put(FILE *out, const char *option, const char *value)
{
	fprintf(out, " --%s ", option);
	shell_put(out, value);
}

static void prefixes_put(FILE *out, const char *option, const struct ip_prefix *list, size_t count)
{
	char text[IP_PREFIX_TEXT];

	for (size_t i = 0; i < count; i++) {
		ip_prefix_format(&list[i], text);
		option_put(out, option, text);
	}
}

/* Defaults are named, too: another version may have others. Not -o: the text is the same wherever it goes. */
static char *command_text(const struct ruleset *r, const struct rule_format *format,
			  const char *const *databases, size_t count)
{
	char *text = NULL;
	size_t size;
	bool dash = false;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("footsteps rules", out);
	option_put(out, "protocol", r->protocol->name);
	option_put(out, "strategy", r->strategy->name);
	option_put(out, "format", format->name);
	option_put(out, "action", rule_action_names[r->action]);
	if (ruleset_has_direction(r))
		option_put(out, "direction", rule_direction_names[r->direction]);
	if (r->interface)
		option_put(out, "interface", r->interface);
	prefixes_put(out, "internal", r->internal, r->internal_count);
	prefixes_put(out, "never", r->never, r->never_count);
	if (r->expire_ns)
		fprintf(out, " --expire %" PRId64 "s", r->expire_ns / NS_PER_S);
	for (size_t i = 0; i < count; i++)
		dash = dash || databases[i][0] == '-';
	if (dash)
		fputs(" --", out);
	for (size_t i = 0; i < count; i++) {
		fputc(' ', out);
		shell_put(out, databases[i]);
	}
	bool failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}

/* --- writing --- */

struct written {
	const struct ruleset *set;
	const struct rule_format *format;
};

static void written_put(const void *what, FILE *out)
{
	const struct written *w = what;

	w->format->write(w->set, out);
}

enum exit_status rules_make(const struct rules_options *given, const char *const *databases, size_t count)
{
	const struct rule_format *format = rule_formats[given->format < 0 ? 0 : given->format];
	struct endpoint_list endpoints = { 0 };
	struct rules_wanted wanted;
	struct error err;
	char *command = NULL;

	/* What cannot be said is told before any database is read. */
	bool ok = rules_wanted_make(&wanted, given, &err) && format->can(&wanted.set, &err) &&
		  endpoints_make(&endpoints, &wanted.set, databases, count, &err) &&
		  format->can(&wanted.set, &err);
	if (ok) {
		command = command_text(&wanted.set, format, databases, count);
		ok = command || error_memory(&err, "the command line");
	}
	if (ok) {
		wanted.set.command = command;
		const struct written written = { &wanted.set, format };
		ok = output_write(given->output ? given->output : "-", FILE_RULES, written_put, &written,
				  &err);
	}
	free(command);
	endpoint_list_drop(&endpoints);
	rules_wanted_drop(&wanted);
	return ok ? EXIT_COMPLETE : command_fail(&err);
}
