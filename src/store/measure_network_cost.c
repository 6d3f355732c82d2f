/* N1 and N2: what the clients hold in a NAT or firewall table, and pair classes by timeout. */
#include "behave/class_shares.h"
#include "behave/state_entries.h"
#include "store/measure.h"
#include <inttypes.h>
#include <stdlib.h>

struct network_cost {
	const struct measure_setup *setup;
	struct burst_table *bursts;
};

static void drop(void *self)
{
	struct network_cost *n = self;

	if (n)
		burst_table_free(n->bursts);
	free(n);
}

static void *begin(const struct measure_setup *setup, struct error *err)
{
	struct network_cost *n = calloc(1, sizeof *n);

	if (!n) {
		error_memory(err, "the bursts");
		return NULL;
	}
	n->setup = setup;
	n->bursts = burst_table_new(pair_table_count(setup->pairs), setup->first_ns, setup->idle_ns, err);
	if (n->bursts)
		return n;
	drop(n);
	return NULL;
}

static bool flow(void *self, const struct labelled_flow *f, struct error *err)
{
	return burst_table_add(((struct network_cost *)self)->bursts, f, err);
}

/* --- N2 --- */

static bool put_shares(const struct network_cost *n, int64_t timeout_ns, struct sink *sink, struct error *err)
{
	struct class_share(*share)[PAIR_CLASS_COUNT] = calloc(protocol_count + 1U, sizeof *share);
	bool ok = share || error_memory(err, "the pair classes");

	if (ok)
		class_shares_count(n->bursts, n->setup->pairs, n->setup->client, timeout_ns, share);
	for (unsigned p = 0; ok && p < protocol_count; p++) {
		uint64_t pairs = 0;
		for (unsigned c = 0; c < PAIR_media; c++)
			pairs += share[p][c].pairs;
		for (unsigned c = 0; ok && pairs && c < PAIR_media; c++) {
			const struct class_share_row row = { protocols[p]->name, pair_class_names[c],
							     timeout_ns,         share[p][c].pairs,
							     share[p][c].flows,  share[p][c].packets };
			ok = sink->ops->put_class_share(sink, &row, err);
		}
	}
	free(share);
	return ok;
}

static bool put_all_shares(const struct network_cost *n, struct sink *sink, struct error *err)
{
	bool idle_too = true, ok = true;

	for (unsigned i = 0; ok && i < CLASS_TIMEOUTS; i++) {
		idle_too = idle_too && class_timeouts_ns[i] != n->setup->idle_ns;
		ok = put_shares(n, class_timeouts_ns[i], sink, err);
	}
	return ok && (!idle_too || put_shares(n, n->setup->idle_ns, sink, err));
}

/* --- N1 --- */

static bool put_peak(unsigned protocol, uint32_t client, int64_t timeout_ns, const struct state_peak *peak,
		     struct sink *sink, struct error *err)
{
	const struct state_peak_row row = {
		.protocol = protocols[protocol]->name,
		.client = client,
		.timeout_ns = timeout_ns,
		.peak = peak->peak,
		.peak_probes = peak->peak_probes,
		.peak_tcp = peak->peak_tcp,
		.peak_ns = peak->peak_ns,
		.mean = peak->mean,
		.mean_probes = peak->mean_probes,
		.opened = peak->opened,
		.opened_probes = peak->opened_probes,
	};
	return sink->ops->put_state_peak(sink, &row, err);
}

static bool put_series(const struct state_entries *s, unsigned protocol, int64_t timeout_ns,
		       struct sink *sink, struct error *err)
{
	int64_t first_ns, width_ns;
	uint32_t count = state_entries_intervals(s, &first_ns, &width_ns);
	bool ok = true;

	for (uint32_t i = 0; ok && i < count; i++) {
		const struct state_interval *at = state_entries_interval(s, protocol, i);
		const struct state_entry_row row = {
			.protocol = protocols[protocol]->name,
			.timeout_ns = timeout_ns,
			.start_ns = first_ns + i * width_ns,
			.width_ns = width_ns,
			.entries = at->entries,
			.probes = at->probes,
			.tcp = at->tcp,
		};
		ok = sink->ops->put_state_entry(sink, &row, err);
	}
	return ok;
}

static bool put_entries(const struct network_cost *n, const struct state_entries *s, int64_t timeout_ns,
			struct sink *sink, struct error *err)
{
	bool ok = true;

	for (unsigned p = 0; ok && p < protocol_count; p++) {
		const struct state_peak *all = state_entries_all(s, p);
		if (all)
			ok = put_series(s, p, timeout_ns, sink, err) &&
			     put_peak(p, 0, timeout_ns, all, sink, err);
	}
	for (uint32_t i = 1; ok && i <= n->setup->clients; i++) {
		const struct state_peak *peak = state_entries_client(s, i);
		ok = !peak || put_peak(n->setup->client[i - 1].protocol, i, timeout_ns, peak, sink, err);
	}
	return ok;
}

static bool put_all_entries(const struct network_cost *n, struct sink *sink, struct error *err)
{
	const struct state_question question = {
		.bursts = n->bursts,
		.pairs = n->setup->pairs,
		.client = n->setup->client,
		.clients = n->setup->clients,
		.first_ns = n->setup->first_ns,
		.last_ns = n->setup->last_ns,
	};
	struct state_entries *s = state_entries_new(&question, err);
	bool ok = s;

	for (unsigned i = 0; ok && i < STATE_TIMEOUTS; i++)
		ok = state_entries_count(s, state_timeouts_ns[i], err) &&
		     put_entries(n, s, state_timeouts_ns[i], sink, err);
	state_entries_free(s);
	return ok;
}

static bool put(void *self, struct sink *sink, struct problems *problems, struct error *err)
{
	const struct network_cost *n = self;
	const struct counter_row untimed = {
		"bounds", "untimed_packets",
		"packets of UDP flows whose time is not known to the network cost (N1, N2)",
		burst_table_untimed(n->bursts)
	};

	burst_table_arrange(n->bursts);
	if (burst_table_refused(n->bursts))
		problems_add(problems, "%" PRIu64 " flows are missing from the network cost (N1, N2)",
			     burst_table_refused(n->bursts));
	if (burst_table_coarse(n->bursts))
		problems_add(problems,
			     "%" PRIu64 " flows count in the network cost (N1, N2) as if they had no gaps",
			     burst_table_coarse(n->bursts));
	return sink->ops->put_counter(sink, &untimed, err) &&
	       (burst_table_count(n->bursts) == 0 ||
		(put_all_shares(n, sink, err) && put_all_entries(n, sink, err)));
}

const struct measurement measure_network_cost = { .begin = begin, .flow = flow, .put = put, .drop = drop };
