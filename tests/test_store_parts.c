/* Stores in parts: to who reads them they are what one file would be; whatever of them is missing, changed or another one's is named. */
#include "base/seal.h"
#include "tests/store.h"

#include <sys/stat.h>
#include <unistd.h>

enum { ROWS = 37, COLS = 6, N = 1000, TEXT = 70 };

/* Arrays of all kinds that go to parts and that do not. `other`: other numbers. */
static struct { const char *name; rz_shape shape; } const arrays[] = {
    {"m/a", {RZ_F32, 2, {ROWS, COLS}}}, {"m/norm", {RZ_F32, 1, {5}}}, {"o/m", {RZ_F32, 1, {N}}}, {"o/v", {RZ_F32, 1, {N}}},
    {"single", {RZ_F32, 0, {0}}}, {"none", {RZ_F32, 1, {0}}}, {"wide", {RZ_F32, 3, {2, 10, 10}}}, {"ids", {RZ_I32, 1, {5}}}, {"x", {RZ_F64, 1, {3}}},
};
enum { N_ARRAYS = sizeof arrays / sizeof *arrays };

static size_t count_of(const rz_shape *s)
{
    size_t n = 1;
    for (int i = 0; i < s->n_dims; i++) n *= (size_t)s->dims[i];
    return n;
}

static void *numbers_of(int i, int other)
{
    size_t bytes = count_of(&arrays[i].shape) * rz_type_size(arrays[i].shape.type);
    char *data = rz_malloc(bytes + 1);
    for (size_t k = 0; k < bytes; k++) data[k] = (char)(k * 31 + (size_t)i * 7 + k / 251 + (size_t)other);
    return data;
}

/* part_bytes 0: in one file. */
static bool write_all(const char *path, int64_t part_bytes, int other)
{
    void *data[N_ARRAYS];
    int64_t bytes = 0;
    rz_store *s = create(path);
    for (int i = 0; i < N_ARRAYS; i++)
        if (arrays[i].shape.type == RZ_F32 && arrays[i].shape.n_dims) bytes += (int64_t)(count_of(&arrays[i].shape) * sizeof(float));
    if (part_bytes) rz_store_split(s, bytes, part_bytes);
    ck_assert(rz_store_is_split(s) == (part_bytes > 0));
    char text[TEXT + 1] = {0};
    memset(text, 't', TEXT);
    bool ok = rz_store_reserve(s, bytes + 4096, &err) && rz_store_put_text(s, "text", text, &err) && rz_store_put_i64(s, "step", 7, &err);
    for (int i = 0; i < N_ARRAYS; i++) {
        data[i] = numbers_of(i, other);
        ok = ok && rz_store_put(s, arrays[i].name, arrays[i].shape, data[i], &err);
    }
    ok = ok && rz_store_commit(s, &err);
    rz_store_close(s);
    for (int i = 0; i < N_ARRAYS; i++) free(data[i]);
    return ok;
}

typedef struct { char text[4096]; } listing;

static bool list_array(void *ctx, const char *name, const rz_shape *s)
{
    listing *l = ctx;
    size_t n = strlen(l->text);
    n += (size_t)snprintf(l->text + n, sizeof l->text - n, "%s %d", name, (int)s->type);
    for (int i = 0; i < s->n_dims; i++) n += (size_t)snprintf(l->text + n, sizeof l->text - n, " %lld", (long long)s->dims[i]);
    snprintf(l->text + n, sizeof l->text - n, "\n");
    return true;
}

static bool list_attribute(void *ctx, const char *name, const char *value)
{
    listing *l = ctx;
    size_t n = strlen(l->text);
    snprintf(l->text + n, sizeof l->text - n, "%s=%s\n", name, value);
    return true;
}

static listing list_of(rz_store *s)
{
    listing l = {""};
    OK(rz_store_each(s, list_array, &l, &err) && rz_store_each_attr(s, list_attribute, &l, &err));
    return l;
}

