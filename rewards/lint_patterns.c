/* Checks of patterns: what they are made of says which texts may trouble them, and those texts are run. */
#include "rewards/lint_checks.h"
#include "rewards/shape.h"
#include <stdlib.h>
#include <string.h>

enum {
    MAX_PUMPS = 48,       /* of one pattern */
    SHORT_TEXT = 2048,    /* a limit that is hit by no more than so many bytes is near at hand */
    WORK = 100000,        /* nodes looked at for one sample */
    SAMPLE_ROOM = 8192,
};

/* A pattern of a rule, as it is used and as it was written. */
typedef struct {
    linter *l;
    const rule *u;
    const char *text;
    const rz_yaml *scalar;    /* where it stands */
    const rz_pattern *whole;  /* compiled, with what the engine puts around it */
    bool anywhere;            /* it is searched for */
    bool extracts;            /* by an extraction, of which extract.group_name is read */
    unsigned flags;
    shape *root;
} subject;

static unsigned flags_of(const rz_yaml *map)
{
    const rz_yaml *y = rz_yaml_get(map, "flags");
    const char *f = y && y->kind == RZ_YAML_SCALAR ? y->text : "";
    return (strchr(f, 's') ? RZ_PATTERN_DOTALL : 0u) | (strchr(f, 'i') ? RZ_PATTERN_CASELESS : 0u) | (strchr(f, 'm') ? RZ_PATTERN_MULTILINE : 0u);
}

static shape_text text_of(linter *l)
{
    return (shape_text){.s = RZ_NEW(l->env.scratch, SAMPLE_ROOM + 1, char), .room = SAMPLE_ROOM, .work = WORK};
}

static rz_match_result run(const subject *p, const char *s, size_t n)
{
    size_t from = 0;
    rz_span span;
    return rz_pattern_next(p->whole, p->l->env.matcher, (rz_slice){s, n}, &from, &span, 1);
}

/* ---- labour ---- */

typedef struct { const char *prefix, *pump; size_t prefix_len, pump_len; const shape *node; const char *reason; } pump;
typedef struct { const subject *p; pump v[MAX_PUMPS]; int n; } pumps;

static void add_pump(pumps *all, const shape *node, const shape_text *prefix, const char *s, size_t n, const char *reason)
{
    if (!n || all->n == MAX_PUMPS) return;
    for (int i = 0; i < all->n; i++)
        if (all->v[i].pump_len == n && !memcmp(all->v[i].pump, s, n) && all->v[i].prefix_len == prefix->n && !memcmp(all->v[i].prefix, prefix->s, prefix->n)) return;
    rz_arena *scratch = all->p->l->env.scratch;
    all->v[all->n++] = (pump){rz_arena_strndup(scratch, prefix->s, prefix->n), rz_arena_strndup(scratch, s, n), prefix->n, n, node, reason};
}

static bool unbounded(const shape *s) { return s->kind == SHAPE_REPEAT && (s->max < 0 || s->max > 16) && !s->possessive; }

static bool find_unbounded(shape *s, void *ctx)
{
    if (unbounded(s)) *(bool *)ctx = true;
    return true;
}

/* Why a repeat may have many ways to read one text. */
static const char *reason_of(const shape *s)
{
    const shape *body = s->items[0];
    bool nested = false;
    while (body->kind == SHAPE_CAT && body->n == 1) body = body->items[0];
    rz_shape_walk(s->items[0], find_unbounded, &nested);
    if (nested) return "a repeat inside a repeat";
    for (int i = 0; body->kind == SHAPE_ALT && i < body->n; i++)
        for (int k = i + 1; k < body->n; k++)
            if (rz_shape_common(body->items[i], body->items[k])) return "alternatives that begin alike, under a repeat";
    return "a repeat that can be read in many ways with what is around it";
}

