/*
 * The naive Bayes classifier (NBC) of Bonfiglio et al., SIGCOMM 2007 (recognition 7), for one source flow: do
 * the sizes of its messages and the time between them fit a codec? Alone it says "like VoIP", for a game's
 * clock ticks as evenly; voice is claimed only together with other evidence. docs/statistics.md says what
 * passes.
 */
#ifndef FS_IDENTIFY_NAIVE_BAYES_H
#define FS_IDENTIFY_NAIVE_BAYES_H
#include "identify/voice_models.h"

#define NBC_WINDOW 30U     /* messages, w of the paper */
#define NBC_ACCEPT (-5.0F) /* belief, the paper's threshold */

/*
 * What the sizes are of, as far as it is known: a mode of RTP (voice_model_is_rtp()) describes the media in a
 * packet, any other the whole message. All modes vote on the belief; those that cannot be meant name no
 * codec.
 */
enum nbc_sizes { NBC_SIZES_UNKNOWN, NBC_SIZES_OF_MESSAGES, NBC_SIZES_OF_MEDIA };

/*
 * Plain data; all zeros is empty. The beliefs are quadratic in what they are beliefs about, so the moments of
 * the windows are all that they need, for any number of modes.
 */
struct nbc {
	int64_t first_ns, last_ns; /* of the window that is under way */
	double size, size_squares; /* sums over whole windows of their mean size, mean square of size */
	double gap, gap_squares;   /* ... of their mean gap in milliseconds, its square */
	uint32_t window_size, window_squares;
	uint32_t windows;
	uint32_t messages; /* all that count: at most VOICE_SIZE_MAX bytes */
	uint32_t video;    /* larger ones, which are left out of windows altogether */
	uint8_t used;      /* messages in the window */
	uint8_t sizes;     /* enum nbc_sizes */
};

void nbc_add(struct nbc *n, uint32_t size, int64_t ts_ns);

struct nbc_belief {
	float size, gap; /* natural logarithms of densities per byte and per millisecond */
	float belief;    /* the smaller of the two: voice if above NBC_ACCEPT */
	int codec_mode;  /* the likeliest mode with this framing, if it is above NBC_ACCEPT; else -1 */
	int framing_ms;
	uint32_t windows;
};

/* False: no whole window yet. */
bool nbc_belief(const struct nbc *n, const struct voice_models *m, struct nbc_belief *out);
#endif
