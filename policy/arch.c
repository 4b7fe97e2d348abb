#include "policy/arch_fields.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const rz_family rz_families[RZ_N_MODEL_TYPES] = {
    [RZ_LLAMA] = {"llama", "LlamaForCausalLM", .may_attention_bias = true, .may_mlp_bias = true, .max_position_embeddings = 2048},
    [RZ_MISTRAL] = {"mistral", "MistralForCausalLM", .num_key_value_heads = 8, .max_position_embeddings = 131072, .sliding_window = 4096},
    [RZ_QWEN2] = {"qwen2", "Qwen2ForCausalLM", .qkv_bias = true, .num_key_value_heads = 32, .max_position_embeddings = 32768},
    [RZ_QWEN3] = {"qwen3", "Qwen3ForCausalLM", .may_attention_bias = true, .qk_norm = true, .head_dim = 128, .num_key_value_heads = 32,
                  .max_position_embeddings = 32768},
};

const char *const rz_rope_types[RZ_N_ROPE_TYPES] = {"default", "linear", "llama3"};

#define AT(field) offsetof(rz_arch, field)
const rz_arch_field rz_arch_fields[] = {
    {"model_type", RZ_NAME, RZ_APART, AT(model_type), 0, RZ_N_MODEL_TYPES - 1, 0},
    {"vocab_size", RZ_WHOLE, RZ_TOP, AT(vocab_size), 2, 10000000, 0},
    {"hidden_size", RZ_WHOLE, RZ_TOP, AT(hidden_size), 1, 65536, 0},
    {"intermediate_size", RZ_WHOLE, RZ_TOP, AT(intermediate_size), 1, 1048576, 0},
    {"num_hidden_layers", RZ_WHOLE, RZ_TOP, AT(num_hidden_layers), 1, 1024, 0},
    {"num_attention_heads", RZ_WHOLE, RZ_TOP, AT(num_attention_heads), 1, 1024, 0},
    {"num_key_value_heads", RZ_WHOLE, RZ_TOP, AT(num_key_value_heads), 1, 1024, 0},
    {"head_dim", RZ_WHOLE, RZ_TOP, AT(head_dim), 2, 1024, 0},
    {"max_position_embeddings", RZ_WHOLE, RZ_TOP, AT(max_position_embeddings), 2, 1 << 22, 0},
    {"rms_norm_eps", RZ_REAL, RZ_TOP, AT(rms_norm_eps), 1e-12, 0.1, 0},
    {"rope_theta", RZ_REAL, RZ_TOP, AT(rope_theta), 1.0, 1e12, 0},
    {"tie_word_embeddings", RZ_FLAG, RZ_TOP, AT(tie_word_embeddings), 0, 1, 0},
    {"attention_bias", RZ_FLAG, RZ_OPTION, AT(attention_bias), 0, 1, 0},
    {"mlp_bias", RZ_FLAG, RZ_OPTION, AT(mlp_bias), 0, 1, 0},
    {"rope_type", RZ_NAME, RZ_APART, AT(rope_type), 0, RZ_N_ROPE_TYPES - 1, 0},
    {"factor", RZ_REAL, RZ_ROPE, AT(factor), 1, 1e6, RZ_ROPE_LINEAR},
    {"low_freq_factor", RZ_REAL, RZ_ROPE, AT(low_freq_factor), 1e-6, 1e6, RZ_ROPE_LLAMA3},
    {"high_freq_factor", RZ_REAL, RZ_ROPE, AT(high_freq_factor), 1e-6, 1e6, RZ_ROPE_LLAMA3},
    {"original_max_position_embeddings", RZ_WHOLE, RZ_ROPE, AT(original_max_position_embeddings), 1, 1 << 22, RZ_ROPE_LLAMA3},
};
const int rz_arch_n_fields = sizeof rz_arch_fields / sizeof rz_arch_fields[0];

const rz_family *rz_arch_family(const rz_arch *a)
{
    return &rz_families[a->model_type];
}

