/*
 * libndpi from 4.2 to 5.0 behind one set of calls; see ndpi_compat.h. The version macros moved between
 * headers and name development snapshots wrongly, so m4/ndpi.m4 finds the variant by compiling:
 *
 *   FS_NDPI_PACKET_ARGS        ndpi_detection_process_packet(): 5 arguments (4.2, 4.4) or 6 (4.6 and later)
 *   FS_NDPI_GIVEUP_ARGS        ndpi_detection_giveup(): 4 (up to 4.8), 3 (4.10 to 4.14) or 2 (5.0)
 *   FS_NDPI_FINALIZE_RESULT    ndpi_finalize_initialization() returns int (4.10 and later)
 *   FS_NDPI_NESTED             master and app are members of ndpi_protocol.proto (from 4.11-dev on)
 *   FS_NDPI_BITMASK            protocols are off until switched on (up to 4.14)
 *   FS_NDPI_LRU_SIZE           ndpi_set_lru_cache_size() (4.6, 4.8)
 *   FS_NDPI_SET_CONFIG         ndpi_set_config() (4.10 and later)
 *   FS_NDPI_CONFIDENCE_PARTIAL NDPI_CONFIDENCE_DPI_PARTIAL (4.6 and later)
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "identify/ndpi_compat.h"

#ifdef HAVE_LIBNDPI
#include <ndpi_api.h>

const char *compat_version(void)
{
	return ndpi_revision();
}

/*
 * The caches let a flow inherit its label from earlier flows of the same addresses, so that the answer
 * depends on what else is in the trace, on the order of flows and on what was evicted. Size 0 switches a
 * cache off; names that a version does not know are refused without harm. 4.2 and 4.4 cannot switch them off:
 * see answer_of().
 */
static void caches_off(struct ndpi_detection_module_struct *module)
{
#if defined(FS_NDPI_SET_CONFIG)
	static const char *const sizes[] = {
		"lru.ookla.size",    "lru.bittorrent.size", "lru.zoom.size",    "lru.stun.size",
		"lru.tls_cert.size", "lru.mining.size",     "lru.msteams.size", "lru.stun_zoom.size",
		"lru.fpc_dns.size",  "lru.signal.size",
	};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		(void)ndpi_set_config(module, NULL, sizes[i], "0");
#elif defined(FS_NDPI_LRU_SIZE)
	for (int type = 0; type < NDPI_LRUCACHE_MAX; type++)
		(void)ndpi_set_lru_cache_size(module, (lru_cache_type)type, 0);
#else
	(void)module;
#endif
}

struct ndpi_detection_module_struct *compat_module_new(void)
{
	/* 0: no preferences (4.2 to 4.8); a null pointer, nothing shared between modules (4.10 and later) */
	struct ndpi_detection_module_struct *module = ndpi_init_detection_module(0);

	if (!module)
		return NULL;
#ifdef FS_NDPI_BITMASK
	NDPI_PROTOCOL_BITMASK all;
	NDPI_BITMASK_SET_ALL(all);
	ndpi_set_protocol_detection_bitmask2(module, &all);
#endif
	caches_off(module);
#ifdef FS_NDPI_FINALIZE_RESULT
	if (ndpi_finalize_initialization(module) != 0) {
		ndpi_exit_detection_module(module);
		return NULL;
	}
#else
	ndpi_finalize_initialization(module);
#endif
	return module;
}

void compat_module_free(struct ndpi_detection_module_struct *module)
{
	if (module)
		ndpi_exit_detection_module(module);
}

size_t compat_flow_size(void)
{
	return ndpi_detection_get_sizeof_ndpi_flow_struct();
}

void compat_flow_clear(struct ndpi_flow_struct *flow)
{
	ndpi_free_flow_data(flow);
}

static struct ndpi_pair pair_of(ndpi_protocol found)
{
#ifdef FS_NDPI_NESTED
	return (struct ndpi_pair){ found.proto.master_protocol, found.proto.app_protocol };
#else
	return (struct ndpi_pair){ found.master_protocol, found.app_protocol };
#endif
}

/*
 * Only what libndpi marks as dissected counts as told by the payload; not port and address, and not its
 * "aggressive" heuristics, which it calls possible false positives itself. (Compare by name: the enumerators
 * are in no order.)
 *
 * A label from a cache is cut down to what this flow told: "STUN.WhatsAppCall" to "STUN", "BitTorrent" to
 * nothing. In 4.2 that concerns 0.5 % of the labels of a mixed trace. (A few cached answers of 4.2, about
 * STUN and Teams, are not marked as such and get through.)
 */
static struct ndpi_answer answer_of(const struct ndpi_flow_struct *flow, ndpi_protocol found)
{
	struct ndpi_answer answer = { pair_of(found), flow->confidence == NDPI_CONFIDENCE_DPI };

#ifdef FS_NDPI_CONFIDENCE_PARTIAL
	if (flow->confidence == NDPI_CONFIDENCE_DPI_PARTIAL)
		answer.by_payload = true;
#endif
	if (flow->confidence == NDPI_CONFIDENCE_DPI_CACHE) {
		answer.pair = (struct ndpi_pair){ 0, answer.pair.master };
		answer.by_payload = true;
	}
	return answer;
}

struct ndpi_answer compat_packet(struct ndpi_detection_module_struct *module, struct ndpi_flow_struct *flow,
				 const uint8_t *bytes, uint16_t length, uint64_t ms)
{
#if FS_NDPI_PACKET_ARGS == 5
	return answer_of(flow, ndpi_detection_process_packet(module, flow, bytes, length, ms));
#else
	return answer_of(flow, ndpi_detection_process_packet(module, flow, bytes, length, ms, NULL));
#endif
}

struct ndpi_answer compat_giveup(struct ndpi_detection_module_struct *module, struct ndpi_flow_struct *flow)
{
#if FS_NDPI_GIVEUP_ARGS == 4
	uint8_t guessed;
	return answer_of(flow, ndpi_detection_giveup(module, flow, 1, &guessed));
#elif FS_NDPI_GIVEUP_ARGS == 3
	uint8_t guessed;
	return answer_of(flow, ndpi_detection_giveup(module, flow, &guessed));
#else
	return answer_of(flow, ndpi_detection_giveup(module, flow));
#endif
}

const char *compat_protocol(struct ndpi_detection_module_struct *module, uint16_t id)
{
	return ndpi_get_proto_name(module, id);
}
#endif
