/* Numbers and plain expressions in running text: 1,234.5 and (1/2)*3. */
#include "rewards/math_extract.h"
#include <string.h>

static char at(rz_slice t, size_t i) { return i < t.len ? t.s[i] : 0; }
static bool digit(char c) { return c >= '0' && c <= '9'; }

static bool starts(rz_slice t, size_t i, const char *what)
{
    size_t n = strlen(what);
    return i <= t.len && t.len - i >= n && memcmp(t.s + i, what, n) == 0;
}

/* The end of the digits at i. The last run is kept, and below that of groups: many numbers may end in the same ones. */
static size_t digits(math_scan *s, size_t i)
{
    if (i >= s->digits_from && i < s->digits_end) return s->digits_end;
    s->digits_from = i;
    while (digit(at(s->t, i))) i++;
    return s->digits_end = i;
}

static bool group_at(rz_slice t, size_t i)
{
    return (at(t, i) == ' ' || at(t, i) == ',') && digit(at(t, i + 1)) && digit(at(t, i + 2)) && digit(at(t, i + 3));
}

static size_t groups(math_scan *s, size_t i)
{
    if (i >= s->groups_from && i < s->groups_end && (i - s->groups_from) % 4 == 0) return s->groups_end;
    s->groups_from = i;
    while (group_at(s->t, i)) i += 4;
    return s->groups_end = i;
}

/* What must stand before: the text's start, a blank or "="; then perhaps "**". */
static bool prefix(rz_slice t, size_t *i)
{
    if (*i < t.len && (rz_is_space(t.s[*i]) || t.s[*i] == '=')) ++*i;
    else if (*i) return false;
    if (starts(t, *i, "**")) *i += 2;
    return true;
}

/* Bytes of a number: 1,234.5 · 1 234 · 12,5 · .5 · 12. 0: none. */
static size_t number_end(math_scan *s, size_t i)
{
    rz_slice t = s->t;
    size_t from = i, k = i + (at(t, i) == '-'), whole = digits(s, k);
    if (whole > k && whole - k <= 3 && at(t, k) != '0') {
        size_t g = groups(s, whole);
        if (g > whole) return (at(t, g) == '.' && digit(at(t, g + 1)) ? digits(s, g + 1) : g) - from;
    }
    if (whole > k && (at(t, whole) == '.' || at(t, whole) == ',') && digit(at(t, whole + 1))) return digits(s, whole + 1) - from;
    if (at(t, i) == '.' && digit(at(t, i + 1))) return digits(s, i + 1) - from;
    return whole > k ? whole - from : 0;
}

bool rz_math_number_at(math_scan *s, size_t i, math_candidate *out)
{
    rz_slice t = s->t;
    static const char *const coins[] = {"$", "\u20ac", "\u00a3", "\u00a5", "\u20b9", "\u20bd", "\u20aa", "\u20a9", "\u20ab", "\u0e3f", "\u20bf"};
    static const char *const names[] = {"%", "percentage", "Percentage", "percent", "Percent", "pct", "Pct"};
    out->start = i;
    if (!prefix(t, &i)) return false;
    char c = at(t, i);
    bool coin = c == '$' || (unsigned char)c >= 0x80;
    if (!coin && !digit(c) && c != '-' && c != '.') return false;
    for (size_t k = 0; coin && k < sizeof coins / sizeof *coins; k++)
        if (starts(t, i, coins[k])) {
            i += strlen(coins[k]);
            break;
        }
    size_t n = number_end(s, i);
    if (n == 0 || (i && digit(t.s[i - 1]))) return false;
    out->kind = FOUND_NUMBER;
    out->n = 1;
    out->parts[0] = (math_part){{t.s + i, n}, false};
    out->end = i + n;
    size_t p = out->end;
    while (rz_is_space(at(t, p))) p++;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (starts(t, p, names[k])) {
            out->parts[0].percent = true;
            out->end = p + strlen(names[k]);
            break;
        }
    return true;
}

static bool operator(char c) { return c && strchr("+-*/^()", c); }

static bool suffix(rz_slice t, size_t i, size_t *end)
{
    if (starts(t, i, "**")) i += 2;
    *end = i < t.len ? i + 1 : i;
    return i >= t.len || strchr(".,:)$", t.s[i]) || rz_is_space(t.s[i]);
}

/* The run of characters that a plain expression may have, and its first operator, seen from k; looked at once. */
static void look_at_run(math_scan *s, size_t k)
{
    rz_slice t = s->t;
    size_t i = k;
    if (s->run_from <= k && k < s->run_end && (s->run_op >= k || s->run_op == s->run_end)) return;
    s->run_from = k;
    s->run_op = SIZE_MAX;
    for (; i < t.len && (digit(t.s[i]) || t.s[i] == '.' || rz_is_space(t.s[i]) || operator(t.s[i])); i++)
        if (s->run_op == SIZE_MAX && operator(t.s[i])) s->run_op = i;
    s->run_end = i;
    if (s->run_op == SIZE_MAX) s->run_op = i;
}

/* Begins with a digit, has an operator, and ends where an expression may. Python reads it afterwards: no product by juxtaposition. */
bool rz_math_plain_at(math_scan *s, size_t i, math_candidate *out)
{
    enum { LONGEST = 4096 };
    rz_slice t = s->t;
    out->start = i;
    if (!prefix(t, &i)) return false;
    size_t k = i, end;
    if (at(t, k) == '-') k++;
    if (at(t, k) == '(') k++;
    if (at(t, k) == '-') k++;
    if (!digit(at(t, k))) return false;
    look_at_run(s, k + 1);
    size_t op = s->run_op;
    if (op >= s->run_end || op > i + LONGEST) return false;
    for (k = s->run_end < i + LONGEST ? s->run_end : i + LONGEST; k > op + 1; k--) {
        if (!suffix(t, k, &end)) continue;
        out->kind = FOUND_EXPRESSION;
        out->n = 1;
        out->parts[0] = (math_part){rz_trim((rz_slice){t.s + i, k - i}), false};
        out->end = end;
        return true;
    }
    return false;
}
