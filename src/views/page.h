/* The report's page: one HTML file that needs no network, and no script to be read. */
#ifndef FS_VIEWS_PAGE_H
#define FS_VIEWS_PAGE_H
#include "views/artefact.h"
#include "views/query.h"

#define PAGE_MARKER "<meta name=\"generator\" content=\"footsteps report\">"

/* What the head of the page needs beside the database. */
struct page_frame {
	const char *style, *script; /* inlined */
	const struct artefact_list *list;
	const char *incomplete; /* why figures are missing; "" when none is */
};

/* From <!doctype> to the contents; the run's times, inputs and problems are read from the database. */
bool page_begin(FILE *out, const struct view *v, const struct page_frame *frame, struct error *err);
void page_end(FILE *out, const struct page_frame *frame);

/* The sentence and the sources below an artefact. */
struct page_notes {
	const char *says;     /* what it shows in this trace; "" none */
	const char *manifest; /* short form */
	uint64_t rows;
	bool drawn; /* there is a NAME.svg */
};
void page_section_begin(FILE *out, const struct artefact *a, const struct page_notes *notes);
bool page_section_end(FILE *out, const struct view *v, const struct artefact *a,
		      const struct page_notes *notes, struct error *err);

/* The statement's rows as TSV with a header, all of them, and as an HTML table within limits (html may be
 * NULL). */
struct page_limits {
	uint64_t rows;
	int columns; /* from the left; 0: all */
};
bool page_rows(FILE *html, FILE *tsv, const struct view *v, sqlite3_stmt *stmt,
	       const struct page_limits *limits, uint64_t *rows, struct error *err);
/* A drawing of gnuplot inside the page: without its XML prologue, its ids made unique by the name. */
void page_svg(FILE *out, const char *svg, const char *name);
/* Digits in groups of three, by spacing only: what is copied from the page are plain digits. */
void page_number(FILE *out, const char *digits);
#endif
