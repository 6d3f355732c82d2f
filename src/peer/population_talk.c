/* Signalling of a pair: one flow after another, and what is said in them. */
#include "peer/population_run.h"
#include "base/clock.h"
#include <math.h>

/* Wire A2: sent again after 2.03 to 2.09 s, then 4.00 to 4.04 s later, then given up. */
#define SENDINGS 3U
/* "the largest regular inter-packet-gap that we ever observed was 180 s" (RMM III.B) */
#define GAP_MOST_NS (180 * NS_PER_S)
/* What a client takes to answer: wire A3, 0.2 to 0.3 ms. */
#define OWN_ANSWER_NS 200000U
/* One that is answered is enough (docs/definitions.md, reflected addresses); here are two. */
#define NOTICES_LEAST 2U

/*
 * Lengths of dialogs, packets both ways. RMM Fig. 2: 99 % of the source flows are shorter than 6 packets, so
 * are five rounds at most; and a few thousand packets are the longest. But the mean flow of Table I has 7.3
 * packets, so that the few long ones have hundreds in the mean. Pareto's distribution between the bounds; its
 * exponent is what gives about one source flow in a hundred.
 */
#define LONG_LEAST    12.0
#define LONG_MOST     20000.0
#define LONG_EXPONENT 0.42
/* Short ones: rounds 2 to 5, and questions that nobody answers, three packets; in percent. */
#define SHORT_AGAIN 15U
static const unsigned short_rounds[] = { 0, 0, 45, 20, 10, 10 };
#define SHORT_MEAN (0.15 * 3 + 0.45 * 4 + 0.20 * 6 + 0.10 * 8 + 0.10 * 10)
/* Pauses between the rounds of long dialogs: drawn once for each, evenly in the logarithm; a guess that makes
 * them last for hours (Fig. 2, inset). */
#define LONG_GAP_LEAST     45.0
#define LONG_GAP_MOST      150.0
#define LONG_ROUND_NS      (NS_PER_S * 2 / 5) /* the quickest, where time is short */
#define LONG_ROOM_NS       (1800 * NS_PER_S)
#define LONG_ROOM_LEAST_NS (300 * NS_PER_S) /* when many are due */
#define LONG_MANY          10.0
/* So many are due when nobody has time for them any more. */
#define LONG_LOST 0.007

/* The share of flows that come with the hour, of a known peer and of probes: RMM Fig. 3 shows it, and Fig. 1
 * bounds it, as few 5 minutes have more than 30 peers. */
#define REFRESH_PERCENT       20U
#define REFRESH_PROBE_PERCENT 12U
#define REFRESH_LASTS_S       40U
/* Flows of known peers that the other end begins, percent: guesses. What a client is asked for costs it much
 * more than what it asks, and RMM Fig. 1 bounds that: few send more than 100 bit/s. Supernodes are asked. */
#define FAR_BEGINS           15U
#define FAR_BEGINS_LONG      3U
#define FAR_BEGINS_SUPERNODE 60U
/* Supernodes have so many more long dialogs: a few clients send more than 1 kbit/s, and have more than 75
 * peers in 5 minutes (RMM Fig. 1). */
#define SUPERNODE_LONGS     30.0
#define SUPERNODE_GAP_LEAST 145.0

static bool percent(struct run *r, unsigned chance)
{
	return rng_below(&r->rng, 100) < chance;
}

static bool is_due(struct ration *ration, double share)
{
	ration->upto += share;
	return ration->upto >= 1;
}

static double long_mean(void)
{
	double ratio = chance_power(LONG_LEAST / LONG_MOST, LONG_EXPONENT);

	return chance_power(LONG_LEAST, LONG_EXPONENT) / (1 - ratio) * LONG_EXPONENT / (1 - LONG_EXPONENT) *
	       (chance_power(LONG_MOST, 1 - LONG_EXPONENT) - chance_power(LONG_LEAST, 1 - LONG_EXPONENT));
}

/* The quantiles are a golden-ratio sequence: of any number of them in a row the mean is nearly that of all.
 */
