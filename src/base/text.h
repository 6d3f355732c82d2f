/*
 * A text that grows, and JSON in it (RFC 8259). Want of memory sticks: everything may be put without looking,
 * and text_take() says at the end whether it is whole.
 */
#ifndef FS_BASE_TEXT_H
#define FS_BASE_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text { /* zeroed: empty */
	char *bytes;
	size_t used, room;
	bool failed; /* out of memory */
	bool comma;  /* JSON: a value stands before the next one */
};

void text_put(struct text *t, const char *bytes, size_t n);
void text_say(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The text with its NUL, to be freed with free(), and t is empty again; NULL: out of memory. */
char *text_take(struct text *t);
void text_drop(struct text *t);

/* --- JSON. key: NULL in an array. Commas come by themselves. --- */
void json_begin(struct text *t, const char *key, char bracket); /* '{' or '[' */
void json_end(struct text *t, char bracket);                    /* '}' or ']' */
/* NULL is null. What is escaped: json_string.h. */
void json_text(struct text *t, const char *key, const char *value);
void json_count(struct text *t, const char *key, uint64_t value);
void json_real(struct text *t, const char *key, double value);         /* null unless finite */
void json_number(struct text *t, const char *key, const char *digits); /* as it is written */
void json_flag(struct text *t, const char *key, bool value);
/* "2026-11-22T00:59:59.875Z", cut to milliseconds; 0: null. */
void json_time(struct text *t, const char *key, int64_t ns);
#endif
