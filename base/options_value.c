#include "base/options_value.h"
#include "base/text.h"
#include "base/yaml.h"
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void *place(const rz_option *row, void *base) { return (char *)base + row->offset; }
static const void *const_place(const rz_option *row, const void *base) { return (const char *)base + row->offset; }

void rz_options_text_add(rz_options_text *t, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    size_t n = (size_t)vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (t->n + n + 1 > t->capacity) {
        t->capacity = 2 * (t->n + n + 1);
        t->s = rz_realloc(t->s, t->capacity);
    }
    vsnprintf(t->s + t->n, n + 1, fmt, args);
    va_end(args);
    t->n += n;
}

/* "2..4096", "at least 1", "at most 9", or nothing when unbounded. */
static void bounds_text(const rz_option *row, char *out, size_t size)
{
    double widest = row->type == RZ_OPT_FLOAT ? DBL_MAX : 9.2e18;
    bool low = row->min > -widest, high = row->max < widest;
    char min[32] = "", max[32] = "";
    if (low) rz_double_text(row->min, min);
    if (high) rz_double_text(row->max, max);
    if (row->min == row->max || (!low && !high))
        *out = 0;
    else if (low && high)
        snprintf(out, size, "%s..%s", min, max);
    else
        snprintf(out, size, "at %s %s", low ? "least" : "most", low ? min : max);
}

static bool in_bounds(const rz_option *row, double x) { return row->min == row->max || (x >= row->min && x <= row->max); }

void rz_options_value_demand(const rz_option *row, char *out, size_t size)
{
    char bounds[80];
    bounds_text(row, bounds, sizeof bounds);
    const char *gap = *bounds ? " " : "";
    switch (row->type) {
    case RZ_OPT_INT: snprintf(out, size, "a whole number%s%s", gap, bounds); return;
    case RZ_OPT_FLOAT: snprintf(out, size, "a number%s%s", gap, bounds); return;
    case RZ_OPT_BOOL: snprintf(out, size, "true or false"); return;
    case RZ_OPT_TEXT: snprintf(out, size, "a text"); return;
    case RZ_OPT_INTS: snprintf(out, size, "1 to %d whole numbers%s%s", RZ_OPT_MAX_LIST, *bounds ? ", each " : "", bounds); return;
    case RZ_OPT_TEXTS: snprintf(out, size, "at most %d texts", RZ_OPT_MAX_LIST); return;
    case RZ_OPT_ENUM: break;
    }
    size_t n = (size_t)snprintf(out, size, "one of ");
    for (const char *c = row->choices; *c && n + 3 < size; c++) {
        if (*c == '|') out[n++] = ',';
        out[n++] = *c == '|' ? ' ' : *c;
    }
    out[n] = 0;
}

static bool refuse(const rz_option *row, const char *where, const char *text, rz_err *err)
{
    char demand[512];
    rz_options_value_demand(row, demand, sizeof demand);
    if (!*text) return rz_fail(err, RZ_ECONFIG, "%s%s has no value, must be %s", where, row->key, demand);
    return rz_fail(err, RZ_ECONFIG, "%s%s is '%.100s', must be %s", where, row->key, text, demand);
}

static bool out_of_bounds(const rz_option *row, const char *where, const char *text, rz_err *err)
{
    char bounds[80];
    bounds_text(row, bounds, sizeof bounds);
    return rz_fail(err, RZ_ECONFIG, "%s%s is %.100s, must be %s%s", where, row->key, text, row->type == RZ_OPT_INTS ? "numbers " : "", bounds);
}

static bool digit(char c) { return c >= '0' && c <= '9'; }

/* Takes out underscores between digits; false when there are letters that no number of ours has (inf, nan, 0x…). */
static bool clean_number(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; text[i]; i++) {
        if (text[i] == '_' && i > 0 && digit(text[i - 1]) && digit(text[i + 1])) continue;
        if (!strchr("0123456789+-.eE", text[i]) || n + 1 >= size) return false;
        out[n++] = text[i];
    }
    out[n] = 0;
    return n > 0;
}

