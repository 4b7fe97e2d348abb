#include "rewards/attack.h"
#include "rewards/catalog.h"
#include "rewards/example.h"
#include "rewards/lint.h"
#include "rewards/parity.h"
#include "rewards/shape.h"
#include "tests/suite.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char rule_text[] = "version: 1\nrules:\n  format: {tags: [think, answer], weight: 0.1}\n"
                                "  correct: {requires: [format], extract: {tag: answer}, compare: int}\naccuracy: correct\nformat: format\n";

static rz_rules *rules_of(const char *text)
{
    rz_rules *r;
    rz_err err;
    ck_assert_msg(rz_rules_parse(&r, "x.yaml", text, strlen(text), &err), "%s", err.text);
    return r;
}

/* ---- examples ---- */

START_TEST(examples_are_read)
{
    static const char line[] = "{\"completion\": [\"a\", {\"hex\": \"00fF\"}, {\"repeat\": \"xy\", \"times\": 3}], \"answer\": 12.5, \"meta\": {\"k\": [1]}, \"completion_ids\": [4, 5],"
                               " \"group\": 7, \"name\": \"n\", \"truncated\": true, \"other\": 1}";
    rz_example e;
    rz_err err;
    ck_assert_msg(rz_example_read(&e, line, sizeof line - 1, &err), "%s", err.text);
    ck_assert_int_eq((int)e.sample.completion_len, 9);
    ck_assert(memcmp(e.sample.completion, "a\0\xffxyxyxy", 9) == 0);
    ck_assert_str_eq(e.sample.answer, "12.5");
    ck_assert_str_eq(e.sample.meta, "{\"k\":[1]}");
    ck_assert(e.sample.n_tokens == 2 && e.sample.ids[1] == 5 && e.sample.truncated && !strcmp(e.name, "n") && e.group && !e.expect);
    rz_example_finish(&e);
}
END_TEST

START_TEST(what_is_no_example_is_refused)
{
    static const struct { const char *line, *words; } rows[] = {
        {"[]", "not a JSON object"}, {"{\"completion\": 1}", "is no text"}, {"{}", "is missing"}, {"{\"completion\": [{\"hex\": \"0\"}]}", "a piece"},
        {"{\"completion\": [{\"hex\": \"zz\"}]}", "a piece"}, {"{\"completion\": [{\"repeat\": \"abcdefgh\", \"times\": 100000000}]}", "64 MiB"},
        {"{\"completion\": [{\"repeat\": \"a\"}]}", "a piece"}, {"{\"completion\": \"\", \"answer\": []}", "\"answer\""}, {"{\"completion\": \"\", \"meta\": 3}", "\"meta\""},
        {"{\"completion\": \"\", \"completion_ids\": {}}", "\"completion_ids\""}, {"{\"completion\": \"\", \"group\": {}}", "\"group\""}, {"{\"completion\": \"\", ", "not a JSON object"},
    };
    rz_err err;
    rz_example e;
    ck_assert_msg(!rz_example_read(&e, rows[_i].line, strlen(rows[_i].line), &err), "%s was taken", rows[_i].line);
    ck_assert_msg(err.code == RZ_EDATA && strstr(err.text, rows[_i].words), "%s: %s", rows[_i].line, err.text);
    rz_example_finish(&e);
}
END_TEST

