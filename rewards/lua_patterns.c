/* re.match, search, fullmatch, findall, sub: PCRE2 with limits, the names as in Python. A match is a table: [0] what matched, [1] … the groups (false: took no
 * part), groups that have names also by them, start and stop: bytes, counted from 1, as string.sub takes them. */
#include "base/text.h"
#include "rewards/internal.h"
#include "rewards/lua_run.h"
#include <stdlib.h>
#include <string.h>

enum {
    CACHE = 128,
    MAX_PATTERN = 4096,
    MAX_FOUND = 10000,
    FIRST_STEPS = 128,  /* PCRE2 does not say how many steps it took: it is given few, then twice as many, and what was given is charged */
    STEP_PRICE = 4,     /* a step of a pattern that backtracks, in instructions */
    COMPILE_PRICE = 20, /* a byte of compiled pattern */
    UNITS = 8,          /* of a counted pattern's work, an instruction */
};

typedef enum { AT_START, ANYWHERE, WHOLE } manner;
static const char *const wrappings[] = {[AT_START] = "(?:%s)", [ANYWHERE] = "(?s:.*?)\\K(?:%s)", [WHOLE] = "(?:%s)\\z"};

struct rz_lua_patterns {
    struct {
        char *text;
        unsigned flags;
        manner how;
        uint64_t paid; /* by the sample of this number */
        rz_pattern *pattern;
    } row[CACHE];
    int n, n_paid; /* n_paid: of this sample, so that there is room for all of them */
    uint64_t sample;
};

rz_lua_patterns *rz_lua_patterns_create(void) { return rz_calloc(1, sizeof(rz_lua_patterns)); }

static unsigned read_flags(lua_State *L, int index)
{
    static const struct { char letter; unsigned flag; } letters[] = {
        {'s', RZ_PATTERN_DOTALL}, {'i', RZ_PATTERN_CASELESS}, {'m', RZ_PATTERN_MULTILINE}, {'u', RZ_PATTERN_UNICODE}};
    unsigned flags = RZ_PATTERN_ANCHORED | RZ_PATTERN_COUNTED;
    for (const char *p = luaL_optstring(L, index, ""); *p; p++) {
        size_t i = 0;
        while (i < 4 && letters[i].letter != *p) i++;
        if (i == 4) luaL_error(L, "flags '%s': must be letters out of s, i, m, u", luaL_checkstring(L, index));
        flags |= letters[i].flag;
    }
    return flags;
}

/* Only between samples: a pattern may be in use while a function that re.sub calls asks for others. */
void rz_lua_patterns_begin(rz_lua_patterns *c)
{
    c->sample++;
    c->n_paid = 0;
    if (c->n <= CACHE / 2) return;
    for (int i = 0; i < c->n; i++) {
        free(c->row[i].text);
        rz_pattern_destroy(c->row[i].pattern);
    }
    c->n = 0;
}

/* The pattern alone first: its messages have the writer's positions, and one that would escape from the brackets around it is caught. */
static rz_pattern *compile(lua_State *L, const char *text, unsigned flags, manner how)
{
    rz_err err = {0};
    rz_pattern *p = NULL;
    bool ok = rz_pattern_create(&p, text, flags, MAX_STEPS, &err);
    rz_pattern_destroy(p);
    p = NULL;
    if (ok) {
        char *wrapped = rz_asprintf(wrappings[how], text);
        ok = rz_pattern_create(&p, wrapped, flags, MAX_STEPS, &err);
        free(wrapped);
    }
    if (!ok) luaL_error(L, "%s", err.text);
    return p;
}

/* Kept from sample to sample, but every sample pays for it as if it were new: what is left to it must not depend on the others. */
static const rz_pattern *pattern_of(lua_State *L, int index, int flags_index, manner how)
{
    rz_lua_patterns *c = rz_lua_run_of(L)->patterns;
    size_t len;
    const char *text = luaL_checklstring(L, index, &len);
    unsigned flags = read_flags(L, flags_index);
    if (len > MAX_PATTERN) luaL_error(L, "the pattern has %d bytes, at most %d", (int)len, MAX_PATTERN);
    if (strlen(text) < len) luaL_error(L, "a pattern has no NUL bytes: write \\x00");
    int i = 0;
    while (i < c->n && (c->row[i].flags != flags || c->row[i].how != how || strcmp(c->row[i].text, text) != 0)) i++;
    if (i < c->n && c->row[i].paid == c->sample) return c->row[i].pattern;
    rz_lua_charge(L, 1000 + 10 * len);
    if (++c->n_paid > CACHE / 2) luaL_error(L, "more than %d patterns for one completion", CACHE / 2);
    if (i == c->n) {
        c->row[i].pattern = compile(L, text, flags, how);
        c->row[i].text = rz_strdup(text);
        c->row[i].flags = flags;
        c->row[i].how = how;
        c->n++;
    }
    c->row[i].paid = c->sample;
    rz_lua_charge(L, COMPILE_PRICE * rz_pattern_bytes(c->row[i].pattern));
    return c->row[i].pattern;
}

/* A step limit that grows with what is left. Spans live until the sample ends. */
static bool search(lua_State *L, const rz_pattern *p, const char *s, size_t len, size_t from, rz_span *spans, int n_spans)
{
    rz_lua_run *r = rz_lua_run_of(L);
    for (uint32_t steps = FIRST_STEPS;; steps *= 2) {
        int64_t allowed = r->left * UNITS;
        rz_matcher_limit(r->matcher, steps);
        rz_matcher_allow(r->matcher, allowed);
        rz_match_result got = rz_pattern_match(p, r->matcher, s, len, from, spans, n_spans);
        rz_lua_charge(L, (uint64_t)steps * STEP_PRICE + (uint64_t)(allowed - rz_matcher_left(r->matcher)) / UNITS);
        if (got != RZ_MATCH_LIMIT) {
            rz_lua_charge(L, ((got == RZ_MATCH ? spans[0].end : len) - from) / 32 + 16);
            return got == RZ_MATCH;
        }
        if (steps >= MAX_STEPS / 2) luaL_error(L, "the pattern needs more memory than it may have");
    }
}