/* Texts to repeat at each unbounded repeat: what its body matches, by each of its alternatives. */
static bool collect(shape *s, void *ctx)
{
    pumps *all = ctx;
    if (!unbounded(s)) return true;
    linter *l = all->p->l;
    shape_text prefix = text_of(l), empty = text_of(l);
    rz_shape_sample(all->p->root, 0, 0, s, &prefix);
    const char *reason = reason_of(s);
    for (int alternative = 0; alternative < 4; alternative++) {
        shape_text body = text_of(l);
        rz_shape_sample(s->items[0], 1, alternative, NULL, &body);
        add_pump(all, s, &prefix, body.s, body.n, reason);
        add_pump(all, s, &empty, body.s, body.n, reason);
    }
    return true;
}

/* Repeats next to each other that can share a character. */
static bool collect_neighbours(shape *s, void *ctx)
{
    pumps *all = ctx;
    for (int i = 0; s->kind == SHAPE_CAT && i < s->n; i++) {
        if (!unbounded(s->items[i])) continue;
        for (int k = i + 1; k < s->n; k++) {
            char c = unbounded(s->items[k]) ? rz_shape_common(s->items[i], s->items[k]) : 0;
            shape_text prefix = text_of(all->p->l);
            rz_shape_sample(all->p->root, 0, 0, s->items[i], &prefix);
            if (c) add_pump(all, s->items[i], &prefix, &c, 1, "two repeats in a row that can share a text");
            if (!rz_shape_nullable(s->items[k])) break;
        }
    }
    return true;
}

/* The text of so many pumps and a tail that no pattern expects. Returns its length. */
static size_t pumped(const pump *u, size_t times, const char *tail, char *out)
{
    size_t n = u->prefix_len;
    memcpy(out, u->prefix, n);
    for (size_t i = 0; i < times; i++, n += u->pump_len) memcpy(out + n, u->pump, u->pump_len);
    memcpy(out + n, tail, strlen(tail));
    return n + strlen(tail);
}

enum { N_TAILS = 6 };

/* Behind the pumps: nothing, what no pattern expects, and that with all the characters that the pattern demands, without which PCRE2 would not even begin. */
static void make_tails(const subject *p, const char *tails[N_TAILS])
{
    shape_text demanded = text_of(p->l);
    demanded.s[demanded.n++] = '\x01';
    demanded.room -= 2;
    rz_shape_sample(p->root, 0, 0, NULL, &demanded);
    demanded.s[demanded.n] = 0;
    tails[0] = "", tails[1] = "\x01", tails[2] = "!", tails[3] = "\n<";
    tails[4] = rz_arena_strndup(p->l->env.scratch, demanded.s, demanded.n);
    demanded.s[demanded.n++] = '\x01';
    demanded.s[demanded.n] = 0;
    tails[5] = demanded.s;
}

/* The shortest text, by doubling, at which this pump has the pattern hit its limit; 0: none below so many bytes, or that a pattern reads at all. */
static size_t labour(const subject *p, const pump *u, const char *const *tails, size_t below, char *out)
{
    for (size_t times = 16 / u->pump_len + 1;; times *= 2) {
        size_t least = u->prefix_len + times * u->pump_len;
        if (least >= below || least + strlen(tails[N_TAILS - 1]) > MAX_SUBJECT) return 0;
        for (int t = 0; t < N_TAILS; t++) {
            size_t n = pumped(u, times, tails[t], out);
            if (run(p, out, n) == RZ_MATCH_LIMIT) return n;
        }
    }
}

static void check_labour(const subject *p)
{
    pumps *all = RZ_ZNEW(p->l->env.scratch, 1, pumps);
    char *text = RZ_NEW(p->l->env.scratch, MAX_SUBJECT + 16, char), *worst = NULL;
    size_t shortest = SIZE_MAX;
    const pump *by = NULL;
    const char *tails[N_TAILS];
    make_tails(p, tails);
    all->p = p;
    rz_shape_walk(p->root, collect, all);
    rz_shape_walk(p->root, collect_neighbours, all);
    for (int i = 0; i < all->n; i++) {
        size_t n = labour(p, &all->v[i], tails, shortest, text);
        if (!n || n >= shortest) continue;
        shortest = n;
        by = &all->v[i];
        worst = rz_arena_strndup(p->l->env.scratch, text, n);
    }
    if (!by) return;
    char shown[192];
    snprintf(shown, sizeof shown, "these %zu bytes, read by the pattern, are beyond its limit of steps (or of room to go back): the rule is in error", shortest);
    rz_lint_add(p->l, shortest <= SHORT_TEXT ? CHECK_CATASTROPHIC : CHECK_SLOW, p->u, rz_yaml_place(p->scalar, &p->l->document, by->node->at), worst, shortest, shown,
                "%s: '%.40s' repeated makes the pattern try again and again", by->reason, by->pump);
}

