/* The tokenizer of a GGUF file: said as a tokenizer.json and read as one; and the way back. docs/tokenizers.md has the mapping. */
#include "data/tokenizer_gguf.h"
#include "data/tokenizer_parts.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As llama.cpp numbers them. */
enum { NORMAL = 1, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE };

#define BYTES "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":false}"
#define BYTES_GPT2 "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":true}"
#define SPLIT(regex) "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" regex "\"},\"behavior\":\"Isolated\",\"invert\":false}"
#define SEQUENCE(list) "{\"type\":\"Sequence\",\"pretokenizers\":[" list "]}"
#define NFC "{\"type\":\"NFC\"}"
#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
#define REST " ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"
#define LETTERS "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?"

/* tokenizer.ggml.pre; several names may mean the same, and the first is written. */
static const struct {
    const char *pre, *pre_tokenizer, *normalizer; /* JSON; NULL: none */
    bool ignore_merges, add_bos;                  /* add_bos: when the file does not say */
} rows[] = {
    {"gpt-2", BYTES_GPT2, NULL, false, false},
    {"smollm", SEQUENCE("{\"type\":\"Digits\",\"individual_digits\":true}," BYTES_GPT2), NULL, false, false},
    {"llama-bpe", SEQUENCE(SPLIT(CONTRACTIONS LETTERS "\\\\p{L}+|\\\\p{N}{1,3}|" REST) "," BYTES), NULL, true, true},
    {"qwen2", SEQUENCE(SPLIT(CONTRACTIONS LETTERS "\\\\p{L}+|\\\\p{N}|" REST) "," BYTES), NFC, false, false},
    {"tekken",
     SEQUENCE(SPLIT(LETTERS "[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+|" LETTERS
                    "[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*|\\\\p{N}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n/]*|"
                    "\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+") "," BYTES), NULL, true, true},
    {"default",
     SEQUENCE(SPLIT("[\\\\p{P}\\\\$\\\\+<=>\\\\^~\\\\|]+") ","
              SPLIT("'s|'t|'re|'ve|'m|'ll|'d| ?\\\\p{L}+| ?\\\\p{N}+| ?[^\\\\s\\\\p{L}\\\\p{N}]+|\\\\s+(?!\\\\S)") "," SPLIT("\\\\p{N}+") ","
              SPLIT("[0-9][0-9][0-9]") "," BYTES), NULL, false, false},
    {"llama3", SEQUENCE(SPLIT(CONTRACTIONS LETTERS "\\\\p{L}+|\\\\p{N}{1,3}|" REST) "," BYTES), NULL, true, true},
    {"llama-v3", SEQUENCE(SPLIT(CONTRACTIONS LETTERS "\\\\p{L}+|\\\\p{N}{1,3}|" REST) "," BYTES), NULL, true, true},
    {"deepseek-r1-qwen", SEQUENCE(SPLIT(CONTRACTIONS LETTERS "\\\\p{L}+|\\\\p{N}|" REST) "," BYTES), NFC, false, false},
    {"phi-2", BYTES_GPT2, NULL, false, false},
    {"olmo", BYTES_GPT2, NULL, false, false},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

/* ---- in ---- */

/* The row of this file's pre-tokenizer, or −1. */
static int find_row(const rz_gguf *g, rz_err *err)
{
    const char *name = rz_gguf_name(g), *text;
    char known[512] = "";
    size_t len;
    if (!rz_gguf_text(g, "tokenizer.ggml.model", &text, &len)) {
        rz_fail(err, RZ_EDATA, "%s: it holds no tokenizer (there is no text tokenizer.ggml.model)", name);
        return -1;
    }
    if (len != 4 || memcmp(text, "gpt2", 4) != 0) {
        rz_fail(err, RZ_EDATA, "%s: tokenizer.ggml.model is %.*s; only gpt2 (byte pairs) is supported: use the model's Hugging Face folder", name,
                len > 60 ? 60 : (int)len, text);
        return -1;
    }
    for (int i = 0; i < N_ROWS; i++) snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", rows[i].pre);
    if (!rz_gguf_text(g, "tokenizer.ggml.pre", &text, &len)) {
        rz_fail(err, RZ_EDATA, "%s: tokenizer.ggml.pre is missing, so how texts are cut is unknown; convert the model anew. Supported are %s", name, known);
        return -1;
    }
    for (int i = 0; i < N_ROWS; i++) {
        if (strlen(rows[i].pre) == len && memcmp(rows[i].pre, text, len) == 0) return i;
    }
    rz_fail(err, RZ_EDATA, "%s: tokenizer.ggml.pre is %.*s; supported are %s", name, len > 60 ? 60 : (int)len, text, known);
    return -1;
}

/* A list of texts with its key; every text is valid UTF-8 without a NUL, or RZ_EDATA. */
static int64_t count_texts(const rz_gguf *g, const char *key, rz_err *err)
{
    rz_gguf_type type;
    int64_t n = rz_gguf_array(g, key, &type);
    if (n > 0 && n <= RZ_TOKEN_MAX_ID && type == RZ_GGUF_STRING) return n;
    rz_fail(err, RZ_EDATA, "%s: %s must be a list of 1 to %d texts", rz_gguf_name(g), key, RZ_TOKEN_MAX_ID);
    return -1;
}

static json_t *text_at(const rz_gguf *g, const char *key, int64_t i, rz_err *err)
{
    const char *text = NULL;
    size_t len = 0;
    json_t *value = rz_gguf_array_text(g, key, i, &text, &len) && !memchr(text, 0, len) ? json_stringn(text, len) : NULL;
    if (!value) rz_fail(err, RZ_EDATA, "%s: %s[%" PRId64 "] is not valid UTF-8 text", rz_gguf_name(g), key, i);
    return value;
}

static json_t *added_token(json_int_t id, json_t *content, bool special)
{
    return json_pack("{s:I,s:O,s:b,s:b,s:b,s:b,s:b}", "id", id, "content", content, "single_word", 0, "lstrip", 0, "rstrip", 0, "normalized", 0, "special",
                     special);
}

/* Tokens by type: those that are unused stay out, control and user-defined ones are looked for in texts. */
static bool add_tokens(const rz_gguf *g, json_t *vocab, json_t *added, rz_err *err)
{
    static const char tokens[] = "tokenizer.ggml.tokens", types[] = "tokenizer.ggml.token_type";
    const int64_t n = count_texts(g, tokens, err), n_types = rz_gguf_array(g, types, &(rz_gguf_type){0});
    if (n < 0) return false;
    if (n_types >= 0 && n_types != n) {
        return rz_fail(err, RZ_EDATA, "%s: %s has %" PRId64 " entries, %s %" PRId64 "; they must be as many", rz_gguf_name(g), types, n_types, tokens, n);
    }
    for (int64_t i = 0; i < n; i++) {
        double type = NORMAL;
        if (n_types >= 0 && !rz_gguf_array_f64(g, types, i, &type)) return rz_fail(err, RZ_EDATA, "%s: %s must be numbers", rz_gguf_name(g), types);
        if (type == UNUSED) continue;
        json_t *text = text_at(g, tokens, i, err);
        if (!text) return false;
        const char *s = json_string_value(text);
        bool twice = json_object_get(vocab, s) != NULL, wanted = type == CONTROL || type == USER_DEFINED;
        if (twice) rz_fail(err, RZ_EDATA, "%s: %s[%" PRId64 "] \"%.100s\" was there before", rz_gguf_name(g), tokens, i, s);
        else {
            json_object_set_new(vocab, s, json_integer(i));
            if (wanted && *s) json_array_append_new(added, added_token(i, text, type == CONTROL));
        }
        json_decref(text);
        if (twice) return false;
    }
    return true;
}

static bool add_merges(const rz_gguf *g, json_t *merges, rz_err *err)
{
    static const char key[] = "tokenizer.ggml.merges";
    const int64_t n = count_texts(g, key, err);
    for (int64_t i = 0; i < n; i++) {
        json_t *text = text_at(g, key, i, err);
        if (!text) return false;
        json_array_append_new(merges, text);
    }
    return n >= 0;
}

/* The token whose id a key holds; NULL when there is no such key. Caller frees. */
static bool token_of(const rz_gguf *g, const char *key, char **token, rz_err *err)
{
    int64_t id;
    const char *text;
    size_t len;
    *token = NULL;
    if (!rz_gguf_i64(g, key, &id)) return true;
    if (!rz_gguf_array_text(g, "tokenizer.ggml.tokens", id, &text, &len)) {
        return rz_fail(err, RZ_EDATA, "%s: %s is %" PRId64 ", which is no token", rz_gguf_name(g), key, id);
    }
    *token = rz_strndup(text, len);
    return true;
}

static bool add_extras(const rz_gguf *g, rz_token_extras *e, rz_err *err)
{
    static const char *const ends[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"};
    const char *text;
    size_t len;
    if (!token_of(g, "tokenizer.ggml.bos_token_id", &e->bos_token, err) || !token_of(g, ends[0], &e->eos_token, err)) return false;
    for (int i = 0; i < 3; i++) {
        char *token;
        int64_t id;
        bool seen = false;
        if (!token_of(g, ends[i], &token, err)) return false;
        free(token);
        if (!rz_gguf_i64(g, ends[i], &id)) continue;
        for (int j = 0; j < e->n_eos; j++) seen = seen || e->eos[j] == id;
        if (!seen) e->eos[e->n_eos++] = (int32_t)id;
    }
    if (!rz_gguf_text(g, "tokenizer.chat_template", &text, &len)) return true;
    if (memchr(text, 0, len)) return rz_fail(err, RZ_EDATA, "%s: tokenizer.chat_template holds a NUL", rz_gguf_name(g));
    e->chat_template = rz_strndup(text, len);
    return true;
}

/* "bos" before every text, as tokenizer.json says it. */
static json_t *template(const rz_gguf *g, const char *bos)
{
    int64_t id = 0;
    rz_gguf_i64(g, "tokenizer.ggml.bos_token_id", &id);
    return json_pack("{s:s,s:[{s:{s:s,s:i}},{s:{s:s,s:i}}],s:[],s:{s:{s:s,s:[I],s:[s]}}}", "type", "TemplateProcessing", "single", "SpecialToken", "id", bos,
                     "type_id", 0, "Sequence", "id", "A", "type_id", 0, "pair", "special_tokens", bos, "id", bos, "ids", (json_int_t)id, "tokens", bos);
}

static json_t *parsed(const char *json) { return json ? json_loads(json, 0, NULL) : json_null(); }

/* Everything but vocabulary, merges and added tokens, which are filled in. */
static json_t *frame(const rz_gguf *g, int row, const char *bos, json_t *vocab, json_t *merges, json_t *added)
{
    char *unknown = NULL;
    rz_err ignored;
    token_of(g, "tokenizer.ggml.unknown_token_id", &unknown, &ignored);
    json_t *model = json_pack("{s:s,s:n,s:o,s:n,s:n,s:b,s:b,s:b,s:O,s:O}", "type", "BPE", "dropout", "unk_token", unknown ? json_string(unknown) : json_null(),
                              "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0, "byte_fallback", 0, "ignore_merges", rows[row].ignore_merges,
                              "vocab", vocab, "merges", merges);
    free(unknown);
    return json_pack("{s:s,s:n,s:n,s:O,s:o,s:o,s:o,s:o,s:o}", "version", "1.0", "truncation", "padding", "added_tokens", added, "normalizer",
                     parsed(rows[row].normalizer), "pre_tokenizer", parsed(rows[row].pre_tokenizer), "post_processor", bos ? template(g, bos) : parsed(BYTES),
                     "decoder", parsed(BYTES), "model", model);
}

bool rz_tokenizer_from_gguf(rz_tokenizer **out, const rz_gguf *g, rz_err *err)
{
    *out = NULL;
    int row = find_row(g, err);
    if (row < 0) return false;
    json_t *vocab = json_object(), *merges = json_array(), *added = json_array(), *root = NULL;
    rz_token_extras e = {.add_bos = rows[row].add_bos};
    rz_gguf_bool(g, "tokenizer.ggml.add_bos_token", &e.add_bos);
    bool ok = add_tokens(g, vocab, added, err) && add_merges(g, merges, err) && add_extras(g, &e, err);
    if (ok) root = frame(g, row, e.add_bos ? e.bos_token : NULL, vocab, merges, added);
    json_decref(vocab);
    json_decref(merges);
    json_decref(added);
    char *json = root ? json_dumps(root, JSON_COMPACT) : NULL;
    if (ok && !json) ok = rz_fail(err, RZ_EDATA, "%s: its special tokens are not valid UTF-8", rz_gguf_name(g));
    json_decref(root);
    ok = ok && rz_tokenizer_parse(out, rz_gguf_name(g), json, strlen(json), err);
    free(json);
    if (ok) (*out)->extras = e;
    else {
        free(e.chat_template);
        free(e.bos_token);
        free(e.eos_token);
    }
    return ok;
}

/* ---- out ---- */

/* Without what changes no id, and with what may be left out said. */
static void canonical(json_t *step)
{
    json_t *inner;
    size_t i;
    const char *type = json_string_value(json_object_get(step, "type"));
    json_object_del(step, "trim_offsets");
    if (type && strcmp(type, "Split") == 0 && !json_object_get(step, "invert")) json_object_set_new(step, "invert", json_false());
    if (type && strcmp(type, "ByteLevel") == 0 && !json_object_get(step, "use_regex")) json_object_set_new(step, "use_regex", json_true());
    json_array_foreach(json_object_get(step, "pretokenizers"), i, inner) canonical(inner);
}

static const char *pre_of(json_t *root)
{
    json_t *ours = json_object_get(root, "pre_tokenizer");
    canonical(ours);
    for (int i = 0; i < N_ROWS; i++) {
        json_t *row = parsed(rows[i].pre_tokenizer);
        canonical(row);
        bool same = json_equal(row, ours);
        json_decref(row);
        if (same) return rows[i].pre;
    }
    return NULL;
}

/* "a b" of every merge, best first. Caller frees all. */
static void put_merges(const rz_tokenizer *t, rz_gguf_writer *w)
{
    const rz_merges *m = &t->merges;
    const size_t n = (size_t)m->n;
    char **texts = rz_calloc(n + 1, sizeof *texts);
    size_t *lens = rz_calloc(n + 1, sizeof *lens), kept = 0;
    for (size_t i = 0; i < m->n_slots; i++) {
        if (m->slots[i].rank < 0) continue;
        const char *a = t->tokens[m->slots[i].pair >> 32], *b = t->tokens[(uint32_t)m->slots[i].pair];
        texts[m->slots[i].rank] = rz_asprintf("%s %s", a, b);
    }
    for (size_t i = 0; i < n; i++) { /* a merge that was there twice has left a hole */
        if (!texts[i]) continue;
        texts[kept] = texts[i];
        lens[kept] = strlen(texts[i]);
        kept++;
    }
    rz_gguf_put_texts(w, "tokenizer.ggml.merges", (const char *const *)texts, lens, (int64_t)kept);
    for (size_t i = 0; i < kept; i++) free(texts[i]);
    free(texts);
    free(lens);
}

static void put_tokens(const rz_tokenizer *t, rz_gguf_writer *w, int n)
{
    char **texts = rz_calloc((size_t)n, sizeof *texts);
    size_t *lens = rz_calloc((size_t)n, sizeof *lens);
    int32_t *types = rz_calloc((size_t)n, sizeof *types);
    for (int i = 0; i < n; i++) {
        const char *token = rz_tokenizer_token(t, i);
        texts[i] = token ? rz_strdup(token) : rz_asprintf("[PAD%d]", i);
        lens[i] = strlen(texts[i]);
        types[i] = token ? NORMAL : UNUSED;
    }
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < t->added[k].n; i++) types[t->added[k].items[i].id] = t->special[t->added[k].items[i].id] ? CONTROL : USER_DEFINED;
    }
    rz_gguf_put_texts(w, "tokenizer.ggml.tokens", (const char *const *)texts, lens, n);
    rz_gguf_put_i32s(w, "tokenizer.ggml.token_type", types, n);
    for (int i = 0; i < n; i++) free(texts[i]);
    free(texts);
    free(lens);
    free(types);
}

