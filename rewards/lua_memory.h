/* Memory of Lua states, with a limit. A state lives for one sample and is dropped as a whole, without closing it. */
#ifndef RZ_REWARDS_LUA_MEMORY_H
#define RZ_REWARDS_LUA_MEMORY_H
#include "base/error.h"
#include <stdint.h>

typedef struct {
    char *base;
    size_t at, reserved; /* bytes handed out, of address space */
    size_t used, most;   /* live bytes; the limit */
    int64_t *left;       /* allocation is charged here; NULL: to nobody */
    bool over;           /* a block was refused since nothing was left */
    void *free_blocks[96];
} rz_lua_memory;

bool rz_lua_memory_init(rz_lua_memory *m, size_t reserve, rz_err *err);
void rz_lua_memory_reset(rz_lua_memory *m);
/* A lua_Alloc. */
void *rz_lua_memory_move(void *memory, void *block, size_t old_size, size_t new_size);
#endif
