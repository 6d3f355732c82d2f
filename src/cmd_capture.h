/* Captures where a database is wanted, read into one that nobody else sees and that is not kept; and frame by
 * frame. */
#ifndef FS_CMD_CAPTURE_H
#define FS_CMD_CAPTURE_H
#include "base/error.h"
#include "capture/source.h"
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

struct capture_reading {
	bool all_flows; /* --flows all */
	bool ndpi;      /* the labels of other protocols, where libndpi is built in */
	bool progress;  /* a line of progress, on a terminal */
};
/*
 * Runs `read` on the capture ("-": standard input) with its defaults, but for what `how` says, without hash
 * and activity. The database lies in $TMPDIR, or /var/tmp as with SQLite, since /tmp may be memory; it has no
 * name any more when this returns. NULL: the reason has been printed, *status is it. Else *status is
 * EXIT_COMPLETE or EXIT_INCOMPLETE, and the caller closes the database.
 */
sqlite3 *capture_read(const char *capture, const struct capture_reading *how, enum exit_status *status);
/* The signal that came before the reading began, or 0; of one that came meanwhile tells read_stopped(). */
int capture_stopped(void);
/* Hands on all frames of files, in order, until `take` fails; progress: with a line of it, on a terminal. */
bool capture_frames(struct source *source, bool progress,
		    bool (*take)(void *self, const struct frame *frames, size_t count, struct error *err),
		    void *self, struct error *err);
/* A recording counted twice doubles every figure; it may be meant, but not often: says so. */
void capture_warn_of_twins(const char *const *paths, size_t count);
#endif
