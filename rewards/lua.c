/* Rules in Lua, in the worker. Every sample finds the state as it was when the rule's code had been compiled, byte for byte, so that no score can depend on the samples
 * before it. */
#include "rewards/lua_run.h"
#include "base/json.h"
#include "base/text.h"
#include "rewards/custom.h"
#include "rewards/internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    HOOK_STEP = 1000,       /* instructions between two looks at what is left */
    MAX_TEXT = 1 << 20,     /* bytes of a completion: what the machine does with a text in one instruction is not interrupted */
    MOST_AT_LOAD = 64 << 20 /* bytes, while the code is compiled */
};

typedef struct {
    rz_lua_memory memory;
    rz_lua_run run;
    size_t most;          /* bytes a run may allocate */
    int64_t instructions;
    const char *code, *chunk;
    size_t code_len;
    lua_State *state;     /* as kept: the library is open, the rule's code lies on the stack */
    rz_lua_snapshot kept;
    const json_t *params, *views;
    json_t *meta;         /* of the last sample: a group shares it */
    char *meta_text;
    const rz_custom_sample *sample;
    rz_custom_verdict *verdict;
} machine;

static machine *machine_of(lua_State *L)
{
    machine *m;
    memcpy(&m, lua_getextraspace(L), sizeof m);
    return m;
}

rz_lua_run *rz_lua_run_of(lua_State *L) { return &machine_of(L)->run; }

static void end(lua_State *L, rz_lua_run *r)
{
    if (!r->ended) r->ended = "it used up its instructions (instructions)";
    luaL_error(L, "%s", r->ended);
}

void rz_lua_charge(lua_State *L, uint64_t n)
{
    rz_lua_run *r = rz_lua_run_of(L);
    r->left -= n > INT32_MAX ? INT32_MAX : (int64_t)n;
    if (r->left < 0) end(L, r);
}

static void count(lua_State *L, lua_Debug *unused)
{
    (void)unused;
    rz_lua_charge(L, HOOK_STEP);
}

/* ---- what the rule gets ---- */

static void push_json(lua_State *L, const json_t *j)
{
    const char *key;
    json_t *item;
    size_t i;
    luaL_checkstack(L, 8, NULL);
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        lua_createtable(L, 0, (int)json_object_size(j));
        json_object_foreach((json_t *)j, key, item) {
            push_json(L, item);
            lua_setfield(L, -2, key);
        }
        break;
    case JSON_ARRAY:
        lua_createtable(L, (int)json_array_size(j), 0);
        json_array_foreach(j, i, item) {
            push_json(L, item);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        break;
    case JSON_STRING: lua_pushlstring(L, json_string_value(j), json_string_length(j)); break;
    case JSON_INTEGER: lua_pushinteger(L, json_integer_value(j)); break;
    case JSON_REAL: lua_pushnumber(L, json_real_value(j)); break;
    case JSON_TRUE:
    case JSON_FALSE: lua_pushboolean(L, json_is_true(j)); break;
    default: lua_pushnil(L);
    }
}

static void set_text(lua_State *L, const char *name, rz_slice t)
{
    if (!t.s) return;
    lua_pushlstring(L, t.s, t.len);
    lua_setfield(L, -2, name);
}

static void push_sample(lua_State *L, const machine *m)
{
    const rz_custom_sample *s = m->sample;
    lua_createtable(L, 0, 12);
    set_text(L, "completion", s->completion);
    set_text(L, "text", (rz_slice){s->completion.s + s->view.start, s->view.end - s->view.start});
    set_text(L, "prompt", s->prompt);
    set_text(L, "answer", s->answer);
    if (s->n_tokens >= 0) {
        lua_pushinteger(L, s->n_tokens);
        lua_setfield(L, -2, "n_tokens");
    }
    lua_pushboolean(L, s->truncated);
    lua_setfield(L, -2, "truncated");
    lua_createtable(L, 0, s->n_views);
    for (int i = 0; i < s->n_views; i++)
        set_text(L, json_string_value(json_array_get(m->views, (size_t)i)), (rz_slice){s->completion.s + s->views[i].start, s->views[i].end - s->views[i].start});
    lua_setfield(L, -2, "views");
    const json_t *const tables[] = {m->meta, m->params};
    static const char *const names[] = {"meta", "params"};
    for (int i = 0; i < 2; i++) {
        if (tables[i]) push_json(L, tables[i]);
        else lua_newtable(L);
        lua_setfield(L, -2, names[i]);
    }
}

