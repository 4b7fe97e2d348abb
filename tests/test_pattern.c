/* Patterns and their limits; UTF-8 repair and nearest words (base/text.h). */
#include "base/pattern.h"
#include "base/rng.h"
#include "base/text.h"
#include "tests/suite.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rz_err err;
static rz_matcher *matcher;

static void set_up(void) { ck_assert_msg(rz_matcher_create(&matcher, &err), "%s", err.text); }
static void tear_down(void) { rz_matcher_destroy(matcher); }

static rz_pattern *make(const char *text, unsigned flags, uint32_t limit)
{
    rz_pattern *p;
    ck_assert_msg(rz_pattern_create(&p, text, flags, limit, &err), "%s", err.text);
    return p;
}

static rz_match_result find(const char *pattern, unsigned flags, const char *text, rz_span *spans, int n_spans)
{
    rz_pattern *p = make(pattern, flags, 0);
    rz_match_result result = rz_pattern_match(p, matcher, text, strlen(text), 0, spans, n_spans);
    rz_pattern_destroy(p);
    return result;
}

START_TEST(flags_mean_what_they_say)
{
    static const struct {
        const char *pattern;
        unsigned flags;
        const char *text;
        rz_match_result result;
        size_t start, end;
    } cases[] = {
        {"b+", 0, "abbbc", RZ_MATCH, 1, 4},
        {"", 0, "", RZ_MATCH, 0, 0},
        {"a.b", 0, "a\nb", RZ_NO_MATCH, 0, 0},
        {"a.b", RZ_PATTERN_DOTALL, "a\nb", RZ_MATCH, 0, 3},
        {"B", 0, "abc", RZ_NO_MATCH, 0, 0},
        {"B", RZ_PATTERN_CASELESS, "abc", RZ_MATCH, 1, 2},
        {"É", RZ_PATTERN_CASELESS, "xé", RZ_MATCH, 1, 3},
        {"^b$", 0, "a\nb\nc", RZ_NO_MATCH, 0, 0},
        {"^b$", RZ_PATTERN_MULTILINE, "a\nb\nc", RZ_MATCH, 2, 3},
        {"\\w+", 0, "é", RZ_NO_MATCH, 0, 0},
        {"\\w+", RZ_PATTERN_UNICODE, "é", RZ_MATCH, 0, 2},
        {"\\d", RZ_PATTERN_UNICODE, "٣", RZ_MATCH, 0, 2},
        {"^.$", 0, "語", RZ_MATCH, 0, 3}, /* one character, three bytes */
        {"b", RZ_PATTERN_ANCHORED, "ab", RZ_NO_MATCH, 0, 0},
        {"a", RZ_PATTERN_ANCHORED, "ab", RZ_MATCH, 0, 1},
        {"^b", 0, "a\rb", RZ_NO_MATCH, 0, 0}, /* newlines are \n however the library was built */
        {"a.b", 0, "a\rb", RZ_MATCH, 0, 3},
        {"a\\Kb", 0, "ab", RZ_MATCH, 1, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rz_span span = {9, 9};
        rz_match_result result = find(cases[i].pattern, cases[i].flags, cases[i].text, &span, 1);
        ck_assert_msg(result == cases[i].result, "%s on %s", cases[i].pattern, cases[i].text);
        if (result != RZ_MATCH) continue;
        ck_assert_msg(span.start == cases[i].start && span.end == cases[i].end, "%s on %s: %zu..%zu", cases[i].pattern, cases[i].text, span.start,
                      span.end);
    }
}
END_TEST

START_TEST(groups)
{
    rz_pattern *p = make("(?<left>a)|(b)(?<right>c)?(x)?", 0, 0);
    ck_assert_int_eq(rz_pattern_groups(p), 4);
    ck_assert_int_eq(rz_pattern_group(p, "left"), 1);
    ck_assert_int_eq(rz_pattern_group(p, "right"), 3);
    ck_assert_int_eq(rz_pattern_group(p, "middle"), -1);
    rz_span spans[6];
    memset(spans, 0x55, sizeof spans);
    ck_assert_int_eq(rz_pattern_match(p, matcher, "-bc", 3, 0, spans, 6), RZ_MATCH);
    const rz_span due[5] = {{1, 3}, {SIZE_MAX, SIZE_MAX}, {1, 2}, {2, 3}, {SIZE_MAX, SIZE_MAX}};
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(spans[i].start, due[i].start);
        ck_assert_uint_eq(spans[i].end, due[i].end);
    }
    ck_assert_uint_eq(spans[5].start, 0x5555555555555555); /* no such group: untouched */
    rz_pattern_destroy(p);
}
END_TEST

