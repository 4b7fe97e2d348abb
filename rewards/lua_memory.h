/* Memory of Lua states, with a limit. States are dropped as a whole, without closing them. */
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
/* What is in it now, and back to that: pointers into it stay what they were, so a state can be built once and begun from again and again. `kept` is the caller's to free. */
typedef struct { rz_lua_memory memory; char *bytes; } rz_lua_snapshot;
rz_lua_snapshot rz_lua_memory_keep(const rz_lua_memory *m);
void rz_lua_memory_restore(rz_lua_memory *m, const rz_lua_snapshot *kept);
/* A lua_Alloc: of a new block old_size is the type of what it is for. */
void *rz_lua_memory_move(void *memory, void *block, size_t old_size, size_t new_size);
#endif
