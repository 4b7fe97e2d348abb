/* The library of Lua rules, but for texts and patterns. Left out is all that reads a clock, a file, an address or code (os, io, debug, package, load, coroutine,
 * collectgarbage, math.random), and of the mathematics what the C library may round differently on another processor (exp, log, sin …). */
#include "rewards/lua_run.h"
#include <lualib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_UNPACKED = 1000, CAUGHT = 25 /* instructions that an error costs which pcall catches */ };

const char *rz_lua_text(lua_State *L, int index, size_t *len)
{
    int type = lua_type(L, index);
    bool named = type != LUA_TNIL && type != LUA_TBOOLEAN && type != LUA_TNUMBER && type != LUA_TSTRING;
    if (!named || luaL_getmetafield(L, index, "__tostring") != LUA_TNIL) {
        if (named) lua_pop(L, 1);
        return luaL_tolstring(L, index, len);
    }
    lua_pushstring(L, lua_typename(L, type));
    return lua_tolstring(L, -1, len);
}

static int to_string(lua_State *L)
{
    luaL_checkany(L, 1);
    rz_lua_charge(L, lua_isinteger(L, 1) ? RZ_LUA_INTEGER : lua_type(L, 1) == LUA_TNUMBER ? RZ_LUA_FLOAT : 1);
    rz_lua_text(L, 1, NULL);
    return 1;
}

/* Behind it lies Lua's own function. */
static int to_number(lua_State *L)
{
    rz_lua_charge(L, (uint64_t)lua_rawlen(L, 1) / 8);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* select(n, ...): its arguments were all copied */
static int choose(lua_State *L)
{
    rz_lua_charge(L, (uint64_t)lua_gettop(L) / 2);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* A limit that was hit ends the run: nobody catches it. */
static int protected_call(lua_State *L)
{
    luaL_checkany(L, 1);
    rz_lua_charge(L, 20);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
    if (status == LUA_OK) return lua_gettop(L);
    const rz_lua_run *r = rz_lua_run_of(L);
    if (r->ended || r->memory->over || status == LUA_ERRMEM) return status == LUA_ERRMEM && !r->ended && !r->memory->over ? luaL_error(L, "not enough memory") : lua_error(L);
    rz_lua_charge(L, CAUGHT);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

/* Finalizers run when the collector pleases, and no hook counts them; weak tables forget when it pleases. */
static int set_metatable(lua_State *L)
{
    static const char *const refused[] = {"__gc", "__mode"};
    int type = lua_type(L, 2);
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) return luaL_error(L, "cannot change a protected metatable");
    for (int i = 0; type == LUA_TTABLE && i < 2; i++) {
        lua_pushstring(L, refused[i]);
        if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "%s is not allowed: it depends on when memory is collected", refused[i]);
    }
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

/* ---- the order of keys: Lua's own differs from run to run ---- */

typedef struct {
    int rank; /* numbers, texts, booleans */
    lua_Number number;
    lua_Integer integer;
    const char *text;
    size_t len;
    int index; /* in the list of keys */
} key;

static int compare_keys(const void *x, const void *y)
{
    const key *a = x, *b = y;
    if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
    if (a->number != b->number) return a->number < b->number ? -1 : 1;
    if (a->integer != b->integer) return a->integer < b->integer ? -1 : 1;
    size_t shared = a->len < b->len ? a->len : b->len;
    int order = shared ? memcmp(a->text, b->text, shared) : 0;
    return order ? order : a->len < b->len ? -1 : a->len > b->len;
}

/* The key at the top of the stack, which something else keeps alive. */
static key read_key(lua_State *L)
{
    key k = {.rank = 0};
    switch (lua_type(L, -1)) {
    case LUA_TNUMBER:
        k.number = lua_tonumber(L, -1);
        k.integer = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
        break;
    case LUA_TSTRING:
        k.rank = 1;
        k.text = lua_tolstring(L, -1, &k.len);
        break;
    case LUA_TBOOLEAN:
        k.rank = 2;
        k.integer = lua_toboolean(L, -1);
        break;
    default: luaL_error(L, "a key is a %s: pairs and next know no order of such keys, and Lua's own differs from run to run", luaL_typename(L, -1));
    }
    return k;
}

/* sorted_keys(t): a list, and how many. */
static int sorted_keys(lua_State *L)
{
    int n = 0;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, 1); n++) {
        rz_lua_charge(L, 16);
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, 2, n + 1);
    }
    key *keys = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *keys, 0);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, 2, i + 1);
        keys[i] = read_key(L);
        keys[i].index = i + 1;
        lua_pop(L, 1);
    }
    qsort(keys, (size_t)n, sizeof *keys, compare_keys);
    for (int bits = n; bits; bits >>= 1) rz_lua_charge(L, (uint64_t)n * 8);
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, 2, keys[i].index);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushinteger(L, n);
    return 2;
}

