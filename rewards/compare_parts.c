/* Comparers of answers with parts: sets, lists, tuples, intervals, and one of several. */
#include "rewards/compare.h"
#include "rewards/verify.h"
#include <string.h>

enum { MAX_PARTS = 256 }; /* of one answer: a set compares each with each */

typedef struct { rz_slice part[MAX_PARTS]; int n; } parts;

typedef struct { rz_env *env; const rz_comparer *comparer; const json_t *options; } part_comparer;

static part_comparer comparer_of_parts(rz_env *env, const json_t *options)
{
    const json_t *of = json_object_get(options, "of");
    return (part_comparer){env, rz_comparer_find(json_string_value(json_object_get(of, "kind"))), of};
}

static rz_verdict same_part(const part_comparer *c, rz_slice found, rz_slice gold)
{
    double ignored;
    size_t mark = c->env->scratch->used;
    rz_verdict v = rz_compare(c->comparer, c->env, found, gold, c->options, &ignored);
    rz_arena_release(c->env->scratch, mark);
    return v;
}

static bool ends_with(rz_slice t, const char *s) { return t.len >= strlen(s) && memcmp(t.s + t.len - strlen(s), s, strlen(s)) == 0; }
static bool begins_with(rz_slice t, const char *s) { return t.len >= strlen(s) && memcmp(t.s, s, strlen(s)) == 0; }

/* Takes "open" and "close" off both ends, and the white space within. */
static bool unwrap(rz_slice *t, const char *open, const char *close)
{
    size_t a = strlen(open), b = strlen(close);
    if (t->len < a + b || !begins_with(*t, open) || !ends_with(*t, close)) return false;
    *t = rz_trim((rz_slice){t->s + a, t->len - a - b});
    return true;
}

/* Cuts at every separator outside brackets. False for an empty part, brackets that do not match, or too many parts. */
static bool cut(rz_slice t, const char *separator, parts *out)
{
    size_t from = 0, n = strlen(separator);
    int depth = 0;
    out->n = 0;
    for (size_t i = 0; i <= t.len;) {
        bool end = i == t.len;
        char c = end ? 0 : t.s[i];
        if (end || (!depth && begins_with((rz_slice){t.s + i, t.len - i}, separator))) {
            rz_slice part = rz_trim((rz_slice){t.s + from, i - from});
            if (!part.len || out->n == MAX_PARTS) return false;
            out->part[out->n++] = part;
            from = i + n;
            i += end ? 1 : n;
            continue;
        }
        depth += (c == '(' || c == '[' || c == '{') - (c == ')' || c == ']' || c == '}');
        if (depth < 0) return false;
        i++;
    }
    return depth == 0;
}

/* ---- set, list, tuple ---- */

typedef struct { const char *open, *close; } brackets;

static const brackets set_brackets[] = {{"\\{", "\\}"}, {"{", "}"}}, list_brackets[] = {{"[", "]"}}, tuple_brackets[] = {{"(", ")"}};

static const char *option(const json_t *options, const char *name) { return json_string_value(json_object_get(options, name)); }

static bool read_parts(rz_slice t, const brackets *own, int n_own, const json_t *options, parts *out)
{
    bool any = strcmp(option(options, "brackets"), "any") == 0, off = false;
    t = rz_trim(t);
    for (int i = 0; i < n_own && !off; i++) off = unwrap(&t, own[i].open, own[i].close);
    if (any && !off) off = unwrap(&t, "\\{", "\\}") || unwrap(&t, "{", "}") || unwrap(&t, "[", "]") || unwrap(&t, "(", ")");
    if (off && !t.len) return out->n = 0, true; /* {} */
    return cut(t, option(options, "separator"), out);
}

/* Whether each part can be compared with itself. */
static bool readable(const part_comparer *c, const parts *p)
{
    for (int i = 0; i < p->n; i++)
        if (same_part(c, p->part[i], p->part[i]) != RZ_EQUAL) return false;
    return true;
}

static rz_verdict read_both(const part_comparer *c, rz_slice found, rz_slice gold, const brackets *own, int n_own, const json_t *options, parts *f, parts *g)
{
    if (!read_parts(gold, own, n_own, options, g) || !readable(c, g)) return RZ_GOLD_UNREADABLE;
    return read_parts(found, own, n_own, options, f) ? RZ_EQUAL : RZ_FOUND_UNREADABLE;
}

