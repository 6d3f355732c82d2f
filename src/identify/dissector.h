/*
 * What a dissector is, and all that it may use. dissectors/README.md walks through one.
 *
 * A dissector looks at payload and answers yes / maybe / no; beside that it reports observations: evidence
 * about the flow, evidence about a socket, and events. It gives no verdict, writes no output and keeps no
 * memory of its own except `state`, its zeroed slot in the flow.
 */
#ifndef FS_IDENTIFY_DISSECTOR_H
#define FS_IDENTIFY_DISSECTOR_H
#include "base/reader.h"
#include "decode/packet.h"
#include "flow/flow.h"
#include "identify/chi_square.h"
#include "identify/strategy.h"

/*
 * What a piece of evidence is about. Sockets are transport addresses (D3). Which of a flow's two sockets are
 * kept is decided in one place, identify/sockets.c: the internal ones (D5), or both when neither or both are
 * internal.
 */
enum evidence_about {
	ABOUT_FLOW,     /* this flow alone (a TCP exchange) */
	ABOUT_SOCKETS,  /* the sockets at the flow's ends */
	ABOUT_SENDER,   /* the socket that sent this message */
	ABOUT_RECEIVER, /* the socket that it was sent to */
};

/* What the machinery does with the value that comes with an observation. */
enum evidence_test {
	TEST_NONE, /* each report counts `bits` */
	/*
	 * Counts `bits` only once for each address of a peer: what one server does by its structure it does
	 * always. "Once" as far as the memory for the last 4 addresses that counted reaches.
	 */
	TEST_PEERS,
	/*
	 * The value is a 16-bit counter of the sender, shared by all its peers. A small step from the last
	 * value, sent to another address, counts `bits`, once for each address as in TEST_PEERS; no step or a
	 * far jump counts `against`, always.
	 */
	TEST_COUNTER,
	/* The value must look random and never come twice from one sender. Fresh: counts `bits`; a repetition
	 * of one of the last 8, or fewer than 3 of its 4 bytes changed: counts `against`. */
	TEST_NONCE,
	/*
	 * The value is the IPv4 address by which the sender sees the receiver. Equal to the receiver's own
	 * address, or to what a peer with another address said before: counts `bits`. Anybody can send that:
	 * report it only of an answer that proves to be one.
	 */
	TEST_REFLECTED,
	/*
	 * As TEST_REFLECTED, of an answer to a question that was not captured: anything may look like one.
	 * Told by three addresses and more, all the same and nothing else in between: counts `bits` for each
	 * from the third on.
	 */
	TEST_AGREED,
	/* The value means nothing. The first 64 bits of this message go into the chi-square test of what the
	 * socket sends, and the protocol's rule for it, csc_socket, counts `bits` or `against` at the end. */
	TEST_RANDOMNESS,
	/*
	 * The value is the same in all copies of one message, and looks random otherwise. Seen at a third
	 * address, while the values remembered before differ from each other: counts `bits`, once for each
	 * value. A sender that tells many peers the same thing does so.
	 */
	TEST_REPEATED,
	/* A contradiction: counts `against`, with no limit, so that enough of them outweigh anything. */
	TEST_AGAINST,
};

/*
 * One kind of evidence; static tables of a protocol. Bits are log2 likelihood ratios, derived where they are
 * set. A protocol has at most one kind each of TEST_PEERS, TEST_COUNTER, TEST_NONCE, TEST_REFLECTED,
 * TEST_AGREED, TEST_RANDOMNESS and TEST_REPEATED, for a socket has one memory for each.
 */
struct evidence_kind {
	const char *name;  /* key in the database; never renamed */
	const char *words; /* one line for people: what was seen */
	enum evidence_about about;
	enum evidence_test test;
	float bits;    /* for each report */
	float cap;     /* the sum over all reports is at most this */
	float against; /* <= 0; not capped for TEST_AGAINST, else at most -cap in sum */
};
#define EVIDENCE_KINDS_MAX 32 /* bits of flow_identity.kinds */

