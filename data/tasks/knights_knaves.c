#include "data/tasks/draft.h"
#include <stdio.h>
#include <string.h>

enum { MAX_PEOPLE = 6, MAX_STATEMENT = 80 };

typedef enum { IS, SAME, DIFFERENT, AND, OR, IF, EXACTLY_IF } form;

/* What somebody says: x is (a knight if x_knight, else a knave), joined with the same about y. */
typedef struct {
    form form;
    int x, y;
    bool x_knight, y_knight;
} statement;

static bool holds(const statement *t, unsigned knights)
{
    bool is_x = (knights >> t->x & 1) == t->x_knight, is_y = (knights >> t->y & 1) == t->y_knight;
    switch (t->form) {
    case IS: return is_x;
    case SAME: return (knights >> t->x & 1) == (knights >> t->y & 1);
    case DIFFERENT: return (knights >> t->x & 1) != (knights >> t->y & 1);
    case AND: return is_x && is_y;
    case OR: return is_x || is_y;
    case IF: return !is_x || is_y;
    case EXACTLY_IF: return is_x == is_y;
    }
    return false;
}

static statement draw_statement(rz_stream *s, int n, int speaker, int variety)
{
    static const form forms[] = {IS, SAME, DIFFERENT, AND, OR, IF, EXACTLY_IF};
    static const uint32_t n_forms[] = {3, 5, 7};
    statement t = {.form = forms[rz_stream_below(s, n_forms[variety - 1])]};
    do {
        t.x = rz_stream_range(s, 0, n - 1);
        t.y = rz_stream_range(s, 0, n - 1);
    } while (t.x == t.y || (t.form == IS && t.x == speaker)); /* nobody says "I am a knave", and "I am a knight" says nothing */
    t.x_knight = rz_stream_below(s, 2);
    t.y_knight = rz_stream_below(s, 2);
    return t;
}

static const char *role(bool knight) { return knight ? "knight" : "knave"; }

static void say(rz_draft *d, const statement *t, const char *const *names)
{
    const char *x = names[t->x], *y = names[t->y], *rx = role(t->x_knight), *ry = role(t->y_knight);
    switch (t->form) {
    case IS: rz_draft_prompt(d, "%s is a %s", x, rx); break;
    case SAME: rz_draft_prompt(d, "%s and %s are of the same kind", x, y); break;
    case DIFFERENT: rz_draft_prompt(d, "%s and %s are of different kinds", x, y); break;
    case AND: rz_draft_prompt(d, "%s is a %s and %s is a %s", x, rx, y, ry); break;
    case OR: rz_draft_prompt(d, "%s is a %s or %s is a %s", x, rx, y, ry); break;
    case IF: rz_draft_prompt(d, "if %s is a %s, then %s is a %s", x, rx, y, ry); break;
    case EXACTLY_IF: rz_draft_prompt(d, "%s is a %s exactly if %s is a %s", x, rx, y, ry); break;
    }
}

/* The only way in which knights speak true and knaves false; −1 when there is none, or more than one. */
static int solve(const statement *t, int n)
{
    int found = -1;
    for (unsigned knights = 0; knights < 1u << n; knights++) {
        bool fits = true;
        for (int i = 0; i < n; i++) fits = fits && holds(&t[i], knights) == (knights >> i & 1);
        if (fits && found >= 0) return -1;
        if (fits) found = (int)knights;
    }
    return found;
}

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    statement t[MAX_PEOPLE];
    const char *names[MAX_PEOPLE], *roles[MAX_PEOPLE];
    int n = (int)p[RZ_ITEMS], order[16];
    for (int i = 0; i < n; i++) t[i] = draw_statement(s, n, i, (int)p[RZ_VARIETY]);
    int knights = solve(t, n);
    if (knights < 0) return false;
    rz_draft_shuffle(s, order, 16);
    for (int i = 0; i < n; i++) {
        names[i] = rz_draft_name(s, order[i]);
        roles[i] = role(knights >> i & 1);
    }
    rz_draft_prompt(d, "Knights always tell the truth, knaves always lie.");
    for (int i = 0; i < n; i++) {
        rz_draft_prompt(d, " %s says: \"", names[i]);
        say(d, &t[i], names);
        rz_draft_prompt(d, ".\"");
        rz_draft_answer(d, "%s%s is a %s", i ? ", " : "", names[i], roles[i]);
        const int64_t content[] = {(int64_t)t[i].form, t[i].x, t[i].y, t[i].x_knight, t[i].y_knight};
        for (int k = 0; k < 5; k++) rz_draft_content(d, content[k]);
    }
    rz_draft_prompt(d, " Who is what? Answer as in: NAME is a knight, NAME is a knave");
    rz_draft_meta_map(d, "roles", names, roles, n);
    return true;
}

const rz_task rz_task_knights_knaves = {
    .name = "knights_knaves", .about = "Who tells the truth?", .answer = "`NAME is a knight` or `NAME is a knave` for each of them, in any order, with commas between",
    .generator = 1, .make = make,
    .params = {{RZ_ITEMS, "people", 2, MAX_PEOPLE, {2, 3, 3, 4, 5}},
               {RZ_VARIETY, "1: that somebody is of a kind, or two of the same or of different ones; 2: and, or; 3: if, exactly if", 1, 3, {2, 2, 3, 3, 3}}},
};
