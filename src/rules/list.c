/* footsteps rules --list; see list.h. */
#include "rules/list.h"
#include "base/options.h"
#include "identify/record.h"
#include "views/escape.h"
#include "views/table.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_INDENT  2U
#define TEXT_INDENT   10U
#define REASON_INDENT 5U

/* A rule set with nothing but its strategy: what --strategy and --format alone ask for. */
static bool can_say(const struct rule_format *format, const struct protocol *protocol,
		    const struct block_strategy *strategy, struct error *why)
{
	const struct ruleset plain = {
		.protocol = protocol, .strategy = strategy, .command = "", .version = ""
	};

	why->text[0] = '\0';
	return format->can(&plain, why);
}

/* Whether the protocol has anything to list. */
static bool listed(const struct protocol *only, const struct protocol *p)
{
	return p->strategy_count > 0 && (!only || only == p);
}

/* --- for programs --- */

static void field_json(const char *name, const char *text, FILE *out)
{
	fprintf(out, ",\"%s\":", name);
	json_put(out, text);
}

static const char *kind_name(enum strategy_kind kind)
{
	switch (kind) {
	case STRATEGY_PATTERNS:
		return "patterns";
	case STRATEGY_SERVERS:
		return "servers";
	case STRATEGY_CLIENTS:
		return "clients";
	}
	return "";
}

static void strategy_json(const struct protocol *p, const struct block_strategy *s, FILE *out)
{
	const char *separator = "";

	fputs("{\"row\":\"strategy\"", out);
	field_json("protocol", p->name, out);
	field_json("strategy", s->name, out);
	field_json("kind", kind_name(s->kind), out);
	field_json("summary", s->summary, out);
	field_json("reason", s->reason, out);
	field_json("cost", s->cost, out);
	field_json("weakness", s->weakness, out);
	fputs(",\"patterns\":[", out);
	for (unsigned i = 0; i < p->pattern_count; i++)
		if (s->patterns >> i & 1) {
			fputs(separator, out);
			json_put(out, p->patterns[i].name);
			separator = ",";
		}
	fputs("],\"roles\":[", out);
	separator = "";
	for (unsigned i = 0; i < ROLE_COUNT; i++)
		if (s->roles >> i & 1) {
			fputs(separator, out);
			json_put(out, flow_role_names[i]);
			separator = ",";
		}
	fputs("]}\n", out);
}

static void pattern_json(const struct protocol *p, const struct packet_pattern *pattern, FILE *out)
{
	fputs("{\"row\":\"pattern\"", out);
	field_json("protocol", p->name, out);
	field_json("pattern", pattern->name, out);
	field_json("words", pattern->words, out);
	field_json("proto", pattern->l4 == IPPROTO_TCP ? "tcp" : "udp", out);
	fprintf(out, ",\"shortest\":%u,\"longest\":", pattern->shortest);
	if (pattern->longest)
		fprintf(out, "%u", pattern->longest);
	else
		fputs("null", out);
	fputs(",\"tests\":[", out);
	for (unsigned i = 0; i < pattern->test_count; i++) {
		const struct pattern_test *t = &pattern->test[i];
		fprintf(out, "%s{\"offset\":%u,\"bytes\":\"", i ? "," : "", t->offset);
		for (unsigned b = 0; b < t->length; b++)
			fprintf(out, "%02x", t->value[b]);
		fprintf(out, "\",\"differs\":%s}", t->differs ? "true" : "false");
	}
	fputs("]}\n", out);
}

static void expressible_json(const struct rule_format *format, const struct protocol *p,
			     const struct block_strategy *s, FILE *out)
{
	struct error why;
	bool can = can_say(format, p, s, &why);

	fputs("{\"row\":\"expressible\"", out);
	field_json("format", format->name, out);
	field_json("protocol", p->name, out);
	field_json("strategy", s->name, out);
	fprintf(out, ",\"can\":%s", can ? "true" : "false");
	field_json("why", can ? "" : why.text, out);
	fputs("}\n", out);
}

void rules_list_json(const struct protocol *protocol, FILE *out)
{
	for (unsigned i = 0; i < protocol_count; i++) {
		const struct protocol *p = protocols[i];
		if (!listed(protocol, p))
			continue;
		for (unsigned s = 0; s < p->strategy_count; s++)
			strategy_json(p, &p->strategies[s], out);
		for (unsigned n = 0; n < p->pattern_count; n++)
			pattern_json(p, &p->patterns[n], out);
	}
	for (unsigned f = 0; f < rule_format_count; f++) {
		fputs("{\"row\":\"format\"", out);
		field_json("format", rule_formats[f]->name, out);
		field_json("summary", rule_formats[f]->summary, out);
		fputs("}\n", out);
	}
	for (unsigned f = 0; f < rule_format_count; f++)
		for (unsigned i = 0; i < protocol_count; i++)
			for (unsigned s = 0;
			     listed(protocol, protocols[i]) && s < protocols[i]->strategy_count; s++)
				expressible_json(rule_formats[f], protocols[i], &protocols[i]->strategies[s],
						 out);
}

/* --- for people --- */

