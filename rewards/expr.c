#include "rewards/expr.h"
#include <stdio.h>
#include <string.h>

static rz_int128 gcd128(rz_int128 a, rz_int128 b)
{
    if (a < 0) a = -a;
    if (b < 0) b = -b;
    while (b) {
        /* 128-bit division is a library call: leave it as soon as both fit a machine word */
        if (!(a >> 63) && !(b >> 63)) {
            uint64_t x = (uint64_t)a, y = (uint64_t)b;
            while (y) {
                uint64_t t = x % y;
                x = y;
                y = t;
            }
            return (rz_int128)x;
        }
        rz_int128 t = a % b;
        a = b;
        b = t;
    }
    return a;
}

/* −2^127 fits but is refused in results: it has no opposite. */
static bool has_opposite(rz_int128 v) { return !__builtin_sub_overflow((rz_int128)0, v, &v); }

static bool mul(rz_int128 a, rz_int128 b, rz_int128 *out) { return !__builtin_mul_overflow(a, b, out); }

bool rz_rational_make(rz_int128 num, rz_int128 den, rz_rational *out)
{
    if (den == 0 || !has_opposite(num) || !has_opposite(den)) return false;
    if (den < 0) num = -num, den = -den;
    rz_int128 g = gcd128(num, den);
    out->num = num / g;
    out->den = den / g;
    return true;
}

/* Knuth, The Art of Computer Programming 2, section 4.5.1: dividing by gcds first keeps the products small. */
static bool add(rz_rational a, rz_rational b, rz_rational *out)
{
    rz_int128 g = gcd128(a.den, b.den), left, right, num, den;
    if (!mul(a.num, b.den / g, &left) || !mul(b.num, a.den / g, &right) || __builtin_add_overflow(left, right, &num) || !has_opposite(num))
        return false;
    rz_int128 h = gcd128(num, g);
    if (!mul(a.den / g, b.den / h, &den)) return false;
    return rz_rational_make(num / h, den, out);
}

static bool multiply(rz_rational a, rz_rational b, rz_rational *out)
{
    rz_int128 g = gcd128(a.num, b.den), h = gcd128(b.num, a.den), num, den;
    if (!mul(a.num / g, b.num / h, &num) || !mul(a.den / h, b.den / g, &den)) return false;
    return rz_rational_make(num, den, out);
}

bool rz_rational_apply(char op, rz_rational a, rz_rational b, rz_rational *out)
{
    switch (op) {
    case '+': return add(a, b, out);
    case '-': return add(a, (rz_rational){-b.num, b.den}, out);
    case '*': return multiply(a, b, out);
    default: {
        rz_rational inverse;
        return rz_rational_make(b.den, b.num, &inverse) && multiply(a, inverse, out);
    }
    }
}

static char *write128(rz_int128 v, char *end)
{
    bool negative = v < 0;
    do {
        int digit = (int)(v % 10);
        *--end = (char)('0' + (digit < 0 ? -digit : digit));
        v /= 10;
    } while (v);
    if (negative) *--end = '-';
    return end;
}

const char *rz_rational_text(rz_rational v, char *buf)
{
    char digits[48], *end = digits + sizeof digits - 1;
    *end = 0;
    int n = snprintf(buf, RZ_RATIONAL_TEXT, "%s", write128(v.num, end));
    if (v.den != 1) snprintf(buf + n, (size_t)(RZ_RATIONAL_TEXT - n), "/%s", write128(v.den, end));
    return buf;
}

/* Between two open parentheses at most one sum and one product wait for their right side, so these stacks cannot overflow. */
enum { MAX_PENDING = 3 * (RZ_EXPR_MAX_DEPTH + 1) };

typedef struct {
    const char *s;
    size_t len, at;
    int n_values, n_ops, depth;
    rz_rational values[MAX_PENDING];
    char ops[MAX_PENDING];
    rz_expr *out;
} reader;

static bool stop(reader *r, const char *problem)
{
    r->out->problem = problem;
    r->out->at = r->at;
    return false;
}

static int rank(char op) { return op == '(' ? 0 : op == '+' || op == '-' ? 1 : 2; }

/* Applies waiting operators of at least this rank. */
static bool reduce(reader *r, int least)
{
    while (r->n_ops && rank(r->ops[r->n_ops - 1]) >= least) {
        char op = r->ops[--r->n_ops];
        rz_rational b = r->values[--r->n_values], *a = &r->values[r->n_values - 1];
        if (op == '/' && b.num == 0) return stop(r, "division by zero");
        if (!rz_rational_apply(op, *a, b, a)) return stop(r, "a number here is too large (more than 38 digits)");
    }
    return true;
}

