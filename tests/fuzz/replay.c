/*
 * Runs a fuzz target without a fuzzer: each file whole, cut short at many places, and with bytes changed
 * (fixed seed, bounded count). Part of `make check`, with any compiler. Prints TAP.
 *
 *	replay FILE ...
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUTS      300
#define MUTATIONS 400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In a heap block of the exact size: beyond any other, no sanitizer would see a read past the end. */
static void run_exact(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void run_mutated(const uint8_t *data, size_t size, uint32_t *seed)
{
	uint8_t *copy = malloc(size);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	for (unsigned n = 1 + next_random(seed) % 24; n > 0; n--) {
		/* Headers of the file and of the first packets are where damage does most. */
		size_t reach = next_random(seed) % 2 && size > 512 ? 512 : size;
		copy[next_random(seed) % reach] = (uint8_t)next_random(seed);
	}
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

/* Cut at every place; of a long file at the first ones, where the headers are, and then evenly. */
static void run_cut(const uint8_t *data, size_t size)
{
	size_t dense = size < 2 * CUTS ? size : CUTS;

	for (size_t cut = 0; cut < dense; cut++)
		run_exact(data, cut);
	for (size_t n = 0; dense < size && n < CUTS; n++)
		run_exact(data, dense + (size - dense) * n / CUTS);
}

static uint8_t *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	long end;

	if (f && fseek(f, 0, SEEK_END) == 0 && (end = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
		*size = (size_t)end;
		data = malloc(*size ? *size : 1);
		if (data && fread(data, 1, *size, f) != *size) {
			free(data);
			data = NULL;
		}
	}
	if (f)
		fclose(f);
	return data;
}

int main(int argc, char **argv)
{
	uint32_t seed = 20060825;

	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		size_t size = 0;
		uint8_t *data = read_file(argv[i], &size);
		const char *name = strrchr(argv[i], '/') ? strrchr(argv[i], '/') + 1 : argv[i];
		if (!data) {
			printf("not ok %d - %s: cannot be read\n", i, name);
			continue;
		}
		run_exact(data, size);
		run_cut(data, size);
		for (int m = 0; size && m < MUTATIONS; m++)
			run_mutated(data, size, &seed);
		printf("ok %d - %s: whole, cut and mutated\n", i, name);
		free(data);
	}
	return 0;
}
