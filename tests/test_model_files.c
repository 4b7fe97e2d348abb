/* Models from elsewhere: the folder is written here by hand, byte by byte, and what is read must be the weights it was made from. */
#include "tests/tiny.h"
/* its own err comes after theirs */
#include "base/gguf.h"
#include "tests/folder.h"
#include "trainer/model.h"

#include <sys/stat.h>
#include <unistd.h>

#define OK(call) ck_assert_msg((call), "%s", err.text)
#define SAYS(what) ck_assert_msg(strstr(err.text, (what)) != NULL, "%s\n does not say: %s", err.text, (what))

enum { V = 12 };
static const char words[] = "{\"version\":\"1.0\",\"added_tokens\":[{\"id\":0,\"content\":\"<eos>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                            "\"normalized\":false,\"special\":true}],\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},\"post_processor\":null,"
                            "\"decoder\":null,\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"<eos>\":0,\"a\":1,\"b\":2,\"c\":3},\"unk_token\":\"<eos>\"}}";
#define SIZES "\"vocab_size\":12,\"hidden_size\":8,\"intermediate_size\":6,\"num_hidden_layers\":2,\"num_attention_heads\":2,\"num_key_value_heads\":1," \
    "\"head_dim\":4,\"max_position_embeddings\":32,\"rms_norm_eps\":1e-5,\"rope_theta\":10000.0"

static const struct { const char *config, *eos; rz_arch arch; } models[] = {
    {"{\"model_type\":\"llama\"," SIZES ",\"tie_word_embeddings\":true,\"eos_token_id\":3}", "3",
     {V, 8, 6, 2, 2, 1, 4, 32, 1e-5, 1e4, true, .model_type = RZ_LLAMA}},
    {"{\"model_type\":\"qwen2\"," SIZES ",\"tie_word_embeddings\":false,\"eos_token_id\":[2,1,2]}", "2 1",
     {V, 8, 6, 2, 2, 1, 4, 32, 1e-5, 1e4, false, .model_type = RZ_QWEN2}},
    {"{\"model_type\":\"qwen3\"," SIZES ",\"tie_word_embeddings\":false,\"attention_bias\":true}", "",
     {V, 8, 6, 2, 2, 1, 4, 32, 1e-5, 1e4, false, .model_type = RZ_QWEN3, .attention_bias = true}},
};

/* ---- a folder ---- */

static void put_text(const char *name, const char *text) { put(in_folder(name), text, strlen(text)); }

/* What is written beside the model's tensors, or instead. */
typedef struct {
    const char *skip;                  /* a tensor that is left out */
    const char *extra;                 /* one that is there too, a copy of the first but for one element if `differs` */
    bool differs, bare;                /* names without model. */
    const char *poisoned, *transposed; /* holds a NaN; has its shape the wrong way round */
    const char *dtype;
} recipe;

static size_t put_number(unsigned char *to, float x, const char *dtype)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (!strcmp(dtype, "BF16")) bits >>= 16;
    if (!strcmp(dtype, "F16")) /* of numbers that are whole multiples of 2^-10 below 2 */
        bits = x == 0 ? 0 : (bits >> 16 & 0x8000) | (((bits >> 23 & 255) - 112) << 10) | (bits >> 13 & 1023);
    size_t size = !strcmp(dtype, "F32") || !strcmp(dtype, "I32") ? 4 : 2;
    for (size_t i = 0; i < size; i++) to[i] = (unsigned char)(bits >> 8 * i);
    return size;
}

typedef struct { char *header; unsigned char *data; size_t n_data; } image;

static void add_tensor(image *f, const rz_policy *p, const rz_tensor *t, const char *name, const recipe *how)
{
    size_t at = f->n_data;
    int64_t n = tiny_size(t);
    bool is = how->transposed && !strcmp(how->transposed, name);
    for (int64_t i = 0; i < n; i++) {
        float x = p->w[t->offset + i];
        if (how->poisoned && !strcmp(how->poisoned, name) && i == n - 1) x = NAN;
        if (how->extra && !strcmp(how->extra, name) && how->differs && i == n - 1) x = 0.5f;
        f->n_data += put_number(f->data + f->n_data, x, how->dtype);
    }
    char shape[64];
    snprintf(shape, sizeof shape, t->cols ? "%d,%d" : "%d", (int)(is ? t->cols : t->rows), (int)(is ? t->rows : t->cols));
    char *more = rz_asprintf("%s%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}", f->header, strlen(f->header) > 1 ? "," : "", name,
                             how->dtype, shape, at, f->n_data);
    free(f->header);
    f->header = more;
}

