#include "trainer/checkpoint.h"
#include "trainer/model_parts.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __clang__
static const char program[] = "rulezero " RULEZERO_VERSION ", " __VERSION__; /* says that it is clang */
#else
static const char program[] = "rulezero " RULEZERO_VERSION ", gcc " __VERSION__;
#endif
static const char *const kinds[] = {[RZ_STAGE_TRAIN] = "train", [RZ_STAGE_PRETRAIN] = "pretrain"};

/* The whole numbers of rz_progress, by attribute name. */
static const struct { const char *name; size_t offset; bool may_lack; } whole[] = { /* may_lack: 0 in checkpoints from before it */
    {"step", offsetof(rz_progress, step)},
    {"tokens_sampled", offsetof(rz_progress, tokens_sampled)},
    {"tokens_trained", offsetof(rz_progress, tokens_trained)},
    {"metrics_bytes", offsetof(rz_progress, metrics_bytes)},
    {"eval_bytes", offsetof(rz_progress, eval_bytes)},
    {"curriculum_place", offsetof(rz_progress, curriculum.place), true},
    {"curriculum_right", offsetof(rz_progress, curriculum.right), true},
    {"curriculum_seen", offsetof(rz_progress, curriculum.seen), true},
    {"data_shift", offsetof(rz_progress, data_shift), true},
    {"skipped", offsetof(rz_progress, skipped), true},
    {"skipped_in_row", offsetof(rz_progress, skipped_in_row), true},
    {"rollbacks", offsetof(rz_progress, rollbacks), true},
};
enum { N_WHOLE = sizeof whole / sizeof whole[0] };

static bool put_progress(rz_store *s, const rz_progress *at, const rz_policy *p, rz_err *err)
{
    char *config = rz_options_dump(rz_config_rows, rz_config_n_rows, at->config);
    bool ok = rz_store_put_text(s, "config", config, err) && rz_store_put_text(s, "rules", at->rules, err) &&
              rz_store_put_str(s, "data_hash", at->data_hash, err) &&
              rz_store_put_str(s, "base_hash", at->base_hash, err) && rz_store_put_i64(s, "ranks", at->ranks, err) &&
              rz_store_put_str(s, "kernels", p->k->name, err) && rz_store_put_str(s, "program", program, err) &&
              rz_store_put_i64(s, "arithmetic", RZ_ARITHMETIC, err);
    for (int i = 0; ok && i < N_WHOLE; i++)
        ok = rz_store_put_i64(s, whole[i].name, *(const int64_t *)((const char *)at + whole[i].offset), err);
    free(config);
    return ok;
}

/* Weights and moments. */
static int64_t numbers_bytes(const rz_policy *p) { return 3 * p->layout.n_params * (int64_t)sizeof(float); }

int64_t rz_checkpoint_bytes(const rz_progress *at, const rz_policy *p, const rz_tokenizer *t)
{
    enum { PART = 1 << 13, MOST_PARTS = 1 << 8 }; /* what HDF5 begins with, and places */
    int64_t numbers = numbers_bytes(p), parts = numbers / at->config->checkpoint.part_bytes;
    return rz_model_bytes(p, t) + numbers / 3 * 2 + (int64_t)strlen(at->rules) + (parts < MOST_PARTS ? parts : MOST_PARTS) * PART;
}

bool rz_checkpoint_write(const char *path, const rz_progress *at, const rz_policy *p, const rz_snapshot *s, const rz_tokenizer *t, rz_err *err)
{
    rz_store *store;
    rz_shape moments = {RZ_F32, 1, {p->layout.n_params}};
    if (!rz_store_create(&store, path, err))
        return false;
    if (numbers_bytes(p) > at->config->checkpoint.part_bytes)
        rz_store_split(store, numbers_bytes(p), at->config->checkpoint.part_bytes);
    bool ok = rz_store_reserve(store, rz_checkpoint_bytes(at, p, t), err) && rz_model_put(store, kinds[at->stage], p, s->w, t, err) && put_progress(store, at, p, err) &&
              rz_store_put(store, "optimizer/m", moments, s->m, err) && rz_store_put(store, "optimizer/v", moments, s->v, err) &&
              rz_store_put_i64(store, "optimizer_steps", s->steps, err) && rz_store_commit(store, err);
    rz_store_close(store);
    return ok;
}

/* Rules may change between two parts of a run if the config says so: what was scored before stays as it was. */
static bool same_rules(rz_store *s, rz_progress *at, rz_err *err)
{
    char *have = rz_store_get_text(s, "rules", err);
    if (!have)
        return false;
    at->rules_changed = strcmp(have, at->rules) != 0;
    free(have);
    return !at->rules_changed || at->config->allow_changed_rules ||
           rz_fail(err, RZ_ECONFIG, "the rules (the text of the file) changed since this run began; set them back, give another out=, or go on with these by allow_changed_rules=true");
}

