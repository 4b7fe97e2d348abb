/* The table of rule kinds, what they share, and the kinds that read no text. A new kind is a row here. */
#include "rewards/internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void rz_outcome_pass(outcome *o, const rule *u)
{
    o->state = RZ_PART_SCORED;
    o->passed = true;
    o->points = u->pass;
    snprintf(o->reason, sizeof o->reason, "passed");
}

void rz_outcome_fail(outcome *o, const rule *u, const char *fmt, ...)
{
    va_list args;
    o->state = RZ_PART_SCORED;
    o->passed = false;
    o->points = u->fail;
    va_start(args, fmt);
    vsnprintf(o->reason, sizeof o->reason, fmt, args);
    va_end(args);
}

void rz_show(char *out, size_t size, const char *s, size_t len)
{
    static const char more[] = "\u2026", nul[] = "\u2400";
    size_t room = size - sizeof more, to = 0; /* sizeof counts the final NUL too */
    for (size_t i = 0, n; i < len; i += n) {
        n = 1;
        while (i + n < len && ((unsigned char)s[i + n] & 0xC0) == 0x80) n++;
        const char *from = s[i] ? s + i : nul;
        size_t bytes = s[i] ? n : sizeof nul - 1;
        if (to + bytes > room) {
            memcpy(out + to, more, sizeof more);
            return;
        }
        memcpy(out + to, from, bytes);
        to += bytes;
    }
    out[to] = 0;
}

/* ---- constant: a control ---- */

static bool load_constant(const schema *s, rz_rules *r, rule *u, const rz_yaml *y)
{
    (void)r;
    if (!rz_yaml_get(y, "constant")) return rz_schema_bad(s, y->at, "constant is missing: give the points");
    return rz_schema_number(s, y, "constant", -MAX_POINTS, MAX_POINTS, &u->each);
}

static void score_constant(evaluation *e, const rule *u, rz_span where, outcome *o)
{
    (void)e, (void)where;
    o->state = RZ_PART_SCORED;
    o->points = u->each;
    snprintf(o->reason, sizeof o->reason, "constant");
}

static const char *const constant_keys[] = {"constant", NULL};
static const rule_kind constant = {"constant", constant_keys, false, false, false, load_constant, score_constant,
    "the same points for every completion: a control", "bonus: {constant: 0.5}"};

const rule_kind *const rz_kinds[] = {&rz_kind_match, &rz_kind_tags, &rz_kind_compare, &rz_kind_expr, &rz_kind_count, &constant, &rz_kind_lua, &rz_kind_plugin, &rz_kind_program, &rz_kind_code,
                                    &rz_kind_verify};
const int rz_n_kinds = sizeof rz_kinds / sizeof *rz_kinds;
