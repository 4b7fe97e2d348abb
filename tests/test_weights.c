/* Architectures as text and in the program, first weights, and weights in a store: round trip, other architectures, bad ones. */
#include "tests/tiny.h"

#include <float.h>
#include <unistd.h>

/* vocab, hidden, intermediate, layers, heads, key/value heads, head_dim, positions, eps, theta, tied */
static const rz_arch archs[] = {
    {37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, true}, {37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, false}, {19, 21, 11, 3, 3, 1, 10, 32, 1e-6, 5e5, true},
    {2, 3, 1, 1, 1, 1, 2, 8, 1e-5, 1e4, false},
    {37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, true, RZ_MISTRAL, .rope_type = RZ_ROPE_LINEAR, .factor = 2.5},
    {37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, true, RZ_QWEN2},
    {37, 20, 28, 2, 4, 2, 8, 32, 1e-5, 1e4, true, RZ_QWEN3, .attention_bias = true},
    {37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, false, RZ_LLAMA, .attention_bias = true, .mlp_bias = true, .rope_type = RZ_ROPE_LLAMA3, .factor = 8,
     .low_freq_factor = 1, .high_freq_factor = 4, .original_max_position_embeddings = 16},
};
enum { N_ARCHS = sizeof archs / sizeof archs[0] };

START_TEST(first_weights)
{
    rz_arch a = {64, 64, 96, 2, 4, 2, 16, 64, 1e-5, 1e4, false, _i ? RZ_QWEN3 : RZ_LLAMA, .attention_bias = _i, .mlp_bias = false};
    rz_policy *p, *q;
    rz_err err;
    ck_assert(rz_policy_create(&p, &a, tiny_kernels(-1), NULL, &err) && rz_policy_create(&q, &a, tiny_kernels(0), NULL, &err));
    rz_policy_init_weights(p, 1);
    rz_policy_init_weights(q, 1);
    ck_assert(!memcmp(p->w, q->w, (size_t)p->layout.n_params * sizeof *p->w));
    int64_t at = 0;
    for (int i = 0; i < p->layout.n_tensors; i++) {
        const rz_tensor *t = &p->layout.tensors[i];
        double sum = 0, squares = 0, n = (double)tiny_size(t);
        ck_assert_int_eq(t->offset, at); /* no gaps */
        ck_assert_int_eq(t->decay, t->cols > 0);
        at += tiny_size(t);
        for (int64_t j = t->offset; j < at; j++) {
            sum += p->w[j];
            squares += (double)p->w[j] * p->w[j];
        }
        bool out = strstr(t->name, "o_proj") || strstr(t->name, "down_proj"), outer = strstr(t->name, "embed") || strstr(t->name, "lm_head");
        double std = out ? 0.02 / sqrt(2 * 2) : outer ? 0.02 : 1 / sqrt(64);
        if (t->bias)
            ck_assert_msg(squares == 0 && strstr(t->name, ".bias"), "%s is not 0 everywhere", t->name);
        else if (!t->cols)
            ck_assert_msg(sum == n && squares == n, "%s is not 1 everywhere", t->name);
        else
            ck_assert_msg(fabs(sum / n) < 5 * std / sqrt(n) && fabs(sqrt(squares / n) / std - 1) < 5 / sqrt(2 * n), "%s: mean %g, deviation %g", t->name,
                          sum / n, sqrt(squares / n));
    }
    ck_assert_int_eq(p->layout.n_params, at);
    rz_policy_init_weights(q, 2);
    ck_assert(memcmp(p->w, q->w, (size_t)p->layout.n_params * sizeof *p->w));
    static const float bad[] = {INFINITY, -INFINITY, NAN, -NAN};
    p->w[0] = FLT_MAX;
    p->w[1] = -FLT_MAX;
    ck_assert(rz_policy_finite(p, 0, at));
    for (int i = 0; i < 4; i++) {
        p->w[at - 1] = bad[i];
        ck_assert(!rz_policy_finite(p, 0, at) && rz_policy_finite(p, 0, at - 1) && !rz_policy_finite(p, at - 1, at) && rz_policy_finite(p, at, at));
    }
    rz_policy_destroy(p);
    rz_policy_destroy(q);
    rz_policy_destroy(NULL);
}
END_TEST

static char folder[256];

static char *file_path(void)
{
    static char path[300];
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/rz_model_XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model.h5", folder);
    return path;
}

