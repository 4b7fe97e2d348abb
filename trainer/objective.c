#include "trainer/objective.h"

#include "policy/math64.h"

#include <math.h>

const rz_objective rz_objectives[] = {
    {"grpo", true, RZ_SEQUENCE_MEAN},
    {"dr_grpo", false, RZ_BUDGET_MEAN},
};
const int rz_n_objectives = sizeof rz_objectives / sizeof rz_objectives[0];

bool rz_advantages(const double *scores, double *advantages, int n, bool divide_by_std)
{
    double mean = 0, variance = 0;
    bool equal = true;
    for (int i = 0; i < n; i++) {
        mean += scores[i];
        equal = equal && scores[i] == scores[0];
        advantages[i] = 0;
    }
    if (equal)
        return false;
    mean /= n;
    for (int i = 0; i < n; i++)
        variance += (scores[i] - mean) * (scores[i] - mean);
    double scale = divide_by_std ? 1 / (sqrt(variance / (n - 1)) + RZ_STD_EPS) : 1;
    for (int i = 0; i < n; i++)
        advantages[i] = (scores[i] - mean) * scale;
    return true;
}

double rz_token_loss(const float *logp, const float *logp_old, float *dlogp, int n, double advantage, double weight, const rz_clip *clip,
                     int64_t *clipped_low, int64_t *clipped_high)
{
    double sum = 0, low = 1 - clip->clip_eps_low, high = 1 + clip->clip_eps_high;
    for (int i = 0; i < n; i++) {
        double r = rz_exp64((double)logp[i] - (double)logp_old[i]);
        bool above = advantage > 0 && r > high, below = advantage < 0 && r < low;
        sum -= (above ? high : below ? low : r) * advantage;
        dlogp[i] = above || below ? 0.0f : (float)(-weight * advantage * r);
        *clipped_high += above;
        *clipped_low += below;
    }
    return sum;
}

double rz_token_kl(const float *logp, const float *logp_ref, float *dlogp, int n, double coef, double weight)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double d = (double)logp_ref[i] - (double)logp[i], r = rz_exp64(d);
        sum += r - d - 1;
        dlogp[i] = (float)((double)dlogp[i] + weight * coef * (1 - r));
    }
    return sum;
}

double rz_token_weight(rz_aggregation aggregation, int n_tokens, int64_t total_tokens, int64_t total_sequences, int64_t max_new)
{
    switch (aggregation) {
    case RZ_TOKEN_MEAN: return 1.0 / (double)total_tokens;
    case RZ_SEQUENCE_MEAN: return 1.0 / ((double)total_sequences * n_tokens);
    case RZ_BUDGET_MEAN: return 1.0 / ((double)total_sequences * (double)max_new);
    }
    return 0;
}