/* next(t, k): the first key after k in that order, and its value. */
static int next_key(lua_State *L)
{
    bool first, found = false;
    key after = {.rank = -1}, best = after;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    first = lua_isnil(L, 2);
    if (!first) after = read_key(L);
    lua_pushnil(L); /* 3: the best key so far */
    for (lua_pushnil(L); lua_next(L, 1);) {
        rz_lua_charge(L, 8);
        lua_pop(L, 1);
        key k = read_key(L);
        if ((first || compare_keys(&k, &after) > 0) && (!found || compare_keys(&k, &best) < 0)) {
            found = true;
            best = k;
            lua_pushvalue(L, -1);
            lua_replace(L, 3);
        }
    }
    lua_settop(L, 3);
    if (!found) return 1; /* nil */
    lua_pushvalue(L, 3);
    lua_rawget(L, 1);
    return 2;
}

/* ---- lists: what Lua's own functions do is paid before ---- */

static int unpack(lua_State *L)
{
    lua_Integer i = luaL_optinteger(L, 2, 1), j = luaL_opt(L, luaL_checkinteger, 3, luaL_len(L, 1));
    if (i > j) return 0;
    if ((uint64_t)j - (uint64_t)i >= MAX_UNPACKED) return luaL_error(L, "unpack of more than %d values", MAX_UNPACKED);
    luaL_checkstack(L, (int)(j - i) + 1, NULL);
    rz_lua_charge(L, (uint64_t)(j - i) + 1);
    for (lua_Integer k = i; k <= j; k++) lua_geti(L, 1, k);
    return (int)(j - i) + 1;
}