/* More groups than the matcher has room for at first. */
START_TEST(many_groups)
{
    char text[4 * 200 + 1] = "";
    for (int i = 0; i < 200; i++) strcat(text, "(a)");
    rz_pattern *p = make(text, 0, 0);
    char subject[201];
    memset(subject, 'a', 200);
    rz_span spans[201];
    ck_assert_int_eq(rz_pattern_match(p, matcher, subject, 200, 0, spans, 201), RZ_MATCH);
    for (size_t i = 1; i <= 200; i++) ck_assert_uint_eq(spans[i].start, i - 1);
    rz_pattern_destroy(p);
}
END_TEST

START_TEST(from_walks_through_all_matches)
{
    rz_pattern *p = make("\\d+", 0, 0);
    const char *text = "7 é 89 x 100";
    size_t at = 0, n = 0, starts[4];
    rz_span span;
    while (rz_pattern_match(p, matcher, text, strlen(text), at, &span, 1) == RZ_MATCH) {
        ck_assert_uint_lt(n, 4);
        starts[n++] = span.start;
        at = span.end;
    }
    ck_assert_uint_eq(n, 3);
    ck_assert(starts[0] == 0 && starts[1] == 5 && starts[2] == 10);
    rz_pattern_destroy(p);
    p = make("(?<=a)b", 0, 0); /* what lies before `from` is still seen */
    ck_assert_int_eq(rz_pattern_match(p, matcher, "ab", 2, 1, &span, 1), RZ_MATCH);
    rz_pattern_destroy(p);
}
END_TEST