static bool parse_double(const char *text, double *out)
{
    char number[64], *end;
    if (!clean_number(text, number, sizeof number)) return false;
    *out = strtod(number, &end);
    return *end == 0 && isfinite(*out);
}

/* Plain digits, or a decimal or exponent form that is whole and that a double holds exactly. */
static bool parse_int(const char *text, int64_t *out)
{
    char number[64], *end;
    if (!clean_number(text, number, sizeof number)) return false;
    errno = 0;
    *out = strtoll(number, &end, 10);
    if (*end == 0) return errno == 0;
    double x;
    if (!parse_double(number, &x) || x != floor(x) || fabs(x) > 9007199254740992.0) return false;
    *out = (int64_t)x;
    return true;
}

static bool set_int(const rz_option *row, void *base, const char *where, const char *text, rz_err *err)
{
    int64_t x;
    if (!parse_int(text, &x)) return refuse(row, where, text, err);
    if (!in_bounds(row, (double)x)) return out_of_bounds(row, where, text, err);
    *(int64_t *)place(row, base) = x;
    return true;
}

static bool set_float(const rz_option *row, void *base, const char *where, const char *text, rz_err *err)
{
    double x;
    if (!parse_double(text, &x)) return refuse(row, where, text, err);
    if (!in_bounds(row, x)) return out_of_bounds(row, where, text, err);
    *(double *)place(row, base) = x;
    return true;
}

static bool set_bool(const rz_option *row, void *base, const char *where, const char *text, rz_err *err)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true}, {"yes", true}, {"on", true}, {"false", false}, {"no", false}, {"off", false}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(words[i].word, text) != 0) continue;
        *(bool *)place(row, base) = words[i].value;
        return true;
    }
    return refuse(row, where, text, err);
}

static bool check_text(const rz_option *row, const char *where, const char *text, rz_err *err)
{
    size_t len = strlen(text);
    return rz_utf8_valid(text, len) == len || rz_fail(err, RZ_ECONFIG, "%s%s is not valid UTF-8", where, row->key);
}

static bool set_text(const rz_option *row, void *base, const char *where, const char *text, rz_err *err)
{
    if (!check_text(row, where, text, err)) return false;
    char **to = place(row, base), *old = *to;
    *to = rz_strdup(text);
    free(old);
    return true;
}

/* The i-th choice as a span of row->choices, or NULL. */
static const char *choice(const rz_option *row, int i, size_t *len)
{
    const char *c = row->choices;
    while (i-- > 0) {
        c = strchr(c, '|');
        if (!c) return NULL;
        c++;
    }
    *len = strcspn(c, "|");
    return c;
}

static bool set_enum(const rz_option *row, void *base, const char *where, const char *text, rz_err *err)
{
    const char *c;
    size_t len;
    for (int i = 0; (c = choice(row, i, &len)); i++) {
        if (strlen(text) != len || memcmp(c, text, len) != 0) continue;
        *(int *)place(row, base) = i;
        return true;
    }
    return refuse(row, where, text, err);
}

void rz_options_texts_free(rz_text_list *list)
{
    for (int i = 0; i < list->n; i++) free(list->v[i]);
    *list = (rz_text_list){0};
}

static bool set_text_list(const rz_option *row, void *base, const char *where, const char *const *items, int n, rz_err *err)
{
    for (int i = 0; i < n; i++) {
        if (!*items[i]) return rz_fail(err, RZ_ECONFIG, "%s%s holds an empty text; leave it out", where, row->key);
        if (!check_text(row, where, items[i], err)) return false;
    }
    rz_text_list *list = place(row, base), old = *list;
    list->n = n;
    for (int i = 0; i < n; i++) list->v[i] = rz_strdup(items[i]);
    rz_options_texts_free(&old);
    return true;
}

