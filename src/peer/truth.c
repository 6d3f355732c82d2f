/* Conversations, and the flows that they fall into; see truth.h. */
#include "peer/truth.h"
#include "peer/truth_parts.h"
#include <stdlib.h>
#include <string.h>

bool truth_fail(struct truth *t, enum exit_status status, const char *what)
{
	if (t->failed.status == EXIT_COMPLETE)
		error_set(&t->failed, status, "%s", what);
	return false;
}

char *truth_copy(struct truth *t, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		error_memory(&t->failed, "the truth");
	return copy;
}

bool truth_grow(struct truth *t, void *rows, uint32_t *used, uint32_t *room, size_t row_size)
{
	void *array;

	memcpy(&array, rows, sizeof array);
	if (!rows_reserve(&array, *used, room, row_size))
		return error_memory(&t->failed, "the truth");
	memcpy(rows, &array, sizeof array);
	memset((char *)array + (size_t)*used * row_size, 0, row_size);
	++*used;
	return true;
}

/* --- clients, peers, conversations --- */

uint32_t truth_add_client(struct truth *t, const struct truth_client *client)
{
	if (!truth_grow(t, &t->client, &t->clients, &t->client_room, sizeof *t->client))
		return 0;
	t->client[t->clients - 1] = (struct client_truth){
		.address = client->address,
		.public_ip = client->public_ip ? client->public_ip : client->address.ip,
		.name = truth_copy(t, client->name),
		.version = truth_copy(t, client->version),
		.setup = truth_copy(t, client->setup),
		.hidden = truth_copy(t, client->setup_hidden),
		.supernode = client->supernode,
	};
	if (!row_index_add(&t->client_at, truth_hash(client->address.ip, client->address.port),
			   t->clients - 1))
		error_memory(&t->failed, "the truth");
	return t->clients;
}

/* The number of the client with this address; 0: it is none. */
static uint32_t client_at(const struct truth *t, struct endpoint address)
{
	uint32_t at = 0, row;

	while ((row = row_index_probe(&t->client_at, truth_hash(address.ip, address.port), &at)) != ROW_NONE)
		if (endpoint_equal(t->client[row].address, address))
			return row + 1;
	return 0;
}

uint32_t truth_add_peer(struct truth *t, struct endpoint address)
{
	uint64_t hash = truth_hash(address.ip, address.port);
	uint32_t at = 0, row;

	while ((row = row_index_probe(&t->peer_at, hash, &at)) != ROW_NONE)
		if (endpoint_equal(t->peer[row], address))
			return row + 1;
	if (!truth_grow(t, &t->peer, &t->peers, &t->peer_room, sizeof *t->peer))
		return 0;
	t->peer[t->peers - 1] = address;
	if (!row_index_add(&t->peer_at, hash, t->peers - 1))
		error_memory(&t->failed, "the truth");
	return t->peers;
}

static struct conversation *conversation_at(const struct truth *t, uint32_t i)
{
	return &t->chunk[i / TRUTH_CHUNK][i % TRUTH_CHUNK];
}

struct conversation *truth_conversation(struct truth *t, enum truth_proto proto, struct endpoint near,
					struct endpoint far, enum purpose purpose, uint32_t client,
					uint32_t peer)
{
	uint32_t chunks = t->conversations / TRUTH_CHUNK;

	if (t->conversations % TRUTH_CHUNK == 0) {
		struct conversation *chunk = NULL;
		uint32_t used = chunks;
		if (truth_grow(t, &t->chunk, &used, &t->chunk_room, sizeof(struct conversation *)))
			t->chunk[chunks] = chunk = calloc(TRUTH_CHUNK, sizeof *chunk);
		if (!chunk) {
			error_memory(&t->failed, "the truth");
			return NULL;
		}
	}
	struct conversation *c = conversation_at(t, t->conversations++);
	c->near = near;
	c->far = far;
	c->client = client;
	c->peer = peer;
	c->proto = (uint8_t)proto;
	c->purpose = (uint8_t)purpose;
	return c;
}

/* --- flows (D1, D2) --- */

static bool is_overlay(const struct conversation *c)
{
	return c->proto != TRUTH_ICMP && c->purpose != PURPOSE_OTHER;
}

static const char *flow_label(const struct conversation *c)
{
	if (!is_overlay(c))
		return "other";
	if (c->proto == TRUTH_UDP)
		return "skype-udp";
	switch ((enum purpose)c->purpose) {
	case PURPOSE_LOGIN:
		return "skype-login";
	case PURPOSE_CONTACT_LIST:
		return "skype-contact-list";
	case PURPOSE_VERSION_CHECK:
		return "skype-http";
	case PURPOSE_TLS:
		return "skype-tls";
	default:
		return "skype-tcp";
	}
}

