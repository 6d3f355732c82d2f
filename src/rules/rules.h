/*
 * Block rules: one abstract rule set, and what writes it in the language of a firewall, a filter or an
 * intrusion prevention system. The strategies are data of the protocols (identify/strategy.h); nothing here
 * names one.
 *
 * What a rule set means, for every format alike. A packet is acted upon when it is IPv4 or IPv6 and
 *   1. neither its source nor its destination is in `never`, and
 *   2. it goes in `direction`: with `interface`, out leaves the machine through that interface and in comes
 * in by it; with `internal`, out has its source inside and its destination outside, and in the reverse; with
 * both, both must be so. RULE_BOTH with either of them: out or in. With neither, only RULE_BOTH is possible,
 * and all packets go in it; and
 *   3. it fits the strategy: one of the patterns (STRATEGY_PATTERNS, see struct packet_pattern), or a blocked
 *      endpoint is its destination (STRATEGY_SERVERS going out, STRATEGY_CLIENTS coming in), its source (the
 *      other way round), or, with neither `interface` nor `internal`, either.
 *
 * A format that cannot say a rule set exactly refuses (can() is false) or is narrower and says so in a
 * comment of its output, as where a filter does not follow IPv6 extension headers. It never acts upon another
 * packet. What a packet is, the engine that runs the rule says: an inspecting one (Suricata, Snort) also
 * judges the packets that it finds in tunnels, and some the datagram that fragments make up; acting upon
 * those is acting upon what carries them. Nothing in a rule turns that off, so the head of the output says
 * it.
 */
#ifndef FS_RULES_RULES_H
#define FS_RULES_RULES_H
#include "base/ip.h"
#include "identify/dissector.h"
#include <stdio.h>

enum rule_direction { RULE_BOTH, RULE_OUT, RULE_IN };
enum rule_action {
	RULE_DROP,
	RULE_REJECT, /* TCP: a reset to the sender; UDP: ICMP port unreachable */
	RULE_LOG,    /* says so, at a bounded rate, and counts; the packet passes */
	RULE_COUNT,  /* counts; the packet passes */
};
extern const char *const rule_direction_names[]; /* "both", "out", "in"; NULL-terminated */
extern const char *const rule_action_names[];    /* "drop", ... */

struct rule_endpoint {
	struct ip ip;
	uint16_t port; /* 0: all traffic of the address; else this TCP and UDP port of it */
};

struct ruleset {
	const struct protocol *protocol;
	const struct block_strategy *strategy;
	enum rule_direction direction;
	enum rule_action action;
	const char *interface; /* NULL: any */
	/* Sorted, IPv4 first; none lies within another. */
	const struct ip_prefix *internal, *never;
	size_t internal_count, never_count;
	const struct rule_endpoint *endpoint; /* STRATEGY_SERVERS, STRATEGY_CLIENTS: sorted, each once */
	size_t endpoint_count;
	int64_t expire_ns;   /* of endpoints; 0: never */
	const char *command; /* how to make it again, for the head of the output */
	const char *version; /* of footsteps */
};

/* The pattern with this row of the strategy's, or NULL at the end: for (i = 0; (p = ruleset_pattern(r, i));
 * i++). */
const struct packet_pattern *ruleset_pattern(const struct ruleset *r, unsigned nth);
/* Payload bytes that its tests look at, from the first one on; 0: it has none. */
unsigned pattern_tests_end(const struct packet_pattern *p);
/* Whether it restricts packets to a direction at all. */
bool ruleset_has_direction(const struct ruleset *r);
/* "footsteps_skype_exact": for tables, chains, sets; [a-z0-9_]; at most RULESET_NAME - 1 characters. */
#define RULESET_NAME 29
void ruleset_name(const struct ruleset *r, char out[RULESET_NAME]);

/* Has anything of the family to say: patterns always have, endpoints only when there is one. */
bool ruleset_has_family(const struct ruleset *r, bool v4);

struct rule_format {
	const char *name;    /* "nft": of --format */
	const char *summary; /* "nftables, for 'nft -f'" */
	/*
	 * Whether it can say this rule set. False: *err (EXIT_USAGE) says in one sentence what it cannot, and
	 * what to do instead. Also asked without endpoints, for the table of what can be said (--list).
	 */
	bool (*can)(const struct ruleset *r, struct error *err);
	/* can() was true. Same rule set, same bytes; loading it again changes nothing. Errors stay in `out`.
	 */
	void (*write)(const struct ruleset *r, FILE *out);
};

/* Every format: its struct rule_format is format_NAME in format_NAME.c. A new one is a row here, and its
 * file. */
#define RULE_FORMATS(X)                                                                                      \
	X(nft)                                                                                               \
	X(iptables)                                                                                          \
	X(ebpf)                                                                                              \
	X(bpf)                                                                                               \
	X(suricata)                                                                                          \
	X(snort)                                                                                             \
	X(pf)                                                                                                \
	X(cisco)
#define X(name) extern const struct rule_format format_##name;
RULE_FORMATS(X)
#undef X
extern const struct rule_format *const rule_formats[];
extern const unsigned rule_format_count;
extern const char *const rule_format_names[]; /* NULL-terminated, in the same order */

/*
 * The head of every output, as comments: what it does, why, what it costs, how it is escaped; the command
 * that made it; what loads it and what removes it again. `comment` begins each line: "# ", "// ", "! ".
 * Notes: further paragraphs, such as where the format is narrower; NULL: none.
 */
struct rules_head {
	const char *comment;
	const char *load, *remove; /* commands; several lines are several commands */
	const char *notes;
};
void rules_head_write(const struct ruleset *r, const struct rules_head *head, FILE *out);
/* A paragraph as comment lines of at most 78 columns. */
void rules_comment(const char *comment, const char *text, FILE *out);
#endif
