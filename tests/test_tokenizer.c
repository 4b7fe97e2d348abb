/* tokenizer: the cases of Hugging Face's own library (golden/data/make_wordlevel.py), and what must be refused. */
#include "data/tokenizer.h"
#include "base/file.h"
#include "tests/suite.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char shipped[] = "data/countdown/tokenizer.json";
static rz_err err;
static rz_arena arena;

static void setup(void) { ck_assert(rz_arena_init(&arena, (size_t)1 << 30, &err)); }
static void teardown(void) { rz_arena_finish(&arena); }

static rz_tokenizer *load(const char *path)
{
    rz_tokenizer *t;
    ck_assert_msg(rz_tokenizer_load(&t, path, &err), "%s", err.text);
    return t;
}

static rz_tokenizer *parse(const char *json)
{
    rz_tokenizer *t;
    ck_assert_msg(rz_tokenizer_parse(&t, "t.json", json, strlen(json), &err), "%s", err.text);
    return t;
}

static void check_case(const rz_tokenizer *t, json_t *c)
{
    const char *text = json_string_value(json_object_get(c, "text"));
    json_t *wanted = json_object_get(c, "ids");
    int32_t *ids;
    int n;
    bool ok = rz_tokenizer_encode(t, text, strlen(text), &arena, &ids, &n, &err);
    if (json_is_null(wanted)) {
        ck_assert_msg(!ok, "'%s' should be refused", text);
        ck_assert_int_eq(err.code, RZ_EDATA);
        return;
    }
    ck_assert_msg(ok, "'%s': %s", text, err.text);
    ck_assert_msg(n == (int)json_array_size(wanted), "'%s': %d ids", text, n);
    for (int i = 0; i < n; i++) ck_assert_msg(ids[i] == json_integer_value(json_array_get(wanted, (size_t)i)), "'%s': id %d is %d", text, i, ids[i]);
    for (int keep = 0; keep < 2; keep++) {
        const char *decoded = json_string_value(json_object_get(c, keep ? "decoded_special" : "decoded"));
        size_t len;
        char *ours = rz_tokenizer_decode(t, ids, n, keep, &arena, &len);
        ck_assert_str_eq(ours, decoded);
        ck_assert_uint_eq(len, strlen(decoded));
    }
}

START_TEST(agrees_with_the_original)
{
    rz_lines *lines;
    char *line, path[128] = "";
    size_t len;
    int n = 0;
    rz_tokenizer *t = NULL;
    ck_assert_msg(rz_lines_open(&lines, "tests/golden/data/wordlevel.jsonl", 1 << 20, &err), "%s", err.text);
    while (rz_lines_next(lines, &line, &len, &err)) {
        json_t *c = json_loadb(line, len, 0, NULL);
        const char *wanted = json_string_value(json_object_get(c, "tokenizer"));
        if (strcmp(path, wanted) != 0) {
            rz_tokenizer_destroy(t);
            t = load(wanted);
            snprintf(path, sizeof path, "%s", wanted);
        }
        check_case(t, c);
        json_decref(c);
        n++;
    }
    ck_assert_int_eq(err.code, RZ_OK);
    ck_assert_int_gt(n, 150);
    rz_tokenizer_destroy(t);
    rz_lines_close(lines);
}
END_TEST

START_TEST(shipped_vocabulary)
{
    rz_tokenizer *t = load(shipped);
    ck_assert_int_eq(rz_tokenizer_size(t), 132);
    ck_assert_int_eq(rz_tokenizer_id(t, "<pad>"), 0);
    ck_assert_int_eq(rz_tokenizer_id(t, "<eos>"), 1);
    ck_assert_int_eq(rz_tokenizer_id(t, "99"), 101);
    ck_assert_int_eq(rz_tokenizer_id(t, "100"), -1);
    ck_assert_int_eq(rz_tokenizer_id(t, ""), -1);
    for (int i = 0; i < 132; i++) {
        ck_assert_int_eq(rz_tokenizer_id(t, rz_tokenizer_token(t, i)), i);
        ck_assert_int_eq(rz_tokenizer_is_special(t, i), i < 2);
    }
    ck_assert_ptr_null(rz_tokenizer_token(t, 132));
    ck_assert_ptr_null(rz_tokenizer_token(t, -1));
    ck_assert(!rz_tokenizer_is_special(t, 132) && !rz_tokenizer_is_special(t, -1));
    char *text;
    size_t len;
    ck_assert(rz_file_read(shipped, 1 << 20, &text, &len, &err));
    ck_assert_str_eq(rz_tokenizer_json(t), text);
    free(text);
    rz_tokenizer_destroy(t);
}
END_TEST