/* ---- what it gives back ---- */

static void take_text(lua_State *L, int table, const char *name, char *to, size_t size)
{
    size_t len;
    lua_pushstring(L, name);
    if (lua_rawget(L, table) != LUA_TNIL) {
        const char *s = rz_lua_text(L, -1, &len);
        char *fixed = rz_utf8_repair(s, len < size ? len : size, &len);
        rz_show(to, size, fixed, len);
        free(fixed);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static void take_span(lua_State *L, int table, const rz_custom_sample *s, rz_custom_verdict *v)
{
    lua_Integer at[2];
    lua_pushstring(L, "span");
    if (lua_rawget(L, table) == LUA_TNIL) return;
    for (int i = 0; i < 2; i++) {
        if (!lua_istable(L, -1)) luaL_error(L, "span must be {first, last}, bytes of c.text counted from 1");
        lua_rawgeti(L, -1, i + 1);
        if (!lua_isinteger(L, -1)) luaL_error(L, "span must be {first, last}, bytes of c.text counted from 1");
        at[i] = lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    lua_Integer len = (lua_Integer)(s->view.end - s->view.start);
    if (at[0] < 1 || at[1] < at[0] - 1 || at[1] > len) luaL_error(L, "span {%I, %I} is not within c.text, which has %I bytes", at[0], at[1], len);
    v->span = (rz_span){s->view.start + (size_t)at[0] - 1, s->view.start + (size_t)at[1]};
}

/* Points, or a table with them, lie at `index`. */
static void take_points(lua_State *L, int index, rz_custom_verdict *v)
{
    if (lua_isboolean(L, index)) {
        v->by_name = true;
        v->passed = lua_toboolean(L, index);
    } else if (lua_type(L, index) == LUA_TNUMBER) {
        v->points = lua_tonumber(L, index);
    } else {
        luaL_error(L, "score gave %s: it must return points (a number), true or false, a table with points, or nil to abstain", luaL_typename(L, index));
    }
}

/* The results of score, two of them, at 1 and 2 of the stack. */
static void take_verdict(lua_State *L, const machine *m)
{
    rz_custom_verdict *v = m->verdict;
    if (lua_istable(L, 1)) {
        lua_pushstring(L, "points");
        if (lua_rawget(L, 1) == LUA_TNIL) v->state = RZ_PART_SKIPPED;
        else take_points(L, -1, v);
        lua_pushstring(L, "passed");
        if (lua_rawget(L, 1) != LUA_TNIL) v->passed = lua_toboolean(L, -1);
        take_text(L, 1, "reason", v->reason, sizeof v->reason);
        take_text(L, 1, "found", v->found, sizeof v->found);
        take_text(L, 1, "expected", v->expected, sizeof v->expected);
        take_span(L, 1, m->sample, v);
        return;
    }
    if (lua_isnil(L, 1)) v->state = RZ_PART_SKIPPED;
    else take_points(L, 1, v);
    if (lua_isnil(L, 2)) return;
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "reason");
    take_text(L, lua_gettop(L), "reason", v->reason, sizeof v->reason);
}

/* ---- a run ---- */

/* The rule's code, a function, is at 1. Its sample comes and its limits begin. */
static int run(lua_State *L)
{
    machine *m = machine_of(L);
    if (m->sample) push_sample(L, m); /* what it is given is not counted */
    m->memory.most = m->memory.used + m->most;
    m->memory.left = &m->run.left;
    lua_sethook(L, count, LUA_MASKCOUNT, HOOK_STEP);
    lua_pushvalue(L, 1);
    lua_call(L, 0, 0);
    if (lua_getglobal(L, "score") != LUA_TFUNCTION) return luaL_error(L, "there is no function score(c)");
    if (!m->sample) return 0;
    lua_replace(L, 1);
    lua_call(L, 1, 2);
    take_verdict(L, m);
    return 0;
}

static const char *trouble(lua_State *L, const machine *m, int status)
{
    if (m->run.ended) return m->run.ended;
    if (m->memory.over) return "it used up its instructions (instructions)";
    if (status == LUA_ERRMEM) return "it used up its memory (memory_mb)";
    return lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "it raised an error that is no text";
}

static int run_kept(machine *m, const rz_custom_sample *s)
{
    lua_State *L = m->state;
    rz_lua_memory_restore(&m->memory, &m->kept);
    rz_lua_patterns_begin(m->run.patterns);
    m->run.ended = NULL;
    m->run.left = m->instructions;
    m->sample = s;
    lua_pushcfunction(L, run);
    lua_insert(L, 1);
    return lua_pcall(L, 1, 0, 0);
}

static bool read_meta(machine *m, const rz_custom_sample *s, rz_custom_verdict *v)
{
    const rz_json_limits most = {64, 100000};
    rz_err err;
    if (!s->meta.s) {
        json_decref(m->meta);
        free(m->meta_text);
        m->meta = NULL;
        m->meta_text = NULL;
        return true;
    }
    if (m->meta_text && strlen(m->meta_text) == s->meta.len && memcmp(m->meta_text, s->meta.s, s->meta.len) == 0) return true;
    json_decref(m->meta);
    free(m->meta_text);
    m->meta_text = NULL;
    m->meta = rz_json_parse("meta", s->meta.s, s->meta.len, most, &err);
    if (m->meta) m->meta_text = rz_strndup(s->meta.s, s->meta.len);
    else rz_custom_end(v, RZ_PART_ERROR, "%s", err.text);
    return m->meta;
}

static void score(void *self, const rz_custom_sample *s, rz_custom_verdict *v)
{
    machine *m = self;
    if (s->completion.len > MAX_TEXT) {
        rz_custom_end(v, RZ_PART_ERROR, "the completion has %zu bytes: over %d Lua reads none", s->completion.len, MAX_TEXT);
        return;
    }
    if (!read_meta(m, s, v)) return;
    m->verdict = v;
    int status = run_kept(m, s);
    if (status == LUA_OK) return;
    rz_custom_begin(v);
    rz_custom_end(v, RZ_PART_ERROR, "%s", trouble(m->state, m, status));
}

/* ---- loading ---- */

/* Only source is read: bytecode from a stranger could do anything. */
static int compile(lua_State *L)
{
    const machine *m = machine_of(L);
    rz_lua_open(L);
    if (luaL_loadbufferx(L, rz_lua_prelude, strlen(rz_lua_prelude), "=prelude", "t") != LUA_OK) lua_error(L);
    lua_insert(L, -2);
    lua_call(L, 1, 0);
    if (luaL_loadbufferx(L, m->code, m->code_len, m->chunk, "t") != LUA_OK) lua_error(L);
    return 1;
}

static bool build(machine *m, rz_err *err)
{
    m->memory.most = MOST_AT_LOAD + m->memory.reserved / 2;
    m->run.left = INT64_MAX / 2;
    m->state = lua_newstate(rz_lua_memory_move, &m->memory);
    if (!m->state) return rz_fail(err, RZ_EIO, "no memory for a Lua state");
    memcpy(lua_getextraspace(m->state), &m, sizeof m);
    lua_pushcfunction(m->state, compile);
    int status = lua_pcall(m->state, 0, 1, 0);
    if (status != LUA_OK) return rz_fail(err, RZ_ECONFIG, "%s", trouble(m->state, m, status));
    lua_gc(m->state, LUA_GCCOLLECT);
    m->kept = rz_lua_memory_keep(&m->memory);
    status = run_kept(m, NULL); /* all but score itself */
    return status == LUA_OK || rz_fail(err, RZ_ECONFIG, "%s", trouble(m->state, m, status));
}

static void *open_rule(const json_t *setup, rz_err *err)
{
    machine *m = rz_calloc(1, sizeof *m);
    const json_t *code = json_object_get(setup, "code");
    m->code = json_string_value(code);
    m->code_len = json_string_length(code);
    m->chunk = json_string_value(json_object_get(setup, "chunk"));
    m->params = json_object_get(setup, "params");
    m->views = json_object_get(setup, "views");
    m->instructions = json_integer_value(json_object_get(setup, "instructions"));
    m->most = (size_t)json_integer_value(json_object_get(setup, "memory_mb")) << 20;
    m->run.memory = &m->memory;
    m->run.patterns = rz_lua_patterns_create();
    if (!rz_lua_memory_init(&m->memory, 4 * m->most + ((size_t)256 << 20), err) || !rz_matcher_create(&m->run.matcher, err) || !build(m, err)) return NULL;
    return m;
}

const rz_language rz_language_lua = {"lua", open_rule, score};
