/* Measured flows and their paths, as they are reported and found again; see calls.h. */
#include "behave/call_table.h"
#include <stdlib.h>
#include <string.h>

struct call_table *call_table_new(struct error *err)
{
	struct call_table *t = calloc(1, sizeof *t);

	if (!t) {
		error_memory(err, "the call table");
		return NULL;
	}
	t->key = hash_key_random();
	return t;
}

void call_table_free(struct call_table *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->reports; i++)
		free(t->report[i]);
	free(t->report);
	free(t->flow);
	free(t->call);
	free(t->hold);
	free(t->path);
	row_index_drop(&t->by_flow);
	row_index_drop(&t->by_path);
	free(t);
}

bool call_table_report(struct call_table *t, const struct media_report *report, struct error *err)
{
	size_t size = offsetof(struct media_report, stream) + report->streams * sizeof report->stream[0];
	void *rows = t->report;

	if (t->reports >= MEDIA_REPORTS_MAX) {
		t->refused++;
		return true;
	}
	struct media_report *copy = malloc(size);
	bool room = rows_reserve(&rows, t->reports, &t->report_room, sizeof(struct media_report *));
	t->report = rows;
	if (!copy || !room ||
	    !row_index_add(&t->by_flow, hash_words(&t->key, &report->flow, sizeof report->flow),
			   t->reports)) {
		free(copy);
		return error_memory(err, "a measured flow");
	}
	memcpy(copy, report, size);
	t->report[t->reports++] = copy;
	return true;
}

static struct flow_path *path_of(const struct call_table *t, uint64_t flow)
{
	uint64_t hash = t->paths ? hash_words(&t->key, &flow, sizeof flow) : 0;
	uint32_t at = 0, row;

	while (t->paths && (row = row_index_probe(&t->by_path, hash, &at)) != ROW_NONE)
		if (t->path[row].flow == flow)
			return &t->path[row];
	return NULL;
}

bool call_table_path(struct call_table *t, uint64_t flow, const struct media_path *path, struct error *err)
{
	struct flow_path *known = path_of(t, flow);
	void *rows = t->path;

	if (known) {
		known->path = *path;
		return true;
	}
	if (t->paths >= MEDIA_REPORTS_MAX) {
		t->refused++;
		return true;
	}
	bool room = rows_reserve(&rows, t->paths, &t->path_room, sizeof *t->path);
	t->path = rows;
	if (!room || !row_index_add(&t->by_path, hash_words(&t->key, &flow, sizeof flow), t->paths))
		return error_memory(err, "the path of a call");
	t->path[t->paths++] = (struct flow_path){ flow, *path };
	return true;
}

struct media_path call_table_find_path(const struct call_table *t, uint64_t flow)
{
	const struct flow_path *known = path_of(t, flow);

	return known ? known->path : (struct media_path){ 0 };
}

const struct media_report *call_table_find(const struct call_table *t, uint64_t flow)
{
	uint64_t hash = t->reports ? hash_words(&t->key, &flow, sizeof flow) : 0;
	uint32_t at = 0, row;

	while (t->reports && (row = row_index_probe(&t->by_flow, hash, &at)) != ROW_NONE)
		if (t->report[row]->flow == flow)
			return t->report[row];
	return NULL;
}

bool call_table_add(struct call_table *t, const struct media_flow *flow, struct error *err)
{
	void *rows = t->flow;
	struct media_flow *f = call_table_row(&rows, &t->flows, &t->flow_room, sizeof *f);

	t->flow = rows;
	if (!f)
		return error_memory(err, "a measured flow");
	*f = *flow;
	f->call = 0;
	return true;
}

uint32_t call_table_count(const struct call_table *t)
{
	return t->calls;
}

const struct call *call_table_at(const struct call_table *t, uint32_t i)
{
	return &t->call[i];
}

uint32_t call_table_hold_count(const struct call_table *t)
{
	return t->holds;
}

const struct call_hold *call_table_hold_at(const struct call_table *t, uint32_t i)
{
	return &t->hold[i];
}

uint32_t call_table_flow_count(const struct call_table *t)
{
	return t->flows;
}

const struct media_flow *call_table_flow_at(const struct call_table *t, uint32_t i)
{
	return &t->flow[i];
}

uint64_t call_table_refused(const struct call_table *t)
{
	return t->refused;
}

const struct media_flow *call_table_flow_of(const struct call_table *t, uint64_t flow)
{
	uint32_t low = 0, high = t->flows;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (t->flow[middle].report->flow < flow)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->flows && t->flow[low].report->flow == flow ? &t->flow[low] : NULL;
}