START_TEST(bad_patterns_are_explained)
{
    char long_pattern[70000];
    memset(long_pattern, 'a', sizeof long_pattern - 1);
    long_pattern[sizeof long_pattern - 1] = 0;
    const struct {
        const char *pattern, *said;
    } cases[] = {
        {"(a", "at byte 2: missing closing parenthesis"},
        {"[a", "at byte 2: missing terminating ]"},
        {"a\\Cb", "\\C is disabled"},
        {"*a", "at byte 0: quantifier does not follow"},
        {"(*NO_JIT)a", "JIT"},
        {"\xff", "UTF-8 error"},
        {long_pattern, "longer than the limit"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rz_pattern *p = matcher ? (rz_pattern *)&err : NULL;
        ck_assert(!rz_pattern_create(&p, cases[i].pattern, 0, 0, &err));
        ck_assert_ptr_null(p);
        ck_assert_int_eq(err.code, RZ_ECONFIG);
        ck_assert_msg(strstr(err.text, cases[i].said) != NULL, "%s", err.text);
    }
}
END_TEST

static rz_match_result on_many(const char *pattern, uint32_t limit, const char *unit, size_t len)
{
    char *text = malloc(len);
    for (size_t i = 0; i < len; i++) text[i] = unit[i % strlen(unit)];
    rz_pattern *p = make(pattern, RZ_PATTERN_DOTALL, limit);
    rz_match_result result = rz_pattern_match(p, matcher, text, len, 0, NULL, 0);
    rz_pattern_destroy(p);
    free(text);
    return result;
}

START_TEST(limits_hold)
{
    ck_assert_int_eq(on_many("^(a+)+$", 0, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 40), RZ_MATCH_LIMIT);
    ck_assert_int_eq(on_many("(a|aa)+$", 0, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 40), RZ_MATCH_LIMIT);
    ck_assert_int_eq(on_many("^(a|aa)+$", 0, "aaaaaaaaaab", 11), RZ_NO_MATCH);
    ck_assert_int_eq(on_many("^(a|aa)+$", 20, "aaaaaaaaaab", 11), RZ_MATCH_LIMIT);
    ck_assert_int_eq(on_many("(a|(?1)b)", 0, "b", 32768), RZ_MATCH_LIMIT); /* endless recursion: JIT stack */
}
END_TEST

/* Without a limit of ours this takes longer than the age of the universe; PCRE2 lets a pattern lower its limits only. */
START_TEST(a_pattern_cannot_raise_its_limits)
{
    ck_assert_int_eq(on_many("(*LIMIT_MATCH=4000000000)^(a+)+$", 0, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 40), RZ_MATCH_LIMIT);
    ck_assert_int_eq(on_many("(*LIMIT_HEAP=4000000000)(*LIMIT_DEPTH=4000000000)^(a+)+$", 0, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 40),
                     RZ_MATCH_LIMIT);
    ck_assert_int_eq(on_many("(*LIMIT_MATCH=20)^(a|aa)+$", 0, "aaaaaaaaaab", 11), RZ_MATCH_LIMIT);
}
END_TEST

/* Each place alone stays under the limit; all together would be 32768 times as much: minutes. */
START_TEST(many_places_share_a_limit)
{
    ck_assert_int_eq(on_many("(a|aa){1,15}[cd]", 0, "a", 32768), RZ_MATCH_LIMIT);
    ck_assert_int_eq(on_many("(a|aa){1,13}[cd]", 0, "a", 32768), RZ_MATCH_LIMIT);
    ck_assert_int_eq(on_many("(a|aa){1,15}[cd]", 0, "a", 15), RZ_NO_MATCH);
}
END_TEST

/* Every place before the match costs some steps, so that the search is cut; wherever the match lies, it is found. */
START_TEST(no_place_falls_between_two_runs)
{
    rz_pattern *p = make("(a|aa){1,5}[cd]|é", 0, 1000);
    char text[600];
    for (size_t at = 0; at < 500; at++) {
        memset(text, 'a', sizeof text);
        memcpy(text + at, "é", 2);
        rz_span span = {9, 9};
        ck_assert_int_eq(rz_pattern_match(p, matcher, text, sizeof text, 0, &span, 1), RZ_MATCH);
        ck_assert_uint_eq(span.start, at);
    }
    rz_pattern_destroy(p);
}
END_TEST

/* What rules really look for must not run into the limit on long answers. */
START_TEST(honest_patterns_pass)
{
    const char *page = "<answer> a page of prose, with 12 numbers + 4.5, a \\boxed{7} and <b>tags</b>, but no end of the answer. It goes on and on. ";
    static const char *const patterns[] = {
        "<answer>(.*?)</answer>",
        "^<think>(?:(?!</think>).)*</think>\\s*<answer>(?:(?!</answer>).)*</answer>$",
        "<think>.*?</think>\\s*<answer>.*?</answer>",
        "\\\\boxed\\{((?:[^{}]|\\{(?1)\\})*)\\}(?!.*\\\\boxed)x",
        "(-?\\d+(?:[.,]\\d+)?)(?!.*\\d)x",
        "(?:[a-z]+\\s+){3,5}zzz",
        "####\\s*(-?[\\d,.]+)",
    };
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        ck_assert_msg(on_many(patterns[i], 0, page, 32768) == RZ_NO_MATCH, "%s", patterns[i]);
}
END_TEST

/* A start behind the end would send a caller that walks through all matches round for ever. */
START_TEST(spans_are_never_backwards)
{
    rz_span span;
    ck_assert_int_eq(find("(?(DEFINE)(?<x>ab\\K))(?=(?&x))", 0, "abab", &span, 1), RZ_MATCH_LIMIT);
}
END_TEST

/* Random patterns on random text: the search in runs must find what trying every place one by one finds. No possessive groups: PCRE2 10.42's
 * JIT may report a capture of theirs from a place that failed. */
static void random_pattern(rz_stream *r, char *out, int depth)
{
    static const char *const atoms[] = {"a", "b", "é", "[ab]", ".", "\\n", "[^b]", "^", "$", "\\b", "(?<=a)", "(?=b)", "a?", "b*?"};
    static const char *const repeats[] = {"", "", "", "*", "+", "*?", "?", "{1,3}", "{2}"};
    int n = rz_stream_range(r, 1, 3);
    for (int i = 0; i < n; i++) {
        bool group = depth > 0 && rz_stream_below(r, 3) == 0;
        if (!group) {
            strcat(out, atoms[rz_stream_below(r, sizeof atoms / sizeof *atoms)]);
            if (rz_stream_below(r, 4) == 0) strcat(out, "|");
            continue;
        }
        strcat(out, "(");
        random_pattern(r, out, depth - 1);
        strcat(out, "|");
        random_pattern(r, out, depth - 1);
        strcat(out, ")");
        strcat(out, repeats[rz_stream_below(r, sizeof repeats / sizeof *repeats)]);
    }
}

static size_t random_text(rz_stream *r, char *out)
{
    static const char *const units[] = {"a", "b", "é", "\n", "aa", "c"};
    size_t n = 0, n_units = rz_stream_below(r, 300), kinds = 1 + rz_stream_below(r, sizeof units / sizeof *units);
    for (size_t i = 0; i < n_units; i++) {
        const char *unit = units[rz_stream_below(r, (uint32_t)kinds)];
        memcpy(out + n, unit, strlen(unit));
        n += strlen(unit);
    }
    return n;
}

/* False when a place alone needs more than the large limit. */
static bool place_by_place(const rz_pattern *anchored, const char *text, size_t len, bool *found, rz_span *span)
{
    *found = false;
    for (size_t at = 0; at <= len && !*found; at++) {
        if (at < len && ((unsigned char)text[at] & 0xC0) == 0x80) continue;
        rz_match_result result = rz_pattern_match(anchored, matcher, text, len, at, span, 3);
        if (result == RZ_MATCH_LIMIT) return false;
        *found = result == RZ_MATCH;
    }
    return true;
}

START_TEST(runs_find_what_single_places_find)
{
    int decided = 0, limited = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        rz_stream r;
        rz_stream_init(&r, 1, RZ_RNG_TEST, i);
        char pattern[2048] = "", text[1024];
        random_pattern(&r, pattern, 3);
        if (rz_stream_below(&r, 2)) strcat(pattern, "[cd]");
        size_t len = random_text(&r, text);
        rz_pattern *p, *anchored;
        if (!rz_pattern_create(&p, pattern, 0, 1 + rz_stream_below(&r, 400), &err)) continue; /* "^*" and the like */
        ck_assert(rz_pattern_create(&anchored, pattern, RZ_PATTERN_ANCHORED, 1000000, &err));
        rz_span due[3], is[3];
        bool found;
        rz_match_result result = rz_pattern_match(p, matcher, text, len, 0, is, 3);
        limited += result == RZ_MATCH_LIMIT;
        if (result != RZ_MATCH_LIMIT && place_by_place(anchored, text, len, &found, due)) {
            decided++;
            ck_assert_msg((result == RZ_MATCH) == found, "case %d: %s", (int)i, pattern);
            int n = found ? 1 + (rz_pattern_groups(p) < 2 ? rz_pattern_groups(p) : 2) : 0;
            for (int g = 0; g < n; g++)
                ck_assert_msg(is[g].start == due[g].start && is[g].end == due[g].end, "case %d group %d: %s", (int)i, g, pattern);
        }
        rz_pattern_destroy(p);
        rz_pattern_destroy(anchored);
    }
    ck_assert_int_gt(decided, 1000);
    ck_assert_int_gt(limited, 50);
}
END_TEST

