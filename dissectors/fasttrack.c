/*
 * FastTrack: KaZaA, Grokster, iMesh of its time, giFT-FastTrack and MLDonkey. The protocol was never
 *published; what is known comes from giFT-FastTrack ("gift": fst_udp_discover.c 1.25, fst_session.c,
 *fst_http_server.c), l7-filter's fasttrack.pat ("l7"), and the real SkypeIRC.pcap of 2006 ("capture"), whose
 *host also ran giFT.
 *
 *	UDP ping  0 = 27 | 1-4 least encryption type, big endian | 5 = 80 | 6- network name and its zero
 *	pong      0 = 28 | 1-4 encryption type | 5 = 00 | 6-9 time, load ... | 10 | 11- network name and its
 *zero full      0 = 29 | 1-4 encryption type | 5-20: what a node says that has no room
 *
 * Sessions to supernodes are encrypted from their first byte. Their opening has a random seed; giFT and
 *MLDonkey always sent the same one, KaZaA did not, and only theirs is recognised. Downloads are plain HTTP.
 */
#include "identify/dissector.h"
#include <string.h>

enum fasttrack_kind {
	FASTTRACK_PING,
	FASTTRACK_PONG,
	FASTTRACK_FULL,
	FASTTRACK_REFUSED,
	FASTTRACK_OTHER_LABEL,
	FASTTRACK_MANY_PEERS,
	FASTTRACK_TCP_AFTER_UDP,
	FASTTRACK_HELLO,
	FASTTRACK_REQUEST,
	FASTTRACK_HEADER,
	FASTTRACK_PUSH,
	FASTTRACK_KIND_COUNT
};

static const struct evidence_kind kinds[] = {
	/*
	 * Seven constant bytes and the network's own name, 2^-80 against chance; capture: 10/10. Nothing that
	 * is not meant to be FastTrack says KaZaA. 16 and not 20: a scanner could send one, a second kind or
	 * many peers make it a client.
	 */
	[FASTTRACK_PING] = { .name = "udp_ping",
			     .words = "a ping to a supernode, with the name of the network",
			     .about = ABOUT_SENDER,
			     .bits = 16.0F,
			     .cap = 16.0F },
	/* As for the ping; capture: 4/4. Counts for both ends, for only answers to a ping are looked at. */
	[FASTTRACK_PONG] = { .name = "udp_pong",
			     .words = "a supernode answers a ping, with the name of the network",
			     .about = ABOUT_SOCKETS,
			     .bits = 16.0F,
			     .cap = 16.0F },
	/* One type byte and a length, of an answer to a ping: 2^-12 against chance; capture: 3/3. */
	[FASTTRACK_FULL] = { .name = "udp_full",
			     .words = "a supernode without room answers a ping",
			     .about = ABOUT_SOCKETS,
			     .test = TEST_PEERS,
			     .bits = 4.0F,
			     .cap = 8.0F },
	/* gift: the socket sends pings and nothing else; other clients may do more with theirs. */
	[FASTTRACK_REFUSED] = { .name = "refused",
				.words = "a UDP flow that the socket began begins with something else",
				.about = ABOUT_SOCKETS,
				.test = TEST_AGAINST,
				.against = -2.0F },
	/* Plain text can hardly be mistaken; what other clients do beside it is not known. */
	[FASTTRACK_OTHER_LABEL] = { .name = "other_label",
				    .words = "libndpi recognises by its payload another protocol that the "
					     "socket speaks",
				    .about = ABOUT_SOCKETS,
				    .test = TEST_AGAINST,
				    .against = -4.0F },
	/* gift: ten pings at a time; as for every overlay. */
	[FASTTRACK_MANY_PEERS] = { .name = "many_peers",
				   .words = "one socket talks to many peers on high ports",
				   .about = ABOUT_SOCKETS,
				   .bits = 4.0F,
				   .cap = 4.0F },
	/* gift: a node that has room is connected to at once, on the same port; capture: 5/7. */
	[FASTTRACK_TCP_AFTER_UDP] = { .name = "tcp_after_udp",
				      .words = "TCP to the address and port that had answered over UDP",
				      .about = ABOUT_SOCKETS,
				      .bits = 4.0F,
				      .cap = 4.0F },
	/* gift fst_session.c: the first 8 of 12 bytes are constants; capture: 33/33. 2^-64 against chance. */
	[FASTTRACK_HELLO] = { .name = "hello",
			      .words = "the connection opens with the hello of giFT to a supernode",
			      .about = ABOUT_FLOW,
			      .bits = 32.0F,
			      .cap = 32.0F },
	/* gift, l7: a fixed path, and the 40 hexadecimal digits of the file's hash. */
	[FASTTRACK_REQUEST] = { .name = "request",
				.words = "HTTP request for a file by its FastTrack hash",
				.about = ABOUT_FLOW,
				.bits = 28.0F,
				.cap = 28.0F },
	/* gift, l7: the vendor's name in a header of its own. */
	[FASTTRACK_HEADER] = { .name = "header",
			       .words = "HTTP with a header that begins with X-Kazaa-",
			       .about = ABOUT_FLOW,
			       .bits = 24.0F,
			       .cap = 24.0F },
	/* l7: the answer to a push. PeerCache of eMule said the same words, so they alone are no label. */
	[FASTTRACK_PUSH] = { .name = "push",
			     .words = "the connection opens with GIVE and a number",
			     .about = ABOUT_FLOW,
			     .bits = 10.0F,
			     .cap = 10.0F },
};
_Static_assert(sizeof kinds / sizeof kinds[0] == FASTTRACK_KIND_COUNT, "one entry per enum fasttrack_kind");

