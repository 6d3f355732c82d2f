FS_STORE = \
	src/store/account.c \
	src/store/account.h \
	src/store/aggregate.c \
	src/store/aggregate.h \
	src/store/json.c \
	src/store/label.c \
	src/store/label.h \
	src/store/open.c \
	src/store/open.h \
	src/store/pipeline.c \
	src/store/pipeline.h \
	src/store/resolve.c \
	src/store/resolve.h \
	src/store/rows.c \
	src/store/rows.h \
	src/store/sink.h \
	src/store/spool.c \
	src/store/spool.h \
	src/store/sqlite.c \
	src/store/sqlite_insert.c \
	src/store/sqlite_insert.h \
	src/store/target.c \
	src/store/target.h \
	src/store/totals.c \
	src/store/totals.h
