/*
 * The live state as Prometheus text (exposition format 0.0.4). No series per client or address: their number
 * is that of the interfaces, workers and protocols.
 */
#include "base/clock.h"
#include "base/utf8.h"
#include "base/version.h"
#include "live/state_parts.h"
#include <inttypes.h>

static void head(struct text *t, const char *name, const char *type, const char *help)
{
	text_say(t, "# HELP footsteps_%s %s\n# TYPE footsteps_%s %s\n", name, help, name, type);
}

/* A label's value: UTF-8, in which backslash, quote and newline are escaped, as the format says. */
static void put_label(struct text *t, const char *value)
{
	while (*value) {
		const char *from = value;
		uint32_t code = utf8_next(&value);

		if (code == '\n')
			text_put(t, "\\n", 2);
		else if (code == '"' || code == '\\')
			text_say(t, "\\%c", (int)code);
		else if (code == UTF8_NONE || utf8_is_control(code) || utf8_is_layout(code))
			text_say(t, UTF8_REPLACEMENT); /* people print metrics, too */
		else
			text_put(t, from, (size_t)(value - from));
	}
}

/* footsteps_NAME{KEY="LABEL",MORE} VALUE; more: harmless, or NULL. */
static void sample(struct text *t, const char *name, const char *key, const char *label, const char *more,
		   uint64_t value)
{
	text_say(t, "footsteps_%s", name);
	if (key) {
		text_say(t, "{%s=\"", key);
		put_label(t, label);
		text_say(t, "\"%s%s}", more ? "," : "", more ? more : "");
	}
	text_say(t, " %" PRIu64 "\n", value);
}

static void single(struct text *t, const char *name, const char *type, const char *help, uint64_t value)
{
	head(t, name, type, help);
	sample(t, name, NULL, NULL, NULL, value);
}

static void seconds(struct text *t, const char *name, const char *help, int64_t ns)
{
	head(t, name, "gauge", help);
	text_say(t, "footsteps_%s %.3f\n", name, (double)(ns / NS_PER_MS) / 1000);
}

static void put_interfaces(struct text *t, const struct live_state *s)
{
	head(t, "interface_up", "gauge", "Whether the interface is there and up.");
	for (uint32_t i = 0; i < s->links; i++)
		sample(t, "interface_up", "interface", s->link[i].name, NULL,
		       s->link[i].stats.up && !s->link[i].stats.gone);
	head(t, "packets_total", "counter", "Packets received from the interface.");
	for (uint32_t i = 0; i < s->links; i++)
		sample(t, "packets_total", "interface", s->link[i].name, NULL, s->link[i].stats.packets);
	head(t, "bytes_total", "counter", "Bytes of these packets on the wire.");
	for (uint32_t i = 0; i < s->links; i++)
		sample(t, "bytes_total", "interface", s->link[i].name, NULL, s->link[i].stats.bytes);
	head(t, "dropped_packets_total", "counter",
	     "Packets lost before they were analysed: no room in the kernel's ring, or in the interface.");
	for (uint32_t i = 0; i < s->links; i++) {
		sample(t, "dropped_packets_total", "interface", s->link[i].name, "cause=\"kernel\"",
		       s->link[i].stats.dropped_kernel);
		sample(t, "dropped_packets_total", "interface", s->link[i].name, "cause=\"interface\"",
		       s->link[i].stats.dropped_interface);
	}
}

static void put_workers(struct text *t, const struct live_state *s)
{
	char number[8];

	head(t, "worker_packets_total", "counter", "Packets analysed by the worker.");
	for (unsigned i = 0; i < INTERFACE_WORKERS_MAX && s->worker[i].known; i++) {
		snprintf(number, sizeof number, "%u", i);
		sample(t, "worker_packets_total", "worker", number, NULL, s->worker[i].packets);
	}
	head(t, "worker_queue_chunks", "gauge", "Chunks of facts of the worker that wait for the recorder.");
	for (unsigned i = 0; i < INTERFACE_WORKERS_MAX && s->worker[i].known; i++) {
		snprintf(number, sizeof number, "%u", i);
		sample(t, "worker_queue_chunks", "worker", number, NULL, s->worker[i].queue);
	}
	single(t, "flows_total", "counter", "Flows begun.", state_flows(s));
	single(t, "flows_alive", "gauge", "Flows that have not ended.", state_flows_alive(s));
}

