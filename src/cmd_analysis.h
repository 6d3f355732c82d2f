/*
 * How packets are analysed, as the user said: options that read, live, merge and verify share, and what they
 * open.
 */
#ifndef FS_CMD_ANALYSIS_H
#define FS_CMD_ANALYSIS_H
#include "base/cryptopan.h"
#include "base/options.h"
#include "cmd_wishes.h"
#include "identify/ndpi_bridge.h"
#include "store/aggregate.h"
#include "store/places.h"
#include "store/worker.h"
#include <sqlite3.h>

/* Values of the options; ANALYSIS_DEFAULTS and ANALYSIS_OPTIONS(given) (rows of struct option) belong to it.
 */
struct analysis_given {
	const char *filter, *voice_models, *geo, *asn, *anonymize;
	bool tunnels, no_ndpi;
	int flows; /* index into analysis_flow_choices */
	int64_t idle_ns;
	struct option_list local_nets, activity;
	uint64_t ndpi_packets, head_bytes, max_flows, max_sockets, max_pairs;
	double verdict_bits, suspect_bits;
	/* Of analysis_given_from(): local_nets and activity are pseudonyms already, and so are the private
	 * ranges, which only the key could tell otherwise. */
	bool pseudonyms;
	struct option_list private_nets;
};
extern const char *const analysis_flow_choices[]; /* "recognised", "all" */

/* What is opened after the options are checked; borrowed by pipelines and stores. It stays where it is. */
struct analysis {
	struct netset *internal; /* of pseudonyms with --anonymize, as everything behind the worker sees only
				    those */
	struct netset *private_nets; /* likewise the private ranges, whether internal or not */
	struct voice_models *models;
	struct places *places;
	struct activity_wishes wishes;
	struct cryptopan *pan; /* NULL: addresses as they are */
	struct worker_options worker;
	struct aggregate_options aggregate; /* strict: the caller's */
};
/* Checks and opens; on failure everything is closed again. */
bool analysis_open(struct analysis *a, const struct analysis_given *given, struct error *err);
void analysis_close(struct analysis *a);
/* The checks alone: what needs no file. */
bool analysis_check(const struct analysis_given *given, struct error *err);

#define ANALYSIS_WITHHELD                                                                                    \
	"(withheld)" /* what a manifest says in place of a value that may hold an address                    \
		      */
/*
 * The manifest's options: options_json_text() of the command, but with --anonymize without any address: local
 * networks (also those by default) and sockets of --activity as pseudonyms, other values that can hold one
 * ANALYSIS_WITHHELD. One key more then: "private-net", the pseudonyms of the private ranges.
 */
char *analysis_manifest(const struct analysis *a, const struct command *command, struct error *err);
/* The options that a run in a database was made with (runs.options), where they are of this kind; texts live
 * until analysis_given_free(). local_nets: as they were used, so pseudonyms stay as they are (*anonymized,
 * and given->pseudonyms; given->anonymize is NULL: which key is the caller's affair). filter may be
 * ANALYSIS_WITHHELD.
 */
bool analysis_given_from(struct analysis_given *given, sqlite3 *db, int64_t run, bool *anonymized,
			 struct error *err);
void analysis_given_free(struct analysis_given *given);

#define ANALYSIS_DEFAULTS                                                                                    \
	{                                                                                                    \
		.idle_ns = FLOW_IDLE_DEFAULT_NS, .ndpi_packets = NDPI_PACKETS_DEFAULT,                       \
		.head_bytes = FLOW_HEAD_DEFAULT, .max_flows = FLOW_MAX_DEFAULT,                              \
		.max_sockets = SOCKETS_MAX_DEFAULT, .max_pairs = PAIRS_MAX_DEFAULT,                          \
		.verdict_bits = (double)VERDICT_BITS_DEFAULT, .suspect_bits = (double)SUSPECT_BITS_DEFAULT,  \
	}

