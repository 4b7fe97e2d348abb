/* A Hugging Face folder: config.json, model.safetensors or its shards, tokenizer.json, and what else says something of texts (trainer/model_extras.c). */
#include "trainer/model_parts.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONFIG = 1 << 20 };

static const char prefix[] = "model."; /* which the tensors of a bare decoder lack */

typedef struct {
    const rz_safetensors *s;
    bool bare;
} source;

static const char *name_in(const source *s, const char *name)
{
    return name + (s->bare && !strncmp(name, prefix, sizeof prefix - 1) ? sizeof prefix - 1 : 0);
}

static const rz_tensor_view *find(const void *ctx, const char *name, char there[RZ_MODEL_NAME])
{
    const source *s = ctx;
    snprintf(there, RZ_MODEL_NAME, "%s", name_in(s, name));
    return rz_safetensors_find(s->s, there);
}

/* A head that a tied model has twice must be the embedding; decoded piece by piece. */
static bool same_as_embedding(const rz_tensor_view *v, const rz_policy *p)
{
    enum { PIECE = 4096 };
    const rz_tensor *t = &p->layout.tensors[0];
    const char *at = v->data;
    float piece[PIECE];
    if (!v->known || v->n_dims != 2 || v->dims[0] != t->rows || v->dims[1] != t->cols)
        return false;
    for (int64_t i = 0; i < v->n; i += PIECE) {
        int64_t n = v->n - i < PIECE ? v->n - i : PIECE;
        rz_decode_floats(v->encoding, piece, at, n);
        at += rz_encoding_bytes(v->encoding, n);
        if (memcmp(piece, p->w + p->layout.embed + i, (size_t)n * sizeof *piece))
            return false;
    }
    return true;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && !strcmp(name + n - m, end);
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* What is in the file must be known: an adapter, a vision tower or another architecture's norm would be lost without a word. */
static bool check_rest(const char *folder, const source *s, const rz_policy *p, rz_err *err)
{
    const rz_layout *l = &p->layout;
    const char **names = rz_malloc((size_t)l->n_tensors * sizeof *names), *unknown = NULL;
    for (int i = 0; i < l->n_tensors; i++)
        names[i] = name_in(s, l->tensors[i].name);
    qsort(names, (size_t)l->n_tensors, sizeof *names, by_name);
    bool ok = true;
    for (int i = 0; ok && !unknown && i < rz_safetensors_count(s->s); i++) {
        const rz_tensor_view *v = rz_safetensors_at(s->s, i);
        if (bsearch(&v->name, names, (size_t)l->n_tensors, sizeof *names, by_name) || ends_with(v->name, "rotary_emb.inv_freq"))
            continue; /* which follow from the config */
        if (!strcmp(v->name, "lm_head.weight") && l->head == l->embed)
            ok = same_as_embedding(v, p) || rz_fail(err, RZ_EDATA, "%s: tensor \"lm_head.weight\" is not the embedding, but config.json says "
                                                    "tie_word_embeddings: true; which is right?", folder);
        else
            unknown = v->name;
    }
    free(names);
    return ok && (!unknown || rz_fail(err, RZ_EDATA, "%s: tensor \"%s\" has no place in a %s of this config.json, so the model would not be what it was", folder,
                                      unknown, rz_arch_family(&p->arch)->name));
}

static bool read_weights(const char *folder, rz_model *r, rz_err *err)
{
    rz_safetensors *s;
    if (!rz_safetensors_open(&s, folder, err))
        return false;
    const source from = {s, !rz_safetensors_find(s, "model.embed_tokens.weight") && rz_safetensors_find(s, "embed_tokens.weight")};
    bool ok = rz_model_take(folder, r, find, &from, err) && check_rest(folder, &from, r->policy, err);
    rz_safetensors_close(s);
    return ok;
}

static bool read_tokenizer(const char *folder, const char *config, rz_tokenizer **t, rz_err *err)
{
    char *path = rz_asprintf("%s/tokenizer.json", folder);
    bool ok = rz_file_exists(path) || rz_fail(err, RZ_EDATA, "%s: has no tokenizer.json; transformers writes one: "
                                              "AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)", folder);
    ok = ok && rz_tokenizer_load(t, path, err) && rz_extras_read_hf(folder, config, *t, err);
    free(path);
    return ok;
}

bool rz_model_read_hf(const char *folder, rz_model *r, rz_err *err)
{
    char *path = rz_asprintf("%s/config.json", folder), *config = NULL;
    size_t len;
    bool ok = rz_file_exists(path) || rz_fail(err, RZ_EDATA, "%s: is a folder without config.json, so no Hugging Face model", folder);
    ok = ok && rz_file_read(path, MAX_CONFIG, &config, &len, err) && rz_arch_parse(&r->arch, path, config, err) &&
         (r->no_tokenizer || (read_tokenizer(folder, config, &r->tokenizer, err) && rz_model_check_tokenizer(folder, r, err))) &&
         read_weights(folder, r, err);
    free(config);
    free(path);
    return ok;
}
