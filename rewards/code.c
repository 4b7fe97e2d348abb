/* Rules that run what the model wrote, in the worker: a program taken from the completion, a sandbox (sandbox.h), tests out of the problem's meta. A test is an input
 * and the whole output that it must give, or a call whose printed result must be that; what is expected never enters the sandbox. */
#include "rewards/code.h"
#include "base/file.h"
#include "rewards/child.h"
#include "rewards/custom.h"
#include "rewards/internal.h"
#include "rewards/sandbox.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const rz_code_compares[RZ_N_CODE_COMPARES] = {"lines", "tokens", "exact"};

enum { MAX_PROGRAM = 256 << 10, MAX_TESTS = 256 };

typedef struct {
    rz_sandbox *sandbox;
    const char *fence, *tests, *call; /* of the setup */
    pick_which pick;
    rz_code_compare compare;
    bool all; /* every test must pass; else the points are the share that does */
    int max_tests;
    int wall_ms;
} code;

static int number(const json_t *setup, const char *key) { return (int)json_integer_value(json_object_get(setup, key)); }
static const char *text(const json_t *setup, const char *key) { return json_string_value(json_object_get(setup, key)); }

static void *open_rule(const json_t *setup, rz_err *err)
{
    code *c = rz_calloc(1, sizeof *c);
    rz_child_die_together(rz_sandbox_tidy);
    const json_t *command = json_object_get(setup, "command");
    size_t n = json_array_size(command);
    const char **words = rz_calloc(n + 1, sizeof *words); /* the texts are the setup's */
    for (size_t i = 0; i < n; i++) words[i] = json_string_value(json_array_get(command, i));
    *c = (code){.fence = text(setup, "fence"), .tests = text(setup, "tests"), .call = text(setup, "call"), .pick = (pick_which)number(setup, "pick"),
                .compare = (rz_code_compare)number(setup, "compare"), .all = json_is_true(json_object_get(setup, "all")), .max_tests = number(setup, "max_tests"),
                .wall_ms = number(setup, "wall_ms")};
    const rz_sandbox_plan plan = {(rz_sandbox_level)number(setup, "level"), words, text(setup, "file"),
                                  {number(setup, "cpu_s"), number(setup, "memory_mb"), 16, 64}, c->wall_ms, (size_t)number(setup, "output_kb") << 10};
    return rz_sandbox_open(&c->sandbox, &plan, err) ? c : NULL;
}

/* ---- the program in a completion ---- */

static const char *line_end(const char *p, const char *end)
{
    const char *nl = memchr(p, '\n', (size_t)(end - p));
    return nl ? nl : end;
}

/* ``` at the beginning of a line (up to three blanks before it), with a language if one is asked for. */
static bool fence_at(const char *p, const char *stop, rz_slice *language)
{
    int blanks = 0;
    while (p < stop && *p == ' ' && blanks < 3) p++, blanks++;
    if (stop - p < 3 || memcmp(p, "```", 3) != 0) return false;
    *language = rz_trim((rz_slice){p + 3, (size_t)(stop - p - 3)});
    return true;
}

bool rz_code_find(rz_slice t, const char *fence, pick_which pick, rz_span *out, int *n_found)
{
    const char *end = t.s + t.len, *start = NULL;
    bool wanted = false;
    *n_found = 0;
    for (const char *p = t.s; p < end;) {
        const char *stop = line_end(p, end), *next = stop < end ? stop + 1 : end;
        rz_slice language;
        if (fence_at(p, stop, &language)) {
            if (!start) { /* opens */
                start = next;
                wanted = !*fence || (language.len == strlen(fence) && memcmp(language.s, fence, language.len) == 0);
            } else if (!language.len) { /* closes */
                if (wanted && !(pick == PICK_FIRST && *n_found)) *out = (rz_span){(size_t)(start - t.s), (size_t)(p - t.s)};
                *n_found += wanted;
                start = NULL;
            }
        }
        p = next;
    }
    return *n_found == 1 || (*n_found > 1 && pick != PICK_ONLY);
}

/* ---- comparing ---- */

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static rz_slice without_end(rz_slice t, bool newlines)
{
    while (t.len && (blank(t.s[t.len - 1]) || (newlines && t.s[t.len - 1] == '\n'))) t.len--;
    return t;
}

