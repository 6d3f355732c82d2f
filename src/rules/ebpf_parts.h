/*
 * Functions of the program that format_ebpf.c writes: those that are the same in every program, and those
 * that are lists of addresses.
 */
#ifndef FS_RULES_EBPF_PARTS_H
#define FS_RULES_EBPF_PARTS_H
#include "rules/rules.h"

/* C, each with an empty line before it; format_ebpf.c has the struct packet that they fill. */
extern const char ebpf_includes[], ebpf_find_ip[], ebpf_skip_extensions[], ebpf_read_tcp[], ebpf_read_udp[],
	ebpf_read_ports[];

/* bool NAME(const struct packet *, const struct address *): whether the address is in one of the prefixes. */
void ebpf_put_prefixes(const char *name, const struct ip_prefix *prefix, size_t count, FILE *out);

/* bool blocked(const struct packet *, const struct address *, __u16 port), and what it needs. */
void ebpf_put_blocked(const struct ruleset *r, FILE *out);
/* Endpoints of one family that are whole addresses, or sockets. */
bool ebpf_has_endpoints(const struct ruleset *r, bool v4, bool with_port);
#endif
