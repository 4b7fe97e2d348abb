/* GGUF, as llama.cpp has it: architecture and tokenizer in keys, tensors under its own names, quantised or not. */
#include "trainer/model_gguf.h"

#include "data/tokenizer_gguf.h"
#include "policy/rope.h"
#include "trainer/model_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What GGUF calls the tensors of a layer (blk.N.) and the others. */
const rz_gguf_name_row rz_gguf_layer_names[] = {
    {"input_layernorm.weight", "attn_norm.weight"},
    {"self_attn.q_proj.weight", "attn_q.weight"},
    {"self_attn.k_proj.weight", "attn_k.weight"},
    {"self_attn.v_proj.weight", "attn_v.weight"},
    {"self_attn.q_proj.bias", "attn_q.bias"},
    {"self_attn.k_proj.bias", "attn_k.bias"},
    {"self_attn.v_proj.bias", "attn_v.bias"},
    {"self_attn.q_norm.weight", "attn_q_norm.weight"},
    {"self_attn.k_norm.weight", "attn_k_norm.weight"},
    {"self_attn.o_proj.weight", "attn_output.weight"},
    {"self_attn.o_proj.bias", "attn_output.bias"},
    {"post_attention_layernorm.weight", "ffn_norm.weight"},
    {"mlp.gate_proj.weight", "ffn_gate.weight"},
    {"mlp.gate_proj.bias", "ffn_gate.bias"},
    {"mlp.up_proj.weight", "ffn_up.weight"},
    {"mlp.up_proj.bias", "ffn_up.bias"},
    {"mlp.down_proj.weight", "ffn_down.weight"},
    {"mlp.down_proj.bias", "ffn_down.bias"},
};
const int rz_gguf_n_layer_names = sizeof rz_gguf_layer_names / sizeof rz_gguf_layer_names[0];
static const rz_gguf_name_row other_names[] = {
    {"model.embed_tokens.weight", "token_embd.weight"},
    {"model.norm.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight"},
};

void rz_gguf_tensor_name(const char *name, char out[96])
{
    int layer, skip = 0;
    out[0] = 0;
    for (size_t i = 0; i < sizeof other_names / sizeof other_names[0]; i++)
        if (!strcmp(name, other_names[i].hf))
            snprintf(out, 96, "%s", other_names[i].gguf);
    if (sscanf(name, "model.layers.%d.%n", &layer, &skip) == 1 && skip)
        for (int i = 0; i < rz_gguf_n_layer_names; i++)
            if (!strcmp(name + skip, rz_gguf_layer_names[i].hf))
                snprintf(out, 96, "blk.%d.%s", layer, rz_gguf_layer_names[i].gguf);
}

int rz_gguf_permuted_heads(const rz_arch *a, const char *name)
{
    if (a->model_type != RZ_LLAMA && a->model_type != RZ_MISTRAL)
        return 0;
    return strstr(name, ".q_proj.") ? a->num_attention_heads : strstr(name, ".k_proj.") ? a->num_key_value_heads : 0;
}

void rz_gguf_permute(float *w, int64_t rows, int64_t cols, int heads, bool to_gguf)
{
    int64_t E = rows / heads, half = E / 2;
    float *head = rz_malloc((size_t)(E * cols) * sizeof *head);
    for (int h = 0; h < heads; h++, w += E * cols) {
        memcpy(head, w, (size_t)(E * cols) * sizeof *head);
        for (int64_t i = 0; i < half; i++)
            for (int64_t j = 0; j < 2; j++) {
                int64_t ours = j * half + i, theirs = 2 * i + j;
                memcpy(w + (to_gguf ? theirs : ours) * cols, head + (to_gguf ? ours : theirs) * cols, (size_t)cols * sizeof *w);
            }
    }
    free(head);
}

void rz_gguf_rope_factors(float *factor, const rz_arch *a)
{
    rz_arch plain = *a;
    plain.rope_type = RZ_ROPE_DEFAULT;
    int n = a->head_dim / 2;
    float *scaled = rz_malloc((size_t)n * sizeof *scaled);
    rz_rope_frequencies(factor, &plain);
    rz_rope_frequencies(scaled, a);
    for (int i = 0; i < n; i++)
        factor[i] = scaled[i] == factor[i] ? 1 : factor[i] / scaled[i];
    free(scaled);
}

/* ---- architecture ---- */

/* A file in hand; keys of the architecture are asked for by their end. */
typedef struct {
    const rz_gguf *g;
    const char *path, *type; /* general.architecture, which keys begin with */
    rz_err *err;
} source;

