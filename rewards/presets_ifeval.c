/* IFEval as lm-evaluation-harness has it (ifeval/instructions.py): a check for each of its 25 kinds of instructions, and all that one problem gives.
 * A check is handed the text and the instruction's arguments as parameters. Which ones rest on rules of our own is in docs/rules/ifeval.md. */
#include "base/text.h"
#include "rewards/follow.h"
#include "rewards/internal.h"
#include "rewards/json_scan.h"
#include <stdio.h>
#include <string.h>

typedef enum { BROKEN, FOLLOWED, UNKNOWN /* a pattern's limit was hit, or it is none */ } verdict;

static const char less_than[] = "less than", at_least[] = "at least";

static rz_slice param(const rz_case *c, const char *name) { return RZ_SLICE(rz_param_text(c, name)); }
static size_t number(const rz_case *c, const char *name) { return (size_t)rz_param_int(c, name); }

static bool compares(const rz_case *c, size_t count, const char *relation, const char *limit)
{
    bool less = strcmp(rz_param_text(c, relation), less_than) == 0;
    return less ? count < number(c, limit) : count >= number(c, limit);
}

/* ---- keywords: patterns to the original, which most of them are only in name ---- */

/* Matches of a keyword that is a pattern. False: it cannot be told. */
static bool count_pattern(const rz_case *c, const char *pattern, unsigned flags, size_t most, size_t *count, int *groups)
{
    const rz_pattern *p = rz_env_pattern(c->env, pattern, flags | RZ_PATTERN_UNICODE, NULL);
    rz_match_result got = RZ_MATCH_LIMIT;
    rz_span span;
    *count = 0;
    for (size_t from = 0; p && from <= c->text.len && *count < most; ++*count)
        if ((got = rz_pattern_next(p, c->env->matcher, c->text, &from, &span, 1)) != RZ_MATCH) break;
    if (groups && p) *groups = rz_pattern_groups(p);
    return p && (got != RZ_MATCH_LIMIT || *count == most);
}

/* Occurrences of a keyword in any case, at most `most`. */
static bool count_keyword(const rz_case *c, rz_slice folded, const char *keyword, size_t most, size_t *count)
{
    rz_slice word = RZ_SLICE(keyword);
    if (!rz_follow_is_plain(word)) return count_pattern(c, keyword, RZ_PATTERN_CASELESS, most, count, NULL);
    word = rz_follow_fold(c->env->scratch, word);
    size_t at = 0;
    for (*count = 0; *count < most && (at = rz_python_find_slice(folded, word, at)) != SIZE_MAX; ++*count) at += word.len;
    return true;
}

static verdict all_keywords(const rz_case *c)
{
    rz_slice folded = rz_follow_fold(c->env->scratch, c->text);
    const json_t *keyword;
    size_t i, count;
    json_array_foreach(rz_param(c, "keywords"), i, keyword) {
        if (!count_keyword(c, folded, json_string_value(keyword), 1, &count)) return UNKNOWN;
        if (!count) return BROKEN;
    }
    return FOLLOWED;
}

static verdict keyword_frequency(const rz_case *c)
{
    rz_slice keyword = rz_python_strip(param(c, "keyword"));
    size_t count;
    if (!count_keyword(c, rz_follow_fold(c->env->scratch, c->text), rz_arena_strndup(c->env->scratch, keyword.s, keyword.len), SIZE_MAX,
        &count)) return UNKNOWN;
    return compares(c, count, "relation", "frequency");
}

static verdict no_forbidden_word(const rz_case *c)
{
    rz_slice folded = rz_follow_fold(c->env->scratch, c->text);
    const json_t *item;
    size_t i, count;
    json_array_foreach(rz_param(c, "forbidden_words"), i, item) {
        rz_slice word = RZ_SLICE(json_string_value(item));
        if (rz_follow_is_plain(word)) {
            if (rz_follow_find_word(folded, rz_follow_fold(c->env->scratch, word), 0, true) != SIZE_MAX) return BROKEN;
            continue;
        }
        size_t size = word.len + 2 * sizeof RZ_PYTHON_EDGE;
        char *pattern = RZ_NEW(c->env->scratch, size, char);
        snprintf(pattern, size, RZ_PYTHON_EDGE "%s" RZ_PYTHON_EDGE, word.s);
        if (!count_pattern(c, pattern, RZ_PATTERN_CASELESS, 1, &count, NULL)) return UNKNOWN;
        if (count) return BROKEN;
    }
    return FOLLOWED;
}