static double long_length(struct run *r, unsigned kind)
{
	double ratio = chance_power(LONG_LEAST / LONG_MOST, LONG_EXPONENT);

	r->long_at[kind] += 0.61803398874989484820;
	r->long_at[kind] -= floor(r->long_at[kind]);
	return LONG_LEAST * chance_power(1 - r->long_at[kind] * (1 - ratio), -1 / LONG_EXPONENT);
}

/* The share of a class's dialogs that have to be long, so that its flows have so many packets. */
static double share_of_longs(double packets, double flows, double of_supernodes)
{
	double longs = (packets - SHORT_MEAN * flows) / (long_mean() - SHORT_MEAN) * (1 + LONG_LOST);
	double share = longs / (flows + (SUPERNODE_LONGS - 1) * of_supernodes + 1);

	if (share * SUPERNODE_LONGS > 1) /* all of theirs are long */
		share = (longs - of_supernodes) / (flows - of_supernodes + 1);
	return fmin(fmax(share, 0), 1);
}

/* The packets of Table I, of which mix pairs get what the other classes leave. */
static void prepare_longs(struct run *r)
{
	const struct plan *plan = r->plan;
	const struct population *p = r->model;
	double mix_probes = plan->flows_of[CLASS_MIX] - plan->mix_dialogs;
	double probes = plan->flows_of[CLASS_PROBE] + plan->flows_of[CLASS_HEARTBEAT] + mix_probes;
	double all = population_count(p, p->packets), dialog = all * p->dialog_packets;
	double mix = all - dialog - probes * (1 + p->answered), super[CLASSES] = { 0 };

	for (uint32_t i = 0; i < plan->pairs; i++)
		if (plan->client[plan->pair[i].client].supernode)
			super[plan->pair[i].class] += plan->pair[i].dialogs;
	r->long_share[CLASS_DIALOG] =
		share_of_longs(dialog, plan->flows_of[CLASS_DIALOG], super[CLASS_DIALOG]);
	r->long_share[CLASS_MIX] = share_of_longs(mix, plan->mix_dialogs, super[CLASS_MIX]);
}

static int64_t first_flow(struct run *r, const struct plan_pair *pair)
{
	const struct plan_client *c = &r->plan->client[pair->client];
	int64_t refresh = r->model->refresh_ns, ns = pair->from_ns;

	if (pair->class != CLASS_PROBE || !percent(r, REFRESH_PROBE_PERCENT))
		return ns;
	ns = c->from_ns + (ns - c->from_ns) / refresh * refresh +
	     (int64_t)rng_below(&r->rng, REFRESH_LASTS_S * 1000) * NS_PER_MS;
	return ns > pair->until_ns - FLOW_NS ? pair->from_ns : ns;
}

void talk_prepare(struct run *r)
{
	prepare_longs(r);
	for (uint32_t i = 0; i < r->plan->pairs; i++)
		run_at(r, first_flow(r, &r->plan->pair[i]), i);
}

static struct addressing addressing_of(const struct conversation *c, bool from_near)
{
	return from_near ? (struct addressing){ c->near.ip, c->far.ip }
			 : (struct addressing){ c->far.ip, c->near.ip };
}

/* Wire A2: one counter for all that a client sends, which TCP to its supernode consumes as well. */
uint16_t talk_next_id(struct run *r, const struct plan_pair *pair, bool near, unsigned step)
{
	uint16_t *counter = near ? &r->plan->client[pair->client].id : &r->plan->peer[pair->peer].id, id;

	if (!near || rng_one_in(&r->rng, 20)) /* peers talk to others in between */
		*counter = (uint16_t)(*counter + rng_below(&r->rng, 6));
	id = *counter;
	*counter = (uint16_t)(id + step);
	return id;
}

