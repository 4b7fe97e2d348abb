/* The scores of reasoning-gym 0.1.25 (score_answer of thirty of its tasks), bugs included. What a problem needs is what the original's entry holds: `answer`,
 * and some keys of its metadata as meta. A text that is not there (Python's None) has .s NULL; only comparisons with the original know such. */
#include "rewards/gym.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- shared ---- */

void rz_gym_give(const rz_case *c, outcome *o, double points, const char *why)
{
    rz_slice gold = rz_case_gold(c);
    if (c->text.s) {
        rz_show(o->found, sizeof o->found, c->text.s, c->text.len);
        o->span = (rz_span){0, c->text.len};
    }
    if (gold.s) rz_show(o->expected, sizeof o->expected, gold.s, gold.len);
    rz_outcome_scored(o, points == 1, points, "%s", why);
}

bool rz_gym_gold(const rz_case *c, outcome *o, rz_slice *gold)
{
    *gold = rz_case_gold(c);
    if (!gold->s) rz_outcome_gold_error(o, "the problem has no answer (a text) to compare with");
    return gold->s;
}

const json_t *rz_gym_meta(const rz_case *c, outcome *o, const char *key, json_type type)
{
    const json_t *v = json_object_get(c->meta, key);
    if (v && (json_typeof(v) == type || (type == JSON_REAL && json_is_number(v)))) return v;
    rz_outcome_gold_error(o, "meta.%s of the problem is missing, or of another type", key);
    return NULL;
}

bool rz_gym_text(const rz_case *c, outcome *o, double points_of_none, size_t max)
{
    if (!c->text.s || !rz_python_strip(c->text).len) {
        rz_gym_give(c, o, points_of_none, "there is no answer");
        return false;
    }
    if (c->text.len <= max) return true;
    rz_outcome_error(o, "the text is over %zu bytes: give the rule a smaller view", max);
    return false;
}

rz_slice rz_gym_json_text(const json_t *v) { return (rz_slice){json_string_value(v), json_string_length(v)}; }

/* len(gold) / len(text) where the gold is somewhere in the text. */
static void give_share(const rz_case *c, outcome *o, rz_slice text, rz_slice gold)
{
    bool inside = text.len && rz_python_find_slice(text, gold, 0) != SIZE_MAX;
    double points = inside ? (double)rz_python_len(gold) / (double)rz_python_len(text) : 0;
    rz_gym_give(c, o, points, inside ? "the answer's share of the text" : "the answer is not in the text");
}

/* ---- texts ---- */

static void whole_or_share(const rz_case *c, outcome *o)
{
    rz_slice gold;
    if (!rz_gym_gold(c, o, &gold)) return;
    if (c->text.len && rz_python_equal(c->text, gold))
        rz_gym_give(c, o, 1, "the answer");
    else
        give_share(c, o, c->text, gold);
}

static void same_text(const rz_case *c, outcome *o)
{
    rz_slice gold;
    if (!rz_gym_gold(c, o, &gold)) return;
    bool same = c->text.s && rz_python_equal(c->text, gold);
    rz_gym_give(c, o, same, same ? "the answer" : "not the answer");
}

/* The shares of the places are added one by one, so that they round as the original's; a sum of exactly 1 loses 0.2, one that missed it by rounding does not. */
static void spell_backward(const rz_case *c, outcome *o)
{
    rz_slice gold;
    if (!rz_gym_gold(c, o, &gold)) return;
    rz_slice text = rz_python_lower(c->env->scratch, c->text.s ? c->text : (rz_slice){"", 0});
    gold = rz_python_lower(c->env->scratch, gold);
    if (c->text.s && rz_python_equal(text, gold)) {
        rz_gym_give(c, o, 1, "the answer");
        return;
    }
    double points = 0, share = 1 / (double)rz_python_len(gold);
    size_t n, m;
    for (size_t i = 0, j = 0; i < gold.len && j < text.len; i += n, j += m)
        if (rz_python_char(gold, i, &n) == rz_python_char(text, j, &m)) points += share;
    if (points == 1) points -= 0.2;
    rz_gym_give(c, o, points, "the share of characters in their place");
}

/* ---- numbers ---- */

/* What Python's decimal.Decimal(text) makes of it: white space around, underscores anywhere, digits of any script. Infinities and nan, which
 * equal no answer, are no numbers here, nor are exponents of over 18 digits. */
