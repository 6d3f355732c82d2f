/* The table of subcommands, and the only way out: main's return. */
#include "cmd.h"

const struct subcommand *const subcommands[] = {
	&subcommand_read,
	&subcommand_live,
	&subcommand_top,
	&subcommand_doctor,
	&subcommand_show,
	&subcommand_report,
	&subcommand_chart,
	&subcommand_compare,
	&subcommand_merge,
	&subcommand_verify,
	&subcommand_score,
	&subcommand_rules,
	&subcommand_self_test,
	&subcommand_train,
	&subcommand_man,
	&subcommand_completion,
	NULL,
};

const struct command program_command = {
	.name = "",
	.summary = "find the sockets that run a hidden peer-to-peer overlay",
	.usage = "COMMAND [options] ...",
	.details =
		"footsteps reads packets and answers, about a peer-to-peer voice overlay that hides behind "
		"random ports and encryption: which sockets run it, what its signalling costs, whom they "
		"talk to, and when somebody logs in. Classic Skype is the first protocol and the reference; "
		"BitTorrent, Gnutella, eDonkey, FastTrack and calls over RTP are found likewise, and every "
		"other flow is labelled by libndpi.\n"
		"\n"
		"It is passive: it never sends a packet, and it never stores payload bytes. The same packets "
		"give the same answer, however they are split into files.",
	.examples = "footsteps read -o campus.db monday.pcap.gz tuesday.pcapng\tanalyse saved captures as "
		    "one trace\n"
		    "footsteps show campus.db\twhat was found\n"
		    "footsteps report campus.db -o report/\tevery table and figure, as an HTML page\n",
};

const char program_files[] =
	"There is no configuration file but the one that\n.BR footsteps\\-live (1)\nis given with "
	"\\-\\-config.\n"
	"A database is an SQLite file that\n.BR sqlite3 (1)\nreads, its tables and columns documented "
	"in its schema.\n"
	"It is written under a temporary name beside the final one and renamed when\n"
	"it is complete; that of a live run can be read while it is written.\n";

int main(int argc, char **argv)
{
	return program_main(argc, argv);
}