typedef struct {
    const rz_pattern *pattern;
    int failed;
} job;

static void *match_often(void *ctx)
{
    job *j = ctx;
    rz_err e;
    rz_matcher *m;
    if (!rz_matcher_create(&m, &e)) return NULL;
    for (int i = 0; i < 2000; i++) {
        rz_span spans[2];
        bool ok = rz_pattern_match(j->pattern, m, "xxx<a>12</a>", 12, 0, spans, 2) == RZ_MATCH && spans[1].start == 6 && spans[1].end == 8;
        j->failed += !ok;
    }
    rz_matcher_destroy(m);
    return j;
}

START_TEST(threads_share_a_pattern)
{
    rz_pattern *p = make("<a>(\\d+)</a>", 0, 0);
    pthread_t threads[4];
    job jobs[4];
    for (int i = 0; i < 4; i++) {
        jobs[i] = (job){p, 0};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, match_often, &jobs[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *done;
        pthread_join(threads[i], &done);
        ck_assert_ptr_nonnull(done);
        ck_assert_int_eq(jobs[i].failed, 0);
    }
    rz_pattern_destroy(p);
    ck_assert_msg(strncmp(rz_pattern_version(), "PCRE2 10.", 9) == 0 && strstr(rz_pattern_version(), ", JIT "), "%s", rz_pattern_version());
}
END_TEST

/* The four tables of maximal subparts in the Unicode standard (3-8 … 3-11); R stands for U+FFFD. */
START_TEST(repair_as_the_unicode_standard_shows)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", "RRRRRRRRA"}, {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", "RRRRRRRRA"},
        {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", "RRRRRARRB"}, {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", "RRRRA"},
        {"plain", "plain"},                                    {"", ""},
        {"half a token \xE2\x82", "half a token R"},           {"12345678\xFF", "12345678R"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char due[64] = "";
        for (const char *c = cases[i].out; *c; c++) {
            if (*c == 'R')
                strcat(due, "\xEF\xBF\xBD");
            else
                strncat(due, c, 1);
        }
        size_t len;
        char *is = rz_utf8_repair(cases[i].in, strlen(cases[i].in), &len);
        ck_assert_str_eq(is, due);
        ck_assert_uint_eq(len, strlen(due));
        ck_assert_uint_eq(rz_utf8_valid(is, len), len);
        free(is);
    }
}
END_TEST

