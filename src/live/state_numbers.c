/* Sums of the live state: workers, interfaces, rates, minutes, calls in progress. */
#include "base/clock.h"
#include "live/state_parts.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MINUTE_NS (60 * NS_PER_S)
/* A step of the capture clock beyond that is no second of ours: somebody set it. */
#define STEP_MAX_NS MINUTE_NS

/* --- workers --- */

static void fold_former(struct live_state *s, const struct former_stream *f)
{
	s->former_packets += f->packets;
	s->former_flows += f->flows;
}

static void former_counts(struct live_state *s, const struct facts_place *place,
			  const struct stage_counts *counts)
{
	uint32_t i = s->formers;

	while (i > 0 &&
	       !(s->former[i - 1].session == place->session && s->former[i - 1].worker == place->worker))
		i--;
	if (i == 0) {
		if (s->formers == STREAMS_MAX) {
			fold_former(s, &s->former[0]);
			memmove(s->former, s->former + 1, (STREAMS_MAX - 1) * sizeof s->former[0]);
			s->formers--;
		}
		i = ++s->formers;
	}
	s->former[i - 1] =
		(struct former_stream){ place->session, place->worker, counts->frames, counts->flows.flows };
}

void state_counts(struct live_state *s, const struct facts_place *place, const struct stage_counts *counts)
{
	if (s->restoring) {
		former_counts(s, place, counts);
		return;
	}
	if (place->worker >= INTERFACE_WORKERS_MAX)
		return;
	struct live_worker *w = &s->worker[place->worker];
	w->known = true;
	w->packets = counts->frames;
	w->flows = counts->flows.flows;
	w->flows_alive = counts->flows_alive;
}

/* If nobody could be told just now, then at the next look. */
static void call_tell(struct live_state *s, const struct worker_call *call, int64_t now_ns)
{
	uint64_t hash = endpoint_hash(&s->clients.key, 1, &call->initiator) ^
			endpoint_hash(&s->clients.key, 2, &call->responder) ^ (uint64_t)call->first_ns;
	char from[ENDPOINT_TEXT], to[ENDPOINT_TEXT];

	for (unsigned i = 0; i < CALLS_TOLD_MAX; i++)
		if (s->call_told[i] == hash)
			return;
	const struct live_client *c = client_shown_at(&s->clients, &call->initiator, IPPROTO_UDP, NULL);
	const struct live_client *r = client_shown_at(&s->clients, &call->responder, IPPROTO_UDP, NULL);
	const char *protocol = c ? protocols[c->protocol]->name : r ? protocols[r->protocol]->name : NULL;
	bool outside = !c && (r || (!socket_table_internal(s->sockets, &call->initiator.ip) &&
				    socket_table_internal(s->sockets, &call->responder.ip)));
	const struct live_event event = { .type = LIVE_CALL,
					  .ts_ns = now_ns,
					  .protocol = protocol,
					  .client = outside ? call->responder : call->initiator,
					  .other = outside ? call->initiator : call->responder };
	/* Half of the room is for what the recorder itself finds. */
	if (s->waiting_count >= EVENTS_WAIT / 2 ||
	    !state_happened(s, &event, "a call between %s and %s", endpoint_text(&call->initiator, from),
			    endpoint_text(&call->responder, to)))
		return;
	s->calls_total++;
	s->call_told[s->call_told_next++ % CALLS_TOLD_MAX] = hash;
}

void live_state_workers(struct live_state *s, unsigned worker, int64_t now_ns, uint64_t queue,
			const struct worker_call *calls, size_t count)
{
	if (worker >= INTERFACE_WORKERS_MAX)
		return;
	pthread_mutex_lock(&s->lock);
	struct live_worker *w = &s->worker[worker];
	w->known = true;
	w->queue = queue;
	if (count && !w->call)
		w->call = calloc(WORKER_CALLS_MAX, sizeof *w->call);
	w->calls = w->call ? (uint32_t)(count < WORKER_CALLS_MAX ? count : WORKER_CALLS_MAX) : 0;
	for (uint32_t i = 0; i < w->calls; i++) {
		w->call[i] = calls[i];
		if (now_ns - calls[i].began_ns >= CALL_TOLD_NS)
			call_tell(s, &calls[i], now_ns);
	}
	pthread_mutex_unlock(&s->lock);
}

/* --- sums --- */

uint32_t state_calls_active(const struct live_state *s)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < INTERFACE_WORKERS_MAX; i++)
		sum += s->worker[i].calls;
	return sum;
}

uint64_t state_flows_alive(const struct live_state *s)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < INTERFACE_WORKERS_MAX; i++)
		sum += s->worker[i].flows_alive;
	return sum;
}

