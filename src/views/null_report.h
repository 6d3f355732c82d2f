/* What a null self-test found: tables for people, or JSON lines (one object per row, named by "row"). */
#ifndef FS_VIEWS_NULL_REPORT_H
#define FS_VIEWS_NULL_REPORT_H
#include "base/error.h"
#include "store/null_test.h"
#include <stdio.h>

/* False only when out of memory. */
bool null_report_tables(const struct null_account *account, uint64_t seed, FILE *out, unsigned width,
			struct error *err);
void null_report_json(const struct null_account *account, uint64_t seed, FILE *out);
#endif