/* What is expected of a completion that earns 0.1 (format ok, answer 41 for 42), and what is said of it. */
START_TEST(expectations_are_held_against_scores)
{
    static const struct { const char *expect, *said; } rows[] = {
        {"{\"score\": 0.1, \"correct\": false, \"format_ok\": true, \"errors\": 0}", NULL},
        {"{\"parts\": {\"format\": 1, \"correct\": {\"state\": \"scored\", \"points\": 0, \"found\": \"41\", \"expected\": \"42\", \"reason\": \"differs\", \"span\": [25, 27]}}}", NULL},
        {"{\"score\": 0.1000001}", "score is 0.1, expected 0.1000001"}, {"{\"score\": 0.1000001, \"tolerance\": 0.001}", NULL},
        {"{\"parts\": {\"format\": {\"points\": 1.01, \"tolerance\": 0.1}}}", NULL}, {"{\"correct\": true}", "correct is false"}, {"{\"format_ok\": false}", "format_ok is true"},
        {"{\"errors\": 1}", "errors is 0"}, {"{\"parts\": {\"format\": 0}}", "rule 'format': points is 1, expected 0"},
        {"{\"parts\": {\"correct\": {\"state\": \"skipped\"}}}", "state is \"scored\""}, {"{\"parts\": {\"correct\": {\"found\": \"4\"}}}", "found is \"41\""},
        {"{\"parts\": {\"correct\": {\"reason\": \"no answer\"}}}", "reason is \"differs"}, {"{\"parts\": {\"correct\": {\"span\": [25, 26]}}}", "span is [25, 27]"},
        {"{\"score\": 1, \"correct\": true}", "score is 0.1, expected 1\ncorrect is"},
        {"{\"scores\": 1}", "?unknown key 'scores'"}, {"{\"parts\": {\"formats\": 1}}", "?no rule 'formats'"}, {"{\"parts\": {\"format\": {\"point\": 1}}}", "?unknown key 'point'"},
        {"{\"tolerance\": -1}", "?tolerance"}, {"{\"score\": \"1\"}", "?must be a number"}, {"[]", "?no \"expect\""}, {"{\"correct\": 1}", "?true or false"},
        {"{\"parts\": [1]}", "?must be an object"},
    };
    rz_rules *r = rules_of(rule_text);
    rz_rules_worker *w;
    rz_err err;
    ck_assert(rz_rules_worker_create(&w, r, NULL, &err));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char line[512], *said;
        rz_example e;
        rz_score s;
        int n = snprintf(line, sizeof line, "{\"completion\": \"<think>a</think> <answer>41</answer>\", \"answer\": \"42\", \"expect\": %s}", rows[i].expect);
        ck_assert_msg(rz_example_read(&e, line, (size_t)n, &err), "%s", err.text);
        rz_examples_score(w, &e, 1, &s);
        bool ok = rz_example_check(&e, r, &s, &said, &err), malformed = rows[i].said && rows[i].said[0] == '?';
        ck_assert_msg(ok == !malformed, "%s: %s", rows[i].expect, ok ? "was taken" : err.text);
        if (malformed)
            ck_assert_msg(err.code == RZ_EDATA && strstr(err.text, rows[i].said + 1), "%s: %s", rows[i].expect, err.text);
        else
            ck_assert_msg(rows[i].said ? said && strstr(said, rows[i].said) : !said, "%s: %s", rows[i].expect, said ? said : "nothing");
        free(said);
        rz_example_finish(&e);
    }
    rz_rules_worker_destroy(w);
    rz_rules_destroy(r);
}
END_TEST

/* ---- the catalog ---- */

START_TEST(every_entry_has_words_and_an_example_that_loads)
{
    enum { MOST = 1024 };
    static rz_entry all[MOST];
    rz_entry e;
    int n = 0, sorts[RZ_ENTRY_SORTS] = {0};
    for (; rz_catalog_at(n, &e); n++) {
        rz_rules *r;
        rz_err err = {0};
        char *text = rz_catalog_example(&e);
        ck_assert_msg(e.sort == RZ_ENTRY_NORMALISER || (e.about && *e.about), "%s says nothing", e.name);
        for (int k = 0; k < n; k++)
            ck_assert_msg(all[k].sort != e.sort || strcmp(all[k].name, e.name), "%s is there twice", e.name);
        ck_assert_int_lt(n, MOST);
        all[n] = e;
        bool loads = rz_rules_parse(&r, e.name, text, strlen(text), &err);
        if (!strcmp(e.name, "plugin"))
            ck_assert(!loads && strstr(err.text, "which does not exist")); /* it is to be built first */
        else if (!loads && strcmp(e.name, "preset")) /* parameters that have no good default are asked for by name */
            ck_assert_msg(strstr(err.text, "rule 'reward': ") && e.params, "%s\n%s", err.text, text);
        rz_rules_destroy(r);
        free(text);
        sorts[e.sort]++;
    }
    ck_assert_msg(sorts[RZ_ENTRY_KIND] >= 8 && sorts[RZ_ENTRY_COMPARER] >= 5 && sorts[RZ_ENTRY_NORMALISER] >= 6, "%d entries", n);
    ck_assert(!rz_catalog_at(n, &e) && !rz_catalog_at(n + 100, &e));
}
END_TEST

/* ---- parity ---- */

