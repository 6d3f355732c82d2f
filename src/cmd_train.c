/* footsteps train: fits a mode of a voice codec to recorded calls, as a section for --voice-models. */
#include "behave/train.h"
#include "cmd.h"
#include "cmd_capture.h"
#include "store/open.h"
#include "views/measured.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTED_MOST  20U
#define SECTION_ROOM 512U

enum { DIRECTION_ANY, DIRECTION_OUT, DIRECTION_IN };
static const char *const direction_choices[] = { "any", "out", "in", NULL };

static struct {
	const char *name, *filter, *stream, *codec, *append;
	uint64_t flow;
	int direction;
	bool quiet;
} given;

static const struct option options[] = {
	{ .name = "name",
	  .letter = 'n',
	  .type = OPTION_TEXT,
	  .value = &given.name,
	  .argument = "NAME",
	  .help = "What reports call the mode: codec, time between messages, rate. If the messages are of "
		  "RTP, "
		  "'RTP ' is put before it, unless it is there." },
	{ .name = "stream",
	  .type = OPTION_TEXT,
	  .value = &given.stream,
	  .argument = "SSRC",
	  .help = "Train on this stream, in hexadecimal, as 'footsteps show DATABASE streams' prints it." },
	{ .name = "flow",
	  .type = OPTION_COUNT,
	  .value = &given.flow,
	  .argument = "N",
	  .help = "Train on a stream of this flow. Flows are numbered by their first packet." },
	{ .name = "direction",
	  .type = OPTION_CHOICE,
	  .value = &given.direction,
	  .argument = "WHICH",
	  .help = "Of the flow: what its initiator sends (out), or what it gets (in).",
	  .shown_default = "any",
	  .choices = direction_choices },
	{ .name = "codec",
	  .type = OPTION_TEXT,
	  .value = &given.codec,
	  .argument = "NAME",
	  .help = "Train on all streams of this codec together. Only a codec that the media format tells "
		  "counts: "
		  "what the classifier took for one would confirm itself." },
	{ .name = "append",
	  .type = OPTION_TEXT,
	  .value = &given.append,
	  .argument = "FILE",
	  .help = "Append the section to this file of voice models, which may be new, instead of printing "
		  "it." },
	{ .name = "filter",
	  .letter = 'f',
	  .type = OPTION_TEXT,
	  .value = &given.filter,
	  .argument = "EXPR",
	  .help = "Read only packets that match this BPF expression: 'host 192.168.1.2 and udp port "
		  "35990'." },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .value = &given.quiet,
	  .help = "No progress line, and not a word on what was trained on." },
};

