/* The table of comparers, and those of whole values. */
#include "rewards/compare.h"
#include "rewards/math_rule.h"
#include "rewards/verify.h"
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

static rz_verdict verdict(bool equal) { return equal ? RZ_EQUAL : RZ_DIFFERENT; }

static rz_verdict compare_string(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    (void)env, (void)options;
    return verdict(found.len == gold.len && memcmp(found.s, gold.s, gold.len) == 0);
}

static rz_verdict compare_casefold(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    (void)options;
    size_t gap = strlen(RZ_PARTING), len = found.len + gap + gold.len;
    char *both = RZ_NEW(env->scratch, len, char);
    memcpy(both, found.s, found.len);
    memcpy(both + found.len, RZ_PARTING, gap);
    memcpy(both + found.len + gap, gold.s, gold.len);
    return verdict(rz_pattern_match(env->fold, env->matcher, both, len, 0, NULL, 0) == RZ_MATCH);
}

/* ---- numbers ---- */

enum { MAX_DECIMALS = 1000 };

static bool read_tolerance(const json_t *options, rz_arena *scratch, rz_decimal *out)
{
    const char *text = json_string_value(json_object_get(options, "tolerance"));
    rz_slice t = {text, text ? strlen(text) : 0};
    return text && rz_decimal_read(t, scratch, out) && !out->negative && out->exponent <= RZ_NEAR_EXPONENT;
}

static bool check_decimal(const json_t *options, rz_err *err)
{
    json_int_t digits = json_integer_value(json_object_get(options, "digits"));
    rz_arena scratch;
    rz_decimal t;
    if (digits < -1 || digits > MAX_DECIMALS)
        return rz_fail(err, RZ_ECONFIG, "digits is %lld, must be 0..%d, or -1 for all of them", (long long)digits, MAX_DECIMALS);
    if (!rz_arena_init(&scratch, 1 << 21, err)) return false;
    bool ok = read_tolerance(options, &scratch, &t);
    rz_arena_finish(&scratch);
    if (!ok) return rz_fail(err, RZ_ECONFIG, "tolerance is '%.40s', must be a decimal number, 0 or more", json_string_value(json_object_get(options, "tolerance")));
    return !t.n || digits < 0 || rz_fail(err, RZ_ECONFIG, "digits and tolerance are given: keep one");
}

static rz_verdict compare_decimal(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    rz_decimal a, b, tolerance;
    if (!rz_decimal_read(gold, env->scratch, &b)) return RZ_GOLD_UNREADABLE;
    if (!rz_decimal_read(found, env->scratch, &a)) return RZ_FOUND_UNREADABLE;
    json_int_t digits = options ? json_integer_value(json_object_get(options, "digits")) : -1;
    if (digits >= 0) {
        a = rz_decimal_round(&a, (int)digits, env->scratch);
        b = rz_decimal_round(&b, (int)digits, env->scratch);
    } else if (read_tolerance(options, env->scratch, &tolerance) && tolerance.n) {
        return verdict(rz_decimal_near(&a, &b, &tolerance, env->scratch));
    }
    return verdict(rz_decimal_equal(&a, &b));
}

static bool is_int(rz_slice t)
{
    size_t at = t.len && (t.s[0] == '-' || t.s[0] == '+'), from = at;
    while (at < t.len && t.s[at] >= '0' && t.s[at] <= '9') at++;
    return at > from && at == t.len;
}

static rz_verdict compare_int(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    (void)options;
    rz_decimal a, b;
    if (!is_int(gold) || !rz_decimal_read(gold, env->scratch, &b)) return RZ_GOLD_UNREADABLE;
    if (!is_int(found) || !rz_decimal_read(found, env->scratch, &a)) return RZ_FOUND_UNREADABLE;
    return verdict(rz_decimal_equal(&a, &b));
}

static rz_verdict compare_rational(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    (void)options;
    rz_rational a, b;
    if (!rz_rational_read(gold, env->scratch, &b)) return RZ_GOLD_UNREADABLE;
    if (!rz_rational_read(found, env->scratch, &a)) return RZ_FOUND_UNREADABLE;
    return verdict(a.num == b.num && a.den == b.den);
}

/* ---- versions: whole numbers between dots, each compared as one ---- */

/* The next number of "1.20.3" without its leading zeros; *at moves behind its dot, to SIZE_MAX at the end. False when there is none where one must be. */
static bool version_part(rz_slice t, size_t *at, rz_slice *part)
{
    size_t from = *at, end = from;
    while (end < t.len && t.s[end] >= '0' && t.s[end] <= '9') end++;
    if (end == from || (end < t.len && t.s[end] != '.')) return false;
    while (from < end - 1 && t.s[from] == '0') from++;
    *part = (rz_slice){t.s + from, end - from};
    *at = end < t.len ? end + 1 : SIZE_MAX;
    return true;
}

