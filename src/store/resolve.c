/* The end of the input: verdicts fall, flows get their labels, the run goes into the sink. See aggregate.h.
 */
#include "store/resolve.h"
#include <inttypes.h>
#include <stdlib.h>

/* The next closed flow; log: its r->sizes messages. False at the end, or with *failed set. */
static bool next_flow(struct spool *spool, struct flow_record *r, const struct logged_message **log,
		      bool *failed, struct error *err)
{
	struct span record;

	if (!spool_next(spool, &record, failed, err))
		return false;
	memcpy(r, record.ptr, sizeof *r);
	/* The spool aligns records to 16 bytes and a flow_record is a multiple of 8: the log behind it is
	 * aligned. */
	*log = (const struct logged_message *)(const void *)(record.ptr + sizeof *r);
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
	while (ok && next_flow(a->spool, &r, &log, &failed, err))
		ok = candidates_add(c, &r, log, err);
	if (!ok || failed)
		return false;
	return candidates_judge(c, &a->openings, err);
}

static uint64_t hash_check(const struct aggregate *a, unsigned protocol, const struct ip *ip)
{
	struct {
		struct ip ip;
		uint64_t protocol;
	} key = { *ip, protocol };
	_Static_assert(sizeof key == 24, "hashed as bytes: no padding");
	return hash_words(&a->key, &key, sizeof key);
}

static const struct version_check *find_check(const struct aggregate *a, const struct row_index *checks,
					      unsigned protocol, const struct ip *ip)
{
	uint64_t hash = hash_check(a, protocol, ip);
	uint32_t at = 0, i;

	while ((i = row_index_probe(checks, hash, &at)) != ROW_NONE) {
		const struct version_check *v = version_check_at(a->exchanges, i);
		if (v->protocol == protocol && ip_equal(&v->client.ip, ip))
			return v;
	}
	return NULL;
}

/* The newest of each address. */
static bool index_checks(const struct aggregate *a, struct row_index *checks, struct error *err)
{
	for (uint32_t i = version_check_count(a->exchanges); i-- > 0;) {
		const struct version_check *v = version_check_at(a->exchanges, i);
		if (!find_check(a, checks, v->protocol, &v->client.ip) &&
		    !row_index_add(checks, hash_check(a, v->protocol, &v->client.ip), i))
			return error_memory(err, "the version checks");
	}
	return true;
}

static void add_pair(struct client_row *row, const struct pair *pair)
{
	struct pair_totals *sum = &row->total;

	if (row->peers++ == 0 || pair->first_ns < row->first_ns)
		row->first_ns = pair->first_ns;
	if (row->peers == 1 || pair->last_ns > row->last_ns)
		row->last_ns = pair->last_ns;
	sum->flows += pair->total.flows;
	sum->one_time_probes += pair->total.one_time_probes;
	sum->dialogs += pair->total.dialogs;
	sum->packets_out += pair->total.packets_out;
	sum->packets_in += pair->total.packets_in;
	sum->payload_out += pair->total.payload_out;
	sum->payload_in += pair->total.payload_in;
}

static struct client_row client_row_of(const struct aggregate *a, const struct candidates *c,
				       const struct row_index *checks, const struct socket_entry *s)
{
	bool recognised = socket_verdict(a->sockets, s) == VERDICT_RECOGNISED;
	const struct version_check *check = find_check(a, checks, s->protocol, &s->socket.ip);

	const struct callers *callers = &c->callers[s->candidate - 1];

	return (struct client_row){
		.id = s->client,
		.protocol = protocols[s->protocol]->name,
		.verdict = recognised ? protocols[s->protocol]->name : protocols[s->protocol]->suspected_name,
		.socket = s->socket,
		.internal = s->internal,
		.has_public = s->has_public && s->public_confirmed,
		.public_ip = s->public_ip,
		.behind_nat = s->has_public && s->public_confirmed && !ip_equal(&s->public_ip, &s->socket.ip),
		.bits = socket_bits(s),
		.first_packet = s->first_packet,
		.first_ns = s->first_ns,
		.last_ns = s->last_ns,
		.version = check ? check->event.of.version.version : "",
		.callers = callers->callers,
		.callers_answered = callers->answered,
		.is_supernode = s->is_called,
	};
}

static bool put_clients(const struct aggregate *a, const struct candidates *c, struct sink *sink,
			struct error *err)
{
	struct client_row *row = calloc(c->clients + 1U, sizeof *row);
	struct row_index checks = { 0 };
	bool ok = index_checks(a, &checks, err);

	if (!row)
		ok = error_memory(err, "the client rows");
	for (uint32_t i = 0; ok && i < c->clients; i++)
		row[i] = client_row_of(a, c, &checks, c->client[i]);
	for (uint32_t i = 0; ok && i < pair_table_count(c->pairs); i++) {
		const struct pair *pair = pair_table_at(c->pairs, i);
		uint32_t client = c->entry[pair->client - 1]->client;
		if (client)
			add_pair(&row[client - 1], pair);
	}
	for (uint32_t i = 0; ok && i < c->clients; i++)
		ok = sink->ops->put_client(sink, &row[i], err);
	row_index_drop(&checks);
	free(row);
	return ok;
}

