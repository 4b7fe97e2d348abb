/* Kinds of rules about the form that is asked of a text: how many words, sentences, paragraphs, bullets or letters, which keywords, JSON with which keys,
 * which script, how much repetition. All read the text in one or a few passes (docs/rules/ifeval.md). */
#include "rewards/follow.h"
#include "rewards/json_scan.h"
#include "rewards/presets.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_COUNT = 1000000000, MAX_LIST = 64, MAX_MEMBERS = 4096 };

/* ---- counts within bounds ---- */

#define RANGE "\"min\": 0, \"max\": 1000000000"

static bool check_range(const json_t *p, rz_err *err)
{
    json_int_t min = json_integer_value(json_object_get(p, "min")), max = json_integer_value(json_object_get(p, "max"));
    if (min < 0 || max < min || max > MAX_COUNT)
        return rz_fail(err, RZ_ECONFIG, "min is %lld, max %lld: must be 0 <= min <= max <= %d", (long long)min, (long long)max, MAX_COUNT);
    return min > 0 || max < MAX_COUNT || rz_fail(err, RZ_ECONFIG, "give min, max or both: without them every text passes");
}

static void give_count(const rz_case *c, outcome *o, size_t n, const char *things)
{
    int64_t min = rz_param_int(c, "min"), max = rz_param_int(c, "max");
    snprintf(o->found, sizeof o->found, "%zu %s", n, things);
    if (max == MAX_COUNT)
        snprintf(o->expected, sizeof o->expected, "%lld or more", (long long)min);
    else
        snprintf(o->expected, sizeof o->expected, min == max ? "%lld" : "%lld to %lld", (long long)min, (long long)max);
    if ((int64_t)n < min)
        rz_outcome_scored(o, false, 0, "too few %s", things);
    else if ((int64_t)n > max)
        rz_outcome_scored(o, false, 0, "too many %s", things);
    else
        rz_outcome_scored(o, true, 1, "passed");
}

static void words(const rz_case *c, outcome *o) { give_count(c, o, rz_follow_words(c->text), "words"); }
static void sentences(const rz_case *c, outcome *o) { give_count(c, o, rz_follow_sentences(c->text), "sentences"); }

/* Parts with a word in them: between empty lines, or between separators. */
static void paragraphs(const rz_case *c, outcome *o)
{
    const char *separator = rz_param_text(c, "separator");
    rz_slice part;
    size_t at = 0, n = 0;
    bool inside = false;
    while (rz_python_piece(c->text, separator ? separator : "\n", &at, &part)) {
        bool filled = rz_follow_words(part) > 0;
        n += filled && (separator || !inside);
        inside = rz_python_strip(part).len && (inside || filled);
    }
    give_count(c, o, n, "paragraphs");
}

static bool check_paragraphs(const json_t *p, rz_err *err)
{
    const char *separator = json_string_value(json_object_get(p, "separator"));
    if (separator && !*separator) return rz_fail(err, RZ_ECONFIG, "separator is empty: give a text, or leave it out for empty lines");
    return check_range(p, err);
}

/* Lines that begin with a mark, a blank and a word. */
static bool is_bullet(rz_slice line, const json_t *marks)
{
    const json_t *mark;
    size_t i;
    line = rz_python_lstrip(line);
    json_array_foreach(marks, i, mark) {
        size_t n = json_string_length(mark);
        if (!rz_python_starts(line, json_string_value(mark)) || line.len <= n || (line.s[n] != ' ' && line.s[n] != '\t')) continue;
        return rz_follow_words(rz_python_from(line, n)) > 0;
    }
    return false;
}

static void bullets(const rz_case *c, outcome *o)
{
    rz_slice line;
    size_t at = 0, n = 0;
    while (rz_python_piece(c->text, "\n", &at, &line)) n += is_bullet(line, rz_param(c, "marks"));
    give_count(c, o, n, "bullets");
}

static bool check_list(const json_t *p, const char *key, size_t least, rz_err *err)
{
    const json_t *list = json_object_get(p, key), *v;
    size_t n = json_array_size(list), i;
    if (n < least || n > MAX_LIST) return rz_fail(err, RZ_ECONFIG, "%s has %zu texts, must have %zu..%d", key, n, least, MAX_LIST);
    json_array_foreach(list, i, v)
        if (!json_string_length(v)) return rz_fail(err, RZ_ECONFIG, "%s holds an empty text", key);
    return true;
}

