/* footsteps rules: block rules: made, tried on recordings, and read back. */
#include "cmd_rules.h"
#include "cmd.h"
#include "rules/list.h"
#include "rules/readback.h"
#include <string.h>
#include <unistd.h>

#define WIDTH_OF_LIST 80U
#define NAMES_MAX     64U

static struct rules_options given = { .format = -1, .direction = -1, .action = -1 };
static int protocol_given = -1, strategy_given = -1; /* indices into the names below */

/* Filled from the registry by rules_command(), which everybody asks first. */
static const char *protocol_names[PROTOCOLS_MAX + 1], *strategy_names[NAMES_MAX + 1];

static const struct option options[] = {
	{ "strategy", 0, OPTION_CHOICE, &strategy_given, "NAME",
	  "What to look for. --list tells why each works, what it costs and how it is escaped.",
	  "the one that --list recommends", strategy_names },
	{ "protocol", 0, OPTION_CHOICE, &protocol_given, "NAME", "What to stop.",
	  "the first that has the strategy", protocol_names },
	{ "format", 0, OPTION_CHOICE, &given.format, "FORMAT", "For which firewall, filter or engine.", "nft",
	  rule_format_names },
	{ "action", 0, OPTION_CHOICE, &given.action, "ACTION",
	  "What happens to a packet that fits: drop; reject, which resets a TCP connection and answers UDP with "
	  "'port unreachable'; log, which tells and counts it, and count: with both it passes.",
	  "drop", rule_action_names },
	{ "interface", 'i', OPTION_TEXT, &given.interface, "IF",
	  "Only packets that leave through this interface (direction out) or come in by it (in): "
	  "its name where the rules will stand, such as eth0, em0 or GigabitEthernet0/1.",
	  NULL, NULL },
	{ "internal", 0, OPTION_LIST, &given.internal, "CIDR",
	  "Only packets that leave this network for another (direction out) or come into it (in).", NULL,
	  NULL },
	{ "direction", 0, OPTION_CHOICE, &given.direction, "WAY",
	  "Of which direction; out and in need --interface or --internal to tell them apart.", "both",
	  rule_direction_names },
	{ "never", 0, OPTION_LIST, &given.never, "CIDR",
	  "Addresses whose packets always pass, whatever else is said: it stands first in every rule set.",
	  NULL, NULL },
	{ "expire", 0, OPTION_DURATION, &given.expire_ns, "TIME",
	  "Addresses and client sockets drop out of the rules after this time (1h, 30m).", "never", NULL },
	{ "output", 'o', OPTION_TEXT, &given.output, "FILE",
	  "Write the rules to this file, whole or not at all. Older rules of footsteps are replaced; any other "
	  "file is not touched.",
	  "standard output", NULL },
	{ "list", 'l', OPTION_FLAG, &given.list, NULL,
	  "List the strategies with reason, cost and weakness, and which format can say which.", NULL, NULL },
	{ "try", 0, OPTION_FLAG, &given.try, NULL,
	  "Rehearse: what the strategies would have done to these captures and databases.", NULL, NULL },
	{ "seen", 0, OPTION_LIST, &given.seen, "DATABASE",
	  "With --try: the addresses and clients that were known beforehand, as rules made from this database "
	  "know them.",
	  "what the recording itself has shown by then", NULL },
	{ "all", 0, OPTION_FLAG, &given.all, NULL, "With --try: every flow that is hit, not some of them.",
	  NULL, NULL },
	{ "readback", 0, OPTION_TEXT, &given.readback, "FILE",
	  "What rules that count have met: reads the output of 'nft -j list ruleset'; '-' is standard input.",
	  NULL, NULL },
	{ "json", 'j', OPTION_FLAG, &given.json, NULL,
	  "With --list, --try and --readback: JSON, one object per line, whose 'row' says what it is.", NULL,
	  NULL },
};

