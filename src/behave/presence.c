/* The intervals of a flow's packets; see presence.h. */
#include "behave/presence.h"

static void add_known(struct presence *p, int64_t ns)
{
	unsigned at = p->known++;

	for (; at > 0 && p->known_ns[at - 1] > ns; at--)
		p->known_ns[at] = p->known_ns[at - 1];
	p->known_ns[at] = ns;
}

struct presence presence_of(const struct labelled_flow *f, int64_t origin_ns, int64_t width_ns,
			    int64_t idle_ns)
{
	const struct flow_record *r = f->r;
	struct presence p = {
		.origin_ns = origin_ns,
		.width_ns = width_ns,
		.next = presence_interval(r->first_ns, origin_ns, width_ns),
		.last = presence_interval(r->last_ns, origin_ns, width_ns),
		.log = flow_record_messages(r, f->log),
	};

	/* A packet older than its flow's last one belongs to it however old it is: nothing bounds that gap.
	 */
	p.whole = p.next == p.last || (idle_ns <= width_ns && r->disordered == 0);
	for (int dir = 0; r->sizes == 0 && dir < 2; dir++)
		if (r->side[dir].packets > 0) {
			add_known(&p, r->side[dir].first_ns);
			add_known(&p, r->side[dir].last_ns);
		}
	if (p.known == 0) {
		add_known(&p, r->first_ns);
		add_known(&p, r->last_ns);
	}
	return p;
}

bool presence_next(struct presence *p, int64_t *interval)
{
	struct message m;

	if (p->whole) {
		*interval = p->next++;
		return *interval <= p->last;
	}
	/* The first packet, the log, and what is known to be behind it. */
	if (p->at > 0 && message_next(&p->log, &m)) {
		*interval = presence_interval(m.ns, p->origin_ns, p->width_ns);
		/* Times in the log are rounded down to the tick. */
		if (*interval < p->next)
			*interval = p->next;
		return true;
	}
	if (p->at == p->known)
		return false;
	*interval = presence_interval(p->known_ns[p->at++], p->origin_ns, p->width_ns);
	return true;
}
