/* jinja: chat templates and small templates against Jinja2 itself (golden/jinja/make.py), what must be refused, bounds, and which bytes are data.
 * test_jinja FILE… compares with files of `make.py --many` instead. */
#include "data/jinja.h"
#include "base/file.h"
#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/golden/jinja/"
static rz_err err;
static rz_arena arena;

static void setup(void) { ck_assert(rz_arena_init(&arena, (size_t)1 << 30, &err)); }
static void teardown(void) { rz_arena_finish(&arena); }

static char *read_text(const char *path, size_t *len)
{
    char *text;
    ck_assert_msg(rz_file_read(path, 1 << 20, &text, len, &err), "%s", err.text);
    return text;
}

static bool render(const char *name, const char *source, size_t len, const rz_jinja_input *in, rz_jinja_output *out)
{
    rz_jinja *t;
    memset(&err, 0, sizeof err);
    if (!rz_jinja_compile(&t, name, source, len, &err)) return false;
    bool ok = rz_jinja_render(t, in, &arena, out, &err);
    rz_jinja_destroy(t);
    return ok;
}

/* true: as Jinja has it. */
static bool agrees(const json_t *c, json_t *variables, char *why, size_t size)
{
    const char *template = json_string_value(json_object_get(c, "template")), *wanted = json_string_value(json_object_get(c, "text"));
    json_t *source = json_object_get(c, "source");
    rz_jinja_input in = {.variables = variables, .date = json_string_value(json_object_get(c, "date"))};
    rz_jinja_output out;
    char path[200], *text;
    size_t len = json_string_length(source);
    snprintf(path, sizeof path, FOLDER "%s", template ? template : "");
    text = template ? read_text(path, &len) : strndup(json_string_value(source), len);
    bool ok = render(template ? template : "t", text, len, &in, &out);
    free(text);
    if (ok ? wanted && !strcmp(out.text, wanted) : !wanted && err.code == RZ_EDATA) return true;
    snprintf(why, size, "%s\nours: %s\nJinja: %s", template ? template : json_string_value(source), ok ? out.text : err.text, wanted ? wanted : "(refused)");
    return false;
}

static int compare_file(const char *path, int most_failures)
{
    rz_lines *lines;
    char *line, why[4000];
    size_t len;
    int n = 0, failures = 0;
    char *shared = read_text(FOLDER "variables.json", &len);
    json_t *variables = json_loadb(shared, len, 0, NULL);
    free(shared);
    ck_assert_msg(rz_lines_open(&lines, path, 1 << 20, &err), "%s", err.text);
    while (rz_lines_next(lines, &line, &len, &err)) {
        json_t *c = json_loadb(line, len, JSON_DECODE_ANY, NULL), *own = json_object_get(c, "variables");
        size_t mark = arena.used;
        if (!agrees(c, json_is_object(own) ? own : variables, why, sizeof why)) {
            if (failures++ < most_failures) fprintf(stderr, "%s: case %d: %s\n\n", path, n + 1, why);
        }
        rz_arena_release(&arena, mark);
        json_decref(c);
        n++;
    }
    rz_lines_close(lines);
    json_decref(variables);
    ck_assert_msg(failures == 0, "%s: %d of %d cases differ", path, failures, n);
    return n;
}

START_TEST(chats_agree_with_jinja) { ck_assert_int_gt(compare_file(FOLDER "chats.jsonl", 3), 200); }
END_TEST
START_TEST(small_templates_agree_with_jinja) { ck_assert_int_gt(compare_file(FOLDER "expressions.jsonl", 3), 500); }
END_TEST

