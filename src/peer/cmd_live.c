/* footsteps-peer live: parties of a scenario over real sockets. tests/lab/run makes networks for them. */
#include "base/clock.h"
#include "peer/commands.h"
#include "peer/net_live.h"
#include "peer/role.h"
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define AT_MOST_S 4102444800U /* 2100-01-01: far from what 64 bits of nanoseconds hold */

static struct {
	bool all_outside, list, quiet;
	uint64_t at_s;
	int64_t lasts_ns;
} given;

static const struct option options[] = {
	{ "all-outside", 0, OPTION_FLAG, &given.all_outside, NULL,
	  "All parties that are not at the place of the capture.", NULL, NULL },
	{ "at", 0, OPTION_COUNT, &given.at_s, "SECONDS",
	  "When the scenario begins, in seconds since 1970-01-01 UTC as date +%s prints them, so that several "
	  "processes agree. Who only answers is there before.",
	  "now", NULL },
	{ "lasts", 0, OPTION_DURATION, &given.lasts_ns, "TIME", "End so long after the beginning.",
	  "as the scenario says", NULL },
	{ "list", 'l', OPTION_FLAG, &given.list, NULL,
	  "Play nothing; one line for each of the parties, and one for the scenario, with tabs between fields: "
	  "what a script needs to build their network.",
	  NULL, NULL },
	{ "quiet", 'q', OPTION_FLAG, &given.quiet, NULL, "Do not print what happens.", NULL, NULL },
};

