/* What the tests of kernels share: tables, memory that ends at a page that may not be touched, values, and comparing bit by bit. */
#ifndef RZ_TESTS_KERNELS_RIG_H
#define RZ_TESTS_KERNELS_RIG_H
#include "policy/kernels.h"
#include "policy/mathf.h"
#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const rz_kernels *reference, *tested[8];
static int n_tested;
static const char *what = ""; /* the case at hand, for messages */

/* The tables to be tested: all that this processor has, or the one named. some: those that differ in more than matmul_half. */
static void choose_tables(const char *only, bool some)
{
    const rz_kernels *const *list;
    int n = rz_kernels_available(&list);
    reference = list[0];
    for (int i = 1; i < n; i++)
        if (only ? strcmp(only, list[i]->name) == 0 : !some || list[i]->matmul != list[i - 1]->matmul)
            tested[n_tested++] = list[i];
    if (n_tested == 0) {
        fprintf(stderr, "no table '%s' to test on this processor\n", only ? only : "");
        exit(1);
    }
}

/* ---- guarded memory ---- */

typedef struct { void *map; size_t bytes; } region;
static region regions[256];
static int n_regions;

static float *floats(int64_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = ((size_t)n * sizeof(float) + page - 1) / page * page + page;
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(p != MAP_FAILED && n_regions < 256);
    ck_assert_int_eq(mprotect(p + bytes - page, page, PROT_NONE), 0);
    regions[n_regions++] = (region){p, bytes};
    return (float *)(void *)(p + bytes - page) - n;
}

static void free_all(void)
{
    while (n_regions > 0) {
        n_regions--;
        munmap(regions[n_regions].map, regions[n_regions].bytes);
    }
}

/* ---- values ---- */

static uint64_t state = UINT64_C(88172645463325252);
static uint32_t next(void) /* xorshift64 (Marsaglia 2003), upper half */
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}
static int pick(const int *of, int n) { return of[next() % (uint32_t)n]; }
#define PICK(...) pick((const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)))

static float tame(void) { return (float)(int32_t)next() * 0x1p-30f; }

/* Any exponent, zeros of both signs, subnormals; infinities and NaN are rarer than in random bits. */
static float wild(void)
{
    static const float odd[] = {0.0f, -0.0f, 0x1p-149f, -0x1p-140f, 0x1.fffffep+127f, -0x1.fffffep+127f, 1.0f, INFINITY, -INFINITY, NAN};
    uint32_t r = next() % 64;
    if (r < 4)
        return odd[next() % 7];
    if (r == 4 && next() % 16 == 0)
        return odd[7 + next() % 3];
    if (r < 32)
        return tame();
    float x = rz_float32((int32_t)next());
    return x - x == 0 ? x : 0.5f;
}

static void fill(float *p, int64_t n, bool wildly)
{
    for (int64_t i = 0; i < n; i++)
        p[i] = wildly ? wild() : tame();
}

static float *values(int64_t n, bool wildly)
{
    float *p = floats(n);
    fill(p, n, wildly);
    return p;
}

/* Two arrays of the same content: one for the reference, one for the table under test. */
typedef struct { float *a, *b; int64_t n; } twins;

static twins twin(int64_t n, bool wildly)
{
    twins t = {values(n, wildly), floats(n), n};
    memcpy(t.b, t.a, (size_t)n * sizeof *t.a);
    return t;
}
/* For results: what was there must not matter. */
static twins blank(int64_t n)
{
    twins t = {floats(n), floats(n), n};
    for (int64_t i = 0; i < n; i++)
        t.a[i] = t.b[i] = NAN;
    return t;
}

static void same(twins t, const char *name, const char *table)
{
    for (int64_t i = 0; i < t.n; i++)
        if (rz_bits32(t.a[i]) != rz_bits32(t.b[i]) && !(t.a[i] != t.a[i] && t.b[i] != t.b[i]))
            ck_abort_msg("%s: %s[%ld] is %a, reference %a (%s)", table, name, (long)i, (double)t.b[i], (double)t.a[i], what);
}

#define CASE(...) do { static char text[256]; snprintf(text, sizeof text, __VA_ARGS__); what = text; } while (0)
#endif