/* The original draws a letter at random where it was not given one from a to z; here any single character is counted. */
static verdict letter_frequency(const rz_case *c)
{
    rz_slice letter = rz_python_lower(c->env->scratch, param(c, "letter")), text = rz_python_lower(c->env->scratch, c->text);
    size_t count = 0;
    for (size_t at = 0; (at = rz_python_find_slice(text, letter, at)) != SIZE_MAX; at += letter.len) count++;
    return compares(c, count, "let_relation", "let_frequency");
}

/* ---- language and case ---- */

static bool is_language(const rz_case *c, const char *code, bool if_none)
{
    size_t letters;
    const char *guess = rz_follow_language(c->env->scratch, c->text, &letters);
    return guess ? strcmp(guess, code) == 0 : if_none || !letters; /* of a text without letters the original believes anything */
}

static verdict response_language(const rz_case *c) { return is_language(c, rz_param_text(c, "language"), false); }
static verdict english_capital(const rz_case *c) { return rz_follow_is_upper(c->text) && is_language(c, "en", true); }
static verdict english_lowercase(const rz_case *c) { return rz_follow_is_lower(c->text) && is_language(c, "en", true); }
static verdict capital_word_frequency(const rz_case *c) { return compares(c, rz_follow_capital_words(c->text), "capital_relation", "capital_frequency"); }

/* ---- length ---- */

static verdict number_words(const rz_case *c) { return compares(c, rz_follow_word_runs(c->text), "relation", "num_words"); }
static verdict number_sentences(const rz_case *c) { return compares(c, rz_follow_sentences(c->text), "relation", "num_sentences"); }

/* What stands between three stars; only the first and last may be empty. */
static verdict number_paragraphs(const rz_case *c)
{
    rz_slice part;
    size_t at = 0, parts = 0, empty_at_ends = 0;
    bool last_empty = false;
    for (bool first = true; rz_python_piece(c->text, "***", &at, &part); first = false) {
        if (last_empty && parts > 1) return BROKEN; /* in the middle */
        last_empty = !rz_python_strip(part).len;
        parts++;
        empty_at_ends += last_empty && first;
    }
    empty_at_ends += last_empty && parts > 1;
    return parts - empty_at_ends == number(c, "num_paragraphs");
}

/* The first word in small letters, up to the first mark, without quotes before it. */
static bool first_word_is(rz_arena *a, rz_slice paragraph, rz_slice expected)
{
    static const char marks[] = ".,?!'\"";
    rz_slice word;
    size_t at = 0, n, done = 0;
    if (!rz_python_word(paragraph, &at, &word)) return false;
    while (word.len && word.s[0] == '\'') word = rz_python_from(word, 1);
    while (word.len && word.s[0] == '"') word = rz_python_from(word, 1);
    for (size_t i = 0; i < word.len && !(word.s[i] && strchr(marks, word.s[i])); i += n) {
        rz_python_char(word, i, &n);
        rz_slice low = rz_python_lower(a, (rz_slice){word.s + i, n});
        if (low.len > expected.len - done || memcmp(expected.s + done, low.s, low.len) != 0) return false;
        done += low.len;
    }
    return done == expected.len;
}

static verdict nth_paragraph_first_word(const rz_case *c)
{
    size_t nth = number(c, "nth_paragraph"), paragraphs = 0, i = 0, at = 0;
    rz_slice part, wanted = {0};
    while (rz_python_piece(c->text, "\n\n", &at, &part)) {
        part = rz_python_strip(part);
        paragraphs += part.len > 0;
        if (++i == nth) wanted = part;
    }
    if (nth > paragraphs || !wanted.len || paragraphs != number(c, "num_paragraphs")) return BROKEN;
    return first_word_is(c->env->scratch, wanted, rz_python_lower(c->env->scratch, param(c, "first_word")));
}

