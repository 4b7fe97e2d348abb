#include "base/file.h"
#include "rewards/rules.h"
#include "tests/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static rz_err err;
static rz_helper *helper;

static void set_up(void) { ck_assert_msg(rz_helper_start(&helper, NULL, &err), "%s", err.text); }
static void tear_down(void) { rz_helper_stop(helper); }

typedef struct { rz_rules *rules; rz_rules_worker *worker; } file;

/* A file with one rule, whose code is this. */
static bool try_open(file *f, const char *keys, const char *code)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    fprintf(out, "version: 1\nviews:\n  final: {after: \"</think>\", on_missing: all}\nrules:\n  r:\n%s    lua: |\n", keys);
    for (const char *p = code; *p;) { /* a block is indented */
        size_t n = strcspn(p, "\n");
        fprintf(out, "      %.*s\n", (int)n, p);
        p += n + (p[n] == '\n');
    }
    fclose(out);
    *f = (file){0};
    bool ok = rz_rules_parse(&f->rules, "case.yaml", text, len, &err) && rz_rules_worker_create(&f->worker, f->rules, helper, &err);
    free(text);
    return ok;
}

static file open_file(const char *keys, const char *code)
{
    file f;
    ck_assert_msg(try_open(&f, keys, code), "%s\n%s", code, err.text);
    return f;
}

static void close_file(file *f)
{
    rz_rules_worker_destroy(f->worker);
    rz_rules_destroy(f->rules);
}

static const rz_part *judge(file *f, const char *completion, const char *answer, const char *meta)
{
    static rz_score score;
    const rz_sample s = {.completion = completion, .completion_len = strlen(completion), .prompt = "a prompt", .answer = answer, .meta = meta, .n_tokens = 7};
    rz_rules_score(f->worker, &s, &score);
    ck_assert(isfinite(score.score));
    ck_assert_int_eq(score.n_errors, score.parts[0].state == RZ_PART_ERROR);
    return &score.parts[0];
}

/* The body of score(c), what it comes to, and a part of its reason. */
typedef struct {
    const char *body;
    rz_part_state state;
    double points;
    const char *reason;
} row;
#define TEXT "<think>ab cd</think><answer> 42 </answer>"

static void check_rows(const row *rows, int n)
{
    for (int i = 0; i < n; i++) {
        char *code = rz_asprintf("function score(c)\n%s\nend", rows[i].body);
        file f = open_file("", code);
        const rz_part *p = judge(&f, TEXT, "42", "{\"n\": 3, \"x\": 0.5, \"list\": [1, \"two\", null, true], \"map\": {\"k\": \"v\"}}");
        ck_assert_msg(p->state == rows[i].state && p->points == rows[i].points && strstr(p->reason, rows[i].reason) && !p->nondeterministic && !p->crashed,
                      "%s\nstate %d, %g points: %s", rows[i].body, p->state, p->points, p->reason);
        close_file(&f);
        free(code);
    }
}
#define CHECK_ROWS(rows) check_rows(rows, (int)(sizeof rows / sizeof *rows))

#define S RZ_PART_SCORED
#define K RZ_PART_SKIPPED
#define E RZ_PART_ERROR

static const row what_it_gets[] = {
    {"return c.completion == '" TEXT "' and c.text == c.completion", S, 1, "passed"},
    {"return c.prompt == 'a prompt' and c.answer == '42' and c.n_tokens == 7 and c.truncated == false", S, 1, ""},
    {"return c.views.final == '<answer> 42 </answer>'", S, 1, ""},
    {"local m = c.meta return m.n == 3 and math.type(m.n) == 'integer' and m.x == 0.5 and m.list[2] == 'two' and m.list[3] == nil and m.list[4] and m.map.k == 'v'", S, 1, ""},
    {"return next(c.params) == nil", S, 1, ""},
};

