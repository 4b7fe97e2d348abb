/* tokenizer: what Hugging Face's own library makes of texts with many kinds of tokenizer.json (golden/data/make_bpe.py), streaming, long words, GGUF. */
#include "base/file.h"
#include "base/text.h"
#include "data/tokenizer_gguf.h"
#include "tests/suite.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static rz_err err;
static rz_arena arena;
static json_t *bases, *kinds; /* by name; a kind: {"json": text of its tokenizer.json, "cases": [...]} */

static void setup(void)
{
    rz_lines *lines;
    char *line;
    size_t len;
    json_t *kind = NULL;
    ck_assert(rz_arena_init(&arena, (size_t)1 << 32, &err));
    bases = json_object();
    kinds = json_object();
    ck_assert_msg(rz_lines_open(&lines, "tests/golden/data/bpe.jsonl", 1 << 20, &err), "%s", err.text);
    while (rz_lines_next(lines, &line, &len, &err)) {
        json_t *row = json_loadb(line, len, 0, NULL);
        const char *base = json_string_value(json_object_get(row, "base")), *name = json_string_value(json_object_get(row, "tokenizer"));
        if (name) {
            json_t *root = json_object_get(row, "json"), *model = json_copy(json_object_get(bases, base));
            json_object_update(model, json_object_get(row, "model"));
            json_object_set_new(root, "model", model);
            char *text = json_dumps(root, JSON_COMPACT);
            kind = json_pack("{s:s}", "json", text);
            free(text);
            json_object_set_new(kind, "cases", json_array());
            json_object_set_new(kinds, name, kind);
        } else if (base) json_object_set(bases, base, json_object_get(row, "model"));
        else json_array_append(json_object_get(kind, "cases"), row);
        json_decref(row);
    }
    ck_assert_int_eq(err.code, RZ_OK);
    rz_lines_close(lines);
}

static void teardown(void)
{
    json_decref(bases);
    json_decref(kinds);
    rz_arena_finish(&arena);
}

static rz_tokenizer *parse(const char *name, const char *json)
{
    rz_tokenizer *t;
    ck_assert_msg(rz_tokenizer_parse(&t, name, json, strlen(json), &err), "%s", err.text);
    return t;
}

static rz_tokenizer *make(const char *name) { return parse(name, json_string_value(json_object_get(json_object_get(kinds, name), "json"))); }

static void check_ids(const char *name, json_t *c, const char *key, const int32_t *ids, int n)
{
    const json_t *wanted = json_object_get(c, key);
    bool same = n == (int)json_array_size(wanted);
    for (int i = 0; same && i < n; i++) same = ids[i] == json_integer_value(json_array_get(wanted, (size_t)i));
    if (same) return;
    char *ours = rz_arena_alloc(&arena, 12 * (size_t)n + 1, 1), *at = ours;
    for (int i = 0; i < n; i++) at += sprintf(at, " %d", ids[i]);
    ck_abort_msg("%s: %s: %s is not%.*s", name, json_dumps(c, JSON_ENSURE_ASCII), key, (int)(at - ours), ours);
}

/* A whole decode, and the same id by id: whole characters each time, nothing that is taken back. */
static void check_text(const char *name, const rz_tokenizer *t, json_t *c, bool keep, const int32_t *ids, int n)
{
    const json_t *wanted = json_object_get(c, keep || !json_object_get(c, "decoded") ? "decoded_special" : "decoded");
    size_t len, at = 0, part;
    if (!wanted) return; /* the original gave up on it */
    char *ours = rz_tokenizer_decode(t, ids, n, keep, &arena, &len);
    ck_assert_msg(len == json_string_length(wanted) && memcmp(ours, json_string_value(wanted), len) == 0, "%s: %s: decoded to '%s'", name,
                  json_dumps(c, JSON_ENSURE_ASCII), ours);
    rz_detokenizer *d = rz_detokenizer_create(t, keep);
    for (int round = 0; round < 2; round++) { /* it serves several texts */
        at = 0;
        for (int i = 0; i <= n; i++) {
            const char *more = i < n ? rz_detokenizer_push(d, ids[i], &part) : rz_detokenizer_finish(d, &part);
            ck_assert_uint_eq(rz_utf8_valid(more, part), part);
            ck_assert_uint_le(at + part, len);
            ck_assert(memcmp(ours + at, more, part) == 0);
            at += part;
        }
        ck_assert_uint_eq(at, len);
    }
    rz_detokenizer_destroy(d);
}

