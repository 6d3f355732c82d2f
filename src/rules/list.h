/* What strategies and formats there are, and which format can say which strategy. */
#ifndef FS_RULES_LIST_H
#define FS_RULES_LIST_H
#include "rules/rules.h"

/* For people, in `width` columns. protocol: of this one alone; NULL: of all. */
bool rules_list(const struct protocol *protocol, unsigned width, FILE *out, struct error *err);
/* For programs: an object per line, whose "row" says what it is: strategy, pattern, format, expressible. */
void rules_list_json(const struct protocol *protocol, FILE *out);
#endif
