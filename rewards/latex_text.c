/* LaTeX → plain text (latex_text.h): a walk over the text that writes as it reads. */
#include "rewards/latex_text.h"
#include "base/unicode.h"
#include <string.h>

enum { MAX_DEPTH = 200, MAX_ARGS = 4 };

typedef enum { TOKEN_END, TOKEN_CHAR, TOKEN_MACRO, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_MATH /* \( \) \[ \] */, TOKEN_BEGIN, TOKEN_FINISH, TOKEN_SPECIAL } token_kind;

typedef struct {
    token_kind kind;
    rz_slice before, text, after; /* white space in front; the character, name, brace; white space that a macro swallows */
    size_t end;                   /* byte behind all of it */
} token;

typedef struct {
    rz_arena *arena;
    rz_slice t;
    size_t pos;
    long tokens_left; /* what fails to be an argument is read again, and so may its parts be: without a bound that doubles with every level */
    int depth;
    bool bracket;     /* [ and ] are braces: in an optional argument */
    bool in_math;
    bool raised;      /* as the original would */
    bool exhausted;   /* too deep, or read too often */
    rz_builder *out;
} walker;

/* Where nodes end: at the end of the text, or behind `close` (a brace, \), \], or the name of an environment). */
typedef struct {
    token_kind kind;
    rz_slice close;
} stop;

static void nodes(walker *w, stop until, bool cells);

/* What was written since `start`, which is taken back. */
static rz_slice take(walker *w, size_t start)
{
    rz_slice text = rz_slice_cut(rz_built(w->out), start, w->out->len);
    w->out->len = start;
    return rz_concat(w->arena, &text, 1); /* NUL bytes are characters too */
}

/* ---- tokens ---- */

/* Longest first. */
static const struct { const char *chars, *text; } specials[] = {{"---", "—"}, {"--", "–"}, {"``", "“"}, {"''", "”"}, {"!`", "¡"}, {"?`", "¿"}, {"&", "   "}, {"~", "\xC2\xA0"}};
enum { N_SPECIALS = sizeof specials / sizeof *specials };

static const char *special_at(rz_slice rest)
{
    if (!memchr("-`'!?&~", rest.s[0], 7)) return NULL;
    for (int i = 0; i < N_SPECIALS; i++)
        if (rz_python_starts(rest, specials[i].chars)) return specials[i].chars;
    return NULL;
}

static bool is_space_at(rz_slice t, size_t at, size_t *n) { return at < t.len && rz_python_is_space(rz_python_char(t, at, n)); }

/* White space at `at` up to a blank line, which is not part of it. */
static size_t space_end(rz_slice t, size_t at, bool *blank_line)
{
    size_t n;
    *blank_line = false;
    for (size_t i = at; is_space_at(t, i, &n); i += n)
        if (t.s[i] == '\n' && i > at && t.s[i - 1] == '\n') {
            *blank_line = true;
            return i - 1;
        }
    while (is_space_at(t, at, &n)) at += n;
    return at;
}

static size_t letters_end(rz_slice t, size_t at)
{
    size_t n;
    while (at < t.len && rz_python_is_alpha(rz_python_char(t, at, &n))) at += n;
    return at;
}

/* {name} of \begin or \end, white space before it allowed. */
static bool environment_name(rz_slice t, size_t at, rz_slice *name, size_t *end)
{
    size_t n;
    while (is_space_at(t, at, &n)) at += n;
    if (at >= t.len || t.s[at] != '{') return false;
    size_t start = ++at;
    while (at < t.len && ((t.s[at] && strchr("* .-", t.s[at])) || rz_python_is_word(rz_python_char(t, at, &n)))) at += rz_char_size(t, at);
    *name = rz_slice_cut(t, start, at);
    *end = at + 1;
    return name->len > 0 && at < t.len && t.s[at] == '}';
}