uint64_t state_flows(const struct live_state *s)
{
	uint64_t sum = s->former_flows;

	for (uint32_t i = 0; i < s->formers; i++)
		sum += s->former[i].flows;
	for (unsigned i = 0; i < INTERFACE_WORKERS_MAX; i++)
		sum += s->worker[i].flows;
	return sum;
}

/* Without interfaces, as when a trace is played, workers know the packets, and flows the bytes. */
uint64_t state_packets(const struct live_state *s)
{
	uint64_t sum = s->former_packets;

	for (uint32_t i = 0; i < s->formers; i++)
		sum += s->former[i].packets;
	for (uint32_t i = 0; i < s->links; i++)
		sum += s->link[i].stats.packets;
	for (unsigned i = 0; !s->links && i < INTERFACE_WORKERS_MAX; i++)
		sum += s->worker[i].packets;
	return sum;
}

uint64_t state_bytes(const struct live_state *s)
{
	uint64_t sum = s->former_bytes + (s->links ? 0 : s->flow_bytes);

	for (uint32_t i = 0; i < s->links; i++)
		sum += s->link[i].stats.bytes;
	return sum;
}

void state_drops(const struct live_state *s, uint64_t *kernel, uint64_t *interface)
{
	*kernel = *interface = 0;
	for (uint32_t i = 0; i < s->links; i++) {
		*kernel += s->link[i].stats.dropped_kernel;
		*interface += s->link[i].stats.dropped_interface;
	}
}

/* --- rates --- */

static void sample_take(struct live_state *s)
{
	const struct live_sample *last = s->samples ? &s->sample[(s->samples - 1) % SAMPLES] : NULL;
	uint64_t kernel, interface;

	if (last && (s->now_ns <= last->ns || s->now_ns - last->ns > STEP_MAX_NS))
		s->samples = 0;
	state_drops(s, &kernel, &interface);
	s->sample[s->samples++ % SAMPLES] = (struct live_sample){
		.ns = s->now_ns,
		.packets = state_packets(s),
		.bytes = state_bytes(s),
		.flows = state_flows(s),
		.drops = kernel + interface,
	};
}

struct live_rates state_rates(const struct live_state *s)
{
	if (s->samples < 2)
		return (struct live_rates){ 0 };
	const struct live_sample *last = &s->sample[(s->samples - 1) % SAMPLES];
	const struct live_sample *first = &s->sample[s->samples > SAMPLES ? s->samples % SAMPLES : 0];
	double seconds = (double)(last->ns - first->ns) / (double)NS_PER_S;

	return (struct live_rates){
		.packets = (double)(last->packets - first->packets) / seconds,
		.bits = 8 * (double)(last->bytes - first->bytes) / seconds,
		.flows = (double)(last->flows - first->flows) / seconds,
		.drops = (double)(last->drops - first->drops) / seconds,
	};
}

/* --- minutes --- */

static void drops_tell(struct live_state *s, const struct live_minute *m)
{
	uint64_t lost = m->kernel + m->interface, all = m->packets + lost;
	char start[UTC_TEXT], line[PROBLEM_TEXT];

	if (s->options.drop_share <= 0 || lost == 0 || (double)lost <= s->options.drop_share * (double)all)
		return;
	double share = (double)lost / (double)all;
	utc_format(m->start_ns, start);
	snprintf(line, sizeof line,
		 "%.5s: %" PRIu64 " of %" PRIu64 " packets (%.2f%%) were lost: kernel %" PRIu64
		 ", interface %" PRIu64,
		 start + 11, lost, all, 100 * share, m->kernel, m->interface);
	const struct live_event event = { .type = LIVE_DROPS, .ts_ns = s->now_ns, .value = share };
	state_happened(s, &event, "%s", line);
	state_problem(s, line);
}

static struct live_minute *minute_running(struct live_state *s)
{
	return s->minutes ? &s->minute[(s->minutes - 1) % MINUTES_SHOWN] : NULL;
}

/* A row for the store, which takes them every second; one that does not loses the newest. */
static void minute_pass(struct live_state *s, struct live_link *l)
{
	l->minute.start_ns = minute_running(s)->start_ns;
	l->minute.interface = l->name;
	if (s->overs < MINUTES_WAIT)
		s->over[s->overs++] = l->minute;
	l->minute = (struct capture_minute){ 0 };
}

/* A minute in which nothing came is told of, too. */
static void minute_close(struct live_state *s)
{
	for (uint32_t i = 0; i < s->links; i++)
		minute_pass(s, &s->link[i]);
	drops_tell(s, minute_running(s));
}

static bool minute_has_news(const struct capture_minute *m)
{
	return m->packets || m->bytes || m->dropped_kernel || m->dropped_interface || m->dropped_store;
}

