/* Presets of open-instruct: numbers, answers of search, strings, form. (Lengths: presets_length.c.) */
#include "rewards/presets.h"
#include <stdio.h>
#include <string.h>

static bool is_digit_at(rz_slice t, size_t at, size_t *n) { return at < t.len && rz_python_digit(rz_python_char(t, at, n)) >= 0; }

static size_t digits_end(rz_slice t, size_t at)
{
    size_t n;
    while (is_digit_at(t, at, &n)) at += n;
    return at;
}

/* ---- GSM8KVerifier ---- */

/* re.sub(r"(\d),(\d)", r"\1\2"): of "1,2,3" only the first comma goes, since the 2 is used up. */
static rz_slice without_commas(rz_arena *a, rz_slice t)
{
    char *out = RZ_NEW(a, t.len + 1, char);
    size_t len = 0, copied = 0, used = 0, before, after;
    for (size_t at = 0; (at = rz_python_find(t, ",", at)) != SIZE_MAX; at++) {
        if (at == used || rz_python_digit(rz_python_char_before(t, at, &before)) < 0 || at - before < used || !is_digit_at(t, at + 1, &after)) continue;
        memcpy(out + len, t.s + copied, at - copied);
        len += at - copied;
        copied = at + 1;
        used = copied + after;
    }
    memcpy(out + len, t.s + copied, t.len - copied);
    return (rz_slice){out, len + (t.len - copied)};
}