/* NULL: one that is never committed. */
static rz_store *new_store(const char *path)
{
    rz_store *s;
    rz_err err;
    ck_assert(rz_store_create(&s, path ? path : "/tmp/rulezero-weights.h5", &err));
    return s;
}

/* Logits after one token, by way of the panels too. */
static float one_logit(const rz_policy *p)
{
    rz_arena arena = tiny_arena();
    rz_cache cache;
    float *h = RZ_NEW(&arena, p->arch.hidden_size, float), *logits = RZ_NEW(&arena, p->arch.vocab_size, float);
    rz_cache_init(&cache, p, 1, &arena);
    rz_policy_forward(p, &(rz_run){&(int32_t){1}, 1, &cache, NULL, NULL}, 1, h, arena);
    rz_policy_logits(p, logits, h, 1);
    float logit = logits[p->arch.vocab_size - 1];
    rz_arena_finish(&arena);
    return logit;
}

START_TEST(put_and_get)
{
    rz_policy *p = tiny_policy(&archs[_i], tiny_kernels(-1), NULL, 6, 1), *back;
    rz_arch found;
    char *path = file_path();
    rz_err err;
    rz_store *s = new_store(path);
    ck_assert_msg(rz_policy_put(p, p->w, s, &err) && rz_store_commit(s, &err), "%s", err.text);
    rz_store_close(s);
    ck_assert(rz_store_open(&s, path, &err));
    ck_assert_msg(rz_policy_get_arch(&found, s, &err), "%s", err.text);
    ck_assert(rz_policy_create(&back, &found, tiny_kernels(-1), NULL, &err));
    ck_assert_msg(rz_policy_get(back, s, &err), "%s", err.text);
    rz_store_close(s);
    ck_assert(!memcmp(back->w, p->w, (size_t)p->layout.n_params * sizeof(float)));
    ck_assert(one_logit(back) == one_logit(p) && one_logit(p) != 0);
    rz_policy_destroy(back);
    rz_policy_destroy(p);
    unlink(path);
    rmdir(folder);
}
END_TEST

/* Every field of the architecture. */
START_TEST(another_architecture)
{
    static const rz_arch others[] = {
        {38, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, true}, {37, 24, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, true}, {37, 20, 27, 2, 4, 2, 6, 32, 1e-5, 1e4, true},
        {37, 20, 28, 1, 4, 2, 6, 32, 1e-5, 1e4, true}, {37, 20, 28, 2, 2, 2, 6, 32, 1e-5, 1e4, true}, {37, 20, 28, 2, 4, 1, 6, 32, 1e-5, 1e4, true},
        {37, 20, 28, 2, 4, 2, 8, 32, 1e-5, 1e4, true}, {37, 20, 28, 2, 4, 2, 6, 16, 1e-5, 1e4, true}, {37, 20, 28, 2, 4, 2, 6, 32, 1e-6, 1e4, true},
        {37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e3, true}, {37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, false}, {37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, true, RZ_QWEN2},
        {37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, true, .attention_bias = true}, {37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, true, .mlp_bias = true},
        {37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, true, .rope_type = RZ_ROPE_LINEAR, .factor = 2},
    };
    static const char *const said[] = {
        "vocab_size is 37, expected 38", "hidden_size is 20, expected 24", "intermediate_size is 28, expected 27", "num_hidden_layers is 2, expected 1",
        "num_attention_heads is 4, expected 2", "num_key_value_heads is 2, expected 1", "head_dim is 6, expected 8",
        "max_position_embeddings is 32, expected 16", "rms_norm_eps is 1e-05, expected 1e-06", "rope_theta is 10000, expected 1000",
        "tie_word_embeddings is 1, expected 0", "model_type is llama, expected qwen2", "attention_bias is 0, expected 1", "mlp_bias is 0, expected 1",
        "rope_type is default, expected linear",
    };
    rz_policy *p = tiny_policy(&archs[0], tiny_kernels(-1), NULL, 1, 1), *other = tiny_policy(&others[_i], tiny_kernels(-1), NULL, 1, 1);
    rz_store *s = new_store(NULL);
    rz_err err = {0};
    ck_assert(rz_policy_put(p, p->w, s, &err));
    ck_assert(!rz_policy_get(other, s, &err));
    ck_assert_int_eq(err.code, RZ_EDATA);
    ck_assert_msg(strstr(err.text, said[_i]), "%s", err.text);
    rz_store_close(s);
    rz_policy_destroy(p);
    rz_policy_destroy(other);
}
END_TEST