static void check_encoded(const char *name, const rz_tokenizer *t, json_t *c)
{
    const json_t *text = json_object_get(c, "text");
    const int32_t *before, *after;
    int32_t *ids, *plain, all[4096];
    int n, n_plain, n_before, n_after;
    ck_assert_msg(rz_tokenizer_encode(t, json_string_value(text), json_string_length(text), &arena, &ids, &n, &err), "%s: %s", name, err.text);
    check_ids(name, c, "ids", ids, n);
    ck_assert_msg(rz_tokenizer_encode_plain(t, json_string_value(text), json_string_length(text), &arena, &plain, &n_plain, &err), "%s: %s", name, err.text);
    if (json_object_get(c, "plain")) check_ids(name, c, "plain", plain, n_plain);
    for (int i = 0; i < n_plain; i++) ck_assert_msg(!rz_tokenizer_is_special(t, plain[i]), "%s: %s: special in plain", name, json_dumps(c, 0));
    if (!json_object_get(c, "special")) return;
    rz_tokenizer_template(t, &before, &n_before, &after, &n_after);
    for (int i = 0; i < n_before; i++) all[i] = before[i];
    for (int i = 0; i < n; i++) all[n_before + i] = ids[i];
    for (int i = 0; i < n_after; i++) all[n_before + n + i] = after[i];
    check_ids(name, c, "special", all, n_before + n + n_after);
}

START_TEST(agrees_with_the_original)
{
    const char *name;
    json_t *kind, *c;
    size_t i, n = 0;
    json_object_foreach(kinds, name, kind) {
        rz_tokenizer *t = make(name);
        json_array_foreach(json_object_get(kind, "cases"), i, c) {
            int32_t ids[4096];
            int n_ids = (int)json_array_size(json_object_get(c, "ids"));
            for (int k = 0; k < n_ids; k++) ids[k] = (int32_t)json_integer_value(json_array_get(json_object_get(c, "ids"), (size_t)k));
            if (json_object_get(c, "text")) check_encoded(name, t, c);
            check_text(name, t, c, false, ids, n_ids);
            check_text(name, t, c, true, ids, n_ids);
            n++;
        }
        rz_tokenizer_destroy(t);
    }
    ck_assert_uint_gt(n, 500);
}
END_TEST

static void check_plain(const rz_tokenizer *t, const char *text, bool plain, int n_wanted, const int32_t *wanted)
{
    int32_t *ids;
    int n;
    ck_assert((plain ? rz_tokenizer_encode_plain : rz_tokenizer_encode)(t, text, strlen(text), &arena, &ids, &n, &err));
    ck_assert_msg(n == n_wanted, "%s: %d ids", text, n);
    for (int i = 0; i < n; i++) ck_assert_msg(ids[i] == wanted[i], "%s: ids[%d] is %d", text, i, ids[i]);
}

/* A special token that merges lead to, or that is a single character, does not come of data: whichever way a word was met first, whole or on the way to
 * something longer, in short words and long ones. */
#define FLAGS ", \"special\": true, \"single_word\": true, \"lstrip\": false, \"rstrip\": false, \"normalized\": false"
START_TEST(merges_to_special_tokens)
{
    static const char json[] = "{\"added_tokens\": [{\"id\": 3, \"content\": \"ab\"" FLAGS "}, {\"id\": 5, \"content\": \"s\"" FLAGS "}],"
        "\"model\": {\"type\": \"BPE\", \"unk_token\": \"u\", \"vocab\": {\"a\": 0, \"b\": 1, \"c\": 2, \"ab\": 3, \"abc\": 4, \"s\": 5, \"u\": 6, \"bc\": 7},"
        "\"merges\": [\"a b\", \"ab c\", \"b c\"]}}";
    for (int first = 0; first < 2; first++) {
        rz_tokenizer *t = parse("special", json);
        for (int i = first; i < first + 4; i++) {
            const bool plain = i & 1;
            if (plain) {
                check_plain(t, "ab", true, 2, (const int32_t[]){0, 1});
                check_plain(t, "abc", true, 2, (const int32_t[]){0, 7});
                check_plain(t, "abab", true, 4, (const int32_t[]){0, 1, 0, 1});
                check_plain(t, "cs", true, 2, (const int32_t[]){2, 6});
            } else {
                check_plain(t, "ab", false, 1, (const int32_t[]){3});
                check_plain(t, "abc", false, 1, (const int32_t[]){4}); /* no word of its own: not recognised, but merged */
                check_plain(t, "abab", false, 2, (const int32_t[]){3, 3});
                check_plain(t, "cs", false, 2, (const int32_t[]){2, 5});
            }
        }
        char word[65] = {0};
        int32_t wanted[64];
        for (int i = 0; i < 64; i++) word[i] = "ab"[i & 1], wanted[i] = i & 1;
        check_plain(t, word, true, 64, wanted);
        rz_tokenizer_destroy(t);
    }
}
END_TEST