static void holds_all(rz_store *s)
{
    for (int i = 0; i < N_ARRAYS; i++) {
        const rz_shape *due = &arrays[i].shape;
        size_t bytes = count_of(due) * rz_type_size(due->type);
        char *is = rz_calloc(bytes + 1, 1), *was = numbers_of(i, 0);
        rz_shape shape, longer = *due;
        OK(rz_store_shape(s, arrays[i].name, &shape, &err) && rz_store_get(s, arrays[i].name, *due, is, &err));
        ck_assert(rz_store_has(s, arrays[i].name) && shape.n_dims == due->n_dims && count_of(&shape) == count_of(due));
        ck_assert_msg(!memcmp(is, was, bytes), "%s", arrays[i].name);
        longer.dims[0]++;
        if (due->n_dims) ck_assert(!rz_store_get(s, arrays[i].name, longer, is, &err) && strstr(err.text, "must be"));
        for (int64_t at = 0; due->n_dims == 1 && at < due->dims[0]; at += 1 + at / 3)
            for (int64_t n = 1; n <= due->dims[0] - at; n += 1 + n / 2) {
                size_t width = rz_type_size(due->type);
                OK(rz_store_get_part(s, arrays[i].name, *due, at, n, is, &err));
                ck_assert_msg(!memcmp(is, was + (size_t)at * width, (size_t)n * width), "%s: %d from %d", arrays[i].name, (int)n, (int)at);
            }
        free(is);
        free(was);
    }
    ck_assert(!rz_store_has(s, "m") && !rz_store_has(s, "no such"));
}

/* The buffer is used again two calls later. */
static const char *part_of(const char *path, int k)
{
    static char paths[2][4800];
    static int turn;
    char *part = paths[turn++ % 2];
    snprintf(part, sizeof paths[0], "%s" RZ_STORE_PART "%d", path, k);
    return part;
}

static int parts_there(const char *path)
{
    int n = 0;
    while (rz_file_exists(part_of(path, n + 1))) n++;
    return n;
}

static int64_t size_of(const char *path)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_size;
}

START_TEST(is_what_one_file_would_be)
{
    static const struct { int64_t part_bytes; int parts; } cuts[] = {{1 << 20, 1}, {9708, 1}, {9707, 2}, {5000, 2}, {4096, 3}, {1000, 10}, {1, 100}};
    const char *path = in_folder("parts.h5"), *one = in_folder("one.h5");
    OK(write_all(one, 0, 0));
    rz_store *s = open_store(one);
    const listing due = list_of(s);
    holds_all(s);
    ck_assert(!rz_store_n_parts(s) && !rz_store_parts_bytes(s) && !rz_store_is_split(s));
    rz_store_close(s);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        OK(write_all(path, cuts[i].part_bytes, 0));
        s = open_store(path);
        ck_assert_str_eq(list_of(s).text, due.text);
        holds_all(s);
        int n = rz_store_n_parts(s);
        int64_t bytes = 0;
        ck_assert_msg(rz_store_is_split(s) && n == parts_there(path) && n >= cuts[i].parts && n <= cuts[i].parts + 40, "%d parts of %d bytes", n, (int)cuts[i].part_bytes);
        for (int k = 1; k <= n; k++) bytes += size_of(part_of(path, k));
        ck_assert_int_eq(rz_store_parts_bytes(s), bytes);
        rz_store_close(s);
        OK(rz_store_open_verified(&s, path, &err));
        holds_all(s);
        rz_store_close(s);
        ck_assert(rz_store_remove(path) && !rz_file_exists(path) && !parts_there(path));
    }
}
END_TEST

/* ---- damage ---- */

typedef struct { char *data; size_t len; } content;

static content content_of(const char *path)
{
    content c;
    OK(rz_file_read(path, 1 << 20, &c.data, &c.len, &err));
    return c;
}

static void refused(const char *path, const char *said, const char *said_too)
{
    rz_store *s;
    if (rz_store_open(&s, path, &err)) ck_abort_msg("accepted, due: %s", said);
    ck_assert_msg(!s && err.code == RZ_EDATA && !strncmp(err.text, path, strlen(path)) && strstr(err.text, said) && strstr(err.text, said_too), "%s\n does not say: %s", err.text, said);
}

enum { PART_BYTES = 5000 };

START_TEST(each_byte_of_each_file)
{
    const char *path = in_folder("a.h5");
    OK(write_all(path, PART_BYTES, 0));
    for (int k = 0; k < 3; k++) {
        const char *file = k ? part_of(path, k) : path;
        content c = content_of(file);
        for (size_t at = 0; at < c.len; at += at < 100 || at + 50 > c.len ? 1 : 31) {
            c.data[at] ^= 1 << at % 8;
            put(file, c.data, c.len);
            refused(path, file, "");
            c.data[at] ^= 1 << at % 8;
        }
        for (size_t len = 0; len < c.len; len += 1 + c.len / 50) {
            put(file, c.data, len);
            refused(path, file, "");
        }
        put(file, c.data, c.len);
        rz_store_close(open_store(path));
        free(c.data);
    }
}
END_TEST