START_TEST(bad_weights)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    rz_policy *p = tiny_policy(&archs[0], tiny_kernels(-1), NULL, 1, 1);
    rz_err err = {0};
    for (int i = 0; i < 3; i++) {
        rz_store *s = new_store(NULL);
        float *at = &p->w[i == 1 ? p->layout.n_params - 1 : 5], good = *at;
        *at = bad[i];
        ck_assert(rz_policy_put(p, p->w, s, &err));
        ck_assert(!rz_policy_get(p, s, &err));
        ck_assert_int_eq(err.code, RZ_EDATA);
        ck_assert_ptr_nonnull(strstr(err.text, "not finite"));
        *at = good;
        rz_store_close(s);
    }
    rz_store *s = new_store(NULL); /* nothing in it; then no tensors; then one of another shape */
    ck_assert(!rz_policy_get(p, s, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "arch"));
    char *text = rz_arch_dump(&p->arch);
    ck_assert(rz_store_put_text(s, "arch", text, &err));
    free(text);
    ck_assert(!rz_policy_get(p, s, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "model/model.embed_tokens.weight"));
    ck_assert(rz_store_put(s, "model/model.embed_tokens.weight", (rz_shape){RZ_F32, 2, {20, 37}}, p->w, &err));
    ck_assert(!rz_policy_get(p, s, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "model/model.embed_tokens.weight"));
    rz_store_close(s);
    rz_policy_destroy(p);
}
END_TEST

/* ---- architectures ---- */

START_TEST(architecture_as_text)
{
    rz_arch a = archs[_i], back;
    char *text = rz_arch_dump(&a), differ[200];
    rz_err err;
    memset(&back, 0xff, sizeof back);
    ck_assert_msg(rz_arch_parse(&back, "config.json", text, &err), "%s", err.text);
    ck_assert(!rz_arch_differ(&back, &a, differ, sizeof differ));
    free(text);
}
END_TEST

#define ARCH(vocab, hidden, heads, kv, dim, eps, tied) \
    "{\"model_type\":\"llama\",\"vocab_size\":" vocab ",\"hidden_size\":" hidden ",\"intermediate_size\":8,\"num_hidden_layers\":1," \
    "\"num_attention_heads\":" heads ",\"num_key_value_heads\":" kv ",\"head_dim\":" dim ",\"max_position_embeddings\":16," \
    "\"rms_norm_eps\":" eps ",\"rope_theta\":1e4,\"tie_word_embeddings\":" tied "}"
static const char *const refused[][2] = {
    {ARCH("1", "8", "4", "2", "4", "1e-5", "true"), "vocab_size is 1, must be 2..10000000"},
    {ARCH("9", "0", "4", "2", "4", "1e-5", "true"), "hidden_size is 0"},
    {ARCH("9", "-8", "4", "2", "4", "1e-5", "true"), "hidden_size is -8"},
    {ARCH("9", "8.5", "4", "2", "4", "1e-5", "true"), "hidden_size has the wrong type"},
    {ARCH("9", "99999999999", "4", "2", "4", "1e-5", "true"), "hidden_size is 99999999999"},
    {ARCH("9", "8", "4", "3", "4", "1e-5", "true"), "num_attention_heads is 4, must be a multiple of num_key_value_heads (3)"},
    {ARCH("9", "8", "4", "2", "5", "1e-5", "true"), "head_dim is 5, must be even"},
    {ARCH("9", "8", "4", "2", "4", "0", "true"), "rms_norm_eps is 0"},
    {ARCH("9", "8", "4", "2", "4", "\"a\"", "true"), "rms_norm_eps has the wrong type"},
    {ARCH("9", "8", "4", "2", "4", "1e-5", "1"), "tie_word_embeddings has the wrong type"},
    {"{\"model_type\":\"gpt2\"}", "model_type is gpt2"},
    {"{\"vocab_size\":9}", "model_type is missing"},
    {"{\"model_type\":\"llama\"}", "vocab_size is missing"},
    {"[1]", "must be an object"},
    {"{", "not valid JSON"},
};

START_TEST(bad_architectures)
{
    rz_arch a;
    rz_err err = {0};
    ck_assert(!rz_arch_parse(&a, "config.json", refused[_i][0], &err));
    ck_assert_int_eq(err.code, RZ_EDATA);
    ck_assert_msg(strstr(err.text, "config.json") && strstr(err.text, refused[_i][1]), "'%s' does not say '%s'", err.text, refused[_i][1]);
}
END_TEST

