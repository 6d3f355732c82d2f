/*
 * How a call sounds, estimated from what the network did to it: the E-model, ITU-T G.107 (06/2015), and for
 * wideband codecs the part of G.107.1 (06/2019) that a network decides. A planning model: it knows delay,
 * loss and codec; rooms, handsets and echo are at the Recommendation's defaults. docs/statistics.md says what
 * was left out.
 */
#ifndef FS_BEHAVE_EMODEL_H
#define FS_BEHAVE_EMODEL_H
#include <stdbool.h>

enum emodel_scale {
	EMODEL_NARROWBAND, /* G.107: R up to 93.2 */
	EMODEL_WIDEBAND,   /* G.107.1: R up to 129; not to be compared or averaged with the other */
};

struct emodel_input {
	float one_way_delay_ms; /* Ta, mouth to ear: the network's, the jitter buffer's, the packet's own time
				 */
	float loss_percent;     /* Ppl, with what came too late to be played */
	float burst_ratio;      /* BurstR: 1 for random loss, larger for bursts; less than 1 counts as 1 */
	float ie;               /* equipment impairment of the codec without loss */
	float bpl;              /* its robustness to loss; 0: not known, and only 0 % can be rated */
};

struct emodel_rating {
	float r;   /* transmission rating, on the scale's own range, at least 0 */
	float mos; /* 1 to 4.5: MOS-CQE, or MOS-CQEW of G.107.1 */
};

/* False: there was loss, and bpl is not known. */
bool emodel_rate(const struct emodel_input *in, enum emodel_scale scale, struct emodel_rating *out);
float emodel_mos(float r, enum emodel_scale scale);

struct emodel_codec {
	const char *name; /* the RTP encoding name, where it has one, and the mode */
	enum emodel_scale scale;
	float ie, bpl;
	bool assumed;       /* ie or bpl is no published value for this codec; source says whose it is */
	const char *source; /* for people */
};

/* Without regard to case; NULL: not in the table. */
const struct emodel_codec *emodel_codec_find(const char *name);
/* For listing them: NULL beyond the last. */
const struct emodel_codec *emodel_codec_get(unsigned i);
#endif
