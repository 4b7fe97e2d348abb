#include "data/jinja_tree.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The lexer: template text, {{ … }}, {% … %}, {# … #}, with the white-space rules of trim_blocks and lstrip_blocks. */

typedef struct {
    run *r;
    const char *s;
    size_t len, at;
    token *tokens;
    size_t n, cap;
    bool line_start; /* the text that follows begins a line */
} lexer;

__attribute__((noreturn, format(printf, 3, 4))) static void fail(lexer *x, size_t at, const char *fmt, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, fmt);
    vsnprintf(text, sizeof text, fmt, arguments);
    va_end(arguments);
    x->r->at = (uint32_t)at;
    rz_jinja_fail(x->r, "%s", text);
}

static token *add(lexer *x, token_kind kind, size_t at, const char *text, size_t len)
{
    if (x->n == x->cap) {
        size_t cap = x->cap ? 2 * x->cap : 256;
        token *more = rz_jinja_new(x->r, cap, sizeof *more);
        if (x->n) memcpy(more, x->tokens, x->n * sizeof *more);
        x->tokens = more;
        x->cap = cap;
    }
    token *t = &x->tokens[x->n++];
    *t = (token){.kind = kind, .at = (uint32_t)at, .text = text, .len = len};
    return t;
}

static bool here(const lexer *x, size_t at, const char *word)
{
    size_t n = strlen(word);
    return at + n <= x->len && memcmp(x->s + at, word, n) == 0;
}

/* Past white space of any kind, from `at`. */
static size_t skip_space(const lexer *x, size_t at)
{
    size_t n;
    while (at < x->len && rz_u_space(x->s + at, x->len - at, &n)) at += n;
    return at;
}

/* Template text up to `end`, where a tag begins (sign: the character behind "{%"; is_output: "{{"). */
static void add_text(lexer *x, size_t end, char sign, bool is_output)
{
    size_t start = x->at, stop = end;
    if (sign == '-') {
        stop = start + rz_u_strip(rz_v_string(x->s + start, end - start), false, true, NULL).len;
    } else if (sign != '+' && !is_output) {
        size_t line = end;
        while (line > start && x->s[line - 1] != '\n') line--;
        if ((line > start || x->line_start) && skip_space(x, line) >= end) stop = line;
    }
    if (stop > start) add(x, TK_TEXT, start, x->s + start, stop - start);
}

/* Behind the closing "…}": what it swallows. `at` is at an optional sign. false: there is no end here. */
static bool close_tag(lexer *x, const char *close, bool trims)
{
    size_t at = x->at;
    char sign = at < x->len && (x->s[at] == '-' || (x->s[at] == '+' && trims)) ? x->s[at] : 0;
    if (!here(x, at + (sign != 0), close)) return false;
    at += (sign != 0) + strlen(close);
    if (sign == '-') at = skip_space(x, at);
    else if (trims && !sign && at < x->len && x->s[at] == '\n') at++;
    x->line_start = x->s[at - 1] == '\n';
    x->at = at;
    return true;
}

static void comment(lexer *x)
{
    size_t start = x->at;
    x->at += 2;
    if (x->at < x->len && (x->s[x->at] == '-' || x->s[x->at] == '+')) x->at++;
    for (; x->at < x->len; x->at++)
        if (close_tag(x, "#}", true)) return;
    fail(x, start, "a comment has no end: \"#}\" is missing");
}

/* ---- inside a tag ---- */

static void put_code(char **to, unsigned code)
{
    unsigned char *o = (unsigned char *)*to;
    if (code < 0x80) *o++ = (unsigned char)code;
    else if (code < 0x800) *o++ = (unsigned char)(0xC0 | code >> 6), *o++ = (unsigned char)(0x80 | (code & 63));
    else if (code < 0x10000)
        *o++ = (unsigned char)(0xE0 | code >> 12), *o++ = (unsigned char)(0x80 | (code >> 6 & 63)), *o++ = (unsigned char)(0x80 | (code & 63));
    else
        *o++ = (unsigned char)(0xF0 | code >> 18), *o++ = (unsigned char)(0x80 | (code >> 12 & 63)), *o++ = (unsigned char)(0x80 | (code >> 6 & 63)),
        *o++ = (unsigned char)(0x80 | (code & 63));
    *to = (char *)o;
}