START_TEST(names_the_unknown_word)
{
    rz_tokenizer *t = load(shipped);
    int32_t *ids;
    int n;
    ck_assert(!rz_tokenizer_encode(t, "numbers 3 117 4", 15, &arena, &ids, &n, &err));
    ck_assert_int_eq(err.code, RZ_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "\"117\""));
    ck_assert_ptr_nonnull(strstr(err.text, shipped));
    ck_assert(!rz_tokenizer_encode(t, "3 \xff 4", 5, &arena, &ids, &n, &err)); /* not UTF-8 */
    ck_assert_ptr_nonnull(strstr(err.text, "UTF-8"));
    ck_assert(!rz_tokenizer_encode(t, "3\0x", 3, &arena, &ids, &n, &err)); /* a NUL is part of the word */
    ck_assert(rz_tokenizer_encode(t, "3 4 x", 3, &arena, &ids, &n, &err)); /* len counts, not the NUL */
    ck_assert_int_eq(n, 2);
    rz_tokenizer_destroy(t);
}
END_TEST

#define A16 "aaaaaaaaaaaaaaaa"
#define A64 A16 A16 A16 A16
#define A256 A64 A64 A64 A64
#define FIELDS "\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},\"post_processor\":null,\"decoder\":null"
#define MODEL(vocab) "\"model\":{\"type\":\"WordLevel\",\"vocab\":{" vocab "},\"unk_token\":\"?\"}"
#define FILE_OF(vocab) "{" FIELDS "," MODEL(vocab) "}"
#define BPE(fields, vocab, rest) "{\"model\":{\"type\":\"BPE\"," fields "\"vocab\":{" vocab "}}" rest "}"
#define TOKEN(id, content, flags) "{\"id\":" id ",\"content\":\"" content "\"," flags "}"
#define FLAGS "\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true"
#define ADDED(tokens) "{" FIELDS ",\"added_tokens\":[" tokens "]," MODEL("\"a\":0,\"b\":1") "}"

START_TEST(holes_and_strange_ids)
{
    rz_tokenizer *t = parse(FILE_OF("\"a\":3,\"b\":7"));
    const int32_t ids[] = {3, 0, -1, 8, 7, 2000000000};
    size_t len;
    ck_assert_int_eq(rz_tokenizer_size(t), 8);
    ck_assert_ptr_null(rz_tokenizer_token(t, 4));
    ck_assert_str_eq(rz_tokenizer_decode(t, ids, 6, true, &arena, &len), "a \xEF\xBF\xBD \xEF\xBF\xBD \xEF\xBF\xBD b \xEF\xBF\xBD");
    ck_assert_str_eq(rz_tokenizer_decode(t, ids, 0, true, &arena, &len), "");
    ck_assert_uint_eq(len, 0);
    rz_tokenizer_destroy(t);
    t = parse(FILE_OF("\"?\":1,\"a\":0")); /* unk_token in the vocabulary */
    int32_t *got;
    int n;
    ck_assert(rz_tokenizer_encode(t, "a what", 6, &arena, &got, &n, &err));
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(got[1], 1);
    rz_tokenizer_destroy(t);
}
END_TEST

