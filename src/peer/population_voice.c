/* The media of a call: two clocks that send 0d messages (wire A1), one at each end. */
#include "peer/population_run.h"
#include "base/clock.h"

/* Clocks of hosts are even; what is sent is up to 3 ms late, what comes up to 6 (a guess for a way without
 * loss). */
static const uint32_t late_us[2] = { 3000, 6000 };
#define SMALLEST      20U
#define OTHER_END_NS  (200 * NS_PER_MS) /* begins after the first one */
#define QUESTION      60U               /* 60 -> 26: wire A5 */
#define ANSWER        26U
#define RINGS_LEAST_S 2U
#define RINGS_MOST_S  12U

/* The sum of four even ones is nearly normal, and quickly drawn: sigma is 0.577. */
static double nearly_normal(struct rng *rng)
{
	uint64_t bits = rng_next(rng);
	double sum = 0;

	for (unsigned i = 0; i < 4; i++, bits >>= 16)
		sum += (double)(bits & 0xffff) / 65536;
	return (sum - 2) / 0.57735026918962576451;
}

static void set_next(struct run *r, uint32_t at, unsigned way)
{
	const struct plan_call *call = &r->plan->call[at];
	struct voice *v = &r->voice[at];
	unsigned first = call->from_near ? 0 : 1;
	int64_t begins = v->begins_ns + (way == first ? 0 : OTHER_END_NS);

	v->next_ns[way] = begins + v->messages[way] * codecs[call->codec].gap_ns +
			  rng_below(&r->rng, late_us[way]) * NS_PER_US;
}

static void wait_for_next(struct run *r, uint32_t at)
{
	const struct voice *v = &r->voice[at];
	int64_t next = v->next_ns[0] < v->next_ns[1] ? v->next_ns[0] : v->next_ns[1];

	if (next < r->plan->call[at].until_ns)
		run_at(r, next, EVENT_CALL | at);
}

/* Before the voice, the two ends have found each other over the same sockets: a question of wire A5. All of
 * the flow counts as media (D11), so that Table I has nothing of it. */
static void say(struct run *r, const struct plan_call *call, struct conversation *c, int64_t now,
		bool from_near, size_t size)
{
	const struct plan_pair *pair = &r->plan->pair[call->pair];
	struct addressing ways = { from_near ? c->near.ip : c->far.ip, from_near ? c->far.ip : c->near.ip };
	uint8_t check[4];

	rng_fill(&r->rng, check, sizeof check);
	size = message_payload(&r->rng, talk_next_id(r, pair, from_near, 2), ways, check, size, r->bytes);
	wire_udp(r->wire, now, c, from_near, r->bytes, size, PURPOSE_SIGNALLING);
}

static void pick_up(struct run *r, uint32_t at, const struct conversation *c, int64_t now)
{
	const struct plan_call *call = &r->plan->call[at];
	struct voice *v = &r->voice[at];

	(void)truth_add_call(r->truth, c->client, c->near, c->far, call->from_near, false, false,
			     codecs[call->codec].name);
	v->begins_ns = now;
	for (unsigned way = 0; way < 2; way++) {
		v->id[way] =
			(uint16_t)rng_next(&r->rng); /* whether media has the client's counter is not known */
		set_next(r, at, way);
	}
}

static void talk(struct run *r, uint32_t at, struct conversation *c, int64_t now)
{
	const struct codec *codec = &codecs[r->plan->call[at].codec];
	struct voice *v = &r->voice[at];
	unsigned way = v->next_ns[0] <= v->next_ns[1] ? 0 : 1;
	double size = codec->size + codec->sigma * nearly_normal(&r->rng) + 0.5;

	size = size < SMALLEST ? SMALLEST : size;
	size_t n = message_media(&r->rng, v->id[way]++, (size_t)size, r->bytes);
	wire_udp(r->wire, now, c, way == 0, r->bytes, n, PURPOSE_MEDIA);
	v->messages[way]++;
	set_next(r, at, way);
}

void voice_event(struct run *r, uint32_t at, int64_t now)
{
	const struct plan_call *call = &r->plan->call[at];
	struct voice *v = &r->voice[at];
	struct conversation *c = run_conversation(r, call->pair);

	if (!c)
		return;
	switch ((enum voice_step)v->step++) {
	case VOICE_QUESTION:
		say(r, call, c, now, call->from_near, QUESTION);
		run_at(r, now + r->plan->peer[r->plan->pair[call->pair].peer].round_trip_us * NS_PER_US,
		       EVENT_CALL | at);
		return;
	case VOICE_ANSWER:
		say(r, call, c, now, !call->from_near, ANSWER);
		run_at(r, now + rng_between(&r->rng, RINGS_LEAST_S, RINGS_MOST_S) * NS_PER_S,
		       EVENT_CALL | at);
		return;
	case VOICE_RINGS:
		pick_up(r, at, c, now);
		break;
	case VOICE_TALKS:
		v->step = VOICE_TALKS;
		talk(r, at, c, now);
		break;
	}
	wait_for_next(r, at);
}
