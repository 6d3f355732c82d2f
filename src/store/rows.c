/* The rows of a run: which columns they have, and what goes into them. Units and meanings are in schema.sql.
 */
#include "store/rows.h"
#include <inttypes.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const char *const row_names[ROW_KIND_COUNT] = {
#define X(name, table) #name,
	ROW_KINDS(X)
#undef X
};
const char *const row_tables[ROW_KIND_COUNT] = {
#define X(name, table) #table,
	ROW_KINDS(X)
#undef X
};
/* clang-format on */

const char *const label_source_names[] = {
#define X(name, words) #name,
	LABEL_SOURCES(X)
#undef X
};

/* --- one cell --- */

static inline void add(struct row *r, const char *column, struct cell cell)
{
	r->column[r->count] = column;
	r->cell[r->count++] = cell;
}

static inline void add_null(struct row *r, const char *column)
{
	add(r, column, (struct cell){ .type = CELL_NULL });
}

static inline void add_integer(struct row *r, const char *column, int64_t value)
{
	add(r, column, (struct cell){ .type = CELL_INTEGER, .as.integer = value });
}

/* Counts beyond what SQLite can hold would need 292 years of packets at one per nanosecond. */
static inline void add_count(struct row *r, const char *column, uint64_t value)
{
	add_integer(r, column, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static inline void add_count_or_null(struct row *r, const char *column, bool known, uint64_t value)
{
	if (known)
		add_count(r, column, value);
	else
		add_null(r, column);
}

static inline void add_time_or_null(struct row *r, const char *column, bool known, int64_t ns)
{
	if (known)
		add_integer(r, column, ns);
	else
		add_null(r, column);
}

/* A float has 7 digits; as a double 27.3 would read 27.2999992370605. 4 decimals are more than a likelihood
 * means. */
static inline void add_bits(struct row *r, const char *column, float bits)
{
	double value = bits == 0 ? 0 : round((double)bits * 1e4) / 1e4;

	add(r, column, (struct cell){ .type = CELL_REAL, .as.real = value });
}

static inline void add_text_of(struct row *r, const char *column, const char *text, size_t length)
{
	add(r, column, (struct cell){ .type = CELL_TEXT, .as.text = text, .length = (uint32_t)length });
}

/* NULL is stored as "". */
static inline void add_text(struct row *r, const char *column, const char *text)
{
	add_text_of(r, column, text ? text : "", text ? strlen(text) : 0);
}

/* NULL and "" are stored as NULL. */
static inline void add_text_or_null(struct row *r, const char *column, const char *text)
{
	if (text && *text)
		add_text(r, column, text);
	else
		add_null(r, column);
}

static inline char *scratch(struct row *r)
{
	return r->scratch[r->scratch_used++];
}

static inline void add_ip(struct row *r, const char *column, const struct ip *ip)
{
	char *text = scratch(r);

	add_text_of(r, column, text, ip_format(ip, text));
}

/* Keywords of the IANA registry "Protocol Numbers" in lower case, except icmp6 (there "IPv6-ICMP"). */
static const char *proto_name(unsigned l4)
{
	switch (l4) {
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmp6";
	case IPPROTO_IGMP:
		return "igmp";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_DCCP:
		return "dccp";
	case IPPROTO_UDPLITE:
		return "udplite";
	case IPPROTO_GRE:
		return "gre";
	case IPPROTO_ESP:
		return "esp";
	case IPPROTO_AH:
		return "ah";
	case IPPROTO_PIM:
		return "pim";
	case 89: /* no constant in netinet/in.h */
		return "ospf";
	case 112:
		return "vrrp";
	default:
		return NULL;
	}
}

static inline void add_proto(struct row *r, const char *column, unsigned l4)
{
	const char *name = proto_name(l4);

	if (!name) {
		char *text = scratch(r);
		snprintf(text, IP_TEXT, "%u", l4);
		name = text;
	}
	add_text(r, column, name);
}

static inline void add_client_and_server(struct row *r, const struct endpoint *client,
					 const struct endpoint *server)
{
	add_ip(r, "client_ip", &client->ip);
	add_integer(r, "client_port", client->port);
	add_ip(r, "server_ip", &server->ip);
	add_integer(r, "server_port", server->port);
}

/* --- one row --- */

static struct row_sink *row_sink_of(struct sink *s)
{
	return (struct row_sink *)s; /* its first member */
}

static inline struct row *begin(struct sink *s, enum row_kind kind)
{
	struct row_sink *to = row_sink_of(s);
	struct row *r = to->row(to, kind);

	r->kind = kind;
	r->count = 0;
	r->scratch_used = 0;
	add_integer(r, "run", to->run);
	return r;
}

static inline bool end(struct sink *s, const struct row *r, struct error *err)
{
	struct row_sink *to = row_sink_of(s);

	return to->write(to, r, err);
}

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

bool row_put_input(struct sink *s, uint32_t n, const struct input_info *row, struct error *err)
{
	struct row *r = begin(s, ROW_input);
	const char *link = linktype_name(row->linktype);
	char *number = scratch(r);

	snprintf(number, IP_TEXT, "%d", row->linktype);
	add_integer(r, "n", n);
	add_text(r, "path", row->path);
	add_text(r, "format", row->format);
	add_text(r, "container", row->container);
	add_text(r, "link_type", link ? link : number);
	add_count(r, "bytes", row->bytes);
	add_text_or_null(r, "sha256", row->sha256);
	add_count(r, "frames", row->frames);
	add_count(r, "filtered", row->frames_filtered);
	add_count(r, "dropped", row->dropped);
	add_count_or_null(r, "snaplen", row->snaplen > 0, row->snaplen);
	add_time_or_null(r, "first_ns", row->frames > 0, row->first_ns);
	add_time_or_null(r, "last_ns", row->frames > 0, row->last_ns);
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
	return error_set(err, EXIT_INTERNAL,
			 "a defect of footsteps: the account of packets adds up to %" PRIu64 ", but %" PRIu64
			 " were read",
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

bool row_put_version(struct sink *s, const struct version_row *row, struct error *err)
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

bool row_put_size(struct sink *s, const struct size_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_payload_size);

	add_text(r, "protocol", row->protocol);
	add_text(r, "class", row->probe ? "probe" : "non-probe");
	add_integer(r, "from_client", row->from_client);
	add_integer(r, "size", row->size);
	add_count(r, "messages", row->messages);
	return end(s, r, err);
}
