/* The parts of a score; its temporary tables are made by score.sql. */
#ifndef FS_VIEWS_SCORE_PARTS_H
#define FS_VIEWS_SCORE_PARTS_H
#include "views/score.h"

struct score {
	const struct view *v;     /* borrowed */
	uint64_t limit;           /* differences that are kept of pairs and of flows; 0: all */
	uint64_t differences;     /* in all */
	int places;               /* rows of score_part so far */
	sqlite3_stmt *difference; /* that puts one into score_difference */
};

/* One line of the scores. missed: of the truth, not found; wrong: found, not in the truth. */
struct score_count {
	int64_t truth, found, missed, wrong;
};

/* Runs statements one after the other, each with :run and :protocol. */
bool score_run(struct score *s, const char *sql, struct error *err);
bool score_put(struct score *s, const char *part, const char *attribute, const struct score_count *count,
	       struct error *err);
bool score_confuse(struct score *s, const char *part, const char *attribute, const char *truth,
		   const char *monitor, int64_t count, struct error *err);
/* What is not compared: a sentence. */
bool score_note(struct score *s, struct error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

struct difference {
	const char *part, *kind, *what, *truth, *monitor;
	int64_t packet; /* 0: the first flow of the client from at_ns on, below */
	bool of_truth;  /* whose packet, or client, it is */
	int64_t client, at_ns;
};
/* Counts it, and keeps it unless this part has enough (*kept: of this part). */
bool score_differ(struct score *s, const struct difference *d, uint64_t *kept, struct error *err);

/* In this order. */
bool score_cautions(struct score *s, struct error *err); /* what speaks against comparing the two */
bool score_rows(struct score *s, struct error *err);
bool score_pairs(struct score *s, struct error *err);
bool score_flows(struct score *s, struct error *err);
bool score_classes(struct score *s, struct error *err);

bool score_print(struct score *s, const struct score_request *request, FILE *out, struct error *err);
#endif
