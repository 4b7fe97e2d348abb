/* Logic-RL: knights and knaves. */
#include "rewards/presets.h"
#include <string.h>

enum { MAX_PEOPLE = 64 };

typedef struct { rz_slice name; bool knight; } person;

/* Bytes of "knight" or "knave" in letters of any case at `at`, with no word going on on either side; 0: neither. */
static size_t role_at(rz_slice t, size_t at, bool *knight)
{
    size_t n;
    if (at > 0 && rz_python_is_word(rz_python_char_before(t, at, &n))) return 0;
    size_t len = rz_python_caseless(t, at, RZ_SLICE("knight"));
    *knight = len > 0;
    if (!len) len = rz_python_caseless(t, at, RZ_SLICE("knave"));
    return len && at + len < t.len && rz_python_is_word(rz_python_char(t, at + len, &n)) ? 0 : len;
}

/* \b([A-Za-z]+)\b.*?\b(knight|knave)\b in a line. */
static bool read_person(rz_slice line, person *p)
{
    size_t n;
    for (size_t at = 0, end; at < line.len; at = end) {
        bool letters = true;
        for (end = at; end < line.len && rz_python_is_word(rz_python_char(line, end, &n)); end += n)
            letters = letters && ((line.s[end] | 0x20) >= 'a' && (line.s[end] | 0x20) <= 'z');
        if (end == at) {
            end += n;
            continue;
        }
        if (!letters) continue;
        p->name = (rz_slice){line.s + at, end - at};
        for (size_t i = end; i < line.len; i += n) {
            if (role_at(line, i, &p->knight)) return true;
            rz_python_char(line, i, &n);
        }
        return false; /* no role behind the first word, hence none behind a later one */
    }
    return false;
}

/* A later line about a name replaces the earlier one. −1: too many. */
static int read_people(rz_slice solution, person *people)
{
    rz_slice line;
    int n = 0, k;
    for (size_t at = 0; rz_python_piece(solution, "\n", &at, &line);) {
        person p;
        if (!read_person(rz_python_strip(line), &p)) continue;
        for (k = 0; k < n && !rz_python_equal(people[k].name, p.name); k++) {}
        if (k == MAX_PEOPLE) return -1;
        people[k] = p;
        if (k == n) n++;
    }
    return n;
}

/* Each tag once, and in this order. */
static bool structured(rz_slice t)
{
    static const char *const tags[] = {"<think>", "</think>", "<answer>", "</answer>"};
    size_t last = 0;
    for (int i = 0; i < 4; i++) {
        size_t at = rz_python_find(t, tags[i], 0);
        if (at == SIZE_MAX || at < last || rz_python_find(t, tags[i], at + 1) != SIZE_MAX) return false;
        last = at;
    }
    return true;
}

static size_t skip_space(rz_slice t, size_t at)
{
    size_t n;
    while (at < t.len && rz_python_is_space(rz_python_char(t, at, &n))) at += n;
    return at;
}

/* \bNAME\b\s+is\s+a\s+\b(knight|knave)\b: the first in the text; small holds the name in small letters. */
static bool said_of(rz_slice t, rz_slice small, bool *knight)
{
    static const char *const words[] = {"is", "a"};
    size_t n;
    for (size_t at = 0; at < t.len; at += n) {
        rz_python_char(t, at, &n);
        size_t i = rz_python_caseless(t, at, small), before;
        if (!i || (at > 0 && rz_python_is_word(rz_python_char_before(t, at, &before)))) continue;
        size_t end = at + i;
        for (int k = 0; k < 2 && end != SIZE_MAX; k++) {
            size_t from = skip_space(t, end), len = from > end ? rz_python_caseless(t, from, RZ_SLICE(words[k])) : 0;
            end = len ? from + len : SIZE_MAX;
        }
        if (end == SIZE_MAX) continue;
        size_t from = skip_space(t, end);
        if (from > end && role_at(t, from, knight)) return true;
    }
    return false;
}

typedef enum { UNREADABLE, WRONG, RIGHT } verdict;

static verdict judge(rz_arena *a, rz_slice answer, const person *people, int n)
{
    rz_slice small = rz_python_lower(a, answer);
    bool right = true, knight;
    if (rz_python_count(small, "knight") + rz_python_count(small, "knave") != (size_t)n || n == 0) return UNREADABLE;
    for (int i = 0; i < n; i++) {
        if (!said_of(answer, rz_python_lower(a, people[i].name), &knight)) return UNREADABLE;
        right = right && knight == people[i].knight;
    }
    return right ? RIGHT : WRONG;
}

/* The text of the solution: of the gold or of meta if it is a map with that key, or the gold itself. */
static rz_slice solution_of(const rz_case *c)
{
    const json_t *in = json_is_object(c->gold) ? c->gold : c->meta, *v = json_is_string(c->gold) ? c->gold : json_object_get(in, "solution_text_format");
    return (rz_slice){json_string_value(v), json_string_length(v)};
}

static void kk(const rz_case *c, outcome *o)
{
    static const double answer_points[] = {[UNREADABLE] = -2, [WRONG] = -1.5, [RIGHT] = 2};
    static const char *const words[] = {[UNREADABLE] = "no answer that can be read", [WRONG] = "a wrong answer", [RIGHT] = "the right answer"};
    rz_slice solution = solution_of(c), response = rz_param_bool(c, "assistant_mark") ? rz_preset_response(c, true) : c->text, answer = {NULL, 0};
    person *people = RZ_NEW(c->env->scratch, MAX_PEOPLE + 1, person);
    int n = solution.s ? read_people(solution, people) : -1;
    if (n < 0) {
        rz_outcome_gold_error(o, solution.s ? "the solution is about over %d people" : "there is no solution_text_format", MAX_PEOPLE);
        return;
    }
    bool formed = structured(response.s ? response : rz_preset_whole(c));
    if (response.s && rz_preset_last_block(response, "<answer>", "</answer>", &answer)) answer = rz_python_strip(answer);
    if (answer.len > MAX_ANSWER) {
        rz_outcome_error(o, "the answer is over %d bytes", MAX_ANSWER);
        return;
    }
    verdict v = formed && answer.len ? judge(c->env->scratch, answer, people, n) : UNREADABLE;
    double format = (double)rz_param_int(c, "format_reward");
    rz_show(o->expected, sizeof o->expected, solution.s, solution.len);
    if (answer.s) rz_show(o->found, sizeof o->found, answer.s, answer.len);
    rz_outcome_scored(o, v == RIGHT, (formed ? format : format > 0 ? -format : format) + answer_points[v], "%s, %s", formed ? "well formed" : "tags missing, repeated or out of order",
                      words[v]);
}

const rz_verifier rz_verifiers_presets_logic_rl[] = {
    {.name = "logic-rl/kk", .origin = "Logic-RL 9d2c457, reward_score/kk.py, compute_score",
     .about = "knights and knaves: 1 for the form or -1, and 2 for the right answer, -1.5 for a wrong one, -2 for none",
     .params = "{\"format_reward\": 1, \"assistant_mark\": true}", .gold = "meta.solution_text_format: \"(1) Zoey is a knight\\n(2) …\"", .top = 3, .bottom = -3,
     .holes = "a form without thinking", .score = kk},
};
const int rz_n_verifiers_presets_logic_rl = sizeof rz_verifiers_presets_logic_rl / sizeof *rz_verifiers_presets_logic_rl;
