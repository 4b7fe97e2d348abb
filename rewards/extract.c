/* Patterns of rules, and extraction: from a view to the text of an answer. */
#include "rewards/internal.h"
#include "base/text.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const rz_pick_names[3] = {"only", "first", "last"};

static bool load_flags(const schema *s, const rz_yaml *map, unsigned *out)
{
    static const struct { char letter; unsigned flag; } letters[] = {
        {'s', RZ_PATTERN_DOTALL}, {'i', RZ_PATTERN_CASELESS}, {'m', RZ_PATTERN_MULTILINE}, {'u', RZ_PATTERN_UNICODE}};
    const char *flags = "";
    if (!rz_schema_text(s, map, "flags", &flags)) return false;
    *out = RZ_PATTERN_ANCHORED;
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
                                     : "the pattern hit its step limit (match_limit)";
}

/* ---- loading ---- */

enum { N_FORMS = 3 };
static const char *const forms[N_FORMS] = {"from", "tag", "regex"}; /* exactly one of them is given */

static bool load_from(const schema *s, const rz_rules *r, extraction *x, const rz_yaml *y)
{
    const char *from = NULL;
    if (!rz_schema_text(s, y, "from", &from)) return false;
    static const char *const built_in[] = {"view", "last_number"};
    int i = rz_schema_find(from, built_in, 2);
    x->from = i >= 0 ? (extract_from)i : FROM_RULE;
    if (i >= 0) return true;
    x->rule = rz_rule_find(r, from);
    if (x->rule >= 0) return true;
    return rz_schema_bad(s, rz_yaml_get(y, "from")->at, "extract: from is '%.60s', must be view, last_number, or the name of a match rule", from);
}

static bool load_source(const schema *s, const rz_rules *r, extraction *x, const rz_yaml *y, const char *form)
{
    if (form == forms[0]) return load_from(s, r, x, y);
    if (form == forms[2]) {
        const char *text;
        x->from = FROM_REGEX;
        return rz_pattern_load(s, y, "regex", false, &x->pattern, &text);
    }
    x->from = FROM_TAG;
    if (!rz_schema_text(s, y, "tag", &x->tag)) return false;
    if (rz_tag_name_ok(x->tag)) return true;
    return rz_schema_bad(s, rz_yaml_get(y, "tag")->at, "extract: tag is '%.60s', must be a name without brackets, as in {tag: answer}", x->tag);
}

/* Keys that mean something for each source, besides the one that names it. */
static bool check_keys(const schema *s, const extraction *x, const rz_yaml *y)
{
    static const char *const keys[][6] = {
        [FROM_VIEW] = {"from"}, [FROM_LAST_NUMBER] = {"from"}, [FROM_TAG] = {"tag", "pick"},
        [FROM_REGEX] = {"regex", "flags", "match_limit", "group", "pick"}, [FROM_RULE] = {"from", "group"}};
    int n = 0;
    while (n < 6 && keys[x->from][n]) n++;
    return rz_schema_keys(s, y, keys[x->from], n);
}

bool rz_extract_load(const schema *s, rz_rules *r, extraction *x, const rz_yaml *y)
{
    if (!rz_schema_is(s, y, "extract", RZ_YAML_MAP)) return false;
    const char *form = NULL;
    int pick = PICK_ONLY, given = 0;
    for (int i = 0; i < N_FORMS; i++)
        if (rz_yaml_get(y, forms[i])) form = forms[i], given++;
    if (given != 1)
        return rz_schema_bad(s, y->at, "extract needs exactly one of tag (as in {tag: answer}), regex, from (view, last_number or a match rule)");
    if (!load_source(s, r, x, y, form) || !check_keys(s, x, y)) return false;
    if (!rz_schema_choice(s, y, "pick", rz_pick_names, 3, &pick) || !rz_schema_text(s, y, "group", &x->group_name)) return false;
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

static extract_result from_tag(rz_slice subject, const extraction *x, rz_span *out, char reason[REASON])
{
    int n_open, n_close;
    if (rz_tag_block(subject, x->tag, x->pick, out, &n_open, &n_close)) return EXTRACTED;
    if (n_open > 1 || n_close > 1)
        snprintf(reason, REASON, "%d <%s> and %d </%s>, must be one of each", n_open, x->tag, n_close, x->tag);
    else
        snprintf(reason, REASON, "no <%s>...</%s>", x->tag, x->tag);
    return NOTHING;
}

static extract_result from_regex(const evaluation *e, rz_slice subject, const extraction *x, rz_span *out, char reason[REASON])
{
    int n_spans = x->group + 1, matches = 0;
    rz_span *spans = RZ_NEW(e->env->scratch, n_spans, rz_span);
    rz_match_result got = RZ_NO_MATCH;
    for (size_t from = 0; from <= subject.len && matches <= MAX_MATCHES;) {
        got = rz_pattern_next(x->pattern, e->env->matcher, subject, &from, spans, n_spans);
        if (got != RZ_MATCH) break;
        *out = spans[x->group];
        matches++;
        if (x->pick == PICK_FIRST || (x->pick == PICK_ONLY && matches == 2)) break;
    }
    const char *problem = got == RZ_MATCH_LIMIT                     ? rz_limit_reason(subject)
                          : !matches                                ? "the pattern is not found"
                          : matches > MAX_MATCHES                   ? "the pattern is found more than 256 times"
                          : x->pick == PICK_ONLY && matches > 1     ? "the pattern is found more than once (pick: only)"
                          : out->start == SIZE_MAX                  ? "the group took no part in the match"
                                                                    : NULL;
    if (!problem) return EXTRACTED;
    snprintf(reason, REASON, "%s", problem);
    return got == RZ_MATCH_LIMIT ? LIMIT_HIT : NOTHING;
}

extract_result rz_extract(evaluation *e, const extraction *x, rz_span where, rz_span *out, char reason[REASON])
{
    rz_slice subject = {e->text + where.start, where.end - where.start};
    extract_result got = EXTRACTED;
    reason[0] = 0;
    if (x->from == FROM_RULE) { /* spans of the completion already */
        *out = e->groups[x->rule][x->group];
        if (out->start != SIZE_MAX) return EXTRACTED;
        snprintf(reason, REASON, "rule '%s' has nothing there", e->rules->rules[x->rule].name);
        return NOTHING;
    }
    if (x->from == FROM_VIEW) {
        *out = (rz_span){0, subject.len};
    } else if (x->from == FROM_TAG) {
        got = from_tag(subject, x, out, reason);
    } else if (x->from == FROM_REGEX) {
        got = from_regex(e, subject, x, out, reason);
    } else if (!rz_number_last(subject, out)) {
        got = NOTHING;
        snprintf(reason, REASON, "no number");
    }
    *out = got == EXTRACTED ? shift(*out, where.start) : NO_SPAN;
    return got;
}
