/* The sandbox of Lua rules: a run, and the library it has. Private to the Lua files of rewards/. */
#ifndef RZ_REWARDS_LUA_RUN_H
#define RZ_REWARDS_LUA_RUN_H
#include "base/pattern.h"
#include "rewards/lua_memory.h"
#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>

typedef struct rz_lua_patterns rz_lua_patterns; /* compiled ones, kept from sample to sample */

enum { RZ_LUA_INTEGER = 12, RZ_LUA_FLOAT = 50, RZ_LUA_LONG_FLOAT = 400 }; /* instructions that writing a number costs; the last: with ten decimals or more, or all of 1e308 */

/* One sample's run. Work is counted in instructions of the virtual machine; what C functions do is charged in the same coin, about 8 ns each. */
typedef struct {
    rz_lua_memory *memory;
    rz_lua_patterns *patterns;
    rz_matcher *matcher;
    int64_t left;      /* instructions */
    const char *ended; /* the limit that ended the run: no pcall catches it */
} rz_lua_run;

rz_lua_run *rz_lua_run_of(lua_State *L);
/* Raises an error when nothing is left. */
void rz_lua_charge(lua_State *L, uint64_t n);

/* Fills the fresh state with the library: nothing that reads a clock, a file or an address, nothing whose work is not counted. Leaves the prelude's argument on
 * the stack. */
void rz_lua_open(lua_State *L);
void rz_lua_open_text(lua_State *L); /* string, utf8 */
void rz_lua_open_patterns(lua_State *L); /* re */
/* Pushes what tostring gives: as Lua's, but for a table or function only what it is, for its address differs from run to run. */
const char *rz_lua_text(lua_State *L, int index, size_t *len);
/* Written in Lua, since what Lua does is counted: table.insert, remove, pack, move, sort, and pairs. */
extern const char rz_lua_prelude[];

rz_lua_patterns *rz_lua_patterns_create(void);
void rz_lua_patterns_begin(rz_lua_patterns *p); /* another sample */
#endif