/* source, what the message must say. */
static const struct { const char *source, *says; } refused[] = {
    {"{{ x | xmlattr }}", "t:1:8: the filter 'xmlattr' is not supported"},
    {"a\nb {{ x is prime }}", "t:2:11: the test 'prime' is not supported"},
    {"\n\n  {% include 'x' %}", "t:3:6: the statement 'include' is not supported"},
    {"{% call m() %}{% endcall %}", "t:1:4: the statement 'call' is not supported"},
    {"{% for x in l recursive %}{% endfor %}", "a recursive loop is not supported"},
    {"{% if x %}\n{% for y in z %}\n{% endfor %}", "endif"},
    {"{% if x %}{% endfor %}", "unexpected {% 'endfor' %}"},
    {"{{ x", "\"}}\" is missing"}, {"{# x", "a comment has no end"}, {"{% raw %}", "a raw block has no end"}, {"{{ 'x }}", "a string has no end"},
    {"{{ x.format(1) }}", "undefined"}, {"{{ 'x'.format(1) }}", "the method 'format' of a string is not supported"},
    {"{{ [].append(1) }}", "the method 'append' of a list is not supported"}, {"{{ {}.update(1) }}", "the method 'update' of a dictionary is not supported"},
    {"{{ ''.__class__.__mro__ }}", "'__class__' is undefined"}, {"{{ lipsum() }}", "'lipsum' is undefined, or a function that is not supported"},
    {"{{ raise_exception('no ' ~ 1) }}", "t:1:19: the template refuses: no 1"}, {"{{ strftime_now('%Y') }}", "prompt_date"},
    {"{{ m(*l) }}", "arguments with * are not supported"}, {"{{ 'a'|upper(1) }}", "the filter 'upper' takes 0 arguments at most"},
    {"{{ 'a'|trim(foo=1) }}", "the argument 'foo' of the filter 'trim' is not supported"}, {"{{ '\u00e4'|upper }}", "beyond ASCII"},
    {"{{ '%s' % 1 }}", "formatting"}, {"{{ 1 // 0 }}", "division by zero"}, {"{{ 1 + 'a' }}", "a whole number and a string cannot be combined by +"},
    {"{{ 9223372036854775807 }}", "too large"}, {"{{ 900000000000000000 * 100 }}", "too large"}, {"{{ x.y.z }}", "'y' is undefined"}, {"{{ 0x10 }}", "followed by a letter"},
    {"{% break %}", "'break' stands outside a loop"}, {"{% set a, b = 1 %}", "cannot be iterated over"}, {"{% set a.b = 1 %}", "only a namespace"},
    {"{{ '\\0' }}", "holds a NUL"}, {"{{ \x01 }}", "unexpected byte 0x01"}, {"{{ a ? b }}", "unexpected character '?'"}, {"{{ if }}", "expected an expression, found 'if'"},
    {"{{ \xc3\xa4 }}", "names with characters beyond ASCII"}, {"\xff", "is not UTF-8"}, {"{% macro m(a, a=1, b) %}{% endmacro %}", "without a default"},
    {"{{ namespace(__x=1).y }}{% set ns = namespace() %}{% set ns.__x = 1 %}", "begins with _"},
};

static bool render_alone(const char *source, size_t len)
{
    json_t *variables = json_pack("{s:[i,i], s:{}}", "l", 1, 2, "x");
    rz_jinja_output out;
    bool ok = render("t", source, len, &(rz_jinja_input){.variables = variables}, &out);
    json_decref(variables);
    return ok;
}

START_TEST(names_what_it_refuses)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ck_assert_msg(!render_alone(refused[i].source, strlen(refused[i].source)), "accepted: %s", refused[i].source);
        ck_assert_int_eq(err.code, RZ_EDATA);
        ck_assert_msg(strstr(err.text, refused[i].says) != NULL, "%s: \"%s\" says nothing of \"%s\"", refused[i].source, err.text, refused[i].says);
    }
}
END_TEST

/* Templates that want too much: work, memory, output, depth. */
START_TEST(bounds)
{
    static const char *const greedy[] = {
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "{{ range(100001) }}", "{{ 'abc' * 99999999999 }}",
        "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s == ns.s }}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(300) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s|tojson }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set a = 'a' * 9999999 %}{{ a.rfind('a' * 999999) }}{{ a.replace('a', a) }}", "{{ 'x'|indent(999999999) }}", "{{ [[1]]|tojson(indent=999999) }}",
        "{{ 'a'.join(range(99999)|map('string')|list * 9999) }}", "{{ (range(99999)|list)|unique }}", "{% set a = 'ab' * 999999 %}{{ a.strip(a) }}{{ a.rstrip(a ~ a) }}",
    };
    for (size_t i = 0; i < sizeof greedy / sizeof *greedy; i++) {
        ck_assert_msg(!render_alone(greedy[i], strlen(greedy[i])), "accepted: %s", greedy[i]);
        ck_assert_int_eq(err.code, RZ_EDATA);
    }
}
END_TEST

/* Work on long texts again and again, which takes neither memory nor output: each counts what it looks at. */
START_TEST(long_texts_count)
{
    static const char *const bodies[] = {"s.isdigit()", "s.startswith(s)", "s.endswith((s,))", "s.removeprefix('1' + s)", "s.removesuffix(s)", "w|int", "w|float", "s.count('2')",
        "[{}]|map(attribute=s)|list", "s is lower", "s|length", "s[1]", "s in s", "s < s", "s == s", "s.find('2')", "s.split('2')", "s.strip('2')", "s|trim('2')", "s.lower()"};
    const char *const around[] = {"{% set s = '1' * 999999 %}{% set w = ' ' * 999999 %}{% for i in range(2000) %}{% if ", " %}{% endif %}{% endfor %}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char *text = rz_asprintf("%s%s%s", around[0], bodies[i], around[1]);
        ck_assert_msg(!render_alone(text, strlen(text)), "accepted: %s", text);
        ck_assert_msg(strstr(err.text, "steps") || strstr(err.text, "memory"), "%s: %s", text, err.text);
        free(text);
    }
}
END_TEST