static rz_slice next_line(rz_slice *t)
{
    const char *nl = memchr(t->s, '\n', t->len);
    rz_slice line = {t->s, nl ? (size_t)(nl - t->s) : t->len};
    size_t used = line.len + (nl != NULL);
    t->s += used, t->len -= used;
    return without_end(line, false);
}

static rz_slice next_token(rz_slice *t)
{
    while (t->len && rz_is_space(*t->s)) t->s++, t->len--;
    rz_slice token = {t->s, 0};
    while (t->len && !rz_is_space(*t->s)) t->s++, t->len--, token.len++;
    return token;
}

static bool same(rz_slice a, rz_slice b) { return a.len == b.len && memcmp(a.s, b.s, a.len) == 0; }

bool rz_code_same(rz_slice a, rz_slice b, rz_code_compare how)
{
    if (how == RZ_CODE_EXACT) return same(a, b);
    if (how == RZ_CODE_LINES) a = without_end(a, true), b = without_end(b, true);
    for (;;) {
        bool tokens = how == RZ_CODE_TOKENS;
        rz_slice x = tokens ? next_token(&a) : next_line(&a), y = tokens ? next_token(&b) : next_line(&b);
        if (!same(x, y)) return false;
        if (tokens ? !x.len : !a.len && !b.len) return true;
        if (!tokens && (!a.len || !b.len)) return false; /* one has more lines */
    }
}

/* ---- tests ---- */

typedef struct { rz_slice input, output, call; } test;

static rz_slice text_of(const json_t *v) { return (rz_slice){json_string_value(v), json_string_length(v)}; }

/* The tests of the problem, or the sentence that says what is wrong with them. */
static json_t *read_tests(const code *c, const rz_custom_sample *s, char *why, size_t size)
{
    json_t *meta = s->meta.s ? json_loadb(s->meta.s, s->meta.len, JSON_ALLOW_NUL, NULL) : NULL, *list = json_incref(json_object_get(meta, c->tests)), *each;
    size_t i;
    json_decref(meta);
    why[0] = 0;
    if (!json_array_size(list)) snprintf(why, size, "the problem's meta has no list '%s' of tests", c->tests);
    if (json_array_size(list) > MAX_TESTS) snprintf(why, size, "the problem has %zu tests, at most %d", json_array_size(list), MAX_TESTS);
    json_array_foreach(list, i, each) {
        const json_t *in = json_object_get(each, "input"), *call = json_object_get(each, "call");
        if (!json_is_string(json_object_get(each, "output")) || (in && !json_is_string(in)) || (call && !json_is_string(call)) || (!in && !call))
            snprintf(why, size, "test %zu of '%s' must have texts: output, and input or call", i + 1, c->tests);
        else if (call && (!*c->call || strlen(json_string_value(call)) != json_string_length(call)))
            snprintf(why, size, "test %zu of '%s' has a call, but the rule has no `call:` that says how to print one", i + 1, c->tests);
    }
    if (!*why) return list;
    json_decref(list);
    return NULL;
}

/* The program, and behind it what prints the result of the call. Caller frees. */
static char *with_call(const code *c, rz_slice program, rz_slice call, size_t *len)
{
    const char *slot = strstr(c->call, "{call}");
    size_t head = (size_t)(slot - c->call), tail = strlen(slot + 6);
    char *all = rz_malloc(program.len + head + call.len + tail + 3), *at = all;
    memcpy(at, program.s, program.len), at += program.len;
    *at++ = '\n';
    memcpy(at, c->call, head), at += head;
    memcpy(at, call.s, call.len), at += call.len;
    memcpy(at, slot + 6, tail), at += tail;
    *at++ = '\n';
    *len = (size_t)(at - all);
    return all;
}

typedef enum { PASSED, MISSED, KILLED, BROKEN } verdict;

