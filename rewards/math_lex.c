/* Tokens of answers: LaTeX commands, Unicode signs, plain words. */
#include "rewards/math_words.h"
#include <string.h>

typedef struct { const char *s; uint8_t kind, val; } sign_row;
static const sign_row signs[] = { /* blanks first: a text may hold any number of them, while other signs are tokens, which are few */
    {"\u00a0", T_SKIP, 1}, {"\u2009", T_SKIP, 1}, {"\u202f", T_SKIP, 1}, {"\u2212", '-', 0}, {"\u2013", '-', 0}, {"\u00d7", '*', 0}, {"\u22c5", '*', 0}, {"\u00b7", '*', 0}, {"\u2217", '*', 0}, {"\u00f7", '/', 0},
    {"\u2264", T_LE, 0}, {"\u2265", T_GE, 0}, {"\u2260", T_NE, 0}, {"\u2248", T_APPROX, 0}, {"\u2208", T_IN, 0}, {"\u222a", T_CUP, 0}, {"\u2229", T_CAP, 0},
    {"\u2205", T_EMPTY, 0}, {"\u221e", T_INFTY, 0}, {"\u03c0", T_PI, 0}, {"\u00b1", T_PM, 1}, {"\u2213", T_PM, 2}, {"\u00b0", T_DEGREE, 0},
    {"\u221a", T_SQRT, 0}, {"\u00b2", T_SQUARE_UNICODE, '2'}, {"\u00b3", T_SQUARE_UNICODE, '3'}, {"\u2026", T_DOTS, 0},
    {"\u20ac", T_MONEY, 0}, {"\u00a3", T_MONEY, 0}, {"\u2032", T_PRIME, 0}, {"\u211d", T_SETNAME, 'R'},
    {"\u2124", T_SETNAME, 'Z'}, {"\u2115", T_SETNAME, 'N'}, {"\u211a", T_SETNAME, 'Q'},
};

typedef struct {
    math_env *e;
    rz_slice t;
    size_t at;
    math_token *out;
    int n;
    bool space, matrix, bad;
} lexer;

static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool digit(char c) { return c >= '0' && c <= '9'; }

static math_token *push(lexer *l, uint8_t kind, uint8_t val, rz_slice text)
{
    static math_token sink;
    if (l->n >= MAX_TOKENS) {
        l->bad = true;
        return &sink;
    }
    math_token *t = &l->out[l->n++];
    *t = (math_token){.kind = kind, .val = val, .space = l->space, .text = text, .scale = -1, .base = 10};
    l->space = false;
    return t;
}

static char peek(const lexer *l, size_t i) { return l->at + i < l->t.len ? l->t.s[l->at + i] : 0; }

static void blanks(lexer *l)
{
    while (l->at < l->t.len && rz_is_space(l->t.s[l->at])) l->at++;
}

/* The content of {…} at the place, with balanced braces; the place moves behind it. False when there is none. */
static bool braces(lexer *l, rz_slice *out)
{
    size_t i = l->at;
    while (i < l->t.len && rz_is_space(l->t.s[i])) i++;
    if (i >= l->t.len || l->t.s[i] != '{') return false;
    int depth = 0;
    for (size_t from = i + 1; i < l->t.len; i++) {
        char c = l->t.s[i];
        if (c == '\\' && i + 1 < l->t.len) {
            i++;
        } else if (c == '{') {
            depth++;
        } else if (c == '}' && --depth == 0) {
            *out = (rz_slice){l->t.s + from, i - from};
            l->at = i + 1;
            return true;
        }
    }
    l->bad = true; /* all of the text was looked at: not a second time */
    return false;
}

/* ---- numbers ---- */