static const struct command command = {
	.name = "rules",
	.summary = "make block rules, rehearse them on recordings, and read back what they met",
	.usage = "[options] [DATABASE|CAPTURE|DIRECTORY ...]",
	.details =
		"Prints rules that stop a protocol, for a firewall, a filter or an intrusion prevention system. "
		"With --list, --try or --readback it makes none, but helps to decide on them.\n\n"
		"A strategy says what is looked for: patterns in single packets; or addresses, or client sockets, "
		"which come from databases of 'footsteps read'. Rules mean the same in every format: a packet is "
		"acted upon when it is of no --never address, goes in the --direction, and fits the strategy, over "
		"IPv4 and IPv6. A format that cannot say this refuses and tells why; one that is narrower, or (as "
		"engines that look into tunnels) judges other packets than these, says so. At the head of the "
		"rules stands what loads them and what removes them.\n\n"
		"The four bytes that Baset and Schulzrinne block, 22 3 1 0, begin short TLS hellos, too: in 326 "
		"recorded captures they break 206 of 452 TLS flows. The strategy 'combined' stops all 9 logins "
		"and contact lists in these, and hits no other flow.\n\n"
		"No rule should drop a packet before it is known what it hits. Step by step:\n\n"
		"1. Choose. The list tells why a strategy works, what it costs, and how it is escaped.\n\n"
		"  footsteps rules --list\n\n"
		"2. Rehearse, on captures of your own network: which logins each strategy stops, which escape and "
		"how, and which flows of others it hits.\n\n"
		"  footsteps rules --try monday.pcap tuesday.pcap\n\n"
		"A capture is read into a private database that is not kept; of a directory, every capture below "
		"it. Each is a recording of its own, so that packets have the numbers that Wireshark shows. "
		"Databases of 'footsteps read --flows all' do as well.\n\n"
		"3. Count. With --action count (or log) the rules let everything pass:\n\n"
		"  footsteps rules --action count -o count.nft\n"
		"  nft -f count.nft\n\n"
		"4. Read back, after a day or a week, what would have been stopped:\n\n"
		"  nft -j list ruleset | footsteps rules --readback -\n\n"
		"5. Drop. The same rules with --action drop take the place of those that counted:\n\n"
		"  footsteps rules --action drop -o drop.nft\n"
		"  nft -f drop.nft\n\n"
		"6. Remove, with the command at the head of the rules:\n\n"
		"  nft delete table inet footsteps_skype_combined\n\n"
		"Rules that are loaded twice are there once. Lists of addresses grow old: give them an --expire, "
		"and make them again from a new database. Whom nothing may ever hit belongs in --never.\n\n"
		"The same options and databases make the same text, byte for byte.",
	.examples =
		"footsteps rules --list\twhat there is to choose from\n"
		"footsteps rules --try captures/\trehearse all strategies, on every capture of a directory\n"
		"footsteps rules --action count -i eth0 > count.nft\tthe best strategy, only counting\n"
		"footsteps rules --internal 10.0.0.0/8 --direction out --never 10.0.0.9\twhat leaves a network, but "
		"for one host\n"
		"footsteps rules --format iptables -o rules.sh && sh rules.sh\tfor iptables and ip6tables\n"
		"footsteps rules --strategy addresses --expire 12h campus.db | nft -f -\tservers that were seen\n"
		"footsteps rules --strategy clients --format iptables campus.db\tisolate the clients that were found\n"
		"nft -j list ruleset | footsteps rules --readback -\twhat counting rules have met\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

static void name_add(const char **names, unsigned most, const char *name)
{
	unsigned i = 0;

	while (i < most && names[i] && strcmp(names[i], name) != 0)
		i++;
	if (i < most)
		names[i] = name;
}

static const struct command *rules_command(void)
{
	for (unsigned i = 0; i < protocol_count; i++)
		for (unsigned s = 0; s < protocols[i]->strategy_count; s++) {
			name_add(protocol_names, PROTOCOLS_MAX, protocols[i]->name);
			name_add(strategy_names, NAMES_MAX, protocols[i]->strategies[s].name);
		}
	return &command;
}

/* What a mode has no use for. */
struct useless {
	bool given;
	const char *option, *why;
};

static bool useless_check(const char *mode, const struct useless *list, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].given)
			return error_set(err, EXIT_USAGE, "%s does not go with --%s: %s", list[i].option,
					 mode, list[i].why);
	return true;
}

