/* footsteps chart: the messages of a login, a search or a call as a message-sequence chart. */
#include "cmd.h"
#include "cmd_capture.h"
#include "cmd_output.h"
#include "views/chart.h"
#include "views/escape.h"
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <strings.h>

#define WIDTH_LEAST 40U
#define WIDTH_MOST  500U

static struct {
	uint64_t number[CHART_KIND_COUNT], run, width, rows;
	const char *output;
	bool list, text, json;
} given = { .rows = CHART_ROWS_DEFAULT };

static const struct option options[] = {
	{ "login", 0, OPTION_COUNT, &given.number[CHART_KIND_login], "NUMBER",
	  "Draw this login: from the client's first packet until it is done.", NULL, NULL },
	{ "search", 0, OPTION_COUNT, &given.number[CHART_KIND_search], "NUMBER",
	  "Draw this search for a user.", NULL, NULL },
	{ "call", 0, OPTION_COUNT, &given.number[CHART_KIND_call], "NUMBER",
	  "Draw this call: its set-up, media and tear-down.", NULL, NULL },
	{ "list", 'l', OPTION_FLAG, &given.list, NULL,
	  "List all that can be drawn. When nothing is named and there is more than one, the first 40 are listed.",
	  NULL, NULL },
	{ "output", 'o', OPTION_TEXT, &given.output, "FILE.svg", "Write an SVG drawing to this file.", NULL,
	  NULL },
	{ "text", 0, OPTION_FLAG, &given.text, NULL,
	  "Print the chart as text, which is done without -o anyway.", NULL, NULL },
	{ "json", 'j', OPTION_FLAG, &given.json, NULL,
	  "Print the chart's rows, or the list, as JSON: one object per line.", NULL, NULL },
	{ "rows", 0, OPTION_COUNT, &given.rows, "NUMBER",
	  "Put messages together until there are at most so many arrows; 0: an arrow for every message.",
	  "120", NULL },
	{ "width", 0, OPTION_COUNT, &given.width, "COLUMNS", "Width of the text.",
	  "that of the terminal, or 80", NULL },
	{ "run", 0, OPTION_COUNT, &given.run, "NUMBER", "Which run of the database.", "the last one", NULL },
};

static const struct command command = {
	.name = "chart",
	.summary = "draw a login, a search or a call as a message-sequence chart",
	.usage = "[options] DATABASE|CAPTURE",
	.details =
		"Parties are columns: the client, its supernode, the servers, and nodes that behave alike "
		"in one column. An arrow is a message, or several: 'UDP 4 x 18 B' are four of 18 bytes of "
		"payload each, 'TCP 1159 B (4)' four of 1159 bytes together. Messages are put together "
		"only as far as is needed for --rows arrows; below the chart stands how. Openings and "
		"closings of TCP connections are drawn by the first and last packet of the flow; which "
		"side closed it is not told.\n\n"
		"Times are seconds since the beginning of the scene. Text is drawn with the characters of "
		"the locale: in plain ASCII where it is not UTF-8.\n\n"
		"A capture ('-': standard input) is read first, as 'footsteps read' does without options, "
		"into a database that is not kept. Where options are needed, or several charts, make a database.",
	.examples = "footsteps chart campus.db\twhat can be drawn\n"
		    "footsteps chart campus.db --login 1\ton the terminal\n"
		    "footsteps chart monday.pcap --call 2 -o call.svg\tas a drawing\n"
		    "footsteps chart campus.db --login 1 --rows 0 --json\tevery message, for a program\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

static const struct command *chart_command(void)
{
	return &command;
}

static unsigned output_width(void)
{
	unsigned width = given.width ? (unsigned)given.width : command_width();

	return width < WIDTH_LEAST ? WIDTH_LEAST : width > WIDTH_MOST ? WIDTH_MOST : width;
}

static bool locale_is_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool utf8 = locale && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;

	if (locale)
		freelocale(locale);
	return utf8;
}

static void put_svg(const void *chart, FILE *out)
{
	chart_put_svg(chart, out);
}

static bool draw(const struct view *v, enum chart_kind kind, int64_t number, struct error *err)
{
	struct chart c = { 0 };
	bool ok = chart_scene(v, kind, number, &c.scene, err) && chart_load(&c, v, err) &&
		  chart_arrange(&c, (uint32_t)given.rows, err);

	if (ok && given.output)
		ok = output_write(given.output, FILE_SVG, put_svg, &c, err);
	if (ok && given.json)
		chart_put_json(&c, stdout);
	else if (ok && (given.text || !given.output))
		chart_put_text(&c, locale_is_utf8(), output_width(), stdout);
	chart_free(&c);
	return ok;
}

