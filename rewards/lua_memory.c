#include "rewards/lua_run.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { SMALL = 512, STEP = 16, KEEP = 4 << 20, NEW_BLOCK = 5, BYTES_AN_INSTRUCTION = 32, TEXT_AN_INSTRUCTION = 8 };

bool rz_lua_memory_init(rz_lua_memory *m, size_t reserve, rz_err *err)
{
    *m = (rz_lua_memory){.reserved = reserve};
    m->base = mmap(NULL, reserve, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return m->base != MAP_FAILED || rz_fail(err, RZ_EIO, "cannot reserve %zu MB for Lua: %s", reserve >> 20, strerror(errno));
}

rz_lua_snapshot rz_lua_memory_keep(const rz_lua_memory *m)
{
    rz_lua_snapshot kept = {*m, rz_malloc(m->at)};
    memcpy(kept.bytes, m->base, m->at);
    return kept;
}

void rz_lua_memory_restore(rz_lua_memory *m, const rz_lua_snapshot *kept)
{
    if (m->at > KEEP) madvise(m->base + KEEP, m->at - KEEP, MADV_DONTNEED);
    *m = kept->memory;
    memcpy(m->base, kept->bytes, m->at);
}

/* Blocks come in sizes: multiples of 16 up to 512, then powers of two. */
static int size_class(size_t n, size_t *rounded)
{
    if (n <= SMALL) {
        int c = (int)((n + STEP - 1) / STEP);
        *rounded = (size_t)c * STEP;
        return c;
    }
    int c = SMALL / STEP;
    *rounded = SMALL;
    while (*rounded < n) *rounded *= 2, c++;
    return c;
}

static void *take(rz_lua_memory *m, size_t n)
{
    size_t rounded;
    int c = size_class(n, &rounded);
    void *block = m->free_blocks[c];
    if (block) {
        memcpy(&m->free_blocks[c], block, sizeof block);
        return block;
    }
    if (rounded > m->reserved - m->at) return NULL;
    block = m->base + m->at;
    m->at += rounded;
    return block;
}

static void give_back(rz_lua_memory *m, void *block, size_t n)
{
    size_t rounded;
    int c = size_class(n, &rounded);
    memcpy(block, &m->free_blocks[c], sizeof block);
    m->free_blocks[c] = block;
}

/* What one instruction makes may be long: its bytes are paid by the machine's instructions, and every new block for the collector's work with it. A text may become a key, for
 * which each byte is mixed into the one before. */
static bool charge(rz_lua_memory *m, bool is_new, bool is_text, size_t more)
{
    if (!m->left) return true;
    *m->left -= (is_new ? NEW_BLOCK : 0) + (int64_t)(more / (is_text ? TEXT_AN_INSTRUCTION : BYTES_AN_INSTRUCTION));
    m->over |= *m->left < 0;
    return *m->left >= 0;
}

void *rz_lua_memory_move(void *memory, void *block, size_t old_size, size_t new_size)
{
    rz_lua_memory *m = memory;
    size_t had = block ? old_size : 0, a, b;
    if (new_size == 0) {
        if (had) give_back(m, block, had);
        m->used -= had;
        return NULL;
    }
    if (new_size > had && new_size - had > m->most - m->used) return NULL;
    if (new_size > had && !charge(m, !block, !block && old_size == LUA_TSTRING, new_size - had)) return NULL;
    void *to = block;
    if (!had || size_class(had, &a) != size_class(new_size, &b)) {
        to = take(m, new_size);
        if (!to) return new_size <= had ? block : NULL; /* a smaller one cannot fail */
        if (had) {
            memcpy(to, block, had < new_size ? had : new_size);
            give_back(m, block, had);
        }
    }
    m->used += new_size - had;
    return to;
}
