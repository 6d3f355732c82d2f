/* The options of an analysis in the manifest of its run, and back from there. See cmd_analysis.h. */
#include "base/clock.h"
#include "cmd_analysis.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- into the manifest --- */

/* Options whose values can hold an address, and say nothing that an analysis of pseudonyms could use: a
 * filter, where something listens, and commands. */
static const char *const withheld_options[] = { "filter", "http", "alerts" };

struct texts {
	struct option_list list; /* of the allocated items */
	struct error *err;
};

static bool texts_add(struct texts *t, const char *text)
{
	const char **items = realloc(t->list.items, (t->list.count + 1) * sizeof *items);
	char *copy = strdup(text);

	if (items)
		t->list.items = items;
	if (!items || !copy) {
		free(copy);
		return error_memory(t->err, "the list of options");
	}
	items[t->list.count++] = copy;
	return true;
}

static void list_drop(struct option_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free((void *)(uintptr_t)list->items[i]);
	free(list->items);
	*list = (struct option_list){ NULL, 0 };
}

static bool add_net(void *self, const struct ip_prefix *p)
{
	char text[IP_PREFIX_TEXT];

	ip_prefix_format(p, text);
	return texts_add(self, text);
}

static bool add_wishes(struct texts *t, const struct activity_wishes *w)
{
	char ip[IP_TEXT], text[IP_TEXT + sizeof "[]:65535"];
	bool ok;

	snprintf(text, sizeof text, "%u", w->count);
	ok = texts_add(t, text);
	for (uint32_t i = 0; ok && i < w->used; i++) {
		bool v4 = ip_is_v4(&w->item[i].socket.ip);
		ip_format(&w->item[i].socket.ip, ip);
		snprintf(text, sizeof text, v4 ? "%s:%u" : "[%s]:%u", ip, (unsigned)w->item[i].socket.port);
		ok = texts_add(t, text);
	}
	return ok;
}

/* What is shown in place of the values of some options. */
struct stand_ins {
	const char *withheld;
	struct option_list withheld_list;
	struct texts nets, private_nets, activity;
};

static bool is_withheld(const struct option *o)
{
	for (size_t i = 0; i < sizeof withheld_options / sizeof withheld_options[0]; i++)
		if (strcmp(o->name, withheld_options[i]) == 0)
			return o->type == OPTION_TEXT ? *(const char *const *)o->value != NULL
						      : ((const struct option_list *)o->value)->count > 0;
	return false;
}

static void stand_in(struct option *o, struct stand_ins *with)
{
	if (strcmp(o->name, "local-net") == 0)
		o->value = &with->nets.list;
	else if (strcmp(o->name, "activity") == 0)
		o->value = &with->activity.list;
	else if (is_withheld(o))
		o->value = o->type == OPTION_TEXT ? (void *)&with->withheld : (void *)&with->withheld_list;
}

static char *manifest_of_pseudonyms(const struct command *command, struct stand_ins *with, struct error *err)
{
	struct option *options = calloc(command->option_count + 1, sizeof *options);
	struct command shown = *command;
	char *text;

	if (!options) {
		error_memory(err, "the list of options");
		return NULL;
	}
	memcpy(options, command->options, command->option_count * sizeof *options);
	for (size_t i = 0; i < command->option_count; i++)
		stand_in(&options[i], with);
	options[shown.option_count++] = (struct option){ .name = "private-net",
							 .type = OPTION_LIST,
							 .value = &with->private_nets.list };
	shown.options = options;
	text = options_json_text(&shown, err);
	free(options);
	return text;
}

char *analysis_manifest(const struct analysis *a, const struct command *command, struct error *err)
{
	const char *one[] = { ANALYSIS_WITHHELD };
	struct stand_ins with = { .withheld = one[0],
				  .withheld_list = { one, 1 },
				  .nets = { .err = err },
				  .private_nets = { .err = err },
				  .activity = { .err = err } };
	char *text = NULL;

	if (!a->pan)
		return options_json_text(command, err);
	if (netset_each(a->internal, add_net, &with.nets) &&
	    netset_each(a->private_nets, add_net, &with.private_nets) &&
	    add_wishes(&with.activity, &a->wishes))
		text = manifest_of_pseudonyms(command, &with, err);
	list_drop(&with.nets.list);
	list_drop(&with.private_nets.list);
	list_drop(&with.activity.list);
	return text;
}

/* --- and back --- */

/* Where the value of a key goes. */
struct known_option {
	const char *key;
	enum option_type type;
	size_t at;
};
#define KNOWN(key, type, field)                                                                              \
	{                                                                                                    \
		key, OPTION_##type, offsetof(struct analysis_given, field)                                   \
	}
