/* math_verify.verify(parse(gold), parse(found)): candidates by priority, the rightmost first; what is read and, beside it, its text. */
#include "rewards/math_extract.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WINDOW = 64 << 10, /* bytes of a text that are searched: its last ones */
       TRIES = 24, ANCHORS = 128 /* the last ones of a text */ };

static const int priorities[] = {0, 50, 100, 200, 300};

typedef struct {
    math_env *e;
    const rz_math_extract *x;
    math_scan scan;
    rz_slice t;
    size_t anchors[ANCHORS];
    int first_anchor;
    uint32_t *blank_end;  /* (t.len + 1) where the blanks at a place end; made at the first need */
    math_candidate *list; /* a ring of the last MAX_CANDIDATES */
    int n;
} search;

typedef struct { math_node *tree; rz_slice text; } reading;

static char at(rz_slice t, size_t i) { return i < t.len ? t.s[i] : 0; }

static bool starts(rz_slice t, size_t i, const char *what, bool any_case)
{
    size_t n = strlen(what);
    if (i > t.len || t.len - i < n) return false;
    return any_case ? strncasecmp(t.s + i, what, n) == 0 : memcmp(t.s + i, what, n) == 0;
}

static void add(search *s, const math_candidate *c) { s->list[s->n++ % MAX_CANDIDATES] = *c; }

/* The end of the blanks at i: looked up, for the same ones are passed over from many places. */
static size_t blanks(search *s, size_t i)
{
    if (i >= s->t.len || !rz_is_space(s->t.s[i])) return i;
    if (!s->blank_end) {
        s->blank_end = RZ_NEW(s->e->arena, s->t.len + 1, uint32_t);
        s->blank_end[s->t.len] = (uint32_t)s->t.len;
        for (size_t k = s->t.len; k-- > 0;) s->blank_end[k] = rz_is_space(s->t.s[k]) ? s->blank_end[k + 1] : (uint32_t)k;
    }
    return s->blank_end[i];
}

/* ---- what may stand at a place ---- */

static bool latex_at(search *s, size_t i, math_candidate *c) { return rz_math_env_at(&s->scan, i, false, c); }

static bool plain_at(search *s, size_t i, math_candidate *c) { return rz_math_plain_at(&s->scan, i, c) || rz_math_number_at(&s->scan, i, c); }

/* An equals sign behind: the number is the left side of something. */
static bool goes_on(search *s, size_t i) { return at(s->t, blanks(s, i)) == '='; }

typedef bool (*matcher)(search *s, size_t i, math_candidate *c);

/* "is", a colon, blanks, then the expression. A plain number needs one blank (or "=") of its own. */
static bool after_is(search *s, size_t i, bool latex, bool skip, math_candidate *c)
{
    if (at(s->t, i) == ':') i++;
    if (latex) return latex_at(s, skip ? blanks(s, i) : i, c);
    size_t b = skip ? blanks(s, i) : i;
    return (b > i && plain_at(s, b - 1, c)) || plain_at(s, b, c);
}

/* "final answer is E. I hope" (0); "final answer … is E" (50). The match begins with the words. */
static bool final_answer(search *s, size_t i, int priority, bool latex, math_candidate *c)
{
    static const char words[] = "final answer";
    rz_slice t = s->t;
    size_t k = i + sizeof words - 1;
    if (!starts(t, i, words, true)) return false;
    if (priority == 0) {
        if (!starts(t, k, " is", true) || !after_is(s, k + 3, latex, true, c)) return false;
        k = c->end;
        if (at(t, k) == '.') k++;
        if (rz_is_space(at(t, k))) k++;
        if (!starts(t, k, "I hope", false)) return false;
        c->end = k + 6;
    } else {
        size_t most = k + 100;
        for (;; k++) {
            if (k > most || k >= t.len) return false;
            size_t is = blanks(s, k);
            if (is > k && starts(t, is, "is", false) && after_is(s, is + 2, latex, latex, c)) break;
        }
    }
    c->start = i;
    return true;
}

/* "answer: … E" (100), "answer … E" (200): within fifty characters, or for plain numbers behind the last = within a hundred. */
static bool answer(search *s, size_t i, int priority, bool latex, math_candidate *c)
{
    rz_slice t = s->t;
    size_t k = i + 6;
    if (!starts(t, i, "answer", true)) return false;
    if (priority == 100) {
        if (at(t, k) != ':') return false;
        k++;
    }
    if (!latex)
        for (size_t q = k + 100 < t.len ? k + 100 : t.len; q-- > k;) {
            size_t b = blanks(s, q + 1);
            if (t.s[q] == '=' && b > q + 1 && plain_at(s, b - 1, c) && !goes_on(s, c->end)) {
                c->start = i;
                return true;
            }
        }
    for (size_t q = k; q <= k + 50 && q < t.len; q++)
        if (latex ? latex_at(s, q, c) : plain_at(s, q, c) && !goes_on(s, c->end)) {
            c->start = i;
            return true;
        }
    return false;
}

