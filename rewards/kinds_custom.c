/* Rule kinds that are programs: lua, plugin, program. They run in a helper process (worker.h); here is what the rule file says of them, and the asking. */
#include "base/file.h"
#include "base/text.h"
#include "rewards/code.h"
#include "rewards/custom.h"
#include "rewards/internal.h"
#include "rewards/sandbox.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LUA_INSTRUCTIONS = 800000 }; /* of all Lua rules together that do not say how many they may take */
enum { MAX_CODE = 256 << 10, MAX_DEPTH = 16, MAX_WORDS = 64, MAX_PROGRAMS = 32, MAX_DEADLINE_MS = 3600000 };

/* ---- params: any YAML as JSON. Written without quotes, true, false, null and numbers are what they look like. ---- */

static json_t *json_of_scalar(const rz_yaml *y)
{
    static const struct { const char *text; json_t *(*make)(void); } words[] = {{"true", json_true}, {"false", json_false}, {"null", json_null}};
    for (size_t i = 0; !y->quoted && i < sizeof words / sizeof *words; i++)
        if (strcmp(y->text, words[i].text) == 0) return words[i].make();
    bool number = !y->quoted && *y->text && !y->text[strspn(y->text, "0123456789+-.eE")];
    json_t *j = number ? json_loads(y->text[0] == '+' ? y->text + 1 : y->text, JSON_DECODE_ANY, NULL) : NULL;
    return j ? j : json_string(y->text);
}

static json_t *json_of(const rz_yaml *y, int depth)
{
    if (depth > MAX_DEPTH) return NULL;
    if (y->kind == RZ_YAML_SCALAR) return json_of_scalar(y);
    json_t *all = y->kind == RZ_YAML_MAP ? json_object() : json_array();
    for (int i = 0; all && i < y->n; i++) {
        json_t *item = json_of(y->items[i], depth + 1);
        int bad = !item || (y->kind == RZ_YAML_MAP ? json_object_set_new(all, y->keys[i], item) : json_array_append_new(all, item));
        if (bad) json_decref(all), all = NULL;
    }
    return all;
}

static bool load_params(const schema *s, rule *u, const rz_yaml *y)
{
    const rz_yaml *p = rz_yaml_get(y, "params");
    if (p && !rz_schema_is(s, p, "params", RZ_YAML_MAP)) return false;
    json_t *params = p ? json_of(p, 0) : json_object();
    if (!params) return rz_schema_bad(s, p->at, "params: a value that is no JSON, or more than %d levels", MAX_DEPTH);
    return json_object_set_new(u->setup, "params", params) == 0;
}

/* ---- files beside the rule file ---- */

static char *folder_of(const schema *s)
{
    const char *slash = strrchr(s->document->name, '/');
    return slash ? rz_strndup(s->document->name, slash == s->document->name ? 1 : (size_t)(slash - s->document->name)) : rz_strdup(".");
}

/* Absolute, so that it means the same wherever it is opened; NULL when there is no such file or folder (a device has no end). */
static char *beside(const schema *s, const char *name)
{
    char *folder = folder_of(s), *path = name[0] == '/' ? rz_strdup(name) : rz_asprintf("%s/%s", folder, name), *full = realpath(path, NULL);
    struct stat st;
    free(path);
    free(folder);
    if (full && !stat(full, &st) && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) return full;
    free(full);
    return NULL;
}