static const struct known_option known_options[] = {
	KNOWN("activity", LIST, activity),
	KNOWN("asn", TEXT, asn),
	KNOWN("filter", TEXT, filter),
	KNOWN("flows", CHOICE, flows),
	KNOWN("geo", TEXT, geo),
	KNOWN("head", COUNT, head_bytes),
	KNOWN("local-net", LIST, local_nets),
	KNOWN("max-flows", COUNT, max_flows),
	KNOWN("max-pairs", COUNT, max_pairs),
	KNOWN("max-sockets", COUNT, max_sockets),
	KNOWN("ndpi-packets", COUNT, ndpi_packets),
	KNOWN("no-ndpi", FLAG, no_ndpi),
	KNOWN("private-net", LIST, private_nets),
	KNOWN("suspect-bits", NUMBER, suspect_bits),
	KNOWN("tunnels", FLAG, tunnels),
	KNOWN("verdict-bits", NUMBER, verdict_bits),
	KNOWN("voice-models", TEXT, voice_models),
};

/* idle_ns is a column of its own: exact, where seconds in JSON are not. Elements of lists in their order. */
static const char options_sql[] =
	"SELECT o.key, coalesce(i.type, o.type), coalesce(i.atom, o.atom), r.idle_ns "
	"FROM runs AS r, json_each(r.options) AS o "
	"LEFT JOIN json_each(CASE o.type WHEN 'array' THEN o.value ELSE '[]' END) AS i "
	"WHERE r.run = ?1 ORDER BY o.id, i.id";

static bool take_text(char **text, sqlite3_stmt *row, struct error *err)
{
	*text = strdup((const char *)sqlite3_column_text(row, 2));
	return *text || error_memory(err, "the options of the run");
}

/* One value; "null" is what is not set. */
static bool take(const struct known_option *known, struct analysis_given *given, sqlite3_stmt *row,
		 const char *type, struct error *err)
{
	void *into = (char *)given + known->at;
	struct texts list = { .err = err };
	const char *text = (const char *)sqlite3_column_text(row, 2);
	char *copy;

	switch (known->type) {
	case OPTION_FLAG:
		*(bool *)into = strcmp(type, "true") == 0;
		return true;
	case OPTION_TEXT:
		if (strcmp(type, "text") != 0 || !take_text(&copy, row, err))
			return strcmp(type, "text") != 0;
		free((void *)(uintptr_t) * (const char **)into);
		*(const char **)into = copy;
		return true;
	case OPTION_COUNT:
		*(uint64_t *)into = (uint64_t)sqlite3_column_int64(row, 2);
		return true;
	case OPTION_NUMBER:
		*(double *)into = sqlite3_column_double(row, 2);
		return true;
	case OPTION_CHOICE:
		*(int *)into = text && strcmp(text, "all") == 0;
		return true;
	case OPTION_LIST:
		if (strcmp(type, "text") != 0)
			return true;
		list.list = *(struct option_list *)into;
		bool ok = texts_add(&list, text);
		*(struct option_list *)into = list.list;
		return ok;
	case OPTION_DURATION:
		break;
	}
	return true;
}

static bool take_row(struct analysis_given *given, sqlite3_stmt *row, bool *anonymized, struct error *err)
{
	const char *key = (const char *)sqlite3_column_text(row, 0);
	const char *type = (const char *)sqlite3_column_text(row, 1);

	given->idle_ns = sqlite3_column_int64(row, 3);
	if (!key || !type)
		return true;
	if (strcmp(key, "anonymize") == 0)
		*anonymized = given->pseudonyms = strcmp(type, "text") == 0;
	for (size_t i = 0; i < sizeof known_options / sizeof known_options[0]; i++)
		if (strcmp(known_options[i].key, key) == 0)
			return take(&known_options[i], given, row, type, err);
	return true;
}

bool analysis_given_from(struct analysis_given *given, sqlite3 *db, int64_t run, bool *anonymized,
			 struct error *err)
{
	sqlite3_stmt *row = NULL;
	int result = sqlite3_prepare_v2(db, options_sql, -1, &row, NULL);
	bool ok = true, any = false;

	*given = (struct analysis_given)ANALYSIS_DEFAULTS;
	*anonymized = false;
	if (result == SQLITE_OK)
		result = sqlite3_bind_int64(row, 1, run);
	while (ok && result == SQLITE_OK && (result = sqlite3_step(row)) == SQLITE_ROW) {
		any = true;
		ok = take_row(given, row, anonymized, err);
		result = SQLITE_OK;
	}
	if (ok && result != SQLITE_DONE)
		ok = error_set(err, EXIT_INPUT, "the options of run %lld cannot be read: %s", (long long)run,
			       sqlite3_errmsg(db));
	else if (ok && !any)
		ok = error_set(err, EXIT_INPUT, "there is no run %lld, or it says nothing of its options",
			       (long long)run);
	sqlite3_finalize(row);
	if (!ok)
		analysis_given_free(given);
	return ok;
}

void analysis_given_free(struct analysis_given *given)
{
	for (size_t i = 0; i < sizeof known_options / sizeof known_options[0]; i++) {
		void *at = (char *)given + known_options[i].at;
		if (known_options[i].type == OPTION_LIST)
			list_drop(at);
		else if (known_options[i].type == OPTION_TEXT) {
			free((void *)(uintptr_t) * (const char **)at);
			*(const char **)at = NULL;
		}
	}
}
