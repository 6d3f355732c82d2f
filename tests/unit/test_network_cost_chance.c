/* N1 and N2 of random traffic, against a simulation that looks at every packet, and at every moment anew. */
#include "network_cost_play.h"
#include "chance.h"

#define TALKS 60
struct talk {                    /* all packets between a client and a peer */
	uint32_t client, mirror; /* mirror: the same conversation as that client has it; 0: not a client's */
	bool tcp;
	unsigned packets;
	struct step packet[64];
	bool torn_down[64]; /* TCP: behind this packet */
};
struct entry {
	int64_t first, last;
	uint32_t client;
	bool probe, tcp, counted;
};
struct simulation {
	struct talk talk[TALKS];
	struct entry entry[TALKS * 64];
	unsigned entries;
};

static int64_t some_gap(struct chance *c)
{
	static const int64_t near[] = { 30, 60, 80, 100, 120, 150, 200, 250, 300, 400, 600 };

	switch (chance_u64(c) % 4) {
	case 0: /* a timeout, a little less, or a little more */
		return near[chance_u64(c) % (sizeof near / sizeof near[0])] * S +
		       ((int64_t)(chance_u64(c) % 3) - 1) * TICK;
	case 1:
		return (int64_t)(chance_u64(c) % 700) * S;
	default:
		return (int64_t)(chance_u64(c) % 3000000) * TICK;
	}
}

static void make_talk(struct talk *k, struct chance *c, unsigned i)
{
	k->client = 1 + i % 3;
	k->tcp = i % 5 == 4;
	k->packets = 1 + (unsigned)(chance_u64(c) % 64);
	int64_t ns = (int64_t)(chance_u64(c) % 200) * S;
	bool ends = false;
	for (unsigned n = 0; n < k->packets; n++) {
		/* A torn-down connection comes back later, not at the same moment. */
		ns += n == 0 ? 0 : some_gap(c) + (ends ? TICK : 0);
		k->packet[n] = (struct step){ ns, chance_u64(c) % 2 == 0 };
		k->torn_down[n] = ends = k->tcp && chance_u64(c) % 4 == 0;
	}
}

/* Packets n .. end - 1 belong together. */
static unsigned piece(const struct talk *k, unsigned n, int64_t timeout_ns)
{
	unsigned end = n + 1;

	/* Of a TCP flow the first and the last packet are known, and no gap in it. */
	if (k->tcp && timeout_ns < IDLE)
		timeout_ns = IDLE;
	while (end < k->packets && !k->torn_down[end - 1] &&
	       k->packet[end].ns - k->packet[end - 1].ns <= timeout_ns)
		end++;
	return end;
}

static bool is_probe(const struct talk *k, unsigned n, unsigned end)
{
	unsigned forth = 0, back = 0;

	for (unsigned i = n; i < end; i++)
		*(k->packet[i].out == k->packet[n].out ? &forth : &back) += 1;
	return !k->tcp && forth == 1 && back <= 1;
}

static void check_classes(struct scene *s, const struct simulation *m, int64_t timeout_ns)
{
	struct class_share expected[PAIR_CLASS_COUNT] = { 0 };

	for (unsigned i = 0; i < TALKS; i++) {
		const struct talk *k = &m->talk[i];
		unsigned probes = 0, dialogs = 0;
		for (unsigned n = 0, end; !k->tcp && n < k->packets; n = end) {
			end = piece(k, n, timeout_ns);
			*(is_probe(k, n, end) ? &probes : &dialogs) += 1;
		}
		if (k->tcp)
			continue;
		enum pair_class class = dialogs == 0  ? (probes == 1 ? PAIR_probe : PAIR_heartbeat)
					: probes == 0 ? PAIR_dialog
						      : PAIR_mix;
		expected[class].pairs++;
		expected[class].flows += probes + dialogs;
		expected[class].packets += k->packets;
	}
	memset(s->share, 0, sizeof s->share);
	class_shares_count(s->bursts, s->pairs, s->client, timeout_ns, s->share);
	assert_memory_equal(s->share[0], expected, sizeof expected);
}

static void make_entries(struct simulation *m, int64_t timeout_ns)
{
	m->entries = 0;
	for (unsigned i = 0; i < TALKS; i++) {
		const struct talk *k = &m->talk[i];
		for (unsigned n = 0, end; n < k->packets; n = end) {
			end = piece(k, n, timeout_ns);
			int64_t last = k->packet[end - 1].ns;
			m->entry[m->entries++] = (struct entry){
				k->packet[n].ns, k->torn_down[end - 1] ? last : last + timeout_ns,
				k->client,       is_probe(k, n, end),
				k->tcp,          k->client > k->mirror
			};
		}
	}
}

/* What exists at a moment. client 0: all. */
static struct state_interval entries_at(const struct simulation *m, uint32_t client, int64_t ns)
{
	struct state_interval sum = { 0 };

	for (unsigned i = 0; i < m->entries; i++) {
		const struct entry *e = &m->entry[i];
		if (e->first > ns || e->last < ns || (client ? e->client != client : !e->counted))
			continue;
		sum.entries++;
		sum.probes += e->probe;
		sum.tcp += e->tcp;
	}
	return sum;
}

