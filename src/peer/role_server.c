/*
 * The vendor's login and contact-list servers (wire B3), and the login server of 0.97 (technical report, Fig.
 * 3). What they answer depends on the size of what they get, as all else of it is encrypted.
 */
#include "base/clock.h"
#include "peer/node_2015.h"
#include "peer/reply.h"
#include "peer/talk.h"

struct server {
	struct role role;
	struct talks talks;
	struct node_2015 node_2015;
	struct replies replies; /* the contact-list server's, over UDP (wire B3 (5)) */
	uint16_t next_id;
};

struct server_answer {
	uint16_t size, answer; /* of the message that came; of the record's data, or of all if it is random */
	uint8_t saying;        /* enum saying */
	uint16_t least_ms, most_ms;
};

/* Wire B3. The delays are those of its four flows, less the time of the SYN and its answer; of the report's
 * there are no times, so they are the same. */
static const struct server_answer login_answers[] = {
	{ 5, 0, SAY_LOGIN_HELLO, 34, 45 },  { 451, 227, SAY_RECORD, 193, 287 }, /* login 1 */
	{ 412, 217, SAY_RECORD, 193, 287 },                                     /* login 2 */
	{ 413, 217, SAY_RECORD, 193, 287 },                                     /* BS IV.B.1 */
	{ 18, 62, SAY_RECORD, 45, 45 },     /* the extra exchange of login 1 */
	{ 14, 14, SAY_RANDOM, 34, 45 },     /* 0.97 */
	{ 176, 246, SAY_RANDOM, 193, 287 }, /* 0.97: the password */
};
#define LOGIN_LEAST    100U /* every message with a password is longer, and no other */
#define FAILURE_RECORD 13U  /* BS IV.B.1: 18 bytes in all */

static const struct server_answer list_answers[] = {
	{ 5, 0, SAY_LOGIN_HELLO, 75, 106 }, { 260, 11, SAY_RECORD, 114, 117 },
	{ 257, 11, SAY_RECORD, 114, 117 },  { 25, 16, SAY_RECORD, 67, 67 },
	{ 31, 13, SAY_RECORD, 82, 82 },
};
/* Wire B3 (3): the second record comes by itself, that long behind the first one. */
static const struct server_answer list_seconds[] = {
	{ 260, 63, SAY_RECORD, 84, 84 },
	{ 257, 19, SAY_RECORD, 179, 179 },
};

static const struct server_answer *answer_find(const struct server_answer *answers, size_t count, size_t size)
{
	for (size_t i = 0; i < count; i++)
		if (answers[i].size == size)
			return &answers[i];
	return NULL;
}

#define FIND(answers, size) answer_find(answers, sizeof(answers) / sizeof(answers)[0], size)

static int64_t draw_delay(struct server *s, const struct server_answer *a)
{
	return (int64_t)rng_between(&s->role.rng, a->least_ms * 1000U, a->most_ms * 1000U) * NS_PER_US;
}

/* The password is encrypted, and the connection's port its own: who has that address, and the wrong one? */
static bool is_refused(const struct server *s, uint32_t ip)
{
	const struct scenario *scenario = s->role.scenario;

	for (size_t i = 0; i < scenario->parties; i++) {
		const struct party *p = &scenario->party[i];

		if (p->kind == PARTY_CLIENT && p->wrong_password &&
		    (p->public_ip == ip || p->address.ip == ip))
			return true;
	}
	return false;
}

static void login_message(struct server *s, struct talk *talk, size_t size)
{
	const struct server_answer *a = FIND(login_answers, size);

	if (!a)
		return;
	if (size >= LOGIN_LEAST && is_refused(s, talk->link->far.ip))
		talk_say(&s->talks, talk, draw_delay(s, a), SAY_RECORD, FAILURE_RECORD);
	else
		talk_say(&s->talks, talk, draw_delay(s, a), a->saying, a->answer);
}

static void list_message(struct server *s, struct talk *talk, size_t size)
{
	const struct server_answer *a = FIND(list_answers, size), *second = FIND(list_seconds, size);
	int64_t delay;

	if (!a)
		return;
	delay = draw_delay(s, a);
	talk_say(&s->talks, talk, delay, a->saying, a->answer);
	if (second)
		talk_say(&s->talks, talk, delay + draw_delay(s, second), second->saying, second->answer);
}

static bool on_accepted(void *self, struct link *link, uint16_t local_port, struct endpoint from)
{
	struct server *s = self;

	(void)local_port;
	(void)from;
	return talks_add(&s->talks, link);
}

static void on_message(void *self, struct link *link, const uint8_t *bytes, size_t size)
{
	struct server *s = self;
	struct talk *talk = link->data;

	if (node_2015_message(&s->node_2015, &s->role, link, bytes, size))
		return;
	if (s->role.party->kind == PARTY_LOGIN_SERVER)
		login_message(s, talk, size);
	else
		list_message(s, talk, size);
}

static void on_closed(void *self, struct link *link, enum link_end end)
{
	struct server *s = self;

	(void)end;
	node_2015_closed(&s->node_2015, link);
	talks_remove(&s->talks, link->data);
}

static void on_datagram(void *self, uint16_t local_port, struct endpoint from, const uint8_t *bytes,
			size_t size)
{
	struct server *s = self;
	uint32_t own = s->role.party->public_ip;
	struct message_head head;

	if (s->role.party->kind == PARTY_LIST_SERVER &&
	    message_parse(bytes, size, (struct addressing){ from.ip, own }, &head) &&
	    (head.function == FUNCTION_PAYLOAD || head.function == FUNCTION_RESEND))
		replies_to(&s->replies, local_port, from, &head, size, own);
}

static const struct host_handlers handlers = {
	.datagram = on_datagram,
	.accepted = on_accepted,
	.message = on_message,
	.closed = on_closed,
};

static bool server_begin(struct role *role, struct error *err)
{
	struct server *s = (struct server *)role;

	s->talks = (struct talks){
		role, role->party->kind == PARTY_LOGIN_SERVER ? PURPOSE_LOGIN : PURPOSE_CONTACT_LIST, NULL, 0
	};
	s->replies = (struct replies){ .role = role, .next_id = &s->next_id };
	s->next_id = (uint16_t)rng_next(&role->rng);
	role->host = net_attach(role->net, role->party, &handlers, s, err);
	return role->host != NULL;
}

static void server_free(struct role *role)
{
	struct server *s = (struct server *)role;

	replies_drop(&s->replies);
	talks_free(&s->talks);
	node_2015_free(&s->node_2015);
}

extern const struct role_kind role_login_server, role_list_server;
const struct role_kind role_login_server = { .size = sizeof(struct server),
					     .begin = server_begin,
					     .free = server_free };
const struct role_kind role_list_server = { .size = sizeof(struct server),
					    .begin = server_begin,
					    .free = server_free };
