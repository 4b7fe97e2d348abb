/* GGUF: a file of the original package (golden/base/make_containers.py), what strangers may send, and our own files. */
#include "base/gguf.h"
#include "tests/folder.h"

#include <math.h>

#define OK(call) ck_assert_msg((call), "%s", err.text)
static const char golden[] = "tests/golden/base/small.gguf";

/* ---- files by hand ---- */

static uint8_t file[1 << 16];
static size_t file_size;

static void bytes(const void *p, size_t n)
{
    ck_assert_uint_le(file_size + n, sizeof file);
    memcpy(file + file_size, p, n);
    file_size += n;
}

static void number(uint64_t v, int n)
{
    for (int i = 0; i < n; i++) bytes(&(uint8_t){(uint8_t)(v >> 8 * i)}, 1);
}

static void text(const char *s)
{
    number(strlen(s), 8);
    bytes(s, strlen(s));
}

static void start(uint64_t tensors, uint64_t keys)
{
    file_size = 0;
    bytes("GGUF", 4);
    number(3, 4);
    number(tensors, 8);
    number(keys, 8);
}

static void key(const char *name, uint32_t type, uint64_t v, int n)
{
    text(name);
    number(type, 4);
    number(v, n);
}

static void tensor(const char *name, int n_dims, uint64_t dim0, uint64_t dim1, uint32_t type, uint64_t offset)
{
    text(name);
    number((uint64_t)n_dims, 4);
    for (int i = 0; i < n_dims; i++) number(i == 0 ? dim0 : i == 1 ? dim1 : 1, 8);
    number(type, 4);
    number(offset, 8);
}

static void data(size_t n)
{
    while (file_size % 32 != 0) number(0, 1);
    for (size_t i = 0; i < n; i++) number(i, 1);
}

/* Of exactly its size, so that the sanitizers see a read past the end. */
static bool parse(rz_gguf **g, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    memcpy(copy, file, n);
    bool ok = rz_gguf_parse(g, "x.gguf", copy, (int64_t)n, &err);
    if (!ok) ck_assert_ptr_null(*g);
    free(copy); /* nobody looks at the views of these files */
    return ok;
}

static void refused(const char *part)
{
    rz_gguf *g;
    ck_assert_msg(!parse(&g, file_size), "accepted, due: %s", part);
    expect_failure(RZ_EDATA, part);
    ck_assert_msg(strstr(err.text, "x.gguf") != NULL, "%s", err.text);
}

static void accepted(void)
{
    rz_gguf *g;
    ck_assert_msg(parse(&g, file_size), "%s", err.text);
    rz_gguf_close(g);
}

/* ---- the original ---- */

static void check_tensor(const rz_gguf *g, const char *name, const char *dtype, int64_t d0, int64_t d1, float start_at)
{
    const rz_tensor_view *v = rz_gguf_find(g, name);
    ck_assert_msg(v != NULL, "%s is missing", name);
    ck_assert_str_eq(v->dtype, dtype);
    ck_assert_int_eq(v->n_dims, d1 > 0 ? 2 : 1);
    ck_assert_int_eq(v->dims[0], d0);
    if (d1 > 0) ck_assert_int_eq(v->dims[1], d1);
    ck_assert_int_eq(v->n, d1 > 0 ? d0 * d1 : d0);
    if (!v->known) return;
    float x[64];
    rz_decode_floats(v->encoding, x, v->data, v->n);
    float tolerance = v->encoding == RZ_ENC_Q8_0 ? 0.07f : 0;
    for (int64_t i = 0; i < v->n; i++) ck_assert_msg(fabsf(x[i] - ((float)i + start_at) / 4) <= tolerance, "%s: element %d is %g", name, (int)i, (double)x[i]);
}