static const char *key_of(const source *s, const char *end, char buf[128])
{
    snprintf(buf, 128, "%s.%s", s->type, end);
    return buf;
}

static bool get_whole(const source *s, const char *end, bool required, int *v)
{
    char key[128];
    int64_t x = *v;
    if (!rz_gguf_has(s->g, key_of(s, end, key)))
        return !required || rz_fail(s->err, RZ_EDATA, "%s: key %s is missing", s->path, key);
    if (!rz_gguf_i64(s->g, key, &x) || x < 0 || x > 1 << 30)
        return rz_fail(s->err, RZ_EDATA, "%s: key %s must be one whole number from 0 to 2^30", s->path, key);
    *v = (int)x;
    return true;
}

/* The float that is stored, as the decimal it was before: 1e-05, not 9.99999974737875e-06. */
static double decimal(double x)
{
    char text[40];
    if (x != (double)(float)x)
        return x;
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if ((float)strtod(text, NULL) == (float)x)
            return strtod(text, NULL);
    }
    return x;
}

static bool get_real(const source *s, const char *end, bool required, double *v)
{
    char key[128];
    if (!rz_gguf_has(s->g, key_of(s, end, key)))
        return !required || rz_fail(s->err, RZ_EDATA, "%s: key %s is missing", s->path, key);
    if (!rz_gguf_f64(s->g, key, v) || !isfinite(*v))
        return rz_fail(s->err, RZ_EDATA, "%s: key %s must be a finite number", s->path, key);
    *v = decimal(*v);
    return true;
}

/* Keys that would change what the model computes, and the value that does not. */
static const struct { const char *end; double harmless; } unsupported[] = {
    {"expert_count", 0}, {"expert_used_count", 0}, {"logit_scale", 1}, {"embedding_scale", 1}, {"residual_scale", 1}, {"attention.clamp_kqv", 0},
    {"attn_logit_softcapping", 0}, {"final_logit_softcapping", 0}, {"attention.max_alibi_bias", 0}, {"rope.scaling.attn_factor", 1},
};

static bool check_unsupported(const source *s, int positions)
{
    bool causal = true, parallel = false;
    int window = 0;
    char key[128];
    for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++) {
        double v = unsupported[i].harmless;
        if (!get_real(s, unsupported[i].end, false, &v))
            return false;
        if (v != unsupported[i].harmless)
            return rz_fail(s->err, RZ_EDATA, "%s: key %s is %g, which would change the numbers and is not supported", s->path,
                           key_of(s, unsupported[i].end, key), v);
    }
    if (rz_gguf_bool(s->g, key_of(s, "attention.causal", key), &causal) && !causal)
        return rz_fail(s->err, RZ_EDATA, "%s: key %s is false; only causal attention is supported", s->path, key);
    if (rz_gguf_has(s->g, key_of(s, "use_parallel_residual", key)) && (!rz_gguf_bool(s->g, key, &parallel) || parallel))
        return rz_fail(s->err, RZ_EDATA, "%s: key %s must be false; parallel residuals are not supported", s->path, key);
    if (!get_whole(s, "attention.sliding_window", false, &window))
        return false;
    if (window && window < positions)
        return rz_fail(s->err, RZ_EDATA, "%s: key %s is %d, less than the %d positions of its context, and windows are not supported", s->path,
                       key_of(s, "attention.sliding_window", key), window, positions);
    return true;
}

/* Llama 3's scaling is in a GGUF file only as what came of it, a factor for each frequency. The rule behind it is Llama 3's own unless our keys say
 * otherwise, and must give those factors. */
