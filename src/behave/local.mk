FS_BEHAVE = \
	src/behave/exchanges.c \
	src/behave/exchanges.h \
	src/behave/judge.c \
	src/behave/judge.h \
	src/behave/pairs.c \
	src/behave/pairs.h