/* Configs as the world writes them. SIZES are those that no config leaves out. */
#define SIZES "\"vocab_size\":9,\"hidden_size\":48,\"intermediate_size\":8,\"num_hidden_layers\":3,\"num_attention_heads\":4"
#define LLAMA(more) "{\"model_type\":\"llama\"," SIZES more "}"
#define MISTRAL(more) "{\"model_type\":\"mistral\",\"num_key_value_heads\":2," SIZES more "}"
#define QWEN2(more) "{\"model_type\":\"qwen2\",\"num_key_value_heads\":2," SIZES more "}"
#define QWEN3(more) "{\"model_type\":\"qwen3\",\"num_key_value_heads\":2," SIZES more "}"
#define LLAMA3 "\"factor\":8.0,\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,\"original_max_position_embeddings\":8192"
static const struct { const char *json; rz_arch arch; } accepted[] = {
    /* what silence means */
    {LLAMA(""), {9, 48, 8, 3, 4, 4, 12, 2048, 1e-6, 1e4, false}},
    {MISTRAL(",\"sliding_window\":null"), {9, 48, 8, 3, 4, 2, 12, 131072, 1e-6, 1e4, false, RZ_MISTRAL}},
    {QWEN2(""), {9, 48, 8, 3, 4, 2, 12, 32768, 1e-6, 1e4, false, RZ_QWEN2}},
    {QWEN3(""), {9, 48, 8, 3, 4, 2, 128, 32768, 1e-6, 1e4, false, RZ_QWEN3}},
    {LLAMA(",\"head_dim\":null,\"num_key_value_heads\":null,\"rope_scaling\":null,\"pretraining_tp\":1,\"use_cache\":true,\"quantization_config\":null"),
     {9, 48, 8, 3, 4, 4, 12, 2048, 1e-6, 1e4, false}},
    /* biases: in the family, by the config, ignored */
    {LLAMA(",\"attention_bias\":true,\"mlp_bias\":true"), {9, 48, 8, 3, 4, 4, 12, 2048, 1e-6, 1e4, false, .attention_bias = true, .mlp_bias = true}},
    {QWEN3(",\"attention_bias\":true,\"head_dim\":16"), {9, 48, 8, 3, 4, 2, 16, 32768, 1e-6, 1e4, false, RZ_QWEN3, .attention_bias = true}},
    {QWEN2(",\"attention_bias\":false"), {9, 48, 8, 3, 4, 2, 12, 32768, 1e-6, 1e4, false, RZ_QWEN2}},
    /* old and new spelling of RoPE */
    {LLAMA(",\"rope_theta\":500000,\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}"),
     {9, 48, 8, 3, 4, 4, 12, 2048, 1e-6, 5e5, false, .rope_type = RZ_ROPE_LINEAR, .factor = 2}},
    {LLAMA(",\"rope_theta\":500000.0,\"rope_scaling\":{\"rope_type\":\"llama3\"," LLAMA3 "}"),
     {9, 48, 8, 3, 4, 4, 12, 2048, 1e-6, 5e5, false, 0, false, false, RZ_ROPE_LLAMA3, 8, 1, 4, 8192}},
    {LLAMA(",\"rope_parameters\":{\"rope_theta\":500000.0,\"rope_type\":\"llama3\"," LLAMA3 "}"),
     {9, 48, 8, 3, 4, 4, 12, 2048, 1e-6, 5e5, false, 0, false, false, RZ_ROPE_LLAMA3, 8, 1, 4, 8192}},
    {QWEN2(",\"rope_parameters\":{\"rope_theta\":1000000.0,\"rope_type\":\"default\",\"partial_rotary_factor\":1.0}"),
     {9, 48, 8, 3, 4, 2, 12, 32768, 1e-6, 1e6, false, RZ_QWEN2}},
    {LLAMA(",\"rope_theta\":100,\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":2},\"rope_parameters\":{\"rope_theta\":100.0,\"type\":\"linear\",\"factor\":2.0}"),
     {9, 48, 8, 3, 4, 4, 12, 2048, 1e-6, 100, false, .rope_type = RZ_ROPE_LINEAR, .factor = 2}},
    /* windows that nothing looks out of */
    {MISTRAL(",\"max_position_embeddings\":4096"), {9, 48, 8, 3, 4, 2, 12, 4096, 1e-6, 1e4, false, RZ_MISTRAL}},
    {QWEN2(",\"use_sliding_window\":false,\"sliding_window\":64,\"layer_types\":[\"full_attention\",\"full_attention\",\"full_attention\"]"),
     {9, 48, 8, 3, 4, 2, 12, 32768, 1e-6, 1e4, false, RZ_QWEN2}},
    {QWEN2(",\"use_sliding_window\":true,\"sliding_window\":64,\"max_window_layers\":3"), {9, 48, 8, 3, 4, 2, 12, 32768, 1e-6, 1e4, false, RZ_QWEN2}},
    {QWEN3(",\"use_sliding_window\":true,\"sliding_window\":64,\"max_window_layers\":0,\"max_position_embeddings\":64"),
     {9, 48, 8, 3, 4, 2, 128, 64, 1e-6, 1e4, false, RZ_QWEN3}},
};