START_TEST(parts_that_are_missing_or_another_ones)
{
    const char *path = in_folder("a.h5"), *other = in_folder("b.h5");
    OK(write_all(path, PART_BYTES, 0) && write_all(other, PART_BYTES, 1));
    for (int k = 1; k <= 2; k++) {
        const char *part = part_of(path, k);
        content own = content_of(part), theirs = content_of(part_of(other, k));
        put(part, theirs.data, theirs.len); /* whole, of the same shapes, of another step */
        refused(path, part, "not the part that it was written with");
        ck_assert(!rz_store_verify(path, &err));
        unlink(part);
        refused(path, part, "missing");
        ck_assert_int_eq(mkdir(part, 0700), 0);
        refused(path, part, "");
        rmdir(part);
        ck_assert_int_eq(mkfifo(part, 0600), 0);
        refused(path, part, "is not a file");
        unlink(part);
        put(part, own.data, own.len);
        rz_store_close(open_store(path));
        free(own.data);
        free(theirs.data);
    }
    content one = content_of(part_of(path, 1)), two = content_of(part_of(path, 2));
    put(part_of(path, 1), two.data, two.len);
    put(part_of(path, 2), one.data, one.len);
    refused(path, RZ_STORE_PART "1", "not the part that it was written with");
    free(one.data);
    free(two.data);
}
END_TEST

static char good[4700]; /* a part */

/* A main file that says what it likes of parts that are whole. */
static void lie(const char *path, const char *manifest, rz_shape shape, const char *array)
{
    content c = content_of(good);
    char seals[4 * RZ_SEAL_BYTES] = {0};
    memcpy(seals, c.data + c.len - RZ_SEAL_BYTES, RZ_SEAL_BYTES);
    rz_store *s = create(path);
    OK(rz_store_put(s, manifest, shape, seals, &err));
    if (array) OK(rz_store_put(s, array, (rz_shape){RZ_U8, 1, {4}}, "abcd", &err));
    OK(rz_store_commit(s, &err));
    rz_store_close(s);
    put(part_of(path, 1), c.data, c.len);
    free(c.data);
}

START_TEST(manifests_that_lie)
{
    const char *path = in_folder("a.h5");
    OK(write_all(in_folder("good.h5"), 1 << 20, 0));
    snprintf(good, sizeof good, "%s", in_folder("good.h5" RZ_STORE_PART "1"));
    lie(path, "manifest", (rz_shape){RZ_U8, 2, {1, RZ_SEAL_BYTES}}, NULL);
    rz_store *s = open_store(path);
    ck_assert(rz_store_has(s, "o/m") && !rz_store_has(s, "ids"));
    rz_store_close(s);
    lie(path, "manifest", (rz_shape){RZ_U8, 2, {1, RZ_SEAL_BYTES}}, "o/m");
    refused(path, "holds 'o/m', and so do its parts", "");
    lie(path, "manifest", (rz_shape){RZ_U8, 2, {2, RZ_SEAL_BYTES}}, NULL);
    refused(path, RZ_STORE_PART "2", "missing");
    static const rz_shape odd[] = {{RZ_U8, 1, {RZ_SEAL_BYTES}}, {RZ_I8, 2, {1, RZ_SEAL_BYTES}}, {RZ_U8, 2, {1, 16}}, {RZ_U8, 2, {0, RZ_SEAL_BYTES}}, {RZ_U8, 0, {0}}};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        lie(path, "manifest", odd[i], NULL);
        refused(path, "'manifest' is none that rulezero writes", "");
    }
}
END_TEST

