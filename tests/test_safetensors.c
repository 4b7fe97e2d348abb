/* safetensors: files of the original library (golden/base/make_containers.py), shards, what strangers may send, and our own files. */
#include "base/safetensors.h"
#include "tests/folder.h"

#include <math.h>

#define OK(call) ck_assert_msg((call), "%s", err.text)
static const char golden[] = "tests/golden/base/small.safetensors";

/* 8 bytes of length, the header, n bytes of data; all of it malloc'ed exactly, so that a read past its end is seen by the sanitizers. */
static uint8_t *build(const char *header, int64_t data, int64_t *size)
{
    size_t len = strlen(header);
    *size = 8 + (int64_t)len + data;
    uint8_t *bytes = calloc(1, (size_t)*size);
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(len >> 8 * i);
    memcpy(bytes + 8, header, len);
    for (int64_t i = 0; i < data; i++) bytes[8 + (int64_t)len + i] = (uint8_t)i;
    return bytes;
}

static void refused(const void *bytes, int64_t size, const char *part)
{
    rz_safetensors *s = NULL;
    ck_assert_msg(!rz_safetensors_parse(&s, "x.safetensors", bytes, size, &err), "accepted, due: %s", part);
    ck_assert_ptr_null(s);
    expect_failure(RZ_EDATA, part);
}

static void check_tensor(const rz_safetensors *s, const char *name, const char *dtype, int n_dims, int64_t n, float first, float step)
{
    const rz_tensor_view *v = rz_safetensors_find(s, name);
    ck_assert_msg(v != NULL, "%s is missing", name);
    ck_assert_str_eq(v->dtype, dtype);
    ck_assert_int_eq(v->n_dims, n_dims);
    ck_assert_int_eq(v->n, n);
    if (!v->known) return;
    float *x = malloc((size_t)(n > 0 ? n : 1) * sizeof *x);
    rz_decode_floats(v->encoding, x, v->data, n);
    for (int64_t i = 0; i < n; i++) ck_assert_float_eq(x[i], first + (float)i * step);
    free(x);
}

static void check_golden(const rz_safetensors *s)
{
    ck_assert_int_eq(rz_safetensors_count(s), 5);
    check_tensor(s, "a.weight", "F32", 2, 15, 0, 0.25f);
    check_tensor(s, "b.half", "F16", 2, 4, -2, 0.25f);
    check_tensor(s, "empty", "F32", 2, 0, 0, 0);
    check_tensor(s, "scalar", "F32", 0, 1, 2.5f, 0);
    check_tensor(s, "ids", "I64", 1, 4, 0, 0);
    ck_assert(!rz_safetensors_find(s, "ids")->known && rz_safetensors_find(s, "nothing") == NULL);
    const rz_tensor_view *v = rz_safetensors_at(s, 0);
    ck_assert_str_eq(v->name, "a.weight");
    ck_assert(v->dims[0] == 3 && v->dims[1] == 5);
}

START_TEST(reads_the_original)
{
    rz_safetensors *s;
    OK(rz_safetensors_open(&s, golden, &err));
    check_golden(s);
    rz_safetensors_close(s);
    char *data;
    size_t len;
    OK(rz_file_read(golden, 1 << 20, &data, &len, &err));
    put(in_folder("model.safetensors"), data, len);
    OK(rz_safetensors_open(&s, folder, &err));
    check_golden(s);
    rz_safetensors_close(s);
    free(data);
}
END_TEST

START_TEST(cut_anywhere)
{
    char *data;
    size_t len;
    OK(rz_file_read(golden, 1 << 20, &data, &len, &err));
    for (size_t n = 0; n < len; n++) {
        uint8_t *part = malloc(n > 0 ? n : 1);
        memcpy(part, data, n);
        refused(part, (int64_t)n, "x.safetensors");
        free(part);
    }
    char *more = malloc(len + 1);
    memcpy(more, data, len);
    more[len] = 0;
    refused(more, (int64_t)len + 1, "end at byte");
    free(more);
    free(data);
}
END_TEST

#define T(dtype, shape, begin, end) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