static const row what_it_gives[] = {
    {"return 0.25", S, 0.25, "did not pass"},
    {"return 1", S, 1, "passed"},
    {"return -3, 'a reason'", S, -3, "a reason"},
    {"return true", S, 1, "passed"},
    {"return false, 'no'", S, 0, "no"},
    {"return nil", K, 0, "abstains"},
    {"return nil, 'nothing to say'", K, 0, "nothing to say"},
    {"return", K, 0, "abstains"},
    {"return {points = 0.5, reason = 'half', found = 'f', expected = 'e', span = {1, 3}, passed = true}", S, 0.5, "half"},
    {"return {points = true}", S, 1, ""},
    {"return {reason = 'no points'}", K, 0, "no points"},
    {"return {points = 0, reason = {}}", S, 0, "table"},
    {"error('gone wrong')", E, 0, "case.yaml:8: gone wrong"},
    {"error({})", E, 0, "no text"},
    {"local x = nil + 1", E, 0, "case.yaml:8: attempt to perform arithmetic on a nil value"},
    {"return 'text'", E, 0, "string"},
    {"return {points = {}}", E, 0, "table"},
    {"return 0/0", E, 0, "NaN"},
    {"return -(0/0)", E, 0, "NaN"},
    {"return {points = 0/0}", E, 0, "NaN"},
    {"return 1/0", E, 0, "infinite"},
    {"return -math.huge", E, 0, "infinite"},
    {"return 1e7", E, 0, "million"},
    {"return {points = 1, span = {0, 3}}", E, 0, "span"},
    {"return {points = 1, span = {2, 1000}}", E, 0, "span"},
    {"return {points = 1, span = 'x'}", E, 0, "span"},
    {"return 1, ('x'):rep(100000)", S, 1, "xxxx"},
    {"return 1, '\\xff\\xfe half'", S, 1, "half"},
};