/* ---- content and format ---- */

static verdict number_placeholders(const rz_case *c) { return rz_follow_placeholders(c->text) >= number(c, "num_placeholders"); }
static verdict number_bullet_lists(const rz_case *c) { return rz_follow_markdown_bullets(c->text) == number(c, "num_bullets"); }
static verdict number_highlighted_sections(const rz_case *c) { return rz_follow_highlights(c->text) >= number(c, "num_highlights"); }
static verdict title(const rz_case *c) { return rz_follow_title(c->text); }

/* One white space at most. */
static size_t skip_one_space(rz_slice t, size_t i)
{
    size_t n;
    return i < t.len && rz_python_is_space(rz_python_char(t, i, &n)) ? i + n : i;
}

/* p.\s?p.\s?s and p.\s?s. in the text in small letters. */
static bool postscript_at(rz_slice t, size_t i, const char *letters, bool last_period)
{
    for (const char *p = letters; *p; p++) {
        if (i >= t.len || t.s[i++] != *p) return false;
        if (!p[1] && !last_period) return true;
        if (i >= t.len || t.s[i++] != '.') return false;
        if (p[1]) i = skip_one_space(t, i);
    }
    return true;
}

static verdict postscript(const rz_case *c)
{
    rz_slice marker = rz_python_strip(param(c, "postscript_marker")), t = rz_python_lower(c->env->scratch, c->text);
    bool pps = rz_python_equal(marker, RZ_SLICE("P.P.S")), ps = rz_python_equal(marker, RZ_SLICE("P.S."));
    size_t count;
    if (pps || ps) {
        for (size_t i = 0; (i = rz_python_find(t, "p.", i)) != SIZE_MAX; i++)
            if (postscript_at(t, i, pps ? "pps" : "ps", ps)) return FOLLOWED;
        return BROKEN;
    }
    marker = rz_python_lower(c->env->scratch, marker);
    if (rz_follow_is_plain(marker)) return rz_python_find_slice(t, marker, 0) != SIZE_MAX;
    rz_case low = *c;
    low.text = t;
    if (!count_pattern(&low, rz_arena_strndup(c->env->scratch, marker.s, marker.len), RZ_PATTERN_MULTILINE, 1, &count, NULL)) return UNKNOWN;
    return count > 0;
}

static size_t skip_digits(rz_slice t, size_t i)
{
    for (size_t n; i < t.len && rz_python_digit(rz_python_char(t, i, &n)) >= 0;) i += n;
    return i;
}

/* The word that begins a section, with at most one white space, and a number. */
static verdict multiple_sections(const rz_case *c)
{
    rz_slice splitter = rz_python_strip(param(c, "section_spliter"));
    size_t sections = 0, wanted = number(c, "num_sections"), n;
    if (!rz_follow_is_plain(splitter)) {
        size_t size = splitter.len + 64;
        char *pattern = RZ_NEW(c->env->scratch, size, char);
        int groups;
        snprintf(pattern, size, "%.*s\\s?\\p{Nd}+", (int)splitter.len, splitter.s);
        if (!count_pattern(c, pattern, 0, SIZE_MAX, &sections, &groups)) return UNKNOWN;
        return sections * (size_t)(1 + groups) >= wanted; /* re.split gives what groups hold as well */
    }
    for (size_t i = 0; (i = rz_python_find_slice(c->text, splitter, i)) != SIZE_MAX;) {
        size_t digits = skip_one_space(c->text, i + splitter.len), end = skip_digits(c->text, digits);
        sections += end > digits;
        rz_python_char(c->text, i, &n);
        i = end > digits ? end : i + n;
    }
    return sections >= wanted;
}