static void macro_token(const walker *w, token *k, size_t at, bool environments)
{
    rz_slice t = w->t;
    size_t name = at + 1, end = letters_end(t, name);
    bool alphabetic = end > name, blank_line;
    if (!alphabetic) end = name + rz_char_size(t, name);
    *k = (token){.kind = TOKEN_MACRO, .before = k->before, .text = rz_slice_cut(t, name, end), .after = {t.s + end, 0}, .end = end};
    if (k->text.len == 1 && k->text.s[0] && strchr("()[]", k->text.s[0])) {
        k->kind = TOKEN_MATH;
    } else if (environments && (rz_slice_is(k->text, "begin") || rz_slice_is(k->text, "end"))) {
        bool begins = k->text.len == 5;
        k->kind = begins ? TOKEN_BEGIN : TOKEN_FINISH;
        if (environment_name(t, end, &k->text, &k->end)) return;
        *k = (token){.kind = TOKEN_CHAR, .before = k->before, .text = rz_slice_cut(t, at, end), .end = end};
    } else if (alphabetic) {
        k->end = space_end(t, end, &blank_line);
        k->after = rz_slice_cut(t, end, k->end);
    }
}

static token next_token(walker *w, bool environments)
{
    rz_slice t = w->t;
    bool blank_line;
    size_t at = space_end(t, w->pos, &blank_line);
    token k = {.kind = TOKEN_END, .before = rz_slice_cut(t, w->pos, at), .text = {t.s + at, 0}, .end = at};
    if (--w->tokens_left < 0) w->exhausted = true;
    if (at >= t.len || w->exhausted) return k;
    if (t.s[at] == '\\') {
        if (at + 1 < t.len) macro_token(w, &k, at, environments);
        else k.before.len = 0; /* a backslash that ends the text swallows the white space before it */
        return k;
    }
    const char *special = special_at(rz_python_from(t, at));
    bool open = t.s[at] == '{' || (w->bracket && t.s[at] == '['), close = t.s[at] == '}' || (w->bracket && t.s[at] == ']');
    size_t n = blank_line ? 2 : special && !open && !close ? strlen(special) : rz_char_size(t, at);
    k.kind = blank_line ? TOKEN_CHAR : open ? TOKEN_OPEN : close ? TOKEN_CLOSE : special ? TOKEN_SPECIAL : TOKEN_CHAR;
    k.text = rz_slice_cut(t, at, at + n);
    k.end = at + n;
    return k;
}

/* ---- macros ---- */

/* Letters of an alphabet: its A and a, and those that Unicode had before the alphabet was added. */
static const struct alphabet { const char *name; int32_t upper, lower; struct { char c; int32_t is; } others[12]; } alphabets[] = {
    {"mathbf", 0x1D400, 0x1D41A, {{0}}},
    {"mathit", 0x1D434, 0x1D44E, {{'h', 0x210E}}},
    {"mathsf", 0x1D5A0, 0x1D5BA, {{0}}},
    {"mathtt", 0x1D670, 0x1D68A, {{0}}},
    {"mathbb", 0x1D538, 0x1D552, {{'C', 0x2102}, {'H', 0x210D}, {'N', 0x2115}, {'P', 0x2119}, {'Q', 0x211A}, {'R', 0x211D}, {'Z', 0x2124}}},
    {"mathfrak", 0x1D504, 0x1D51E, {{'C', 0x212D}, {'H', 0x210C}, {'I', 0x2111}, {'R', 0x211C}, {'Z', 0x2128}}},
    {"mathcal", 0x1D49C, 0x1D4B6, {{'B', 0x212C}, {'E', 0x2130}, {'F', 0x2131}, {'H', 0x210B}, {'I', 0x2110}, {'L', 0x2112}, {'M', 0x2133}, {'R', 0x211B}, {'e', 0x212F},
                                   {'g', 0x210A}, {'o', 0x2134}}},
    {"mathscr", 0x1D49C, 0x1D4B6, {{'B', 0x212C}, {'E', 0x2130}, {'F', 0x2131}, {'H', 0x210B}, {'I', 0x2110}, {'L', 0x2112}, {'M', 0x2133}, {'R', 0x211B}, {'e', 0x212F},
                                   {'g', 0x210A}, {'o', 0x2134}}},
};

