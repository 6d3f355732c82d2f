/*
 * What a protocol offers to those who want to stop it: patterns that one packet can fit, and strategies made
 * of them. Data beside the dissectors (dissectors/skype/rules.c is an example); src/rules/ turns them into
 * the language of a firewall, and `read` notes which flows have a packet that fits, so that a strategy can be
 * tried on a recording. Nothing there names a protocol.
 *
 * These tables, and that of the protocols, grow at their ends only: the places of a protocol, a strategy and
 * a pattern make the number (sid) of a rule for Suricata and Snort, by which administrators know it.
 */
#ifndef FS_IDENTIFY_STRATEGY_H
#define FS_IDENTIFY_STRATEGY_H
#include "base/span.h"
#include <stdbool.h>
#include <stdint.h>

#define PATTERN_BYTES_MAX 20U
#define PATTERN_TESTS_MAX 3U

/* Bytes of a packet's payload. */
struct pattern_test {
	uint8_t offset; /* from the first byte of the transport payload of this packet */
	uint8_t length; /* 1 .. PATTERN_BYTES_MAX; 1 when `differs` */
	bool differs;   /* the byte must be another than this one */
	uint8_t value[PATTERN_BYTES_MAX];
};

/*
 * A condition on one packet alone, which every firewall can judge without a memory: TCP or UDP, over IPv4 or
 * IPv6, with any IP options, extension headers and TCP options. It fits when the payload is at least
 * `shortest` and at most `longest` bytes long and all tests hold. Of UDP the length is that of the UDP
 * header, of TCP it is what the IP packet holds behind the TCP header. Later fragments of a datagram fit
 * nothing; a first fragment is judged by what it holds itself.
 *
 * No test reaches beyond `shortest`, so that a pattern is never decided by bytes that are not there.
 */
struct packet_pattern {
	const char *name;  /* "hello": key in the database and name of a counter, [a-z0-9_]; never renamed */
	const char *words; /* a few, for people: which message of the protocol this is */
	uint8_t l4;        /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t shortest; /* payload bytes */
	uint16_t longest;  /* 0: any length */
	uint8_t test_count;
	struct pattern_test test[PATTERN_TESTS_MAX];
};

enum strategy_kind {
	STRATEGY_PATTERNS, /* packets that fit one of some patterns */
	STRATEGY_SERVERS,  /* all traffic of addresses that were seen in some role (enum flow_role) */
	STRATEGY_CLIENTS,  /* all traffic of recognised client sockets: address and port, TCP and UDP */
};

struct block_strategy {
	const char *name;     /* "exact": of --strategy; never renamed */
	const char *summary;  /* one line: what is blocked */
	const char *reason;   /* why this stops the protocol; with its source */
	const char *cost;     /* what it does to others, and to the firewall */
	const char *weakness; /* how it is escaped */
	enum strategy_kind kind;
	uint16_t patterns; /* STRATEGY_PATTERNS: bit i: patterns[i] of the protocol */
	uint16_t roles; /* STRATEGY_SERVERS: bit r: responders of the protocol's flows in enum flow_role r */
};

/* Whether one packet's payload fits. wire: its length on the wire; what of it was not captured fits nothing.
 */
bool pattern_fits(const struct packet_pattern *pattern, uint8_t l4, struct span payload, uint32_t wire);
#endif
