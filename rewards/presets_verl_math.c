/* Presets of verl (verl/utils/reward_score) for numbers and mathematics, without those that rest on a computer algebra system. */
#include "rewards/grade_answer.h"
#include "rewards/minerva.h"
#include "rewards/presets.h"
#include <string.h>

#define VERL "verl b178a3c, reward_score/"

enum { PRICE = 120, GRADE_PRICE = 440 }; /* units of work a byte of an answer: in the normal form of MATH; graded as by prm800k */

/* ---- gsm8k ---- */

static bool in_number(char c) { return (c >= '0' && c <= '9') || c == '.' || c == ','; }

/* -?[0-9.,]+ at t.s[at]: its end, or at. */
static size_t number_end(rz_slice t, size_t at)
{
    size_t i = at + (at < t.len && t.s[at] == '-'), start = i;
    while (i < t.len && in_number(t.s[i])) i++;
    return i > start ? i : at;
}

/* The last number behind "#### ". */
static bool last_marked(rz_slice t, rz_slice *out)
{
    bool found = false;
    for (size_t at = 0, end; (at = rz_python_find(t, "#### ", at)) != SIZE_MAX; at = end > at + 5 ? end : at + 1) {
        end = number_end(t, at + 5);
        if (end == at + 5) continue;
        *out = rz_slice_cut(t, at + 5, end);
        found = true;
    }
    return found;
}

/* The last run that might be a number but is no lone point; if there is none but points, one of these. */
static bool last_run(rz_slice t, rz_slice *out)
{
    bool found = false;
    for (size_t i = 0, end; i < t.len; i = end > i ? end : i + 1) {
        if ((end = number_end(t, i)) == i) continue;
        rz_slice run = rz_slice_cut(t, i, end);
        if (!found || !rz_slice_is(run, ".")) *out = run;
        found = true;
    }
    return found;
}

static void gsm8k(const rz_case *c, outcome *o)
{
    rz_arena scratch = *c->env->scratch;
    rz_slice gold, answer, tail = rz_python_tail(c->text, 300);
    bool strict = strcmp(rz_param_text(c, "method"), "strict") == 0;
    if (!rz_preset_gold(c, o, &gold)) return;
    if (!(strict ? last_marked(tail, &answer) : last_run(tail, &answer))) {
        rz_preset_missing(o, gold, 0, strict ? "no number follows \"#### \" in the last 300 characters" : "there is no number in the last 300 characters");
        return;
    }
    rz_slice bare = strict ? rz_swap_all(&scratch, answer, &(rz_swap){",", ""}, 1) : answer;
    rz_preset_graded(c, o, answer, gold, rz_python_equal(bare, gold), rz_param_number(c, "score"), rz_param_number(c, "format_score"));
    rz_show(o->found, sizeof o->found, bare.s, bare.len);
}

static bool check_gsm8k(const json_t *params, rz_err *err)
{
    const char *method = json_string_value(json_object_get(params, "method"));
    return strcmp(method, "strict") == 0 || strcmp(method, "flexible") == 0 || rz_fail(err, RZ_ECONFIG, "method is %.40s, must be strict or flexible", method);
}

/* ---- math_reward ---- */

static void math_reward(const rz_case *c, outcome *o)
{
    rz_slice gold, answer;
    if (!rz_preset_gold(c, o, &gold)) return;
    if (!rz_hendrycks_box(c->text, &answer)) {
        rz_preset_missing(o, gold, 0, "there is no \\boxed{…}, or the last one does not end");
        return;
    }
    if (!rz_preset_reads(c, o, answer, PRICE)) return;
    rz_preset_graded(c, o, answer, gold, rz_hendrycks_equal(*c->env->scratch, answer, gold, RZ_HENDRYCKS_VERL), 1, 0);
}

/* ---- math_dapo ---- */

static const char *const ANSWER = "Answer[" RZ_PYTHON_SPACE "]*:[" RZ_PYTHON_SPACE "]*([^\\n]+)";
enum { MINERVA = RZ_MINERVA_LAST_SIDE | RZ_MINERVA_STRIP };

/* The line behind the last "Answer:"; false with *limit false when there is none. */
static bool last_answer_line(const rz_case *c, rz_slice t, rz_slice *out, bool *limit)
{
    bool found = false;
    rz_span spans[2];
    rz_match_result r;
    for (size_t at = 0; (r = rz_env_search(c->env, ANSWER, RZ_PATTERN_CASELESS, t, at, spans, 2)) == RZ_MATCH; at = spans[0].end) {
        *out = rz_slice_cut(t, spans[1].start, spans[1].end);
        found = true;
    }
    *limit = r == RZ_MATCH_LIMIT;
    return found && !*limit;
}

static void dapo_value(const rz_case *c, outcome *o, rz_slice pred)
{
    if (!c->wants_value) return;
    json_t *text = pred.s ? rz_json_slice(pred) : json_null();
    o->value = json_pack("{s:f, s:b, s:o}", "score", o->points, "acc", o->passed, "pred", text);
}

