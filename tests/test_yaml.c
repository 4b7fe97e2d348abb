/* YAML trees: what is read, and that every refusal names file and line. */
#include "base/rng.h"
#include "base/yaml.h"
#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static rz_err err;

/* One line: maps {k:v,…}, lists [a,b], scalars as they are, quoted ones in '…'; with_places puts "@line.column" behind every node. */
static void show(const rz_yaml *y, bool with_places, FILE *out)
{
    if (y->kind == RZ_YAML_SCALAR) fprintf(out, y->quoted ? "'%s'" : "%s", y->text);
    if (y->kind != RZ_YAML_SCALAR) fprintf(out, y->kind == RZ_YAML_MAP ? "{" : "[");
    for (int i = 0; i < y->n; i++) {
        if (i) fprintf(out, ",");
        if (y->kind == RZ_YAML_MAP) fprintf(out, "%s", y->keys[i]);
        if (y->kind == RZ_YAML_MAP && with_places) fprintf(out, "@%d.%d", y->key_at[i].line, y->key_at[i].column);
        if (y->kind == RZ_YAML_MAP) fprintf(out, ":");
        show(y->items[i], with_places, out);
    }
    if (y->kind != RZ_YAML_SCALAR) fprintf(out, y->kind == RZ_YAML_MAP ? "}" : "]");
    if (with_places) fprintf(out, "@%d.%d", y->at.line, y->at.column);
}

static char *shown(const rz_yaml *y, bool with_places)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    show(y, with_places, out);
    fclose(out);
    return text;
}

static bool parse(rz_yaml **y, const char *text) { return rz_yaml_parse(y, "f.yaml", text, strlen(text), &err); }

START_TEST(trees)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", "{}"},
        {"# nothing\n", "{}"},
        {"---\n...\n", "{}"},
        {"a: 1\nb: two words\n", "{a:1,b:two words}"},
        {"a: '1'\nb: \"x\\ty\"\n", "{a:'1',b:'x\ty'}"},
        {"- a\n- 'b'\n-\n", "[a,'b',]"},
        {"a:\nb: ''\n", "{a:,b:''}"},
        {"a:\n  b:\n    c: 1\n  d: [1, 2.5, x y]\n", "{a:{b:{c:1},d:[1,2.5,x y]}}"},
        {"a: {b: 1, c: {}}\nd: []\n", "{a:{b:1,c:{}},d:[]}"},
        {"t: |\n  one\n    two\n  three\n", "{t:'one\n  two\nthree\n'}"},
        {"t: >-\n  one\n  two\n", "{t:'one two'}"},
        {"a: true # a comment\nb: ~\nc: null\n", "{a:true,b:~,c:null}"}, /* all of them text */
        {"a: http://x/y#z\n", "{a:http://x/y#z}"},
        {"%YAML 1.1\n---\na: 1\n", "{a:1}"},
        {"a: é語\n\"b c\": \"\\u00e9\\x41\"\n", "{a:é語,b c:'éA'}"},
        {"\xEF\xBB\xBF" "a: 1\n", "{a:1}"},
        {"a: 1\r\nb: 2\r\n", "{a:1,b:2}"},
        {"a: &x [1, {k: v}]\nb: *x\n", "{a:[1,{k:v}],b:[1,{k:v}]}"},
        {"a: &x '1'\nb: *x\n", "{a:'1',b:'1'}"},
        {"a: &x 1\nb: &x 2\nc: *x\n", "{a:1,b:2,c:2}"},
        {"'<<': 1\n", "{<<:1}"},
        {"plain", "plain"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rz_yaml *y;
        ck_assert_msg(parse(&y, cases[i].in), "%s", err.text);
        char *is = shown(y, false);
        ck_assert_str_eq(is, cases[i].out);
        free(is);
        rz_yaml_destroy(y);
    }
}
END_TEST

START_TEST(places)
{
    rz_yaml *y;
    ck_assert_msg(parse(&y, "# c\na: 1\n\nb:\n  - x\n  - k: v\n    l: |\n      t\nc:\nd: e\n"), "%s", err.text);
    char *is = shown(y, true);
    ck_assert_str_eq(is, "{a@2.1:1@2.4,b@4.1:[x@5.5,{k@6.5:v@6.8,l@7.5:'t\n'@7.8}@6.5]@5.3,c@9.1:@9.3,d@10.1:e@10.4}@2.1");
    free(is);
    rz_yaml_destroy(y);
}
END_TEST

START_TEST(get)
{
    rz_yaml *y;
    ck_assert(parse(&y, "a: 1\nb: [2]\n"));
    ck_assert_str_eq(rz_yaml_get(y, "a")->text, "1");
    ck_assert_int_eq(rz_yaml_get(y, "b")->kind, RZ_YAML_LIST);
    ck_assert_ptr_null(rz_yaml_get(y, "c"));
    ck_assert_ptr_null(rz_yaml_get(rz_yaml_get(y, "b"), "a"));
    rz_yaml_destroy(y);
    rz_yaml_destroy(NULL);
}
END_TEST

