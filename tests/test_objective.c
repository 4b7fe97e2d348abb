/* Advantages, token losses against central differences in binary64, weights by their sums, learning rates. */
#include "trainer/objective.h"
#include "trainer/update.h"

#include "tests/tiny.h"

/* ---- advantages ---- */

static const struct { int n; double scores[6]; } groups[] = {
    {2, {0, 1}}, {2, {1.1, 0.1}}, {3, {0, 0, 1}}, {4, {1, 0, 1, 0}}, {6, {0.1, 1.1, 0, 0, 0.1, 0}}, {5, {-3, 7.5, 2, 2, 1e-3}}, {4, {1e-9, 0, 0, 0}},
};
enum { N_GROUPS = sizeof groups / sizeof groups[0] };

START_TEST(advantages)
{
    const double *scores = groups[_i].scores;
    int n = groups[_i].n;
    double a[6], shifted[6], mean = 0, deviation = 0, sum = 0, with_std[6];
    for (int i = 0; i < n; i++)
        mean += scores[i] / n;
    for (int i = 0; i < n; i++)
        deviation += pow(scores[i] - mean, 2) / (n - 1);
    deviation = sqrt(deviation);
    ck_assert(rz_advantages(scores, a, n, false));
    ck_assert(rz_advantages(scores, with_std, n, true));
    for (int i = 0; i < n; i++) {
        ck_assert_double_eq_tol(a[i], scores[i] - mean, 1e-14);
        ck_assert_double_eq_tol(with_std[i], (scores[i] - mean) / (deviation + 1e-4), 1e-12);
        sum += a[i];
    }
    ck_assert_double_eq_tol(sum, 0, 1e-14);
    if (n == 2) /* opposite, whatever the scores */
        ck_assert_double_eq_tol(with_std[0], -with_std[1], 1e-14);
    for (int i = 0; i < n; i++)
        shifted[i] = scores[i] + 1000;
    for (int by_std = 0; by_std < 2; by_std++) {
        double b[6];
        ck_assert(rz_advantages(shifted, b, n, by_std));
        for (int i = 0; i < n; i++) /* 1000 costs ten of the 53 bits */
            ck_assert_double_eq_tol(b[i], by_std ? with_std[i] : a[i], by_std ? 1e-8 : 1e-12);
    }
}
END_TEST

START_TEST(no_signal)
{
    static const double equal[] = {0, 0.1, 1.1, -7, 1e300, 1.0 / 3};
    for (int n = 2; n <= 64; n += 31)
        for (size_t k = 0; k < sizeof equal / sizeof equal[0]; k++)
            for (int by_std = 0; by_std < 2; by_std++) {
                double scores[64], a[64];
                for (int i = 0; i < n; i++) {
                    scores[i] = equal[k];
                    a[i] = 5;
                }
                ck_assert(!rz_advantages(scores, a, n, by_std));
                for (int i = 0; i < n; i++)
                    ck_assert(a[i] == 0);
                scores[n - 1] = nextafter(scores[n - 1], INFINITY); /* the least difference is one */
                ck_assert(rz_advantages(scores, a, n, by_std));
            }
}
END_TEST

/* ---- token losses ---- */

/* Loss of one token from its definition. */
static double loss(double logp, double old, double advantage, const rz_clip *clip)
{
    double r = exp(logp - old), held = fmin(fmax(r, 1 - clip->clip_eps_low), 1 + clip->clip_eps_high);
    return -fmin(r * advantage, held * advantage);
}

