/*
 * Crypto-PAn over libcrypto's AES. Bit i of the pseudonym is bit i of the address, turned over or not by the
 * first bit of AES(the first i bits of the address, the rest of the pad): 32 or 128 blocks for an address.
 * They are enciphered in one call, which is what makes it fast: with the processor's AES instructions a call
 * costs more than the blocks do.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "base/cryptopan.h"

#ifdef HAVE_LIBCRYPTO
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK         16U
#define HALF_KEY      16U /* of the cipher; the other half makes the pad */
#define KEY_HEX       (2 * CRYPTOPAN_KEY)
#define MAPPED_BITS   96U           /* an IPv4 address is kept as ::ffff:a.b.c.d */
#define ADDRESS_BITS  128U          /* at most */
#define KEY_FILE_MOST (KEY_HEX + 2) /* digits and a newline, which may be CR LF */
#define CONTEXTS      16U           /* threads that work at the same moment; more wait for each other */

/* A context of libcrypto is for one thread at a time. */
struct context {
	_Alignas(64) _Atomic bool busy; /* 64: of a cache line each, or they slow each other down */
	EVP_CIPHER_CTX *cipher;
};

/* In pages of its own, which core dumps leave out. */
struct cryptopan {
	struct context context[CONTEXTS];
	uint8_t pad[BLOCK];
};

bool cryptopan_available(void)
{
	return true;
}

/* --- the key --- */

static int digit_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Of what is in the file. */
static bool key_take(const uint8_t *text, size_t length, uint8_t key[CRYPTOPAN_KEY])
{
	if (length == CRYPTOPAN_KEY) {
		memcpy(key, text, CRYPTOPAN_KEY);
		return true;
	}
	if (length > KEY_HEX && text[length - 1] == '\n')
		length--;
	if (length > KEY_HEX && text[length - 1] == '\r')
		length--;
	if (length != KEY_HEX)
		return false;
	for (size_t i = 0; i < CRYPTOPAN_KEY; i++) {
		int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* What a service manager hands over (systemd.exec(5), LoadCredential=) is root's; the service may read it by
 * an access control list, whose mask stands where the group's rights do. */
static bool is_credential(const char *path)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	size_t length = folder ? strlen(folder) : 0;

	return length > 0 && strncmp(path, folder, length) == 0 && path[length] == '/';
}

static bool check_file(int fd, const char *path, struct error *err)
{
	struct stat status;
	mode_t others = is_credential(path) ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;

	if (fstat(fd, &status) != 0)
		return error_set(err, EXIT_USAGE, "%s: %s", path, strerror(errno));
	/* A pipe: of a shell that has the key from elsewhere. A device would give another key each time. */
	if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))
		return error_set(err, EXIT_USAGE, "%s is no file that could hold a key", path);
	if (status.st_mode & others)
		return error_set(err, EXIT_USAGE,
				 "%s: others than its owner may read or change this key, and whoever has it "
				 "can turn pseudonyms back into addresses; mend it with: chmod 600 '%s'",
				 path, path);
	return true;
}

static bool read_key(int fd, const char *path, uint8_t key[CRYPTOPAN_KEY], struct error *err)
{
	uint8_t text[KEY_FILE_MOST + 1];
	size_t length = 0;
	ssize_t got = 1;

	while (got != 0 && length < sizeof text) {
		got = read(fd, text + length, sizeof text - length);
		if (got < 0 && errno != EINTR)
			break;
		length += got > 0 ? (size_t)got : 0;
	}
	int problem = errno;
	bool ok = got >= 0 && key_take(text, length, key);
	OPENSSL_cleanse(text, sizeof text);
	if (got < 0)
		return error_set(err, EXIT_USAGE, "%s: %s", path, strerror(problem));
	return ok ||
	       error_set(err, EXIT_USAGE,
			 "%s holds no key: that is %u bytes, or %u hexadecimal digits on a line; make one "
			 "with: (umask 077; openssl rand -hex %u > FILE)",
			 path, CRYPTOPAN_KEY, KEY_HEX, CRYPTOPAN_KEY);
}

static bool load_key(const char *path, uint8_t key[CRYPTOPAN_KEY], struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return error_set(err, EXIT_USAGE, "the key of --anonymize: %s: %s", path, strerror(errno));
	bool ok = check_file(fd, path, err) && read_key(fd, path, key, err);
	close(fd);
	return ok;
}

/* --- the cipher --- */

static EVP_CIPHER_CTX *cipher_new(const uint8_t key[HALF_KEY])
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

	if (cipher && EVP_EncryptInit_ex(cipher, EVP_aes_128_ecb(), NULL, key, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(cipher, 0) == 1)
		return cipher;
	EVP_CIPHER_CTX_free(cipher);
	return NULL;
}

static bool encipher(EVP_CIPHER_CTX *cipher, const uint8_t *in, uint8_t *out, size_t length)
{
	int done = 0;

	return EVP_EncryptUpdate(cipher, out, &done, in, (int)length) == 1 && done == (int)length;
}