static const struct accent { const char *name; int32_t mark; } accents[] = {
    {"'", 0x301}, {"`", 0x300}, {"\"", 0x308}, {"c", 0x327}, {"^", 0x302}, {"~", 0x303}, {"H", 0x30B}, {"k", 0x328}, {"=", 0x304}, {"b", 0x331}, {".", 0x307}, {"d", 0x323},
    {"r", 0x30A}, {"u", 0x306}, {"v", 0x30C}, {"vec", 0x20D7}, {"dot", 0x307}, {"hat", 0x302}, {"check", 0x30C}, {"breve", 0x306}, {"acute", 0x301}, {"grave", 0x300},
    {"tilde", 0x303}, {"bar", 0x305}, {"ddot", 0x308}, {"not", 0x338},
};

static void add_char(rz_builder *b, int32_t c)
{
    char bytes[4];
    rz_build_add(b, (rz_slice){bytes, rz_unicode_write(c, bytes)});
}

static bool listed(const char *names, rz_slice name)
{
    size_t n;
    for (const char *p = names + 1; *p; p += n + 1) {
        n = strcspn(p, " ");
        if (n == name.len && memcmp(p, name.s, n) == 0) return true;
    }
    return false;
}

/* A macro that stands without arguments, for it has none or they are missing. */
static void bare_macro(walker *w, rz_slice name)
{
    const rz_latex_macro *m = rz_latex_macro_find(name);
    if (m && m->args && m->missing == RZ_LATEX_RAISES) w->raised = true;
    if (m) {
        bool written = m->text && (!strchr(m->text, '%') || m->missing == RZ_LATEX_FORM || !m->args);
        for (const char *p = written ? m->text : ""; *p; p++) {
            bool argument = m->args && p > m->text && p[-1] == '%';
            rz_build_add(w->out, (rz_slice){argument ? "s" : p, 1});
        }
        return;
    }
    for (size_t i = 0; i < sizeof accents / sizeof *accents; i++)
        if (rz_slice_is(name, accents[i].name)) {
            rz_build_text(w->out, " ");
            add_char(w->out, accents[i].mark);
        }
}

/* The nodes of a group up to its brace; w->pos is behind the one that opens it. */
static void group(walker *w, const char *close)
{
    bool bracket = w->bracket;
    w->bracket = close[0] == ']';
    nodes(w, (stop){TOKEN_CLOSE, rz_slice_of(close)}, false);
    w->bracket = bracket;
}

/* One argument, written to w->out; false at the end of the text. */
static bool expression(walker *w)
{
    bool bracket = w->bracket;
    w->bracket = false;
    token k = next_token(w, false);
    w->bracket = bracket;
    if (k.kind == TOKEN_END) return false;
    w->pos = k.end;
    if (k.kind == TOKEN_CLOSE || (k.kind == TOKEN_MACRO && rz_slice_is(k.text, "end"))) {
        w->pos = k.end - k.text.len - (k.kind == TOKEN_MACRO) - k.after.len; /* it stays for others to read */
    } else if (k.kind == TOKEN_OPEN) {
        group(w, "}");
    } else if (k.kind == TOKEN_MACRO) {
        bare_macro(w, k.text);
    } else if (k.kind == TOKEN_SPECIAL) {
        for (int i = 0; i < N_SPECIALS; i++)
            if (rz_slice_is(k.text, specials[i].chars)) rz_build_text(w->out, specials[i].text);
    } else if (k.kind == TOKEN_CHAR) {
        rz_build_add(w->out, k.text);
    }
    return true;
}

