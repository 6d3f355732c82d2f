/* How a client is connected; see setups.h. */
#include "behave/setups.h"
#include "base/clock.h"
#include <stdarg.h>
#include <stdio.h>

const char *const setup_names[] = {
#define X(name, words) words,
	SETUPS(X)
#undef X
};

__attribute__((format(printf, 2, 3))) static void say(struct setup_verdict *out, const char *format, ...)
{
	size_t used = strlen(out->reasons);
	va_list args;

	if (used && used + 1 < sizeof out->reasons) {
		out->reasons[used++] = ' ';
		out->reasons[used] = '\0';
	}
	va_start(args, format);
	vsnprintf(out->reasons + used, sizeof out->reasons - used, format, args);
	va_end(args);
}

static void say_translated(const struct setup_facts *f, struct setup_verdict *out)
{
	char own[IP_TEXT], seen[IP_TEXT];

	ip_format(&f->own, own);
	ip_format(&f->public_ip, seen);
	if (f->has_public)
		say(out, "Its peers see it as %s, it is %s: translated.", seen, own);
	else
		say(out, "Its address %s is private: translated on the way out.", own);
}

/* Whether UDP gets through; it decides before all else. True: it is blocked. */
static bool udp_blocked(const struct setup_facts *f, struct setup_verdict *out)
{
	if (f->answered > 0 || f->callers > 0 || f->asked < SETUP_ASKED_MIN)
		return false;
	if (f->tcp_answered == 0) {
		say(out,
		    "None of %u peers asked over UDP answered, but no TCP connection did either (%u tried): "
		    "the other direction may be missing in the trace.",
		    f->asked, f->tcp_tried);
		return false;
	}
	say(out,
	    "None of %u peers asked over UDP answered, while TCP works (%u of %u connections): UDP is "
	    "blocked.",
	    f->asked, f->tcp_answered, f->tcp_tried);
	return true;
}

static void say_silent(struct setup_verdict *out)
{
	say(out, "Nothing that it sent over UDP is in the trace: who spoke first is not known.");
}

/* Who gets in through the translator. */
static enum setup judge_nat(const struct setup_facts *f, struct setup_verdict *out)
{
	char lived[DURATION_TEXT];

	duration_format(f->lived_ns, lived);
	say_translated(f, out);
	if (!f->sent) {
		say_silent(out);
		return SETUP_nat;
	}
	if (f->strangers > 0 || f->callers >= SETUP_CALLERS_MANY) {
		uint32_t n = f->strangers > 0 ? f->strangers : f->callers;
		say(out, "%u peer%s reached it first over UDP or TCP: the translator lets strangers in.", n,
		    n == 1 ? "" : "s");
		return SETUP_nat;
	}
	if (f->callers > 0) {
		say(out,
		    "%u peer%s spoke first, perhaps going on from before the trace: whether strangers get in "
		    "is "
		    "unknown.",
		    f->callers, f->callers == 1 ? "" : "s");
		return SETUP_nat;
	}
	if (f->lived_ns < SETUP_QUIET_NS || f->answered == 0) {
		say(out, "No peer reached it first in %s: too little to tell whether strangers get in.",
		    lived);
		return SETUP_nat;
	}
	if (!f->rate_known) {
		say(out,
		    "No peer reached it first in %s; how often a client is called that can be reached is not "
		    "known of this protocol.",
		    lived);
		return SETUP_nat;
	}
	say(out,
	    "No peer reached it first in %s, while %u of %u asked answered: strangers do not get in (a "
	    "client that can be reached is called about once a minute).",
	    lived, f->answered, f->asked);
	return SETUP_port_restricted_nat;
}

static enum setup judge_global(const struct setup_facts *f, struct setup_verdict *out)
{
	char own[IP_TEXT];

	ip_format(&f->own, own);
	if (f->has_public) {
		say(out, "Its peers see it as %s, its own address.", own);
		return SETUP_public;
	}
	if (!f->sent) {
		say_silent(out);
		return SETUP_unknown;
	}
	if (f->strangers > 0) {
		say(out, "%u peer%s reached it first at its own address %s, which is not private.",
		    f->strangers, f->strangers == 1 ? "" : "s", own);
		return SETUP_public;
	}
	say(out, "Its address %s is not private, but no peer said how it sees it, and none reached it first.",
	    own);
	return SETUP_unknown;
}

void setup_judge(const struct setup_facts *f, struct setup_verdict *out)
{
	bool translated = f->has_public ? !ip_equal(&f->public_ip, &f->own) : f->is_private;

	*out = (struct setup_verdict){ .setup = SETUP_unknown };
	if (udp_blocked(f, out)) {
		out->setup = SETUP_udp_restricted;
		if (translated)
			say_translated(f, out);
		return;
	}
	/* Silence over UDP and TCP: nothing that follows would be worth anything. */
	if (out->reasons[0])
		return;
	out->setup = translated ? judge_nat(f, out) : judge_global(f, out);
}