/* Evidence that the machinery finds by itself. */
enum machinery_kind {
	MACHINERY_REFUSED, /* no dissector of the protocol accepts the first payload of a UDP flow that the
			      socket began; what strangers send to it says nothing. TEST_AGAINST */
	MACHINERY_OTHER_LABEL,   /* libndpi recognises by payload another protocol on a UDP flow in which the
				    socket sent something. TEST_AGAINST */
	MACHINERY_MANY_PEERS,    /* many peers on high ports, one socket. TEST_NONE */
	MACHINERY_TCP_AFTER_UDP, /* TCP to the address and port that answered over UDP. TEST_NONE */
	MACHINERY_CALLED,        /* many peers call the socket first, and it answers them (behave/callers.h).
				    TEST_NONE */
	MACHINERY_HOST_TCP,      /* a TCP flow that the socket's host opened proves the protocol. TEST_NONE */
	MACHINERY_KIND_COUNT
};

#define SEARCH_QUESTIONS_MAX 3U /* sizes; what is left over is 0 */

/* A protocol: one or more dissectors whose evidence adds up. Static. */
struct protocol {
	const char *name;           /* "skype": key in CLI, database and reports; never renamed */
	const char *suspected_name; /* "skype?": of a socket that is only suspected */
	const char *title;          /* "Skype" */
	const char *udp_label;      /* of every UDP flow of a socket with a verdict */
	const char *tcp_label;      /* of a TCP flow that joins a client's host to a known peer's socket */
	const struct evidence_kind *kinds;
	uint8_t kind_count;
	/* The rows of `kinds` that price what the machinery finds; what is left out has no weight. */
	const struct evidence_kind *machinery[MACHINERY_KIND_COUNT];
	/*
	 * What tells a TCP flow by the flows before it; 0: nothing does. An address and port that a host
	 * opened with the tcp_label is tried again within this time, with nothing in the payload to see.
	 */
	int64_t retry_ns;
	/* The node that takes the client in: payload of the question and of its answer over UDP, and of the
	 * client's first message over TCP to the same address and port (ROLE_supernode). resent: of the
	 * question when it has to be sent again in another form; 0: there is none. */
	struct {
		uint16_t question, answer, first_message, resent;
	} supernode;
	/* Where clients go when nobody answers over UDP or on the nodes' own ports; 0: nowhere. */
	uint16_t fallback_ports[2];
	/* A user search (behave/searches.h): the request to the supernode, and the questions that the nodes
	 * are asked then, one each, payload bytes; the first 0: it cannot be told. */
	struct {
		uint16_t request, question[SEARCH_QUESTIONS_MAX];
	} search;
	/* What the first 64 bits of its media look like over UDP, one rule or more; where one passes, and the
	 * sizes and gaps are a voice's, a flow is a call of the protocol without a client socket. */
	const struct csc_rule *csc_rules;
	uint8_t csc_rule_count;
	const struct csc_rule *csc_socket; /* of TEST_RANDOMNESS */
	const struct csc_rule *csc_tcp; /* over TCP it claims nothing, for all encrypted streams pass: a flow
					   of a client that fails it is no media. NULL: nothing is known */
	const char *ndpi_prefix; /* libndpi names of the protocol itself: no weight, neither for nor against;
				    or NULL */
	/* How it can be stopped; none: nobody has said. recommended: the row of the strategy to take. */
	const struct packet_pattern *patterns;
	const struct block_strategy *strategies;
	uint8_t pattern_count, strategy_count, recommended;
	/* Evidence about a flow that tells of an exchange which travels inside another connection, as a login
	 * that a node relays; a row of `kinds`, or NULL. */
	const struct evidence_kind *relayed;
};

/* The index in kinds of what the machinery found; false: the protocol gives it no weight. */
static inline bool protocol_kind(const struct protocol *p, enum machinery_kind which, unsigned *kind)
{
	if (!p->machinery[which])
		return false;
	*kind = (unsigned)(p->machinery[which] - p->kinds);
	return true;
}

enum match { MATCH_NO, MATCH_MAYBE, MATCH_YES };

/* An exchange of messages over TCP, such as a login. */
enum exchange_outcome {
	OUTCOME_UNKNOWN,   /* the exchange stopped before it could be told */
	OUTCOME_NO_ANSWER, /* the other side never said anything */
	OUTCOME_SUCCESS,
	OUTCOME_FAILURE, /* refused by the other side */
};

