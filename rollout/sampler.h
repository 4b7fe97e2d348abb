/* One token from one row of logits, at an addressed uniform: the same row and the same uniform give the same token on every machine. */
#ifndef RZ_ROLLOUT_SAMPLER_H
#define RZ_ROLLOUT_SAMPLER_H
#include "base/arena.h"
#include "data/tokenizer.h"
#include "policy/kernels.h"

typedef struct {
    double temperature; /* 0: greedy, ties to the lower id */
    int top_k;          /* keep the k most likely (0: all) */
    double top_p;       /* then the smallest set of at least this share of what is left (1: all; Holtzman et al. 2020, arXiv 1904.09751) */
    double min_p;       /* then those of at least this share of the most likely's probability (0: all; arXiv 2407.01082) */
    int max_new;        /* tokens sampled at most; a completion cut there is `truncated` */
    int n_stop;
    const int32_t *stop; /* ids that end a completion (and belong to it) */
    int n_stop_texts;
    const char *const *stop_texts; /* a completion ends with the token after which its text holds one of them */
    const rz_tokenizer *tokenizer; /* what makes tokens text; NULL when there are no stop_texts */
    int n_lengths;                 /* benchmarks: completion i of a prompt has lengths[i mod n_lengths] tokens at most; 0: max_new alone bounds it */
    const int64_t *lengths;
    bool speculative;              /* tokens are drafted (rollout/draft.h); changes no bit */
    double weights_rows;           /* tests: draft as if so many rows took as long as reading the weights; 0: as the policy's do */
} rz_sampling;

/* Temperature under which log-probabilities are taken: that of sampling, 1 when greedy. */
float rz_sampling_temperature(const rz_sampling *s);
/* Something is left out of the distribution, so that logp_behaviour differs from logp. */
bool rz_sampling_filters(const rz_sampling *s, int V);

/* What is known of a token that was sampled: logp and entropy are those of the kernel logp_forward under rz_sampling_temperature, bit for bit; logp_behaviour is the
 * log-probability after the filters, logp where there are none. */
typedef struct { float logp, entropy, logp_behaviour; } rz_sampled;

/* Samples from logits(V). u in [0, 1).
 * Ties in the filters go to the lower id. The cumulative sum is defined: blocks of 512 ids, each a sum16 of exp(z − max), added in order in
 * binary64; inside the block that holds u·total a chain of binary64 additions. */
int rz_sample_token(const rz_kernels *k, const rz_sampling *s, const float *logits, int V, double u, rz_sampled *of, rz_arena scratch);
#endif