static bool judge(rz_parity *p, const char *text, rz_parity_verdict *v, rz_err *err)
{
    json_error_t e;
    json_t *c = json_loads(text, 0, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    bool ok = rz_parity_judge(p, c, v, err);
    json_decref(v->ours);
    json_decref(c);
    return ok;
}

START_TEST(parity_refuses_what_is_no_case_and_never_agrees_without_a_preset)
{
    rz_parity *p;
    rz_err err;
    rz_parity_verdict v;
    ck_assert(rz_parity_create(&p, &err));
    ck_assert(!judge(p, "{\"function\": \"f\", \"expected\": 1}", &v, &err) && err.code == RZ_EDATA);
    ck_assert(!judge(p, "{\"system\": \"s\", \"function\": \"f\"}", &v, &err));
    ck_assert(!judge(p, "{\"system\": \"s\", \"function\": \"f\", \"expected\": [], \"completions\": []}", &v, &err));
    ck_assert(judge(p, "{\"system\": \"s\", \"function\": \"f\", \"completion\": \"\", \"expected\": null}", &v, &err) && !v.agreed && !v.preset[0]);
    ck_assert(judge(p, "{\"system\": \"reasoning-gym\", \"function\": \"no_such_task.score_answer\", \"completion\": \"\", \"expected\": 0}", &v, &err) && !v.agreed);
    ck_assert_str_eq(v.preset, "reasoning-gym/no_such_task");
    rz_parity_destroy(p);
    rz_parity_destroy(NULL);
}
END_TEST

/* ---- attacks ---- */

static bool found(const rz_hacks *h, const char *name)
{
    for (int i = 0; i < h->n; i++)
        if (!strcmp(h->v[i].hack, name)) return true;
    return false;
}

static void attack_row(const char *line, size_t len, int number)
{
    rz_examples one = {rz_calloc(1, sizeof *one.v), 1};
    rz_rules *r;
    rz_rules_worker *w;
    rz_hacks h;
    rz_err err;
    size_t i;
    const json_t *name;
    ck_assert_msg(rz_example_read(one.v, line, len, &err), "%d: %s", number, err.text);
    const char *text = json_string_value(json_object_get(one.v->line, "rules"));
    bool ok = strchr(text, '\n') ? rz_rules_parse(&r, "row.yaml", text, strlen(text), &err) : rz_rules_load(&r, text, &err);
    ck_assert_msg(ok && rz_rules_worker_create(&w, r, NULL, &err), "%d: %s", number, err.text);
    ck_assert_msg(rz_attack(&h, r, w, &one, &err), "%d %s: %s", number, text, err.text);
    json_array_foreach(json_object_get(one.v->line, "finds"), i, name)
        ck_assert_msg(found(&h, json_string_value(name)), "%d %s: the hole '%s' was not found", number, text, json_string_value(name));
    for (int k = 0; k < h.n; k++) {
        ck_assert_msg(h.v[k].verdict == RZ_HACK_LOST || !json_is_true(json_object_get(one.v->line, "clean")), "%d %s: '%s' works: %s\n%s", number, text, h.v[k].hack,
                      h.v[k].text, h.v[k].explained);
        ck_assert_msg(!strncmp(h.v[k].explained, "score ", 6), "%s", h.v[k].explained);
    }
    ck_assert_msg(h.n_good == 1 && h.n_tried > 10, "%d %s: %d texts", number, text, h.n_tried);
    rz_attack_finish(&h);
    rz_rules_worker_destroy(w);
    rz_rules_destroy(r);
    rz_examples_finish(&one);
}

/* Rows of attack.jsonl: what is known of other systems' rewards is found, and nothing on the rules we ship. */
START_TEST(attacks_find_the_known_holes_and_no_others)
{
    FILE *f = fopen("tests/golden/rules/attack.jsonl", "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int n = 0;
    ck_assert_msg(f != NULL, "run from the root of the repository");
    while ((len = getline(&line, &room, f)) > 0) attack_row(line, (size_t)len, ++n);
    ck_assert_int_ge(n, 20);
    free(line);
    fclose(f);
}
END_TEST

START_TEST(an_attack_needs_something_right)
{
    rz_rules *r = rules_of(rule_text), *penalty = rules_of("version: 1\nrules: {r: {constant: 1}}\n");
    rz_rules_worker *w, *v;
    rz_examples one = {rz_calloc(1, sizeof *one.v), 1};
    rz_hacks h;
    rz_err err;
    const char *name, *why;
    int n = 0;
    ck_assert(rz_rules_worker_create(&w, r, NULL, &err) && rz_rules_worker_create(&v, penalty, NULL, &err));
    ck_assert(rz_example_read(one.v, "{\"completion\": \"x\", \"answer\": \"1\"}", 34, &err));
    ck_assert(!rz_attack(&h, r, w, &one, &err) && err.code == RZ_EDATA && strstr(err.text, "is right by these rules"));
    ck_assert(!rz_attack(&h, penalty, v, &one, &err) && strstr(err.text, "passes or fails"));
    for (; rz_attack_at(n, &name, &why); n++) ck_assert(*name && *why);
    ck_assert_int_ge(n, 50);
    rz_rules_worker_destroy(w);
    rz_rules_worker_destroy(v);
    rz_rules_destroy(r);
    rz_rules_destroy(penalty);
    rz_examples_finish(&one);
}
END_TEST

/* ---- the shapes of patterns ---- */

/* What is sampled from a pattern is matched by it; so the shape says what the pattern says. */
START_TEST(samples_match_their_pattern)
{
    static const struct { const char *pattern; unsigned flags; } rows[] = {
        {"abc", 0}, {"a+b*c?", 0}, {"(a|bc|)+d", 0}, {"[a-f0-9]{3,5}x", 0}, {"[^<\\n]+</a>", 0}, {"\\A<think>\\n(?<t>\\S.{20,}?)\\n</think>\\s*\\z", RZ_PATTERN_DOTALL},
        {"(?i:HeLLo) \\d+\\.\\d{2}", 0}, {"(?P<a>x)(?:y|z)(?>w+)", 0}, {"\\x41\\x{42}\\t\\[\\]", 0}, {"[[:alpha:]]+[[:digit:]]", 0}, {"[\\w.-]+@[\\w-]+\\.com", 0},
        {"\\Qa.b*\\E+", 0}, {"(?#comment)a(?s).b", 0}, {"(?:a{2}){3}", 0}, {"a{,3}b", 0}, {"(?x) a b # c\n d", 0}, {"\\p{L}+\\h\\v", 0}, {"[]a]+[^]a]", 0}, {"[a\\-z]", 0}, {"\u00e9+", 0},
        {"Step \\d+:|^\\d+\\.|First,", RZ_PATTERN_MULTILINE}, {"\\\\boxed\\{([^{}]*)\\}", 0}, {"((((a))))", 0}, {"[\\x30-\\x39]+", 0}, {"a|b|c", RZ_PATTERN_CASELESS}, {"(a)\\K(b)", 0},
    };
    const char *pattern = rows[_i].pattern;
    rz_arena arena;
    rz_pattern *p;
    rz_matcher *m;
    rz_err err;
    char text[9000];
    ck_assert(rz_arena_init(&arena, 1 << 24, &err) && rz_matcher_create(&m, &err));
    ck_assert_msg(rz_pattern_create(&p, pattern, rows[_i].flags | RZ_PATTERN_ANCHORED, 0, &err), "%s", err.text);
    const shape *s = rz_shape_read(&arena, pattern, rows[_i].flags);
    for (int fill = 0; fill < 25; fill += 6)
        for (int alternative = 0; alternative < 4; alternative++) {
            shape_text out = {.s = text, .room = sizeof text - 1, .work = 100000};
            rz_span span;
            rz_shape_sample(s, fill, alternative, NULL, &out);
            rz_match_result got = rz_pattern_match(p, m, text, out.n, 0, &span, 1);
            ck_assert_msg(got == RZ_MATCH && span.end == out.n, "'%s' does not match its sample '%.*s'", pattern, (int)out.n, text);
        }
    rz_pattern_destroy(p);
    rz_matcher_destroy(m);
    rz_arena_finish(&arena);
}
END_TEST

/* Any valid pattern is read to its end, however odd: what it holds beyond our model has no length. */
START_TEST(any_pattern_has_a_shape)
{
    static const char *const patterns[] = {"(?=a)(?!b)(?<=c)(?<!d)x", "(a)\\1\\g{1}\\k<n>(?<n>b)", "(?R)?a", "(*UTF)a", "(?(1)a|b)", "a(?|(b)|(c))", "[", "(", ")", "\\", "a{", "a{2", "a{99999}",
                                           "*", "(?", "(?<", "(?P", "[[:", "[a-", "\\x{", "\\p{", "\\k{", "\\Q", "(?#", "\\g-1", "(?i", "((((((((((", "a**", "|||", "[^]", "\\c"};
    rz_arena arena;
    rz_err err;
    char text[9000];
    ck_assert(rz_arena_init(&arena, 1 << 24, &err));
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        for (size_t n = 0; n <= strlen(patterns[i]); n++) { /* and everything it begins with */
            char *pattern = rz_strndup(patterns[i], n);
            shape_text out = {.s = text, .room = sizeof text - 1, .work = 1000};
            rz_shape_sample(rz_shape_read(&arena, pattern, 0), 2, 1, NULL, &out);
            free(pattern);
        }
    rz_arena_finish(&arena);
}
END_TEST

/* ---- lint ---- */

/* A rule file, the checks that must be among what is found, parted by commas; a leading ! for one that must not be. */
static const struct { const char *rules, *checks; } lints[] = {
    {"r: {match: '(a|aa)+b'}", "catastrophic"}, {"r: {match: '(a+)+b'}", "catastrophic"}, {"r: {match: '(\\w+\\s*)+:', anywhere: true}", "catastrophic"},
    {"r: {match: '([a-z]+)*!', anywhere: true}", "catastrophic"}, {"r: {match: '(.*a){9}b', flags: s}", "catastrophic"},
    {"r: {extract: {regex: '((?:x+x+)+)y'}, compare: string}", "catastrophic"}, {"r: {count: '(?:\\d+,?)+;', each: 1}", "catastrophic"},
    {"r: {match: '(a|b)+c'}", "!catastrophic"}, {"r: {match: '<a>[^<]*</a>'}", "!catastrophic,!slow,!anything,!empty text"}, {"r: {match: '(?>a+)+b'}", "!catastrophic"},
    {"r: {match: 'a++b'}", "!catastrophic"}, {"r: {match: '(?:a{1,10}){1,10}b'}", "!never"},
    {"r: {match: '.*', flags: s}", "anything,!empty text"}, {"r: {match: 'a*'}", "empty text,!anything"}, {"r: {match: 'a+'}", "!empty text,!anything"},
    {"r: {match: 'a$b'}", "never"}, {"r: {match: 'a\\Ab', anywhere: true}", "never"}, {"r: {match: 'a$\\n'}", "!never"}, {"r: {match: 'a|b$c'}", "!never"},
    {"g: {match: 'a\\zb'}\n  r: {requires: [g], match: 'x'}", "never,dead gate"},
    {"r: {match: 'q=[0-9]', anywhere: true}", "unanchored"}, {"r: {match: '^q=[0-9]$', anywhere: true, flags: m}", "unanchored"}, {"r: {match: '\\Aq=[0-9]\\z', anywhere: true}", "!unanchored"},
    {"r: {match: 'q=[0-9]'}", "!unanchored"}, {"r: {match: '(?P<n>q)x'}", "python,unused group"}, {"r: {match: 'ab\\Z'}", "python"}, {"r: {match: '(?<n>q)\\k<n>'}", "!unused group,!python"},
    {"m: {match: '(?<n>[0-9]+);'}\n  r: {extract: {from: m, group: n}, compare: int}", "!unused group"},
    {"m: {match: '(?<n>[0-9]+);(?<o>x)'}\n  r: {extract: {from: m, group: n}, compare: int}", "unused group"},
    {"z: {match: 'xx', weight: 0}\n  r: {tags: [answer]}", "dead rule"}, {"z: {match: 'xx', score: {pass: 1, fail: 1}}\n  r: {tags: [answer]}", "dead rule"},
    {"z: {tags: [answer], weight: 0}\n  r: {requires: [z], extract: {tag: answer}, compare: int}", "!dead rule"},
    {"f: {tags: [think, answer], weight: 1}\n  r: {extract: {tag: answer}, compare: int}", "wrong pays"},
    {"f: {tags: [think, answer], weight: 1}\n  r: {requires: [f], extract: {tag: answer}, compare: int}", "!wrong pays"},
    {"f: {tags: [think, answer]}\n  r: {extract: {tag: answer}, compare: int}\ncombine: {expression: 'f and r ? 1 : 0'}", "!wrong pays"},
    {"c: {count: 'x', each: 0.1, max: 10}\n  r: {extract: {tag: answer}, compare: int}", "wrong pays"},
    {"c: {count: 'x', each: 0.1, max: 3}\n  r: {extract: {tag: answer}, compare: int}", "!wrong pays"},
    {"r: {preset: open-r1/format}", "known holes,empty think,loose form"}, {"r: {preset: verl/gsm8k}", "known holes,thinking is searched"},
    {"r: {extract: {tag: answer, pick: first}, compare: int}", "first match"}, {"r: {extract: {from: last_number}, compare: decimal}", "substring,thinking is searched"},
    {"r: {extract: {regex: '([0-9]+)', pick: last}, compare: int}", "substring,hack"},
    {"f: {tags: [think, answer], weight: 0.1}\n  r: {requires: [f], extract: {tag: answer}, compare: int}",
     "!first match,!substring,!thinking is searched,!hack,!empty think,!loose form,!wrong pays,!bad gold pays"},
};

static void lint_of(const char *text, rz_lint *l)
{
    rz_rules *r = rules_of(text);
    rz_rules_worker *w;
    rz_err err;
    ck_assert(rz_rules_worker_create(&w, r, NULL, &err));
    ck_assert_msg(rz_lint_run(l, r, w, "x.yaml", &err), "%s", err.text);
    rz_rules_worker_destroy(w);
    rz_rules_destroy(r);
}

START_TEST(hazards_are_found_and_no_others)
{
    char *text = rz_asprintf("version: 1\nrules:\n  %s\n", lints[_i].rules), *checks = rz_strdup(lints[_i].checks), *state;
    rz_lint l;
    lint_of(text, &l);
    for (char *name = strtok_r(checks, ",", &state); name; name = strtok_r(NULL, ",", &state)) {
        bool found = false, wanted = *name != '!';
        for (int i = 0; i < l.n; i++) found = found || !strcmp(l.v[i].check, name + !wanted);
        ck_assert_msg(found == wanted, "%s: '%s' was %sfound", lints[_i].rules, name + !wanted, found ? "" : "not ");
    }
    for (int i = 0; i < l.n; i++) {
        ck_assert_msg(l.v[i].at.line >= 3 && l.v[i].at.column >= 1 && *l.v[i].hazard && *l.v[i].remedy, "%s: %s", lints[_i].rules, l.v[i].check);
        ck_assert_msg(l.v[i].level == RZ_LINT_WARNING || l.v[i].input || !strcmp(l.v[i].check, "never") || !strcmp(l.v[i].check, "dead gate") || !strcmp(l.v[i].check, "wrong pays"),
                      "%s: %s is told without an input that shows it", lints[_i].rules, l.v[i].check);
    }
    rz_lint_finish(&l);
    free(text);
    free(checks);
}
END_TEST

START_TEST(views_of_no_use_are_told_and_the_table_is_whole)
{
    rz_lint l;
    rz_lint_level level;
    const char *name, *about, *remedy;
    int n = 0;
    lint_of("version: 1\nviews: {a: {after: x}, b: {after: y}}\nrules:\n  r: {tags: [answer], view: a}\n", &l);
    for (int i = 0; i < l.n; i++)
        if (!strcmp(l.v[i].check, "unused view")) ck_assert_msg(strstr(l.v[i].hazard, "'b'") && l.v[i].at.line == 2 && ++n == 1, "%s", l.v[i].hazard);
    ck_assert_int_eq(n, 1);
    rz_lint_finish(&l);
    for (n = 0; rz_lint_check_at(n, &name, &level, &about, &remedy); n++) ck_assert(*name && *about && *remedy);
    ck_assert_int_eq(n, 20);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("rules_tools");
    TCase *c = tcase_create("tools");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, examples_are_read);
    tcase_add_loop_test(c, what_is_no_example_is_refused, 0, 12);
    tcase_add_test(c, expectations_are_held_against_scores);
    tcase_add_test(c, every_entry_has_words_and_an_example_that_loads);
    tcase_add_test(c, parity_refuses_what_is_no_case_and_never_agrees_without_a_preset);
    tcase_add_test(c, attacks_find_the_known_holes_and_no_others);
    tcase_add_test(c, an_attack_needs_something_right);
    tcase_add_loop_test(c, samples_match_their_pattern, 0, 26);
    tcase_add_test(c, any_pattern_has_a_shape);
    tcase_add_loop_test(c, hazards_are_found_and_no_others, 0, sizeof lints / sizeof *lints);
    tcase_add_test(c, views_of_no_use_are_told_and_the_table_is_whole);
    suite_add_tcase(s, c);
    return s;
}

int main(void) { return run_suite(suite()); }
