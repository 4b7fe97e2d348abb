/* Presets that read an answer as Minerva's prompt asks for it: lm-evaluation-harness, open-instruct. */
#include "rewards/hendrycks.h"
#include "rewards/math.h"
#include "rewards/minerva.h"
#include "rewards/presets.h"
#include <string.h>

enum { NORMAL = RZ_MINERVA_LAST_SIDE | RZ_MINERVA_FT };
enum { NORMAL_PRICE = 80, PRICE = 160 }; /* units of work a byte of an answer: for its normal form; to compare it */

/* What stands in "Final Answer: The final answer is …. I hope it is correct." in one line; the end of the text may stand for "I hope it is correct.", and any character for
 * either of the points. */
static bool stated(rz_slice t, rz_slice *out)
{
    static const char begins[] = "Final Answer: The final answer is", ends[] = " I hope it is correct";
    for (size_t at = 0; (at = rz_python_find(t, begins, at)) != SIZE_MAX; at++) {
        size_t from = at + strlen(begins), n;
        const char *newline = memchr(t.s + from, '\n', t.len - from);
        rz_slice line = rz_slice_cut(t, from, newline ? (size_t)(newline - t.s) : t.len);
        size_t end = rz_python_find(line, ends, 1);
        bool whole = end != SIZE_MAX && (end + strlen(ends) < line.len || !newline);
        if (!whole && !newline && line.len > 1 && rz_python_ends(line, " ")) end = line.len - 1;
        else if (!whole) {
            at = from + line.len; /* no other in this line: it would end in the same place */
            if (at >= t.len) return false;
            continue;
        }
        rz_python_char_before(line, end, &n);
        *out = rz_python_strip(rz_slice_cut(line, 0, end - n));
        return true;
    }
    return false;
}

