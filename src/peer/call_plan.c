/* Who connects to whom, over what, and when a call is on hold; see call_plan.h. */
#include "peer/call_plan.h"

bool event_refuse(struct error *err, const struct scenario *scenario, const struct event *event,
		  const char *who, const char *why)
{
	return error_set(err, EXIT_INPUT, "%s:%u: %s %s", scenario->path, event->line, who, why);
}

struct endpoint call_reach(const struct party *from, const struct party *to)
{
	bool behind_one_nat = from->public_ip == to->public_ip && to->address.ip != to->public_ip;

	return behind_one_nat ? to->address : party_public(to);
}

/* The call that the event's `who` is in at that time. */
static const struct event *call_around(const struct scenario *scenario, const struct event *event)
{
	for (size_t i = 0; i < scenario->events; i++) {
		const struct event *e = &scenario->event[i];
		if (e->verb == VERB_CALLS && (e->who == event->who || e->whom == event->who) &&
		    e->at_ns <= event->at_ns && event->at_ns < e->at_ns + CALL_TALKS_NS + e->for_ns)
			return e;
	}
	return NULL;
}

/* first ... last of the hold h, as far as the media last; holds of both ends that overlap are one. */
static bool plan_hold(struct call_plan *plan, const struct event *h)
{
	int64_t first = h->at_ns - plan->event->at_ns, last = first + h->for_ns;

	if (last > plan->ends_ns)
		last = plan->ends_ns;
	if (first < CALL_TALKS_NS || first >= plan->ends_ns)
		return true;
	if (plan->holds > 0 && first <= plan->hold[plan->holds - 1].last_ns) {
		struct call_hold *before = &plan->hold[plan->holds - 1];
		before->last_ns = last > before->last_ns ? last : before->last_ns;
		return true;
	}
	if (plan->holds == CALL_HOLDS_MAX)
		return false;
	plan->hold[plan->holds++] = (struct call_hold){ first, last };
	return true;
}

static bool plan_way(struct call_plan *plan, const struct scenario *scenario, struct error *err)
{
	bool callee = plan->callee->network == NETWORK_PUBLIC,
	     caller = plan->caller->network == NETWORK_PUBLIC,
	     direct = (callee && caller) || (plan->over_tcp && !plan->relay);
	const struct party *restricted = plan->caller->network == NETWORK_UDP_RESTRICTED   ? plan->caller
					 : plan->callee->network == NETWORK_UDP_RESTRICTED ? plan->callee
											   : NULL;

	if (restricted && !plan->over_tcp)
		return event_refuse(err, scenario, plan->event, restricted->name,
				    "is behind a firewall that drops UDP: its calls need `over tcp`");
	if (plan->over_tcp && !plan->relay && !callee && !caller)
		return event_refuse(err, scenario, plan->event, plan->callee->name,
				    "cannot be reached over TCP: the call needs `via` a relay");
	plan->callee_connects = !callee && caller;
	/* Where only one end is public signalling goes through other nodes, and media alone directly (BS
	 * Fig. 9); who cannot even send datagrams has nothing but the other end. */
	plan->signalling = direct ? CALL_DIRECT : plan->relay ? CALL_BY_RELAY : CALL_BY_SUPERNODES;
	return true;
}

bool call_plan(const struct scenario *scenario, const struct event *event, struct call_plan *out,
	       struct error *err)
{
	*out = (struct call_plan){ .event = event,
				   .caller = event->who,
				   .callee = event->whom,
				   .relay = event->via,
				   .over_tcp = event->over_tcp,
				   .ends_ns = CALL_TALKS_NS + event->for_ns };
	if (event->verb == VERB_INVITES) {
		const struct event *first = call_around(scenario, event);
		if (!first)
			return event_refuse(err, scenario, event, event->who->name,
					    "is in no call that it could invite to");
		out->ends_ns = first->at_ns + CALL_TALKS_NS + first->for_ns - event->at_ns;
	}
	if (!plan_way(out, scenario, err))
		return false;
	for (size_t i = 0; i < scenario->events; i++) {
		const struct event *e = &scenario->event[i];
		if (e->verb == VERB_HOLDS && (e->who == out->caller || e->who == out->callee) &&
		    !plan_hold(out, e))
			return event_refuse(err, scenario, e, e->who->name,
					    "holds one call more than eight times");
	}
	return true;
}

const struct call_hold *call_plan_hold(const struct call_plan *plan, int64_t since_event_ns)
{
	for (unsigned i = 0; i < plan->holds; i++)
		if (since_event_ns >= plan->hold[i].first_ns && since_event_ns < plan->hold[i].last_ns)
			return &plan->hold[i];
	return NULL;
}