/* ---- what it matches ---- */

static void check_too_much(const subject *p)
{
    static const char *const junk[] = {"x", "lorem ipsum dolor", "42", "<a> b </a>", "?!", "\u65e5\u672c", "a\nb\n\nc", "-"};
    enum { N_JUNK = sizeof junk / sizeof *junk };
    rz_place at = rz_yaml_place(p->scalar, &p->l->document, 0);
    bool all = true;
    if (p->extracts) return; /* what is found is compared */
    for (int i = 0; i < N_JUNK && all; i++) all = run(p, junk[i], strlen(junk[i])) == RZ_MATCH;
    if (all)
        rz_lint_add(p->l, CHECK_ANYTHING, p->u, at, junk[1], strlen(junk[1]), "the pattern matches it, as it does all texts that were tried", "it matches anything");
    else if (run(p, "", 0) == RZ_MATCH)
        rz_lint_add(p->l, CHECK_EMPTY, p->u, at, "", 0, "the pattern matches it", "it matches the empty text");
}

/* Something that must stand before the beginning, or behind the end. */
static bool impossible(const shape *s, const shape **where)
{
    if (s->kind == SHAPE_ALT) {
        for (int i = 0; i < s->n; i++)
            if (!impossible(s->items[i], where)) return false;
        return s->n > 0;
    }
    if (s->kind == SHAPE_REPEAT) return s->min > 0 && impossible(s->items[0], where);
    if (s->kind != SHAPE_CAT) return false;
    bool something = false, ended = false;
    for (int i = 0; i < s->n; i++) {
        const shape *item = s->items[i];
        *where = item;
        if (item->kind == SHAPE_START && something && !item->multiline) return true;
        if (item->kind == SHAPE_END && !item->multiline) ended = true;
        if (rz_shape_nullable(item)) continue;
        char c = rz_shape_common(item, NULL);
        something = true;
        if (ended && c != '\n') return true; /* $ may stand before a last newline */
        if (impossible(item, where)) return true;
    }
    return false;
}

static void check_possible(const subject *p)
{
    const shape *where = NULL;
    if (!impossible(p->root, &where)) return;
    rz_lint_add(p->l, CHECK_NEVER, p->u, rz_yaml_place(p->scalar, &p->l->document, where->at), NULL, 0, NULL, "no text can match: something would have to stand %s",
                where->kind == SHAPE_START ? "before the beginning" : "behind the end");
    for (int i = 0; i < p->l->rules->n; i++)
        for (int k = 0; k < p->l->rules->rules[i].n_requires; k++)
            if (&p->l->rules->rules[p->l->rules->rules[i].requires[k]] == p->u)
                rz_lint_add(p->l, CHECK_DEAD_GATE, &p->l->rules->rules[i], rz_lint_place(p->l, &p->l->rules->rules[i]), NULL, 0, NULL,
                            "it requires '%s', which can never pass: it is always skipped", p->u->name);
}

/* A text that the pattern matches, if one can be made. */
static bool sample_that_matches(const subject *p, shape_text *out)
{
    for (int fill = 0; fill < 3; fill++)
        for (int alternative = 0; alternative < 3; alternative++) {
            *out = text_of(p->l);
            rz_shape_sample(p->root, fill, alternative, NULL, out);
            if (out->n && run(p, out->s, out->n) == RZ_MATCH) return true;
        }
    return false;
}

