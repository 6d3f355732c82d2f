FS_DISSECTORS = \
	dissectors/bittorrent/bittorrent.c \
	dissectors/bittorrent/bittorrent.h \
	dissectors/bittorrent/dht.c \
	dissectors/bittorrent/http.c \
	dissectors/bittorrent/peer.c \
	dissectors/bittorrent/rules.c \
	dissectors/bittorrent/tracker.c \
	dissectors/bittorrent/udp.c \
	dissectors/bittorrent/utp.c \
	dissectors/edonkey/edonkey.c \
	dissectors/edonkey/edonkey.h \
	dissectors/edonkey/tcp.c \
	dissectors/edonkey/udp.c \
	dissectors/fasttrack.c \
	dissectors/gnutella/g2.c \
	dissectors/gnutella/gnutella.c \
	dissectors/gnutella/gnutella.h \
	dissectors/gnutella/tcp.c \
	dissectors/gnutella/udp.c \
	dissectors/list.h \
	dissectors/registry.c \
	dissectors/rtp/codecs.c \
	dissectors/rtp/flow.c \
	dissectors/rtp/message.c \
	dissectors/rtp/packet.c \
	dissectors/rtp/rtp.c \
	dissectors/rtp/rtp.h \
	dissectors/rtp/stun.c \
	dissectors/rtp/tcp.c \
	dissectors/rtp/udp.c \
	dissectors/skype/csc.c \
	dissectors/skype/http.c \
	dissectors/skype/login.c \
	dissectors/skype/node.c \
	dissectors/skype/relay.c \
	dissectors/skype/rules.c \
	dissectors/skype/skype.c \
	dissectors/skype/skype.h \
	dissectors/skype/tls.c \
	dissectors/skype/udp.c
# Shipped, but not part of the program; tests/unit/test_dissectors.c compiles and runs the template.
FS_DISSECTORS_EXTRA = \
	dissectors/README.md \
	dissectors/TEMPLATE.c