START_TEST(tensors_of_the_original)
{
    rz_gguf *g;
    ck_assert(rz_gguf_is(golden) && !rz_gguf_is("tests/golden/base/small.safetensors") && !rz_gguf_is(folder) && !rz_gguf_is(in_folder("no")));
    OK(rz_gguf_open(&g, golden, &err));
    ck_assert_str_eq(rz_gguf_name(g), golden);
    ck_assert_int_eq(rz_gguf_count(g), 5);
    ck_assert_str_eq(rz_gguf_at(g, 0)->name, "m.weight");
    check_tensor(g, "m.weight", "F32", 2, 3, 0);
    check_tensor(g, "h", "F16", 5, 0, -2);
    check_tensor(g, "q", "Q8_0", 2, 32, 0);
    check_tensor(g, "b", "BF16", 3, 2, 1);
    check_tensor(g, "ids", "I32", 3, 0, 0);
    ck_assert(!rz_gguf_find(g, "ids")->known && rz_gguf_find(g, "nothing") == NULL);
    rz_gguf_close(g);
}
END_TEST

START_TEST(numbers_of_the_original)
{
    static const struct {
        const char *key;
        rz_gguf_type type;
        bool whole;
        int64_t i;
        double x;
    } rows[] = {
        {"t.uint8", RZ_GGUF_U8, true, 200, 200}, {"t.int8", RZ_GGUF_I8, true, -100, -100}, {"t.uint16", RZ_GGUF_U16, true, 60000, 60000},
        {"t.int16", RZ_GGUF_I16, true, -30000, -30000}, {"t.uint32", RZ_GGUF_U32, true, 4000000000, 4e9},
        {"t.int32", RZ_GGUF_I32, true, -2000000000, -2e9}, {"t.uint64", RZ_GGUF_U64, false, 0, 0x1p63},
        {"t.int64", RZ_GGUF_I64, true, -((int64_t)1 << 62), -0x1p62}, {"t.float32", RZ_GGUF_F32, false, 0, (double)0.1f},
        {"t.float64", RZ_GGUF_F64, false, 0, 0.1},
    };
    rz_gguf *g;
    rz_gguf_type type = 0;
    int64_t i = 77;
    double x = 77;
    bool b = false;
    OK(rz_gguf_open(&g, golden, &err));
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        ck_assert_msg(rz_gguf_i64(g, rows[k].key, &i) == rows[k].whole, "%s", rows[k].key);
        ck_assert_int_eq(i, rows[k].whole ? rows[k].i : 77);
        i = 77;
        ck_assert(rz_gguf_f64(g, rows[k].key, &x) && x == rows[k].x);
        ck_assert(!rz_gguf_bool(g, rows[k].key, &b));
        int at = 0;
        while (at < rz_gguf_n_keys(g) && strcmp(rz_gguf_key(g, at, &type), rows[k].key) != 0) at++;
        ck_assert_int_lt(at, rz_gguf_n_keys(g));
        ck_assert_int_eq(type, rows[k].type);
    }
    ck_assert(rz_gguf_bool(g, "t.bool", &b) && b && !rz_gguf_i64(g, "t.bool", &i) && !rz_gguf_i64(g, "general.name", &i) && !rz_gguf_f64(g, "no", &x));
    ck_assert(rz_gguf_has(g, "t.bool") && !rz_gguf_has(g, "t"));
    rz_gguf_close(g);
}
END_TEST

START_TEST(texts_and_arrays_of_the_original)
{
    static const char *const tokens[] = {"<s>", "", "h\xc3\xa9", "\xff\0z"};
    static const size_t lens[] = {3, 0, 3, 3};
    static const double scores[] = {0, -1.5, 2.25, 1e30f};
    rz_gguf *g;
    rz_gguf_type type;
    const char *s;
    size_t len;
    double x;
    OK(rz_gguf_open(&g, golden, &err));
    ck_assert(rz_gguf_text(g, "general.name", &s, &len) && len == 5 && memcmp(s, "small", 5) == 0);
    ck_assert(!rz_gguf_text(g, "t.int8", &s, &len));
    ck_assert_int_eq(rz_gguf_array(g, "tokenizer.ggml.tokens", &type), 4);
    ck_assert_int_eq(type, RZ_GGUF_STRING);
    for (int i = 0; i < 4; i++) {
        ck_assert(rz_gguf_array_text(g, "tokenizer.ggml.tokens", i, &s, &len) && len == lens[i] && memcmp(s, tokens[i], len) == 0);
        ck_assert(rz_gguf_array_f64(g, "tokenizer.ggml.scores", i, &x) && x == scores[i]);
    }
    ck_assert(rz_gguf_array_f64(g, "tokenizer.ggml.token_type", 3, &x) && x == 6);
    ck_assert(!rz_gguf_array_f64(g, "tokenizer.ggml.token_type", 4, &x) && !rz_gguf_array_f64(g, "tokenizer.ggml.tokens", 0, &x));
    ck_assert(!rz_gguf_array_text(g, "tokenizer.ggml.tokens", -1, &s, &len) && !rz_gguf_array_text(g, "tokenizer.ggml.scores", 0, &s, &len));
    ck_assert_int_eq(rz_gguf_array(g, "t.truths", &type), 3);
    ck_assert_int_eq(rz_gguf_array(g, "t.bool", &type), -1);
    ck_assert_int_eq(rz_gguf_array(g, "no", &type), -1);
    rz_gguf_close(g);
}
END_TEST

