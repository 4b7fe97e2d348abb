/* Rules on any text: a second judge, damage, the longest texts. */
#include "base/rng.h"
#include "tests/rules_suite.h"

/* A rule of every kind, on views of every sort. */
static const char every_kind[] =
    "version: 1\n"
    "views: {final: {after: '</think>', pick: last}, head: {before: '<answer>', pick: first, on_missing: all}, inner: {tag: answer, pick: last}}\n"
    "rules:\n"
    "  format: {tags: [think, answer], min_words: {think: 2}}\n"
    "  shape: {match: '\\s*<think>(.*?)</think>\\s*<answer>(?<ans>[^<]*)</answer>\\s*', flags: s}\n"
    "  search: {match: '(\\d+) = (\\d+)', anywhere: true}\n"
    "  nested: {match: '((a|aa)+)+b', anywhere: true, flags: iu}\n"
    "  same: {extract: {from: shape, group: ans}, compare: casefold}\n"
    "  number: {extract: {from: last_number}, view: final, normalise: [trim, 'number: us', 'currency: drop', 'minus: unicode', 'final_dot: drop'],"
    " compare: decimal}\n"
    "  regex: {extract: {regex: '(\\d+)\\s*=\\s*(\\S+)', group: 2, pick: last}, normalise: [trim, collapse_spaces], compare: rational}\n"
    "  text: {view: inner, extract: {from: view}, compare: string}\n"
    "  expr: {kind: expr_uses_numbers, extract: {tag: answer, pick: first}, requires: [format]}\n"
    "  box: {extract: {from: boxed, pick: all}, compare: {kind: set, of: decimal}}\n"
    "  code: {extract: {from: code, pick: last}, compare: {kind: f1, threshold: 0.9}}\n"
    "  mark: {extract: {after: '1', before: '(', pick: last}, compare: {kind: interval}}\n"
    "  line: {extract: {from: last_line}, compare: edit_distance}\n"
    "  steps: {count: '[^\\n]+\\n', view: head, each: 0.01, max: 20}\n"
    "  overlong: {kind: soft_overlong, unit: tokens, max: 100, cache: 50}\n"
    "  bonus: {constant: 0.5}\n"
    "accuracy: expr\nformat: format\ncombine: {clamp: [-3, 9]}\n";

/* A judge of Countdown completions written again, with doubles and recursion, for texts of ASCII without NUL. */
typedef struct { const char *s, *end; int used[100]; bool bad; } oracle;

static double oracle_sum(oracle *o);

static void oracle_space(oracle *o)
{
    while (o->s < o->end && strchr(" \t\r\n", *o->s)) o->s++;
}

static double oracle_value(oracle *o)
{
    oracle_space(o);
    if (o->s < o->end && *o->s == '(') {
        o->s++;
        double v = oracle_sum(o);
        oracle_space(o);
        if (o->s == o->end || *o->s++ != ')') o->bad = true;
        return v;
    }
    size_t n = 0;
    int v = 0;
    while (o->s + n < o->end && o->s[n] >= '0' && o->s[n] <= '9' && n < 4) v = v * 10 + o->s[n++] - '0';
    if (n < 1 || v > 99 || (n > 1 && *o->s == '0')) {
        o->bad = true;
        o->s = o->end;
        return 0;
    }
    o->s += n;
    o->used[v]++;
    return v;
}

static double oracle_product(oracle *o)
{
    double v = oracle_value(o);
    for (oracle_space(o); o->s < o->end && (*o->s == '*' || *o->s == '/'); oracle_space(o)) {
        bool times = *o->s++ == '*';
        double b = oracle_value(o);
        if (!times && b == 0) o->bad = true;
        v = times ? v * b : v / b;
    }
    return v;
}

static double oracle_sum(oracle *o)
{
    double v = oracle_product(o);
    for (oracle_space(o); o->s < o->end && (*o->s == '+' || *o->s == '-'); oracle_space(o)) {
        bool plus = *o->s++ == '+';
        double b = oracle_product(o);
        v = plus ? v + b : v - b;
    }
    return v;
}