/* An independent merge: always the best pair, the leftmost of equals, found by looking at all. Only for what the small vocabulary spells. */
START_TEST(long_words)
{
    rz_tokenizer *t = make("dropped");
    enum { LONG = 1 << 20, N = 3000 };
    static char word[LONG];
    int32_t *ids, *again;
    int n, n_again;
    size_t len;
    for (int i = 0; i < LONG; i++) word[i] = "aaabe"[(i * 7 + i / 5) % 5];
    double start = rz_now_s();
    ck_assert_msg(rz_tokenizer_encode(t, word, LONG, &arena, &ids, &n, &err), "%s", err.text);
    ck_assert_msg(rz_now_s() - start < 60, "a word of a million characters takes %.0f s", rz_now_s() - start); /* with the square it would be hours */
    char *text = rz_tokenizer_decode(t, ids, n, true, &arena, &len);
    ck_assert_uint_eq(len, LONG);
    ck_assert(memcmp(text, word, LONG) == 0);
    ck_assert(rz_tokenizer_encode(t, word, N, &arena, &ids, &n, &err));
    json_t *merges = json_object_get(json_object_get(bases, "some bytes"), "merges");
    char **parts = RZ_NEW(&arena, N, char *);
    int n_parts = N;
    for (int i = 0; i < N; i++) parts[i] = rz_arena_strndup(&arena, word + i, 1);
    for (size_t m = 0; m < json_array_size(merges); m++) { /* merges are in order, and one never makes a better one possible */
        const char *a = json_string_value(json_array_get(json_array_get(merges, m), 0)), *b = json_string_value(json_array_get(json_array_get(merges, m), 1));
        int kept = 0;
        for (int i = 0; i < n_parts; i++) {
            if (i + 1 < n_parts && strcmp(parts[i], a) == 0 && strcmp(parts[i + 1], b) == 0) {
                char *both = rz_arena_alloc(&arena, strlen(a) + strlen(b) + 1, 1);
                strcat(strcpy(both, a), b);
                parts[kept++] = both;
                i++;
            } else parts[kept++] = parts[i];
        }
        n_parts = kept;
    }
    ck_assert_int_eq(n, n_parts);
    for (int i = 0; i < n; i++) ck_assert_str_eq(rz_tokenizer_token(t, ids[i]), parts[i]);
    for (int i = 0; i < 200; i++) { /* short words and long ones, remembered and not */
        ck_assert(rz_tokenizer_encode(t, word + i, (size_t)i % 70, &arena, &ids, &n, &err));
        ck_assert(rz_tokenizer_encode(t, word + i, (size_t)i % 70, &arena, &again, &n_again, &err));
        ck_assert_int_eq(n, n_again);
        ck_assert(memcmp(ids, again, (size_t)n * sizeof *ids) == 0);
    }
    rz_tokenizer_destroy(t);
}
END_TEST

/* A million marks out of order, a million spaces, a long text of one added token: no square anywhere. */
START_TEST(long_texts)
{
    enum { LONG = 1 << 20 };
    static char text[LONG];
    int32_t *ids;
    int n;
    rz_tokenizer *t = make("nfd"), *flags = make("flags"), *llama = make("llama3");
    for (int i = 0; i + 1 < LONG; i += 2) memcpy(text + i, i / 2 % 2 ? "\u0327" : "\u0301", 2);
    double start = rz_now_s();
    ck_assert_msg(rz_tokenizer_encode(t, text, LONG, &arena, &ids, &n, &err), "%s", err.text);
    memset(text, ' ', LONG);
    ck_assert_msg(rz_tokenizer_encode(llama, text, LONG, &arena, &ids, &n, &err), "%s", err.text);
    ck_assert_msg(rz_tokenizer_encode(flags, text, LONG, &arena, &ids, &n, &err), "%s", err.text);
    for (int i = 0; i + 4 <= LONG; i += 4) memcpy(text + i, "<lr>", 4);
    ck_assert_msg(rz_tokenizer_encode(flags, text, LONG, &arena, &ids, &n, &err), "%s", err.text);
    ck_assert_int_eq(n, LONG / 4);
    ck_assert_msg(rz_now_s() - start < 60, "%.0f s", rz_now_s() - start);
    rz_tokenizer_destroy(t);
    rz_tokenizer_destroy(flags);
    rz_tokenizer_destroy(llama);
}
END_TEST

