/* The store: what is put comes back, other HDF5 readers see the same. Damage is in test_store_damage.c. */
#include "base/rng.h"
#include "base/seal.h"
#include "base/store_image.h"
#include "tests/store.h"

#include <fcntl.h>
#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names out of order, every type, every number of dimensions, nothing and a single number, groups in groups. */
static const struct {
    const char *name;
    rz_shape shape;
} arrays[] = {
    {"z/f32", {RZ_F32, 2, {3, 5}}},
    {"z/f64", {RZ_F64, 1, {7}}},
    {"i8", {RZ_I8, 4, {2, 3, 2, 2}}},
    {"u8", {RZ_U8, 3, {1, 1, 9}}},
    {"m/deep/er/i32", {RZ_I32, 1, {4}}},
    {"m/u32", {RZ_U32, 0, {0}}},
    {"m/i64", {RZ_I64, 2, {2, 2}}},
    {"u64", {RZ_U64, 1, {3}}},
    {"m.a/bf16", {RZ_BF16, 2, {4, 2}}},
    {"none/f32", {RZ_F32, 2, {0, 8}}},
    {"none/u8", {RZ_U8, 1, {0}}},
    {"m/layer.0.weight", {RZ_F32, 1, {1}}},
    {"none/bf16", {RZ_BF16, 3, {2, 0, 1}}},
};
enum { N_ARRAYS = sizeof arrays / sizeof *arrays, ROOM = 512 };

static size_t bytes_of(const rz_shape *shape)
{
    size_t n = rz_type_size(shape->type);
    for (int i = 0; i < shape->n_dims; i++) n *= (size_t)shape->dims[i];
    return n;
}

/* Any bits at all: NaN with payloads must survive too. */
static void fill(unsigned char *data, int array)
{
    rz_stream r;
    rz_stream_init(&r, 6, RZ_RNG_TEST, (uint64_t)array);
    for (int i = 0; i < ROOM; i++) data[i] = (unsigned char)rz_stream_u32(&r);
}

static rz_store *sample(const char *name)
{
    rz_store *s = create(in_folder(name));
    for (int i = 0; i < N_ARRAYS; i++) {
        unsigned char data[ROOM];
        fill(data, i);
        OK(rz_store_put(s, arrays[i].name, arrays[i].shape, data, &err));
    }
    OK(rz_store_put_text(s, "config", "seed: 1\nname: é\n", &err));
    OK(rz_store_put_text(s, "empty", "", &err));
    OK(rz_store_put_i64(s, "step", -9007199254740993, &err));
    OK(rz_store_put_f64(s, "rate", 0.1, &err));
    OK(rz_store_put_str(s, "version", "0.1 é", &err));
    OK(rz_store_put_str(s, "blank", "", &err));
    return s;
}

static void check_sample(rz_store *s)
{
    for (int i = 0; i < N_ARRAYS; i++) {
        unsigned char due[ROOM], is[ROOM];
        rz_shape shape;
        fill(due, i);
        memset(is, 0, sizeof is);
        ck_assert(rz_store_has(s, arrays[i].name));
        OK(rz_store_get(s, arrays[i].name, arrays[i].shape, is, &err));
        size_t n = bytes_of(&arrays[i].shape);
        ck_assert_msg(memcmp(is, due, n) == 0, "%s", arrays[i].name);
        ck_assert_uint_eq(is[n], 0);
        OK(rz_store_shape(s, arrays[i].name, &shape, &err));
        ck_assert_int_eq(shape.type, arrays[i].shape.type);
        ck_assert_int_eq(shape.n_dims, arrays[i].shape.n_dims);
        ck_assert(memcmp(shape.dims, arrays[i].shape.dims, (size_t)shape.n_dims * sizeof *shape.dims) == 0);
    }
    char *text;
    ck_assert_ptr_nonnull(text = rz_store_get_text(s, "config", &err));
    ck_assert_str_eq(text, "seed: 1\nname: é\n");
    free(text);
    ck_assert_ptr_nonnull(text = rz_store_get_text(s, "empty", &err));
    ck_assert_str_eq(text, "");
    free(text);
    int64_t step;
    double rate;
    OK(rz_store_get_i64(s, "step", &step, &err));
    OK(rz_store_get_f64(s, "rate", &rate, &err));
    ck_assert(step == -9007199254740993 && rate == 0.1);
    OK(rz_store_get_str(s, "version", &text, &err));
    ck_assert_str_eq(text, "0.1 é");
    free(text);
    OK(rz_store_get_str(s, "blank", &text, &err));
    ck_assert_str_eq(text, "");
    free(text);
}

