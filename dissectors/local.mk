FS_DISSECTORS = \
	dissectors/list.h \
	dissectors/registry.c \
	dissectors/skype/http.c \
	dissectors/skype/login.c \
	dissectors/skype/node.c \
	dissectors/skype/skype.c \
	dissectors/skype/skype.h \
	dissectors/skype/tls.c \
	dissectors/skype/udp.c
# Shipped, but not part of the program; tests/unit/test_dissectors.c compiles and runs the template.
FS_DISSECTORS_EXTRA = \
	dissectors/README.md \
	dissectors/TEMPLATE.c
