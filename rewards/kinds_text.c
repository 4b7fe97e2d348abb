/* Rule kinds about the form of the text: match, count, tags. */
#include "rewards/internal.h"
#include <stdio.h>
#include <string.h>

static rz_span shift(rz_span span, size_t by) { return span.start == SIZE_MAX ? span : (rz_span){span.start + by, span.end + by}; }

/* ---- match ---- */

static bool load_match(const schema *s, rz_rules *r, rule *u, const rz_yaml *y)
{
    bool anywhere = false;
    (void)r;
    return rz_schema_bool(s, y, "anywhere", &anywhere) && rz_pattern_load(s, y, "match", !anywhere, &u->pattern, &u->pattern_text);
}

static void score_match(evaluation *e, const rule *u, rz_span where, outcome *o)
{
    rz_span *groups = e->groups[u - e->rules->rules];
    int n = rz_pattern_groups(u->pattern) + 1;
    rz_slice subject = {e->text + where.start, where.end - where.start};
    size_t from = 0;
    rz_match_result got = rz_pattern_next(u->pattern, e->env->matcher, subject, &from, groups, n);
    rz_show(o->expected, sizeof o->expected, u->pattern_text, strlen(u->pattern_text));
    if (got == RZ_MATCH_LIMIT) {
        rz_outcome_error(o, "%s", rz_limit_reason(subject));
        return;
    }
    if (got == RZ_NO_MATCH) {
        rz_outcome_fail(o, u, "the pattern does not match");
        return;
    }
    for (int i = 0; i < n; i++) groups[i] = shift(groups[i], where.start);
    o->span = groups[0];
    rz_show(o->found, sizeof o->found, e->text + o->span.start, o->span.end - o->span.start);
    rz_outcome_pass(o, u);
}

/* ---- count ---- */

static bool load_count(const schema *s, rz_rules *r, rule *u, const rz_yaml *y)
{
    (void)r;
    u->max = 1;
    if (!rz_yaml_get(y, "each")) return rz_schema_bad(s, y->at, "each is missing: give the points of one match");
    return rz_schema_number(s, y, "each", -MAX_POINTS / MAX_MATCHES, MAX_POINTS / MAX_MATCHES, &u->each) &&
           rz_schema_int(s, y, "max", 1, MAX_MATCHES, &u->max) && rz_pattern_load(s, y, "count", false, &u->pattern, &u->pattern_text);
}

static void score_count(evaluation *e, const rule *u, rz_span where, outcome *o)
{
    rz_slice subject = {e->text + where.start, where.end - where.start};
    rz_match_result got = RZ_MATCH;
    rz_span hit;
    int n = 0;
    for (size_t from = 0; from <= subject.len && n < u->max;) {
        got = rz_pattern_next(u->pattern, e->env->matcher, subject, &from, &hit, 1);
        if (got != RZ_MATCH) break;
        o->span = shift(hit, where.start);
        n++;
    }
    rz_show(o->expected, sizeof o->expected, u->pattern_text, strlen(u->pattern_text));
    if (got == RZ_MATCH_LIMIT) {
        o->span = NO_SPAN;
        rz_outcome_error(o, "%s", rz_limit_reason(subject));
        return;
    }
    bool forfeit = e->sample->truncated && !e->rules->truncated_is_scored && u->each > 0;
    o->state = RZ_PART_SCORED;
    o->points = forfeit ? 0 : n * u->each;
    snprintf(o->found, sizeof o->found, "%d", n);
    snprintf(o->reason, sizeof o->reason, forfeit ? "cut at the length limit: earns nothing" : "matches counted, at most %d", u->max);
}

/* ---- tags ---- */

