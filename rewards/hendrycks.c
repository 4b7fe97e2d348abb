/* The normal form of MATH answers (hendrycks.h): a dozen rewritings of text, mistakes included. */
#include "rewards/hendrycks.h"
#include <string.h>

enum { MAX_INT_DIGITS = 4300 }; /* more are no int() to Python */

static bool is_number_for_python(rz_slice t)
{
    size_t i = t.len && t.s[0] == '-', digits = t.len - i;
    if (digits == 0 || digits > MAX_INT_DIGITS || (t.s[i] == '0' && (digits > 1 || i))) return false;
    for (; i < t.len; i++)
        if (t.s[i] < '0' || t.s[i] > '9') return false;
    return true;
}

/* a/b → \frac{a}{b}, when that is all, and both are integers as Python prints them. */
static bool fix_slash(rz_arena *a, rz_slice t, bool raises, rz_slice *out)
{
    rz_python_integer unused;
    *out = t;
    size_t at = rz_python_find(t, "/", 0);
    if (at == SIZE_MAX || rz_python_find(t, "/", at + 1) != SIZE_MAX) return true;
    rz_slice over = rz_slice_cut(t, 0, at), under = rz_python_from(t, at + 1);
    if (raises && (!rz_python_int(a, over, &unused) || !rz_python_int(a, under, &unused))) return false;
    if (is_number_for_python(over) && is_number_for_python(under))
        *out = rz_concat(a, (rz_slice[]){rz_slice_of("\\frac{"), over, rz_slice_of("}{"), under, rz_slice_of("}")}, 5);
    return true;
}

/* \frac12 → \frac{1}{2}, \frac1{2} → \frac{1}{2}; one with a single character behind it leaves the whole text as it was. */
static bool fix_fractions(rz_arena *a, rz_slice t, rz_slice *out)
{
    rz_slice part, was = t;
    size_t next = 0;
    rz_builder b = rz_build(a, t.len + 4 * rz_python_count(t, "\\frac"));
    for (bool first = true; rz_python_piece(t, "\\frac", &next, &part); first = false) {
        if (first) {
            rz_build_add(&b, part);
            continue;
        }
        size_t n = rz_char_size(part, 0), m = rz_char_size(part, n);
        rz_build_text(&b, "\\frac");
        if (n == 0) return false;
        if (part.s[0] == '{') {
            rz_build_add(&b, part);
            continue;
        }
        *out = was;
        if (m == 0) return true;
        rz_build_text(&b, "{");
        rz_build_add(&b, rz_slice_cut(part, 0, n));
        rz_build_text(&b, part.s[n] == '{' ? "}" : "}{");
        rz_build_add(&b, rz_slice_cut(part, n, n + m));
        rz_build_text(&b, part.s[n] == '{' ? "" : "}");
        rz_build_add(&b, rz_python_from(part, n + m));
    }
    *out = rz_built(&b);
    return true;
}

/* \sqrt3 → \sqrt{3} */
static bool fix_roots(rz_arena *a, rz_slice t, rz_slice *out)
{
    rz_slice part;
    size_t next = 0;
    rz_builder b = rz_build(a, t.len + 2 * rz_python_count(t, "\\sqrt"));
    for (bool first = true; rz_python_piece(t, "\\sqrt", &next, &part); first = false) {
        size_t n = rz_char_size(part, 0);
        if (!first && n == 0) return false;
        bool bare = !first && part.s[0] != '{';
        rz_build_text(&b, first ? "" : bare ? "\\sqrt{" : "\\sqrt");
        if (bare) {
            rz_build_add(&b, rz_slice_cut(part, 0, n));
            rz_build_text(&b, "}");
        }
        rz_build_add(&b, bare ? rz_python_from(part, n) : part);
    }
    *out = rz_built(&b);
    return true;
}

/* A unit to the right, which is written "\text{ unit}" with a blank. */
static bool drop_right_unit(rz_slice *t)
{
    size_t at = rz_python_find(*t, "\\text{ ", 0);
    if (at == SIZE_MAX) return true;
    if (rz_python_find(*t, "\\text{ ", at + 7) != SIZE_MAX) return false;
    t->len = at;
    return true;
}

/* "k = 5": what is left of the only = goes if it has at most two characters. */
static rz_slice drop_name(rz_slice t)
{
    size_t at = rz_python_find(t, "=", 0);
    if (at == SIZE_MAX || rz_python_find(t, "=", at + 1) != SIZE_MAX || rz_python_len(rz_slice_cut(t, 0, at)) > 2) return t;
    return rz_python_from(t, at + 1);
}

/* \begin{array}{…} → \begin{pmatrix}, where {…} stands in one line. */
static rz_slice array_to_matrix(rz_arena *a, rz_slice t)
{
    static const char array[] = "\\begin{array}{";
    rz_builder b = rz_build(a, t.len + 2 * rz_python_count(t, array));
    size_t done = 0, at = 0;
    while ((at = rz_python_find(t, array, at)) != SIZE_MAX) {
        const char *close = memchr(t.s + at + strlen(array), '}', t.len - at - strlen(array));
        if (!close) break; /* newlines are gone by now, so that no line ends before it */
        rz_build_add(&b, rz_slice_cut(t, done, at));
        rz_build_text(&b, "\\begin{pmatrix}");
        done = at = (size_t)(close - t.s) + 1;
    }
    rz_build_add(&b, rz_python_from(t, done));
    return rz_built(&b);
}

