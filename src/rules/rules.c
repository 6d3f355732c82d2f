/* What all formats share: the rule set's names and parts, and the head of the output. See rules.h. */
#include "rules/rules.h"
#include <string.h>

#define COMMENT_WIDTH 78U

const char *const rule_direction_names[] = { "both", "out", "in", NULL };
const char *const rule_action_names[] = { "drop", "reject", "log", "count", NULL };

const struct packet_pattern *ruleset_pattern(const struct ruleset *r, unsigned nth)
{
	for (unsigned i = 0; i < r->protocol->pattern_count; i++)
		if (r->strategy->patterns >> i & 1 && nth-- == 0)
			return &r->protocol->patterns[i];
	return NULL;
}

unsigned pattern_tests_end(const struct packet_pattern *p)
{
	unsigned end = 0;

	for (unsigned i = 0; i < p->test_count; i++)
		if (end < (unsigned)p->test[i].offset + p->test[i].length)
			end = (unsigned)p->test[i].offset + p->test[i].length;
	return end;
}

bool ruleset_has_direction(const struct ruleset *r)
{
	return r->interface || r->internal_count > 0;
}

void ruleset_name(const struct ruleset *r, char out[RULESET_NAME])
{
	snprintf(out, RULESET_NAME, "footsteps_%s_%s", r->protocol->name, r->strategy->name);
	for (char *c = out; *c; c++)
		if (*c == '-')
			*c = '_';
}

bool ruleset_has_family(const struct ruleset *r, bool v4)
{
	if (r->strategy->kind == STRATEGY_PATTERNS)
		return true;
	for (size_t i = 0; i < r->endpoint_count; i++)
		if (ip_is_v4(&r->endpoint[i].ip) == v4)
			return true;
	return false;
}

void rules_comment(const char *comment, const char *text, FILE *out)
{
	const size_t room = COMMENT_WIDTH - strlen(comment);
	size_t used = 0;

	while (*text) {
		size_t word = strcspn(text, " ");
		if (used > 0 && used + 1 + word > room) {
			fputc('\n', out);
			used = 0;
		}
		fputs(used > 0 ? " " : comment, out);
		fwrite(text, 1, word, out);
		used += word + (used > 0);
		text += word;
		text += strspn(text, " ");
	}
	if (used > 0)
		fputc('\n', out);
}

/* "# To load:" and its lines, each as it is to be typed. */
static void put_commands(const char *comment, const char *what, const char *commands, FILE *out)
{
	rules_comment(comment, what, out);
	for (const char *line = commands; *line;) {
		size_t length = strcspn(line, "\n");
		fprintf(out, "%s    %.*s\n", comment, (int)length, line);
		line += length + (line[length] == '\n');
	}
}

static void put_part(const char *comment, const char *what, const char *text, FILE *out)
{
	char line[2048];

	snprintf(line, sizeof line, "%s: %s", what, text);
	rules_comment(comment, line, out);
}

void rules_head_write(const struct ruleset *r, const struct rules_head *head, FILE *out)
{
	const char *comment = head->comment;
	char line[512];

	snprintf(line, sizeof line, "footsteps %s: %s, strategy %s: %s.", r->version, r->protocol->title,
		 r->strategy->name, r->strategy->summary);
	rules_comment(comment, line, out);
	put_part(comment, "Why", r->strategy->reason, out);
	put_part(comment, "Cost", r->strategy->cost, out);
	put_part(comment, "Escape", r->strategy->weakness, out);
	if (head->notes)
		rules_comment(comment, head->notes, out);
	put_commands(comment, "Made by:", r->command, out);
	if (head->load)
		put_commands(comment, "To load it, again or for the first time:", head->load, out);
	if (head->remove)
		put_commands(comment, "To remove it:", head->remove, out);
}