static const row the_library[] = {
    {"local m = re.search('<answer>(?<a>.*?)</answer>(x)?', c.text) return m.a == ' 42 ' and m[1] == m.a and m[2] == false and c.text:sub(m.start, m.stop) == m[0]", S, 1, ""},
    {"return re.match('<answer>', c.text) == nil and re.match('<think>', c.text)[0] == '<think>' and re.fullmatch('<think>', c.text) == nil", S, 1, ""},
    {"return re.fullmatch('<.*>', c.text, 's')[0] == c.text and re.search('ANSWER', c.text, 'i').start == 22", S, 1, ""},
    {"local n = 0 for _, m in ipairs(re.findall('[a-d]', 'abxcd')) do n = n * 10 + m.start end return n == 1245", S, 1, ""},
    {"return #re.findall('', 'a\u00e9b') == 4 and #re.findall('x', 'abc') == 0", S, 1, ""},
    {"return re.sub('[aeiou]', '*', 'education') == '*d*c*t**n' and re.sub('(\\\\d+)', function(m) return '<' .. m[1] .. '>' end, 'a1b22') == 'a<1>b<22>'", S, 1, ""},
    {"return re.search('(', c.text)", E, 0, "missing closing parenthesis"},
    {"return re.search('a)(b', c.text)", E, 0, "unmatched"},
    {"return re.search('a', 'x', 'q')", E, 0, "letters out of"},
    {"return re.search('.', '\\xff')", E, 0, "UTF-8"},
    {"return re.search('a', ('x'):rep(70000))", E, 0, "smaller view"},
    {"return ('a'):find('a')", E, 0, "re.search"},
    {"return ('a'):match('a')", E, 0, "re.match"},
    {"return ('a'):gsub('a', 'b')", E, 0, "re.sub"},
    {"local a, b = ('hello'):find('l', 1, true) return a == 3 and b == 3 and ('x'):find('y', 1, true) == nil and (''):find('', 1, true) == 1 and ('abab'):find('b', -1, true) == 4", S, 1, ""},
    {"return (' \\t a b \\n'):trim() == 'a b' and (''):trim() == '' and #('  '):trim() == 0", S, 1, ""},
    {"return table.concat((' a  b\\tc '):split(), '|') == 'a|b|c' and table.concat(('a,b,,c,'):split(','), '|') == 'a|b||c|' and #(''):split() == 0 and #(''):split(',') == 1", S, 1, ""},
    {"return ('x'):split('')", E, 0, "empty"},
    {"return ('ab'):rep(3, '-') == 'ab-ab-ab' and ('x'):rep(0) == '' and (''):rep(1e9 // 1 | 0) == ''", S, 1, ""},
    {"return ('aBc'):upper() == 'ABC' and ('aBc'):lower() == 'abc' and ('abc'):reverse() == 'cba' and ('abc'):sub(-2) == 'bc' and #'abc' == ('abc'):len() and ('abc'):byte(2) == 98", S, 1, ""},
    {"return string.format('%d %5.2f %s %s %q %x', 3, 1.5, 'a', {}, 'q', 255) == '3  1.50 a table \"q\" ff'", S, 1, ""},
    {"return string.format('%p', {})", E, 0, "%p"},
    {"return utf8.len('\u00e9\u20ac') == 2 and utf8.char(8364) == '\u20ac' and utf8.codepoint('\u20ac') == 8364", S, 1, ""},
    {"return tostring({}) == 'table' and tostring(print) == 'nil' and tostring(score) == 'function' and tostring(1.0) == '1.0'", S, 1, ""},
    {"return tostring(setmetatable({}, {__tostring = function() return 'mine' end})) == 'mine'", S, 1, ""},
    {"return tonumber('10') == 10 and tonumber('0x10') == 16 and tonumber('z', 36) == 35 and tonumber('x') == nil and tonumber(' 1.5 ') == 1.5", S, 1, ""},
    {"return '10' + 1", E, 0, "arithmetic on a string"},
    {"local t = {3, 1, 2} table.sort(t) return t[1] == 1 and t[3] == 3", S, 1, ""},
    {"local t = {} for i = 1, 50 do t[i] = {i % 3, i} end table.sort(t, function(a, b) return a[1] < b[1] end)\n"
     "for i = 2, 50 do if t[i][1] == t[i - 1][1] and t[i][2] < t[i - 1][2] then return false end end return true", S, 1, ""},
    {"local t = {1, 2, 3} table.insert(t, 4) table.insert(t, 1, 0) local x = table.remove(t, 2) return x == 1 and table.concat(t, ',') == '0,2,3,4' and table.remove(t) == 4 and #t == 3", S, 1, ""},
    {"return table.remove({}) == nil and #table.pack(1, nil, 3) ~= 1 and table.pack(1, nil).n == 2 and select('#', table.unpack({1, 2, 3})) == 3", S, 1, ""},
    {"local t = table.move({1, 2, 3}, 1, 3, 2) return table.concat(t, ',') == '1,1,2,3' and table.concat(table.move({1, 2, 3}, 2, 3, 1), ',') == '2,3,3'", S, 1, ""},
    {"table.insert({}, 5, 1)", E, 0, "out of bounds"},
    {"local s = '' for k, v in pairs({b = 1, a = 2, [2] = 'y', [1] = 'x', [1.5] = 'z', [true] = 0, c = 3}) do s = s .. tostring(k) .. ' ' end return s == '1 1.5 2 a b c true '", S, 1, ""},
    {"local t = {a = 1, b = 2} for k in pairs(t) do t.b = nil t.a = nil end return next(t) == nil", S, 1, ""},
    {"local t, n = {x = 1, y = 2, [1] = 0}, 0 for k in next, t do n = n + 1 end return n == 3 and next({}) == nil", S, 1, ""},
    {"for k in pairs({[{}] = 1}) do end", E, 0, "no order"},
    {"local ok, e = pcall(error, 'x') return not ok and e == 'x' and select('#', pcall(function() return 1, 2 end)) == 3", S, 1, ""},
    {"return math.floor(2.5) == 2 and math.max(1, 2) == 2 and math.sqrt(9) == 3 and math.abs(-1) == 1 and math.exp == nil and math.random == nil", S, 1, ""},
};

