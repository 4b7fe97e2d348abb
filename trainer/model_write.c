/* Models in the forms of others. Weights are converted piece by piece on their way to the file: what is held beside the policy is one tensor at most. */
#include "trainer/model_gguf.h"
#include "trainer/model_parts.h"

#include "base/file.h"
#include "data/tokenizer_gguf.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* By encoding: what config.json calls it; the file_type of GGUF; the least magnitude that becomes infinity; which forms have it. */
static const struct { const char *torch; int file_type; double overflow; bool form[RZ_N_MODEL_FORMS]; } types[RZ_N_ENC] = {
    [RZ_ENC_F32] = {"float32", 0, INFINITY, {[RZ_MODEL_H5] = true, [RZ_MODEL_HF] = true, [RZ_MODEL_GGUF] = true}},
    [RZ_ENC_F16] = {"float16", 1, 65520, {[RZ_MODEL_HF] = true, [RZ_MODEL_GGUF] = true}},
    [RZ_ENC_BF16] = {"bfloat16", 32, 0x1.ffp127, {[RZ_MODEL_HF] = true, [RZ_MODEL_GGUF] = true}},
    [RZ_ENC_Q8_0] = {NULL, 7, 65520 * 127.0, {[RZ_MODEL_GGUF] = true}},
};

/* ---- Hugging Face ---- */

static void set(json_t *o, const char *key, json_t *value)
{
    if (json_object_set_new(o, key, value))
        rz_out_of_memory(64);
}

/* Absent when there is none. */
static void set_text(json_t *o, const char *key, const char *text)
{
    if (text)
        set(o, key, json_string(text));
}

static void set_ids(json_t *o, const rz_tokenizer *t)
{
    const rz_token_extras *e = rz_tokenizer_get_extras(t);
    int bos = e->bos_token ? rz_tokenizer_id(t, e->bos_token) : -1;
    if (bos >= 0)
        set(o, "bos_token_id", json_integer(bos));
    if (e->n_eos == 1)
        set(o, "eos_token_id", json_integer(e->eos[0]));
    if (e->n_eos < 2)
        return;
    json_t *list = json_array();
    for (int i = 0; i < e->n_eos; i++)
        json_array_append_new(list, json_integer(e->eos[i]));
    set(o, "eos_token_id", list);
}

static bool put_json(const char *folder, const char *name, json_t *o, rz_err *err)
{
    char *path = rz_asprintf("%s/%s", folder, name), *text = json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    if (!text)
        rz_out_of_memory(4096);
    char *line = rz_asprintf("%s\n", text);
    bool ok = rz_file_write(path, line, strlen(line), err);
    free(line);
    free(text);
    free(path);
    json_decref(o);
    return ok;
}

static bool put_config(const char *folder, rz_encoding e, const rz_policy *p, const rz_tokenizer *t, rz_err *err)
{
    char *text = rz_arch_dump(&p->arch);
    json_t *o = json_loads(text, 0, NULL);
    free(text);
    set(o, "torch_dtype", json_string(types[e].torch));
    set_ids(o, t);
    return put_json(folder, "config.json", o, err);
}

static bool put_tokenizer(const char *folder, const rz_policy *p, const rz_tokenizer *t, rz_err *err)
{
    const rz_token_extras *e = rz_tokenizer_get_extras(t);
    const char *json = rz_tokenizer_json(t);
    char *path = rz_asprintf("%s/tokenizer.json", folder);
    bool ok = rz_file_write(path, json, strlen(json), err);
    free(path);
    json_t *config = json_object(), *generation = json_object();
    set_text(config, "bos_token", e->bos_token);
    set_text(config, "eos_token", e->eos_token);
    set_text(config, "chat_template", e->chat_template);
    set(config, "add_bos_token", json_boolean(e->add_bos));
    set(config, "clean_up_tokenization_spaces", json_false());
    set(config, "model_max_length", json_integer(p->arch.max_position_embeddings));
    set(config, "tokenizer_class", json_string("PreTrainedTokenizerFast"));
    set_ids(generation, t);
    ok = put_json(folder, "tokenizer_config.json", config, err) && ok;
    return put_json(folder, "generation_config.json", generation, err) && ok;
}