static const struct command command = {
	.name = "train",
	.summary = "fit a voice codec to a recorded call",
	.usage = "[options] --name NAME CAPTURE... | DATABASE",
	.details = "Calls whose format cannot be read are found by what a codec cannot hide: the sizes of "
		   "its messages and the time between them. Each mode of a codec has a Gaussian of either in "
		   "the file of 'footsteps read --voice-models'. This command writes such a section from a "
		   "call of which you know the codec.\n\n"
		   "Record one call of half a minute or more; at least 300 messages are needed. It may hold "
		   "silence, losses and video (messages of more than 400 bytes): what does not lie around "
		   "the middle value is left out. But it has to be one mode of one codec: where less than 70 "
		   "% lies there, it is refused.\n\n"
		   "If there are several streams, they are listed, with the options that choose one. "
		   "Messages of RTP count by their media, without the header; of other flows the whole "
		   "payload counts, from the 16th message of a direction on.\n\n"
		   "A DATABASE of 'footsteps read' will do, too, where the capture is gone: its table of "
		   "streams has numbers, means and standard deviations. From these nothing can be left out "
		   "any more, so that losses, stray messages and pauses of up to a second widen the mode. "
		   "Streams with video are passed over.\n\n"
		   "A file of your own replaces the models that are built in: to add a codec, append to a "
		   "copy of\n\n"
		   "  " PKGDATADIR "/voice-models.ini",
	.examples = "footsteps train --name \"iLBC 20 ms\" call.pcap\tprint the section\n"
		    "cp " PKGDATADIR "/voice-models.ini my.ini\ta copy of what is built in\n"
		    "footsteps train --name \"Opus 20 ms\" --stream 5f1e0c2a --append my.ini a.pcap\tone "
		    "stream of several\n"
		    "footsteps read --voice-models my.ini -o new.db trace.pcap\tlook for calls with it\n"
		    "footsteps train --name \"G.711 20 ms\" --codec PCMU campus.db\tfrom what was measured\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

/* What was found to train on, from captures or a database. */
struct found {
	uint32_t streams; /* all that there are */
	const struct train_stream *(*at)(const void *self, uint32_t i);
	const void *self;
	struct train_result result;
};

/* --- what to choose from ----------------------------------------------------------------------------------
 */

static void stream_print(const struct train_stream *s)
{
	char from[IP_TEXT], to[IP_TEXT];

	ip_format(&s->from.ip, from);
	ip_format(&s->to.ip, to);
	fprintf(stderr, "  --flow %" PRIu64 " --direction %s", s->flow,
		s->direction == TO_RESPONDER ? "out" : "in");
	if (s->has_stream)
		fprintf(stderr, " --stream %08" PRIx32, s->stream);
	fprintf(stderr,
		"\n      %s port %u to %s port %u: %" PRIu32 " messages of %.1f bytes every %.1f ms%s%s\n",
		from, s->from.port, to, s->to.port, s->messages, (double)s->size, (double)s->gap_ms,
		s->codec[0] ? ", " : "", s->codec);
}

/* Those that match, or all; of at least so many messages. */
static void streams_print(const struct found *f, const struct train_choice *choice, uint32_t least)
{
	uint32_t shown = 0, more = 0;

	for (uint32_t i = 0; i < f->streams; i++) {
		const struct train_stream *s = f->at(f->self, i);
		if (s->messages < least || (choice && !train_choice_matches(choice, s)))
			continue;
		if (shown++ < LISTED_MOST)
			stream_print(s);
		else
			more++;
	}
	if (more)
		fprintf(stderr, "  and %" PRIu32 " more\n", more);
}

static uint32_t matching(const struct found *f, const struct train_choice *choice, uint32_t *longest)
{
	uint32_t n = 0;

	*longest = 0;
	for (uint32_t i = 0; i < f->streams; i++) {
		const struct train_stream *s = f->at(f->self, i);
		if (!train_choice_matches(choice, s))
			continue;
		n++;
		if (s->messages > *longest)
			*longest = s->messages;
	}
	return n;
}

/* Whether there is one stream to train on, or several of one codec; else says what there is. */
static bool settle_choice(const struct found *f, const struct train_choice *choice, struct error *err)
{
	uint32_t longest, matches = matching(f, choice, &longest);

	if (f->result.chosen > 1 && !choice->codec) {
		error_set(err, EXIT_USAGE,
			  "%" PRIu32 " streams are long enough to train on; choose one:", f->result.chosen);
		command_fail(err);
		streams_print(f, choice, FIT_MESSAGES_MIN);
		err->text[0] = '\0';
		return false;
	}
	if (f->result.mixed)
		return error_set(
			err, EXIT_INPUT,
			"some streams of '%.40s' are of a known format and some are not: their sizes "
			"cannot be put together; use --flow",
			choice->codec);
	if (f->result.chosen > 0)
		return true;
	if (f->streams == 0)
		return error_set(err, EXIT_INPUT,
				 "no stream of media: no flow has so much as 16 messages in one direction");
	if (matches > 0)
		return error_set(err, EXIT_INPUT,
				 "too few messages to train on: the longest stream%s has %" PRIu32
				 " of at most %u bytes; %u are needed, some ten seconds of voice",
				 matches == f->streams ? "" : " that you chose", longest, VOICE_SIZE_MAX,
				 FIT_MESSAGES_MIN);
	error_set(err, EXIT_INPUT, "no such stream; there %s:", f->streams == 1 ? "is one" : "are");
	command_fail(err);
	streams_print(f, NULL, 1);
	err->text[0] = '\0';
	return false;
}

/* --- from captures ----------------------------------------------------------------------------------------
 */

static const struct train_stream *trainer_at(const void *self, uint32_t i)
{
	return trainer_stream_at(self, i);
}

static bool take_frames(void *self, const struct frame *frames, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (!trainer_frame(self, &frames[i], err))
			return false;
	return true;
}

/* What is missing from the input is missing from the model, which is then still one. */
static bool is_incomplete(const struct source *source, uint64_t unseen)
{
	const struct input_info *input;
	bool incomplete = unseen > 0;

	if (unseen)
		fprintf(stderr,
			"footsteps: incomplete: %" PRIu64
			" streams were passed over, for there were too many at a time: use --filter\n",
			unseen);
	for (size_t i = 0; (input = source_input(source, i)); i++) {
		if (input->end != INPUT_CUT && input->end != INPUT_DAMAGED)
			continue;
		fprintf(stderr, "footsteps: incomplete: %s: %s\n", input->path, input->problem);
		incomplete = true;
	}
	return incomplete;
}

static bool fit_captures(const char *const *paths, size_t count, const struct train_choice *choice,
			 const char *name, struct voice_model *model, struct train_result *result,
			 bool *incomplete, struct error *err)
{
	const struct source_options source_options = { .filter = given.filter };
	struct source *source = source_open_files(paths, count, &source_options, err);
	struct trainer *t = source ? trainer_new(choice, err) : NULL;
	bool ok = t && capture_frames(source, !given.quiet, take_frames, t, err) && trainer_finish(t, err);

	if (ok) {
		const struct found f = { .streams = trainer_stream_count(t),
					 .at = trainer_at,
					 .self = t,
					 .result = trainer_result(t) };
		*incomplete = is_incomplete(source, f.result.unseen);
		*result = f.result;
		ok = settle_choice(&f, choice, err) && trainer_fit(t, name, model, err);
	}
	trainer_free(t);
	source_close(source);
	return ok;
}

/* --- from a database --------------------------------------------------------------------------------------
 */

static const struct train_stream *measured_at(const void *self, uint32_t i)
{
	return measured_stream_at(self, i);
}

static bool fit_database(const char *path, const struct train_choice *choice, const char *name,
			 struct voice_model *model, struct train_result *result, struct error *err)
{
	struct measured *m = measured_read(path, choice, err);

	if (!m)
		return false;
	const struct found f = { .streams = measured_stream_count(m),
				 .at = measured_at,
				 .self = m,
				 .result = measured_result(m) };
	if (measured_with_video(m))
		fprintf(stderr,
			"footsteps: %" PRIu64 " streams with messages of more than %u bytes are passed over: "
			"a database does not tell their voice from their video\n",
			measured_with_video(m), VOICE_SIZE_MAX);
	*result = f.result;
	bool ok = settle_choice(&f, choice, err) && measured_fit(m, name, model, err);
	measured_free(m);
	return ok;
}

/* --- the file of models -----------------------------------------------------------------------------------
 */

/* Before anything is read: a file that is there has to be one of models, without a mode of that name. */
static bool check_file(const char *path, const char *name, struct error *err)
{
	struct stat st;

	if (stat(path, &st) != 0 || st.st_size == 0)
		return true;
	struct voice_models *m = voice_models_load(path, err);
	bool ok = m;
	for (unsigned i = 0; ok && i < voice_models_count(m); i++)
		if (strcmp(voice_models_name(m, i), name) == 0)
			ok = error_set(err, EXIT_USAGE,
				       "%.200s has a mode [%s] already; choose another --name", path, name);
	voice_models_free(m);
	return ok;
}

/* All of it or nothing, and what comes out can be read. */
static bool append_section(const char *path, const char *text, size_t length, struct error *err)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	off_t before = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	struct voice_models *m = NULL;

	if (before < 0) {
		error_set(err, EXIT_OUTPUT, "%.200s: cannot be written: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	errno = 0; /* a disk that is full may take a part */
	bool ok = write(fd, text, length) == (ssize_t)length;
	if (!ok)
		error_set(err, EXIT_OUTPUT, "%.200s: cannot be written: %s", path,
			  strerror(errno ? errno : ENOSPC));
	m = ok ? voice_models_load(path, err) : NULL;
	if (!m && ftruncate(fd, before) != 0)
		ok = false; /* what is left there is said by the error of before */
	close(fd);
	voice_models_free(m);
	return m;
}

static bool put_section(const struct voice_model *model, const struct train_result *result, struct error *err)
{
	char text[SECTION_ROOM] = "";
	FILE *out = fmemopen(text, sizeof text, "w");
	bool ok = out;

	if (ok)
		fprintf(out, "%s# footsteps train: %" PRIu32 " messages of %" PRIu32 " stream%s\n",
			given.append ? "\n" : "", result->messages, result->chosen,
			result->chosen == 1 ? "" : "s");
	ok = ok && voice_model_print(out, model);
	ok = (!out || fclose(out) == 0) && ok;
	if (!ok)
		return error_set(err, EXIT_INTERNAL, "the section does not fit its buffer");
	if (given.append)
		return append_section(given.append, text, strlen(text), err);
	fputs(text, stdout);
	return true;
}

/* --- the command ------------------------------------------------------------------------------------------
 */

static bool parse_stream(const char *text, uint32_t *out, struct error *err)
{
	const char *digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;
	size_t length = strlen(digits);

	if (length == 0 || length > 8 || digits[strspn(digits, "0123456789abcdefABCDEF")])
		return error_set(err, EXIT_USAGE,
				 "--stream %.40s: an SSRC has at most 8 hexadecimal digits, as in 5f1e0c2a",
				 text);
	*out = (uint32_t)strtoul(digits, NULL, 16);
	return true;
}

static bool check_arguments(const char *const *paths, size_t count, struct train_choice *choice,
			    bool *database, struct error *err)
{
	const char *wrong = given.name ? voice_name_fault(given.name) : "it is missing";

	if (wrong)
		return error_set(err, EXIT_USAGE,
				 "--name: %s; what is the mode called, as in \"iLBC 20 ms\"?", wrong);
	if (count == 0)
		return error_set(err, EXIT_USAGE,
				 "train on what? Name a capture, or a database of 'footsteps read'");
	for (size_t i = 0; i < count; i++) {
		enum file_kind kind = strcmp(paths[i], "-") == 0 ? FILE_CAPTURE : file_look(paths[i]).kind;
		if (kind == FILE_JSON_ROWS)
			return error_set(
				err, EXIT_INPUT,
				"%.200s holds JSON rows of 'footsteps read --json'; train on the capture or "
				"on a database",
				paths[i]);
		*database = *database || kind == FILE_DATABASE || kind == FILE_OTHER_SQLITE;
	}
	if (*database && count > 1)
		return error_set(err, EXIT_USAGE, "a database is trained on alone: name one");
	if (*database && given.filter)
		return error_set(err, EXIT_USAGE, "--filter is for captures; a database has no packets");
	*choice = (struct train_choice){ .codec = given.codec,
					 .flow = given.flow,
					 .has_stream = given.stream,
					 .has_direction = given.direction != DIRECTION_ANY,
					 .direction = given.direction == DIRECTION_IN ? TO_INITIATOR
										      : TO_RESPONDER };
	return !given.stream || parse_stream(given.stream, &choice->stream, err);
}

/* A mode of the media in RTP packets says so in its name (voice_model_is_rtp()). */
static bool name_by_kind(struct voice_model *model, const struct train_result *result, struct error *err)
{
	char name[VOICE_NAME_MAX + sizeof "RTP "];

	if (!result->known || voice_model_is_rtp(model))
		return true;
	snprintf(name, sizeof name, "RTP %s", model->name);
	const char *wrong = voice_name_fault(name);
	if (wrong)
		return error_set(err, EXIT_USAGE, "--name: with 'RTP ' before it, %s", wrong);
	memcpy(model->name, name, strlen(name) + 1);
	return true;
}

static enum exit_status train(const char *const *paths, size_t count)
{
	struct train_choice choice;
	struct voice_model model;
	struct train_result result = { 0 };
	bool database = false, incomplete = false;
	struct error err;

	if (!check_arguments(paths, count, &choice, &database, &err) ||
	    (given.append && !check_file(given.append, given.name, &err)))
		return command_fail(&err);
	bool ok = database ? fit_database(paths[0], &choice, given.name, &model, &result, &err)
			   : fit_captures(paths, count, &choice, given.name, &model, &result, &incomplete,
					  &err);
	ok = ok && name_by_kind(&model, &result, &err) &&
	     (!given.append || check_file(given.append, model.name, &err)) &&
	     put_section(&model, &result, &err);
	if (!ok)
		return command_fail(&err);
	if (!given.quiet)
		fprintf(stderr,
			"%" PRIu32 " messages of %" PRIu32
			" stream%s: %.1f +- %.1f bytes every %.2f +- %.2f ms%s%s\n",
			result.messages, result.chosen, result.chosen == 1 ? "" : "s", (double)model.size,
			(double)model.size_sigma, (double)model.gap, (double)model.gap_sigma,
			given.append ? "; appended to " : "", given.append ? given.append : "");
	return incomplete ? EXIT_INCOMPLETE : EXIT_COMPLETE;
}

static const struct command *describe(void)
{
	return &command;
}

const struct subcommand subcommand_train = {
	.name = "train",
	.summary = "fit a voice codec to a recorded call",
	.command = describe,
	.run = train,
};