static void put_id(const rz_tokenizer *t, rz_gguf_writer *w, const char *key, const char *token)
{
    int id = token ? rz_tokenizer_id(t, token) : -1;
    if (id >= 0) rz_gguf_put_u32(w, key, (uint32_t)id);
}

bool rz_tokenizer_put_gguf(const rz_tokenizer *t, rz_gguf_writer *w, int n_rows, rz_err *err)
{
    static const char remedy[] = "GGUF holds byte-level BPE tokenizers whose pre-tokenizer llama.cpp knows; convert to a Hugging Face folder instead";
    const rz_token_extras *e = &t->extras;
    json_t *root = json_loads(t->json, 0, NULL);
    if (!root) return rz_fail(err, RZ_EDATA, "%s: not valid JSON", t->name);
    const char *pre = t->bpe && t->byte_level ? pre_of(root) : NULL;
    json_decref(root);
    if (!pre) return rz_fail(err, RZ_EDATA, "%s: its pre_tokenizer has no name in GGUF: %s", t->name, remedy);
    rz_gguf_put_text(w, "tokenizer.ggml.model", "gpt2", 4);
    rz_gguf_put_text(w, "tokenizer.ggml.pre", pre, strlen(pre));
    put_tokens(t, w, n_rows > t->size ? n_rows : t->size);
    put_merges(t, w);
    put_id(t, w, "tokenizer.ggml.bos_token_id", e->bos_token);
    if (e->eos_token && rz_tokenizer_id(t, e->eos_token) >= 0) put_id(t, w, "tokenizer.ggml.eos_token_id", e->eos_token);
    else if (e->n_eos > 0) rz_gguf_put_u32(w, "tokenizer.ggml.eos_token_id", (uint32_t)e->eos[0]);
    if (t->unknown >= 0) rz_gguf_put_u32(w, "tokenizer.ggml.unknown_token_id", (uint32_t)t->unknown);
    rz_gguf_put_bool(w, "tokenizer.ggml.add_bos_token", e->add_bos);
    rz_gguf_put_bool(w, "tokenizer.ggml.add_space_prefix", false);
    if (e->chat_template) rz_gguf_put_text(w, "tokenizer.chat_template", e->chat_template, strlen(e->chat_template));
    return true;
}
