FS_VIEWS = \
	src/views/artefact.c \
	src/views/artefact.h \
	src/views/escape.c \
	src/views/escape.h \
	src/views/gnuplot.c \
	src/views/gnuplot.h \
	src/views/null_report.c \
	src/views/null_report.h \
	src/views/measured.c \
	src/views/measured.h \
	src/views/page.c \
	src/views/page.h \
	src/views/query.c \
	src/views/query.h \
	src/views/report.c \
	src/views/report.h \
	src/views/show.c \
	src/views/show.h \
	src/views/show_summary.c \
	src/views/show_topics.c \
	src/views/show_topics.h \
	src/views/show_why.c \
	src/views/staging.c \
	src/views/staging.h \
	src/views/table.c \
	src/views/table.h