START_TEST(what_is_put_comes_back)
{
    rz_store *s = sample("a.h5");
    check_sample(s); /* before the commit too */
    OK(rz_store_commit(s, &err));
    check_sample(s);
    rz_store_close(s);
    s = open_store(in_folder("a.h5"));
    check_sample(s);
    ck_assert(!rz_store_has(s, "z") && !rz_store_has(s, "z/") && !rz_store_has(s, "z/f3") && !rz_store_has(s, "u8/x") && !rz_store_has(s, ""));
    ck_assert(rz_store_has_attr(s, "step") && !rz_store_has_attr(s, "stop"));
    rz_store_close(s);
    rz_store_close(NULL);
}
END_TEST

START_TEST(stores_live_side_by_side)
{
    rz_store *a = sample("a.h5"), *b = create(in_folder("b.h5"));
    float x = 1;
    OK(rz_store_put(b, "x", (rz_shape){RZ_F32, 0, {0}}, &x, &err));
    OK(rz_store_put(b, "y", (rz_shape){RZ_F32, 0, {0}}, &x, &err));
    ck_assert(!rz_file_exists(in_folder("b.h5")));
    OK(rz_store_commit(b, &err));
    ck_assert(!rz_store_put(b, "z", (rz_shape){RZ_F32, 0, {0}}, &x, &err) && !rz_store_commit(b, &err));
    check_sample(a);
    rz_store_close(a);
    ck_assert(!rz_file_exists(in_folder("a.h5")));
    rz_store *r1 = open_store(in_folder("b.h5")), *r2 = open_store(in_folder("b.h5"));
    rz_store_close(b);
    ck_assert(rz_store_has(r1, "x") && rz_store_has(r2, "y") && !rz_store_has(r1, "z"));
    rz_store_close(r1);
    ck_assert(rz_store_has(r2, "y"));
    rz_store_close(r2);
}
END_TEST

START_TEST(same_contents_same_bytes)
{
    rz_store *a = sample("a.h5");
    OK(rz_store_commit(a, &err));
    rz_store_close(a);
    usleep(1100 * 1000); /* HDF5 stamps whole seconds */
    rz_store *b = sample("b.h5");
    OK(rz_store_commit(b, &err));
    rz_store_close(b);
    char one[33], two[33];
    OK(rz_hash_file(in_folder("a.h5"), one, &err));
    OK(rz_hash_file(in_folder("b.h5"), two, &err));
    ck_assert_str_eq(one, two);
}
END_TEST