/* Decoded by its bit layout, then judged by value: shortest form, no surrogate, in range. Length, or 0. */
static size_t judged_by_value(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xC0 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF8 ? 4 : 0;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (n < 2) return n;
    uint32_t value = s[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) return 0;
        value = value << 6 | (s[i] & 0x3F);
    }
    return value >= least[n] && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF) ? n : 0;
}

START_TEST(valid_utf8_is_what_decodes_to_a_character)
{
    static const unsigned char tails[] = {0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xFF};
    for (int i = 0; i < 256 * 256 * 36; i++) {
        unsigned char s[4] = {(unsigned char)(i >> 8), (unsigned char)i, tails[(i >> 16) % 6], tails[(i >> 16) / 6]};
        size_t due = judged_by_value(s), is = rz_utf8_valid((char *)s, due ? due : 4);
        if (is != due) ck_abort_msg("%02x %02x %02x %02x", s[0], s[1], s[2], s[3]);
    }
    /* every alignment of the ASCII fast path against a bad byte */
    for (size_t bad = 0; bad < 40; bad++) {
        char text[40];
        memset(text, 'x', sizeof text);
        text[bad] = (char)0x80;
        ck_assert_uint_eq(rz_utf8_valid(text, sizeof text), bad);
        ck_assert_uint_eq(rz_utf8_valid(text, bad), bad);
    }
    ck_assert_uint_eq(rz_utf8_count("aé語😀", strlen("aé語😀")), 4);
}
END_TEST

/* Straight from the recursive definition of optimal string alignment. */
static size_t slow_distance(const char *a, size_t n, const char *b, size_t m)
{
    if (n == 0 || m == 0) return n + m;
    size_t best = slow_distance(a, n - 1, b, m - 1) + (a[n - 1] != b[m - 1]);
    size_t d = slow_distance(a, n - 1, b, m) + 1;
    if (d < best) best = d;
    d = slow_distance(a, n, b, m - 1) + 1;
    if (d < best) best = d;
    if (n > 1 && m > 1 && a[n - 1] == b[m - 2] && a[n - 2] == b[m - 1]) {
        d = slow_distance(a, n - 2, b, m - 2) + 1;
        if (d < best) best = d;
    }
    return best;
}

