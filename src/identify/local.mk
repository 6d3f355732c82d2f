FS_IDENTIFY = \
	src/identify/chi_square.c \
	src/identify/chi_square.h \
	src/identify/dissector.h \
	src/identify/identify.c \
	src/identify/identify.h \
	src/identify/naive_bayes.c \
	src/identify/naive_bayes.h \
	src/identify/ndpi_bridge.c \
	src/identify/ndpi_bridge.h \
	src/identify/ndpi_compat.c \
	src/identify/ndpi_compat.h \
	src/identify/observer.h \
	src/identify/record.c \
	src/identify/record.h \
	src/identify/sockets.c \
	src/identify/sockets.h \
	src/identify/voice_fit.c \
	src/identify/voice_models.c \
	src/identify/voice_models.h
