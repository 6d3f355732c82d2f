/*
 * Fitting a mode to a recorded call. A call holds more than its codec's clockwork: silence, holds, losses,
 * keep-alives, video. So each value is the mean of what lies around the median, and a call that does not lie
 * around its median is refused rather than averaged.
 */
#include "identify/voice_models.h"
#include "identify/naive_bayes.h"
#include <math.h>
#include <string.h>

#define NS_PER_TENTH_MS INT64_C(100000)
#define MAD_TO_SIGMA    1.4826 /* of a Gaussian: sigma over the median absolute deviation */
#define TRIM_SIGMAS     3.0    /* keeps 99.7 % of a Gaussian */
#define KEPT_MIN        0.7    /* of all: less is not one mode but several, or none */

/* Constant-rate codecs have no spread to measure; a byte is for the format's own variants (AMR's two). */
#define SIZE_SIGMA_MIN 1.0
/* The paper's sigma of framing, below which a longer way than the recorded call's would not be recognised. */
#define GAP_SIGMA_MIN 2.0

struct spread {
	double mean, sigma, kept; /* kept: share of the values */
};

void voice_fit_add(struct voice_fit *f, uint32_t size, int64_t gap_ns)
{
	if (size > VOICE_SIZE_MAX) {
		f->video++;
		return;
	}
	f->messages++;
	f->size[size]++;
	if (gap_ns < 0)
		return;
	int64_t tenths = (gap_ns + NS_PER_TENTH_MS / 2) / NS_PER_TENTH_MS;
	if (tenths > FIT_GAP_BINS) {
		f->silences++;
		f->window_gaps = 0;
		f->window_ms = 0;
		return;
	}
	f->gaps++;
	f->gap[tenths]++;
	f->window_ms += (double)tenths / 10;
	if (++f->window_gaps < NBC_WINDOW - 1)
		return;
	double ms = f->window_ms / f->window_gaps;
	f->window_sum += ms;
	f->window_squares += ms * ms;
	f->windows++;
	f->window_gaps = 0;
	f->window_ms = 0;
}

void voice_fit_merge(struct voice_fit *f, const struct voice_fit *from)
{
	f->messages += from->messages;
	f->video += from->video;
	f->silences += from->silences;
	f->gaps += from->gaps;
	for (unsigned i = 0; i <= VOICE_SIZE_MAX; i++)
		f->size[i] += from->size[i];
	for (unsigned i = 0; i <= FIT_GAP_BINS; i++)
		f->gap[i] += from->gap[i];
	f->window_gaps = 0;
	f->window_ms = 0;
	f->window_sum += from->window_sum;
	f->window_squares += from->window_squares;
	f->windows += from->windows;
}

/* The middle value of a histogram, or of its distances from `center`. */
static unsigned median_distance(const uint32_t *bin, unsigned bins, uint64_t total, unsigned center)
{
	uint64_t below = 0;

	for (unsigned d = 0; d < bins; d++) {
		if (center + d < bins)
			below += bin[center + d];
		if (d > 0 && d <= center)
			below += bin[center - d];
		if (2 * below >= total)
			return d;
	}
	return bins;
}

static unsigned median(const uint32_t *bin, unsigned bins, uint64_t total)
{
	return median_distance(bin, bins, total, 0);
}

static struct spread spread_of(const uint32_t *bin, unsigned bins, uint64_t total, double least_sigma)
{
	unsigned center = median(bin, bins, total);
	double sigma = MAD_TO_SIGMA * median_distance(bin, bins, total, center);
	double reach = TRIM_SIGMAS * fmax(sigma, least_sigma);
	double kept = 0, sum = 0, squares = 0;

	for (unsigned i = 0; i < bins; i++) {
		double d = (double)i - center;
		if (fabs(d) > reach)
			continue;
		kept += bin[i];
		sum += d * bin[i];
		squares += d * d * bin[i];
	}
	double mean = sum / kept;
	return (struct spread){ center + mean, sqrt(fmax(0, squares / kept - mean * mean)),
				kept / (double)total };
}

static bool one_mode(const struct spread *s, const char *what, struct error *err)
{
	if (s->kept >= KEPT_MIN)
		return true;
	return error_set(
		err, EXIT_INPUT,
		"only %.0f %% of the %s lie around one value; train on one direction of one call, with "
		"one codec in one mode",
		100 * s->kept, what);
}

bool voice_model_make(const char *name, double size, double size_sigma, double gap, double gap_sigma,
		      struct voice_model *out, struct error *err)
{
	const char *wrong = voice_name_fault(name);

	if (wrong)
		return error_set(err, EXIT_USAGE, "mode '%.60s': %s", name, wrong);
	memset(out, 0, sizeof *out);
	snprintf(out->name, sizeof out->name, "%s", name);
	out->size = (float)fmax(1, size);
	out->size_sigma = (float)fmax(SIZE_SIGMA_MIN, size_sigma);
	out->gap = (float)gap;
	out->gap_sigma = (float)fmax(GAP_SIGMA_MIN, gap_sigma);
	if (out->size_sigma > VOICE_SIGMA_MAX || out->gap_sigma > VOICE_SIGMA_MAX || gap < 1)
		return error_set(
			err, EXIT_INPUT,
			"sizes of %.1f +- %.1f bytes and gaps of %.1f +- %.1f ms are too wide a mode to tell "
			"anything",
			size, size_sigma, gap, (double)out->gap_sigma);
	return true;
}

bool voice_fit_finish(const struct voice_fit *f, const char *name, struct voice_model *out, struct error *err)
{
	const char *wrong = voice_name_fault(name);

	if (wrong)
		return error_set(err, EXIT_USAGE, "mode '%.60s': %s", name, wrong);
	if (f->messages < FIT_MESSAGES_MIN || f->windows == 0)
		return error_set(
			err, EXIT_INPUT,
			"%u messages of at most %u bytes, in %u unbroken stretches of %u: too few to train "
			"on; "
			"%u are needed, some ten seconds of voice (%u larger ones and %u silences were left "
			"out)",
			f->messages, VOICE_SIZE_MAX, f->windows, NBC_WINDOW, FIT_MESSAGES_MIN, f->video,
			f->silences);
	struct spread size = spread_of(f->size, VOICE_SIZE_MAX + 1, f->messages, SIZE_SIGMA_MIN);
	struct spread gap = spread_of(f->gap, FIT_GAP_BINS + 1, f->gaps, 10 * GAP_SIGMA_MIN);
	if (!one_mode(&size, "message sizes", err) || !one_mode(&gap, "gaps between messages", err))
		return false;
	gap.mean /= 10;
	/* The classifier compares windows, and their gaps stray less than those of messages. */
	double stray = f->window_squares / f->windows - 2 * gap.mean * f->window_sum / f->windows +
		       gap.mean * gap.mean;
	return voice_model_make(name, size.mean, size.sigma, gap.mean, sqrt(fmax(0, stray)), out, err);
}
