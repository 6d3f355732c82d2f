/* What the payload of each kind of generated traffic looks like. Private to null_traffic.c. */
#ifndef FS_IDENTIFY_NULL_PAYLOAD_H
#define FS_IDENTIFY_NULL_PAYLOAD_H
#include "identify/null_traffic.h"

null_payload null_random, null_rtp, null_srtp, null_dtls, null_quic, null_dns, null_dnscrypt, null_wireguard,
	null_stun, null_dht, null_utp, null_tls;
#endif