/* The way that media takes, as far as one flow tells. */
enum media_way {
	MEDIA_WAY_UNKNOWN,
	MEDIA_WAY_DIRECT,  /* the other end itself answered a connectivity check; it may be a conference
			      server, or a relay that the far side has chosen */
	MEDIA_WAY_RELAYED, /* the other end is a relay that this side has chosen */
};
/* Endpoints have port 0 when they were not told. */
struct media_path {
	enum media_way way;
	struct endpoint reflexive[2]; /* by the direction in which that end sends: its socket as the other end
					 sees it, so outside all translators between them */
	struct endpoint relayed;      /* at the relay: where the far side sends to */
	struct endpoint peer;         /* behind the relay: whom the media is for */
};

enum event_type { EVENT_MESSAGE, EVENT_EXCHANGE, EVENT_VERSION_CHECK, EVENT_MEDIA_PATH, EVENT_ROUND_TRIP };
/* The message by which the server says how the exchange went. */
#define MESSAGE_ANSWER "answer"
struct event {
	enum event_type type;
	union {
		/* EVENT_MESSAGE: one application message of an exchange. */
		struct {
			uint32_t bytes;
			const char *what; /* static: its type as the protocol names it, or MESSAGE_ANSWER */
		} message;
		/* EVENT_EXCHANGE: what is known so far of the exchange on this flow; each report replaces the
		 * last. */
		struct {
			const char *role; /* static: "login", "contact-list" */
			const char *form; /* static: which generation of the protocol */
			enum exchange_outcome outcome;
		} exchange;
		/* EVENT_VERSION_CHECK */
		struct {
			const char *action; /* static: "installed" or "getlatestversion" */
			char version[32];   /* what the client says it is, printable ASCII */
			char host[64];      /* printable ASCII */
			char platform[16];  /* as in the request */
		} version;
		/* EVENT_MEDIA_PATH: what is known so far; each report of a flow replaces the last. Of flows
		 * with media only: those that look for a path are many more. */
		struct media_path path;
		/* EVENT_ROUND_TRIP: this message is the first that carries the id of a question the other
		 * way. */
		struct {
			int64_t asked_ns;         /* when the question was seen, the newest time */
			uint32_t question, reply; /* payload on the wire */
			bool repeated; /* it was seen more than once, so which one is answered is not known */
		} round_trip;
	} of;
};

/* One look at new payload. Borrowed; valid during the call. */
struct look {
	const struct packet *packet; /* time and number of the packet that brought the bytes */
	const struct endpoint *from, *to;
	enum direction dir;
	/*
	 * UDP: the payload as captured. TCP: the stream of this direction from its first byte seen, in order,
	 * up to the newest; the last `fresh` bytes are new.
	 */
	struct span data;
	size_t fresh;
	uint32_t wire; /* UDP: payload length on the wire, at least data.len: more, where the snap length has
			  cut it, or it is in fragments and this is the first */
	bool from_start; /* TCP: data begins at the first byte of the connection */
	bool expected;   /* TCP: flows before this one make the protocol likely (identify/expect.h) */
	uint32_t nth;    /* 0 for the first look at this flow, either direction; saturates at 255 */
	void *state;     /* this dissector's slot, zeroed at the flow's start */
	struct observer *observer;
	struct flow *flow; /* for observe() and label_flow(); dissectors leave it alone */
	uint8_t dissector; /* index in the registry */
};

/* The transport port of the responder, where a server would listen. */
static inline uint16_t look_server_port(const struct look *l)
{
	return l->dir == TO_RESPONDER ? l->to->port : l->from->port;
}

/*
 * What a dissector says of one message of a flow that may carry media, for the meter (identify/media.h). RTP
 * names for things that every media format has.
 */
enum sample_kind {
	SAMPLE_NONE,    /* neither: keys, candidates, padding */
	SAMPLE_CONTROL, /* about the media: reports, keep-alives */
	SAMPLE_MEDIA,
};
enum media_kind { MEDIA_UNKNOWN, MEDIA_AUDIO, MEDIA_VIDEO, MEDIA_OTHER };
/*
 * What one end reports of a stream that it receives (RFC 3550 section 6.4.1). With the report's clock in view
 * as well, a message of this kind at time t gives a round trip between the capture and its sender: t - (time
 * at which the message with clock == last_clock was seen the other way) - delay.
 */
