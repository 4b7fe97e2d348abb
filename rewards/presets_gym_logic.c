/* reasoning-gym's propositional_logic: does the answer follow from the premises? The original's reader is kept with its habits: it splits at the last of the
 * weakest connectives outside parentheses, counted from the right, and takes whatever is left over for a variable ("$P$" is one). */
#include "rewards/gym.h"
#include <string.h>

enum {
    MAX_FORMULA = 2048,  /* bytes: reading looks at each of them again for each connective */
    MAX_VARIABLES = 16,  /* all of their 2^n assignments are tried, 64 at a time */
    MAX_NODES = 8192,    /* of premises and answer together */
    MAX_PREMISES = 64,
};

/* The connectives, the weakest first. */
enum { IFF, IMPLIES, OR, AND, NOT, VARIABLE };
static const char *const signs[] = {"↔", "→", "∨", "∧", "¬"};

typedef struct { int op, left, right; } node; /* left of a variable: its number */

typedef struct {
    node *nodes;
    int n;
    rz_slice variables[MAX_VARIABLES];
    int n_variables;
    const char *limit; /* set when something is too large */
    rz_arena *scratch;
} formulas;

static int read_formula(formulas *f, rz_slice t);

static int add(formulas *f, int op, int left, int right)
{
    if (left < 0 || right < 0) return -1;
    if (f->n == MAX_NODES) return f->limit = "the formulas have over 8192 parts", -1;
    f->nodes[f->n] = (node){op, left, right};
    return f->n++;
}

static int variable(formulas *f, rz_slice name)
{
    int i = 0;
    while (i < f->n_variables && !rz_python_equal(f->variables[i], name)) i++;
    if (i == MAX_VARIABLES) return f->limit = "the formulas have over 16 variables", -1;
    if (i == f->n_variables) f->variables[f->n_variables++] = name;
    return add(f, VARIABLE, i, 0);
}

/* Whether the first parenthesis is closed by the last. */
static bool enclosed(rz_slice t)
{
    int level = 0;
    if (t.len < 2 || t.s[0] != '(' || t.s[t.len - 1] != ')') return false;
    for (size_t i = 1; i + 1 < t.len; i++) {
        level += (t.s[i] == '(') - (t.s[i] == ')');
        if (level < 0) return false;
    }
    return level == 0;
}

static size_t last_outside(rz_slice t, const char *sign)
{
    int level = 0;
    for (size_t i = t.len; i-- > 0;) {
        if (t.s[i] == ')')
            level++;
        else if (t.s[i] == '(')
            level--;
        else if (level == 0 && t.len - i >= strlen(sign) && memcmp(t.s + i, sign, strlen(sign)) == 0)
            return i;
    }
    return SIZE_MAX;
}

/* Index of the node, or −1: nothing where a formula should be, or a limit. */
static int read_formula(formulas *f, rz_slice t)
{
    t = rz_python_strip(t);
    while (enclosed(t)) t = rz_python_strip((rz_slice){t.s + 1, t.len - 2});
    if (!t.len) return -1;
    for (int op = IFF; op <= AND; op++) {
        size_t at = last_outside(t, signs[op]);
        if (at == SIZE_MAX) continue;
        int left = read_formula(f, (rz_slice){t.s, at});
        if (left < 0) return -1;
        return add(f, op, left, read_formula(f, rz_python_from(t, at + strlen(signs[op]))));
    }
    if (rz_python_starts(t, signs[NOT])) return add(f, NOT, read_formula(f, rz_python_from(t, strlen(signs[NOT]))), 0);
    return variable(f, t);
}