static bool check_bullets(const json_t *p, rz_err *err) { return check_list(p, "marks", 1, err) && check_range(p, err); }

static rz_slice folded(const rz_case *c, rz_slice t) { return rz_param_bool(c, "case") ? t : rz_follow_fold(c->env->scratch, t); }

static void letters(const rz_case *c, outcome *o)
{
    rz_slice letter = folded(c, RZ_SLICE(rz_param_text(c, "letter"))), text = folded(c, c->text);
    size_t n = 0;
    for (size_t at = 0; (at = rz_python_find_slice(text, letter, at)) != SIZE_MAX; at += letter.len) n++;
    give_count(c, o, n, "times");
}

static bool check_letters(const json_t *p, rz_err *err)
{
    const char *letter = json_string_value(json_object_get(p, "letter"));
    if (rz_python_len(RZ_SLICE(letter)) != 1) return rz_fail(err, RZ_ECONFIG, "letter is '%.40s', must be one character", letter);
    return check_range(p, err);
}

/* ---- keywords ---- */

static size_t count_word(const rz_case *c, rz_slice text, const char *word, size_t most)
{
    rz_slice w = folded(c, RZ_SLICE(word));
    bool whole = rz_param_bool(c, "whole");
    size_t n = 0;
    for (size_t at = 0; n < most && (at = whole ? rz_follow_find_word(text, w, at, false) : rz_python_find_slice(text, w,
        at)) != SIZE_MAX; at += w.len) n++;
    return n;
}

static void keywords(const rz_case *c, outcome *o)
{
    rz_slice text = folded(c, c->text);
    size_t times = (size_t)rz_param_int(c, "times"), i;
    const json_t *word;
    json_array_foreach(rz_param(c, "words"), i, word)
        if (count_word(c, text, json_string_value(word), times) < times) {
            rz_outcome_scored(o, false, 0, times == 1 ? "'%.80s' is missing" : "'%.80s' is there fewer than %zu times", json_string_value(word), times);
            return;
        }
    json_array_foreach(rz_param(c, "forbidden"), i, word)
        if (count_word(c, text, json_string_value(word), 1)) {
            rz_outcome_scored(o, false, 0, "'%.80s' is forbidden", json_string_value(word));
            return;
        }
    rz_outcome_scored(o, true, 1, "passed");
}

static bool check_keywords(const json_t *p, rz_err *err)
{
    json_int_t times = json_integer_value(json_object_get(p, "times"));
    if (!check_list(p, "words", 0, err) || !check_list(p, "forbidden", 0, err)) return false;
    if (!json_array_size(json_object_get(p, "words")) && !json_array_size(json_object_get(p, "forbidden")))
        return rz_fail(err, RZ_ECONFIG, "give words, forbidden or both: without them every text passes");
    return (times >= 1 && times <= MAX_COUNT) || rz_fail(err, RZ_ECONFIG, "times is %lld, must be 1..%d", (long long)times, MAX_COUNT);
}

/* ---- json ---- */

static const struct { const char *name; unsigned types; } type_names[] = {
    {"text", 1u << RZ_SCAN_STRING}, {"number", 1u << RZ_SCAN_INT | 1u << RZ_SCAN_REAL}, {"integer", 1u << RZ_SCAN_INT}, {"bool", 1u << RZ_SCAN_BOOL},
    {"list", 1u << RZ_SCAN_LIST}, {"map", 1u << RZ_SCAN_OBJECT}, {"null", 1u << RZ_SCAN_NULL}, {"any", ~0u}};
#define TYPE_NAMES "text, number, integer, bool, list, map, null or any"

static unsigned types_of(const char *name)
{
    for (size_t i = 0; name && i < sizeof type_names / sizeof *type_names; i++)
        if (strcmp(name, type_names[i].name) == 0) return type_names[i].types;
    return 0;
}

static bool check_json(const json_t *p, rz_err *err)
{
    const char *key, *type = json_string_value(json_object_get(p, "type"));
    json_t *required = json_object_get(p, "required"), *v;
    if (!types_of(type)) return rz_fail(err, RZ_ECONFIG, "type is '%.40s', must be " TYPE_NAMES, type);
    json_object_foreach(required, key, v)
        if (!types_of(json_string_value(v))) return rz_fail(err, RZ_ECONFIG, "required: %.60s must be " TYPE_NAMES, key);
    bool keys = json_object_size(required) || json_is_true(json_object_get(p, "only"));
    return !keys || strcmp(type, "map") == 0 || rz_fail(err, RZ_ECONFIG, "required and only are about a map: leave type at map");
}