/* In two halves, as `read` has a row of its own between them. */
#define ANALYSIS_OPTIONS(given) ANALYSIS_OPTIONS_WHAT(given), ANALYSIS_OPTIONS_BOUNDS(given)
/* clang-format off */
#define ANALYSIS_OPTIONS_WHAT(given) \
	{ "flows", 0, OPTION_CHOICE, &(given).flows, "WHICH", \
	  "Which flows get a row: the recognised ones and those that are like a voice, or all. Totals always " \
	  "cover all.", \
	  "recognised", analysis_flow_choices }, \
	{ "filter", 'f', OPTION_TEXT, &(given).filter, "EXPR", \
	  "Read only packets that match this BPF expression, as in tcpdump: 'host 192.168.1.2 and udp'.", \
	  NULL, NULL }, \
	{ "local-net", 0, OPTION_LIST, &(given).local_nets, "CIDR", \
	  "A prefix of the internal network. Sockets inside it are the clients that are looked for.", \
	  "private and link-local addresses", NULL }, \
	{ "idle", 0, OPTION_DURATION, &(given).idle_ns, "TIME", \
	  "Inactivity timeout: a flow ends after more than this without a packet (200s, 5m, 1h30m).", "200s", \
	  NULL }, \
	{ "tunnels", 0, OPTION_FLAG, &(given).tunnels, NULL, \
	  "Look inside tunnels (IP in IP, GRE, GTP-U, VXLAN, Geneve, Teredo, L2TP ...) and count the " \
	  "innermost flow.", \
	  NULL, NULL }, \
	{ "no-ndpi", 0, OPTION_FLAG, &(given).no_ndpi, NULL, \
	  "Do not ask libndpi what the other flows are: twice as fast, but their labels are 'unknown'.", NULL, \
	  NULL }, \
	{ "ndpi-packets", 0, OPTION_COUNT, &(given).ndpi_packets, "N", \
	  "Packets with payload that libndpi may see of each flow.", "16", NULL }, \
	{ "voice-models", 0, OPTION_TEXT, &(given).voice_models, "FILE", \
	  "What the messages of voice codecs look like, for calls whose format cannot be read. The file " \
	  "itself says how to add a codec; 'footsteps train' fits one, and its help says where a copy of " \
	  "what is built in lies.", \
	  "built in", NULL }, \
	{ "geo", 0, OPTION_TEXT, &(given).geo, "FILE", \
	  "Where addresses are, for the maps and the tables of places: a MaxMind database (.mmdb) of cities " \
	  "or countries, such as DB-IP City Lite or GeoLite2 City (both free). Nothing is asked over a " \
	  "network.", \
	  NULL, NULL }, \
	{ "asn", 0, OPTION_TEXT, &(given).asn, "FILE", \
	  "Whose addresses they are: such a database of autonomous systems, as DB-IP ASN Lite or GeoLite2 " \
	  "ASN.", \
	  NULL, NULL }, \
	{ "anonymize", 0, OPTION_TEXT, &(given).anonymize, "KEYFILE", \
	  "Replace every address by a pseudonym before anything is stored or shown (Crypto-PAn: addresses " \
	  "with the same first bits get pseudonyms with the same first bits). The file holds the key: 32 " \
	  "bytes, or 64 hexadecimal digits; 'openssl rand -hex 32' makes one. Nobody but its owner may have " \
	  "the right to read it.", \
	  NULL, NULL }, \
	{ "activity", 0, OPTION_LIST, &(given).activity, "N|ADDRESS:PORT", \
	  "Of how many clients of each protocol, or of which, every message's time is kept for activity " \
	  "plots (R6): the most active one without a call, the most active one with both signalling and a " \
	  "call, then further ones; 0: of none. Several may be named, also separated by commas.", \
	  "2", NULL }, \
	{ "verdict-bits", 0, OPTION_NUMBER, &(given).verdict_bits, "BITS", \
	  "A client socket is recognised from this much evidence on (log2 of a likelihood ratio).", "20", \
	  NULL }, \
	{ "suspect-bits", 0, OPTION_NUMBER, &(given).suspect_bits, "BITS", \
	  "... and listed as suspected from this much on.", "10", NULL }
#define ANALYSIS_OPTIONS_BOUNDS(given) \
	{ "head", 0, OPTION_COUNT, &(given).head_bytes, "BYTES", \
	  "How much of each TCP direction is put in order for recognition.", "2048", NULL }, \
	{ "max-flows", 0, OPTION_COUNT, &(given).max_flows, "N", \
	  "Flows kept at a time; beyond it the oldest are ended.", "1000000", NULL }, \
	{ "max-sockets", 0, OPTION_COUNT, &(given).max_sockets, "N", "Client sockets kept with their evidence.", \
	  "262144", NULL }, \
	{ "max-pairs", 0, OPTION_COUNT, &(given).max_pairs, "N", "Client-peer pairs kept.", "1000000", NULL }
/* clang-format on */
#endif