struct media_reception {
	uint32_t last_clock; /* of the last report with a clock that came in; 0: none did */
	uint32_t delay;      /* since then, 2^-16 s */
};
#define MEDIA_RECEPTIONS_MAX 4U /* more in one message are left out */
struct media_control {
	bool has_clock;
	uint32_t clock; /* of the end that reports, 2^-16 s */
	uint8_t receptions;
	struct media_reception reception[MEDIA_RECEPTIONS_MAX];
};
struct media_sample {
	uint32_t stream; /* tells the streams of one direction apart (RTP: the SSRC); 0 if there is but one */
	bool sequenced;  /* sequence and timestamp are known */
	uint16_t sequence;     /* counts the messages of the stream */
	uint32_t timestamp;    /* of the media, in units of 1 / clock_hz s */
	uint32_t clock_hz;     /* 0: not known from the message; the meter estimates it */
	uint8_t payload_type;  /* the format's own number of the codec */
	const char *codec;     /* static: what that number stands for; NULL: not known from the message */
	enum media_kind media; /* ... and of what kind it is */
	bool comfort_noise;    /* stands for silence, and is no frame of the codec */
	struct span payload;   /* the media proper, behind all headers */
	uint32_t payload_wire; /* its length on the wire */
	/* SAMPLE_CONTROL: no clock and no receptions when nothing is reported in clear. */
	struct media_control control;
	struct span rest; /* TCP: what of the segment is behind this message, and wants sample() again */
};

/* What a flow is for. The names are those of column flows.role. */
#define FLOW_ROLES(X)                                                                                        \
	X(none, "not known")                                                                                 \
	X(login, "exchange with a login server")                                                             \
	X(contact_list, "exchange with a contact-list server")                                               \
	X(version_check, "asks the vendor for the latest version")                                           \
	X(supernode, "the client's connection to its supernode")                                             \
	X(node, "connection to another node")                                                                \
	X(signalling, "messages between nodes")                                                              \
	X(media, "voice or video")
enum flow_role {
#define X(name, words) ROLE_##name,
	FLOW_ROLES(X)
#undef X
		ROLE_COUNT
};

/* Reports evidence of protocol->kinds[kind] (the protocol of the dissector). value: as the kind's test says.
 */
void observe(const struct look *l, unsigned kind, uint32_t value);
/*
 * Says what the flow is; static text such as "skype-login". The last call counts. Evidence ABOUT_FLOW and
 * labels on one flow are those of one protocol, see flow_identity.protocol: observe first, then label.
 */
void label_flow(const struct look *l, const char *label);
/* Says what the flow is for, if this is told by its own payload; the last call counts. With label_flow(). */
void note_role(const struct look *l, enum flow_role role);
void report_event(const struct look *l, const struct event *event);
/*
 * EVENT_ROUND_TRIP: to be called once for a question, with the first message that carries its id back. The
 * dissector keeps ids, times and sizes of the last few questions of each direction in its state. A question
 * with an id that is still unanswered is the old one once more: `repeated`. Not so what a span port copies.
 */
static inline void report_echo(const struct look *l, int64_t asked_ns, uint32_t question, bool repeated)
{
	const struct event event = { .type = EVENT_ROUND_TRIP,
				     .of.round_trip = { asked_ns, question, l->wire, repeated } };

	report_event(l, &event);
}

struct dissector {
	const char *name;    /* "skype_udp" */
	const char *summary; /* one line, with its source */
	const struct protocol *protocol;
	uint8_t l4;          /* IPPROTO_UDP or IPPROTO_TCP */
	uint8_t patience;    /* looks before MAYBE is over: no answer, neither for nor against */
	uint16_t state_size; /* plain data, no pointers: nothing to free */
	enum match (*look)(const struct look *l);
	/*
	 * Of a dissector that knows media, else NULL: reads one message of a flow about which look() was not
	 * sure yet or said yes, and goes on being called for every later one. Without state: l->state is
	 * NULL. TCP: data is the payload of one segment.
	 */
	enum sample_kind (*sample)(const struct look *l, struct media_sample *out);
};

/* The registry, in the order of dissectors/list.h. */
extern const struct dissector *const dissectors[];
extern const unsigned dissector_count;
extern const struct protocol *const protocols[];
extern const unsigned protocol_count;
#define DISSECTORS_MAX 32 /* bits in flow_identity.undecided */
#define PROTOCOLS_MAX  16
#endif