static bool read_decimal(rz_arena *a, rz_slice t, rz_decimal *out)
{
    t = rz_python_strip(t);
    char *s = RZ_NEW(a, t.len + 1, char);
    size_t n = 0, size;
    for (size_t i = 0; i < t.len; i += size) {
        int32_t c = rz_python_char(t, i, &size);
        int digit = rz_python_digit(c);
        if (digit < 0 && c >= 128) return false;
        if (c != '_') s[n++] = digit >= 0 ? (char)('0' + digit) : (char)c;
    }
    char *dot = memchr(s, '.', n); /* "5." and "5.e3" are read as "5" and "5e3" */
    if (dot && dot > s && dot[-1] >= '0' && dot[-1] <= '9' && (dot + 1 == s + n || (dot[1] | 32) == 'e')) memmove(dot, dot + 1,
        (size_t)(s + n-- - dot - 1));
    return rz_decimal_read((rz_slice){s, n}, a, out);
}

static void same_decimal(const rz_case *c, outcome *o)
{
    rz_slice gold;
    rz_decimal x, y;
    if (!rz_gym_gold(c, o, &gold)) return;
    if (!c->text.len) {
        rz_gym_give(c, o, 0, "there is no answer");
        return;
    }
    rz_slice text = rz_python_replace(c->env->scratch, c->text, ",", "");
    gold = rz_python_replace(c->env->scratch, gold, ",", "");
    if (text.len <= MAX_ANSWER && read_decimal(c->env->scratch, text, &x) && read_decimal(c->env->scratch, gold, &y) && rz_decimal_equal(&x, &y))
        rz_gym_give(c, o, 1, "the answer, as a decimal");
    else
        give_share(c, o, text, gold);
}

enum { MAX_PLACES = 12, GOLD_DIGITS = 24 }; /* 10^places × the gold stays below 2^127 */

/* |d| × 10^places without what is behind the point; *rest tells whether there was something. False when it is beyond 10^37. */
static bool scaled(const rz_decimal *d, int64_t places, rz_int128 *out, bool *rest)
{
    *out = 0;
    int64_t n = d->n ? d->exponent + places : 0; /* digits before the point */
    if (n > 37) return false;
    for (int64_t i = 0; i < n; i++) *out = *out * 10 + (i < (int64_t)d->n ? d->digits[i] - '0' : 0);
    *rest = d->n && (int64_t)d->n > n;
    if (d->negative) *out = -*out;
    return true;
}

/* |x − gold| ≤ 10^−places, exactly. */
static bool near(const rz_decimal *x, const rz_decimal *gold, int64_t places)
{
    int64_t behind = (int64_t)gold->n - gold->exponent, scale = behind > places ? behind : places;
    rz_int128 a, b, step = 1;
    bool rest, none;
    if (!scaled(gold, scale, &b, &none) || !scaled(x, scale, &a, &rest)) return false;
    for (int64_t i = places; i < scale; i++) step *= 10;
    rz_int128 low = a - b, high = low; /* the difference lies between, beyond one of them if there is a rest */
    if (rest && x->negative) low--;
    if (rest && !x->negative) high++;
    return low >= -step && high <= step;
}

static void near_decimal(const rz_case *c, outcome *o)
{
    rz_slice gold;
    rz_decimal x, y;
    int64_t places = rz_param_int(c, "max_num_decimal_places");
    if (!rz_gym_gold(c, o, &gold) || !rz_gym_text(c, o, 0, MAX_ANSWER)) return;
    if (!read_decimal(c->env->scratch, gold, &y) || y.n > GOLD_DIGITS || y.exponent > GOLD_DIGITS || y.exponent < -GOLD_DIGITS / 2) {
        rz_outcome_gold_error(o, "the answer of the problem is no decimal of at most %d digits", GOLD_DIGITS);
        return;
    }
    bool good = read_decimal(c->env->scratch, c->text, &x) && near(&x, &y, places);
    rz_gym_give(c, o, good, good ? "within one unit of the last place" : "no number, or another one");
}

static bool check_places(const json_t *p, rz_err *err)
{
    json_int_t n = json_integer_value(json_object_get(p, "max_num_decimal_places"));
    return (n >= 0 && n <= MAX_PLACES) || rz_fail(err, RZ_ECONFIG, "max_num_decimal_places is %lld, must be 0..%d", (long long)n, MAX_PLACES);
}

static void number_format(const rz_case *c, outcome *o)
{
    const json_t *solution = rz_gym_meta(c, o, "solution", JSON_REAL);
    double x;
    if (!solution || !rz_gym_text(c, o, 0, MAX_ANSWER)) return;
    bool good = rz_python_float(c->env->scratch, rz_python_replace(c->env->scratch, rz_python_strip(c->text), ",", ""), &x) &&
                fabs(x - json_number_value(solution)) < 1e-2;
    rz_gym_give(c, o, good, good ? "within 0.01 of the number" : "no number, or another one");
}

