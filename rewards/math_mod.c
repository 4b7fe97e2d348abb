/* Values modulo primes near 2^61 at points that the names of the variables fix: two expressions that agree there are the same rational function but for
 * a chance of about 2^-50. What is no rational function (sin, roots, f(x)) is taken as an unknown function of its arguments: agreement still proves,
 * difference does not. Power towers cost their height: a^b mod m needs b modulo phi(m) only (Euler, with phi(m) added so that it holds for every a when b is
 * large). Primes are 1 mod 4, so that i is a number, too. */
#include "rewards/math_tree.h"
#include <string.h>

/* A prime, then phi of what stands before it, down to 1. */
static const uint64_t chains[N_PRIMES][56] = {
    {2305843009213693921u, 2305843009213693920u, 536681683164856320u, 112764087183605760u, 25774648499109888u, 7364185285459968u, 2104052938702848u,
     601157982486528u, 200385994162176u, 66795331387392u, 22265110462464u, 7421703487488u, 2473901162496u, 824633720832u, 274877906944u,
     137438953472u, 68719476736u, 34359738368u, 17179869184u, 8589934592u, 4294967296u, 2147483648u, 1073741824u, 536870912u, 268435456u, 134217728u,
     67108864u, 33554432u, 16777216u, 8388608u, 4194304u, 2097152u, 1048576u, 524288u, 262144u, 131072u, 65536u, 32768u, 16384u, 8192u, 4096u, 2048u,
     1024u, 512u, 256u, 128u, 64u, 32u, 16u, 8u, 4u, 2u, 1u},
    {2305843009213693693u, 2305843009213693692u, 768613347424195200u, 197679322320076800u, 44524243035095040u, 9838395685601280u, 2226511046246400u,
     593736278999040u, 158329674399744u, 52776558133248u, 17592186044416u, 8796093022208u, 4398046511104u, 2199023255552u, 1099511627776u,
     549755813888u, 274877906944u, 137438953472u, 68719476736u, 34359738368u, 17179869184u, 8589934592u, 4294967296u, 2147483648u, 1073741824u,
     536870912u, 268435456u, 134217728u, 67108864u, 33554432u, 16777216u, 8388608u, 4194304u, 2097152u, 1048576u, 524288u, 262144u, 131072u, 65536u,
     32768u, 16384u, 8192u, 4096u, 2048u, 1024u, 512u, 256u, 128u, 64u, 32u, 16u, 8u, 4u, 2u, 1u},
};
static const uint64_t root_of_minus_one[N_PRIMES] = {583529827753931384u, 966685122347009555u}, tenth[N_PRIMES] = {2075258708292324529u, 691752902764108108u};


enum { POWER = 40 }; /* units of work of a power with an exponent of 61 bits, as a division is one */
enum { TAG_VAR = 1, TAG_CONST, TAG_CALL, TAG_POW, TAG_FN, TAG_FACT, TAG_BIG, TAG_REL, TAG_UNIT, TAG_SET, TAG_EXP, MAX_FACTORIAL = 20000, MAX_DET = 8 };

__extension__ typedef unsigned __int128 wide;

static uint64_t mul(uint64_t a, uint64_t b, uint64_t m) { return (uint64_t)((wide)a * b % m); }

static uint64_t add(uint64_t a, uint64_t b, uint64_t m) { return (uint64_t)(((wide)a + b) % m); }

static uint64_t power(uint64_t a, uint64_t k, uint64_t m)
{
    uint64_t r = 1 % m;
    for (a %= m; k; k >>= 1, a = mul(a, a, m))
        if (k & 1) r = mul(r, a, m);
    return r;
}

uint64_t rz_math_prime(int prime) { return chains[prime][0]; }

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * 0x9E3779B97F4A7C15u;
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93u;
    return h ^ (h >> 29);
}

uint64_t rz_math_name_hash(rz_slice t, bool fold)
{
    uint64_t h = 0xC0FFEE;
    for (size_t i = 0; i < t.len; i++) h = mix(h, (uint64_t)(unsigned char)(fold && t.s[i] >= 'A' && t.s[i] <= 'Z' ? t.s[i] + 32 : t.s[i]));
    return h;
}

