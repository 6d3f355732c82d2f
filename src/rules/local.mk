# The strategies of identify/strategy.h in the languages of firewalls, and tried on recordings.
FS_RULES = \
	src/rules/ebpf_parts.c \
	src/rules/ebpf_parts.h \
	src/rules/endpoints.c \
	src/rules/endpoints.h \
	src/rules/format_bpf.c \
	src/rules/format_cisco.c \
	src/rules/format_ebpf.c \
	src/rules/format_iptables.c \
	src/rules/format_nft.c \
	src/rules/format_pf.c \
	src/rules/format_snort.c \
	src/rules/format_suricata.c \
	src/rules/formats.c \
	src/rules/ids.c \
	src/rules/ids.h \
	src/rules/iptables.h \
	src/rules/iptables_u32.c \
	src/rules/list.c \
	src/rules/list.h \
	src/rules/readback.c \
	src/rules/readback.h \
	src/rules/rehearse.c \
	src/rules/rehearse.h \
	src/rules/rehearse_gather.c \
	src/rules/rehearse_json.c \
	src/rules/rehearse_parts.h \
	src/rules/rehearse_text.c \
	src/rules/rules.c \
	src/rules/rules.h \
	src/rules/ways.c \
	src/rules/ways.h