static rz_verdict in_order(rz_env *env, rz_slice found, rz_slice gold, const json_t *options, const brackets *own)
{
    parts f, g;
    part_comparer c = comparer_of_parts(env, options);
    rz_verdict v = read_both(&c, found, gold, own, 1, options, &f, &g);
    if (v != RZ_EQUAL) return v;
    if (f.n != g.n) return RZ_DIFFERENT;
    for (int i = 0; i < f.n; i++)
        if (same_part(&c, f.part[i], g.part[i]) != RZ_EQUAL) return RZ_DIFFERENT;
    return RZ_EQUAL;
}

static rz_verdict compare_list(rz_env *env, rz_slice found, rz_slice gold, const json_t *options) { return in_order(env, found, gold, options, list_brackets); }
static rz_verdict compare_tuple(rz_env *env, rz_slice found, rz_slice gold, const json_t *options) { return in_order(env, found, gold, options, tuple_brackets); }

/* Every part of a equals one of b; with `once` no part of b serves twice. */
static bool covered(const part_comparer *c, const parts *a, const parts *b, bool once)
{
    bool used[MAX_PARTS] = {false};
    for (int i = 0; i < a->n; i++) {
        int k = 0;
        while (k < b->n && (used[k] || same_part(c, a->part[i], b->part[k]) != RZ_EQUAL)) k++;
        if (k == b->n) return false;
        used[k] = once;
    }
    return true;
}

static rz_verdict compare_set(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    parts f, g;
    part_comparer c = comparer_of_parts(env, options);
    bool count = strcmp(option(options, "duplicates"), "count") == 0;
    rz_verdict v = read_both(&c, found, gold, set_brackets, 2, options, &f, &g);
    if (v != RZ_EQUAL) return v;
    bool equal = count ? f.n == g.n && covered(&c, &f, &g, true) : covered(&c, &f, &g, false) && covered(&c, &g, &f, false);
    return equal ? RZ_EQUAL : RZ_DIFFERENT;
}

static bool is_one_of(const json_t *options, const char *name, const char *a, const char *b, rz_err *err)
{
    const char *v = option(options, name);
    if (strcmp(v, a) == 0 || strcmp(v, b) == 0) return true;
    return rz_fail(err, RZ_ECONFIG, "%s is '%.40s', must be one of %s, %s", name, v, a, b);
}

static bool check_separator(const json_t *options, rz_err *err)
{
    const char *s = option(options, "separator");
    if (*s && strlen(s) <= 16 && !strpbrk(s, "()[]{}")) return true;
    return rz_fail(err, RZ_ECONFIG, "separator is '%.40s', must be a text of 1..16 bytes without brackets", s);
}

static bool check_parts(const json_t *options, rz_err *err)
{
    return check_separator(options, err) && is_one_of(options, "brackets", "own", "any", err);
}

static bool check_set(const json_t *options, rz_err *err) { return check_parts(options, err) && is_one_of(options, "duplicates", "ignore", "count", err); }

/* ---- intervals ---- */

typedef struct { char open, close; rz_slice low, high; } interval;

static const char *const unions[] = {"\\cup", "\u222a", "U"};
static const char *const infinities[] = {"\\infty", "\u221e", "inf", "infinity", "oo"};

/* −1 or 1 for an infinity, 0 for anything else. */
static int infinite(rz_slice t)
{
    int sign = t.len && t.s[0] == '-' ? -1 : 1;
    if (t.len && (t.s[0] == '-' || t.s[0] == '+')) t = rz_trim((rz_slice){t.s + 1, t.len - 1});
    for (size_t i = 0; i < sizeof infinities / sizeof *infinities; i++)
        if (t.len == strlen(infinities[i]) && begins_with(t, infinities[i])) return sign;
    return 0;
}

/* Takes the next union sign off, if it comes next. */
static bool take_union(rz_slice *t)
{
    for (size_t i = 0; i < sizeof unions / sizeof *unions; i++)
        if (begins_with(*t, unions[i])) {
            *t = rz_trim((rz_slice){t->s + strlen(unions[i]), t->len - strlen(unions[i])});
            return true;
        }
    return false;
}

/* "[0, 1)": up to the bracket that closes it. */
static bool take_interval(rz_slice *t, interval *out)
{
    if (!t->len || (t->s[0] != '(' && t->s[0] != '[')) return false;
    size_t end = 1, comma = 0;
    while (end < t->len && !strchr("()[]", t->s[end])) {
        if (t->s[end] == ',' && comma) return false;
        if (t->s[end] == ',') comma = end;
        end++;
    }
    if (!comma || end == t->len || (t->s[end] != ')' && t->s[end] != ']')) return false;
    *out = (interval){t->s[0], t->s[end], rz_trim((rz_slice){t->s + 1, comma - 1}), rz_trim((rz_slice){t->s + comma + 1, end - comma - 1})};
    *t = rz_trim((rz_slice){t->s + end + 1, t->len - end - 1});
    return out->low.len && out->high.len;
}