/* ---- all candidates of a priority ---- */

/* The last ANCHORS words "answer", from left to right. */
static void find_anchors(search *s)
{
    int n = ANCHORS;
    for (size_t i = s->t.len; i > 0 && n > 0;)
        if ((s->t.s[--i] | 32) == 'a' && starts(s->t, i, "answer", true)) s->anchors[--n] = i;
    s->first_anchor = n;
}

static void anchored(search *s, int priority, bool latex)
{
    enum { FINAL = 6, ANCHOR = 40 /* units of work: some hundred places behind it are tried */ };
    math_candidate c;
    size_t behind = 0;
    for (int k = s->first_anchor; k < ANCHORS; k++) {
        size_t i = s->anchors[k], from = priority <= 50 ? i - FINAL : i;
        if ((priority <= 50 && i < FINAL) || from < behind) continue;
        s->e->work_left -= ANCHOR;
        if (priority <= 50 ? final_answer(s, from, priority, latex, &c) : answer(s, i, priority, latex, &c)) add(s, &c), behind = c.end;
    }
}

static bool boxed_at(search *s, size_t i, math_candidate *c) { return rz_math_env_at(&s->scan, i, true, c); }
static bool expression_at(search *s, size_t i, math_candidate *c) { return rz_math_plain_at(&s->scan, i, c); }
static bool number_at(search *s, size_t i, math_candidate *c) { return rz_math_number_at(&s->scan, i, c); }

static void everywhere(search *s, matcher m, const char *heads)
{
    math_candidate c;
    unsigned char head[256] = {0}; /* 1: a blank, which is no more than looked behind; 2: a mark, which is what a try costs in units of work */
    for (const char *h = heads; *h; h++) head[(unsigned char)*h] = rz_is_space(*h) ? 1 : 2;
    for (size_t i = 0; i < s->t.len;) {
        int kind = head[(unsigned char)s->t.s[i]];
        if (i && !kind) {
            i++;
            continue;
        }
        bool hit = m(s, i, &c);
        if (hit) add(s, &c);
        s->e->work_left -= hit ? 2 : kind & 2;
        i = hit && c.end > i ? c.end : i + 1;
    }
}

/* From the first box to the last brace of the text. */
static void whole_box(search *s)
{
    const char *first = memmem(s->t.s, s->t.len, "\\boxed{", 7), *last = memrchr(s->t.s, '}', s->t.len);
    if (!first || !last || last <= first + 7) return;
    math_candidate c = {.start = (size_t)(first - s->t.s), .end = (size_t)(last - s->t.s) + 1, .n = 1, .kind = FOUND_BOX};
    c.parts[0].text = (rz_slice){first, (size_t)(last - first) + 1};
    add(s, &c);
}

static void gather(search *s, int priority)
{
    s->n = 0;
    for (int latex = 1; latex >= 0; latex--) {
        if (latex ? !s->x->latex : !s->x->expr) continue;
        if (priority < 300) anchored(s, priority, latex);
        else if (latex && s->x->unanchored) everywhere(s, latex_at, "$\\- \t\n\v\f\r");
        else if (!latex) everywhere(s, expression_at, "= \t\n\v\f\r"), everywhere(s, number_at, "= \t\n\v\f\r");
    }
    if (s->x->latex && s->x->boxed_priority == priority) everywhere(s, boxed_at, "$\\ \t\n\v\f\r"), whole_box(s);
}

/* The rightmost end first, then the leftmost start. */
static int by_end(const void *a, const void *b)
{
    const math_candidate *x = a, *y = b;
    if (x->end != y->end) return x->end < y->end ? 1 : -1;
    return (x->start > y->start) - (x->start < y->start);
}

/* ---- reading a candidate ---- */

/* What stands behind the last of at least two "=" when there is no list: the end of a calculation. */
static bool last_side(rz_slice t, rz_slice *out)
{
    int n = 0;
    size_t from = 0;
    if (memchr(t.s, ',', t.len) || memchr(t.s, ';', t.len)) return false;
    for (size_t i = 0; i < t.len; i++)
        if (t.s[i] == '=' && !(i && strchr("\\<!>", t.s[i - 1]))) n++, from = i + 1;
    *out = (rz_slice){t.s + from, t.len - from};
    return n >= 2;
}