static bool read_llama3(const source *s, const rz_tensor_view *v, rz_arch *a)
{
    source ours = {s->g, s->path, "rulezero", s->err};
    int n = a->head_dim / 2;
    if (!v->known || v->encoding != RZ_ENC_F32 || v->n_dims != 1 || v->n != n)
        return rz_fail(s->err, RZ_EDATA, "%s: tensor \"%s\" must be %d numbers of type F32, one a rotary frequency", s->path, v->name, n);
    float *factor = rz_malloc(2 * (size_t)n * sizeof *factor), *due = factor + n;
    rz_decode_floats(RZ_ENC_F32, factor, v->data, n);
    a->rope_type = RZ_ROPE_LLAMA3;
    a->factor = 1;
    for (int i = 0; i < n; i++)
        a->factor = factor[i] > a->factor ? decimal(factor[i]) : a->factor;
    a->low_freq_factor = 1;
    a->high_freq_factor = 4;
    a->original_max_position_embeddings = 8192;
    bool ok = get_real(&ours, "rope.factor", false, &a->factor) && get_real(&ours, "rope.low_freq_factor", false, &a->low_freq_factor) &&
              get_real(&ours, "rope.high_freq_factor", false, &a->high_freq_factor) &&
              get_whole(&ours, "rope.original_max_position_embeddings", false, &a->original_max_position_embeddings) && rz_arch_check(a, s->err);
    if (ok)
        rz_gguf_rope_factors(due, a);
    for (int i = 0; ok && i < n; i++)
        if (!(fabsf(factor[i] - due[i]) <= 1e-3f * due[i]))
            ok = rz_fail(s->err, RZ_EDATA, "%s: tensor \"%s\": factor %d is %g, but Llama 3's rule (factor %g, low_freq_factor %g, high_freq_factor %g, %d original "
                         "positions) gives %g; other rules are not supported", s->path, v->name, i, (double)factor[i], a->factor, a->low_freq_factor,
                         a->high_freq_factor, a->original_max_position_embeddings, (double)due[i]);
    free(factor);
    return ok;
}

static bool read_rope(const source *s, rz_arch *a)
{
    char key[128];
    const char *type;
    size_t len;
    int rotated = a->head_dim;
    if (!get_real(s, "rope.freq_base", false, &a->rope_theta) || !get_whole(s, "rope.dimension_count", false, &rotated))
        return false;
    if (rotated != a->head_dim)
        return rz_fail(s->err, RZ_EDATA, "%s: key %s is %d, not the whole head (%d), which is not supported", s->path, key_of(s, "rope.dimension_count", key), rotated,
                       a->head_dim);
    if (!get_real(s, "rope.scale_linear", false, &a->factor) || !get_real(s, "rope.scaling.factor", false, &a->factor))
        return false;
    bool linear = a->factor != 0 && a->factor != 1;
    if (rz_gguf_text(s->g, key_of(s, "rope.scaling.type", key), &type, &len)) {
        bool none = len == 4 && !memcmp(type, "none", 4);
        if (!none && !(len == 6 && !memcmp(type, "linear", 6)))
            return rz_fail(s->err, RZ_EDATA, "%s: key %s is %.*s; supported are none and linear", s->path, key, len < 40 ? (int)len : 40, type);
        linear = linear && !none;
    }
    a->rope_type = linear ? RZ_ROPE_LINEAR : RZ_ROPE_DEFAULT;
    a->factor = linear ? a->factor : 0;
    const rz_tensor_view *factors = rz_gguf_find(s->g, "rope_freqs.weight");
    if (factors && linear)
        return rz_fail(s->err, RZ_EDATA, "%s: has both linear RoPE scaling and rope_freqs.weight; only one of them is supported", s->path);
    return !factors || read_llama3(s, factors, a);
}

static bool read_sizes(const source *s, rz_arch *a)
{
    char key[128];
    int value_length;
    bool ok = get_whole(s, "embedding_length", true, &a->hidden_size) && get_whole(s, "block_count", true, &a->num_hidden_layers) &&
              get_whole(s, "feed_forward_length", true, &a->intermediate_size) && get_whole(s, "attention.head_count", true, &a->num_attention_heads) &&
              get_whole(s, "context_length", true, &a->max_position_embeddings) &&
              get_real(s, "attention.layer_norm_rms_epsilon", true, &a->rms_norm_eps);
    a->num_key_value_heads = a->num_attention_heads;
    a->head_dim = a->num_attention_heads > 0 ? a->hidden_size / a->num_attention_heads : 0;
    ok = ok && get_whole(s, "attention.head_count_kv", false, &a->num_key_value_heads) && get_whole(s, "attention.key_length", false, &a->head_dim);
    value_length = a->head_dim;
    if (!ok || !get_whole(s, "attention.value_length", false, &value_length))
        return false;
    if (value_length != a->head_dim)
        return rz_fail(s->err, RZ_EDATA, "%s: key %s is %d, but keys of attention have %d; both must be equal", s->path,
                       key_of(s, "attention.value_length", key), value_length, a->head_dim);
    const rz_tensor_view *embedding = rz_gguf_find(s->g, "token_embd.weight");
    if (!embedding || embedding->n_dims != 2 || embedding->dims[0] > 1 << 30)
        return rz_fail(s->err, RZ_EDATA, "%s: tensor \"token_embd.weight\" is missing or no matrix", s->path);
    a->vocab_size = (int)embedding->dims[0];
    a->tie_word_embeddings = !rz_gguf_find(s->g, "output.weight");
    return true;
}