static bool put_safetensors(const char *folder, rz_encoding e, const rz_policy *p, rz_err *err)
{
    rz_safetensors_writer *w;
    char *path = rz_asprintf("%s/model.safetensors", folder);
    bool ok = rz_safetensors_create(&w, path, e, err);
    free(path);
    if (!ok)
        return false;
    for (int i = 0; i < p->layout.n_tensors; i++) {
        const rz_tensor *t = &p->layout.tensors[i];
        rz_safetensors_declare(w, t->name, t->cols ? 2 : 1, (int64_t[]){t->rows, t->cols});
    }
    for (int i = 0; ok && i < p->layout.n_tensors; i++)
        ok = rz_safetensors_put(w, p->w + p->layout.tensors[i].offset, err);
    ok = ok && rz_safetensors_commit(w, err);
    rz_safetensors_discard(w);
    return ok;
}

/* config.json comes last: without it a folder is no model. */
static bool write_hf(const char *folder, rz_encoding e, const rz_policy *p, const rz_tokenizer *t, rz_err *err)
{
    return rz_dir_create(folder, err) && put_safetensors(folder, e, p, err) && put_tokenizer(folder, p, t, err) && put_config(folder, e, p, t, err);
}

/* ---- GGUF ---- */

static void put_whole(rz_gguf_writer *w, const char *type, const char *end, int v)
{
    char key[128];
    snprintf(key, sizeof key, "%s.%s", type, end);
    rz_gguf_put_u32(w, key, (uint32_t)v);
}

static void put_real(rz_gguf_writer *w, const char *type, const char *end, double v)
{
    char key[128];
    snprintf(key, sizeof key, "%s.%s", type, end);
    rz_gguf_put_f32(w, key, (float)v);
}

static void put_keys(rz_gguf_writer *w, rz_encoding e, const rz_arch *a)
{
    /* A mistral without a window is a llama, and has no other name in GGUF. */
    const char *type = a->model_type == RZ_MISTRAL ? "llama" : rz_arch_family(a)->name;
    rz_gguf_put_text(w, "general.architecture", type, strlen(type));
    rz_gguf_put_text(w, "general.type", "model", 5);
    rz_gguf_put_u32(w, "general.file_type", (uint32_t)types[e].file_type);
    if (e == RZ_ENC_Q8_0)
        rz_gguf_put_u32(w, "general.quantization_version", 2);
    const struct { const char *end; int v; } whole[] = {
        {"vocab_size", a->vocab_size}, {"context_length", a->max_position_embeddings}, {"embedding_length", a->hidden_size},
        {"block_count", a->num_hidden_layers}, {"feed_forward_length", a->intermediate_size}, {"attention.head_count", a->num_attention_heads},
        {"attention.head_count_kv", a->num_key_value_heads}, {"attention.key_length", a->head_dim}, {"attention.value_length", a->head_dim},
        {"rope.dimension_count", a->head_dim},
    };
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        put_whole(w, type, whole[i].end, whole[i].v);
    put_real(w, type, "attention.layer_norm_rms_epsilon", a->rms_norm_eps);
    put_real(w, type, "rope.freq_base", a->rope_theta);
    if (a->rope_type == RZ_ROPE_LINEAR) {
        char key[128];
        snprintf(key, sizeof key, "%s.rope.scaling.type", type);
        rz_gguf_put_text(w, key, "linear", 6);
        put_real(w, type, "rope.scaling.factor", a->factor);
    }
    if (a->rope_type == RZ_ROPE_LLAMA3) { /* llama.cpp reads what came of it (rope_freqs.weight); this is the rule */
        put_real(w, "rulezero", "rope.factor", a->factor);
        put_real(w, "rulezero", "rope.low_freq_factor", a->low_freq_factor);
        put_real(w, "rulezero", "rope.high_freq_factor", a->high_freq_factor);
        put_whole(w, "rulezero", "rope.original_max_position_embeddings", a->original_max_position_embeddings);
    }
}

/* As llama.cpp's converter has it: vectors stay F32, and rows that are no whole blocks become F16. */
static rz_encoding encoding_of(rz_encoding e, const rz_tensor *t)
{
    if (!t->cols)
        return RZ_ENC_F32;
    return t->cols % rz_encoding_block(e) ? RZ_ENC_F16 : e;
}

