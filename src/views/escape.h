/*
 * Text on its way out. What is in the database came from packets, file names and options: none of it is
 * trusted by a terminal, a browser, a spreadsheet or a JSON parser. Bad UTF-8, control characters and
 * characters that change the direction of writing are made visible or replaced; they are never passed on.
 */
#ifndef FS_VIEWS_ESCAPE_H
#define FS_VIEWS_ESCAPE_H
#include "base/utf8.h"
#include <stdio.h>

/* Text and attribute values of HTML: & < > " ' become entities, control characters U+FFFD. */
void html_put(FILE *out, const char *text);
/* A JSON string with its quotes (RFC 8259 section 7). */
void json_put(FILE *out, const char *text);
/* A field of CSV, quoted where it must be (RFC 4180 section 2). */
void csv_put(FILE *out, const char *text);
/* A field of TSV: tab, newline, carriage return and backslash as \t \n \r \\. */
void tsv_put(FILE *out, const char *text);
/*
 * For a terminal: control characters and bad bytes as \xNN, direction marks as \uNNNN. Writes at most size -
 * 1 bytes and a NUL; returns the bytes needed, like snprintf.
 */
size_t plain_text(const char *text, char *out, size_t size);
/* The same, to a file. */
void plain_put(FILE *out, const char *text);
/* ... where the ends of lines are ours. */
void plain_put_lines(FILE *out, const char *text);
/*
 * A word of a shell's command line, in quotes where it needs them. It is of printable ASCII alone (other
 * bytes as $'\nnn', which bash, ksh and zsh know, and POSIX since 2024), and does not end in a backslash, so
 * that it may also stand in a comment.
 */
void shell_put(FILE *out, const char *word);
#endif