/* Bytes of " {, }" at n when three digits follow, else 0. */
static size_t group_gap(const lexer *l, size_t n)
{
    enum { BLANKS = 3 };
    size_t from = n;
    for (const char *mark = "{,}"; *mark; mark++, n++) {
        for (int k = 0; k < BLANKS && peek(l, n) == ' '; k++) n++;
        if (peek(l, n) != *mark) return 0;
    }
    return digit(peek(l, n)) && digit(peek(l, n + 1)) && digit(peek(l, n + 2)) ? n - from : 0;
}

/* Copies digits of the text up to the place; separators "{,}" between groups of three are left out. */
static size_t take_digits(lexer *l, char *to)
{
    size_t n = 0;
    for (;;) {
        while (digit(peek(l, 0))) to[n++] = l->t.s[l->at++];
        size_t gap = n ? group_gap(l, 0) : 0;
        if (!gap) return n;
        l->at += gap;
    }
}

static void recurring(lexer *l, math_token *t, char *to, size_t *n)
{
    static const char mark[] = "\\overline{";
    if (l->e->options->faithful || l->t.len - l->at < sizeof mark || memcmp(l->t.s + l->at, mark, sizeof mark - 1) != 0) return;
    size_t i = l->at + sizeof mark - 1, from = i;
    while (i < l->t.len && digit(l->t.s[i])) i++;
    if (i == from || i >= l->t.len || l->t.s[i] != '}' || i - from > 64) return;
    memcpy(to + *n, l->t.s + from, i - from);
    *n += i - from;
    t->repeat = (int32_t)(i - from);
    l->at = i + 1;
}

static void exponent(lexer *l, math_token *t)
{
    char e = peek(l, 0);
    if (e != 'E' && (e != 'e' || l->e->options->faithful)) return;
    size_t i = 1 + (peek(l, 1) == '-' || peek(l, 1) == '+'), from = i;
    int32_t v = 0;
    while (digit(peek(l, i)) && i - from < 7) v = v * 10 + (peek(l, i++) - '0');
    if (i == from || digit(peek(l, i)) || letter(peek(l, i))) return;
    t->exp10 = peek(l, 1) == '-' ? -v : v;
    l->at += i;
}

/* At least as many bytes as the number has digits. */
static size_t number_room(const lexer *l)
{
    size_t n = 0;
    bool point = false;
    for (size_t gap;; n++) {
        char c = peek(l, n);
        if (c == '.' && !point) point = true;
        else if ((gap = group_gap(l, n))) n += gap - 1;
        else if (!digit(c)) return n + 72; /* with what \overline may add */
    }
}

static void number(lexer *l)
{
    size_t n;
    char *to = RZ_NEW(l->e->arena, number_room(l), char);
    math_token *t = push(l, T_NUM, 0, (rz_slice){to, 0});
    n = take_digits(l, to);
    size_t whole = n;
    if (peek(l, 0) == '.' && (digit(peek(l, 1)) || (peek(l, 1) == '\\' && peek(l, 2) == 'o'))) {
        l->at++;
        n += take_digits(l, to + n);
        recurring(l, t, to, &n);
        if (n == whole) l->bad = true;
        t->scale = (int32_t)(n - whole);
    }
    exponent(l, t);
    t->text.len = n;
}

/* ---- commands ---- */

static void text_command(lexer *l, rz_slice name)
{
    rz_slice in;
    if (!braces(l, &in)) {
        if (rz_math_listed(" text mbox ", name.s, name.len)) l->bad = true;
        return; /* {\bf 5} */
    }
    rz_slice t = rz_trim(in);
    if (t.len == 0) return;
    bool all_digits = true;
    size_t dots = 0;
    for (size_t i = 0; i < t.len; i++) {
        if (t.s[i] == '.') dots++;
        else if (!digit(t.s[i])) all_digits = false;
    }
    if (all_digits && dots <= 1 && digit(t.s[t.len - 1])) { /* \text{42} */
        lexer inner = *l;
        inner.t = t;
        inner.at = 0;
        number(&inner);
        l->n = inner.n;
        l->bad |= inner.bad || inner.at != t.len;
        l->space = false;
        return;
    }
    if (t.len > 3 && (t.s[0] == ',')) t = rz_trim((rz_slice){t.s + 1, t.len - 1});
    const rz_math_entry *w = rz_math_plain_word(t.s, t.len);
    if (w && (w->kind == ',' || (w->kind == '%' && (!l->e->options->faithful || t.len == in.len)))) {
        push(l, w->kind, w->val, t);
    } else if (t.len == 1 && letter(t.s[0]) && !l->e->options->faithful && !rz_math_listed(" text textbf textit textrm textnormal mbox hbox ", name.s, name.len)) {
        push(l, T_LETTER, 0, t); /* \mathrm{e} */
    } else {
        push(l, T_WORD, 0, t);
    }
}

