FS_BEHAVE = \
	src/behave/callers.h \
	src/behave/call_table.c \
	src/behave/call_table.h \
	src/behave/calls.c \
	src/behave/calls.h \
	src/behave/distributions.c \
	src/behave/distributions.h \
	src/behave/emodel.c \
	src/behave/emodel.h \
	src/behave/emodel_codecs.c \
	src/behave/exchanges.c \
	src/behave/exchanges.h \
	src/behave/judge.c \
	src/behave/judge.h \
	src/behave/keepalive.c \
	src/behave/keepalive.h \
	src/behave/kept_messages.c \
	src/behave/kept_messages.h \
	src/behave/labelled.h \
	src/behave/openings.c \
	src/behave/openings.h \
	src/behave/media_verdict.c \
	src/behave/pairs.c \
	src/behave/pairs.h \
	src/behave/train.c \
	src/behave/train.h
