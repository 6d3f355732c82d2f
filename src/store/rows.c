/* The rows of a run: which columns they have, and what goes into them. Units and meanings are in schema.sql.
 */
#include "store/cells.h"
#include <inttypes.h>

/* clang-format off */
const char *const row_names[ROW_KIND_COUNT] = {
#define X(name, table) #name,
	SINK_ROWS(X)
#undef X
};
const char *const row_tables[ROW_KIND_COUNT] = {
#define X(name, table) #table,
	SINK_ROWS(X)
#undef X
};
/* clang-format on */
const bool row_waits[ROW_KIND_COUNT] = {
	[ROW_flow] = true,        [ROW_peer] = true,       [ROW_pair] = true,    [ROW_evidence] = true,
	[ROW_state_entry] = true, [ROW_scene_flow] = true, [ROW_message] = true, [ROW_pattern_hit] = true,
};

const char *const label_source_names[] = {
#define X(name, words) #name,
	LABEL_SOURCES(X)
#undef X
};

bool row_put_run(struct sink *s, const struct run_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_run);
	bool any = row->first_ns || row->last_ns;

	row_sink_of(s)->packets = row->packets;
	add_text(r, "version", row->version);
	add_text(r, "libraries", row->libraries);
	add_text(r, "options", row->options);
	add_integer(r, "idle_ns", row->idle_ns);
	add_time_or_null(r, "first_ns", any, row->first_ns);
	add_time_or_null(r, "last_ns", any, row->last_ns);
	add_count(r, "packets", row->packets);
	add_integer(r, "complete", row->complete);
	add_text(r, "problems", row->problems);
	return end(s, r, err);
}

static const char *input_end_name(enum input_end end_)
{
	switch (end_) {
	case INPUT_COMPLETE:
		return "complete";
	case INPUT_CUT:
		return "cut";
	case INPUT_DAMAGED:
		return "damaged";
	case INPUT_OPEN: /* never read to its end */
	case INPUT_STOPPED:
		break;
	}
	return "stopped";
}

bool row_put_input(struct sink *s, const struct input_row *input, struct error *err)
{
	const struct input_info *row = input->input;
	struct row *r = begin(s, ROW_input);
	const char *link = linktype_name(row->linktype);
	char *number = scratch(r);

	snprintf(number, IP_TEXT, "%d", row->linktype);
	add_integer(r, "n", input->n);
	add_text(r, "path", row->path);
	add_text(r, "format", row->format);
	add_text(r, "container", row->container);
	/* -1: there is no frame. */
	add_text(r, "link_type", link ? link : row->linktype < 0 ? "" : number);
	add_count(r, "bytes", row->bytes);
	add_text_or_null(r, "sha256", row->sha256);
	add_count(r, "frames", row->frames);
	add_count(r, "filtered", row->frames_filtered);
	add_count(r, "dropped", row->dropped);
	add_count_or_null(r, "snaplen", row->snaplen > 0, row->snaplen);
	add_time_or_null(r, "first_ns", row->frames > 0 && row->last_ns != 0, row->first_ns);
	add_time_or_null(r, "last_ns", row->frames > 0 && row->last_ns != 0, row->last_ns);
	add_text(r, "ended", input_end_name(row->end));
	add_text(r, "problem", row->problem);
	return end(s, r, err);
}

bool row_put_counter(struct sink *s, const struct counter_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_counter);

	if (strcmp(row->area, "packets") == 0)
		row_sink_of(s)->counted += row->value;
	add_text(r, "area", row->area);
	add_text(r, "name", row->name);
	add_count(r, "value", row->value);
	add_text(r, "words", row->words);
	return end(s, r, err);
}

bool rows_check(const struct row_sink *s, struct error *err)
{
	if (s->packets == s->counted)
		return true;
	return error_contradiction(err,
				   "the account of packets adds up to %" PRIu64 ", but %" PRIu64 " were read",
				   s->counted, s->packets);
}

