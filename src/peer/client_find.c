/*
 * How a client finds a supernode: bursts of probes over UDP (wire B1), and TCP where nobody answers (BS Fig.
 * 3 and IV.B.6; technical report 4.2.1, "TR").
 */
#include "peer/client_start.h"

#define PROBE_SIZE     18U
#define BOOTSTRAP_PORT 33033U /* BS IV.B.1 */
#define CYCLES_OF_BETA 5U     /* TR 4.2.1: then it reports a failure; BS IV.B.1: later versions never do */
#define TCP_WAIT_NS    (5 * NS_PER_S) /* BS Fig. 3 waits that long for UDP; for TCP it says nothing */
/* Derived: the 20 nodes that were asked in vain (0.97: 30) are tried in that time, so that a login takes BS's
 * 35 s (TR: 34), of which the rounds take 24.4 and supernode and login server some 1.6. */
#define TCP_ALL_NS (9 * NS_PER_S)

/* Rounds of one probe and a burst, until it gives up: four take the 24 s that are left of BS's 35 s (IV.B.6).
 */
#define ROUNDS 4U

static bool is_bootstrap(const struct party *p)
{
	return p->kind == PARTY_SUPERNODE && p->address.port == BOOTSTRAP_PORT;
}

static size_t bootstrap_count(const struct scenario *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->parties; i++)
		n += is_bootstrap(&s->party[i]);
	return n;
}

static size_t candidate_count(const struct client *c)
{
	return c->start->bootstrap ? bootstrap_count(c->role.scenario) : c->role.party->cache_count;
}

/* nth: counted from the first of this cycle, less than candidate_count() */
static struct endpoint candidate(const struct client *c, size_t nth)
{
	const struct scenario *s = c->role.scenario;
	size_t at = (c->start->first + nth) % candidate_count(c), i = 0;

	if (!c->start->bootstrap)
		return party_public(c->role.party->cache[at]);
	for (;; i++)
		if (is_bootstrap(&s->party[i]) && at-- == 0)
			return party_public(&s->party[i]);
}

static size_t most_asked(const struct client *c)
{
	/* What it knows of an earlier session makes it try TCP after one round: 5-10 s in all (BS IV.B.6). */
	size_t count = candidate_count(c), most = c->version->udp_restricted_after;

	if (c->start->answered)
		return count;
	if (c->udp_restricted && !c->start->bootstrap)
		most = (most + ROUNDS - 1) / ROUNDS;
	return count < most ? count : most;
}

/* --- over UDP ------------------------------------------------------------------------------------------- */

static void probe(struct client *c);

static bool is_step(const struct client *c, uint64_t step)
{
	return c->start && !c->start->refused && c->start->step == step;
}

/* Steps are counted through all sessions: the high half is the session. */
static void after(struct client *c, int64_t ns, net_timer_fn fn)
{
	net_after(c->role.net, ns, fn, c, c->start->step);
}

static void on_go_on(void *self, uint64_t step)
{
	struct client *c = self;

	if (is_step(c, step) && c->start->asked < candidate_count(c))
		probe(c);
}

static void on_one_more(void *self, uint64_t session)
{
	struct client *c = self;

	if (!start_runs(c, session) || candidate_count(c) <= c->start->asked)
		return;
	probe(c);
	if (!c->start->bootstrap)
		c->cache_next++;
}

static void on_accepted(void *self, uint64_t session)
{
	struct client *c = self;

	if (start_runs(c, session) && !c->start->link)
		start_connect(c, c->last_supernode);
}

static void on_answer(struct client *c, struct endpoint peer, size_t size, void *self)
{
	(void)self;
	if (size == 0 || c->state != CLIENT_PROBING || c->start->link)
		return;
	c->start->answered = true;
	if (size == PROBE_SIZE) {
		find_stop_trying(c); /* it came late, when TCP had begun already */
		find_stop(c);
		c->state = CLIENT_CONNECTED;
		c->last_supernode = peer;
		start_after(c, start_us(c, 270, 410), on_accepted); /* wire B2: 0.3 and 0.4 ms */
		/* Once more, 59 and 0.5 ms behind the answer (fr 269, 1888). */
		start_after(c, start_us(c, 450, 59000), on_one_more);
	} else {
		after(c, start_us(c, 300, 500), on_go_on); /* wire B1 */
	}
}

static void probe(struct client *c)
{
	uint8_t check[4];
	struct endpoint to = candidate(c, c->start->asked++);

	message_check(&c->role.rng, SENSE_WANTS_SUPERNODE, check);
	client_ask(c, to, PROBE_SIZE, ASK_ONCE, check, on_answer, NULL);
}