static void put_found(struct text *t, const struct live_state *s)
{
	char label[32];

	head(t, "clients", "gauge", "Client sockets that are kept in memory, by verdict.");
	for (unsigned p = 0; p < protocol_count; p++)
		for (int recognised = 0; recognised < 2; recognised++)
			sample(t, "clients", "protocol", protocols[p]->name,
			       recognised ? "verdict=\"recognised\"" : "verdict=\"suspected\"",
			       s->clients.now[p][recognised]);
	single(t, "clients_recognised_total", "counter", "Client sockets recognised.", s->clients.recognised);
	head(t, "logins_total", "counter", "Logins by how they went.");
	for (unsigned p = 0; p < protocol_count; p++)
		for (unsigned outcome = 0; outcome <= OUTCOME_FAILURE; outcome++) {
			snprintf(label, sizeof label, "outcome=\"%s\"",
				 exchange_outcome_name((enum exchange_outcome)outcome));
			sample(t, "logins_total", "protocol", protocols[p]->name, label,
			       s->logins[p][outcome]);
		}
	single(t, "calls_active", "gauge", "Flows that carry media just now.", state_calls_active(s));
	single(t, "calls_total", "counter", "Calls seen.", s->calls_total);
	single(t, "supernodes_total", "counter", "Clients inside that were seen to relay for others.",
	       s->supernodes_total);
	single(t, "alerts_total", "counter", "Events that alerts are made of.", s->events_total);
}

static void put_storage(struct text *t, const struct live_state *s)
{
	const struct live_store_status *x = &s->storage;

	head(t, "store_state", "gauge", "1 for the state that the database is in, 0 for the others.");
	for (int state = LIVE_STORE_OK; state <= LIVE_STORE_FAILING; state++)
		sample(t, "store_state", "state", live_store_state_names[state], NULL,
		       x->state == (enum live_store_state)state);
	single(t, "store_file_bytes", "gauge", "Size of the database.", x->file_bytes);
	single(t, "store_wal_bytes", "gauge", "Size of its write-ahead log.", x->wal_bytes);
	single(t, "backlog_bytes", "gauge", "Facts in memory that wait to be written.", x->backlog_bytes);
	single(t, "lost_records_total", "counter", "Records that the database had no room for.",
	       x->records_lost);
	single(t, "rotations_total", "counter", "Times that a new database was begun.", x->rotations);
	seconds(t, "last_commit_time_seconds", "When facts were written last, since 1970; 0: never.",
		x->committed_ns);
	seconds(t, "tables_time_seconds", "When the tables were made last, since 1970; 0: never.",
		x->tables_ns);
	seconds(t, "tables_duration_seconds", "How long that took.", x->tables_took_ns);
}

char *live_state_metrics(struct live_state *s)
{
	struct text t = { 0 };

	pthread_mutex_lock(&s->lock);
	head(&t, "build_info", "gauge", "The version that runs.");
	sample(&t, "build_info", "version", PACKAGE_VERSION, NULL, 1);
	seconds(&t, "start_time_seconds", "When this run of the program began, since 1970.", s->started_ns);
	seconds(&t, "capture_time_seconds", "The clock of the packets, since 1970.", s->now_ns);
	put_interfaces(&t, s);
	put_workers(&t, s);
	put_found(&t, s);
	put_storage(&t, s);
	pthread_mutex_unlock(&s->lock);
	return text_take(&t);
}
