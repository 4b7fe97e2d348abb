/* Presets that find an answer: lm-evaluation-harness's filters with its GSM8K, reasoning-gym's extract_answer. */
#include "rewards/presets.h"
#include <stdio.h>
#include <string.h>

/* ---- lm-evaluation-harness ---- */

/* All matches of a pattern: of each the text that findall() and the filter would make of it. false: the outcome is set. */
static bool find_all(const rz_case *c, const char *pattern, outcome *o, rz_slice **out, size_t *n_out)
{
    enum { MAX_GROUPS = 32 };
    rz_err err = {0};
    const rz_pattern *p = rz_env_pattern(c->env, pattern, 0, &err);
    int groups = p ? rz_pattern_groups(p) : 0;
    size_t from = 0, n = 0, room = 16;
    rz_slice *all = RZ_NEW(c->env->scratch, room, rz_slice);
    rz_span spans[MAX_GROUPS + 1];
    if (!p || groups > MAX_GROUPS) {
        rz_outcome_error(o, "%.300s", p ? "the pattern has over 32 groups" : err.text);
        return false;
    }
    for (rz_match_result r; (r = rz_pattern_next(p, c->env->matcher, c->text, &from, spans, MAX_GROUPS + 1)) != RZ_NO_MATCH; n++) {
        if (r == RZ_MATCH_LIMIT) {
            rz_outcome_error(o, "%s", rz_limit_reason(c->text));
            return false;
        }
        if (n == room) {
            rz_slice *more = RZ_NEW(c->env->scratch, 2 * room, rz_slice);
            memcpy(more, all, n * sizeof *all);
            all = more, room *= 2;
        }
        int g = groups > 0; /* several groups: the first that is not empty */
        while (g < groups && (spans[g].start == SIZE_MAX || spans[g].start == spans[g].end)) g++;
        bool none = spans[g].start == SIZE_MAX || (groups > 1 && spans[g].start == spans[g].end);
        all[n] = none ? (rz_slice){groups > 1 ? NULL : "", 0} : (rz_slice){c->text.s + spans[g].start, spans[g].end - spans[g].start};
    }
    *out = all;
    *n_out = n;
    return true;
}

/* What RegexFilter makes of the text. */
static bool filter(const rz_case *c, const char *pattern, int64_t select, const char *fallback, outcome *o, rz_slice *out)
{
    rz_slice *all;
    size_t n;
    if (!find_all(c, pattern, o, &all, &n)) return false;
    if (n == 0) {
        *out = RZ_SLICE(fallback);
        return true;
    }
    if (select < 0) select += (int64_t)n;
    if (select < 0 || (uint64_t)select >= n) {
        rz_outcome_error(o, "group_select is beyond the %zu matches, where the original fails", n);
        return false;
    }
    *out = rz_python_strip(all[select].s ? all[select] : RZ_SLICE(fallback));
    return true;
}

static bool check_regex(const json_t *p, rz_err *err)
{
    rz_pattern *pattern;
    if (!rz_pattern_create(&pattern, json_string_value(json_object_get(p, "regex_pattern")), 0, 0, err)) return false;
    rz_pattern_destroy(pattern);
    return true;
}

static void regex_filter(const rz_case *c, outcome *o)
{
    rz_slice found, fallback = RZ_SLICE(rz_param_text(c, "fallback"));
    if (!filter(c, rz_param_text(c, "regex_pattern"), rz_param_int(c, "group_select"), fallback.s, o, &found)) return;
    rz_preset_text(c, o, found);
    rz_preset_yes_no(o, !rz_python_equal(found, fallback), 1, "nothing matches");
}

static const struct { const char *name, *pattern; int select; } gsm8k_filters[] = {
    {"strict-match", "#### (\\-?[0-9\\.\\,]+)", 0},
    {"flexible-extract", "(-?[$0-9.,]{2,})|(-?[0-9]+)", -1},
    {"cot-strict-match", "The answer is (\\-?[0-9\\.\\,]+).", 0},
};
enum { N_FILTERS = sizeof gsm8k_filters / sizeof *gsm8k_filters };

static int find_filter(const char *name)
{
    for (int i = 0; i < N_FILTERS; i++)
        if (strcmp(gsm8k_filters[i].name, name) == 0) return i;
    return -1;
}

