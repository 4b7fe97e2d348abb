/* Comparers and normalisers: against Python's decimal and fractions, against rows decided by hand, and at their limits. */
#include "base/rng.h"
#include "rewards/verify.h"
#include "tests/rules_suite.h"

static rz_arena scratch;
static rz_env env;

static void env_open(void)
{
    rz_err err;
    ck_assert(rz_arena_init(&scratch, 1 << 28, &err));
    ck_assert_msg(rz_env_init(&env, &scratch, &err), "%s", err.text);
}

static void env_close(void)
{
    rz_env_finish(&env);
    rz_arena_finish(&scratch);
}

/* With options over the defaults, or NULL. */
static rz_verdict compare_with(const char *kind, const json_t *options, rz_slice found, rz_slice gold, double *likeness)
{
    const rz_comparer *c = rz_comparer_find(kind);
    ck_assert_msg(c != NULL, "no comparer '%s'", kind);
    json_t *all = rz_comparer_defaults(c);
    if (options) json_object_update(all, (json_t *)options);
    rz_verdict v = rz_compare(c, &env, found, gold, all, likeness);
    json_decref(all);
    return v;
}

static rz_verdict compare(const char *kind, const char *found, const char *gold)
{
    double ignored;
    return compare_with(kind, NULL, (rz_slice){found, strlen(found)}, (rz_slice){gold, strlen(gold)}, &ignored);
}

static rz_slice slice_of(const json_t *row, const char *key)
{
    const json_t *v = json_object_get(row, key);
    ck_assert_msg(json_is_string(v), "%s: no %s", where, key);
    return (rz_slice){json_string_value(v), json_string_length(v)};
}

static void judge_compare(const char *text, size_t len)
{
    json_t *row = json_loadb(text, len, 0, NULL);
    static const char *const names[] = {[RZ_EQUAL] = "equal", [RZ_DIFFERENT] = "different", [RZ_FOUND_UNREADABLE] = "unreadable",
                                        [RZ_GOLD_UNREADABLE] = "gold unreadable"};
    const char *kind = slice_of(row, "kind").s, *want = slice_of(row, "verdict").s;
    const json_t *share = json_object_get(row, "likeness");
    double likeness;
    rz_slice found = slice_of(row, "found"), gold = slice_of(row, "gold");
    rz_verdict got = compare_with(kind, json_object_get(row, "options"), found, gold, &likeness);
    ck_assert_msg(strcmp(names[got], want) == 0, "%s, %s: '%s' and '%s' are %s, must be %s", where, kind, found.s, gold.s, names[got], want);
    if (share) ck_assert_msg(fabs(likeness - json_number_value(share)) < 1e-12, "%s: '%s' and '%s' are %.17g alike", where, found.s, gold.s, likeness);
    json_decref(row);
}

START_TEST(numbers_as_python_compares_them) { ck_assert_int_ge(each_line("compare.jsonl", judge_compare), 200); }
END_TEST

START_TEST(parts_and_degrees) { ck_assert_int_ge(each_line("compare_parts.jsonl", judge_compare), 80); }
END_TEST

/* A number of up to four decimals, in 1/10000. */
static int64_t draw(rz_stream *r, char text[32])
{
    int64_t v = (int64_t)rz_stream_below(r, rz_stream_below(r, 3) ? 100000 : 30), power = 1;
    bool negative = rz_stream_below(r, 2);
    int places = (int)rz_stream_below(r, 5);
    for (int i = 0; i < places; i++) power *= 10;
    int n = snprintf(text, 32, "%s%lld", negative ? "-" : "", (long long)(v / power));
    if (places) snprintf(text + n, 32 - (size_t)n, ".%0*lld", places, (long long)(v % power));
    for (int i = places; i < 4; i++) v *= 10;
    return negative ? -v : v;
}

static rz_decimal read_decimal(const char *text)
{
    rz_decimal d;
    ck_assert_msg(rz_decimal_read((rz_slice){text, strlen(text)}, &scratch, &d), "%s", text);
    return d;
}

