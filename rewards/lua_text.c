/* Texts of Lua rules: string and utf8. Lua's own patterns (find, match, gmatch, gsub) cannot be interrupted, so they are not here: `re` is (lua_patterns.c). */
#include "rewards/lua_run.h"
#include <lualib.h>
#include <string.h>

enum { MAX_BYTES = 1000, MAX_REPEATS = 1 << 24, PER_UNIT = 4 /* bytes that a simple loop in C does in an instruction's time */ };

/* Lua's own function, which lies behind, after n bytes' work is paid. */
static int paid(lua_State *L, size_t n)
{
    rz_lua_charge(L, n / PER_UNIT + 1);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

static int linear(lua_State *L) { return paid(L, lua_rawlen(L, 1)); }

/* byte(s, i, j), codepoint(s, i, j): as many results as characters asked for */
static int many(lua_State *L)
{
    lua_Integer n = (lua_Integer)lua_rawlen(L, 1), i = luaL_optinteger(L, 2, 1), j = luaL_optinteger(L, 3, i);
    if (i < 0) i = i < -n ? 1 : n + i + 1;
    if (i > n) i = n;
    if (j < 0) j = j < -n ? 0 : n + j + 1;
    else if (j > n) j = n;
    if (j - i >= MAX_BYTES) return luaL_error(L, "more than %d values at once", MAX_BYTES);
    return paid(L, j > i ? (size_t)(j - i) : 0);
}

static int repeat(lua_State *L)
{
    size_t len, gap;
    luaL_checklstring(L, 1, &len);
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &gap);
    if (n <= 0 || len + gap == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (n > MAX_REPEATS) return luaL_error(L, "a text repeated more than %d times", MAX_REPEATS);
    return paid(L, (size_t)n);
}

/* format: as Lua's without %p, and %s as tostring gives it */
static int format(lua_State *L)
{
    size_t len, shown = 0;
    const char *f = luaL_checklstring(L, 1, &len);
    int arg = 1;
    for (size_t i = 0; i < len; i++) {
        if (f[i] != '%' || ++i >= len || f[i] == '%') continue;
        size_t from = i;
        i += strspn(f + i, "-+ #0123456789.");
        arg++;
        rz_lua_charge(L, !strchr("aAeEfFgG", f[i]) ? RZ_LUA_INTEGER : i - from > 2 || f[i] == 'f' || f[i] == 'F' ? RZ_LUA_LONG_FLOAT : RZ_LUA_FLOAT);
        if (f[i] == 'p') return luaL_error(L, "%%p is not here: addresses differ from run to run");
        if (f[i] == 's' && arg <= lua_gettop(L)) {
            rz_lua_text(L, arg, NULL);
            lua_replace(L, arg);
        }
        if (lua_type(L, arg) == LUA_TSTRING) shown += lua_rawlen(L, arg);
    }
    return paid(L, len + shown + 64 * (size_t)arg);
}

/* ---- of our own ---- */

/* find(s, text, from, true): plain, as Lua's. Without true it would be a pattern. */
static int find(lua_State *L)
{
    size_t len, n;
    const char *s = luaL_checklstring(L, 1, &len), *what = luaL_checklstring(L, 2, &n);
    lua_Integer from = luaL_optinteger(L, 3, 1);
    if (!lua_toboolean(L, 4)) return luaL_error(L, "find looks for a plain text here: s:find(text, from, true); for patterns use re.search(pattern, s)");
    rz_lua_charge(L, (len + n) / 8 + 1);
    if (from < 0) from = from < -(lua_Integer)len ? 1 : (lua_Integer)len + from + 1;
    if (from == 0) from = 1;
    const char *at = from > (lua_Integer)len + 1 ? NULL : memmem(s + from - 1, len - (size_t)from + 1, what, n);
    if (!at) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, at - s + 1);
    lua_pushinteger(L, at - s + (lua_Integer)n);
    return 2;
}

static int refuse(lua_State *L)
{
    return luaL_error(L, "Lua's patterns are not here, since nothing could interrupt them: use re.match, re.search, re.fullmatch, re.findall or re.sub");
}

