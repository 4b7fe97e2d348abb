/* The way in: options, budgets, reports. */
#include "rewards/math_tree.h"
#include <string.h>

const rz_math_options rz_math_strict = {.percent = RZ_MATH_PERCENT_STRICT, .units = RZ_MATH_UNITS_STRICT, .assign = RZ_MATH_ASSIGN_VALUE, .digits = -1};
const rz_math_options rz_math_math_verify = {.percent = RZ_MATH_PERCENT_EITHER, .units = RZ_MATH_UNITS_DROP, .assign = RZ_MATH_ASSIGN_LAST,
    .relation = RZ_MATH_RELATION_GOLD, .set_is_tuple = true, .unordered = true, .digits = 6, .faithful = true, .malformed = true};

const char *const rz_math_rung_names[6] = {"text", "shape", "exact", "modular", "ball", "budget"};

static long allowed(const rz_math_options *o) { return o->work ? o->work : RZ_MATH_WORK; }

math_env rz_math_env(rz_arena *scratch, const rz_math_options *o)
{
    return (math_env){.arena = scratch, .options = o, .nodes_left = RZ_MATH_MAX_NODES, .work_left = allowed(o)};
}

long rz_math_work(const math_env *e) { return allowed(e->options) - e->work_left; }

/* Without blanks at the ends and doubled blanks within. */
static bool same_text(rz_slice a, rz_slice b)
{
    a = rz_trim(a);
    b = rz_trim(b);
    return a.len && a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
}

bool rz_math_equal(rz_arena *scratch, rz_slice found, rz_slice gold, const rz_math_options *o, rz_math_report *why)
{
    size_t mark = scratch->used;
    rz_math_report report = {.rung = RZ_MATH_BY_TEXT, .verdict = RZ_MATH_DIFFERENT};
    math_env e = rz_math_env(scratch, o);
    math_node *g = rz_math_parse(&e, gold), *f = NULL;
    int gold_nodes = RZ_MATH_MAX_NODES - e.nodes_left;
    e.nodes_left = RZ_MATH_MAX_NODES;
    if (g) f = rz_math_parse(&e, found);
    report.nodes = gold_nodes + RZ_MATH_MAX_NODES - e.nodes_left;
    if (same_text(found, gold) && !(o->reduced && f)) report.verdict = RZ_MATH_EQUAL;
    else if (!g) report.verdict = RZ_MATH_GOLD_UNPARSED;
    else if (!f) report.verdict = RZ_MATH_FOUND_UNPARSED;
    else report.verdict = rz_math_compare(&e, g, f), report.rung = e.rung;
    /* what cancels out is a way to write something else around an answer: strictly it is none */
    if (report.rung != RZ_MATH_BY_TEXT && report.verdict == RZ_MATH_EQUAL && !o->faithful && !o->any_variables && rz_math_more_names(f, g)) report.verdict = RZ_MATH_DIFFERENT;
    report.work = rz_math_work(&e);
    rz_arena_release(scratch, mark);
    if (why) *why = report;
    return report.verdict == RZ_MATH_EQUAL;
}
