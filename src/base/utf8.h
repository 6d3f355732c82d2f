/* UTF-8 (RFC 3629), for text that may be anything: names in packets, paths, the command line. */
#ifndef FS_BASE_UTF8_H
#define FS_BASE_UTF8_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_NONE        UINT32_MAX     /* no character: a byte that is no UTF-8 */
#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD, to stand for it */

/*
 * Bytes of the character that at most n bytes begin with, or 0 if they begin with none. Nothing is read
 * beyond a NUL, so n may be SIZE_MAX of a string.
 */
size_t utf8_length(const char *text, size_t n);
/* Moves *text, a string, past one character and returns it; UTF8_NONE for a byte that is none (one byte is
 * passed). */
uint32_t utf8_next(const char **text);
/* Control characters: C0, DEL and C1, whose U+009B begins a terminal's command as ESC [ does. */
bool utf8_is_control(uint32_t code);
/* Characters that reorder the text around them (UAX 9 section 2), or break a line (UAX 14). */
bool utf8_is_layout(uint32_t code);
/* Columns on a terminal, one for each character. */
size_t utf8_width(const char *text);
#endif
