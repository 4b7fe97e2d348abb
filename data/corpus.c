/* The grammar of docs/corpus.md. */
#include "data/countdown.h"
#include "data/derivation.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DRAWS_OF_AN_ATTEMPT = 8 };

typedef struct {
    char *bytes;
    size_t used, capacity;
} text;

typedef struct {
    const rz_countdown_options *o;
    const rz_corpus_options *c;
    rz_stream s;
    text out;
} writer;

/* Appends words, a space before them unless they are the first. */
__attribute__((format(printf, 2, 3))) static void put(text *t, const char *fmt, ...)
{
    char words[RZ_EXPRESSION_SIZE + 64];
    va_list args;
    va_start(args, fmt);
    size_t len = (size_t)vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    if (len == 0) return;
    if (t->used + len + 2 > t->capacity) {
        t->capacity = 2 * (t->used + len + 2);
        t->bytes = rz_realloc(t->bytes, t->capacity);
    }
    if (t->used) t->bytes[t->used++] = ' ';
    memcpy(t->bytes + t->used, words, len + 1);
    t->used += len;
}

static int64_t count_words(const text *t)
{
    int64_t n = t->used > 0;
    for (size_t i = 0; i < t->used; i++) n += t->bytes[i] == ' ';
    return n;
}

static bool chance(writer *w, double p) { return rz_stream_unit(&w->s) < p; }

static int near_miss(writer *w, int value, int min, int max)
{
    static const int steps[6] = {-10, -2, -1, 1, 2, 10};
    int x = value + steps[rz_stream_below(&w->s, 6)];
    return x < min ? min : x > max ? max : x;
}

/* Another number than the right one that the vocabulary of numbers (0 … 99, or up to max_value) holds. */
static int wrong_result(writer *w, int right)
{
    int max = w->o->max_value > 99 ? (int)w->o->max_value : 99, x = right;
    while (x == right) x = near_miss(w, right, 0, max);
    return x;
}

static void put_equation(writer *w, rz_equation e, bool first)
{
    int result = chance(w, w->c->wrong_result) ? wrong_result(w, e.result) : e.result;
    put(&w->out, "%s%d %c %d = %d", first ? "" : ", ", e.a, e.op, e.b, result);
}

/* 3–10 arithmetic facts, always right: 28 + 14 = 42 , 48 - 11 = 37 . */
static void write_facts(writer *w)
{
    int max = (int)w->o->max_value, factor = 3 * (int)w->o->max_input / 2;
    if (factor > max) factor = max;
    for (int i = 0, n = rz_stream_range(&w->s, 3, 10); i < n; i++) {
        int a, b, r;
        char op;
        do {
            a = rz_stream_range(&w->s, 1, max);
            op = "+-*/"[rz_stream_below(&w->s, 4)];
            b = rz_stream_range(&w->s, 1, op == '*' || op == '/' ? factor : max);
            if (op == '/') a *= b;
            r = a <= max ? rz_derivation_value(a, op, b, max) : 0;
        } while (r == 0);
        put(&w->out, "%s%d %c %d = %d", i ? ", " : "", a, op, b, r);
    }
    put(&w->out, ".");
}

static double self_check_probability(writer *w) { return (const double[]){0, .5, 1}[rz_stream_below(&w->s, 3)]; }

/* Numbers compared with a target: target 46 ? 13 vs 46 off 33 no 46 vs 46 off 0 yes . */
static void write_guesses(writer *w)
{
    int max = (int)w->o->max_value, target = rz_stream_range(&w->s, 1, max);
    double hit = (const double[]){.1, .3, .5}[rz_stream_below(&w->s, 3)], self_check = self_check_probability(w);
    put(&w->out, "target %d ?", target);
    for (int i = 0, n = rz_stream_range(&w->s, 3, 9); i < n; i++) {
        int x = target;
        if (!chance(w, hit)) x = chance(w, .7) ? rz_stream_range(&w->s, 1, max) : near_miss(w, target, 1, max);
        put(&w->out, "%d", x);
        if (chance(w, self_check)) put(&w->out, "vs %d off %d", target, abs(x - target));
        put(&w->out, x == target ? "yes" : "no");
    }
    put(&w->out, ".");
}

static void derive(writer *w, const rz_countdown *p, bool goal_aware, rz_derivation *d, rz_equation steps[RZ_COUNTDOWN_MAX_NUMBERS - 1])
{
    int max = (int)w->o->max_value;
    rz_derivation_init(d, p->numbers, p->n);
    for (int i = 0; d->n_live > 1; i++) {
        bool aim = d->n_live == 2 && goal_aware && chance(w, .85);
        steps[i] = aim ? rz_derivation_nearest(d, max, p->target, &w->s) : rz_derivation_random(d, max, &w->s);
    }
}

/* Numbers combined without a target: numbers 7 8 3 ? 3 + 8 = 11 , 11 - 7 = 4 . */
static void write_aimless(writer *w)
{
    rz_countdown p;
    rz_derivation d;
    rz_equation steps[RZ_COUNTDOWN_MAX_NUMBERS - 1];
    rz_countdown_draw_next(w->o, RZ_TRAIN, &w->s, &p);
    put(&w->out, "numbers");
    for (int i = 0; i < p.n; i++) put(&w->out, "%d", p.numbers[i]);
    put(&w->out, "?");
    derive(w, &p, false, &d, steps);
    for (int i = 0; i < p.n - 1; i++) put_equation(w, steps[i], i == 0);
    put(&w->out, ".");
}

typedef char expression[RZ_EXPRESSION_SIZE];

static bool is_among(const expression *seen, int64_t n, const char *e)
{
    for (int64_t i = 0; i < n; i++) {
        if (strcmp(seen[i], e) == 0) return true;
    }
    return false;
}

