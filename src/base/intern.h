/* Interned names: equal text, equal pointer; alive until the table is freed. For names from libndpi and the
 * like. */
#ifndef FS_BASE_INTERN_H
#define FS_BASE_INTERN_H
struct intern;
struct intern *intern_new(void);
void intern_free(struct intern *table);
/* NULL only when out of memory. */
const char *intern(struct intern *table, const char *text);
#endif
