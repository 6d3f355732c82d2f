/* B2 to B7, B9, B17: start-ups, searches, and the scenes that charts are drawn of. */
#include "behave/scenes.h"
#include "behave/searches.h"
#include "behave/startups.h"
#include "store/measure.h"
#include <stdlib.h>

struct episodes {
	const struct measure_setup *setup;
	struct startups *startups;
	struct searches *searches;
	struct scenes scenes;
	bool decided; /* all flows were surveyed */
};

static void drop(void *self)
{
	struct episodes *e = self;

	if (!e)
		return;
	startups_free(e->startups);
	searches_free(e->searches);
	scenes_drop(&e->scenes);
	free(e);
}

static void *begin(const struct measure_setup *setup, struct error *err)
{
	struct episodes *e = calloc(1, sizeof *e);
	const struct startups_known known = { .client = setup->client,
					      .clients = setup->clients,
					      .pairs = setup->pairs,
					      .exchanges = setup->exchanges,
					      .first_ns = setup->first_ns,
					      .client_of_host = setup->client_of_host,
					      .self = setup->self };

	if (!e) {
		error_memory(err, "the episodes");
		return NULL;
	}
	e->setup = setup;
	e->startups = startups_new(&known, err);
	e->searches = searches_new(err);
	if (e->startups && e->searches)
		return e;
	drop(e);
	return NULL;
}

static bool survey(void *self, const struct labelled_flow *f, struct error *err)
{
	struct episodes *e = self;

	return startups_survey(e->startups, f, err) && searches_survey(e->searches, f, err);
}

/* The next start-up of the same client ends a scene. */
static bool add_login(struct episodes *e, const struct startup *at, const struct startup *next,
		      struct error *err)
{
	int64_t to = at->until_ns;

	if (at->login_ns >= 0)
		to = at->began_ns + at->login_ns + SCENE_LOGIN_NS;
	else if (at->failed_ns)
		to = at->failed_ns + SCENE_LOGIN_NS;
	if (next && to >= next->began_ns)
		to = next->began_ns - 1;
	const struct scene scene = { .kind = SCENE_login,
				     .number = at->number,
				     .client = at->client,
				     .window = { { at->began_ns, to }, { to, to } } };
	return scenes_add(&e->scenes, &scene, err);
}

static bool add_scenes(struct episodes *e, struct error *err)
{
	uint32_t startups = startups_count(e->startups);

	for (uint32_t i = 0; i < startups; i++) {
		const struct startup *at = startups_numbered(e->startups, i + 1);
		const struct startup *next = at + 1;
		if (next == startups_at(e->startups, startups) || next->client != at->client)
			next = NULL;
		if (!add_login(e, at, next, err))
			return false;
	}
	for (uint32_t i = 0; i < searches_count(e->searches); i++) {
		const struct search *at = searches_at(e->searches, i);
		const struct scene scene = { .kind = SCENE_search,
					     .number = at->number,
					     .client = at->client,
					     .window = { { at->first_ns, at->last_ns },
							 { at->last_ns, at->last_ns } } };
		if (!scenes_add(&e->scenes, &scene, err))
			return false;
	}
	for (uint32_t i = 0; i < call_table_count(e->setup->calls); i++)
		if (!scenes_add_call(&e->scenes, call_table_at(e->setup->calls, i), i + 1, e->setup->first_ns,
				     err))
			return false;
	scenes_sort(&e->scenes);
	return true;
}

/* Once, between the survey and what follows it. */
static bool decide(struct episodes *e, struct error *err)
{
	if (e->decided)
		return true;
	e->decided = true;
	return startups_decide(e->startups, err) && searches_group(e->searches, e->setup->client, err) &&
	       add_scenes(e, err);
}

static bool flow(void *self, const struct labelled_flow *f, struct error *err)
{
	struct episodes *e = self;
	bool wanted;

	if (!decide(e, err) || !startups_flow(e->startups, f, err))
		return false;
	const struct media_flow *media =
		f->media ? call_table_flow_of(e->setup->calls, f->r->first_packet) : NULL;
	if (!scenes_flow(&e->scenes, f, media ? media->call : 0, &wanted, err))
		return false;
	return !wanted || kept_messages_add(e->setup->kept, f->r, f->log, err);
}

static bool host_flow(void *self, const struct flow_record *r, struct error *err)
{
	struct episodes *e = self;

	return decide(e, err) && startups_host_flow(e->startups, r, err);
}