const struct protocol protocol_fasttrack = {
	.name = "fasttrack",
	.suspected_name = "fasttrack?",
	.title = "FastTrack",
	.udp_label = "fasttrack-udp",
	.tcp_label = "fasttrack-tcp",
	.kinds = kinds,
	.kind_count = FASTTRACK_KIND_COUNT,
	.machinery = { [MACHINERY_REFUSED] = &kinds[FASTTRACK_REFUSED],
		       [MACHINERY_OTHER_LABEL] = &kinds[FASTTRACK_OTHER_LABEL],
		       [MACHINERY_MANY_PEERS] = &kinds[FASTTRACK_MANY_PEERS],
		       [MACHINERY_TCP_AFTER_UDP] = &kinds[FASTTRACK_TCP_AFTER_UDP] },
	.ndpi_prefix = "FastTrack",
};

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

enum udp_type { U_PING = 0x27, U_PONG = 0x28, U_FULL = 0x29 };
#define NAME_AT_PING 6U
#define NAME_AT_PONG 11U
#define FULL_SIZE    21U /* capture */

struct udp_state {
	bool asked[2];    /* by enum direction: a ping */
	bool answered[2]; /* by the direction of the answer */
};

enum named { NAMED_NO, NAMED_YES, NAMED_UNSEEN };

/* The network's name and its zero, from byte `at` to the end. */
static enum named names_network(const struct look *l, size_t at)
{
	static const char name[] = "KaZaA";
	struct reader r = reader_on(l->data);
	if (l->wire != at + sizeof name)
		return NAMED_NO;
	rd_skip(&r, at);
	struct span s = rd_take(&r, sizeof name);
	if (r.failed)
		return NAMED_UNSEEN;
	return memcmp(s.ptr, name, sizeof name) == 0 ? NAMED_YES : NAMED_NO;
}

static enum match udp_look(const struct look *l)
{
	struct udp_state *st = l->state;
	struct reader r = reader_on(l->data);
	enum direction other = l->dir == TO_RESPONDER ? TO_INITIATOR : TO_RESPONDER;
	uint8_t type = rd_u8(&r);
	if (r.failed)
		return l->wire ? MATCH_MAYBE : MATCH_NO;
	if (type != U_PING && type != U_PONG && type != U_FULL)
		return MATCH_NO;
	rd_skip(&r, 4);
	uint8_t mark = rd_u8(&r);
	if (r.failed)
		return l->wire < NAME_AT_PING ? MATCH_NO : MATCH_MAYBE;

