/* The end of the input: verdicts fall, flows get their labels, the run goes into the sink. See aggregate.h.
 */
#include "store/resolve.h"
#include <inttypes.h>
#include <stdlib.h>

/* The next closed flow; log: its r->sizes messages; hits, unless NULL: its r->hits hits. False at the end, or
 * with *failed set. */
static bool next_flow(struct spool *spool, struct flow_record *r, const struct logged_message **log,
		      const struct pattern_hit **hits, bool *failed, struct error *err)
{
	struct span record;

	if (!spool_next(spool, &record, failed, err))
		return false;
	memcpy(r, record.ptr, sizeof *r);
	/* The spool aligns records to 16 bytes and a flow_record is a multiple of 8: the log behind it is
	 * aligned. */
	*log = (const struct logged_message *)(const void *)(record.ptr + sizeof *r);
	if (hits)
		*hits = (const struct pattern_hit *)(const void *)(record.ptr + record.len) - r->hits;
	return true;
}
_Static_assert(sizeof(struct flow_record) % 8 == 0, "the message log behind it stays aligned");

static bool gather(struct aggregate *a, struct candidates *c, struct error *err)
{
	struct flow_record r;
	const struct logged_message *log;
	bool failed, ok = true;

	if (c->count == 0)
		return true;
	ok = spool_rewind(a->spool, err);
	while (ok && next_flow(a->spool, &r, &log, NULL, &failed, err))
		ok = candidates_add(c, &r, log, err);
	if (!ok || failed)
		return false;
	return candidates_judge(c, &a->openings, err);
}

/*
 * Which measured flows carried voice or video, and which of them are a call: before all else, as the pairs'
 * classes (D10, D11) and what is kept of which client depend on it.
 */
static bool judge_media(struct resolution *res, struct error *err)
{
	struct aggregate *a = res->a;
	const struct candidates *c = &res->c;

	if (!openings_sort(&a->openings, err))
		return false;
	for (uint32_t i = 0; i < a->measured_flows; i++) {
		struct flow_record r = a->measured_flow[i];
		struct flow_row row;
		label_record(c, &a->openings, a->names, &r, &row);
		if (!calls_note(a->calls, c, &r, &row, err))
			return false;
		if (r.role != ROLE_media || r.l4 != IPPROTO_UDP || !row.protocol)
			continue;
		const struct socket_entry *initiator = client_at(c, (unsigned)r.protocol, &r.initiator);
		const struct socket_entry *responder = client_at(c, (unsigned)r.protocol, &r.responder);
		if (initiator)
			pair_table_media(c->pairs, initiator->candidate, (unsigned)r.protocol, true, &r);
		if (responder)
			pair_table_media(c->pairs, responder->candidate, (unsigned)r.protocol, false, &r);
	}
	return call_table_group(a->calls, a->options.models, err);
}

static void add_pair(struct measured_client *client, struct pair_totals *sum, const struct pair *pair)
{
	if (client->peers++ == 0 || pair->first_ns < client->first_ns)
		client->first_ns = pair->first_ns;
	if (client->peers == 1 || pair->last_ns > client->last_ns)
		client->last_ns = pair->last_ns;
	client->signalling_packets += pair->total.packets_out + pair->total.packets_in;
	client->media_packets += pair->media.packets_out + pair->media.packets_in;
	sum->flows += pair->total.flows;
	sum->one_time_probes += pair->total.one_time_probes;
	sum->dialogs += pair->total.dialogs;
	sum->packets_out += pair->total.packets_out;
	sum->packets_in += pair->total.packets_in;
	sum->payload_out += pair->total.payload_out;
	sum->payload_in += pair->total.payload_in;
}

