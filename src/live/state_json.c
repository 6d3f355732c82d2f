/* The live state as JSON; see state.h for what is in it. */
#include "base/clock.h"
#include "base/version.h"
#include "live/state_parts.h"
#include <stdlib.h>

static void put_endpoint(struct text *t, const char *key, const struct endpoint *e)
{
	char text[ENDPOINT_TEXT];

	json_text(t, key, endpoint_text(e, text));
}

static void put_real(struct text *t, const char *key, double value, double unit)
{
	/* Whole units: digits that mean nothing are only long. */
	double scaled = value / unit;

	json_real(t, key, (scaled < 9e15 ? (double)(int64_t)(scaled + 0.5) : scaled) * unit);
}

static void put_head(struct text *t, const struct live_state *s)
{
	json_text(t, "version", PACKAGE_VERSION);
	json_time(t, "now", s->now_ns ? s->now_ns : s->started_ns);
	json_time(t, "started", s->started_ns);
	json_count(t, "uptime_s", (uint64_t)(state_uptime_ns(s) / NS_PER_S));
	json_text(t, "database", s->database);
	json_count(t, "run", (uint64_t)s->storage.run);
	json_count(t, "session", s->storage.session);
}

static void put_interfaces(struct text *t, const struct live_state *s)
{
	json_begin(t, "interfaces", '[');
	for (uint32_t i = 0; i < s->links; i++) {
		const struct interface_stats *x = &s->link[i].stats;
		json_begin(t, NULL, '{');
		json_text(t, "name", x->name);
		json_flag(t, "up", x->up);
		json_flag(t, "gone", x->gone);
		json_count(t, "packets", x->packets);
		json_count(t, "bytes", x->bytes);
		json_count(t, "dropped_kernel", x->dropped_kernel);
		json_count(t, "dropped_interface", x->dropped_interface);
		json_end(t, '}');
	}
	json_end(t, ']');
	json_begin(t, "workers", '[');
	for (unsigned i = 0; i < INTERFACE_WORKERS_MAX && s->worker[i].known; i++) {
		const struct live_worker *w = &s->worker[i];
		json_begin(t, NULL, '{');
		json_count(t, "packets", w->packets);
		json_count(t, "flows", w->flows);
		json_count(t, "flows_alive", w->flows_alive);
		json_count(t, "queue", w->queue);
		json_count(t, "calls", w->calls);
		json_end(t, '}');
	}
	json_end(t, ']');
}

static void put_sums(struct text *t, const struct live_state *s)
{
	const struct live_rates rates = state_rates(s);
	uint64_t kernel, interface, packets = 0;

	json_begin(t, "rates", '{');
	put_real(t, "packets", rates.packets, 0.125);
	put_real(t, "bits", rates.bits, 1);
	put_real(t, "flows", rates.flows, 0.125);
	put_real(t, "drops", rates.drops, 0.125);
	json_end(t, '}');
	json_begin(t, "totals", '{');
	json_count(t, "packets", state_packets(s));
	json_count(t, "bytes", state_bytes(s));
	json_count(t, "flows", state_flows(s));
	json_count(t, "clients", s->clients.recognised);
	json_count(t, "suspected", s->clients.age[0].count);
	json_count(t, "logins", s->logins_total);
	json_count(t, "calls", s->calls_total);
	json_count(t, "supernodes", s->supernodes_total);
	json_count(t, "alerts", s->events_total);
	json_end(t, '}');
	state_drops(s, &kernel, &interface);
	for (uint32_t i = 0; i < s->links; i++)
		packets += s->link[i].stats.packets;
	uint64_t all = packets + kernel + interface;
	json_begin(t, "drops", '{');
	json_count(t, "kernel", kernel);
	json_count(t, "interface", interface);
	json_count(t, "store", s->storage.records_lost);
	json_real(t, "share", all ? (double)(kernel + interface) / (double)all : 0);
	json_end(t, '}');
}

static void put_minutes(struct text *t, const struct live_state *s)
{
	json_begin(t, "minutes", '[');
	for (uint32_t i = s->minutes > MINUTES_SHOWN ? s->minutes - MINUTES_SHOWN : 0; i < s->minutes; i++) {
		const struct live_minute *m = &s->minute[i % MINUTES_SHOWN];
		json_begin(t, NULL, '{');
		json_time(t, "start", m->start_ns);
		json_count(t, "packets", m->packets);
		json_count(t, "bytes", m->bytes);
		json_count(t, "flows", m->flows);
		json_count(t, "logins", m->logins);
		json_count(t, "kernel", m->kernel);
		json_count(t, "interface", m->interface);
		json_count(t, "store", m->store);
		json_end(t, '}');
	}
	json_end(t, ']');
}