/* ---- strangers ---- */

START_TEST(cut_anywhere)
{
    char *whole;
    size_t len;
    OK(rz_file_read(golden, sizeof file, &whole, &len, &err));
    /* the package pads behind the last tensor, 12 bytes of ids, to the alignment: that may be missing */
    for (size_t n = 0; n < len - 20; n++) {
        file_size = 0;
        bytes(whole, n);
        refused("x.gguf");
    }
    free(whole);
}
END_TEST

START_TEST(wrong_headers)
{
    start(0, 0);
    accepted();
    file[4] = 2;
    accepted();
    file[4] = 1;
    refused("version 1, must be 2 or 3");
    file[4] = 4;
    refused("version 4");
    memcpy(file + 4, "\0\0\0\3", 4);
    refused("big-endian");
    file[0] = 'g';
    refused("is no GGUF file");
    start(UINT64_MAX, 0);
    refused("claims 18446744073709551615 tensors");
    start(0, (uint64_t)1 << 63);
    refused("and 9223372036854775808 keys");
    start(0, 65536);
    refused("key 1 of 65536");
    start(1 << 20, 0);
    refused("tensor 1 of 1048576");
}
END_TEST

START_TEST(wrong_keys)
{
    start(0, 2);
    key("a", RZ_GGUF_U8, 1, 1);
    key("a", RZ_GGUF_U8, 2, 1);
    refused("key \"a\" is there twice");
    start(0, 1);
    key("a", 13, 0, 8);
    refused("key \"a\" has type 13");
    start(0, 1);
    key("a", RZ_GGUF_BOOL, 2, 1);
    refused("key \"a\": a truth value is 2");
    start(0, 1);
    key("", RZ_GGUF_U8, 0, 1);
    refused("must be 1..65535 bytes");
    start(0, 1);
    key("\xff", RZ_GGUF_U8, 0, 1);
    refused("must be 1..65535 bytes of UTF-8");
    start(0, 1);
    number(3, 8);
    bytes("a\0b", 3);
    number(RZ_GGUF_U8, 4);
    number(0, 1);
    refused("without NUL");
    start(0, 1);
    number(UINT64_MAX - 7, 8);
    number(0, 8);
    refused("should have 18446744073709551608 bytes");
    start(0, 1);
    key("a", RZ_GGUF_STRING, (uint64_t)1 << 60, 8);
    refused("key \"a\": its text should have 1152921504606846976 bytes");
}
END_TEST

