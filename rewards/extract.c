/* Patterns of rules, and extraction: from a view to the text of an answer. */
#include "rewards/internal.h"
#include "base/text.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const rz_pick_names[4] = {"only", "first", "last", "all"};

static bool load_flags(const schema *s, const rz_yaml *map, unsigned *out)
{
    static const struct { char letter; unsigned flag; } letters[] = {
        {'s', RZ_PATTERN_DOTALL}, {'i', RZ_PATTERN_CASELESS}, {'m', RZ_PATTERN_MULTILINE}, {'u', RZ_PATTERN_UNICODE}};
    const char *flags = "";
    if (!rz_schema_text(s, map, "flags", &flags)) return false;
    *out = RZ_PATTERN_ANCHORED | RZ_PATTERN_COUNTED;
    for (const char *p = flags; *p; p++) {
        size_t i = 0;
        while (i < 4 && letters[i].letter != *p) i++;
        if (i == 4)
            return rz_schema_bad(s, rz_yaml_get(map, "flags")->at, "flags is '%.20s', must be letters out of s (. matches newlines), i (case), "
                                 "m (^ and $ at every line), u (\\d \\w \\s by Unicode)", flags);
        *out |= letters[i].flag;
    }
    return true;
}

/* The pattern alone is compiled first: its messages then have the writer's positions, and one that would escape from the brackets around it
 * is caught. Searching is one anchored match that lazily skips characters, because PCRE2 counts the steps of an unanchored one anew at each
 * starting position. */
bool rz_pattern_load(const schema *s, const rz_yaml *map, const char *pattern_key, bool whole, rz_pattern **out, const char **text)
{
    const rz_yaml *y = rz_yaml_get(map, pattern_key);
    unsigned flags;
    int steps = DEFAULT_STEPS;
    if (!y) return rz_schema_bad(s, map->at, "%s is missing: give the pattern", pattern_key);
    if (!rz_schema_text(s, map, pattern_key, text) || !load_flags(s, map, &flags) || !rz_schema_int(s, map, "match_limit", 1000, MAX_STEPS, &steps))
        return false;
    rz_pattern *alone = NULL;
    bool ok = rz_pattern_create(&alone, *text, flags, (uint32_t)steps, s->err);
    rz_pattern_destroy(alone);
    if (ok) {
        char *wrapped = rz_asprintf(whole ? "(?:%s)\\z" : "(?s:.*?)\\K(?:%s)", *text);
        ok = rz_pattern_create(out, wrapped, flags, (uint32_t)steps, s->err);
        free(wrapped);
    }
    return ok || rz_schema_bad_there(s, y->at);
}

rz_match_result rz_pattern_next(const rz_pattern *p, rz_matcher *m, rz_slice subject, size_t *from, rz_span *spans, int n_spans)
{
    if (subject.len > MAX_SUBJECT) return RZ_MATCH_LIMIT;
    rz_match_result got = rz_pattern_match(p, m, subject.s, subject.len, *from, spans, n_spans);
    if (got != RZ_MATCH) return got;
    *from = spans[0].end;
    if (spans[0].start < spans[0].end) return got;
    do ++*from; /* an empty match is not found again */
    while (*from < subject.len && ((unsigned char)subject.s[*from] & 0xC0) == 0x80);
    return got;
}

const char *rz_limit_reason(rz_slice subject)
{
    return subject.len > MAX_SUBJECT ? "the text is over 65536 bytes, which no pattern reads: give the rule a smaller view"
                                     : "the pattern hit its step limit (match_limit), or the limit of work of all rules (20,000,000 units): give the rule a smaller view";
}

/* ---- loading ---- */

static const char *const places[] = {[FROM_VIEW] = "view", [FROM_LAST_NUMBER] = "last_number", [FROM_LAST_LINE] = "last_line", [FROM_BOXED] = "boxed", [FROM_CODE] = "code"};
enum { N_PLACES = sizeof places / sizeof *places };

static bool load_from(const schema *s, const rz_rules *r, extraction *x, const rz_yaml *y)
{
    const char *from = NULL;
    char list[128];
    if (!rz_schema_text(s, y, "from", &from)) return false;
    int i = rz_schema_find(from, places, N_PLACES);
    x->from = i >= 0 ? (extract_from)i : FROM_RULE;
    if (i >= 0) return true;
    x->rule = rz_rule_find(r, from);
    if (x->rule >= 0) return true;
    return rz_schema_bad(s, rz_yaml_get(y, "from")->at, "extract: from is '%.60s', must be %s, or the name of a match rule", from, rz_schema_join(places, N_PLACES, list, sizeof list));
}

static bool load_tag(const schema *s, const rz_rules *r, extraction *x, const rz_yaml *y)
{
    (void)r;
    if (!rz_schema_text(s, y, "tag", &x->tag)) return false;
    if (rz_tag_name_ok(x->tag)) return true;
    return rz_schema_bad(s, rz_yaml_get(y, "tag")->at, "extract: tag is '%.60s', must be a name without brackets, as in {tag: answer}", x->tag);
}