static void put_weights(const char *path, const rz_policy *p, recipe how)
{
    image f = {rz_strdup("{"), rz_malloc((size_t)p->layout.n_params * 8), 0};
    for (int i = 0; i < p->layout.n_tensors; i++) {
        const char *name = p->layout.tensors[i].name;
        if (how.bare && !strncmp(name, "model.", 6)) name += 6;
        if (!how.skip || strcmp(name, how.skip)) add_tensor(&f, p, &p->layout.tensors[i], name, &how);
    }
    if (how.extra) add_tensor(&f, p, &p->layout.tensors[0], how.extra, &how);
    char *header = rz_asprintf("%s}", f.header);
    size_t n = strlen(header);
    unsigned char *all = rz_calloc(8 + n + f.n_data, 1);
    for (int i = 0; i < 8; i++) all[i] = (unsigned char)((uint64_t)n >> 8 * i);
    memcpy(all + 8, header, n);
    memcpy(all + 8 + n, f.data, f.n_data);
    put(path, all, 8 + n + f.n_data);
    free(all);
    free(header);
    free(f.header);
    free(f.data);
}

/* Weights that every type holds exactly. */
static rz_policy *model(int i)
{
    rz_policy *p = tiny_policy(&models[i].arch, tiny_kernels(-1), NULL, 5, 1);
    for (int64_t j = 0; j < p->layout.n_params; j++) p->w[j] = (float)((int)(p->w[j] * 64) % 64) / 64;
    rz_policy_refresh(p);
    return p;
}

static rz_policy *put_folder(int i, recipe how)
{
    rz_policy *p = model(i);
    if (!how.dtype) how.dtype = "F32";
    put_text("config.json", models[i].config);
    put_text("tokenizer.json", words);
    put_weights(in_folder("model.safetensors"), p, how);
    return p;
}

static bool reads(rz_policy **p, rz_tokenizer **t)
{
    return rz_model_read(folder, tiny_kernels(-1), NULL, p, t, &err);
}

static void check_model(const rz_policy *due, rz_policy *is, rz_tokenizer *t, const char *eos)
{
    char differs[200] = "", list[64] = "";
    ck_assert_msg(!rz_arch_differ(&is->arch, &due->arch, differs, sizeof differs), "%s", differs);
    ck_assert(memcmp(is->w, due->w, (size_t)due->layout.n_params * sizeof *due->w) == 0);
    const rz_token_extras *e = rz_tokenizer_get_extras(t);
    for (int i = 0; i < e->n_eos; i++) snprintf(list + strlen(list), sizeof list - strlen(list), i ? " %d" : "%d", e->eos[i]);
    ck_assert_str_eq(list, eos);
    ck_assert_int_eq(rz_tokenizer_size(t), 4);
}

START_TEST(a_folder_is_read)
{
    static const char *const dtypes[] = {"F32", "BF16", "F16"};
    rz_policy *p;
    rz_tokenizer *t;
    int i = _i / 3;
    rz_policy *due = put_folder(i, (recipe){.dtype = dtypes[_i % 3]});
    OK(reads(&p, &t));
    check_model(due, p, t, models[i].eos);
    rz_tokenizer_destroy(t);
    rz_policy_destroy(p);
    rz_policy_destroy(due);
}
END_TEST

/* What does no harm: buffers, a tied head that is there twice, names of a bare decoder. */
START_TEST(harmless_differences)
{
    static const recipe cases[] = {{.extra = "model.layers.0.self_attn.rotary_emb.inv_freq"}, {.extra = "lm_head.weight"}, {.bare = true}};
    rz_policy *p;
    rz_tokenizer *t;
    rz_policy *due = put_folder(0, cases[_i]);
    OK(reads(&p, &t));
    check_model(due, p, t, models[0].eos);
    rz_tokenizer_destroy(t);
    rz_policy_destroy(p);
    rz_policy_destroy(due);
}
END_TEST

