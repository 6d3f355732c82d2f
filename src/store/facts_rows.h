/* Rows of tables facts and sessions, which are no rows of a sink: they are what the others are made of. */
#ifndef FS_STORE_FACTS_ROWS_H
#define FS_STORE_FACTS_ROWS_H
#include "store/facts.h"
#include "store/sink.h"
#include <sqlite3.h>

/* One start of the program. */
struct session_row {
	uint32_t session;
	int64_t started_ns, ended_ns;
	const char *version, *interfaces, *options;
	int64_t origin;   /* random; see facts_origin() */
	uint64_t numbers; /* packets that got a number */
};
int64_t facts_origin(void);

/* A row of facts, and what it is bound to; the chunk's bytes are borrowed until the statement has run. */
extern const char facts_chunk_insert[];
void facts_chunk_bind(sqlite3_stmt *stmt, int64_t run, const struct facts_chunk *chunk);
/* The run that a sink of sqlite writes, before any of its rows. EXIT_OUTPUT on failure. */
bool sink_sqlite_put_facts(struct sink *sink, const struct facts_chunk *chunk, struct error *err);
/* Again: what is newer. */
bool sink_sqlite_put_session(struct sink *sink, const struct session_row *row, struct error *err);
#endif
