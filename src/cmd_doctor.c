/* footsteps doctor: can this machine watch a link, how safely, and how does the monitor that runs? */
#include "cmd.h"
#include "live/doctor.h"
#include <stdlib.h>

static struct {
	struct option_list interfaces;
	const char *control, *output;
	bool json;
} given;

static const struct option options[] = {
	{ .name = "interface",
	  .letter = 'i',
	  .type = OPTION_LIST,
	  .value = &given.interfaces,
	  .argument = "NAME",
	  .help = "This one, again for more. It must be up.",
	  .shown_default = "all but the loopback" },
	{ .name = "output",
	  .letter = 'o',
	  .type = OPTION_TEXT,
	  .value = &given.output,
	  .argument = "DB",
	  .help = "Where the database would be: is there room, and may we write?",
	  .shown_default = "here" },
	{ .name = "control",
	  .type = OPTION_TEXT,
	  .value = &given.control,
	  .argument = "SOCKET",
	  .help = "Control socket of a monitor that runs: which layers of its sandbox are in force, from the "
		  "kernel and not from itself.",
	  .shown_default = "$RUNTIME_DIRECTORY/footsteps.sock, if set" },
	{ .name = "json",
	  .letter = 'j',
	  .type = OPTION_FLAG,
	  .value = &given.json,
	  .help = "The same as one JSON object: \"missing\", and \"findings\", each with \"part\", \"what\", "
		  "\"state\", \"says\" and \"advice\"." },
};

static const struct command command = {
	.name = "doctor",
	.summary = "what a live capture needs, and what is missing",
	.usage = "[options]",
	.details =
		"Asks the kernel, the build and the machine for what 'footsteps live' needs, and says what to "
		"do about what is missing. It changes nothing and captures nothing.\n"
		"\n"
		"'ok' is as it should be. 'note' does not stop a capture, but costs something: a library that is "
		"not built in, an interface that joins packets, a clock that nobody keeps. 'missing' stops it, or "
		"leaves it less safe than it could be.\n"
		"\n"
		"Sandbox. Before the first packet is parsed, a monitor gives up all capabilities, and the chance to "
		"get any by running a program (no new privileges); Landlock leaves it its own directories and no "
		"TCP; seccomp leaves it the system calls of its daily work: no program, no socket but Unix ones, "
		"no executable memory. Each layer is there when the kernel and the build have it.\n"
		"\n"
		"Offloads. A network card or driver may join TCP segments before anybody sees them (GRO, LRO), or "
		"split those of this machine after everybody has seen them (TSO, GSO). The capture then has "
		"packets larger than the link can carry, fewer of them, and other gaps. On a tap or mirror port, "
		"switch them off.\n"
		"\n"
		"Service. footsteps@.service, started as 'systemctl start footsteps@eth1', runs with CAP_NET_RAW "
		"alone, as a user that exists while it runs. 'systemd-analyze security' gives the unit 1.4 "
		"(0 is best, 10 worst).\n"
		"\n"
		"Exit status: 0 when nothing is missing, 3 when something is.",
	.examples = "footsteps doctor -i eth1 -o /var/lib/footsteps/campus.db\tbefore the first run\n"
		    "footsteps doctor --control /run/footsteps-eth1/footsteps.sock\ta monitor that runs\n"
		    "footsteps doctor --json | jq '.findings[] | select(.state == \"missing\")'\tfor a "
		    "program\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

static enum exit_status examine(const struct doctor_options *wanted)
{
	struct error err;
	struct doctor *d = doctor_new(wanted, &err);

	if (!d)
		return command_fail(&err);
	bool ok = true;
	if (given.json)
		doctor_json(d, stdout);
	else
		ok = doctor_print(d, stdout, command_width(), &err);
	enum exit_status status = doctor_missing(d) ? EXIT_INCOMPLETE : EXIT_COMPLETE;
	doctor_free(d);
	return ok ? status : command_fail(&err);
}

static enum exit_status doctor(const char *const *arguments, size_t count)
{
	const char *runtime = getenv("RUNTIME_DIRECTORY");
	struct error err;
	char socket[200];

	(void)arguments;
	if (count > 0) {
		error_set(
			&err, EXIT_USAGE,
			"doctor takes no argument; interfaces are named with -i\nsee 'footsteps doctor --help'");
		return command_fail(&err);
	}
	snprintf(socket, sizeof socket, "%s/footsteps.sock", runtime ? runtime : "");
	const char **names = calloc(given.interfaces.count + 1, sizeof *names);
	if (!names) {
		error_memory(&err, "the interfaces");
		return command_fail(&err);
	}
	for (size_t i = 0; i < given.interfaces.count; i++)
		names[i] = given.interfaces.items[i];
	const struct doctor_options wanted = {
		.interfaces = names,
		.control = given.control ? given.control
			   : runtime     ? socket
					 : NULL,
		.output = given.output,
	};
	enum exit_status status = examine(&wanted);
	free(names);
	return status;
}

static const struct command *describe(void)
{
	return &command;
}

const struct subcommand subcommand_doctor = {
	.name = "doctor", .summary = "what a live capture needs", .command = describe, .run = doctor
};