static void math_dapo(const rz_case *c, outcome *o)
{
    rz_arena scratch = *c->env->scratch;
    rz_slice gold, raw, tail = rz_python_tail(c->text, 300), pred = {NULL, 0};
    bool limit = false;
    if (!rz_preset_gold(c, o, &gold)) return;
    if (rz_param_bool(c, "strict_box_verify")) {
        tail = rz_python_tail(tail, 100);
        size_t at = rz_python_rfind(tail, "\\boxed{"), close = at == SIZE_MAX ? at : rz_brace_close(tail, at);
        if (close != SIZE_MAX) pred = raw = rz_slice_cut(tail, at + 7, close);
    } else {
        if (!last_answer_line(c, tail, &raw, &limit)) raw = rz_slice_of("[INVALID]"); /* which a gold may be, too */
        pred = rz_minerva_normal(&scratch, raw, MINERVA);
        gold = rz_minerva_normal(&scratch, gold, MINERVA);
    }
    if (limit) {
        rz_outcome_error(o, "%s", rz_limit_reason(tail));
        return;
    }
    if (!pred.s) {
        rz_preset_missing(o, gold, -1, "there is no \\boxed{…} that ends in the last 100 characters");
    } else {
        rz_preset_graded(c, o, raw, gold, rz_python_equal(pred, gold), 1, -1);
        rz_show(o->found, sizeof o->found, pred.s, pred.len);
    }
    dapo_value(c, o, pred);
}

static void math_dapo_normalize(const rz_case *c, outcome *o)
{
    rz_arena scratch = *c->env->scratch;
    if (rz_preset_reads(c, o, c->text, PRICE)) rz_preset_text(c, o, rz_minerva_normal(&scratch, c->text, MINERVA));
}

/* ---- geo3k ---- */

/* <think>.*</think>.*\\boxed\{.*\}.* over all of the text */
static bool geo3k_form(rz_slice t)
{
    size_t at = rz_python_starts(t, "<think>") ? rz_python_find(t, "</think>", 7) : SIZE_MAX;
    if (at != SIZE_MAX) at = rz_python_find(t, "\\boxed{", at + 8);
    return at != SIZE_MAX && rz_python_find(t, "}", at + 7) != SIZE_MAX;
}

static void geo3k_format(const rz_case *c, outcome *o)
{
    bool formed = geo3k_form(c->text);
    rz_outcome_scored(o, formed, formed, formed ? "it has the form" : "it is not <think>…</think>…\\boxed{…}…");
}

/* mathruler's extract_boxed_content: "None" when there is no box that ends. */
static rz_slice mathruler_box(rz_slice t)
{
    size_t at = rz_python_rfind(t, "\\boxed{"), close = at == SIZE_MAX ? at : rz_brace_close(t, at);
    return close == SIZE_MAX ? rz_slice_of("None") : rz_python_strip(rz_slice_cut(t, at + 7, close));
}

static void geo3k(const rz_case *c, outcome *o)
{
    rz_slice gold, answer = rz_param_bool(c, "use_boxed") ? mathruler_box(c->text) : c->text;
    double for_form = rz_param_number(c, "format_score");
    if (!rz_preset_gold(c, o, &gold) || !rz_preset_reads(c, o, answer, GRADE_PRICE)) return;
    long may = rz_env_math_work(c->env), work = may;
    rz_grade grade = rz_grade_answer(*c->env->scratch, &rz_grader_mathruler, answer, gold, &work);
    rz_env_math_spent(c->env, may - work);
    bool formed = geo3k_form(c->text), right = grade == RZ_GRADE_RIGHT;
    if (grade == RZ_GRADE_LIMIT) {
        rz_outcome_error(o, "the comparison takes more steps than it may");
        return;
    }
    rz_preset_graded(c, o, answer, gold, right, 1, 0);
    rz_outcome_scored(o, right && formed, (1 - for_form) * right + for_form * formed, "the answer is %s, the form is %s", right ? "right" : "wrong", formed ? "there" : "not there");
}

const rz_verifier rz_verifiers_verl_math[] = {
    {.name = "verl/geo3k", .origin = VERL "geo3k.py compute_score, with mathruler 0.1.0", .about = "0.9 for the last \\boxed{…}, graded as by prm800k, and 0.1 for the form",
     .params = "{\"use_boxed\": true, \"format_score\": 0.1}", .gold = "answer: the final answer, in LaTeX", .holes = "the form alone is paid, with nothing in it", .top = 1, .math = true, .score = geo3k},
    {.name = "verl/gsm8k", .origin = VERL "gsm8k.py compute_score", .about = "the last number of the last 300 characters, compared as text",
     .params = "{\"method\": \"strict\", \"format_score\": 0.0, \"score\": 1.0}", .gold = "answer: the number, as it is to be written",
     .holes = "with format_score, any number after #### is paid; a right answer written 18.00 or $18 is not", .top = 1, .score = gsm8k, .check = check_gsm8k},
    {.name = "verl/math", .origin = VERL "math_reward.py compute_score", .about = "the last \\boxed{…} against the answer, in the normal form of MATH",
     .gold = "answer: the final answer, in LaTeX", .holes = "those of hendrycks/is_equiv; only the last box counts, so that several may be tried before it unseen", .top = 1,
     .math = true, .score = math_reward},
    {.name = "verl/math_dapo", .origin = VERL "math_dapo.py compute_score", .about = "+1 or −1: the line after the last \"Answer:\", in Minerva's normal form; or the last box, letter by letter",
     .params = "{\"strict_box_verify\": false}", .gold = "answer: the final answer",
     .holes = "only what follows the last = counts; \"a \", \"cm\", \"sue\" and other pieces of words go wherever they stand", .top = 1, .bottom = -1, .math = true, .score = math_dapo},
    {.name = "verl/math_dapo_normalize", .origin = VERL "math_dapo.py normalize_final_answer", .about = "scores nothing: its value is Minerva's normal form", .score = math_dapo_normalize},
    {.name = "verl/geo3k_format", .origin = VERL "geo3k.py format_reward", .about = "1 for <think>…</think>…\\boxed{…}…", .holes = "all of the parts may be empty; anything may follow",
     .top = 1, .score = geo3k_format},
};
const int rz_n_verifiers_verl_math = sizeof rz_verifiers_verl_math / sizeof *rz_verifiers_verl_math;