/* Peers and pairs of the clients; peers are numbered in the order of their pairs. */
static bool put_pairs(const struct aggregate *a, const struct candidates *c, struct sink *sink,
		      struct error *err)
{
	uint32_t peers = pair_table_peer_count(c->pairs), number = 0;
	struct {
		uint32_t id, clients;
	} *met = calloc(peers + 1U, sizeof *met);
	bool ok = true;

	if (!met)
		return error_memory(err, "the peer numbers");
	for (uint32_t i = 0; i < pair_table_count(c->pairs); i++) {
		const struct pair *pair = pair_table_at(c->pairs, i);
		if (!c->entry[pair->client - 1]->client)
			continue;
		if (!met[pair->peer_index].id)
			met[pair->peer_index].id = ++number;
		met[pair->peer_index].clients++;
	}
	for (uint32_t i = 0; ok && i < peers; i++) {
		const struct peer *peer = pair_table_peer_at(c->pairs, i);
		const struct peer_row row = {
			.id = met[i].id,
			.protocol = protocols[peer->protocol]->name,
			.socket = peer->socket,
			.internal = socket_table_internal(a->sockets, &peer->socket.ip),
			.first_ns = peer->first_ns,
			.last_ns = peer->last_ns,
			.clients = met[i].clients,
		};
		ok = !row.id || sink->ops->put_peer(sink, &row, err);
	}
	for (uint32_t i = 0; ok && i < pair_table_count(c->pairs); i++) {
		const struct pair *pair = pair_table_at(c->pairs, i);
		const struct pair_row row = {
			.client = c->entry[pair->client - 1]->client,
			.peer = met[pair->peer_index].id,
			.total = pair->total,
			.first_ns = pair->first_ns,
			.last_ns = pair->last_ns,
			.client_first = pair->client_first,
		};
		ok = !row.client || sink->ops->put_pair(sink, &row, err);
	}
	free(met);
	return ok;
}

static bool put_flows(struct aggregate *a, const struct candidates *c, struct totals *totals,
		      struct sink *sink, struct aggregate_summary *summary, struct error *err)
{
	struct flow_record r;
	const struct logged_message *log;
	bool failed = false, ok = spool_rewind(a->spool, err);

	ok = ok && openings_sort(&a->openings, err);
	while (ok && next_flow(a->spool, &r, &log, &failed, err)) {
		struct flow_row row;
		label_record(c, &a->openings, a->names, &r, &row);
		if (row.protocol && r.l4 == IPPROTO_TCP && r.sizes)
			row.keepalive = keepalive_of(log, r.sizes, r.first_ns);
		uint32_t listed = call_table_flow_count(a->calls);
		ok = totals_add_label(totals, &row, err) && calls_note(a->calls, c, &r, &row, err);
		bool measured = call_table_flow_count(a->calls) > listed;
		/* R8 is about signalling (D11). */
		if (ok && r.l4 == IPPROTO_UDP && row.client && r.role != ROLE_media)
			ok = totals_add_sizes(totals, c, c->client[row.client - 1], &r, log, err);
		summary->recognised_flows += row.protocol != NULL;
		/* Rows of streams name the flow. */
		if (ok && (row.protocol || measured || a->options.all_flows))
			ok = sink->ops->put_flow(sink, &row, err);
	}
	return ok && !failed;
}

static bool put_evidence(const struct aggregate *a, const struct candidates *c, struct sink *sink,
			 struct error *err)
{
	bool ok = true;

	for (uint32_t i = 0; ok && i < c->clients; i++) {
		const struct socket_entry *s = c->client[i];
		for (unsigned k = 0; ok && k < protocols[s->protocol]->kind_count; k++) {
			const struct evidence_row row = {
				.about_client = true,
				.subject = s->client,
				.protocol = protocols[s->protocol]->name,
				.kind = &protocols[s->protocol]->kinds[k],
				.sum = socket_sum(s, k),
			};
			ok = row.sum.count == 0 || sink->ops->put_evidence(sink, &row, err);
		}
	}
	for (uint32_t i = 0; ok && i < a->flow_evidences; i++) {
		const struct flow_evidence *e = &a->flow_evidence[i];
		const struct evidence_row row = {
			.subject = e->flow,
			.protocol = protocols[e->protocol]->name,
			.kind = &protocols[e->protocol]->kinds[e->kind],
			.sum = e->sum,
		};
		ok = sink->ops->put_evidence(sink, &row, err);
	}
	return ok;
}