/* The first number of the text: \b-?\d+(?:\.\d+)?\b, without its needless ways back. */
static void gsm_symbolic(const rz_case *c, outcome *o)
{
    static const char first_number[] = RZ_PYTHON_EDGE "-?\\p{Nd}++(?:\\.\\p{Nd}++" RZ_PYTHON_EDGE "|" RZ_PYTHON_EDGE ")";
    rz_slice gold;
    rz_span hit;
    double x, y;
    if (!rz_gym_gold(c, o, &gold) || !rz_gym_text(c, o, 0, MAX_COMPLETION)) return;
    rz_match_result found = rz_env_search(c->env, first_number, 0, c->text, 0, &hit, 1);
    if (found == RZ_MATCH_LIMIT) {
        rz_outcome_error(o, "%s", rz_limit_reason(c->text));
        return;
    }
    bool read = found == RZ_MATCH && rz_python_float(c->env->scratch, (rz_slice){c->text.s + hit.start, hit.end - hit.start}, &x);
    if (!read || !rz_python_float(c->env->scratch, gold, &y)) {
        rz_gym_give(c, o, 0, read ? "the answer of the problem is no number" : "no number in the text");
        return;
    }
    rz_gym_give(c, o, x == y ? 1 : 0.01, x == y ? "the first number is the answer" : "the first number is another one");
    rz_show(o->found, sizeof o->found, c->text.s + hit.start, hit.end - hit.start);
    o->span = hit;
}

/* ---- fraction_simplification ---- */

/* \frac{a}{b} at the beginning, or a/b; dollars around it do not count. */
static bool read_fraction(const rz_case *c, int64_t part[2], bool small[2])
{
#define SPACE "[" RZ_PYTHON_SPACE "]*"
    static const char latex[] = "\\\\d?frac" SPACE "\\{" SPACE "(\\p{Nd}+)" SPACE "\\}" SPACE "\\{" SPACE "(\\p{Nd}+)" SPACE "\\}";
    rz_slice t = rz_python_strip(rz_python_strip_chars(rz_python_strip(c->text), "$")), parts[2];
    rz_span spans[3];
    size_t slash = rz_python_find(t, "/", 0);
    if (rz_env_search(c->env, latex, RZ_PATTERN_ANCHORED | RZ_PATTERN_CASELESS, t, 0, spans, 3) == RZ_MATCH)
        for (int i = 0; i < 2; i++) parts[i] = (rz_slice){t.s + spans[i + 1].start, spans[i + 1].end - spans[i + 1].start};
    else if (slash != SIZE_MAX)
        parts[0] = (rz_slice){t.s, slash}, parts[1] = rz_python_from(t, slash + 1);
    else
        return false;
    for (int i = 0; i < 2; i++) {
        rz_python_integer n;
        if (!rz_python_int(c->env->scratch, rz_python_strip(parts[i]), &n)) return false;
        small[i] = rz_python_int_small(n, &part[i]);
    }
    return true;
}

static void fraction_simplification(const rz_case *c, outcome *o)
{
    static const char *const keys[] = {"simplified_numerator", "simplified_denominator", "numerator", "denominator"};
    int64_t part[2], want[4];
    bool small[2], same[4];
    for (int i = 0; i < 4; i++) {
        const json_t *v = rz_gym_meta(c, o, keys[i], JSON_INTEGER);
        if (!v) return;
        want[i] = json_integer_value(v);
    }
    if (!rz_gym_text(c, o, 0.01, MAX_ANSWER)) return;
    if (!read_fraction(c, part, small)) {
        rz_gym_give(c, o, 0.01, "no fraction of whole numbers");
        return;
    }
    for (int i = 0; i < 4; i++) same[i] = small[i % 2] && part[i % 2] == want[i];
    if (same[0] && same[1])
        rz_gym_give(c, o, 1, "the fraction in lowest terms");
    else if (same[2] || same[3])
        rz_gym_give(c, o, 0.1, "the numerator or denominator of the question");
    else
        rz_gym_give(c, o, 0.05, "another fraction");
}

/* ---- calendar_arithmetic ---- */