static math_node *read_latex(math_env *e, rz_slice t)
{
    rz_slice rest;
    math_node *n = rz_math_parse(e, t);
    if (!n && last_side(t, &rest)) n = rz_math_parse(e, rest);
    return n;
}

static math_node *percent_of(math_env *e, math_node *n, bool percent) { return n && percent ? rz_math_node2(e, M_PERCENT, rz_math_copy(e, n), NULL) : n; }

static void flatten(math_node *list, math_node *n)
{
    if (n->kind != M_LIST && n->kind != M_SET) {
        rz_math_adopt(list, n);
        return;
    }
    for (math_node *k = n->first, *after; k; k = after) after = k->next, rz_math_adopt(list, k);
}

static rz_slice joined(rz_arena *a, const rz_slice *texts, int n)
{
    static const char and[] = " and ";
    size_t len = 0;
    for (int i = 0; i < n; i++) len += texts[i].len + sizeof and - 1;
    char *out = RZ_NEW(a, len, char);
    len = 0;
    for (int i = 0; i < n; i++) {
        if (i) memcpy(out + len, and, sizeof and - 1), len += sizeof and - 1;
        memcpy(out + len, texts[i].s, texts[i].len);
        len += texts[i].len;
    }
    return (rz_slice){out, len};
}

/* Several that can all be read are a list; else the first counts. */
static reading several(search *s, const math_candidate *c)
{
    math_node *trees[MAX_PARTS] = {NULL};
    rz_slice texts[MAX_PARTS] = {{NULL, 0}};
    bool all = true;
    reading r = {NULL, {NULL, 0}};
    for (int i = 0; i < c->n; i++) {
        rz_slice t = rz_math_unboxed(s->e->arena, c->parts[i].text, c->kind == FOUND_BOX);
        texts[i] = rz_trim(t);
        trees[i] = percent_of(s->e, read_latex(s->e, t), c->parts[i].percent);
        all &= trees[i] != NULL;
    }
    r.tree = trees[0];
    r.text = texts[0];
    if (c->n < 2) return r;
    math_node *list = all ? rz_math_node(s->e, M_LIST) : NULL;
    for (int i = 0; list && i < c->n; i++) flatten(list, trees[i]);
    if (list) r.tree = list, r.text = joined(s->e->arena, texts, c->n);
    return r;
}

/* 1,234.5 and 12,5 as digits with a point. */
static rz_slice plain_number(rz_arena *a, rz_slice t)
{
    char *s = RZ_NEW(a, t.len + 1, char);
    size_t n = 0, last = t.len;
    const char *comma = memrchr(t.s, ',', t.len), *point = memchr(t.s, '.', t.len), *blank = memchr(t.s, ' ', t.len);
    size_t behind = comma ? t.len - (size_t)(comma - t.s) - 1 : 0, before = comma ? (size_t)(comma - t.s) - (t.s[0] == '-') : 0;
    bool groups = comma && behind >= 3 && (point || blank || (behind == 3 && before <= 3 + 4 * 8 && t.s[t.s[0] == '-'] != '0' && (before <= 3 || memchr(t.s, ',', (size_t)(comma - t.s)))));
    if (comma && !groups && !point) last = (size_t)(comma - t.s);
    for (size_t i = 0; i < t.len; i++) {
        if (i == last) s[n++] = '.';
        else if (t.s[i] != ',' && t.s[i] != ' ') s[n++] = t.s[i];
    }
    return (rz_slice){s, n};
}

/* Python's reading of it fails for 2(3), 2 3 and 007. */
static bool pythonic(rz_slice t)
{
    char last = 0;
    for (size_t i = 0; i < t.len; i++) {
        char c = t.s[i];
        bool blank = i && rz_is_space(t.s[i - 1]), digit = c >= '0' && c <= '9', last_digit = last >= '0' && last <= '9';
        if (rz_is_space(c)) continue;
        if ((c == '(' && (last_digit || last == ')' || last == '.')) || (digit && last == ')') || (digit && last_digit && blank)) return false;
        if (c == '0' && !last_digit && last != '.' && i + 1 < t.len && t.s[i + 1] >= '0' && t.s[i + 1] <= '9') return false;
        last = c;
    }
    return true;
}

