/*
 * A queue of records that is written once and read several times: as many as a limit allows in memory, those
 * behind them in a temporary file without a name. Closed flows wait here until the verdicts have fallen, so
 * that memory stays flat however long the trace is.
 */
#ifndef FS_STORE_SPOOL_H
#define FS_STORE_SPOOL_H
#include "base/error.h"
#include "base/span.h"

struct spool;
/* memory: bytes that never go to the file, which is made in $TMPDIR, else /var/tmp, when it is needed. */
struct spool *spool_new(size_t memory, struct error *err);
void spool_free(struct spool *s);
/* One record in two parts (the second may be empty). Each record is at most 64 KiB. */
bool spool_append(struct spool *s, struct span first, struct span second, struct error *err);
/* Begins to read from the first record. Nothing can be appended after that. */
bool spool_rewind(struct spool *s, struct error *err);
/* The next record, borrowed until the next call and aligned to 16 bytes; false at the end, or with *failed
 * set. */
bool spool_next(struct spool *s, struct span *record, bool *failed, struct error *err);
#endif