static verdict constrained_response(const rz_case *c)
{
    static const char *const options[] = {"My answer is yes.", "My answer is no.", "My answer is maybe."};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (rz_python_find(c->text, options[i], 0) != SIZE_MAX) return FOLLOWED;
    return BROKEN;
}

static verdict json_format(const rz_case *c)
{
    static const char *const fences[] = {"```json", "```Json", "```JSON", "```"};
    rz_slice t = rz_python_strip(c->text);
    for (size_t i = 0; i < sizeof fences / sizeof *fences; i++)
        if (rz_python_starts(t, fences[i])) t = rz_python_from(t, strlen(fences[i]));
    if (rz_python_ends(t, "```")) t.len -= 3;
    rz_scan s = {0};
    return rz_json_scan(rz_python_strip(t), &s) == RZ_SCAN_VALID;
}

/* ---- beginning, end, punctuation, combinations ---- */

static verdict two_responses(const rz_case *c)
{
    rz_slice part, filled[2];
    size_t at = 0, n = 0;
    bool empty_before = false;
    for (size_t i = 0; rz_python_piece(c->text, "******", &at, &part); i++) {
        if (empty_before) return BROKEN; /* an empty part that was not the first, and now not the last */
        part = rz_python_strip(part);
        empty_before = !part.len && i > 0;
        if (part.len && n++ < 2) filled[n - 1] = part;
    }
    return n == 2 && !rz_python_equal(filled[0], filled[1]);
}

static verdict repeat_prompt(const rz_case *c)
{
    rz_slice t = rz_python_lower(c->env->scratch, rz_python_strip(c->text)), prompt = rz_python_lower(c->env->scratch, rz_python_strip(param(c,
        "prompt_to_repeat")));
    return t.len >= prompt.len && memcmp(t.s, prompt.s, prompt.len) == 0;
}

static verdict end_checker(const rz_case *c)
{
    rz_slice t = rz_python_lower(c->env->scratch, rz_python_strip_chars(rz_python_strip(c->text), "\""));
    rz_slice phrase = rz_python_lower(c->env->scratch, rz_python_strip(param(c, "end_phrase")));
    return t.len >= phrase.len && memcmp(t.s + t.len - phrase.len, phrase.s, phrase.len) == 0;
}

static verdict quotation(const rz_case *c)
{
    rz_slice t = rz_python_strip(c->text);
    return t.len > 1 && t.s[0] == '"' && t.s[t.len - 1] == '"';
}

static verdict no_comma(const rz_case *c) { return !memchr(c->text.s, ',', c->text.len); }

/* ---- the table ---- */

static void tell(outcome *o, verdict v)
{
    if (v == UNKNOWN)
        rz_outcome_error(o, "it cannot be told: the keyword is no pattern, or a limit was hit (text over 65536 bytes, steps)");
    else
        rz_outcome_scored(o, v == FOLLOWED, v == FOLLOWED, v == FOLLOWED ? "followed" : "not followed");
}

#define SCORE(check) static void score_##check(const rz_case *c, outcome *o) { tell(o, check(c)); }
SCORE(all_keywords) SCORE(keyword_frequency) SCORE(no_forbidden_word) SCORE(letter_frequency) SCORE(response_language) SCORE(english_capital)
SCORE(english_lowercase) SCORE(capital_word_frequency) SCORE(number_words) SCORE(number_sentences) SCORE(number_paragraphs) SCORE(nth_paragraph_first_word)
SCORE(number_placeholders) SCORE(postscript) SCORE(number_bullet_lists) SCORE(constrained_response) SCORE(number_highlighted_sections) SCORE(multiple_sections)
SCORE(json_format) SCORE(title) SCORE(two_responses) SCORE(repeat_prompt) SCORE(end_checker) SCORE(quotation) SCORE(no_comma)