static void ask(struct run *r, uint32_t at, int64_t now)
{
	struct talk *t = &r->talk[at];
	struct conversation *c = run_conversation(r, at);

	if (!c)
		return;
	size_t size = message_payload(&r->rng, t->id, addressing_of(c, t->from_near), t->check,
				      t->exchange->question, r->bytes);
	wire_udp(r->wire, now, c, t->from_near, r->bytes, size, PURPOSE_SIGNALLING);
	t->sendings++;
}

/* A new question, and whether it will be answered. */
static void ask_new(struct run *r, uint32_t at, int64_t now)
{
	const struct plan_pair *pair = &r->plan->pair[at];
	struct talk *t = &r->talk[at];
	struct plan_client *client = &r->plan->client[pair->client];

	t->id = talk_next_id(r, pair, t->from_near, t->exchange->acked ? 1 : 2); /* wire A2 */
	rng_fill(&r->rng, t->check, sizeof t->check);
	if (t->exchange->acked && t->from_near) { /* the same to several peers: wire A1 */
		if (client->reflected == 0 || rng_one_in(&r->rng, 10))
			memcpy(client->notice_check, t->check, sizeof t->check);
		memcpy(t->check, client->notice_check, sizeof t->check);
		if (t->answered && client->reflected < NOTICES_LEAST)
			client->reflected++;
	}
	t->sendings = 0;
	ask(r, at, now);
}

static enum exchange_table table_of(const struct plan_pair *p, const struct talk *t)
{
	if (t->is_dialog)
		return t->is_long ? EXCHANGE_LONG : EXCHANGE_ROUND;
	if (!t->from_near)
		return EXCHANGE_CALLED;
	return p->class == CLASS_PROBE ? EXCHANGE_PROBE : EXCHANGE_HEARTBEAT;
}

/* A client can be told by what names its address: as long as it has little of it, that comes first. */
static bool wants_notice(const struct run *r, const struct plan_pair *p, const struct talk *t)
{
	return t->from_near && p->class != CLASS_PROBE &&
	       r->plan->client[p->client].reflected < NOTICES_LEAST;
}

/* From the question to its answer as it is seen here: the way and the program's time, one in a hundred busy.
 */
static int64_t answer_after(struct run *r, uint32_t at)
{
	const struct plan_peer *peer = &r->plan->peer[r->plan->pair[at].peer];
	double ms = -4 * chance_log(chance_unit(&r->rng));

	if (!r->talk[at].from_near)
		return OWN_ANSWER_NS + rng_below(&r->rng, 100000);
	if (rng_one_in(&r->rng, 100))
		ms += rng_below(&r->rng, 1500);
	int64_t ns = peer->round_trip_us * NS_PER_US + (int64_t)(ms * (double)NS_PER_MS);
	return ns < REPLY_MAX_NS ? ns : REPLY_MAX_NS;
}

static void answer(struct run *r, uint32_t at, int64_t now)
{
	const struct plan_pair *pair = &r->plan->pair[at];
	const struct talk *t = &r->talk[at];
	struct conversation *c = run_conversation(r, at);
	struct addressing ways;
	size_t size;

	if (!c)
		return;
	ways = addressing_of(c, !t->from_near);
	if (t->exchange->acked) {
		size = message_ack(&r->rng, t->id, ways.to, r->bytes);
	} else {
		uint8_t check[4];
		rng_fill(&r->rng, check, sizeof check);
		/* One after the other: compilers differ in which argument they take first. */
		uint32_t answer = rng_between(&r->rng, t->exchange->least, t->exchange->most);
		uint16_t id = talk_next_id(r, pair, !t->from_near, 1);
		size = message_payload(&r->rng, id, ways, check, answer, r->bytes);
	}
	wire_udp(r->wire, now, c, !t->from_near, r->bytes, size, PURPOSE_SIGNALLING);
}

