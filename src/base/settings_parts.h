/* Between settings.c and what reads and prints the files. */
#ifndef FS_BASE_SETTINGS_PARTS_H
#define FS_BASE_SETTINGS_PARTS_H
#include "base/settings.h"

#define SETTINGS_FILE_MAX (1U << 20) /* bytes; a file with all options has two thousand */
#define SETTINGS_LINE_MAX 4096U
#define SETTINGS_TEXT_MAX (4 * SETTINGS_LINE_MAX + 3) /* a value quoted: "\xHH" for each byte */

/* One "key = value" of a file; value: without quotes and escapes, borrowed. False stops, with *err filled in
 * words that do not name the place yet. */
typedef bool setting_taker(void *self, const char *key, const char *value, unsigned line, struct error *err);
/* All of them, in order. */
bool settings_parse(const char *path, const char *section, setting_taker *take, void *self,
		    struct error *err);

/* The value as a file has it, quoted where it must be, of the i-th element of a list; false: it is not set,
 * or there is no such element. */
bool setting_text(const struct option *o, size_t i, char out[SETTINGS_TEXT_MAX]);
#endif