static verdict run_test(code *c, rz_slice program, const test *t, int i, rz_custom_verdict *v)
{
    rz_run run;
    rz_err err;
    size_t len = program.len;
    char *all = t->call.s ? with_call(c, program, t->call, &len) : NULL;
    bool ok = rz_sandbox_run(c->sandbox, all ? (rz_slice){all, len} : program, t->input, &run, &err);
    free(all);
    if (!ok) {
        rz_custom_end(v, RZ_PART_ERROR, "%.400s", err.text);
        v->nondeterministic = true; /* it is the machine's trouble */
        return BROKEN;
    }
    rz_show(v->found, sizeof v->found, run.output, run.n_output);
    rz_show(v->expected, sizeof v->expected, t->output.s, t->output.len);
    if (run.end == RZ_RUN_ENDED && rz_code_same((rz_slice){run.output, run.n_output}, t->output, c->compare)) return PASSED;
    if (run.end == RZ_RUN_CPU)
        rz_custom_end(v, RZ_PART_SCORED, "test %d: it used up its processor time (cpu_s)", i);
    else if (run.end == RZ_RUN_TIME)
        rz_custom_end(v, RZ_PART_SCORED, "test %d: it was killed by the clock (wall_ms)", i);
    else if (run.end == RZ_RUN_OUTPUT)
        rz_custom_end(v, RZ_PART_SCORED, "test %d: it wrote too much and was killed", i);
    else if (run.end == RZ_RUN_FAILED)
        rz_custom_end(v, RZ_PART_SCORED, "test %d: it ended with status %d%s%.200s", i, run.status, run.complaint[0] ? ": " : "", run.complaint);
    else
        rz_custom_end(v, RZ_PART_SCORED, "test %d: its output differs (compared as %s)", i, rz_code_compares[c->compare]);
    return run.end == RZ_RUN_TIME ? KILLED : MISSED;
}

static void run_tests(code *c, rz_slice program, const json_t *list, double until, rz_custom_verdict *v)
{
    int n = (int)json_array_size(list), passed = 0, run = 0;
    rz_custom_verdict first = *v; /* of the first that did not pass */
    if (n > c->max_tests) n = c->max_tests;
    for (; run < n && !(c->all && passed < run); run++) {
        const json_t *each = json_array_get(list, (size_t)run);
        const test t = {text_of(json_object_get(each, "input")), text_of(json_object_get(each, "output")), text_of(json_object_get(each, "call"))};
        rz_custom_verdict now = *v;
        verdict got;
        if (rz_now_s() + c->wall_ms / 1000.0 > until) {
            rz_custom_end(&now, RZ_PART_ERROR, "the rule's deadline_ms ends before test %d could", run + 1);
            now.nondeterministic = true;
            *v = now;
            return;
        }
        got = run_test(c, program, &t, run + 1, &now);
        if (got == BROKEN) {
            *v = now;
            return;
        }
        first.nondeterministic |= got == KILLED;
        if (got != PASSED && run == passed) {
            bool was = first.nondeterministic;
            first = now;
            first.nondeterministic = was;
        }
        passed += got == PASSED;
    }
    *v = first;
    v->passed = passed == n;
    v->by_name = c->all || passed == n;
    v->points = (double)passed / n; /* unless by name */
    if (v->passed) rz_custom_end(v, RZ_PART_SCORED, "all %d tests passed", n);
    else {
        char why[REASON];
        snprintf(why, sizeof why, "%s", v->reason);
        rz_custom_end(v, RZ_PART_SCORED, "%d of %d tests passed; %.380s", passed, run, why);
    }
}

static void score(void *self, const rz_custom_sample *s, rz_custom_verdict *v)
{
    code *c = self;
    double until = rz_now_s() + rz_worker_time_s();
    rz_slice seen = {s->completion.s + s->view.start, s->view.end - s->view.start}, program;
    char why[REASON];
    int n_found;
    json_t *tests = read_tests(c, s, why, sizeof why);
    v->by_name = true, v->passed = 0;
    if (!tests) {
        rz_custom_end(v, RZ_PART_ERROR, "%s", why);
        v->gold_problem = true;
        return;
    }
    if (!rz_code_find(seen, c->fence, c->pick, &v->span, &n_found)) {
        v->span = NO_SPAN;
        if (n_found) rz_custom_end(v, RZ_PART_SCORED, "no program: %d ```%s blocks, must be one (pick: only)", n_found, c->fence);
        else rz_custom_end(v, RZ_PART_SCORED, "no program: no ```%s block that is closed", c->fence);
    } else {
        program = (rz_slice){seen.s + v->span.start, v->span.end - v->span.start};
        v->span = (rz_span){v->span.start + s->view.start, v->span.end + s->view.start};
        if (program.len > MAX_PROGRAM) rz_custom_end(v, RZ_PART_SCORED, "the program has %zu bytes: over %d none is run", program.len, MAX_PROGRAM);
        else run_tests(c, program, tests, until, v);
    }
    json_decref(tests);
}

const rz_language rz_language_code = {"code", open_rule, score};