START_TEST(deep_templates)
{
    static const char *const parts[][3] = {
        {"{{ ", "(", " }}"}, {"{{ ", "[", " }}"}, {"{{ ", "not ", "1 }}"}, {"{{ ", "-", "1 }}"}, {"{{ 1", " + 1", " }}"}, {"{{ 1", " ~ 1", " }}"}, {"{{ x", ".a", " }}"},
        {"{{ x", "[0]", " }}"}, {"{{ x", "|trim", " }}"}, {"", "{% if x %}", ""}, {"", "{% for i in l %}", ""}, {"{{ 1", " if 1 else 1", " }}"}, {"{{ 1", " if 1", " }}"},
        {"{{ 1", " and 1", " }}"}, {"{{ 1", " < 2", " }}"}, {"{% set ", "(", " = 1 %}"}, {"{% if 1 %}", "{% elif 1 %}", "{% endif %}"}, {"", "{% macro m() %}", ""}, {"{{ ", "{", " }}"},
        {"{{ ", "{%", ""}, {"", "{{", ""}, {"", "{#", ""}, {"{{ 'a'", " 'a'", " }}"}, {"{{ m", "()", " }}"}, {"{{ 1 is ", "not ", "none }}"}, {"{{ [1", ", 1", "] }}"},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (int n = 10; n <= 20000; n *= 20) {
            size_t piece = strlen(parts[i][1]), room = (size_t)n * piece + 64;
            char *text = calloc(room, 1), *to = text + snprintf(text, 32, "%s", parts[i][0]);
            for (int k = 0; k < n; k++, to += piece) memcpy(to, parts[i][1], piece);
            snprintf(to, 32, "%s", parts[i][2]);
            if (!render_alone(text, strlen(text))) ck_assert_int_eq(err.code, RZ_EDATA);
            free(text);
        }
}
END_TEST

/* An expression deep within a macro that calls itself: the stack must hold. */
START_TEST(deep_calls)
{
    char text[2000] = "{% macro m() %}{{ ", *to = text + strlen(text);
    for (int i = 0; i < 150; i++) to += sprintf(to, "not ");
    strcpy(to, "m() }}{% endmacro %}{{ m() }}");
    ck_assert(!render_alone(text, strlen(text)));
    ck_assert_ptr_nonnull(strstr(err.text, "deep"));
}
END_TEST

static const char *const families[] = {"smollm2", "qwen2", "qwen3", "llama3", "llama31", "r1", "mistral", "macros"};

/* Templates that were damaged: anything but a crash. */
START_TEST(damaged_templates)
{
    uint64_t random = 88172645463325252u;
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        char path[100];
        size_t len;
        snprintf(path, sizeof path, FOLDER "%s.jinja", families[f]);
        char *text = read_text(path, &len);
        for (int i = 0; i < 150; i++) {
            char *copy = malloc(len + 1);
            memcpy(copy, text, len + 1);
            size_t n = len;
            for (int k = 0; k < 3; k++) {
                random ^= random << 13, random ^= random >> 7, random ^= random << 17;
                size_t at = random % n;
                if (random >> 40 & 1) copy[at] = "{}%#-()[]'|.,0a \n"[random >> 48 & 15];
                else if (random >> 41 & 1) n = at + 1;
                else memmove(copy + at, copy + at / 2, n - at);
            }
            json_t *variables = json_pack("{s:[{s:s, s:s}, {s:s, s:s}], s:s, s:s, s:b}", "messages", "role", "user", "content", "q", "role", "assistant", "content",
                                          "a", "bos_token", "<s>", "eos_token", "</s>", "add_generation_prompt", 1);
            rz_jinja_output out;
            size_t mark = arena.used;
            if (!render("t", copy, n, &(rz_jinja_input){.variables = variables}, &out)) ck_assert_int_eq(err.code, RZ_EDATA);
            rz_arena_release(&arena, mark);
            json_decref(variables);
            free(copy);
        }
        free(text);
    }
}
END_TEST