static bool list_clients(struct resolution *res, struct error *err)
{
	const struct candidates *c = &res->c;

	res->client = calloc(c->clients + 1U, sizeof *res->client);
	res->sums = calloc(c->clients + 1U, sizeof *res->sums);
	res->pair_met = calloc(pair_table_count(c->pairs) / 8 + 1U, 1);
	if (!res->client || !res->sums || !res->pair_met)
		return error_memory(err, "the clients");
	for (uint32_t i = 0; i < c->clients; i++) {
		const struct socket_entry *s = c->client[i];
		res->client[i] = (struct measured_client){
			.socket = s->socket,
			.protocol = s->protocol,
			.recognised = socket_verdict(res->a->sockets, s) == VERDICT_RECOGNISED,
			.internal = s->internal,
			.has_public = s->has_public && s->public_confirmed,
			.public_ip = s->public_ip,
		};
	}
	for (uint32_t i = 0; i < pair_table_count(c->pairs); i++) {
		const struct pair *pair = pair_table_at(c->pairs, i);
		uint32_t number = c->entry[pair->client - 1]->client;
		if (number)
			add_pair(&res->client[number - 1], &res->sums[number - 1].pairs, pair);
	}
	return true;
}

static uint32_t find_client_of_host(const void *self, unsigned protocol, const struct ip *host)
{
	return client_of_host(&((const struct resolution *)self)->c, protocol, host);
}

static bool find_internal(const void *self, const struct ip *ip)
{
	return socket_table_internal(((const struct resolution *)self)->a->sockets, ip);
}

static bool begin_measurements(struct resolution *res, const struct run_row *run, struct error *err)
{
	if (!list_clients(res, err))
		return false;
	res->distributions.key = hash_key_random();
	res->kept.key = hash_key_random();
	res->setup = (struct measure_setup){
		.options = &res->a->options.measure,
		.client = res->client,
		.clients = res->c.clients,
		.pairs = res->c.pairs,
		.exchanges = res->a->exchanges,
		.calls = res->a->calls,
		.names = res->a->names_of_addresses,
		.first_ns = run->first_ns,
		.last_ns = run->last_ns,
		.idle_ns = run->idle_ns,
		.client_of_host = find_client_of_host,
		.is_internal = find_internal,
		.self = res,
		.distributions = &res->distributions,
		.kept = &res->kept,
		.round_trips = &res->a->round_trips,
	};
	round_trips_sort(&res->a->round_trips);
	res->measure = measure_new(&res->setup, err);
	return res->measure;
}

static void add_tcp(struct client_sums *sums, const struct labelled_flow *f)
{
	const struct flow_record *r = f->r;

	sums->tcp_out += labelled_out(f)->payload_wire;
	sums->tcp_in += labelled_in(f)->payload_wire;
	if (!sums->has_tcp || r->first_ns < sums->tcp_first_ns)
		sums->tcp_first_ns = r->first_ns;
	if (!sums->has_tcp || r->last_ns > sums->tcp_last_ns)
		sums->tcp_last_ns = r->last_ns;
	sums->has_tcp = true;
}

/* One end of a flow as a client's. */
static bool measure_end(struct resolution *res, const struct flow_record *r, const struct logged_message *log,
			uint32_t client, bool initiator, struct error *err)
{
	const struct candidates *c = &res->c;
	struct client_sums *sums = &res->sums[client - 1];
	struct labelled_flow f = {
		.r = r,
		.log = log,
		.client = client,
		.protocol = (uint8_t)r->protocol,
		.client_is_initiator = initiator,
		.media = r->role == ROLE_media,
		.class = PAIR_CLASS_COUNT,
		.remote = initiator ? &r->responder : &r->initiator,
	};

	if (r->l4 == IPPROTO_UDP)
		f.pair = pair_table_find(c->pairs, c->client[client - 1]->candidate, f.protocol, f.remote);
	if (f.pair) {
		f.pair_index = pair_table_index(c->pairs, f.pair);
		f.class = pair_class_of(&f.pair->total);
	}
	if (res->surveying)
		return measure_survey(res->measure, &f, err);
	if (f.pair) {
		uint8_t *met = &res->pair_met[f.pair_index / 8], bit = (uint8_t)(1U << f.pair_index % 8);
		f.pair_first = !(*met & bit);
		*met |= bit;
	}
	if (f.media) {
		sums->media_out += labelled_out(&f)->payload_wire;
		sums->media_in += labelled_in(&f)->payload_wire;
	} else if (r->l4 == IPPROTO_TCP) {
		add_tcp(sums, &f);
	}
	return measure_flow(res->measure, &f, err);
}