static double value_of(const rz_arch *a, const rz_arch_field *f)
{
    const char *p = (const char *)a + f->offset;
    if (f->kind == RZ_WHOLE || f->kind == RZ_NAME)
        return *(const int *)p;
    return f->kind == RZ_REAL ? *(const double *)p : *(const bool *)p;
}

bool rz_arch_check(const rz_arch *a, rz_err *err)
{
    for (int i = 0; i < rz_arch_n_fields; i++) {
        const rz_arch_field *f = &rz_arch_fields[i];
        double v = value_of(a, f);
        if (rz_arch_has(a, f) && !(v >= f->min && v <= f->max))
            return rz_fail(err, RZ_ECONFIG, "%s is %.15g, must be %.15g..%.15g", f->name, v, f->min, f->max);
    }
    if (a->num_attention_heads % a->num_key_value_heads)
        return rz_fail(err, RZ_ECONFIG, "num_attention_heads is %d, must be a multiple of num_key_value_heads (%d)", a->num_attention_heads,
                       a->num_key_value_heads);
    if (a->head_dim % 2)
        return rz_fail(err, RZ_ECONFIG, "head_dim is %d, must be even: RoPE rotates pairs", a->head_dim);
    if (a->rope_type == RZ_ROPE_LLAMA3 && !(a->low_freq_factor < a->high_freq_factor))
        return rz_fail(err, RZ_ECONFIG, "low_freq_factor is %.15g, must be less than high_freq_factor (%.15g)", a->low_freq_factor, a->high_freq_factor);
    const rz_family *family = rz_arch_family(a);
    if ((a->attention_bias && !family->may_attention_bias) || (a->mlp_bias && !family->may_mlp_bias))
        return rz_fail(err, RZ_ECONFIG, "%s is true, must be false: a %s has no such biases", a->mlp_bias ? "mlp_bias" : "attention_bias", family->name);
    return true;
}

static json_t *json_value(const rz_arch *a, const rz_arch_field *f)
{
    double v = value_of(a, f);
    return f->kind == RZ_FLAG ? json_boolean(v != 0) : f->kind == RZ_REAL ? json_real(v) : json_integer((json_int_t)v);
}

char *rz_arch_dump(const rz_arch *a)
{
    const rz_family *family = rz_arch_family(a);
    json_t *o = json_object(), *rope = json_object();
    json_object_set_new(o, "architectures", json_pack("[s]", family->architecture));
    json_object_set_new(o, "model_type", json_string(family->name));
    json_object_set_new(o, "hidden_act", json_string("silu"));
    json_object_set_new(rope, "rope_type", json_string(rz_rope_types[a->rope_type]));
    for (int i = 0; i < rz_arch_n_fields; i++) {
        const rz_arch_field *f = &rz_arch_fields[i];
        if (f->place == RZ_TOP || (f->place == RZ_OPTION && value_of(a, f) != 0))
            json_object_set_new(o, f->name, json_value(a, f));
        else if (f->place == RZ_ROPE && rz_arch_has(a, f))
            json_object_set_new(rope, f->name, json_value(a, f));
    }
    if (a->rope_type != RZ_ROPE_DEFAULT)
        json_object_set(o, "rope_scaling", rope);
    if (family->sliding_window) /* silence would mean one */
        json_object_set_new(o, "sliding_window", json_null());
    char *text = json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(o);
    json_decref(rope);
    if (!text)
        rz_out_of_memory(4096);
    return text;
}

static const char *show(const rz_arch_field *f, double v, char buf[32])
{
    if (f->kind == RZ_NAME)
        return f->offset == AT(rope_type) ? rz_rope_types[(int)v] : rz_families[(int)v].name;
    snprintf(buf, 32, "%.15g", v);
    return buf;
}

bool rz_arch_differ(const rz_arch *have, const rz_arch *want, char *buf, size_t size)
{
    for (int i = 0; i < rz_arch_n_fields; i++) {
        const rz_arch_field *f = &rz_arch_fields[i];
        double h = value_of(have, f), w = value_of(want, f);
        char a[32], b[32];
        if (h != w) {
            snprintf(buf, size, "%s is %s, expected %s", f->name, show(f, h, a), show(f, w, b));
            return true;
        }
    }
    return false;
}