/* Ways out of the sandbox, or into what differs from run to run: all of them find nothing there. */
static const row escapes[] = {
    {"return os == nil and io == nil and package == nil and require == nil and debug == nil and coroutine == nil", S, 1, ""},
    {"return load == nil and loadstring == nil and loadfile == nil and dofile == nil and collectgarbage == nil and print == nil and warn == nil and xpcall == nil", S, 1, ""},
    {"return string.dump == nil and string.pack == nil and string.gmatch ~= nil and math.random == nil and math.randomseed == nil", S, 1, ""},
    {"return getmetatable('').__index == string and rawget(string, 'dump') == nil", S, 1, ""},
    {"local n = 0 for k in pairs(_G) do n = n + 1 end local s = {} for k in pairs(_G) do s[#s + 1] = k end\n"
     "return table.concat(s, ' ') == '_G _VERSION assert error getmetatable ipairs math next pairs pcall rawequal rawget rawlen rawset re score select setmetatable string table "
     "tonumber tostring type utf8'", S, 1, ""},
    {"local s = {} for k in pairs(string) do s[#s + 1] = k end return table.concat(s, ' ') == 'byte char find format gmatch gsub len lower match rep reverse split sub trim upper'", S, 1, ""},
    {"local s = {} for k in pairs(table) do s[#s + 1] = k end return table.concat(s, ' ') == 'concat insert move pack remove sort unpack'", S, 1, ""},
    {"local s = {} for k in pairs(math) do s[#s + 1] = k end return table.concat(s, ' ') == 'abs ceil floor fmod huge max maxinteger min mininteger modf pi sqrt tointeger type ult'", S, 1, ""},
    {"setmetatable({}, {__gc = function() while true do end end})", E, 0, "__gc"},
    {"setmetatable({}, {__mode = 'k'})", E, 0, "__mode"},
    {"local mt = {} setmetatable({}, mt) mt.__gc = function() while true do end end local t for i = 1, 10000 do t = {i} end return 1", S, 1, ""},
    {"getmetatable('').__index = nil return pcall(function() return ('x'):upper() end)", S, 0, ""},
    {"_G.score = nil return 1", S, 1, ""},
    {"setmetatable(_G, {__index = function() error('x') end}) return 1", S, 1, ""},
    {"error(setmetatable({}, {__tostring = function() while true do end end}))", E, 0, "no text"},
    {"return setmetatable({}, {__index = {points = 1}})", K, 0, ""},
    {"table.concat(setmetatable({}, {__len = function() return 1 << 40 end}), '')", E, 0, "too many"},
    {"table.unpack({}, 1, 1e7)", E, 0, "more than"},
    {"table.unpack({}, math.mininteger, math.maxinteger)", E, 0, "more than"},
    {"table.insert(setmetatable({}, {__len = function() return 1 << 40 end}), 1, 1)", E, 0, "instructions"},
    {"table.sort(setmetatable({}, {__len = function() return 1 << 40 end}))", E, 0, ""},
    {"table.move({}, 1, 1 << 40, 2)", E, 0, "instructions"},
};

static const row without_end[] = {
    {"while true do end", E, 0, "instructions"},
    {"local function f() return f() end f()", E, 0, "instructions"},
    {"local function f() local a, b, c, d, e, g, h, i, j, k = 1 f() end f()", E, 0, "memory"},
    {"while true do pcall(function() while true do end end) end", E, 0, "instructions"},
    {"local function f() while true do pcall(f) end end f()", E, 0, "instructions"},
    {"setmetatable({}, {__index = function(t, k) while true do end end})[1] = pcall(function() end) while true do pcall(function() local x <close> = setmetatable({}, {__close = function() while true do end end}) end) end", E, 0, "instructions"},
    {"local t = {} for i = 1, 1e9 do t[i] = i end", E, 0, "instructions"},
    {"local s = 'x' for i = 1, 1e9 do s = s .. s end", E, 0, "instructions"}, /* a text is paid when it is made */
    {"local s = ('x'):rep(1000000) return #(s..s..s..s..s..s..s..s..s..s..s..s..s..s..s..s..s)", E, 0, "memory"},
    {"local s = ('x'):rep(1000000) while true do pcall(function() s = s..s..s..s..s..s..s..s..s..s..s..s..s..s..s..s..s end) end", E, 0, "memory"},
    {"local t, s = {}, c.text:rep(100) while true do t[s .. #t] = 1 end", E, 0, "instructions"},
    {"for i = 1, 1e9 do local x = ('a'):rep(1000000) end", E, 0, "instructions"},
    {"return #('x'):rep(1e10 // 1 | 0)", E, 0, "times"},
    {"return #('x'):rep(1000000):rep(1000)", E, 0, "memory"},
    {"local x = ('a'):rep(1000000) while true do x = x:reverse() end", E, 0, "instructions"},
    {"local x = ('a b '):rep(100000) while true do x:split() end", E, 0, ""},
    {"while true do re.search('(a|aa)+$', ('a'):rep(40) .. '!') end", E, 0, "instructions"},
    {"re.search('(x+x+)+[yz]', ('x'):rep(60000))", E, 0, "instructions"},
    {"re.findall('(a+)+$', ('a'):rep(3000) .. 'b')", E, 0, "instructions"},
    {"for i = 1, 1e9 do re.search('x' .. i, 'x') end", E, 0, "more than 64 patterns"},
    {"re.sub('x', function() while true do end end, 'x')", E, 0, "instructions"},
    {"local t = {} for i = 1, 1e5 do t['k' .. i] = i end while true do for k in pairs(t) do end end", E, 0, "instructions"},
    {"local t = {} for i = 1, 1e5 do t[i] = -i end while true do table.sort(t, function(a, b) return true end) end", E, 0, "instructions"},
    {"local a = {} for i = 1, 1000 do a[i] = i end local function f(...) while true do select(500, ...) end end f(table.unpack(a))", E, 0, "instructions"},
    {"local s = ('x'):rep(100000) while true do string.format('%q%s', s, s) end", E, 0, "instructions"},
    {"local s = ('1'):rep(100000) while true do tonumber(s) end", E, 0, "instructions"},
    {"return setmetatable({}, {__index = function(t, k) return t[k + 1] end})[1]", E, 0, "overflow"},
};