/* Every sign of the advantage, ratios from far below to far above; kinks are met from either side, never stood upon. */
START_TEST(token_losses)
{
    static const rz_clip clips[] = {{0.2, 0.28}, {0.2, 0.2}, {0, 0}, {1, 1e9}};
    static const double signs[] = {1, -1, 0.37, -2.5, 0}, by[] = {1, 1.0 / 96};
    const rz_clip *clip = &clips[_i];
    int64_t seen_low = 0, seen_high = 0;
    for (int a = 0; a < 5; a++)
        for (int w = 0; w < 2; w++) {
            float logp[41], old[41], dlogp[41];
            int64_t low = 0, high = 0, wanted_low = 0, wanted_high = 0;
            double sum = 0, A = signs[a];
            for (int i = 0; i < 41; i++) {
                old[i] = -0.1f - 0.07f * (float)i;
                logp[i] = old[i] + 0.05f * (float)(i - 20) + 0.013f;
            }
            double ours = rz_token_loss(logp, old, dlogp, 41, A, by[w], clip, &low, &high);
            for (int i = 0; i < 41; i++) {
                const double h = 1e-6;
                double slope = (loss(logp[i] + h, old[i], A, clip) - loss(logp[i] - h, old[i], A, clip)) / (2 * h), r = exp((double)logp[i] - old[i]);
                ck_assert_double_eq_tol(dlogp[i], by[w] * slope, 1e-7 * fmax(1, fabs(A) * r));
                sum += loss(logp[i], old[i], A, clip);
                bool cut_high = A > 0 && r > 1 + clip->clip_eps_high, cut_low = A < 0 && r < 1 - clip->clip_eps_low;
                wanted_high += cut_high;
                wanted_low += cut_low;
                ck_assert(cut_high || cut_low || A == 0 ? dlogp[i] == 0 : (dlogp[i] < 0) == (A > 0)); /* descent raises what was good */
            }
            ck_assert_double_eq_tol(ours, sum, 1e-9 * 41);
            ck_assert_int_eq(low, wanted_low);
            ck_assert_int_eq(high, wanted_high);
            seen_low += low;
            seen_high += high;
        }
    ck_assert(_i == 3 ? !seen_low && !seen_high : seen_low && seen_high);
}
END_TEST

/* Exactly on the boundary nothing is cut: clip(r) = r there. exp is exact only at 0, so the boundary is put at ratio 1. */
START_TEST(boundaries)
{
    const rz_clip none = {0, 0};
    for (int sign = -1; sign <= 1; sign += 2) {
        float logp = -1.5f, old = -1.5f, dlogp = 7;
        int64_t low = 0, high = 0;
        ck_assert(rz_token_loss(&logp, &old, &dlogp, 1, sign, 2, &none, &low, &high) == -sign);
        ck_assert(dlogp == -2.0f * (float)sign && low == 0 && high == 0);
        for (int way = -1; way <= 1; way += 2) { /* one bit beyond is beyond, on one side for each sign */
            logp = nextafterf(old, way > 0 ? 0.0f : -9.0f);
            low = high = 0;
            rz_token_loss(&logp, &old, &dlogp, 1, sign, 2, &none, &low, &high);
            ck_assert_int_eq(high, sign > 0 && way > 0);
            ck_assert_int_eq(low, sign < 0 && way < 0);
            ck_assert_int_eq(dlogp == 0, sign == way);
        }
    }
}
END_TEST

/* On policy the ratio is 1 to the last bit, so the loss is −A and the gradient −weight·A, rounded once. */
START_TEST(on_policy)
{
    const rz_clip clip = {0.2, 0.28};
    float logp[4] = {-0.1f, -3, -1e-7f, -40}, dlogp[4];
    int64_t low = 0, high = 0;
    double sum = rz_token_loss(logp, logp, dlogp, 4, 0.3, 1.0 / 7, &clip, &low, &high);
    ck_assert_double_eq_tol(sum, -4 * 0.3, 1e-15);
    for (int i = 0; i < 4; i++)
        ck_assert(dlogp[i] == (float)(-(1.0 / 7) * 0.3));
    ck_assert(low == 0 && high == 0);
}
END_TEST