/* What is between ``` or ```json and ``` when all of the text is. */
static rz_slice inside_fence(rz_slice t)
{
    if (t.len < 6 || !rz_python_starts(t, "```") || !rz_python_ends(t, "```")) return t;
    t = (rz_slice){t.s + 3, t.len - 6};
    return rz_python_strip(rz_python_starts(t, "json") ? rz_python_from(t, 4) : t);
}

static bool check_members(const rz_case *c, outcome *o, const rz_scan *s, const rz_slice *names)
{
    const char *key;
    json_t *type, *required = json_object_get(c->params, "required");
    json_object_foreach(required, key, type) {
        const rz_scan_member *found = NULL;
        for (size_t i = 0; i < s->n; i++) {
            if (!rz_python_equal(names[i], RZ_SLICE(key))) continue;
            if (found) return rz_outcome_scored(o, false, 0, "the key '%.80s' is there twice", key), false;
            found = &s->members[i];
        }
        if (!found) return rz_outcome_scored(o, false, 0, "the key '%.80s' is missing", key), false;
        if (!(types_of(json_string_value(type)) >> found->type & 1))
            return rz_outcome_scored(o, false, 0, "'%.80s' is of another type than %.20s", key, json_string_value(type)), false;
    }
    if (rz_param_bool(c, "only") && s->n != json_object_size(required)) return rz_outcome_scored(o, false, 0, "it has keys besides the required ones"),
        false;
    return true;
}

static void json(const rz_case *c, outcome *o)
{
    rz_slice t = rz_python_strip(c->text);
    if (rz_param_bool(c, "fence")) t = inside_fence(t);
    rz_scan s = {.standard = true, .members = RZ_NEW(c->env->scratch, MAX_MEMBERS, rz_scan_member), .room = MAX_MEMBERS};
    rz_scan_verdict v = rz_json_scan(t, &s);
    size_t at = (size_t)(t.s - c->text.s);
    o->span = (rz_span){at, at + t.len};
    rz_show(o->found, sizeof o->found, t.s, t.len);
    if (v != RZ_SCAN_VALID) {
        o->span.start += s.at;
        rz_outcome_scored(o, false, 0, v == RZ_SCAN_TOO_DEEP ? "nested over %d deep" : "not JSON", RZ_SCAN_MAX_DEPTH);
        return;
    }
    if (!(types_of(rz_param_text(c, "type")) >> s.type & 1)) {
        rz_outcome_scored(o, false, 0, "JSON, but no %s", rz_param_text(c, "type"));
        return;
    }
    rz_slice *names = RZ_NEW(c->env->scratch, MAX_MEMBERS, rz_slice);
    for (size_t i = 0; s.type == RZ_SCAN_OBJECT && i < s.n && i < MAX_MEMBERS; i++) names[i] = rz_json_unquote(s.members[i].key, c->env->scratch);
    if (s.type == RZ_SCAN_OBJECT && s.n > MAX_MEMBERS)
        rz_outcome_scored(o, false, 0, "it has over %d keys", MAX_MEMBERS);
    else if (s.type != RZ_SCAN_OBJECT || check_members(c, o, &s, names))
        rz_outcome_scored(o, true, 1, "passed");
}

/* ---- shares ---- */

static void give_share(const rz_case *c, outcome *o, double share, bool passed, const char *what)
{
    double points = rz_param_bool(c, "graded") ? share : passed;
    snprintf(o->found, sizeof o->found, "%.4f", share);
    rz_outcome_scored(o, passed, points, "%s", what);
}

static bool check_limit(const json_t *p, const char *key, rz_err *err)
{
    double v = json_number_value(json_object_get(p, key));
    return (v >= 0 && v <= 1) || rz_fail(err, RZ_ECONFIG, "%s is %g, must be 0..1", key, v);
}

enum { MAX_SCRIPT = 80, MAX_PATTERN = 1024 };