/* What stands from the first "\text{" to a "}" that ends the text goes, and white space around the rest, unless nothing would be left. */
static rz_slice drop_last_text(rz_slice t)
{
    size_t at = rz_python_ends(t, "}") ? rz_python_find(t, "\\text{", 0) : SIZE_MAX;
    rz_slice left = rz_python_strip(rz_slice_cut(t, 0, at == SIZE_MAX ? t.len : at));
    return left.len ? left : t;
}

static rz_slice oat_steps(rz_arena *a, rz_slice t)
{
    static const rz_swap names[] = {{"\\end{array}", "\\end{pmatrix}"}, {"bmatrix", "pmatrix"}, {"tfrac", "frac"}, {"dfrac", "frac"}, {"\\neq", "\\ne"},
                                    {"\\leq", "\\le"}, {"\\geq", "\\ge"}, {"\\left", ""}, {"\\right", ""}};
    t = rz_swap_all(a, array_to_matrix(a, t), names, sizeof names / sizeof *names);
    return rz_oat_drop_units(a, drop_last_text(t));
}

bool rz_hendrycks_strip(rz_arena *a, rz_slice t, rz_hendrycks_dialect dialect, rz_slice *out)
{
    static const rz_swap lines[] = {{"\n", ""}, {"\\!", ""}, {"\\\\", "\\"}};
    static const rz_swap sizes[] = {{"tfrac", "frac"}, {"dfrac", "frac"}, {"\\left", ""}, {"\\right", ""}};
    static const rz_swap degrees[] = {{"^{\\circ}", ""}, {"^\\circ", ""}, {"\\$", ""}};
    static const rz_swap points[] = {{"\\%", ""}, {" .", " 0."}, {"{.", "{0."}};
    t = rz_swap_all(a, t, lines, 3);
    t = dialect == RZ_HENDRYCKS_OAT ? oat_steps(a, t) : rz_swap_all(a, t, sizes, 4);
    t = rz_swap_all(a, t, degrees, 3);
    if (!drop_right_unit(&t)) return false;
    if (dialect == RZ_HENDRYCKS_VERL) t = rz_swap_all(a, t, &(rz_swap){"\\\\%", ""}, 1);
    t = rz_swap_all(a, t, points, 1);
    if (dialect == RZ_HENDRYCKS_MATHRULER) t = rz_swap_all(a, t, &(rz_swap){"%", ""}, 1);
    t = rz_swap_all(a, t, points + 1, 2);
    *out = t;
    if (t.len == 0) return true;
    if (t.s[0] == '.') t = rz_python_join(a, rz_slice_of("0"), t);
    if (!fix_roots(a, drop_name(t), &t)) return false;
    t = rz_swap_all(a, t, &(rz_swap){" ", ""}, 1);
    if (!fix_fractions(a, t, &t)) return false;
    *out = rz_slice_of("\\frac{1}{2}");
    return rz_slice_is(t, "0.5") || fix_slash(a, t, dialect == RZ_HENDRYCKS_OPEN_INSTRUCT, out);
}

bool rz_hendrycks_equal(rz_arena a, rz_slice x, rz_slice y, rz_hendrycks_dialect dialect)
{
    rz_slice s, t;
    if (!rz_hendrycks_strip(&a, x, dialect, &s) || !rz_hendrycks_strip(&a, y, dialect, &t)) return rz_python_equal(x, y);
    return rz_python_equal(s, t);
}

bool rz_whole_text_macro(rz_slice t, rz_slice *content)
{
    if (rz_python_ends(t, "\n")) t.len--;
    if (!rz_python_starts(t, "\\text{") || t.len < 8 || t.s[t.len - 1] != '}') return false;
    *content = rz_slice_cut(t, 6, t.len - 1);
    return !memchr(content->s, '\n', content->len);
}

rz_slice rz_hendrycks_normal(rz_arena *a, rz_slice t, rz_hendrycks_dialect dialect)
{
    rz_slice out;
    t = rz_python_strip(t);
    if (rz_whole_text_macro(t, &out)) t = rz_python_strip(out);
    return rz_hendrycks_strip(a, t, dialect, &out) ? out : t;
}

bool rz_hendrycks_box(rz_slice t, rz_slice *out)
{
    size_t at = rz_python_rfind(t, "\\boxed "), close;
    if (at != SIZE_MAX) {
        rz_slice rest = rz_python_from(t, at + 7);
        close = rz_python_find(rest, "$", 0);
        *out = rz_slice_cut(rest, 0, close == SIZE_MAX ? rest.len : close);
        return true;
    }
    at = rz_python_rfind(t, "\\boxed");
    if (at == SIZE_MAX || (close = rz_brace_close(t, at)) == SIZE_MAX || !rz_python_starts(rz_python_from(t, at), "\\boxed{")) return false;
    *out = rz_slice_cut(t, at + 7, close);
    return true;
}
