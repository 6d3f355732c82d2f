/* footsteps top: what a live run sees, on a terminal. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "cmd.h"
#include "base/clock.h"
#include "live/control.h"
#include "live/top.h"
#include "base/real_time.h"
#include <glob.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_NCURSES
#include <curses.h>
#endif

#define ONCE_COLUMNS 80U
/* Where the services of systemd/footsteps@.service have their sockets. */
#define SOCKETS "/run/footsteps*/footsteps.sock"

static struct {
	const char *control;
	bool once, json;
} values;

static const struct option options[] = {
	{ .name = "control",
	  .type = OPTION_TEXT,
	  .value = &values.control,
	  .argument = "SOCKET",
	  .help = "Control socket of the 'footsteps live' to look at.",
	  .shown_default = "footsteps.sock in $RUNTIME_DIRECTORY, else the one in /run/footsteps*/" },
	{ .name = "once",
	  .type = OPTION_FLAG,
	  .value = &values.once,
	  .help = "Print the view once, as plain text of 80 columns, and end. Needs no terminal." },
	{ .name = "json",
	  .letter = 'j',
	  .type = OPTION_FLAG,
	  .value = &values.json,
	  .help = "Print the state once, as JSON, and end." },
};

static const struct command command = {
	.name = "top",
	.summary = "watch what a live run sees",
	.usage = "[options]",
	.details =
		"Shows what 'footsteps live' sees just now: packets and bits in a second, what was lost and "
		"where, whether the database is written; the clients that were recognised, logins as they "
		"happen, and calls in progress. It asks once a second over the control socket, and goes on "
		"asking when nobody answers.\n\n"
		"Keys: q quits; Tab goes to the next list, the arrows move in it; l, b and n sort the clients "
		"by when they were seen, by bits of evidence and by number of logins; p pauses; ? shows help. A "
		"screen of less than 20 lines shows one list at a time.\n\n"
		"A login counts with the recognised client of its host. Suspected clients have none; the list of "
		"logins, and how many there were, has all, like the database.",
	.examples = "footsteps top --control /run/footsteps/footsteps.sock\twatch\n"
		    "footsteps top --once\tfor a mail or a ticket\n"
		    "footsteps top --json | jq .rates\tfor a program\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

static const struct command *top_command(void)
{
	return &command;
}

/* Allocated. */
static char *find_socket(struct error *err)
{
	const char *runtime = getenv("RUNTIME_DIRECTORY"); /* systemd.exec(5); the first of a list */
	char *path = NULL;
	glob_t found = { 0 };

	if (values.control)
		return strdup(values.control);
	if (runtime)
		return asprintf(&path, "%.*s/footsteps.sock", (int)strcspn(runtime, ":"), runtime) < 0 ? NULL
												       : path;
	if (glob(SOCKETS, GLOB_NOSORT, NULL, &found) == 0 && found.gl_pathc == 1)
		path = strdup(found.gl_pathv[0]);
	else if (found.gl_pathc > 1)
		error_set(err, EXIT_USAGE, "%zu monitors run; which? Say --control %s, for one",
			  found.gl_pathc, found.gl_pathv[0]);
	else
		error_set(err, EXIT_USAGE,
			  "which 'footsteps live'? Say its control socket: --control SOCKET");
	globfree(&found);
	return path;
}

/* A question, on a new connection where there is none: *fd stays open for the next. */
static char *ask_status(const char *path, int *fd, struct error *err)
{
	if (*fd < 0)
		*fd = control_connect(path, err);
	char *json = *fd < 0 ? NULL : control_ask(*fd, "status", err);
	if (!json && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return json;
}

/* --- once --- */

static void print_frame(const struct top_frame *f)
{
	for (unsigned i = 0; i < f->used; i++) {
		const struct top_line *l = &f->line[i];
		size_t from = l->pieces ? l->piece[0].at : 0, end = from;
		for (unsigned k = 0; k < l->pieces; k++)
			end = l->piece[k].at + l->piece[k].length;
		while (end > from && f->text.bytes[end - 1] == ' ')
			end--;
		if (end > from)
			fwrite(f->text.bytes + from, 1, end - from, stdout);
		fputc('\n', stdout);
	}
}

static bool is_unicode(void)
{
	return setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static bool show_once(struct top *t, const char *json, struct error *err)
{
	struct top_choice choice = { .columns = ONCE_COLUMNS, .unicode = is_unicode(), .all = true };
	struct top_frame frame = { 0 };

	if (values.json) {
		puts(json);
		return true;
	}
	bool ok = top_load(t, json, err) && top_draw(t, &choice, &frame, err);
	if (ok)
		print_frame(&frame);
	top_frame_drop(&frame);
	return ok;
}

/* --- the screen --- */

#ifdef HAVE_NCURSES
#define ASK_EVERY_NS NS_PER_S
#define KEY_EVERY_MS 100 /* how long a signal may wait */
#define SCROLL_BY    10U

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	stopped = number;
}

static attr_t look_of(enum top_style style)
{
	static const attr_t plain[TOP_STYLES] = { A_NORMAL, A_BOLD, A_DIM, A_BOLD, A_REVERSE };

	return plain[style] | (style == TOP_WARNING && has_colors() ? (attr_t)COLOR_PAIR(1) : 0);
}

static void put_screen(const struct top_frame *f)
{
	int rows, columns;

	getmaxyx(stdscr, rows, columns);
	(void)columns;
	erase();
	for (unsigned i = 0; i < f->used && i < (unsigned)rows; i++) {
		move((int)i, 0);
		for (unsigned k = 0; k < f->line[i].pieces; k++) {
			attrset((int)look_of(f->line[i].piece[k].style));
			addnstr(f->text.bytes + f->line[i].piece[k].at, (int)f->line[i].piece[k].length);
		}
	}
	attrset(A_NORMAL);
	refresh();
}

static void scroll_by(struct top_choice *c, int by)
{
	unsigned *at = &c->scroll[c->focus];

	*at = by < 0 && *at < (unsigned)-by ? 0 : *at + (unsigned)by;
}

/* False: q. */
static bool key_pressed(struct top_choice *c, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
		return false;
	case '\t':
	case KEY_RIGHT:
		c->focus = (c->focus + 1) % TOP_PANES;
		break;
	case KEY_BTAB:
	case KEY_LEFT:
		c->focus = (c->focus + TOP_PANES - 1) % TOP_PANES;
		break;
	case KEY_UP:
		scroll_by(c, -1);
		break;
	case KEY_DOWN:
		scroll_by(c, 1);
		break;
	case KEY_PPAGE:
		scroll_by(c, -(int)SCROLL_BY);
		break;
	case KEY_NPAGE:
		scroll_by(c, SCROLL_BY);
		break;
	case KEY_HOME:
		c->scroll[c->focus] = 0;
		break;
	case 'l':
		c->sort = TOP_BY_LAST;
		break;
	case 'b':
		c->sort = TOP_BY_BITS;
		break;
	case 'n':
		c->sort = TOP_BY_LOGINS;
		break;
	case 'p':
		c->paused = !c->paused;
		break;
	case '?':
	case 'h':
		c->help = !c->help;
		break;
	default:
		break;
	}
	return true;
}

static void ask_again(struct top *t, const char *path, int *fd, struct top_choice *choice, char lost[256])
{
	struct error err;
	char *json = ask_status(path, fd, &err);

	choice->lost = NULL;
	if (!json || !top_load(t, json, &err)) {
		snprintf(lost, 256, "%.255s", err.text);
		choice->lost = lost;
	}
	free(json);
}

static bool watch(struct top *t, const char *path, int *fd, struct error *err)
{
	struct top_choice choice = { .unicode = is_unicode() };
	struct top_frame frame = { 0 };
	int64_t asked = steady_time();
	char lost[256];
	bool ok = true, going = true;

	while (ok && going && !stopped) {
		int rows, columns;
		if (!choice.paused && steady_time() - asked >= ASK_EVERY_NS) {
			ask_again(t, path, fd, &choice, lost);
			asked = steady_time();
		}
		getmaxyx(stdscr, rows, columns);
		choice.rows = (unsigned)rows;
		choice.columns = (unsigned)columns;
		ok = top_draw(t, &choice, &frame, err);
		if (ok)
			put_screen(&frame);
		int64_t wait = asked + ASK_EVERY_NS;
		for (int key = ERR; ok && going && !stopped && key == ERR && steady_time() < wait;) {
			key = getch();
			going = key_pressed(&choice, key);
		}
		if (choice.paused && steady_time() >= wait)
			asked = steady_time();
	}
	top_frame_drop(&frame);
	return ok;
}

static bool show_screen(struct top *t, const char *path, int *fd, struct error *err)
{
	setlocale(LC_ALL, "");
	/* newterm() and not initscr(), which ends the program when the terminal is not known. */
	SCREEN *screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return error_set(
			err, EXIT_USAGE,
			"the terminal '%.40s' is not known here (TERM); 'footsteps top --once' needs none",
			getenv("TERM") ? getenv("TERM") : "");
	command_catch_signals(stop);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	timeout(KEY_EVERY_MS);
	curs_set(0);
	if (has_colors() && start_color() == OK) {
		use_default_colors();
		init_pair(1, COLOR_RED, -1);
	}
	bool ok = watch(t, path, fd, err);
	endwin();
	delscreen(screen);
	return ok;
}
#else
static bool show_screen(struct top *t, const char *path, int *fd, struct error *err)
{
	(void)t;
	(void)path;
	(void)fd;
	return error_set(err, EXIT_USAGE,
			 "the screen needs ncurses, which this footsteps was built without; "
			 "'footsteps top --once' prints the view");
}
#endif

static bool top_show(const char *path, struct error *err)
{
	bool once = values.once || values.json;
	struct top *t = top_new(err);
	int fd = -1;

	if (t && !once && !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))) {
		top_free(t);
		return error_set(err, EXIT_USAGE,
				 "here is no terminal; 'footsteps top --once' prints the view");
	}
	/* Before the screen changes: who cannot even begin says so and ends. */
	char *json = t ? ask_status(path, &fd, err) : NULL;
	bool ok = json;
	if (ok && once)
		ok = show_once(t, json, err);
	else if (ok)
		ok = top_load(t, json, err) && show_screen(t, path, &fd, err);
	free(json);
	if (fd >= 0)
		close(fd);
	top_free(t);
	return ok;
}

static enum exit_status top_run(const char *const *arguments, size_t count)
{
	struct error err = { 0 };

	if (count) {
		error_set(&err, EXIT_USAGE, "'%.80s' is one too many: top takes options only", arguments[0]);
		return command_fail(&err);
	}
	char *path = find_socket(&err);
	if (!path && !err.text[0])
		error_memory(&err, "the socket's name");
	bool ok = path && top_show(path, &err);
	free(path);
	return ok ? EXIT_COMPLETE : command_fail(&err);
}

const struct subcommand subcommand_top = {
	.name = "top",
	.summary = "watch what a live run sees",
	.command = top_command,
	.run = top_run,
};
