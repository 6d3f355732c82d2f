/*
 * Message-sequence charts (B17; BS figures 3 to 12) of a scene of the database: a login, a search, a call.
 * Parties are columns ("lanes"), messages are arrows between the client's lane and another one.
 *
 * Reading gives events, one for each message, opening and closing of a connection (chart_load.c). Then remote
 * sockets with the same part share a lane, and events are put together into rows (chart_rows.c), which are
 * drawn (chart_text.c, chart_svg.c) or written for machines (chart_json.c).
 */
#ifndef FS_VIEWS_CHART_H
#define FS_VIEWS_CHART_H
#include "base/intern.h"
#include "base/row_index.h"
#include "views/query.h"

/* Events beyond this are left out, and counted: a scene of that size is no scene. */
#define CHART_EVENTS_MAX 1000000U
/* More arrows than this are put together further, unless somebody wants them: five screens. */
#define CHART_ROWS_DEFAULT 120U
#define CHART_SOCKET_TEXT  64

/* Scenes, and the word of their option. */
#define CHART_KINDS(X)                                                                                       \
	X(login)                                                                                             \
	X(search)                                                                                            \
	X(call)
enum chart_kind {
#define X(name) CHART_KIND_##name,
	CHART_KINDS(X)
#undef X
		CHART_KIND_COUNT
};
extern const char *const chart_kind_names[CHART_KIND_COUNT + 1]; /* NULL-terminated */

struct chart_scene {
	enum chart_kind kind;
	int64_t number;
	int64_t first_ns, last_ns;
	char home_ip[CHART_SOCKET_TEXT]; /* of the client, whose lane is the first */
	int64_t home_port;
	char far_ip[CHART_SOCKET_TEXT]; /* of a call: the other end; else "" */
	int64_t far_port;
	bool relayed;     /* ... which is a relay */
	char detail[160]; /* protocol, outcome: a few words for the title */
};

/* What a remote socket does in the scene. In the order of the lanes. */
#define PARTY_PARTS(X)                                                                                       \
	X(client, "client", "clients", "client", "clients")                                                  \
	X(supernode, "supernode", "supernodes", "super- node", "super- nodes")                               \
	X(answering, "node that answers", "nodes that answer", "node that answers", "nodes that answer")     \
	X(silent, "silent node", "silent nodes", "silent node", "silent nodes")                              \
	X(calling, "node that calls", "nodes that call", "node that calls", "nodes that call")               \
	X(node, "node over TCP", "nodes over TCP", "TCP node", "TCP nodes")                                  \
	X(other, "other host", "other hosts", "other host", "other hosts")                                   \
	X(login, "login server", "login servers", "login server", "login servers")                           \
	X(list, "contact-list server", "contact-list servers", "list server", "list servers")                \
	X(version, "version-check server", "version-check servers", "update check", "update checks")         \
	X(relay, "relay", "relays", "relay", "relays")                                                       \
	X(far, "other end", "other ends", "other end", "other ends")
enum party_part {
#define X(name, one, many, head_one, head_many) PARTY_##name,
	PARTY_PARTS(X)
#undef X
		PARTY_PART_COUNT
};
extern const char *const party_part_names[PARTY_PART_COUNT];

enum event_kind { EVENT_MESSAGE, EVENT_OPEN, EVENT_CLOSE, EVENT_MEDIA, EVENT_KIND_COUNT };
extern const char *const event_kind_names[EVENT_KIND_COUNT];

struct chart_party {
	char socket[CHART_SOCKET_TEXT]; /* "10.0.0.1:80" */
	const char *name;               /* from DNS answers in the trace; NULL: none. Not trusted */
	enum party_part part;
	bool by_role;                        /* the part is told by the role of one of its flows */
	bool is_first;                       /* it spoke first */
	bool answered;                       /* it sent something */
	bool in_scene;                       /* it has an event */
	uint32_t stamp[2][EVENT_KIND_COUNT]; /* of chart_rows.c: the row + 1 that it was counted in last */
};

enum transport { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_OTHER, TRANSPORT_COUNT };
extern const char *const transport_names[TRANSPORT_COUNT];

struct chart_event {
	int64_t ns, until_ns;
	int64_t flow;   /* flows.flow */
	uint32_t party; /* the remote one */
	uint32_t order; /* among events of one time */
	uint8_t kind, transport;
	bool sent;         /* by the client */
	uint64_t messages; /* 0: not known how many */
	uint64_t bytes;    /* of all */
	const char *what;  /* interned; NULL: nothing is known */
};

struct chart_lane {
	enum party_part part;
	uint32_t parties;
	uint32_t party; /* the first one; of the client's lane nothing */
};