/* Name and summary of each, aligned. */
static bool pairs_print(const char *header, const char *words, size_t count,
			void (*nth)(const void *of, size_t n, const char **name, const char **summary),
			const void *of, unsigned width, FILE *out)
{
	const struct column columns[] = { { header, COLUMN_TEXT, FIT_KEEP, 0 },
					  { words, COLUMN_TEXT, FIT_WRAP, 0 } };
	struct table *t = table_new(columns, 2);
	const char *name, *summary;
	bool ok = t;

	for (size_t i = 0; ok && i < count; i++) {
		nth(of, i, &name, &summary);
		ok = table_add(t, name) && table_add(t, summary);
	}
	if (ok)
		table_print(t, out, width, FIELD_INDENT);
	table_free(t);
	return ok;
}

static void nth_strategy(const void *of, size_t n, const char **name, const char **summary)
{
	const struct protocol *p = of;

	*name = p->strategies[n].name;
	*summary = p->strategies[n].summary;
}

static void nth_format(const void *of, size_t n, const char **name, const char **summary)
{
	(void)of;
	*name = rule_formats[n]->name;
	*summary = rule_formats[n]->summary;
}

static void field_print(const char *name, const char *text, FILE *out)
{
	int at = fprintf(out, "%*s%s:", (int)FIELD_INDENT, "", name);

	options_wrap(out, text, TEXT_INDENT, at > 0 ? (size_t)at : 0);
}

static void strategies_print(const struct protocol *p, FILE *out)
{
	for (unsigned i = 0; i < p->strategy_count; i++) {
		const struct block_strategy *s = &p->strategies[i];
		fprintf(out, "\n%s\n", s->name);
		field_print("why", s->reason, out);
		field_print("cost", s->cost, out);
		field_print("escape", s->weakness, out);
	}
}

/* The reasons for "no", each once: many strategies fail for the same one. */
struct reasons {
	char **text;
	size_t count, room;
};

/* Its number from 1, or 0 when out of memory. */
static size_t reason_number(struct reasons *r, const char *format, const char *why)
{
	char *text;

	if (asprintf(&text, "%s: %s", format, why) < 0)
		return 0;
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->text[i], text) == 0) {
			free(text);
			return i + 1;
		}
	if (r->count == r->room) {
		size_t room = r->room ? r->room * 2 : 16;
		char **grown = realloc(r->text, room * sizeof *grown);
		if (!grown) {
			free(text);
			return 0;
		}
		r->text = grown;
		r->room = room;
	}
	r->text[r->count++] = text;
	return r->count;
}

static void reasons_print(const struct reasons *r, FILE *out)
{
	for (size_t i = 0; i < r->count; i++) {
		int at = fprintf(out, "%s%*s%zu", i ? "" : "\n", (int)FIELD_INDENT, "", i + 1);
		options_wrap(out, r->text[i], REASON_INDENT, at > 0 ? (size_t)at - (i == 0) : 0);
	}
}

static void reasons_free(struct reasons *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->text[i]);
	free(r->text);
}

static bool cell_add(struct table *t, const struct rule_format *format, const struct protocol *p,
		     const struct block_strategy *s, struct reasons *reasons)
{
	struct error why;
	char text[32];

	if (can_say(format, p, s, &why))
		return table_add(t, "yes");
	size_t number = reason_number(reasons, format->name, why.text);
	snprintf(text, sizeof text, "no %zu", number);
	return number > 0 && table_add(t, text);
}

static bool matrix_print(const struct protocol *p, unsigned width, FILE *out)
{
	struct column columns[TABLE_COLUMNS_MAX] = { { "strategy", COLUMN_TEXT, FIT_KEEP, 0 } };
	struct reasons reasons = { 0 };
	unsigned count = 1;

	for (unsigned f = 0; f < rule_format_count && count < TABLE_COLUMNS_MAX; f++)
		columns[count++] = (struct column){ rule_formats[f]->name, COLUMN_TEXT, FIT_KEEP, 0 };
	struct table *t = table_new(columns, count);
	bool ok = t;
	for (unsigned i = 0; ok && i < p->strategy_count; i++) {
		ok = table_add(t, p->strategies[i].name);
		for (unsigned f = 0; ok && f + 1 < count; f++)
			ok = cell_add(t, rule_formats[f], p, &p->strategies[i], &reasons);
	}
	if (ok) {
		table_print(t, out, width, FIELD_INDENT);
		reasons_print(&reasons, out);
	}
	table_free(t);
	reasons_free(&reasons);
	return ok;
}

static bool protocol_print(const struct protocol *p, unsigned width, FILE *out)
{
	fprintf(out, "%s (--protocol %s), '%s' is the strategy to take:\n\n", p->title, p->name,
		p->strategies[p->recommended].name);
	if (!pairs_print("strategy", "what it stops", p->strategy_count, nth_strategy, p, width, out))
		return false;
	strategies_print(p, out);
	fputs("\nWhich format can say which strategy:\n\n", out);
	if (!matrix_print(p, width, out))
		return false;
	fputc('\n', out);
	return true;
}

bool rules_list(const struct protocol *protocol, unsigned width, FILE *out, struct error *err)
{
	bool ok = true;

	for (unsigned i = 0; ok && i < protocol_count; i++)
		if (listed(protocol, protocols[i]))
			ok = protocol_print(protocols[i], width, out);
	if (ok) {
		fputs("Formats:\n\n", out);
		ok = pairs_print("format", "what it is", rule_format_count, nth_format, NULL, width, out);
	}
	return ok || error_memory(err, "the list");
}
