/* Errors, memory, arenas. */
#include "base/arena.h"
#include "base/error.h"
#include "tests/suite.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#elif __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#ifdef UNDER_ASAN
#define UNDER_SANITIZER 1
#include <sanitizer/asan_interface.h>
#endif

static rz_err err;

/* One ck_assert a byte would take minutes. */
static bool all_bytes(const void *data, size_t n, int byte)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++)
        if (p[i] != (unsigned char)byte) return false;
    return true;
}

START_TEST(fail_records_code_and_sentence)
{
    ck_assert(!rz_fail(&err, RZ_ECONFIG, "%s:%d: group_size is %d", "a.yaml", 12, 1));
    ck_assert_int_eq(err.code, 78);
    ck_assert_str_eq(err.text, "a.yaml:12: group_size is 1");
    ck_assert(!rz_err_note(&err, "loading %s", "run"));
    ck_assert_int_eq(err.code, RZ_ECONFIG);
    ck_assert_str_eq(err.text, "loading run: a.yaml:12: group_size is 1");
    rz_fail(&err, RZ_EIO, "again: %s", err.text); /* its own text as argument */
    ck_assert_str_eq(err.text, "again: loading run: a.yaml:12: group_size is 1");
}
END_TEST

START_TEST(long_sentences_are_cut_between_characters)
{
    struct {
        rz_err err;
        char guard[64];
    } box;
    char *text = rz_malloc(3 * 4096 + 1);
    for (int i = 0; i < 4096; i++) memcpy(text + 3 * i, "\xE2\x82\xAC", 3); /* € */
    text[3 * 4096] = '\0';
    for (size_t shift = 0; shift < 3; shift++) {
        memset(&box, 0x5a, sizeof box);
        rz_fail(&box.err, RZ_EDATA, "%.*s%s", (int)shift, "ab", text);
        for (int notes = 0; notes < 3; notes++) {
            size_t len = strlen(box.err.text);
            ck_assert_uint_lt(len, sizeof box.err.text);
            ck_assert_uint_gt(len, sizeof box.err.text - 8);
            ck_assert_str_eq(box.err.text + len - 6, "\xE2\x82\xAC…"); /* a whole character before the mark */
            rz_err_note(&box.err, "note %d", notes);
            ck_assert_int_eq(box.err.code, RZ_EDATA);
        }
        rz_err_note(&box.err, "%s", text);
        ck_assert(all_bytes(box.guard, sizeof box.guard, 0x5a));
    }
    free(text);
}
END_TEST

START_TEST(memory_helpers_copy)
{
    char *a = rz_strdup("abc"), *b = rz_strndup("abcdef", 4), *c = rz_asprintf("%d-%s", 5, "x"), *d = rz_strndup("ab", 9);
    ck_assert_str_eq(a, "abc");
    ck_assert_str_eq(b, "abcd");
    ck_assert_str_eq(c, "5-x");
    ck_assert_str_eq(d, "ab");
    char *zeros = rz_calloc(10, 10), *nothing = rz_malloc(0), *none = rz_calloc(0, 8);
    ck_assert(all_bytes(zeros, 100, 0));
    ck_assert_ptr_nonnull(nothing);
    ck_assert_ptr_nonnull(none);
    a = rz_realloc(a, 1000);
    ck_assert_str_eq(a, "abc");
    char *all[] = {a, b, c, d, zeros, nothing, none};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}
END_TEST

static size_t oom_bytes;
static void leave(size_t bytes) { _exit(bytes == oom_bytes ? 42 : 43); }

START_TEST(exhaustion_calls_the_handler)
{
    oom_bytes = SIZE_MAX;
    rz_set_oom_handler(leave);
    rz_calloc(SIZE_MAX / 2, 4);
}
END_TEST

START_TEST(arena_overflow_of_the_product_calls_the_handler)
{
    rz_arena a;
    oom_bytes = SIZE_MAX;
    rz_set_oom_handler(leave);
    if (rz_arena_init(&a, 1 << 20, &err)) rz_arena_alloc(&a, SIZE_MAX / 4, 8);
}
END_TEST

START_TEST(arena_beyond_the_reservation_calls_the_handler)
{
    rz_arena a;
    oom_bytes = (4 << 20) - 63;
    rz_set_oom_handler(leave);
    if (!rz_arena_init(&a, 4 << 20, &err)) return;
    rz_arena_alloc(&a, 1, 1);
    rz_arena_alloc(&a, oom_bytes, 1);
}
END_TEST

static void return_at_once(size_t bytes) { (void)bytes; }

START_TEST(a_handler_that_returns_ends_in_abort)
{
    if (freopen("/dev/null", "w", stderr) == NULL) return;
    rz_set_oom_handler(return_at_once);
    rz_out_of_memory(7);
}
END_TEST