/* Units of work: of a byte, and more of one that may be a token. */
static long reading_price(const math_candidate *c)
{
    enum { TOKEN = 3, TOKENS = 8192, BYTES = 4 };
    long price = 0;
    for (int i = 0; i < c->n; i++) {
        size_t n = c->parts[i].text.len;
        price += (long)(TOKEN * (n < TOKENS ? n : TOKENS) + n / BYTES);
    }
    return price;
}

static reading read_candidate(search *s, const math_candidate *c)
{
    reading r = {NULL, c->parts[0].text};
    if ((s->e->work_left -= reading_price(c)) <= 0) return r;
    switch (c->kind) {
    case FOUND_NUMBER:
        r.text = plain_number(s->e->arena, r.text);
        r.tree = percent_of(s->e, rz_math_parse(s->e, r.text), c->parts[0].percent);
        return r;
    case FOUND_EXPRESSION:
        while (r.text.len && r.text.s[r.text.len - 1] == '.') r.text.len--; /* 3. is a number to Python */
        if (pythonic(r.text)) r.tree = rz_math_parse(s->e, r.text);
        return r;
    default: return several(s, c);
    }
}

/* What the text says: a tree (or NULL), and the text that was tried first. */
static reading extract(math_env *e, rz_slice t, const rz_math_extract *x)
{
    if (t.len > WINDOW) {
        t.s += t.len - WINDOW, t.len = WINDOW;
        while (t.len && ((unsigned char)t.s[0] & 0xC0) == 0x80) t.s++, t.len--;
    }
    search s = {.e = e, .x = x, .t = t};
    reading got = {NULL, {NULL, 0}};
    bool any = false;
    int tries = 0;
    s.list = RZ_NEW(e->arena, MAX_CANDIDATES, math_candidate);
    rz_math_scan_begin(&s.scan, t);
    find_anchors(&s);
    for (size_t p = 0; p < sizeof priorities / sizeof *priorities && !got.tree && !(any && x->first_match); p++) {
        gather(&s, priorities[p]);
        int n = s.n < MAX_CANDIDATES ? s.n : MAX_CANDIDATES;
        qsort(s.list, (size_t)n, sizeof *s.list, by_end);
        for (int i = 0; i < n && !got.tree && tries < TRIES; i++, tries++) {
            reading r = read_candidate(&s, &s.list[i]);
            if (got.text.len == 0) got.text = r.text;
            got.tree = r.tree;
            any = true;
            if (x->first_match) break;
        }
    }
    return got;
}

bool rz_math_verify(rz_arena *scratch, rz_slice found, const rz_math_extract *from_found, rz_slice gold, const rz_math_extract *from_gold,
                    const rz_math_options *o, rz_math_verify_report *why)
{
    size_t mark = scratch->used;
    math_env e = rz_math_env(scratch, o);
    rz_math_options loose = *o, tight = *o;
    rz_math_verify_report report = {.math = {.verdict = RZ_MATH_DIFFERENT, .rung = RZ_MATH_BY_TEXT}};
    loose.malformed = from_gold->malformed;
    tight.malformed = from_found->malformed;
    e.options = &loose;
    reading g = extract(&e, gold, from_gold), f = {NULL, {NULL, 0}};
    report.math.nodes = RZ_MATH_MAX_NODES - e.nodes_left;
    e.nodes_left = RZ_MATH_MAX_NODES;
    e.options = &tight;
    bool gold_read = g.tree || g.text.len;
    if (gold_read) f = extract(&e, found, from_found);
    report.math.nodes += RZ_MATH_MAX_NODES - e.nodes_left;
    e.options = o;
    if (f.text.s >= found.s && f.text.s < found.s + found.len) report.found = (rz_span){(size_t)(f.text.s - found.s), (size_t)(f.text.s - found.s) + f.text.len};
    else report.found = (rz_span){SIZE_MAX, SIZE_MAX};
    if (!gold_read) report.math.verdict = RZ_MATH_GOLD_UNPARSED;
    else if (!f.tree && !f.text.len) report.math.verdict = RZ_MATH_FOUND_UNPARSED;
    else if (g.text.len && g.text.len == f.text.len && memcmp(g.text.s, f.text.s, g.text.len) == 0) report.math.verdict = RZ_MATH_EQUAL;
    else if (g.tree && f.tree) report.math.verdict = rz_math_compare(&e, g.tree, f.tree), report.math.rung = e.rung;
    report.math.work = rz_math_work(&e);
    rz_arena_release(scratch, mark);
    if (why) *why = report;
    return report.math.verdict == RZ_MATH_EQUAL;
}