static const struct command command = {
	.program = PROGRAM,
	.name = "live",
	.summary = "play parties of a scenario over real sockets",
	.usage = "[options] SCENARIO [PARTY ...]",
	.details =
		"Each party is bound to the address that the scenario gives it, which this machine must have: "
		"addresses of loopback (127.0.0.0/8), or in a network namespace without a way out, which "
		"tests/lab/run makes, private addresses and those of documentation. Nothing is ever sent to "
		"any other.\n"
		"\n"
		"PARTY is the name of a party or of a group of them, or a kind: client, supernode, node, "
		"login-server, list-server, version-server, name-server or relay. Without any, all are "
		"played.\n"
		"\n"
		"What happens is printed, a line each: seconds since the beginning, who, what.",
	.examples = "footsteps-peer live loopback.scenario\tall parties in one process\n"
		    "footsteps-peer live setups.scenario --at 1785000000 alice\tone of several processes\n"
		    "footsteps-peer live setups.scenario --list\tfor scripts\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

static const struct command *live_command(void)
{
	return &command;
}

/* --- which parties ------------------------------------------------------------------------------------- */

/* Members of group "n" are n1, n2, ... A group's name does not end in a digit: "n1" is not that of n10. */
static bool party_is(const struct party *p, const char *word)
{
	size_t length = strlen(word);

	if (strcmp(p->name, word) == 0 || strcmp(party_kind_name(p->kind), word) == 0)
		return true;
	if (length == 0 || strchr("0123456789", word[length - 1]))
		return false;
	return strncmp(p->name, word, length) == 0 && p->name[length] != '\0' &&
	       strspn(p->name + length, "0123456789") == strlen(p->name + length);
}

struct chosen {
	const struct party **party; /* first those that answer, then the clients */
	size_t count, clients;
};

static bool wants(const struct party *p, const char *const *words, size_t count, bool *used)
{
	bool wanted = given.all_outside ? !p->inside : count == 0;

	for (size_t i = 0; i < count; i++)
		if (party_is(p, words[i]))
			wanted = used[i] = true;
	return wanted;
}

static void choose_kind(const struct scenario *s, bool clients, const char *const *words, size_t count,
			bool *used, struct chosen *out)
{
	for (size_t i = 0; i < s->parties; i++) {
		const struct party *p = &s->party[i];

		if ((p->kind == PARTY_CLIENT) != clients || !wants(p, words, count, used))
			continue;
		out->party[out->count++] = p;
		out->clients += clients;
	}
}

static bool choose(const struct scenario *s, const char *const *words, size_t count, struct chosen *out,
		   struct error *err)
{
	bool *used = calloc(count + 1, sizeof *used), fine = true;

	*out = (struct chosen){ .party = calloc(s->parties + 1, sizeof *out->party) };
	if (!used || !out->party) {
		free(used);
		return error_memory(err, "the parties");
	}
	choose_kind(s, false, words, count, used, out);
	choose_kind(s, true, words, count, used, out);
	for (size_t i = 0; i < count && fine; i++)
		if (!used[i])
			fine = error_set(err, EXIT_USAGE, "%s has no party, group or kind '%.80s'", s->path,
					 words[i]);
	free(used);
	if (fine && out->count == 0)
		return error_set(err, EXIT_USAGE,
				 "%s has no parties to play; a [population] is for '" PROGRAM " trace'",
				 s->path);
	return fine;
}

/* --- the list ------------------------------------------------------------------------------------------ */

static void list_print(const struct scenario *s, const struct chosen *chosen)
{
	static const char *const answers[] = { "accepts", "refers", "tcp", "nothing" };

	printf("scenario\t%s\t%" PRId64 "\t%s\n", s->name, s->lasts_ns / NS_PER_S,
	       s->local_net && s->local_net[0] ? s->local_net : "-");
	for (size_t i = 0; i < chosen->count; i++) {
		const struct party *p = chosen->party[i];
		char host[ENDPOINT_TEXT], public[ENDPOINT_TEXT];

		endpoint_format((struct endpoint){ p->address.ip, 0 }, host);
		endpoint_format((struct endpoint){ p->public_ip, 0 }, public);
		printf("%s\t%s\t%s\t%s\t%u\t%s\t%s\t%" PRId64 "\t%" PRId64 "\t%s\n", party_kind_name(p->kind),
		       p->name, p->inside ? "inside" : "outside", host, p->address.port, public,
		       network_name(p->network), p->distance_ns / NS_PER_MS, p->jitter_ns / NS_PER_MS,
		       answers[p->answers]);
	}
}

/* --- playing ------------------------------------------------------------------------------------------- */

static volatile int stop;

static void on_signal(int number)
{
	stop = number;
}

/* What was not as it should be, for people. */
static void counts_print(const struct net *net)
{
	const struct live_counts *c = net_live_counts(net);
	const struct {
		uint64_t count;
		const char *what;
	} rows[] = {
		{ c->strangers, "from addresses outside of the laboratory" },
		{ c->oversized, "datagrams that were too long" },
		{ c->unsent, "datagrams that could not be sent" },
		{ c->turned_away, "connections too many" },
		{ c->overflowed, "connections whose other end did not read" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].count > 0)
			fprintf(stderr, PROGRAM ": %" PRIu64 " %s\n", rows[i].count, rows[i].what);
}

static bool cast_run(struct net *net, struct cast *const *casts, int64_t until_ns, struct error *err)
{
	if (!net_live_run(net, until_ns, &stop, err))
		return false;
	for (size_t i = 0; i < 2; i++)
		if (casts[i] && cast_failed(casts[i])) {
			if (err)
				*err = *cast_failed(casts[i]);
			return false;
		}
	return true;
}

/* Who answers is there at once, clients come when the scenario begins: nobody asks before he is answered. */
static bool play(const struct scenario *s, const struct chosen *chosen, struct net *net, struct error *err)
{
	struct cast *casts[2] = { NULL, NULL };
	size_t servers = chosen->count - chosen->clients;
	int64_t lasts = given.lasts_ns ? given.lasts_ns : s->lasts_ns;
	bool fine = true;

	if (servers > 0) {
		casts[0] = cast_new(s, chosen->party, servers, net, s->seed, err);
		fine = casts[0] != NULL;
	}
	fine = fine && cast_run(net, casts, s->begins_ns, err);
	if (fine && chosen->clients > 0 && !stop) {
		casts[1] = cast_new(s, chosen->party + servers, chosen->clients, net, s->seed, err);
		fine = casts[1] != NULL;
	}
	fine = fine && cast_run(net, casts, s->begins_ns + lasts, err);
	net_live_tell_ends(net);
	cast_free(casts[1]);
	cast_free(casts[0]);
	return fine;
}

static enum exit_status live_run(const char *const *arguments, size_t count)
{
	struct error err = { .status = EXIT_USAGE, .text = "which scenario? See '" PROGRAM " live --help'" };
	struct scenario *s = count > 0 ? scenario_open(arguments[0], &err) : NULL;
	struct chosen chosen = { NULL, 0, 0 };
	struct net *net = NULL;
	bool fine = s && choose(s, arguments + 1, count - 1, &chosen, &err);

	if (fine && given.at_s > AT_MOST_S)
		fine = error_set(&err, EXIT_USAGE,
				 "--at %" PRIu64 " is not a time; give what date +%%s prints", given.at_s);
	if (fine && given.list) {
		list_print(s, &chosen);
	} else if (fine) {
		command_catch_signals(on_signal);
		net = net_live_new(s, given.at_s ? (int64_t)given.at_s * NS_PER_S : net_live_today(), &err);
		fine = net != NULL;
		if (fine && !given.quiet)
			net_live_print_to(net, stdout);
		fine = fine && play(s, &chosen, net, &err);
		if (fine)
			counts_print(net);
	}
	net_live_free(net);
	free(chosen.party);
	scenario_free(s);
	return fine ? EXIT_COMPLETE : command_fail(&err);
}

const struct subcommand subcommand_live = {
	.name = "live",
	.summary = "play parties of a scenario over real sockets",
	.command = live_command,
	.run = live_run,
};