/* "Han+Hiragana+Katakana" as what stands in [ ] of a pattern. */
static bool script_class(const char *scripts, char *out, size_t size)
{
    size_t n = 0;
    if (!*scripts || strlen(scripts) > MAX_SCRIPT) return false;
    for (const char *p = scripts; *p; p += *p == '+') {
        size_t len = strcspn(p, "+");
        for (size_t i = 0; i < len; i++)
            if (!isalpha((unsigned char)p[i]) && p[i] != '_') return false;
        if (!len || n + len + 8 > size) return false;
        n += (size_t)snprintf(out + n, size - n, "\\p{sc:%.*s}", (int)len, p);
        p += len;
    }
    return true;
}

/* One letter of the scripts is group 1, one of others group 2. */
static bool script_pattern(const char *scripts, char out[MAX_PATTERN])
{
    char in[MAX_PATTERN / 2];
    if (!script_class(scripts, in, sizeof in)) return false;
    snprintf(out, MAX_PATTERN, "(?=\\p{L})(?:([%s])|(.))", in);
    return true;
}

static bool check_language_share(const json_t *p, rz_err *err)
{
    const char *script = json_string_value(json_object_get(p, "script")), *of = json_string_value(json_object_get(p, "of"));
    char pattern[MAX_PATTERN];
    rz_pattern *made = NULL;
    rz_err bad = {0};
    bool ok = script_pattern(script, pattern) && rz_pattern_create(&made, pattern, 0, 0, &bad);
    rz_pattern_destroy(made);
    if (!ok) return rz_fail(err, RZ_ECONFIG, "script is '%.80s', must be a script of Unicode as PCRE2 names it (Latin, Cyrillic, Han), or some joined by "
     "+", script);
    if (strcmp(of, "words") != 0 && strcmp(of, "letters") != 0) return rz_fail(err, RZ_ECONFIG, "of is '%.40s', must be words or letters", of);
    return check_limit(p, "min", err);
}

/* What characters are, by the pattern; asked once for each, but for those that share a place. */
typedef enum { NO_LETTER, INSIDE, OUTSIDE } letter;
typedef struct { const char *pattern; struct { int32_t character; letter is; } places[1024]; } letter_table;

static letter letter_at(const rz_case *c, letter_table *table, rz_slice t, size_t at, size_t *n)
{
    int32_t character = rz_python_char(t, at, n);
    size_t place = (size_t)character % (sizeof table->places / sizeof *table->places);
    rz_span spans[3];
    if (table->places[place].character == character && character) return table->places[place].is;
    bool is_letter = rz_env_search(c->env, table->pattern, RZ_PATTERN_ANCHORED, (rz_slice){t.s + at, *n}, 0, spans, 3) == RZ_MATCH;
    table->places[place].character = character;
    return table->places[place].is = !is_letter ? NO_LETTER : spans[1].start != SIZE_MAX ? INSIDE : OUTSIDE;
}

/* A word counts if all its letters are of the script, and not at all if it has none. */
static void language_share(const rz_case *c, outcome *o)
{
    char pattern[MAX_PATTERN];
    bool of_words = strcmp(rz_param_text(c, "of"), "words") == 0;
    size_t inside = 0, all = 0, n;
    letter_table table = {.pattern = pattern};
    script_pattern(rz_param_text(c, "script"), pattern);
    for (size_t i = 0, yes = 0, no = 0; i <= c->text.len; i += n) {
        n = 1;
        letter is = i < c->text.len ? letter_at(c, &table, c->text, i, &n) : NO_LETTER;
        yes += is == INSIDE;
        no += is == OUTSIDE;
        if (i < c->text.len && (is || !rz_python_is_space(rz_python_char(c->text, i, &n)))) continue;
        inside += of_words ? yes && !no : yes;
        all += of_words ? yes || no : yes + no;
        yes = no = 0;
    }
    snprintf(o->expected, sizeof o->expected, "%s of %.80s", of_words ? "words" : "letters", rz_param_text(c, "script"));
    double share = all ? (double)inside / (double)all : 0;
    bool passed = all && share >= rz_param_number(c, "min");
    give_share(c, o, share, passed, !all ? "there are no letters" : passed ? "passed" : "too small a share");
}

