FS_DECODE = \
	src/decode/decode.c \
	src/decode/decode.h \
	src/decode/ether.c \
	src/decode/fragment.c \
	src/decode/fragment.h \
	src/decode/ip.c \
	src/decode/key.h \
	src/decode/link.c \
	src/decode/packet.h \
	src/decode/quote.c \
	src/decode/transport.c \
	src/decode/tunnel.c \
	src/decode/tunnel_udp.c \
	src/decode/walk.h \
	src/decode/wireless.c