static bool list(const struct view *v, int64_t count, struct error *err)
{
	const struct chart_list_request request = { given.json, given.list, output_width() };

	if (!chart_list(v, &request, stdout, err))
		return false;
	if (!given.json && !given.list && count > CHART_LIST_BRIEF)
		printf("%d of %" PRId64 "; the others with --list.\n", CHART_LIST_BRIEF, count);
	if (count > 0 && !given.json && !given.list) {
		fputs("\nName one: footsteps chart ", stdout);
		plain_put(stdout, v->path);
		fputs(" --login NUMBER, --search NUMBER or --call NUMBER\n", stdout);
	}
	return true;
}

/* What was named, or the only one that there is, or the list. */
static bool run_on(const struct view *v, struct error *err)
{
	enum chart_kind kind = CHART_KIND_login;
	int64_t number = 0, count;

	for (int i = 0; i < CHART_KIND_COUNT; i++)
		if (given.number[i]) {
			kind = (enum chart_kind)i;
			number = given.number[i] < INT64_MAX ? (int64_t)given.number[i] : INT64_MAX;
		}
	if (!chart_count(v, &count, err))
		return false;
	if (number == 0 && count == 1 && !given.list && !chart_only(v, &kind, &number, err))
		return false;
	if (number == 0 && given.output)
		return error_set(err, EXIT_USAGE,
				 "draw what? Name a scene; 'footsteps chart %s --list' lists them", v->path);
	return number == 0 || given.list ? list(v, count, err) : draw(v, kind, number, err);
}

/* Closes the database; read: how well it was filled. */
static enum exit_status chart_database(sqlite3 *db, const char *shown, enum exit_status read,
				       struct error *err)
{
	struct view v;
	bool ok = view_open(&v, db, shown, given.run, err) && run_on(&v, err);

	sqlite3_close(db);
	return ok ? read : command_fail(err);
}

static enum exit_status chart_capture(const char *path, struct error *err)
{
	const struct capture_reading plain = { .progress = true };
	enum exit_status status;
	sqlite3 *db = capture_read(path, &plain, &status);

	if (!db || !capture_stopped())
		return db ? chart_database(db, path, status, err) : status;
	sqlite3_close(db);
	error_set(err, EXIT_OUTPUT, "stopped by signal %d; nothing was drawn", capture_stopped());
	return command_fail(err);
}

/* A drawing of another kind cannot be made: what would lie under such a name is none. */
static bool check_drawing_name(const char *path, struct error *err)
{
	static const char *const others[] = { "png", "pdf", "jpg", "jpeg", "gif", "eps", "ps" };
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof others / sizeof others[0]; i++)
		if (strcasecmp(dot + 1, others[i]) == 0)
			return error_set(err, EXIT_USAGE,
					 "%s: charts are drawn as SVG alone; name it %.*s.svg", path,
					 (int)(dot - path), path);
	return true;
}

static bool check_options(size_t count, struct error *err)
{
	unsigned scenes = 0;

	for (int i = 0; i < CHART_KIND_COUNT; i++)
		scenes += given.number[i] != 0;
	if (count != 1)
		return error_set(err, EXIT_USAGE,
				 count ? "too many arguments; name one database or capture"
				       : "a chart of what? Name one database or capture");
	if (scenes > 1)
		return error_set(err, EXIT_USAGE, "--login, --search and --call exclude each other");
	if (given.output && !*given.output)
		return error_set(err, EXIT_USAGE, "-o names no file");
	if (given.output && !check_drawing_name(given.output, err))
		return false;
	if (given.output && strcmp(given.output, "-") == 0 && (given.text || given.json))
		return error_set(err, EXIT_USAGE, "-o - draws on standard output, where --%s would go, too",
				 given.text ? "text" : "json");
	if (given.output && given.list)
		return error_set(err, EXIT_USAGE, "-o and --list exclude each other: a list is not drawn");
	if (given.text && given.json)
		return error_set(err, EXIT_USAGE, "--text and --json exclude each other");
	if (given.width && (given.width < WIDTH_LEAST || given.width > WIDTH_MOST))
		return error_set(err, EXIT_USAGE, "--width: between %u and %u columns", WIDTH_LEAST,
				 WIDTH_MOST);
	if (given.rows > UINT32_MAX)
		return error_set(err, EXIT_USAGE, "--rows: at most %u", UINT32_MAX);
	return true;
}

static enum exit_status chart_run(const char *const *arguments, size_t count)
{
	struct error err;

	if (!check_options(count, &err))
		return command_fail(&err);
	/* What comes through standard input can only be a capture. */
	if (strcmp(arguments[0], "-") == 0 || file_look(arguments[0]).kind == FILE_CAPTURE)
		return chart_capture(arguments[0], &err);
	sqlite3 *db = store_open_read(arguments[0], &err);
	return db ? chart_database(db, arguments[0], EXIT_COMPLETE, &err) : command_fail(&err);
}

const struct subcommand subcommand_chart = {
	.name = "chart",
	.summary = "a login, a search or a call as a message-sequence chart",
	.command = chart_command,
	.run = chart_run,
};
