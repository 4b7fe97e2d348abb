#include "policy/arch_fields.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* config.json in hand. */
typedef struct {
    const char *name;
    const json_t *o;
    rz_err *err;
} config;

/* The value of a field, or NULL where it is missing or null: transformers takes both for silence. */
static const json_t *get(const json_t *o, const char *field)
{
    const json_t *v = json_object_get(o, field);
    return json_is_null(v) ? NULL : v;
}

static bool wrong_type(const config *c, const char *field)
{
    return rz_fail(c->err, RZ_EDATA, "%s: %s has the wrong type", c->name, field);
}

/* Fields that change what a model computes, and the values (as JSON) that leave it as we compute it. Missing and null always do. */
static const struct { const char *name, *harmless; } unsupported[] = {
    {"hidden_act", " \"silu\" \"swish\" "},
    {"hidden_activation", " \"silu\" \"swish\" "},
    {"partial_rotary_factor", " 1 1.0 "},
    {"rope_interleave", " false "},
    {"rope_interleaved", " false "},
    {"no_rope_layers", " [] "},
    {"is_causal", " true "},
    {"use_bidirectional_attention", " false "},
    {"add_cross_attention", " false "},
    {"attn_logit_softcapping", ""},
    {"final_logit_softcapping", ""},
    {"query_pre_attn_scalar", ""},
    {"attention_multiplier", ""},
    {"embedding_multiplier", " 1 1.0 "},
    {"residual_multiplier", " 1 1.0 "},
    {"logits_scaling", " 1 1.0 "},
    {"logit_scale", " 1 1.0 "},
    {"clip_qkv", ""},
    {"use_qk_norm", " false "},
    {"num_experts", " 0 "},
    {"num_local_experts", " 0 "},
    {"n_routed_experts", " 0 "},
    {"quantization_config", " {} "},
    {"compression_config", " {} "},
};

static bool check_unsupported(const config *c, const json_t *o, const char *prefix)
{
    for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++) {
        const json_t *v = get(o, unsupported[i].name);
        if (!v)
            continue;
        char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT), quoted[32];
        bool ok = text && strlen(text) + 3 <= sizeof quoted && snprintf(quoted, sizeof quoted, " %s ", text) > 0 &&
                  strstr(unsupported[i].harmless, quoted);
        if (!ok)
            rz_fail(c->err, RZ_EDATA, "%s: %s%s is %.60s, which would change the numbers and is not supported%s%s", c->name, prefix, unsupported[i].name,
                    text ? text : "strange", unsupported[i].harmless[0] ? "; it may be" : "; it must be absent", unsupported[i].harmless);
        free(text);
        if (!ok)
            return false;
    }
    return true;
}

static bool read_value(const config *c, rz_arch *a, const rz_arch_field *f, const json_t *v)
{
    char *p = (char *)a + f->offset;
    if (f->kind == RZ_FLAG ? !json_is_boolean(v) : f->kind == RZ_WHOLE ? !json_is_integer(v) : !json_is_number(v))
        return wrong_type(c, f->name);
    if (f->kind == RZ_FLAG)
        *(bool *)p = json_is_true(v);
    else if (f->kind == RZ_REAL)
        *(double *)p = json_number_value(v);
    else if (json_integer_value(v) < 0 || json_integer_value(v) > 1 << 30)
        return rz_fail(c->err, RZ_EDATA, "%s: %s is %lld, out of range", c->name, f->name, (long long)json_integer_value(v));
    else
        *(int *)p = (int)json_integer_value(v);
    return true;
}

/* What transformers takes where the config says nothing. Sizes that nobody would want by default are demanded. */
static void set_defaults(rz_arch *a)
{
    const rz_family *family = rz_arch_family(a);
    a->num_key_value_heads = family->num_key_value_heads;
    a->head_dim = family->head_dim;
    a->max_position_embeddings = family->max_position_embeddings;
    a->rms_norm_eps = 1e-6;
    a->rope_theta = 1e4;
}