static bool blank(const char *s, const char *end)
{
    while (s < end && (*s == ' ' || (*s >= '\t' && *s <= '\r'))) s++;
    return s == end;
}

static bool oracle_right(const char *text, const int *numbers, int n, int target)
{
    static const char *const tags[] = {"<think>", "</think>", "<answer>", "</answer>"};
    const char *at[4], *after = text;
    for (int i = 0; i < 4; i++) {
        at[i] = strstr(text, tags[i]);
        if (!at[i] || strstr(at[i] + 1, tags[i]) || at[i] < after) return false;
        if (i % 2 == 0 && !blank(after, at[i])) return false;
        after = at[i] + strlen(tags[i]);
    }
    bool thought = false;
    for (const char *s = at[0] + 7; s < at[1]; s++) thought |= *s > ' ' && *s < 127;
    if (!thought || !blank(after, text + strlen(text))) return false;
    oracle o = {.s = at[2] + 8, .end = at[3]};
    double v = oracle_sum(&o);
    for (int i = 0; i < n; i++) o.used[numbers[i]]--;
    for (int i = 0; i < 100; i++)
        if (o.used[i]) return false;
    return !o.bad && o.s == o.end && fabs(v - target) < 1e-9;
}

static const char *const fragments[] = {"<think>", "</think>", "<answer>", "</answer>", " ", "\n", "\r\n", "3", "5", "4", "8", "32", "(",
    ")", "+", "-",
    "*", "/", "**", "//", "=", ".", "-3", "( 3 + 5 ) * 4", "4*(5+3)", "word", "<", ">", "</", "0", "33", "\t"};
enum { N_FRAGMENTS = sizeof fragments / sizeof *fragments };

/* Replaces up to 12 bytes somewhere by nothing, a fragment, or another part of the text. text has room for 1 kB more than it needs. */
static size_t mutate(rz_stream *rng, char *text, size_t len)
{
    char piece[64] = "";
    size_t at = rz_stream_below(rng, (uint32_t)len + 1), cut = rz_stream_below(rng, 4) ? 0 : rz_stream_below(rng, 13), n = 0;
    if (cut > len - at) cut = len - at;
    uint32_t way = rz_stream_below(rng, 3);
    if (way == 0) n = (size_t)snprintf(piece, sizeof piece, "%s", fragments[rz_stream_below(rng, N_FRAGMENTS)]);
    if (way == 1 && len) {
        size_t from = rz_stream_below(rng, (uint32_t)len);
        n = rz_stream_below(rng, 40);
        if (n > len - from) n = len - from;
        memcpy(piece, text + from, n);
    }
    memmove(text + at + n, text + at + cut, len - at - cut);
    memcpy(text + at, piece, n);
    return len - cut + n;
}

START_TEST(mutated_completions_are_judged_as_a_second_judge_does)
{
    static const char *const seeds[] = {"<think> 3 + 5 = 8 , 8 * 4 = 32 yes </think> <answer> ( 3 + 5 ) * 4 </answer>",
                                        "<think>a</think><answer>4*(3+5)</answer>", "\n<think>\nx\n</think>\n<answer>\n(5+3)*4\n</answer>\n"};
    static const int numbers[] = {3, 5, 4};
    rz_rules *r = rules_of("configs/rules/countdown.yaml");
    rz_rules_worker *w = worker_of(r);
    rz_stream rng;
    rz_stream_init(&rng, 1, RZ_RNG_TEST, 1);
    int right = 0, wrong = 0;
    for (int i = 0; i < 30000; i++) {
        char text[4096];
        size_t len = strlen(strcpy(text, seeds[rz_stream_below(&rng, 3)]));
        for (uint32_t k = rz_stream_below(&rng, 5); k > 0; k--) len = mutate(&rng, text, len);
        text[len] = 0;
        rz_sample s = {.completion = text, .completion_len = len, .meta = "{\"numbers\":[3,5,4],\"target\":32}", .n_tokens = -1};
        rz_score got;
        rz_rules_score(w, &s, &got);
        bool want = oracle_right(text, numbers, 3, 32);
        ck_assert_msg(got.correct == want && got.n_errors == 0 && (got.score > 1) == want, "'%s': correct %d, score %g, second judge %d", text,
                      got.correct, got.score, want);
        *(want ? &right : &wrong) += 1;
    }
    ck_assert_msg(right > 3000 && wrong > 3000, "%d right, %d wrong: the mutations test nothing", right, wrong);
    rz_rules_worker_destroy(w);
    rz_rules_destroy(r);
}
END_TEST