static struct live_minute *minute_at(struct live_state *s)
{
	int64_t start = time_periods(s->now_ns, MINUTE_NS) * MINUTE_NS;
	struct live_minute *m = minute_running(s);

	if (m && m->start_ns == start)
		return m;
	if (m)
		minute_close(s);
	s->minutes++;
	m = minute_running(s);
	*m = (struct live_minute){ .start_ns = start };
	return m;
}

/* An interface that was opened again counts from nothing. */
static uint64_t grown(uint64_t now, uint64_t before)
{
	return now < before ? now : now - before;
}

static void link_add(struct live_state *s, struct live_minute *m, struct live_link *l,
		     const struct interface_stats *now, bool is_new)
{
	const struct interface_stats *before = &l->stats;
	uint64_t packets = grown(now->packets, before->packets), bytes = grown(now->bytes, before->bytes);
	uint64_t kernel = grown(now->dropped_kernel, before->dropped_kernel);
	uint64_t interface = grown(now->dropped_interface, before->dropped_interface);
	const struct live_event event = { .type = LIVE_INTERFACE, .ts_ns = s->now_ns };

	m->packets += packets;
	m->bytes += bytes;
	m->kernel += kernel;
	m->interface += interface;
	l->minute.packets += packets;
	l->minute.bytes += bytes;
	l->minute.dropped_kernel += kernel;
	l->minute.dropped_interface += interface;
	if (is_new ? now->gone : now->gone && !before->gone)
		state_happened(s, &event, "%s has vanished", l->name);
	else if (!now->gone && (is_new ? !now->up : now->up != before->up))
		state_happened(s, &event, now->up ? "%s is up again" : "%s is down", l->name);
	l->stats = *now;
	l->stats.name = l->name;
}

static void storage_note(struct live_state *s, const struct live_store_status *storage)
{
	enum live_store_state before = s->has_storage ? s->storage.state : LIVE_STORE_OK;

	s->storage = *storage;
	s->has_storage = true;
	if (storage->state == before)
		return;
	const struct live_event event = { .type = LIVE_STORAGE,
					  .ts_ns = s->now_ns,
					  .outcome = live_store_state_names[storage->state] };
	if (storage->state == LIVE_STORE_OK)
		state_happened(s, &event, "the database is written again");
	else
		state_happened(s, &event, "the database is not written: %s", storage->why);
}

void state_second(struct live_state *s, int64_t capture_ns, const struct interface_stats *interface,
		  size_t interfaces, const struct live_store_status *storage)
{
	uint64_t flows = state_flows(s), lost = storage ? storage->records_lost : 0;

	s->now_ns = capture_ns;
	struct live_minute *m = minute_at(s);
	for (size_t i = 0; i < interfaces && i < INTERFACES_MAX; i++) {
		struct live_link *l = &s->link[i];
		bool is_new = i >= s->links;
		if (is_new) {
			snprintf(l->name, sizeof l->name, "%s", interface[i].name);
			s->links = (uint32_t)i + 1;
		}
		link_add(s, m, l, &interface[i], is_new);
	}
	if (!s->links) { /* a trace is played */
		m->packets += grown(state_packets(s), s->minute_packets);
		m->bytes += grown(state_bytes(s), s->minute_bytes);
		s->minute_packets = state_packets(s);
		s->minute_bytes = state_bytes(s);
	}
	m->flows += grown(flows, s->minute_flows);
	m->logins += s->logins_total - s->minute_logins;
	m->store += grown(lost, s->minute_store);
	/* Which interface a flow came from nobody knows: the first one bears it. */
	s->link[0].minute.dropped_store += grown(lost, s->minute_store);
	s->minute_flows = flows;
	s->minute_logins = s->logins_total;
	s->minute_store = lost;
	if (storage)
		storage_note(s, storage);
	sample_take(s);
}

size_t live_state_minutes(struct live_state *s, struct capture_minute *out, size_t max)
{
	pthread_mutex_lock(&s->lock);
	/* The running one in parts: a run that is killed loses no more of it than of anything else. */
	for (uint32_t i = 0; i < s->links; i++)
		if (minute_has_news(&s->link[i].minute))
			minute_pass(s, &s->link[i]);
	size_t count = s->overs < max ? s->overs : max;
	memcpy(out, s->over, count * sizeof out[0]);
	s->overs -= (uint32_t)count;
	memmove(s->over, s->over + count, s->overs * sizeof s->over[0]);
	pthread_mutex_unlock(&s->lock);
	return count;
}

void state_end(struct live_state *s)
{
	if (s->minutes)
		minute_close(s);
}