static const char *flow_role(const struct conversation *c)
{
	if (!is_overlay(c))
		return NULL;
	if (c->media)
		return "media";
	if (c->proto == TRUTH_UDP)
		return "signalling";
	switch ((enum purpose)c->purpose) {
	case PURPOSE_SUPERNODE:
		return "supernode";
	case PURPOSE_NODE:
	case PURPOSE_SIGNALLING:
	case PURPOSE_MEDIA:
		return "node";
	case PURPOSE_LOGIN:
		return "login";
	case PURPOSE_CONTACT_LIST:
		return "contact_list";
	case PURPOSE_VERSION_CHECK:
		return "version_check";
	default:
		return NULL;
	}
}

static void flow_write(struct truth *t, const struct conversation *c)
{
	static const char *const protos[] = { "udp", "tcp", "icmp" };
	struct truth_file *f = t->file;
	unsigned out = c->near_first ? 0 : 1;

	row_begin(f, TRUTH_flows);
	row_int(f, (int64_t)c->first_packet);
	row_text(f, protos[c->proto]);
	row_socket(f, out ? c->far : c->near);
	row_socket(f, out ? c->near : c->far);
	row_int(f, c->first_ns);
	row_int(f, c->last_ns);
	row_int(f, (int64_t)c->last_packet);
	row_int(f, c->packets[out]);
	row_int(f, c->packets[!out]);
	row_int(f, (int64_t)c->payload[out]);
	row_int(f, (int64_t)c->payload[!out]);
	row_text(f, flow_label(c));
	row_text(f, is_overlay(c) ? TRUTH_PROTOCOL : NULL);
	row_text(f, flow_role(c));
	row_number(f, c->client);
	row_end(f);
}

static void queue_leave(struct truth *t, struct conversation *c)
{
	*(c->older ? &c->older->newer : &t->oldest) = c->newer;
	*(c->newer ? &c->newer->older : &t->newest) = c->older;
	c->older = c->newer = NULL;
}

static void queue_enter(struct truth *t, struct conversation *c)
{
	c->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = c;
	t->newest = c;
}

static void flow_end(struct truth *t, struct conversation *c)
{
	queue_leave(t, c);
	flow_write(t, c);
	if (c->proto == TRUTH_UDP && is_overlay(c)) {
		if (c->client && c->peer)
			truth_pair_flow(t, c, c->client, c->peer, true);
		/* Between two clients: it is a pair of each. */
		uint32_t other = client_at(t, c->far);
		if (other && other != c->client)
			truth_pair_flow(t, c, other, truth_add_peer(t, c->near), false);
	}
	c->first_packet = 0;
	c->packets[0] = c->packets[1] = 0;
	c->payload[0] = c->payload[1] = 0;
	c->media = false;
}

static bool is_over(const struct conversation *c, int64_t ns) /* D1 */
{
	return ns - c->last_ns > TRUTH_IDLE_NS;
}

void truth_packet(struct truth *t, struct conversation *c, uint64_t number, int64_t ns, bool from_near,
		  size_t payload, enum purpose purpose)
{
	unsigned way = from_near ? 0 : 1;

	if (!c)
		return;
	if (c->first_packet && is_over(c, ns))
		flow_end(t, c);
	/* The others' rows are written now as well, so that they come in about the order of their numbers:
	 * that is five times as fast as all at the end. */
	while (t->oldest && is_over(t->oldest, ns))
		flow_end(t, t->oldest);
	if (c->first_packet)
		queue_leave(t, c);
	queue_enter(t, c);
	if (!c->first_packet) {
		c->first_packet = number;
		c->first_ns = ns;
		c->near_first = from_near;
	}
	c->last_packet = number;
	c->last_ns = ns;
	c->packets[way]++;
	c->payload[way] += payload;
	/* A UDP port is the overlay's if anything that is said over it is. */
	if (c->proto == TRUTH_UDP && purpose != PURPOSE_OTHER)
		c->purpose = PURPOSE_SIGNALLING;
	if (purpose == PURPOSE_MEDIA && payload) {
		c->media = true;
		truth_media(t, c, ns, from_near, payload);
	}
	if (!t->extent_set) {
		if (!t->packets)
			t->first_ns = ns;
		t->packets = number;
		t->last_ns = ns;
	}
}

void truth_set_extent(struct truth *t, uint64_t packets, int64_t first_ns, int64_t last_ns)
{
	t->extent_set = true;
	t->packets = packets;
	t->first_ns = first_ns;
	t->last_ns = last_ns;
}

/* --- the file --- */

