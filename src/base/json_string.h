/*
 * What stands between the quotes of a JSON string (RFC 8259 section 7): the one place that knows. Quotes and
 * backslashes are escaped, and so are control characters, and those that reorder the text around them or
 * break a line: a terminal may be shown the JSON itself. Bytes that are no UTF-8 become U+FFFD.
 */
#ifndef FS_BASE_JSON_STRING_H
#define FS_BASE_JSON_STRING_H
#include "base/span.h"

#define JSON_ESCAPE 8U /* room for the longest one, \u202e, and its NUL */

/*
 * Moves *text towards `end`, which it has not reached, and returns what is to be written for what it passed:
 * characters that stay as they are, borrowed from the text, or one escape, borrowed from `escape`.
 */
struct span json_string_next(const char **text, const char *end, char escape[JSON_ESCAPE]);
#endif