/* k3 by its formula in binary64, its derivative by differences, added to what is there. */
START_TEST(token_kls)
{
    static const double coefs[] = {1, 0.04, 30}, by[] = {1, 1.0 / 96};
    for (int c = 0; c < 3; c++)
        for (int w = 0; w < 2; w++) {
            float logp[41], ref[41], dlogp[41];
            double sum = 0;
            for (int i = 0; i < 41; i++) {
                ref[i] = -0.1f - 0.07f * (float)i;
                logp[i] = ref[i] + 0.11f * (float)(i - 20);
                dlogp[i] = (float)(i % 3 - 1);
                double d = (double)ref[i] - logp[i];
                sum += exp(d) - d - 1;
            }
            ck_assert_double_eq_tol(rz_token_kl(logp, ref, dlogp, 41, coefs[c], by[w]), sum, 1e-9);
            for (int i = 0; i < 41; i++) {
                const double h = 1e-6;
                double d = (double)ref[i] - logp[i], slope = ((exp(d - h) - d + h) - (exp(d + h) - d - h)) / (2 * h), wanted = i % 3 - 1 + coefs[c] * by[w] * slope;
                ck_assert_double_eq_tol(dlogp[i], wanted, 1e-6 * fmax(1, fabs(wanted)));
            }
        }
    float same[2] = {-0.3f, -17}, dlogp[2] = {0.25f, 0}; /* where the two agree: nothing, to the last bit */
    ck_assert(rz_token_kl(same, same, dlogp, 2, 1e6, 1) == 0 && dlogp[0] == 0.25f && dlogp[1] == 0);
    float lost = NAN, here = -1;
    ck_assert(isnan(rz_token_kl(&lost, &here, dlogp, 1, 0.1, 1)) && isnan(dlogp[0]));
}
END_TEST

/* A diverged log-probability must reach the gradient, where it is caught; nothing may hide it. */
START_TEST(not_a_number)
{
    const rz_clip clip = {0.2, 0.28};
    int64_t low = 0, high = 0;
    for (int sign = -1; sign <= 1; sign += 2) {
        float logp = NAN, old = -1, dlogp = 0;
        ck_assert(isnan(rz_token_loss(&logp, &old, &dlogp, 1, sign, 1, &clip, &low, &high)));
        ck_assert(isnan(dlogp));
    }
}
END_TEST

/* ---- weights ---- */

/* What the weights of all tokens come to, by the formula of each aggregation; and that every row of the table of objectives names one. */
START_TEST(weights)
{
    static const int lengths[] = {1, 5, 96, 33, 33, 2};
    enum { SEQUENCES = 6, TOKENS = 1 + 5 + 96 + 33 + 33 + 2, MAX_NEW = 96 };
    static const char *const names[] = {"token_mean", "sequence_mean", "budget_mean"};
    static const double sums[] = {1, 1, (double)TOKENS / (SEQUENCES * MAX_NEW)};
    char all[100] = "";
    for (int a = 0; a < 3; a++) {
        double sum = 0;
        for (int i = 0; i < SEQUENCES; i++) {
            double w = rz_token_weight((rz_aggregation)a, lengths[i], TOKENS, SEQUENCES, MAX_NEW);
            sum += w * lengths[i];
            if (a == RZ_SEQUENCE_MEAN) /* sequences weigh the same */
                ck_assert_double_eq_tol(w * lengths[i], 1.0 / SEQUENCES, 1e-15);
            else /* tokens weigh the same */
                ck_assert(w == rz_token_weight((rz_aggregation)a, 1, TOKENS, SEQUENCES, MAX_NEW));
        }
        ck_assert_double_eq_tol(sum, sums[a], 1e-14);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", a ? "|" : "", names[a]);
    }
    ck_assert_str_eq(all, RZ_AGGREGATION_NAMES);
}
END_TEST