/* What the original draws at random when it is missing must be there. A missing text is "", list [], number −1. */
static bool check_params(const json_t *params, rz_err *err)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)params, key, v) {
        const char *text = json_string_value(v);
        bool relation = strstr(key, "relation"), missing = (text && !*text) || (json_is_array(v) && !json_array_size(v)) || (json_is_integer(v) &&
            json_integer_value(v) < 0);
        if (missing) return rz_fail(err, RZ_ECONFIG, "%s is missing: the instruction needs it", key);
        if (relation && strcmp(text, less_than) != 0 && strcmp(text, at_least) != 0)
            return rz_fail(err, RZ_ECONFIG, "%s is '%.40s', must be '%s' or '%s'", key, text, less_than, at_least);
        if (strcmp(key, "nth_paragraph") == 0 && (!json_integer_value(v) || json_integer_value(v) > json_integer_value(json_object_get(params,
            "num_paragraphs"))))
            return rz_fail(err, RZ_ECONFIG, "nth_paragraph is %lld, must be 1 .. num_paragraphs", (long long)json_integer_value(v));
        if (strcmp(key, "letter") == 0 && rz_utf8_count(text, strlen(text)) != 1) return rz_fail(err, RZ_ECONFIG,
            "letter is '%.40s', must be one character", text);
    }
    return true;
}

/* The original's loose verdict is the best of eight texts: without the first, the last, both lines, or none; with and without its stars. */
static int loose_texts(rz_arena *a, rz_slice t, rz_slice out[8])
{
    size_t first = rz_python_find(t, "\n", 0), last = rz_python_rfind(t, "\n");
    rz_slice none = {t.s, 0}, without_first = first == SIZE_MAX ? none : rz_python_from(t, first + 1), without_last = last == SIZE_MAX ? none
        : (rz_slice){t.s, last};
    rz_slice both = first == last ? none : (rz_slice){t.s + first + 1, last - first - 1};
    rz_slice plain[4] = {t, rz_python_strip(without_first), rz_python_strip(without_last), rz_python_strip(both)};
    for (int i = 0; i < 4; i++) {
        out[i] = plain[i];
        out[4 + i] = rz_python_replace(a, plain[i], "*", "");
    }
    return 8;
}

/* kwargs without what is null, false, 0 or empty, as the original drops them. */
static json_t *given_arguments(const json_t *kwargs)
{
    json_t *given = json_object(), *v;
    const char *key;
    json_object_foreach((json_t *)kwargs, key, v) {
        double number = json_number_value(v);
        bool empty = json_is_null(v) || json_is_false(v) || (json_is_number(v) && number == 0) || (json_is_string(v) && !json_string_length(v)) ||
                     (json_is_array(v) && !json_array_size(v));
        if (!empty) json_object_set_new(given, key, json_is_real(v) && number > 0 && number < 1e15 ? json_integer((json_int_t)number) : json_incref(v));
    }
    return given;
}

/* Whether one instruction is followed in one of the texts; false with an error or gold error in the outcome. */
static bool follow_one(const rz_case *c, const char *id, const json_t *kwargs, const rz_slice *texts, int n_texts, bool *followed, outcome *o)
{
    char name[96];
    rz_err err = {0};
    snprintf(name, sizeof name, "ifeval/%.80s", id ? id : "");
    const rz_verifier *v = strcmp(name, "ifeval/all") != 0 ? rz_verifier_find(name) : NULL;
    json_t *given = given_arguments(kwargs), *params = v ? rz_verifier_params(v, given, &err) : NULL;
    json_decref(given);
    *followed = false;
    if (!params) {
        rz_outcome_gold_error(o, "meta: the instruction %.60s: %.200s", id ? id : "(no text)", v ? err.text : "is not known");
        return false;
    }
    rz_case one = *c;
    outcome judged = {.state = RZ_PART_SCORED};
    one.params = params;
    for (int i = 0; i < n_texts && !*followed && judged.state == RZ_PART_SCORED; i++) {
        one.text = texts[i];
        if (!rz_python_strip(one.text).len) continue;
        if (!rz_env_spend(c->env, rz_verifier_price(v, one.text.len))) break; /* and there is an error */
        size_t mark = c->env->scratch->used;
        rz_verifier_score(v, &one, &judged);
        *followed = judged.passed;
        rz_arena_release(c->env->scratch, mark);
    }
    json_decref(params);
    if (judged.state != RZ_PART_SCORED) rz_outcome_error(o, "%s: %.300s", name, judged.reason);
    return judged.state == RZ_PART_SCORED;
}

