#include "cli/report.h"

#include "base/file.h"
#include "base/store.h"
#include "trainer/rundir.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_CONFIG = 1 << 22 };

static bool read_log(const char *dir, const char *name, rz_history *h)
{
    rz_err err = {0};
    char *path = rz_asprintf("%s/%s", dir, name);
    bool there = rz_file_exists(path);
    if (there)
        rz_history_read(h, path, &err);
    free(path);
    return there;
}

/* The base that was made in this run: the last of dir/base-…, should there be several. */
static bool read_base(rz_report *r)
{
    rz_err err = {0};
    char **names = NULL;
    int n = 0;
    bool found = false;
    rz_dir_list(r->dir, &names, &n, &err);
    for (int i = n; i-- > 0;) {
        if (!found && !strncmp(names[i], "base-", 5)) {
            char *path = rz_asprintf("%s/%s", r->dir, names[i]);
            found = read_log(path, "metrics.jsonl", &r->base);
            free(path);
        }
        free(names[i]);
    }
    free(names);
    return found;
}

static bool read_config(rz_report *r)
{
    rz_err err = {0};
    size_t len;
    char *path = rz_asprintf("%s/config.yaml", r->dir);
    bool there = rz_file_exists(path) && rz_file_read(path, MAX_CONFIG, &r->config_text, &len, &err);
    r->has_config = rz_options_init(rz_config_rows, rz_config_n_rows, &r->config, &err) &&
                    rz_options_init(rz_config_rows, rz_config_n_rows, &r->defaults, &err) && there &&
                    rz_options_parse(rz_config_rows, rz_config_n_rows, &r->config, path, r->config_text, len, NULL, &err);
    r->control = r->has_config && r->config.reward == RZ_REWARD_RANDOM;
    free(path);
    return there;
}

static bool on_attribute(void *ctx, const char *name, const char *value)
{
    rz_report *r = ctx;
    r->facts = rz_realloc(r->facts, (size_t)(r->n_facts + 1) * sizeof *r->facts);
    r->facts[r->n_facts++] = (rz_fact){rz_strdup(name), rz_strdup(value)};
    return true;
}

static bool on_array(void *ctx, const char *name, const rz_shape *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->n_dims; i++)
        n *= s->dims[i];
    if (!strncmp(name, "model/", 6))
        ((rz_report *)ctx)->parameters += n;
    return true;
}

void rz_report_read_checkpoint(rz_report *r)
{
    rz_err err = {0};
    rz_store *s = NULL;
    char **paths = NULL;
    int n = 0;
    rz_rundir_steps(r->dir, "checkpoints", &paths, &n, &err);
    for (int i = n; i-- > 0;) {
        if (!s && rz_store_open(&s, paths[i], &err)) {
            rz_store_each_attr(s, on_attribute, r, &err);
            rz_store_each(s, on_array, r, &err);
            r->rules = rz_store_has(s, "rules") ? rz_store_get_text(s, "rules", &err) : NULL;
        }
        free(paths[i]);
    }
    free(paths);
    rz_store_close(s);
}

/* time/elapsed_s begins again with every start of the job. */
double rz_report_wall(const rz_history *h)
{
    double sum = 0, before = 0;
    for (int64_t i = 0; i < h->n; i++) {
        double now = rz_history_get(h, "time/elapsed_s", i);
        if (!isfinite(now))
            continue;
        sum += now >= before ? now - before : now;
        before = now;
    }
    return sum;
}

static void sum_up(rz_report *r)
{
    const rz_history *m = &r->metrics;
    char *model = rz_asprintf("%s/model.h5", r->dir);
    const double *step_s = rz_history_column(m, "time/step_s");
    r->pretrain = m->n ? rz_history_column(m, "loss") && !rz_history_column(m, "reward/mean") : false;
    r->step = m->n ? (int64_t)rz_history_get(m, "step", m->n - 1) : 0;
    r->steps = !r->has_config ? 0 : r->pretrain ? r->config.pretrain.steps : r->config.steps;
    r->finished = rz_file_exists(model) && (!r->steps || r->step >= r->steps);
    r->wall_s = rz_report_wall(m);
    for (int64_t i = 0; step_s && i < m->n; i++)
        r->steps_s += isfinite(step_s[i]) ? step_s[i] : 0;
    if (!r->pretrain && !r->control) {
        r->diagnosis = rz_diagnosis_create();
        rz_diagnosis_replay(r->diagnosis, m);
    }
    free(model);
}

bool rz_report_read(rz_report *r, const char *dir, rz_err *err)
{
    struct stat st;
    *r = (rz_report){.dir = dir};
    if (stat(dir, &st))
        return rz_fail(err, RZ_EIO, "%s does not exist", dir);
    if (!S_ISDIR(st.st_mode))
        return rz_fail(err, RZ_EDATA, "%s is a file; a report is of a run directory (rulezero inspect FILE tells of files)", dir);
    bool log = read_log(dir, "metrics.jsonl", &r->metrics), config = read_config(r), base = read_base(r);
    if (!log && !config && !base)
        return rz_fail(err, RZ_EDATA, "%s is no run directory: it has neither metrics.jsonl nor config.yaml", dir);
    read_log(dir, "eval.jsonl", &r->eval);
    sum_up(r);
    return true;
}

void rz_report_finish(rz_report *r)
{
    rz_history_finish(&r->metrics);
    rz_history_finish(&r->eval);
    rz_history_finish(&r->base);
    rz_options_finish(rz_config_rows, rz_config_n_rows, &r->config);
    rz_options_finish(rz_config_rows, rz_config_n_rows, &r->defaults);
    for (int i = 0; i < r->n_facts; i++) {
        free(r->facts[i].name);
        free(r->facts[i].value);
    }
    free(r->facts);
    free(r->config_text);
    free(r->rules);
    rz_diagnosis_destroy(r->diagnosis);
    *r = (rz_report){0};
}

void rz_report_interval(const rz_history *eval, const char *name, int64_t line, double *low, double *high)
{
    char *key = rz_asprintf("%s_low", name);
    *low = rz_history_get(eval, key, line);
    free(key);
    key = rz_asprintf("%s_high", name);
    *high = rz_history_get(eval, key, line);
    free(key);
    if (isfinite(*low) && isfinite(*high))
        return;
    key = rz_asprintf("%s_se", name);
    double value = rz_history_get(eval, name, line), se = rz_history_get(eval, key, line);
    *low = value - 1.96 * se;
    *high = value + 1.96 * se;
    free(key);
}

bool rz_report_is_bound(const char *name)
{
    static const char *const ends[] = {"_low", "_high", "_se"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (n > strlen(ends[i]) && !strcmp(name + n - strlen(ends[i]), ends[i]))
            return true;
    return false;
}

double rz_report_tokens(const rz_report *r)
{
    const double *v = rz_history_column(&r->metrics, r->pretrain ? "tokens/trained" : "tokens/sampled");
    double sum = 0;
    for (int64_t i = 0; v && i < r->metrics.n; i++)
        sum += isfinite(v[i]) ? v[i] : 0;
    return sum;
}