START_TEST(it_gets_the_sample) { CHECK_ROWS(what_it_gets); }
END_TEST
START_TEST(it_gives_points) { CHECK_ROWS(what_it_gives); }
END_TEST
START_TEST(it_has_a_library) { CHECK_ROWS(the_library); }
END_TEST
START_TEST(there_is_no_way_out) { CHECK_ROWS(escapes); }
END_TEST

/* Counted work is bounded work: however it is spent, with the default limits it is a twentieth of a second. */
START_TEST(nothing_is_without_end)
{
    CHECK_ROWS(without_end);
    tear_down(); /* so that its workers are in our account */
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    double s = (double)used.ru_utime.tv_sec + 1e-6 * (double)used.ru_utime.tv_usec;
    int n = (int)(sizeof without_end / sizeof *without_end);
    printf("%d runs that have no end: %.3f s of CPU each\n", n, s / n);
    set_up();
}
END_TEST

START_TEST(explanations_reach_the_part)
{
    file f = open_file("    view: final\n", "function score(c) return {points = 0.5, reason = 'half', found = 'f', expected = 'e', span = {1, 8}, passed = true} end");
    const rz_sample s = {.completion = TEXT, .completion_len = strlen(TEXT), .n_tokens = -1};
    rz_score score;
    rz_rules_score(f.worker, &s, &score);
    ck_assert(score.correct && score.score == 0.5);
    ck_assert_str_eq(score.parts[0].found, "f");
    ck_assert_str_eq(score.parts[0].expected, "e");
    ck_assert_uint_eq(score.parts[0].span.start, 20); /* of the completion, though the rule counts in its view */
    ck_assert_uint_eq(score.parts[0].span.end, 28);
    close_file(&f);
}
END_TEST

START_TEST(params_are_as_written)
{
    file f = open_file("    params: {n: 3, x: 0.5, yes: true, none: null, text: \"3\", word: abc, list: [1, [2]], map: {k: -1e3}}\n",
                       "function score(c) local p = c.params return p.n == 3 and math.type(p.n) == 'integer' and p.x == 0.5 and p.yes == true and p.none == nil\n"
                       "and p.text == '3' and p.word == 'abc' and p.list[2][1] == 2 and p.map.k == -1000 end");
    ck_assert_msg(judge(&f, "", NULL, NULL)->points == 1, "%s", judge(&f, "", NULL, NULL)->reason);
    close_file(&f);
}
END_TEST