START_TEST(wrong_headers)
{
    static const struct {
        const char *header;
        int64_t data;
        const char *said;
    } rows[] = {
        {"{\"a\":" T("F32", "[2]", "0", "8") ",\"a\":" T("F32", "[2]", "8", "16") "}", 16, "duplicate"},
        {"{\"a\":" T("F32", "[2]", "0", "8") ",\"b\":" T("F32", "[2]", "4", "12") "}", 12, "\"b\" begins at byte 4 of the data, inside \"a\""},
        {"{\"a\":" T("F32", "[2]", "0", "8") ",\"b\":" T("F32", "[2]", "0", "8") "}", 8, "inside"},
        {"{\"a\":" T("F32", "[2]", "0", "8") ",\"b\":" T("F32", "[2]", "12", "20") "}", 20, "bytes 8 to 12"},
        {"{\"a\":" T("F32", "[2]", "4", "12") "}", 12, "bytes 0 to 4"},
        {"{\"a\":" T("F32", "[2]", "0", "8") "}", 9, "there are 9 bytes"},
        {"{\"a\":" T("F32", "[2]", "0", "8") "}", 7, "\"a\" ends at byte 8"},
        {"{\"a\":" T("F32", "[3]", "0", "8") "}", 8, "\"a\" has 3 elements of type F32"},
        {"{\"a\":" T("F16", "[]", "0", "8") "}", 8, "\"a\" has 1 elements"},
        {"{\"a\":" T("F4", "[3]", "0", "1") "}", 1, "\"a\" has 3 elements"},
        {"{\"a\":" T("F32", "[-2]", "0", "8") "}", 8, "not negative"},
        {"{\"a\":" T("F32", "[2.0]", "0", "8") "}", 8, "whole numbers"},
        {"{\"a\":" T("F32", "[1,1,1,1,1,1,1,1,2]", "0", "8") "}", 8, "at most 8"},
        {"{\"a\":" T("F32", "2", "0", "8") "}", 8, "must be a list"},
        {"{\"a\":" T("F32", "[4294967296,4294967296]", "0", "0") "}", 0, "too many elements"},
        {"{\"a\":" T("F32", "[2305843009213693952,2]", "0", "0") "}", 0, "too many elements"},
        {"{\"a\":" T("Q9", "[4294967296,4294967296]", "0", "0") "}", 0, "too many elements"},
        {"{\"a\":" T("F32", "[2]", "8", "0") "}", 8, "begin and end"},
        {"{\"a\":" T("F32", "[2]", "-8", "0") "}", 8, "data_offsets must be"},
        {"{\"a\":" T("F32", "[2]", "0", "9223372036854775807") "}", 8, "ends at byte 9223372036854775807"},
        {"{\"a\":" T("F32", "[2]", "0", "18446744073709551616") "}", 8, "not valid JSON"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", 8, "data_offsets must be"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "must have a dtype, a shape and data_offsets"},
        {"{\"a\":{\"dtype\":7,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "must have a dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", 8, "nothing else"},
        {"{\"a\":7}", 8, "must have a dtype"},
        {"{\"__metadata__\":{\"format\":1}}", 0, "\"format\" must be a text"},
        {"{\"__metadata__\":[]}", 0, "must be an object of texts"},
        {"{\"a\":[[[[1]]]]}", 8, "nested more than 4 deep"},
        {"{\"a\":}", 8, "not valid JSON"},
        {"{\"\\u0000\":1}", 8, "not valid JSON"},
        {"[1]", 8, "is no safetensors file"},
        {"", 100, "is no safetensors file"},
        {"{}", 1, "end at byte 0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t size;
        uint8_t *bytes = build(rows[i].header, rows[i].data, &size);
        refused(bytes, size, rows[i].said);
        free(bytes);
    }
}
END_TEST

START_TEST(huge_claims)
{
    static const uint64_t lengths[] = {100000000, 100000001, (uint64_t)1 << 40, UINT64_MAX, (uint64_t)INT64_MAX + 1, 3, 1, 0};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t bytes[] = {0, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
        for (int b = 0; b < 8; b++) bytes[b] = (uint8_t)(lengths[i] >> 8 * b);
        refused(bytes, sizeof bytes, lengths[i] == 3 || lengths[i] == 100000000 ? "should have" : "is no safetensors file");
    }
    /* JSON that is short as text and long as values */
    size_t n = 9 << 20;
    char *header = malloc(n + 1);
    memset(header, ',', n);
    for (size_t i = 5; i + 2 < n; i += 3) memcpy(header + i, "[],", 3);
    memcpy(header, "{\"a\":[", 6);
    header[n] = 0;
    int64_t size;
    uint8_t *bytes = build(header, 0, &size);
    refused(bytes, size, "2097152 values");
    free(bytes);
    free(header);
}
END_TEST

START_TEST(types_it_does_not_know)
{
    rz_safetensors *s;
    int64_t size;
    uint8_t *bytes = build("{\"__metadata__\":{\"format\":\"pt\"},\"z\":" T("F8_E4M3", "[3]", "0", "3") ",\"new\":" T("X17", "[2]", "3", "5") "}  ", 5, &size);
    OK(rz_safetensors_parse(&s, "x", bytes, size, &err));
    ck_assert_int_eq(rz_safetensors_count(s), 2);
    const rz_tensor_view *v = rz_safetensors_find(s, "new");
    ck_assert(v != NULL && !v->known && strcmp(v->dtype, "X17") == 0 && ((const uint8_t *)v->data)[0] == 3);
    rz_safetensors_close(s);
    free(bytes);
}
END_TEST

/* ---- shards ---- */

static void put_shard(const char *name, const char *header, int64_t data)
{
    int64_t size;
    uint8_t *bytes = build(header, data, &size);
    put(in_folder(name), bytes, (size_t)size);
    free(bytes);
}

static void put_index(const char *map)
{
    char *text = rz_asprintf("{\"metadata\":{\"total_size\":12},\"weight_map\":%s}", map);
    put(in_folder("model.safetensors.index.json"), text, strlen(text));
    free(text);
}

START_TEST(shards)
{
    static const struct {
        const char *map, *said; /* NULL: it is right */
    } rows[] = {
        {"{\"b\":\"two.safetensors\",\"a\":\"one.safetensors\",\"c\":\"two.safetensors\"}", NULL},
        {"{\"b\":\"two.safetensors\",\"a\":\"one.safetensors\"}", "\"c\" is in two.safetensors, but the index has it in no file"},
        {"{\"b\":\"two.safetensors\",\"a\":\"two.safetensors\",\"c\":\"two.safetensors\"}", "\"a\" should be in two.safetensors but is not"},
        {"{\"b\":\"one.safetensors\",\"a\":\"one.safetensors\",\"c\":\"two.safetensors\"}", "\"b\" is in two.safetensors, but the index has it in one"},
        {"{\"b\":\"two.safetensors\",\"a\":\"one.safetensors\",\"c\":\"two.safetensors\",\"d\":\"one.safetensors\"}", "\"d\" should be in one.safetensors"},
        {"{\"a\":\"one.safetensors\",\"a\":\"one.safetensors\"}", "duplicate"},
        {"{\"a\":\"../one.safetensors\"}", "the file of \"a\" must be a name"},
        {"{\"a\":\"/etc/passwd\"}", "the file of \"a\" must be a name"},
        {"{\"a\":\"\"}", "the file of \"a\" must be a name"},
        {"{\"a\":3}", "the file of \"a\" must be a name"},
        {"{}", "weight_map must be"},
        {"[]", "weight_map must be"},
    };
    put_shard("one.safetensors", "{\"a\":" T("F32", "[1]", "0", "4") "}", 4);
    put_shard("two.safetensors", "{\"c\":" T("BF16", "[1,2]", "4", "8") ",\"b\":" T("F16", "[2]", "0", "4") "}", 8);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rz_safetensors *s;
        put_index(rows[i].map);
        bool ok = rz_safetensors_open(&s, folder, &err);
        ck_assert_msg(ok == (rows[i].said == NULL), "%s: %s", rows[i].map, err.text);
        if (!ok) expect_failure(RZ_EDATA, rows[i].said);
        else for (int t = 0; t < 3; t++) ck_assert_int_eq(rz_safetensors_at(s, t)->name[0], 'a' + t);
        rz_safetensors_close(s);
    }
}
END_TEST

START_TEST(missing_files)
{
    rz_safetensors *s;
    ck_assert(!rz_safetensors_open(&s, folder, &err));
    expect_failure(RZ_EDATA, "has neither model.safetensors nor model.safetensors.index.json");
    ck_assert(!rz_safetensors_open(&s, in_folder("no.safetensors"), &err));
    expect_failure(RZ_EIO, "no.safetensors");
    put_index("{\"a\":\"gone.safetensors\"}");
    ck_assert(!rz_safetensors_open(&s, folder, &err));
    expect_failure(RZ_EIO, "gone.safetensors");
    ck_assert(!rz_safetensors_open(&s, "/dev/null", &err));
    expect_failure(RZ_EDATA, "must be a file");
    put(in_folder("empty"), "", 0);
    ck_assert(!rz_safetensors_open(&s, in_folder("empty"), &err));
    expect_failure(RZ_EDATA, "is no safetensors file: it has 0 bytes");
}
END_TEST

/* ---- writing ---- */

enum { BIG = 70000 }; /* elements: more than a piece of the stream */
static float big[BIG];

static void fill(void)
{
    for (int i = 0; i < BIG; i++) big[i] = (float)(i % 1999 - 1000) * 0x1.23456p-7f;
}

/* As rz_encode_floats has it, which has tests of its own. */
static void check_written(const rz_safetensors *s, const char *name, rz_encoding e, int64_t n)
{
    const rz_tensor_view *v = rz_safetensors_find(s, name);
    ck_assert(v != NULL && v->known && v->encoding == e && v->n == n);
    uint8_t *wanted = malloc((size_t)rz_encoding_bytes(e, BIG));
    rz_encode_floats(e, wanted, big, n);
    ck_assert(memcmp(v->data, wanted, (size_t)rz_encoding_bytes(e, n)) == 0);
    free(wanted);
}

START_TEST(written_and_read)
{
    static const rz_encoding encodings[] = {RZ_ENC_F32, RZ_ENC_F16, RZ_ENC_BF16};
    const char *path = in_folder("w.safetensors");
    fill();
    for (int k = 0; k < 3; k++) {
        rz_safetensors_writer *w;
        OK(rz_safetensors_create(&w, path, encodings[k], &err));
        rz_safetensors_declare(w, "z.\"quoted\".weight", 2, (const int64_t[]){7, 10000});
        rz_safetensors_declare(w, "one", 0, NULL);
        rz_safetensors_declare(w, "none", 2, (const int64_t[]){3, 0});
        rz_safetensors_declare(w, "h\xc3\xa9", 3, (const int64_t[]){1, 3, 1});
        for (int t = 0; t < 4; t++) OK(rz_safetensors_put(w, big, &err));
        ck_assert(!rz_safetensors_put(w, big, &err));
        expect_failure(RZ_EINTERNAL, "more than the 4 tensors");
        OK(rz_safetensors_commit(w, &err));
        rz_safetensors_discard(w);
        rz_safetensors *s;
        OK(rz_safetensors_open(&s, path, &err));
        check_written(s, "z.\"quoted\".weight", encodings[k], BIG);
        check_written(s, "one", encodings[k], 1);
        check_written(s, "none", encodings[k], 0);
        check_written(s, "h\xc3\xa9", encodings[k], 3);
        ck_assert_int_eq(rz_safetensors_find(s, "z.\"quoted\".weight")->dims[1], 10000);
        rz_safetensors_close(s);
        char *bytes;
        size_t len;
        OK(rz_file_read(path, 1 << 20, &bytes, &len, &err));
        ck_assert_int_eq((uint8_t)bytes[0] % 8, 0);
        ck_assert_ptr_nonnull(strstr(bytes + 8, "{\"__metadata__\":{\"format\":\"pt\"},"));
        free(bytes);
    }
}
END_TEST

START_TEST(nothing_until_commit)
{
    static const int64_t two[] = {2}, bad[] = {INT64_MAX, 2};
    const char *path = in_folder("w.safetensors");
    rz_safetensors_writer *w;
    rz_safetensors *s;
    put(path, "old", 3);
    for (int k = 0; k < 4; k++) {
        OK(rz_safetensors_create(&w, path, RZ_ENC_F32, &err));
        rz_safetensors_declare(w, "a", 1, two);
        rz_safetensors_declare(w, k == 0 ? "a" : k == 1 ? "\xff" : "b", k == 2 ? 2 : 1, k == 2 ? bad : two);
        ck_assert(rz_safetensors_put(w, big, &err) == (k == 3) && !rz_safetensors_commit(w, &err));
        static const char *const said[] = {"\"a\" is declared twice", "not UTF-8", "too large", "1 of 2 tensors were given"};
        expect_failure(RZ_EINTERNAL, said[k]);
        rz_safetensors_discard(w);
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
    OK(rz_safetensors_create(&w, path, RZ_ENC_F32, &err)); /* of no tensors */
    OK(rz_safetensors_commit(w, &err));
    rz_safetensors_discard(w);
    OK(rz_safetensors_open(&s, path, &err));
    ck_assert_int_eq(rz_safetensors_count(s), 0);
    rz_safetensors_close(s);
    ck_assert(!rz_safetensors_create(&w, in_folder("no/w"), RZ_ENC_F32, &err));
    expect_failure(RZ_EIO, "no/w");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("safetensors");
    TCase *tc = tcase_create("all");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, reads_the_original);
    tcase_add_test(tc, cut_anywhere);
    tcase_add_test(tc, wrong_headers);
    tcase_add_test(tc, huge_claims);
    tcase_add_test(tc, types_it_does_not_know);
    tcase_add_test(tc, shards);
    tcase_add_test(tc, missing_files);
    tcase_add_test(tc, written_and_read);
    tcase_add_test(tc, nothing_until_commit);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