static uint64_t digits(rz_slice t, uint64_t base, uint64_t m)
{
    uint64_t v = 0;
    for (size_t i = 0; i < t.len;) {
        uint64_t part = 0, unit = 1;
        for (int k = 0; k < 11 && i < t.len; k++, i++) part = part * base + (uint64_t)(t.s[i] - '0'), unit *= base;
        v = add(mul(v, unit % m, m), part % m, m);
    }
    return v;
}

/* ---- towers ---- */

/* Modulo chains[point][level], for whole numbers made of +, × and powers of whole numbers without signs, of which at least one part is beyond 62 bits.
 * False for anything else. */
static bool tower(math_env *e, const math_node *n, int point, int level, uint64_t *out)
{
    uint64_t m = chains[point][level], x, y;
    if ((e->work_left -= 8) <= 0) return false;
    if (m == 1) {
        *out = 0;
        return true;
    }
    switch (n->kind) {
    case M_NUM:
        if (n->scale || n->repeat || n->exp10) return false;
        e->work_left -= (long)n->text.len / 8;
        *out = digits(n->text, (uint64_t)n->base, m);
        return true;
    case M_ADD:
    case M_MUL:
        *out = n->kind == M_ADD ? 0 : 1 % m;
        for (const math_node *k = n->first; k; k = k->next) {
            if (!tower(e, k, point, level, &x)) return false;
            *out = n->kind == M_ADD ? add(*out, x, m) : mul(*out, x, m);
        }
        return true;
    case M_POW: {
        int64_t small;
        if (!tower(e, n->first, point, level, &x)) return false;
        if (rz_math_small(e, n->last, &small)) {
            if (small < 0) return false;
            *out = power(x, (uint64_t)small, m);
            return true;
        }
        if (!tower(e, n->last, point, level + 1, &y)) return false;
        e->work_left -= POWER;
        *out = power(x, y + chains[point][level + 1], m);
        return true;
    }
    default: return false;
    }
}

/* ---- values ---- */

typedef struct { math_env *e; int point, variant; uint64_t p; bool opaque; } modular; /* point: the prime; variant: where the variables stand */

static math_mod_state eval(modular *c, const math_node *n, uint64_t *v);

static math_mod_state inverse(modular *c, uint64_t *v)
{
    if (*v == 0) return MOD_UNDEFINED;
    c->e->work_left -= POWER;
    *v = power(*v, c->p - 2, c->p);
    return MOD_OK;
}

static uint64_t neg(const modular *c, uint64_t v) { return v ? c->p - v : 0; }

static math_mod_state number(modular *c, const math_node *n, uint64_t *v)
{
    uint64_t m = c->p;
    c->e->work_left -= (long)n->text.len / 8;
    *v = digits(n->text, (uint64_t)n->base, m);
    if (n->repeat) {
        uint64_t nines = add(power(10, (uint64_t)n->repeat, m), m - 1, m);
        uint64_t head = digits((rz_slice){n->text.s, n->text.len - (size_t)n->repeat}, 10, m);
        c->e->work_left -= POWER;
        *v = mul(add(*v, m - head, m), power(nines, m - 2, m), m);
    }
    int64_t by = (int64_t)n->exp10 - n->scale + n->repeat;
    *v = mul(*v, by < 0 ? power(tenth[c->point], (uint64_t)-by, m) : power(10, (uint64_t)by, m), m);
    return MOD_OK;
}

static math_mod_state opaque(modular *c, uint64_t tag, uint64_t a, uint64_t b, uint64_t *v)
{
    c->opaque = true;
    *v = mix(mix(mix(tag, a), b), (uint64_t)c->point) % c->p;
    return MOD_OK;
}

