/* What samples say about a policy: pass@k, majority votes, and intervals for means over problems that are not all independent. Pure. */
#ifndef RZ_TRAINER_STATISTICS_H
#define RZ_TRAINER_STATISTICS_H
#include "base/arena.h"
#include <stdint.h>

/* Probability that k completions drawn without replacement out of n, of which c are right, hold a right one: 1 − C(n−c, k) / C(n, k), the unbiased
 * estimator of pass@k (Chen et al. 2021, arXiv 2107.03374, section 2.1), as a product that cannot overflow. 1 ≤ k ≤ n. */
double rz_pass_at_k(int64_t n, int64_t c, int64_t k);

/* Chance that the answer given most often is right (Wang et al. 2022, arXiv 2203.11171): of several answers given equally often each is taken with the
 * same chance; of one that was judged now right, now wrong (say, in another form), its share of right ones. Answer 0 is none and has no vote; without
 * any answer 0. Sorts the votes. */
typedef struct { uint64_t answer; bool correct; } rz_vote;
double rz_majority(rz_vote *votes, int n);

/* Sums of one problem, and what an estimate sum(num) / sum(den) over problems came to; NaN: sum(den) is 0, or fewer than two clusters for an interval. */
typedef struct { double num, den; } rz_ratio;
typedef struct { double value, low, high; } rz_interval;

enum { RZ_RESAMPLES = 2000 };
/* Percentile bootstrap (Efron 1979) over clusters: RZ_RESAMPLES times as many clusters as there are, drawn with replacement; low and high are the 2.5 and
 * the 97.5 percentile (between two values: linear). ratios(n, m): row i is problem i, of clusters[i]. All m estimates see the same draws, which depend on
 * the seed and the number of clusters alone. *n_clusters is set. */
void rz_bootstrap(const rz_ratio *ratios, const uint64_t *clusters, int n, int m, uint32_t seed, rz_interval *out, int *n_clusters, rz_arena scratch);
/* Standard error of one estimate, robust to dependence within clusters: their deviations are summed before they are squared (linearised). */
double rz_cluster_error(const rz_ratio *ratios, const uint64_t *clusters, int n, rz_arena scratch);
#endif