static const struct { recipe how; const char *said; } wrong[] = {
    {{.skip = "model.layers.1.self_attn.q_proj.bias"}, "\"model.layers.1.self_attn.q_proj.bias\", which its architecture asks for, is missing"},
    {{.skip = "lm_head.weight"}, "\"lm_head.weight\", which its architecture asks for, is missing"},
    {{.extra = "model.layers.0.self_attn.q_norm.weight"}, "\"model.layers.0.self_attn.q_norm.weight\" has no place in a qwen2"},
    {{.extra = "model.layers.2.input_layernorm.weight"}, "\"model.layers.2.input_layernorm.weight\" has no place"},
    {{.poisoned = "model.layers.1.mlp.down_proj.weight"}, "\"model.layers.1.mlp.down_proj.weight\" has a weight that is not finite (element 47 is "},
    {{.transposed = "model.layers.1.mlp.down_proj.weight"}, "\"model.layers.1.mlp.down_proj.weight\" is (6, 8), by its architecture it must be (8, 6)"},
    {{.dtype = "I32"}, "is of type I32, which is not supported"},
};

static void expect(const char *said)
{
    rz_policy *p = NULL;
    rz_tokenizer *t = NULL;
    err = (rz_err){0};
    ck_assert(!reads(&p, &t) && !p && !t);
    ck_assert_msg(err.code == RZ_EDATA || err.code == RZ_EIO, "%s", err.text);
    SAYS(said);
    SAYS(folder);
}

START_TEST(wrong_weights_are_refused)
{
    rz_policy_destroy(put_folder(1, wrong[_i].how));
    expect(wrong[_i].said);
}
END_TEST

START_TEST(a_head_that_is_not_the_embedding)
{
    rz_policy_destroy(put_folder(0, (recipe){.extra = "lm_head.weight", .differs = true}));
    expect("\"lm_head.weight\" is not the embedding");
}
END_TEST

static const struct { const char *file, *text, *said; } files[] = {
    {"config.json", NULL, "without config.json"},
    {"tokenizer.json", NULL, "has no tokenizer.json"},
    {"model.safetensors", NULL, "neither model.safetensors nor"},
    {"config.json", "{", "config.json is not valid JSON"},
    {"config.json", "{\"model_type\":\"gpt2\"," SIZES "}", "model_type is gpt2"},
    {"config.json", "{\"model_type\":\"llama\"," SIZES ",\"logits_scaling\":2}", "logits_scaling"},
    {"config.json", "{\"model_type\":\"llama\"," SIZES "}", "lm_head.weight\", which its architecture asks for"},
    {"config.json", "{\"model_type\":\"llama\",\"vocab_size\":3,\"hidden_size\":8,\"intermediate_size\":6,\"num_hidden_layers\":2,\"num_attention_heads\":2}",
     "its tokenizer has 4 tokens, its model only 3"},
    {"config.json", "{\"model_type\":\"llama\",\"vocab_size\":10000000,\"hidden_size\":65536,\"intermediate_size\":6,\"num_hidden_layers\":1024,"
     "\"num_attention_heads\":64}", "is (12, 8), by its architecture it must be (10000000, 65536)"},
    {"generation_config.json", "[]", "generation_config.json is JSON, but must be an object"},
    {"generation_config.json", "{\"eos_token_id\":[1,4]}", "the end token 4 is not in 0..3"},
    {"generation_config.json", "{\"eos_token_id\":-1}", "the end token -1 is not in 0..3"},
    {"generation_config.json", "{\"eos_token_id\":\"<eos>\"}", "eos_token_id must be the number of a token"},
    {"tokenizer_config.json", "{\"bos_token\":7}", "bos_token must be a token's text"},
    {"tokenizer_config.json", "{\"chat_template\":7}", "chat_template must be a text"},
    {"tokenizer_config.json", "{\"add_bos_token\":1}", "add_bos_token must be true or false"},
    {"tokenizer_config.json", "{\"bos_token\":\"a\",\"bos_token\":\"b\"}", "duplicate"},
};

START_TEST(wrong_files_are_refused)
{
    rz_policy_destroy(put_folder(0, (recipe){0}));
    if (files[_i].text)
        put_text(files[_i].file, files[_i].text);
    else
        ck_assert_int_eq(unlink(in_folder(files[_i].file)), 0);
    expect(files[_i].said);
}
END_TEST