START_TEST(random_bytes_never_score_and_never_break)
{
    static const char good[] = "<think> 3 + 5 = 8 </think> <answer> ( 3 + 5 ) * 4 </answer>";
    rz_rules *r[] = {rules_of("configs/rules/countdown.yaml"), rules_of("configs/rules/example-numeric.yaml"), rules_of(every_kind)};
    rz_rules_worker *w[3];
    rz_stream rng;
    rz_stream_init(&rng, 1, RZ_RNG_TEST, 2);
    for (int i = 0; i < 3; i++) w[i] = worker_of(r[i]);
    for (int i = 0; i < 4000; i++) {
        char text[512];
        size_t len = rz_stream_below(&rng, 300);
        for (size_t k = 0; k < len; k++) text[k] = (char)rz_stream_u32(&rng);
        if (i % 2) { /* the good text, some bytes of it overwritten */
            len = sizeof good - 1;
            memcpy(text, good, len);
            for (uint32_t k = rz_stream_below(&rng, 3); k < 3; k++) text[rz_stream_below(&rng, (uint32_t)len)] = (char)rz_stream_u32(&rng);
        }
        rz_sample s = {.completion = text, .completion_len = len, .answer = i % 3 ? "32" : NULL, .n_tokens = (int)(i % 200) - 1,
            .truncated = i % 5 == 0,
                       .meta = i % 7 == 0 ? NULL : i % 7 == 1 ? "[1" : i % 7 == 2 ? "{}" : "{\"numbers\":[3,5,4],\"target\":33}"};
        for (int k = 0; k < 3; k++) {
            rz_score got;
            rz_rules_score(w[k], &s, &got);
            check_sane(r[k], &got, len);
            ck_assert(!got.correct);
        }
    }
    for (int i = 0; i < 3; i++) {
        rz_rules_worker_destroy(w[i]);
        rz_rules_destroy(r[i]);
    }
}
END_TEST

START_TEST(damaged_rule_files_are_refused_or_work)
{
    static const char completion[] = "<think> a b </think> <answer> 3 = 4 </answer>";
    rz_stream rng;
    rz_stream_init(&rng, 1, RZ_RNG_TEST, 3);
    int refused = 0, loaded = 0;
    for (int i = 0; i < 300; i++) {
        char text[8192];
        size_t len = strlen(strcpy(text, every_kind));
        for (uint32_t k = rz_stream_below(&rng, 3); k < 3; k++) len = mutate(&rng, text, len);
        rz_rules *r;
        rz_err err;
        if (!rz_rules_parse(&r, "damaged.yaml", text, len, &err)) {
            ck_assert_msg(err.code == RZ_ECONFIG && strncmp(err.text, "damaged.yaml:", 13) == 0, "%s", err.text);
            refused++;
            continue;
        }
        rz_rules_worker *w = worker_of(r);
        rz_sample s = {.completion = completion, .completion_len = strlen(completion), .answer = "32"};
        rz_score got;
        rz_rules_score(w, &s, &got);
        check_sane(r, &got, strlen(completion));
        loaded++;
        rz_rules_worker_destroy(w);
        rz_rules_destroy(r);
    }
    ck_assert_msg(refused > 30 && loaded > 10, "%d refused, %d loaded: the damage tests nothing", refused, loaded);
}
END_TEST