static bool measure_record(struct resolution *res, const struct flow_row *row,
			   const struct logged_message *log, struct error *err)
{
	const struct candidates *c = &res->c;
	const struct flow_record *r = row->flow;
	unsigned p = row->protocol ? (unsigned)r->protocol : 0;

	if (row->protocol && r->l4 == IPPROTO_UDP && !is_to_itself(r)) {
		const struct socket_entry *initiator = client_at(c, p, &r->initiator);
		const struct socket_entry *responder = is_stray(r, p) ? NULL : client_at(c, p, &r->responder);
		if (initiator || responder)
			return (!initiator || measure_end(res, r, log, initiator->client, true, err)) &&
			       (!responder || measure_end(res, r, log, responder->client, false, err));
	} else if (row->protocol && r->l4 == IPPROTO_TCP) {
		uint32_t client = row->client ? row->client : client_of_host(c, p, &r->initiator.ip);
		if (!client)
			client = client_of_host(c, p, &r->responder.ip);
		if (client)
			return measure_end(res, r, log, client,
					   ip_equal(&c->client[client - 1]->socket.ip, &r->initiator.ip),
					   err);
	}
	return res->surveying || !candidates_have_host(c, &r->initiator.ip) ||
	       measure_host_flow(res->measure, r, err);
}

/*
 * Ticks of an idle link (flow_table_tick()) end flows that nothing came after. Of a run that is whole, how
 * such a flow ended is known, and must be what a reader of the same packets says: the input did.
 */
static enum flow_end settled_end(const struct resolution *res, const struct flow_record *r)
{
	return r->end_reason == FLOW_END_idle && r->last_ns >= res->eof_from_ns
		       ? FLOW_END_eof
		       : (enum flow_end)r->end_reason;
}

/* Also the sums. One more look at all flows, but only where a quiet link has ended some. */
static bool settle_ends(struct resolution *res, const struct run_facts *facts, int64_t idle_ns,
			struct error *err)
{
	struct aggregate *a = res->a;
	const struct logged_message *log;
	struct flow_record r;
	bool failed = false;

	res->eof_from_ns = facts->partial || a->flows == 0 ? INT64_MAX : a->last_ns - idle_ns;
	if (a->idle_last_ns < res->eof_from_ns)
		return true;
	if (!spool_rewind(a->spool, err))
		return false;
	while (next_flow(a->spool, &r, &log, NULL, &failed, err)) {
		a->ended[r.end_reason]--;
		a->ended[settled_end(res, &r)]++;
	}
	return !failed;
}

/* A closed flow with the last word on it. */
struct judged_flow {
	struct flow_record r;
	struct flow_row row;            /* of r */
	const struct media_flow *media; /* what is known of its media, or NULL */
	const struct logged_message *log;
	const struct pattern_hit *hits;
};

static bool next_judged(struct resolution *res, struct judged_flow *f, bool *failed, struct error *err)
{
	struct aggregate *a = res->a;

	if (!next_flow(a->spool, &f->r, &f->log, &f->hits, failed, err))
		return false;
	f->r.end_reason = (uint8_t)settled_end(res, &f->r);
	label_record(&res->c, &a->openings, a->names, &f->r, &f->row);
	f->media = f->r.measured ? call_table_flow_of(a->calls, f->r.first_packet) : NULL;
	if (f->media && f->media->verdict == MEDIA_CALL && f->row.protocol)
		f->r.role = ROLE_media;
	return true;
}

