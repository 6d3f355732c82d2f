FS_BEHAVE = \
	src/behave/emodel.c \
	src/behave/emodel.h \
	src/behave/emodel_codecs.c \
	src/behave/exchanges.c \
	src/behave/exchanges.h \
	src/behave/judge.c \
	src/behave/judge.h \
	src/behave/pairs.c \
	src/behave/pairs.h