/* One unit over and over, up to the longest text and up to the longest that patterns read: the time limit of the test is what a hang would meet. */
START_TEST(the_longest_texts_are_judged)
{
    static const char *const units[] = {"a", "<", "<answer>", "</answer>", "<think></think>", "(", "1+", "1 = 1\n", "\xff", "\xc3\xa9", "</think>-",
                                        "<think>a</think><answer>1</answer>", "1,234.5e6/7 ", "\\boxed{", "\\boxed{1}", "```\n"};
    size_t n = strlen(units[_i / 2]), len = (_i % 2 ? (size_t)64 << 10 : _i < 8 ? (size_t)4 << 20 : (size_t)1 << 20) / n * n;
    snprintf(where, sizeof where, "%zu bytes of '%s'", len, units[_i / 2]);
    char *text = malloc(len + 1);
    for (size_t i = 0; i < len; i += n) memcpy(text + i, units[_i / 2], n);
    rz_rules *r = rules_of(every_kind);
    rz_rules_worker *w = worker_of(r);
    rz_sample s = {.completion = text, .completion_len = len, .answer = "32", .meta = "{\"numbers\":[3,5,4],\"target\":32}", .n_tokens = 1};
    rz_score got;
    rz_rules_score(w, &s, &got);
    check_sane(r, &got, len);
    ck_assert(!got.correct && !got.format_ok);
    free(text);
    rz_rules_worker_destroy(w);
    rz_rules_destroy(r);
}
END_TEST

START_TEST(bytes_that_are_no_text_are_errors)
{
    enum { N = 100001 };
    static char text[N];
    memset(text, 0xFF, N);
    rz_rules *r = rules_of("configs/rules/countdown.yaml");
    rz_rules_worker *w = worker_of(r);
    rz_sample s = {.completion = text, .completion_len = N, .meta = "{\"numbers\":[3,5,4],\"target\":32}", .n_tokens = 1};
    rz_score got;
    rz_rules_score(w, &s, &got);
    ck_assert_int_eq(got.n_errors, 2);
    ck_assert_ptr_nonnull(strstr(got.parts[0].reason, "no UTF-8"));
    rz_rules_worker_destroy(w);
    rz_rules_destroy(r);
}
END_TEST

START_TEST(longer_texts_are_errors)
{
    size_t len = ((size_t)4 << 20) + 1;
    char *text = calloc(len, 1);
    rz_rules *r = rules_of("configs/rules/countdown.yaml");
    rz_rules_worker *w = worker_of(r);
    rz_sample s = {.completion = text, .completion_len = len, .meta = "{\"numbers\":[3,5,4],\"target\":32}", .n_tokens = 1};
    rz_score got;
    rz_rules_score(w, &s, &got);
    ck_assert_int_eq(got.n_errors, 2);
    ck_assert(got.score == 0);
    ck_assert_ptr_nonnull(strstr(got.parts[0].reason, "4194305 bytes"));
    free(text);
    rz_rules_worker_destroy(w);
    rz_rules_destroy(r);
}
END_TEST