START_TEST(arena_blocks_are_aligned_apart_and_stay)
{
    enum { N = 3000 };
    rz_arena a;
    ck_assert(rz_arena_init(&a, (size_t)1 << 36, &err)); /* 64 GiB of addresses cost nothing */
    unsigned char *block[N];
    for (int i = 0; i < N; i++) {
        size_t size = (size_t)(i * 37 % 9001);
        block[i] = i % 2 ? RZ_NEW(&a, size, unsigned char) : RZ_ZNEW(&a, size, unsigned char);
        ck_assert_ptr_nonnull(block[i]);
        ck_assert_uint_eq((uintptr_t)block[i] % 64, 0);
        if (i % 2 == 0) ck_assert(all_bytes(block[i], size, 0));
        memset(block[i], i, size);
    }
    for (int i = 0; i < N; i++) ck_assert(all_bytes(block[i], (size_t)(i * 37 % 9001), i));
    ck_assert(a.used <= a.committed && a.committed <= a.reserved);
    char *big = RZ_NEW(&a, 300 << 20, char); /* more than a step at once */
    big[0] = big[(300 << 20) - 1] = 1;
    ck_assert_str_eq(rz_arena_strndup(&a, "hello", 4), "hell");
    ck_assert_str_eq(rz_arena_strndup(&a, "hi", 4), "hi");
    rz_arena_finish(&a);
    ck_assert_ptr_null(a.base);
    rz_arena_finish(&a);
}
END_TEST

/* Addresses that are limited (ulimit -v) are shared out: a dozen arenas as large as can be, of which each has some. */
START_TEST(arenas_live_with_few_addresses)
{
#ifdef UNDER_SANITIZER
    return; /* which has taken more already */
#endif
    enum { DOZEN = 12 };
    struct rlimit few = {(rlim_t)4 << 30, (rlim_t)4 << 30};
    rz_arena a[DOZEN];
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &few), 0);
    for (int i = 0; i < DOZEN; i++) ck_assert_msg(rz_arena_init(&a[i], (size_t)1 << 40, &err), "%s", err.text);
    for (int i = 0; i < DOZEN; i++) ck_assert_ptr_nonnull(rz_arena_alloc(&a[i], 100 << 20, 1));
    for (int i = 0; i < DOZEN; i++) rz_arena_finish(&a[i]);
}
END_TEST

/* What is given back comes again as zeros; what is in use, the first 32 MiB, and all of an arena of up to 128 MiB do not change. */
START_TEST(arena_at_rest_gives_back_what_is_not_used)
{
    enum { MIB = 1 << 20 };
    for (int turn = 0; turn < 3; turn++) {
        static const int in_use[] = {5, 5, 50}, all[] = {126, 200, 200};
        rz_arena a;
        ck_assert(rz_arena_init(&a, (size_t)1 << 30, &err));
        char *used = (char *)rz_arena_alloc(&a, (size_t)in_use[turn], MIB) + (in_use[turn] - 1) * MIB;
        size_t mark = a.used;
        char *rest = rz_arena_alloc(&a, (size_t)(all[turn] - in_use[turn]), MIB), *near = rest + 2 * MIB, *far = rest + (all[turn] - in_use[turn] - 1) * MIB;
        *used = *near = *far = 7;
        rz_arena_release(&a, mark);
        rz_arena_rest(&a);
        ck_assert(rz_arena_alloc(&a, (size_t)(all[turn] - in_use[turn]), MIB) == rest);
        ck_assert_int_eq(*used, 7);
        ck_assert_int_eq(*near, turn < 2 ? 7 : 0);
        ck_assert_int_eq(*far, turn < 1 ? 7 : 0);
        rz_arena_finish(&a);
    }
}
END_TEST

START_TEST(arena_release_frees_what_came_after)
{
    rz_arena a;
    ck_assert(rz_arena_init(&a, 8 << 20, &err));
    int *first = RZ_NEW(&a, 10, int);
    first[9] = 5;
    size_t mark = a.used;
    int *second = RZ_NEW(&a, 1000, int);
    memset(second, 0xff, 4000);
    rz_arena_release(&a, mark);
    int *third = RZ_ZNEW(&a, 1000, int);
    ck_assert_ptr_eq(second, third);
    ck_assert(all_bytes(third, 4000, 0));
    ck_assert_int_eq(first[9], 5);
    rz_arena_finish(&a);
}
END_TEST

START_TEST(arena_can_be_used_to_the_last_byte)
{
    static const size_t blocks[] = {0, 512 << 10}; /* all at once; in steps, the last of which is cut */
    for (int k = 0; k < 2; k++) {
        rz_arena a;
        ck_assert(rz_arena_init(&a, 5 << 20, &err));
        ck_assert_uint_ge(a.reserved, 5 << 20);
        while (blocks[k] > 0 && a.reserved - a.used > 2 * blocks[k]) memset(RZ_NEW(&a, blocks[k], char), 1, blocks[k]);
        size_t rest = a.reserved - a.used;
        memset(RZ_NEW(&a, rest, char), 1, rest);
        ck_assert_uint_eq(a.used, a.reserved);
        ck_assert_ptr_nonnull(RZ_NEW(&a, 0, char));
        rz_arena_finish(&a);
    }
}
END_TEST

