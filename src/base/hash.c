/* The key of the run's hash tables. */
#include "base/hash.h"
#include <sys/auxv.h>
#include <sys/random.h>

struct hash_key hash_key_random(void)
{
	struct hash_key key;

	if (getrandom(&key, sizeof key, 0) == (ssize_t)sizeof key)
		return key;
	/* A sandbox may forbid getrandom(); the kernel also hands 16 random bytes to every new process. */
	const void *bytes = (const void *)getauxval(AT_RANDOM);
	if (bytes)
		memcpy(&key, bytes, sizeof key);
	else
		key = (struct hash_key){ { UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344) } };
	return key;
}