/* The share of runs of n words (or tokens) that are the first of their kind. */
static void repetition(const rz_case *c, outcome *o)
{
    bool tokens = strcmp(rz_param_text(c, "of"), "tokens") == 0;
    size_t size = (size_t)rz_param_int(c, "n"), n = c->n_tokens > 0 ? (size_t)c->n_tokens : 0;
    uint32_t *ids = NULL;
    if (tokens && (!c->ids || c->n_tokens < 0)) {
        rz_outcome_error(o, "the tokens are not known: give ids, or use of: words");
        return;
    }
    bool fits = tokens ? n <= RZ_PRESET_MAX_ITEMS : rz_preset_number_words(c->env->scratch, rz_python_casefold(c->env->scratch, c->text), &ids, &n);
    if (!fits) {
        rz_outcome_error(o, "over %d %s", RZ_PRESET_MAX_ITEMS, tokens ? "tokens" : "words");
        return;
    }
    double runs = n >= size ? (double)(n - size + 1) : 0;
    double different = runs > 0 ? (double)rz_preset_count_runs(*c->env->scratch, tokens ? (const uint32_t *)c->ids : ids, n, size) : 0;
    double repeated = runs > 0 ? 1 - different / runs : 0;
    bool passed = repeated <= rz_param_number(c, "max");
    snprintf(o->expected, sizeof o->expected, "at most %g of runs of %zu %s repeated", rz_param_number(c, "max"), size, tokens ? "tokens" : "words");
    give_share(c, o, 1 - repeated, passed, passed ? "passed" : "too much is repeated");
    snprintf(o->found, sizeof o->found, "%.4f repeated", repeated);
}

static bool check_repetition(const json_t *p, rz_err *err)
{
    const char *of = json_string_value(json_object_get(p, "of"));
    json_int_t n = json_integer_value(json_object_get(p, "n"));
    if (n < 1 || n > 1000) return rz_fail(err, RZ_ECONFIG, "n is %lld, must be 1..1000", (long long)n);
    if (strcmp(of, "words") != 0 && strcmp(of, "tokens") != 0) return rz_fail(err, RZ_ECONFIG, "of is '%.40s', must be words or tokens", of);
    return check_limit(p, "max", err);
}

#define REPEATED "one thing repeated as often as asked"

const rz_verifier rz_verifiers_counts[] = {
    {.name = "words", .about = "how many words: pieces between white space with a letter or digit", .params = "{" RANGE "}", .holes = REPEATED, .top = 1,
     .score = words, .check = check_range},
    {.name = "sentences", .about = "how many sentences, by rules of our own", .params = "{" RANGE "}", .holes = REPEATED, .top = 1, .score = sentences,
     .check = check_range},
    {.name = "paragraphs", .about = "how many parts with a word in them, parted by empty lines or a separator",
     .params = "{\"separator\": null, " RANGE "}", .holes = REPEATED, .top = 1, .score = paragraphs, .check = check_paragraphs},
    {.name = "bullets", .about = "how many lines that begin with a mark, a blank and a word", .params = "{\"marks\": [\"-\", \"*\"], " RANGE "}",
     .holes = REPEATED, .top = 1, .score = bullets, .check = check_bullets},
    {.name = "letters", .about = "how often a character occurs", .params = "{\"letter\": \"\", \"case\": false, " RANGE "}", .holes = REPEATED, .top = 1,
     .score = letters, .check = check_letters},
    {.name = "keywords", .about = "words that must occur, each so often, and words that must not", .top = 1, .score = keywords, .check = check_keywords,
     .params = "{\"words\": [], \"forbidden\": [], \"times\": 1, \"whole\": true, \"case\": false}", .holes = "a list of the words is enough"},
    {.name = "json", .about = "valid JSON, with required keys of given types", .top = 1, .score = json, .check = check_json,
     .params = "{\"type\": \"map\", \"required\": {}, \"only\": false, \"fence\": false}",
     .holes = "what the values say is not judged: extract them in another rule"},
    {.name = "language_share", .about = "the share of words or letters that are in a script of Unicode", .top = 1, .score = language_share,
     .check = check_language_share,
     .params = "{\"script\": \"\", \"of\": \"words\", \"min\": 0.9, \"graded\": false}", .holes = "one word is enough; languages of one script look alike"},
    {.name = "repetition", .about = "the share of runs of words or tokens that occurred before", .top = 1, .score = repetition, .check = check_repetition,
     .params = "{\"n\": 4, \"of\": \"words\", \"max\": 0.2, \"graded\": false}", .holes = "a text shorter than a run repeats nothing"},
};
const int rz_n_verifiers_counts = sizeof rz_verifiers_counts / sizeof *rz_verifiers_counts;