static void environment(lexer *l, uint8_t kind)
{
    rz_slice name, columns;
    if (!braces(l, &name)) {
        l->bad = true;
        return;
    }
    bool array = name.len == 5 && memcmp(name.s, "array", 5) == 0;
    bool det = name.len == 7 && memcmp(name.s, "vmatrix", 7) == 0;
    bool matrix = name.len >= 6 && memcmp(name.s + name.len - 6, "matrix", 6) == 0;
    if (array && kind == T_BEGIN && !braces(l, &columns)) l->bad = true;
    if (array || matrix) push(l, kind, det ? 'd' : 'm', name);
}

static void accent(lexer *l, rz_slice name)
{
    rz_slice in;
    if (l->e->options->faithful && braces(l, &in)) push(l, T_WORD, 1, (rz_slice){name.s, (size_t)(in.s + in.len - name.s)}); /* one symbol, whatever is in it */
    else push(l, T_ACCENT, 0, name);
}

static void operator_name(lexer *l)
{
    rz_slice in;
    if (peek(l, 0) == '*') l->at++;
    if (!braces(l, &in)) {
        l->bad = true;
        return;
    }
    in = rz_trim(in);
    const rz_math_entry *c = rz_math_command(in.s, in.len);
    if (c && c->kind == T_FN) push(l, T_FN, c->val, in);
    else push(l, T_WORD, 2, in);
}

static void command_row(lexer *l, const rz_math_entry *c, rz_slice name)
{
    rz_slice in;
    switch (c->kind) {
    case T_SKIP:
        if (name.s[0] == 'l' || name.s[0] == 'r' || name.s[0] == 'm') { /* \left. */
            blanks(l);
            if (peek(l, 0) == '.') l->at++;
            if (name.len > 4 && name.s[0] == 'm' && name.s[1] == 'i') push(l, '|', 0, name), l->at++;
        } else {
            l->space = true;
        }
        break;
    case T_TEXT: text_command(l, name); break;
    case T_BEGIN:
    case T_FINISH: environment(l, c->kind); break;
    case T_ACCENT: accent(l, name); break;
    case T_OPNAME: operator_name(l); break;
    case T_ALPHABET:
        if (braces(l, &in) && in.len == 1) push(l, T_SETNAME, (uint8_t)in.s[0], in);
        else l->bad = true;
        break;
    case T_NONE: braces(l, &in); break;
    case T_DOTS: break;
    default: push(l, c->kind, c->val, name); break;
    }
}