START_TEST(a_cut_file_is_refused)
{
    rz_policy_destroy(put_folder(0, (recipe){0}));
    struct stat st;
    ck_assert_int_eq(stat(in_folder("model.safetensors"), &st), 0);
    for (long n = st.st_size - 1; n > 0; n = n * 9 / 10) {
        ck_assert_int_eq(truncate(in_folder("model.safetensors"), n), 0);
        expect("model.safetensors");
    }
}
END_TEST

/* What a model says of its texts, from every file that may say it, into our own form and back. */
START_TEST(extras_are_kept)
{
    static const struct { const char *tokenizer_config, *jinja, *generation, *template, *bos, *eos, *ids; bool add; } cases[] = {
        {"{}", NULL, NULL, NULL, NULL, NULL, "3", false},
        {"{\"bos_token\":\"a\",\"eos_token\":{\"content\":\"b\",\"lstrip\":false},\"add_bos_token\":true,\"chat_template\":\"{{ x }}\"}", NULL,
         "{\"eos_token_id\":[2,0]}", "{{ x }}", "a", "b", "2 0", true},
        {"{\"eos_token\":\"b\",\"chat_template\":[{\"name\":\"tool\",\"template\":\"T\"},{\"name\":\"default\",\"template\":\"D\"}]}", NULL, "{}", "D", NULL, "b",
         "3", false},
        {"{\"chat_template\":\"old\",\"add_bos_token\":true}", "new {# é #}", "{\"eos_token_id\":1}", "new {# é #}", NULL, NULL, "1", false},
        {"{\"bos_token\":null,\"chat_template\":null}", NULL, "{\"eos_token_id\":null}", NULL, NULL, NULL, "3", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rz_policy *due = put_folder(0, (recipe){0}), *p;
        rz_tokenizer *t;
        put_text("tokenizer_config.json", cases[i].tokenizer_config);
        if (cases[i].jinja) put_text("chat_template.jinja", cases[i].jinja);
        if (cases[i].generation) put_text("generation_config.json", cases[i].generation);
        OK(reads(&p, &t));
        for (int again = 0; again < 2; again++) {
            const rz_token_extras *e = rz_tokenizer_get_extras(t);
            check_model(due, p, t, cases[i].ids);
            const char *const is[] = {e->chat_template, e->bos_token, e->eos_token}, *const wanted[] = {cases[i].template, cases[i].bos, cases[i].eos};
            for (int k = 0; k < 3; k++)
                ck_assert_msg(is[k] ? wanted[k] && !strcmp(is[k], wanted[k]) : !wanted[k], "%zu %d: %s", i, k, is[k] ? is[k] : "nothing");
            ck_assert(e->add_bos == cases[i].add);
            if (!again) {
                OK(rz_model_write(in_folder("m.h5"), p, t, &err));
                rz_policy_destroy(p);
                rz_tokenizer_destroy(t);
                OK(rz_model_read(in_folder("m.h5"), tiny_kernels(-1), NULL, &p, &t, &err));
            }
        }
        rz_policy_destroy(p);
        rz_policy_destroy(due);
        rz_tokenizer_destroy(t);
        if (cases[i].jinja) unlink(in_folder("chat_template.jinja"));
        if (cases[i].generation) unlink(in_folder("generation_config.json"));
    }
}
END_TEST

START_TEST(other_files_are_refused)
{
    rz_policy *p;
    rz_tokenizer *t;
    put_text("tokenizer.json", words);
    put_text("short", "GG");
    put_text("lines", "\n  {\"model_type\":\"llama\"}");
    put_text("words", "What is {this}?");
    rz_policy_destroy(put_folder(0, (recipe){0}));
    ck_assert(!rz_model_read(in_folder("lines"), tiny_kernels(-1), NULL, &p, &t, &err));
    SAYS("is JSON, no model");
    ck_assert(!rz_model_read(in_folder("model.safetensors"), tiny_kernels(-1), NULL, &p, &t, &err));
    SAYS("give the folder it lies in");
    ck_assert(!rz_model_read(in_folder("words"), tiny_kernels(-1), NULL, &p, &t, &err));
    SAYS("is not a rulezero file");
    ck_assert(!rz_model_read(in_folder("tokenizer.json"), tiny_kernels(-1), NULL, &p, &t, &err));
    SAYS("is JSON, no model");
    ck_assert(!rz_model_read(in_folder("short"), tiny_kernels(-1), NULL, &p, &t, &err));
    SAYS("is not a rulezero file");
    ck_assert(!rz_model_read(in_folder("none"), tiny_kernels(-1), NULL, &p, &t, &err));
    ck_assert_int_eq(err.code, RZ_EIO);
    ck_assert(!p && !t);
}
END_TEST

/* JSON that would take gigabytes once parsed. */
START_TEST(json_bombs_are_refused)
{
    static const struct { const char *file; int deep, wide; const char *said; } cases[] = {
        {"config.json", 0, 1 << 20, "config.json"}, {"config.json", 40, 0, "nested more than 32 deep"}, {"config.json", 0, 1 << 17, "has more than 65536 values"},
        {"tokenizer_config.json", 2000, 0, "nested more than 32 deep"}, {"generation_config.json", 0, 1 << 21, "has more than 1048576 values"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rz_policy_destroy(put_folder(0, (recipe){0}));
        size_t deep = (size_t)cases[i].deep, wide = (size_t)cases[i].wide, n = 5;
        char *text = rz_malloc(2 * deep + 2 * wide + 32);
        memcpy(text, "{\"a\":", n);
        for (size_t k = 0; k < deep; k++) text[n++] = '[';
        text[n++] = '[';
        for (size_t k = 0; k < wide; k++) text[n++] = '0', text[n++] = ',';
        text[n++] = '0';
        for (size_t k = 0; k <= deep; k++) text[n++] = ']';
        text[n++] = '}';
        put(in_folder(cases[i].file), text, n);
        free(text);
        expect(cases[i].said);
        ck_assert_int_eq(unlink(in_folder(cases[i].file)), 0);
    }
}
END_TEST

/* The smallest GGUF file that has an architecture: its only tensor is the embedding. */
START_TEST(gguf_names_and_switches)
{
    static const struct { int parallel; const char *said; } cases[] = {
        {-1, "tensor \"blk.0.attn_norm.weight\", which its architecture asks for, is missing"},
        {0, "tensor \"blk.0.attn_norm.weight\", which its architecture asks for, is missing"}, {1, "key llama.use_parallel_residual must be false"}};
    static const struct { const char *key; uint32_t value; } sizes[] = {{"llama.embedding_length", 8}, {"llama.block_count", 2}, {"llama.feed_forward_length", 6},
        {"llama.attention.head_count", 2}, {"llama.context_length", 32}};
    const float zeros[V * 8] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rz_gguf_writer *w;
        rz_policy *p;
        OK(rz_gguf_create(&w, in_folder("m.gguf"), &err));
        rz_gguf_put_text(w, "general.architecture", "llama", 5);
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) rz_gguf_put_u32(w, sizes[k].key, sizes[k].value);
        rz_gguf_put_f32(w, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
        if (cases[i].parallel >= 0) rz_gguf_put_bool(w, "llama.use_parallel_residual", cases[i].parallel);
        rz_gguf_declare(w, "token_embd.weight", RZ_ENC_F32, 2, (const int64_t[]){V, 8});
        OK(rz_gguf_put(w, zeros, &err));
        OK(rz_gguf_commit(w, &err));
        rz_gguf_discard(w);
        ck_assert(!rz_model_read(in_folder("m.gguf"), tiny_kernels(-1), NULL, &p, NULL, &err));
        SAYS(cases[i].said);
    }
}
END_TEST

static void add(TCase *t)
{
    tcase_add_test(t, json_bombs_are_refused);
    tcase_add_test(t, gguf_names_and_switches);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, a_folder_is_read, 0, 9);
    tcase_add_loop_test(t, harmless_differences, 0, 3);
    tcase_add_loop_test(t, wrong_weights_are_refused, 0, sizeof wrong / sizeof wrong[0]);
    tcase_add_test(t, a_head_that_is_not_the_embedding);
    tcase_add_loop_test(t, wrong_files_are_refused, 0, sizeof files / sizeof files[0]);
    tcase_add_test(t, a_cut_file_is_refused);
    tcase_add_test(t, extras_are_kept);
    tcase_add_test(t, other_files_are_refused);
}

int main(void) { return tiny_main("model_files", add); }