	if (type == U_FULL) {
		if (!st->asked[other] || l->wire != FULL_SIZE)
			return MATCH_NO;
		if (!st->answered[l->dir])
			observe(l, FASTTRACK_FULL, type);
		st->answered[l->dir] = true;
		return MATCH_YES;
	}
	if (mark != (type == U_PING ? 0x80 : 0x00))
		return MATCH_NO;
	enum named named = names_network(l, type == U_PING ? NAME_AT_PING : NAME_AT_PONG);
	if (named != NAMED_YES)
		return named == NAMED_NO ? MATCH_NO : MATCH_MAYBE;
	if (type == U_PING) {
		st->asked[l->dir] = true;
		observe(l, FASTTRACK_PING, type);
	} else if (st->asked[other]) {
		observe(l, FASTTRACK_PONG, type);
	}
	return MATCH_YES;
}

const struct dissector dissector_fasttrack_udp = {
	.name = "fasttrack_udp",
	.summary = "FastTrack pings and pongs over UDP, giFT-FastTrack",
	.protocol = &protocol_fasttrack,
	.l4 = IPPROTO_UDP,
	.patience = 6, /* capture: a ping and an answer in each flow */
	.state_size = sizeof(struct udp_state),
	.look = udp_look,
};

/* gift fst_session.c: "random number?" and seed, then the encryption type mixed with the seed. */
#define HELLO_SIZE 12U

/* What has been seen of a direction. */
enum stage { STAGE_OPENING, STAGE_HEADERS, STAGE_DONE };
struct tcp_state {
	uint8_t stage[2]; /* enum stage, by enum direction */
};

enum part { PART_NO, PART_SOME, PART_ALL };

/* Takes text off the front of r. PART_SOME: all that is there fits, and more is to come. */
static enum part rd_text(struct reader *r, const char *text)
{
	for (; *text; text++) {
		uint8_t c = rd_u8(r);
		if (r->failed)
			return PART_SOME;
		if (c != (uint8_t)*text)
			return PART_NO;
	}
	return PART_ALL;
}

static enum part rd_hello(struct reader r)
{
	static const uint8_t fixed[] = { 0xfa, 0x00, 0xb6, 0x2b, 0xfa, 0xcb, 0x12, 0x38 };
	for (size_t i = 0; i < sizeof fixed; i++) {
		uint8_t c = rd_u8(&r);
		if (r.failed)
			return PART_SOME;
		if (c != fixed[i])
			return PART_NO;
	}
	rd_skip(&r, HELLO_SIZE - sizeof fixed);
	return r.failed ? PART_SOME : PART_ALL;
}

/* "GET /.hash=", 40 hexadecimal digits, and what ends or continues the path. */
static enum part rd_request(struct reader r)
{
	enum part part = rd_text(&r, "GET /.hash=");
	for (unsigned i = 0; part == PART_ALL && i < 40; i++) {
		uint8_t c = rd_u8(&r);
		part = r.failed ? PART_SOME : is_hex(c) ? PART_ALL : PART_NO;
	}
	return part;
}

/* "GIVE ", 8 to 10 digits, end of line (l7). */
static enum part rd_push(struct reader r)
{
	enum part part = rd_text(&r, "GIVE ");
	unsigned digits = 0;
	uint8_t c;
	if (part != PART_ALL)
		return part;
	for (c = rd_u8(&r); !r.failed && is_digit(c) && digits <= 10; c = rd_u8(&r))
		digits++;
	if (r.failed)
		return digits <= 10 ? PART_SOME : PART_NO;
	return digits >= 8 && digits <= 10 && (c == '\r' || c == '\n') ? PART_ALL : PART_NO;
}

