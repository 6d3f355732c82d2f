/* What a message-sequence chart can be drawn of; see scenes.h. */
#include "behave/scenes.h"
#include "base/row_index.h"
#include "behave/sessions.h"
#include <stdlib.h>

const char *const scene_kind_names[SCENE_KIND_COUNT] = {
#define X(name, most) #name,
	SCENE_KINDS(X)
#undef X
};
static const uint32_t scenes_most[SCENE_KIND_COUNT] = {
#define X(name, most) most,
	SCENE_KINDS(X)
#undef X
};

void scenes_drop(struct scenes *s)
{
	free(s->scene);
	free(s->flow);
	*s = (struct scenes){ 0 };
}

static int64_t scene_end(const struct scene *scene)
{
	return scene->window[1].to > scene->window[0].to ? scene->window[1].to : scene->window[0].to;
}

bool scenes_add(struct scenes *s, const struct scene *scene, struct error *err)
{
	if (s->of_kind[scene->kind] >= scenes_most[scene->kind]) {
		s->refused++;
		return true;
	}
	void *rows = s->scene;
	bool room = rows_reserve(&rows, s->count, &s->room, sizeof *scene);
	s->scene = rows;
	if (!room)
		return error_memory(err, "the scenes");
	int64_t length = scene_end(scene) - scene->window[0].from;
	s->longest_ns = length > s->longest_ns ? length : s->longest_ns;
	s->of_kind[scene->kind]++;
	s->scene[s->count++] = *scene;
	return true;
}

bool scenes_add_call(struct scenes *s, const struct call *call, uint32_t number, int64_t first_ns,
		     struct error *err)
{
	int64_t from = call->first_ns - SCENE_CALL_BEFORE_NS;
	const struct scene scene = {
		.kind = SCENE_call,
		.number = number,
		.client = call->client,
		.window = { { from > first_ns ? from : first_ns, call->first_ns + SCENE_CALL_AROUND_NS },
			    { call->last_ns - SCENE_CALL_AROUND_NS, call->last_ns + SCENE_CALL_AROUND_NS } },
	};

	return scenes_add(s, &scene, err);
}

static int by_client(const void *x, const void *y)
{
	const struct scene *a = x, *b = y;

	if (a->client != b->client)
		return a->client < b->client ? -1 : 1;
	if (a->window[0].from != b->window[0].from)
		return a->window[0].from < b->window[0].from ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

void scenes_sort(struct scenes *s)
{
	if (s->count)
		qsort(s->scene, s->count, sizeof *s->scene, by_client);
}

static bool is_in(const struct scene *scene, int64_t ns)
{
	for (int i = 0; i < 2; i++)
		if (ns >= scene->window[i].from - MESSAGE_TICK_NS && ns <= scene->window[i].to)
			return true;
	return false;
}

/* The first or last packet (a SYN has no message), or a message. */
static bool has_packets(const struct scene *scene, const struct labelled_flow *f)
{
	struct episode_reader reader = episode_reader_on(f);
	struct episode_message m;

	if (f->r->last_ns < scene->window[0].from || f->r->first_ns > scene_end(scene))
		return false;
	if (is_in(scene, f->r->first_ns) || is_in(scene, f->r->last_ns))
		return true;
	while (episode_next(&reader, &m))
		if (is_in(scene, m.ns))
			return true;
	return false;
}

static bool add_flow(struct scenes *s, uint32_t scene, uint64_t flow, bool plain, bool *added,
		     struct error *err)
{
	uint32_t most = plain ? SCENE_FLOWS_MAX - SCENE_FLOWS_KEPT_FREE : SCENE_FLOWS_MAX;

	*added = false;
	if (s->scene[scene].flows >= most) {
		s->refused_flows++;
		return true;
	}
	void *rows = s->flow;
	bool room = rows_reserve(&rows, s->flows, &s->flow_room, sizeof *s->flow);
	s->flow = rows;
	if (!room)
		return error_memory(err, "the flows of the scenes");
	s->scene[scene].flows++;
	s->flow[s->flows++] = (struct scene_flow){ scene, flow };
	*added = true;
	return true;
}

/* The first scene of this client or a later one that begins at this time or later. */
static uint32_t first_from(const struct scenes *s, uint32_t client, int64_t ns)
{
	uint32_t low = 0, high = s->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct scene *at = &s->scene[middle];
		if (at->client < client || (at->client == client && at->window[0].from < ns))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool scenes_flow(struct scenes *s, const struct labelled_flow *f, uint32_t call, bool *wanted,
		 struct error *err)
{
	bool added, plain = f->r->l4 == IPPROTO_UDP && !f->media;

	*wanted = false;
	for (uint32_t i = first_from(s, f->client, f->r->first_ns - s->longest_ns);
	     i < s->count && s->scene[i].client == f->client && s->scene[i].window[0].from <= f->r->last_ns;
	     i++) {
		if (call && s->scene[i].kind == SCENE_call && s->scene[i].number == call) {
			*wanted = true; /* scenes_call_flow() adds it */
			continue;
		}
		if (!has_packets(&s->scene[i], f))
			continue;
		if (!add_flow(s, i, f->r->first_packet, plain, &added, err))
			return false;
		*wanted = *wanted || added;
	}
	return true;
}

bool scenes_call_flow(struct scenes *s, uint32_t call, uint64_t flow, struct error *err)
{
	bool added;

	for (uint32_t i = 0; i < s->count; i++)
		if (s->scene[i].kind == SCENE_call && s->scene[i].number == call)
			return add_flow(s, i, flow, false, &added, err);
	return true;
}

static int by_scene(const void *x, const void *y)
{
	const struct scene_flow *a = x, *b = y;

	if (a->scene != b->scene)
		return a->scene < b->scene ? -1 : 1;
	return (a->flow > b->flow) - (a->flow < b->flow);
}

void scenes_finish(struct scenes *s)
{
	uint32_t kept = 0;

	if (s->flows)
		qsort(s->flow, s->flows, sizeof *s->flow, by_scene);
	for (uint32_t i = 0; i < s->flows; i++)
		if (kept == 0 || by_scene(&s->flow[kept - 1], &s->flow[i]) != 0)
			s->flow[kept++] = s->flow[i];
	s->flows = kept;
}
