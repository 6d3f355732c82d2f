/* footsteps-peer: the table of subcommands, and the only way out: main's return. */
#include "cmd.h"
#include "peer/commands.h"

const struct subcommand *const subcommands[] = {
	&subcommand_trace, &subcommand_live, &subcommand_check, &subcommand_man, &subcommand_completion, NULL,
};

const struct command program_command = {
	.program = PROGRAM,
	.name = "",
	.summary = "classic Skype's traffic with known truth, made from scenarios",
	.usage = "COMMAND [options] ...",
	.details =
		"footsteps-peer plays scenarios: small text files that say who is there, how each is connected, "
		"and who starts, searches and calls when. Its parties speak the wire behaviour of classic Skype "
		"as real captures and papers show it: headers, sizes, order and times; what real clients encrypt "
		"is random. That is enough to try a monitor on, and of no use to a real network, which it never "
		"sends to.\n"
		"\n"
		"In virtual time it writes a capture, and beside it what happened in it: the truth that "
		"'footsteps score' compares a monitor's findings with. With real sockets it plays parties in a "
		"laboratory: on loopback, or in network namespaces without a way out.\n"
		"\n"
		"Scenarios that come with it are called by their names: first-login, day, campus ...; 'footsteps-peer "
		"check' lists them.",
	.examples =
		"footsteps-peer check first-login\twho does what when\n"
		"footsteps-peer trace first-login\twrites first-login.pcap and first-login.truth.db\n"
		"footsteps-peer trace my.scenario --seed 7\tthe same story once more, with other numbers\n",
};

const char program_files[] = "footsteps-peer has no configuration file.\n"
			     "Scenarios that come with it are in\n.I " PKGDATADIR "/scenarios\n"
			     "(or, if FOOTSTEPS_DATA is set, in\n.IR $FOOTSTEPS_DATA/scenarios );\n"
			     "their grammar is described there, in README.md.\n";

int main(int argc, char **argv)
{
	return program_main(argc, argv);
}
