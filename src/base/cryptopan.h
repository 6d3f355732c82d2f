/*
 * Crypto-PAn: pseudonyms of addresses that keep prefixes: two addresses with the first n bits in common get
 * pseudonyms with exactly the first n bits in common (Xu, Fan, Ammar, Moon: Prefix-Preserving IP Address
 * Anonymization, ICNP 2002). AES by libcrypto; IPv6 as the same function over 128 bits. Same key, same
 * pseudonyms, also those of other tools with the same 32 bytes: of IPv4 all of them (nfanon -K of nfdump, the
 * Crypto-PAn distribution itself), of IPv6 those that go on in the same way (cryptopan in Go),
 * not nfdump, which numbers the bits of a byte backwards there.
 */
#ifndef FS_BASE_CRYPTOPAN_H
#define FS_BASE_CRYPTOPAN_H
#include "base/error.h"
#include "base/ip.h"

#define CRYPTOPAN_KEY 32U /* bytes: 16 of the AES key, 16 of the pad */

struct cryptopan;
bool cryptopan_available(void); /* built with libcrypto */
/*
 * The key file: 32 bytes, or 64 hexadecimal digits and a newline. Refused (EXIT_USAGE) when others may read
 * it. No message holds any of its bytes.
 */
struct cryptopan *cryptopan_open(const char *key_file, struct error *err);
void cryptopan_close(struct cryptopan *p);                              /* the key is wiped */
struct ip cryptopan_ip(const struct cryptopan *p, const struct ip *ip); /* unspecified stays unspecified */
/* A prefix of this length: the pseudonym's first bits, the rest zero. */
struct ip cryptopan_prefix(const struct cryptopan *p, const struct ip *ip, unsigned bits);
#endif
