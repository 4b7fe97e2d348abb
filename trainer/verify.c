#include "trainer/verify.h"

#include "trainer/rollouts.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool rz_is_checkpoint(const rz_file_facts *f)
{
    return !strcmp(f->kind, "train") || !strcmp(f->kind, "pretrain");
}

static bool all_finite(const char *name, const float *x, int64_t n, float least, rz_err *err)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i]) || x[i] < least)
            return rz_fail(err, RZ_EDATA, "%s holds %g at element %lld", name, (double)x[i], (long long)i);
    return true;
}

static bool check_weights(rz_store *s, const rz_layout *l, rz_err *err)
{
    bool ok = true;
    for (int i = 0; ok && i < l->n_tensors; i++) {
        const rz_tensor *t = &l->tensors[i];
        int64_t n = t->rows * (t->cols ? t->cols : 1);
        rz_shape shape = {RZ_F32, t->cols ? 2 : 1, {t->rows, t->cols}};
        char name[128];
        float *w = rz_malloc((size_t)n * sizeof *w);
        snprintf(name, sizeof name, "model/%s", t->name);
        ok = rz_store_get(s, name, shape, w, err) && all_finite(name, w, n, -INFINITY, err);
        free(w);
    }
    return ok;
}

static bool check_moment(rz_store *s, const char *name, int64_t n_params, float least, rz_err *err)
{
    enum { PART = 1 << 20 };
    const rz_shape shape = {RZ_F32, 1, {n_params}};
    float *x = rz_malloc(PART * sizeof *x);
    bool ok = true;
    for (int64_t at = 0; ok && at < n_params; at += PART) {
        int64_t n = n_params - at < PART ? n_params - at : PART;
        ok = rz_store_get_part(s, name, shape, at, n, x, err) && all_finite(name, x, n, least, err);
    }
    free(x);
    return ok;
}

/* The path is for messages about its texts. */
static bool check_tokenizer(rz_store *s, const char *path, const rz_arch *a, rz_err *err)
{
    rz_tokenizer *t = NULL;
    char *json = rz_store_get_text(s, "tokenizer", err);
    bool ok = json && rz_tokenizer_parse(&t, path, json, strlen(json), err);
    if (ok && rz_tokenizer_size(t) > a->vocab_size)
        ok = rz_fail(err, RZ_EDATA, "its tokenizer has %d tokens, its model only %d", rz_tokenizer_size(t), a->vocab_size);
    rz_tokenizer_destroy(t);
    free(json);
    return ok;
}

static bool check_optimizer(rz_store *s, int64_t n_params, rz_err *err)
{
    int64_t steps;
    return check_moment(s, "optimizer/m", n_params, -INFINITY, err) && check_moment(s, "optimizer/v", n_params, 0, err) &&
           rz_store_get_i64(s, "optimizer_steps", &steps, err) && (steps >= 0 || rz_fail(err, RZ_EDATA, "optimizer_steps is %lld", (long long)steps));
}

static bool check_model(rz_store *s, const char *path, const rz_file_facts *f, rz_err *err)
{
    rz_arch arch;
    rz_layout l;
    if (!rz_policy_get_arch(&arch, s, err) || !check_tokenizer(s, path, &arch, err))
        return false;
    rz_layout_init(&l, &arch);
    bool ok = l.n_params <= f->bytes / (int64_t)sizeof(float) || /* before room is made for them */
              rz_fail(err, RZ_EDATA, "its architecture has %lld parameters, for which the file is too short", (long long)l.n_params);
    ok = ok && check_weights(s, &l, err) && (!rz_is_checkpoint(f) || check_optimizer(s, l.n_params, err));
    rz_layout_finish(&l);
    return ok;
}

static bool has_text(rz_store *s, const char *name, rz_err *err)
{
    char *text = rz_store_get_text(s, name, err);
    free(text);
    return text != NULL;
}

static bool has_str(rz_store *s, const char *attr, rz_err *err)
{
    char *text = NULL;
    bool ok = rz_store_get_str(s, attr, &text, err);
    free(text);
    return ok;
}

/* What a run goes on by, beside weights and moments. */
static bool check_run(rz_store *s, const char *path, const rz_file_facts *f, rz_err *err)
{
    const char *name = strrchr(path, '/');
    long long step;
    if (sscanf(name ? name + 1 : path, "step-%lld.h5", &step) == 1 && step != f->at.step)
        return rz_fail(err, RZ_EDATA, "it is the checkpoint of step %lld under another name", (long long)f->at.step);
    return rz_checkpoint_check_own_config(s, path, err) && has_text(s, "rules", err) && has_str(s, "data_hash", err) && has_str(s, "base_hash", err);
}

/* The path is no part of the messages. */
static bool check_contents(rz_store *s, const char *path, const rz_file_facts *f, rz_err *err)
{
    if (!strcmp(f->kind, "rollouts"))
        return rz_rollouts_check(s, err);
    if (rz_is_checkpoint(f))
        return check_run(s, path, f, err) && check_model(s, path, f, err);
    if (!strcmp(f->kind, "model"))
        return check_model(s, path, f, err);
    return rz_fail(err, RZ_EDATA, "its kind is '%s', of which a run has none", f->kind);
}

static bool read_facts(rz_store *s, rz_file_facts *f, rz_err *err)
{
    char *kind = NULL;
    if (!rz_model_check_kind(s, NULL, err) || !rz_store_get_str(s, "kind", &kind, err))
        return false;
    snprintf(f->kind, sizeof f->kind, "%s", kind);
    free(kind);
    return !rz_is_checkpoint(f) || rz_checkpoint_get_progress(s, &f->at, err);
}

static bool look(rz_file_facts *f, const char *path, bool whole, rz_err *err)
{
    struct stat st;
    rz_store *s;
    *f = (rz_file_facts){.kind = ""};
    if (stat(path, &st))
        return rz_fail(err, RZ_EIO, "%s: %s", path, strerror(errno));
    f->bytes = st.st_size;
    f->written = st.st_mtime;
    if (!rz_store_open(&s, path, err))
        return false;
    f->bytes += rz_store_parts_bytes(s);
    bool ok = (read_facts(s, f, err) && (!whole || check_contents(s, path, f, err))) || rz_err_note(err, "%s", path);
    rz_store_close(s);
    return ok;
}

bool rz_file_facts_read(rz_file_facts *f, const char *path, rz_err *err) { return look(f, path, false, err); }

bool rz_verify_file(rz_file_facts *f, const char *path, rz_err *err) { return look(f, path, true, err); }
