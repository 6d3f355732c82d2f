/*
 * A strict ini file for a command's options: one section, named as the command; a key is the long name of an
 * option; a list is the key again; a flag is yes or no; text may be in double quotes, with backslashes before
 * quotes, backslashes, n, t and xHH there; # and ; begin comments, behind a value with a blank before them.
 * Whatever is not understood is an error with the file's name and the line, and the nearest key; the options
 * are then as they were.
 *
 *	[live]
 *	interface = eth1
 *	rotate = 1d
 *
 * What the command line says counts more than the file. Options remember where their values come from.
 */
#ifndef FS_BASE_SETTINGS_H
#define FS_BASE_SETTINGS_H
#include "base/options.h"

enum setting_origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_COMMAND_LINE };

/*
 * Reads the file into the command's options, but for those that the command line has set. Texts live until
 * settings_free(), also those of former readings. Again (HUP): options that the file set before and sets no
 * more get their defaults back.
 */
struct settings;
struct settings *settings_new(const struct command *command, struct error *err);
void settings_free(struct settings *s);
/* After options_parse(): what it has set is the command line's, if command->set has room to say so. */
void settings_note_command_line(struct settings *s);
bool settings_read(struct settings *s, const char *path, struct error *err);
/* "key = value   # from FILE:LINE" for each option, aligned; can be read back by settings_read(). */
void settings_print(const struct settings *s, FILE *out);
enum setting_origin settings_origin(const struct settings *s, const char *key, unsigned *line);
/* An error in a value that was found later, whose text begins with "--KEY": with the file and the line before
 * it, if that is where the value comes from. */
void settings_blame(const struct settings *s, struct error *err);
/* Keys whose values differ between now and the last call (or the first reading), NULL-terminated, borrowed.
 */
const char *const *settings_changed(struct settings *s);
#endif