static bool put_flow(struct resolution *res, struct judged_flow *f, struct error *err)
{
	const struct flow_record *r = &f->r;

	if (f->row.protocol && r->l4 == IPPROTO_TCP && r->sizes)
		f->row.keepalive = keepalive_of(f->log, r->sizes, flow_record_log_from(r));
	res->summary->recognised_flows += f->row.protocol != NULL;
	/* Rows of streams name the flow. */
	bool wanted = f->row.protocol || f->media || res->a->options.all_flows;
	return totals_add_label(&res->totals, &f->row, err) &&
	       (!wanted || res->sink->ops->put_flow(res->sink, &f->row, err)) &&
	       (r->hits == 0 || pattern_hits_keep(res, &f->row, f->hits, err));
}

/* First of two passes: while their rows are written in the background, measurements survey all flows, as some
 * have to know them before they look at one. */
static bool put_flows(struct resolution *res, struct error *err)
{
	struct judged_flow f;
	bool failed = false, ok = spool_rewind(res->a->spool, err);

	res->surveying = true;
	while (ok && next_judged(res, &f, &failed, err))
		ok = put_flow(res, &f, err) && measure_record(res, &f.row, f.log, err);
	res->surveying = false;
	return ok && !failed;
}

/* What a call exchanged in a flow without a label (calls_note()) is media of the client (R3) all the same. */
static void add_claimed_call(struct resolution *res, const struct judged_flow *f)
{
	if (!f->media || f->media->verdict != MEDIA_CALL || f->row.protocol || !f->media->client)
		return;
	struct client_sums *sums = &res->sums[f->media->client - 1];
	bool out = ip_equal(&res->client[f->media->client - 1].socket.ip, &f->r.initiator.ip);
	sums->media_out += f->r.side[out ? TO_RESPONDER : TO_INITIATOR].payload_wire;
	sums->media_in += f->r.side[out ? TO_INITIATOR : TO_RESPONDER].payload_wire;
}

static bool measure_flows(struct resolution *res, struct error *err)
{
	struct judged_flow f;
	bool failed = false, ok = spool_rewind(res->a->spool, err);

	while (ok && next_judged(res, &f, &failed, err)) {
		add_claimed_call(res, &f);
		ok = measure_record(res, &f.row, f.log, err);
	}
	return ok && !failed;
}

/* Without a candidate there is nothing to measure. */
static bool look_at_flows(struct resolution *res, struct error *err)
{
	bool ok = put_flows(res, err) && (res->c.count == 0 || measure_flows(res, err));

	spool_free(res->a->spool); /* read for the last time */
	res->a->spool = NULL;
	return ok;
}

/* Bounds that were reached: counted, and said once. */
static void note_bounds(const struct aggregate *a, const struct candidates *c,
			struct aggregate_summary *summary, struct problems *problems)
{
	summary->evicted_sockets = socket_table_evicted(a->sockets);
	summary->refused_pairs = pair_table_refused(c->pairs);
	summary->refused_events = exchange_table_refused(a->exchanges) + a->refused_events + c->tcps_refused +
				  a->openings.refused;
	if (summary->evicted_sockets)
		problems_add(problems,
			     "%" PRIu64
			     " client sockets were dropped with their evidence: raise --max-sockets",
			     summary->evicted_sockets);
	if (socket_table_untested(a->sockets))
		problems_add(problems,
			     "%" PRIu64 " sockets had no room for the chi-square test: suspected at most",
			     socket_table_untested(a->sockets));
	if (summary->refused_pairs)
		problems_add(problems, "%" PRIu64 " flows have no client-peer pair: raise --max-pairs",
			     summary->refused_pairs);
	summary->refused_media = call_table_refused(a->calls);
	if (summary->refused_media)
		problems_add(problems,
			     "%" PRIu64 " measured flows were beyond the bound: they are in no call",
			     summary->refused_media);
	if (summary->refused_events)
		problems_add(problems,
			     "%" PRIu64 " logins, version checks or pieces of evidence were beyond the bound",
			     summary->refused_events);
}

