/* IP addresses and prefixes. An IPv4 address is kept mapped (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2). */
#ifndef FS_BASE_IP_H
#define FS_BASE_IP_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ip {
	uint8_t b[16];
};

#define IP_TEXT 46 /* INET6_ADDRSTRLEN: longest text with its NUL */

struct ip ip_from_v4(const uint8_t bytes[4]);
bool ip_is_v4(const struct ip *ip);
/* Whether a host may have this IPv4 address: not "this" network or loopback (RFC 1122 section 3.2.1.3), no
 * multicast and nothing above. Private ones may be. */
static inline bool ipv4_is_of_host(uint32_t address)
{
	uint32_t net = address >> 24;
	return net != 0 && net != 127 && net < 224;
}
static inline bool ip_equal(const struct ip *a, const struct ip *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

/* Canonical text (IPv4 dotted, IPv6 per RFC 5952) into out; returns its length. */
size_t ip_format(const struct ip *ip, char out[IP_TEXT]);
bool ip_parse(const char *text, struct ip *out);

/* One prefix, as it is written: bits counts from the start of its family's address (IPv4: 0..32). */
struct ip_prefix {
	struct ip ip;
	uint8_t bits;
	bool v4;
};
#define IP_PREFIX_TEXT (IP_TEXT + 4)
/* "10.0.0.0/8", "2001:db8::/32" or a single address; EXIT_USAGE in words. */
bool ip_prefix_parse(const char *text, struct ip_prefix *out, struct error *err);
/* As ip_prefix_parse() reads it; a single address without "/32" or "/128". */
size_t ip_prefix_format(const struct ip_prefix *p, char out[IP_PREFIX_TEXT]);
bool ip_prefix_has(const struct ip_prefix *p, const struct ip *ip);

/* A set of prefixes: which addresses are internal (D5). */
struct netset;
struct netset *netset_new(void);
void netset_free(struct netset *set);
/* Adds "10.0.0.0/8", "2001:db8::/32" or a single address. */
bool netset_add(struct netset *set, const char *prefix, struct error *err);
/* Adds the default of D5: RFC 1918, RFC 4193, link-local (RFC 3927, RFC 4291) and loopback. */
void netset_add_private(struct netset *set);
bool netset_has(const struct netset *set, const struct ip *ip);
size_t netset_count(const struct netset *set);
/* In the order in which they were added, IPv4 first; visit() returns false to stop, which makes the whole
 * false. */
bool netset_each(const struct netset *set, bool (*visit)(void *self, const struct ip_prefix *p), void *self);
#endif
