/* Evaluation on held-out problems, dealt to all ranks. */
#ifndef RZ_TRAINER_EVALUATE_H
#define RZ_TRAINER_EVALUATE_H
#include "trainer/group.h"
#include "trainer/metrics.h"

typedef struct {
    int64_t problems, samples;
    double accuracy, accuracy_se; /* standard error over clusters of dependent problems, not over samples */
    double score, format, mean_length, truncated;
} rz_evaluation;

/* Collective. Problems 0 … n_problems−1 of the split, n_samples completions each; the same problems and addresses at every call (step only
 * addresses the samples). */
bool rz_evaluate(const rz_rollout *r, rz_split split, int n_problems, int n_samples, uint32_t step, rz_arena scratch, rz_evaluation *out,
                 rz_err *err);
void rz_evaluation_metrics(const rz_evaluation *e, int64_t step, rz_metrics *m);
#endif