static bool same_text(rz_store *s, const char *name, const char *want, const char *what, rz_err *err)
{
    char *have = rz_store_get_text(s, name, err);
    if (!have)
        return false;
    bool same = !strcmp(have, want);
    free(have);
    return same || rz_fail(err, RZ_ECONFIG, "%s changed since this run began; set it back, or give another out=", what);
}

/* The config that a checkpoint was written with; the caller gives it back with rz_config_finish, whatever is returned. */
static bool get_config(rz_store *s, const char *path, rz_config *then, rz_err *err)
{
    *then = (rz_config){0};
    char *text = rz_store_get_text(s, "config", err);
    bool ok = text && rz_options_init(rz_config_rows, rz_config_n_rows, then, err) &&
              rz_options_parse(rz_config_rows, rz_config_n_rows, then, path, text, strlen(text), NULL, err);
    free(text);
    return ok;
}

bool rz_checkpoint_check_own_config(rz_store *s, const char *path, rz_err *err)
{
    rz_config then;
    bool ok = get_config(s, path, &then, err);
    rz_config_finish(&then);
    return ok;
}

/* It must agree in every key that decides bits. */
static bool same_config(rz_store *s, const char *path, rz_stage stage, const rz_config *now, rz_err *err)
{
    rz_config then;
    bool ok = get_config(s, path, &then, err);
    const rz_option *row = NULL;
    for (int i = 0; ok && !row && i < rz_config_n_rows; i++)
        if (rz_config_decides(stage, rz_config_rows[i].key))
            row = rz_options_differ(&rz_config_rows[i], 1, &then, now);
    if (row) {
        char *old = rz_options_value(row, &then), *new = rz_options_value(row, now);
        ok = rz_fail(err, RZ_ECONFIG, "%s is %s, but this run began with %s; set it back, or give another out=", row->key, new, old);
        free(old);
        free(new);
    }
    rz_config_finish(&then);
    return ok;
}

static bool same_hash(rz_store *s, const char *attr, const char *want, const char *what, rz_err *err)
{
    char *have = NULL;
    if (!rz_store_get_str(s, attr, &have, err))
        return false;
    bool same = !strcmp(have, want);
    free(have);
    return same || rz_fail(err, RZ_ECONFIG, "%s changed since this run began; set it back, or give another out=", what);
}

bool rz_checkpoint_get_progress(rz_store *s, rz_progress *at, rz_err *err)
{
    static const int64_t most = (int64_t)1 << 53; /* more than any run counts */
    for (int i = 0; i < N_WHOLE; i++) {
        int64_t *value = (int64_t *)((char *)at + whole[i].offset);
        if (whole[i].may_lack && !rz_store_has_attr(s, whole[i].name))
            continue;
        if (!rz_store_get_i64(s, whole[i].name, value, err))
            return false;
        if (*value < 0 || *value > most)
            return rz_fail(err, RZ_EDATA, "%s is %lld, not in 0..2^53: this program did not write it", whole[i].name, (long long)*value);
    }
    at->arithmetic = 1;
    return !rz_store_has_attr(s, "arithmetic") || rz_store_get_i64(s, "arithmetic", &at->arithmetic, err);
}

static bool read_checkpoint(rz_store *s, const char *path, rz_progress *at, rz_policy *p, rz_update *u, const rz_tokenizer *t, rz_err *err)
{
    bool ok = rz_model_check_kind(s, kinds[at->stage], err) && same_config(s, path, at->stage, at->config, err) &&
              same_rules(s, at, err) &&
              same_hash(s, "data_hash", at->data_hash, "the data (data, eval.data, examples) or the model's chat template", err) &&
              same_hash(s, "base_hash", at->base_hash, "the base (model)", err) &&
              same_text(s, "tokenizer", rz_tokenizer_json(t), "the tokenizer of the base (model)", err) && rz_extras_check(rz_tokenizer_get_extras(t), s, err);
    ok = ok && rz_checkpoint_get_progress(s, at, err);
    if (ok && at->curriculum.place >= (at->config->task.levels.n > 0 ? at->config->task.levels.n : 1))
        return rz_fail(err, RZ_EDATA, "curriculum_place is %lld, but task.level lists %d", (long long)at->curriculum.place, at->config->task.levels.n);
    return ok && rz_policy_get(p, s, err) && rz_update_get(u, s, err);
}

bool rz_checkpoint_read(const char *path, rz_progress *at, rz_policy *p, rz_update *u, const rz_tokenizer *t, rz_err *err)
{
    rz_store *s;
    if (!rz_store_open_verified(&s, path, err))
        return false;
    bool ok = read_checkpoint(s, path, at, p, u, t, err) || rz_err_note(err, "%s", path);
    rz_store_close(s);
    return ok;
}

bool rz_checkpoint_check_config(const char *path, rz_stage stage, const rz_config *c, rz_err *err)
{
    rz_store *s;
    if (!rz_store_open(&s, path, err))
        return false;
    bool ok = (rz_model_check_kind(s, kinds[stage], err) && same_config(s, path, stage, c, err)) || rz_err_note(err, "%s", path);
    rz_store_close(s);
    return ok;
}