static void refused(const char *text, size_t len, const char *said)
{
    rz_yaml *y = (rz_yaml *)&err;
    ck_assert_msg(!rz_yaml_parse(&y, "f.yaml", text, len, &err), "accepted: %.60s", text);
    ck_assert_ptr_null(y);
    ck_assert_int_eq(err.code, RZ_ECONFIG);
    ck_assert_msg(strncmp(err.text, said, strlen(said)) == 0, "%s\n instead of %s", err.text, said);
}

START_TEST(refusals_name_the_place)
{
    static const struct {
        const char *in, *said;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: key 'a' was given before, in line 1"},
        {"x:\n  b: {c: 1, d: 2, c: 3}\n", "f.yaml:2:19: key 'c' was given before, in line 2"},
        {"a: 1\n\"a\": 1\n", "f.yaml:2:1: key 'a' was given before"},
        {"a: !!int 1\n", "f.yaml:1:4: tag 'tag:yaml.org,2002:int': tags are not supported"},
        {"\na: !mine [1]\n", "f.yaml:2:4: tag '!mine'"},
        {"a: !mine {b: 1}\n", "f.yaml:1:4: tag '!mine'"},
        {"!k a: 1\n", "f.yaml:1:1: tag '!k'"},
        {"a: 1\nb: *x\n", "f.yaml:2:4: alias *x: no anchor &x"},
        {"a: &x [1, *x]\n", "f.yaml:1:11: alias *x: no anchor &x"}, /* itself within itself */
        {"a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document"},
        {"a: 1\n---\n", "f.yaml:2:1: a second document"},
        {"? [a]\n: 1\n", "f.yaml:1:3: a key must be a plain word"},
        {"x: 1\n? {a: b}\n: 1\n", "f.yaml:2:3: a key must be a plain word"},
        {"a: &k key\n*k : 1\n", "f.yaml:2:1: a key must be a plain word"},
        {"&k a: 1\n", "f.yaml:1:1: anchor &k on a key"},
        {"a: 1\n'': 2\n", "f.yaml:2:1: a key is empty"},
        {"a: &x {b: 1}\nc:\n  <<: *x\n", "f.yaml:3:3: merge key '<<' is not supported"},
        {"a: 1\nb:\n\tc: 2\n", "f.yaml:3:1: a tab in the indentation"},
        {"a: 1\nb: \"no end\n", "f.yaml:3:1: not valid YAML"},
        {"a: [1, 2\nb: 3\n", "f.yaml:2:2: not valid YAML"},
        {"a: 1\n b: 2\n", "f.yaml:2:3: not valid YAML"},
        {"a: b: c\n", "f.yaml:1:5: not valid YAML"},
        {"a: 1\nb: caf\xE9\n", "f.yaml:2:7: byte 0xe9 is not valid UTF-8"},
        {"a: 1\nb: \x01\n", "f.yaml:2:4: control characters"},
        {"a: \"x\\0y\"\n", "f.yaml:1:4: a text holds \\0"},
        {"\"x\\0y\": 1\n", "f.yaml:1:1: a key holds \\0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) refused(cases[i].in, strlen(cases[i].in), cases[i].said);
    refused("a: 1\nb: x\0y\n", 12, "f.yaml:2:5: a NUL byte");
}
END_TEST

/* The line with a caret below; of a long one the part around the place. */
START_TEST(the_place_is_shown)
{
    refused("a: 1\r\nkey:\t!x 3\r\nb: 1\r\n", 23, "f.yaml:2:6: tag '!x': tags are not supported, remove it\n     2 | key: !x 3\n       |      ^");
    refused("a: \xFF\xFE", 5, "f.yaml:1:4: byte 0xff is not valid UTF-8\n     1 | a: \uFFFD\uFFFD\n       |    ^");
    char text[1024] = "";
    for (int i = 0; i < 100; i++) strcat(text, "\u00e9");
    strcat(text, ": !x ");
    for (int i = 0; i < 100; i++) strcat(text, "b");
    char due[2048] = "f.yaml:1:103: tag '!x': tags are not supported, remove it\n     1 | \u2026";
    for (int i = 0; i < 58; i++) strcat(due, "\u00e9");
    strcat(due, ": !x ");
    for (int i = 0; i < 37; i++) strcat(due, "b");
    snprintf(due + strlen(due), 200, "\u2026\n       | %62s", "^");
    refused(text, strlen(text), due);
}
END_TEST

START_TEST(places_inside_a_text)
{
    static const char text[] = "a: one two\nb: 'x y'\nc: \"x\\ty\"\nd: |\n  x y\n";
    const rz_document d = {"f.yaml", text, strlen(text)};
    static const struct { const char *key; int line, column; } cases[] = {{"a", 1, 8}, {"b", 2, 8}, {"c", 3, 4}, {"d", 4, 4}};
    rz_yaml *y;
    ck_assert(parse(&y, text));
    for (int i = 0; i < 4; i++) {
        const rz_yaml *v = rz_yaml_get(y, cases[i].key);
        rz_place at = rz_yaml_place(v, &d, i ? 3 : 4);
        ck_assert_msg(at.line == cases[i].line && at.column == cases[i].column, "%s: %d:%d", cases[i].key, at.line, at.column);
    }
    rz_yaml_destroy(y);
}
END_TEST

START_TEST(caps)
{
    char text[4096] = "";
    rz_yaml *y;
    for (int depth = 64; depth <= 65; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        text[2 * depth] = 0;
        if (depth == 64) ck_assert_msg(parse(&y, text), "%s", err.text);
        if (depth == 64) rz_yaml_destroy(y);
        if (depth == 65) refused(text, strlen(text), "f.yaml:1:65: nested deeper than 64");
    }
    /* Nine doublings of ten: a billion nodes from one page. */
    strcpy(text, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 9; i++) {
        sprintf(text + strlen(text), "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++) sprintf(text + strlen(text), "%s*a%d", j ? "," : "", i - 1);
        strcat(text, "]\n");
    }
    refused(text, strlen(text), "f.yaml:5:38: more than 100000 values");
    /* Aliases may not dig deeper than plain nesting. */
    strcpy(text, "a0: &a0 x\n");
    for (int i = 1; i < 70; i++) sprintf(text + strlen(text), "a%d: &a%d [*a%d]\n", i, i, i - 1);
    refused(text, strlen(text), "f.yaml:64:12: nested deeper than 64");
    size_t n = (4u << 20) + 1;
    char *large = malloc(n);
    memset(large, '#', n);
    refused(large, n, "f.yaml: 4194305 bytes, must be at most 4194304");
    ck_assert(rz_yaml_parse(&y, "f.yaml", large, n - 1, &err));
    rz_yaml_destroy(y);
    free(large);
}
END_TEST

START_TEST(files)
{
    const char *folder = getenv("TMPDIR");
    char path[200];
    snprintf(path, sizeof path, "%s/rz-yaml-XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "a: 1\na: 2\n", 10), 10);
    close(fd);
    rz_yaml *y;
    ck_assert(!rz_yaml_load(&y, path, &err));
    char due[300];
    snprintf(due, sizeof due, "%s:2:1: key 'a' was given before, in line 1\n     2 | a: 2\n       | ^", path);
    ck_assert_str_eq(err.text, due);
    unlink(path);
    ck_assert(!rz_yaml_load(&y, path, &err));
    ck_assert_int_eq(err.code, RZ_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, path));
}
END_TEST

/* Whatever happens to the bytes: a tree or a sentence with the file's name, and (under the sanitizers) no leak and no stray read. */
START_TEST(damaged_text)
{
    static const char sample[] = "# job\nseed: 1\ncheckpoint: &c\n  every: 10\n  names: [a, 'b', \"c\\n\"]\n"
                                 "text: |\n  é\nother: *c\nmap: {x: 1, y: [2, {z: 3}]}\n";
    static const char letters[] = "&*!<>[]{}:,-?|#%'\"\\ \n\t0aé";
    for (uint64_t i = 0; i < 6000; i++) {
        rz_stream r;
        rz_stream_init(&r, 4, RZ_RNG_TEST, i);
        char text[sizeof sample];
        memcpy(text, sample, sizeof sample);
        size_t len = i < sizeof sample ? (size_t)i : sizeof sample - 1; /* every prefix first */
        int n_changes = i < sizeof sample ? 0 : rz_stream_range(&r, 1, 4);
        for (int k = 0; k < n_changes; k++) text[rz_stream_below(&r, (uint32_t)len)] = letters[rz_stream_below(&r, sizeof letters - 1)];
        rz_yaml *y;
        err.text[0] = 0;
        if (!rz_yaml_parse(&y, "f.yaml", text, len, &err) && strncmp(err.text, "f.yaml:", 7) != 0) ck_abort_msg("%s", err.text);
        rz_yaml_destroy(y);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("yaml");
    TCase *all = tcase_create("yaml");
    tcase_set_timeout(all, 30);
    tcase_add_test(all, trees);
    tcase_add_test(all, places);
    tcase_add_test(all, get);
    tcase_add_test(all, refusals_name_the_place);
    tcase_add_test(all, the_place_is_shown);
    tcase_add_test(all, places_inside_a_text);
    tcase_add_test(all, caps);
    tcase_add_test(all, files);
    tcase_add_test(all, damaged_text);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