static int concat(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t len;
    luaL_optlstring(L, 2, "", &len);
    lua_Integer i = luaL_optinteger(L, 3, 1), j = luaL_opt(L, luaL_checkinteger, 4, luaL_len(L, 1));
    lua_settop(L, 2);
    if (i <= j && (uint64_t)j - (uint64_t)i > INT32_MAX) return luaL_error(L, "concat of too many values");
    if (i <= j) rz_lua_charge(L, (uint64_t)(j - i + 1) * (2 + len / 32));
    lua_pushinteger(L, i);
    lua_pushinteger(L, j);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

const char rz_lua_prelude[] =
    "local keys = ...\n"
    "local rawget, select, error, type = rawget, select, error, type\n"
    "function pairs(t)\n"
    "  local list, n = keys(t)\n"
    "  local i = 0\n"
    "  return function()\n"
    "    while i < n do\n"
    "      i = i + 1\n"
    "      local v = rawget(t, list[i])\n"
    "      if v ~= nil then return list[i], v end\n"
    "    end\n"
    "  end, t, nil\n"
    "end\n"
    "function table.pack(...) return {n = select('#', ...), ...} end\n"
    "function table.insert(t, ...)\n"
    "  local n = select('#', ...)\n"
    "  if n == 1 then t[#t + 1] = (...) return end\n"
    "  local at, v = ...\n"
    "  local last = #t + 1\n"
    "  if n ~= 2 then error('wrong number of arguments to insert', 2) end\n"
    "  if type(at) ~= 'number' or at < 1 or at > last then error('insert: position out of bounds', 2) end\n"
    "  for i = last, at + 1, -1 do t[i] = t[i - 1] end\n"
    "  t[at] = v\n"
    "end\n"
    "function table.remove(t, at)\n"
    "  local n = #t\n"
    "  if at == nil then at = n elseif at ~= n and (type(at) ~= 'number' or at < 1 or at > n + 1) then error('remove: position out of bounds', 2) end\n"
    "  local v = t[at]\n"
    "  for i = at, n - 1 do t[i] = t[i + 1] end\n"
    "  if at <= n then t[n] = nil end\n"
    "  return v\n"
    "end\n"
    "function table.move(from, first, last, at, to)\n"
    "  to = to or from\n"
    "  if at > last or at <= first or to ~= from then\n"
    "    for i = 0, last - first do to[at + i] = from[first + i] end\n"
    "  else\n"
    "    for i = last - first, 0, -1 do to[at + i] = from[first + i] end\n"
    "  end\n"
    "  return to\n"
    "end\n"
    "function table.sort(t, less)\n" /* stable, by merging */
    "  local n, a, b = #t, t, {}\n"
    "  less = less or function(x, y) return x < y end\n"
    "  local width = 1\n"
    "  while width < n do\n"
    "    for lo = 1, n, 2 * width do\n"
    "      local i, mid, hi = lo, lo + width, lo + 2 * width\n"
    "      if mid > n + 1 then mid = n + 1 end\n"
    "      if hi > n + 1 then hi = n + 1 end\n"
    "      local j = mid\n"
    "      for k = lo, hi - 1 do\n"
    "        if i < mid and (j >= hi or not less(a[j], a[i])) then b[k] = a[i] i = i + 1 else b[k] = a[j] j = j + 1 end\n"
    "      end\n"
    "    end\n"
    "    a, b = b, a\n"
    "    width = 2 * width\n"
    "  end\n"
    "  if a ~= t then for k = 1, n do t[k] = a[k] end end\n"
    "end\n";

/* Wraps the function `name` of the table on top of the stack: `own` finds it as its upvalue. */
static void wrap(lua_State *L, const char *name, lua_CFunction own)
{
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, own, 1);
    lua_setfield(L, -2, name);
}

/* Takes everything else out of the table on top of the stack: other builds of Lua have other things in it. */
static void keep_only(lua_State *L, const char *const *names)
{
    for (lua_pushnil(L); lua_next(L, -2);) {
        const char *const *n = names;
        lua_pop(L, 1);
        while (*n && strcmp(*n, lua_tostring(L, -1)) != 0) n++;
        if (*n) continue;
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, -4);
    }
}

static void open_table(lua_State *L)
{
    static const char *const kept[] = {"concat", "unpack", NULL};
    lua_pushcfunction(L, luaopen_table);
    lua_call(L, 0, 1);
    keep_only(L, kept);
    wrap(L, "concat", concat);
    wrap(L, "unpack", unpack);
    lua_setglobal(L, "table");
}

static void open_math(lua_State *L)
{
    static const char *const kept[] = {"abs", "ceil", "floor", "fmod", "huge", "max", "maxinteger", "min", "mininteger", "modf", "pi", "sqrt", "tointeger", "type", "ult", NULL};
    lua_pushcfunction(L, luaopen_math);
    lua_call(L, 0, 1);
    keep_only(L, kept);
    lua_setglobal(L, "math");
}

static void open_base(lua_State *L)
{
    static const char *const kept[] = {"_G", "_VERSION", "assert", "error", "getmetatable", "ipairs", "next", "pcall", "rawequal", "rawget", "rawlen", "rawset", "select",
                                       "setmetatable", "tonumber", "tostring", "type", NULL};
    lua_pushcfunction(L, luaopen_base);
    lua_call(L, 0, 1);
    keep_only(L, kept);
    wrap(L, "tonumber", to_number);
    wrap(L, "tostring", to_string);
    wrap(L, "pcall", protected_call);
    wrap(L, "setmetatable", set_metatable);
    wrap(L, "next", next_key);
    wrap(L, "select", choose);
    lua_pop(L, 1);
}

void rz_lua_open(lua_State *L)
{
    open_base(L);
    open_table(L);
    open_math(L);
    rz_lua_open_text(L);
    rz_lua_open_patterns(L);
    lua_pushcfunction(L, sorted_keys);
}