static bool put_gguf_tensor(rz_gguf_writer *w, const rz_policy *p, const rz_tensor *t, rz_err *err)
{
    const float *from = p->w + t->offset;
    int heads = rz_gguf_permuted_heads(&p->arch, t->name);
    if (!heads)
        return rz_gguf_put(w, from, err);
    int64_t cols = t->cols ? t->cols : 1;
    size_t bytes = (size_t)(t->rows * cols) * sizeof *from;
    float *copy = rz_malloc(bytes);
    memcpy(copy, from, bytes);
    rz_gguf_permute(copy, t->rows, cols, heads, true);
    bool ok = rz_gguf_put(w, copy, err);
    free(copy);
    return ok;
}

static bool put_gguf(rz_gguf_writer *w, rz_encoding e, const rz_policy *p, const rz_tokenizer *t, rz_err *err)
{
    const rz_arch *a = &p->arch;
    int half = a->head_dim / 2;
    put_keys(w, e, a);
    if (!rz_tokenizer_put_gguf(t, w, a->vocab_size, err))
        return false;
    if (a->rope_type == RZ_ROPE_LLAMA3)
        rz_gguf_declare(w, "rope_freqs.weight", RZ_ENC_F32, 1, (int64_t[]){half});
    for (int i = 0; i < p->layout.n_tensors; i++) {
        const rz_tensor *x = &p->layout.tensors[i];
        char name[96];
        rz_gguf_tensor_name(x->name, name);
        rz_gguf_declare(w, name, encoding_of(e, x), x->cols ? 2 : 1, (int64_t[]){x->rows, x->cols});
    }
    bool ok = true;
    if (a->rope_type == RZ_ROPE_LLAMA3) {
        float *factor = rz_malloc((size_t)half * sizeof *factor);
        rz_gguf_rope_factors(factor, a);
        ok = rz_gguf_put(w, factor, err);
        free(factor);
    }
    for (int i = 0; ok && i < p->layout.n_tensors; i++)
        ok = put_gguf_tensor(w, p, &p->layout.tensors[i], err);
    return ok && rz_gguf_commit(w, err);
}

static bool write_gguf(const char *path, rz_encoding e, const rz_policy *p, const rz_tokenizer *t, rz_err *err)
{
    rz_gguf_writer *w;
    if (p->arch.model_type == RZ_QWEN3 && p->arch.attention_bias)
        return rz_fail(err, RZ_EDATA, "%s: attention_bias is true, and llama.cpp has no biases in a qwen3; convert to a Hugging Face folder instead", path);
    if (!rz_gguf_create(&w, path, err))
        return false;
    bool ok = put_gguf(w, e, p, t, err);
    rz_gguf_discard(w);
    return ok;
}

/* ---- any form ---- */

/* Before anything is written: a weight that becomes infinite would spoil the model without a word. */
static bool check_range(const char *path, rz_model_form form, rz_encoding e, const rz_policy *p, rz_err *err)
{
    for (int i = 0; i < p->layout.n_tensors; i++) {
        const rz_tensor *t = &p->layout.tensors[i];
        rz_encoding as = form == RZ_MODEL_GGUF ? encoding_of(e, t) : e;
        int64_t n = t->rows * (t->cols ? t->cols : 1);
        for (int64_t j = 0; j < n; j++) {
            double x = p->w[t->offset + j];
            if (!(fabs(x) < types[as].overflow))
                return rz_fail(err, RZ_EDATA, "%s: element %lld of \"%s\" is %g, which %s cannot hold; use bf16 or f32", path, (long long)j, t->name, x,
                               rz_encoding_name(as));
        }
    }
    return true;
}

bool rz_model_has_encoding(rz_model_form form, rz_encoding e)
{
    return types[e].form[form];
}

bool rz_model_export(const char *path, rz_model_form form, rz_encoding e, const rz_policy *p, const rz_tokenizer *t, rz_err *err)
{
    if (!check_range(path, form, e, p, err))
        return false;
    switch (form) {
    case RZ_MODEL_HF: return write_hf(path, e, p, t, err);
    case RZ_MODEL_GGUF: return write_gguf(path, e, p, t, err);
    default: return rz_model_write(path, p, t, err);
    }
}
