/* The table of formats. */
#include "rules/rules.h"

const struct rule_format *const rule_formats[] = {
#define X(name) &format_##name,
	RULE_FORMATS(X)
#undef X
};
const unsigned rule_format_count = sizeof rule_formats / sizeof rule_formats[0];

const char *const rule_format_names[] = {
#define X(name) #name,
	RULE_FORMATS(X)
#undef X
		NULL,
};
