/*
 * Inserts rows in a thread of its own, so that the next ones can be put together meanwhile. Private to the
 * SQLite sink.
 *
 * Rows that may wait (row_waits[] of rows.h), which are nearly all, queue up in the order in which they come;
 * for any other kind the queue is waited for, and the caller inserts it. So the connection is used by one
 * thread at a time: the writer's from the first batch of rows on until writer_settle() or such a row, else
 * the caller's. Where no thread can be had, the caller inserts everything.
 */
#ifndef FS_STORE_SQLITE_WRITER_H
#define FS_STORE_SQLITE_WRITER_H
#include "store/rows.h"
#include <sqlite3.h>

struct writer;
/* db and path are borrowed. */
struct writer *writer_new(sqlite3 *db, const char *path, struct error *err);
/* Ends the thread and the statements; what waits is not inserted. */
void writer_free(struct writer *w);
/* Where a row of the kind is to be put together. */
struct row *writer_row(struct writer *w, enum row_kind kind);
/* False also when an earlier row could not be inserted. */
bool writer_write(struct writer *w, const struct row *row, struct error *err);
/* Everything is inserted, and the connection is the caller's until the next row. */
bool writer_settle(struct writer *w, struct error *err);
#endif
