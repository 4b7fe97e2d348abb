/* Findings from series made by hand: each kind is found, at the step that the definition gives (reckoned here by hand, in the comments), once, and
 * nothing else is; healthy series are left in peace; and it does not matter where a series is cut in two, as a resumed run does. */
#include "tests/suite.h"
#include "trainer/diagnose.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS = 200 };

/* A healthy run: all that is learned rises slowly; a little noise, the same everywhere. */
static void healthy(int t, rz_metrics *m)
{
    double done = t / (double)STEPS, noise = t % 7 / 7.0 - 3 / 7.0;
    m->n = 0;
    rz_metrics_put_int(m, "step", t);
    rz_metrics_put(m, "reward/mean", 0.2 + 0.6 * done + 0.05 * noise);
    rz_metrics_put(m, "accuracy/mean", 0.1 + 0.6 * done + 0.05 * noise);
    rz_metrics_put(m, "format/mean", 0.4 + 0.5 * done);
    rz_metrics_put_int(m, "rewards/errors", 0);
    rz_metrics_put(m, "completions/mean_length", 40 + 60 * done + 2 * noise);
    rz_metrics_put(m, "completions/clipped_ratio", 0.2 * done);
    rz_metrics_put(m, "entropy", 0.5 - 0.25 * done);
    rz_metrics_put(m, "groups/all_right", 0.5 * done);
    rz_metrics_put(m, "groups/all_wrong", 0.5 - 0.5 * done);
    rz_metrics_put(m, "frac_reward_zero_std", 0.5);
    rz_metrics_put(m, "grad_norm", 0.3 + 0.3 * done + 0.1 * noise);
    rz_metrics_put_int(m, "tokens/sampled", (int64_t)(128 * (40 + 60 * done + 2 * noise)));
    rz_metrics_put(m, "trace/equations_right", 0.95 + 0.01 * noise);
    rz_metrics_put(m, "kl", 0.001 * t);
}

static void set(rz_metrics *m, const char *name, double value)
{
    for (int i = 0; i < m->n; i++)
        if (!strcmp(m->row[i].name, name)) {
            m->row[i].value = value;
            return;
        }
    ck_abort_msg("%s is not in the series", name);
}

/* From step `from` on a metric has this value, and perhaps another one has that. `noticed` was reckoned by a second implementation of the definitions
 * in docs/report.md, in Python; some by hand too. */