/* HDF5 itself, as any tool uses it, on our file with the seal behind it. */
START_TEST(hdf5_reads_it_too)
{
    rz_store *s = sample("a.h5");
    OK(rz_store_commit(s, &err));
    rz_store_close(s);
    unsigned char due[ROOM];
    float is[15];
    fill(due, 0);
    hid_t file = H5Fopen(in_folder("a.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    ck_assert_int_ge(file, 0);
    hid_t array = H5Dopen2(file, "/z/f32", H5P_DEFAULT);
    ck_assert_int_ge(H5Dread(array, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, is), 0);
    ck_assert(memcmp(is, due, sizeof is) == 0);
    H5Dclose(array);
    char dtype[16] = "";
    array = H5Dopen2(file, "/m.a/bf16", H5P_DEFAULT);
    hid_t a = H5Aopen(array, "dtype", H5P_DEFAULT), type = H5Aget_type(a), stored = H5Dget_type(array);
    ck_assert_int_ge(H5Aread(a, type, dtype), 0);
    ck_assert_str_eq(dtype, "bf16");
    ck_assert_int_gt(H5Tequal(stored, H5T_STD_U16LE), 0);
    H5Tclose(stored);
    H5Tclose(type);
    H5Aclose(a);
    H5Dclose(array);
    H5Fclose(file);
}
END_TEST

START_TEST(shapes_must_be_exact)
{
    rz_store *s = sample("a.h5");
    char data[ROOM];
    static const struct {
        const char *name;
        rz_shape shape;
        const char *said;
    } cases[] = {
        {"z/f32", {RZ_F32, 2, {5, 3}}, "'z/f32' is f32[3,5], must be f32[5,3]"}, {"z/f32", {RZ_F32, 1, {15}}, "'z/f32' is f32[3,5], must be f32[15]"},
        {"z/f32", {RZ_I32, 2, {3, 5}}, "is f32[3,5], must be i32[3,5]"},         {"m/u32", {RZ_U32, 1, {1}}, "'m/u32' is u32[], must be u32[1]"},
        {"i8", {RZ_U8, 4, {2, 3, 2, 2}}, "is i8[2,3,2,2], must be u8[2,3,2,2]"}, {"none/f32", {RZ_F32, 2, {0, 7}}, "is f32[0,8], must be f32[0,7]"},
        {"nothing", {RZ_F32, 0, {0}}, "has no array 'nothing'"},                 {"z", {RZ_F32, 0, {0}}, "'z' is not an array"},
        {"m/nothing", {RZ_F32, 0, {0}}, "has no array 'm/nothing'"},             {"m.a/bf16", {RZ_I8, 2, {4, 2}}, "is bf16[4,2], must be i8[4,2]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert(!rz_store_get(s, cases[i].name, cases[i].shape, data, &err));
        ck_assert_int_eq(err.code, RZ_EDATA);
        SAYS(cases[i].said);
    }
    ck_assert_ptr_null(rz_store_get_text(s, "z/f64", &err));
    SAYS("'z/f64' is f64[7], must be a text");
    int64_t i;
    double x;
    char *text;
    ck_assert(!rz_store_get_i64(s, "rate", &i, &err));
    SAYS("attribute 'rate' is not a single i64");
    ck_assert(!rz_store_get_f64(s, "step", &x, &err));
    ck_assert(!rz_store_get_str(s, "step", &text, &err));
    ck_assert_ptr_null(text);
    ck_assert(!rz_store_get_str(s, "nothing", &text, &err));
    SAYS("has no attribute 'nothing'");
    rz_store_close(s);
}
END_TEST

START_TEST(bad_puts_are_refused)
{
    rz_store *s = sample("a.h5");
    rz_shape one = {RZ_U8, 0, {0}};
    const char *const names[] = {"", "/a", "a/", "a//b", "u8", "u8/below", "z"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) ck_assert_msg(!rz_store_put(s, names[i], one, "", &err), "'%s'", names[i]);
    ck_assert(!rz_store_put(s, "negative", (rz_shape){RZ_U8, 1, {-1}}, "", &err));
    ck_assert(!rz_store_put(s, "huge", (rz_shape){RZ_F64, 2, {INT64_MAX, INT64_MAX}}, "", &err));
    ck_assert(!rz_store_put(s, "many", (rz_shape){RZ_U8, 5, {1, 1, 1, 1}}, "", &err));
    ck_assert(!rz_store_put_i64(s, "step", 1, &err));
    check_sample(s);
    OK(rz_store_commit(s, &err));
    rz_store_close(s);
    s = open_store(in_folder("a.h5"));
    ck_assert(!rz_store_put(s, "new", one, "", &err));
    SAYS("is open for reading");
    ck_assert(!rz_store_put_str(s, "new", "", &err) && !rz_store_commit(s, &err));
    rz_store_close(s);
}
END_TEST

typedef struct {
    int n, stop_after;
    char last[64];
    rz_store *store;
} listing;

static bool see_array(void *ctx, const char *name, const rz_shape *shape)
{
    listing *l = ctx;
    unsigned char data[ROOM];
    ck_assert_msg(l->n == 0 || strcmp(l->last, name) < 0, "%s after %s", name, l->last);
    snprintf(l->last, sizeof l->last, "%s", name);
    OK(rz_store_get(l->store, name, *shape, data, &err)); /* a callback may use the store */
    return ++l->n != l->stop_after;
}

static bool see_attribute(void *ctx, const char *name, const char *value)
{
    snprintf((char *)ctx + strlen(ctx), 200, "%s=%s;", name, value);
    return strcmp(name, "step") != 0;
}

START_TEST(listings)
{
    rz_store *s = create(in_folder("a.h5"));
    listing l = {.store = s};
    char seen[256] = "";
    OK(rz_store_each(s, see_array, &l, &err));
    OK(rz_store_each_attr(s, see_attribute, seen, &err));
    ck_assert(l.n == 0 && !*seen);
    rz_store_close(s);
    s = l.store = sample("a.h5");
    OK(rz_store_each(s, see_array, &l, &err));
    ck_assert_int_eq(l.n, N_ARRAYS + 2);
    l.n = 0, l.stop_after = 3;
    OK(rz_store_each(s, see_array, &l, &err));
    ck_assert_int_eq(l.n, 3);
    OK(rz_store_each_attr(s, see_attribute, seen, &err));
    ck_assert_str_eq(seen, "blank=;rate=0.1;step=-9007199254740993;"); /* stopped there */
    rz_store_close(s);
}
END_TEST

/* As a model has: HDF5 keeps many names in another way than few. */
START_TEST(many_arrays)
{
    rz_store *s = create(in_folder("a.h5"));
    char name[64];
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof name, "model/layers.%d.weight", i);
        float x[2] = {(float)i, 1};
        OK(rz_store_put(s, name, (rz_shape){RZ_F32, 1, {2}}, x, &err));
    }
    OK(rz_store_commit(s, &err));
    rz_store_close(s);
    s = open_store(in_folder("a.h5"));
    for (int i = 399; i >= 0; i--) {
        snprintf(name, sizeof name, "model/layers.%d.weight", i);
        float x[2];
        OK(rz_store_get(s, name, (rz_shape){RZ_F32, 1, {2}}, x, &err));
        ck_assert(x[0] == (float)i);
    }
    listing l = {.store = s};
    OK(rz_store_each(s, see_array, &l, &err));
    ck_assert_int_eq(l.n, 400);
    rz_store_close(s);
}
END_TEST

START_TEST(arrays_are_read_in_parts)
{
    enum { N = 1000 };
    rz_shape shape = {RZ_F32, 1, {N}};
    float due[N], is[N] = {0};
    for (int i = 0; i < N; i++) due[i] = (float)(i + 1);
    rz_store *s = create(in_folder("a.h5"));
    OK(rz_store_put(s, "x/y", shape, due, &err));
    OK(rz_store_get_part(s, "x/y", shape, 598, 3, is, &err)); /* before the commit too */
    ck_assert(is[0] == 599 && is[1] == 600 && is[2] == 601 && is[3] == 0);
    ck_assert(!rz_store_get_part(s, "x/y", shape, -1, 2, is, &err));
    SAYS("has no elements -1 to 1");
    ck_assert(!rz_store_get_part(s, "x/y", shape, 600, 401, is, &err) && !rz_store_get_part(s, "x", shape, 0, 1, is, &err) && !rz_store_get_part(s, "z", shape, 0, 1, is, &err));
    ck_assert(!rz_store_get_part(s, "x/y", (rz_shape){RZ_F32, 1, {N + 1}}, 0, 1, is, &err));
    OK(rz_store_commit(s, &err));
    rz_store_close(s);
    s = open_store(in_folder("a.h5"));
    memset(is, 0, sizeof is);
    OK(rz_store_get_part(s, "x/y", shape, 7, 990, is + 7, &err));
    ck_assert(is[6] == 0 && memcmp(is + 7, due + 7, 990 * sizeof *is) == 0 && is[997] == 0);
    rz_store_close(s);
}
END_TEST

/* Arrays of the lengths at which it begins to matter where they lie and how they are written, in a file of some MiB that goes past the system's cache and in one that does not. */
START_TEST(large_arrays_are_written_from_where_they_are)
{
    enum { MOST = 5 << 20, TEXT = 3 * RZ_STORE_STAYS };
    static const int64_t lengths[] = {1, RZ_STORE_STAYS - 1, RZ_STORE_STAYS, RZ_STORE_STAYS + 1, 3, (1 << 20) - 4096, 1 << 20, 100, MOST};
    enum { N = sizeof lengths / sizeof *lengths };
    uint8_t *data = rz_malloc(MOST + N), *is = rz_malloc(MOST);
    rz_stream r;
    rz_stream_init(&r, 6, RZ_RNG_TEST, 1000);
    for (int i = 0; i < MOST + N; i++) data[i] = (uint8_t)rz_stream_u32(&r);
    char *text = rz_calloc(TEXT + 1, 1);
    for (int n = N - 1; n <= N; n++) {
        rz_store *s = create(in_folder("a.h5"));
        char name[32];
        OK(rz_store_reserve(s, 2 * MOST, &err)); /* more than it takes */
        for (int i = 0; i < n; i++) {
            snprintf(name, sizeof name, "x/%d", i);
            OK(rz_store_put(s, name, (rz_shape){RZ_U8, 1, {lengths[i]}}, data + i, &err)); /* at any address */
        }
        memset(text, 'x', TEXT);
        OK(rz_store_put_text(s, "text", text, &err));
        memset(text, 'y', TEXT); /* texts need not stay */
        OK(rz_store_put_i64(s, "step", n, &err));
        OK(rz_store_commit(s, &err));
        rz_store_close(s);
        s = open_store(in_folder("a.h5"));
        for (int i = 0; i < n; i++) {
            snprintf(name, sizeof name, "x/%d", i);
            OK(rz_store_get(s, name, (rz_shape){RZ_U8, 1, {lengths[i]}}, is, &err));
            ck_assert_msg(memcmp(is, data + i, (size_t)lengths[i]) == 0, "%lld bytes", (long long)lengths[i]);
        }
        char *found = rz_store_get_text(s, "text", &err);
        ck_assert(found && strspn(found, "x") == TEXT);
        free(found);
        rz_store_close(s);
    }
    free(text);
    free(data);
    free(is);
}
END_TEST

/* Read in blocks of 1 MiB by several threads, hashed in rounds of four: any part of an array, and whatever byte of the file changes. */
START_TEST(large_files_are_read_by_several)
{
    enum { N = 5 * (1 << 19) + 7, MIB = 1 << 20 }; /* 10 MiB and some */
    rz_shape shape = {RZ_F32, 1, {N}};
    uint32_t *due = rz_malloc(N * sizeof *due), *is = rz_calloc(N, sizeof *is);
    for (uint32_t i = 0; i < N; i++) due[i] = i * 2654435761u; /* each another, NaN too */
    rz_store *s = create(in_folder("a.h5"));
    OK(rz_store_put(s, "x", shape, due, &err));
    OK(rz_store_commit(s, &err));
    rz_store_close(s);
    s = open_store(in_folder("a.h5"));
    OK(rz_store_get(s, "x", shape, is, &err));
    ck_assert(memcmp(is, due, N * sizeof *is) == 0);
    static const int parts[][2] = {{1, N - 1}, {3, 4 * MIB / 4}, {MIB / 4 - 1, 4 * MIB / 4 + 1}, {N - 6 * MIB / 4, 6 * MIB / 4}, {77, 4 * MIB / 4 - 1}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int at = parts[i][0], n = parts[i][1];
        memset(is, 0, N * sizeof *is);
        OK(rz_store_get_part(s, "x", shape, at, n, is, &err));
        ck_assert(memcmp(is, due + at, (size_t)n * sizeof *is) == 0);
        for (int k = n; k < N; k++) ck_assert_uint_eq(is[k], 0);
    }
    ck_assert_int_eq(truncate(in_folder("a.h5"), 5 * MIB), 0); /* while it is open */
    ck_assert(!rz_store_get(s, "x", shape, is, &err));
    SAYS("became shorter while it was read");
    rz_store_close(s);
    s = create(in_folder("a.h5"));
    OK(rz_store_put(s, "x", shape, due, &err));
    OK(rz_store_commit(s, &err));
    rz_store_close(s);
    int fd = open(in_folder("a.h5"), O_RDWR);
    struct stat st;
    ck_assert(fd >= 0 && fstat(fd, &st) == 0);
    const off_t ends[] = {0, MIB, 2 * MIB, 4 * MIB, 5 * MIB, 8 * MIB, 10 * MIB, st.st_size - RZ_SEAL_BYTES, st.st_size};
    for (size_t i = 0; i < 2 * sizeof ends / sizeof *ends; i++) {
        unsigned char byte;
        off_t at = ends[i / 2] - (off_t)(i & 1);
        if (at < 0 || at >= st.st_size) continue;
        ck_assert(pread(fd, &byte, 1, at) == 1);
        byte ^= 1;
        ck_assert(pwrite(fd, &byte, 1, at) == 1);
        ck_assert_msg(!rz_store_open(&s, in_folder("a.h5"), &err) && err.code == RZ_EDATA, "byte %lld", (long long)at);
        byte ^= 1;
        ck_assert(pwrite(fd, &byte, 1, at) == 1);
    }
    close(fd);
    s = open_store(in_folder("a.h5"));
    rz_store_close(s);
    free(due);
    free(is);
}
END_TEST

/* Pieces of any length in any order, some twice, some lent, with holes: what is read, and what is in the file, is what an array of the bytes says. */
START_TEST(an_image_is_what_was_put)
{
    enum { SIZE = 5 << 20, SLOTS = 80, SLOT = SIZE / SLOTS };
    uint8_t *due = rz_calloc(SIZE, 1), *data = rz_malloc(SIZE), *is = rz_malloc(SIZE);
    rz_stream r;
    rz_stream_init(&r, 6, RZ_RNG_TEST, 1001);
    for (int i = 0; i < SIZE; i++) data[i] = (uint8_t)rz_stream_u32(&r);
    rz_image m = {0};
    bool lent[SLOTS] = {0};
    for (int i = 0; i < 3 * SLOTS; i++) {
        uint32_t slot = rz_stream_below(&r, SLOTS), skip = rz_stream_below(&r, SLOT), n = rz_stream_below(&r, SLOT - skip) + 1, from = rz_stream_below(&r, SIZE - SLOT);
        if (lent[slot]) continue;
        lent[slot] = i > SLOTS;
        if (lent[slot]) skip = 0, n = SLOT; /* instead of all before */
        (lent[slot] ? rz_image_lend : rz_image_put)(&m, slot * SLOT + skip, data + from, n);
        memcpy(due + slot * SLOT + skip, data + from, n);
    }
    for (int i = 0; i < 1000; i++) {
        uint32_t at = rz_stream_below(&r, SIZE), n = rz_stream_below(&r, SIZE - at < 3 * SLOT ? SIZE - at : 3 * SLOT);
        rz_image_get(&m, at, is, n);
        if (memcmp(is, due + at, n) != 0) ck_abort_msg("%u bytes from %u on", n, at);
    }
    static const uint64_t sizes[] = {1, 4096, 1 << 20, (1 << 20) + 1, (4 << 20) - 1, 4 << 20, SIZE - 4096 - RZ_SEAL_BYTES, SIZE - 1, SIZE};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int fd = open(in_folder("image"), O_RDWR | O_CREAT | O_TRUNC, 0600);
        struct stat st;
        ck_assert(fd >= 0);
        OK(rz_image_write(&m, sizes[i], fd, in_folder("image"), &err));
        ck_assert(fstat(fd, &st) == 0 && st.st_size == (off_t)sizes[i] + RZ_SEAL_BYTES);
        close(fd);
        fd = open(in_folder("image"), O_RDONLY);
        if (read(fd, is, sizes[i]) != (ssize_t)sizes[i] || memcmp(is, due, sizes[i]) != 0) ck_abort_msg("%llu bytes", (unsigned long long)sizes[i]);
        close(fd);
    }
    rz_image_finish(&m);
    free(due);
    free(data);
    free(is);
}
END_TEST

/* A folder of that name in the way: rename fails after all has been written. */
START_TEST(a_failed_rename_leaves_what_was_there)
{
    const char *path = in_folder("a.h5");
    rz_store *s = sample("a.h5");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert(!rz_store_commit(s, &err));
    ck_assert_int_eq(err.code, RZ_EIO);
    rz_store_close(s);
    ck_assert(!rz_store_create(&s, in_folder("no/such/folder.h5"), &err) && !s);
    ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *all = tcase_create("store");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, what_is_put_comes_back);
    tcase_add_test(all, stores_live_side_by_side);
    tcase_add_test(all, same_contents_same_bytes);
    tcase_add_test(all, hdf5_reads_it_too);
    tcase_add_test(all, shapes_must_be_exact);
    tcase_add_test(all, bad_puts_are_refused);
    tcase_add_test(all, listings);
    tcase_add_test(all, many_arrays);
    tcase_add_test(all, arrays_are_read_in_parts);
    tcase_add_test(all, an_image_is_what_was_put);
    tcase_add_test(all, large_arrays_are_written_from_where_they_are);
    tcase_add_test(all, large_files_are_read_by_several);
    tcase_add_test(all, a_failed_rename_leaves_what_was_there);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
