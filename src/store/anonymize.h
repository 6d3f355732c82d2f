/*
 * Prefix-preserving pseudonyms for addresses (Crypto-PAn: Xu, Fan, Ammar, Moon, ICNP 2002), between the flow
 * workers and whoever stores or shows anything: dissectors and flows work on the real addresses, nothing
 * behind does. What cannot be replaced is left out: names from DNS answers, and host names that hold an
 * address.
 */
#ifndef FS_STORE_ANONYMIZE_H
#define FS_STORE_ANONYMIZE_H
#include "base/cryptopan.h"
#include "base/ip.h"
#include "store/intake.h"

struct anonymizer;
/* Passes on to `behind` (copied). pan is borrowed, and may be shared between threads. One per worker. */
struct anonymizer *anonymizer_new(const struct cryptopan *pan, const struct intake *behind,
				  struct error *err);
void anonymizer_free(struct anonymizer *a);
struct intake anonymizer_intake(struct anonymizer *a);
#endif