/* Data is written in capital Qs here, which no template writes: exactly they are marked. */
static void check_marks(const rz_jinja_output *out, const char *what)
{
    char *marked = calloc(out->len + 1, 1);
    size_t before = 0;
    for (int i = 0; i < out->n_data; i++) {
        ck_assert(out->data[i].start < out->data[i].end && out->data[i].end <= out->len && (i == 0 || out->data[i].start > before));
        before = out->data[i].end;
        memset(marked + out->data[i].start, 1, out->data[i].end - out->data[i].start);
    }
    for (size_t i = 0; i < out->len; i++) ck_assert_msg((out->text[i] == 'Q') == marked[i], "%s: byte %zu of %s", what, i, out->text);
    free(marked);
}

START_TEST(data_is_marked)
{
    static const char *const sources[] = {
        "a{{ q }}b", "{{ ' ' ~ q ~ 'x' }}", "{{ q|trim|replace('QQ', 'ab') }}", "{{ 'aba'|replace('b', q) }}", "{{ q[1:] }}{{ q[::-1] }}{{ q[0] }}", "{{ q.split('QQ')|join('-') }}",
        "{{ [q, 'a']|tojson }}", "{{ {q: q}|tojson(indent=1) }}", "{{ [q, 'a'] }}", "{% set z %}<{{ q }}>{% endset %}{{ z|upper }}", "{% macro m(x) %}.{{ x }}.{% endmacro %}{{ m(q) ~ m(q) }}",
        "{% for c in q %}{{ loop.index }}{{ c }}{% endfor %}", "{{ q * 3 }}{{ q + 'a' + q }}", "{{ q|indent(2, first=true) }}", "{{ q.upper().strip('a') }}",
        "{{ ([q]|first)|reverse }}", "{{ q|list|join }}", "{{ '%s'|replace('%s', q) }}", "{{ d.a }}{{ d.items()|list|last|last }}", "{{ q|default('x') }}{{ q if q else 'x' }}",
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        json_t *variables = json_pack("{s:s, s:{s:s}}", "q", "QQQQ", "d", "a", "QQ");
        const json_t *data[] = {json_object_get(variables, "q"), json_object_get(variables, "d")};
        rz_jinja_output out;
        ck_assert_msg(render("t", sources[i], strlen(sources[i]), &(rz_jinja_input){variables, data, 2, NULL}, &out), "%s: %s", sources[i], err.text);
        ck_assert_msg(out.n_data > 0 || strstr(sources[i], "replace('QQ") || strstr(sources[i], "split"), "%s marks nothing", sources[i]);
        check_marks(&out, sources[i]);
        json_decref(variables);
    }
}
END_TEST

START_TEST(data_is_marked_in_chats)
{
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        char path[100];
        size_t len;
        rz_jinja_output out;
        snprintf(path, sizeof path, FOLDER "%s.jinja", families[f]);
        char *text = read_text(path, &len);
        json_t *variables = json_pack("{s:[{s:s,s:s},{s:s,s:s},{s:s,s:s}], s:s, s:s, s:b}", "messages", "role", "system", "content", "words", "role", "user", "content", "QQQ",
                                      "role", "assistant", "content", "<think>x</think>y", "bos_token", "<s>", "eos_token", "</s>", "add_generation_prompt", 1);
        const json_t *data[] = {json_object_get(json_array_get(json_object_get(variables, "messages"), 1), "content")};
        ck_assert_msg(render(path, text, len, &(rz_jinja_input){variables, data, 1, NULL}, &out), "%s", err.text);
        ck_assert_int_eq(out.n_data, 1);
        ck_assert_int_eq(out.data[0].end - out.data[0].start, 3);
        if (!strstr(path, "macros")) check_marks(&out, path);
        json_decref(variables);
        free(text);
    }
}
END_TEST

static char **files; /* of the command line */
START_TEST(given_files_agree_with_jinja)
{
    for (char **file = files; *file; file++) printf("%s: %d cases agree\n", *file, compare_file(*file, 40));
}
END_TEST

static void add_tests(TCase *c)
{
    tcase_add_test(c, chats_agree_with_jinja);
    tcase_add_test(c, small_templates_agree_with_jinja);
    tcase_add_test(c, names_what_it_refuses);
    tcase_add_test(c, bounds);
    tcase_add_test(c, long_texts_count);
    tcase_add_test(c, deep_templates);
    tcase_add_test(c, deep_calls);
    tcase_add_test(c, damaged_templates);
    tcase_add_test(c, data_is_marked);
    tcase_add_test(c, data_is_marked_in_chats);
}

int main(int argc, char **argv)
{
    files = argv + 1;
    Suite *s = suite_create("jinja");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, given_files_agree_with_jinja);
    if (argc == 1) add_tests(c);
    suite_add_tcase(s, c);
    return run_suite(s);
}