static bool load_regex(const schema *s, const rz_rules *r, extraction *x, const rz_yaml *y)
{
    const char *text;
    (void)r;
    return rz_pattern_load(s, y, "regex", false, &x->pattern, &text);
}

static bool load_between(const schema *s, const rz_rules *r, extraction *x, const rz_yaml *y)
{
    (void)r;
    return rz_schema_text(s, y, "after", &x->after) && rz_schema_text(s, y, "before", &x->before);
}

/* One of these forms is given, by its key. */
static const struct {
    const char *key, *other; /* either */
    extract_from from;
    bool (*load)(const schema *s, const rz_rules *r, extraction *x, const rz_yaml *y);
} forms[] = {{"from", "from", FROM_VIEW, load_from}, {"tag", "tag", FROM_TAG, load_tag}, {"regex", "regex", FROM_REGEX, load_regex}, {"after", "before", FROM_BETWEEN, load_between}};

/* Keys that mean something for each source. */
static bool check_keys(const schema *s, const extraction *x, const rz_yaml *y)
{
    static const char *const keys[][6] = {
        [FROM_VIEW] = {"from"}, [FROM_LAST_NUMBER] = {"from"}, [FROM_LAST_LINE] = {"from"}, [FROM_BOXED] = {"from", "pick"}, [FROM_CODE] = {"from", "language", "pick"},
        [FROM_TAG] = {"tag", "pick"}, [FROM_REGEX] = {"regex", "flags", "match_limit", "group", "pick"}, [FROM_BETWEEN] = {"after", "before", "pick"},
        [FROM_RULE] = {"from", "group"}};
    int n = 0;
    while (n < 6 && keys[x->from][n]) n++;
    return rz_schema_keys(s, y, keys[x->from], n);
}

bool rz_extract_load(const schema *s, rz_rules *r, extraction *x, const rz_yaml *y)
{
    int pick = PICK_ONLY, given = 0, form = 0;
    if (!rz_schema_is(s, y, "extract", RZ_YAML_MAP)) return false;
    for (int i = 0; i < (int)(sizeof forms / sizeof *forms); i++)
        if (rz_yaml_get(y, forms[i].key) || rz_yaml_get(y, forms[i].other)) form = i, given++;
    if (given != 1)
        return rz_schema_bad(s, y->at, "extract needs exactly one of tag (as in {tag: answer}), regex, after and/or before, from (view, last_number, last_line, "
                             "boxed, code or a match rule)");
    x->from = forms[form].from;
    if (!forms[form].load(s, r, x, y) || !check_keys(s, x, y)) return false;
    if (!rz_schema_choice(s, y, "pick", rz_pick_names, 4, &pick) || !rz_schema_text(s, y, "group", &x->group_name) || !rz_schema_text(s, y, "language", &x->language))
        return false;
    x->pick = (pick_which)pick;
    x->at = y->at;
    return true;
}

bool rz_extract_link(const schema *s, const rz_rules *r, extraction *x)
{
    if (x->from != FROM_REGEX && x->from != FROM_RULE) return true;
    const rz_pattern *p = x->pattern;
    if (x->from == FROM_RULE) {
        if (r->rules[x->rule].kind != &rz_kind_match)
            return rz_schema_bad(s, x->at, "extract: from is '%s', which is a %s rule; must be a match rule", r->rules[x->rule].name,
                                 r->rules[x->rule].kind->name);
        p = r->rules[x->rule].pattern;
    }
    int groups = rz_pattern_groups(p);
    if (!x->group_name) {
        x->group = groups > 0;
        return true;
    }
    bool number = x->group_name[strspn(x->group_name, "0123456789")] == 0 && strlen(x->group_name) < 6;
    x->group = number ? atoi(x->group_name) : rz_pattern_group(p, x->group_name);
    if (x->group >= 0 && x->group <= groups) return true;
    return rz_schema_bad(s, x->at, "extract: the pattern has no group '%.60s' (it has %d; name one with (?<%.60s>...))", x->group_name, groups,
                         number ? "ans" : x->group_name);
}

/* ---- extraction ---- */

static rz_span shift(rz_span span, size_t by) { return span.start == SIZE_MAX ? span : (rz_span){span.start + by, span.end + by}; }

/* What is the same for every source that finds one thing or several. */
static const char *none_or_many(const hits *h, const char *none, const char *many)
{
    if (!h->n) return none;
    if (h->pick == PICK_ALL && h->n > MAX_MATCHES) return "it is found more than 256 times";
    return h->pick == PICK_ONLY && h->n > 1 ? many : NULL;
}

