/* Facts as lines for people: "  12.345 s  alice  login: success". */
#include "base/clock.h"
#include "peer/fact.h"
#include "peer/net_live.h"
#include <stdarg.h>

/* The beginning of a line. */
static void put_who(struct live_net *net, const struct party *party)
{
	double seconds = (double)(net->now_ns - net->scenario->begins_ns) / (double)NS_PER_S;

	fprintf(net->out, "%9.3f s  %s  ", seconds, party->name);
}

static void put_end(struct live_net *net)
{
	fputc('\n', net->out);
	fflush(net->out); /* who looks on wants to see it now, also through a pipe */
}

void live_remark(struct live_net *net, const struct party *party, const char *format, ...)
{
	va_list args;

	if (!net->out)
		return;
	put_who(net, party);
	va_start(args, format);
	vfprintf(net->out, format, args);
	va_end(args);
	put_end(net);
}

static void put_call(const struct live_net *net, const struct fact *fact)
{
	char far[ENDPOINT_TEXT];

	endpoint_format(fact->far, far);
	fprintf(net->out, "%s %s over %s, %s%s", fact->began ? "calls" : "is called by",
		fact->with ? fact->with : "somebody", fact->over_tcp ? "TCP" : "UDP",
		fact->relayed ? "relayed by " : "directly with ", far);
	if (fact->codec)
		fprintf(net->out, " (%s)", fact->codec);
}

static void put_fact(const struct live_net *net, const struct fact *fact)
{
	switch (fact->kind) {
	case FACT_UP:
		fputs("starts", net->out);
		break;
	case FACT_DOWN:
		fputs("ends", net->out);
		break;
	case FACT_EXCHANGE:
		fprintf(net->out, "%s: %s",
			fact->link && fact->link->purpose == PURPOSE_CONTACT_LIST ? "contact list" : "login",
			fact->outcome ? fact->outcome : "unknown");
		break;
	case FACT_VERSION_CHECK:
		fprintf(net->out, "version check: %s", fact->action ? fact->action : "unknown");
		break;
	case FACT_SEARCH:
		fprintf(net->out, "search: %u of %u nodes answered, waves: %u", fact->answered, fact->asked,
			fact->waves);
		break;
	case FACT_CALL:
		put_call(net, fact);
		break;
	case FACT_CALL_END:
		fputs("the call is over", net->out);
		break;
	case FACT_HOLD:
		fprintf(net->out, "was on hold for %.1f s",
			(double)(fact->last_ns - fact->first_ns) / (double)NS_PER_S);
		break;
	}
}

static void note_up(struct live_net *net, const struct fact *fact)
{
	for (struct live_host *host = net->hosts; host; host = host->next)
		if (host->host.party == fact->party)
			host->up = fact->kind != FACT_DOWN;
}

void live_tell(struct net *base, const struct fact *fact)
{
	struct live_net *net = (struct live_net *)base;

	note_up(net, fact);
	if (!net->out)
		return;
	put_who(net, fact->party);
	put_fact(net, fact);
	put_end(net);
}

void net_live_tell_ends(struct net *base)
{
	struct live_net *net = (struct live_net *)base;

	for (struct live_host *host = net->hosts; host; host = host->next)
		if (host->up)
			live_tell(base, &(struct fact){ .kind = FACT_DOWN, .party = host->host.party });
	net->out = NULL;
}