/* A null is more than silence for these two: "as many as heads", "the share of a head". */
static void derive(rz_arch *a, const json_t *o)
{
    if (!a->num_key_value_heads || json_is_null(json_object_get(o, "num_key_value_heads")))
        a->num_key_value_heads = a->num_attention_heads;
    if ((!a->head_dim || json_is_null(json_object_get(o, "head_dim"))) && a->num_attention_heads > 0)
        a->head_dim = a->hidden_size / a->num_attention_heads;
}

static bool read_top(const config *c, rz_arch *a)
{
    static const char *const optional[] = {"num_key_value_heads", "head_dim", "max_position_embeddings", "rms_norm_eps", "rope_theta",
                                           "tie_word_embeddings", "attention_bias", "mlp_bias"};
    const rz_family *family = rz_arch_family(a);
    for (int i = 0; i < rz_arch_n_fields; i++) {
        const rz_arch_field *f = &rz_arch_fields[i];
        const json_t *v = get(c->o, f->name);
        bool may_lack = false;
        for (size_t j = 0; j < sizeof optional / sizeof optional[0]; j++)
            may_lack |= !strcmp(f->name, optional[j]);
        if (f->place != RZ_TOP && f->place != RZ_OPTION)
            continue;
        if (!v && !may_lack)
            return rz_fail(c->err, RZ_EDATA, "%s: %s is missing", c->name, f->name);
        if (v && !read_value(c, a, f, v))
            return false;
    }
    a->attention_bias &= family->may_attention_bias; /* transformers does not look at them in the other families */
    a->mlp_bias &= family->may_mlp_bias;
    derive(a, c->o);
    return true;
}

/* rope_parameters or rope_scaling. */
static bool read_rope_object(const config *c, const char *field, const json_t *o, rz_arch *a)
{
    const json_t *type = get(o, "rope_type"), *value;
    const char *key;
    type = type ? type : get(o, "type");
    if (type && !json_is_string(type))
        return wrong_type(c, "rope_type");
    a->rope_type = type ? RZ_N_ROPE_TYPES : RZ_ROPE_DEFAULT;
    for (int i = 0; type && i < RZ_N_ROPE_TYPES; i++)
        if (!strcmp(json_string_value(type), rz_rope_types[i]))
            a->rope_type = i;
    if (a->rope_type == RZ_N_ROPE_TYPES)
        return rz_fail(c->err, RZ_EDATA, "%s: rope_type is %.40s; supported are default, linear and llama3", c->name, json_string_value(type));
    json_object_foreach((json_t *)(uintptr_t)o, key, value)
        if (json_is_object(value) || json_is_array(value)) /* one for each kind of layer, a factor for each frequency … */
            return rz_fail(c->err, RZ_EDATA, "%s: %s.%.60s is not supported", c->name, field, key);
    for (int i = 0; i < rz_arch_n_fields; i++) {
        const rz_arch_field *f = &rz_arch_fields[i];
        if (f->place != RZ_ROPE || !rz_arch_has(a, f))
            continue;
        const json_t *v = get(o, f->name);
        if (!v)
            return rz_fail(c->err, RZ_EDATA, "%s: %s is missing from %s", c->name, f->name, field);
        if (!read_value(c, a, f, v))
            return false;
    }
    return true;
}

/* Old configs have rope_theta and rope_scaling, new ones rope_parameters; one that has both must mean one thing. */
static bool read_rope(const config *c, rz_arch *a)
{
    static const char *const fields[] = {"rope_scaling", "rope_parameters"};
    const char *found = NULL;
    bool has_theta = get(c->o, "rope_theta");
    for (int i = 0; i < 2; i++) {
        const json_t *o = get(c->o, fields[i]);
        if (!o)
            continue;
        rz_arch b = *a;
        char differ[200];
        const json_t *theta = get(o, "rope_theta");
        if (!json_is_object(o))
            return wrong_type(c, fields[i]);
        if (theta && !json_is_number(theta))
            return wrong_type(c, "rope_theta");
        b.factor = b.low_freq_factor = b.high_freq_factor = b.original_max_position_embeddings = 0;
        if (!check_unsupported(c, o, "RoPE's ") || !read_rope_object(c, fields[i], o, &b))
            return false;
        b.rope_theta = theta ? json_number_value(theta) : a->rope_theta;
        if ((found || has_theta) && theta && b.rope_theta != a->rope_theta)
            return rz_fail(c->err, RZ_EDATA, "%s: rope_theta is %.15g in one place and %.15g in another", c->name, a->rope_theta, b.rope_theta);
        has_theta |= theta != NULL;
        if (found && rz_arch_differ(a, &b, differ, sizeof differ))
            return rz_fail(c->err, RZ_EDATA, "%s: %s and %s do not agree: %s", c->name, fields[0], fields[1], differ);
        found = fields[i];
        *a = b;
    }
    return true;
}

