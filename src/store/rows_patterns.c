/* Rows of patterns and of the flows with packets that fit them, see rows.h. */
#include "store/cells.h"

bool row_put_pattern(struct sink *s, const struct pattern_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_pattern);

	add_text(r, "protocol", row->protocol);
	add_text(r, "pattern", row->name);
	add_text(r, "words", row->words);
	add_text(r, "definition", row->definition);
	return end(s, r, err);
}

bool row_put_pattern_hit(struct sink *s, const struct pattern_hit_row *row, struct error *err)
{
	const struct flow_record *f = row->flow->flow;
	struct row *r = begin(s, ROW_pattern_hit);

	add_count(r, "flow", f->first_packet);
	add_text(r, "protocol", row->protocol);
	add_text(r, "pattern", row->pattern);
	add_text(r, "direction", row->dir == TO_RESPONDER ? "out" : "in");
	add_count(r, "packet", row->packet);
	add_integer(r, "ts_ns", row->ts_ns);
	add_proto(r, "proto", f->l4);
	add_client_and_server(r, &f->initiator, &f->responder);
	add_text(r, "label", f->label);
	add_text_or_null(r, "label_protocol", row->flow->protocol);
	add_text(r, "source", label_source_names[row->flow->source]);
	add_count_or_null(r, "client", row->flow->client > 0, row->flow->client);
	return end(s, r, err);
}
