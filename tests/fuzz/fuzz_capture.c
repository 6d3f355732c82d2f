/*
 * Fuzz target: the bytes of a capture file through the whole pipeline, into a sink that drops everything.
 *Decoding with tunnels, so that every parser is reached. What must hold, besides no crash: the account adds
 *up (aggregate_finish() checks it and fails with EXIT_INTERNAL otherwise).
 *
 *	clang -fsanitize=fuzzer,address,undefined ... tests/fuzz/fuzz_capture.c libfootsteps.a    (see
 *CONTRIBUTING.md)
 */
#include "store/pipeline.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define X(name, table)                                                                                       \
	static bool take_##name(struct sink *s, const struct name##_row *row, struct error *err)             \
	{                                                                                                    \
		(void)s, (void)row, (void)err;                                                               \
		return true;                                                                                 \
	}
SINK_ROWS(X)
#undef X

static const struct sink_ops null_ops = { .name = "null",
#define X(name, table) .put_##name = take_##name,
					  SINK_ROWS(X)
#undef X
};

static void must(bool ok, const struct error *err)
{
	if (ok || err->status != EXIT_INTERNAL)
		return;
	fprintf(stderr, "defect: %s\n", err->text);
	abort();
}

static void analyse(const char *path, const struct netset *internal, const struct voice_models *models)
{
	const struct source_options source_options = { .hash = false };
	const struct pipeline_options options = {
		.worker = { .decode = { .tunnels = true, .max_fragments = 64 },
			    .flows = { .idle_ns = FLOW_IDLE_DEFAULT_NS, .max_flows = 256, .head_bytes = 512 },
			    .models = models },
		.aggregate = { .sockets = { .max_sockets = 64,
					    .verdict_bits = VERDICT_BITS_DEFAULT,
					    .suspect_bits = SUSPECT_BITS_DEFAULT,
					    .internal = internal },
			       .models = models,
			       .max_pairs = 128,
			       .all_flows = true },
	};
	struct sink sink = { &null_ops };
	struct run_row run = { .version = "", .libraries = "", .options = "" };
	struct problems problems = { 0 };
	struct aggregate_summary summary;
	struct frame frame[WORKER_BATCH];
	size_t count;
	struct error err = { 0 };
	enum source_result result = SOURCE_END;

	struct source *source = source_open_files(&path, 1, &source_options, &err);
	struct pipeline *p = source ? pipeline_new(&options, &err) : NULL;
	if (p) {
		do {
			count = source_next_batch(source, frame, WORKER_BATCH, &result, &err);
			must(pipeline_frames(p, frame, count, &err), &err);
		} while (result == SOURCE_FRAME);
		must(pipeline_finish(p, source, &sink, &run, &problems, &summary, &err), &err);
	}
	pipeline_free(p);
	source_close(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct netset *internal;
	static struct voice_models *models;
	char path[64];
	int fd = memfd_create("capture", MFD_CLOEXEC);

	if (!internal) {
		internal = netset_new();
		netset_add_private(internal);
		models = voice_models_builtin(NULL);
	}
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	analyse(path, internal, models);
	close(fd);
	return 0;
}
