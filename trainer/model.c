#include "trainer/model.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

bool rz_model_put(rz_store *s, const char *kind, const rz_policy *p, const rz_tokenizer *t, rz_err *err)
{
    return rz_store_put_str(s, "kind", kind, err) && rz_store_put_i64(s, "format_version", RZ_FORMAT_VERSION, err) &&
           rz_store_put_text(s, "tokenizer", rz_tokenizer_json(t), err) && rz_policy_put(p, s, err);
}

bool rz_model_check_kind(rz_store *s, const char *want, rz_err *err)
{
    char *kind = NULL;
    int64_t version;
    if (!rz_store_get_i64(s, "format_version", &version, err) || !rz_store_get_str(s, "kind", &kind, err))
        return false;
    bool ok = true;
    if (version != RZ_FORMAT_VERSION)
        ok = rz_fail(err, RZ_EDATA, "format_version is %lld; this program reads %d", (long long)version, RZ_FORMAT_VERSION);
    else if (want && strcmp(kind, want))
        ok = rz_fail(err, RZ_EDATA, "it is a %s checkpoint, expected %s", kind, want);
    free(kind);
    return ok;
}

void rz_model_hash(const rz_policy *p, char out[33])
{
    rz_hash_hex(p->w, (size_t)p->layout.n_params * sizeof *p->w, out);
}

bool rz_model_write(const char *path, const rz_policy *p, const rz_tokenizer *t, rz_err *err)
{
    rz_store *s;
    if (!rz_store_create(&s, path, err))
        return false;
    bool ok = rz_model_put(s, "model", p, t, err) && rz_store_commit(s, err);
    rz_store_close(s);
    return ok;
}

static bool read_model(rz_store *s, const char *path, const rz_kernels *k, rz_pool *pool, rz_policy **p, rz_tokenizer **t, rz_err *err)
{
    rz_arch arch;
    if (!rz_model_check_kind(s, NULL, err) || !rz_policy_get_arch(&arch, s, err))
        return false;
    char *json = rz_store_get_text(s, "tokenizer", err);
    bool ok = json && rz_tokenizer_parse(t, path, json, strlen(json), err);
    free(json);
    if (ok && rz_tokenizer_size(*t) > arch.vocab_size)
        ok = rz_fail(err, RZ_EDATA, "its tokenizer has %d tokens, its model only %d", rz_tokenizer_size(*t), arch.vocab_size);
    return ok && rz_policy_create(p, &arch, k, pool, err) && rz_policy_get(*p, s, err);
}

bool rz_model_read(const char *path, const rz_kernels *k, rz_pool *pool, rz_policy **p, rz_tokenizer **t, rz_err *err)
{
    rz_store *s;
    *p = NULL;
    *t = NULL;
    if (!rz_store_open(&s, path, err))
        return false;
    bool ok = read_model(s, path, k, pool, p, t, err) || rz_err_note(err, "%s", path);
    rz_store_close(s);
    if (!ok) {
        rz_policy_destroy(*p);
        rz_tokenizer_destroy(*t);
        *p = NULL;
        *t = NULL;
    }
    return ok;
}