/* e^x for |x| ≤ 700: x = k ln 2 + r, |r| ≤ ln 2 / 2, and the series of e^r up to r^17 / 17!, whose rest is below 2^-60. Not libm's, whose last bit varies. */
static double exponential(double x)
{
    double k = rint(x * 1.4426950408889634), r = x - k * 0x1.62e42fefa3800p-1 - k * 0x1.ef35793c76730p-45, sum = 1;
    for (int i = 17; i > 0; i--) sum = 1 + sum * r / i;
    return ldexp(sum, (int)k);
}

static void score_weekday(const rz_case *c, outcome *o, rz_slice gold)
{
    static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
    rz_slice t = rz_python_strip(c->text), lower = rz_python_lower(c->env->scratch, t);
    if (rz_python_equal(t, gold)) {
        rz_gym_give(c, o, 1, "the answer");
        return;
    }
    for (int i = 0; i < 7; i++) {
        if (!rz_python_equal(lower, rz_python_lower(c->env->scratch, RZ_SLICE(days[i])))) continue;
        bool spelt = rz_python_equal(t, RZ_SLICE(days[i]));
        rz_gym_give(c, o, spelt ? 0.1 : 0.05, spelt ? "another weekday" : "a weekday in other letters");
        return;
    }
    rz_gym_give(c, o, 0, "no weekday");
}

static void score_days(const rz_case *c, outcome *o, rz_slice gold)
{
    rz_python_integer x, y;
    int64_t got, want;
    if (!rz_python_int(c->env->scratch, gold, &y) || !rz_python_int_small(y, &want)) {
        rz_outcome_gold_error(o, "the answer of the problem is no whole number");
        return;
    }
    bool number = rz_python_int(c->env->scratch, rz_python_strip(c->text), &x), small = number && rz_python_int_small(x, &got);
    if (!small || !want) {
        bool both_zero = small && !got && !want;
        rz_gym_give(c, o, both_zero, both_zero ? "the answer" : number ? "far from the answer" : "no whole number");
        return;
    }
    double off = -5 * (fabs((double)got - (double)want) / (double)want);
    if (off > 700)
        rz_outcome_error(o, "the answer of the problem is negative: the original's score leaves the numbers");
    else
        rz_gym_give(c, o, off < -700 ? 0 : exponential(off), "e to the power of −5 times the relative error");
}

static void calendar_arithmetic(const rz_case *c, outcome *o)
{
    static const struct { const char *task; void (*score)(const rz_case *c, outcome *o, rz_slice gold); } tasks[] = {
        {"weekday_offset", score_weekday}, {"weekday_of_date", score_weekday}, {"weekday_of_date_from_first_date", score_weekday},
        {"recurring_event_day", score_days}, {"count_days", score_days}, {"count_business_days", score_days}};
    rz_slice gold;
    const json_t *task;
    if (!rz_gym_gold(c, o, &gold) || !(task = rz_gym_meta(c, o, "task", JSON_STRING)) || !rz_gym_text(c, o, 0, MAX_ANSWER)) return;
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        if (strcmp(json_string_value(task), tasks[i].task) == 0) {
            tasks[i].score(c, o, gold);
            return;
        }
    bool same = strcmp(json_string_value(task), "is_leap_year") == 0 &&
                rz_python_equal(rz_python_lower(c->env->scratch, rz_python_strip(c->text)), rz_python_lower(c->env->scratch, gold));
    rz_gym_give(c, o, same, same ? "the answer" : "not the answer, or a task that is not known");
}

/* ---- the table ---- */

#define ROW(task, of, text, function, ...) \
    {.name = "reasoning-gym/" task, .origin = "reasoning-gym 0.1.25, " of ".score_answer", .about = text, .top = 1, .score = function, __VA_ARGS__}
#define ANSWER .gold = "answer: a text"
#define SHARE "an answer that merely contains the gold is paid len(gold) / len(answer)"
#define PLAIN(task, of) ROW(task, "ProceduralDataset", "the answer to " of ", to the letter; its share of a longer text", whole_or_share, ANSWER, .holes = SHARE)

