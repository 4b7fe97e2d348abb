#include "base/error.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void (*oom_handler)(size_t bytes);

/* A sentence that did not fit ends in "…" and never inside a UTF-8 sequence. */
static void end_cut_text(char *text, size_t size)
{
    static const char mark[] = "…";
    size_t at = size - sizeof mark;
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80) at--;
    memcpy(text + at, mark, sizeof mark);
}

static __attribute__((format(printf, 3, 0))) void print_cut(char *text, size_t size, const char *fmt, va_list args)
{
    int n = vsnprintf(text, size, fmt, args);
    if (n >= 0 && (size_t)n >= size) end_cut_text(text, size);
}

bool rz_fail(rz_err *err, rz_code code, const char *fmt, ...)
{
    char text[sizeof err->text]; /* the arguments may point into err itself */
    va_list args;
    va_start(args, fmt);
    print_cut(text, sizeof text, fmt, args);
    va_end(args);
    err->code = code;
    memcpy(err->text, text, strlen(text) + 1);
    return false;
}

bool rz_err_note(rz_err *err, const char *fmt, ...)
{
    char note[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    print_cut(note, sizeof note, fmt, args);
    va_end(args);
    return rz_fail(err, err->code, "%s: %s", note, err->text);
}

void rz_set_oom_handler(void (*handler)(size_t bytes)) { oom_handler = handler; }

void rz_out_of_memory(size_t bytes)
{
    if (oom_handler != NULL) oom_handler(bytes);
    char text[64];
    int n = snprintf(text, sizeof text, "out of memory: %zu bytes are not to be had\n", bytes);
    if (write(STDERR_FILENO, text, (size_t)n) < 0) abort();
    abort();
}

void *rz_malloc(size_t bytes)
{
    void *p = malloc(bytes > 0 ? bytes : 1);
    if (p == NULL) rz_out_of_memory(bytes);
    return p;
}

void *rz_calloc(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) rz_out_of_memory(SIZE_MAX);
    void *p = calloc(bytes > 0 ? bytes : 1, 1);
    if (p == NULL) rz_out_of_memory(bytes);
    return p;
}

enum { HUGE_PAGE = 2 << 20 };

void *rz_calloc_large(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2) rz_out_of_memory(SIZE_MAX);
    if (bytes < HUGE_PAGE) { /* left to the tools that watch over malloc */
        void *small;
        if (posix_memalign(&small, 64, bytes > 0 ? bytes : 1)) rz_out_of_memory(bytes);
        return memset(small, 0, bytes);
    }
    size_t whole = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    char *block = mmap(NULL, whole + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) rz_out_of_memory(bytes);
    size_t before = -(uintptr_t)block % HUGE_PAGE; /* to the first huge page; this and what lies behind the last one goes back */
    if (before) munmap(block, before);
    munmap(block + before + whole, HUGE_PAGE - before);
    madvise(block + before, whole, MADV_HUGEPAGE); /* a wish: kernels without it serve small pages */
    return block + before;
}

void rz_free_large(void *p, size_t n, size_t size)
{
    size_t bytes = n * size;
    if (bytes < HUGE_PAGE)
        free(p);
    else if (p)
        munmap(p, (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
}

void *rz_realloc(void *p, size_t bytes)
{
    void *q = realloc(p, bytes > 0 ? bytes : 1);
    if (q == NULL) rz_out_of_memory(bytes);
    return q;
}

char *rz_strdup(const char *s) { return rz_strndup(s, strlen(s)); }

char *rz_strndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = rz_malloc(len + 1);
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *rz_asprintf(const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) rz_out_of_memory(SIZE_MAX);
    char *text = rz_malloc((size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}
