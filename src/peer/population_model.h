/*
 * The numbers of a population and where they come from. Those that a scenario may change are members of
 * struct population (population_model.c has the table of keys and defaults); sizes of messages are a table
 * here, too.
 */
#ifndef FS_PEER_POPULATION_MODEL_H
#define FS_PEER_POPULATION_MODEL_H
#include "base/rng.h"
#include "peer/population.h"

enum peer_class { /* of a pair: D10 */
		  CLASS_PROBE,
		  CLASS_HEARTBEAT,
		  CLASS_DIALOG,
		  CLASS_MIX,
		  CLASSES
};

#define HOURS 24U

struct population {
	double scale; /* of all that is a number of something */
	double clients, supernodes, peers, addresses, pairs, flows, packets, calls;
	double mixture[CLASSES];      /* of pairs; adds up to 1, as flow_mixture does */
	double flow_mixture[CLASSES]; /* that of probes is what the pairs make it: a flow each */
	double dialog_packets;        /* share of the packets that is in dialog pairs */
	double answered;              /* one-time probes that get a reply */
	double mix_probes;            /* flows of mix pairs that are one-time probes */
	double callers;               /* clients that call or are called */
	double call_packets;          /* of a call, both ways, on the mean */
	double laptops, desktops;     /* shares of the clients; the rest is there for days */
	double weekend;               /* clients that come on a day of it, of those on another day */
	double hours[HOURS];          /* weights of the hours, UTC, in which clients come */
	int64_t refresh_ns;
};

/* A whole number of it, at this scale: at least 1 of what there is at all. */
uint32_t population_count(const struct population *p, double what);

struct exchange {
	uint16_t question, least, most; /* bytes of payload; of the answer: bounds */
	uint8_t weight;
	bool acked; /* answered by an ACK of 11 bytes (wire A3) */
};
enum exchange_table {
	EXCHANGE_PROBE,     /* to a node that is not known yet */
	EXCHANGE_HEARTBEAT, /* to one that is */
	EXCHANGE_ROUND,     /* of a short dialog */
	EXCHANGE_LONG,      /* of one that transfers something */
	EXCHANGE_CALLED,    /* of a peer to a client of which it is not known yet */
	EXCHANGE_TABLES
};
const struct exchange *exchange_draw(struct rng *rng, enum exchange_table table);
extern const struct exchange exchange_notice;

struct codec {
	const char *name; /* of data/voice-models.ini */
	double size, sigma;
	int64_t gap_ns;
	uint8_t weight;
};
extern const struct codec codecs[];
unsigned codec_draw(struct rng *rng);
double codec_mean_rate(void); /* messages a second, one way, of the mean call */

/* Draws that are the same on every machine: the C library's logarithm is not, to the last bit. */
double chance_unit(struct rng *rng); /* 0 < x < 1 */
double chance_log(double x);         /* natural; x > 0 */
double chance_exp(double x);
double chance_power(double x, double y); /* x > 0 */
double chance_normal(struct rng *rng);   /* mean 0, sigma 1 */
static inline double chance_between(struct rng *rng, double low, double high)
{
	return low + (high - low) * chance_unit(rng);
}
#endif