static bool put_bounds(const struct aggregate_summary *summary, struct sink *sink, struct error *err)
{
	const struct counter_row rows[] = {
		{ "bounds", "evicted_sockets", "client sockets dropped at --max-sockets",
		  summary->evicted_sockets },
		{ "bounds", "refused_pairs", "flows whose client-peer pair was not kept at --max-pairs",
		  summary->refused_pairs },
		{ "bounds", "refused_events", "events and evidence beyond their bounds",
		  summary->refused_events },
		{ "bounds", "refused_media", "measured flows beyond the bound, which are in no call",
		  summary->refused_media },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (!sink->ops->put_counter(sink, &rows[i], err))
			return false;
	return true;
}

/* Last, as their digests go on being computed while the rest is written. */
static bool put_inputs(struct sink *sink, const struct run_facts *facts, struct error *err)
{
	const struct input_info *input;
	bool ok = true;

	source_settle(facts->inputs);
	for (uint32_t i = 0; ok && (input = source_input(facts->inputs, i)); i++)
		ok = sink->ops->put_input(sink, &(struct input_row){ i + 1, input }, err);
	return ok;
}

/* When all that may have been left out is known. */
static bool put_run(struct resolution *res, struct run_row *run, const struct problems *problems,
		    struct error *err)
{
	run->complete = problems->count == 0;
	run->problems = problems->text;
	if (res->a->options.strict && !run->complete)
		return error_set(err, EXIT_INCOMPLETE, "incomplete, and --strict: nothing is written\n%s",
				 problems->text);
	return res->sink->ops->put_run(res->sink, run, err);
}

static bool put_all(struct resolution *res, struct run_row *run, const struct run_facts *facts,
		    struct problems *problems, struct error *err)
{
	struct aggregate *a = res->a;

	if (!res->sink)
		res->sink = facts->open_sink(facts->self, err);
	struct sink *sink = res->sink;
	return sink && account_put(sink, facts, &a->judge, err) && look_at_flows(res, err) &&
	       pattern_hits_put(res, err) && resolve_put_clients(res, err) && resolve_put_pairs(res, err) &&
	       resolve_put_evidence(res, err) && resolve_put_exchanges(res, err) &&
	       calls_put(a->calls, a->options.models, sink, err) && totals_put(&res->totals, sink, err) &&
	       measure_put(res->measure, sink, problems, err) && put_run(res, run, problems, err) &&
	       put_bounds(res->summary, sink, err) && put_inputs(sink, facts, err);
}

static void resolution_drop(struct resolution *res)
{
	measure_free(res->measure);
	distributions_drop(&res->distributions);
	kept_messages_drop(&res->kept);
	totals_drop(&res->totals);
	candidates_drop(&res->c);
	free(res->client);
	free(res->sums);
	free(res->pair_met);
	spool_free(res->hits);
}

bool aggregate_finish(struct aggregate *a, struct sink *sink, struct run_row *run,
		      const struct run_facts *told, struct problems *problems,
		      struct aggregate_summary *summary, struct error *err)
{
	struct run_facts settled = *told;
	const struct run_facts *facts = &settled;
	struct resolution res = {
		.a = a, .totals = { .key = hash_key_random() }, .sink = sink, .summary = summary
	};

	*summary = (struct aggregate_summary){ .flows = a->flows, .packets_in_flows = a->packets };
	if (aggregate_failed(a, err) || !account_check(facts, a->flows, a->packets, err))
		return false;
	if (!settle_ends(&res, facts, run->idle_ns, err))
		return false;
	account_settle(&settled, a->ended);
	account_judge(&a->judge, facts);
	summary->exchanges = exchange_table_count(a->exchanges);
	summary->version_checks = version_check_count(a->exchanges);
	bool ok = candidates_gather(&res.c, a->sockets, a->options.max_pairs, err) &&
		  gather(a, &res.c, err) && candidates_verdicts(&res.c, &summary->clients, err) &&
		  judge_media(&res, err);
	if (ok) {
		summary->suspected = res.c.clients - summary->clients;
		summary->calls = call_table_count(a->calls);
		note_bounds(a, &res.c, summary, problems);
		run->first_ns = a->judge.first_ns;
		run->last_ns = a->judge.greatest_ns;
		ok = begin_measurements(&res, run, err) && put_all(&res, run, facts, problems, err);
	}
	resolution_drop(&res);
	return ok;
}
