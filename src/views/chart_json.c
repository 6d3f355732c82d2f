/* A chart for programs: its rows, one JSON object in each line. */
#include "views/chart.h"
#include "views/escape.h"
#include <inttypes.h>

static void put_lane(const struct chart *c, const char *key, uint32_t lane, FILE *out)
{
	fprintf(out, "\"%s\":\"%s\",", key, party_part_names[c->lane[lane].part]);
}

void chart_put_json(const struct chart *c, FILE *out)
{
	for (uint32_t i = 0; i < c->rows; i++) {
		const struct chart_row *r = &c->row[i];
		fprintf(out,
			"{\"scene\":\"%s\",\"number\":%" PRId64 ",\"seconds\":%.6f,\"ts_ns\":%" PRId64
			",\"until_ns\":%" PRId64 ",",
			chart_kind_names[c->scene.kind], c->scene.number, row_seconds(c, r), r->ns,
			r->until_ns);
		put_lane(c, "from", r->sent ? 0 : r->lane, out);
		put_lane(c, "to", r->sent ? r->lane : 0, out);
		fprintf(out, "\"kind\":\"%s\",\"transport\":\"%s\",\"messages\":", event_kind_names[r->kind],
			transport_names[r->transport]);
		/* So many, or more. */
		if (r->messages == 0 && r->more)
			fputs("null", out);
		else
			fprintf(out, "%" PRIu64, r->messages);
		fprintf(out, ",\"more\":%s,\"bytes\":%" PRIu64 ",\"peers\":%" PRIu32 ",\"peer\":",
			r->more ? "true" : "false", r->bytes, r->parties);
		json_put(out, c->party[r->party].socket);
		fprintf(out, ",\"flow\":%" PRId64 ",\"what\":", r->flow);
		if (r->what)
			json_put(out, r->what);
		else
			fputs("null", out);
		fputs("}\n", out);
	}
}
