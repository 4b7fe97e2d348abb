/* Arenas: memory with one lifetime. Address space is reserved once and committed as it is used (64-byte aligned blocks,
 * transparent huge pages asked for), so a pointer stays valid until the arena is reset past it. An arena passed *by value* is scratch:
 * what the callee takes is free again when it returns. Under ASan a red zone follows every block. */
#ifndef RZ_BASE_ARENA_H
#define RZ_BASE_ARENA_H
#include "base/error.h"

typedef struct {
    char *base;
    size_t used, committed, reserved; /* bytes */
} rz_arena;

/* RZ_EIO when the address space cannot be reserved. reserve_bytes costs nothing until used. */
bool rz_arena_init(rz_arena *a, size_t reserve_bytes, rz_err *err);
void rz_arena_finish(rz_arena *a); /* accepts a zeroed arena */

/* Uninitialised; never NULL (rz_out_of_memory when the reservation or the system is exhausted; n*size is checked). */
void *rz_arena_alloc(rz_arena *a, size_t n, size_t size);
void *rz_arena_zalloc(rz_arena *a, size_t n, size_t size); /* zeroed */
char *rz_arena_strndup(rz_arena *a, const char *s, size_t n);

/* Everything taken after `mark = a->used` is free again. */
void rz_arena_release(rz_arena *a, size_t mark);

/* The arena will not be used for a while: pages beyond what is in use go back to the system, and come again, at the price of zeroing them, when needed. Up to 32 MiB stay, or all
 * if that is up to 128 MiB: a small model's steps are so short that new pages would take a good part of them. */
void rz_arena_rest(const rz_arena *a);

#define RZ_NEW(arena, n, type) ((type *)rz_arena_alloc((arena), (size_t)(n), sizeof(type)))
#define RZ_ZNEW(arena, n, type) ((type *)rz_arena_zalloc((arena), (size_t)(n), sizeof(type)))
#endif
