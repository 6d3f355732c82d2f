/* The parts of a rehearsal. */
#ifndef FS_RULES_REHEARSE_PARTS_H
#define FS_RULES_REHEARSE_PARTS_H
#include "rules/rehearse.h"

struct rehearsal {
	const struct rehearsal_request *request;
	const struct protocol *protocol;
	/* A database of its own, which SQLite keeps in a file when it grows: what all recordings have shown.
	 * Its tables are in rehearse_all.sql. */
	struct view all;
	unsigned tried; /* bit i: strategies[i] of the protocol */
};

#define REHEARSAL_EXAMPLES 10 /* flows, labels, hosts that are shown, unless all are asked for */

/* "patterns", "servers", "clients": by enum strategy_kind. */
extern const char *const strategy_kind_names[];

/* Runs statements one after the other, each with :run and :protocol. */
bool rehearsal_run(const struct view *v, const char *sql, struct error *err);
/* Adds what one recording shows. n: 1.. */
bool rehearsal_gather(struct rehearsal *r, const struct recording *recording, int64_t n, struct error *err);
bool rehearsal_text(struct rehearsal *r, FILE *out, struct error *err);
bool rehearsal_json(struct rehearsal *r, FILE *out, struct error *err);
#endif