static bool is_file(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* The rules' text, which is kept with a run and compared on resume, also says what is in the files that they name. */
static bool record_file(const schema *s, rz_rules *r, const rz_yaml *y, const char *name, const char *path)
{
    char hash[33];
    if (!rz_hash_file(path, hash, s->err)) return rz_schema_bad_there(s, y->at);
    char *longer = rz_asprintf("%s%s# %s: xxh3 %s\n", r->text, r->text[0] && r->text[strlen(r->text) - 1] == '\n' ? "" : "\n", name, hash);
    r->text = rz_arena_strndup(&r->arena, longer, strlen(longer));
    free(longer);
    return true;
}

/* ---- loading ---- */

static bool load_limits(const schema *s, rule *u, const rz_yaml *y, int memory_mb)
{
    u->memory_mib = memory_mb;
    u->deadline_ms = 10000;
    return rz_schema_int(s, y, "memory_mb", 1, 1 << 20, &u->memory_mib) && rz_schema_int(s, y, "deadline_ms", 10, MAX_DEADLINE_MS, &u->deadline_ms);
}

/* What every language is told; the rest is put in by its own loader. */
static bool begin_setup(const schema *s, const rz_rules *r, rule *u, const rz_yaml *y, int memory_mb)
{
    int programs = 0;
    for (int i = 0; i < r->n; i++) programs += r->rules[i].setup != NULL;
    if (programs == MAX_PROGRAMS) return rz_schema_bad(s, y->at, "more than %d rules are programs: each has a process of its own", MAX_PROGRAMS);
    json_t *views = json_array();
    for (int i = 0; i < r->n_views; i++) json_array_append_new(views, json_string(r->views[i].name));
    u->setup = json_pack("{s:s,s:o}", "rule", u->name, "views", views);
    return load_limits(s, u, y, memory_mb) && load_params(s, u, y) && json_object_set_new(u->setup, "memory_mb", json_integer(u->memory_mib)) == 0;
}

/* Lines are counted as in the file where the code stands: the text of a block begins on the line behind its key. */
static char *code_of_block(const rz_yaml *y, const char *text)
{
    int above = y->quoted && strchr(text, '\n') ? y->at.line : y->at.line - 1;
    char *all = rz_malloc((size_t)above + strlen(text) + 1);
    memset(all, '\n', (size_t)above);
    strcpy(all + above, text);
    return all;
}

static bool read_code(const schema *s, rz_rules *r, const rz_yaml *y, const char *file, char **code)
{
    size_t len;
    char *path = beside(s, file);
    bool ok = (path && is_file(path)) || rz_schema_bad(s, rz_yaml_get(y, "file")->at, "file is '%.200s', which is not beside the rule file", file);
    if (ok && !rz_file_read(path, MAX_CODE, code, &len, s->err)) ok = rz_schema_bad_there(s, rz_yaml_get(y, "file")->at);
    if (ok && strlen(*code) < len) {
        free(*code);
        ok = rz_schema_bad(s, y->at, "%.200s holds NUL bytes: it must be Lua source", file);
    }
    ok = ok && record_file(s, r, y, file, path);
    free(path);
    return ok;
}

static bool load_lua(const schema *s, rz_rules *r, rule *u, const rz_yaml *y)
{
    const char *text = NULL, *file = NULL;
    char *code = NULL;
    int instructions = LUA_INSTRUCTIONS;
    if (!begin_setup(s, r, u, y, 16) || !rz_schema_text(s, y, "lua", &text) || !rz_schema_text(s, y, "file", &file) ||
        !rz_schema_int(s, y, "instructions", 1000, 2000000000, &instructions))
        return false;
    if (!text == !file) return rz_schema_bad(s, y->at, "give either lua (the code, below `lua: |`) or file (a .lua file beside the rule file)");
    if (text && strlen(text) > MAX_CODE) return rz_schema_bad(s, y->at, "lua has %zu bytes, at most %d", strlen(text), MAX_CODE);
    if (text) code = code_of_block(rz_yaml_get(y, "lua"), text);
    else if (!read_code(s, r, y, file, &code)) return false;
    char *chunk = rz_asprintf("@%s", file ? file : s->document->name);
    json_t *more = json_pack("{s:s,s:s,s:i,s:b}", "code", code, "chunk", chunk, "instructions", instructions, "shares", !rz_yaml_get(y, "instructions"));
    bool ok = more && json_object_update(u->setup, more) == 0;
    json_decref(more);
    free(chunk);
    free(code);
    return ok || rz_schema_bad(s, y->at, "the Lua code is no UTF-8");
}

static bool shares(const rule *u) { return u->kind == &rz_kind_lua && json_is_true(json_object_get(u->setup, "shares")); }

void rz_custom_share(rz_rules *r)
{
    int n = 0;
    for (int i = 0; i < r->n; i++) n += shares(&r->rules[i]);
    for (int i = 0; i < r->n; i++)
        if (shares(&r->rules[i])) json_object_set_new(r->rules[i].setup, "instructions", json_integer(LUA_INSTRUCTIONS / n));
}

static bool load_plugin(const schema *s, rz_rules *r, rule *u, const rz_yaml *y)
{
    const char *name = NULL;
    if (!begin_setup(s, r, u, y, 1024) || !rz_schema_text(s, y, "plugin", &name)) return false;
    if (!name) return rz_schema_bad(s, y->at, "plugin is missing: give the path of a shared object, as in plugin: ./my_reward.so");
    char *path = beside(s, name);
    bool ok = (path && is_file(path)) || rz_schema_bad(s, rz_yaml_get(y, "plugin")->at, "plugin is '%.200s', which does not exist (paths are seen from the rule file)", name);
    ok = ok && record_file(s, r, y, name, path) && json_object_set_new(u->setup, "path", json_string(path)) == 0;
    free(path);
    return ok;
}

static bool load_program(const schema *s, rz_rules *r, rule *u, const rz_yaml *y)
{
    const rz_yaml *list = rz_yaml_get(y, "program");
    if (!begin_setup(s, r, u, y, 8192)) return false;
    if (!list) return rz_schema_bad(s, y->at, "program is missing: give a command, as in program: [python3, my_reward.py]");
    if (!rz_schema_is(s, list, "program", RZ_YAML_LIST)) return false;
    if (list->n < 1 || list->n > MAX_WORDS) return rz_schema_bad(s, list->at, "program has %d words, must have 1..%d", list->n, MAX_WORDS);
    json_t *command = json_array();
    bool ok = true;
    for (int i = 0; ok && i < list->n; i++) {
        const rz_yaml *word = list->items[i];
        ok = word->kind == RZ_YAML_SCALAR || rz_schema_is(s, word, "program", RZ_YAML_SCALAR);
        char *path = ok && (i == 0 ? strchr(word->text, '/') != NULL : word->text[0] != '-') ? beside(s, word->text) : NULL;
        if (path && strcmp(word->text, ".") != 0 && is_file(path)) ok = record_file(s, r, word, word->text, path);
        ok = ok && json_array_append_new(command, json_string(word->text)) == 0;
        free(path);
    }
    char *folder = beside(s, ".");
    json_object_set_new(u->setup, "command", command);
    json_object_set_new(u->setup, "folder", folder ? json_string(folder) : json_null());
    free(folder);
    return ok;
}

/* ---- code_tests ---- */

/* Words and numbers of the sandbox, with the defaults for Python. */
static bool load_command(const schema *s, rule *u, const rz_yaml *y)
{
    /* not -I: it would not see PYTHONHASHSEED=0, and the order of a set would differ from run to run */
    static const char *const python[] = {"python3", "-s", "{file}"};
    const rz_yaml *list = rz_yaml_get(y, "command");
    json_t *command = json_array();
    bool has_file = !list;
    json_object_set_new(u->setup, "command", command);
    for (size_t i = 0; !list && i < 3; i++) json_array_append_new(command, json_string(python[i]));
    if (!list) return true;
    if (!rz_schema_is(s, list, "command", RZ_YAML_LIST)) return false;
    if (list->n < 1 || list->n > 16) return rz_schema_bad(s, list->at, "command has %d words, must have 1..16", list->n);
    for (int i = 0; i < list->n; i++) {
        if (!rz_schema_is(s, list->items[i], "command", RZ_YAML_SCALAR)) return false;
        has_file |= strcmp(list->items[i]->text, "{file}") == 0;
        json_array_append_new(command, json_string(list->items[i]->text));
    }
    return has_file || rz_schema_bad(s, list->at, "command never says {file}, the place of the model's program, as in [python3, -s, \"{file}\"]");
}

/* A program that loops in every test must be scored 0 everywhere; the clock, which ends a run, must not get there first: four times all processor time, and a last test. */
static int time_for_tests(const json_t *setup)
{
    static const char *const keys[] = {"max_tests", "cpu_s", "wall_ms"};
    long long v[3];
    for (int i = 0; i < 3; i++) v[i] = json_integer_value(json_object_get(setup, keys[i]));
    long long ms = v[0] * (v[1] + 1) * 4000 + v[2];
    return ms < MAX_DEADLINE_MS ? (int)ms : MAX_DEADLINE_MS;
}

static bool load_code(const schema *s, rz_rules *r, rule *u, const rz_yaml *y)
{
    static const char *const scores[] = {"all", "share"};
    static const struct { const char *key; int lo, hi, value; } numbers[] = {
        {"cpu_s", 1, 600, 5}, {"wall_ms", 100, 600000, 60000}, {"memory_mb", 16, 1 << 16, 512}, {"output_kb", 1, 1 << 14, 256}, {"max_tests", 1, 256, 32}};
    const char *fence = "python", *file = "main.py", *tests = "tests", *call = "print({call})";
    int pick = PICK_LAST, compare = RZ_CODE_LINES, level = RZ_SANDBOX_NAMESPACES, share = 0;
    if (!begin_setup(s, r, u, y, 512) || !load_command(s, u, y) || !rz_schema_text(s, y, "code_tests", &tests) || !rz_schema_text(s, y, "fence", &fence) ||
        !rz_schema_text(s, y, "file", &file) || !rz_schema_text(s, y, "call", &call) || !rz_schema_choice(s, y, "pick", rz_pick_names, 3, &pick) ||
        !rz_schema_choice(s, y, "output", rz_code_compares, RZ_N_CODE_COMPARES, &compare) ||
        !rz_schema_choice(s, y, "sandbox", rz_sandbox_levels, RZ_N_SANDBOX_LEVELS, &level) || !rz_schema_choice(s, y, "points", scores, 2, &share))
        return false;
    if (strchr(file, '/') || file[0] == '.') return rz_schema_bad(s, y->at, "file is '%.60s', must be a plain name, as main.py", file);
    if (!strstr(call, "{call}")) return rz_schema_bad(s, y->at, "call is '%.60s', must say {call}, as in print({call})", call);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int v = numbers[i].value;
        if (!rz_schema_int(s, y, numbers[i].key, numbers[i].lo, numbers[i].hi, &v)) return false;
        json_object_set_new(u->setup, numbers[i].key, json_integer(v));
    }
    if (!rz_yaml_get(y, "deadline_ms")) u->deadline_ms = time_for_tests(u->setup);
    u->needs_data = true;
    json_t *more = json_pack("{s:s,s:s,s:s,s:s,s:i,s:i,s:i,s:b}", "fence", strcmp(fence, "any") == 0 ? "" : fence, "file", file, "tests", tests, "call", call, "pick", pick,
                             "compare", compare, "level", level, "all", !share);
    bool ok = more && json_object_update(u->setup, more) == 0;
    json_decref(more);
    return ok || rz_schema_bad(s, y->at, "a text of the rule is no UTF-8");
}

