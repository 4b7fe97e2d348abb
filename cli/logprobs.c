#include "cli/cli.h"

#include "base/file.h"
#include "cli/flags.h"
#include "trainer/model.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* logprobs and gradnorms: a model's own numbers on ids that are given, to compare it with the same model elsewhere. */
enum { MAX_LINE = 64 << 20, TOP = 10, PIECE = 256, LOGIT_FLOATS = 1 << 22 };

typedef struct {
    char *model;
    int64_t threads;
    int dtype, compute, kv_dtype;
} options;

const rz_option rz_logprobs_flags[] = {
    {"model", RZ_OPT_TEXT, offsetof(options, model), "", 0, 0, NULL, RZ_OPT_FIXED, "model: *.h5, a Hugging Face folder or a GGUF file"},
    {"threads", RZ_OPT_INT, offsetof(options, threads), "1", 1, 1024, NULL, RZ_OPT_FIXED, "threads; changes nothing but speed"},
    RZ_ARITHMETIC_FLAGS(options),
};
const int rz_logprobs_n_flags = sizeof rz_logprobs_flags / sizeof rz_logprobs_flags[0];

typedef struct {
    options o;
    const rz_kernels *kernels;
    rz_pool *pool;
    rz_policy *policy;
    rz_learner *learner; /* gradnorms */
    float *grad;
    rz_arena arena;
} job;

/* {"ids": [...]} to ids(n) in the arena. least: the fewest that there must be. */
static bool read_ids(job *j, const char *text, size_t len, int least, int32_t **ids, int *n, rz_err *err)
{
    const rz_arch *a = &j->policy->arch;
    json_error_t e;
    json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e), *list = json_object_get(line, "ids");
    size_t count = json_array_size(list);
    bool ok = true;
    if (!json_is_object(line))
        ok = rz_fail(err, RZ_EDATA, "not a JSON object: %s", line ? "another kind of value" : e.text);
    else if (!json_is_array(list))
        ok = rz_fail(err, RZ_EDATA, "\"ids\" is %s, must be a list of token ids", list ? "no list" : "missing");
    else if (count < (size_t)least || count > (size_t)a->max_position_embeddings)
        ok = rz_fail(err, RZ_EDATA, "%zu ids, must be %d..%d (max_position_embeddings of the model)", count, least, a->max_position_embeddings);
    *ids = ok ? RZ_NEW(&j->arena, count, int32_t) : NULL;
    *n = (int)count;
    for (size_t i = 0; ok && i < count; i++) {
        const json_t *id = json_array_get(list, i);
        json_int_t value = json_integer_value(id);
        if (!json_is_integer(id))
            ok = rz_fail(err, RZ_EDATA, "ids[%zu] is no whole number", i);
        else if (value < 0 || value >= a->vocab_size)
            ok = rz_fail(err, RZ_EDATA, "ids[%zu] is %lld, must be 0..%d", i, (long long)value, a->vocab_size - 1);
        else
            (*ids)[i] = (int32_t)value;
    }
    json_decref(line);
    return ok;
}

/* Prints o unless an error came before; o is given back. */
static bool print(json_t *o, bool ok)
{
    if (ok) {
        json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
        putchar('\n');
    }
    json_decref(o);
    return ok;
}

/* JSON has no form for what is not finite: RZ_EDATA, saying that `what` of token i is it (i < 0: what as it stands). */
static bool check_finite(double x, const char *what, int i, rz_err *err)
{
    if (isfinite(x))
        return true;
    return i < 0 ? rz_fail(err, RZ_EDATA, "%s is %f: the model's numbers overflow", what, x)
                 : rz_fail(err, RZ_EDATA, "%s %d is %f: the model's numbers overflow", what, i, x);
}

/* ---- logprobs ---- */

/* The ids of the largest logits, ties to the lower id. */
static int find_top(const float *logits, int V, int32_t top[TOP])
{
    int n = 0;
    for (int v = 0; v < V; v++) {
        int at = n;
        while (at > 0 && logits[v] > logits[top[at - 1]])
            at--;
        if (at == TOP)
            continue;
        n += n < TOP;
        memmove(top + at + 1, top + at, (size_t)(n - at - 1) * sizeof *top);
        top[at] = v;
    }
    return n;
}

/* What follows the last token: logits(V) of its row. */
static bool add_last(const job *j, const float *logits, json_t *o, rz_err *err)
{
    json_t *ids = json_array(), *logprobs = json_array();
    int V = j->policy->arch.vocab_size;
    int32_t top[TOP];
    bool ok = true;
    for (int i = 0, n = find_top(logits, V, top); ok && i < n; i++) {
        float logp;
        j->kernels->logp_forward(&logp, NULL, NULL, NULL, logits, V, &top[i], 1, 1, V);
        ok = check_finite((double)logp, "after the last token the log-probability of id", top[i], err);
        json_array_append_new(ids, json_integer(top[i]));
        json_array_append_new(logprobs, json_real((double)logp));
    }
    json_object_set_new(o, "last_top_ids", ids);
    json_object_set_new(o, "last_top_logprobs", logprobs);
    return ok;
}

