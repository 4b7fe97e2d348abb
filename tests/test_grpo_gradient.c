/* The gradient of a whole GRPO update against central differences of the objective in binary64, written here anew, for every objective and
 * aggregation. */
#include "tests/tiny_job.h"

typedef struct {
    int group, sample;
    double old, logp, ref, slope; /* of the objective by this token's logp, weight included */
} token;

typedef struct {
    int n, n_directions;
    token tokens[MOST_TOKENS];
    int tensor[64];
    double *direction[64], *along[64]; /* (elements of the tensor); (n) derivative of each token's logp */
} slopes;

/* Tokens in order of groups and samples. */
static void all_logps(const rig *r, const truth *t, double *logp)
{
    double temperature = r->config.rollout.temperature;
    for (int i = 0; i < r->g.n_groups; i++)
        for (int k = 0; k < GROUP; k++) {
            const rz_group *g = &r->g.groups[i];
            const rz_completion *c = &g->completions[k];
            int32_t ids[MAX_NEW];
            ids[0] = g->prompt[g->n_prompt - 1];
            memcpy(ids + 1, c->ids, (size_t)(c->n - 1) * sizeof *ids);
            truth_logp(t, g->prompt, g->n_prompt - 1, &(rz_sequence){ids, c->ids, c->n, NULL, NULL, NULL}, temperature, logp, NULL);
            logp += c->n;
        }
}

/* Central differences of every token's log-probability along two directions of random signs in each tensor. */
static slopes differentiate(const rig *r, truth *t)
{
    slopes s = {0};
    rz_stream random;
    const double h = 1e-5;
    double logp[2][MOST_TOKENS];
    rz_stream_init(&random, 52, RZ_RNG_TEST, 0);
    for (int i = 0; i < r->g.n_groups; i++)
        for (int k = 0; k < GROUP; k++)
            for (int j = 0; j < r->g.groups[i].completions[k].n; j++)
                s.tokens[s.n++] = (token){.group = i, .sample = k, .old = r->g.groups[i].completions[k].logp[j]};
    all_logps(r, t, logp[0]);
    for (int i = 0; i < s.n; i++)
        s.tokens[i].logp = logp[0][i];
    for (int d = 0; d < 2 * t->layout->n_tensors; d++, s.n_directions++) {
        const rz_tensor *x = &t->layout->tensors[d / 2];
        s.tensor[d] = d / 2;
        s.direction[d] = calloc((size_t)tiny_size(x), sizeof(double));
        s.along[d] = calloc((size_t)s.n, sizeof(double));
        for (int64_t i = 0; i < tiny_size(x); i++)
            s.direction[d][i] = rz_stream_below(&random, 2) ? 1 : -1;
        for (int side = 0; side < 2; side++) {
            double step = side ? -h : h;
            for (int64_t i = 0; i < tiny_size(x); i++)
                t->w[x->offset + i] += step * s.direction[d][i];
            all_logps(r, t, logp[side]);
            for (int64_t i = 0; i < tiny_size(x); i++)
                t->w[x->offset + i] -= step * s.direction[d][i];
        }
        for (int i = 0; i < s.n; i++)
            s.along[d][i] = (logp[0][i] - logp[1][i]) / (2 * h);
    }
    return s;
}

typedef struct { bool by_std, mask; const char *aggregation; double kl_coef; } way;

static double advantage(const rz_group *g, const way *w, int sample)
{
    double mean = 0, variance = 0;
    for (int k = 0; k < GROUP; k++)
        mean += g->scored[k].score / GROUP;
    for (int k = 0; k < GROUP; k++)
        variance += pow(g->scored[k].score - mean, 2) / (GROUP - 1);
    return (g->scored[sample].score - mean) / (w->by_std ? sqrt(variance) + 1e-4 : 1);
}

static double surrogate(double logp, double old, double A)
{
    double ratio = exp(logp - old), held = ratio < 0.8 ? 0.8 : ratio > 1.28 ? 1.28 : ratio;
    return -fmin(ratio * A, held * A);
}

static double k3(double logp, double ref)
{
    return exp(ref - logp) - (ref - logp) - 1;
}

/* With a KL term groups without signal count too. */
static bool counts(const rig *r, const way *w, int group, int sample)
{
    return trained(r, w->mask, group, sample) || (w->kl_coef > 0 && !(w->mask && r->g.groups[group].completions[sample].truncated));
}

/* The objective in the test's own words; fills the slopes. */
static double objective(const rig *r, const way *w, slopes *s, int *n_tokens, double *kl)
{
    int sequences = 0;
    double sum = 0;
    *n_tokens = 0;
    *kl = 0;
    for (int i = 0; i < PROMPTS; i++)
        for (int k = 0; k < GROUP; k++)
            if (counts(r, w, i, k)) {
                sequences++;
                *n_tokens += r->g.groups[i].completions[k].n;
            }
    for (int i = 0; i < s->n; i++) {
        token *t = &s->tokens[i];
        const rz_group *g = &r->g.groups[t->group];
        const double h = 1e-6;
        double A = advantage(g, w, t->sample), weight = 1.0 / *n_tokens;
        t->slope = 0;
        if (!counts(r, w, t->group, t->sample))
            continue;
        if (!strcmp(w->aggregation, "sequence_mean"))
            weight = 1.0 / sequences / g->completions[t->sample].n;
        else if (!strcmp(w->aggregation, "budget_mean"))
            weight = 1.0 / sequences / MAX_NEW;
        sum += weight * (surrogate(t->logp, t->old, A) + w->kl_coef * k3(t->logp, t->ref));
        *kl += k3(t->logp, t->ref);
        t->slope = weight * (surrogate(t->logp + h, t->old, A) - surrogate(t->logp - h, t->old, A)) / (2 * h) +
                   weight * w->kl_coef * (k3(t->logp + h, t->ref) - k3(t->logp - h, t->ref)) / (2 * h);
    }
    return sum;
}

