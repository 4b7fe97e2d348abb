#include "policy/arch.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One row a field: parser, dump, check and comparison all walk this table. */
enum kind { WHOLE, REAL, FLAG };
typedef struct {
    const char *name;
    enum kind kind;
    size_t offset;
    double min, max;
} field;

static const field fields[] = {
    {"vocab_size", WHOLE, offsetof(rz_arch, vocab_size), 2, 10000000},
    {"hidden_size", WHOLE, offsetof(rz_arch, hidden_size), 1, 65536},
    {"intermediate_size", WHOLE, offsetof(rz_arch, intermediate_size), 1, 1048576},
    {"num_hidden_layers", WHOLE, offsetof(rz_arch, num_hidden_layers), 1, 1024},
    {"num_attention_heads", WHOLE, offsetof(rz_arch, num_attention_heads), 1, 1024},
    {"num_key_value_heads", WHOLE, offsetof(rz_arch, num_key_value_heads), 1, 1024},
    {"head_dim", WHOLE, offsetof(rz_arch, head_dim), 2, 1024},
    {"max_position_embeddings", WHOLE, offsetof(rz_arch, max_position_embeddings), 2, 1 << 22},
    {"rms_norm_eps", REAL, offsetof(rz_arch, rms_norm_eps), 1e-12, 0.1},
    {"rope_theta", REAL, offsetof(rz_arch, rope_theta), 1.0, 1e9},
    {"tie_word_embeddings", FLAG, offsetof(rz_arch, tie_word_embeddings), 0, 1},
};
enum { N_FIELDS = sizeof fields / sizeof fields[0] };

static double value_of(const rz_arch *a, const field *f)
{
    const char *p = (const char *)a + f->offset;
    if (f->kind == WHOLE)
        return *(const int *)p;
    return f->kind == REAL ? *(const double *)p : *(const bool *)p;
}

bool rz_arch_check(const rz_arch *a, rz_err *err)
{
    for (int i = 0; i < N_FIELDS; i++) {
        double v = value_of(a, &fields[i]);
        if (!(v >= fields[i].min && v <= fields[i].max))
            return rz_fail(err, RZ_ECONFIG, "%s is %.15g, must be %.15g..%.15g", fields[i].name, v, fields[i].min, fields[i].max);
    }
    if (a->num_attention_heads % a->num_key_value_heads)
        return rz_fail(err, RZ_ECONFIG, "num_attention_heads is %d, must be a multiple of num_key_value_heads (%d)", a->num_attention_heads,
                       a->num_key_value_heads);
    if (a->head_dim % 2)
        return rz_fail(err, RZ_ECONFIG, "head_dim is %d, must be even: RoPE rotates pairs", a->head_dim);
    return true;
}

char *rz_arch_dump(const rz_arch *a)
{
    json_t *o = json_object();
    json_object_set_new(o, "architectures", json_pack("[s]", "LlamaForCausalLM"));
    json_object_set_new(o, "model_type", json_string("llama"));
    json_object_set_new(o, "hidden_act", json_string("silu"));
    for (int i = 0; i < N_FIELDS; i++) {
        double v = value_of(a, &fields[i]);
        json_object_set_new(o, fields[i].name, fields[i].kind == FLAG ? json_boolean(v != 0) : fields[i].kind == REAL ? json_real(v)
                                                                                                                   : json_integer((json_int_t)v));
    }
    char *text = json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(o);
    if (!text)
        rz_out_of_memory(4096);
    return text;
}

static bool read_field(rz_arch *a, const char *name, const json_t *o, const field *f, rz_err *err)
{
    char *p = (char *)a + f->offset;
    const json_t *v = json_object_get(o, f->name);
    if (!v)
        return rz_fail(err, RZ_EDATA, "%s: %s is missing", name, f->name);
    if (f->kind == FLAG ? !json_is_boolean(v) : f->kind == WHOLE ? !json_is_integer(v) : !json_is_number(v))
        return rz_fail(err, RZ_EDATA, "%s: %s has the wrong type", name, f->name);
    if (f->kind == FLAG)
        *(bool *)p = json_is_true(v);
    else if (f->kind == REAL)
        *(double *)p = json_number_value(v);
    else if (json_integer_value(v) < 0 || json_integer_value(v) > 1 << 30)
        return rz_fail(err, RZ_EDATA, "%s: %s is %lld, out of range", name, f->name, (long long)json_integer_value(v));
    else
        *(int *)p = (int)json_integer_value(v);
    return true;
}