static void tcp_next(struct client *c);
static void round_begin(struct client *c);

static void on_round_over(void *self, uint64_t step)
{
	struct client *c = self;

	if (!is_step(c, step))
		return;
	if (c->start->asked >= most_asked(c))
		tcp_next(c);
	else
		round_begin(c);
}

static void on_burst(void *self, uint64_t step)
{
	struct client *c = self;
	/* 4 (wire B1); derived for 0.97, which asks 30 nodes in as many seconds as later ones 20 (TR 4.2.6)
	 */
	size_t burst = (c->version->udp_restricted_after + ROUNDS - 1) / ROUNDS - 1;
	int64_t wait = c->version->udp_wait_ns;

	if (!is_step(c, step))
		return;
	/* To each of the bootstrap supernodes, says BS IV.B.1. */
	if (c->start->bootstrap)
		burst = candidate_count(c);
	for (; burst > 0 && c->start->asked < candidate_count(c); burst--)
		probe(c);
	after(c, wait + start_ms(c, 20, 60), on_round_over); /* wire B1: 5.02 and 5.06 s */
}

static void round_begin(struct client *c)
{
	c->start->step++;
	probe(c);
	after(c, start_ms(c, 1050, 1080), on_burst); /* wire B1: 1.08, 1.06 and 1.05 s */
}

static void cycle_begin(struct client *c)
{
	struct client_start *s = c->start;

	s->asked = s->tried = 0;
	s->answered = false;
	if (candidate_count(c) == 0)
		s->bootstrap = !s->bootstrap;
	if (candidate_count(c) == 0) /* a scenario without supernodes */
		return;
	s->first = s->bootstrap ? 0 : c->cache_next;
	round_begin(c);
}

void find_begin(struct client *c)
{
	c->state = CLIENT_PROBING;
	c->start->step = c->session << 32 | (c->start->step & UINT32_MAX);
	c->start->bootstrap = false;
	cycle_begin(c);
}

void find_stop(struct client *c)
{
	c->start->step++;
	if (!c->start->bootstrap)
		c->cache_next = c->start->first + c->start->asked;
}

/* --- over TCP ------------------------------------------------------------------------------------------- */

static void on_pause_over(void *self, uint64_t step)
{
	struct client *c = self;
	struct client_start *s = c->start;

	if (!is_step(c, step))
		return;
	/* Where the cache leads nowhere, the supernodes that are in the program do (BS II.B); 0.97 has none.
	 */
	s->bootstrap = c->version->login_record[0] ? !s->bootstrap : s->bootstrap;
	cycle_begin(c);
}

static void cycle_end(struct client *c)
{
	struct client_start *s = c->start;

	s->step++;
	s->cycles++;
	s->in_vain += s->asked;
	if (!s->bootstrap)
		c->cache_next = s->first + s->asked;
	if (!c->version->login_record[0] && s->cycles == CYCLES_OF_BETA)
		return;
	after(c, c->version->pause_ns, on_pause_over);
}

static void on_tcp_wait_over(void *self, uint64_t step)
{
	struct client *c = self;

	if (!is_step(c, step))
		return;
	find_stop_trying(c);
	cycle_end(c);
}

static unsigned port_variants(const struct client *c)
{
	return c->version->tcp_80_443 ? 3 : 1;
}

static void on_tcp_due(void *self, uint64_t step)
{
	struct client *c = self;

	if (is_step(c, step))
		tcp_next(c);
}

static void tcp_next(struct client *c)
{
	static const uint16_t ports[] = { 0, 80, 443 };
	struct client_start *s = c->start;
	size_t variants = port_variants(c), nth = s->tried++;
	struct endpoint to;

	s->step++;
	if (nth >= candidate_count(c) * variants) {
		after(c, TCP_WAIT_NS, on_tcp_wait_over);
		return;
	}
	to = candidate(c, nth / variants);
	/* Stored with the rest of what it knows (BS IV.B.6): where it was let in the last time comes first.
	 */
	if (nth == 0 && c->udp_restricted && c->last_supernode.ip)
		to = c->last_supernode;
	if (nth % variants > 0)
		to.port = ports[nth % variants];
	start_try(c, to);
	after(c, TCP_ALL_NS / (int64_t)(c->version->udp_restricted_after * variants), on_tcp_due);
}

void find_stop_trying(struct client *c)
{
	struct client_start *s = c->start;

	while (s->trying_count > 0)
		link_close(s->trying[--s->trying_count]);
}

void find_failed(struct client *c)
{
	c->state = CLIENT_PROBING;
	if (c->start->tried > 0) {
		tcp_next(c);
	} else { /* it had accepted over UDP */
		find_begin(c);
	}
}