static bool read_arch(const char *path, const rz_gguf *g, rz_arch *a, rz_err *err)
{
    static const struct { const char *name; rz_model_type type; } types[] = {{"llama", RZ_LLAMA}, {"qwen2", RZ_QWEN2}, {"qwen3", RZ_QWEN3}};
    source s = {g, path, NULL, err};
    const char *type = "";
    size_t len = 0;
    if (!rz_gguf_text(g, "general.architecture", &type, &len))
        return rz_fail(err, RZ_EDATA, "%s: key general.architecture is missing", path);
    *a = (rz_arch){.rope_theta = 1e4};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strlen(types[i].name) == len && !memcmp(types[i].name, type, len)) {
            s.type = types[i].name;
            a->model_type = types[i].type;
        }
    if (!s.type)
        return rz_fail(err, RZ_EDATA, "%s: key general.architecture is %.*s; supported are llama, qwen2 and qwen3", path, len < 60 ? (int)len : 60, type);
    if (!read_sizes(&s, a))
        return false;
    const rz_family *family = rz_arch_family(a);
    a->attention_bias = family->may_attention_bias && rz_gguf_find(g, "blk.0.attn_output.bias");
    a->mlp_bias = family->may_mlp_bias && rz_gguf_find(g, "blk.0.ffn_down.bias");
    if (!read_rope(&s, a) || !check_unsupported(&s, a->max_position_embeddings))
        return false;
    if (rz_arch_check(a, err))
        return true;
    err->code = RZ_EDATA;
    return rz_err_note(err, "%s", path);
}

/* ---- weights ---- */

typedef struct { char text[96]; } due_name;

static int by_name(const void *a, const void *b) { return strcmp(((const due_name *)a)->text, ((const due_name *)b)->text); }

/* What is in the file must be known, or it would be lost without a word. */
static bool check_rest(const char *path, const rz_gguf *g, const rz_policy *p, rz_err *err)
{
    const rz_layout *l = &p->layout;
    due_name *due = rz_malloc((size_t)l->n_tensors * sizeof *due), key;
    const char *unknown = NULL;
    for (int i = 0; i < l->n_tensors; i++)
        rz_gguf_tensor_name(l->tensors[i].name, due[i].text);
    qsort(due, (size_t)l->n_tensors, sizeof *due, by_name);
    for (int i = 0; !unknown && i < rz_gguf_count(g); i++) {
        const char *name = rz_gguf_at(g, i)->name;
        bool fits = (size_t)snprintf(key.text, sizeof key.text, "%s", name) < sizeof key.text;
        if (strcmp(name, "rope_freqs.weight") && !(fits && bsearch(&key, due, (size_t)l->n_tensors, sizeof *due, by_name)))
            unknown = name;
    }
    free(due);
    return !unknown || rz_fail(err, RZ_EDATA, "%s: tensor \"%s\" has no place in a %s, so the model would not be what it was", path, unknown,
                               rz_arch_family(&p->arch)->name);
}

static const rz_tensor_view *find(const void *ctx, const char *name, char there[RZ_MODEL_NAME])
{
    rz_gguf_tensor_name(name, there);
    return rz_gguf_find(ctx, there);
}

static bool read_weights(const char *path, const rz_gguf *g, rz_model *r, rz_err *err)
{
    if (!rz_model_take(path, r, find, g, err))
        return false;
    rz_policy *p = r->policy;
    for (int i = 0; i < p->layout.n_tensors; i++) {
        const rz_tensor *t = &p->layout.tensors[i];
        int heads = rz_gguf_permuted_heads(&p->arch, t->name);
        if (heads)
            rz_gguf_permute(p->w + t->offset, t->rows, t->cols ? t->cols : 1, heads, false);
    }
    return check_rest(path, g, p, err);
}

bool rz_model_read_gguf(const char *path, rz_model *r, rz_err *err)
{
    rz_gguf *g;
    if (!rz_gguf_open(&g, path, err))
        return false;
    bool ok = read_arch(path, g, &r->arch, err) &&
              (r->no_tokenizer || (rz_tokenizer_from_gguf(&r->tokenizer, g, err) && rz_model_check_tokenizer(path, r, err))) &&
              read_weights(path, g, r, err);
    rz_gguf_close(g);
    return ok;
}