static void command(lexer *l)
{
    l->at++; /* the backslash */
    char c = peek(l, 0);
    if (c == '\\') {
        if (l->matrix) {
            l->at++;
            push(l, T_NEWROW, 0, (rz_slice){NULL, 0});
            return;
        }
        if (letter(peek(l, 1)) || strchr("{}$%,;!", peek(l, 1) ? peek(l, 1) : 'x')) l->at++; /* \\frac for \frac */
        else { l->at++; return; } /* a line break */
        c = peek(l, 0);
    }
    if (!letter(c)) {
        l->at++;
        switch (c) {
        case '{': push(l, T_LBRACE, 0, (rz_slice){NULL, 0}); break;
        case '}': push(l, T_RBRACE, 0, (rz_slice){NULL, 0}); break;
        case '%': push(l, '%', 0, (rz_slice){NULL, 0}); break;
        case '$': push(l, T_MONEY, 0, (rz_slice){NULL, 0}); break;
        case '|': push(l, T_NORM, 0, (rz_slice){NULL, 0}); break;
        case '!': blanks(l); break;
        case ',': case ';': case ':': case ' ': case '\n': case '\t': l->space = true; break;
        case '(': case ')': case '[': case ']': break; /* marks of an environment */
        case '&': case '#': case '_': l->bad = true; break;
        case 0: break;
        default: l->bad = true; break;
        }
        return;
    }
    size_t from = l->at;
    while (letter(peek(l, 0))) l->at++;
    rz_slice name = {l->t.s + from, l->at - from};
    const rz_math_entry *r = rz_math_command(name.s, name.len);
    if (!r && name.len > 4 && memcmp(name.s, "quad", 4) == 0) { /* \quadx */
        l->at = from + 4;
        l->space = true;
        return;
    }
    bool odd = l->e->options->faithful && (!r ? !rz_math_is_symbol(name.s, name.len) : name.s[0] == 'v' && r->kind == T_EMPTY);
    if (odd && !r) l->bad = true; /* a command that Math-Verify does not know */
    else if (r && !odd) command_row(l, r, name);
    else push(l, T_LETTER, 1, name); /* Greek, or unknown: a name */
}

/* ---- the rest ---- */

static const char small_letters[] = "abcdefghijklmnopqrstuvwxyz"; /* Math-Verify knows no others */

static bool unit_follows_value(const lexer *l)
{
    if (!l->n) return false;
    int k = l->out[l->n - 1].kind;
    return k == T_NUM || k == ')' || k == '}' || k == T_WORD || k == T_LETTER;
}

static void word(lexer *l)
{
    size_t n = 1;
    while (letter(peek(l, n))) n++;
    rz_slice w = {l->t.s + l->at, n};
    const rz_math_entry *r = n > 1 ? rz_math_plain_word(w.s, n) : NULL;
    if (r && (r->kind != ',' || l->space || l->n == 0 || l->out[l->n - 1].kind != T_LETTER)) {
        if (r->kind == ',' && l->n && l->out[l->n - 1].kind == ',') l->n--; /* the comma of ", and" */
        push(l, r->kind, r->val, w);
        l->at += n;
        return;
    }
    if (!l->e->options->faithful && n > 1 && unit_follows_value(l) && rz_math_is_unit(w.s, n)) {
        push(l, T_WORD, 0, w);
        l->at += n;
        return;
    }
    for (size_t i = 0; i < n; i++) push(l, T_LETTER, 0, (rz_slice){l->e->options->faithful ? small_letters + ((w.s[i] | 32) - 'a') : w.s + i, 1});
    l->at += n;
}

static void two(lexer *l, size_t n, uint8_t kind)
{
    l->at += n;
    push(l, kind, 0, (rz_slice){NULL, 0});
}

static void punctuation(lexer *l, char c)
{
    char d = peek(l, 1);
    if ((c == '!' || c == '<' || c == '>') && d == '=') two(l, 2, c == '!' ? T_NE : c == '<' ? T_LE : T_GE);
    else if (c == '=' && d == '=') two(l, 2, '=');
    else if (c == '~' && d == '=') two(l, 2, T_APPROX);
    else if (c == '*' && d == '*') two(l, 2, '^');
    else if (c == '~') l->at++, l->space = true;
    else if (c == '\'' && !l->e->options->faithful) two(l, 1, T_PRIME);
    else if (c == '\'' || c == '"' || c == '`') l->at++;
    else if (c == '$') two(l, 1, l->e->options->faithful ? T_SKIP : T_MONEY);
    else if (c == '&' && !l->matrix) l->at++; /* of align */
    else if (c && strchr("+-*/^_()[]{}=<>,;:|!%&", c)) two(l, 1, (uint8_t)c);
    else l->bad = true;
}

