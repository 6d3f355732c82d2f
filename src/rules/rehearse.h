/*
 * Rehearsal: what each strategy would have done to recorded traffic. It works on databases of `read`:
 * pattern_hits tells which flows have a packet that fits, and flows, exchanges and clients tell what these
 * flows are.
 */
#ifndef FS_RULES_REHEARSE_H
#define FS_RULES_REHEARSE_H
#include "rules/rules.h"
#include "views/show.h"

/* A database to rehearse on: every run in it counts. */
struct recording {
	sqlite3 *db;      /* borrowed */
	const char *path; /* borrowed: what the user named, a capture or a database */
	bool capture;     /* it is a capture, read just now with all flows */
};

struct rehearsal_request {
	/* What holds for every strategy: protocol, direction, internal, never. Interfaces are not recorded.
	 */
	const struct ruleset *limits;
	const char *strategy; /* NULL: all of the protocol */
	/* Endpoints known beforehand (--seen). NULL: a server or a client is blocked from its first flow in
	 * the role on, as a list that learns at once would do; never in that flow itself. */
	const struct rule_endpoint *servers, *clients;
	size_t server_count, client_count;
	bool seen; /* the lists above are to be used */
	enum show_format format;
	bool all; /* every flow that is hit; some otherwise */
	unsigned width;
};

bool rehearse(const struct recording *recordings, size_t count, const struct rehearsal_request *request,
	      FILE *out, struct error *err);
#endif