START_TEST(table_of_objectives)
{
    char all[100] = "";
    for (int i = 0; i < rz_n_objectives; i++) {
        const rz_objective *o = &rz_objectives[i];
        ck_assert_int_le(o->aggregation, RZ_BUDGET_MEAN);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? "|" : "", o->name);
        if (!strcmp(o->name, "grpo")) /* as published */
            ck_assert(o->divide_by_std && o->aggregation == RZ_SEQUENCE_MEAN);
        if (!strcmp(o->name, "dr_grpo"))
            ck_assert(!o->divide_by_std && o->aggregation == RZ_BUDGET_MEAN);
    }
    ck_assert_str_eq(all, RZ_OBJECTIVE_NAMES);
}
END_TEST

/* ---- learning rates ---- */

START_TEST(learning_rates)
{
    static const struct { int schedule; int64_t warmup, steps, t; double share; } rows[] = {
        {RZ_SCHEDULE_CONSTANT, 0, 10, 1, 1}, {RZ_SCHEDULE_CONSTANT, 0, 10, 10, 1}, {RZ_SCHEDULE_CONSTANT, 4, 10, 1, 0.25},
        {RZ_SCHEDULE_CONSTANT, 4, 10, 4, 1}, {RZ_SCHEDULE_CONSTANT, 4, 10, 5, 1},
        {RZ_SCHEDULE_LINEAR, 0, 10, 10, 0.1}, {RZ_SCHEDULE_LINEAR, 0, 10, 5, 0.55}, {RZ_SCHEDULE_LINEAR, 5, 25, 5, 1},
        {RZ_SCHEDULE_LINEAR, 5, 25, 2, 0.4}, {RZ_SCHEDULE_LINEAR, 5, 25, 15, 0.55}, {RZ_SCHEDULE_LINEAR, 5, 25, 25, 0.1},
        {RZ_SCHEDULE_COSINE, 0, 12, 12, 0.1}, {RZ_SCHEDULE_COSINE, 0, 12, 6, 0.55}, {RZ_SCHEDULE_COSINE, 0, 12, 4, 0.1 + 0.9 * 0.75},
        {RZ_SCHEDULE_COSINE, 3, 15, 11, 0.1 + 0.9 * 0.25}, {RZ_SCHEDULE_COSINE, 3, 15, 3, 1}, {RZ_SCHEDULE_COSINE, 3, 15, 15, 0.1},
        {RZ_SCHEDULE_LINEAR, 5, 5, 5, 1}, {RZ_SCHEDULE_LINEAR, 9, 5, 5, 5.0 / 9}, {RZ_SCHEDULE_COSINE, 0, 1, 1, 0.1}, /* no room to fall, or all at once */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rz_optimizer_options o = {.learning_rate = 3e-4, .min_lr_ratio = 0.1, .warmup_steps = rows[i].warmup, .schedule = rows[i].schedule};
        ck_assert_msg(fabs(rz_learning_rate(&o, rows[i].t, rows[i].steps) / 3e-4 - rows[i].share) < 1e-12, "row %d: %.17g", (int)i,
                      rz_learning_rate(&o, rows[i].t, rows[i].steps) / 3e-4);
    }
    for (int schedule = 0; schedule < 3; schedule++) { /* up, then never up again, and within its bounds */
        rz_optimizer_options o = {.learning_rate = 1, .min_lr_ratio = 0.2, .warmup_steps = 7, .schedule = schedule};
        double last = 0;
        for (int t = 1; t <= 50; t++) {
            double lr = rz_learning_rate(&o, t, 50);
            ck_assert(t <= 7 ? lr > last : lr <= last && lr >= 0.2 - 1e-15);
            last = lr;
        }
    }
}
END_TEST

static void add(TCase *t)
{
    tcase_add_loop_test(t, advantages, 0, N_GROUPS);
    tcase_add_test(t, no_signal);
    tcase_add_loop_test(t, token_losses, 0, 4);
    tcase_add_test(t, boundaries);
    tcase_add_test(t, on_policy);
    tcase_add_test(t, token_kls);
    tcase_add_test(t, not_a_number);
    tcase_add_test(t, weights);
    tcase_add_test(t, table_of_objectives);
    tcase_add_test(t, learning_rates);
}

int main(void)
{
    return tiny_main("objective", add);
}