/* [x], if it is there. */
static void optional(walker *w)
{
    bool bracket = w->bracket;
    w->bracket = true;
    token k = next_token(w, false);
    w->bracket = bracket;
    if (k.kind != TOKEN_OPEN || k.text.s[0] != '[') return;
    w->pos = k.end;
    group(w, "]");
}

static bool star(walker *w)
{
    token k = next_token(w, true);
    if (k.kind == TOKEN_CHAR && k.text.s[0] == '*') w->pos = k.end;
    return k.kind != TOKEN_END;
}

/* The arguments that `args` calls for, each a text of its own. False, with nothing read, when the text ends before they do. */
static bool arguments(walker *w, const char *args, rz_slice *texts)
{
    walker was = *w;
    size_t start = w->out->len, n;
    bool there = true;
    for (int i = 0; args[i] && there; i++) {
        if (args[i] == '{')
            there = expression(w);
        else if (args[i] == '*')
            there = star(w);
        else if (!(i > 0 && args[0] == '*' && is_space_at(w->t, w->pos, &n))) /* \\ [x]: a blank keeps it from being one */
            optional(w);
        texts[i] = take(w, start);
    }
    if (there) return true;
    w->raised = was.raised; /* what was not kept has not been looked at */
    w->pos = was.pos;
    return false;
}

static void write_form(walker *w, const char *form, const rz_slice *texts)
{
    for (; *form; form++) {
        if (form[0] == '%')
            rz_build_add(w->out, texts[*++form - '1']);
        else
            rz_build_add(w->out, (rz_slice){form, 1});
    }
}

static void styled(walker *w, const struct alphabet *x, rz_slice text)
{
    size_t n;
    for (size_t i = 0; i < text.len; i += n) {
        int32_t c = rz_python_char(text, i, &n), is = c;
        if (c >= 'A' && c <= 'Z') is = x->upper + c - 'A';
        if (c >= 'a' && c <= 'z') is = x->lower + c - 'a';
        for (int k = 0; k < 12 && x->others[k].c; k++)
            if (x->others[k].c == c) is = x->others[k].is;
        add_char(w->out, is);
    }
}

static void accented(walker *w, int32_t mark, rz_slice text)
{
    size_t n;
    text = rz_python_strip(text);
    for (size_t i = 0; i < text.len; i += n) {
        int32_t c = rz_python_char(text, i, &n), both;
        c = c == 0x131 ? 'i' : c == 0x237 ? 'j' : c;
        if ((both = rz_unicode_pair(c, mark)) >= 0) {
            add_char(w->out, both);
            continue;
        }
        add_char(w->out, c);
        add_char(w->out, mark);
    }
}

/* A macro and its arguments; true if it has none. */
static bool macro(walker *w, rz_slice name)
{
    rz_slice texts[MAX_ARGS];
    const rz_latex_macro *m = rz_latex_macro_find(name);
    if (m && m->args) {
        bool raised = w->raised, given = arguments(w, m->args, texts);
        if (given && m->text) write_form(w, m->text, texts);
        if (given && !m->text) w->raised = raised;
        if (!given) bare_macro(w, name);
        return !given;
    }
    for (size_t i = 0; !m && i < sizeof alphabets / sizeof *alphabets; i++) {
        if (!rz_slice_is(name, alphabets[i].name)) continue;
        bool given = arguments(w, "{", texts);
        if (given) styled(w, &alphabets[i], texts[0]);
        return !given;
    }
    for (size_t i = 0; !m && i < sizeof accents / sizeof *accents; i++) {
        if (!rz_slice_is(name, accents[i].name)) continue;
        bool given = arguments(w, "{", texts);
        if (given) accented(w, accents[i].mark, texts[0]);
        if (!given) bare_macro(w, name);
        return !given;
    }
    bare_macro(w, name);
    return true;
}

/* ---- environments and formulas ---- */

