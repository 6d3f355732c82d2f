/* The contact-list server (wire B3), the check for a newer version (wire B4), and what all connections to the
 * vendor's servers have in common. */
#include "peer/client_start.h"

#define IDLE_NS       (30 * NS_PER_S) /* wire B3: 3/3 */
#define LIST_QUESTION 27U             /* over UDP, wire B3 (5) */

/* --- connections ---------------------------------------------------------------------------------------- */

void service_connect(struct client *c, struct server_link *s, struct endpoint to, enum purpose purpose)
{
	s->link = net_connect(c->role.host, to, purpose, &s->part);
	s->last_ns = net_now(c->role.net);
}

static void close_if_idle(struct client *c, struct server_link *s)
{
	if (!s->link || net_now(c->role.net) - s->last_ns < IDLE_NS)
		return;
	link_close(s->link);
	s->link = NULL;
}

static void on_idle(void *self, uint64_t session)
{
	struct client *c = self;

	if (!start_runs(c, session))
		return;
	close_if_idle(c, &c->start->login);
	close_if_idle(c, &c->start->list);
}

void service_watch(struct client *c, struct server_link *s)
{
	s->last_ns = net_now(c->role.net);
	start_after(c, IDLE_NS + start_ms(c, 0, 50), on_idle); /* 30.0 to 30.05 s */
}

void service_send(struct client *c, struct server_link *s, const uint8_t *bytes, size_t size)
{
	link_send(s->link, bytes, size, s->link->purpose);
	service_watch(c, s);
}

void service_tell(struct client *c, struct server_link *s, const char *outcome)
{
	bool framed = c->version->login_record[0] != 0;

	s->told = true;
	net_tell(c->role.net, &(struct fact){ .kind = FACT_EXCHANGE,
					      .party = c->role.party,
					      .link = s->link,
					      .outcome = outcome,
					      .form = framed ? "2006" : "0.97",
					      .hidden = framed ? NULL
							       : "random bytes, without the records of "
								 "later versions" });
}

/* --- contacts ------------------------------------------------------------------------------------------- */

static bool first_list(const struct client *c)
{
	return c->start->list_exchanges == 1;
}

static void on_list_line(void *self, uint64_t what)
{
	struct client *c = self;
	struct server_link *list;
	uint8_t bytes[MESSAGE_MAX];
	size_t size;

	if (!start_runs(c, what >> 2) || !c->start->list.link)
		return;
	list = &c->start->list;
	switch (what & 3) {
	case 0:
		size = login_hello(bytes);
		break;
	case 1:
		size = login_block_2006(&c->role.rng, first_list(c) ? 45 : 42, bytes);
		break;
	default: /* 25 bytes in the first exchange, 31 in the second (wire B3) */
		size = login_record(&c->role.rng, (what & 3) == 2 ? 20 : 26, bytes);
	}
	service_send(c, list, bytes, size);
}

static void list_say(struct client *c, int64_t wait_ns, unsigned line)
{
	net_after(c->role.net, wait_ns, on_list_line, c, c->session << 2 | line);
}

static void on_list_message(struct client *c, struct link *link, const uint8_t *bytes, size_t size)
{
	struct server_link *list = &c->start->list;

	(void)link;
	(void)bytes;
	(void)size;
	service_watch(c, list);
	list->messages++;
	if (list->messages == 1)
		list_say(c, start_us(c, 1000, 1200), 1); /* fr 587, 764 */
	else if (list->messages == 2)
		service_tell(c, list, "success");
	else if (list->messages == 3 && first_list(c))
		list_say(c, start_us(c, 8300, 8400), 2); /* fr 594 */
}

static void on_list_opened(struct client *c, struct link *link)
{
	(void)link;
	list_say(c, start_us(c, 140, 180), 0); /* fr 576, 760 */
}

static void on_list_closed(struct client *c, struct link *link, enum link_end end)
{
	struct server_link *list = &c->start->list;

	(void)link;
	if (end == LINK_CLOSED && !list->told)
		service_tell(c, list, "no-answer");
	list->link = NULL;
}

static void list_connect(struct client *c)
{
	struct client_start *s = c->start;

	if (s->list.link)
		return;
	s->list =
		(struct server_link){ .part = { c, on_list_opened, on_list_message, on_list_closed, NULL } };
	s->list_exchanges++;
	service_connect(c, &s->list, party_public(c->role.party->list), PURPOSE_CONTACT_LIST);
}

static void on_list_connect(void *self, uint64_t session)
{
	if (start_runs(self, session))
		list_connect(self);
}

static void on_list_answer(struct client *c, struct endpoint peer, size_t size, void *self)
{
	(void)peer;
	(void)self;
	if (size > 0)
		start_after(c, start_us(c, 340, 390), on_list_connect); /* fr 573 */
}

