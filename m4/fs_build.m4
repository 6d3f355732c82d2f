dnl How footsteps is compiled: language, warnings, sanitizers, threads.

dnl FS_CC_STANDARD(FLAG): the compiler must know FLAG. It goes to FS_CFLAGS, so that CFLAGS stays the user's.
AC_DEFUN([FS_CC_STANDARD], [
	AC_CACHE_CHECK([whether $CC accepts $1], [fs_cv_cc_standard], [
		fs_save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS $1"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
			#if __STDC_VERSION__ < 201710L
			#error older than C17
			#endif
		]])], [fs_cv_cc_standard=yes], [fs_cv_cc_standard=no])
		CFLAGS=$fs_save_CFLAGS
	])
	AS_IF([test "x$fs_cv_cc_standard" = xno],
		[AC_MSG_ERROR([$CC does not know $1: footsteps needs gcc >= 8 or clang >= 6])])
	FS_CFLAGS="$FS_CFLAGS $1"
	AC_SUBST([FS_CFLAGS])
	AC_SUBST([FS_LDFLAGS])
])

dnl FS_WARNINGS: always on; errors when this is a git checkout (a release must build with compilers of the future).
AC_DEFUN([FS_WARNINGS], [
	FS_CFLAGS="$FS_CFLAGS -Wall -Wextra -Wconversion -Wshadow"
	AC_ARG_ENABLE([werror],
		[AS_HELP_STRING([--enable-werror], [make warnings errors (default: in a git checkout)])],
		[], [AS_IF([test -e "$srcdir/.git"], [enable_werror=yes], [enable_werror=no])])
	AS_IF([test "x$enable_werror" != xno], [FS_CFLAGS="$FS_CFLAGS -Werror"])
])

dnl FS_SANITIZERS: AddressSanitizer and UndefinedBehaviorSanitizer, for tests. A finding ends the program.
AC_DEFUN([FS_SANITIZERS], [
	AC_ARG_ENABLE([sanitizers],
		[AS_HELP_STRING([--enable-sanitizers], [build with ASan and UBSan, for tests (default: no)])],
		[], [enable_sanitizers=no])
	AS_IF([test "x$enable_sanitizers" != xno], [
		fs_sanitize="-fsanitize=address,undefined -fno-sanitize-recover=all"
		fs_save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS $fs_sanitize"
		AC_MSG_CHECKING([whether $CC can link with sanitizers])
		AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])], [
			AC_MSG_RESULT([no])
			AC_MSG_ERROR([--enable-sanitizers: $CC finds no sanitizer libraries (clang on Debian: libclang-rt-dev)])
		])
		CFLAGS=$fs_save_CFLAGS
		FS_CFLAGS="$FS_CFLAGS $fs_sanitize -fno-omit-frame-pointer"
		FS_LDFLAGS="$FS_LDFLAGS $fs_sanitize"
	])
])

dnl FS_THREADS: C11 atomics and POSIX threads.
AC_DEFUN([FS_THREADS], [
	fs_save_CFLAGS=$CFLAGS
	CFLAGS="$CFLAGS -pthread"
	AC_MSG_CHECKING([for threads and atomics])
	AC_LINK_IFELSE([AC_LANG_PROGRAM([[
		#include <pthread.h>
		#include <stdatomic.h>
		#include <stdint.h>
		static _Atomic uint64_t n;
		static void *run(void *arg) { atomic_fetch_add(&n, 1); return arg; }
	]], [[pthread_t t; return pthread_create(&t, 0, run, 0) || pthread_join(t, 0);]])],
		[AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no]); AC_MSG_ERROR([footsteps needs POSIX threads and C11 atomics])])
	CFLAGS=$fs_save_CFLAGS
	FS_CFLAGS="$FS_CFLAGS -pthread"
	FS_LDFLAGS="$FS_LDFLAGS -pthread"
])