static void score_all(const rz_case *c, outcome *o)
{
    const json_t *ids = json_object_get(c->meta, "instruction_id_list"), *kwargs = json_object_get(c->meta, "kwargs");
    size_t n = json_array_size(ids), count = 0;
    rz_slice texts[8] = {c->text};
    if (!n || json_array_size(kwargs) != n) {
        rz_outcome_gold_error(o, "meta.instruction_id_list and meta.kwargs of the problem must be lists of the same length, 1 or more");
        return;
    }
    int n_texts = strcmp(rz_param_text(c, "mode"), "loose") == 0 ? loose_texts(c->env->scratch, c->text, texts) : 1;
    const char *broken = NULL;
    for (size_t i = 0; i < n; i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        bool followed;
        if (!follow_one(c, id, json_array_get(kwargs, i), texts, n_texts, &followed, o)) return;
        count += followed;
        if (!followed && !broken) broken = id;
    }
    snprintf(o->found, sizeof o->found, "%zu of %zu instructions", count, n);
    double share = (double)count / (double)n;
    bool mean = strcmp(rz_param_text(c, "points"), "mean") == 0;
    rz_outcome_scored(o, count == n, mean ? share : count == n, broken ? "not followed: %.200s" : "all instructions are followed", broken);
}

static bool check_all(const json_t *params, rz_err *err)
{
    const char *mode = json_string_value(json_object_get(params, "mode")), *points = json_string_value(json_object_get(params, "points"));
    if (strcmp(mode, "strict") != 0 && strcmp(mode, "loose") != 0) return rz_fail(err, RZ_ECONFIG, "mode is '%.40s', must be strict or loose", mode);
    return strcmp(points, "all") == 0 || strcmp(points, "mean") == 0 || rz_fail(err, RZ_ECONFIG, "points is '%.40s', must be all or mean", points);
}

