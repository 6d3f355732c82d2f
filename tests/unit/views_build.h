/* What the tests of views share: sheets to write to, and databases made by hand. */
#ifndef FS_TESTS_VIEWS_BUILD_H
#define FS_TESTS_VIEWS_BUILD_H
#include "views/artefact.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static inline const char *source_root(void)
{
	const char *root = getenv("srcdir");

	return root && *root ? root : ".";
}

/* What a function writes to a FILE. */
struct sheet {
	char *text;
	size_t size;
	FILE *file;
};

static inline void sheet_open(struct sheet *s)
{
	s->text = NULL;
	s->file = open_memstream(&s->text, &s->size);
	assert_non_null(s->file);
}

static inline void sheet_expect(struct sheet *s, const char *expected)
{
	assert_int_equal(fclose(s->file), 0);
	assert_string_equal(s->text, expected);
	free(s->text);
}

static inline void expect_put(void (*put)(FILE *, const char *), const char *text, const char *expected)
{
	struct sheet s;

	sheet_open(&s);
	put(s.file, text);
	sheet_expect(&s, expected);
}

/*
 * Six source flows: packets 1, 1, 1, 2, 3 and 10; 0 s (three), 0.5 s, 1.234 s and 250 s, in three digits.
 * Those of another protocol, and of run 2, do not count.
 */
static const char tiny[] =
	"INSERT INTO runs VALUES (1, '0', '', '{}', 200000000000, 0, 300000000000, 40, 1, ''),"
	" (2, '0', '', '{}', 200000000000, 0, 0, 1, 1, '');"
	"INSERT INTO flows SELECT v.column1, v.column2, 'udp', '10.0.0.1', 1000, '198.51.100.1', 2000, 0, 0, "
	"0, 1, 0, 0, 0,"
	" 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0, 'idle', NULL, 0, NULL, 'skype-udp', 'skype', 'socket', 30, "
	"1, NULL,"
	" 'signalling', NULL, 0 FROM (VALUES (1, 1), (1, 2), (2, 1)) v;"
	"INSERT INTO distributions SELECT v.column1, v.column2, 'source_flow_packets', v.column3, v.column4, "
	"v.column5"
	" FROM (VALUES (1, 'skype', 'probe', 1, 2), (1, 'skype', 'non-probe', 1, 1), (1, 'skype', "
	"'non-probe', 2, 1),"
	" (1, 'skype', 'non-probe', 3, 1), (1, 'skype', 'non-probe', 10, 1), (1, 'other', 'non-probe', 4, "
	"50),"
	" (2, 'skype', 'probe', 1, 70)) v;"
	"INSERT INTO distributions SELECT v.column1, v.column2, 'source_flow_us', v.column3, v.column4, "
	"v.column5"
	" FROM (VALUES (1, 'skype', 'probe', 0, 2), (1, 'skype', 'non-probe', 0, 1), (1, 'skype', "
	"'non-probe', 500000, 1),"
	" (1, 'skype', 'non-probe', 1230000, 1), (1, 'skype', 'non-probe', 250000000, 1), (1, 'other', "
	"'probe', 9, 50),"
	" (2, 'skype', 'probe', 7, 70)) v;"
	/* Probe sizes 11, 18 x 3 in both directions; non-probe 18, 100 x 2, 300. */
	"INSERT INTO distributions VALUES (1, 'skype', 'payload_out', 'probe', 18, 2),"
	" (1, 'skype', 'payload_in', 'probe', 18, 1), (1, 'skype', 'payload_in', 'probe', 11, 1),"
	" (1, 'skype', 'payload_out', 'non-probe', 18, 1), (1, 'skype', 'payload_in', 'non-probe', 100, 2),"
	" (1, 'skype', 'payload_out', 'non-probe', 300, 1), (2, 'skype', 'payload_out', 'probe', 1, 1000);"
	/* The figures are about the protocol whose clients have most flows; another's do not count, nor does
	   media. */
	"INSERT INTO clients (run, client, protocol, verdict, ip, port, internal, bits, first_packet, peers, "
	"flows,"
	" packets_out, packets_in, payload_out, payload_in, media_out, media_in, tcp_out, tcp_in, callers, "
	"callers_answered, role) SELECT "
	"v.column1, v.column2,"
	" v.column3, v.column3, '10.0.0.1', v.column2, 1, 30, 1, 0, v.column4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "
	"'client' "
	"FROM"
	" (VALUES (1, 1, 'skype', 6), (1, 2, 'other', 5), (2, 1, 'skype', 1)) v;"
	"INSERT INTO distributions VALUES (1, 'other', 'payload_out', 'probe', 7, 1000);";

/* Run 1: two recognised, one of them outside the local net, and one suspected client. */
static const char three_clients[] =
	"INSERT INTO runs VALUES (1, '0', '', '{}', 1, 0, 1, 0, 1, '');"
	"INSERT INTO clients (run, client, protocol, verdict, ip, port, internal, bits, first_packet, peers, "
	"flows,"
	" packets_out, packets_in, payload_out, payload_in, media_out, media_in, tcp_out, tcp_in, callers, "
	"callers_answered, role) VALUES"
	" (1, 1, 'skype', 'skype', '10.0.0.1', 1000, 1, 30, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'client'),"
	" (1, 2, 'skype', 'skype', '198.51.100.1', 1000, 0, 30, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "
	"'client'),"
	" (1, 3, 'skype', 'skype?', '10.0.0.2', 1000, 1, 12, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "
	"'client');";

static inline sqlite3 *database_make(const char *rows)
{
	struct error err;
	char directory[4096], *message = NULL;
	sqlite3 *db;

	snprintf(directory, sizeof directory, "%s/src/store", source_root());
	char *schema = file_read(directory, "schema.sql", &err),
	     *views = file_read(directory, "views.sql", &err);
	if (!schema || !views)
		fail_msg("%s", err.text);
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	if (sqlite3_exec(db, schema, NULL, NULL, &message) != SQLITE_OK ||
	    sqlite3_exec(db, views, NULL, NULL, &message) != SQLITE_OK ||
	    sqlite3_exec(db, rows, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
	free(schema);
	free(views);
	return db;
}
#endif