static const struct {
    const char *kind, *metric;
    double value;
    const char *metric2;
    double value2;
    int from, noticed;
    const char *words;
} cases[] = {
    {"all_wrong", "groups/all_wrong", 1, "frac_reward_zero_std", 1, 70, 79, "in 100% of the groups no completion was right"},
    {"all_right", "groups/all_right", 1, "frac_reward_zero_std", 0.5, 70, 87, "every completion is right"},
    {"no_signal", "frac_reward_zero_std", 1, NULL, 0, 70, 77, "in 90% of the groups all completions score the same"}, /* 8 x 1 + 2 x .5 = .9 x 10 */
    {"truncated", "completions/clipped_ratio", 0.9, NULL, 0, 70, 74, "cut at the length limit"},
    {"length_collapse", "completions/mean_length", 5, "accuracy/mean", 0.05, 70, 86, "completions shrank from 43 tokens to"},
    {"unfaithful", "trace/equations_right", 0.3, NULL, 0, 70, 73, "of the equations written"}, /* 4 x .3 + 16 x .95 = .82 x 20; 3 would be .8525 */
    {"entropy_collapse", "entropy", 0.01, NULL, 0, 70, 85, "entropy fell to"},
    {"format_only", "format/mean", 0.99, "accuracy/mean", 0.1, 70, 83, "the form is learned"},
    {"unlearning", "accuracy/mean", 0.0, NULL, 0, 150, 156, "accuracy in training fell to"},
    {"rule_errors", "rewards/errors", 2, NULL, 0, 70, 76, "1 errors of rules in 100 completions"}, /* of 128: 7 x 2 / 10 / 128 = 1.09 % */
    {"gradient_explodes", "grad_norm", 30, NULL, 0, 70, 70, "the gradient's norm"},
    {"kl_explodes", "kl", 5, NULL, 0, 70, 71, "KL"}, /* 2 x 5 + 8 x .07 > 10 */
    {"not_moving", "reward/mean", 0.25, NULL, 0, 1, 100, "after 100 steps the reward has not moved"},
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

static void series(int i, int t, rz_metrics *m)
{
    healthy(t, m);
    if (i >= 0 && t >= cases[i].from) {
        set(m, cases[i].metric, cases[i].value);
        if (cases[i].metric2)
            set(m, cases[i].metric2, cases[i].value2);
    }
}

START_TEST(healthy_is_left_in_peace)
{
    rz_diagnosis *d = rz_diagnosis_create();
    rz_metrics m;
    int n;
    for (int t = 1; t <= STEPS; t++) {
        healthy(t, &m);
        ck_assert_int_eq(rz_diagnosis_step(d, &m), 0);
    }
    const rz_finding *f = rz_diagnosis_findings(d, &n);
    ck_assert_msg(n == 0, "%s", n ? f->text : "");
    rz_diagnosis_destroy(d);
}
END_TEST

START_TEST(found_at_the_step)
{
    rz_diagnosis *d = rz_diagnosis_create();
    rz_metrics m;
    int n, noticed = 0;
    for (int t = 1; t <= STEPS; t++) {
        series(_i, t, &m);
        int new = rz_diagnosis_step(d, &m);
        const rz_finding *f = rz_diagnosis_findings(d, &n);
        for (int k = n - new; k < n; k++)
            if (!strcmp(f[k].name, cases[_i].kind)) {
                ck_assert_msg(!noticed, "%s twice", f[k].name);
                noticed = t;
                ck_assert_int_eq(f[k].first, t);
                ck_assert_msg(strstr(f[k].text, cases[_i].words) != NULL, "%s", f[k].text);
            }
    }
    ck_assert_msg(noticed == cases[_i].noticed, "%s noticed at step %d, expected %d", cases[_i].kind, noticed, cases[_i].noticed);
    rz_diagnosis_destroy(d);
}
END_TEST

/* Shorter, more certain and all right is success. */
START_TEST(success_is_no_fault)
{
    rz_diagnosis *d = rz_diagnosis_create();
    rz_metrics m;
    int n;
    for (int t = 1; t <= STEPS; t++) {
        healthy(t, &m);
        set(&m, "accuracy/mean", t < 60 ? 0.2 : 0.97);
        set(&m, "reward/mean", t < 60 ? 0.3 : 1.07);
        set(&m, "completions/mean_length", t < 60 ? 60 : 9);
        set(&m, "entropy", t < 90 ? 0.5 : 0.01);
        set(&m, "format/mean", t < 60 ? 0.5 : 1);
        rz_diagnosis_step(d, &m);
    }
    const rz_finding *f = rz_diagnosis_findings(d, &n);
    ck_assert_msg(n == 0, "%s", n ? f->text : "");
    rz_diagnosis_destroy(d);
}
END_TEST

/* Null, absent, or only some steps: silence. */
START_TEST(what_is_not_measured_says_nothing)
{
    rz_diagnosis *d = rz_diagnosis_create();
    rz_metrics m;
    int n;
    for (int t = 1; t <= STEPS; t++) {
        m.n = 0;
        rz_metrics_put_int(&m, "step", t);
        if (t % 5)
            rz_metrics_put(&m, "groups/all_wrong", 1);
        rz_metrics_put(&m, "completions/clipped_ratio", NAN);
        rz_metrics_put(&m, "grad_norm", t < 40 ? 1 : INFINITY * 0);
        rz_diagnosis_step(d, &m);
    }
    rz_diagnosis_findings(d, &n);
    ck_assert_int_eq(n, 0);
    rz_diagnosis_destroy(d);
}
END_TEST

/* No group has signal in most of the first steps: a gradient that comes later is no explosion. */
START_TEST(no_gradient_is_not_a_small_one)
{
    for (int measured = 0; measured < 2; measured++) {
        rz_diagnosis *d = rz_diagnosis_create();
        rz_metrics m;
        int n;
        for (int t = 1; t <= STEPS; t++) {
            bool updated = t % 20 == 0 || t > 40;
            healthy(t, &m);
            set(&m, "grad_norm", updated ? 0.3 : 0);
            if (measured)
                rz_metrics_put_int(&m, "updates", updated);
            rz_diagnosis_step(d, &m);
        }
        rz_diagnosis_findings(d, &n);
        ck_assert_int_eq(n, !measured);
        rz_diagnosis_destroy(d);
    }
}
END_TEST

static char *written(int i, int from, int to, const char *end)
{
    const char *tmp = getenv("TMPDIR");
    char *path = rz_asprintf("%s/rulezero-test-XXXXXX", tmp ? tmp : "/tmp"), *line;
    rz_metrics m;
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    for (int t = from; t <= to; t++) {
        series(i, t, &m);
        line = rz_metrics_json(&m);
        fprintf(f, "%s\n", line);
        free(line);
    }
    fputs(end, f);
    fclose(f);
    return path;
}

/* What a resumed run (log up to the cut, then live) and a report (the whole log) find is what the uninterrupted run found. */
START_TEST(resumed_is_uninterrupted)
{
    static const int cuts[] = {0, 1, 19, 20, 69, 75, 99, 200};
    rz_metrics m;
    rz_err err = {0};
    for (size_t c = 0; c < sizeof cuts / sizeof cuts[0]; c++) {
        rz_diagnosis *whole = rz_diagnosis_create(), *resumed = rz_diagnosis_create();
        char *path = written(_i, 1, cuts[c], "");
        rz_history h;
        int n, k;
        ck_assert(rz_history_read(&h, path, &err));
        ck_assert_int_eq(h.n, cuts[c]);
        rz_diagnosis_replay(resumed, &h);
        for (int t = 1; t <= STEPS; t++) {
            series(_i, t, &m);
            rz_diagnosis_step(whole, &m);
            if (t > cuts[c])
                rz_diagnosis_step(resumed, &m);
        }
        const rz_finding *a = rz_diagnosis_findings(whole, &n), *b = rz_diagnosis_findings(resumed, &k);
        ck_assert_int_eq(n, k);
        for (k = 0; k < n; k++) {
            ck_assert_str_eq(a[k].text, b[k].text);
            ck_assert(a[k].first == b[k].first && a[k].last == b[k].last);
        }
        rz_history_finish(&h);
        rz_diagnosis_destroy(whole);
        rz_diagnosis_destroy(resumed);
        unlink(path);
        free(path);
    }
}
END_TEST

START_TEST(history_of_a_killed_job)
{
    rz_err err = {0};
    rz_history h;
    char *path = written(-1, 1, 70, "not JSON\n[1]\n{\"x\":1}\n{\"step\":1e300}\n\xff\xfe\n{\"step\":71,\"late\":5,\"entropy\":null,\"w\":\"text\"}\n{\"step\":72,\"ent");
    ck_assert(rz_history_read(&h, path, &err));
    ck_assert_int_eq(h.n, 71);
    ck_assert_int_eq(h.n_unread, 6);
    ck_assert(rz_history_column(&h, "schema") == NULL && rz_history_column(&h, "w") == NULL);
    for (int i = 0; i < 71; i++)
        ck_assert_double_eq(rz_history_get(&h, "step", i), i + 1);
    ck_assert(isnan(rz_history_get(&h, "late", 69)) && rz_history_get(&h, "late", 70) == 5);
    ck_assert(isnan(rz_history_get(&h, "entropy", 70)) && isnan(rz_history_get(&h, "step", 71)) && isnan(rz_history_get(&h, "none", 0)));
    ck_assert_double_eq_tol(rz_history_mean(&h, "step", 0, 10), 5.5, 1e-12);
    ck_assert_double_eq(rz_history_mean(&h, "late", 0, 71), 5);
    ck_assert(isnan(rz_history_mean(&h, "late", 0, 70)));
    rz_history_finish(&h);
    unlink(path);
    ck_assert(!rz_history_read(&h, path, &err));
    ck_assert_int_eq(err.code, RZ_EIO);
    free(path);
}
END_TEST

/* Every row is tested, and told in the docs. */
START_TEST(every_kind)
{
    int n;
    const char *const *names = rz_diagnosis_names(&n);
    char *docs = rz_calloc(1, 1 << 20);
    FILE *f = fopen("docs/report.md", "r");
    ck_assert(f && fread(docs, 1, (1 << 20) - 1, f) > 0);
    fclose(f);
    ck_assert_int_eq(n, N_CASES);
    for (int i = 0; i < n; i++) {
        char row[64];
        int k = 0;
        while (k < N_CASES && strcmp(cases[k].kind, names[i]))
            k++;
        ck_assert_msg(k < N_CASES, "%s has no case", names[i]);
        snprintf(row, sizeof row, "| `%s` |", names[i]);
        ck_assert_msg(strstr(docs, row) != NULL, "docs/report.md has no row %s", row);
    }
    free(docs);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("diagnose");
    TCase *t = tcase_create("diagnose");
    tcase_add_test(t, healthy_is_left_in_peace);
    tcase_add_loop_test(t, found_at_the_step, 0, N_CASES);
    tcase_add_test(t, success_is_no_fault);
    tcase_add_test(t, what_is_not_measured_says_nothing);
    tcase_add_test(t, no_gradient_is_not_a_small_one);
    tcase_add_loop_test(t, resumed_is_uninterrupted, -1, N_CASES);
    tcase_add_test(t, history_of_a_killed_job);
    tcase_add_test(t, every_kind);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
