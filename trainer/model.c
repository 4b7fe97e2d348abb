#include "trainer/model_parts.h"

#include "base/file.h"
#include "base/mapped.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- our own form ---- */

/* That of a store in parts is another one, so that programs that do not know parts say so. */
static int format_of(const rz_store *s) { return rz_store_is_split(s) ? RZ_STORE_SPLIT_FORMAT : RZ_FORMAT_VERSION; }

bool rz_model_put(rz_store *s, const char *kind, const rz_policy *p, const float *w, const rz_tokenizer *t, rz_err *err)
{
    return rz_store_put_str(s, "kind", kind, err) && rz_store_put_i64(s, "format_version", format_of(s), err) &&
           rz_store_put_text(s, "tokenizer", rz_tokenizer_json(t), err) && rz_extras_put(rz_tokenizer_get_extras(t), s, err) &&
           rz_policy_put(p, w, s, err);
}

int64_t rz_model_bytes(const rz_policy *p, const rz_tokenizer *t)
{
    enum { NAME_AND_PLACE = 1 << 10, REST = 1 << 16 }; /* of an array; what HDF5 begins with, attributes, texts */
    const rz_token_extras *e = rz_tokenizer_get_extras(t);
    return p->layout.n_params * (int64_t)sizeof(float) + (int64_t)p->layout.n_tensors * NAME_AND_PLACE + (int64_t)strlen(rz_tokenizer_json(t)) +
           (e->chat_template ? (int64_t)strlen(e->chat_template) : 0) + REST;
}

bool rz_model_check_kind(rz_store *s, const char *want, rz_err *err)
{
    char *kind = NULL;
    int64_t version;
    if (!rz_store_get_i64(s, "format_version", &version, err) || !rz_store_get_str(s, "kind", &kind, err))
        return false;
    bool ok = true;
    if (!strcmp(kind, "part"))
        ok = rz_fail(err, RZ_EDATA, "it is a part of a checkpoint; give the checkpoint, which has the same name without " RZ_STORE_PART "N");
    else if (version != format_of(s))
        ok = rz_fail(err, RZ_EDATA, "format_version is %lld; this program reads %d, and %d of checkpoints in parts", (long long)version, RZ_FORMAT_VERSION, RZ_STORE_SPLIT_FORMAT);
    else if (want && strcmp(kind, want))
        ok = rz_fail(err, RZ_EDATA, "it is a %s checkpoint, expected %s", kind, want);
    free(kind);
    return ok;
}

bool rz_model_write(const char *path, const rz_policy *p, const rz_tokenizer *t, rz_err *err)
{
    rz_store *s;
    if (!rz_store_create(&s, path, err))
        return false;
    bool ok = rz_store_reserve(s, rz_model_bytes(p, t), err) && rz_model_put(s, "model", p, p->w, t, err) && rz_store_commit(s, err);
    rz_store_close(s);
    return ok;
}

static bool read_tokenizer(rz_store *s, const char *path, rz_tokenizer **t, rz_err *err)
{
    char *json = rz_store_get_text(s, "tokenizer", err);
    bool ok = json && rz_tokenizer_parse(t, path, json, strlen(json), err) && rz_extras_get(*t, s, err);
    free(json);
    return ok;
}

/* Before room is made for the weights that the architecture asks for: can they be in the file? */
static bool check_size(const rz_store *s, const char *path, const rz_arch *a, rz_err *err)
{
    struct stat st;
    rz_layout l;
    rz_layout_init(&l, a);
    bool ok = stat(path, &st) == 0 && (int64_t)sizeof(float) * l.n_params <= st.st_size + rz_store_parts_bytes(s);
    if (!ok)
        rz_fail(err, RZ_EDATA, "its architecture has %lld parameters, for which the file is too short", (long long)l.n_params);
    rz_layout_finish(&l);
    return ok;
}

static bool read_policy(rz_store *s, const char *path, rz_model *r, rz_err *err)
{
    return check_size(s, path, &r->arch, err) && rz_policy_create(&r->policy, &r->arch, r->k, r->pool, err) && rz_policy_get(r->policy, s, err);
}

static bool read_h5(const char *path, rz_model *r, rz_err *err)
{
    rz_store *s;
    if (!rz_store_open(&s, path, err))
        return false;
    bool ok = (rz_model_check_kind(s, NULL, err) && rz_policy_get_arch(&r->arch, s, err) &&
               (r->no_tokenizer || read_tokenizer(s, path, &r->tokenizer, err)) && read_policy(s, path, r, err)) ||
              rz_err_note(err, "%s", path);
    rz_store_close(s);
    return ok && (r->no_tokenizer || rz_model_check_tokenizer(path, r, err));
}

/* ---- any form ---- */

bool rz_model_check_tokenizer(const char *path, const rz_model *r, rz_err *err)
{
    int size = rz_tokenizer_size(r->tokenizer);
    return size <= r->arch.vocab_size || rz_fail(err, RZ_EDATA, "%s: its tokenizer has %d tokens, its model only %d", path, size, r->arch.vocab_size);
}