/* What bench/rules_worst.py finds to be dearest, by the work that is counted: a rule's share of it is known before it begins or as it goes. */
START_TEST(the_worst_texts_stay_within_the_work)
{
    static const struct { const char *rules, *head, *unit; int times; const char *tail, *answer; int errors; } cases[] = {
        {"version: 1\nrules:\n  a: {preset: 'ifeval/language:response_language', language: de}\n", "", "x ", 20000, "", NULL, 0},
        {"math-verify/verify", "", "$1$ ", 16000, "", "$2$", 0},
        {"prm800k/grade_answer", "", "x^", 8000, "", "x", 0},
        {"verl/prime_math", "answer is (", "\\sin(7)+1,", 60, "1)", "(1)", 0},
        {"open-r1/repetition", "", "a b c ", 30000, "", NULL, 0},
        {"open-r1/repetition", "", "a b c ", 300000, "", NULL, 1},
        {"strict/math", "<think>a</think>\\boxed{", "\\sqrt{", 9000, "2", "2", 0},
        {"strict/math", "<think>a</think>\\boxed{", "9^{", 3000, "9", "2", 0},
        {"version: 1\nrules:\n  a: {count: '(a|aa)+!', each: 1, max: 9}\n", "", "a", 9000, "b!", NULL, 1},
        {"version: 1\nrules:\n  a: {extract: {from: view}, compare: edit_distance}\n", "", "ab", 500, "", "ba", 0},
        {"version: 1\nviews: {v: {tag: a}, w: {tag: b}}\nrules:\n  a: {view: w, extract: {from: last_number}, compare: int}\n", "", "<", 4 << 20, "", "7", 1},
        {"version: 1\nrules:\n  a: {extract: {tag: answer}, compare: int}\n", "", "\xff", 100000, "", "7", 0},
    };
    snprintf(where, sizeof where, "%s, '%s' %d times", cases[_i].rules, cases[_i].unit, cases[_i].times);
    size_t head = strlen(cases[_i].head), n = strlen(cases[_i].unit), len = head + n * (size_t)cases[_i].times;
    if (len > (size_t)4 << 20) len = (size_t)4 << 20;
    char *text = malloc(len + strlen(cases[_i].tail) + 1);
    memcpy(text, cases[_i].head, head);
    for (size_t i = head; i < len; i++) text[i] = cases[_i].unit[(i - head) % n];
    strcpy(text + len, cases[_i].tail);
    rz_rules *r = rules_of(cases[_i].rules);
    rz_rules_worker *w = worker_of(r);
    rz_sample s = {.completion = text, .completion_len = strlen(text), .answer = cases[_i].answer, .n_tokens = 1}, other = {.completion = "<answer>1</answer>", .completion_len = 18, .answer = "7"};
    rz_score got;
    int64_t work = 0;
    char *first = NULL;
    for (int pass = 0; pass < 2; pass++) { /* the second time after another text, on a worker that has its patterns */
        rz_rules_score(w, &s, &got);
        check_sane(r, &got, s.completion_len);
        ck_assert_msg(got.work > 0 && got.work <= 20000000 && got.n_errors == cases[_i].errors, "%s: %lld units, %d errors: %s", where, (long long)got.work, got.n_errors,
                      got.parts[0].reason);
        ck_assert_msg(!got.n_errors || strstr(got.parts[0].reason, "units"), "%s: %s", where, got.parts[0].reason);
        char *told = rz_score_explain(r, &got);
        if (pass) {
            ck_assert_str_eq(told, first);
            ck_assert_int_eq(got.work, work);
            free(told);
        } else {
            first = told;
            work = got.work;
            rz_rules_score(w, &other, &got);
        }
    }
    free(first);
    free(text);
    rz_rules_worker_destroy(w);
    rz_rules_destroy(r);
}
END_TEST

/* A rule that costs more than is left has an error; one behind it that costs less has none. */
START_TEST(rules_share_the_work)
{
    static const char rules[] = "version: 1\nrules:\n  a: {preset: open-r1/repetition}\n  b: {preset: open-r1/repetition, ngram_size: 4}\n  c: {preset: open-r1/tag_count}\n"
                                "  d: {extract: {from: last_number}, compare: int}\n";
    size_t len = 150000;
    char *text = malloc(len);
    for (size_t i = 0; i < len; i++) text[i] = i % 2 ? ' ' : 'a';
    rz_rules *r = rules_of(rules);
    rz_rules_worker *w = worker_of(r);
    rz_sample s = {.completion = text, .completion_len = len, .answer = "7", .n_tokens = 1};
    rz_score got;
    rz_rules_score(w, &s, &got);
    ck_assert_int_eq(got.n_errors, 1);
    ck_assert_int_eq(got.parts[1].state, RZ_PART_ERROR);
    ck_assert_ptr_nonnull(strstr(got.parts[1].reason, "units of work, of which 20000000 are for all rules of a completion"));
    free(text);
    rz_rules_worker_destroy(w);
    rz_rules_destroy(r);
}
END_TEST