/* Whether a number may begin with this byte. */
static bool begins_number(char c) { return (unsigned char)c >= 0x80 || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+'; }

/* The last of [-+]?\d*\.\d+|[-+]?\d+ */
static bool last_number(rz_slice t, rz_slice *out)
{
    bool any = false;
    for (size_t i = 0, n, end; i < t.len; i = end) {
        end = i + 1;
        if (!begins_number(t.s[i])) continue;
        size_t from = i + (t.s[i] == '-' || t.s[i] == '+'), dot = digits_end(t, from);
        end = dot < t.len && t.s[dot] == '.' ? digits_end(t, dot + 1) : 0;
        if (end > dot + 1 || (end = dot) > from) {
            *out = (rz_slice){t.s + i, end - i};
            any = true;
            continue;
        }
        rz_python_char(t, i, &n);
        end = i + n;
    }
    return any;
}

static void gsm8k(const rz_case *c, outcome *o)
{
    rz_arena *a = c->env->scratch;
    rz_slice label, t = without_commas(a, c->text);
    if (!rz_preset_gold(c, o, &label)) return;
    last_number(t, &t);
    rz_show(o->found, sizeof o->found, t.s, t.len);
    rz_show(o->expected, sizeof o->expected, label.s, label.len);
    rz_preset_yes_no(o, rz_python_equal(rz_python_lower(a, t), rz_python_lower(a, label)), 1, "another text");
}

/* ---- normalize_answer ---- */

static bool is_punctuation(char c) { return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~'); }

static bool is_article(rz_slice word) { return rz_python_equal(word, RZ_SLICE("a")) || rz_python_equal(word, RZ_SLICE("an")) || rz_python_equal(word, RZ_SLICE("the")); }

/* Small letters, no ASCII punctuation, no articles (\b(a|an|the)\b becomes a blank), one blank between words. */
static rz_slice normalized(rz_arena *a, rz_slice t)
{
    t = rz_python_lower(a, t);
    char *s = RZ_NEW(a, 2 * t.len + 1, char), *out = s + t.len;
    size_t len = 0, n = 1, out_len = 0, at = 0;
    for (size_t i = 0; i < t.len; i++)
        if (!is_punctuation(t.s[i])) s[len++] = t.s[i];
    for (size_t i = 0, end; i < len; i = end) {
        rz_slice rest = {s, len};
        for (end = i; end < len && rz_python_is_word(rz_python_char(rest, end, &n));) end += n;
        if (end == i)
            end += n;
        else if (is_article((rz_slice){s + i, end - i}))
            memset(s + i, ' ', end - i);
    }
    for (rz_slice word; rz_python_word((rz_slice){s, len}, &at, &word);) {
        if (out_len) out[out_len++] = ' ';
        memmove(out + out_len, word.s, word.len);
        out_len += word.len;
    }
    return (rz_slice){out, out_len};
}

/* ---- labels: JSON, or else a text ---- */

typedef struct { rz_slice *items; size_t n; bool is_list; } labels;

/* str() of what json.loads made of a number. */
static bool number_label(rz_arena *a, rz_slice t, rz_slice *out)
{
    static const char *const words[][2] = {{"NaN", "nan"}, {"Infinity", "inf"}, {"-Infinity", "-inf"}};
    for (int i = 0; i < 3; i++)
        if (rz_python_equal(t, RZ_SLICE(words[i][0]))) {
            *out = RZ_SLICE(words[i][1]);
            return true;
        }
    size_t i = t.len > 0 && t.s[0] == '-', whole = i;
    bool is_int = true;
    for (size_t k = 0; k < t.len; k++) {
        if (t.s[k] == '.' || (t.s[k] | 0x20) == 'e') is_int = false;
        else if ((t.s[k] < '0' || t.s[k] > '9') && t.s[k] != '-' && t.s[k] != '+') return false;
    }
    while (whole < t.len && t.s[whole] >= '0' && t.s[whole] <= '9') whole++;
    if (whole == i || (t.s[i] == '0' && whole > i + 1)) return false; /* JSON has no leading zeros */
    size_t dot = whole < t.len && t.s[whole] == '.' ? whole + 1 : 0;
    if (dot && (dot == t.len || t.s[dot] < '0' || t.s[dot] > '9')) return false;
    double x;
    rz_python_integer n;
    char *text = RZ_NEW(a, t.len + 40, char);
    if (is_int && rz_python_int(a, t, &n)) {
        *out = rz_python_join(a, RZ_SLICE(n.negative ? "-" : ""), n.digits);
        return true;
    }
    if (is_int || !rz_python_float(a, t, &x)) return false;
    rz_python_float_text(x, text);
    *out = RZ_SLICE(text);
    return true;
}

/* str() of a value in a label; false for lists and maps. */
static bool value_label(rz_arena *a, const json_t *v, rz_slice *out)
{
    char *text = RZ_NEW(a, 40, char);
    switch (json_typeof(v)) {
    case JSON_STRING: *out = (rz_slice){json_string_value(v), json_string_length(v)}; return true;
    case JSON_INTEGER: snprintf(text, 40, "%lld", (long long)json_integer_value(v)); break;
    case JSON_REAL: rz_python_float_text(json_real_value(v), text); break;
    case JSON_TRUE: *out = RZ_SLICE("True"); return true;
    case JSON_FALSE: *out = RZ_SLICE("False"); return true;
    case JSON_NULL: *out = RZ_SLICE("None"); return true;
    default: return false;
    }
    *out = RZ_SLICE(text);
    return true;
}

/* What the label stands for: JSON's value, or the items of its list; a text that is no JSON itself, stripped. *json keeps the texts alive. */
static bool read_labels(const rz_case *c, outcome *o, labels *out, json_t **json)
{
    rz_arena *a = c->env->scratch;
    rz_slice t;
    *json = NULL;
    if (!rz_preset_gold(c, o, &t)) return false;
    size_t n = 0;
    *out = (labels){RZ_NEW(a, 1, rz_slice), 1, false};
    if (number_label(a, rz_python_strip_chars(t, " \t\n\r"), out->items)) return true;
    json_t *v = *json = json_loadb(t.s, t.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL), *item;
    out->items[0] = rz_python_strip(t);
    if (!v) return true;
    bool ok = true;
    size_t i;
    if (json_is_array(v)) {
        *out = (labels){RZ_NEW(a, json_array_size(v) + 1, rz_slice), json_array_size(v), true};
        json_array_foreach(v, i, item) ok = value_label(a, item, &out->items[n++]) && ok;
    } else
        ok = value_label(a, v, &out->items[0]);
    if (!ok) rz_outcome_gold_error(o, "the answer is a list or a map of lists or maps");
    return ok;
}

/* ---- ReSearchVerifierF1 ---- */

/* Words of the answer and of all labels are numbered together, so that the work is linear in the texts. */
typedef struct { const uint32_t *ids; size_t n; } words;

static double f1(words answer, const uint32_t *in_answer, words label, uint32_t *in_label)
{
    size_t same = 0;
    for (size_t i = 0; i < label.n; i++) same += in_label[label.ids[i]]++ < in_answer[label.ids[i]];
    for (size_t i = 0; i < label.n; i++) in_label[label.ids[i]] = 0;
    if (same == 0) return 0;
    double precision = 1.0 * (double)same / (double)answer.n, recall = 1.0 * (double)same / (double)label.n;
    return 2 * precision * recall / (precision + recall);
}

/* The best F1, and the label it is reached with; false when there are too many words. */
static bool best_f1(rz_arena *a, rz_slice answer, const labels *l, double *best, size_t *which)
{
    rz_slice *texts = RZ_NEW(a, l->n + 1, rz_slice), w;
    words *parts = RZ_NEW(a, l->n + 1, words);
    size_t len = 0, n = 0;
    for (size_t i = 0; i <= l->n; i++) len += (texts[i] = normalized(a, i ? l->items[i - 1] : answer)).len + 1;
    char *all = RZ_NEW(a, len, char);
    len = 0;
    for (size_t i = 0; i <= l->n; i++) {
        parts[i].n = 0;
        for (size_t at = 0; rz_python_word(texts[i], &at, &w);) parts[i].n++;
        memcpy(all + len, texts[i].s, texts[i].len);
        len += texts[i].len;
        all[len++] = ' ';
    }
    uint32_t *ids;
    if (!rz_preset_number_words(a, (rz_slice){all, len}, &ids, &n)) return false;
    uint32_t *in_answer = RZ_ZNEW(a, n + 1, uint32_t), *in_label = RZ_ZNEW(a, n + 1, uint32_t);
    for (size_t i = 0; i <= l->n; i++) parts[i].ids = ids, ids += parts[i].n;
    for (size_t i = 0; i < parts[0].n; i++) in_answer[parts[0].ids[i]]++;
    *best = -1;
    for (size_t i = 0; i < l->n; i++) {
        double v = f1(parts[0], in_answer, parts[i + 1], in_label);
        if (v > *best) *best = v, *which = i;
    }
    return true;
}

static void score_f1(const rz_case *c, outcome *o, const labels *l)
{
    size_t open = rz_python_rfind(c->text, "<finish>"), which = 0;
    if (open == SIZE_MAX && rz_python_find(c->text, "</finish>", 0) == SIZE_MAX) {
        rz_outcome_scored(o, false, 0, "there is neither <finish> nor </finish>");
        return;
    }
    rz_slice answer = open == SIZE_MAX ? c->text : rz_python_from(c->text, open + strlen("<finish>"));
    size_t close = rz_python_find(answer, "</finish>", 0);
    if (close != SIZE_MAX) answer.len = close;
    rz_show(o->found, sizeof o->found, answer.s, answer.len);
    rz_preset_place(c, o, answer);
    double best;
    if (answer.len == 0)
        rz_outcome_scored(o, false, 0, "the answer is empty");
    else if (!best_f1(c->env->scratch, answer, l, &best, &which))
        rz_outcome_error(o, "over %d words", RZ_PRESET_MAX_ITEMS);
    else {
        rz_show(o->expected, sizeof o->expected, l->items[which].s, l->items[which].len);
        rz_outcome_scored(o, best == 1, best == 0 ? 0.1 : best, best == 0 ? "no word is right, which the original pays 0.1 for" : "F1 of the words is %.4f", best);
    }
}

static void research_f1(const rz_case *c, outcome *o)
{
    labels l;
    json_t *json;
    if (!read_labels(c, o, &l, &json)) {
    } else if (l.n == 0)
        rz_outcome_gold_error(o, "the answer is an empty list");
    else
        score_f1(c, o, &l);
    json_decref(json);
}

/* ---- R1SearchVerifier ---- */

/* Behind the next <finish> or </finish>, in letters of any case, from *at on; *at: where it begins. SIZE_MAX: none. */
static size_t past_finish(rz_slice t, size_t *at, bool closing)
{
    for (; (*at = rz_python_find(t, closing ? "</" : "<", *at)) != SIZE_MAX; ++*at) {
        size_t from = *at + 1 + closing, n = rz_python_caseless(t, from, RZ_SLICE("finish"));
        if (n && from + n < t.len && t.s[from + n] == '>') return from + n + 1;
    }
    return SIZE_MAX;
}

static void score_exact(const rz_case *c, outcome *o, const labels *l)
{
    size_t at = 0, from = past_finish(c->text, &at, false), end = from;
    if (from == SIZE_MAX || past_finish(c->text, &end, true) == SIZE_MAX) {
        rz_outcome_scored(o, false, 0, "there is no <finish> … </finish>");
        return;
    }
    rz_slice answer = rz_python_strip((rz_slice){c->text.s + from, end - from});
    rz_show(o->found, sizeof o->found, answer.s, answer.len);
    rz_preset_place(c, o, answer);
    bool right = false;
    rz_slice ours = normalized(c->env->scratch, answer);
    for (size_t i = 0; i < l->n && answer.len && !right; i++) {
        right = rz_python_equal(ours, normalized(c->env->scratch, rz_python_strip(l->items[i])));
        rz_show(o->expected, sizeof o->expected, l->items[i].s, l->items[i].len);
    }
    rz_preset_yes_no(o, right, 1, answer.len ? "another text" : "the answer is empty");
}

static void r1_search(const rz_case *c, outcome *o)
{
    labels l;
    json_t *json;
    if (read_labels(c, o, &l, &json)) score_exact(c, o, &l);
    json_decref(json);
}

/* ---- StringMatcherVerifier, soft_format_reward_func ---- */

static void string_matcher(const rz_case *c, outcome *o)
{
    rz_slice label, t = c->text;
    if (!rz_preset_gold(c, o, &label)) return;
    size_t open = rz_python_rfind(t, "<answer>");
    if (open == SIZE_MAX || rz_python_find(t, "</answer>", 0) == SIZE_MAX) {
        rz_outcome_scored(o, false, 0, "<answer> or </answer> is not there");
        return;
    }
    t = rz_python_from(t, open + strlen("<answer>"));
    size_t close = rz_python_find(t, "</answer>", 0);
    if (close != SIZE_MAX) t.len = close;
    rz_preset_place(c, o, t);
    rz_show(o->found, sizeof o->found, t.s, t.len);
    rz_show(o->expected, sizeof o->expected, label.s, label.len);
    rz_preset_yes_no(o, rz_python_equal(normalized(c->env->scratch, t), normalized(c->env->scratch, label)), 1, "another text");
}

/* .*?</think>\s*<answer>.*?</answer> from the start */
static void soft_format(const rz_case *c, outcome *o)
{
    bool yes = false;
    for (size_t at = 0; (at = rz_python_find(c->text, "</think>", at)) != SIZE_MAX && !yes;) {
        at += strlen("</think>");
        rz_slice rest = rz_python_lstrip(rz_python_from(c->text, at));
        yes = rz_python_starts(rest, "<answer>") && rz_python_find(rest, "</answer>", 0) != SIZE_MAX;
        if (rz_python_starts(rest, "<answer>")) break; /* a later <answer> has no other </answer> behind it */
    }
    rz_preset_yes_no(o, yes, rz_param_number(c, "reward_scale"), "there is no </think> with <answer> … </answer> right behind it");
}

#define SEARCH_GOLD "answer: a text, or a JSON list of texts each of which is right"

const rz_verifier rz_verifiers_presets_open_instruct[] = {
    {.name = "open-instruct/gsm8k", .origin = "open-instruct e6c3044, ground_truth_utils.py, GSM8KVerifier", .about = "the last number, without its commas, is the answer's text",
     .gold = "answer: the number as text", .top = 1, .holes = "the last number of any text", .score = gsm8k},
    {.name = "open-instruct/research_f1", .origin = "open-instruct e6c3044, ground_truth_utils.py, ReSearchVerifierF1", .about = "F1 of the words behind <finish> against the answer's",
     .gold = SEARCH_GOLD, .top = 1, .holes = "</finish> alone makes the whole text the answer; 0.1 for any answer that is not empty", .score = research_f1},
    {.name = "open-instruct/r1_search", .origin = "open-instruct e6c3044, ground_truth_utils.py, R1SearchVerifier",
     .about = "what stands in <finish> is the answer, but for case, punctuation and articles", .gold = SEARCH_GOLD, .top = 1, .holes = "punctuation goes: 1.5 is 15", .score = r1_search},
    {.name = "open-instruct/string_matcher", .origin = "open-instruct e6c3044, ground_truth_utils.py, StringMatcherVerifier",
     .about = "what stands behind the last <answer> is the answer, but for case, punctuation and articles", .gold = "answer: a text", .top = 1,
     .holes = "punctuation goes: 1.5 is 15; nothing need follow the last <answer> if </answer> stands before it", .score = string_matcher},
    {.name = "open-instruct/soft_format", .origin = "open-instruct e6c3044, rl_utils.py, soft_format_reward_func", .about = "</think>, and <answer> … </answer> right behind it",
     .params = "{\"reward_scale\": 1.0}", .top = 1, .holes = "</think><answer></answer>", .score = soft_format},
};
const int rz_n_verifiers_presets_open_instruct = sizeof rz_verifiers_presets_open_instruct / sizeof *rz_verifiers_presets_open_instruct;