/* When the next flow of the pair begins, after its last packet at `now`. */
static int64_t next_flow(struct run *r, const struct plan_pair *p, int64_t now)
{
	const struct plan_client *c = &r->plan->client[p->client];
	int64_t refresh = r->model->refresh_ns, earliest = now + PAUSE_NS;
	double spare = (double)(p->until_ns - earliest - plan_pair_needs(p));
	double each = spare / (p->probes + p->dialogs);

	if (spare <= 0)
		return earliest;
	int64_t hour = c->from_ns + ((earliest - c->from_ns) / refresh + 1) * refresh;
	double wait =
		(double)(hour - earliest) + rng_below(&r->rng, REFRESH_LASTS_S * 1000) * (double)NS_PER_MS;
	if (!percent(r, REFRESH_PERCENT) || wait > spare || wait > 3 * each)
		wait = chance_unit(&r->rng) * fmin(2 * fmin(each, (double)refresh), spare);
	return earliest + (int64_t)wait;
}

static void end_flow(struct run *r, uint32_t at, int64_t now)
{
	const struct plan_pair *p = &r->plan->pair[at];

	r->talk[at].step = STEP_FLOW;
	if (p->probes + p->dialogs > 0)
		run_at(r, next_flow(r, p, now), at);
}

/*
 * Of what the pair has left beyond its next flows, a dialog takes at most so much, and the last one most.
 * Where most dialogs are long, as those of supernodes, each takes an equal part: if the first ones took more,
 * the last ones, as long as they, would have to fit into the last hours.
 */
static int64_t dialog_room(const struct plan_pair *p, int64_t now, bool supernode)
{
	int64_t spare = p->until_ns - now - plan_pair_needs(p) - PAUSE_NS;

	if (p->probes + p->dialogs == 0)
		return spare / 20 * 19;
	return supernode ? spare / (p->dialogs + 1) : spare / 10 * 7;
}

static void begin_long(struct run *r, struct talk *t, const struct plan_pair *p, int64_t now, int64_t room)
{
	bool supernode = r->plan->client[p->client].supernode;
	double least = supernode ? SUPERNODE_GAP_LEAST : LONG_GAP_LEAST;
	unsigned kind = p->class;
	double packets = long_length(r, kind) + r->owed[kind], most = floor((double)room / LONG_ROUND_NS);
	double rounds = floor(packets / 2), gap_s;

	rounds = fmin(rounds, fmin(most, LONG_MOST));
	r->owed[kind] = packets - 2 * rounds;
	gap_s = least * chance_power(LONG_GAP_MOST / least, chance_unit(&r->rng));
	t->rounds = (uint32_t)rounds;
	t->gap_ns = (int64_t)fmin(gap_s * (double)NS_PER_S, 0.8 * (double)room / rounds);
	t->until_ns = now + room;
	t->is_long = true;
	t->from_near = !percent(r, supernode ? FAR_BEGINS_SUPERNODE : FAR_BEGINS_LONG);
}

static void begin_short(struct run *r, struct talk *t, int64_t now, int64_t room)
{
	unsigned rounds = 2;

	if (percent(r, SHORT_AGAIN)) {
		t->rounds = 1;
		t->answered = false;
		return;
	}
	for (unsigned at = rng_below(&r->rng, 100 - SHORT_AGAIN); at >= short_rounds[rounds]; rounds++)
		at -= short_rounds[rounds];
	t->rounds = rounds;
	/* Half of them back to back, as the ping-pong of wire B4. */
	if (percent(r, 50) && room > 60 * NS_PER_S)
		t->gap_ns = (int64_t)fmin((double)NS_PER_S * chance_power(60, chance_unit(&r->rng)),
					  (double)room / (2 * rounds));
	t->until_ns = now + (room > 0 ? room : 0) + DIALOG_NS;
}

static void begin_dialog(struct run *r, uint32_t at, int64_t now)
{
	struct plan_pair *p = &r->plan->pair[at];
	struct talk *t = &r->talk[at];

	p->dialogs--;
	bool supernode = r->plan->client[p->client].supernode;
	int64_t room = dialog_room(p, now, supernode);
	double share = fmin(1, r->long_share[p->class] * (supernode ? SUPERNODE_LONGS : 1));
	int64_t enough = r->longs[p->class].upto > LONG_MANY ? LONG_ROOM_LEAST_NS : LONG_ROOM_NS;
	if (is_due(&r->longs[p->class], share) && room > enough) {
		r->longs[p->class].upto -= 1;
		begin_long(r, t, p, now, room);
	} else {
		begin_short(r, t, now, room);
	}
}