static void check_gradient(rig *r, const slopes *s, const char *what)
{
    int64_t n = r->policy->layout.n_params;
    float *grad = malloc((size_t)n * sizeof *grad), *second = malloc((size_t)n * sizeof *second);
    rz_update_moments(r->update, grad, second);
    free(second);
    for (int d = 0; d < s->n_directions; d++) {
        const rz_tensor *x = &r->policy->layout.tensors[s->tensor[d]];
        double ours = 0, wanted = 0, scale = 0;
        for (int64_t i = 0; i < tiny_size(x); i++) {
            ours += grad[x->offset + i] * s->direction[d][i];
            scale = fmax(scale, fabs(grad[x->offset + i]));
        }
        for (int i = 0; i < s->n; i++)
            wanted += s->tokens[i].slope * s->along[d][i];
        ck_assert_msg(scale > 0 && fabs(ours - wanted) < 2e-5 * scale * sqrt((double)tiny_size(x)), "%s, %s: %.9g along a direction, differences give %.9g",
                      what, x->name, ours, wanted);
    }
    free(grad);
}

/* A step in hand: scores given, and the sampled log-probabilities changed, so that ratios lie on both sides of both clips. */
static rig sampled_rig(const char *more)
{
    rig r = open_rig("strict=false rollout.temperature=0.8", more, NULL);
    rz_grpo *g = grpo(&r, N_STOP);
    rz_stream random;
    rz_stream_init(&random, 53, RZ_RNG_TEST, 0);
    rollout(g, 1);
    give_scores(g);
    for (int i = 0; i < PROMPTS; i++)
        for (int k = 0; k < GROUP; k++)
            for (int j = 0; j < g->groups[i].completions[k].n; j++)
                g->groups[i].completions[k].logp[j] += (float)(0.5 * tiny_even(&random));
    return r;
}

static void free_slopes(slopes *s)
{
    for (int d = 0; d < s->n_directions; d++) {
        free(s->direction[d]);
        free(s->along[d]);
    }
}

static const char *const aggregations[] = {"default", "token_mean", "sequence_mean", "budget_mean"}, *const stds[] = {"default", "none", "group"},
                  *const cut[] = {"mask", "punish"};

static void check_way(rig *r, slopes *s, int algorithm, int aggregation, int std, int truncated)
{
    char what[200];
    snprintf(what, sizeof what, "algorithm=%s aggregation=%s advantage_std=%s truncated=%s", rz_objectives[algorithm].name, aggregations[aggregation],
             stds[std], cut[truncated]);
    set(r, what);
    way w = {std ? std == 2 : rz_objectives[algorithm].divide_by_std, truncated == 0,
             aggregations[aggregation ? aggregation : (int)rz_objectives[algorithm].aggregation + 1], r->config.kl.coef};
    rz_grpo_measured m;
    int tokens;
    double kl, wanted = objective(r, &w, s, &tokens, &kl);
    restore(r);
    err = (rz_err){0};
    ck_assert_msg(update(&r->g, 0.01, &m), "%s", err.text);
    ck_assert_msg(fabs(m.loss - wanted) < 1e-6, "%s: the loss is %.9g, wanted %.9g", what, m.loss, wanted);
    ck_assert_int_eq(m.tokens, tokens);
    ck_assert(m.updates == 1 && m.clipped_low > 0 && m.clipped_high > 0);
    ck_assert_msg(w.kl_coef > 0 ? fabs(m.kl - kl) < 1e-5 * kl : m.kl == 0, "%s: the sum of k3 is %.9g, wanted %.9g", what, m.kl, kl);
    check_gradient(r, s, what);
}

/* Every row of the table of objectives, every aggregation, advantages divided or not, truncated completions masked or punished. */
START_TEST(objectives_and_aggregations)
{
    rig r = sampled_rig("");
    grpo(&r, N_STOP); /* it points to this rig now */
    truth t = truth_create(r.policy);
    slopes s = differentiate(&r, &t);
    for (int i = 0; i < rz_n_objectives * 4 * 3 * 2; i++)
        check_way(&r, &s, i % rz_n_objectives, i / rz_n_objectives % 4, i / rz_n_objectives / 4 % 3, i / rz_n_objectives / 12);
    free_slopes(&s);
    truth_destroy(&t);
    close_rig(&r);
}
END_TEST

/* The KL term, against a reference that is another model. */
START_TEST(divergence_from_the_reference)
{
    rig r = sampled_rig("kl.coef=0.3");
    grpo(&r, N_STOP);
    rz_policy *reference = r.g.reference;
    rz_stream random;
    double logp[MOST_TOKENS];
    rz_stream_init(&random, 54, RZ_RNG_TEST, 0);
    for (int64_t i = 0; i < reference->layout.n_params; i++)
        reference->w[i] *= (float)(1 + 0.5 * tiny_even(&random));
    rz_policy_refresh(reference);
    truth t = truth_create(r.policy), of_reference = truth_create(reference);
    slopes s = differentiate(&r, &t);
    all_logps(&r, &of_reference, logp);
    for (int i = 0; i < s.n; i++)
        s.tokens[i].ref = logp[i];
    for (int i = 0; i < 8; i++)
        check_way(&r, &s, i % 2, i / 2, 0, i & 1);
    free_slopes(&s);
    truth_destroy(&t);
    truth_destroy(&of_reference);
    close_rig(&r);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_test(t, objectives_and_aggregations);
    tcase_add_test(t, divergence_from_the_reference);
}

int main(void)
{
    return tiny_main("grpo_gradient", add);
}
