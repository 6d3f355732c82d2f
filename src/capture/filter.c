/* BPF filters; see filter.h. */
#include "capture/filter.h"
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

#define LINKTYPE_ETHERNET 1
#define SNAPLEN           262144 /* what is returned for a packet that passes; none is longer */

struct program {
	int linktype;
	struct bpf_program code;
};

struct filter {
	const char *expression;
	struct program *programs;
	size_t count, latest; /* latest: index of the program that was used last */
	/* It can match on Ethernet, so it is no contradiction where it cannot: "host 10.0.0.1" on a link that
	 * carries IPv6 alone. */
	bool may_reject_all;
};

/* Where LINKTYPE_ and DLT_ values differ (pcap/dlt.h, "the numbers in savefiles"). */
static int dlt_of(int linktype)
{
	switch (linktype) {
	case 100:
		return DLT_ATM_RFC1483;
	case 101:
		return DLT_RAW;
	case 102:
		return DLT_SLIP_BSDOS;
	case 103:
		return DLT_PPP_BSDOS;
	case 106:
		return DLT_ATM_CLIP;
	default:
		return linktype;
	}
}

/* On failure, message holds libpcap's words. may_reject_all: a program that no packet passes will do. */
static bool compile(const char *expression, int linktype, bool may_reject_all, struct bpf_program *code,
		    char message[PCAP_ERRBUF_SIZE])
{
	pcap_t *dead = pcap_open_dead(dlt_of(linktype), SNAPLEN);

	if (!dead) {
		snprintf(message, PCAP_ERRBUF_SIZE, "out of memory");
		return false;
	}
	bool compiled = pcap_compile(dead, code, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;

	if (!compiled)
		snprintf(message, PCAP_ERRBUF_SIZE, "%s", pcap_geterr(dead));
	/* Only the optimiser minds that nothing can match. */
	if (!compiled && may_reject_all)
		compiled = pcap_compile(dead, code, expression, 0, PCAP_NETMASK_UNKNOWN) == 0;
	pcap_close(dead);
	return compiled;
}

/* The kinds of link that have primitives of their own in pcap-filter(7); Ethernet's complaint is the one
 * shown. */
static bool compiles_somewhere(const char *expression, struct error *err)
{
	static const int linktypes[] = { LINKTYPE_ETHERNET, 101, 9, 113, 105, 117, 123, 140 };
	char first[PCAP_ERRBUF_SIZE], other[PCAP_ERRBUF_SIZE];
	struct bpf_program code;

	for (size_t i = 0; i < sizeof linktypes / sizeof linktypes[0]; i++) {
		if (compile(expression, linktypes[i], false, &code, i == 0 ? first : other)) {
			pcap_freecode(&code);
			return true;
		}
	}
	return error_set(err, EXIT_USAGE, "the filter \"%s\" is wrong: %s; see pcap-filter(7)", expression,
			 first);
}

struct filter *filter_new(const char *expression, struct error *err)
{
	char message[PCAP_ERRBUF_SIZE];
	struct bpf_program code;

	if (!compiles_somewhere(expression, err))
		return NULL;
	struct filter *f = calloc(1, sizeof *f);

	if (!f)
		error_memory(err, "the filter");
	else
		f->expression = expression;
	if (f && compile(expression, LINKTYPE_ETHERNET, false, &code, message)) {
		f->may_reject_all = true;
		pcap_freecode(&code);
	}
	return f;
}

/* The program for a link type becomes f->programs[f->latest]. */
static bool program_find(struct filter *f, int linktype, struct error *err)
{
	char message[PCAP_ERRBUF_SIZE], number[24];
	const char *name = linktype_name(linktype);

	for (size_t i = 0; i < f->count; i++) {
		if (f->programs[i].linktype == linktype) {
			f->latest = i;
			return true;
		}
	}
	struct program *grown = realloc(f->programs, (f->count + 1) * sizeof *grown);

	if (!grown)
		return error_memory(err, "the filter");
	f->programs = grown;
	if (!compile(f->expression, linktype, f->may_reject_all, &grown[f->count].code, message)) {
		snprintf(number, sizeof number, "%d", linktype);
		return error_set(err, EXIT_USAGE,
				 "the filter \"%s\" cannot be used on packets of link type %s: %s",
				 f->expression, name ? name : number, message);
	}
	grown[f->count].linktype = linktype;
	f->latest = f->count++;
	return true;
}

bool filter_check(struct filter *f, int linktype, struct error *err)
{
	return program_find(f, linktype, err);
}

bool filter_frame(struct filter *f, const struct frame *frame, bool *passes, struct error *err)
{
	if (!(f->count && f->programs[f->latest].linktype == frame->linktype) &&
	    !program_find(f, frame->linktype, err))
		return false;
	struct pcap_pkthdr header = { .caplen = (bpf_u_int32)frame->bytes.len, .len = frame->wire_len };

	*passes = pcap_offline_filter(&f->programs[f->latest].code, &header, frame->bytes.ptr) != 0;
	return true;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->count; i++)
		pcap_freecode(&f->programs[i].code);
	free(f->programs);
	free(f);
}