static void begin_flow(struct run *r, uint32_t at, int64_t now)
{
	struct plan_pair *p = &r->plan->pair[at];
	struct talk *t = &r->talk[at];

	*t = (struct talk){ .answered = true, .from_near = !percent(r, FAR_BEGINS) };
	t->is_dialog = rng_below(&r->rng, (uint32_t)p->probes + p->dialogs) < p->dialogs;
	if (t->is_dialog) {
		begin_dialog(r, at, now);
	} else {
		p->probes--;
		t->rounds = 1;
		t->answered = chance_unit(&r->rng) < r->model->answered || wants_notice(r, p, t);
	}
	if (!p->c) /* the first of all */
		t->from_near = !p->from_outside;
}

static void begin_round(struct run *r, uint32_t at, int64_t now)
{
	const struct plan_pair *p = &r->plan->pair[at];
	struct talk *t = &r->talk[at];

	t->exchange = t->answered && wants_notice(r, p, t) ? &exchange_notice
							   : exchange_draw(&r->rng, table_of(p, t));
	ask_new(r, at, now);
	if (t->answered) {
		t->step = STEP_ANSWER;
		run_at(r, now + answer_after(r, at), at);
	} else if (t->is_dialog) {
		t->step = STEP_AGAIN;
		run_at(r, now + rng_between(&r->rng, 2030, 2090) * NS_PER_MS, at);
	} else {
		end_flow(r, at, now);
	}
}

static void end_round(struct run *r, uint32_t at, int64_t now)
{
	const struct plan_pair *p = &r->plan->pair[at];
	struct talk *t = &r->talk[at];
	int64_t pause = rng_between(&r->rng, 300000, 500000);

	t->rounds--;
	t->done++;
	/* A client that is asked asks back at once: else R11, which takes what it sends first and what comes
	 * then for a round trip, has the peer's pauses. */
	bool asks_back = t->is_dialog && !t->from_near && t->done == 1;
	if (asks_back)
		pause = rng_between(&r->rng, 100, 300) * NS_PER_US;
	else if (t->gap_ns > 0)
		pause = (int64_t)((double)t->gap_ns * (0.5 + chance_unit(&r->rng)));
	if (asks_back || t->asks_back)
		t->from_near = asks_back;
	t->asks_back = asks_back;
	if (!t->from_near) /* the answer has to get there */
		pause += r->plan->peer[p->peer].round_trip_us * NS_PER_US;
	pause = pause < GAP_MOST_NS ? pause : GAP_MOST_NS;
	/* A second round there must be: else it is no dialog. */
	if (t->rounds == 0 || (t->done >= 2 && now + pause > t->until_ns)) {
		r->owed[p->class] += 2.0 * t->rounds;
		end_flow(r, at, now);
		return;
	}
	t->step = STEP_ROUND;
	run_at(r, now + pause, at);
}

static void ask_again(struct run *r, uint32_t at, int64_t now)
{
	struct talk *t = &r->talk[at];

	ask(r, at, now);
	if (t->sendings == SENDINGS)
		end_flow(r, at, now);
	else
		run_at(r, now + rng_between(&r->rng, 4000, 4040) * NS_PER_MS, at);
}

void talk_event(struct run *r, uint32_t pair, int64_t now)
{
	switch ((enum talk_step)r->talk[pair].step) {
	case STEP_FLOW:
		begin_flow(r, pair, now);
		begin_round(r, pair, now);
		break;
	case STEP_ROUND:
		begin_round(r, pair, now);
		break;
	case STEP_ANSWER:
		answer(r, pair, now);
		end_round(r, pair, now);
		break;
	case STEP_AGAIN:
		ask_again(r, pair, now);
		break;
	}
}