/* A piece of the tokens at a time: how they are cut changes no bit. */
static bool tell_logprobs(job *j, const int32_t *ids, int n, rz_err *err)
{
    const rz_policy *p = j->policy;
    int V = p->arch.vocab_size, D = p->arch.hidden_size, most = LOGIT_FLOATS / V < 1 ? 1 : LOGIT_FLOATS / V, rows = most < PIECE ? most : PIECE;
    float *h = RZ_NEW(&j->arena, (size_t)PIECE * (size_t)D, float), *logits = RZ_NEW(&j->arena, (size_t)rows * (size_t)V, float);
    json_t *o = json_object(), *logprobs = json_array();
    bool ok = true;
    rz_cache cache;
    json_object_set_new(o, "logprobs", logprobs);
    rz_cache_init(&cache, p, n, &j->arena);
    for (int from = 0; ok && from < n; from += PIECE) {
        int length = n - from < PIECE ? n - from : PIECE;
        rz_policy_forward(p, &(rz_run){ids + from, length, &cache, NULL, NULL}, 1, h, j->arena);
        for (int r = 0; ok && r < length; r += rows) {
            int m = length - r < rows ? length - r : rows, first = from + r;
            rz_policy_logits(p, logits, h + (int64_t)r * D, m);
            for (int i = 0; ok && i < m && first + i + 1 < n; i++) {
                float logp;
                j->kernels->logp_forward(&logp, NULL, NULL, NULL, logits + (int64_t)i * V, V, &ids[first + i + 1], 1, 1, V);
                ok = check_finite((double)logp, "the log-probability of token", first + i + 1, err);
                json_array_append_new(logprobs, json_real((double)logp));
            }
            if (first + m == n)
                ok = ok && add_last(j, logits + (int64_t)(m - 1) * V, o, err);
        }
    }
    return print(o, ok);
}

/* ---- gradnorms ---- */

/* The gradient of the mean of −logp over the tokens after the first. */
static bool tell_gradnorms(job *j, const int32_t *ids, int n, rz_err *err)
{
    const rz_layout *l = &j->policy->layout;
    int m = n - 1;
    float *logp = RZ_NEW(&j->arena, m, float), *dlogp = RZ_NEW(&j->arena, m, float);
    for (int i = 0; i < m; i++)
        dlogp[i] = (float)(-1.0 / m);
    const rz_sequence sequence = {ids, ids + 1, m, logp, NULL, dlogp};
    const rz_tree tree = {NULL, 0, 1, &sequence};
    memset(j->grad, 0, (size_t)l->n_params * sizeof *j->grad);
    rz_learner_forward(j->learner, &tree, 1, 1);
    rz_learner_backward(j->learner, j->grad);
    rz_learner_finish_shard(j->learner, j->grad);
    double loss = 0;
    for (int i = 0; i < m; i++)
        loss -= (double)logp[i] / m;
    json_t *o = json_object(), *norms = json_object();
    bool ok = check_finite(loss, "the loss", -1, err);
    json_object_set_new(o, "loss", json_real(loss));
    for (int i = 0; ok && i < l->n_tensors; i++) {
        const rz_tensor *t = &l->tensors[i];
        double norm = sqrt(j->kernels->sumsq(j->grad + t->offset, t->rows * (t->cols ? t->cols : 1)));
        if (!isfinite(norm))
            ok = rz_fail(err, RZ_EDATA, "the gradient of %s is not finite", t->name);
        json_object_set_new(norms, t->name, json_real(norm));
    }
    json_object_set_new(o, "grad_norms", norms);
    return print(o, ok);
}

/* ---- both ---- */

static bool tell_line(void *ctx, const char *text, size_t len, int64_t number, rz_err *err)
{
    (void)number;
    job *j = ctx;
    int32_t *ids;
    int n;
    rz_arena_release(&j->arena, 0);
    bool ok = j->learner ? read_ids(j, text, len, 2, &ids, &n, err) && tell_gradnorms(j, ids, n, err)
                         : read_ids(j, text, len, 1, &ids, &n, err) && tell_logprobs(j, ids, n, err);
    fflush(stdout); /* who asks line by line reads line by line */
    return ok;
}

static bool open_job(job *j, rz_err *err)
{
    if (!j->o.model[0])
        return rz_fail(err, RZ_EUSAGE, "--model is missing; for example --model runs/quick/model.h5");
    if (!rz_cli_kernels(&j->kernels, err) || !rz_arena_init(&j->arena, (size_t)1 << 40, err) || !rz_pool_create(&j->pool, (int)j->o.threads, err) ||
        !rz_model_read(j->o.model, j->kernels, j->pool, &j->policy, NULL, err))
        return false;
    rz_policy_store(j->policy, (rz_stored)j->o.dtype, (rz_compute)j->o.compute, (rz_kv_dtype)j->o.kv_dtype);
    return true;
}

static bool open_learner(job *j, rz_err *err)
{
    j->grad = rz_calloc((size_t)j->policy->layout.n_params, sizeof *j->grad);
    if (!rz_learner_create(&j->learner, j->policy, err))
        return false;
    rz_learner_recompute(j->learner, RZ_RECOMPUTE_LAYER); /* the same bits in less memory */
    return true;
}

static int run(bool gradients, int argc, char **argv, rz_err *err)
{
    job j = {0};
    const char *file = NULL;
    bool ok = rz_flags_parse(rz_logprobs_flags, rz_logprobs_n_flags, &j.o, NULL, NULL, &file, argc, argv, err) && open_job(&j, err) &&
              (!gradients || open_learner(&j, err)) && rz_lines_each(file, MAX_LINE, tell_line, &j, err);
    rz_learner_destroy(j.learner);
    free(j.grad);
    rz_policy_destroy(j.policy);
    rz_pool_destroy(j.pool);
    rz_arena_finish(&j.arena);
    rz_options_finish(rz_logprobs_flags, rz_logprobs_n_flags, &j.o);
    return ok ? 0 : (int)err->code;
}

int rz_cmd_logprobs(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    return run(false, argc, argv, err);
}

int rz_cmd_gradnorms(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    return run(true, argc, argv, err);
}