static void check_peak(struct scene *s, const struct simulation *m, uint32_t client, int64_t first,
		       int64_t last)
{
	struct state_interval most = { 0 };
	int64_t when = INT64_MAX;
	uint64_t opened = 0, probes = 0;
	double sum = 0, probe_sum = 0;

	for (unsigned i = 0; i < m->entries; i++) {
		const struct entry *e = &m->entry[i];
		if (client ? e->client != client : !e->counted)
			continue;
		struct state_interval here = entries_at(m, client, e->first);
		if (here.entries > most.entries || (here.entries == most.entries && e->first < when)) {
			most = here;
			when = e->first;
		}
		opened++;
		probes += e->probe;
		int64_t from = e->first > first ? e->first : first, to = e->last < last ? e->last : last;
		sum += to > from ? (double)(to - from) : 0;
		probe_sum += to > from && e->probe ? (double)(to - from) : 0;
	}
	const struct state_peak *p =
		client ? state_entries_client(s->entries, client) : state_entries_all(s->entries, 0);
	assert_non_null(p);
	assert_int_equal(p->peak, most.entries);
	assert_int_equal(p->peak_probes, most.probes);
	assert_int_equal(p->peak_tcp, most.tcp);
	assert_int_equal(p->peak_ns, BEGIN + when);
	assert_int_equal(p->opened, opened);
	assert_int_equal(p->opened_probes, probes);
	assert_true(fabs(p->mean - sum / (double)(last - first)) < 1e-6);
	assert_true(fabs(p->mean_probes - probe_sum / (double)(last - first)) < 1e-6);
}

/* In each interval the most, of its first moment and of each beginning in it. */
static void check_intervals(struct scene *s, const struct simulation *m)
{
	int64_t first, width;
	uint32_t count = state_entries_intervals(s->entries, &first, &width);

	assert_true(count <= STATE_INTERVALS_MAX + 1);
	for (uint32_t i = 0; i < count; i++) {
		int64_t from = first - BEGIN + i * width;
		uint32_t most = entries_at(m, 0, from).entries;
		for (unsigned k = 0; k < m->entries; k++) {
			int64_t ns = m->entry[k].first;
			if (!m->entry[k].counted || ns < from || ns >= from + width)
				continue;
			uint32_t here = entries_at(m, 0, ns).entries;
			most = here > most ? here : most;
		}
		assert_int_equal(state_entries_interval(s->entries, 0, i)->entries, most);
	}
}

/* The flows of a talk, as the flow table would cut it. */
static void add_talk(struct scene *s, const struct talk *k, uint32_t client, struct endpoint far)
{
	struct step step[64];

	for (unsigned n = 0, end; n < k->packets; n = end) {
		end = piece(k, n, IDLE);
		for (unsigned i = n; i < end; i++)
			step[i - n] = (struct step){ k->packet[i].ns, k->packet[i].out };
		struct flow_record *r =
			add_flow(s, client, far, k->tcp ? IPPROTO_TCP : IPPROTO_UDP, step, end - n);
		if (k->torn_down[end - 1])
			r->end_reason = FLOW_END_rst;
	}
}

static void simulate(uint64_t seed)
{
	struct chance chance = { seed };
	struct simulation *m = calloc(1, sizeof *m);
	struct scene *s = scene_new();
	int64_t last = 0;

	for (unsigned i = 0; i < TALKS - 1; i++)
		make_talk(&m->talk[i], &chance, i);
	/* Clients 1 and 4 talk to each other: the last two talks are one, seen from either end. */
	struct talk *mine = &m->talk[TALKS - 2], *theirs = &m->talk[TALKS - 1];
	mine->tcp = false;
	memset(mine->torn_down, 0, sizeof mine->torn_down);
	mine->client = 1;
	*theirs = *mine;
	theirs->client = theirs->mirror = 4; /* the other one counts */
	for (unsigned n = 0; n < theirs->packets; n++)
		theirs->packet[n].out = !theirs->packet[n].out;
	for (unsigned i = 0; i < TALKS - 2; i++)
		add_talk(s, &m->talk[i], m->talk[i].client, at(9, (uint16_t)(100 + i)));
	add_talk(s, mine, 1, client_socket(4));
	add_talk(s, theirs, 4, client_socket(1));
	for (unsigned i = 0; i < TALKS; i++)
		if (m->talk[i].packet[m->talk[i].packets - 1].ns > last)
			last = m->talk[i].packet[m->talk[i].packets - 1].ns;
	play(s, last);
	for (unsigned t = 0; t < CLASS_TIMEOUTS; t++)
		check_classes(s, m, class_timeouts_ns[t]);
	for (unsigned t = 0; t < STATE_TIMEOUTS; t++) {
		assert_true(state_entries_count(s->entries, state_timeouts_ns[t], &s->err));
		make_entries(m, state_timeouts_ns[t]);
		check_peak(s, m, 0, 0, last);
		for (uint32_t client = 1; client <= CLIENTS; client++)
			check_peak(s, m, client, s->client[client - 1].first_ns - BEGIN,
				   s->client[client - 1].last_ns - BEGIN);
		if (t == seed % STATE_TIMEOUTS) /* the slow one */
			check_intervals(s, m);
	}
	scene_free(s);
	free(m);
}

static void test_simulation(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++)
		simulate(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_simulation) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