bool row_put_client(struct sink *s, const struct client_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_client);

	add_integer(r, "client", row->id);
	add_text(r, "protocol", row->protocol);
	add_text(r, "verdict", row->verdict);
	add_ip(r, "ip", &row->socket.ip);
	add_integer(r, "port", row->socket.port);
	add_integer(r, "internal", row->internal);
	if (row->has_public)
		add_ip(r, "public_ip", &row->public_ip);
	else
		add_null(r, "public_ip");
	add_count_or_null(r, "behind_nat", row->has_public, row->behind_nat);
	add_text_or_null(r, "version", row->version);
	add_bits(r, "bits", row->bits);
	add_count(r, "first_packet", row->first_packet);
	add_time_or_null(r, "first_ns", row->total.flows > 0, row->first_ns);
	add_time_or_null(r, "last_ns", row->total.flows > 0, row->last_ns);
	add_integer(r, "peers", row->peers);
	add_count(r, "flows", row->total.flows);
	add_count(r, "packets_out", row->total.packets_out);
	add_count(r, "packets_in", row->total.packets_in);
	add_count(r, "payload_out", row->total.payload_out);
	add_count(r, "payload_in", row->total.payload_in);
	add_count(r, "media_out", row->media_out);
	add_count(r, "media_in", row->media_in);
	add_count(r, "tcp_out", row->tcp_out);
	add_count(r, "tcp_in", row->tcp_in);
	add_time_or_null(r, "tcp_first_ns", row->has_tcp, row->tcp_first_ns);
	add_time_or_null(r, "tcp_last_ns", row->has_tcp, row->tcp_last_ns);
	add_integer(r, "callers", row->callers);
	add_integer(r, "callers_answered", row->callers_answered);
	add_text(r, "role", row->is_supernode ? "supernode" : "client");
	return end(s, r, err);
}

bool row_put_peer(struct sink *s, const struct peer_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_peer);

	add_integer(r, "peer", row->id);
	add_text(r, "protocol", row->protocol);
	add_ip(r, "ip", &row->socket.ip);
	add_integer(r, "port", row->socket.port);
	add_integer(r, "internal", row->internal);
	add_integer(r, "first_ns", row->first_ns);
	add_integer(r, "last_ns", row->last_ns);
	add_integer(r, "clients", row->clients);
	return end(s, r, err);
}

bool row_put_pair(struct sink *s, const struct pair_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_pair);

	add_integer(r, "client", row->client);
	add_integer(r, "peer", row->peer);
	add_integer(r, "client_first", row->client_first);
	add_count(r, "flows", row->total.flows);
	add_count(r, "probes", row->total.one_time_probes);
	add_count(r, "dialogs", row->total.dialogs);
	add_count(r, "packets_out", row->total.packets_out);
	add_count(r, "packets_in", row->total.packets_in);
	add_count(r, "payload_out", row->total.payload_out);
	add_count(r, "payload_in", row->total.payload_in);
	add_count(r, "media_flows", row->media.flows);
	add_count(r, "media_packets", row->media.packets_out + row->media.packets_in);
	add_count(r, "media_payload", row->media.payload_out + row->media.payload_in);
	add_integer(r, "first_ns", row->first_ns);
	add_integer(r, "last_ns", row->last_ns);
	return end(s, r, err);
}

static int64_t side_duration(const struct flow_side *side)
{
	return side->packets ? side->last_ns - side->first_ns : 0;
}

static void add_flow_sides(struct row *r, const struct flow_side *out, const struct flow_side *in)
{
	add_count(r, "packets_out", out->packets);
	add_count(r, "packets_in", in->packets);
	add_count(r, "bytes_out", out->ip_bytes);
	add_count(r, "bytes_in", in->ip_bytes);
	add_count(r, "payload_out", out->payload_bytes);
	add_count(r, "payload_in", in->payload_bytes);
	add_count(r, "payload_wire", out->payload_wire + in->payload_wire);
	add_integer(r, "duration_out", side_duration(out));
	add_integer(r, "duration_in", side_duration(in));
	add_time_or_null(r, "reply_ns", in->packets > 0, in->first_ns - out->first_ns);
	add_integer(r, "messages_out", out->messages);
	add_integer(r, "messages_in", in->messages);
	add_integer(r, "size_out", out->first_size);
	add_integer(r, "size_in", in->first_size);
	add_integer(r, "retransmitted", (int64_t)out->retransmitted + in->retransmitted);
}

