/* `footsteps show`: what is in a database, as tables for people or rows for machines. */
#ifndef FS_VIEWS_SHOW_H
#define FS_VIEWS_SHOW_H
#include "views/query.h"

enum show_format { SHOW_TABLE, SHOW_JSON, SHOW_CSV };

struct show_request {
	const char *topic;   /* NULL: the summary */
	const char *subject; /* of "why"; else NULL */
	enum show_format format;
	bool all;                   /* every row; tables show some 40 otherwise */
	const char *label, *client, *protocol; /* filters, or NULL */
	unsigned width;             /* of tables, in columns */
};

bool show(const struct view *v, const struct show_request *request, FILE *out, struct error *err);
/* Their names, in lines that fit a terminal. */
const char *show_topics(void);
#endif