static bool starts(const reader *r, const char *word)
{
    size_t n = strlen(word);
    return r->len - r->at >= n && memcmp(r->s + r->at, word, n) == 0;
}

/* Why the text at r->at cannot stand there: the first row that fits. */
static bool complain(reader *r, bool want_value)
{
    static const struct { const char *word, *problem; } rows[] = {
        {"**", "a power is not allowed"},
        {"^", "a power is not allowed"},
        {"//", "floor division is not allowed"},
        {".", "decimals are not allowed"},
        {"=", "'=' is not allowed: the expression must stand alone"},
    };
    if (r->at == r->len) return stop(r, r->n_ops || r->n_values ? "the expression ends too early" : "there is no expression");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (starts(r, rows[i].word)) return stop(r, rows[i].problem);
    char c = r->s[r->at];
    if (want_value && (c == '-' || c == '+')) return stop(r, "a sign must stand between two values");
    if (want_value && c && strchr("*/)", c)) return stop(r, "a value is missing here");
    if (!want_value && (c == '(' || (c >= '0' && c <= '9'))) return stop(r, "an operator is missing between two values");
    if (!want_value && c == ')') return stop(r, "this parenthesis was never opened");
    return stop(r, "only + - * / ( ) and the digits 0-9 may stand in an expression");
}

static bool read_number(reader *r)
{
    size_t from = r->at;
    int64_t v = 0;
    while (r->at < r->len && r->s[r->at] >= '0' && r->s[r->at] <= '9') {
        if (r->at - from == RZ_EXPR_MAX_DIGITS) return stop(r, "this number is too large (more than 18 digits)");
        v = v * 10 + (r->s[r->at++] - '0');
    }
    if (r->s[from] == '0' && r->at - from > 1) {
        r->at = from;
        return stop(r, "a number may not begin with 0");
    }
    if (r->at < r->len && r->s[r->at] == '.') return complain(r, false);
    if (r->out->n == RZ_EXPR_MAX_NUMBERS) return stop(r, "more than 64 numbers");
    r->out->numbers[r->out->n++] = v;
    r->values[r->n_values++] = (rz_rational){v, 1};
    return true;
}

/* One token; *want_value says which kind may come, and is turned over by it. */
static bool read_token(reader *r, bool *want_value)
{
    char c = r->s[r->at];
    if (*want_value) {
        if (c >= '0' && c <= '9') {
            *want_value = false;
            return read_number(r);
        }
        if (c != '(') return complain(r, true);
        if (++r->depth > RZ_EXPR_MAX_DEPTH) return stop(r, "parentheses are nested more than 64 deep");
        r->ops[r->n_ops++] = '(';
        r->at++;
        return true;
    }
    if (c == ')') {
        if (!r->depth) return complain(r, false);
        if (!reduce(r, 1)) return false;
        r->n_ops--, r->depth--, r->at++;
        return true;
    }
    if (!c || !strchr("+-*/", c) || starts(r, "**") || starts(r, "//")) return complain(r, false);
    if (!reduce(r, rank(c))) return false;
    r->ops[r->n_ops++] = c;
    r->at++;
    *want_value = true;
    return true;
}

void rz_expr_eval(const char *text, size_t len, rz_expr *out)
{
    reader r;
    r.s = text, r.len = len, r.at = 0, r.n_values = r.n_ops = r.depth = 0, r.out = out;
    out->problem = NULL, out->at = 0, out->n = 0, out->value = (rz_rational){0, 1};
    if (len > RZ_EXPR_MAX_BYTES) {
        r.at = RZ_EXPR_MAX_BYTES;
        stop(&r, "the expression is longer than 4096 bytes");
        return;
    }
    bool want_value = true;
    for (;;) {
        while (r.at < len && text[r.at] && strchr(" \t\r\n", text[r.at])) r.at++;
        if (r.at == len) break;
        if (!read_token(&r, &want_value)) return;
    }
    if (want_value) {
        complain(&r, true);
        return;
    }
    if (r.depth) {
        stop(&r, "a parenthesis is not closed");
        return;
    }
    if (reduce(&r, 1)) out->value = r.values[0];
}
