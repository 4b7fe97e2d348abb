/* packed: what was compressed comes back, what is damaged is named, and nothing claims memory it does not need. That other programs read what we write
 * and the other way round is tests/system/test_data.py's. */
#include "base/file.h"
#include "base/packed.h"
#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static rz_err err;
static char folder[256], path[300];

static void setup(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/rz_packed_XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/f", folder);
    err = (rz_err){0};
}

static void teardown(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* no temporary file is left */
}

/* Half noise, half repetition. */
static char *some_bytes(size_t n)
{
    char *bytes = rz_malloc(n + 1);
    for (size_t i = 0; i < n; i++) bytes[i] = (i >> 12) % 2 ? (char)('a' + i % 7) : (char)(i * 2654435761u >> 13);
    return bytes;
}

/* In pieces of this size. */
static void write_packed(rz_packing packing, const char *bytes, size_t n, size_t piece)
{
    rz_packer *p;
    unlink(path);
    ck_assert_msg(rz_packer_create(&p, path, packing, &err), "%s", err.text);
    for (size_t i = 0; i < n; i += piece) ck_assert(rz_packer_add(p, bytes + i, n - i < piece ? n - i : piece, &err));
    ck_assert(!rz_file_exists(path));
    ck_assert_msg(rz_packer_commit(p, &err), "%s", err.text);
    rz_packer_close(p);
}

/* Everything, or NULL with err filled. Reads in pieces; caller frees. */
static char *read_packed(size_t piece, size_t *len)
{
    rz_unpacker *u;
    char *all = NULL;
    size_t n = 1, room = 0;
    ck_assert_msg(rz_unpacker_open(&u, path, &err), "%s", err.text);
    bool ok = true;
    for (*len = 0; ok && n > 0; *len += n) {
        if (*len + piece > room) all = rz_realloc(all, room = 2 * (*len + piece));
        ok = rz_unpacker_read(u, all + *len, piece, &n, &err);
        if (!ok) n = 0;
    }
    rz_unpacker_close(u);
    if (ok) return all;
    free(all);
    return NULL;
}

START_TEST(comes_back)
{
    static const size_t sizes[] = {0, 1, 3, 4, 65535, 65536, 65537, 1000003};
    rz_packing packing = (rz_packing)_i;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        size_t pieces[] = {7, 65536, 1 << 21};
        for (int j = sizes[k] > 100000; j < 3; j++) {
            char *bytes = some_bytes(sizes[k]);
            size_t len, packed_len;
            write_packed(packing, bytes, sizes[k], pieces[j]);
            char *back = read_packed(pieces[2 - j] + 1, &len), *packed;
            ck_assert_msg(back && len == sizes[k] && memcmp(back, bytes, len) == 0, "%zu bytes in pieces of %zu: %s", sizes[k], pieces[j], err.text);
            ck_assert(rz_file_read(path, 1 << 22, &packed, &packed_len, &err));
            ck_assert(packing == RZ_PLAIN ? packed_len == len : len < 100000 || packed_len < len * 3 / 4);
            free(packed);
            free(back);
            free(bytes);
        }
    }
}
END_TEST

START_TEST(members_follow_each_other)
{
    static const char *const of[] = {"ab\n", "ab\n"};
    rz_packing packing = (rz_packing)_i;
    size_t n, len;
    char *one, *two = rz_malloc(1000), *back;
    write_packed(packing, of[0], 3, 3);
    ck_assert(rz_file_read(path, 500, &one, &n, &err));
    memcpy(two, one, n);
    memcpy(two + n, one, n);
    ck_assert(rz_file_write(path, two, 2 * n, &err));
    back = read_packed(5, &len);
    ck_assert_msg(back && len == 6 && memcmp(back, "ab\nab\n", 6) == 0, "%s", err.text);
    free(back);
    if (packing != RZ_PLAIN) { /* what follows must be a member again */
        two[n] = 'x';
        ck_assert(rz_file_write(path, two, 2 * n, &err));
        ck_assert_ptr_null(read_packed(5, &len));
        ck_assert_int_eq(err.code, RZ_EDATA);
    }
    free(one);
    free(two);
}
END_TEST

