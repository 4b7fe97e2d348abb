#include "data/trace.h"

#include <stdbool.h>
#include <string.h>

enum { MAX_DIGITS = 9, WINDOW = 7 }; /* the word before an equation, its five, the word behind; products fit int64_t */

typedef struct { const char *s; size_t len; } word;

static bool is(word w, const char *text)
{
    return w.len == strlen(text) && !memcmp(w.s, text, w.len);
}

static bool is_operator(word w)
{
    return w.len == 1 && strchr("+-*/", w.s[0]) && w.s[0];
}

static bool number(word w, int64_t *value)
{
    bool negative = w.len > 1 && w.s[0] == '-';
    *value = 0;
    if (w.len - negative < 1 || w.len - negative > MAX_DIGITS)
        return false;
    for (size_t i = negative; i < w.len; i++) {
        if (w.s[i] < '0' || w.s[i] > '9')
            return false;
        *value = 10 * *value + (w.s[i] - '0');
    }
    *value = negative ? -*value : *value;
    return true;
}

static bool holds(int64_t a, char op, int64_t b, int64_t c)
{
    switch (op) {
    case '+': return a + b == c;
    case '-': return a - b == c;
    case '*': return a * b == c;
    default: return b != 0 && b * c == a;
    }
}

static void count_equation(const word *w, rz_trace *out)
{
    int64_t a, b, c;
    if (!is_operator(w[2]) || !is(w[4], "=") || !number(w[1], &a) || !number(w[3], &b) || !number(w[5], &c) || is_operator(w[0]) || is_operator(w[6]))
        return;
    out->equations++;
    out->equations_right += holds(a, w[2].s[0], b, c);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next word from *at on; an empty one behind the last. */
static word next(const char *text, size_t len, size_t *at)
{
    while (*at < len && is_space(text[*at]))
        ++*at;
    size_t start = *at;
    while (*at < len && !is_space(text[*at]))
        ++*at;
    return (word){text + start, *at - start};
}

void rz_trace_count(const char *text, size_t len, rz_trace *out)
{
    word w[WINDOW] = {{"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}};
    bool thinking = true;
    size_t at = 0;
    int64_t t;
    *out = (rz_trace){0};
    for (int behind = 0; behind < WINDOW;) { /* until the last word has left the window */
        memmove(w, w + 1, sizeof w - sizeof w[0]);
        word new = w[WINDOW - 1] = next(text, len, &at);
        behind += new.len == 0;
        thinking = thinking && !is(new, "</think>") && !is(new, "<answer>");
        out->attempts += thinking && (is(new, "yes") || is(new, "no"));
        out->self_checks += is(w[3], "vs") && is(w[5], "off") && number(w[4], &t) && number(new, &t);
        count_equation(w, out);
    }
}