/* The hot one: a long trace has millions of these. */
bool row_put_flow(struct sink *s, const struct flow_row *row, struct error *err)
{
	const struct flow_record *f = row->flow;
	struct row *r = begin(s, ROW_flow);

	add_count(r, "flow", f->first_packet);
	add_proto(r, "proto", f->l4);
	add_client_and_server(r, &f->initiator, &f->responder);
	add_integer(r, "first_ns", f->first_ns);
	add_integer(r, "last_ns", f->last_ns);
	add_count(r, "last_packet", f->last_packet);
	add_flow_sides(r, &f->side[TO_RESPONDER], &f->side[TO_INITIATOR]);
	add_integer(r, "duplicates", f->duplicates);
	add_text(r, "ended", flow_end_names[f->end_reason]);
	add_count_or_null(r, "tcp_flags", f->l4 == IPPROTO_TCP, f->tcp_flags);
	add_integer(r, "icmp_errors", f->icmp_errors);
	if (f->icmp_errors) {
		char *text = scratch(r);
		int length = snprintf(text, IP_TEXT, "%u/%u", f->icmp_type, f->icmp_code);
		add_text_of(r, "icmp", text, (size_t)length);
	} else {
		add_null(r, "icmp");
	}
	add_text(r, "label", f->label);
	add_text_or_null(r, "protocol", row->protocol);
	add_text(r, "source", label_source_names[row->source]);
	add_bits(r, "bits", row->bits);
	add_count_or_null(r, "client", row->client > 0, row->client);
	add_text_or_null(r, "ndpi", f->ndpi_label);
	add_text_or_null(r, "role", f->role == ROLE_none ? NULL : flow_role_names[f->role]);
	add_time_or_null(r, "keepalive_ns", row->keepalive.count > 0, row->keepalive.interval_ns);
	add_integer(r, "keepalives", row->keepalive.count);
	return end(s, r, err);
}

bool row_put_evidence(struct sink *s, const struct evidence_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_evidence);

	add_text(r, "about", row->about_client ? "client" : "flow");
	add_count(r, "subject", row->subject);
	add_text(r, "protocol", row->protocol);
	add_text(r, "kind", row->kind->name);
	add_text(r, "words", row->kind->words);
	add_bits(r, "bits", row->sum.bits);
	add_bits(r, "cap", row->kind->cap);
	add_integer(r, "reports", row->sum.count);
	add_integer(r, "against", row->sum.against);
	add_count(r, "first_packet", row->sum.first_packet);
	add_count(r, "last_packet", row->sum.last_packet);
	return end(s, r, err);
}

bool row_put_exchange(struct sink *s, const struct exchange_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_exchange);

	add_count(r, "flow", row->flow);
	add_text(r, "protocol", row->protocol);
	add_text(r, "role", row->role);
	add_text(r, "form", row->form);
	add_text(r, "outcome", row->outcome);
	add_client_and_server(r, &row->client, &row->server);
	add_integer(r, "first_ns", row->first_ns);
	add_integer(r, "last_ns", row->last_ns);
	add_integer(r, "messages", row->messages);
	add_count_or_null(r, "client", row->client_socket > 0, row->client_socket);
	return end(s, r, err);
}

bool row_put_exchange_message(struct sink *s, const struct exchange_message_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_exchange_message);

	add_count(r, "flow", row->flow);
	add_integer(r, "n", row->n);
	add_integer(r, "ts_ns", row->ts_ns);
	add_count(r, "packet", row->packet);
	add_text(r, "direction", row->dir == TO_RESPONDER ? "out" : "in");
	add_integer(r, "bytes", row->bytes);
	add_text(r, "what", row->what);
	return end(s, r, err);
}

bool row_put_version_check(struct sink *s, const struct version_check_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_version_check);

	add_count(r, "flow", row->flow);
	add_count(r, "packet", row->packet);
	add_integer(r, "ts_ns", row->ts_ns);
	add_text(r, "protocol", row->protocol);
	add_client_and_server(r, &row->client, &row->server);
	add_text(r, "action", row->action);
	add_text(r, "version", row->version);
	add_text(r, "platform", row->platform);
	add_text(r, "host", row->host);
	add_count_or_null(r, "client", row->client_socket > 0, row->client_socket);
	return end(s, r, err);
}

bool row_put_label_total(struct sink *s, const struct label_total_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_label_total);

	add_text(r, "label", row->label);
	add_text(r, "source", row->source);
	add_text(r, "ndpi", row->ndpi_label);
	add_count(r, "flows", row->flows);
	add_count(r, "packets", row->packets);
	add_count(r, "payload", row->payload_bytes);
	add_count(r, "bytes", row->ip_bytes);
	return end(s, r, err);
}