/* A formula that stands for itself: on lines of its own, indented. */
static void display(walker *w, rz_slice text)
{
    rz_slice line;
    size_t next = 0;
    text = rz_python_strip(text);
    while (rz_python_piece(text, "\n", &next, &line)) {
        rz_build_text(w->out, "\n    ");
        rz_build_add(w->out, line);
    }
    rz_build_text(w->out, "\n");
}

/* "[ a b; c d ]": cells is a row of texts, U+0001 behind each cell and U+0002 behind each row, as nodes() writes them; cells are padded on the left to the widest. */
static void matrix(walker *w, rz_slice cells)
{
    rz_slice row, cell;
    size_t next = 0, at, width = 0, n_cells = 0;
    for (int pass = 0; pass < 2; pass++, next = 0) {
        if (pass) rz_build_text(w->out, "[ ");
        for (bool first_row = true; rz_python_piece(cells, "\2", &next, &row) && next != SIZE_MAX; first_row = false) {
            if (pass && !first_row) rz_build_text(w->out, "; ");
            at = 0;
            for (bool first = true; rz_python_piece(row, "\1", &at, &cell) && at != SIZE_MAX; first = false, n_cells++) {
                cell = rz_python_strip(cell);
                size_t n = rz_python_len(cell);
                if (!pass) width = n > width ? n : width;
                if (!pass) continue;
                if (!first) rz_build_text(w->out, " ");
                for (size_t i = n; i < width && !w->out->full; i++) rz_build_text(w->out, " ");
                rz_build_add(w->out, cell);
            }
        }
        if (!n_cells) w->raised = true;
    }
    rz_build_text(w->out, " ]");
}

static const char MATRICES[] = " array pmatrix bmatrix smallmatrix psmallmatrix bsmallmatrix ";
static const char EQUATIONS[] = " equation equation* eqnarray eqnarray* align multline gather align* multline* gather* dmath dmath* ";

static void environment(walker *w, rz_slice name)
{
    static const struct { const char *names, *args; } taking[] = {{" array ", "[{"}, {" figure figure* table table* enumerate itemize ", "["}, {" tabular alignat alignat* ", "{"}};
    rz_slice unused[MAX_ARGS];
    size_t start = w->out->len;
    bool in_math = w->in_math, bracket = w->bracket, is_matrix = listed(MATRICES, name), is_equation = listed(EQUATIONS, name), centred = listed(" center flushleft flushright ", name);
    for (int i = 0; i < 3; i++)
        if (listed(taking[i].names, name)) arguments(w, taking[i].args, unused);
    w->in_math = is_equation || in_math;
    w->bracket = false;
    nodes(w, (stop){TOKEN_FINISH, name}, is_matrix);
    w->in_math = in_math;
    w->bracket = bracket;
    rz_slice inner = take(w, start);
    if (is_matrix) {
        matrix(w, inner);
    } else if (is_equation) {
        display(w, inner);
    } else {
        rz_build_text(w->out, centred ? "\n" : "");
        rz_build_add(w->out, inner);
        rz_build_text(w->out, centred ? "\n" : "");
    }
}

static void formula(walker *w, rz_slice opens)
{
    bool is_display = opens.s[0] == '[', in_math = w->in_math, bracket = w->bracket;
    size_t start = w->out->len;
    w->in_math = true;
    w->bracket = false;
    nodes(w, (stop){TOKEN_MATH, rz_slice_of(is_display ? "]" : ")")}, false);
    w->in_math = in_math;
    w->bracket = bracket;
    rz_slice inner = take(w, start);
    if (is_display)
        display(w, inner);
    else
        rz_build_add(w->out, rz_python_strip(inner));
}

/* ---- nodes ---- */

typedef struct { size_t start; bool open; } chars_node; /* of plain characters, being written */