START_TEST(near_and_rounded_are_what_integers_say)
{
    rz_stream r;
    rz_stream_init(&r, 1, RZ_RNG_TEST, 7);
    int near_ones = 0;
    for (int i = 0; i < 20000; i++) {
        char a[32], b[32], t[32], text[32];
        int64_t x = draw(&r, a), y = draw(&r, b), tolerance = llabs(draw(&r, t)), tens = 1;
        rz_decimal p = read_decimal(a), q = read_decimal(b), s = read_decimal(*t == '-' ? t + 1 : t);
        bool want = llabs(x - y) <= tolerance;
        ck_assert_msg(rz_decimal_near(&p, &q, &s, &scratch) == want, "|%s - %s| <= |%s|", a, b, t);
        near_ones += want;
        int decimals = (int)rz_stream_below(&r, 5);
        for (int k = decimals; k < 4; k++) tens *= 10;
        int64_t rounded = (llabs(x) + tens / 2) / tens * tens;
        snprintf(text, sizeof text, "%s%lld.%04lld", x < 0 ? "-" : "", (long long)(rounded / 10000), (long long)(rounded % 10000));
        rz_decimal is = rz_decimal_round(&p, decimals, &scratch), due = read_decimal(text);
        ck_assert_msg(rz_decimal_equal(&is, &due), "%s to %d decimals is not %s", a, decimals, text);
        rz_arena_release(&scratch, 0);
    }
    ck_assert_int_gt(near_ones, 2000);
}
END_TEST

/* The longest answers with the most parts: the time limit of the test is what a hang would meet. */
START_TEST(the_longest_answers)
{
    static const char *const units[] = {"1,", "a", "a ", "(", "[0,1) U ", "9", "\u00e9", "1|", "0.1,"};
    size_t len = 64 << 10;
    char *text = malloc(len + 1);
    for (int k = 0; k < rz_n_comparers; k++)
        for (size_t u = 0; u < sizeof units / sizeof *units; u++)
            for (size_t size = 256; size <= len; size *= 16) {
                size_t n = strlen(units[u]), end = size / n * n;
                for (size_t i = 0; i < end; i += n) memcpy(text + i, units[u], n);
                double likeness;
                json_t *options = rz_comparer_defaults(rz_comparers[k]);
                rz_compare(rz_comparers[k], &env, (rz_slice){text, end}, (rz_slice){text, end}, options, &likeness);
                rz_compare(rz_comparers[k], &env, (rz_slice){text, end}, (rz_slice){text, end - n}, options, &likeness);
                json_decref(options);
                rz_arena_release(&scratch, 0);
            }
    free(text);
}
END_TEST

START_TEST(texts_compare)
{
    ck_assert(compare("string", "Paris", "Paris") == RZ_EQUAL);
    ck_assert(compare("string", "paris", "Paris") == RZ_DIFFERENT);
    ck_assert(compare("string", "Paris, France", "Paris") == RZ_DIFFERENT); /* no substring counts */
    ck_assert(compare("string", "", "Paris") == RZ_DIFFERENT);
    ck_assert(compare("casefold", "pARIS", "Paris") == RZ_EQUAL);
    ck_assert(compare("casefold", "\u00c9COLE \u0394", "\u00e9cole \u03b4") == RZ_EQUAL);
    ck_assert(compare("casefold", "", "Paris") == RZ_DIFFERENT);
    ck_assert(compare("casefold", "Pari", "Paris") == RZ_DIFFERENT);
    ck_assert(compare("casefold", "Paris.", "Paris") == RZ_DIFFERENT);
    ck_assert(compare("casefold", ".*", "Paris") == RZ_DIFFERENT);
    ck_assert(compare("casefold", "a\xF4\x8F\xBF\xBF" "a\xF4\x8F\xBF\xBF" "a", "a") == RZ_DIFFERENT);
    ck_assert(compare("int", "42", "forty-two") == RZ_GOLD_UNREADABLE);
}
END_TEST

