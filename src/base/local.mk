FS_BASE = \
	src/base/clock.c \
	src/base/clock.h \
	src/base/error.c \
	src/base/error.h \
	src/base/hash.c \
	src/base/hash.h \
	src/base/intern.c \
	src/base/intern.h \
	src/base/ip.c \
	src/base/ip.h \
	src/base/options.c \
	src/base/options.h \
	src/base/options_help.c \
	src/base/options_json.c \
	src/base/options_nearest.c \
	src/base/problems.c \
	src/base/problems.h \
	src/base/progress.c \
	src/base/progress.h \
	src/base/reader.h \
	src/base/row_index.c \
	src/base/row_index.h \
	src/base/sha256.c \
	src/base/sha256.h \
	src/base/slab.c \
	src/base/slab.h \
	src/base/span.h