static bool put_exchange(const struct candidates *c, const struct exchange *x, struct sink *sink,
			 struct error *err)
{
	const struct exchange_row row = {
		.flow = x->flow,
		.protocol = protocols[x->protocol]->name,
		.role = x->role,
		.form = x->form ? x->form : "",
		.outcome = exchange_outcome_name(x->outcome),
		.client = x->client,
		.server = x->server,
		.first_ns = x->first_ns,
		.last_ns = x->last_ns,
		.messages = x->messages,
		.client_socket = client_of_host(c, x->protocol, &x->client.ip),
	};
	bool ok = sink->ops->put_exchange(sink, &row, err);

	for (uint32_t i = 0; ok && i < x->messages && i < EXCHANGE_MESSAGES_MAX; i++) {
		const struct exchange_message_row message = {
			.flow = x->flow,
			.n = i + 1,
			.ts_ns = x->message[i].ts_ns,
			.packet = x->message[i].packet,
			.dir = x->message[i].dir,
			.bytes = x->message[i].bytes,
			.what = x->message[i].what,
		};
		ok = sink->ops->put_exchange_message(sink, &message, err);
	}
	return ok;
}

static bool put_exchanges(const struct aggregate *a, const struct candidates *c, struct sink *sink,
			  struct error *err)
{
	bool ok = true;

	for (uint32_t i = 0; ok && i < exchange_table_count(a->exchanges); i++)
		if (exchange_table_at(a->exchanges, i)->role)
			ok = put_exchange(c, exchange_table_at(a->exchanges, i), sink, err);
	for (uint32_t i = 0; ok && i < version_check_count(a->exchanges); i++) {
		const struct version_check *v = version_check_at(a->exchanges, i);
		const struct version_row row = {
			.flow = v->flow,
			.packet = v->packet,
			.ts_ns = v->ts_ns,
			.client = v->client,
			.server = v->server,
			.protocol = protocols[v->protocol]->name,
			.action = v->event.of.version.action,
			.version = v->event.of.version.version,
			.host = v->event.of.version.host,
			.platform = v->event.of.version.platform,
			.client_socket = client_of_host(c, v->protocol, &v->client.ip),
		};
		ok = sink->ops->put_version(sink, &row, err);
	}
	return ok;
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
		{ "bounds", "sizes_missing",
		  "messages whose size is missing from the payload-size figure (R8)",
		  summary->sizes_missing },
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

	source_settle(facts->source);
	for (uint32_t i = 0; ok && (input = source_input(facts->source, i)); i++)
		ok = sink->ops->put_input(sink, i + 1, input, err);
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

static bool put_all(struct aggregate *a, const struct candidates *c, struct totals *totals, struct sink *sink,
		    const struct run_row *run, const struct run_facts *facts,
		    struct aggregate_summary *summary, struct error *err)
{
	return sink->ops->put_run(sink, run, err) && account_put(sink, facts, &a->judge, err) &&
	       put_clients(a, c, sink, err) && put_pairs(a, c, sink, err) &&
	       put_flows(a, c, totals, sink, summary, err) && put_evidence(a, c, sink, err) &&
	       put_exchanges(a, c, sink, err) && calls_put(a->calls, a->options.models, sink, err) &&
	       totals_put(totals, sink, err) && put_inputs(sink, facts, err);
}

bool aggregate_finish(struct aggregate *a, struct sink *sink, struct run_row *run,
		      const struct run_facts *facts, struct problems *problems,
		      struct aggregate_summary *summary, struct error *err)
{
	struct candidates c;
	struct totals totals = { .key = hash_key_random() };

	*summary = (struct aggregate_summary){ .flows = a->flows, .packets_in_flows = a->packets };
	if (aggregate_failed(a, err) || !account_check(facts, a->flows, a->packets, err))
		return false;
	account_judge(&a->judge, facts);
	summary->exchanges = exchange_table_count(a->exchanges);
	summary->version_checks = version_check_count(a->exchanges);
	bool ok = candidates_gather(&c, a->sockets, a->options.max_pairs, err) && gather(a, &c, err) &&
		  candidates_verdicts(&c, &summary->clients, err);
	if (ok) {
		summary->suspected = c.clients - summary->clients;
		note_bounds(a, &c, summary, problems);
		run->first_ns = a->judge.first_ns;
		run->last_ns = a->judge.greatest_ns;
		run->complete = problems->count == 0;
		run->problems = problems->text;
		if (a->options.strict && !run->complete)
			ok = error_set(err, EXIT_INCOMPLETE,
				       "incomplete, and --strict: nothing is written\n%s", problems->text);
		ok = ok && put_all(a, &c, &totals, sink, run, facts, summary, err);
		summary->sizes_missing = totals.sizes_missing;
		summary->calls = call_table_count(a->calls);
		ok = ok && put_bounds(summary, sink, err);
	}
	totals_drop(&totals);
	candidates_drop(&c);
	return ok;
}