bool rz_arch_parse(rz_arch *a, const char *name, const char *json, rz_err *err)
{
    json_error_t e;
    json_t *o = json_loads(json, JSON_REJECT_DUPLICATES, &e);
    if (!o || !json_is_object(o)) {
        json_decref(o);
        return rz_fail(err, RZ_EDATA, "%s: not a JSON object: line %d: %s", name, e.line, e.text);
    }
    bool ok = true;
    const char *type = json_string_value(json_object_get(o, "model_type"));
    if (!type || strcmp(type, "llama"))
        ok = rz_fail(err, RZ_EDATA, "%s: model_type is %s; only llama is supported so far", name, type ? type : "missing");
    for (int i = 0; ok && i < N_FIELDS; i++)
        ok = read_field(a, name, o, &fields[i], err);
    json_decref(o);
    if (ok && !rz_arch_check(a, err)) {
        err->code = RZ_EDATA;
        ok = rz_err_note(err, "%s", name);
    }
    return ok;
}

bool rz_arch_differ(const rz_arch *have, const rz_arch *want, char *buf, size_t size)
{
    for (int i = 0; i < N_FIELDS; i++) {
        double h = value_of(have, &fields[i]), w = value_of(want, &fields[i]);
        if (h != w) {
            snprintf(buf, size, "%s is %.15g, expected %.15g", fields[i].name, h, w);
            return true;
        }
    }
    return false;
}

static int64_t put(rz_layout *l, int64_t rows, int64_t cols, const char *name)
{
    rz_tensor *t = &l->tensors[l->n_tensors++];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->offset = l->n_params;
    t->rows = rows;
    t->cols = cols;
    t->decay = cols > 0;
    l->n_params += rows * (cols ? cols : 1);
    return t->offset;
}

static int64_t put_layer(rz_layout *l, int64_t rows, int64_t cols, int layer, const char *part)
{
    char name[96];
    snprintf(name, sizeof name, "model.layers.%d.%s.weight", layer, part);
    return put(l, rows, cols, name);
}

void rz_layout_init(rz_layout *l, const rz_arch *a)
{
    int64_t D = a->hidden_size, F = a->intermediate_size, q = (int64_t)a->num_attention_heads * a->head_dim,
            kv = (int64_t)a->num_key_value_heads * a->head_dim;
    memset(l, 0, sizeof *l);
    l->tensors = rz_calloc((size_t)a->num_hidden_layers * 9 + 3, sizeof *l->tensors);
    l->layers = rz_calloc((size_t)a->num_hidden_layers, sizeof *l->layers);
    l->embed = put(l, a->vocab_size, D, "model.embed_tokens.weight");
    for (int i = 0; i < a->num_hidden_layers; i++) {
        rz_layer_offsets *o = &l->layers[i];
        o->norm1 = put_layer(l, D, 0, i, "input_layernorm");
        o->qkv = put_layer(l, q, D, i, "self_attn.q_proj");
        put_layer(l, kv, D, i, "self_attn.k_proj");
        put_layer(l, kv, D, i, "self_attn.v_proj");
        o->o = put_layer(l, D, q, i, "self_attn.o_proj");
        o->norm2 = put_layer(l, D, 0, i, "post_attention_layernorm");
        o->gate_up = put_layer(l, F, D, i, "mlp.gate_proj");
        put_layer(l, F, D, i, "mlp.up_proj");
        o->down = put_layer(l, D, F, i, "mlp.down_proj");
    }
    l->norm = put(l, D, 0, "model.norm.weight");
    l->head = a->tie_word_embeddings ? l->embed : put(l, a->vocab_size, D, "lm_head.weight");
}

void rz_layout_finish(rz_layout *l)
{
    free(l->tensors);
    free(l->layers);
    memset(l, 0, sizeof *l);
}