bool rz_options_value_set_list(const rz_option *row, void *base, const char *where, const char *const *items, int n, rz_err *err)
{
    rz_int_list list = {.n = n};
    if (n < (row->type == RZ_OPT_INTS) || n > RZ_OPT_MAX_LIST) {
        char demand[512];
        rz_options_value_demand(row, demand, sizeof demand);
        return rz_fail(err, RZ_ECONFIG, "%s%s has %d items, must be %s", where, row->key, n, demand);
    }
    if (row->type == RZ_OPT_TEXTS) return set_text_list(row, base, where, items, n, err);
    for (int i = 0; i < n; i++) {
        if (!parse_int(items[i], &list.v[i])) return refuse(row, where, items[i], err);
        if (!in_bounds(row, (double)list.v[i])) return out_of_bounds(row, where, items[i], err);
    }
    *(rz_int_list *)place(row, base) = list;
    return true;
}

/* "1, 2" or "[1, 2]". */
static bool set_ints(const rz_option *row, void *base, const char *where, const char *text, rz_err *err)
{
    char *copy = rz_strdup(text), *s = copy;
    size_t len = strlen(s);
    if (len >= 2 && s[0] == '[' && s[len - 1] == ']') {
        s[len - 1] = 0;
        s++;
    }
    const char *items[RZ_OPT_MAX_LIST + 1];
    int n = 0;
    bool more = s[strspn(s, " ")] != 0;
    while (more && n <= RZ_OPT_MAX_LIST) {
        s += strspn(s, " ");
        char *end = s + strcspn(s, ",");
        more = *end == ',';
        *end = 0;
        items[n++] = s;
        for (char *tail = end; tail > s && tail[-1] == ' ';) *--tail = 0;
        s = end + 1;
    }
    bool ok = rz_options_value_set_list(row, base, where, items, n, err);
    free(copy);
    return ok;
}

/* One text as it stands, or a list as YAML has it: ["a", "b"]. */
static bool set_texts(const rz_option *row, void *base, const char *where, const char *text, rz_err *err)
{
    rz_yaml *tree;
    if (*text != '[') return rz_options_value_set_list(row, base, where, &text, *text != 0, err);
    if (!rz_yaml_parse(&tree, row->key, text, strlen(text), err)) return false;
    const char *items[RZ_OPT_MAX_LIST];
    bool ok = tree->kind == RZ_YAML_LIST;
    for (int i = 0; i < tree->n; i++) {
        ok = ok && tree->items[i]->kind == RZ_YAML_SCALAR;
        if (ok && i < RZ_OPT_MAX_LIST) items[i] = tree->items[i]->text;
    }
    ok = ok ? rz_options_value_set_list(row, base, where, items, tree->n, err) : refuse(row, where, text, err);
    rz_yaml_destroy(tree);
    return ok;
}

bool rz_options_value_set(const rz_option *row, void *base, const char *where, const char *text, bool quoted, rz_err *err)
{
    static bool (*const set[])(const rz_option *, void *, const char *, const char *, rz_err *) = {
        [RZ_OPT_INT] = set_int,   [RZ_OPT_FLOAT] = set_float, [RZ_OPT_BOOL] = set_bool,
        [RZ_OPT_TEXT] = set_text, [RZ_OPT_ENUM] = set_enum,   [RZ_OPT_INTS] = set_ints, [RZ_OPT_TEXTS] = set_texts,
    };
    if (quoted && row->type == RZ_OPT_TEXTS) return rz_options_value_set_list(row, base, where, &text, *text != 0, err);
    if (quoted && row->type != RZ_OPT_TEXT && row->type != RZ_OPT_ENUM) {
        char demand[512];
        rz_options_value_demand(row, demand, sizeof demand);
        return rz_fail(err, RZ_ECONFIG, "%s%s is the quoted text '%.100s', must be %s: remove the quotes", where, row->key, text, demand);
    }
    return set[row->type](row, base, where, text, err);
}

/* Words that some YAML reader takes for something else than text. */
static bool plain_in_every_yaml(const char *s)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"};
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
    if (s[strspn(s, allowed)] || !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/", *s) || !*s) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(words[i], s) == 0) return false;
    return true;
}