/* NULL, or why nothing is found. */
static const char *find_tag(rz_slice subject, const extraction *x, hits *h, char reason[REASON])
{
    int n_open, n_close;
    rz_find_tag(subject, x->tag, h, &n_open, &n_close);
    if (h->n) return none_or_many(h, "", ""); /* of `only` there is one: two of a tag are none */
    if (n_open > 1 || n_close > 1)
        snprintf(reason, REASON, "%d <%s> and %d </%s>, must be one of each", n_open, x->tag, n_close, x->tag);
    else
        snprintf(reason, REASON, "no <%s>...</%s>", x->tag, x->tag);
    return reason;
}

static const char *find_regex(const evaluation *e, rz_slice subject, const extraction *x, hits *h, bool *limit)
{
    int n_spans = x->group + 1, n = 0;
    rz_span *spans = RZ_NEW(e->env->scratch, n_spans, rz_span);
    rz_match_result got = RZ_NO_MATCH;
    for (size_t from = 0; from <= subject.len && n <= MAX_MATCHES;) {
        got = rz_pattern_next(x->pattern, e->env->matcher, subject, &from, spans, n_spans);
        if (got != RZ_MATCH) break;
        n++;
        if (x->pick == PICK_ALL && spans[x->group].start == SIZE_MAX) continue; /* the group took no part in this one */
        if (!rz_hit(h, spans[x->group])) break;
    }
    *limit = got == RZ_MATCH_LIMIT;
    if (*limit) return rz_limit_reason(subject);
    if (!n) return "the pattern is not found";
    if (n > MAX_MATCHES) return "the pattern is found more than 256 times";
    if (x->pick == PICK_ONLY && h->n > 1) return "the pattern is found more than once (pick: only)";
    return h->span.start == SIZE_MAX ? "the group took no part in the match" : NULL;
}

static const char *find_between(rz_slice subject, const extraction *x, hits *h)
{
    rz_find_between(subject, x->after, x->before, h);
    const char *problem = none_or_many(h, "the text before or behind it is not found", "the text before or behind it is found more than once (pick: only)");
    return problem || h->span.end != SIZE_MAX ? problem : "the text that ends it is not found";
}

static const char *find_source(evaluation *e, const extraction *x, rz_slice subject, hits *h, bool *limit, char reason[REASON])
{
    switch (x->from) {
    case FROM_VIEW: rz_hit(h, (rz_span){0, subject.len}); return NULL;
    case FROM_LAST_NUMBER: return rz_number_last(subject, &h->span) ? NULL : "no number";
    case FROM_LAST_LINE: rz_find_last_line(subject, h); return none_or_many(h, "nothing is written", "");
    case FROM_BOXED: rz_find_boxed(subject, e->env->scratch, h); return none_or_many(h, "no \\boxed{...}", "more than one \\boxed{...} (pick: only)");
    case FROM_CODE: rz_find_code(subject, x->language, h); return none_or_many(h, "no block of such code", "more than one block of code (pick: only)");
    case FROM_TAG: return find_tag(subject, x, h, reason);
    case FROM_REGEX: return find_regex(e, subject, x, h, limit);
    case FROM_BETWEEN: return find_between(subject, x, h);
    case FROM_RULE: break; /* not looked for: rz_extract */
    }
    return NULL;
}

/* The texts that were found (they may overlap: groups of a pattern that looks ahead), joined by ", ". */
static rz_slice join(rz_arena *scratch, rz_slice subject, const hits *h)
{
    size_t len = 0, room = 1;
    for (int i = 0; i < h->n; i++) room += h->all[i].end - h->all[i].start + 2;
    char *all = RZ_NEW(scratch, room, char);
    for (int i = 0; i < h->n; i++) {
        if (i) all[len++] = ',', all[len++] = ' ';
        memcpy(all + len, subject.s + h->all[i].start, h->all[i].end - h->all[i].start);
        len += h->all[i].end - h->all[i].start;
    }
    return (rz_slice){all, len};
}

extract_result rz_extract(evaluation *e, const extraction *x, rz_span where, rz_span *span, rz_slice *text, char reason[REASON])
{
    rz_slice subject = {e->text + where.start, where.end - where.start};
    bool limit = false;
    hits h = {.pick = x->pick, .span = NO_SPAN};
    const char *problem = NULL;
    reason[0] = 0;
    *span = NO_SPAN;
    if (x->from == FROM_RULE) { /* spans of the completion already */
        h.span = e->groups[x->rule][x->group];
        if (h.span.start == SIZE_MAX) {
            snprintf(reason, REASON, "rule '%s' has nothing there", e->rules->rules[x->rule].name);
            return NOTHING;
        }
    } else {
        if (x->pick == PICK_ALL) h.all = RZ_NEW(e->env->scratch, MAX_MATCHES, rz_span);
        problem = find_source(e, x, subject, &h, &limit, reason);
        if (problem && problem != reason) snprintf(reason, REASON, "%s", problem);
        if (problem) return limit ? LIMIT_HIT : NOTHING;
        h.span = shift(h.span, where.start);
    }
    *span = h.span;
    *text = x->pick == PICK_ALL ? join(e->env->scratch, subject, &h) : (rz_slice){e->text + span->start, span->end - span->start};
    return EXTRACTED;
}