/* Whatever a sample does to the world, the next finds it as the first did. */
START_TEST(no_sample_sees_another)
{
    static const char code[] = "count = 0\nlocal kept = {}\nfunction score(c)\n"
                               "  count = count + 1\n  kept[#kept + 1] = c.text\n  local seen = (string.seen or 0) + (c.params.seen or 0) + (math.seen or 0) + (getmetatable('').seen or 0)\n"
                               "  string.seen, math.seen, c.params.seen, getmetatable('').seen, re.seen = 1, 1, 1, 1, 1\n"
                               "  table.sort = nil pairs = nil tostring = nil _G.count = count\n"
                               "  if c.text == 'break' then score = nil error('x') elseif c.text == 'loop' then while true do end end\n"
                               "  return count + #kept * 10 + seen * 100\nend";
    static const char *const texts[] = {"a", "break", "a", "loop", "b", "a"};
    file f = open_file("", code);
    for (int i = 0; i < 6; i++) {
        const rz_part *p = judge(&f, texts[i], NULL, NULL);
        if (strlen(texts[i]) > 1) ck_assert_int_eq(p->state, RZ_PART_ERROR);
        else ck_assert_msg(p->state == RZ_PART_SCORED && p->points == 11, "sample %d: %g %s", i, p->points, p->reason);
    }
    close_file(&f);
}
END_TEST

/* The limit is hit at the same place whatever came before: a pattern that is compiled already costs as much as a new one. */
START_TEST(work_is_counted_alike)
{
    static const char code[] = "function score(c)\n  local n = 0\n  while true do\n    n = n + 1\n"
                               "    if n == tonumber(c.text) then return n end\n    re.search('a' .. n % 60, 'b') local t = {} for k in pairs({x = n, y = n}) do t[k] = n .. '' end\n  end\nend";
    file f = open_file("", code), g = open_file("", code);
    int lo = 1, hi = 1 << 20;
    while (lo < hi - 1) { /* the last n that can be reached */
        char text[16];
        int mid = (lo + hi) / 2;
        snprintf(text, sizeof text, "%d", mid);
        *(judge(&f, text, NULL, NULL)->state == RZ_PART_SCORED ? &lo : &hi) = mid;
    }
    ck_assert_int_gt(lo, 100);
    for (int i = 0; i < 20; i++) {
        file *which = i % 2 ? &g : &f;
        char text[16];
        snprintf(text, sizeof text, "%d", lo + i % 2);
        if (i == 10) close_file(&g), g = open_file("", code);
        ck_assert_msg(judge(which, text, NULL, NULL)->state == (i % 2 ? RZ_PART_ERROR : RZ_PART_SCORED), "%d at %d", i, lo);
    }
    close_file(&f);
    close_file(&g);
}
END_TEST

START_TEST(limits_are_the_rules_own)
{
    file few = open_file("    instructions: 10000\n", "function score(c) for i = 1, 20000 do end return 1 end");
    file many = open_file("    instructions: 100000\n    memory_mb: 64\n", "function score(c) for i = 1, 20000 do end return #('x'):rep(16000000) > 0 end");
    ck_assert_int_eq(judge(&few, "", NULL, NULL)->state, RZ_PART_ERROR);
    ck_assert_int_eq(judge(&many, "", NULL, NULL)->state, RZ_PART_ERROR); /* 16 MB cost more than 100,000 instructions */
    close_file(&many);
    many = open_file("    instructions: 20000000\n    memory_mb: 64\n", "function score(c) return #('x'):rep(16000000) > 0 end");
    ck_assert_int_eq(judge(&many, "", NULL, NULL)->state, RZ_PART_SCORED);
    close_file(&few);
    close_file(&many);
}
END_TEST

START_TEST(the_clock_is_the_last_resort)
{
    /* comparing long texts is what one instruction can spend time with */
    file f = open_file("    instructions: 2000000000\n    deadline_ms: 300\n", "function score(c) if c.text == 'fast' then return 1 end while true do end end");
    const rz_part *p = judge(&f, "slow", NULL, NULL);
    ck_assert_msg(p->state == RZ_PART_ERROR && p->nondeterministic && !p->crashed && strstr(p->reason, "deadline_ms"), "%s", p->reason);
    p = judge(&f, "fast", NULL, NULL);
    ck_assert(p->state == RZ_PART_SCORED && !p->nondeterministic);
    close_file(&f);
}
END_TEST

