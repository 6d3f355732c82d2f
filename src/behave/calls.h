/*
 * Calls: which of the measured flows carried voice or video, and which of them belong together. Media is
 * claimed where a dissector knows the format, or where the naive Bayes classifier (identify/voice_models.h)
 * and either the socket's verdict or the chi-square test (identify/chi_square.h) agree; the classifier alone
 * says "voip-like", which is no call (recognition 6 and 7).
 *
 * Bounded: at most MEDIA_REPORTS_MAX measured flows are kept; what is beyond is counted.
 */
#ifndef FS_BEHAVE_CALLS_H
#define FS_BEHAVE_CALLS_H
#include "base/error.h"
#include "identify/media.h"

#define MEDIA_REPORTS_MAX 50000U

/* What the claim rests on. */
#define MEDIA_BASES(X)                                                                                       \
	X(none, "nothing but the likeness to a voice, or less")                                              \
	X(format, "the media format, read from every message")                                               \
	X(socket, "a recognised client socket, and messages like a voice codec's")                           \
	X(statistics, "the chi-square test of its payload, and messages like a voice codec's")
enum media_basis {
#define X(name, words) MEDIA_BASIS_##name,
	MEDIA_BASES(X)
#undef X
};
extern const char *const media_basis_names[];

/* In a format, but one way only: a broadcast or a film, and no call. */
enum media_verdict { MEDIA_NOT, MEDIA_VOIP_LIKE, MEDIA_ONE_WAY, MEDIA_CALL };

/* A measured flow with what is known of it when verdicts have fallen. */
struct media_flow {
	const struct media_report *report; /* borrowed from the table */
	struct endpoint initiator, responder;
	bool initiator_internal, responder_internal; /* D5 */
	uint8_t l4;
	int8_t protocol; /* index in the registry; -1 none */
	uint32_t client; /* recognised client socket at one end; 0 none */
	uint32_t
		hosts_with_client; /* bit p: a recognised client of protocols[p] is on one of the two hosts */
	/* Likewise, whose UDP is blocked; only if this is its second connection to that place, as signalling
	 * comes first, and not if libndpi sees another protocol in the flow. */
	uint32_t hosts_cut_off;
	struct media_path path; /* as far as its messages told */
	enum media_verdict verdict;
	enum media_basis basis;
	uint32_t call; /* 1..; 0 none; after call_table_group() */
};

enum silence { SILENCE_UNKNOWN, SILENCE_SENT, SILENCE_SUPPRESSED };

/* One direction of a call: out is from the near side. */
struct call_side {
	uint64_t packets, payload; /* media only */
	uint32_t size_min, size_max;
	float rate;        /* messages per second of the call, holds left out */
	float bandwidth;   /* payload bytes per second, likewise */
	const char *codec; /* told, or estimated; NULL neither */
	bool codec_estimated;
	enum silence silence;
	float mos;        /* E-model; 0: no audio stream with sequence numbers */
	bool mos_assumed; /* its codec is not told: the score is that of a usual one */
	/* Of packets and payload: what went in holds, or outside the time of the call. In neither rate. */
	uint64_t aside, aside_payload;
};

struct call {
	/* The near side is the internal one; where both or neither are, the initiator of the first flow. */
	struct endpoint near, far; /* of the first flow */
	int8_t protocol;
	uint8_t l4;      /* IPPROTO_UDP, IPPROTO_TCP; 0: both */
	bool near_began; /* it sent the first packet of the first flow */
	bool level;      /* both or neither end is internal: either may be the mixer of a conference */
	bool audio, video;
	enum media_basis basis; /* of its first flow */
	enum media_way way;
	struct endpoint near_public; /* the near end as the far one sees it; port 0: not told */
	struct endpoint behind;      /* whom the media is for, if the far end is a relay; port 0: not told */
	float round_trip_ms;         /* by the reports of both ends; 0: not told */
	uint32_t client;
	int64_t first_ns, last_ns; /* of its media */
	struct call_side side[2];  /* by enum direction: TO_RESPONDER is sent by the near side */
	uint32_t holds;
	int64_t hold_ns;
	/* Calls that one host carried at the same time with several others bear the same number (measurements
	 * B14): the near one, or where both or neither are internal, either. 0: none. */
	uint32_t conference;
	uint64_t flow; /* its first */
	uint32_t flows;
	uint32_t made; /* the table's own: the number that it was made with */
};

/* A hold of a call: while it lasted, one of its flows or more were on hold. */
struct call_hold {
	uint32_t call; /* 1.. */
	struct hold_period period;
};

struct call_table;
struct call_table *call_table_new(struct error *err);
void call_table_free(struct call_table *t);
/* Keeps a copy; false only when out of memory. */
bool call_table_report(struct call_table *t, const struct media_report *report, struct error *err);
/* The way of a flow's media; the last one counts. */
bool call_table_path(struct call_table *t, uint64_t flow, const struct media_path *path, struct error *err);
/* A path of zeros: nothing was reported. */
struct media_path call_table_find_path(const struct call_table *t, uint64_t flow);
/* What was reported of the flow; NULL: nothing. */
const struct media_report *call_table_find(const struct call_table *t, uint64_t flow);
/* Sets flow->verdict, flow->basis, and flow->protocol if the payload tells it; the rest is the caller's. */
void media_judge(struct media_flow *flow);
/* Adds a judged flow; each once. */
bool call_table_add(struct call_table *t, const struct media_flow *flow, struct error *err);
/* All flows are there: puts them together. models: borrowed, for the names of codecs; may be NULL. */
bool call_table_group(struct call_table *t, const struct voice_models *models, struct error *err);
/* In order of their first messages. */
uint32_t call_table_count(const struct call_table *t);
const struct call *call_table_at(const struct call_table *t, uint32_t i);
/* In order of calls and time. */
uint32_t call_table_hold_count(const struct call_table *t);
const struct call_hold *call_table_hold_at(const struct call_table *t, uint32_t i);
/* The judged flows with a verdict, in order of their numbers. */
uint32_t call_table_flow_count(const struct call_table *t);
const struct media_flow *call_table_flow_at(const struct call_table *t, uint32_t i);
/* The judged flow of this number; NULL: it has no verdict. After call_table_group(). */
const struct media_flow *call_table_flow_of(const struct call_table *t, uint64_t flow);
uint64_t call_table_refused(const struct call_table *t);
enum media_kind stream_kind(const struct stream_report *s); /* told, or guessed from its clock and sizes */
/*
 * The mean opinion score of an audio stream by the E-model (behave/emodel.h); 0: cannot be told, as over TCP,
 * where nothing is lost but time, or with more loss than the model knows. round_trip_ms: of the call; 0: not
 * known. *assumed: the codec is not told, and that of a usual one with this clock was taken.
 */
float stream_mos(const struct stream_report *s, unsigned l4, float round_trip_ms, bool *assumed);
/* Both ends' round trips together; 0: one of them is not known. */
float report_round_trip(const struct media_report *r);
#endif