static bool is_version(rz_slice t)
{
    size_t at = 0;
    rz_slice part;
    while (at != SIZE_MAX)
        if (!version_part(t, &at, &part)) return false;
    return true;
}

static rz_slice without_v(rz_slice t) { return t.len && (t.s[0] == 'v' || t.s[0] == 'V') ? (rz_slice){t.s + 1, t.len - 1} : t; }

static rz_verdict compare_version(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    size_t i = 0, k = 0;
    rz_slice a, b;
    found = without_v(found);
    gold = without_v(gold);
    if (!is_version(gold)) return RZ_GOLD_UNREADABLE;
    if (!is_version(found)) return RZ_FOUND_UNREADABLE;
    while (i != SIZE_MAX && k != SIZE_MAX && version_part(found, &i, &a) && version_part(gold, &k, &b))
        if (compare_string(env, a, b, options) != RZ_EQUAL) return RZ_DIFFERENT;
    return verdict(i == SIZE_MAX && k == SIZE_MAX);
}

/* ---- the table ---- */

static const rz_comparer string = {.name = "string", .about = "the same bytes", .wanted = "a text", .compare = compare_string};
static const rz_comparer casefold = {.name = "casefold", .about = "the same but for case, in any script", .wanted = "a text", .compare = compare_casefold};
static const rz_comparer integer = {.name = "int", .about = "the same integer, of any length: 42.0 is none", .wanted = "an integer", .compare = compare_int};
static const rz_comparer decimal = {.name = "decimal", .about = "the same number, exactly, of any length; or to some digits, or within a tolerance", .wanted = "a decimal number", .options = "{\"digits\": -1, \"tolerance\": \"0\"}",
                                    .compare = compare_decimal, .check = check_decimal};
static const rz_comparer rational = {.name = "rational", .about = "the same fraction: 2/6 is 1/3, 0.5 is 1/2", .wanted = "a fraction or a decimal number of at most 38 digits", .compare = compare_rational};
static const rz_comparer math = {.name = "math", .about = "the same in mathematics: LaTeX or plain text", .wanted = "a mathematical expression", .options = RZ_MATH_OPTIONS, .compare = rz_math_rule_compare, .check = rz_math_rule_check};
static const rz_comparer version = {.name = "version", .about = "the same numbers between the dots: 3.9 is not 3.11, 3.011 is", .wanted = "a version, as 3.11", .compare = compare_version};

const rz_comparer *const rz_comparers[] = {&string, &casefold, &integer, &decimal, &rational, &math, &version, &rz_compare_set, &rz_compare_list, &rz_compare_tuple,
                                           &rz_compare_interval, &rz_compare_one_of, &rz_compare_f1, &rz_compare_edit};
const int rz_n_comparers = COUNT(rz_comparers);

const rz_comparer *rz_comparer_find(const char *name)
{
    for (int i = 0; i < rz_n_comparers; i++)
        if (strcmp(rz_comparers[i]->name, name) == 0) return rz_comparers[i];
    return NULL;
}

json_t *rz_comparer_defaults(const rz_comparer *c)
{
    json_t *options = c->options ? json_loads(c->options, 0, NULL) : json_object();
    if (!c->of) return options;
    json_t *of = rz_comparer_defaults(rz_comparer_find(c->of));
    json_object_set_new(of, "kind", json_string(c->of));
    json_object_set_new(options, "of", of);
    return options;
}

/* Units of work: of any comparison, and of a byte of either text. What takes more than a few passes takes that off itself. */
enum { CALL_PRICE = 150, BYTE_PRICE = 8 };

rz_verdict rz_compare(const rz_comparer *c, rz_env *env, rz_slice found, rz_slice gold, const json_t *options, double *likeness)
{
    *likeness = 0;
    if (!rz_env_spend(env, CALL_PRICE + (int64_t)(found.len + gold.len) * BYTE_PRICE)) return RZ_FOUND_UNREADABLE;
    if (c->compare) {
        rz_verdict v = c->compare(env, found, gold, options);
        *likeness = v == RZ_EQUAL;
        return v;
    }
    double alike = c->likeness(env, found, gold, options);
    if (alike < 0) return RZ_FOUND_UNREADABLE;
    bool equal = alike >= json_number_value(json_object_get(options, "threshold"));
    *likeness = equal ? 1 : json_is_true(json_object_get(options, "partial")) ? alike : 0;
    return verdict(equal);
}
