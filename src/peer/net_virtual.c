#include "peer/virtual.h"
#include "peer/version.h"
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY 4096U /* events: at what the wire says */

static const size_t block_sizes[BLOCK_CLASSES] = { 128, 2048, 16384, 131072 };

void virtual_fail(struct virtual_net *v, enum exit_status status, const char *what)
{
	if (!v->has_failed)
		error_set(&v->failed, status, "%s", what);
	v->has_failed = true;
}

void *virtual_memory(struct virtual_net *v, void *p)
{
	if (!p)
		virtual_fail(v, EXIT_INTERNAL, "out of memory for the virtual net");
	return p;
}

void virtual_at(struct virtual_net *v, int64_t ns, queue_fn fn, void *self, uint64_t what)
{
	if (!queue_push(v->queue, ns, fn, self, what))
		virtual_memory(v, NULL);
}

static unsigned block_class(size_t size)
{
	unsigned c = 0;

	while (c < BLOCK_CLASSES && size > block_sizes[c])
		c++;
	return c;
}

uint8_t *virtual_block(struct virtual_net *v, const uint8_t *bytes, size_t size)
{
	unsigned c = block_class(size);

	if (c == BLOCK_CLASSES) {
		virtual_fail(v, EXIT_INTERNAL, "a role sends a message of more than 128 KiB");
		return NULL;
	}
	uint8_t *block = virtual_memory(v, slab_get(v->blocks[c]));
	if (block)
		memcpy(block, bytes, size);
	return block;
}

void virtual_unblock(struct virtual_net *v, uint8_t *block, size_t size)
{
	slab_put(v->blocks[block_class(size)], block);
}

static int64_t now(const struct net *net)
{
	return ((const struct virtual_net *)net)->now;
}

static void timer(struct net *net, int64_t delay_ns, net_timer_fn fn, void *self, uint64_t what)
{
	struct virtual_net *v = (struct virtual_net *)net;

	virtual_at(v, v->now + delay_ns, fn, self, what);
}

static struct host *attach(struct net *net, const struct party *party, const struct host_handlers *handlers,
			   void *self, struct error *err)
{
	struct virtual_net *v = (struct virtual_net *)net;
	struct station *s = &v->stations[party->number];

	if (station_attached(s)) {
		error_set(err, EXIT_INTERNAL, "%s is attached to the net already", party->name);
		return NULL;
	}
	s->host = (struct host){ .net = net, .party = party, .handlers = handlers, .self = self };
	return &s->host;
}

static void detach(struct host *host)
{
	virtual_links_close(station_of(host));
	host->handlers = NULL;
	host->self = NULL;
}

static void tell(struct net *net, const struct fact *fact)
{
	struct virtual_net *v = (struct virtual_net *)net;

	if (fact->party->inside)
		truth_fact(v->truth, fact, v->stations[fact->party->number].client,
			   fact->link ? virtual_link_conversation(fact->link) : NULL, v->now);
}

static const struct net_ops ops = {
	.now = now,
	.after = timer,
	.attach = attach,
	.detach = detach,
	.send = virtual_send,
	.ping = virtual_ping,
	.connect = virtual_connect,
	.link_send = virtual_link_send,
	.link_close = virtual_link_close,
	.tell = tell,
};

static uint32_t add_client(struct virtual_net *v, const struct party *party)
{
	const struct truth_client client = {
		.name = party->name,
		.address = party->address,
		.public_ip = party->public_ip == party->address.ip ? 0 : party->public_ip,
		.version = party->version ? party->version->name : "",
		.setup = network_name(party->network),
		.supernode = party->kind == PARTY_SUPERNODE,
		.setup_hidden = party->setup_hidden,
	};

	if (!party->inside || (party->kind != PARTY_CLIENT && party->kind != PARTY_SUPERNODE))
		return 0;
	return truth_add_client(v->truth, &client);
}

static bool make_stations(struct virtual_net *v, struct error *err)
{
	const struct scenario *scenario = v->scenario;

	v->stations = calloc(scenario->parties ? scenario->parties : 1, sizeof *v->stations);
	if (!v->stations)
		return error_memory(err, "the parties of the virtual net");
	for (size_t i = 0; i < scenario->parties; i++) {
		struct station *s = &v->stations[i];
		s->net = v;
		s->party = &scenario->party[i];
		s->client = add_client(v, s->party);
		s->port = (uint16_t)rng_next(&v->rng);
		s->echo = (uint16_t)rng_next(&v->rng);
	}
	return virtual_places_new(v, err);
}

static bool make_pools(struct virtual_net *v, struct error *err)
{
	v->queue = queue_new();
	v->way_slab = slab_new(sizeof(struct way), 1024);
	bool ok = v->queue && v->way_slab && virtual_udp_new(v) && virtual_tcp_new(v);
	for (unsigned c = 0; c < BLOCK_CLASSES; c++) {
		v->blocks[c] = slab_new(block_sizes[c], block_sizes[BLOCK_CLASSES - 1] / block_sizes[c]);
		ok = ok && v->blocks[c];
	}
	return ok || error_memory(err, "the virtual net");
}

struct net *net_virtual_new(const struct scenario *scenario, struct wire *wire, struct truth *truth,
			    struct error *err)
{
	struct virtual_net *v = calloc(1, sizeof *v);

	if (!v) {
		error_memory(err, "the virtual net");
		return NULL;
	}
	v->net.ops = &ops;
	v->scenario = scenario;
	v->wire = wire;
	v->truth = truth;
	v->now = scenario->begins_ns;
	v->rng = rng_seeded(scenario->seed);
	if (!make_pools(v, err) || !make_stations(v, err)) {
		net_virtual_free(&v->net);
		return NULL;
	}
	return &v->net;
}

void net_virtual_free(struct net *net)
{
	struct virtual_net *v = (struct virtual_net *)net;

	if (!v)
		return;
	for (unsigned c = 0; c < BLOCK_CLASSES; c++)
		slab_free(v->blocks[c]);
	slab_free(v->way_slab);
	slab_free(v->datagram_slab);
	slab_free(v->flight_slab);
	slab_free(v->connection_slab);
	queue_free(v->queue);
	free(v->ways);
	free(v->places);
	free(v->stations);
	free(v);
}

bool net_virtual_run(struct net *net, int64_t ends_ns, struct error *err)
{
	struct virtual_net *v = (struct virtual_net *)net;
	struct queue_event event;
	const char *failed = NULL;

	for (unsigned n = 1;
	     !v->has_failed && !failed && !net->out_of_memory && queue_pop(v->queue, ends_ns, &event); n++) {
		v->now = event.ns > v->now ? event.ns : v->now;
		event.fn(event.self, event.what);
		if (n % LOOK_EVERY == 0)
			failed = wire_failed(v->wire);
	}
	if (queue_failed(v->queue) || net->out_of_memory)
		virtual_memory(v, NULL);
	if (v->has_failed) {
		if (err)
			*err = v->failed;
		return false;
	}
	failed = wire_failed(v->wire);
	return !failed || error_set(err, EXIT_OUTPUT, "%s", failed);
}
