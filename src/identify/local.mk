FS_IDENTIFY = \
	src/identify/dissector.h \
	src/identify/identify.c \
	src/identify/identify.h \
	src/identify/ndpi_bridge.c \
	src/identify/ndpi_bridge.h \
	src/identify/ndpi_compat.c \
	src/identify/ndpi_compat.h \
	src/identify/observer.h \
	src/identify/record.c \
	src/identify/record.h \
	src/identify/sockets.c \
	src/identify/sockets.h