/* In formulas white space alone is nothing. */
static void end_chars(walker *w, chars_node *c, rz_slice space, bool *any)
{
    if (!c->open && !space.len) return;
    if (!c->open) c->start = w->out->len;
    rz_build_add(w->out, space);
    if (w->in_math && rz_python_strip(rz_slice_cut(rz_built(w->out), c->start, w->out->len)).len == 0) w->out->len = c->start;
    c->open = false;
    *any = true;
}

/* A cell of a matrix, or a row, ends. */
static void end_cell(walker *w, bool *any, bool row)
{
    if (*any) rz_build_text(w->out, "\1");
    if (row) rz_build_text(w->out, "\2");
    *any = false;
}

static void node(walker *w, const token *k, rz_slice *swallowed)
{
    *swallowed = (rz_slice){NULL, 0};
    switch (k->kind) {
    case TOKEN_OPEN: group(w, k->text.s[0] == '[' ? "]" : "}"); break;
    case TOKEN_MATH: formula(w, k->text); break;
    case TOKEN_BEGIN: environment(w, k->text); break;
    case TOKEN_MACRO:
        if (macro(w, k->text)) *swallowed = k->after;
        break;
    case TOKEN_SPECIAL:
        for (int i = 0; i < N_SPECIALS; i++)
            if (rz_slice_is(k->text, specials[i].chars)) rz_build_text(w->out, specials[i].text);
        break;
    default: break;
    }
}

/* Whether a token that closes something closes what is open; another one is passed over. */
static bool closes(const token *k, stop until, bool *nothing)
{
    bool closer = k->kind == TOKEN_CLOSE || k->kind == TOKEN_FINISH || (k->kind == TOKEN_MATH && strchr(")]", k->text.s[0]));
    *nothing = closer;
    return closer && k->kind == until.kind && rz_python_equal(k->text, until.close);
}

/* Everything up to the stop, which may be missing: then up to the end. cells: those of a matrix are told apart. */
static void nodes(walker *w, stop until, bool cells)
{
    chars_node chars = {0};
    rz_slice swallowed = {NULL, 0};
    bool any = false, nothing;
    if (++w->depth > MAX_DEPTH) w->exhausted = true;
    while (!w->exhausted) {
        token k = next_token(w, true);
        w->pos = k.end;
        if (k.kind == TOKEN_CHAR) {
            if (!chars.open && w->in_math && swallowed.s) rz_build_add(w->out, swallowed);
            if (!chars.open) chars = (chars_node){w->out->len, true};
            swallowed = (rz_slice){NULL, 0};
            rz_build_add(w->out, k.before);
            rz_build_add(w->out, k.text);
            continue;
        }
        if (!chars.open && k.before.len && w->in_math && swallowed.s) rz_build_add(w->out, swallowed);
        end_chars(w, &chars, k.before, &any);
        if (k.kind == TOKEN_END) break;
        if (closes(&k, until, &nothing)) break;
        if (nothing) continue;
        bool column = cells && k.kind == TOKEN_SPECIAL && k.text.s[0] == '&', row = cells && k.kind == TOKEN_MACRO && k.text.s[0] == '\\';
        if (column || row) {
            size_t start = w->out->len;
            node(w, &k, &swallowed);
            w->out->len = start;
            end_cell(w, &any, row);
            continue;
        }
        node(w, &k, &swallowed);
        any = true;
    }
    if (cells) end_cell(w, &any, true);
    w->depth--;
}

bool rz_latex_text(rz_arena *a, rz_slice t, rz_slice *out)
{
    rz_builder text = rz_build(a, 16 * t.len + 256);
    walker w = {.arena = a, .t = t, .tokens_left = 8 * (long)t.len + 64, .out = &text};
    nodes(&w, (stop){TOKEN_END, {"", 0}}, false);
    *out = rz_built(&text);
    return !w.raised && !w.exhausted && !text.full && !rz_slice_has(t, "\1") && !rz_slice_has(t, "\2"); /* which would end cells */
}