START_TEST(arena_gives_its_addresses_back)
{
    for (int i = 0; i < 5000; i++) { /* 64 GiB each: more than there are addresses */
        rz_arena a;
        if (!rz_arena_init(&a, (size_t)1 << 36, &err)) ck_abort_msg("arena %d: %s", i, err.text);
        rz_arena_finish(&a);
    }
}
END_TEST

static void scratch_work(rz_arena scratch, int depth)
{
    char *p = RZ_NEW(&scratch, 20 << 20, char);
    memset(p, depth, 20 << 20);
    if (depth > 0) scratch_work(scratch, depth - 1);
    ck_assert_int_eq(p[0], depth);
    ck_assert_int_eq(p[(20 << 20) - 1], depth);
}

START_TEST(arena_by_value_is_scratch)
{
    rz_arena a;
    ck_assert(rz_arena_init(&a, 256 << 20, &err));
    int *kept = RZ_NEW(&a, 100, int);
    kept[99] = 1234;
    size_t used = a.used;
    for (int turn = 0; turn < 3; turn++) scratch_work(a, 2);
    ck_assert_uint_eq(a.used, used);
    char *over = RZ_ZNEW(&a, 50 << 20, char); /* over what the scratch had committed */
    ck_assert_int_eq(over[(50 << 20) - 1], 0);
    ck_assert_int_eq(kept[99], 1234);
    rz_arena_finish(&a);
}
END_TEST

START_TEST(arena_of_impossible_size_fails_with_a_sentence)
{
    rz_arena a;
    size_t sizes[] = {SIZE_MAX, SIZE_MAX - (3 << 20), (size_t)1 << 60};
    for (int i = 0; i < 3; i++) {
        err.code = RZ_OK;
        ck_assert(!rz_arena_init(&a, sizes[i], &err));
        ck_assert_int_eq(err.code, RZ_EIO);
        ck_assert_ptr_nonnull(strstr(err.text, "address space"));
        rz_arena_finish(&a);
    }
}
END_TEST

#ifdef UNDER_ASAN
START_TEST(arena_has_red_zones)
{
    rz_arena a;
    ck_assert(rz_arena_init(&a, 64 << 20, &err));
    scratch_work(a, 1); /* leaves addressable memory behind */
    char *p = RZ_NEW(&a, 100, char), *q = RZ_NEW(&a, 64, char), *r = RZ_NEW(&a, 1, char);
    ck_assert(!__asan_address_is_poisoned(p) && !__asan_address_is_poisoned(p + 99));
    ck_assert(__asan_address_is_poisoned(p + 100) && __asan_address_is_poisoned(q - 1));
    ck_assert(!__asan_address_is_poisoned(q + 63));
    ck_assert(__asan_address_is_poisoned(q + 64) && __asan_address_is_poisoned(r - 1));
    rz_arena_release(&a, 0);
    ck_assert(__asan_address_is_poisoned(p) && __asan_address_is_poisoned(q));
    rz_arena_finish(&a);
    ck_assert(!__asan_address_is_poisoned(p) && !__asan_address_is_poisoned(q));
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("base");
    TCase *tests = tcase_create("base");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, fail_records_code_and_sentence);
    tcase_add_test(tests, long_sentences_are_cut_between_characters);
    tcase_add_test(tests, memory_helpers_copy);
    tcase_add_exit_test(tests, exhaustion_calls_the_handler, 42);
    tcase_add_exit_test(tests, arena_overflow_of_the_product_calls_the_handler, 42);
    tcase_add_exit_test(tests, arena_beyond_the_reservation_calls_the_handler, 42);
    tcase_add_test_raise_signal(tests, a_handler_that_returns_ends_in_abort, SIGABRT);
    tcase_add_test(tests, arena_blocks_are_aligned_apart_and_stay);
    tcase_add_test(tests, arena_release_frees_what_came_after);
    tcase_add_test(tests, arenas_live_with_few_addresses);
    tcase_add_test(tests, arena_at_rest_gives_back_what_is_not_used);
    tcase_add_test(tests, arena_can_be_used_to_the_last_byte);
    tcase_add_test(tests, arena_gives_its_addresses_back);
    tcase_add_test(tests, arena_by_value_is_scratch);
    tcase_add_test(tests, arena_of_impossible_size_fails_with_a_sentence);
#ifdef UNDER_ASAN
    tcase_add_test(tests, arena_has_red_zones);
#endif
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