/* ---- the rank's side of a run ---- */

static const struct { const rule_kind *kind; const char *language; bool trusted; const char *about; } languages[] = {
    {&rz_kind_lua, "lua", false, ""},
    {&rz_kind_plugin, "plugin", true, "a C plugin, which runs with all your rights"},
    {&rz_kind_program, "program", true, "a program, which runs with all your rights"},
    {&rz_kind_code, "code", false, ""},
};

bool rz_custom_start(rz_worker **out, rz_helper *h, const rule *u, rz_err *err)
{
    size_t i = 0;
    *out = NULL;
    while (i < sizeof languages / sizeof *languages && languages[i].kind != u->kind) i++;
    if (i == sizeof languages / sizeof *languages) return true;
    const char *name = languages[i].language;
    if (!h) return rz_fail(err, RZ_ECONFIG, "rule '%s' is a program (%s), which this command cannot run: it starts no process for rules", u->name, name);
    if (languages[i].trusted && !rz_helper_allows(h, name))
        return rz_fail(err, RZ_ECONFIG, "rule '%s' is %s: allow it with rules_allow=%s (a config key; --rules-allow %s elsewhere)", u->name, languages[i].about, name, name);
    char *setup = json_dumps(u->setup, JSON_COMPACT);
    int own = u->kind == &rz_kind_lua ? u->memory_mib + 512 : u->kind == &rz_kind_plugin ? u->memory_mib : 0; /* a program has its limit itself */
    bool ok = rz_worker_start(out, h, name, (rz_slice){setup, strlen(setup)}, own, u->deadline_ms, err) || rz_err_note(err, "rule '%s' (%s)", u->name, name);
    free(setup);
    return ok;
}