static void unicode(lexer *l)
{
    rz_slice rest = {l->t.s + l->at, l->t.len - l->at};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (signs[i].s[0] != rest.s[0] || signs[i].s[1] != rest.s[rest.len > 1]) continue; /* every sign has two bytes or more */
        size_t n = strlen(signs[i].s);
        if (rest.len < n || memcmp(rest.s, signs[i].s, n) != 0) continue;
        l->at += n;
        if (l->e->options->faithful && (signs[i].kind == T_SQRT || (signs[i].kind == T_DEGREE && !(l->n && l->out[l->n - 1].kind == '^')))) {
            l->bad = true;
        } else if (signs[i].kind == T_SKIP) {
            l->space = true;
        } else if (signs[i].kind == T_SQUARE_UNICODE) {
            push(l, '^', 0, (rz_slice){NULL, 0});
            push(l, T_NUM, 0, (rz_slice){signs[i].val == '2' ? "2" : "3", 1});
        } else if (signs[i].kind != T_DOTS) {
            push(l, signs[i].kind, signs[i].val, (rz_slice){signs[i].s, n});
        }
        return;
    }
    size_t n = 1; /* any other character: a name, as with Greek letters */
    while (n < rest.len && ((unsigned char)rest.s[n] & 0xC0) == 0x80) n++;
    push(l, T_LETTER, 1, (rz_slice){rest.s, n});
    l->at += n;
}

/* "1,234,567" as a whole (with a sign, money or unit around it) is one number. */
static void join_thousands(lexer *l)
{
    int from = 0, end;
    while (from < l->n && (l->out[from].kind == '-' || l->out[from].kind == '+' || l->out[from].kind == T_MONEY)) from++;
    for (end = from; end < l->n; end++) {
        const math_token *t = &l->out[end];
        bool group = (end - from) % 2 == 0;
        if (group ? t->kind != T_NUM || t->repeat : t->kind != ',' || t->val || t->space) break;
        if (group && (end == from ? t->text.len > 3 || t->scale >= 0 : t->text.len - (size_t)(t->scale > 0 ? t->scale : 0) != 3 || t->space)) return;
        if (group && t->scale >= 0) { end++; break; }
    }
    if ((end - from) % 2 == 0 || end - from < 3) return;
    for (int i = end; i < l->n; i++)
        if (l->out[i].kind == ',' || l->out[i].kind == ';') return;
    if (l->e->options->faithful && end < l->n) return;
    size_t len = 0;
    for (int i = from; i < end; i += 2) len += l->out[i].text.len;
    char *to = RZ_NEW(l->e->arena, len + 1, char);
    len = 0;
    for (int i = from; i < end; i += 2) {
        memcpy(to + len, l->out[i].text.s, l->out[i].text.len);
        len += l->out[i].text.len;
    }
    l->out[from].text = (rz_slice){to, len};
    l->out[from].scale = l->out[end - 1].scale;
    l->out[from].exp10 = l->out[end - 1].exp10;
    memmove(l->out + from + 1, l->out + end, (size_t)(l->n - end) * sizeof *l->out);
    l->n -= end - from - 1;
}

/* Math-Verify's removal of units at the end: \text{…}, then up to two words of its list. */
static void strike_units(lexer *l)
{
    int n = l->n;
    if (n > 2 && l->out[n - 2].kind == '^' && l->out[n - 1].kind == T_NUM && l->out[n - 3].kind == T_WORD && l->out[n - 3].val == 0) n -= 2;
    if (n > 1 && l->out[n - 1].kind == T_WORD && l->out[n - 1].val == 0) l->n = n - 1;
    for (int round = 0; round < 2; round++) {
        char w[24];
        size_t len = 0;
        int i = l->n;
        while (i > 0 && l->out[i - 1].kind == T_LETTER && l->out[i - 1].val == 0 && l->n - i < 20) {
            i--;
            if (l->out[i].space) break;
        }
        if (i == 0 || i == l->n || !(l->out[i].space || l->out[i - 1].kind == T_NUM || l->out[i - 1].kind == '}')) return;
        for (int k = i; k < l->n; k++) w[len++] = l->out[k].text.s[0];
        bool is = rz_math_is_struck(w, len) || (len > 1 && w[len - 1] == 's' && rz_math_is_struck(w, len - 1)) ||
                  (len > 2 && w[len - 2] == 'e' && w[len - 1] == 's' && rz_math_is_struck(w, len - 2));
        if (!is) return;
        l->n = i;
    }
}