/* What sympy's parse_latex does not read, or makes something of that cannot be subtracted: lists, relations, sets, matrices, words; .5, 5. and 03. */
static bool is_refused(rz_slice t)
{
    static const char *const pieces[] = {",", "%", "=", "<", ">", "[", "\\{", "\\begin", "\\text", "\\ge", "\\le", "\\ne", "\\boxed", "\\cup"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        if (rz_slice_has(t, pieces[i])) return true;
    bool zero = t.len > 1 && t.s[0] == '0' && t.s[1] >= '0' && t.s[1] <= '9';
    return zero || rz_python_starts(t, ".") || rz_python_ends(t, ".") || rz_python_ends(t, "\\frac") || rz_python_ends(t, "\\sqrt");
}

/* 11_2: no number of another base, but one with an index, to sympy. */
static bool has_index(rz_slice t)
{
    for (size_t at = 0; (at = rz_python_find(t, "_", at)) != SIZE_MAX; at++)
        if (at > 0 && t.s[at - 1] >= '0' && t.s[at - 1] <= '9') return true;
    return false;
}

/* simplify(parse_latex(x) − parse_latex(y)) == 0. *work: units of mathematics that may be spent, less by what was. */
static bool same_value(rz_arena scratch, rz_slice x, rz_slice y, long *work)
{
    rz_math_options o = rz_math_strict;
    rz_math_report why;
    if (is_refused(x) || is_refused(y)) return false;
    if (has_index(x) || has_index(y)) return rz_python_equal(x, y);
    if ((o.work = *work) <= 0) return false;
    rz_math_equal(&scratch, x, y, &o, &why);
    *work -= why.work;
    return why.verdict == RZ_MATH_EQUAL;
}

/* ---- lm-eval ---- */

/* The answer of a solution, if the gold is one: what its last box holds. */
static rz_slice solution_answer(rz_slice gold)
{
    rz_span box;
    int n;
    return rz_boxed_find(gold, RZ_BOXED_LAST, false, &box, &n) ? rz_slice_cut(gold, box.start, box.end) : gold;
}

static void lm_eval_minerva(const rz_case *c, outcome *o)
{
    rz_arena scratch = *c->env->scratch;
    rz_slice gold, answer;
    if (!rz_preset_gold(c, o, &gold)) return;
    if (!stated(c->text, &answer)) {
        rz_preset_missing(o, gold, 0, "there is no \"Final Answer: The final answer is …. I hope it is correct.\"");
        return;
    }
    if (!rz_preset_reads(c, o, answer, NORMAL_PRICE + PRICE)) return;
    rz_slice x = rz_minerva_normal(&scratch, answer, NORMAL), y = rz_minerva_normal(&scratch, solution_answer(gold), NORMAL);
    long may = rz_env_math_work(c->env), work = may;
    rz_preset_graded(c, o, answer, y, same_value(scratch, x, y, &work), 1, 0);
    rz_env_math_spent(c->env, may - work);
    rz_show(o->found, sizeof o->found, x.s, x.len);
}

/* ---- open-instruct ---- */

enum { MAX_CANDIDATES = 3 };

typedef struct { rz_slice place, text; } candidate; /* where it stands in the completion; how it is compared */

/* What is between the last two $. */
static bool last_formula(rz_slice t, rz_slice *out)
{
    size_t close = rz_python_rfind(t, "$"), open = close == SIZE_MAX ? close : rz_python_rfind(rz_slice_cut(t, 0, close), "$");
    if (open == SIZE_MAX) return false;
    *out = rz_slice_cut(t, open + 1, close);
    return true;
}

/* As it is, when its normal form cannot be paid: the rule has an error then. */
static rz_slice normal(const rz_case *c, rz_arena *a, rz_slice t) { return rz_env_spend(c->env, (int64_t)t.len * NORMAL_PRICE) ? rz_minerva_normal(a, t, NORMAL) : t; }

static int candidates(const rz_case *c, rz_arena *a, candidate *all)
{
    rz_slice found, t = c->text;
    int n = 0;
    if (rz_hendrycks_box(t, &found)) all[n++] = (candidate){found, found};
    if (stated(t, &found) && found.len <= RZ_PRESET_MAX_ANSWER) {
        rz_slice text = normal(c, a, found);
        if (!rz_slice_is(text, "[invalidanswer]")) all[n++] = (candidate){found, text};
    }
    if (!n && last_formula(t, &found) && found.len <= RZ_PRESET_MAX_ANSWER) all[n++] = (candidate){found, normal(c, a, found)};
    if (!n && t.len <= RZ_PRESET_MAX_ANSWER) {
        all[n++] = (candidate){t, normal(c, a, t)};
        all[n++] = (candidate){t, t};
    }
    return n;
}

static void open_instruct_math(const rz_case *c, outcome *o)
{
    rz_arena scratch = *c->env->scratch;
    candidate all[MAX_CANDIDATES];
    rz_slice gold;
    if (!rz_preset_gold(c, o, &gold)) return;
    int n = candidates(c, &scratch, all);
    if (!n) {
        rz_outcome_error(o, "no answer of at most %d bytes is told apart in %zu", RZ_PRESET_MAX_ANSWER, c->text.len);
        return;
    }
    long may = rz_env_math_work(c->env), work = may;
    bool right = false;
    for (int i = 0; i < n && !right; i++) {
        if (!rz_preset_reads(c, o, all[i].text, PRICE)) break;
        right = rz_hendrycks_equal(scratch, all[i].text, gold, RZ_HENDRYCKS_OPEN_INSTRUCT) || same_value(scratch, all[i].text, gold, &work);
        rz_preset_graded(c, o, all[i].place, gold, right, 1, 0);
    }
    rz_env_math_spent(c->env, may - work);
}

const rz_verifier rz_verifiers_minerva[] = {
    {.name = "lm-eval/minerva", .origin = "lm-evaluation-harness, tasks/minerva_math/utils.py process_results",
     .about = "what follows \"Final Answer: The final answer is\", in Minerva's normal form, equals the answer", .gold = "answer: the final answer, or a solution with \\boxed{…}",
     .holes = "only what follows the last = counts; \"a \", \"cm\", \"sue\" and other pieces of words go wherever they stand", .top = 1, .math = true, .score = lm_eval_minerva},
    {.name = "open-instruct/math", .origin = "open-instruct e6c3044, ground_truth_utils.py MathVerifier",
     .about = "the last box, Minerva's final answer, the last $…$, or all of the text: one of them equals the answer", .gold = "answer: the final answer, in LaTeX",
     .holes = "two answers may be given, one in a box and one in Minerva's words, and either is paid; those of hendrycks/is_equiv", .top = 1, .math = true, .score = open_instruct_math},
};
const int rz_n_verifiers_minerva = sizeof rz_verifiers_minerva / sizeof *rz_verifiers_minerva;