struct chart_row {
	int64_t ns, until_ns;
	int64_t flow;     /* of its first event */
	uint32_t lane;    /* the other end; the client's is 0 */
	uint32_t parties; /* that take part */
	uint32_t party;   /* its first one */
	uint8_t kind, transport;
	bool sent;
	bool more;         /* besides those counted there are others, nobody knows how many */
	uint64_t messages; /* or openings, closings */
	uint64_t bytes;
	uint64_t each;    /* payload of each, if they have one size; else 0 */
	const char *what; /* of all; NULL: nothing is known, or they differ */
};

/* How far messages are put together; the lowest that fits. */
enum chart_level {
	LEVEL_EACH,      /* every event is a row */
	LEVEL_SAME,      /* of one lane, one after the other within 1 s: of one direction, size and meaning */
	LEVEL_DIRECTION, /* ... of one direction */
	LEVEL_EXCHANGE,  /* of one lane without a pause of 5 s: a row for either direction */
	LEVEL_SCENE,     /* a row for each lane and direction */
	LEVEL_COUNT
};

struct chart {
	struct chart_scene scene;
	struct intern *words;
	struct chart_party *party;
	uint32_t parties, party_room;
	struct row_index by_socket; /* over party[] */
	struct chart_event *event;  /* in order of time */
	uint32_t events, event_room;
	uint64_t left_out; /* events beyond CHART_EVENTS_MAX */
	uint64_t foreign;  /* flows without the client */
	struct chart_lane lane[PARTY_PART_COUNT];
	uint32_t lanes;
	uint32_t lane_of[PARTY_PART_COUNT];
	struct chart_row *row;
	uint32_t rows, row_room;
	enum chart_level level;
	uint64_t messages; /* that the rows stand for */
};

struct chart_list_request {
	bool json;
	bool all; /* else the first CHART_LIST_BRIEF; JSON always has all */
	unsigned width;
};
#define CHART_LIST_BRIEF 40 /* rows, as of footsteps show */
/* The scenes of the run, for people or as JSON lines. */
bool chart_list(const struct view *v, const struct chart_list_request *request, FILE *out, struct error *err);
bool chart_count(const struct view *v, int64_t *count, struct error *err);
/* The only scene there is; call it when chart_count() said 1. */
bool chart_only(const struct view *v, enum chart_kind *kind, int64_t *number, struct error *err);
/* EXIT_USAGE when there is no such scene, with those that there are. */
bool chart_scene(const struct view *v, enum chart_kind kind, int64_t number, struct chart_scene *scene,
		 struct error *err);

/* Everything of the scene: c->scene is set, the rest zeroed. To be freed also on failure. */
bool chart_load(struct chart *c, const struct view *v, struct error *err);
void chart_free(struct chart *c);
/* Parts for those sockets that no role tells, lanes, and rows: at most most_rows if that can be; 0: every
 * event. */
bool chart_arrange(struct chart *c, uint32_t most_rows, struct error *err);

/* For chart_load() and tests: a remote socket, known or new. UINT32_MAX: no memory. */
uint32_t chart_party_of(struct chart *c, const char *socket);
bool chart_event_add(struct chart *c, const struct chart_event *event, struct error *err);

/* "Login 1 of 192.168.1.2:35990: skype, success", and "2006-08-25T19:32:06Z, 30.2 s, 95 messages". */
#define CHART_LINE 320
void chart_title(const struct chart *c, char title[CHART_LINE]);
void chart_subtitle(const struct chart *c, char line[CHART_LINE]);
/* "12 silent nodes", and as words for a narrow column. */
void lane_name(const struct chart_lane *lane, char text[CHART_LINE]);
void lane_heading(const struct chart_lane *lane, char text[CHART_LINE]);
/* "192.168.1.2:35990" or up to `most` sockets, "and 9 more"; escaped for a terminal. */
void lane_sockets(const struct chart *c, uint32_t lane, uint32_t most, char text[CHART_LINE]);
/* "UDP 4 x 18 B", "TCP 1159 B (4), 2.5 s"; times: the sign of multiplication. */
void row_label(const struct chart_row *row, const char *times, char text[CHART_LINE]);
double row_seconds(const struct chart *c, const struct chart_row *row);
/* What was left out or put together, as sentences; "" nothing. */
void chart_remarks(const struct chart *c, char text[2 * CHART_LINE]);

void chart_put_text(const struct chart *c, bool utf8, unsigned width, FILE *out);
void chart_put_svg(const struct chart *c, FILE *out);
void chart_put_json(const struct chart *c, FILE *out);
#endif