/* 1 000 000: groups of three digits after a blank. Own reading only. What is joined lies in `all`, at whose end a number may grow. */
static void join_groups(lexer *l)
{
    char *all = NULL;
    size_t used = 0;
    int to = 0;
    for (int i = 0; i < l->n; i++) {
        math_token *last = to ? &l->out[to - 1] : NULL, *t = &l->out[i];
        bool joins = last && last->kind == T_NUM && t->kind == T_NUM && t->space && last->scale < 0 && last->text.len && last->text.len % 3 != 0 &&
                     t->text.len - (size_t)(t->scale > 0 ? t->scale : 0) == 3 && !t->repeat;
        if (last && last->kind == T_NUM && t->kind == T_NUM && !joins && last->text.len >= 4 && last->val == 1 && t->space && last->scale < 0 &&
            t->text.len == 3 && t->scale < 0)
            joins = true;
        if (!joins) {
            l->out[to++] = *t;
            continue;
        }
        if (!all) all = RZ_NEW(l->e->arena, l->t.len + 1, char); /* no digit is in it twice */
        if (last->text.s + last->text.len != all + used) {
            memcpy(all + used, last->text.s, last->text.len);
            last->text.s = all + used;
            used += last->text.len;
        }
        memcpy(all + used, t->text.s, t->text.len);
        used += t->text.len;
        last->text.len += t->text.len;
        last->scale = t->scale;
        last->val = 1; /* made of groups: another may follow */
    }
    l->n = to;
}

static bool contains(rz_slice t, const char *what) { return memmem(t.s, t.len, what, strlen(what)) != NULL; }

bool rz_math_lex(math_env *e, rz_slice text, math_token **out, int *n)
{
    lexer l = {.e = e, .t = rz_trim(text)};
    if (l.t.len > RZ_MATH_MAX_TEXT) return false;
    size_t most = l.t.len + 8 < MAX_TOKENS ? l.t.len + 8 : MAX_TOKENS;
    l.out = RZ_NEW(e->arena, most + 1, math_token);
    l.matrix = contains(l.t, "matrix}") || contains(l.t, "{array}");
    while (l.at < l.t.len && !l.bad) {
        char c = l.t.s[l.at];
        if (rz_is_space(c)) l.at++, l.space = true;
        else if (c == '\\') command(&l);
        else if (digit(c) || (c == '.' && digit(peek(&l, 1)))) number(&l);
        else if (letter(c)) word(&l);
        else if (c == '.' && !e->options->faithful && l.at + 1 >= l.t.len) l.at++; /* the end of a sentence */
        else if ((unsigned char)c >= 0x80) unicode(&l);
        else punctuation(&l, c);
    }
    int to = 0;
    for (int i = 0; i < l.n; i++)
        if (l.out[i].kind != T_SKIP && !(e->options->faithful && l.out[i].kind == T_MONEY)) l.out[to++] = l.out[i];
    l.n = to;
    if (e->options->faithful) strike_units(&l);
    else join_groups(&l);
    join_thousands(&l);
    l.space = false;
    if (l.n >= MAX_TOKENS) return false;
    push(&l, T_END, 0, (rz_slice){NULL, 0});
    *out = l.out;
    *n = l.n;
    return !l.bad;
}
