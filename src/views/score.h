/*
 * `footsteps score`: a monitor's database beside the truth of the capture that it has read (the file that
 * footsteps-peer writes with it). The truth is attached to the connection as `truth`; what is found is kept
 * in temporary tables, which SQLite moves to a file when they grow.
 */
#ifndef FS_VIEWS_SCORE_H
#define FS_VIEWS_SCORE_H
#include "views/query.h"
#include "views/show.h"

struct score_request {
	enum show_format format; /* SHOW_TABLE, SHOW_JSON */
	uint64_t differences;    /* that are listed at most; 0: all */
	unsigned width;          /* of tables, in columns */
};

/* PRAGMA application_id and user_version of truth files, "FStr" (src/peer/truth.sql). */
#define TRUTH_APPLICATION_ID 0x46537472
#define TRUTH_SCHEMA_VERSION 1

/* Whether the file at path is a truth file: then EXIT_USAGE names the right order of the arguments. */
bool score_is_truth(const char *path);
/* Attaches the truth file, and makes its protocol that of the view. EXIT_INPUT when it is anything else. */
bool score_attach(struct view *v, const char *path, struct error *err);
/* Compares and prints; *differences: how many there are. */
bool score(const struct view *v, const struct score_request *request, FILE *out, uint64_t *differences,
	   struct error *err);
#endif