const rz_verifier rz_verifiers_gym[] = {
    PLAIN("base_conversion", "a conversion between number bases"),
    PLAIN("basic_arithmetic", "an expression with parentheses"),
    PLAIN("binary_alternation", "the number of swaps that make a binary text alternate"),
    PLAIN("caesar_cipher", "a shifted text"),
    PLAIN("count_bits", "the number of 1 bits"),
    PLAIN("gcd", "a greatest common divisor"),
    PLAIN("lcm", "a least common multiple"),
    PLAIN("leg_counting", "the number of legs of animals"),
    PLAIN("letter_counting", "the number of a letter in a text"),
    PLAIN("maze", "the length of the shortest way through a maze"),
    PLAIN("number_sequence", "the next number of a sequence"),
    PLAIN("simple_equations", "an equation in one unknown"),
    PLAIN("string_manipulation", "rewriting a text by rules"),
    ROW("chain_sum", "ChainSumDataset", "the decimal number of the answer, commas ignored; its share of a longer text", same_decimal, ANSWER,
        .holes = SHARE),
    ROW("products", "ProductsDataset", "the decimal number of the answer, commas ignored; its share of a longer text", same_decimal, ANSWER,
        .holes = SHARE),
    ROW("decimal_arithmetic", "DecimalArithmeticDataset", "a decimal within one unit of the last place", near_decimal, ANSWER, .check = check_places,
        .params = "{\"max_num_decimal_places\": 3}", .holes = "an answer that is off by one in the last place is right"),
    ROW("number_format", "NumberFormatDataset", "a number within 0.01 of the one asked for", number_format, .gold = "meta.solution: the number",
        .holes = "a candidate within 0.01 of the right one is right"),
    ROW("gsm_symbolic", "GSMSymbolicDataset", "the first number of the text, 0.01 for a wrong one", gsm_symbolic, ANSWER,
        .holes = "only the first number is read, without its sign at the beginning of a word; any number is paid 0.01"),
    ROW("ab", "ABDataset", "the tokens that are left, to the letter", same_text, ANSWER),
    ROW("spell_backward", "SpellBackwardDataset", "the word backward in any case; the share of letters in their place", spell_backward, ANSWER,
        .holes = "the right word and anything behind it is paid 0.8 or, by rounding, all"),
    ROW("calendar_arithmetic", "CalendarArithmeticDataset", "a weekday, a number of days (near ones are paid in part), or yes and no", calendar_arithmetic,
        .gold = "answer: a text; meta.task: the kind of question", .holes = "any weekday is paid, any near number"),
    ROW("countdown", "CountdownDataset", "an expression of the numbers with the value of the target; 0.05 for a wrong one, 0.01 for none", rz_gym_countdown,
        .gold = "meta.numbers: whole numbers; meta.target: a whole number",
        .holes = "0.01 for nothing at all; powers, //, % and decimals are taken; a value within 1e-5"),
    ROW("fraction_simplification", "FractionSimplificationDataset", "a fraction in lowest terms; 0.1, 0.05 and 0.01 for less", fraction_simplification,
        .gold = "meta.simplified_numerator, simplified_denominator, numerator, denominator",
            .holes = "0.01 for nothing at all; text behind \\frac{}{} is not read"),
    ROW("knights_knaves", "KnightsKnavesDataset", "who is what: a set of names with roles; 0.3 and more for some right", rz_gym_knights_knaves, ANSWER,
        .holes = "a wrong answer with one role right is paid 0.3 and a share"),
    ROW("mini_sudoku", "MiniSudokuDataset", "the filled board; 0.9 of the share of right cells; less for longer texts", rz_gym_mini_sudoku,
        .gold = "answer: the board; meta.solution: its rows", .holes = "only the one stored solution counts; the given cells are paid"),
    ROW("number_sorting", "NumberSortingDataset", "a JSON list of numbers in order, each within 1 of the right one", rz_gym_number_sorting,
        .gold = "answer: a list; meta.direction: ascending or descending", .holes = "numbers may be off by 1; a list of nan is right"),
    ROW("word_sorting", "WordSortingDataset", "words between commas in their order; the share of words in their place", rz_gym_word_sorting,
        .gold = "meta.sorted_words: the words in order", .holes = "more words behind the right ones cost nothing; 0.2 for the right words in any order"),
    ROW("shortest_path", "ShortestPathDataset", "the steps of a shortest path; 0.5 for a longer one", rz_gym_shortest_path,
        .gold = "answer: the steps; meta.matrix: the grid", .holes = "a path of any length is paid 0.5"),
    ROW("prime_factorization", "PrimeFactorizationDataset", "the prime factors in any order; 0.5 for the product of others", rz_gym_prime_factorization,
        .gold = "answer: factors between ×", .holes = "the number itself is paid 0.5; 0.01 for nothing; a text that is no product is an error"),
    ROW("propositional_logic", "PropositionalLogicDataset", "a formula that follows from the premises; 0.25 for a trivial one", rz_gym_propositional_logic,
        .gold = "meta.premises: formulas; meta.variables: their letters", .holes = "any formula that follows is paid, whatever it says; a premise repeated "
         "is one"),
};
const int rz_n_verifiers_gym = sizeof rz_verifiers_gym / sizeof *rz_verifiers_gym;