static void *encode_often(void *tokenizer)
{
    rz_arena own;
    rz_err why;
    intptr_t sum = 0;
    ck_assert(rz_arena_init(&own, (size_t)1 << 28, &why));
    for (int i = 0; i < 300; i++) {
        char text[64];
        int32_t *ids;
        int n, len = snprintf(text, sizeof text, "number %d of the threads \u4e2d", i % 50);
        ck_assert(rz_tokenizer_encode(tokenizer, text, (size_t)len, &own, &ids, &n, &why));
        for (int k = 0; k < n; k++) sum = sum * 31 % 1000003 + ids[k];
    }
    rz_arena_finish(&own);
    return (void *)sum;
}

START_TEST(threads_share_one)
{
    rz_tokenizer *t = make("llama3");
    pthread_t threads[4];
    void *alone = encode_often(t), *sum;
    for (int i = 0; i < 4; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, encode_often, t), 0);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], &sum), 0);
        ck_assert_ptr_eq(sum, alone);
    }
    rz_tokenizer_destroy(t);
}
END_TEST

/* ---- GGUF ---- */

static rz_tokenizer *from_gguf(const char *path)
{
    rz_tokenizer *t;
    ck_assert_msg(rz_tokenizer_open(&t, path, &err), "%s", err.text);
    return t;
}

/* Another program's file: the same vocabulary as "smollm", with two of its added tokens. */
START_TEST(gguf_of_another_program)
{
    rz_tokenizer *t = from_gguf("tests/golden/data/bpe.gguf"), *same = make("smollm");
    const rz_token_extras *e = rz_tokenizer_get_extras(t);
    const int32_t *before, *after;
    int n_before, n_after, n_vocab = (int)json_object_size(json_object_get(json_object_get(bases, "bytes"), "vocab"));
    json_t *c;
    size_t i;
    ck_assert_int_eq(rz_tokenizer_size(t), n_vocab + 2);
    ck_assert_str_eq(e->bos_token, "<|end|>");
    ck_assert_str_eq(e->eos_token, "<|end|>");
    ck_assert_str_eq(e->chat_template, "{{ messages }}");
    ck_assert(e->add_bos && e->n_eos == 1 && e->eos[0] == n_vocab);
    ck_assert(rz_tokenizer_is_special(t, n_vocab) && !rz_tokenizer_is_special(t, n_vocab + 1));
    rz_tokenizer_template(t, &before, &n_before, &after, &n_after);
    ck_assert(n_before == 1 && before[0] == n_vocab && n_after == 0);
    json_array_foreach(json_object_get(json_object_get(kinds, "smollm"), "cases"), i, c) {
        const char *text = json_string_value(json_object_get(c, "text"));
        if (text && !strstr(text, "<")) check_encoded("gguf", t, c);
    }
    rz_tokenizer_destroy(t);
    rz_tokenizer_destroy(same);
}
END_TEST

static void write_gguf(const rz_tokenizer *t, const char *path, int rows)
{
    rz_gguf_writer *w;
    ck_assert_msg(rz_gguf_create(&w, path, &err), "%s", err.text);
    ck_assert_msg(rz_tokenizer_put_gguf(t, w, rows, &err), "%s", err.text);
    ck_assert_msg(rz_gguf_commit(w, &err), "%s", err.text);
    rz_gguf_discard(w);
}

START_TEST(gguf_and_back)
{
    static const char *const names[] = {"smollm", "llama3", "qwen2", "tekken"}, *const pres[] = {"smollm", "llama-bpe", "qwen2", "tekken"};
    char path[] = "/tmp/rulezero-gguf-XXXXXX";
    ck_assert_int_ge(close(mkstemp(path)), 0);
    for (int k = 0; k < 4; k++) {
        rz_tokenizer *t = make(names[k]), *back;
        rz_token_extras *e = rz_tokenizer_extras(t);
        json_t *c;
        size_t i, len;
        rz_gguf *g;
        const char *pre;
        e->bos_token = rz_strdup("<|end|>");
        e->eos_token = rz_strdup("<|end|>");
        e->chat_template = rz_strdup("{%- x %}");
        write_gguf(t, path, rz_tokenizer_size(t) + 3);
        ck_assert(rz_gguf_open(&g, path, &err));
        ck_assert(rz_gguf_text(g, "tokenizer.ggml.pre", &pre, &len) && len == strlen(pres[k]) && memcmp(pre, pres[k], len) == 0);
        ck_assert_int_eq(rz_gguf_array(g, "tokenizer.ggml.tokens", &(rz_gguf_type){0}), rz_tokenizer_size(t) + 3);
        rz_gguf_close(g);
        back = from_gguf(path);
        ck_assert_int_eq(rz_tokenizer_size(back), rz_tokenizer_size(t));
        ck_assert_str_eq(rz_tokenizer_get_extras(back)->chat_template, "{%- x %}");
        ck_assert(!rz_tokenizer_get_extras(back)->add_bos);
        json_array_foreach(json_object_get(json_object_get(kinds, names[k]), "cases"), i, c) {
            json_object_del(c, "special"); /* GGUF has bos alone, which is off here */
            if (json_object_get(c, "text")) check_encoded(names[k], back, c);
        }
        rz_tokenizer_destroy(back);
        rz_tokenizer_destroy(t);
    }
    rz_gguf_writer *w;
    rz_tokenizer *t = make("nfd");
    ck_assert(rz_gguf_create(&w, path, &err));
    ck_assert(!rz_tokenizer_put_gguf(t, w, 0, &err));
    ck_assert_msg(strstr(err.text, "nfd: its pre_tokenizer has no name in GGUF"), "%s", err.text);
    rz_gguf_discard(w);
    rz_tokenizer_destroy(t);
    unlink(path);
}
END_TEST

