dnl Libraries, required and optional, and the summary that configure ends with.

dnl FS_SUMMARY_ADD(NAME, STATE, VERSION, WHAT FOR, DEBIAN PACKAGE WHEN OFF): one row. Fields end with a tab.
AC_DEFUN([FS_SUMMARY_ADD], [AS_VAR_APPEND([fs_summary], ["$1	$2	$3	$4	$5
"])])

AC_DEFUN([FS_SUMMARY_INIT], [
	fs_summary=
	fs_missing=
])

dnl FS_REQUIRE(VARIABLE, NAME, PKG-CONFIG MODULE, WHAT FOR, DEBIAN PACKAGE)
dnl What is missing is collected, so that one run of configure names all of it.
AC_DEFUN([FS_REQUIRE], [
	PKG_CHECK_MODULES([$1], [$3], [
		FS_SUMMARY_ADD([$2], [on], [`$PKG_CONFIG --modversion $2`], [$4], [])
	], [AS_VAR_APPEND([fs_missing], [" $5"])])
])

dnl FS_OPTIONAL(VARIABLE, NAME, PKG-CONFIG MODULE, WHAT FOR, DEBIAN PACKAGE)
dnl --with-NAME: it must be there; --without-NAME: it is not looked at. Sets fs_with_NAME, VARIABLE_CFLAGS, VARIABLE_LIBS
dnl and HAVE_VARIABLE.
AC_DEFUN([FS_OPTIONAL], [
	FS_WITH([$2], [$4])
	AS_IF([test "x$FS_WITH_NAME([$2])" != xno], [
		PKG_CHECK_MODULES([$1], [$3], [
			FS_WITH_NAME([$2])=yes
			fs_version=`echo "$3" | sed 's/ .*//'`
			fs_version=`$PKG_CONFIG --modversion $fs_version`
		], [FS_NOT_FOUND([$2], [$5])])
	])
	FS_OPTIONAL_END([$1], [$2], [$4], [$5])
])

dnl FS_OPTIONAL_LIB(VARIABLE, NAME, HEADER, LIBRARY, FUNCTION, WHAT FOR, DEBIAN PACKAGE): the same without pkg-config.
AC_DEFUN([FS_OPTIONAL_LIB], [
	FS_WITH([$2], [$6])
	AS_IF([test "x$FS_WITH_NAME([$2])" != xno], [
		fs_found=no
		AC_CHECK_HEADER([$3], [AC_CHECK_LIB([$4], [$5], [fs_found=yes])])
		AS_IF([test $fs_found = yes], [
			FS_WITH_NAME([$2])=yes
			fs_version=-
			$1_LIBS=-l$4
		], [FS_NOT_FOUND([$2], [$7])])
	])
	AC_SUBST([$1_CFLAGS])
	AC_SUBST([$1_LIBS])
	FS_OPTIONAL_END([$1], [$2], [$6], [$7])
])

dnl The shell's variable of --with-NAME: a name may have a dash.
m4_define([FS_WITH_NAME], [fs_with_[]m4_translit([$1], [-], [_])])

AC_DEFUN([FS_WITH], [
	AC_ARG_WITH([$1],
		[AS_HELP_STRING([--without-$1], [leave out: $2])],
		[FS_WITH_NAME([$1])=$withval], [FS_WITH_NAME([$1])=auto])
])

AC_DEFUN([FS_NOT_FOUND], [
	AS_IF([test "x$FS_WITH_NAME([$1])" != xauto],
		[AC_MSG_ERROR([--with-$1 was given, but it was not found; on Debian: apt-get install $2])])
	FS_WITH_NAME([$1])=missing
])

AC_DEFUN([FS_OPTIONAL_END], [
	AS_CASE([$FS_WITH_NAME([$2])],
	[yes], [
		AC_DEFINE([HAVE_$1], [1], [$3])
		FS_SUMMARY_ADD([$2], [on], [$fs_version], [$3], [])
	],
	[missing], [FS_SUMMARY_ADD([$2], [off], [-], [$3], [apt-get install $4])],
	[FS_SUMMARY_ADD([$2], [off], [-], [$3], [as asked])])
])

dnl Where units of systemd go. It looks below /usr and /usr/local alike.
AC_DEFUN([FS_SYSTEMD_UNITS], [
	AC_ARG_WITH([systemdsystemunitdir],
		[AS_HELP_STRING([--with-systemdsystemunitdir=DIR], [directory of the systemd unit; no: it is not installed])],
		[], [with_systemdsystemunitdir=auto])
	AS_CASE([$with_systemdsystemunitdir],
	[yes|auto], [systemdsystemunitdir='${prefix}/lib/systemd/system'],
	[no], [systemdsystemunitdir=],
	[systemdsystemunitdir=$with_systemdsystemunitdir])
	AC_SUBST([systemdsystemunitdir])
])

dnl The row of libndpi, whose check is in ndpi.m4.
AC_DEFUN([FS_SUMMARY_NDPI], [
	fs_ndpi_what="labels of all other protocols"
	AS_IF([test -n "$NDPI_LIBS"],
		[FS_SUMMARY_ADD([libndpi], [on], [${NDPI_VERSION:-`$PKG_CONFIG --modversion libndpi 2>/dev/null`}],
			[$fs_ndpi_what], [])],
		[test "x$with_ndpi" = xno],
		[FS_SUMMARY_ADD([libndpi], [off], [-], [$fs_ndpi_what], [as asked])],
		[FS_SUMMARY_ADD([libndpi], [off], [-], [$fs_ndpi_what], [apt-get install libndpi-dev])])
])

dnl FS_RESOLV: the parser of DNS messages is part of the C library; glibc keeps it in libresolv.
AC_DEFUN([FS_RESOLV], [
	AC_SEARCH_LIBS([ns_initparse], [resolv], [], [AS_VAR_APPEND([fs_missing], [" libc6-dev (ns_initparse)"])])
])

dnl FS_CHECK_MISSING: stops when something required is missing.
AC_DEFUN([FS_CHECK_MISSING], [
	AS_IF([test -n "$fs_missing"], [AC_MSG_ERROR([required libraries are missing
  on Debian or Ubuntu: apt-get install$fs_missing
  elsewhere: libpcap >= 1.9 and SQLite >= 3.35, with their headers and .pc files])])
])

AC_DEFUN([FS_SUMMARY_PRINT], [
	AS_IF([test -n "$GNUPLOT"],
		[FS_SUMMARY_ADD([gnuplot], [on], [`$GNUPLOT --version | sed 's/gnuplot //; s/ patchlevel /./'`],
			[figures of a report (looked for again at run time)], [])],
		[FS_SUMMARY_ADD([gnuplot], [off], [-], [figures of a report (looked for again at run time)],
			[apt-get install gnuplot-nox])])
	AS_IF([test -n "$PYTHON3"],
		[FS_SUMMARY_ADD([python3], [on], [`$PYTHON3 --version | sed 's/.* //'`], [tests of whole captures], [])],
		[FS_SUMMARY_ADD([python3], [off], [-], [tests of whole captures], [apt-get install python3])])
	fs_version=`$CC --version 2>/dev/null | sed -n '1s/.* \([[0-9]][[0-9.]]*\).*/\1/p'`
	echo
	echo "footsteps $PACKAGE_VERSION"
	echo
	printf '%s' "$fs_summary" | $AWK -F '\t' '{
		printf "  %-10s %-4s %-12s %s%s\n", [$]1, [$]2, [$]3, [$]4, [$]5 == "" ? "" : "   (" [$]5 ")"
	}'
	echo
	printf '  %-10s %s\n' \
		compiler "$CC $fs_version" \
		warnings "`test "x$enable_werror" != xno && echo 'are errors' || echo 'are shown'`" \
		sanitizers "`test "x$enable_sanitizers" != xno && echo on || echo off`" \
		prefix "$prefix"
	echo
	echo "  next: make && make check && make install"
	echo
])