#define ROW(instruction, class, text, function, ...) \
    {.name = "ifeval/" instruction, .origin = "lm-evaluation-harness 4e7e0d4, ifeval/instructions.py, " class, .about = text, .top = 1, \
     .score = score_##function, .check = check_params, __VA_ARGS__}

const rz_verifier rz_verifiers_ifeval[] = {
    ROW("keywords:existence", "KeywordChecker", "all keywords are there, in any case", all_keywords, .params = "{\"keywords\": []}",
        .holes = "parts of words count"),
    ROW("keywords:frequency", "KeywordFrequencyChecker", "a keyword is there so often", keyword_frequency,
        .params = "{\"keyword\": \"\", \"frequency\": -1, \"relation\": \"\"}", .holes = "parts of words count; the keyword repeated is enough"),
    ROW("keywords:forbidden_words", "ForbiddenWords", "none of the words is there", no_forbidden_word, .params = "{\"forbidden_words\": []}",
        .holes = "any text without them"),
    ROW("keywords:letter_frequency", "LetterFrequencyChecker", "a letter is there so often", letter_frequency,
        .params = "{\"letter\": \"\", \"let_frequency\": -1, \"let_relation\": \"\"}", .holes = "the letter repeated is enough"),
    ROW("language:response_language", "ResponseLanguageChecker", "the text is in the language; our own guess instead of langdetect's", response_language,
        .params = "{\"language\": \"\"}", .holes = "frequent words of the language in any order; a text without letters"),
    ROW("length_constraints:number_sentences", "NumberOfSentences", "so many sentences; split by our own rules instead of punkt's", number_sentences,
        .params = "{\"num_sentences\": -1, \"relation\": \"\"}", .holes = "\"A! A! A!\""),
    ROW("length_constraints:number_paragraphs", "ParagraphChecker", "so many paragraphs between ***", number_paragraphs,
        .params = "{\"num_paragraphs\": -1}",
        .holes = "one character each"),
    ROW("length_constraints:number_words", "NumberOfWords", "so many words", number_words, .params = "{\"num_words\": -1, \"relation\": \"\"}",
        .holes = "one word repeated"),
    ROW("length_constraints:nth_paragraph_first_word", "ParagraphFirstWordCheck", "so many paragraphs, and one of them starts with a word",
        nth_paragraph_first_word,
        .params = "{\"num_paragraphs\": -1, \"nth_paragraph\": -1, \"first_word\": \"\"}", .holes = "one word each"),
    ROW("detectable_content:number_placeholders", "PlaceholderChecker", "at least so many [placeholders]", number_placeholders,
        .params = "{\"num_placeholders\": -1}", .holes = "[]"),
    ROW("detectable_content:postscript", "PostscriptChecker", "there is a postscript", postscript, .params = "{\"postscript_marker\": \"\"}",
        .holes = "the marker alone, anywhere"),
    ROW("detectable_format:number_bullet_lists", "BulletListChecker", "exactly so many bullets", number_bullet_lists, .params = "{\"num_bullets\": -1}",
        .holes = "a dash or star alone; --- is a bullet"),
    ROW("detectable_format:constrained_response", "ConstrainedResponseChecker", "one of three answers is in the text", constrained_response,
        .holes = "all of them, anywhere"),
    ROW("detectable_format:number_highlighted_sections", "HighlightSectionChecker", "at least so many *highlights*", number_highlighted_sections,
        .params = "{\"num_highlights\": -1}", .holes = "one character each; **one** counts twice"),
    ROW("detectable_format:multiple_sections", "SectionChecker", "at least so many sections with a number", multiple_sections,
        .params = "{\"section_spliter\": \"\", \"num_sections\": -1}", .holes = "headings alone"),
    ROW("detectable_format:json_format", "JsonFormat", "the text is JSON, fenced or not", json_format, .holes = "any number; NaN is JSON to Python"),
    ROW("detectable_format:title", "TitleChecker", "there is a <<title>>", title, .holes = "one character, anywhere"),
    ROW("combination:two_responses", "TwoResponsesChecker", "two different responses parted by ******", two_responses, .holes = "one character each"),
    ROW("combination:repeat_prompt", "RepeatPromptThenAnswer", "the text starts with the prompt", repeat_prompt, .params = "{\"prompt_to_repeat\": \"\"}",
        .holes = "the prompt alone"),
    ROW("startend:end_checker", "EndChecker", "the text ends with the phrase", end_checker, .params = "{\"end_phrase\": \"\"}",
        .holes = "the phrase alone"),
    ROW("startend:quotation", "QuotationChecker", "the text is in double quotation marks", quotation, .holes = "\"\""),
    ROW("change_case:capital_word_frequency", "CapitalWordFrequencyChecker", "so many words in capitals", capital_word_frequency,
        .params = "{\"capital_frequency\": -1, \"capital_relation\": \"\"}", .holes = "single capitals"),
    ROW("change_case:english_capital", "CapitalLettersEnglishChecker", "English in capitals; our own guess of the language", english_capital,
        .holes = "\"A\""),
    ROW("change_case:english_lowercase", "LowercaseLettersEnglishChecker", "English in small letters; our own guess of the language", english_lowercase,
        .holes = "\"a\""),
    ROW("punctuation:no_comma", "CommaChecker", "there is no comma", no_comma, .holes = "any text without one"),
    {.name = "ifeval/all", .origin = "lm-evaluation-harness 4e7e0d4, ifeval/utils.py",
     .about = "the instructions of the problem: all of them, or their share",
     .params = "{\"mode\": \"strict\", \"points\": \"all\"}", .gold = "meta.instruction_id_list: names; meta.kwargs: their arguments",
         .holes = "as its instructions: content is not judged",
     .top = 1, .score = score_all, .check = check_all},
};
const int rz_n_verifiers_ifeval = sizeof rz_verifiers_ifeval / sizeof *rz_verifiers_ifeval;