/* Do some layers look at a window only? By layer_types where there are some, else by the family's own switches. */
static bool read_layer_types(const config *c, const rz_arch *a, bool *slides)
{
    const json_t *types = get(c->o, "layer_types"), *last = get(c->o, "max_window_layers");
    if (types && !json_is_array(types))
        return wrong_type(c, "layer_types");
    bool qwen = a->model_type == RZ_QWEN2 || a->model_type == RZ_QWEN3;
    *slides = a->model_type == RZ_MISTRAL ||
              (qwen && json_is_true(get(c->o, "use_sliding_window")) && (json_is_integer(last) ? json_integer_value(last) : 28) < a->num_hidden_layers);
    if (types)
        *slides = a->model_type == RZ_MISTRAL; /* it has no layer_types: every layer slides */
    for (size_t i = 0; i < json_array_size(types); i++) {
        const char *type = json_string_value(json_array_get(types, i));
        if (!type || (strcmp(type, "full_attention") && strcmp(type, "sliding_attention")))
            return rz_fail(c->err, RZ_EDATA, "%s: layer_types has %.40s; supported is full_attention", c->name, type ? type : "what is no text");
        *slides |= !strcmp(type, "sliding_attention");
    }
    return true;
}

/* A window as long as the longest sequence is none. */
static bool check_window(const config *c, const rz_arch *a)
{
    const json_t *w = json_object_get(c->o, "sliding_window");
    bool slides = false;
    if (w && !json_is_null(w) && !json_is_integer(w))
        return wrong_type(c, "sliding_window");
    if (!read_layer_types(c, a, &slides))
        return false;
    if (a->model_type == RZ_MISTRAL && json_is_null(w))
        return true;
    long long window = w ? (long long)json_integer_value(w) : rz_arch_family(a)->sliding_window;
    if (slides && window < a->max_position_embeddings)
        return rz_fail(c->err, RZ_EDATA, "%s: sliding_window is %lld, less than max_position_embeddings (%d), and windows are not supported; sequences within "
                       "the window need none: lower max_position_embeddings to it", c->name, window, a->max_position_embeddings);
    return true;
}

static bool read_type(const config *c, rz_arch *a)
{
    const char *type = json_string_value(json_object_get(c->o, "model_type"));
    for (int i = 0; type && i < RZ_N_MODEL_TYPES; i++)
        if (!strcmp(type, rz_families[i].name)) {
            a->model_type = i;
            return true;
        }
    return rz_fail(c->err, RZ_EDATA, "%s: model_type is %.60s; supported are llama, mistral, qwen2 and qwen3", c->name, type ? type : "missing");
}

bool rz_arch_parse(rz_arch *a, const char *name, const char *json, rz_err *err)
{
    json_t *o = rz_json_parse(name, json, strlen(json), (rz_json_limits){.depth = 32, .values = 1 << 16}, err);
    if (!o)
        return false;
    const config c = {name, o, err};
    memset(a, 0, sizeof *a);
    bool ok = read_type(&c, a);
    if (ok)
        set_defaults(a);
    ok = ok && check_unsupported(&c, o, "") && read_top(&c, a) && read_rope(&c, a);
    if (ok && !rz_arch_check(a, err)) {
        err->code = RZ_EDATA;
        ok = rz_err_note(err, "%s", name);
    }
    ok = ok && check_window(&c, a);
    json_decref(o);
    return ok;
}