static bool check_filter(const json_t *p, rz_err *err)
{
    const char *name = json_string_value(json_object_get(p, "filter"));
    return find_filter(name) >= 0 || rz_fail(err, RZ_ECONFIG, "filter is '%.40s', must be strict-match, flexible-extract or cot-strict-match", name);
}

/* What exact_match compares with its settings for GSM8K: "," and "$" go, all up to the last "#### ", and a full stop at the end; small letters. */
static rz_slice exact(rz_arena *a, rz_slice t)
{
    t = rz_python_replace(a, rz_python_replace(a, t, ",", ""), "$", "");
    size_t mark = rz_python_rfind(t, "#### ");
    if (mark != SIZE_MAX) t = rz_python_from(t, mark + 5);
    if (rz_python_ends(t, ".\n"))
        t = rz_python_join(a, (rz_slice){t.s, t.len - 2}, RZ_SLICE("\n"));
    if (rz_python_ends(t, ".")) t.len--;
    return rz_python_lower(a, t);
}

static void lm_eval_gsm8k(const rz_case *c, outcome *o)
{
    int i = find_filter(rz_param_text(c, "filter"));
    rz_slice found, gold;
    if (!rz_preset_gold(c, o, &gold) || !filter(c, gsm8k_filters[i].pattern, gsm8k_filters[i].select, "[invalid]", o, &found)) return;
    rz_preset_text(c, o, found);
    gold = exact(c->env->scratch, gold);
    rz_show(o->expected, sizeof o->expected, gold.s, gold.len);
    rz_preset_yes_no(o, rz_python_equal(exact(c->env->scratch, found), gold), 1, "another text");
}

/* ---- reasoning-gym ---- */

static bool check_tag(const json_t *p, rz_err *err)
{
    const char *tag = json_string_value(json_object_get(p, "tag_name"));
    return rz_tag_name_ok(tag) || rz_fail(err, RZ_ECONFIG, "tag_name is '%.60s', must be a name without brackets, as in answer", tag);
}

/* The last <tag>\s?(.*?)\s?</tag> */
static void extract_answer(const rz_case *c, outcome *o)
{
    char open[96], close[96];
    rz_slice t;
    size_t n;
    snprintf(open, sizeof open, "<%s>", rz_param_text(c, "tag_name"));
    snprintf(close, sizeof close, "</%s>", rz_param_text(c, "tag_name"));
    bool any = rz_preset_last_block(c->text, open, close, &t);
    if (!any) t = (rz_slice){NULL, 0};
    if (t.len && rz_python_is_space(rz_python_char(t, 0, &n))) t = rz_python_from(t, n);
    if (t.len && rz_python_is_space(rz_python_char_before(t, t.len, &n))) t.len -= n;
    if (t.len && rz_param_bool(c, "strip")) t = rz_python_strip(t);
    rz_preset_text(c, o, t);
    rz_preset_yes_no(o, any, 1, "the tag is not there");
}

const rz_verifier rz_verifiers_presets_extract[] = {
    {.name = "lm-eval/gsm8k", .origin = "lm-evaluation-harness 4e7e0d4, tasks/gsm8k: filter and exact_match", .about = "GSM8K as the harness measures it, with one of its filters",
     .params = "{\"filter\": \"strict-match\"}", .gold = "answer: GSM8K's solution, or what follows its ####", .top = 1,
     .holes = "strict-match takes the first \"#### \", whatever follows; flexible-extract the last number, in whatever text", .score = lm_eval_gsm8k, .check = check_filter},
    {.name = "lm-eval/regex_filter", .origin = "lm-evaluation-harness 4e7e0d4, filters/extraction.py, RegexFilter", .about = "finds a text by a pattern; passes if it matches",
     .params = "{\"regex_pattern\": \"#### (\\\\-?[0-9\\\\.\\\\,]+)\", \"group_select\": 0, \"fallback\": \"[invalid]\"}", .top = 1, .holes = "any text that matches", .score = regex_filter,
     .check = check_regex},
    {.name = "reasoning-gym/extract_answer", .origin = "reasoning-gym 0.1.25, utils.py, extract_answer", .about = "finds what the last pair of tags holds; passes if there is one",
     .params = "{\"tag_name\": \"answer\", \"strip\": true}", .top = 1, .holes = "empty tags", .score = extract_answer, .check = check_tag},
};
const int rz_n_verifiers_presets_extract = sizeof rz_verifiers_presets_extract / sizeof *rz_verifiers_presets_extract;