/* json, what the message must say */
static const char *const refused[][2] = {
    {"{", "t.json:1: not valid JSON"},
    {"[]", "t.json: must be a JSON object"},
    {"{}", "model is missing"},
    {"{\"model\":{\"type\":\"Unigram\"}}", "t.json: model.type is Unigram; BPE and WordLevel are supported"},
    {"{\"model\":{}}", "model.type is missing"},
    {"{\"normalizer\":{\"type\":\"BertNormalizer\"}," MODEL("\"a\":0") "}", "normalizer.type is BertNormalizer; supported are Sequence, NFC,"},
    {"{\"normalizer\":{\"type\":\"NFC\",\"x\":1}," MODEL("\"a\":0") "}", "normalizer.x is a field"},
    {"{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(a\"},\"content\":\"\"}," MODEL("\"a\":0") "}", "normalizer.pattern: pattern '(a'"},
    {"{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\X\"},\"content\":\"\"}," MODEL("\"a\":0") "}", "'\\X' in a pattern is not"},
    {"{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"                 \"},"
     "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"                \"}]}," MODEL("\"a\":0") "}",
     "the Replace steps of normalizer can make a text more than 256 times"},
    {"{\"decoder\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"a*\"},\"content\":\"" A256 "\"}," MODEL("\"a\":0") "}",
     "the Replace steps of decoder can make a text more than 256 times"},
    {"{\"normalizer\":{\"type\":\"Prepend\",\"prepend\":\"" A256 "a\"}," MODEL("\"a\":0") "}", "normalizer.prepend has 257 bytes"},
    {"{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},\"content\":\"\"}," MODEL("\"a\":0") "}", "normalizer.pattern must be"},
    {"{\"decoder\":{\"type\":\"WordPiece\"}," MODEL("\"a\":0") "}", "decoder.type is WordPiece"},
    {"{\"decoder\":{\"type\":\"Strip\",\"content\":\"ab\",\"start\":1,\"stop\":0}," MODEL("\"a\":0") "}", "decoder.content must be one character"},
    {"{\"post_processor\":{\"type\":\"BertProcessing\"}," MODEL("\"a\":0") "}", "post_processor.type is BertProcessing"},
    {"{\"post_processor\":{\"type\":\"TemplateProcessing\"}," MODEL("\"a\":0") "}", "post_processor.single must be a list"},
    {"{\"truncation\":{\"max_length\":5}," MODEL("\"a\":0") "}", "truncation is set"},
    {"{\"padding\":{}," MODEL("\"a\":0") "}", "padding is set"},
    {"{\"pre_tokenizer\":{\"type\":\"UnicodeScripts\"}," MODEL("\"a\":0") "}", "pre_tokenizer.type is UnicodeScripts;"},
    {"{\"pre_tokenizer\":{\"type\":\"Sequence\"}," MODEL("\"a\":0") "}", "pre_tokenizer.pretokenizers must be a list"},
    {"{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digit\"}]}," MODEL("\"a\":0") "}", "pretokenizers[0].type is Digit;"},
    {"{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"},{\"type\":\"Digits\"}]}," MODEL("\"a\":0") "}",
     "pretokenizers[1].type is Digits behind ByteLevel"},
    {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":\"Join\"}," MODEL("\"a\":0") "}", "pre_tokenizer.behavior must be"},
    {"{\"version\":\"2.0\"," FIELDS "," MODEL("\"a\":0") "}", "version"},
    {"{\"extra\":1," FIELDS "," MODEL("\"a\":0") "}", "extra is a field"},
    {FILE_OF(""), "model.vocab"},
    {FILE_OF("\"a\":0,\"a\":1"), "duplicate"},
    {FILE_OF("\"a\":0,\"b\":0"), "id 0 is given to \"a\" and to \"b\""},
    {FILE_OF("\"a\":-1"), "model.vocab[\"a\"] is -1, must be 0..10000000"},
    {FILE_OF("\"a\":10000001"), "model.vocab[\"a\"] is 10000001"},
    {FILE_OF("\"a\":99999999999"), "model.vocab[\"a\"] is 99999999999"},
    {FILE_OF("\"a\":1.5"), "model.vocab[\"a\"] must be a whole number"},
    {ADDED(TOKEN("5", "", FLAGS)), "added_tokens[0].content"},
    {ADDED(TOKEN("1", "a", FLAGS)), "added_tokens[0] gives \"a\" the id 1, but it has the id 0"},
    {ADDED(TOKEN("1", "c", FLAGS)), "id 1 is given to \"b\" and to \"c\""},
    {ADDED(TOKEN("2", "c", FLAGS) "," TOKEN("2", "c", FLAGS)), "added_tokens[1].content \"c\" was added before"},
    {ADDED(TOKEN("2", "c", "\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false")), "added_tokens[0].special"},
    {ADDED(TOKEN("-2", "c", FLAGS)), "added_tokens[0].id is -2"},
    {ADDED("7"), "added_tokens[0] must be an object"},
    {BPE("", "\"a\":0", ""), "model.merges must be a list"},
    {BPE("\"merges\":[\"ab\"],", "\"a\":0", ""), "model.merges[0] must be"},
    {BPE("\"merges\":[\"a b\"],", "\"a\":0,\"ab\":1", ""), "model.merges[0] has \"b\", which is not in model.vocab"},
    {BPE("\"merges\":[\"a a\"],", "\"a\":0", ""), "model.merges[0] has \"aa\", which is not in model.vocab"},
    {BPE("\"merges\":[],\"dropout\":0.1,", "\"a\":0", ""), "model.dropout is set"},
    {BPE("\"merges\":[],\"end_of_word_suffix\":\"</w>\",", "\"a\":0", ""), "model.end_of_word_suffix is set"},
    {BPE("\"merges\":[],\"continuing_subword_prefix\":\"##\",", "\"a\":0", ""), "model.continuing_subword_prefix is set"},
    {BPE("\"merges\":[],\"byte_fallback\":1,", "\"a\":0", ""), "model.byte_fallback must be true or false"},
};

START_TEST(refuses)
{
    rz_tokenizer *t = (rz_tokenizer *)&arena;
    err = (rz_err){0};
    ck_assert_msg(!rz_tokenizer_parse(&t, "t.json", refused[_i][0], strlen(refused[_i][0]), &err), "%s", refused[_i][0]);
    ck_assert_ptr_null(t);
    ck_assert_int_eq(err.code, RZ_EDATA);
    ck_assert_msg(strstr(err.text, refused[_i][1]) && strncmp(err.text, "t.json:", 7) == 0, "'%s' does not say '%s'", err.text, refused[_i][1]);
}
END_TEST

START_TEST(missing_file)
{
    rz_tokenizer *t;
    ck_assert(!rz_tokenizer_load(&t, "tests/golden/data/none.json", &err));
    ck_assert_int_eq(err.code, RZ_EIO);
    rz_tokenizer_destroy(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tokenizer");
    TCase *tests = tcase_create("tokenizer");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, agrees_with_the_original);
    tcase_add_test(tests, shipped_vocabulary);
    tcase_add_test(tests, names_the_unknown_word);
    tcase_add_test(tests, holes_and_strange_ids);
    tcase_add_loop_test(tests, refuses, 0, sizeof refused / sizeof *refused);
    tcase_add_test(tests, missing_file);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