static void score_custom(evaluation *e, const rule *u, rz_span where, outcome *o)
{
    const rz_sample *s = e->sample;
    rz_custom_verdict v;
    const rz_custom_sample sample = {
        .completion = {e->text, e->len}, .prompt = {s->prompt, s->prompt ? strlen(s->prompt) : 0}, .answer = {s->answer, s->answer ? strlen(s->answer) : 0},
        .meta = {s->meta, s->meta ? strlen(s->meta) : 0}, .view = where, .n_tokens = s->n_tokens, .truncated = s->truncated, .n_views = e->rules->n_views, .views = e->views};
    rz_custom_ask(e->tasks[u - e->rules->rules], &sample, &v);
    double points = v.by_name ? (v.passed ? u->pass : u->fail) : v.points;
    if (v.state == RZ_PART_ERROR) {
        rz_outcome_error(o, "%s", v.reason[0] ? v.reason : "it gives no reason");
        o->crashed = v.crashed;
        o->gold_problem = v.gold_problem;
    } else if (v.state == RZ_PART_SKIPPED) {
        rz_outcome_skipped(o, "%s", v.reason[0] ? v.reason : "the rule abstains");
    } else if (!(points >= -MAX_POINTS && points <= MAX_POINTS)) {
        rz_outcome_error(o, "it gave %g points: must lie within a million", points);
    } else {
        bool passed = v.passed >= 0 ? v.passed : points >= u->pass;
        rz_outcome_scored(o, passed, points, "%s", v.reason[0] ? v.reason : passed ? "passed" : "did not pass");
    }
    o->nondeterministic = v.nondeterministic;
    o->span = v.span;
    rz_show(o->found, sizeof o->found, v.found, strlen(v.found));
    rz_show(o->expected, sizeof o->expected, v.expected, strlen(v.expected));
}