static bool check_tensor(const char *file, const rz_tensor_view *v, const char *name, const rz_tensor *t, rz_err *err)
{
    if (!v)
        return rz_fail(err, RZ_EDATA, "%s: tensor \"%s\", which its architecture asks for, is missing", file, name);
    if (!v->known)
        return rz_fail(err, RZ_EDATA, "%s: tensor \"%s\" is of type %s, which is not supported; convert it to BF16 or F32", file, v->name, v->dtype);
    if (v->n_dims == (t->cols ? 2 : 1) && v->dims[0] == t->rows && (!t->cols || v->dims[1] == t->cols))
        return true;
    char is[256] = "", due[64];
    for (int i = 0; i < v->n_dims; i++)
        snprintf(is + strlen(is), sizeof is - strlen(is), i ? ", %lld" : "%lld", (long long)v->dims[i]);
    snprintf(due, sizeof due, t->cols ? "%lld, %lld" : "%lld", (long long)t->rows, (long long)t->cols);
    return rz_fail(err, RZ_EDATA, "%s: tensor \"%s\" is (%s), by its architecture it must be (%s)", file, v->name, is, due);
}

static bool decode(const char *file, const rz_tensor_view *v, float *w, rz_err *err)
{
    rz_decode_floats(v->encoding, w, v->data, v->n);
    rz_mapped_forget(v->data, rz_encoding_bytes(v->encoding, v->n));
    for (int64_t i = 0; i < v->n; i++)
        if (!isfinite(w[i]))
            return rz_fail(err, RZ_EDATA, "%s: tensor \"%s\" has a weight that is not finite (element %lld is %g)", file, v->name, (long long)i, (double)w[i]);
    return true;
}

bool rz_model_take(const char *file, rz_model *r, rz_model_find *find, const void *ctx, rz_err *err)
{
    rz_layout layout;
    char there[RZ_MODEL_NAME];
    bool ok = true;
    rz_layout_init(&layout, &r->arch);
    for (int i = 0; ok && i < layout.n_tensors; i++) {
        const rz_tensor_view *v = find(ctx, layout.tensors[i].name, there);
        ok = check_tensor(file, v, there, &layout.tensors[i], err);
    }
    ok = ok && rz_policy_create(&r->policy, &r->arch, r->k, r->pool, err);
    for (int i = 0; ok && i < layout.n_tensors; i++)
        ok = decode(file, find(ctx, layout.tensors[i].name, there), r->policy->w + layout.tensors[i].offset, err);
    rz_layout_finish(&layout);
    return ok;
}

static bool find_form(const char *path, rz_model_form *form, rz_err *err)
{
    struct stat st;
    unsigned char head[17] = {0};
    *form = RZ_MODEL_H5;
    if (stat(path, &st))
        return rz_fail(err, RZ_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode)) {
        *form = RZ_MODEL_HF;
        return true;
    }
    FILE *f = S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;
    size_t n = f ? fread(head, 1, sizeof head - 1, f) : 0;
    if (f)
        fclose(f);
    if (n > 8 && !memcmp(head + 4, "\0\0\0\0{", 5)) /* behind the length of its header */
        return rz_fail(err, RZ_EDATA, "%s: is a safetensors file, only weights; give the folder it lies in, with config.json and tokenizer.json", path);
    size_t first = strspn((const char *)head, " \t\r\n");
    if (first < n && head[first] == '{')
        return rz_fail(err, RZ_EDATA, "%s: is JSON, no model; a model is a *.h5 file of ours, a Hugging Face folder or a GGUF file", path);
    if (n >= 4 && !memcmp(head, "GGUF", 4))
        *form = RZ_MODEL_GGUF;
    return true; /* the store says of a file why it is none of ours */
}

bool rz_model_read(const char *path, const rz_kernels *k, rz_pool *pool, rz_policy **p, rz_tokenizer **t, rz_err *err)
{
    static bool (*const readers[RZ_N_MODEL_FORMS])(const char *, rz_model *, rz_err *) = {
        [RZ_MODEL_H5] = read_h5, [RZ_MODEL_HF] = rz_model_read_hf, [RZ_MODEL_GGUF] = rz_model_read_gguf};
    rz_model_form form;
    rz_model r = {.k = k, .pool = pool, .no_tokenizer = !t};
    bool ok = find_form(path, &form, err) && readers[form](path, &r, err);
    if (!ok) {
        rz_policy_destroy(r.policy);
        rz_tokenizer_destroy(r.tokenizer);
    }
    *p = ok ? r.policy : NULL;
    if (t)
        *t = ok ? r.tokenizer : NULL;
    return ok;
}

void rz_model_hash(const rz_policy *p, char out[33])
{
    rz_hash_hex(p->w, (size_t)p->layout.n_params * sizeof *p->w, out);
}