START_TEST(nearest_word)
{
    static const char *const keys[] = {"seed", "steps", "group_size", "group_count", "learning_rate"};
    ck_assert_str_eq(rz_nearest("group_sise", keys, 5), "group_size");
    ck_assert_str_eq(rz_nearest("setps", keys, 5), "steps");
    ck_assert_str_eq(rz_nearest("learning_rat", keys, 5), "learning_rate");
    ck_assert_ptr_null(rz_nearest("temperature", keys, 5));
    ck_assert_ptr_null(rz_nearest("", keys, 5));
    static const char *const twins[] = {"abcx", "abcy"};
    ck_assert_str_eq(rz_nearest("abcz", twins, 2), "abcx"); /* ties to the first */
    for (uint64_t i = 0; i < 3000; i++) {
        rz_stream r;
        rz_stream_init(&r, 2, RZ_RNG_TEST, i);
        char words[2][8] = {"", ""};
        for (int w = 0; w < 2; w++)
            for (int n = rz_stream_range(&r, 0, 6), c = 0; c < n; c++) words[w][c] = (char)('a' + rz_stream_below(&r, 3));
        const char *candidate = words[1];
        bool near = slow_distance(words[0], strlen(words[0]), words[1], strlen(words[1])) <= strlen(words[0]) / 3;
        ck_assert_msg((rz_nearest(words[0], &candidate, 1) != NULL) == near, "%s %s", words[0], words[1]);
    }
    char long_word[300];
    memset(long_word, 'a', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = 0;
    const char *same = long_word;
    ck_assert_ptr_null(rz_nearest(long_word, &same, 1));
    ck_assert_ptr_null(rz_nearest("aaa", &same, 1));
}
END_TEST

START_TEST(doubles_read_back)
{
    static const struct {
        double x;
        const char *text;
    } cases[] = {
        {0.1, "0.1"}, {1, "1"}, {-0.0, "-0"}, {1e-6, "1e-06"}, {0.1 + 0.2, "0.30000000000000004"}, {1e22, "1e+22"}, {5e-324, "4.94065645841247e-324"},
    };
    char text[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rz_double_text(cases[i].x, text);
        ck_assert_str_eq(text, cases[i].text);
    }
    rz_stream r;
    rz_stream_init(&r, 3, RZ_RNG_TEST, 0);
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = (uint64_t)rz_stream_u32(&r) << 32 | rz_stream_u32(&r), back_bits;
        double x;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x)) continue;
        rz_double_text(x, text);
        double back = strtod(text, NULL);
        memcpy(&back_bits, &back, sizeof back);
        if (back_bits != bits) ck_abort_msg("%s", text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pattern");
    TCase *patterns = tcase_create("patterns"), *text = tcase_create("text");
    tcase_add_checked_fixture(patterns, set_up, tear_down);
    tcase_set_timeout(patterns, 30);
    tcase_set_timeout(text, 30);
    tcase_add_test(patterns, flags_mean_what_they_say);
    tcase_add_test(patterns, groups);
    tcase_add_test(patterns, many_groups);
    tcase_add_test(patterns, from_walks_through_all_matches);
    tcase_add_test(patterns, bad_patterns_are_explained);
    tcase_add_test(patterns, limits_hold);
    tcase_add_test(patterns, a_pattern_cannot_raise_its_limits);
    tcase_add_test(patterns, many_places_share_a_limit);
    tcase_add_test(patterns, no_place_falls_between_two_runs);
    tcase_add_test(patterns, honest_patterns_pass);
    tcase_add_test(patterns, spans_are_never_backwards);
    tcase_add_test(patterns, runs_find_what_single_places_find);
    tcase_add_test(patterns, threads_share_a_pattern);
    tcase_add_test(text, repair_as_the_unicode_standard_shows);
    tcase_add_test(text, valid_utf8_is_what_decodes_to_a_character);
    tcase_add_test(text, nearest_word);
    tcase_add_test(text, doubles_read_back);
    suite_add_tcase(suite, patterns);
    suite_add_tcase(suite, text);
    return run_suite(suite);
}
