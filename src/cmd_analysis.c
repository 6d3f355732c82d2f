/* How packets are analysed: options to what they open. See cmd_analysis.h. */
#include "cmd_analysis.h"
#include "base/clock.h"
#include <stdlib.h>
#include <sys/resource.h>

#define IDLE_MAX_NS (366 * 86400 * NS_PER_S) /* leaves room for times up to 2116 in 64 bits */

enum { FLOWS_RECOGNISED, FLOWS_ALL };
const char *const analysis_flow_choices[] = { "recognised", "all", NULL };

bool analysis_check(const struct analysis_given *given, struct error *err)
{
	if (given->idle_ns <= 0 || given->idle_ns > IDLE_MAX_NS)
		return error_set(err, EXIT_USAGE,
				 "--idle: the timeout must be longer than 0 and at most 366 days");
	if (!(given->suspect_bits > 0) || !(given->verdict_bits >= given->suspect_bits))
		return error_set(err, EXIT_USAGE,
				 "--suspect-bits %g, --verdict-bits %g: more than 0 bits are needed to "
				 "suspect a socket, and as many or more to recognise it",
				 given->suspect_bits, given->verdict_bits);
	if (given->anonymize && (given->geo || given->asn))
		return error_set(err, EXIT_USAGE,
				 "--anonymize does not go with --%s: where a pseudonym is says nothing about "
				 "where its address is",
				 given->geo ? "geo" : "asn");
	/* Tables are indexed with 32 bits. */
	return option_within("max-flows", given->max_flows, 16, 1U << 30, err) &&
	       option_within("max-sockets", given->max_sockets, 16, 1U << 30, err) &&
	       option_within("max-pairs", given->max_pairs, 16, 1U << 30, err) &&
	       option_within("head", given->head_bytes, 512, 65536, err) &&
	       option_within("ndpi-packets", given->ndpi_packets, 1, 200, err);
}

/* A set that is being translated. */
struct translation {
	const struct cryptopan *pan;
	struct netset *into;
	struct error *err;
};

static bool add_pseudonym(void *self, const struct ip_prefix *p)
{
	const struct translation *t = self;
	struct ip_prefix pseudonym = *p;
	char text[IP_PREFIX_TEXT];

	pseudonym.ip = cryptopan_prefix(t->pan, &p->ip, p->bits);
	ip_prefix_format(&pseudonym, text);
	return netset_add(t->into, text, t->err);
}

/* A new set: the networks of the list, or the private ones when it is empty; through pan where there is one.
 */
static struct netset *nets_open(const struct option_list *nets, const struct cryptopan *pan,
				struct error *err)
{
	struct netset *set = netset_new(), *into = pan ? netset_new() : NULL;
	struct translation t = { pan, into, err };
	bool ok = (set && (into || !pan)) || error_memory(err, "the internal networks");

	if (ok && nets->count == 0)
		netset_add_private(set);
	for (size_t i = 0; ok && i < nets->count; i++)
		ok = netset_add(set, nets->items[i], err);
	ok = ok && (!pan || netset_each(set, add_pseudonym, &t));
	if (pan || !ok)
		netset_free(set);
	if (!ok)
		netset_free(into);
	if (!ok)
		return NULL;
	return pan ? into : set;
}

static bool open_nets(struct analysis *a, const struct analysis_given *given, struct error *err)
{
	const struct cryptopan *pan = given->pseudonyms ? NULL : a->pan;

	a->internal = nets_open(&given->local_nets, pan, err);
	a->private_nets = a->internal ? nets_open(&given->private_nets, pan, err) : NULL;
	return a->private_nets;
}

static bool open_wishes(struct analysis *a, const struct analysis_given *given, struct error *err)
{
	if (!wishes_parse(&a->wishes, &given->activity, err))
		return false;
	if (a->pan && !given->pseudonyms)
		for (uint32_t i = 0; i < a->wishes.used; i++) {
			struct ip *ip = &a->wishes.item[i].socket.ip;
			*ip = cryptopan_ip(a->pan, ip);
		}
	return true;
}

static bool open_files(struct analysis *a, const struct analysis_given *given, struct error *err)
{
	a->models =
		given->voice_models ? voice_models_load(given->voice_models, err) : voice_models_builtin(err);
	if (!a->models)
		return false;
	if (given->geo || given->asn)
		a->places = places_open(given->geo, given->asn, err);
	return a->places || (!given->geo && !given->asn);
}

/*
 * libcrypto keeps the key in memory of its own, which would be in a core dump. Of one byte: the kernel writes
 * no such file, and starts no program that would take the dump; programs that do may ignore a limit of 0.
 */
static bool open_key(struct analysis *a, const char *key_file, struct error *err)
{
	struct rlimit core = { 0 };

	a->pan = cryptopan_open(key_file, err);
	if (a->pan) {
		getrlimit(RLIMIT_CORE, &core);
		core.rlim_cur = core.rlim_max = core.rlim_max > 0;
		(void)setrlimit(RLIMIT_CORE, &core);
	}
	return a->pan;
}

bool analysis_open(struct analysis *a, const struct analysis_given *given, struct error *err)
{
	*a = (struct analysis){ .pan = NULL };
	if (!analysis_check(given, err))
		return false;
	if ((given->anonymize && !open_key(a, given->anonymize, err)) || !open_nets(a, given, err) ||
	    !open_wishes(a, given, err) || !open_files(a, given, err)) {
		analysis_close(a);
		return false;
	}
	a->worker = (struct worker_options){
		.decode = { .tunnels = given->tunnels },
		.flows = { .idle_ns = given->idle_ns,
			   .max_flows = (uint32_t)given->max_flows,
			   .head_bytes = (uint32_t)given->head_bytes },
		.ndpi = !given->no_ndpi && ndpi_bridge_available(),
		.ndpi_packets = (unsigned)given->ndpi_packets,
		.models = a->models,
	};
	a->aggregate = (struct aggregate_options){
		.sockets = { .max_sockets = (uint32_t)given->max_sockets,
			     .verdict_bits = (float)given->verdict_bits,
			     .suspect_bits = (float)given->suspect_bits,
			     .internal = a->internal },
		.models = a->models,
		.max_pairs = (uint32_t)given->max_pairs,
		.measure = { .activity = a->wishes.count,
			     .wishes = a->wishes.used,
			     .wish = a->wishes.item,
			     .places = a->places,
			     .private_nets = a->private_nets },
		.all_flows = given->flows == FLOWS_ALL,
	};
	return true;
}

void analysis_close(struct analysis *a)
{
	places_close(a->places);
	voice_models_free(a->models);
	netset_free(a->private_nets);
	netset_free(a->internal);
	cryptopan_close(a->pan);
	*a = (struct analysis){ .pan = NULL };
}
