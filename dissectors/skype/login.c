/*
 * Login server and contact-list server over TCP: records that look like TLS, of which the first has length
 * zero (wire B3 for the form of 2006, wire C4 for that of 2015; BS section IV.B.1).
 *
 *	C->S 16 03 01 00 00			hello; in 2015 twice, the second after the server's answer
 *	S->C 17 03 01 00 00			hello answer; in 2015 twice
 *	C->S 16 03 01 LL LL ... 17 03 01 LL LL ...	the login block: both records are one message
 *	S->C 17 03 01 LL LL ...			answer, then data both ways
 *
 * The streams are parsed as records, so that segment boundaries do not matter. Nearly every TCP flow ends
 * here at its first byte.
 */
#include "dissectors/skype/skype.h"

#define RECORD_HEADER 5U
#define TYPE_BLOCK    0x16U
#define TYPE_DATA     0x17U
#define VERSION       0x0301U
#define HELLOS_MAX    2U

/* BS section IV.B.1: "(4) returned by the login server was 18 bytes indicating a login failure". */
#define FAILURE_SIZE 18U

#define PORT_LOGIN 33033U /* BS Table III; wire B3 */
#define PORT_LIST  12350U

/*
 * Length of the block's second record. 2006 (wire B3): 42 and 45 for lists, 197 and 236 for logins. 2015
 * (wire C4): 82 at a server that listens on the list's port too, 125 and 127 at the others; the role itself
 * is a judgement there.
 */
#define LIST_RECORD_MAX_2006 60U
#define LIST_RECORD_MAX_2015 100U

enum form { FORM_UNKNOWN, FORM_2006, FORM_2015 };
static const char *const form_names[] = { "unknown", "2006", "2015" };

struct login_state {
	uint32_t parsed[2]; /* bytes of each stream that are behind us, by enum direction */
	uint32_t answer;    /* bytes of the server's first record with content; 0: none yet */
	uint16_t second;    /* length of the block's second record */
	uint8_t hellos[2];
	bool block; /* was seen */
	uint8_t form;
	bool reported;                        /* an exchange event, with: */
	uint8_t role, reported_form, outcome; /* role: enum flow_role */
};

/* A message in a stream: a record, or the two of the login block. size 0: more bytes are needed. */
struct message {
	size_t size;
	uint8_t type;
	uint16_t length;  /* of its first record */
	uint16_t second;  /* of its second record */
	struct span body; /* of its first record */
};

enum found { FOUND, FOUND_INCOMPLETE, FOUND_FOREIGN };

static enum found read_header(struct reader *r, uint8_t *type, uint16_t *length)
{
	if (rd_left(r) < RECORD_HEADER)
		return FOUND_INCOMPLETE;
	*type = rd_u8(r);
	uint16_t version = rd_be16(r);
	*length = rd_be16(r);
	return version == VERSION && (*type == TYPE_BLOCK || *type == TYPE_DATA) ? FOUND : FOUND_FOREIGN;
}

static enum found read_message(struct span stream, size_t from, struct message *m)
{
	struct reader r = reader_on(stream);
	rd_skip(&r, from);
	*m = (struct message){ 0 };
	enum found found = read_header(&r, &m->type, &m->length);
	if (found != FOUND)
		return found;
	m->body = rd_take(&r, m->length);
	m->size = RECORD_HEADER + m->length;
	if (r.failed)
		return FOUND_INCOMPLETE;
	if (m->type != TYPE_BLOCK || m->length == 0)
		return FOUND;
	uint8_t type = 0;
	found = read_header(&r, &type, &m->second);
	if (found != FOUND)
		return found;
	if (type != TYPE_DATA)
		return FOUND_FOREIGN;
	rd_skip(&r, m->second);
	m->size += RECORD_HEADER + m->second;
	return r.failed ? FOUND_INCOMPLETE : FOUND;
}

static enum flow_role role_of(const struct look *l, const struct login_state *st)
{
	uint16_t port = look_server_port(l);
	if (port == PORT_LOGIN)
		return ROLE_login;
	if (port == PORT_LIST)
		return ROLE_contact_list;
	unsigned list_max = st->form == FORM_2015 ? LIST_RECORD_MAX_2015 : LIST_RECORD_MAX_2006;
	return st->block && st->second <= list_max ? ROLE_contact_list : ROLE_login;
}

