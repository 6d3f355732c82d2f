/*
 * The start-up of versions of 2006 (wire B1-B4, BS IV.B) and of 0.97 (the technical report, "TR"): the client
 * finds a supernode (client_find.c), talks with it (here), logs in (client_login.c), and asks for its
 * contacts and for newer versions (client_services.c).
 */
#include "peer/client_start.h"
#include <stdlib.h>

/* What the client says to its supernode, and when: after the answer to the line before it, or, where none
 * comes, after that line itself. */
struct line {
	uint16_t size; /* 0: the login begins */
	bool answered;
	uint32_t least_us, most_us;
};

/* Wire B2, times of SkypeIRC.pcap fr 271-292 and 1890-1931. */
static const struct line lines_empty[] = {
	{ 14, true, 300, 420 },       { 25, true, 290, 370 }, { 16, true, 2600, 3010 },
	{ 11, true, 200000, 210000 }, { 45, true, 50, 60 },   { 0, false, 220000, 230000 },
};
/* BS Fig. 4: 357 bytes in all, and 4032 back; how they divide is not told: the same, and two more. */
static const struct line lines_long[] = {
	{ 14, true, 300, 420 },       { 25, true, 290, 370 },       { 16, true, 2600, 3010 },
	{ 11, true, 200000, 210000 }, { 122, true, 290, 370 },      { 124, true, 290, 370 },
	{ 45, true, 50, 60 },         { 0, false, 220000, 230000 },
};
static const struct line lines_known[] = {
	{ 14, true, 260, 300 },        { 25, true, 290, 370 },     { 4, false, 2600, 3010 },
	{ 56, false, 230000, 236000 }, { 0, false, 80000, 82000 },
};
/* TR Fig. 3 has the sizes; times as above. */
static const struct line lines_beta[] = {
	{ 14, true, 300, 420 },
	{ 34, true, 290, 370 },
	{ 67, true, 2600, 3010 },
	{ 0, false, 220000, 230000 },
};
static const struct line *const lines[OPENINGS] = { lines_empty, lines_known, lines_beta };

/* Wire B2: 11 bytes at 73.227, and the next ones of its kind at 133.278 and 193.301. */
#define UPKEEP_LINE 3U

static const struct line *lines_of(const struct client *c)
{
	return c->start->opening == OPENING_EMPTY && c->version->long_opening ? lines_long
									      : lines[c->start->opening];
}

static const struct line *line_now(const struct client *c)
{
	return &lines_of(c)[c->start->line];
}

static void plan_line(struct client *c);

/* Wire B4 and BS IV.B.1: to four networks on four continents, 204.152, 130.244, 202.139 and 202.232; here
 * documentation addresses that end like these begin. Not at later logins (TR 4.2.5). */
static void ping_all(struct client *c)
{
	static const uint32_t far[] = { 0xcb0071ccU, 0xcb007182U, 0xcb00718bU, 0xcb0071e8U };

	for (unsigned i = 0; c->version->pings && i < sizeof far / sizeof far[0]; i++)
		net_ping(c->role.host, far[i]);
}

/* It has said what it had to: from now on the supernode is there for all parts. */
static void dialogue_over(struct client *c)
{
	struct client_start *s = c->start;

	client_supernode_opened(c, s->link);
	c->last_supernode = s->link->far;
	if (s->tried > 0 && !s->answered && s->in_vain + s->asked >= c->version->udp_restricted_after)
		c->udp_restricted = true; /* BS IV.B.6 */
	if (s->logged_in) {
		c->state = CLIENT_ONLINE;
		return;
	}
	if (s->opening != OPENING_KNOWN)
		ping_all(c);
	login_begin(c);
}

static void on_line_due(void *self, uint64_t session)
{
	struct client *c = self;
	const struct line *line;
	uint8_t bytes[MESSAGE_MAX];

	if (!start_runs(c, session) || !c->start->link || c->supernode_link)
		return;
	line = line_now(c);
	if (line->size == 0) {
		dialogue_over(c);
		return;
	}
	rng_fill(&c->role.rng, bytes, line->size);
	if (c->start->line == 0)
		opening_write(c->start->opening, bytes);
	client_take_id(c, 1); /* wire A2: such messages take ids, too */
	c->supernode_sent_ns = net_now(c->role.net);
	link_send(c->start->link, bytes, line->size, PURPOSE_SUPERNODE);
	if (c->start->line == UPKEEP_LINE)
		c->upkeep_ns = c->supernode_sent_ns;
	c->start->line++;
	if (!line->answered)
		plan_line(c);
}