static math_mod_state exactly(modular *c, const math_node *n, uint64_t *v)
{
    uint64_t den;
    if (!rz_math_exact_mod(c->e, n, c->p, v, &den)) return MOD_CANNOT;
    if (inverse(c, &den) != MOD_OK) return MOD_UNDEFINED;
    *v = mul(*v, den, c->p);
    return MOD_OK;
}

static math_mod_state raised(modular *c, const math_node *n, uint64_t *v)
{
    uint64_t x, y;
    int64_t small;
    math_mod_state s;
    if (n->kind == M_POW && rz_math_small(c->e, n->last, &small)) {
        s = eval(c, n->first, v);
        if (s == MOD_OK && small < 0) s = inverse(c, v);
        if (s == MOD_OK) *v = power(*v, (uint64_t)(small < 0 ? -small : small) % (c->p - 1), c->p); /* 0^0 is 1, as everywhere here */
        return s;
    }
    if (exactly(c, n, v) == MOD_OK) return MOD_OK;
    if (n->kind == M_POW && n->first->kind == M_CONST && n->first->op == CONST_E) {
        s = eval(c, n->last, &y);
        return s == MOD_OK ? opaque(c, TAG_EXP, y, 0, v) : s;
    }
    if ((s = eval(c, n->first, &x)) != MOD_OK) return s;
    if (n->kind == M_POW && tower(c->e, n->last, c->point, 1, &y)) {
        *v = x ? power(x, y + chains[c->point][1], c->p) : 0;
        return MOD_OK;
    }
    if (n->kind == M_ROOT && n->n == 1) y = 2;
    else if ((s = eval(c, n->last, &y)) != MOD_OK) return s;
    if (n->kind == M_ROOT && (s = inverse(c, &y)) != MOD_OK) return s;
    if (n->kind == M_ROOT && n->n == 1) y = power(2, c->p - 2, c->p);
    return opaque(c, TAG_POW, x, y, v);
}

/* A point of the unit circle for each angle: sin² + cos² = 1 holds, and sin 0 = 0. */
static math_mod_state circle(modular *c, uint64_t angle, uint64_t *sine, uint64_t *cosine)
{
    uint64_t m = c->p, t, d;
    opaque(c, TAG_FN, FN_SIN, angle, &t);
    if (angle == 0) t = 0;
    uint64_t tt = mul(t, t, m);
    d = add(tt, 1, m);
    if (inverse(c, &d) != MOD_OK) return MOD_UNDEFINED;
    *sine = mul(add(t, t, m), d, m);
    *cosine = mul(add(1, neg(c, tt), m), d, m);
    return MOD_OK;
}

static math_mod_state trigonometric(modular *c, int fn, uint64_t x, uint64_t *v)
{
    uint64_t sine, cosine, above, below;
    if (circle(c, x, &sine, &cosine) != MOD_OK) return MOD_UNDEFINED;
    above = fn == FN_SIN || fn == FN_TAN ? sine : fn == FN_COS || fn == FN_COT ? cosine : 1;
    below = fn == FN_TAN || fn == FN_SEC ? cosine : fn == FN_COT || fn == FN_CSC ? sine : 1;
    if (inverse(c, &below) != MOD_OK) return MOD_UNDEFINED;
    *v = mul(above, below, c->p);
    return MOD_OK;
}

/* By elimination. */
static math_mod_state determinant(modular *c, const math_node *m, uint64_t *v)
{
    uint64_t a[MAX_DET][MAX_DET], p = c->p;
    int n = m->n;
    if (m->kind != M_MATRIX || n > MAX_DET || m->first->n != n) return MOD_CANNOT;
    const math_node *row = m->first;
    for (int i = 0; i < n; i++, row = row->next) {
        const math_node *x = row->first;
        for (int j = 0; j < n; j++, x = x->next) {
            math_mod_state s = eval(c, x, &a[i][j]);
            if (s != MOD_OK) return s;
        }
    }
    *v = 1;
    for (int k = 0; k < n; k++) {
        int pivot = k;
        while (pivot < n && a[pivot][k] == 0) pivot++;
        if (pivot == n) {
            *v = 0;
            return MOD_OK;
        }
        if (pivot != k) {
            *v = neg(c, *v);
            for (int j = 0; j < n; j++) {
                uint64_t swap = a[k][j];
                a[k][j] = a[pivot][j];
                a[pivot][j] = swap;
            }
        }
        *v = mul(*v, a[k][k], p);
        uint64_t inv = power(a[k][k], p - 2, p);
        for (int i = k + 1; i < n; i++) {
            uint64_t f = mul(a[i][k], inv, p);
            for (int j = k; j < n; j++) a[i][j] = add(a[i][j], neg(c, mul(f, a[k][j], p)), p);
        }
    }
    return MOD_OK;
}