/* Cut anywhere behind the magic, or with any byte flipped, it is refused or, where the format does not protect a byte (gzip's header), unchanged. */
START_TEST(damage_is_named)
{
    rz_packing packing = (rz_packing)_i;
    char *bytes = some_bytes(5000), *packed, *back;
    size_t n, len;
    write_packed(packing, bytes, 5000, 5000);
    ck_assert(rz_file_read(path, 1 << 20, &packed, &n, &err));
    for (size_t cut = 4; cut < n; cut += cut < 30 || cut > n - 20 ? 1 : 97) {
        ck_assert(rz_file_write(path, packed, cut, &err));
        ck_assert_msg(!read_packed(1000, &len), "cut to %zu of %zu bytes", cut, n);
        ck_assert_int_eq(err.code, RZ_EDATA);
        ck_assert_msg(strstr(err.text, "/f: its ") && strstr(err.text, "damaged: it is cut short"), "%s", err.text);
    }
    for (size_t at = 4; at < n; at += at < 30 || at > n - 20 ? 1 : 97) {
        packed[at] ^= 0x10;
        ck_assert(rz_file_write(path, packed, n, &err));
        back = read_packed(1000, &len);
        ck_assert_msg(!back || (len == 5000 && memcmp(back, bytes, len) == 0), "byte %zu flipped", at);
        ck_assert(back || (err.code == RZ_EDATA && strstr(err.text, "damaged")));
        free(back);
        packed[at] ^= 0x10;
    }
    free(packed);
    free(bytes);
}
END_TEST

/* 64 MiB that pack into some kilobytes pass through blocks. */
START_TEST(a_bomb_fills_no_memory)
{
    enum { MIB = 1 << 20, N = 64 };
    rz_packer *p;
    rz_unpacker *u;
    rz_lines *l;
    char *zeros = rz_calloc(MIB, 1), *line;
    size_t n = 1, total = 0;
    struct rusage before, after;
    ck_assert(rz_packer_create(&p, path, (rz_packing)_i, &err));
    memset(zeros, '0', MIB);
    for (int i = 0; i < N; i++) ck_assert(rz_packer_add(p, zeros, MIB, &err));
    ck_assert(rz_packer_commit(p, &err));
    rz_packer_close(p);
    getrusage(RUSAGE_SELF, &before);
    ck_assert(rz_unpacker_open(&u, path, &err));
    while (n > 0) {
        ck_assert(rz_unpacker_read(u, zeros, MIB, &n, &err));
        total += n;
    }
    rz_unpacker_close(u);
    ck_assert_uint_eq(total, (size_t)N * MIB);
    ck_assert(rz_lines_open(&l, path, MIB, &err));
    ck_assert(!rz_lines_next(l, &line, &n, &err) && strstr(err.text, "/f:1: the line is longer"));
    rz_lines_close(l);
    getrusage(RUSAGE_SELF, &after);
    ck_assert_msg(after.ru_maxrss - before.ru_maxrss < 24 << 10, "%ld KiB more", after.ru_maxrss - before.ru_maxrss);
    free(zeros);
}
END_TEST

START_TEST(names_and_hashes)
{
    char plain[33], packed[33];
    ck_assert(rz_packing_of("a.gz") == RZ_GZIP && rz_packing_of("a.jsonl.zst") == RZ_ZSTD && rz_packing_of("a.gz.jsonl") == RZ_PLAIN && rz_packing_of(".gz") == RZ_PLAIN);
    rz_hash_hex("abc", 3, plain);
    for (rz_packing k = RZ_PLAIN; k <= RZ_ZSTD; k++) { /* of what is in it */
        write_packed(k, "abc", 3, 1);
        ck_assert(rz_hash_file(path, packed, &err));
        ck_assert_str_eq(plain, packed);
    }
}
END_TEST

START_TEST(nothing_is_left_without_commit)
{
    rz_packer *p;
    ck_assert(rz_packer_create(&p, path, RZ_GZIP, &err));
    ck_assert(rz_packer_add(p, "abc", 3, &err));
    rz_packer_close(p);
    ck_assert(!rz_file_exists(path));
    ck_assert(!rz_packer_create(&p, "/no/such/folder/f", RZ_GZIP, &err));
    ck_assert_ptr_null(p);
    ck_assert_int_eq(err.code, RZ_EIO);
    rz_packer_close(NULL);
    rz_unpacker_close(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("packed");
    TCase *tests = tcase_create("packed");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, comes_back, RZ_PLAIN, RZ_ZSTD + 1);
    tcase_add_loop_test(tests, members_follow_each_other, RZ_PLAIN, RZ_ZSTD + 1);
    tcase_add_loop_test(tests, damage_is_named, RZ_GZIP, RZ_ZSTD + 1);
    tcase_add_loop_test(tests, a_bomb_fills_no_memory, RZ_GZIP, RZ_ZSTD + 1);
    tcase_add_test(tests, names_and_hashes);
    tcase_add_test(tests, nothing_is_left_without_commit);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
