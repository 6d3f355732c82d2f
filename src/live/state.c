/* What a live run knows at this moment: how it learns it, and the events on the way. See state.h. */
#include "live/state_parts.h"
#include "base/real_time.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int64_t state_uptime_ns(const struct live_state *s)
{
	return steady_time() - s->started_monotonic_ns;
}

const char *endpoint_text(const struct endpoint *e, char out[ENDPOINT_TEXT])
{
	char ip[IP_TEXT];

	ip_format(&e->ip, ip);
	if (e->port == 0)
		snprintf(out, ENDPOINT_TEXT, "%s", ip);
	else if (ip_is_v4(&e->ip))
		snprintf(out, ENDPOINT_TEXT, "%s:%u", ip, e->port);
	else
		snprintf(out, ENDPOINT_TEXT, "[%s]:%u", ip, e->port);
	return out;
}

struct live_state *live_state_new(const struct live_state_options *options, struct error *err)
{
	struct live_state *s = calloc(1, sizeof *s);

	if (!s) {
		error_memory(err, "the live state");
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->options = *options;
	s->started_ns = real_time();
	s->started_monotonic_ns = steady_time();
	s->names = calloc(NAME_SETS, sizeof *s->names);
	s->open = calloc(LOGINS_OPEN_MAX, sizeof *s->open);
	s->database = strdup(options->database ? options->database : "");
	bool whole = clients_new(&s->clients) && s->names && s->open && s->database;
	if (!whole)
		error_memory(err, "the live state");
	else
		s->sockets = socket_table_new(&options->sockets, err);
	if (s->sockets)
		return s;
	live_state_free(s);
	return NULL;
}

void live_state_free(struct live_state *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < INTERFACE_WORKERS_MAX; i++)
		free(s->worker[i].call);
	socket_table_free(s->sockets);
	clients_drop(&s->clients);
	free(s->names);
	free(s->open);
	free(s->database);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* --- events --- */

bool state_happened(struct live_state *s, const struct live_event *event, const char *format, ...)
{
	va_list values;

	if (s->restoring)
		return true;
	if (s->waiting_count == EVENTS_WAIT)
		return false;
	struct live_waiting *w = &s->waiting[(s->waiting_first + s->waiting_count++) % EVENTS_WAIT];
	w->event = *event;
	va_start(values, format);
	if (vsnprintf(w->words, sizeof w->words, format, values) < 0)
		w->words[0] = '\0';
	va_end(values);
	s->events_total++;
	return true;
}

/* Unlocks, and tells what has happened, in the order in which it did. */
static void unlock_and_tell(struct live_state *s)
{
	while (s->waiting_count) {
		struct live_waiting w = s->waiting[s->waiting_first];
		s->waiting_first = (s->waiting_first + 1) % EVENTS_WAIT;
		s->waiting_count--;
		pthread_mutex_unlock(&s->lock);
		w.event.words = w.words;
		if (s->options.event)
			s->options.event(s->options.self, &w.event);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
}

void state_problem(struct live_state *s, const char *line)
{
	snprintf(s->problem[s->problems++ % PROBLEMS_SHOWN], PROBLEM_TEXT, "%s", line);
}

void live_state_say(struct live_state *s, const char *line)
{
	pthread_mutex_lock(&s->lock);
	state_problem(s, line);
	pthread_mutex_unlock(&s->lock);
}

/* --- facts --- */

static void observed(void *self, const struct observation *o)
{
	struct live_state *s = self;

	if (protocols[o->protocol]->kinds[o->kind].about == ABOUT_FLOW)
		return;
	pthread_mutex_lock(&s->lock);
	struct error err;
	if (socket_table_observe(s->sockets, o, &err)) {
		state_client_judge(s, o->protocol, o->l4, &o->from);
		state_client_judge(s, o->protocol, o->l4, &o->to);
	} else if (!s->failed) {
		s->failed = true; /* what is shown lacks something; the database does not */
		state_problem(s, err.text);
	}
	unlock_and_tell(s);
}

static void occurred(void *self, const struct occurrence *o)
{
	struct live_state *s = self;

	if (o->event.type != EVENT_EXCHANGE && o->event.type != EVENT_VERSION_CHECK)
		return;
	pthread_mutex_lock(&s->lock);
	if (o->event.type == EVENT_EXCHANGE)
		state_exchange(s, o);
	else
		state_version_check(s, o);
	unlock_and_tell(s);
}

/* Calls of this session are told while they last; those of former ones are known by their reports alone. */
static void metered(void *self, const struct media_report *r)
{
	struct live_state *s = self;

	pthread_mutex_lock(&s->lock);
	if (s->restoring && r->talk_first_ns)
		s->calls_total++;
	pthread_mutex_unlock(&s->lock);
}

static void flow(void *self, const struct flow_record *r, const struct logged_message *log)
{
	struct live_state *s = self;
	uint64_t bytes = r->side[TO_RESPONDER].ip_bytes + r->side[TO_INITIATOR].ip_bytes;

	(void)log;
	pthread_mutex_lock(&s->lock);
	*(s->restoring ? &s->former_bytes : &s->flow_bytes) += bytes;
	state_client_flow(s, r);
	state_login_flow(s, r);
	unlock_and_tell(s);
}

static void named(void *self, const struct dns_answer *answer, int64_t ts_ns)
{
	struct live_state *s = self;

	(void)ts_ns;
	pthread_mutex_lock(&s->lock);
	state_named(s, answer);
	pthread_mutex_unlock(&s->lock);
}

static void counts(void *self, const struct facts_place *place, const struct stage_counts *stage,
		   int64_t first_ns, int64_t last_ns)
{
	struct live_state *s = self;

	(void)first_ns;
	(void)last_ns;
	pthread_mutex_lock(&s->lock);
	state_counts(s, place, stage);
	pthread_mutex_unlock(&s->lock);
}

struct facts_listener live_state_listener(struct live_state *s)
{
	return (struct facts_listener){
		.intake = { observed, occurred, metered, flow, named, s },
		.counts = counts,
		.self = s,
	};
}

void live_state_drop_share(struct live_state *s, double share)
{
	pthread_mutex_lock(&s->lock);
	s->options.drop_share = share;
	pthread_mutex_unlock(&s->lock);
}

void live_state_restore(struct live_state *s, bool begin)
{
	pthread_mutex_lock(&s->lock);
	if (!begin) {
		/* Flows that a killed session had open never end. */
		state_logins_end(s);
		s->minute_logins = s->logins_total;
		s->minute_flows = state_flows(s);
		s->minute_packets = state_packets(s);
		s->minute_bytes = state_bytes(s);
	}
	s->restoring = begin;
	pthread_mutex_unlock(&s->lock);
}

/* --- numbers --- */

void live_state_second(struct live_state *s, int64_t capture_ns, const struct interface_stats *interface,
		       size_t interfaces, const struct live_store_status *storage)
{
	pthread_mutex_lock(&s->lock);
	state_second(s, capture_ns, interface, interfaces, storage);
	unlock_and_tell(s);
}

void live_state_end(struct live_state *s)
{
	pthread_mutex_lock(&s->lock);
	state_end(s);
	unlock_and_tell(s);
}