/* Neither --list, --try nor --readback makes rules. */
static bool makes_nothing(const char *mode, struct error *err)
{
	static const char why[] = "it makes no rules";
	const struct useless list[] = {
		{ given.format >= 0, "--format", why },
		{ given.action >= 0, "--action", why },
		{ given.expire_ns != 0, "--expire", why },
		{ given.output != NULL, "--output", "it prints to standard output" },
	};

	return useless_check(mode, list, sizeof list / sizeof list[0], err);
}

/* --list and --readback look at no packets. */
static bool judges_nothing(const char *mode, struct error *err)
{
	static const char why[] = "no packet is looked at";
	const struct useless list[] = {
		{ given.strategy != NULL, "--strategy", "it tells of all" },
		{ given.direction >= 0, "--direction", why },
		{ given.interface != NULL, "--interface", why },
		{ given.internal.count > 0, "--internal", why },
		{ given.never.count > 0, "--never", why },
	};

	return makes_nothing(mode, err) && useless_check(mode, list, sizeof list / sizeof list[0], err);
}

static bool check_modes(struct error *err)
{
	if (given.list + given.try + (given.readback != NULL) > 1)
		return error_set(err, EXIT_USAGE, "--list, --try and --readback exclude each other");
	if (given.output && !*given.output)
		return error_set(err, EXIT_USAGE, "-o names no file");
	if (!given.try && given.all)
		return error_set(err, EXIT_USAGE, "--all is for --try");
	if (!given.try && given.seen.count > 0)
		return error_set(err, EXIT_USAGE, "--seen is for --try; to make rules of %s, name it without",
				 given.seen.items[0]);
	if (given.json && !given.list && !given.try && !given.readback)
		return error_set(err, EXIT_USAGE,
				 "--json is for --list, --try and --readback; rules have a "
				 "--format");
	return true;
}

static enum exit_status list_run(size_t count, struct error *err)
{
	const struct protocol *only = NULL;
	unsigned width = command_width();

	if (count > 0)
		error_set(err, EXIT_USAGE, "--list takes no argument");
	if (count > 0 || !judges_nothing("list", err))
		return command_fail(err);
	for (unsigned i = 0; given.protocol && i < protocol_count; i++)
		if (strcmp(protocols[i]->name, given.protocol) == 0)
			only = protocols[i];
	if (given.json)
		rules_list_json(only, stdout);
	else if (!rules_list(only, width < WIDTH_OF_LIST ? width : WIDTH_OF_LIST, stdout, err))
		return command_fail(err);
	return EXIT_COMPLETE;
}

static enum exit_status readback_run(const char *const *arguments, size_t count, struct error *err)
{
	bool ok = judges_nothing("readback", err);

	if (ok && count > 0)
		ok = error_set(err, EXIT_USAGE, "--readback reads one file; what is '%.200s' for?",
			       arguments[0]);
	if (ok && given.protocol)
		ok = error_set(err, EXIT_USAGE, "--protocol does not go with --readback: it tells of all");
	if (ok && strcmp(given.readback, "-") == 0 && isatty(STDIN_FILENO))
		ok = error_set(err, EXIT_USAGE,
			       "standard input is a terminal; give it what nft prints: nft -j list ruleset | "
			       "footsteps rules --readback -");
	ok = ok &&
	     readback(given.readback, given.json ? SHOW_JSON : SHOW_TABLE, command_width(), stdout, err);
	return ok ? EXIT_COMPLETE : command_fail(err);
}

static enum exit_status rules_run(const char *const *arguments, size_t count)
{
	struct error err;

	given.protocol = protocol_given < 0 ? NULL : protocol_names[protocol_given];
	given.strategy = strategy_given < 0 ? NULL : strategy_names[strategy_given];
	if (!check_modes(&err))
		return command_fail(&err);
	if (given.list)
		return list_run(count, &err);
	if (given.readback)
		return readback_run(arguments, count, &err);
	if (given.try)
		return makes_nothing("try", &err) ? rules_try(&given, arguments, count) : command_fail(&err);
	return rules_make(&given, arguments, count);
}

const struct subcommand subcommand_rules = {
	.name = "rules",
	.summary = "block rules: made, rehearsed on recordings, read back",
	.command = rules_command,
	.run = rules_run,
};
