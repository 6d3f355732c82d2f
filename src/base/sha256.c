/* SHA-256 (FIPS 180-4) through libcrypto, which uses the processor's own instructions where there are any. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "base/sha256.h"

#ifdef HAVE_LIBCRYPTO
#include <openssl/evp.h>
#include <stdlib.h>

struct sha256 {
	EVP_MD_CTX *context;
};

bool sha256_available(void)
{
	return true;
}

struct sha256 *sha256_new(void)
{
	struct sha256 *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	h->context = EVP_MD_CTX_new();
	if (!h->context || EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) != 1) {
		sha256_free(h);
		return NULL;
	}
	return h;
}

void sha256_update(struct sha256 *h, struct span bytes)
{
	if (h && bytes.len)
		(void)EVP_DigestUpdate(h->context, bytes.ptr, bytes.len);
}

void sha256_hex(struct sha256 *h, char out[SHA256_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length = 0;

	out[0] = '\0';
	if (!h || EVP_DigestFinal_ex(h->context, digest, &length) != 1 || length * 2 + 1 != SHA256_TEXT)
		return;
	for (unsigned int i = 0; i < length; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[SHA256_TEXT - 1] = '\0';
}

void sha256_free(struct sha256 *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->context);
	free(h);
}

#else

bool sha256_available(void)
{
	return false;
}

struct sha256 *sha256_new(void)
{
	return NULL;
}

void sha256_update(struct sha256 *h, struct span bytes)
{
	(void)h;
	(void)bytes;
}

void sha256_hex(struct sha256 *h, char out[SHA256_TEXT])
{
	(void)h;
	out[0] = '\0';
}

void sha256_free(struct sha256 *h)
{
	(void)h;
}
#endif