/* The values of all nodes under 64 assignments: number 64 block … 64 block + 63, bit j of the number is variable j. */
static void evaluate(const formulas *f, uint64_t block, uint64_t *value)
{
    static const uint64_t low[6] = {0xAAAAAAAAAAAAAAAA, 0xCCCCCCCCCCCCCCCC, 0xF0F0F0F0F0F0F0F0, 0xFF00FF00FF00FF00, 0xFFFF0000FFFF0000, 0xFFFFFFFF00000000};
    for (int i = 0; i < f->n; i++) {
        const node *n = &f->nodes[i];
        if (n->op == VARIABLE) {
            value[i] = n->left < 6 ? low[n->left] : block >> (n->left - 6) & 1 ? UINT64_MAX : 0;
            continue;
        }
        uint64_t a = value[n->left], b = n->op == NOT ? 0 : value[n->right];
        value[i] = n->op == NOT ? ~a : n->op == AND ? a & b : n->op == OR ? a | b : n->op == IMPLIES ? ~a | b : ~(a ^ b);
    }
}

/* Whether the answer holds whenever the premises do, and whether it always holds. */
static void judge(const formulas *f, const int *premises, int n_premises, int answer, bool *follows, bool *always)
{
    uint64_t *value = RZ_NEW(f->scratch, f->n, uint64_t);
    *follows = *always = true;
    for (uint64_t block = 0; block < (f->n_variables > 6 ? (uint64_t)1 << (f->n_variables - 6) : 1); block++) {
        evaluate(f, block, value);
        uint64_t given = UINT64_MAX;
        for (int i = 0; i < n_premises; i++) given &= value[premises[i]];
        *follows = *follows && !(given & ~value[answer]);
        *always = *always && value[answer] == UINT64_MAX;
    }
}

/* Capital letters that are no variables of the problem: the answer says too much to be read. */
static bool only_known_letters(rz_slice t, const json_t *variables)
{
    for (size_t i = 0; i < t.len; i++) {
        if (t.s[i] < 'A' || t.s[i] > 'Z') continue;
        bool known = false;
        for (size_t j = 0; j < json_array_size(variables); j++)
            known = known || rz_python_equal(rz_gym_json_text(json_array_get(variables, j)), (rz_slice){t.s + i, 1});
        if (!known) return false;
    }
    return true;
}

static bool read_premises(formulas *f, const json_t *list, int *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        rz_slice text = rz_gym_json_text(json_array_get(list, i));
        if (i == MAX_PREMISES || !text.s || text.len > MAX_FORMULA || (out[i] = read_formula(f, text)) < 0) return false;
    }
    return true;
}

void rz_gym_propositional_logic(const rz_case *c, outcome *o)
{
    const json_t *list = rz_gym_meta(c, o, "premises", JSON_ARRAY), *variables = list ? rz_gym_meta(c, o, "variables", JSON_ARRAY) : NULL;
    if (!variables || !rz_gym_text(c, o, 0, MAX_FORMULA)) return;
    formulas f = {.nodes = RZ_NEW(c->env->scratch, MAX_NODES, node), .scratch = c->env->scratch};
    int premises[MAX_PREMISES];
    bool follows, always;
    if (json_array_size(variables) > 64 || !read_premises(&f, list, premises)) {
        rz_outcome_gold_error(o, "meta.premises or meta.variables is unusable: premises must be formulas");
        return;
    }
    if (!only_known_letters(c->text, variables)) {
        rz_gym_give(c, o, 0, "a capital letter that is none of the variables");
        return;
    }
    int answer = read_formula(&f, c->text);
    if (answer < 0) {
        if (f.limit)
            rz_outcome_error(o, "%s", f.limit);
        else
            rz_gym_give(c, o, 0, "not a formula");
        return;
    }
    judge(&f, premises, (int)json_array_size(list), answer, &follows, &always);
    if (!follows)
        rz_gym_give(c, o, 0.05, "it does not follow from the premises");
    else if (f.nodes[answer].op == VARIABLE || always)
        rz_gym_give(c, o, 0.25, "it follows, but is trivial");
    else
        rz_gym_give(c, o, 1, "it follows from the premises");
}
