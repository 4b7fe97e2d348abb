/* Minerva's normal form of final answers (minerva.h): replacements, then a few regular expressions, which are linear passes here. */
#include "rewards/minerva.h"
#include <string.h>

/* Byte of the next c at or after `from` and before the end of its line; SIZE_MAX: none. *line_end is kept from call to call, so that a text is passed over once. */
static size_t find_in_line(rz_slice t, char c, size_t from, size_t *next, size_t *line_end)
{
    if (*line_end < from || *line_end == SIZE_MAX) {
        const char *p = memchr(t.s + from, '\n', t.len - from);
        *line_end = p ? (size_t)(p - t.s) : t.len;
    }
    if (*next < from || *next == SIZE_MAX) {
        const char *p = memchr(t.s + from, c, t.len - from);
        *next = p ? (size_t)(p - t.s) : t.len;
    }
    return *next < *line_end ? *next : SIZE_MAX;
}

/* Each line in which two $ stand becomes what they enclose, with one $ on either side. */
static rz_slice keep_formula(rz_arena *a, rz_slice t)
{
    rz_slice line;
    size_t next = 0;
    rz_builder b = rz_build(a, t.len);
    for (bool first = true; rz_python_piece(t, "\n", &next, &line); first = false) {
        size_t open = rz_python_find(line, "$", 0), close = open == SIZE_MAX ? open : rz_python_find(line, "$", open + 1);
        if (!first) rz_build_text(&b, "\n");
        rz_build_add(&b, close == SIZE_MAX ? line : rz_slice_cut(line, open, close + 1));
    }
    return rz_built(&b);
}

/* \name{content} → content, where the next } ends it, in its line. */
static rz_slice open_macro(rz_arena *a, rz_slice t, const char *macro)
{
    size_t n = strlen(macro), done = 0, at = 0, close, next = SIZE_MAX, line_end = SIZE_MAX;
    if (!rz_slice_has(t, macro)) return t;
    rz_builder b = rz_build(a, t.len);
    while ((at = rz_python_find(t, macro, at)) != SIZE_MAX) {
        if ((close = find_in_line(t, '}', at + n, &next, &line_end)) == SIZE_MAX) {
            at++;
            continue;
        }
        rz_build_add(&b, rz_slice_cut(t, done, at));
        rz_build_add(&b, rz_slice_cut(t, at + n, close));
        done = at = close + 1;
    }
    rz_build_add(&b, rz_python_from(t, done));
    return rz_built(&b);
}

/* \boxed{content} → content, where the last } of the line ends it. */
static rz_slice open_boxes(rz_arena *a, rz_slice t)
{
    rz_slice line;
    size_t next = 0;
    if (!rz_slice_has(t, "\\boxed{")) return t;
    rz_builder b = rz_build(a, t.len);
    for (bool first = true; rz_python_piece(t, "\n", &next, &line); first = false) {
        size_t open = rz_python_find(line, "\\boxed{", 0), close = rz_python_rfind(line, "}");
        if (!first) rz_build_text(&b, "\n");
        bool boxed = open != SIZE_MAX && close != SIZE_MAX && close > open;
        rz_build_add(&b, boxed ? rz_slice_cut(line, 0, open) : line);
        if (!boxed) continue;
        rz_build_add(&b, rz_slice_cut(line, open + 7, close));
        rz_build_add(&b, rz_python_from(line, close + 1));
    }
    return rz_built(&b);
}

/* name12 → name{1}{2}: what follows a name that is not { becomes its first argument and, of two, the character behind it, in its line, the second. */
static rz_slice brace_arguments(rz_arena *a, rz_slice t, const char *name, int n_args)
{
    size_t n = strlen(name), done = 0, at = 0;
    rz_builder b = rz_build(a, t.len + 4 * rz_python_count(t, name));
    while ((at = rz_python_find(t, name, at)) != SIZE_MAX) {
        size_t first = at + n, second = first + rz_char_size(t, first), end = n_args == 2 ? second + rz_char_size(t, second) : second;
        if (first >= t.len || t.s[first] == '{' || (n_args == 2 && (second >= t.len || t.s[second] == '\n'))) {
            at++;
            continue;
        }
        rz_build_add(&b, rz_slice_cut(t, done, first));
        rz_build_text(&b, "{");
        rz_build_add(&b, rz_slice_cut(t, first, second));
        rz_build_text(&b, n_args == 2 ? "}{" : "}");
        if (n_args == 2) {
            rz_build_add(&b, rz_slice_cut(t, second, end));
            rz_build_text(&b, "}");
        }
        done = at = end;
    }
    rz_build_add(&b, rz_python_from(t, done));
    return rz_built(&b);
}

static rz_slice drop_words(rz_arena *a, rz_slice t, bool feet)
{
    static const rz_swap swaps[] = {{"an ", ""}, {"a ", ""}, {".$", "$"}, {"\\$", ""}, {"\\ ", ""}, {" ", ""}, {"mbox", "text"}, {",\\text{and}", ","},
                                    {"\\text{and}", ","}, {"\\text{m}", "\\text{}"}};
    static const rz_swap before_feet[] = {{"square", ""}, {"ways", ""}, {"integers", ""}, {"dollars", ""}, {"mph", ""}, {"inches", ""}};
    static const rz_swap after_feet[] = {{"hours", ""}, {"km", ""}, {"units", ""}, {"\\ldots", ""}, {"sue", ""}, {"points", ""}, {"feet", ""}, {"minutes", ""},
        {"digits", ""}, {"cents", ""}, {"degrees", ""}, {"cm", ""}, {"gm", ""}, {"pounds", ""}, {"meters", ""}, {"meals", ""}, {"edges", ""}, {"students", ""},
        {"childrentickets", ""}, {"multiples", ""}, {"\\text{s}", ""}, {"\\text{.}", ""}, {"\\text{\ns}", ""}, {"\\text{}^2", ""}, {"\\text{}^3", ""},
        {"\\text{\n}", ""}, {"\\text{}", ""}, {"\\mathrm{th}", ""}, {"^\\circ", ""}, {"^{\\circ}", ""}, {"\\;", ""}, {",\\!", ""}, {"{,}", ""}, {"\"", ""},
        {"\\dots", ""}};
    t = rz_swap_all(a, t, swaps, sizeof swaps / sizeof *swaps);
    t = rz_swap_all(a, t, before_feet, sizeof before_feet / sizeof *before_feet);
    if (feet) t = rz_swap_all(a, t, &(rz_swap){"ft", ""}, 1);
    return rz_swap_all(a, t, after_feet, sizeof after_feet / sizeof *after_feet);
}

rz_slice rz_minerva_normal(rz_arena *a, rz_slice t, unsigned flags)
{
    static const char *const macros[] = {"\\text{", "\\textbf{", "\\overline{"};
    size_t equals = flags & RZ_MINERVA_LAST_SIDE ? rz_python_rfind(t, "=") : SIZE_MAX;
    if (equals != SIZE_MAX) t = rz_python_from(t, equals + 1);
    t = keep_formula(a, drop_words(a, t, flags & RZ_MINERVA_FT));
    for (int i = 0; i < 3; i++) t = open_macro(a, t, macros[i]);
    t = brace_arguments(a, open_boxes(a, t), "frac", 2);
    t = rz_swap_all(a, brace_arguments(a, t, "sqrt", 1), &(rz_swap){"$", ""}, 1);
    rz_slice bare = rz_swap_all(a, t, &(rz_swap){",", ""}, 1);
    if (rz_python_all_digits(bare)) t = bare;
    return flags & RZ_MINERVA_STRIP ? rz_python_strip(t) : t;
}