static const char blanks[] = " \t\r\n\v\f";

static int trim(lua_State *L)
{
    size_t len, from = 0;
    const char *s = luaL_checklstring(L, 1, &len);
    rz_lua_charge(L, len / PER_UNIT + 1);
    while (from < len && s[from] && strchr(blanks, s[from])) from++;
    while (len > from && s[len - 1] && strchr(blanks, s[len - 1])) len--;
    lua_pushlstring(L, s + from, len - from);
    return 1;
}

/* split(s): the words, parted by white space; split(s, text): the pieces between */
static int split(lua_State *L)
{
    size_t len, n, at = 0;
    const char *s = luaL_checklstring(L, 1, &len), *by = luaL_optlstring(L, 2, NULL, &n);
    lua_Integer pieces = 0;
    luaL_argcheck(L, !by || n > 0, 2, "the text to split at is empty");
    rz_lua_charge(L, len / PER_UNIT + 1);
    lua_newtable(L);
    for (; by ? at <= len : at < len;) {
        const char *hit = by ? memmem(s + at, len - at, by, n) : NULL;
        size_t end = hit ? (size_t)(hit - s) : len;
        if (!by) {
            while (at < len && s[at] && strchr(blanks, s[at])) at++;
            for (end = at; end < len && (!s[end] || !strchr(blanks, s[end])); end++) {}
            if (end == at) break;
        }
        rz_lua_charge(L, 8);
        lua_pushlstring(L, s + at, end - at);
        lua_rawseti(L, -2, ++pieces);
        at = by && !hit ? len + 1 : end + (by ? n : 0);
    }
    return 1;
}

/* ---- */

static void wrap_all(lua_State *L, const luaL_Reg *rows, int from)
{
    for (; rows->name; rows++) {
        lua_getfield(L, from, rows->name);
        lua_pushcclosure(L, rows->func, 1);
        lua_setfield(L, -2, rows->name);
    }
}

void rz_lua_open_text(lua_State *L)
{
    static const luaL_Reg wrapped[] = {{"byte", many}, {"format", format}, {"lower", linear}, {"upper", linear}, {"reverse", linear}, {"rep", repeat}, {NULL, NULL}};
    static const luaL_Reg own[] = {{"find", find}, {"match", refuse}, {"gmatch", refuse}, {"gsub", refuse}, {"trim", trim}, {"split", split}, {NULL, NULL}};
    static const luaL_Reg wrapped_utf8[] = {{"codepoint", many}, {"len", linear}, {"offset", linear}, {NULL, NULL}};
    static const char *const arithmetic[] = {"__add", "__sub", "__mul", "__mod", "__pow", "__div", "__idiv", "__unm"};
    static const char *const kept[] = {"char", "len", "sub"}, *const kept_utf8[] = {"char", "charpattern", "codes"};
    lua_pushcfunction(L, luaopen_string);
    lua_call(L, 0, 1);
    int from = lua_gettop(L);
    lua_createtable(L, 0, 16);
    wrap_all(L, wrapped, from);
    luaL_setfuncs(L, own, 0);
    for (int i = 0; i < 3; i++) {
        lua_getfield(L, from, kept[i]);
        lua_setfield(L, -2, kept[i]);
    }
    lua_pushliteral(L, ""); /* methods of texts, s:lower(), are of this table */
    lua_getmetatable(L, -1);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    for (int i = 0; i < 8; i++) { /* "10" + 1 would read a text of any length in one instruction: tonumber says so and pays */
        lua_pushnil(L);
        lua_setfield(L, -2, arithmetic[i]);
    }
    lua_pop(L, 2);
    lua_setglobal(L, "string");
    lua_pushcfunction(L, luaopen_utf8);
    lua_call(L, 0, 1);
    lua_createtable(L, 0, 8);
    wrap_all(L, wrapped_utf8, from + 1);
    for (int i = 0; i < 3; i++) {
        lua_getfield(L, from + 1, kept_utf8[i]);
        lua_setfield(L, -2, kept_utf8[i]);
    }
    lua_setglobal(L, "utf8");
    lua_settop(L, from - 1);
}
