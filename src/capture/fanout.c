/* Packets to workers; see fanout.h. */
#include "capture/fanout.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PACKET_FANOUT_CBPF
#define PACKET_FANOUT_CBPF 6 /* linux/if_packet.h, since Linux 4.3 */
#endif
#ifndef PACKET_FANOUT_DATA
#define PACKET_FANOUT_DATA 22
#endif

#define PROGRAM_MAX    96U
#define GOLDEN_RATIO   0x9e3779b1U /* Knuth, The Art of Computer Programming, volume 3, section 6.4 */
#define IPV4_ADDRESSES 12U         /* RFC 791 section 3.1 */
#define IPV6_ADDRESSES 8U          /* RFC 8200 section 3 */
#define TAG_SIZE       4U          /* IEEE 802.1Q: tag control information, and the type of what follows */

/* Where jumps go. */
enum label { IPV4, IPV6, TAGGED, TAGGED_IPV4, TAGGED_IPV6, SENT, LABELS };

struct assembler {
	struct sock_filter *out;
	size_t n;
	struct {
		size_t at;
		enum label label;
	} jumps[LABELS * 2]; /* if true; the next instruction else */
	size_t jump_count;
};

static void emit(struct assembler *a, unsigned code, uint32_t k)
{
	a->out[a->n++] = (struct sock_filter)BPF_STMT((uint16_t)code, k);
}

static void jump_if_equal(struct assembler *a, uint32_t k, enum label label)
{
	a->jumps[a->jump_count].at = a->n;
	a->jumps[a->jump_count++].label = label;
	emit(a, BPF_JMP | BPF_JEQ | BPF_K, k);
}

/* The next instruction is what jumps to the label mean; all jumps go forward (BPF). */
static void set_label(struct assembler *a, enum label label)
{
	for (size_t i = 0; i < a->jump_count; i++)
		if (a->jumps[i].label == label)
			a->out[a->jumps[i].at].jt = (uint8_t)(a->n - a->jumps[i].at - 1);
}

/*
 * Loads relative to the network header: the packet begins with the link's header when it is sent, and behind
 * it when it is received.
 */
static void load_network(struct assembler *a, unsigned size, unsigned at)
{
	emit(a, BPF_LD | size | BPF_ABS, (uint32_t)SKF_NET_OFF + at);
}

/* The exclusive or of the words of both addresses, in whatever order, spread over all bits returned. */
static void return_hash(struct assembler *a, enum label label, unsigned at, unsigned words)
{
	set_label(a, label);
	load_network(a, BPF_W, at);
	for (unsigned i = 1; i < words; i++) {
		emit(a, BPF_MISC | BPF_TAX, 0);
		load_network(a, BPF_W, at + 4 * i);
		emit(a, BPF_ALU | BPF_XOR | BPF_X, 0);
	}
	emit(a, BPF_ALU | BPF_MUL | BPF_K, GOLDEN_RATIO);
	emit(a, BPF_ALU | BPF_RSH | BPF_K, 16);
	emit(a, BPF_RET | BPF_A, 0);
}

/* Returns how many instructions it has. The kernel takes what the program returns modulo the sockets. */
static size_t fanout_program(struct sock_filter out[PROGRAM_MAX])
{
	struct assembler a = { .out = out };

	emit(&a, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL));
	jump_if_equal(&a, ETH_P_IP, IPV4);
	jump_if_equal(&a, ETH_P_IPV6, IPV6);
	jump_if_equal(&a, ETH_P_8021Q, TAGGED);
	jump_if_equal(&a, ETH_P_8021AD, TAGGED);
	emit(&a, BPF_RET | BPF_K, 0);

	/*
	 * A received packet has lost its outer tag to the kernel: this is its second one, and where its
	 * network header is, there is the tag. A packet that is sent has all its tags, and its network header
	 * is that of IP.
	 */
	set_label(&a, TAGGED);
	emit(&a, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE));
	jump_if_equal(&a, PACKET_OUTGOING, SENT);
	load_network(&a, BPF_H, 2);
	jump_if_equal(&a, ETH_P_IP, TAGGED_IPV4);
	jump_if_equal(&a, ETH_P_IPV6, TAGGED_IPV6);
	emit(&a, BPF_RET | BPF_K, 0);
	set_label(&a, SENT);
	load_network(&a, BPF_B, 0);
	emit(&a, BPF_ALU | BPF_RSH | BPF_K, 4);
	jump_if_equal(&a, 4, IPV4);
	jump_if_equal(&a, 6, IPV6);
	emit(&a, BPF_RET | BPF_K, 0);

	return_hash(&a, IPV4, IPV4_ADDRESSES, 2);
	return_hash(&a, IPV6, IPV6_ADDRESSES, 8);
	return_hash(&a, TAGGED_IPV4, TAG_SIZE + IPV4_ADDRESSES, 2);
	return_hash(&a, TAGGED_IPV6, TAG_SIZE + IPV6_ADDRESSES, 8);
	return a.n;
}

static bool join(int socket, unsigned group, unsigned flags)
{
	uint32_t argument = (group & 0xffffU) | (PACKET_FANOUT_CBPF | flags) << 16;

	return setsockopt(socket, SOL_PACKET, PACKET_FANOUT, &argument, sizeof argument) == 0;
}

/* Opens a group of its own; another program, or another interface of ours, must not be in it. */
static bool group_open(int socket, unsigned *group)
{
#ifdef PACKET_FANOUT_FLAG_UNIQUEID
	int given = 0;
	socklen_t size = sizeof given;

	if (join(socket, 0, PACKET_FANOUT_FLAG_UNIQUEID) &&
	    getsockopt(socket, SOL_PACKET, PACKET_FANOUT, &given, &size) == 0) {
		*group = (unsigned)given & 0xffffU;
		return true;
	}
	if (errno != EINVAL)
		return false;
#endif
	/* Older than Linux 4.12: a number that only this process and descriptor are likely to think of. */
	*group = ((unsigned)getpid() * 31U + (unsigned)socket) & 0xffffU;
	return join(socket, *group, 0);
}

bool fanout_join(const int *sockets, size_t count)
{
	struct sock_filter code[PROGRAM_MAX];
	struct sock_fprog program = { (unsigned short)fanout_program(code), code };
	unsigned group;

	if (count == 0 || !group_open(sockets[0], &group) ||
	    setsockopt(sockets[0], SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof program) != 0)
		return false;
	for (size_t i = 1; i < count; i++)
		if (!join(sockets[i], group, 0))
			return false;
	return true;
}