/* Up to `most` digits of a base at s; how many there are. */
static int digits(const char *s, const char *end, int base, int most, unsigned *code)
{
    int n = 0;
    for (*code = 0; n < most && s + n < end; n++) {
        int c = s[n], d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
        if (d >= base) break;
        *code = *code * (unsigned)base + (unsigned)d;
    }
    return n;
}

/* One escape behind the backslash, as in Python; returns what it takes. */
static size_t escape(lexer *x, size_t at, const char *s, const char *end, char **to)
{
    static const char from[] = "abfnrtv\\'\"", meaning[] = "\a\b\f\n\r\t\v\\'\"";
    static const struct { char letter; int digits; } coded[] = {{'x', 2}, {'u', 4}, {'U', 8}};
    unsigned code;
    if (*s == '\n') return 1;
    const char *known = *s ? strchr(from, *s) : NULL;
    if (known) {
        *(*to)++ = meaning[known - from];
        return 1;
    }
    int n = digits(s, end, 8, 3, &code);
    if (n) {
        put_code(to, code);
        return (size_t)n;
    }
    for (size_t i = 0; i < 3; i++) {
        if (*s != coded[i].letter) continue;
        n = digits(s + 1, end, 16, coded[i].digits, &code);
        if (n < coded[i].digits || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) fail(x, at, "a string holds a bad \\%c escape", *s);
        put_code(to, code);
        return (size_t)n + 1;
    }
    if (*s == 'N') fail(x, at, "\\N{…} in a string is not supported");
    *(*to)++ = '\\';
    return 0;
}