/* x over k, k a small number: a polynomial. */
static math_mod_state binomial(modular *c, const math_node *n, uint64_t *v)
{
    int64_t k;
    uint64_t x, below = 1, p = c->p;
    if (n->n != 2 || !rz_math_small(c->e, n->last, &k) || k < 0 || k > 64) return MOD_CANNOT;
    math_mod_state s = eval(c, n->first, &x);
    *v = 1;
    for (uint64_t i = 0; s == MOD_OK && i < (uint64_t)k; i++) {
        *v = mul(*v, add(x, p - i, p), p);
        below = mul(below, i + 1, p);
    }
    if (s == MOD_OK) *v = mul(*v, power(below, p - 2, p), p);
    return s;
}

static math_mod_state function(modular *c, const math_node *n, uint64_t *v)
{
    int fn = n->op;
    uint64_t x, y = 0;
    math_mod_state s;
    if (fn == FN_DET) return n->n == 1 ? determinant(c, n->first, v) : MOD_CANNOT;
    if (exactly(c, n, v) == MOD_OK || (fn == FN_BINOM && binomial(c, n, v) == MOD_OK)) return MOD_OK;
    if (fn == FN_MIN || fn == FN_MAX || fn == FN_GCD || fn == FN_LCM) { /* in any order */
        for (const math_node *k = n->first; k; k = k->next) {
            if ((s = eval(c, k, &x)) != MOD_OK) return s;
            y = add(y, mix(17, x) % c->p, c->p);
        }
        return opaque(c, TAG_FN, (uint64_t)fn, y, v);
    }
    if (n->n > 2) return MOD_CANNOT;
    if ((s = eval(c, n->first, &x)) != MOD_OK) return s;
    if (n->n == 2 && (s = eval(c, n->last, &y)) != MOD_OK) return s;
    if (n->n == 1 && (fn == FN_SIN || fn == FN_COS || fn == FN_TAN || fn == FN_COT || fn == FN_SEC || fn == FN_CSC)) return trigonometric(c, fn, x, v);
    if (fn == FN_EXP && n->n == 1) return opaque(c, TAG_EXP, x, 0, v);
    if (fn == FN_LOG && n->n == 2) {
        opaque(c, TAG_FN, FN_LN, x, v);
        opaque(c, TAG_FN, FN_LN, y, &x);
        if ((s = inverse(c, &x)) == MOD_OK) *v = mul(*v, x, c->p);
        return s;
    }
    return opaque(c, TAG_FN, (uint64_t)fn | 256, mix(x, y + (uint64_t)n->n), v);
}

static math_mod_state factorial(modular *c, const math_node *n, uint64_t *v)
{
    int64_t k;
    uint64_t x;
    if (!rz_math_small(c->e, n->first, &k)) {
        math_mod_state s = eval(c, n->first, &x);
        return s == MOD_OK ? opaque(c, TAG_FACT, x, 0, v) : s;
    }
    if (k < 0) return MOD_UNDEFINED;
    if (k > MAX_FACTORIAL) return opaque(c, TAG_FACT, (uint64_t)k, 0, v);
    c->e->work_left -= k;
    *v = 1;
    for (uint64_t i = 2; i <= (uint64_t)k; i++) *v = mul(*v, i, c->p);
    return MOD_OK;
}

