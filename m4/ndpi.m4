dnl libndpi: its API changed in most releases, and its version macros moved between headers and are wrong in
dnl development snapshots. So the variant is found by compiling, never by version.

dnl FS_NDPI_PROBE(MACRO, VALUE, STATEMENT): defines MACRO as VALUE, for C and for the shell, if STATEMENT compiles.
AC_DEFUN([FS_NDPI_PROBE], [
	AC_MSG_CHECKING([whether libndpi has $1=$2])
	AC_COMPILE_IFELSE([FS_NDPI_PROGRAM([$3])], [
		AC_MSG_RESULT([yes])
		$1=$2
		AC_DEFINE([$1], [$2], [API of libndpi, see src/identify/ndpi_compat.c])
	], [AC_MSG_RESULT([no])])
])

AC_DEFUN([FS_NDPI_PROGRAM], [AC_LANG_PROGRAM([[#include <ndpi_api.h>
	struct ndpi_detection_module_struct *m;
	struct ndpi_flow_struct *f;
	unsigned char guessed;
	const unsigned char *bytes;
	ndpi_protocol p;]], [$1])])

dnl What every supported version has. 4.0 and older fail here: no ndpi_free_flow_data(), no confidence.
AC_DEFUN([FS_NDPI_COMMON], [FS_NDPI_PROGRAM([[
	m = ndpi_init_detection_module(0);
	ndpi_finalize_initialization(m);
	f->confidence = NDPI_CONFIDENCE_DPI;
	f->confidence = NDPI_CONFIDENCE_DPI_CACHE;
	ndpi_free_flow_data(f);
	ndpi_exit_detection_module(m);
	return ndpi_detection_get_sizeof_ndpi_flow_struct() == 0 || !ndpi_revision() || !ndpi_get_proto_name(m, 5);]])])

dnl FS_NDPI_TRY(CFLAGS, LIBS): links with them, unless something was found before.
AC_DEFUN([FS_NDPI_TRY], [
	AS_IF([test $fs_ndpi_found = no], [
		CFLAGS="$fs_ndpi_cflags $1"
		LIBS="$2 $fs_ndpi_libs"
		AC_LINK_IFELSE([FS_NDPI_COMMON], [
			fs_ndpi_found=yes
			NDPI_CFLAGS="$1"
			NDPI_LIBS="$2"
		])
	])
])

dnl FS_NDPI_VARIANT: which API it is. Older compilers only warn of undeclared functions and mixed-up types.
AC_DEFUN([FS_NDPI_VARIANT], [
	FS_NDPI_PACKET_ARGS=
	FS_NDPI_GIVEUP_ARGS=
	CFLAGS="$fs_ndpi_cflags $NDPI_CFLAGS -Werror=implicit-function-declaration -Werror=int-conversion"
	CFLAGS="$CFLAGS -Werror=incompatible-pointer-types"
	FS_NDPI_PROBE([FS_NDPI_PACKET_ARGS], [5], [[p = ndpi_detection_process_packet(m, f, bytes, 0, 0);]])
	FS_NDPI_PROBE([FS_NDPI_PACKET_ARGS], [6], [[p = ndpi_detection_process_packet(m, f, bytes, 0, 0, (void *)0);]])
	FS_NDPI_PROBE([FS_NDPI_GIVEUP_ARGS], [4], [[p = ndpi_detection_giveup(m, f, 1, &guessed);]])
	FS_NDPI_PROBE([FS_NDPI_GIVEUP_ARGS], [3], [[p = ndpi_detection_giveup(m, f, &guessed);]])
	FS_NDPI_PROBE([FS_NDPI_GIVEUP_ARGS], [2], [[p = ndpi_detection_giveup(m, f);]])
	FS_NDPI_PROBE([FS_NDPI_FINALIZE_RESULT], [1], [[return ndpi_finalize_initialization(m);]])
	FS_NDPI_PROBE([FS_NDPI_NESTED], [1], [[return p.proto.master_protocol;]])
	FS_NDPI_PROBE([FS_NDPI_BITMASK], [1],
		[[NDPI_PROTOCOL_BITMASK all; NDPI_BITMASK_SET_ALL(all); ndpi_set_protocol_detection_bitmask2(m, &all);]])
	FS_NDPI_PROBE([FS_NDPI_SET_CONFIG], [1], [[return ndpi_set_config(m, (void *)0, "lru.stun.size", "0");]])
	FS_NDPI_PROBE([FS_NDPI_LRU_SIZE], [1], [[return ndpi_set_lru_cache_size(m, (lru_cache_type)0, NDPI_LRUCACHE_MAX);]])
	FS_NDPI_PROBE([FS_NDPI_CONFIDENCE_PARTIAL], [1], [[f->confidence = NDPI_CONFIDENCE_DPI_PARTIAL;]])
])

