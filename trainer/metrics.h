/* Numbers of one step, in the order they are logged (names: docs/metrics.md). Everything but time/… and speculative/… is the same for any number of ranks. */
#ifndef RZ_TRAINER_METRICS_H
#define RZ_TRAINER_METRICS_H
#include "base/error.h"
#include <stdint.h>

/* A rule file may have 256 rules; an evaluation gives three numbers of each, and of each of the parts of its problems. */
enum { RZ_MAX_METRICS = 1280 };
typedef struct {
    int n;
    struct { char name[112]; double value; bool whole; } row[RZ_MAX_METRICS];
} rz_metrics;

void rz_metrics_put(rz_metrics *m, const char *name, double value);
void rz_metrics_put_int(rz_metrics *m, const char *name, int64_t value);
/* The value, or NaN when there is none of that name. */
double rz_metrics_get(const rz_metrics *m, const char *name);
/* One line of JSON without the newline ("schema" first); numbers that are not finite become null. Caller frees. */
char *rz_metrics_json(const rz_metrics *m);
#endif
