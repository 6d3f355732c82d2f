/*
 * Reading a scenario: what its parts share. scenario_text.c cuts the file into sections and lines,
 * scenario_read.c goes through them, scenario_parties.c and scenario_groups.c make the parties,
 * scenario_events.c the events, scenario_check.c looks at the whole.
 */
#ifndef FS_PEER_SCENARIO_READ_H
#define FS_PEER_SCENARIO_READ_H
#include "base/options.h"
#include "base/rng.h"
#include "peer/population.h"
#include "peer/scenario.h"

#define SCENARIO_BYTES_MOST   (1U << 20)
#define SCENARIO_PARTIES_MOST 20000U
#define NAME_SLOTS            65536U /* more than three times as many */

#define LOCAL_NET_TEXT (ENDPOINT_TEXT + 4) /* "192.0.2.0/24" */

struct scenario_line {
	const char *key, *value; /* events: the whole line is the value */
	unsigned line;
};

struct scenario_section {
	const char *kind, *name; /* name: "" if there is none */
	unsigned line;
	size_t first, count; /* of its lines */
};

struct scenario_text {
	char *bytes; /* the file, cut by NULs: everything points into it */
	struct scenario_section *section;
	size_t sections;
	struct scenario_line *line;
	size_t lines;
};

struct party_group {
	const char *name;
	size_t first, count; /* in scenario.party */
};

struct scenario_place {
	struct endpoint at;
	const struct party *party;
};

/* The scenario with what holds its texts. */
struct scenario_file {
	struct scenario scenario;
	struct scenario_text text;
	char *path, *name, *local_net;
	struct party_group *group;
	size_t groups;
	uint32_t *by_name;                 /* NAME_SLOTS of them: party.number + 1; 0: free */
	struct scenario_place *by_address; /* sorted; each party, and again if its public address differs */
	size_t places;
};

/* Where the name is in by_name, or would be. */
uint32_t *scenario_name_slot(const struct scenario_file *f, const char *name);

struct party_note { /* what is needed of a party's section while the rest is read */
	unsigned line;
	bool login_said;
};

struct reading {
	struct scenario_file *file;
	struct scenario *scenario;
	struct error *err;
	struct party_note *note; /* by party.number */
};

/* "FILE:LINE: ..."; returns false. */
bool scenario_wrong(const struct reading *r, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "'word' is no WHAT; did you mean 'near'?" or "... ; there are a, b, c". */
bool scenario_unknown(const struct reading *r, unsigned line, const char *what, const char *word,
		      const char *const *known);

bool scenario_text_load(struct reading *r);

/* Values of keys; false with the error set. */
bool value_duration(const struct reading *r, const struct scenario_line *l, int64_t least, int64_t most,
		    int64_t *out);
bool value_durations(const struct reading *r, const struct scenario_line *l, int64_t out[2]); /* 40ms-300ms */
bool value_time(const struct reading *r, const struct scenario_line *l, int64_t *out);
bool value_count(const struct reading *r, const struct scenario_line *l, uint64_t most, uint64_t *out);
bool value_share(const struct reading *r, const struct scenario_line *l, double *out); /* 70%, or 0.7 */
bool value_yes(const struct reading *r, const struct scenario_line *l, bool *out);
/* Index into words, or -1. */
int value_word(const struct reading *r, const struct scenario_line *l, const char *const *words);
/* An address that files may name; with a port, or (wants_port false) without. */
bool value_address(const struct reading *r, unsigned line, const char *text, bool wants_port,
		   struct endpoint *out);

/* Sections. */
bool scenario_parties(struct reading *r); /* all of them, groups included, with what refers to none other */
bool scenario_references(struct reading *r); /* cache, contacts, servers */
bool scenario_group(struct reading *r, const struct scenario_section *s, enum party_kind kind);
/* accepts, refers, tcp, nothing: what a party of that kind can. */
bool answers_set(const struct reading *r, const struct scenario_line *l, enum party_kind kind,
		 enum answers *out);
bool scenario_events(struct reading *r, const struct scenario_section *s);
bool scenario_check(struct reading *r);       /* addresses, local_net */
bool scenario_order(const struct reading *r); /* events against each other */

/* Adds a party; NULL with the error set: no memory, too many, or its name is taken or no name. */
struct party *scenario_party_add(struct reading *r, const char *name, enum party_kind kind, unsigned line);
/* A known name, or NULL with the error set. kinds: a bit for each kind that it may be; `what` names these. */
const struct party *scenario_refer(const struct reading *r, unsigned line, const char *name, unsigned kinds,
				   const char *what);

#define KIND(kind) (1U << (kind))
#endif
