#include "cli/samples.h"

#include "base/store.h"

#include <stdlib.h>

typedef struct { const char *name; rz_type type; void **data; int64_t *n; } wanted;

/* A whole vector. *n < 0: any length, which is put there; else that length. */
static bool read_vector(rz_store *s, const wanted *w, rz_err *err)
{
    rz_shape shape;
    if (!rz_store_shape(s, w->name, &shape, err))
        return false;
    if (shape.n_dims != 1 || shape.type != w->type || (*w->n >= 0 && shape.dims[0] != *w->n))
        return rz_fail(err, RZ_EDATA, "%s is not as docs/files.md describes it", w->name);
    *w->n = shape.dims[0];
    *w->data = rz_calloc((size_t)*w->n + 1, rz_type_size(w->type));
    return rz_store_get(s, w->name, shape, *w->data, err);
}

static bool read_texts(rz_store *s, const char *column, int64_t n, rz_texts *t, rz_err *err)
{
    int64_t n_offsets = n + 1, n_bytes = -1;
    char *offsets = rz_asprintf("%s/offsets", column), *bytes = rz_asprintf("%s/bytes", column);
    bool ok = read_vector(s, &(wanted){offsets, RZ_I64, (void **)&t->offsets, &n_offsets}, err) &&
              read_vector(s, &(wanted){bytes, RZ_U8, (void **)&t->bytes, &n_bytes}, err);
    for (int64_t i = 0; ok && i <= n; i++)
        if (t->offsets[i] < (i ? t->offsets[i - 1] : 0) || t->offsets[i] > n_bytes)
            ok = rz_fail(err, RZ_EDATA, "%s does not rise within %s", offsets, bytes);
    free(offsets);
    free(bytes);
    return ok;
}

bool rz_samples_read(rz_samples *s, const char *path, rz_err *err)
{
    *s = (rz_samples){.n = -1, .n_prompts = -1};
    const wanted columns[] = {
        {"step", RZ_I64, (void **)&s->step, &s->n},           {"slot", RZ_I32, (void **)&s->slot, &s->n},
        {"sample", RZ_I32, (void **)&s->sample, &s->n},       {"n_tokens", RZ_I32, (void **)&s->n_tokens, &s->n},
        {"correct", RZ_U8, (void **)&s->correct, &s->n},      {"format_ok", RZ_U8, (void **)&s->format_ok, &s->n},
        {"truncated", RZ_U8, (void **)&s->truncated, &s->n},  {"score", RZ_F64, (void **)&s->score, &s->n},
        {"prompts/step", RZ_I64, (void **)&s->prompt_step, &s->n_prompts}, {"prompts/slot", RZ_I32, (void **)&s->prompt_slot, &s->n_prompts},
    };
    rz_store *store;
    if (!rz_store_open(&store, path, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof columns / sizeof columns[0]; i++)
        ok = read_vector(store, &columns[i], err);
    ok = ok && read_texts(store, "text", s->n, &s->text, err) && read_texts(store, "explain", s->n, &s->explain, err) &&
         read_texts(store, "prompts/prompt", s->n_prompts, &s->prompt, err);
    rz_store_close(store);
    return ok || rz_err_note(err, "%s", path);
}

void rz_samples_finish(rz_samples *s)
{
    void *const all[] = {s->step, s->prompt_step, s->slot, s->sample, s->n_tokens, s->prompt_slot, s->correct, s->format_ok, s->truncated, s->score,
                         s->text.offsets, s->text.bytes, s->explain.offsets, s->explain.bytes, s->prompt.offsets, s->prompt.bytes};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    *s = (rz_samples){0};
}

int64_t rz_samples_prompt(const rz_samples *s, int64_t i)
{
    for (int64_t p = 0; p < s->n_prompts; p++)
        if (s->prompt_step[p] == s->step[i] && s->prompt_slot[p] == s->slot[i])
            return p;
    return -1;
}

const char *rz_text_at(const rz_texts *t, int64_t i, size_t *len)
{
    *len = (size_t)(t->offsets[i + 1] - t->offsets[i]);
    return t->bytes + t->offsets[i];
}