/* A search: attempts, each with its verdict, until one is said to reach the target or the writer stops. last: the last attempt's expression. */
static void write_trace(writer *w, const rz_countdown *p, expression last)
{
    const rz_corpus_options *c = w->c;
    double go_on = (const double[]){.2, .5, .8, .9}[rz_stream_below(&w->s, 4)], self_check = self_check_probability(w);
    bool goal_aware = chance(w, c->goal_aware);
    expression *seen = NULL;
    for (int64_t n = 0;;) {
        rz_derivation d;
        rz_equation steps[RZ_COUNTDOWN_MAX_NUMBERS - 1];
        int draws = 0;
        do {
            derive(w, p, goal_aware, &d, steps);
            rz_derivation_text(&d, last);
        } while (!c->repeat_attempts && is_among(seen, n, last) && ++draws < MAX_DRAWS_OF_AN_ATTEMPT);
        seen = rz_realloc(seen, (size_t)(n + 1) * sizeof *seen);
        memcpy(seen[n++], last, sizeof(expression));

        for (int i = 0; i < p->n - 1; i++) put_equation(w, steps[i], i == 0);
        int result = rz_derivation_result(&d);
        bool checked = chance(w, self_check);
        if (checked) put(&w->out, "vs %d off %d", p->target, abs(result - p->target));
        bool yes = (result == p->target) != chance(w, checked ? c->wrong_verdict : c->wrong_unchecked);
        put(&w->out, yes ? "yes" : "no");
        if ((yes && chance(w, .95)) || n >= c->max_attempts || !chance(w, go_on)) break;
        if (chance(w, c->wait)) put(&w->out, "wait");
    }
    free(seen);
}

/* How a trace W and its last expression E are wrapped, behind the prompt: open W middle E close. */
static const struct {
    unsigned percent;
    const char *open, *middle, *close;
    bool trace, answer;
} wraps[] = {
    {35, "<think>", "</think> <answer>", "</answer>", true, true}, /* the required format */
    {15, "<scratch>", "</scratch> so", ".", true, true},
    {15, "work:", "result:", ".", true, true},
    {10, "", "so", ".", true, true},
    {8, "<think>", "give up", ".", true, false},
    {8, "", "<answer>", "</answer>", false, true}, /* a random expression, without thinking */
    {5, "<think>", "<answer>", ".", true, true},
    {4, "", "", "", true, false},
};

static void write_search(writer *w)
{
    char prompt[96];
    rz_countdown p;
    expression e;
    rz_countdown_draw_next(w->o, RZ_TRAIN, &w->s, &p);
    rz_countdown_prompt(&p, prompt, sizeof prompt);
    unsigned place = rz_stream_below(&w->s, 100), i = 0;
    while (place >= wraps[i].percent) place -= wraps[i++].percent;

    put(&w->out, "%s", prompt);
    put(&w->out, "%s", wraps[i].open);
    if (wraps[i].trace) {
        write_trace(w, &p, e);
    } else {
        rz_derivation d;
        rz_equation steps[RZ_COUNTDOWN_MAX_NUMBERS - 1];
        derive(w, &p, false, &d, steps);
        rz_derivation_text(&d, e);
    }
    put(&w->out, "%s", wraps[i].middle);
    if (wraps[i].answer) put(&w->out, "%s", e);
    put(&w->out, "%s", wraps[i].close);
}

static const struct {
    unsigned percent;
    void (*write)(writer *w);
} kinds[] = {{10, write_facts}, {8, write_guesses}, {8, write_aimless}, {74, write_search}};

char *rz_corpus_document(const rz_countdown_options *o, const rz_corpus_options *c, uint32_t seed, uint64_t index)
{
    writer w = {.o = o, .c = c};
    rz_stream_init(&w.s, seed, RZ_RNG_CORPUS, index);
    do {
        w.out.used = 0;
        unsigned place = rz_stream_below(&w.s, 100), i = 0;
        while (place >= kinds[i].percent) place -= kinds[i++].percent;
        kinds[i].write(&w);
    } while (count_words(&w.out) > c->max_words);
    return w.out.bytes;
}

static bool check_probability(const char *key, double p, rz_err *err)
{
    return (p >= 0 && p <= 1) || rz_fail(err, RZ_ECONFIG, "corpus: %s is %g, must be 0..1", key, p);
}

bool rz_corpus_check(const rz_countdown_options *o, const rz_corpus_options *c, rz_err *err)
{
    enum { LEAST_MAX_WORDS = 64 }; /* ten arithmetic facts have 60: short documents are always to be had */
    if (!rz_countdown_check(o, err)) return false;
    for (int i = 0; i < o->numbers.n; i++) {
        if (rz_countdown_split_size(o, (int)o->numbers.v[i], RZ_TRAIN) == 0) {
            return rz_fail(err, RZ_ECONFIG, "corpus: its problems are of the train split, and no multiset of %" PRId64 " numbers is left for that; "
                           "lower test_share (%g) or validation_share (%g)", o->numbers.v[i], o->test_share, o->validation_share);
        }
    }
    if (c->max_attempts < 1) return rz_fail(err, RZ_ECONFIG, "corpus: max_attempts is %" PRId64 ", must be at least 1", c->max_attempts);
    if (c->max_words < LEAST_MAX_WORDS) {
        return rz_fail(err, RZ_ECONFIG, "corpus: max_words is %" PRId64 ", must be at least %d", c->max_words, LEAST_MAX_WORDS);
    }
    return check_probability("goal_aware", c->goal_aware, err) && check_probability("wrong_result", c->wrong_result, err) &&
           check_probability("wrong_verdict", c->wrong_verdict, err) && check_probability("wrong_unchecked", c->wrong_unchecked, err) &&
           check_probability("wait", c->wait, err);
}
