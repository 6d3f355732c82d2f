/*
 * The E-model. Names and numbers of equations are those of ITU-T G.107 (06/2015); of its inputs, only delay,
 * loss and codec vary here, all others have the defaults of its Table 2.
 */
#include "behave/emodel.h"
#include <math.h>

/* Table 2 */
#define SLR  8.0    /* loudness, dB: sending */
#define RLR  2.0    /* receiving */
#define STMR 15.0   /* sidetone */
#define DS   3.0    /* D-value of the telephone: sending */
#define DR   3.0    /* receiving */
#define TELR 65.0   /* talker echo */
#define WEPL 110.0  /* echo path loss, weighted */
#define QDU  1.0    /* quantizing distortion units */
#define NC   (-70.) /* noise, dBm0p: of circuits */
#define NFOR (-64.) /* floor at the receiver, dBmp */
#define PS   35.0   /* room noise, dB(A): at the sender */
#define PR   35.0   /* at the receiver */
#define MT   100.0  /* minimum perceivable delay, ms */

#define R_WIDEBAND 129.0 /* G.107.1: the rating of a wideband connection at its defaults */
#define IE_MAX     95.0  /* 7-29, and unchanged in G.107.1 7-15 */
#define PPL_MAX    100.0

static double db(double power)
{
	return 10 * log10(power);
}

static double from_db(double level)
{
	return pow(10, level / 10);
}

/* (1 + x^p)^(1/p), which several impairments are made of */
static double knee(double x, double p)
{
	return pow(1 + pow(x, p), 1 / p);
}

/* No, the sum of all noise at the 0 dBr point: 7-3 to 7-7 */
static double noise(void)
{
	const double olr = SLR + RLR, lstr = STMR + DR;
	double nos = PS - SLR - DS - 100 + 0.004 * pow(PS - olr - DS - 14, 2);
	double pre = PR + db(1 + from_db(10 - lstr));
	double nor = RLR - 121 + pre + 0.008 * pow(pre - 35, 2);
	double nfo = NFOR + RLR;

	return db(from_db(NC) + from_db(nos) + from_db(nor) + from_db(nfo));
}

/* Is, what happens together with the voice: too loud, sidetone, quantizing; 7-8 to 7-17 */
static double simultaneous(double no, double ro, double t)
{
	double xolr = SLR + RLR + 0.2 * (64 + no - RLR);
	double iolr = 20 * (knee(xolr / 8, 8) - xolr / 8);
	double stmro = -db(from_db(-STMR) + exp(-t / 4) * from_db(-TELR));
	double ist = 12 * knee((stmro - 13) / 6, 8) - 28 * knee((stmro + 1) / 19.4, 35) -
		     13 * knee((stmro - 3) / 33, 13) + 29;
	double q = 37 - 15 * log10(QDU);
	double g = 1.07 + 0.258 * q + 0.0602 * q * q;
	double y = (ro - 100) / 15 + 46 / 8.4 - g / 9, z = 46.0 / 30 - g / 40;

	return iolr + ist + 15 * log10(1 + pow(10, y) + pow(10, z));
}

/* Idd, delay too long even without echo: 7-27 and 7-28 */
static double delay_alone(double ta)
{
	if (ta <= MT)
		return 0;
	double x = log2(ta / MT);
	return 25 * (knee(x, 6) - 3 * knee(x / 3, 6) + 2);
}

/*
 * Id, delay: talker echo, listener echo, and delay alone; 7-18 to 7-28 for 9 dB <= STMR <= 20 dB. A call over
 * packets has no other path than the one measured: T = Ta, and the way round Tr = 2 Ta.
 */
static double delay(double no, double ro, double ta)
{
	double terv = TELR - 40 * log10((1 + ta / 10) / (1 + ta / 150)) + 6 * exp(-0.3 * ta * ta);
	double re = 80 + 2.5 * (terv - 14), roe = -1.5 * (no - RLR);
	double half = (roe - re) / 2;
	double idte = (half + sqrt(half * half + 100) - 1) * (1 - exp(-ta));
	double rle = 10.5 * (WEPL + 7) * pow(2 * ta + 1, -0.25);
	half = (ro - rle) / 2;
	double idle = half + sqrt(half * half + 169);

	return idte + idle + delay_alone(ta);
}

/* Ie-eff, the codec and its loss: 7-29, and G.107.1 7-15 */
static double equipment(const struct emodel_input *in, double ppl)
{
	if (ppl <= 0)
		return in->ie;
	return in->ie + (IE_MAX - in->ie) * ppl / (ppl / fmax(in->burst_ratio, 1) + in->bpl);
}

bool emodel_rate(const struct emodel_input *in, enum emodel_scale scale, struct emodel_rating *out)
{
	double ppl = fmin(fmax(in->loss_percent, 0), PPL_MAX), ta = fmax(in->one_way_delay_ms, 0);
	double r;

	if (ppl > 0 && in->bpl <= 0)
		return false;
	if (scale == EMODEL_WIDEBAND) {
		/* Echo is taken to be cancelled, and delay alone to weigh as in narrowband. */
		r = R_WIDEBAND - delay_alone(ta);
	} else {
		double no = noise(), ro = 15 - 1.5 * (SLR + no); /* 7-2 */
		r = ro - simultaneous(no, ro, ta) - delay(no, ro, ta);
	}
	out->r = (float)fmax(0, r - equipment(in, ppl));
	out->mos = emodel_mos(out->r, scale);
	return true;
}

/* B-4; of G.107.1 */
float emodel_mos(float rating, enum emodel_scale scale)
{
	double r = scale == EMODEL_WIDEBAND ? rating / 1.29 : rating;

	if (r <= 0)
		return 1;
	if (r >= 100)
		return 4.5F;
	/* Just above 0 the cubic dips below 1. */
	return (float)fmax(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}
