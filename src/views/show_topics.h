/* The topics of `footsteps show` that are plain tables: a statement for machines, one for people, and its
 * columns. */
#ifndef FS_VIEWS_SHOW_TOPICS_H
#define FS_VIEWS_SHOW_TOPICS_H
#include "base/ip.h"
#include "views/show.h"
#include "views/table.h"

enum { FILTER_LABEL = 1, FILTER_CLIENT = 2, FILTER_PROTOCOL = 4 };
/* What a statement does with --protocol: nothing, unless it is given. */
#define ONLY_PROTOCOL " AND (:only IS NULL OR protocol = :only)"

struct topic {
	const char *name;
	const char *none; /* said when there are no rows */
	unsigned filters; /* that it understands */
	const char *data; /* SQL; the columns' names are an interface */
	const char *text; /* SQL; one value for each of columns */
	const struct column *columns;
	size_t column_count;
};

/* An array whose size is negative does not compile: no topic has more columns than a table. */
#define COUNT(name)   (sizeof name / sizeof name[0])
#define COLUMNS(name) name, COUNT(name) + 0 * sizeof(char[COUNT(name) <= TABLE_COLUMNS_MAX ? 1 : -1])

/* What was seen, and what was measured; each is terminated by a row without name. */
extern const struct topic show_topic_table[], show_measured_table[];

/* Fills t from the statement's rows: at most `most` of them are kept; *rows counts all. */
bool table_fill(struct table *t, const struct view *v, sqlite3_stmt *stmt, const struct column *columns,
		uint64_t most, uint64_t *rows, struct error *err);
/* Runs a statement and prints its rows as a table (all of them); prints `none`, if any, when there are none.
 */
bool table_show(const struct view *v, const char *sql, const struct column *columns, size_t count,
		const char *none, unsigned width, unsigned indent, FILE *out, struct error *err);

/* "10.0.0.1:80", "[2001:db8::1]:80" -> canonical address text and port. */
bool socket_parse(const char *text, char ip[IP_TEXT], int64_t *port, struct error *err);

/* Parts of the summary, and topics with a shape of their own. */
bool show_summary(const struct view *v, const struct show_request *request, FILE *out, struct error *err);
bool show_account(const struct view *v, const struct show_request *request, FILE *out, struct error *err);
bool show_why(const struct view *v, const struct show_request *request, FILE *out, struct error *err);
#endif
