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
	/* A contradiction: counts `against`, with no limit, so that enough of them outweigh anything. */
	TEST_AGAINST,
};

/*
 * One kind of evidence; static tables of a protocol. Bits are log2 likelihood ratios, derived where they are
 * set. A protocol has at most one kind each of TEST_PEERS, TEST_COUNTER, TEST_NONCE and TEST_REFLECTED, for a
 * socket has one memory for each.
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
	MACHINERY_KIND_COUNT
};

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
	const char *ndpi_prefix; /* libndpi names of the protocol itself: no weight, neither for nor against;
				    or NULL */
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

enum event_type { EVENT_MESSAGE, EVENT_EXCHANGE, EVENT_VERSION_CHECK };
struct event {
	enum event_type type;
	union {
		/* EVENT_MESSAGE: one application message of an exchange. */
		struct {
			uint32_t bytes;
			const char *what; /* static: its type as the protocol names it */
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
	uint32_t wire;   /* UDP: payload length on the wire, at least data.len */
	bool from_start; /* TCP: data begins at the first byte of the connection */
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

/* Reports evidence of protocol->kinds[kind] (the protocol of the dissector). value: as the kind's test says.
 */
void observe(const struct look *l, unsigned kind, uint32_t value);
/*
 * Says what the flow is; static text such as "skype-login". The last call counts. Evidence ABOUT_FLOW and
 * labels on one flow are those of one protocol, see flow_identity.protocol: observe first, then label.
 */
void label_flow(const struct look *l, const char *label);
void report_event(const struct look *l, const struct event *event);

struct dissector {
	const char *name;    /* "skype_udp" */
	const char *summary; /* one line, with its source */
	const struct protocol *protocol;
	uint8_t l4;          /* IPPROTO_UDP or IPPROTO_TCP */
	uint8_t patience;    /* looks before MAYBE is over: no answer, neither for nor against */
	uint16_t state_size; /* plain data, no pointers: nothing to free */
	enum match (*look)(const struct look *l);
};

/* The registry, in the order of dissectors/list.h. */
extern const struct dissector *const dissectors[];
extern const unsigned dissector_count;
extern const struct protocol *const protocols[];
extern const unsigned protocol_count;
#define DISSECTORS_MAX 32 /* bits in flow_identity.undecided */
#define PROTOCOLS_MAX  16
#endif