static bool readable_end(const part_comparer *c, rz_slice t) { return infinite(t) || same_part(c, t, t) == RZ_EQUAL; }

/* Infinity is never reached: its end is open. */
static bool sound(const part_comparer *c, const interval *i)
{
    return readable_end(c, i->low) && readable_end(c, i->high) && !(infinite(i->low) && i->open == '[') && !(infinite(i->high) && i->close == ']');
}

/* "[0, 1) ∪ (2, ∞)": how many, 0 when it is something else. */
static int read_intervals(const part_comparer *c, rz_slice t, interval *out)
{
    int n = 0;
    t = rz_trim(t);
    do {
        if (n == MAX_PARTS || !take_interval(&t, &out[n]) || !sound(c, &out[n])) return 0;
        n++;
    } while (take_union(&t));
    return t.len ? 0 : n;
}

static bool same_end(const part_comparer *c, rz_slice a, rz_slice b)
{
    int x = infinite(a), y = infinite(b);
    return x || y ? x == y : same_part(c, a, b) == RZ_EQUAL;
}

static bool same_interval(const part_comparer *c, const interval *a, const interval *b)
{
    return a->open == b->open && a->close == b->close && same_end(c, a->low, b->low) && same_end(c, a->high, b->high);
}

static rz_verdict compare_interval(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    interval f[MAX_PARTS], g[MAX_PARTS];
    part_comparer c = comparer_of_parts(env, options);
    int n_gold = read_intervals(&c, gold, g), n_found = n_gold ? read_intervals(&c, found, f) : 0;
    bool used[MAX_PARTS] = {false};
    if (!n_gold) return RZ_GOLD_UNREADABLE;
    if (!n_found) return RZ_FOUND_UNREADABLE;
    if (n_found != n_gold) return RZ_DIFFERENT;
    for (int i = 0; i < n_found; i++) {
        int k = 0;
        while (k < n_gold && (used[k] || !same_interval(&c, &f[i], &g[k]))) k++;
        if (k == n_gold) return RZ_DIFFERENT;
        used[k] = true;
    }
    return RZ_EQUAL;
}

/* ---- one of ---- */

/* When the gold is compared with itself (is it readable?), each of its parts stands for it. */
static rz_verdict compare_one_of(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    parts g;
    part_comparer c = comparer_of_parts(env, options);
    if (!cut(gold, option(options, "separator"), &g) || !readable(&c, &g)) return RZ_GOLD_UNREADABLE;
    if (found.s == gold.s) return RZ_EQUAL;
    rz_verdict v = RZ_FOUND_UNREADABLE;
    for (int i = 0; i < g.n && v != RZ_EQUAL; i++) {
        rz_verdict this = same_part(&c, found, g.part[i]);
        if (this == RZ_EQUAL || this == RZ_DIFFERENT) v = this;
    }
    return v;
}

#define PARTS_OPTIONS "\"separator\": \",\", \"brackets\": \"own\""
const rz_comparer rz_compare_set = {.name = "set", .about = "the same parts in any order", .wanted = "a set of at most 256 such parts", .options = "{" PARTS_OPTIONS ", \"duplicates\": \"ignore\"}", .of = "string",
                                    .compare = compare_set, .check = check_set};
const rz_comparer rz_compare_list = {.name = "list", .about = "the same parts in the same order; [1, 2] or 1, 2", .wanted = "a list of at most 256 such parts", .options = "{" PARTS_OPTIONS "}", .of = "string",
                                     .compare = compare_list, .check = check_parts};
const rz_comparer rz_compare_tuple = {.name = "tuple", .about = "the same parts in the same order; (1, 2) or 1, 2", .wanted = "a tuple of at most 256 such parts", .options = "{" PARTS_OPTIONS "}", .of = "string",
                                      .compare = compare_tuple, .check = check_parts};
const rz_comparer rz_compare_interval = {.name = "interval", .about = "the same ends and brackets, of one interval or of a union", .wanted = "an interval, as [0, 1), or a union of them", .of = "rational", .compare = compare_interval};
const rz_comparer rz_compare_one_of = {.name = "one_of", .about = "what is found is one of the parts of the gold: Paris|City of Paris", .wanted = "such a value", .options = "{\"separator\": \"|\"}", .of = "string",
                                       .compare = compare_one_of, .check = check_separator};