/* Name and arguments in order. */
static math_mod_state named(modular *c, uint64_t tag, uint64_t name, const math_node *n, uint64_t *v)
{
    uint64_t h = mix(tag, name), x;
    for (const math_node *k = n->first; k; k = k->next) {
        math_mod_state s = eval(c, k, &x);
        if (s != MOD_OK) return s;
        h = mix(mix(h, x), k->kind == M_ROW ? k->op : 0u);
    }
    bool was = c->opaque;
    opaque(c, tag, h, (uint64_t)n->n, v);
    c->opaque = was || tag == TAG_BIG; /* f(x) = f(y) for any f is false, but sums that look different may be equal */
    return MOD_OK;
}

static math_mod_state folded(modular *c, const math_node *n, uint64_t *v)
{
    uint64_t x;
    math_mod_state s = eval(c, n->first, v);
    for (const math_node *k = n->first->next; s == MOD_OK && k; k = k->next) {
        if ((s = eval(c, k, &x)) != MOD_OK) break;
        if (n->kind == M_DIV && (s = inverse(c, &x)) != MOD_OK) break;
        *v = n->kind == M_ADD ? add(*v, x, c->p) : mul(*v, x, c->p);
    }
    return s;
}

static math_mod_state leaf(modular *c, const math_node *n, uint64_t *v)
{
    bool was = c->opaque;
    if (n->kind == M_CONST && n->op == CONST_I) {
        *v = root_of_minus_one[c->point];
        return MOD_OK;
    }
    if (n->kind == M_CONST) opaque(c, TAG_CONST, n->op, 0, v);
    else opaque(c, TAG_VAR, rz_math_name_hash(n->text, n->kind == M_TEXT), (uint64_t)c->variant, v);
    c->opaque = was; /* a number of its own: differences prove */
    return MOD_OK;
}

static math_mod_state eval(modular *c, const math_node *n, uint64_t *v)
{
    math_mod_state s;
    int sign = c->e->sign;
    if ((c->e->work_left -= 4) <= 0) return MOD_CANNOT;
    switch (n->kind) {
    case M_NUM: return number(c, n, v);
    case M_VAR: case M_CONST: case M_TEXT: return leaf(c, n, v);
    case M_ADD: case M_MUL: case M_DIV: return folded(c, n, v);
    case M_NEG: s = eval(c, n->first, v); *v = neg(c, s == MOD_OK ? *v : 0); return s;
    case M_PM:
        s = eval(c, n->first, v);
        if (s == MOD_OK && n->sign * sign < 0) *v = neg(c, *v);
        return sign ? s : MOD_CANNOT;
    case M_SIGNED:
        c->e->sign = n->sign;
        s = eval(c, n->first, v);
        c->e->sign = sign;
        return s;
    case M_POW: case M_ROOT: return raised(c, n, v);
    case M_FN: return function(c, n, v);
    case M_FACT: return factorial(c, n, v);
    case M_PERCENT: s = eval(c, n->first, v); *v = mul(s == MOD_OK ? *v : 0, mul(tenth[c->point], tenth[c->point], c->p), c->p); return s;
    case M_CALL: return named(c, TAG_CALL, rz_math_name_hash(n->text, false), n, v);
    case M_UNIT: return named(c, TAG_UNIT, rz_math_name_hash(n->text, true), n, v);
    case M_BIG: return named(c, TAG_BIG, n->op, n, v);
    case M_REL: return named(c, TAG_REL, 0, n, v);
    case M_ROW: return n->n == 1 ? eval(c, n->first, v) : MOD_CANNOT;
    case M_TUPLE: case M_INTERVAL: return named(c, TAG_SET, n->kind, n, v);
    default: return MOD_CANNOT;
    }
}

math_mod_state rz_math_mod(math_env *e, const math_node *n, int prime, int variant, math_mod_value *out)
{
    modular c = {.e = e, .point = prime, .variant = variant, .p = chains[prime][0]};
    math_mod_state s = eval(&c, n, &out->v);
    out->opaque = c.opaque;
    return s;
}