static enum exchange_outcome outcome_of(const struct login_state *st, enum flow_role role)
{
	if (st->parsed[TO_INITIATOR] == 0)
		return OUTCOME_NO_ANSWER;
	if (st->answer == 0)
		return OUTCOME_UNKNOWN;
	if (role == ROLE_contact_list)
		return OUTCOME_SUCCESS; /* a list that is refused has not been seen */
	if (st->form == FORM_2015 || st->answer < FAILURE_SIZE)
		return OUTCOME_UNKNOWN; /* the sizes of BS are not those of 2015: every answer has 19 bytes
					   (wire C4) */
	return st->answer == FAILURE_SIZE ? OUTCOME_FAILURE : OUTCOME_SUCCESS;
}

/* Reports the exchange whenever more is known of it than at the last report. */
static void report_exchange(const struct look *l, struct login_state *st)
{
	enum flow_role role = role_of(l, st);
	enum exchange_outcome outcome = outcome_of(st, role);
	if (st->reported && st->role == role && st->reported_form == st->form && st->outcome == outcome)
		return;
	st->reported = true;
	st->role = (uint8_t)role;
	st->reported_form = st->form;
	st->outcome = (uint8_t)outcome;
	label_flow(l, role == ROLE_login ? "skype-login" : "skype-contact-list");
	note_role(l, role);
	report_event(l,
		     &(struct event){ .type = EVENT_EXCHANGE,
				      .of.exchange = { .role = role == ROLE_login ? "login" : "contact-list",
						       .form = form_names[st->form],
						       .outcome = outcome } });
}

/* A client's message; its name, or NULL if it cannot be one. */
static const char *client_message(const struct look *l, struct login_state *st, const struct message *m)
{
	if (m->length == 0) {
		if (m->type != TYPE_BLOCK || st->block || st->hellos[l->dir] == HELLOS_MAX)
			return NULL;
		if (st->hellos[l->dir]++ == 0)
			observe(l, SKYPE_LOGIN, 0);
		else
			st->form = FORM_2015;
		return "hello";
	}
	if (m->type == TYPE_DATA)
		return st->block ? "data" : NULL;
	if (st->block)
		return NULL;
	st->block = true;
	st->second = m->second;
	enum skype_block block = skype_block_form(m->body);
	if (block == BLOCK_NONE)
		return "login block";
	st->form = block == BLOCK_2006 ? FORM_2006 : FORM_2015;
	observe(l, SKYPE_LOGIN_BLOCK, m->length);
	return "login block";
}

/* The same for the server's. */
static const char *server_message(const struct look *l, struct login_state *st, const struct message *m)
{
	if (m->type != TYPE_DATA)
		return NULL;
	if (m->length == 0) {
		if (st->answer || st->hellos[l->dir] == HELLOS_MAX)
			return NULL;
		st->hellos[l->dir]++;
		return "hello answer";
	}
	if (st->answer)
		return "data";
	st->answer = (uint32_t)m->size;
	return MESSAGE_ANSWER;
}

/* The first bytes of a connection must be the client's hello; anything else is none of ours. */
static enum match opening(const struct look *l)
{
	static const uint8_t hello[RECORD_HEADER] = { TYPE_BLOCK, 0x03, 0x01, 0x00, 0x00 };
	size_t n = l->data.len < sizeof hello ? l->data.len : sizeof hello;
	if (!l->from_start || l->dir != TO_RESPONDER || !span_begins(l->data, hello, n))
		return MATCH_NO;
	return n < sizeof hello ? MATCH_MAYBE : MATCH_YES;
}

static enum match login_look(const struct look *l)
{
	struct login_state *st = l->state;
	if (st->hellos[TO_RESPONDER] == 0) {
		enum match match = opening(l);
		if (match != MATCH_YES)
			return match;
	}
	if (!l->from_start)
		return MATCH_NO;
	for (;;) {
		struct message m;
		enum found found = read_message(l->data, st->parsed[l->dir], &m);
		if (found == FOUND_INCOMPLETE)
			return MATCH_YES;
		if (found == FOUND_FOREIGN)
			return MATCH_NO;
		const char *what =
			l->dir == TO_RESPONDER ? client_message(l, st, &m) : server_message(l, st, &m);
		if (!what)
			return MATCH_NO;
		st->parsed[l->dir] += (uint32_t)m.size;
		report_event(l, &(struct event){ .type = EVENT_MESSAGE,
						 .of.message = { .bytes = (uint32_t)m.size, .what = what } });
		report_exchange(l, st);
	}
}

const struct dissector dissector_skype_login = {
	.name = "skype_login",
	.summary = "Skype login and contact list, wire B3 and C4",
	.protocol = &protocol_skype,
	.l4 = IPPROTO_TCP,
	.patience = 64, /* a login has at most 12 messages in 2 kB of each direction; the rest is for small
			   segments */
	.state_size = sizeof(struct login_state),
	.look = login_look,
};