/* Code point at *s (valid UTF-8); moves *s behind it. */
static unsigned next_code_point(const char **s)
{
    unsigned char lead = (unsigned char)*(*s)++;
    unsigned more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    unsigned code = more ? lead & (0x3Fu >> more) : lead;
    for (; more; more--) code = code << 6 | ((unsigned char)*(*s)++ & 0x3F);
    return code;
}

/* Double quotes keep every text: what YAML may not print or would take for a line break is escaped. */
static void add_quoted(rz_options_text *t, const char *s)
{
    rz_options_text_add(t, "\"");
    while (*s) {
        const char *from = s;
        unsigned c = next_code_point(&s);
        if (c == '"' || c == '\\')
            rz_options_text_add(t, "\\%c", (int)c);
        else if (c == '\n')
            rz_options_text_add(t, "\\n");
        else if (c < 0x20 || (c >= 0x7F && c <= 0xA0))
            rz_options_text_add(t, "\\x%02x", c);
        else if (c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE || c == 0xFFFF)
            rz_options_text_add(t, "\\u%04x", c);
        else
            rz_options_text_add(t, "%.*s", (int)(s - from), from);
    }
    rz_options_text_add(t, "\"");
}

char *rz_options_value(const rz_option *row, const void *base)
{
    rz_options_text t = {0};
    const void *from = const_place(row, base);
    char number[32];
    const char *s;
    size_t len = 0;
    switch (row->type) {
    case RZ_OPT_INT: rz_options_text_add(&t, "%lld", (long long)*(const int64_t *)from); break;
    case RZ_OPT_BOOL: rz_options_text_add(&t, "%s", *(const bool *)from ? "true" : "false"); break;
    case RZ_OPT_FLOAT:
        rz_double_text(*(const double *)from, number);
        rz_options_text_add(&t, "%s", number);
        break;
    case RZ_OPT_ENUM:
        s = choice(row, *(const int *)from, &len);
        rz_options_text_add(&t, "%.*s", (int)len, s);
        break;
    case RZ_OPT_TEXT:
        s = *(char *const *)from;
        if (plain_in_every_yaml(s))
            rz_options_text_add(&t, "%s", s);
        else
            add_quoted(&t, s);
        break;
    case RZ_OPT_INTS: {
        const rz_int_list *list = from;
        for (int i = 0; i < list->n; i++) rz_options_text_add(&t, "%s%lld", i ? ", " : "[", (long long)list->v[i]);
        rz_options_text_add(&t, "]");
        break;
    }
    case RZ_OPT_TEXTS: {
        const rz_text_list *list = from;
        rz_options_text_add(&t, "[");
        for (int i = 0; i < list->n; i++) {
            rz_options_text_add(&t, "%s", i ? ", " : "");
            add_quoted(&t, list->v[i]);
        }
        rz_options_text_add(&t, "]");
        break;
    }
    }
    return t.s;
}

bool rz_options_value_equal(const rz_option *row, const void *a, const void *b)
{
    const void *x = const_place(row, a), *y = const_place(row, b);
    switch (row->type) {
    case RZ_OPT_INT: return *(const int64_t *)x == *(const int64_t *)y;
    case RZ_OPT_FLOAT: return memcmp(x, y, sizeof(double)) == 0; /* −0 is not 0: bits are promised */
    case RZ_OPT_BOOL: return *(const bool *)x == *(const bool *)y;
    case RZ_OPT_ENUM: return *(const int *)x == *(const int *)y;
    case RZ_OPT_TEXT: return strcmp(*(char *const *)x, *(char *const *)y) == 0;
    case RZ_OPT_TEXTS: {
        const rz_text_list *p = x, *q = y;
        bool equal = p->n == q->n;
        for (int i = 0; equal && i < p->n; i++) equal = strcmp(p->v[i], q->v[i]) == 0;
        return equal;
    }
    case RZ_OPT_INTS: break;
    }
    const rz_int_list *p = x, *q = y;
    return p->n == q->n && memcmp(p->v, q->v, (size_t)p->n * sizeof *p->v) == 0;
}
