FS_FLOW = \
	src/flow/flow.h \
	src/flow/flow_table.c \
	src/flow/flow_table.h \
	src/flow/message_log.c \
	src/flow/message_log.h \
	src/flow/tcp.c \
	src/flow/tcp.h \
	src/flow/tcp_head.c \
	src/flow/tcp_head.h