static bool load_min_words(const schema *s, rule *u, const rz_yaml *y)
{
    const rz_yaml *m = rz_yaml_get(y, "min_words");
    int all = 1;
    bool one = m && m->kind == RZ_YAML_SCALAR;
    if (one && !rz_schema_int(s, y, "min_words", 1, 1000000, &all)) return false;
    for (int i = 0; i < u->n_tags; i++) u->min_words[i] = all;
    if (!m || one) return true;
    if (!rz_schema_is(s, m, "min_words", RZ_YAML_MAP) || !rz_schema_keys(s, m, u->tags, u->n_tags)) return false;
    for (int i = 0; i < u->n_tags; i++)
        if (!rz_schema_int(s, m, u->tags[i], 1, 1000000, &u->min_words[i])) return false;
    return true;
}

static bool load_tags(const schema *s, rz_rules *r, rule *u, const rz_yaml *y)
{
    const rz_yaml *list = rz_yaml_get(y, "tags");
    (void)r;
    if (!list) return rz_schema_bad(s, y->at, "tags is missing: give a list, as in [think, answer]");
    if (!rz_schema_is(s, list, "tags", RZ_YAML_LIST)) return false;
    if (list->n < 1 || list->n > MAX_TAGS) return rz_schema_bad(s, list->at, "tags has %d names, must have 1..%d", list->n, MAX_TAGS);
    u->tags = RZ_NEW(s->arena, list->n, const char *);
    u->min_words = RZ_NEW(s->arena, list->n, int);
    for (int i = 0; i < list->n; i++) {
        const rz_yaml *item = list->items[i];
        if (!rz_schema_is(s, item, "tags", RZ_YAML_SCALAR)) return false;
        if (!rz_tag_name_ok(item->text))
            return rz_schema_bad(s, item->at, "tags: '%.60s' must be a name without brackets, as in [think, answer]", item->text);
        if (rz_schema_find(item->text, u->tags, i) >= 0) return rz_schema_bad(s, item->at, "tags: '%.60s' is given twice", item->text);
        u->tags[i] = rz_arena_strndup(s->arena, item->text, strlen(item->text));
        u->n_tags = i + 1;
    }
    static const char *const behind[] = {"nothing", "words"};
    int words = 0;
    if (!rz_schema_choice(s, y, "behind", behind, 2, &words)) return false;
    u->words_behind = words;
    return load_min_words(s, u, y);
}

typedef struct { int n_open, n_close; rz_span open, close; } tag_places; /* the first of each; spans of the tags themselves */

static void find_tags(rz_slice t, const rule *u, tag_places *places)
{
    bool begins[256] = {false}; /* a tag's name */
    memset(places, 0, (size_t)u->n_tags * sizeof *places);
    for (int i = 0; i < u->n_tags; i++) begins[(unsigned char)u->tags[i][0]] = true;
    for (const char *p = t.s, *end = t.s + t.len; p < end && (*p == '<' || (p = memchr(p, '<', (size_t)(end - p)))); p++) {
        size_t at = (size_t)(p - t.s), name = at + 1 + (at + 1 < t.len && p[1] == '/');
        if (name >= t.len || !begins[(unsigned char)t.s[name]]) continue;
        for (int i = 0; i < u->n_tags; i++) {
            bool closing;
            size_t n = rz_tag_at(t.s, t.len, at, u->tags[i], &closing);
            if (!n) continue;
            int *count = closing ? &places[i].n_close : &places[i].n_open;
            if (!(*count)++) *(closing ? &places[i].close : &places[i].open) = (rz_span){at, at + n};
            break;
        }
    }
}

/* Where a span holds other than white space: its first such byte; else its end. */
static size_t first_ink(rz_slice t, size_t from, size_t to)
{
    while (from < to && rz_is_space(t.s[from])) from++;
    return from;
}

/* Fails the rule for anything but white space between two tags. */
static bool only_space(rz_slice t, size_t from, size_t to, const rule *u, outcome *o)
{
    size_t at = first_ink(t, from, to);
    if (at == to) return true;
    while (to > at && rz_is_space(t.s[to - 1])) to--;
    o->span = (rz_span){at, to};
    rz_outcome_fail(o, u, "text outside the tags");
    return false;
}

