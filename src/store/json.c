/* The JSON sink: one object per line (JSON lines), one line per row, with the columns of the database. */
#include "base/json_string.h"
#include "store/rows.h"
#include "store/target.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE 262144U
#define PIECE_MAX   32U /* the longest number */

struct json_sink {
	struct row_sink rows; /* first: it is what the caller has */
	struct row row;
	char *path;           /* for messages */
	struct target target; /* its path is NULL when written in place: standard output, devices, pipes */
	int fd;
	int failure; /* errno of the first failed write; what comes after it is lost */
	size_t used;
	char buffer[BUFFER_SIZE];
};

static void write_out(struct json_sink *s)
{
	size_t done = 0;

	while (!s->failure && done < s->used) {
		ssize_t n = write(s->fd, s->buffer + done, s->used - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			s->failure = n == 0 ? EIO : errno;
	}
	s->used = 0;
}

static void put_bytes(struct json_sink *s, const char *bytes, size_t n)
{
	while (n) {
		if (s->used == BUFFER_SIZE)
			write_out(s);
		size_t room = BUFFER_SIZE - s->used, part = n < room ? n : room;
		memcpy(s->buffer + s->used, bytes, part);
		s->used += part;
		bytes += part;
		n -= part;
	}
}

static void put_literal(struct json_sink *s, const char *text)
{
	put_bytes(s, text, strlen(text));
}

static void put_integer(struct json_sink *s, int64_t value)
{
	char text[PIECE_MAX], *at = text + sizeof text;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do {
		*--at = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		*--at = '-';
	put_bytes(s, at, (size_t)(text + sizeof text - at));
}

static void put_real(struct json_sink *s, double value)
{
	char text[PIECE_MAX];

	if (!isfinite(value)) { /* JSON has no word for it */
		put_literal(s, "null");
		return;
	}
	/* 15 digits are all that rows.c leaves, and what the sqlite3 shell shows. */
	snprintf(text, sizeof text, "%.15g", value);
	put_literal(s, text);
}

/* A JSON string (RFC 8259 section 7). */
static void put_string(struct json_sink *s, const char *text, size_t n)
{
	const char *end = text + n;
	char escape[JSON_ESCAPE];

	put_literal(s, "\"");
	while (text < end) {
		const struct span piece = json_string_next(&text, end, escape);
		put_bytes(s, (const char *)piece.ptr, piece.len);
	}
	put_literal(s, "\"");
}

static void put_cell(struct json_sink *s, const char *column, const struct cell *cell)
{
	put_literal(s, ",\"");
	put_literal(s, column);
	put_literal(s, "\":");
	switch (cell->type) {
	case CELL_INTEGER:
		put_integer(s, cell->as.integer);
		break;
	case CELL_REAL:
		put_real(s, cell->as.real);
		break;
	case CELL_TEXT:
		put_string(s, cell->as.text, cell->length);
		break;
	case CELL_NULL:
		put_literal(s, "null");
		break;
	}
}

static bool check_written(const struct json_sink *s, struct error *err)
{
	if (s->failure == EPIPE)
		return error_set(err, EXIT_OUTPUT, "cannot write %s: the program that read it has ended",
				 s->path);
	return !s->failure || target_error(s->path, s->failure, err);
}

static struct row *json_row(struct row_sink *rows, enum row_kind kind)
{
	(void)kind;
	return &((struct json_sink *)rows)->row;
}

static bool json_write(struct row_sink *rows, const struct row *row, struct error *err)
{
	struct json_sink *s = (struct json_sink *)rows;

	put_literal(s, "{\"row\":\"");
	put_literal(s, row_names[row->kind]);
	put_literal(s, "\"");
	for (unsigned c = 0; c < row->count; c++)
		put_cell(s, row->column[c], &row->cell[c]);
	put_literal(s, "}\n");
	return check_written(s, err);
}

static void json_abandon(struct sink *sink)
{
	struct json_sink *s = (struct json_sink *)sink;

	if (s->fd >= 0 && s->fd != STDOUT_FILENO)
		close(s->fd);
	target_drop(&s->target);
	free(s->path);
	free(s);
}

static bool json_finish(struct sink *sink, struct error *err)
{
	struct json_sink *s = (struct json_sink *)sink;
	bool ok = rows_check(&s->rows, err);

	if (ok) {
		write_out(s);
		if (s->fd != STDOUT_FILENO) {
			if (close(s->fd) < 0 && !s->failure)
				s->failure = errno;
			s->fd = -1;
		}
		ok = check_written(s, err) && (!s->target.path || target_finish(&s->target, err));
	}
	json_abandon(sink);
	return ok;
}

static const struct sink_ops json_ops = {
	.name = "json",
	ROW_SINK_PUTS.finish = json_finish,
	.abandon = json_abandon,
};

static int json_open(struct json_sink *s, const char *path, struct error *err)
{
	struct stat st;

	if (strcmp(path, "-") == 0)
		return STDOUT_FILENO;
	if (stat(path, &st) < 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return target_make(&s->target, path, FILE_JSON_ROWS, err);
	int fd = open(path, O_WRONLY | O_CLOEXEC); /* /dev/null, /dev/fd/3, a named pipe */
	if (fd < 0)
		target_error(path, errno, err);
	return fd;
}

struct sink *sink_json_open(const char *path, struct error *err)
{
	struct json_sink *s = calloc(1, sizeof *s);
	char *copy = strdup(strcmp(path, "-") == 0 ? "standard output" : path);

	if (!s || !copy) {
		free(s);
		free(copy);
		error_memory(err, "the output");
		return NULL;
	}
	s->path = copy;
	s->rows = (struct row_sink){ .sink.ops = &json_ops, .run = 1, .row = json_row, .write = json_write };
	s->fd = json_open(s, path, err);
	if (s->fd < 0) {
		json_abandon(&s->rows.sink);
		return NULL;
	}
	return &s->rows.sink;
}
