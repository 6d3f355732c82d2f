/* footsteps self-test: how often the dissectors cry at traffic that is none of theirs. */
#include "base/progress.h"
#include "cmd.h"
#include "identify/sockets.h"
#include "store/null_judge.h"
#include "views/null_report.h"
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define WIDTH 80U

static struct {
	bool json, quiet;
	uint64_t datagrams, seed;
} given = { .datagrams = 1000000, .seed = 1 };

static const struct option options[] = {
	{ .name = "datagrams",
	  .letter = 'n',
	  .type = OPTION_COUNT,
	  .value = &given.datagrams,
	  .argument = "N",
	  .help = "How many to generate (1M, 200k). Ten times as many make the intervals three times "
		  "narrower, and ten times where nothing is found.",
	  .shown_default = "1000000" },
	{ .name = "seed",
	  .type = OPTION_COUNT,
	  .value = &given.seed,
	  .argument = "N",
	  .help = "Other traffic of the same kinds. The same seed gives the same result.",
	  .shown_default = "1" },
	{ .name = "json",
	  .letter = 'j',
	  .type = OPTION_FLAG,
	  .value = &given.json,
	  .help = "One JSON object per line: run, dissectors, protocols, traffic, and which dissector found "
		  "evidence in which traffic." },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .value = &given.quiet,
	  .help = "No progress line." },
};

static const struct command command = {
	.name = "self-test",
	.summary = "measure the dissectors' false alarms",
	.usage = "[options]",
	.details = "Shows generated traffic to the dissectors, through the same calls that 'footsteps read' "
		   "makes, and counts what they find in it: random bytes over UDP and TCP, RTP, SRTP, DTLS, "
		   "QUIC, DNS, DNSCrypt, WireGuard, STUN, BitTorrent DHT and uTP, TLS. Payloads have 1 to "
		   "1400 bytes; each internal socket talks to up to 16 peers. No capture is read and nothing "
		   "is written. libndpi is not asked: it could only speak against a socket.\n"
		   "\n"
		   "Two things are tested. Each has a budget, and whatever exceeds it is a defect of "
		   "footsteps.\n"
		   "\n"
		   "Dissectors, on random payload: evidence of b bits claims that something else looks like "
		   "this at most once in 2^b. 'promised' is the rate that belongs to the lightest evidence "
		   "found. A dissector fails when evidence of any weight is more frequent than promised, by "
		   "more than chance allows: the whole 95 % interval (Clopper-Pearson) is above. Where "
		   "nothing was found, nothing can be held against it ('-'), and the interval says how rare "
		   "it is at least. The promise is about random payload alone: constants and counters of "
		   "other protocols are no chance, and are tested by their effect:\n"
		   "\n"
		   "Protocols, on all traffic that is not their own: budget none. One socket recognised (20 "
		   "bits), one flow labelled or one login reported fails. Suspected sockets (10 bits) are "
		   "counted. Traffic of a protocol's own is left out of its row: what it makes of BitTorrent "
		   "is no false alarm of 'bittorrent'.\n"
		   "\n"
		   "The datagrams of a socket stand and fall together, so the honest unit is the socket. The "
		   "rate per datagram is given as well, to compare with tools that label single datagrams.\n"
		   "\n"
		   "Generated traffic shows what chance does, and what a field at an unlucky place does. It "
		   "is not all that networks carry: the captures of the test suite are the other half of "
		   "this test.\n"
		   "\n"
		   "Exit status: 0 when all are within budget, 5 when one is not.",
	.examples = "footsteps self-test\ta million datagrams: less than a second\n"
		    "footsteps self-test -n 100M --seed 7\tmore, and others\n"
		    "footsteps self-test --json | jq 'select(.row == \"dissector\")'\tfor a program\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

static enum exit_status test(struct null_account *account)
{
	struct error err;
	struct null_test_options wanted = {
		.datagrams = given.datagrams,
		.seed = given.seed,
		.verdict_bits = VERDICT_BITS_DEFAULT,
		.suspect_bits = SUSPECT_BITS_DEFAULT,
		.progress = progress_new_packets("testing", given.datagrams,
						 !given.quiet && isatty(STDERR_FILENO)),
	};

	bool ok = null_test_run(&wanted, account, &err);
	progress_free(wanted.progress);
	if (ok && given.json)
		null_report_json(account, given.seed, stdout);
	else if (ok)
		ok = null_report_tables(account, given.seed, stdout, WIDTH, &err);
	if (!ok)
		return command_fail(&err);
	return null_judge_all(account) ? EXIT_COMPLETE : EXIT_INTERNAL;
}

static enum exit_status self_test(const char *const *arguments, size_t count)
{
	struct error err;

	(void)arguments;
	if (count > 0) {
		error_set(&err, EXIT_USAGE,
			  "self-test reads no file: it generates its traffic\n"
			  "see 'footsteps self-test --help'");
		return command_fail(&err);
	}
	if (given.datagrams == 0 || given.datagrams > NULL_DATAGRAMS_MAX) {
		error_set(&err, EXIT_USAGE, "--datagrams %" PRIu64 ": it must be between 1 and %" PRIu64,
			  given.datagrams, NULL_DATAGRAMS_MAX);
		return command_fail(&err);
	}
	struct null_account *account = malloc(sizeof *account);
	if (!account) {
		error_memory(&err, "the self-test");
		return command_fail(&err);
	}
	enum exit_status status = test(account);
	free(account);
	return status;
}

static const struct command *describe(void)
{
	return &command;
}

const struct subcommand subcommand_self_test = { .name = "self-test",
						 .summary =
							 "the dissectors' false alarms, on generated traffic",
						 .command = describe,
						 .run = self_test };