START_TEST(architectures_as_written)
{
    rz_arch a;
    char differ[200];
    rz_err err;
    memset(&a, 0xff, sizeof a);
    ck_assert_msg(rz_arch_parse(&a, "config.json", accepted[_i].json, &err), "%s", err.text);
    ck_assert_msg(!rz_arch_differ(&a, &accepted[_i].arch, differ, sizeof differ), "%s", differ);
}
END_TEST

/* What would change the numbers is refused by name. */
static const char *const not_ours[][2] = {
    {LLAMA(",\"hidden_act\":\"gelu\""), "hidden_act is \"gelu\", which would change the numbers and is not supported; it may be \"silu\" \"swish\""},
    {LLAMA(",\"partial_rotary_factor\":0.5"), "partial_rotary_factor is 0.5"},
    {LLAMA(",\"final_logit_softcapping\":30.0"), "final_logit_softcapping is 30.0"},
    {LLAMA(",\"attention_multiplier\":0.1"), "attention_multiplier is 0.1"},
    {LLAMA(",\"num_local_experts\":8"), "num_local_experts is 8"},
    {LLAMA(",\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":4}"), "quantization_config is {\"quant_method\":\"gptq\",\"bits\":4}"},
    {LLAMA(",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":2}"), "rope_type is yarn; supported are default, linear and llama3"},
    {LLAMA(",\"rope_scaling\":{\"type\":\"linear\"}"), "factor is missing from rope_scaling"},
    {LLAMA(",\"rope_scaling\":{\"type\":\"linear\",\"factor\":0.5}"), "factor is 0.5"},
    {LLAMA(",\"rope_scaling\":{\"type\":\"llama3\",\"factor\":8}"), "low_freq_factor is missing"},
    {LLAMA(",\"rope_scaling\":{\"type\":\"linear\",\"factor\":[2]}"), "rope_scaling.factor is not supported"},
    {LLAMA(",\"rope_scaling\":7"), "rope_scaling has the wrong type"},
    {LLAMA(",\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"default\"}}"), "rope_parameters.full_attention is not supported"},
    {LLAMA(",\"rope_parameters\":{\"partial_rotary_factor\":0.25}"), "RoPE's partial_rotary_factor is 0.25"},
    {LLAMA(",\"rope_theta\":1e4,\"rope_parameters\":{\"rope_theta\":1e5}"), "rope_theta is 10000 in one place and 100000 in another"},
    {LLAMA(",\"rope_scaling\":{\"type\":\"linear\",\"factor\":2},\"rope_parameters\":{\"rope_type\":\"default\"}"), "do not agree: rope_type is linear"},
    {MISTRAL(""), "sliding_window is 4096, less than max_position_embeddings (131072)"},
    {MISTRAL(",\"sliding_window\":16,\"max_position_embeddings\":17"), "sliding_window is 16"},
    {QWEN2(",\"use_sliding_window\":true,\"sliding_window\":64,\"max_window_layers\":2"), "sliding_window is 64"},
    {QWEN3(",\"sliding_window\":64,\"layer_types\":[\"full_attention\",\"sliding_attention\"]"), "sliding_window is 64"},
    {QWEN3(",\"layer_types\":[\"linear_attention\"]"), "layer_types has linear_attention"},
    {QWEN2(",\"head_dim\":7"), "head_dim is 7, must be even"},
};

START_TEST(other_peoples_architectures)
{
    rz_arch a;
    rz_err err = {0};
    ck_assert(!rz_arch_parse(&a, "config.json", not_ours[_i][0], &err));
    ck_assert_int_eq(err.code, RZ_EDATA);
    ck_assert_msg(strstr(err.text, "config.json") && strstr(err.text, not_ours[_i][1]), "'%s' does not say '%s'", err.text, not_ours[_i][1]);
}
END_TEST

/* torch's frequencies of {theta, head_dim, rope_type, factor, low, high, original}: tests/golden/models.py prints them. */
#include "tests/golden/models/frequencies.inc"

START_TEST(frequencies)
{
    for (size_t i = 0; i < sizeof torch_frequencies / sizeof torch_frequencies[0]; i++) {
        float f[64];
        const rz_arch *a = &torch_frequencies[i].arch;
        rz_rope_frequencies(f, a);
        for (int e = 0; e < a->head_dim / 2; e++) /* its powf may miss the last bit, and what follows carries that on */
            ck_assert_msg(fabsf(f[e] / torch_frequencies[i].frequency[e] - 1) < 4e-7f, "case %d, pair %d: %.9g, torch has %.9g", (int)i, e, f[e],
                          torch_frequencies[i].frequency[e]);
    }
}
END_TEST

/* A model for a million positions costs what is used of them, and rows do not depend on when they were asked for. */
START_TEST(rows_as_they_are_used)
{
    rz_arch a = archs[0];
    rz_rope *once, *often;
    rz_err err;
    a.max_position_embeddings = 1 << 20;
    a.head_dim = 64;
    ck_assert(rz_rope_create(&once, &a, &err) && rz_rope_create(&often, &a, &err));
    rz_rope_reach(once, 3000);
    for (int n = 1; n <= 3000; n += 7)
        rz_rope_reach(often, n);
    ck_assert(often->cs && once->n >= 3000 && once->n < 4000 && often->n == once->n && once->arena.committed < 4 << 20);
    ck_assert(!memcmp(once->cs, often->cs, (size_t)once->n * 64 * sizeof(float)));
    for (int pos = 0; pos < 3000; pos++)
        for (int e = 0; e < 32; e++) {
            double angle = (float)pos * once->frequency[e];
            ck_assert(fabs(once->cs[pos * 64 + 2 * e] - cos(angle)) < 1e-7 && fabs(once->cs[pos * 64 + 2 * e + 1] - sin(angle)) < 1e-7);
        }
    rz_rope_destroy(once);
    rz_rope_destroy(often);
    a.max_position_embeddings = 2; /* the last row there may be */
    ck_assert(rz_rope_create(&once, &a, &err));
    rz_rope_reach(once, 2);
    ck_assert_int_eq(once->n, 2);
    rz_rope_destroy(once);
}
END_TEST

START_TEST(the_program_checks_too)
{
    rz_arch good = archs[0], bad = good;
    rz_policy *p = NULL;
    rz_err err = {0};
    ck_assert(rz_arch_check(&good, &err));
    bad.rope_theta = NAN;
    ck_assert(!rz_policy_create(&p, &bad, tiny_kernels(-1), NULL, &err));
    ck_assert_int_eq(err.code, RZ_ECONFIG);
    ck_assert_ptr_null(p);
    bad = good;
    bad.model_type = RZ_QWEN2;
    bad.attention_bias = true;
    ck_assert(!rz_arch_check(&bad, &err));
    ck_assert_msg(strstr(err.text, "attention_bias is true"), "%s", err.text);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_loop_test(t, first_weights, 0, 2);
    tcase_add_loop_test(t, put_and_get, 0, N_ARCHS);
    tcase_add_loop_test(t, another_architecture, 0, 15);
    tcase_add_test(t, bad_weights);
    tcase_add_loop_test(t, architecture_as_text, 0, N_ARCHS);
    tcase_add_loop_test(t, bad_architectures, 0, sizeof refused / sizeof refused[0]);
    tcase_add_loop_test(t, architectures_as_written, 0, sizeof accepted / sizeof accepted[0]);
    tcase_add_loop_test(t, other_peoples_architectures, 0, sizeof not_ours / sizeof not_ours[0]);
    tcase_add_test(t, frequencies);
    tcase_add_test(t, rows_as_they_are_used);
    tcase_add_test(t, the_program_checks_too);
}

int main(void)
{
    return tiny_main("weights", add);
}