/*
 * Other HTTP that may have the headers: a path of a number, as the first KaZaA asked for files, or an answer
 * in a flow that is FastTrack's anyway.
 */
static enum part rd_http(struct reader r, bool expected)
{
	struct reader answer = r;
	enum part part = rd_text(&r, "GET /");
	if (part == PART_ALL) {
		uint8_t c = rd_u8(&r);
		return r.failed ? PART_SOME : is_digit(c) ? PART_ALL : PART_NO;
	}
	if (part == PART_NO && expected)
		return rd_text(&answer, "HTTP/1.");
	return part;
}

/* A line that begins with X-Kazaa-, up to the empty line. PART_NO: the headers are over. */
static enum part find_header(struct reader r)
{
	while (rd_left(&r)) {
		struct reader line = r;
		uint8_t first = rd_u8(&line);
		if (first == '\r' || first == '\n')
			return PART_NO;
		line = r;
		if (rd_text(&line, "X-Kazaa-") == PART_ALL)
			return PART_ALL;
		while (rd_left(&r) && rd_u8(&r) != '\n')
			;
	}
	return PART_SOME;
}

static enum match look_at_headers(const struct look *l, struct tcp_state *st)
{
	switch (find_header(reader_on(l->data))) {
	case PART_ALL:
		observe(l, FASTTRACK_HEADER, 0);
		label_flow(l, "fasttrack-http");
		st->stage[l->dir] = STAGE_DONE;
		return MATCH_YES;
	case PART_SOME:
		return MATCH_MAYBE;
	default:
		return MATCH_NO;
	}
}

/* The first bytes of a direction decide what can follow. */
static enum match look_at_opening(const struct look *l, struct tcp_state *st)
{
	struct reader r = reader_on(l->data);
	enum part hello = rd_hello(r), request = rd_request(r), push = rd_push(r);
	bool expected = st->stage[TO_RESPONDER] == STAGE_DONE || st->stage[TO_INITIATOR] == STAGE_DONE;
	if (hello == PART_ALL) {
		observe(l, FASTTRACK_HELLO, 0);
		label_flow(l, protocol_fasttrack.tcp_label);
	} else if (request == PART_ALL) {
		observe(l, FASTTRACK_REQUEST, 0);
		label_flow(l, "fasttrack-http");
	} else if (push == PART_ALL) {
		observe(l, FASTTRACK_PUSH, 0);
	} else {
		enum part http = rd_http(r, expected);
		if (http == PART_ALL) {
			st->stage[l->dir] = STAGE_HEADERS;
			return look_at_headers(l, st);
		}
		bool some =
			hello == PART_SOME || request == PART_SOME || push == PART_SOME || http == PART_SOME;
		return some ? MATCH_MAYBE : MATCH_NO;
	}
	st->stage[l->dir] = STAGE_DONE;
	return MATCH_YES;
}

/* The first bytes of all openings: FA, GET and GIVE, HTTP. Nearly every connection ends here. */
static bool may_be_opening(struct span stream)
{
	struct reader r = reader_on(stream);
	uint8_t first = rd_u8(&r);
	return r.failed || first == 0xfa || first == 'G' || first == 'H';
}

static enum match tcp_look(const struct look *l)
{
	struct tcp_state *st = l->state;
	switch (st->stage[l->dir]) {
	case STAGE_OPENING:
		return may_be_opening(l->data) ? look_at_opening(l, st) : MATCH_NO;
	case STAGE_HEADERS:
		return look_at_headers(l, st);
	default:
		return MATCH_YES;
	}
}

const struct dissector dissector_fasttrack_tcp = {
	.name = "fasttrack_tcp",
	.summary = "FastTrack's hello to supernodes (giFT) and its downloads over HTTP",
	.protocol = &protocol_fasttrack,
	.l4 = IPPROTO_TCP,
	.patience = 12, /* a request and an answer in more segments than this are not looked at */
	.state_size = sizeof(struct tcp_state),
	.look = tcp_look,
};