/* Media flows, also of hosts without a client. */
static bool add_media(struct episodes *e, struct error *err)
{
	for (uint32_t i = 0; i < call_table_flow_count(e->setup->calls); i++) {
		const struct media_flow *media = call_table_flow_at(e->setup->calls, i);
		if (media->call && !scenes_call_flow(&e->scenes, media->call, media->report->flow, err))
			return false;
	}
	return true;
}

static bool put_startups(const struct episodes *e, struct sink *sink, struct error *err)
{
	for (uint32_t i = 0; i < startups_count(e->startups); i++) {
		const struct startup *at = startups_numbered(e->startups, i + 1);
		const struct startup_row row = {
			.id = at->number,
			.protocol = protocols[at->protocol]->name,
			.client = at->client,
			.began_ns = at->began_ns,
			.outcome = at->login_seen ? exchange_outcome_name(at->outcome) : "none",
			.version_flow = at->version_flow,
			.supernode_flow = at->supernode_flow,
			.login_flow = at->login_flow,
			.list_flow = at->list_flow,
			.udp_asked = at->udp_asked,
			.udp_answered = at->udp_answered,
			.udp_answer_ns = at->udp_answer_ns,
			.tcp_tried = at->tcp_tried,
			.tcp_first_ns = at->tcp_first_ns,
			.supernode_ns = at->supernode_ns,
			.login_ns = at->login_ns,
			.bytes_out = at->bytes_out,
			.bytes_in = at->bytes_in,
			.nodes_after = at->nodes_after,
			.icmp_echoes = at->icmp_echoes,
		};
		if (!sink->ops->put_startup(sink, &row, err))
			return false;
	}
	return true;
}

static bool put_searches(const struct episodes *e, struct sink *sink, struct error *err)
{
	for (uint32_t i = 0; i < searches_count(e->searches); i++) {
		const struct search *at = searches_at(e->searches, i);
		const struct search_row row = { .id = at->number,
						.protocol = protocols[at->protocol]->name,
						.client = at->client,
						.first_ns = at->first_ns,
						.last_ns = at->last_ns,
						.supernode_flow = at->supernode_flow,
						.nodes = at->nodes,
						.answered = at->answered,
						.waves = at->waves,
						.bytes_out = at->bytes_out,
						.bytes_in = at->bytes_in };
		if (!sink->ops->put_search(sink, &row, err))
			return false;
	}
	return true;
}

static bool put_scenes(struct episodes *e, struct sink *sink, struct error *err)
{
	struct scenes *s = &e->scenes;

	scenes_finish(s);
	for (uint32_t i = 0; i < s->count; i++) {
		const struct scene *at = &s->scene[i];
		int64_t last = at->window[1].to > at->window[0].to ? at->window[1].to : at->window[0].to;
		const struct scene_row row = { scene_kind_names[at->kind], at->number, at->client,
					       at->window[0].from, last };
		if (!sink->ops->put_scene(sink, &row, err))
			return false;
	}
	for (uint32_t i = 0; i < s->flows; i++) {
		const struct scene *at = &s->scene[s->flow[i].scene];
		const struct scene_flow_row row = { scene_kind_names[at->kind], at->number, s->flow[i].flow };
		if (!sink->ops->put_scene_flow(sink, &row, err))
			return false;
	}
	return true;
}

static void note_bounds(const struct episodes *e, struct problems *problems)
{
	uint64_t refused = startups_refused(e->startups) + searches_refused(e->searches);

	if (refused)
		problems_add(problems,
			     "%llu sessions, start-ups, their nodes or searches were beyond the bounds",
			     (unsigned long long)refused);
	/* Charts are examples: that there are not all of them makes no result incomplete. */
}

static bool put(void *self, struct sink *sink, struct problems *problems, struct error *err)
{
	struct episodes *e = self;

	if (!decide(e, err) || !add_media(e, err))
		return false;
	startups_finish(e->startups);
	note_bounds(e, problems);
	const struct counter_row scenes = { "bounds", "refused_scenes",
					    "start-ups, searches and calls that no chart is kept of",
					    e->scenes.refused };
	const struct counter_row flows = { "bounds", "refused_scene_flows",
					   "flows that are missing in a chart", e->scenes.refused_flows };
	return put_startups(e, sink, err) && put_searches(e, sink, err) && put_scenes(e, sink, err) &&
	       sink->ops->put_counter(sink, &scenes, err) && sink->ops->put_counter(sink, &flows, err);
}

const struct measurement measure_episodes = {
	.begin = begin, .survey = survey, .flow = flow, .host_flow = host_flow, .put = put, .drop = drop
};