START_TEST(normalisers)
{
    static const struct { const char *name, *from, *to; } rows[] = {
        {"trim", " \r\n a b\t", "a b"}, {"trim", " ", ""}, {"collapse_spaces", "a \r\n b\t", "a b "}, {"number: us", "1,234", "1234"},
        {"number: us", "-1,234,567.5", "-1234567.5"}, {"number: us", "$12,345", "$12345"}, {"number: us", "12,34", "12,34"},
        {"number: us", "1234,567", "1234,567"}, {"number: us", "1,234,5", "1,234,5"}, {"number: us", "1,2345", "1,2345"},
        {"number: us", ",123", ",123"},
        {"number: us", "1,234 apples", "1,234 apples"}, {"number: us", "1", "1"}, {"currency: drop", "$42", "42"}, {"currency: drop", "-$42", "-42"},
        {"currency: drop", "\\$42", "42"}, {"currency: drop", "\u20ac42", "42"}, {"currency: drop", "42$", "42$"}, {"currency: drop", "", ""},
        {"minus: unicode", "\u22127", "-7"}, {"minus: unicode", "7\u2212", "7\u2212"}, {"final_dot: drop", "42.", "42"},
        {"final_dot: drop", ".", "."},
        {"final_dot: drop", "a..", "a.."}, {"final_dot: drop", "", ""},
        {"lower", "PaRIS \u00c9", "paris \u00e9"}, {"percent: drop", "50%", "50"}, {"percent: drop", "50 \\%", "50"}, {"percent: drop", "%", ""},
        {"percent: drop", "50% off", "50% off"}, {"unit: drop", "12 apples", "12"}, {"unit: drop", "5cm", "5"}, {"unit: drop", "-1,234.5 \\text{ cm }.", "-1,234.5"},
        {"unit: drop", "1/2 cup", "1/2"}, {"unit: drop", "36 or 37", "36 or 37"}, {"unit: drop", "5 thousand", "5 thousand"}, {"unit: drop", "5 Million", "5 Million"},
        {"unit: drop", "36 red apples", "36 red apples"}, {"unit: drop", "36", "36"}, {"unit: drop", "apples", "apples"}, {"unit: drop", "3e5", "3e5"},
        {"unit: drop", "5 squared", "5 squared"}, {"unit: drop", "", ""}, {"unit: drop", "$5 each", "$5"}, {"unit: drop", "5!", "5!"}, {"unit: drop", "2x", "2x"},
        {"markdown: drop", "**42**", "42"}, {"markdown: drop", " `x` ", "x"}, {"markdown: drop", "**a", "**a"}, {"markdown: drop", "**", "**"},
        {"quotes: drop", "\"42\"", "42"}, {"quotes: drop", "\u201c42\u201d", "42"}, {"quotes: drop", "it's", "it's"},
        {"brackets: drop", "(B)", "B"}, {"brackets: drop", "[ B ]", "B"}, {"brackets: drop", "B)", "B"}, {"brackets: drop", "f(x)", "f(x)"}, {"brackets: drop", ")", ")"},
        {"strip_latex_wrappers", "$42$", "42"}, {"strip_latex_wrappers", "\\(42\\)", "42"}, {"strip_latex_wrappers", "$$ \\text{Paris} $$", "Paris"},
        {"strip_latex_wrappers", "\\boxed{\\frac{1}{2}}", "\\frac{1}{2}"}, {"strip_latex_wrappers", "$1$ or $2$", "$1$ or $2$"},
        {"strip_latex_wrappers", "\\text{a} \\text{b}", "\\text{a} \\text{b}"}, {"strip_latex_wrappers", "\\text{a", "\\text{a"},
        {"strip_latex_wrappers", "\\textit x", "\\textit x"}, {"strip_latex_wrappers", "\\displaystyle 3", "3"}, {"strip_latex_wrappers", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const rz_normaliser *step = rz_normaliser_find(rows[i].name);
        ck_assert_msg(step != NULL, "%s", rows[i].name);
        rz_slice got = step->apply(&scratch, (rz_slice){rows[i].from, strlen(rows[i].from)});
        ck_assert_msg(got.len == strlen(rows[i].to) && memcmp(got.s, rows[i].to, got.len) == 0, "%s: '%s' became '%.*s'", rows[i].name, rows[i].from,
                      (int)got.len, got.s);
    }
}
END_TEST

/* Patterns out of the data of endless problems do not pile up, and the worker's own outlives them. */
START_TEST(kept_patterns_are_bounded)
{
    int most = 0;
    for (int i = 0; i < 5000; i++) {
        char text[32];
        rz_span span;
        rz_env_trim(&env);
        snprintf(text, sizeof text, "word%d", i);
        ck_assert_int_eq(rz_env_search(&env, text, 0, (rz_slice){text, strlen(text)}, 0, &span, 1), RZ_MATCH);
        most = env.n_patterns > most ? env.n_patterns : most;
    }
    ck_assert_msg(most > 100 && most < 2000, "%d", most);
    ck_assert_int_eq(compare("casefold", "STRASSE", "strasse"), RZ_EQUAL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("compare");
    TCase *t = tcase_create("compare");
    tcase_add_checked_fixture(t, env_open, env_close);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, numbers_as_python_compares_them);
    tcase_add_test(t, parts_and_degrees);
    tcase_add_test(t, near_and_rounded_are_what_integers_say);
    tcase_add_test(t, the_longest_answers);
    tcase_add_test(t, texts_compare);
    tcase_add_test(t, normalisers);
    tcase_add_test(t, kept_patterns_are_bounded);
    suite_add_tcase(s, t);
    return run_suite(s);
}
