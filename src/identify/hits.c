/* The hits of flows that live; see hits.h. */
#include "identify/hits.h"
#include "base/slab.h"
#include "identify/identify.h"
#include "identify/patterns.h"
#include <stdlib.h>

/* One hit. Few flows have any, and those that do have one or two. */
struct flow_hit {
	struct flow_hit *next; /* a later packet's, or the same one's */
	int64_t ts_ns;
	uint64_t packet;
	uint8_t pattern, dir;
};

struct hits {
	struct patterns *patterns;
	struct slab *pool;
	uint64_t refused, untold;
};

struct hits *hits_new(struct error *err)
{
	struct hits *h = calloc(1, sizeof *h);

	if (!h) {
		error_memory(err, "the hits of patterns");
		return NULL;
	}
	h->patterns = patterns_new(err);
	h->pool = slab_new(sizeof(struct flow_hit), 256);
	if (!h->pool && h->patterns)
		error_memory(err, "the hits of patterns");
	if (!h->patterns || !h->pool) {
		hits_free(h);
		return NULL;
	}
	return h;
}

void hits_free(struct hits *h)
{
	if (!h)
		return;
	patterns_free(h->patterns);
	slab_free(h->pool);
	free(h);
}

static void note_hit(struct hits *h, const struct packet *packet, struct flow *flow, enum direction dir,
		     uint8_t pattern)
{
	struct flow_hit **at = &flow->id.hits, *hit;

	for (; *at; at = &(*at)->next)
		if ((*at)->pattern == pattern && (*at)->dir == (uint8_t)dir)
			return;
	hit = slab_in_use(h->pool) < PATTERN_HITS_MAX ? slab_get(h->pool) : NULL;
	if (!hit) {
		h->refused++;
		return;
	}
	*hit = (struct flow_hit){ NULL, packet->ts_ns, packet->number, pattern, (uint8_t)dir };
	*at = hit;
}

void hits_packet(struct hits *h, const struct packet *packet, struct flow *flow, enum direction dir)
{
	uint32_t fits = patterns_fit(h->patterns, packet->key.l4, packet->payload, packet->payload_wire);

	for (; fits; fits &= fits - 1)
		note_hit(h, packet, flow, dir, (uint8_t)__builtin_ctz(fits));
	if (packet->l3.len < packet->l3_wire &&
	    patterns_untold(h->patterns, packet->key.l4, packet->payload, packet->payload_wire))
		h->untold++;
}

void hits_ended(struct hits *h, struct flow *flow, const struct observer *observer)
{
	struct flow_hit *hit;

	while ((hit = flow->id.hits)) {
		flow->id.hits = hit->next;
		observer->hit(observer->self, &(struct pattern_hit){ .ts_ns = hit->ts_ns,
								     .packet = hit->packet,
								     .flow = flow->first_packet,
								     .pattern = hit->pattern,
								     .dir = hit->dir });
		slab_put(h->pool, hit);
	}
}

uint64_t hits_refused(const struct hits *h)
{
	return h->refused;
}

uint64_t hits_untold(const struct hits *h)
{
	return h->untold;
}