/* Behind the last tag: nothing, or with `behind: words` at least one visible word. */
static bool check_rest(rz_slice t, size_t from, const rule *u, outcome *o)
{
    if (!u->words_behind) return only_space(t, from, t.len, u, o);
    if (rz_count_words(t.s + from, t.len - from, 1)) return true;
    rz_outcome_fail(o, u, "nothing is written behind </%s>", u->tags[u->n_tags - 1]);
    return false;
}

static bool check_tag(rz_slice t, const rule *u, int i, const tag_places *place, size_t *at, outcome *o)
{
    const char *name = u->tags[i];
    if (place->n_open != 1 || place->n_close != 1) {
        if (place->n_open > 1 || place->n_close > 1) o->span = place->n_open > 1 ? place->open : place->close;
        rz_outcome_fail(o, u, "%d <%s> and %d </%s>, must be one of each", place->n_open, name, place->n_close, name);
        return false;
    }
    if (place->open.start < *at || place->close.start < place->open.end) {
        o->span = place->open.start < *at ? place->open : place->close;
        rz_outcome_fail(o, u, place->open.start < *at ? "<%s> is out of order" : "</%s> comes before its opening tag", name);
        return false;
    }
    if (!only_space(t, *at, place->open.start, u, o)) return false;
    size_t from = place->open.end, len = place->close.start - from;
    int words = rz_count_words(t.s + from, len, u->min_words[i]);
    if (words < u->min_words[i]) {
        o->span = (rz_span){from, from + len};
        if (words == 0)
            rz_outcome_fail(o, u, "<%s> is empty", name);
        else
            rz_outcome_fail(o, u, "<%s> has %d words, must have at least %d", name, words, u->min_words[i]);
        return false;
    }
    *at = place->close.end;
    return true;
}

static void score_tags(evaluation *e, const rule *u, rz_span where, outcome *o)
{
    rz_slice t = {e->text + where.start, where.end - where.start};
    tag_places places[MAX_TAGS];
    size_t at = 0, to = 0;
    bool ok = true;
    for (int i = 0; i < u->n_tags && to < sizeof o->expected; i++)
        to += (size_t)snprintf(o->expected + to, sizeof o->expected - to, "%s<%s>...</%s>", i ? " " : "", u->tags[i], u->tags[i]);
    find_tags(t, u, places);
    for (int i = 0; i < u->n_tags && ok; i++) ok = check_tag(t, u, i, &places[i], &at, o);
    ok = ok && check_rest(t, at, u, o);
    if (ok) {
        rz_outcome_pass(o, u);
        o->span = (rz_span){places[0].open.start, u->words_behind ? t.len : at};
    }
    o->span = shift(o->span, where.start);
    if (o->span.start != SIZE_MAX) rz_show(o->found, sizeof o->found, e->text + o->span.start, o->span.end - o->span.start);
}

static const char *const match_keys[] = {"match", "flags", "anywhere", "match_limit", NULL};
static const char *const count_keys[] = {"count", "flags", "match_limit", "each", "max", NULL};
static const char *const tags_keys[] = {"tags", "min_words", "behind", NULL};
const rule_kind rz_kind_match = {"match", match_keys, true, true, false, load_match, score_match,
    "the pattern matches all of the text", "shape: {match: '.*The answer is ([0-9]+)\\.', flags: s}"};
const rule_kind rz_kind_count = {"count", count_keys, false, true, false, load_count, score_count,
    "points for each place where the pattern matches, up to a number of them", "steps: {count: 'Step [0-9]+:', each: 0.1, max: 5}"};
const rule_kind rz_kind_tags = {"tags", tags_keys, true, true, false, load_tags, score_tags,
    "tags that stand once each, in this order, with words in them and nothing outside", "format: {tags: [think, answer]}"};