static void check_anchors(const subject *p)
{
    shape_text good;
    if (!p->anywhere || p->extracts || !rz_lint_is_needed(p->l, p->u) || !sample_that_matches(p, &good)) return;
    char *text = rz_asprintf("lorem ipsum\n%.*s\ndolor", (int)good.n, good.s);
    if (run(p, text, strlen(text)) == RZ_MATCH)
        rz_lint_add(p->l, CHECK_UNANCHORED, p->u, rz_yaml_place(p->scalar, &p->l->document, 0), text, strlen(text), "the pattern matches it",
                    p->flags & RZ_PATTERN_MULTILINE && strpbrk(p->text, "^$") ? "with m, ^ and $ end lines, not the text: anything may stand around them"
                                                                              : "anything may stand around what it matches");
    free(text);
}

static void check_python(const subject *p)
{
    static const struct { const char *spelling, *hazard; } rows[] = {
        {"(?P<", "(?P<name>...) is Python's spelling"}, {"(?P=", "(?P=name) is Python's spelling"},
        {"\\Z", "\\Z also matches before a last newline here; in Python it does not"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *at = strstr(p->text, rows[i].spelling);
        if (at && !(at > p->text && at[-1] == '\\'))
            rz_lint_add(p->l, CHECK_PYTHON, p->u, rz_yaml_place(p->scalar, &p->l->document, (size_t)(at - p->text)), NULL, 0, NULL, "%s", rows[i].hazard);
    }
}

/* ---- groups ---- */

static bool is_read(const subject *p, const char *name)
{
    const rz_rules *r = p->l->rules;
    char reference[3][96];
    for (int i = 0; i < r->n; i++) {
        const extraction *x = &r->rules[i].extract;
        bool of_this = p->extracts ? &r->rules[i] == p->u : x->from == FROM_RULE && &r->rules[x->rule] == p->u;
        if (of_this && x->group_name && !strcmp(x->group_name, name)) return true;
        if (of_this && !x->group_name) return true; /* the first group: perhaps this one */
    }
    snprintf(reference[0], sizeof reference[0], "\\k<%.80s>", name);
    snprintf(reference[1], sizeof reference[1], "\\k{%.80s}", name);
    snprintf(reference[2], sizeof reference[2], "(?P=%.80s)", name);
    return strstr(p->text, reference[0]) || strstr(p->text, reference[1]) || strstr(p->text, reference[2]) || strstr(p->text, "(?&");
}

static bool check_group(shape *s, void *ctx)
{
    const subject *p = ctx;
    if (s->name && !is_read(p, s->name))
        rz_lint_add(p->l, CHECK_UNUSED_GROUP, p->u, rz_yaml_place(p->scalar, &p->l->document, s->at), NULL, 0, NULL, "nothing reads the group '%.60s'", s->name);
    return true;
}

/* ---- all patterns of the file ---- */

static void check_subject(subject *p)
{
    rz_arena *scratch = p->l->env.scratch;
    size_t mark = scratch->used;
    if (!p->scalar || p->scalar->kind != RZ_YAML_SCALAR || !p->whole) return;
    p->text = p->scalar->text;
    p->root = rz_shape_read(scratch, p->text, p->flags);
    check_possible(p);
    check_labour(p);
    check_too_much(p);
    check_anchors(p);
    check_python(p);
    rz_shape_walk(p->root, check_group, p);
    rz_arena_release(scratch, mark);
}

void rz_lint_patterns(linter *l)
{
    for (int i = 0; i < l->rules->n; i++) {
        const rule *u = &l->rules->rules[i];
        const rz_yaml *map = rz_lint_rule(l, u), *x = rz_yaml_get(map, "extract"), *anywhere = rz_yaml_get(map, "anywhere");
        bool counts = u->kind == &rz_kind_count;
        if (u->pattern)
            check_subject(&(subject){.l = l, .u = u, .scalar = rz_yaml_get(map, counts ? "count" : "match"), .whole = u->pattern, .flags = flags_of(map),
                                     .anywhere = counts || (anywhere && !strcmp(anywhere->text, "true"))});
        if (u->extract.pattern && x && x->kind == RZ_YAML_MAP)
            check_subject(&(subject){.l = l, .u = u, .scalar = rz_yaml_get(x, "regex"), .whole = u->extract.pattern, .flags = flags_of(x), .anywhere = true, .extracts = true});
    }
}