dnl FS_CHECK_NDPI: --with-ndpi: it must be there; --without-ndpi: it is not looked for; neither: it is used if there.
dnl Sets NDPI_CFLAGS, NDPI_LIBS (empty: not used) and NDPI_VERSION, defines HAVE_LIBNDPI and the FS_NDPI_ macros.
dnl NDPI_CFLAGS and NDPI_LIBS from the environment are taken as they are.
AC_DEFUN([FS_CHECK_NDPI], [
	AC_ARG_WITH([ndpi], [AS_HELP_STRING([--without-ndpi], [leave out: labels of all other protocols])],
		[], [with_ndpi=auto])
	AC_REQUIRE([PKG_PROG_PKG_CONFIG])
	AC_ARG_VAR([NDPI_CFLAGS], [C compiler flags for libndpi, overriding pkg-config])
	AC_ARG_VAR([NDPI_LIBS], [linker flags for libndpi, overriding pkg-config])
	NDPI_VERSION=
	fs_ndpi_found=no
	AS_IF([test "x$with_ndpi" != xno], [
		fs_ndpi_cflags=$CFLAGS
		fs_ndpi_libs=$LIBS
		fs_ndpi_pkg_cflags=
		fs_ndpi_pkg_libs=
		AS_IF([test -n "$PKG_CONFIG" && $PKG_CONFIG --exists libndpi], [
			AS_IF([test -z "$NDPI_LIBS"], [NDPI_VERSION=`$PKG_CONFIG --modversion libndpi`])
			fs_ndpi_pkg_cflags=`$PKG_CONFIG --cflags libndpi`
			fs_ndpi_pkg_libs=`$PKG_CONFIG --libs libndpi`
		])
		AC_MSG_CHECKING([for libndpi])
		AS_IF([test -n "$NDPI_LIBS"],
			[FS_NDPI_TRY([$NDPI_CFLAGS], [$NDPI_LIBS])],
			[
			AS_IF([test -n "$fs_ndpi_pkg_libs"], [FS_NDPI_TRY([$fs_ndpi_pkg_cflags], [$fs_ndpi_pkg_libs])])
			dnl Debian's libndpi.pc asks for the link file of libgcrypt, which the shared library does not need.
			FS_NDPI_TRY([$fs_ndpi_pkg_cflags], [-lndpi -lm])
			FS_NDPI_TRY([-I/usr/include/ndpi], [-lndpi -lm])
			FS_NDPI_TRY([-I/usr/local/include/ndpi], [-L/usr/local/lib -lndpi -lm])
			])
		AC_MSG_RESULT([$fs_ndpi_found])
		AS_IF([test $fs_ndpi_found = yes], [
			FS_NDPI_VARIANT
			AS_IF([test -z "$FS_NDPI_PACKET_ARGS" || test -z "$FS_NDPI_GIVEUP_ARGS"], [fs_ndpi_found=no])
		])
		AS_IF([test $fs_ndpi_found = yes], [
			AC_DEFINE([HAVE_LIBNDPI], [1], [labels of all other protocols])
		], [test "x$with_ndpi" != xauto], [
			AC_MSG_ERROR([--with-ndpi was given, but no libndpi from 4.2 to 5.0 was found (details: config.log)
  on Debian: apt-get install libndpi-dev; elsewhere: set NDPI_CFLAGS and NDPI_LIBS])
		], [test -n "$NDPI_VERSION"], [
			AC_MSG_WARN([libndpi $NDPI_VERSION is left out: it cannot be linked, or its API is not one of 4.2 to 5.0])
		])
		CFLAGS=$fs_ndpi_cflags
		LIBS=$fs_ndpi_libs
	])
	AS_IF([test $fs_ndpi_found = no], [
		NDPI_CFLAGS=
		NDPI_LIBS=
	])
	AC_SUBST([NDPI_CFLAGS])
	AC_SUBST([NDPI_LIBS])
])
