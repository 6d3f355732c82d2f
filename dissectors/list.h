/*
 * Every protocol and dissector, one row each: an X-macro for registry.c. The order is the order of asking,
 * and a dissector's place is its bit in flow_identity. PROTOCOL(x) is protocol_x, DISSECTOR(x) is
 * dissector_x.
 */
#ifndef PROTOCOL
#define PROTOCOL(name)
#endif
#ifndef DISSECTOR
#define DISSECTOR(name)
#endif

PROTOCOL(skype)
DISSECTOR(skype_udp)
DISSECTOR(skype_login)
DISSECTOR(skype_node)
DISSECTOR(skype_http)
DISSECTOR(skype_tls)

PROTOCOL(gnutella)
DISSECTOR(gnutella_udp)
DISSECTOR(gnutella_tcp)

PROTOCOL(edonkey)
DISSECTOR(edonkey_udp)
DISSECTOR(edonkey_tcp)

PROTOCOL(fasttrack)
DISSECTOR(fasttrack_udp)
DISSECTOR(fasttrack_tcp)

PROTOCOL(bittorrent)
DISSECTOR(bittorrent_udp)
DISSECTOR(bittorrent_peer)
DISSECTOR(bittorrent_http)

PROTOCOL(rtp)
DISSECTOR(rtp_udp)
DISSECTOR(rtp_tcp)

#undef PROTOCOL
#undef DISSECTOR