struct truth *truth_open(const char *path, const struct truth_run *run, struct error *err)
{
	struct truth *t = calloc(1, sizeof *t);

	if (!t) {
		error_memory(err, "the truth");
		return NULL;
	}
	if (path && !(t->file = truth_file_open(path, err))) {
		free(t);
		return NULL;
	}
	t->scenario = truth_copy(t, run->scenario);
	t->title = truth_copy(t, run->title);
	t->generator = truth_copy(t, run->generator);
	t->options = truth_copy(t, run->options);
	t->local_net = truth_copy(t, run->local_net);
	t->seed = run->seed;
	return t;
}

static void truth_free(struct truth *t)
{
	for (uint32_t i = 0; i < t->conversations; i += TRUTH_CHUNK)
		free(t->chunk[i / TRUTH_CHUNK]);
	for (uint32_t i = 0; i < t->clients; i++) {
		free(t->client[i].name);
		free(t->client[i].version);
		free(t->client[i].setup);
		free(t->client[i].hidden);
	}
	for (uint32_t i = 0; i < t->calls; i++)
		free(t->call[i].codec);
	free(t->chunk);
	free(t->client);
	free(t->peer);
	free(t->pair);
	free(t->startup);
	free(t->call);
	free(t->hold);
	row_index_drop(&t->client_at);
	row_index_drop(&t->peer_at);
	row_index_drop(&t->pair_of);
	free(t->scenario);
	free(t->title);
	free(t->generator);
	free(t->options);
	free(t->local_net);
	free(t);
}

void truth_abandon(struct truth *t)
{
	if (!t)
		return;
	truth_file_abandon(t->file);
	truth_free(t);
}

void truth_add_input(struct truth *t, const char *path, uint64_t frames)
{
	row_begin(t->file, TRUTH_inputs);
	row_int(t->file, ++t->inputs);
	row_text(t->file, path);
	row_int(t->file, (int64_t)frames);
	row_end(t->file);
}

void truth_add_place(struct truth *t, uint32_t ip, const char *continent, const char *country,
		     const char *country_name, const char *city, double latitude, double longitude)
{
	row_begin(t->file, TRUTH_places);
	row_ip(t->file, ip);
	row_text(t->file, continent);
	row_text(t->file, country);
	row_text(t->file, country_name);
	row_text(t->file, city);
	row_real(t->file, latitude);
	row_real(t->file, longitude);
	row_end(t->file);
}

static void clients_write(struct truth *t)
{
	struct truth_file *f = t->file;

	for (uint32_t i = 0; i < t->clients; i++) {
		const struct client_truth *c = &t->client[i];
		row_begin(f, TRUTH_clients);
		row_int(f, i + 1);
		row_text(f, c->name);
		row_text(f, TRUTH_PROTOCOL);
		row_socket(f, c->address);
		row_ip(f, c->public_ip);
		row_int(f, c->public_ip != c->address.ip);
		row_text(f, c->version);
		row_text(f, c->supernode ? "supernode" : "client");
		if (c->seen) {
			row_int(f, c->first_ns);
			row_int(f, c->last_ns);
		} else {
			row_null(f);
			row_null(f);
		}
		row_end(f);
		row_begin(f, TRUTH_setups);
		row_int(f, i + 1);
		row_text(f, c->setup);
		row_text(f, c->hidden);
		row_end(f);
	}
}

static void run_write(struct truth *t, const char *capture, const char *sha256)
{
	struct truth_file *f = t->file;

	row_begin(f, TRUTH_runs);
	row_text(f, t->generator);
	row_text(f, t->scenario);
	row_text(f, t->title);
	row_int(f, (int64_t)t->seed);
	row_text(f, t->options);
	row_text(f, t->local_net);
	row_text(f, capture);
	row_text(f, sha256 && *sha256 ? sha256 : NULL);
	row_int(f, TRUTH_IDLE_NS);
	if (t->packets) {
		row_int(f, t->first_ns);
		row_int(f, t->last_ns);
	} else {
		row_null(f);
		row_null(f);
	}
	row_int(f, (int64_t)t->packets);
	row_end(f);
}

bool truth_close(struct truth *t, const char *capture, const char *sha256, struct error *err)
{
	const char *name = capture ? strrchr(capture, '/') : NULL;

	while (t->oldest)
		flow_end(t, t->oldest);
	clients_write(t);
	truth_write_pairs(t);
	truth_write_facts(t);
	run_write(t, name ? name + 1 : capture, sha256);

	bool ok = t->failed.status == EXIT_COMPLETE;
	if (ok) {
		ok = !t->file || truth_file_close(t->file, err);
	} else {
		*err = t->failed;
		truth_file_abandon(t->file);
	}
	truth_free(t);
	return ok;
}