static bool fill(struct cryptopan *p, const uint8_t key[CRYPTOPAN_KEY])
{
	for (unsigned i = 0; i < CONTEXTS; i++) {
		p->context[i].cipher = cipher_new(key);
		if (!p->context[i].cipher)
			return false;
	}
	return encipher(p->context[0].cipher, key + HALF_KEY, p->pad, BLOCK);
}

struct cryptopan *cryptopan_open(const char *key_file, struct error *err)
{
	uint8_t key[CRYPTOPAN_KEY] = { 0 };

	if (!load_key(key_file, key, err)) {
		OPENSSL_cleanse(key, sizeof key);
		return NULL;
	}
	struct cryptopan *p =
		mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		OPENSSL_cleanse(key, sizeof key);
		error_memory(err, "the key");
		return NULL;
	}
	(void)madvise(p, sizeof *p, MADV_DONTDUMP);
	bool ok = fill(p, key);
	OPENSSL_cleanse(key, sizeof key);
	if (ok)
		return p;
	cryptopan_close(p);
	error_set(err, EXIT_INTERNAL, "libcrypto cannot encipher with AES here");
	return NULL;
}

void cryptopan_close(struct cryptopan *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < CONTEXTS; i++)
		EVP_CIPHER_CTX_free(p->context[i].cipher);
	OPENSSL_cleanse(p, sizeof *p);
	munmap(p, sizeof *p);
}

/* --- pseudonyms --- */

/* A context that nobody else uses; always found, as it is given back within a microsecond. */
static struct context *context_take(struct cryptopan *p)
{
	for (unsigned i = 0;; i = (i + 1) % CONTEXTS)
		if (!atomic_exchange_explicit(&p->context[i].busy, true, memory_order_acquire))
			return &p->context[i];
}

/* Bits first .. first+count-1 of the 16 bytes, where `first` begins the address. */
static struct ip pseudonym(const struct cryptopan *p, const struct ip *ip, unsigned first, unsigned count)
{
	uint8_t in[ADDRESS_BITS * BLOCK], out[ADDRESS_BITS * BLOCK];
	const uint8_t *address = ip->b + first / 8;
	struct ip result = *ip;

	for (unsigned bit = 0; bit < count; bit++) {
		uint8_t *block = in + bit * BLOCK;
		uint8_t kept = (uint8_t)(0xff00U >> bit % 8); /* of the byte that has both */
		memcpy(block, p->pad, BLOCK);
		memcpy(block, address, bit / 8);
		block[bit / 8] = (uint8_t)((address[bit / 8] & kept) | (p->pad[bit / 8] & ~kept));
	}
	/* The contexts are not part of what callers may rely on to stay as it is. */
	struct context *context = context_take((struct cryptopan *)(uintptr_t)p);
	bool ok = encipher(context->cipher, in, out, (size_t)count * BLOCK);
	atomic_store_explicit(&context->busy, false, memory_order_release);
	/* It cannot fail once it has worked; if it did, no address may come through. */
	if (!ok)
		return (struct ip){ { 0 } };
	for (unsigned bit = 0; bit < count; bit++)
		result.b[(first + bit) / 8] ^= (uint8_t)((out[bit * BLOCK] >> 7) << (7 - bit % 8));
	return result;
}

static bool is_unspecified(const struct ip *ip, unsigned first)
{
	for (unsigned i = first / 8; i < sizeof ip->b; i++)
		if (ip->b[i])
			return false;
	return true;
}

struct ip cryptopan_ip(const struct cryptopan *p, const struct ip *ip)
{
	unsigned first = ip_is_v4(ip) ? MAPPED_BITS : 0;

	return is_unspecified(ip, first) ? *ip : pseudonym(p, ip, first, ADDRESS_BITS - first);
}

struct ip cryptopan_prefix(const struct cryptopan *p, const struct ip *ip, unsigned bits)
{
	unsigned first = ip_is_v4(ip) ? MAPPED_BITS : 0;
	struct ip result = pseudonym(p, ip, first, bits);

	for (unsigned bit = first + bits; bit < ADDRESS_BITS; bit++)
		result.b[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
	return result;
}

#else

bool cryptopan_available(void)
{
	return false;
}

struct cryptopan *cryptopan_open(const char *key_file, struct error *err)
{
	(void)key_file;
	error_set(err, EXIT_USAGE,
		  "--anonymize needs libcrypto, and this footsteps was built without it: see README.md");
	return NULL;
}

void cryptopan_close(struct cryptopan *p)
{
	(void)p;
}

/* Never called, as nothing can be opened; and if it were, no address would come through. */
struct ip cryptopan_ip(const struct cryptopan *p, const struct ip *ip)
{
	(void)p;
	(void)ip;
	return (struct ip){ { 0 } };
}

struct ip cryptopan_prefix(const struct cryptopan *p, const struct ip *ip, unsigned bits)
{
	(void)bits;
	return cryptopan_ip(p, ip);
}
#endif
