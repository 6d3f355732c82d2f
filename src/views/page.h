/* The report's page: one HTML file that needs no network, and no script to be read. */
#ifndef FS_VIEWS_PAGE_H
#define FS_VIEWS_PAGE_H
#include "views/artefact.h"
#include "views/query.h"

#define PAGE_MARKER "<meta name=\"generator\" content=\"footsteps report\">"

/* An artefact with what this trace gives to it. */
struct page_item {
	const struct artefact *artefact;
	const char *body; /* HTML of its table or text; NULL for a figure */
	const char *says; /* what it shows in this trace; "" nothing, or NULL */
	uint64_t rows;
	unsigned made; /* drawings that there are: FIGURE_SVG ... */
};

/* What the page needs beside the database. */
struct page_frame {
	const char *style, *script; /* inlined */
	const char *incomplete;     /* why figures are missing; "" when none is */
	const char *manifest;       /* short form */
	const char *directory;      /* where the drawings are */
};

/* The whole page; items by section. The run's times, inputs and problems are read from the database. */
bool page_write(FILE *out, const struct view *v, const struct page_frame *frame,
		const struct page_item *items, size_t count, struct error *err);

/* Its parts, in page_item.c and page_rows.c. */

struct page_place {
	bool alone; /* a figure without a second one beside it */
	const char *manifest, *directory;
};
bool page_item_put(FILE *out, const struct view *v, const struct page_item *item,
		   const struct page_place *place, struct error *err);
/* One that has no rows: a line of a list. */
bool page_nothing_put(FILE *out, const struct view *v, const struct page_item *item, struct error *err);
/* A drawing of gnuplot inside the page: without its XML prologue, its ids made unique by the name. */
void page_svg(FILE *out, const char *svg, const char *name);

/* The statement's rows as TSV with a header, all of them, and as an HTML table within limits (html may be
 * NULL). */
struct page_limits {
	uint64_t rows;
	int columns;      /* from the left; 0: all */
	const char *data; /* name of the TSV, for its link */
};
bool page_rows(FILE *html, FILE *tsv, const struct view *v, sqlite3_stmt *stmt,
	       const struct page_limits *limits, uint64_t *rows, struct error *err);
/* The first column of each row as a paragraph; rows counts those that are not empty. */
bool page_paragraphs(FILE *html, const struct view *v, sqlite3_stmt *stmt, uint64_t *rows, struct error *err);
/* Digits in groups of three, by spacing only: what is copied from the page are plain digits. */
void page_number(FILE *out, const char *digits);
#endif