static void on_list_due(void *self, uint64_t session)
{
	struct client *c = self;

	if (!start_runs(c, session) || c->start->list_exchanges > 0)
		return;
	if (c->udp_restricted)
		list_connect(c);
	else
		client_ask(c, party_public(c->role.party->list), LIST_QUESTION, ASK_RESENT, NULL,
			   on_list_answer, NULL);
}

static void on_list_hint(void *self, uint64_t session)
{
	struct client *c = self;

	if (start_runs(c, session))
		client_ask(c, party_public(c->role.party->list), LIST_QUESTION, ASK_RESENT, NULL, NULL, NULL);
}

void client_start_notice(struct client *c, size_t size)
{
	if (!c->start || !c->start->logged_in || !c->role.party->list)
		return;
	if (c->start->list.link)
		list_say(c, start_us(c, 90, 110), 3); /* fr 774-776 */
	else if (size == 21 && c->start->list_exchanges == 0)
		start_after(c, start_ms(c, 64, 66), on_list_due); /* fr 561-563 */
	else
		start_after(c, start_ms(c, 64, 66), on_list_connect);
}

/* --- versions ------------------------------------------------------------------------------------------- */

static void on_request_due(void *self, uint64_t session)
{
	struct client *c = self;
	const char *action = c->role.party->first_run && c->session == 1 ? "installed" : "getlatestversion";
	uint8_t bytes[MESSAGE_MAX];

	if (!start_runs(c, session) || !c->start->web.link)
		return;
	service_send(c, &c->start->web, bytes,
		     version_request(c->version->platform, c->version->name, action, c->uhash, bytes));
	net_tell(c->role.net, &(struct fact){ .kind = FACT_VERSION_CHECK,
					      .party = c->role.party,
					      .link = c->start->web.link,
					      .action = action,
					      .platform = c->version->platform });
}

static void on_web_opened(struct client *c, struct link *link)
{
	(void)link;
	start_after(c, start_us(c, 500, 1300), on_request_due); /* fr 406, 2030 */
}

static void on_web_closed(struct client *c, struct link *link, enum link_end end)
{
	(void)link;
	(void)end;
	c->start->web.link = NULL;
}

static void web_connect(struct client *c, uint32_t ip)
{
	struct client_start *s = c->start;
	uint16_t port = c->role.party->web->address.port;

	s->web = (struct server_link){ .part = { c, on_web_opened, NULL, on_web_closed, NULL } };
	service_connect(c, &s->web, (struct endpoint){ ip, port }, PURPOSE_VERSION_CHECK);
}

static void ask_for_name(struct client *c, bool aaaa)
{
	uint8_t bytes[MESSAGE_MAX];
	uint16_t id = (uint16_t)rng_next(&c->role.rng);

	net_send(c->role.host, c->start->name_port, party_public(c->role.party->names), bytes,
		 dns_question(id, "ui.skype.com", aaaa, bytes), PURPOSE_OTHER);
}

static void on_second_question(void *self, uint64_t session)
{
	if (start_runs(self, session))
		ask_for_name(self, true);
}

static void on_version_due(void *self, uint64_t session)
{
	struct client *c = self;
	const struct party *p = c->role.party;

	if (!start_runs(c, session))
		return;
	/* Where UDP is filtered it must know the name otherwise: hosts behind such firewalls have a proxy or
	 * a name server of their own, which the place of the capture does not see. */
	if (!p->names || c->udp_restricted) {
		web_connect(c, p->web->public_ip);
		return;
	}
	c->start->name_port =
		(uint16_t)rng_between(&c->role.rng, 1025, 4999); /* as of that time; fr 396: 2130 */
	ask_for_name(c, false);
	start_after(c, start_us(c, 110, 120), on_second_question); /* fr 397, 2024 */
}

static void on_name_known(void *self, uint64_t session)
{
	struct client *c = self;

	if (start_runs(c, session) && !c->start->web.link)
		web_connect(c, c->role.party->web->public_ip);
}

void client_start_datagram(struct client *c, uint16_t local_port, const uint8_t *bytes, size_t size)
{
	struct client_start *s = c->start;

	if (!s || local_port != s->name_port || dns_address(bytes, size) != c->role.party->web->public_ip)
		return;
	s->name_port = 0; /* the answer that says that there is no IPv6 address is of no use */
	start_after(c, start_us(c, 460, 5000), on_name_known); /* fr 401, 2026 */
}

void services_after_login(struct client *c)
{
	const struct party *p = c->role.party;
	bool first = c->start->opening == OPENING_EMPTY;

	/* Fr 363: once with the login, and then when something is new about a contact. Nobody may be there to
	 * say so; then it asks when it did in that capture, 15.7 s behind the answer of the login server.
	 * 0.97 keeps its contacts itself (technical report 2.4). */
	if (p->list && first && !c->udp_restricted)
		start_after(c, start_us(c, 22400, 22500), on_list_hint);
	if (p->list && first)
		start_after(c, start_ms(c, 15650, 15750), on_list_due);
	if (p->web && c->version->platform)
		start_after(c, start_ms(c, 563, 692), on_version_due); /* fr 396, 2023 */
}
