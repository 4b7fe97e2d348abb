/* metrics.jsonl and eval.jsonl read back as columns, one value a line. A log may be that of a job that is still running or was killed: what is no
 * whole JSON object with a number `step` is passed over. */
#ifndef RZ_TRAINER_HISTORY_H
#define RZ_TRAINER_HISTORY_H
#include "base/error.h"
#include <stdint.h>

typedef struct {
    char *name;
    double *v; /* (n) NaN where a line has null or nothing of that name */
} rz_history_series;

typedef struct {
    int64_t n, room;      /* lines; lines that v has room for */
    int n_columns;
    rz_history_series *columns;   /* in the order of their first appearance; "schema" is none */
    int64_t n_unread;     /* lines passed over */
} rz_history;

/* RZ_EIO when there is no such file or it cannot be read; an empty one has n 0. */
bool rz_history_read(rz_history *h, const char *path, rz_err *err);
void rz_history_finish(rz_history *h); /* accepts a zeroed one */

/* (n) values, or NULL when no line has that name. */
const double *rz_history_column(const rz_history *h, const char *name);
/* Value of a line (from 0), or NaN. */
double rz_history_get(const rz_history *h, const char *name, int64_t line);
/* Mean of the finite values of lines from … to − 1, in order; NaN when there are none. */
double rz_history_mean(const rz_history *h, const char *name, int64_t from, int64_t to);
#endif
