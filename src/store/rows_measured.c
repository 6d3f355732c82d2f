/* The rows of the measurements. Units and meanings are in schema.sql. */
#include "store/cells.h"

/* 0: none. */
static void add_number_or_null(struct row *r, const char *column, uint64_t number)
{
	add_count_or_null(r, column, number > 0, number);
}

/* Negative: never. */
static void add_since_or_null(struct row *r, const char *column, int64_t ns)
{
	add_time_or_null(r, column, ns >= 0, ns);
}

bool row_put_distribution(struct sink *s, const struct distribution_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_distribution);

	add_text(r, "protocol", row->protocol);
	add_text(r, "measure", row->measure);
	add_text(r, "class", row->class);
	add_integer(r, "value", row->value);
	add_count(r, "count", row->count);
	return end(s, r, err);
}

bool row_put_series(struct sink *s, const struct series_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_series);

	add_text(r, "protocol", row->protocol);
	add_text(r, "period", row->period);
	add_integer(r, "start_ns", row->start_ns);
	add_count(r, "flows", row->flows);
	add_count(r, "packets", row->packets);
	add_count(r, "payload", row->payload);
	add_integer(r, "active_clients", row->active_clients);
	add_integer(r, "new_clients", row->new_clients);
	add_integer(r, "logins", row->logins);
	add_integer(r, "calls", row->calls);
	return end(s, r, err);
}

bool row_put_round_trip(struct sink *s, const struct round_trip_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_round_trip);

	add_count(r, "packet", row->packet);
	add_count(r, "flow", row->flow);
	add_text(r, "protocol", row->protocol);
	add_integer(r, "client", row->client);
	add_integer(r, "asked_ns", row->asked_ns);
	add_integer(r, "round_trip_ns", row->round_trip_ns);
	add_integer(r, "question", row->question);
	add_integer(r, "reply", row->reply);
	return end(s, r, err);
}

bool row_put_class_share(struct sink *s, const struct class_share_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_class_share);

	add_text(r, "protocol", row->protocol);
	add_integer(r, "timeout_ns", row->timeout_ns);
	add_text(r, "class", row->class);
	add_count(r, "pairs", row->pairs);
	add_count(r, "flows", row->flows);
	add_count(r, "packets", row->packets);
	return end(s, r, err);
}

bool row_put_state_entry(struct sink *s, const struct state_entry_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_state_entry);

	add_text(r, "protocol", row->protocol);
	add_integer(r, "timeout_ns", row->timeout_ns);
	add_integer(r, "start_ns", row->start_ns);
	add_integer(r, "width_ns", row->width_ns);
	add_count(r, "entries", row->entries);
	add_count(r, "probes", row->probes);
	add_count(r, "tcp", row->tcp);
	return end(s, r, err);
}

bool row_put_state_peak(struct sink *s, const struct state_peak_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_state_peak);

	add_text(r, "protocol", row->protocol);
	add_integer(r, "client", row->client);
	add_integer(r, "timeout_ns", row->timeout_ns);
	add_count(r, "peak", row->peak);
	add_integer(r, "peak_ns", row->peak_ns);
	add_count(r, "peak_probes", row->peak_probes);
	add_count(r, "peak_tcp", row->peak_tcp);
	add_real_or_null(r, "mean", true, row->mean);
	add_real_or_null(r, "mean_probes", true, row->mean_probes);
	add_count(r, "opened", row->opened);
	add_count(r, "opened_probes", row->opened_probes);
	return end(s, r, err);
}

bool row_put_startup(struct sink *s, const struct startup_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_startup);

	add_integer(r, "startup", row->id);
	add_text(r, "protocol", row->protocol);
	add_integer(r, "client", row->client);
	add_integer(r, "began_ns", row->began_ns);
	add_text(r, "outcome", row->outcome);
	add_number_or_null(r, "version_flow", row->version_flow);
	add_number_or_null(r, "supernode_flow", row->supernode_flow);
	add_number_or_null(r, "login_flow", row->login_flow);
	add_number_or_null(r, "list_flow", row->list_flow);
	add_integer(r, "udp_asked", row->udp_asked);
	add_integer(r, "udp_answered", row->udp_answered);
	add_since_or_null(r, "udp_answer_ns", row->udp_answer_ns);
	add_integer(r, "tcp_tried", row->tcp_tried);
	add_since_or_null(r, "tcp_first_ns", row->tcp_first_ns);
	add_since_or_null(r, "supernode_ns", row->supernode_ns);
	add_since_or_null(r, "login_ns", row->login_ns);
	add_count(r, "bytes_out", row->bytes_out);
	add_count(r, "bytes_in", row->bytes_in);
	add_integer(r, "nodes_after", row->nodes_after);
	add_integer(r, "icmp_echoes", row->icmp_echoes);
	return end(s, r, err);
}

bool row_put_setup(struct sink *s, const struct setup_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_setup);

	add_integer(r, "client", row->client);
	add_text(r, "setup", row->setup);
	add_text(r, "reasons", row->reasons);
	add_integer(r, "asked", row->asked);
	add_integer(r, "answered", row->answered);
	add_integer(r, "callers", row->callers);
	return end(s, r, err);
}