/* Parts that are whole and of which an array does not go on as it began. */
START_TEST(pieces_that_do_not_fit)
{
    static const rz_shape next[] = {{RZ_F32, 2, {3, 5}}, {RZ_F64, 2, {3, 4}}, {RZ_F32, 1, {4}}, {RZ_F32, 0, {0}}, {RZ_F32, 2, {3, 4}}};
    const float data[64] = {0};
    char path[4700];
    snprintf(path, sizeof path, "%s", in_folder("a.h5"));
    for (size_t i = 0; i < sizeof next / sizeof *next; i++) {
        char seals[2][RZ_SEAL_BYTES];
        const char *parts[2] = {in_folder("first"), in_folder("second")};
        for (int k = 0; k < 2; k++) {
            rz_store *s = create(parts[k]);
            OK(rz_store_put(s, "w", k ? next[i] : (rz_shape){RZ_F32, 2, {2, 4}}, data, &err) && rz_store_commit(s, &err));
            rz_store_close(s);
            OK(rz_seal_read(parts[k], (unsigned char *)seals[k], &err));
        }
        rz_store *s = create(path);
        OK(rz_store_put(s, "manifest", (rz_shape){RZ_U8, 2, {2, RZ_SEAL_BYTES}}, seals, &err) && rz_store_commit(s, &err));
        rz_store_close(s);
        for (int k = 0; k < 2; k++) ck_assert_int_eq(rename(parts[k], part_of(path, k + 1)), 0);
        if (i + 1 < sizeof next / sizeof *next) {
            refused(path, "'w' does not go on as it began", "");
            continue;
        }
        s = open_store(path);
        float is[20];
        OK(rz_store_get(s, "w", (rz_shape){RZ_F32, 2, {5, 4}}, is, &err));
        rz_store_close(s);
    }
}
END_TEST

/* ---- writing that fails ---- */

static int files_in_folder(void)
{
    char **names;
    int n;
    OK(rz_dir_list(folder, &names, &n, &err));
    for (int i = 0; i < n; i++) free(names[i]);
    free(names);
    return n;
}

START_TEST(what_is_not_committed_goes)
{
    const char *path = in_folder("a.h5"), *const in_the_way[] = {in_folder("a.h5" RZ_STORE_PART "1"), in_folder("a.h5" RZ_STORE_PART "2"), path};
    for (int i = 0; i < 3; i++) {
        const char *folder_there = in_the_way[i];
        ck_assert_int_eq(mkdir(folder_there, 0700), 0);
        ck_assert(!write_all(path, PART_BYTES, 0));
        ck_assert_msg(err.code == RZ_EIO && strstr(err.text, in_the_way[i]), "%s", err.text);
        if (i < 2) ck_assert_int_eq(files_in_folder(), 1); /* that folder */
        ck_assert_int_eq(rmdir(folder_there), 0);
        for (int k = 1; k <= 2; k++) unlink(part_of(path, k)); /* there was something where the whole belongs, whose they might have been */
        ck_assert_int_eq(files_in_folder(), 0);
    }
    const float data[N] = {0};
    rz_store *s = create(path);
    rz_store_split(s, N * sizeof(float), 1000);
    OK(rz_store_put(s, "x", (rz_shape){RZ_F32, 1, {N}}, data, &err));
    ck_assert_int_eq(parts_there(path), 3); /* those that are full stand */
    rz_store_close(s);
    ck_assert_int_eq(files_in_folder(), 0);
    s = create(path); /* more room than there is: nothing is begun */
    rz_store_split(s, N * sizeof(float), 1000);
    ck_assert(!rz_store_reserve(s, (int64_t)1 << 60, &err));
    expect_failure(RZ_EIO, "it needs 1152921504606846976 bytes");
    rz_store_close(s);
    ck_assert_int_eq(files_in_folder(), 0);
}
END_TEST

START_TEST(an_older_one_is_there)
{
    const char *path = in_folder("a.h5");
    OK(write_all(path, 1000, 1) && write_all(path, PART_BYTES, 0)); /* of fewer parts than before */
    rz_store *s = open_store(path);
    holds_all(s);
    rz_store_close(s);
    s = create(path); /* one that is given up before its first part leaves it alone */
    rz_store_split(s, 10, 10);
    rz_store_close(s);
    rz_store_close(open_store(path));
    ck_assert_int_eq(parts_there(path), 2);
    OK(write_all(path, 0, 0)); /* and in one file */
    ck_assert_int_eq(parts_there(path), 0);
    s = open_store(path);
    ck_assert(!rz_store_n_parts(s));
    holds_all(s);
    rz_store_close(s);
    ck_assert(rz_store_remove(path));
    ck_assert_int_eq(files_in_folder(), 0);
    ck_assert(!rz_store_remove(path));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_parts");
    TCase *tc = tcase_create("store_parts");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, is_what_one_file_would_be);
    tcase_add_test(tc, each_byte_of_each_file);
    tcase_add_test(tc, parts_that_are_missing_or_another_ones);
    tcase_add_test(tc, manifests_that_lie);
    tcase_add_test(tc, pieces_that_do_not_fit);
    tcase_add_test(tc, what_is_not_committed_goes);
    tcase_add_test(tc, an_older_one_is_there);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