static void push_match(lua_State *L, const rz_pattern *p, const char *s, const rz_span *spans, int n_spans)
{
    lua_createtable(L, n_spans, 4);
    for (int i = 0; i < n_spans; i++) {
        const char *name = rz_pattern_group_name(p, i);
        if (spans[i].start == SIZE_MAX) lua_pushboolean(L, 0);
        else lua_pushlstring(L, s + spans[i].start, spans[i].end - spans[i].start);
        if (name) {
            lua_pushvalue(L, -1);
            lua_setfield(L, -3, name);
        }
        lua_rawseti(L, -2, i);
    }
    rz_lua_charge(L, (uint64_t)n_spans * 8);
    lua_pushinteger(L, (lua_Integer)spans[0].start + 1);
    lua_setfield(L, -2, "start");
    lua_pushinteger(L, (lua_Integer)spans[0].end);
    lua_setfield(L, -2, "stop");
}

typedef struct {
    const rz_pattern *pattern;
    const char *s;
    size_t len;
    rz_span *spans; /* Lua's */
    int n_spans;
} job;

static job begin(lua_State *L, manner how, int text_index, int flags_index)
{
    job j;
    size_t len;
    const char *s = luaL_checklstring(L, text_index, &len);
    j.pattern = pattern_of(L, 1, flags_index, how);
    j.s = s;
    j.len = len;
    j.n_spans = rz_pattern_groups(j.pattern) + 1;
    if (len > MAX_SUBJECT) luaL_error(L, "the text has %d bytes, a pattern reads %d: give the rule a smaller view", (int)len, MAX_SUBJECT);
    rz_lua_charge(L, len / 8);
    if (rz_utf8_valid(s, len) < len) luaL_error(L, "the text is no UTF-8: was it cut inside a character?");
    j.spans = lua_newuserdatauv(L, (size_t)j.n_spans * sizeof *j.spans, 0);
    return j;
}

static int match_one(lua_State *L, manner how)
{
    job j = begin(L, how, 2, 3);
    if (search(L, j.pattern, j.s, j.len, 0, j.spans, j.n_spans)) push_match(L, j.pattern, j.s, j.spans, j.n_spans);
    else lua_pushnil(L);
    return 1;
}

static int match(lua_State *L) { return match_one(L, AT_START); }
static int search_text(lua_State *L) { return match_one(L, ANYWHERE); }
static int fullmatch(lua_State *L) { return match_one(L, WHOLE); }

/* The next match at or after *from, which moves behind it; an empty one is not found again. */
static bool next(lua_State *L, const job *j, size_t *from)
{
    if (*from > j->len || !search(L, j->pattern, j->s, j->len, *from, j->spans, j->n_spans)) return false;
    *from = j->spans[0].end;
    if (j->spans[0].start < j->spans[0].end) return true;
    do ++*from;
    while (*from < j->len && ((unsigned char)j->s[*from] & 0xC0) == 0x80);
    return true;
}

static int findall(lua_State *L)
{
    job j = begin(L, ANYWHERE, 2, 3);
    lua_newtable(L);
    size_t from = 0;
    for (int n = 1; next(L, &j, &from); n++) {
        if (n > MAX_FOUND) return luaL_error(L, "more than %d matches", MAX_FOUND);
        push_match(L, j.pattern, j.s, j.spans, j.n_spans);
        lua_rawseti(L, -2, n);
    }
    return 1;
}

/* sub(pattern, by, text, flags): by is a text, taken as it is, or a function of the match that gives one. */
static int sub(lua_State *L)
{
    bool called = lua_isfunction(L, 2);
    if (!called) luaL_checkstring(L, 2);
    job j = begin(L, ANYWHERE, 3, 4);
    size_t from = 0, kept = 0;
    int pieces = 0, list;
    lua_newtable(L);
    list = lua_gettop(L);
    for (int n = 0; next(L, &j, &from); n++) {
        rz_span hit = j.spans[0];
        if (n == MAX_FOUND) return luaL_error(L, "more than %d matches", MAX_FOUND);
        lua_pushlstring(L, j.s + kept, hit.start - kept);
        lua_rawseti(L, list, ++pieces);
        kept = hit.end;
        lua_pushvalue(L, 2);
        if (called) {
            push_match(L, j.pattern, j.s, j.spans, j.n_spans);
            lua_call(L, 1, 1);
            if (lua_type(L, -1) != LUA_TSTRING) return luaL_error(L, "re.sub: the function gave %s, must be a text", luaL_typename(L, -1));
        }
        lua_rawseti(L, list, ++pieces);
    }
    lua_pushlstring(L, j.s + kept, j.len - kept);
    lua_rawseti(L, list, ++pieces);
    rz_lua_charge(L, (uint64_t)pieces * 4);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (int i = 1; i <= pieces; i++) {
        lua_rawgeti(L, list, i);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
    return 1;
}

void rz_lua_open_patterns(lua_State *L)
{
    static const luaL_Reg functions[] = {{"match", match}, {"search", search_text}, {"fullmatch", fullmatch}, {"findall", findall}, {"sub", sub}, {NULL, NULL}};
    luaL_newlib(L, functions);
    lua_setglobal(L, "re");
}
