/* The naive Bayes classifier: windows of messages, and what to believe about them. */
#include "identify/naive_bayes.h"
#include <math.h>

#define NS_PER_MS       1e6
#define LN_SQRT_2PI     0.91893853320467274 /* ln of the square root of 2 pi */
#define SILENCE_NS      (VOICE_SILENCE_MS * UINT64_C(1000000))
#define GAPS_PER_WINDOW (NBC_WINDOW - 1)

static void window_start(struct nbc *n, int64_t ts_ns)
{
	n->first_ns = n->last_ns = ts_ns;
	n->window_size = n->window_squares = 0;
	n->used = 0;
}

/* Thirty messages have 29 gaps between them; the duration divided by 30 would make 58 ms of 60. */
static void window_end(struct nbc *n)
{
	double ms = (double)((uint64_t)n->last_ns - (uint64_t)n->first_ns) / NS_PER_MS / GAPS_PER_WINDOW;

	n->size += (double)n->window_size / NBC_WINDOW;
	n->size_squares += (double)n->window_squares / NBC_WINDOW;
	n->gap += ms;
	n->gap_squares += ms * ms;
	n->windows++;
	n->used = 0;
}

void nbc_add(struct nbc *n, uint32_t size, int64_t ts_ns)
{
	if (size > VOICE_SIZE_MAX) {
		n->video++;
		return;
	}
	n->messages++;
	if (n->used && ts_ns < n->last_ns)
		ts_ns = n->last_ns; /* overtaken on the way: its order is lost, its size is not */
	if (!n->used || (uint64_t)ts_ns - (uint64_t)n->last_ns > SILENCE_NS)
		window_start(n, ts_ns);
	n->last_ns = ts_ns;
	n->window_size += size;
	n->window_squares += size * size;
	if (++n->used == NBC_WINDOW)
		window_end(n);
}

/* The mean over samples of ln N(x; mean, sigma), from the means of x and of x^2. */
static float belief_of(double x, double squares, float mean, float sigma)
{
	double deviation = squares - 2 * mean * x + (double)mean * mean;
	return (float)(-log(sigma) - LN_SQRT_2PI - deviation / (2 * (double)sigma * sigma));
}

static bool may_be_named(const struct nbc *n, const struct voice_model *v)
{
	return n->sizes == NBC_SIZES_UNKNOWN || voice_model_is_rtp(v) == (n->sizes == NBC_SIZES_OF_MEDIA);
}

bool nbc_belief(const struct nbc *n, const struct voice_models *m, struct nbc_belief *out)
{
	if (n->windows == 0)
		return false;
	const double windows = n->windows;
	const double size = n->size / windows, size_squares = n->size_squares / windows;
	const double gap = n->gap / windows, gap_squares = n->gap_squares / windows;
	float of_framing = NBC_ACCEPT;

	*out = (struct nbc_belief){
		.size = -HUGE_VALF, .gap = -HUGE_VALF, .codec_mode = -1, .windows = n->windows
	};
	for (unsigned i = 0; i < voice_models_count(m); i++) {
		const struct voice_model *v = voice_models_get(m, i);
		out->size = fmaxf(out->size, belief_of(size, size_squares, v->size, v->size_sigma));
		float belief = belief_of(gap, gap_squares, v->gap, v->gap_sigma);
		if (belief > out->gap) {
			out->gap = belief;
			out->framing_ms = (int)lroundf(v->gap);
		}
	}
	out->belief = fminf(out->size, out->gap);
	for (unsigned i = 0; i < voice_models_count(m); i++) {
		const struct voice_model *v = voice_models_get(m, i);
		float belief = belief_of(size, size_squares, v->size, v->size_sigma);
		if ((int)lroundf(v->gap) == out->framing_ms && belief > of_framing && may_be_named(n, v)) {
			of_framing = belief;
			out->codec_mode = (int)i;
		}
	}
	return true;
}
