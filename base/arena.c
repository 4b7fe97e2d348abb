#include "base/arena.h"
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define UNDER_ASAN 1
#endif
#ifdef UNDER_ASAN
#include <sanitizer/asan_interface.h>
enum { RED_ZONE = 64 };
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
enum { RED_ZONE = 0 };
#endif

/* ThreadSanitizer keeps most addresses to itself: then an arena is of 16 GiB at most. */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#if defined(UNDER_TSAN) || defined(__SANITIZE_THREAD__)
#define MOST ((size_t)1 << 34)
#else
#define MOST SIZE_MAX
#endif

enum { ALIGN = 64, HUGE_PAGE = 2 << 20, MAX_STEP = 64 << 20, HEAD = 64 << 10 /* a page of any Linux */ };

/* Copies of an arena share what is committed: it is kept once, in a page before `base`, and the field of the struct is a cache of it.
 * So a scratch copy that dies does not make its caller commit again. */
typedef struct { size_t committed; } head;

static head *head_of(const rz_arena *a) { return (head *)(void *)(a->base - HEAD); }

/* Where addresses are limited (ulimit -v) a large arena takes a part of them, so that there is room for a dozen; it may be used up before memory is. */
static size_t allowed(void)
{
    enum { PARTS = 32 };
    struct rlimit limit;
    return getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur / PARTS > MOST ? MOST : limit.rlim_cur / PARTS;
}

bool rz_arena_init(rz_arena *a, size_t reserve_bytes, rz_err *err)
{
    *a = (rz_arena){0};
    size_t reserved, mapped, most = allowed();
    if (reserve_bytes > most && reserve_bytes >> 48 == 0) reserve_bytes = most;
    bool too_big = __builtin_add_overflow(reserve_bytes, (size_t)HUGE_PAGE - 1, &reserved);
    reserved &= ~((size_t)HUGE_PAGE - 1);
    too_big |= __builtin_add_overflow(reserved, (size_t)(HEAD + HUGE_PAGE), &mapped);
    char *map = too_big ? MAP_FAILED : mmap(NULL, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return rz_fail(err, RZ_EIO, "cannot reserve %zu bytes of address space: %s; addresses are no memory: lift their limit (ulimit -v unlimited)", reserve_bytes,
                       strerror(too_big ? EOVERFLOW : errno));
    /* Trim so that base lies on a huge page, with the head just before it. */
    char *base = (char *)(((uintptr_t)map + HEAD + HUGE_PAGE - 1) & ~((uintptr_t)HUGE_PAGE - 1));
    char *end = base + reserved;
    if (base - HEAD > map) munmap(map, (size_t)(base - HEAD - map));
    if (map + mapped > end) munmap(end, (size_t)(map + mapped - end));
    if (mprotect(base - HEAD, HEAD, PROT_READ | PROT_WRITE) != 0) {
        rz_fail(err, RZ_EIO, "cannot begin an arena of %zu bytes: %s", reserve_bytes, strerror(errno));
        munmap(base - HEAD, HEAD + reserved);
        return false;
    }
    madvise(base, reserved, MADV_HUGEPAGE); /* a wish: kernels without it serve small pages */
    *a = (rz_arena){.base = base, .reserved = reserved};
    return true;
}

void rz_arena_finish(rz_arena *a)
{
    if (a->base != NULL) {
        ASAN_UNPOISON_MEMORY_REGION(a->base, head_of(a)->committed); /* the next mapping at this address starts clean */
        munmap(a->base - HEAD, HEAD + a->reserved);
    }
    *a = (rz_arena){0};
}

static void commit(rz_arena *a, size_t need)
{
    head *h = head_of(a);
    if (need > h->committed) {
        size_t step = h->committed < HUGE_PAGE ? HUGE_PAGE : h->committed > MAX_STEP ? MAX_STEP : h->committed;
        size_t to = h->committed + step;
        if (to < need) to = (need + HUGE_PAGE - 1) & ~((size_t)HUGE_PAGE - 1);
        if (to > a->reserved) to = a->reserved;
        if (mprotect(a->base + h->committed, to - h->committed, PROT_READ | PROT_WRITE) != 0) rz_out_of_memory(to - h->committed);
        ASAN_POISON_MEMORY_REGION(a->base + h->committed, to - h->committed);
        h->committed = to;
    }
    a->committed = h->committed;
}

void *rz_arena_alloc(rz_arena *a, size_t n, size_t size)
{
    size_t bytes, room = a->reserved - a->used;
    if (__builtin_mul_overflow(n, size, &bytes)) rz_out_of_memory(SIZE_MAX);
    if (bytes > room) rz_out_of_memory(bytes);
    size_t taken = (bytes + ALIGN - 1) / ALIGN * ALIGN; /* room is a multiple of ALIGN */
    room -= taken;
    taken += RED_ZONE < room ? RED_ZONE : room;
    char *p = a->base + a->used;
    a->used += taken;
    if (a->used > a->committed) commit(a, a->used);
    ASAN_UNPOISON_MEMORY_REGION(p, bytes);
    ASAN_POISON_MEMORY_REGION(p + bytes, taken - bytes);
    return p;
}

void *rz_arena_zalloc(rz_arena *a, size_t n, size_t size)
{
    void *p = rz_arena_alloc(a, n, size);
    return memset(p, 0, n * size);
}

char *rz_arena_strndup(rz_arena *a, const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = rz_arena_alloc(a, len + 1, 1);
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

void rz_arena_release(rz_arena *a, size_t mark)
{
    assert(mark <= a->used);
    ASAN_POISON_MEMORY_REGION(a->base + mark, a->used - mark);
    a->used = mark;
}

void rz_arena_rest(const rz_arena *a)
{
    enum { WHOLE = 128 << 20, KEPT = 32 << 20 };
    size_t committed = head_of(a)->committed, from = a->used > KEPT ? a->used : KEPT;
    from = (from + HUGE_PAGE - 1) & ~((size_t)HUGE_PAGE - 1);
    if (committed > WHOLE && from < committed) madvise(a->base + from, committed - from, MADV_DONTNEED);
}
