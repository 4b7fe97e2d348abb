/* Thinking apart from the answer, however the text is cut: against a search in the whole text. */
#include "cli/thinking.h"
#include "base/rng.h"
#include "tests/suite.h"

#include <stdlib.h>
#include <string.h>

/* Here only that it is asked for all that a terminal gets, in whole characters: one becomes '!'. */
void rz_print_safe(FILE *to, const char *text, size_t len);
void rz_print_safe(FILE *to, const char *text, size_t len)
{
    ck_assert(len && ((unsigned char)text[0] & 0xC0) != 0x80);
    for (size_t i = 0; i < len; i++) {
        fputc(text[i] == '\a' ? '!' : text[i], to);
        size_t more = ((unsigned char)text[i] >= 0xF0) ? 3 : ((unsigned char)text[i] >= 0xE0) ? 2 : ((unsigned char)text[i] >= 0xC0) ? 1 : 0;
        ck_assert_msg(more < len - i, "a character was cut");
    }
}

/* What a terminal should get, from the whole text: ( and ) for the escapes. */
static void expect(const char *text, bool inside, bool dim, char *out)
{
    size_t n = 0;
    bool styled = false;
    for (const char *at = text; *at;) {
        bool opens = !inside && !strncmp(at, "<think>", 7), closes = inside && !strncmp(at, "</think>", 8);
        inside = inside || opens;
        if (dim && styled != inside)
            out[n++] = inside ? '(' : ')';
        styled = inside;
        for (int i = opens ? 7 : closes ? 8 : 1; i; i--, at++)
            out[n++] = *at == '\a' ? '!' : *at;
        inside = inside && !closes;
    }
    if (dim && styled)
        out[n++] = ')';
    out[n] = 0;
}

static void check_cuts(const char *text, bool inside, bool dim, rz_stream *r)
{
    char *got = NULL, wanted[400], *to;
    size_t n = 0, len = strlen(text);
    FILE *f = open_memstream(&got, &n);
    rz_thinking t = {.to = f, .safe = true, .dim = dim, .inside = inside};
    for (size_t at = 0, part; at < len; at += part) {
        part = (size_t)rz_stream_range(r, 0, 5);
        part = part < len - at ? part : len - at;
        rz_thinking_feed(&t, text + at, part);
    }
    rz_thinking_end(&t);
    fclose(f);
    expect(text, inside, dim, wanted);
    to = got;
    for (const char *at = got; *at;) { /* escapes to one letter */
        bool on = !strncmp(at, "\033[2m", 4), off = !strncmp(at, "\033[0m", 4);
        *to++ = on ? '(' : off ? ')' : *at;
        at += on || off ? 4 : 1;
    }
    *to = 0;
    ck_assert_msg(!strcmp(got, wanted), "%s instead of %s", got, wanted);
    free(got);
}

START_TEST(cut_anywhere)
{
    static const char *const parts[] = {"<think>", "</think>", "<", "</", "think>", "a", "\n", "é", "€", "😀", "<think", "</thin", "\a", ">", "<<", "xyz "};
    for (uint64_t i = 0; i < 20000; i++) {
        rz_stream r;
        char text[128] = "";
        rz_stream_init(&r, 8, RZ_RNG_TEST, i);
        for (int n = rz_stream_range(&r, 0, 10); n > 0; n--)
            strcat(text, parts[rz_stream_below(&r, sizeof parts / sizeof *parts)]);
        check_cuts(text, i & 1, i & 2, &r);
    }
}
END_TEST

/* What is not the beginning of a tag is not kept waiting. */
START_TEST(shown_at_once)
{
    static const struct { const char *in; bool inside; size_t shown; } cases[] = {
        {"a", false, 1}, {"a <", false, 2}, {"a <b", false, 4}, {"<thin", false, 0}, {"x</th", false, 5}, {"x</th", true, 1}, {"<think", true, 6}, {"\xE2\x82", false, 0},
        {"a\xE2", false, 1}, {"\xE2\x82\xAC", false, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&got, &n);
        rz_thinking t = {.to = f, .inside = cases[i].inside};
        rz_thinking_feed(&t, cases[i].in, strlen(cases[i].in));
        fflush(f);
        ck_assert_msg(n == cases[i].shown, "%zu bytes of '%s'", n, cases[i].in);
        rz_thinking_end(&t);
        fclose(f);
        ck_assert_str_eq(got, cases[i].in);
        free(got);
    }
}
END_TEST

START_TEST(opened_by_the_prompt)
{
    ck_assert(rz_thinking_is_open("q <think>") && rz_thinking_is_open("<think> a </think> b <think>\n") && rz_thinking_is_open("<think><think>"));
    ck_assert(!rz_thinking_is_open("") && !rz_thinking_is_open("</think>") && !rz_thinking_is_open("<think> a </think> b"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thinking");
    TCase *all = tcase_create("thinking");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, cut_anywhere);
    tcase_add_test(all, shown_at_once);
    tcase_add_test(all, opened_by_the_prompt);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
