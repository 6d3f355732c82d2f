/* footsteps-peer check: reads scenarios, and says who does what when. */
#include "base/clock.h"
#include "peer/commands.h"
#include "peer/version.h"
#include <inttypes.h>
#include <string.h>

static const struct command command = {
	.program = PROGRAM,
	.name = "check",
	.summary = "read scenarios, and print who does what when",
	.usage = "[options] [SCENARIO ...]",
	.details =
		"A scenario is read strictly: a word that is not known, a party that is not there, or a call of "
		"somebody who is not running is an error with its line, and nothing else is printed of that "
		"file. Without a scenario, those that come with the program are listed.",
	.examples = "footsteps-peer check\twhat comes with the program\n"
		    "footsteps-peer check first-login\tone of them\n"
		    "footsteps-peer check mine/*.scenario\tall of your own, before a class\n",
};

static void duration_put(int64_t ns)
{
	char text[DURATION_TEXT];

	duration_format(ns, text);
	printf("%10s", text);
}

/* Members of a group stand next to each other, and differ in their numbers alone. */
static size_t alike(const struct scenario *s, size_t first)
{
	const struct party *p = &s->party[first];
	size_t stem = strcspn(p->name, "0123456789"), count = 1;

	while (p->name[stem] && first + count < s->parties) {
		const struct party *q = &s->party[first + count];
		char name[PARTY_NAME_MAX + 24];
		snprintf(name, sizeof name, "%.*s%zu", (int)stem, p->name, count + 1);
		if (q->kind != p->kind || q->inside != p->inside || strcmp(q->name, name) != 0)
			break;
		count++;
	}
	return count;
}

#define GROUP_NAME (2 * PARTY_NAME_MAX + 2)

/* "n1-n20" */
static const char *party_words(const struct scenario *s, size_t first, size_t count, char out[GROUP_NAME])
{
	snprintf(out, GROUP_NAME, "%s%s%s", s->party[first].name, count > 1 ? "-" : "",
		 count > 1 ? s->party[first + count - 1].name : "");
	return out;
}

/* As the words of a scenario are. */
static void party_put(const struct scenario *s, size_t first, size_t count)
{
	static const char *const answers[] = { "accepts", "refers", "answers over tcp", "dead" };
	static const char *const networks[] = { "public", "port-restricted", "udp-restricted" };
	const struct party *p = &s->party[first];
	size_t dead = 0;

	if (count > 1) {
		for (size_t i = first; i < first + count; i++)
			dead += s->party[i].answers == ANSWERS_NOTHING;
		printf("%zu %ss, %zu dead", count, party_kind_name(p->kind), dead);
	} else {
		printf("%s%s%s", party_kind_name(p->kind), p->version ? " " : "",
		       p->version ? p->version->name : "");
		if (p->kind == PARTY_SUPERNODE || p->kind == PARTY_NODE)
			printf(", %s", answers[p->answers]);
	}
	fputs(p->inside ? " inside" : "", stdout);
	if (p->kind == PARTY_CLIENT || p->network != NETWORK_PUBLIC)
		printf(", %s", networks[p->network]);
	putchar('\n');
}

static void parties_print(const struct scenario *s)
{
	size_t count, names = strlen("party"), addresses = strlen("address");
	char address[ENDPOINT_TEXT], name[GROUP_NAME];

	for (size_t i = 0; i < s->parties; i += count) {
		count = alike(s, i);
		size_t width = strlen(party_words(s, i, count, name));
		names = width > names ? width : names;
		endpoint_format(s->party[i].address, address);
		width = strlen(address);
		addresses = width > addresses ? width : addresses;
	}
	printf("\n  %-*s  %-*s  is\n", (int)names, "party", (int)addresses, "address");
	for (size_t i = 0; i < s->parties; i += count) {
		count = alike(s, i);
		endpoint_format(s->party[i].address, address);
		printf("  %-*s  %-*s  ", (int)names, party_words(s, i, count, name), (int)addresses, address);
		party_put(s, i, count);
	}
}

static void event_print(const struct event *e)
{
	static const char *const verbs[] = { "starts", "quits", "searches", "calls", "invites", "holds" };
	char text[DURATION_TEXT];

	duration_put(e->at_ns);
	printf("  %s %s", e->who->name, verbs[e->verb]);
	if (e->whom)
		printf(" %s", e->whom->name);
	if (e->verb == VERB_SEARCHES && !e->found)
		printf(" in vain");
	if (e->for_ns) {
		duration_format(e->for_ns, text);
		printf(" for %s", text);
	}
	if (e->via)
		printf(" via %s", e->via->name);
	if (e->verb == VERB_CALLS || e->verb == VERB_INVITES)
		printf(" over %s", e->over_tcp ? "tcp" : "udp");
	putchar('\n');
}

static void scenario_print(const struct scenario *s)
{
	char begins[UTC_TEXT], lasts[DURATION_TEXT];

	utc_format(s->begins_ns, begins);
	duration_format(s->lasts_ns, lasts);
	/* A scenario begins at a whole second. */
	printf("%s: %s\n  begins %.19sZ, lasts %s, seed %" PRIu64 "%s%s\n", s->name,
	       *s->title ? s->title : "no title", begins, lasts, s->seed,
	       *s->local_net ? "\n  inside is " : "", s->local_net);
	if (s->population)
		printf("  a population\n");
	if (s->parties)
		parties_print(s);
	if (s->events)
		printf("\n%10s  what happens\n", "after");
	for (size_t i = 0; i < s->events; i++)
		event_print(&s->event[i]);
}

static void shipped_print(const char *name, void *self)
{
	struct error err;
	struct scenario *s = scenario_open(name, &err);

	(void)self;
	printf("%-20s %s\n", name, s ? s->title : err.text);
	scenario_free(s);
}

static enum exit_status check_run(const char *const *arguments, size_t count)
{
	enum exit_status status = EXIT_COMPLETE;
	struct error err;

	if (count == 0 && !scenario_shipped(shipped_print, NULL)) {
		error_set(
			&err, EXIT_INPUT,
			"the shipped scenarios are not there; is footsteps installed? $FOOTSTEPS_DATA says where");
		return command_fail(&err);
	}
	for (size_t i = 0; i < count; i++) {
		struct scenario *s = scenario_open(arguments[i], &err);
		if (s && i > 0)
			putchar('\n');
		if (s)
			scenario_print(s);
		else
			status = command_fail(&err);
		scenario_free(s);
	}
	return status;
}

static const struct command *describe(void)
{
	return &command;
}

const struct subcommand subcommand_check = {
	.name = "check",
	.summary = "who does what when in a scenario",
	.command = describe,
	.run = check_run,
};