bool row_put_search(struct sink *s, const struct search_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_search);

	add_integer(r, "search", row->id);
	add_text(r, "protocol", row->protocol);
	add_integer(r, "client", row->client);
	add_integer(r, "first_ns", row->first_ns);
	add_integer(r, "last_ns", row->last_ns);
	add_number_or_null(r, "supernode_flow", row->supernode_flow);
	add_integer(r, "nodes", row->nodes);
	add_integer(r, "answered", row->answered);
	add_integer(r, "waves", row->waves);
	add_count(r, "bytes_out", row->bytes_out);
	add_count(r, "bytes_in", row->bytes_in);
	return end(s, r, err);
}

bool row_put_scene(struct sink *s, const struct scene_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_scene);

	add_text(r, "kind", row->kind);
	add_integer(r, "number", row->number);
	add_number_or_null(r, "client", row->client);
	add_integer(r, "first_ns", row->first_ns);
	add_integer(r, "last_ns", row->last_ns);
	return end(s, r, err);
}

bool row_put_scene_flow(struct sink *s, const struct scene_flow_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_scene_flow);

	add_text(r, "kind", row->kind);
	add_integer(r, "number", row->number);
	add_count(r, "flow", row->flow);
	return end(s, r, err);
}

bool row_put_activity(struct sink *s, const struct activity_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_activity);

	add_integer(r, "place", row->place);
	add_integer(r, "client", row->client);
	add_text(r, "why", row->why);
	add_time_or_null(r, "first_ns", row->flows > 0, row->first_ns);
	add_integer(r, "peers", row->peers);
	add_integer(r, "flows", row->flows);
	add_count(r, "cut", row->cut);
	add_count(r, "left_out", row->left_out);
	return end(s, r, err);
}

bool row_put_activity_flow(struct sink *s, const struct activity_flow_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_activity_flow);

	add_integer(r, "place", row->place);
	add_count(r, "flow", row->flow);
	add_integer(r, "peer", row->peer);
	add_text(r, "sent", row->client_began ? "out" : "in");
	return end(s, r, err);
}

bool row_put_message(struct sink *s, const struct message_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_message);

	add_count(r, "flow", row->flow);
	add_integer(r, "n", row->n);
	add_integer(r, "ts_ns", row->ts_ns);
	add_text(r, "direction", row->dir == TO_RESPONDER ? "out" : "in");
	add_integer(r, "bytes", row->bytes);
	return end(s, r, err);
}

bool row_put_name(struct sink *s, const struct name_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_name);

	add_ip(r, "ip", &row->ip);
	add_text(r, "name", row->name);
	add_text(r, "domain", row->domain);
	add_integer(r, "first_ns", row->first_ns);
	return end(s, r, err);
}

bool row_put_place(struct sink *s, const struct place_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_place);

	add_ip(r, "ip", &row->ip);
	add_text_or_null(r, "continent", row->continent);
	add_text_or_null(r, "country", row->country);
	add_text_or_null(r, "country_name", row->country_name);
	add_text_or_null(r, "city", row->city);
	add_real_or_null(r, "latitude", !isnan(row->latitude), row->latitude);
	add_real_or_null(r, "longitude", !isnan(row->longitude), row->longitude);
	add_number_or_null(r, "asn", row->asn);
	add_text_or_null(r, "organisation", row->organisation);
	return end(s, r, err);
}

bool row_put_place_file(struct sink *s, const struct place_file_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_place_file);

	add_text(r, "option", row->option);
	add_text(r, "file", row->file);
	add_text(r, "type", row->type);
	add_integer(r, "built_ns", row->built_ns);
	return end(s, r, err);
}

bool row_put_peer_place(struct sink *s, const struct peer_place_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_peer_place);

	add_text(r, "protocol", row->protocol);
	add_text(r, "class", row->class);
	add_integer(r, "n", row->n);
	add_text_or_null(r, "continent", row->continent);
	add_text_or_null(r, "country", row->country);
	add_text_or_null(r, "country_name", row->country_name);
	add_text_or_null(r, "city", row->city);
	add_real_or_null(r, "latitude", !isnan(row->latitude), row->latitude);
	add_real_or_null(r, "longitude", !isnan(row->longitude), row->longitude);
	add_count(r, "addresses", row->addresses);
	return end(s, r, err);
}

bool row_put_supernode_contact(struct sink *s, const struct supernode_contact_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_supernode_contact);

	add_integer(r, "client", row->client);
	add_text(r, "protocol", row->protocol);
	add_ip(r, "ip", &row->node.ip);
	add_integer(r, "port", row->node.port);
	add_integer(r, "day_ns", row->day_ns);
	add_integer(r, "first_ns", row->first_ns);
	add_integer(r, "connections", row->connections);
	add_integer(r, "connected", row->connected);
	add_integer(r, "accepted", row->accepted);
	return end(s, r, err);
}
