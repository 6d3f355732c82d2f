/*
 * What a DNS answer says about addresses, by the C library's own parser (nameser). Nothing is ever asked: the
 * answers are those of the trace.
 */
#ifndef FS_BEHAVE_DNS_H
#define FS_BEHAVE_DNS_H
#include "base/ip.h"
#include "base/span.h"

#define DNS_PORT 53U /* RFC 1035 section 4.2 */
/* 255 octets (RFC 1035 section 2.3.4) as text, when nothing in them has to be escaped. */
#define DNS_NAME_MAX      256
#define DNS_ADDRESSES_MAX 64U /* of one answer; a datagram without EDNS has room for 29 (RFC 1035 4.2.1) */

struct dns_answer {
	char name[DNS_NAME_MAX]; /* that was asked for: lower case, printable ASCII, no final dot */
	unsigned addresses;
	struct ip address[DNS_ADDRESSES_MAX]; /* of its A and AAAA records, also behind CNAMEs */
};

/* True: a good answer to one question, with at least one address. message: a whole datagram. */
bool dns_answer_read(struct span message, struct dns_answer *out);
/*
 * The part of a name that somebody can register, by rule of thumb: its last two labels; three when the last
 * but one is a usual second level below a country ("co.uk", "edu.au"). Points into name.
 */
const char *dns_domain(const char *name);
#endif