START_TEST(wrong_arrays)
{
    static const struct {
        uint32_t element;
        uint64_t n;
        const char *said; /* NULL: it is right; 32 bytes of zeros follow */
    } rows[] = {
        {RZ_GGUF_U8, 32, NULL}, {RZ_GGUF_U8, 33, "33 elements"}, {RZ_GGUF_F64, 4, NULL}, {RZ_GGUF_F64, 5, "5 elements"},
        {RZ_GGUF_STRING, 4, NULL}, {RZ_GGUF_STRING, 5, "5 elements"}, {RZ_GGUF_STRING, UINT64_MAX, "18446744073709551615 elements"},
        {RZ_GGUF_F64, (uint64_t)1 << 61, "2305843009213693952 elements"}, {RZ_GGUF_ARRAY, 1, "array of arrays"}, {13, 1, "elements of type 13"},
        {RZ_GGUF_U8, 0, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start(0, 1);
        key("list", RZ_GGUF_ARRAY, rows[i].element, 4);
        number(rows[i].n, 8);
        for (int k = 0; k < 32; k++) number(0, 1);
        if (rows[i].said == NULL) accepted();
        else refused(rows[i].said);
    }
    start(0, 1);
    key("list", RZ_GGUF_ARRAY, RZ_GGUF_STRING, 4);
    number(2, 8);
    text("abc");
    number((uint64_t)1 << 40, 8);
    refused("key \"list\": one of its texts should have");
    start(0, 1);
    key("list", RZ_GGUF_ARRAY, RZ_GGUF_BOOL, 4);
    number(2, 8);
    number(0x301, 2);
    refused("key \"list\": a truth value is 3");
}
END_TEST

START_TEST(wrong_alignments)
{
    static const struct {
        uint32_t type;
        uint64_t v;
        bool ok;
    } rows[] = {{RZ_GGUF_U32, 32, true}, {RZ_GGUF_U32, 8, true}, {RZ_GGUF_U32, 0, false}, {RZ_GGUF_U32, 24, false}, {RZ_GGUF_U32, 0x80000000, false},
                {RZ_GGUF_F32, 0, false}, {RZ_GGUF_I32, 0xffffffe0, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start(1, 1);
        key("general.alignment", rows[i].type, rows[i].v, 4);
        tensor("t", 1, 2, 0, 0, 0);
        data(8);
        if (rows[i].ok) accepted();
        else refused("general.alignment must be a power of two");
    }
    start(0, 1);
    key("general.alignment", RZ_GGUF_BOOL, 1, 1);
    refused("a whole number");
}
END_TEST

START_TEST(wrong_tensors)
{
    static const struct {
        int n_dims;
        uint64_t dim0, dim1;
        uint32_t type;
        uint64_t offset;
        const char *said; /* NULL: it is right; 64 bytes of data */
    } rows[] = {
        {1, 16, 0, 0, 0, NULL}, {1, 17, 0, 0, 0, "should have 68 bytes from offset 0"}, {1, 8, 0, 0, 32, NULL}, {1, 9, 0, 0, 32, "should have 36 bytes"},
        {2, 2, 8, 0, 0, NULL}, {0, 0, 0, 0, 0, NULL}, {1, 8, 0, 0, 16, "must be a multiple of the alignment 32"},
        {1, 1, 0, 0, UINT64_MAX - 31, "from offset 18446744073709551584"}, {9, 1, 1, 0, 0, "9 dimensions"},
        {2, (uint64_t)1 << 32, (uint64_t)1 << 32, 0, 0, "more elements than can be counted"}, {1, UINT64_MAX, 0, 0, 0, "more elements than can be counted"},
        {1, (uint64_t)1 << 62, 0, 0, 0, "more than any file can hold"}, {2, 16, 2, 2, 0, "rows of 16 elements, must be whole blocks of 32 (Q4_0)"},
        {2, 32, 2, 2, 0, NULL}, {1, 128, 0, 12, 0, "whole blocks of 256"}, {1, 256, 0, 12, 0, "should have 144 bytes"}, {1, 0, 0, 0, 64, NULL},
        {1, 1, 0, 0, 96, "from offset 96"}, {1, 1 << 30, 0, 4, 0, NULL}, {1, 1, 0, 0xffffffff, 32, NULL}, {1, 1, 0, 99, 96, "from offset 96"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start(1, 0);
        tensor("t", rows[i].n_dims, rows[i].dim0, rows[i].dim1, rows[i].type, rows[i].offset);
        data(64);
        if (rows[i].said == NULL) accepted();
        else refused(rows[i].said);
    }
}
END_TEST

START_TEST(several_tensors)
{
    static const struct {
        const char *second;
        uint64_t offset;
        const char *said;
    } rows[] = {{"b", 64, NULL}, {"b", 32, "\"b\" begins at offset 32, inside \"a\", which ends at 64"}, {"b", 0, "inside"},
                {"a", 64, "tensor \"a\" is there twice"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start(2, 0);
        tensor("a", 1, 16, 0, 0, 0);
        tensor(rows[i].second, 1, 4, 0, 0, rows[i].offset);
        data(96);
        if (rows[i].said == NULL) accepted();
        else refused(rows[i].said);
    }
    start(1, 0);
    tensor("a", 1, 0, 0, 0, 0);
    refused("before the data of its tensors");
}
END_TEST

START_TEST(names_of_other_types)
{
    static const struct {
        uint32_t type;
        const char *name;
    } rows[] = {{10, "Q2_K"}, {4, "type 4"}, {31, "type 31"}, {1000, "type 1000"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rz_gguf *g;
        start(1, 0);
        tensor("t", 1, 256, 0, rows[i].type, 0);
        data(84);
        ck_assert_msg(parse(&g, file_size), "%s", err.text);
        ck_assert_str_eq(rz_gguf_at(g, 0)->dtype, rows[i].name);
        ck_assert(!rz_gguf_at(g, 0)->known);
        rz_gguf_close(g);
    }
}
END_TEST

/* ---- writing ---- */

enum { BIG = 70400 }; /* elements: more than a piece of the stream */
static float big[BIG];

static void check_written(const rz_gguf *g, const char *name, rz_encoding e, int64_t n)
{
    const rz_tensor_view *v = rz_gguf_find(g, name);
    ck_assert(v != NULL && v->known && v->encoding == e && v->n == n);
    uint8_t *wanted = malloc((size_t)rz_encoding_bytes(e, BIG));
    rz_encode_floats(e, wanted, big, n);
    ck_assert(memcmp(v->data, wanted, (size_t)rz_encoding_bytes(e, n)) == 0);
    ck_assert_uint_eq((uintptr_t)v->data % 32, 0); /* the mapping begins at a page */
    free(wanted);
}

static void check_keys(const rz_gguf *g)
{
    int64_t i;
    double x;
    bool b = false;
    const char *s;
    size_t len;
    rz_gguf_type type;
    ck_assert_int_eq(rz_gguf_n_keys(g), 7);
    ck_assert(rz_gguf_text(g, "general.architecture", &s, &len) && len == 5 && memcmp(s, "llama", 5) == 0);
    ck_assert(rz_gguf_i64(g, "u", &i) && i == 4000000000);
    ck_assert(rz_gguf_f64(g, "f", &x) && x == (double)1e-5f);
    ck_assert(rz_gguf_bool(g, "b", &b) && b);
    ck_assert_int_eq(rz_gguf_array(g, "texts", &type), 2);
    ck_assert(rz_gguf_array_text(g, "texts", 1, &s, &len) && len == 3 && memcmp(s, "x\0y", 3) == 0);
    ck_assert_int_eq(rz_gguf_array(g, "ints", &type), 2);
    ck_assert(type == RZ_GGUF_I32 && rz_gguf_array_f64(g, "ints", 0, &x) && x == -5);
    ck_assert_int_eq(rz_gguf_array(g, "empty", &type), 0);
}

START_TEST(written_and_read)
{
    const char *path = in_folder("w.gguf");
    for (int i = 0; i < BIG; i++) big[i] = (float)(i % 1999 - 1000) * 0x1.23456p-7f;
    rz_gguf_writer *w;
    OK(rz_gguf_create(&w, path, &err));
    rz_gguf_put_text(w, "general.architecture", "llama", 5);
    rz_gguf_put_u32(w, "u", 4000000000u);
    rz_gguf_put_f32(w, "f", 1e-5f);
    rz_gguf_put_bool(w, "b", true);
    rz_gguf_declare(w, "one", RZ_ENC_BF16, 1, (const int64_t[]){1}); /* 30 bytes of padding follow */
    rz_gguf_declare(w, "big", RZ_ENC_Q8_0, 2, (const int64_t[]){11, 6400});
    rz_gguf_put_texts(w, "texts", (const char *const[]){"", "x\0y"}, (const size_t[]){0, 3}, 2);
    rz_gguf_put_i32s(w, "ints", (const int32_t[]){-5, 7}, 2);
    rz_gguf_put_texts(w, "empty", NULL, NULL, 0);
    rz_gguf_declare(w, "none", RZ_ENC_F32, 2, (const int64_t[]){3, 0});
    rz_gguf_declare(w, "f", RZ_ENC_F32, 2, (const int64_t[]){7, 5}); /* a key may have the same name */
    rz_gguf_declare(w, "h", RZ_ENC_F16, 3, (const int64_t[]){2, 1, 3});
    for (int t = 0; t < 5; t++) OK(rz_gguf_put(w, big, &err));
    ck_assert(!rz_gguf_put(w, big, &err));
    expect_failure(RZ_EINTERNAL, "more than the 5 tensors");
    OK(rz_gguf_commit(w, &err));
    rz_gguf_discard(w);
    rz_gguf *g;
    OK(rz_gguf_open(&g, path, &err));
    check_keys(g);
    check_written(g, "one", RZ_ENC_BF16, 1);
    check_written(g, "big", RZ_ENC_Q8_0, BIG);
    check_written(g, "none", RZ_ENC_F32, 0);
    check_written(g, "f", RZ_ENC_F32, 35);
    check_written(g, "h", RZ_ENC_F16, 6);
    ck_assert(rz_gguf_find(g, "h")->dims[0] == 2 && rz_gguf_find(g, "h")->dims[2] == 3);
    rz_gguf_close(g);
}
END_TEST

START_TEST(nothing_until_commit)
{
    static const struct {
        const char *name;
        rz_encoding encoding;
        int n_dims;
        int64_t dims[5];
        const char *said;
    } rows[] = {
        {"a", RZ_ENC_F32, 1, {2}, "tensor \"a\" is declared twice"}, {"b", RZ_ENC_Q8_0, 2, {4, 16}, "\"b\" has rows that are no whole blocks"},
        {"b", RZ_ENC_F32, 5, {1, 1, 1, 1, 1}, "more than 4 dimensions"}, {"b", RZ_ENC_F32, 2, {INT64_MAX, 2}, "is too large"},
        {"b", RZ_ENC_F32, 1, {INT64_MAX / 4}, "is too large"}, {"\xff", RZ_ENC_F32, 1, {2}, "must be UTF-8"},
        {"a.name.that.has.sixty-four.bytes.is.one.too.long.for.ggml.to.read", RZ_ENC_F32, 1, {2}, "63 bytes"},
        {"b", RZ_ENC_F32, 1, {2}, "1 of 2 tensors were given"},
    };
    const char *path = in_folder("w.gguf");
    put(path, "old", 3);
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        rz_gguf_writer *w;
        OK(rz_gguf_create(&w, path, &err));
        rz_gguf_declare(w, "a", RZ_ENC_F32, 1, (const int64_t[]){2});
        rz_gguf_declare(w, rows[k].name, rows[k].encoding, rows[k].n_dims, rows[k].dims);
        bool last = k + 1 == sizeof rows / sizeof rows[0];
        ck_assert(rz_gguf_put(w, big, &err) == last && !rz_gguf_commit(w, &err));
        expect_failure(RZ_EINTERNAL, rows[k].said);
        rz_gguf_discard(w);
        char *old, **names;
        size_t len;
        int n;
        OK(rz_file_read(path, 100, &old, &len, &err));
        ck_assert_str_eq(old, "old");
        free(old);
        OK(rz_dir_list(folder, &names, &n, &err));
        ck_assert_int_eq(n, 1);
        free(names[0]);
        free(names);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gguf");
    TCase *tc = tcase_create("all");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, tensors_of_the_original);
    tcase_add_test(tc, numbers_of_the_original);
    tcase_add_test(tc, texts_and_arrays_of_the_original);
    tcase_add_test(tc, cut_anywhere);
    tcase_add_test(tc, wrong_headers);
    tcase_add_test(tc, wrong_keys);
    tcase_add_test(tc, wrong_arrays);
    tcase_add_test(tc, wrong_alignments);
    tcase_add_test(tc, wrong_tensors);
    tcase_add_test(tc, several_tensors);
    tcase_add_test(tc, names_of_other_types);
    tcase_add_test(tc, written_and_read);
    tcase_add_test(tc, nothing_until_commit);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
