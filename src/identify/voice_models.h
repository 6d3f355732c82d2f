/*
 * What voice looks like from outside: for each mode of a codec, the size of its messages and the time between
 * them, as Gaussians. They live in a file, data/voice-models.ini, whose head says how to add one. Here:
 * reading that file, and fitting a mode to a recorded call. What is done with them: naive_bayes.h.
 */
#ifndef FS_IDENTIFY_VOICE_MODELS_H
#define FS_IDENTIFY_VOICE_MODELS_H
#include "base/error.h"
#include <stdint.h>
#include <stdio.h>

#define VOICE_NAME_MAX  48U
#define VOICE_SIZE_MAX  400U  /* bytes: what is larger is video (recognition 7) */
#define VOICE_SIGMA_MAX 35.9F /* a perfect fit with a wider one is below NBC_ACCEPT: docs/statistics.md */
/* A longer gap is silence, hold or loss, and no framing: docs/statistics.md */
#define VOICE_SILENCE_MS 200U

struct voice_model {
	char name[VOICE_NAME_MAX]; /* codec and mode: "iSAC 30 ms 32 kbit/s" */
	float size, size_sigma;    /* bytes of payload of the transport or, for RTP, of media */
	float gap, gap_sigma;      /* milliseconds, the mean over a window */
};

struct voice_models;

/* NULL: *err names the file, the line and what is wrong there. */
struct voice_models *voice_models_load(const char *path, struct error *err);
/* Those of data/voice-models.ini as the program was built, so that it needs no file to find a call. */
struct voice_models *voice_models_builtin(struct error *err);
void voice_models_free(struct voice_models *m);
unsigned voice_models_count(const struct voice_models *m);
const struct voice_model *voice_models_get(const struct voice_models *m, unsigned i);
/* Its name begins with "RTP ": size is that of the media in an RTP packet; else of the whole payload. */
bool voice_model_is_rtp(const struct voice_model *model);
/* NULL: there are not so many. */
const char *voice_models_name(const struct voice_models *m, unsigned i);

/* --- training ----------------------------------------------------------------------------------------------
 */

#define FIT_MESSAGES_MIN 300U /* ten windows: the means are then good to a sixth of a sigma at 3 sigma */
#define FIT_GAP_BINS     (VOICE_SILENCE_MS * 10U)

/* Plain data; all zeros is empty. Histograms, for a median takes more than sums. */
struct voice_fit {
	uint32_t messages; /* that count: not video */
	uint32_t video;    /* messages over VOICE_SIZE_MAX, left out */
	uint32_t silences; /* gaps over VOICE_SILENCE_MS, left out */
	uint32_t gaps;
	uint32_t size[VOICE_SIZE_MAX + 1];
	uint32_t gap[FIT_GAP_BINS + 1]; /* tenths of a millisecond */
	uint32_t window_gaps;           /* of the window that is under way */
	double window_ms, window_sum, window_squares;
	uint32_t windows;
};

/* The next message of one direction; gap_ns is the time since the one before it, negative for the first. */
void voice_fit_add(struct voice_fit *f, uint32_t size, int64_t gap_ns);
/* Adds what `from` has seen; the windows that are under way end. */
void voice_fit_merge(struct voice_fit *f, const struct voice_fit *from);
bool voice_fit_finish(const struct voice_fit *f, const char *name, struct voice_model *out,
		      struct error *err);
/* A mode with these numbers, its sigmas widened to the least that makes sense; false: it would tell nothing.
 */
bool voice_model_make(const char *name, double size, double size_sigma, double gap, double gap_sigma,
		      struct voice_model *out, struct error *err);
/* Writes a section that voice_models_load() reads; false if the output fails. */
bool voice_model_print(FILE *out, const struct voice_model *model);

/* NULL if a mode may be called so, else what is wrong with the name. */
const char *voice_name_fault(const char *name);
#endif