static const char *const lua_keys[] = {"lua", "file", "params", "instructions", "memory_mb", "deadline_ms", NULL};
static const char *const plugin_keys[] = {"plugin", "params", "memory_mb", "deadline_ms", NULL};
static const char *const code_keys[] = {"code_tests", "command", "file", "fence", "pick", "call", "output", "points", "sandbox", "cpu_s", "wall_ms", "memory_mb", "output_kb",
                                        "max_tests", "deadline_ms", NULL};
static const char *const program_keys[] = {"program", "params", "memory_mb", "deadline_ms", NULL};
const rule_kind rz_kind_lua = {"lua", lua_keys, true, true, false, load_lua, score_custom, "a function in Lua, in a sandbox whose work is counted",
                               "reward: {lua: 'function score(c) return c.text == c.answer end', score: {pass: 1, fail: 0}, instructions: 2000000, memory_mb: 16}"};
const rule_kind rz_kind_plugin = {"plugin", plugin_keys, true, true, false, load_plugin, score_custom, "a function in C, out of a shared object of yours (rules_allow=plugin)",
                                  "reward: {plugin: ./my_reward.so, params: {}, memory_mb: 1024, deadline_ms: 10000}"};
const rule_kind rz_kind_program = {"program", program_keys, true, true, false, load_program, score_custom, "any program that reads JSON Lines and writes them (rules_allow=program)",
                                   "reward: {program: [python3, my_reward.py], params: {}, memory_mb: 8192, deadline_ms: 10000}"};
const rule_kind rz_kind_code = {"code_tests", code_keys, true, true, false, load_code, score_custom, "runs the program that the model wrote against the tests of the problem, in a sandbox",
                                "reward: {code_tests: tests, command: [python3, -s, '{file}'], fence: python, sandbox: namespaces, cpu_s: 5, memory_mb: 512}"};