/* Rules that compare mathematics share an allowance of their own, in the order in which they stand; others are judged behind them. */
START_TEST(mathematics_has_one_allowance)
{
    static const char rules[] = "version: 1\nrules:\n  a: {extract: {from: view}, compare: math}\n  b: {extract: {from: view}, compare: {kind: set, of: math}, score: {fail: -1}}\n"
                                "  c: {preset: open-r1/accuracy}\n  d: {extract: {from: last_number}, compare: int}\n  e: {preset: open-r1/len}\n  f: {extract: {from: view}, compare: string}\n";
    enum { LEN = 60000 };
    char *text = malloc(LEN);
    for (size_t i = 0; i < LEN; i++) text[i] = "7+"[i % 2];
    text[LEN - 2] = ' ', text[LEN - 1] = '7';
    rz_rules *r = rules_of(rules);
    rz_rules_worker *w = worker_of(r);
    rz_sample s[2] = {{.completion = text, .completion_len = LEN, .answer = "7", .n_tokens = 1}, {.completion = "\\boxed{7}", .completion_len = 9, .answer = "7", .n_tokens = 1}};
    rz_score got[2];
    rz_rules_score_group(w, s, 2, got);
    const rz_part *p = got[0].parts;
    ck_assert_int_eq(p[0].state, RZ_PART_SCORED);
    ck_assert_int_eq(p[1].state, RZ_PART_ERROR);
    ck_assert_str_eq(p[1].reason, "it goes over the 8,000,000 units of work that all rules of a completion which compare mathematics have together: give it a smaller view");
    ck_assert_double_eq(p[1].points, -1); /* no cheaper than failing */
    ck_assert_int_eq(p[2].state, RZ_PART_ERROR);
    ck_assert_ptr_nonnull(strstr(p[2].reason, "units of work, of which 8000000 are for all rules of a completion which compare mathematics and 0 are left"));
    ck_assert_int_eq(p[4].state, RZ_PART_ERROR);
    ck_assert(p[3].state == RZ_PART_SCORED && p[3].points == 1 && p[5].state == RZ_PART_SCORED);
    ck_assert_int_eq(got[0].n_errors, 3);
    ck_assert_int_eq(got[1].n_errors, 0); /* the other of the group has what is its own */
    free(text);
    rz_rules_worker_destroy(w);
    rz_rules_destroy(r);
}
END_TEST

/* Nothing of one completion may leak into the next. */
START_TEST(a_score_does_not_depend_on_what_was_scored_before)
{
    static const char *const texts[] = {"<think> a b </think> <answer> 32 </answer>", "", "nothing 3 = 4",
        "<think> a b </think>\xff<answer> 32 </answer>",
                                        "<think> a b </think> <answer>( 3 + 5 ) * 4</answer>"};
    enum { N = sizeof texts / sizeof *texts };
    char *first[N];
    rz_rules *r = rules_of(every_kind);
    for (int pass = 0; pass < 2; pass++) {
        rz_rules_worker *old = worker_of(r);
        for (int i = 0; i < N; i++) {
            int k = pass ? N - 1 - i : i;
            rz_rules_worker *w = pass ? old : worker_of(r);
            rz_sample s = {.completion = texts[k], .completion_len = strlen(texts[k]), .answer = "32", .meta = "{\"numbers\":[3,5,4],\"target\":32}"};
            rz_score got;
            rz_rules_score(w, &s, &got);
            char *text = rz_score_explain(r, &got);
            if (!pass) {
                first[k] = text;
                rz_rules_worker_destroy(w);
                continue;
            }
            ck_assert_str_eq(text, first[k]);
            free(text);
            free(first[k]);
        }
        rz_rules_worker_destroy(old);
    }
    rz_rules_destroy(r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rules_texts");
    TCase *any = tcase_create("any text");
    tcase_set_timeout(any, 120);
    tcase_add_test(any, mutated_completions_are_judged_as_a_second_judge_does);
    tcase_add_test(any, random_bytes_never_score_and_never_break);
    tcase_add_test(any, damaged_rule_files_are_refused_or_work);
    tcase_add_loop_test(any, the_longest_texts_are_judged, 0, 32);
    tcase_add_loop_test(any, the_worst_texts_stay_within_the_work, 0, 12);
    tcase_add_test(any, rules_share_the_work);
    tcase_add_test(any, mathematics_has_one_allowance);
    tcase_add_test(any, longer_texts_are_errors);
    tcase_add_test(any, bytes_that_are_no_text_are_errors);
    tcase_add_test(any, a_score_does_not_depend_on_what_was_scored_before);
    suite_add_tcase(s, any);
    return run_suite(s);
}