START_TEST(samples_of_any_form)
{
    file f = open_file("", "function score(c) return #c.completion + (c.answer and 1000 or 0) + (c.n_tokens and 1 or 0) end");
    const rz_part *p = judge(&f, "", NULL, NULL);
    ck_assert(p->points == 1);
    char *big = rz_malloc((2 << 20) + 1);
    memset(big, 'x', 2 << 20);
    big[2 << 20] = 0;
    ck_assert_msg(judge(&f, big, NULL, NULL)->state == RZ_PART_ERROR, "2 MiB");
    big[1 << 20] = 0;
    ck_assert_msg(judge(&f, big, NULL, NULL)->state == RZ_PART_ERROR, "its length is no score"); /* over a million */
    free(big);
    const rz_sample bytes = {.completion = "a\0b\xff", .completion_len = 4, .n_tokens = -1, .meta = "[1]"}, plain = {.completion = "a\0b\xff", .completion_len = 4, .n_tokens = -1};
    rz_score score;
    rz_rules_score(f.worker, &bytes, &score);
    ck_assert_msg(score.parts[0].state == RZ_PART_ERROR && strstr(score.parts[0].reason, "meta"), "%s", score.parts[0].reason);
    rz_rules_score(f.worker, &plain, &score);
    ck_assert(score.parts[0].points == 6); /* the bad byte became three */
    close_file(&f);
}
END_TEST

static const struct { const char *keys, *code, *says; } refused[] = {
    {"", "function score(c) return 1", "case.yaml:8: 'end' expected"},
    {"", "x = = 1", "case.yaml:7: unexpected symbol"},
    {"", "function other() end", "no function score"},
    {"", "score = 1", "no function score"},
    {"", "while true do end", "instructions"},
    {"", "local s = 'x' while true do s = s .. s end", "instructions"},
    {"", "local s = ('x'):rep(1000000) s = s..s..s..s..s..s..s..s..s..s..s..s..s..s..s..s..s", "memory"},
    {"", "error('not today')", "case.yaml:7: not today"},
    {"", "os.exit(1)", "attempt to index a nil value (global 'os')"},
    {"    instructions: 10\n", "function score(c) end", "instructions is 10"},
    {"    memory_mb: 0\n", "function score(c) end", "memory_mb is 0"},
    {"    file: x.lua\n", "function score(c) end", "either lua"},
    {"    params: 3\n", "function score(c) end", "params is one value"},
    {"    instruction: 3\n", "function score(c) end", "did you mean 'instructions'"},
};

START_TEST(bad_code_is_refused)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        file f;
        ck_assert_msg(!try_open(&f, refused[i].keys, refused[i].code), "%s", refused[i].code);
        ck_assert_int_eq(err.code, RZ_ECONFIG);
        ck_assert_msg(strstr(err.text, refused[i].says), "%s\n%s", refused[i].code, err.text);
        close_file(&f);
    }
    file f = {0};
    rz_helper *h = helper;
    helper = NULL;
    ck_assert(!try_open(&f, "", "function score(c) end"));
    ck_assert_msg(strstr(err.text, "rule 'r' is a program (lua)"), "%s", err.text);
    close_file(&f);
    helper = h;
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lua");
    TCase *t = tcase_create("rules in Lua");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 240);
    tcase_add_test(t, it_gets_the_sample);
    tcase_add_test(t, it_gives_points);
    tcase_add_test(t, it_has_a_library);
    tcase_add_test(t, there_is_no_way_out);
    tcase_add_test(t, nothing_is_without_end);
    tcase_add_test(t, explanations_reach_the_part);
    tcase_add_test(t, params_are_as_written);
    tcase_add_test(t, no_sample_sees_another);
    tcase_add_test(t, work_is_counted_alike);
    tcase_add_test(t, limits_are_the_rules_own);
    tcase_add_test(t, the_clock_is_the_last_resort);
    tcase_add_test(t, samples_of_any_form);
    tcase_add_test(t, bad_code_is_refused);
    suite_add_tcase(s, t);
    return run_suite(s);
}