static void plan_line(struct client *c)
{
	const struct line *line = line_now(c);
	int64_t wait = start_us(c, line->least_us, line->most_us);
	int64_t gap = c->supernode_sent_ns + CLIENT_GAP_NS - net_now(c->role.net);

	start_after(c, line->size > 0 && gap > wait ? gap : wait, on_line_due);
}

/* False: it was not among those that are tried. */
static bool trying_remove(struct client_start *s, const struct link *link)
{
	for (unsigned i = 0; i < s->trying_count; i++)
		if (s->trying[i] == link) {
			s->trying[i] = s->trying[--s->trying_count];
			return true;
		}
	return false;
}

static void on_opened(struct client *c, struct link *link)
{
	struct client_start *s = c->start;

	if (trying_remove(s, link))
		s->link = link;
	find_stop_trying(c); /* the first one that lets it in will do */
	find_stop(c);
	c->state = CLIENT_CONNECTED;
	c->supernode_sent_ns = 0;
	s->line = 0;
	plan_line(c);
}

static void on_message(struct client *c, struct link *link, const uint8_t *bytes, size_t size)
{
	struct client_start *s = c->start;

	(void)link;
	(void)bytes;
	if (c->supernode_link)
		client_supernode_message(c, size);
	else if (s->line > 0 && lines_of(c)[s->line - 1].answered)
		plan_line(c);
}

static void on_closed(struct client *c, struct link *link, enum link_end end)
{
	struct client_start *s = c->start;
	bool was_supernode = c->supernode_link == link;

	(void)end;
	if (trying_remove(s, link))
		return;
	s->link = NULL;
	if (was_supernode) {
		client_supernode_closed(c);
		s->tried = 0;
		find_begin(c);
	} else {
		find_failed(c);
	}
}

void start_connect(struct client *c, struct endpoint to)
{
	struct client_start *s = c->start;

	s->link = net_connect(c->role.host, to, PURPOSE_SUPERNODE, &s->supernode_part);
	if (!s->link) /* as if it had been refused */
		find_failed(c);
}

void start_try(struct client *c, struct endpoint to)
{
	struct client_start *s = c->start;
	struct link *link = NULL;

	if (s->trying_count < START_TRYING)
		link = net_connect(c->role.host, to, PURPOSE_SUPERNODE, &s->supernode_part);
	if (link)
		s->trying[s->trying_count++] = link;
}

/* The client runs when the capture begins: it has its supernode, and what came before is not shown. */
static void begin_online(struct client *c)
{
	const struct scenario *s = c->role.scenario;
	const struct party *p = NULL;

	c->state = CLIENT_CONNECTED;
	for (size_t i = 0; !p && i < c->role.party->cache_count; i++)
		if (c->role.party->cache[i]->answers == ANSWERS_ACCEPTS)
			p = c->role.party->cache[i];
	for (size_t i = 0; !p && i < s->parties; i++)
		if (s->party[i].kind == PARTY_SUPERNODE && s->party[i].answers == ANSWERS_ACCEPTS)
			p = &s->party[i];
	if (p)
		start_connect(c, party_public(p));
	else
		client_is_online(c);
}

void client_start_begin(struct client *c)
{
	static const char digits[] = "0123456789abcdef";
	const struct party *p = c->role.party;
	struct client_start *s = net_alloc(c->role.net, 1, sizeof *s);

	if (!s)
		return;
	c->start = s;
	s->supernode_part = (struct client_link){ c, on_opened, on_message, on_closed, NULL };
	s->opening = c->session > 1 || p->online ? OPENING_KNOWN : OPENING_EMPTY;
	if (!c->version->login_record[0])
		s->opening = OPENING_BETA;
	for (unsigned i = 0; i < 32 && !c->uhash[31]; i++) /* 32 digits, the same ones for ever (wire B4) */
		c->uhash[i] = digits[rng_below(&c->role.rng, 16)];
	if (p->online && c->session == 1)
		begin_online(c);
	else
		find_begin(c);
}

void client_start_quit(struct client *c)
{
	free(c->start);
	c->start = NULL;
}