/* What is put in, and what the message must say. */
static void put(rz_gguf_writer *w, const char *model, const char *pre, int n_types, const char *second, const char *merge)
{
    const char *tokens[] = {"a", second, "ab"};
    const size_t lens[] = {1, strlen(second), 2}, merge_len = strlen(merge);
    const int32_t types[] = {1, 3, 1, 1};
    if (model) rz_gguf_put_text(w, "tokenizer.ggml.model", model, strlen(model));
    if (pre) rz_gguf_put_text(w, "tokenizer.ggml.pre", pre, strlen(pre));
    rz_gguf_put_texts(w, "tokenizer.ggml.tokens", tokens, lens, 3);
    if (n_types) rz_gguf_put_i32s(w, "tokenizer.ggml.token_type", types, n_types);
    rz_gguf_put_texts(w, "tokenizer.ggml.merges", &merge, &merge_len, 1);
}

static const struct { const char *model, *pre; int n_types; const char *second, *merge; int eos; const char *says; } broken[] = {
    {NULL, "gpt-2", 3, "b", "a b", 0, "it holds no tokenizer"},
    {"llama", "gpt-2", 3, "b", "a b", 0, "tokenizer.ggml.model is llama"},
    {"gpt2", NULL, 3, "b", "a b", 0, "tokenizer.ggml.pre is missing"},
    {"gpt2", "gpt-9", 3, "b", "a b", 0, "tokenizer.ggml.pre is gpt-9; supported are gpt-2, smollm"},
    {"gpt2", "gpt-2", 4, "b", "a b", 0, "token_type has 4 entries"},
    {"gpt2", "gpt-2", 3, "a", "a b", 0, "tokens[1] \"a\" was there before"},
    {"gpt2", "gpt-2", 3, "\xff", "a b", 0, "tokens[1] is not valid UTF-8"},
    {"gpt2", "gpt-2", 3, "b", "a c", 0, "model.merges[0] has \"c\""},
    {"gpt2", "gpt-2", 3, "b", "a b", 3, "eos_token_id is 3, which is no token"},
};

START_TEST(gguf_refused)
{
    char path[] = "/tmp/rulezero-gguf-XXXXXX";
    rz_gguf_writer *w;
    rz_tokenizer *t;
    ck_assert_int_ge(close(mkstemp(path)), 0);
    ck_assert(rz_gguf_create(&w, path, &err));
    put(w, broken[_i].model, broken[_i].pre, broken[_i].n_types, broken[_i].second, broken[_i].merge);
    rz_gguf_put_u32(w, "tokenizer.ggml.eos_token_id", (uint32_t)broken[_i].eos);
    ck_assert_msg(rz_gguf_commit(w, &err), "%s", err.text);
    rz_gguf_discard(w);
    ck_assert(!rz_tokenizer_open(&t, path, &err));
    ck_assert_int_eq(err.code, RZ_EDATA);
    ck_assert_msg(strstr(err.text, broken[_i].says), "'%s' does not say '%s'", err.text, broken[_i].says);
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tokenizer_bpe");
    TCase *tests = tcase_create("tokenizer_bpe");
    tcase_set_timeout(tests, 240);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, agrees_with_the_original);
    tcase_add_test(tests, merges_to_special_tokens);
    tcase_add_test(tests, long_words);
    tcase_add_test(tests, long_texts);
    tcase_add_test(tests, threads_share_one);
    tcase_add_test(tests, gguf_of_another_program);
    tcase_add_test(tests, gguf_and_back);
    tcase_add_loop_test(tests, gguf_refused, 0, sizeof broken / sizeof *broken);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