static void put_client(struct text *t, const struct live_state *s, const struct live_client *c)
{
	const struct protocol *p = protocols[c->protocol];
	char public_ip[IP_TEXT];

	if (c->has_public)
		ip_format(&c->public_ip, public_ip);
	json_begin(t, NULL, '{');
	put_endpoint(t, "socket", &c->socket);
	json_text(t, "protocol", p->name);
	json_text(t, "verdict", c->recognised ? p->name : p->suspected_name);
	put_real(t, "bits", (double)c->bits, 0.25);
	json_time(t, "first", c->first_ns);
	json_time(t, "last", c->last_ns);
	json_count(t, "logins", c->logins);
	json_flag(t, "supernode", c->supernode);
	json_text(t, "public", c->has_public ? public_ip : NULL);
	json_text(t, "name", state_name_of(s, &c->socket.ip));
	json_end(t, '}');
}

static int by_last_seen(const void *a, const void *b)
{
	const struct live_client *x = *(const struct live_client *const *)a,
				 *y = *(const struct live_client *const *)b;

	return x->last_ns == y->last_ns ? 0 : x->last_ns > y->last_ns ? -1 : 1;
}

static void put_clients(struct text *t, const struct live_state *s)
{
	const struct live_client *shown[CLIENTS_SHOWN];
	size_t count = 0;

	for (int recognised = 1; recognised >= 0; recognised--)
		for (uint32_t at = s->clients.age[recognised].newest; at && count < CLIENTS_SHOWN;) {
			shown[count] = &s->clients.client[at - 1];
			at = shown[count++]->older;
		}
	qsort(shown, count, sizeof(const struct live_client *), by_last_seen);
	json_begin(t, "clients", '[');
	for (size_t i = 0; i < count; i++)
		put_client(t, s, shown[i]);
	json_end(t, ']');
}

static void put_logins(struct text *t, const struct live_state *s)
{
	const struct shown_login *l;

	json_begin(t, "logins", '[');
	for (uint32_t i = 0; (l = state_login(s, i)); i++) {
		json_begin(t, NULL, '{');
		json_time(t, "time", l->ts_ns);
		put_endpoint(t, "client", &l->client);
		put_endpoint(t, "server", &l->server);
		json_text(t, "server_name", l->server_name[0] ? l->server_name : NULL);
		json_text(t, "protocol", protocols[l->protocol]->name);
		json_text(t, "role", l->role);
		json_text(t, "outcome", l->has_outcome ? exchange_outcome_name(l->outcome) : NULL);
		json_text(t, "version", l->version[0] ? l->version : NULL);
		json_end(t, '}');
	}
	json_end(t, ']');
}

static void put_calls(struct text *t, const struct live_state *s)
{
	unsigned shown = 0;

	json_begin(t, "calls", '[');
	for (unsigned i = 0; i < INTERFACE_WORKERS_MAX; i++)
		for (uint32_t k = 0; k < s->worker[i].calls && shown < CALLS_SHOWN; k++, shown++) {
			const struct worker_call *c = &s->worker[i].call[k];
			json_begin(t, NULL, '{');
			json_time(t, "began", c->began_ns);
			put_endpoint(t, "initiator", &c->initiator);
			put_endpoint(t, "responder", &c->responder);
			json_count(t, "packets", c->packets);
			json_end(t, '}');
		}
	json_end(t, ']');
}

static void put_storage(struct text *t, const struct live_state *s)
{
	const struct live_store_status *x = &s->storage;

	json_begin(t, "storage", '{');
	json_text(t, "state", live_store_state_names[x->state]);
	json_text(t, "why", x->state == LIVE_STORE_OK ? NULL : x->why);
	json_time(t, "committed", x->committed_ns);
	json_time(t, "tables", x->tables_ns);
	json_real(t, "tables_took_s", (double)(x->tables_took_ns / NS_PER_MS) / 1000);
	json_count(t, "file_bytes", x->file_bytes);
	json_count(t, "wal_bytes", x->wal_bytes);
	json_count(t, "backlog_bytes", x->backlog_bytes);
	json_count(t, "records_lost", x->records_lost);
	json_count(t, "rotations", x->rotations);
	json_time(t, "next_rotation", x->next_rotation_ns);
	json_end(t, '}');
	json_begin(t, "problems", '[');
	for (uint64_t i = s->problems > PROBLEMS_SHOWN ? s->problems - PROBLEMS_SHOWN : 0; i < s->problems;
	     i++)
		json_text(t, NULL, s->problem[i % PROBLEMS_SHOWN]);
	json_end(t, ']');
}

char *live_state_json(struct live_state *s)
{
	struct text t = { 0 };

	pthread_mutex_lock(&s->lock);
	json_begin(&t, NULL, '{');
	put_head(&t, s);
	put_interfaces(&t, s);
	put_sums(&t, s);
	put_minutes(&t, s);
	put_clients(&t, s);
	put_logins(&t, s);
	put_calls(&t, s);
	put_storage(&t, s);
	json_end(&t, '}');
	pthread_mutex_unlock(&s->lock);
	return text_take(&t);
}
