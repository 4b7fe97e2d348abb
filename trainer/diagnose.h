/* What goes wrong in a training run, in words: sentences with the figures and a remedy, found from the metrics of the steps alone (the table is
 * in docs/report.md). A finding is a function of the metrics up to a step, so a resumed run and a report that read them back come to the same. */
#ifndef RZ_TRAINER_DIAGNOSE_H
#define RZ_TRAINER_DIAGNOSE_H
#include "trainer/history.h"
#include "trainer/metrics.h"

typedef struct {
    const char *name;    /* row of the table */
    int64_t first, last; /* steps at which it was noticed, and at which it last held */
    char text[640];      /* as it stood when it was noticed */
} rz_finding;

typedef struct rz_diagnosis rz_diagnosis;

rz_diagnosis *rz_diagnosis_create(void);
void rz_diagnosis_destroy(rz_diagnosis *d); /* accepts NULL */
/* Takes in the next step. Returns how many findings are new: the last ones of the list. Each kind is found once. */
int rz_diagnosis_step(rz_diagnosis *d, const rz_metrics *m);
/* All lines of a log, in order. */
void rz_diagnosis_replay(rz_diagnosis *d, const rz_history *h);
const rz_finding *rz_diagnosis_findings(const rz_diagnosis *d, int *n);

/* Names of the table's rows. */
const char *const *rz_diagnosis_names(int *n);
#endif
