/* The version of this build, from configure.ac alone. */
#ifndef FS_BASE_VERSION_H
#define FS_BASE_VERSION_H
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown" /* compiled without configure, as by an editor's checker */
#endif

#endif