static void string(lexer *x)
{
    size_t start = x->at, end = start + 1;
    while (end < x->len && x->s[end] != x->s[start]) end += x->s[end] == '\\' ? 2 : 1;
    if (end >= x->len) fail(x, start, "a string has no end: the closing %c is missing", x->s[start]);
    char *text = rz_jinja_new(x->r, end - start + 1, 1), *to = text;
    for (const char *s = x->s + start + 1, *stop = x->s + end; s < stop;) {
        if (*s == '\\') s += 1 + escape(x, start, s + 1, stop, &to);
        else *to++ = *s++;
    }
    add(x, TK_STRING, start, text, (size_t)(to - text));
    x->at = end + 1;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static void number(lexer *x)
{
    size_t start = x->at, n = 0;
    char text[64];
    bool is_float = false;
    while (x->at < x->len) {
        char c = x->s[x->at], next = x->at + 1 < x->len ? x->s[x->at + 1] : 0, after = x->at + 2 < x->len ? x->s[x->at + 2] : 0;
        bool dot = c == '.' && is_digit(next) && !is_float, power = (c == 'e' || c == 'E') && (is_digit(next) || ((next == '-' || next == '+') && is_digit(after)));
        if (!is_digit(c) && !dot && !power && !(c == '_' && is_digit(next))) break;
        if (n + 4 > sizeof text) fail(x, start, "a number is too long");
        if (c != '_') text[n++] = c;
        x->at++;
        is_float |= dot || power;
        if (power && !is_digit(next)) text[n++] = x->s[x->at++];
    }
    text[n] = 0;
    if (x->at < x->len && is_letter(x->s[x->at])) fail(x, start, "the number %.20s is followed by a letter (numbers of other bases are not supported)", text);
    token *t = add(x, is_float ? TK_FLOAT : TK_INT, start, x->s + start, x->at - start);
    if (is_float) {
        t->f = strtod(text, NULL);
    } else {
        if (n > 18) fail(x, start, "the number %.20s… is too large", text);
        if (n > 1 && text[0] == '0' && strspn(text, "0") != n) fail(x, start, "the number %.20s begins with 0", text);
        t->i = strtoll(text, NULL, 10);
    }
}

static void name(lexer *x)
{
    size_t start = x->at;
    while (x->at < x->len && (is_letter(x->s[x->at]) || is_digit(x->s[x->at]))) x->at++;
    if (x->at < x->len && (x->s[x->at] & 0x80)) fail(x, start, "names with characters beyond ASCII are not supported");
    if (x->at - start > RZ_JINJA_NAME) fail(x, start, "a name of %zu bytes, may have %d", x->at - start, RZ_JINJA_NAME);
    add(x, TK_NAME, start, x->s + start, x->at - start);
}

static void operator(lexer *x)
{
    static const char *const ops[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":",
                                      "|", ",", ";"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (!here(x, x->at, ops[i])) continue;
        add(x, TK_OP, x->at, ops[i], strlen(ops[i]));
        x->at += strlen(ops[i]);
        return;
    }
    unsigned char c = (unsigned char)x->s[x->at];
    if (c > 32 && c < 127) fail(x, x->at, "unexpected character '%c'", c);
    fail(x, x->at, "unexpected byte 0x%02x", c);
}

/* The tokens of a tag until it closes; brackets keep "}}" from being an end. */
static void inside(lexer *x, const char *close, token_kind end)
{
    size_t start = x->at;
    int open = 0;
    for (;;) {
        x->at = skip_space(x, x->at);
        if (x->at >= x->len) fail(x, start, "a tag has no end: \"%s\" is missing", close);
        size_t at = x->at;
        if (!open && close_tag(x, close, end == TK_BLOCK_END)) {
            add(x, end, at, "", 0);
            return;
        }
        char c = x->s[x->at];
        if (c == '"' || c == '\'') string(x);
        else if (is_digit(c)) number(x);
        else if (is_letter(c) || (c & 0x80)) name(x);
        else {
            open += (c == '(' || c == '[' || c == '{') - (c == ')' || c == ']' || c == '}');
            if (open < 0) fail(x, x->at, "unexpected '%c'", c);
            operator(x);
        }
    }
}

/* "{% raw %}" at x->at (behind its sign): everything to "{% endraw %}" is text. */
static bool raw(lexer *x)
{
    size_t start = x->at, at = skip_space(x, x->at);
    if (!here(x, at, "raw")) return false;
    x->at = skip_space(x, at + 3);
    bool strips = here(x, x->at, "-%}");
    if (!strips && !here(x, x->at, "%}")) {
        x->at = start;
        return false;
    }
    x->at += strips ? 3 : 2;
    if (strips) x->at = skip_space(x, x->at);
    for (size_t end = x->at; end + 2 < x->len; end++) {
        if (!here(x, end, "{%")) continue;
        char sign = x->s[end + 2] == '-' || x->s[end + 2] == '+' ? x->s[end + 2] : 0;
        size_t word = skip_space(x, end + 2 + (sign != 0));
        if (!here(x, word, "endraw")) continue;
        lexer close = *x;
        close.at = skip_space(x, word + 6);
        if (!close_tag(&close, "%}", true)) continue;
        x->line_start = false;
        add_text(x, end, sign, false);
        x->at = close.at;
        x->line_start = close.line_start;
        return true;
    }
    fail(x, start, "a raw block has no end: \"{%% endraw %%}\" is missing");
}

token *rz_jinja_lex(run *r, size_t *n)
{
    lexer x = {.r = r, .s = r->t->source, .len = r->t->len, .line_start = true};
    while (x.at < x.len) {
        size_t end = x.at;
        while (end < x.len && !here(&x, end, "{{") && !here(&x, end, "{%") && !here(&x, end, "{#")) end++;
        if (end == x.len) {
            add(&x, TK_TEXT, x.at, x.s + x.at, end - x.at);
            break;
        }
        char kind = x.s[end + 1], sign = end + 2 < x.len && (x.s[end + 2] == '-' || x.s[end + 2] == '+') ? x.s[end + 2] : 0;
        add_text(&x, end, sign, kind == '{');
        x.at = end;
        if (kind == '#') {
            comment(&x);
            continue;
        }
        x.at += 2u + (sign != 0);
        if (kind == '%' && raw(&x)) continue;
        add(&x, kind == '{' ? TK_OUTPUT : TK_BLOCK, end, "", 0);
        inside(&x, kind == '{' ? "}}" : "%}", kind == '{' ? TK_OUTPUT_END : TK_BLOCK_END);
    }
    add(&x, TK_END, x.len, "", 0);
    *n = x.n;
    return x.tokens;
}
