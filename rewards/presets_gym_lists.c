/* reasoning-gym's tasks whose answers have parts that are paid one by one: roles, rows, sorted lists, steps, factors. */
#include "rewards/gym.h"
#include "rewards/json_scan.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- knights_knaves ---- */

typedef struct { rz_slice name, role; } assignment;

static bool role_word(rz_slice w)
{
    static const char *const roles[] = {"saint", "sinner", "hero", "villain", "angel", "devil", "altruist",
                                        "egoist", "sage", "fool", "pioneer", "laggard", "knight", "knave"};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (rz_python_equal(w, RZ_SLICE(roles[i]))) return true;
    return false;
}

static int by_text(rz_slice a, rz_slice b)
{
    int d = memcmp(a.s, b.s, a.len < b.len ? a.len : b.len);
    return d ? d : (a.len > b.len) - (a.len < b.len);
}

static int by_assignment(const void *a, const void *b)
{
    const assignment *x = a, *y = b;
    int d = by_text(x->name, y->name);
    return d ? d : by_text(x->role, y->role);
}

/* The set of (name, role) in the text, sorted: a role belongs to the last word before it that is no filler. */
static assignment *assignments(rz_arena *a, rz_slice t, size_t *n)
{
    static const char *const fillers[] = {"is", "a", "an"};
    t = rz_python_strip(rz_python_lower(a, t));
    static const char marks[] = ".,)(";
    char *text = RZ_NEW(a, t.len, char);
    memcpy(text, t.s, t.len);
    for (size_t i = 0; i < t.len; i++)
        if (text[i] && strchr(marks, text[i])) text[i] = ' ';
    t = rz_python_replace(a, (rz_slice){text, t.len}, " and ", " ");
    assignment *all = RZ_NEW(a, t.len / 2 + 1, assignment);
    rz_slice word, name = {0};
    size_t at = 0, kept = 0;
    for (*n = 0; rz_python_word(t, &at, &word);) {
        bool filler = false;
        for (size_t i = 0; i < 3; i++) filler = filler || rz_python_equal(word, RZ_SLICE(fillers[i]));
        if (filler) continue;
        if (!role_word(word)) {
            name = word;
        } else if (name.s) {
            all[(*n)++] = (assignment){name, word};
            name.s = NULL;
        }
    }
    qsort(all, *n, sizeof *all, by_assignment);
    for (size_t i = 0; i < *n; i++)
        if (!kept || by_assignment(&all[kept - 1], &all[i]) != 0) all[kept++] = all[i];
    *n = kept;
    return all;
}

void rz_gym_knights_knaves(const rz_case *c, outcome *o)
{
    rz_slice gold;
    if (!rz_gym_gold(c, o, &gold) || !rz_gym_text(c, o, 0, MAX_ANSWER)) return;
    size_t n, m, same = 0;
    assignment *want = assignments(c->env->scratch, gold, &n), *got = assignments(c->env->scratch, c->text, &m);
    for (size_t i = 0, j = 0; i < n && j < m;) {
        int d = by_assignment(&want[i], &got[j]);
        same += d == 0;
        i += d <= 0;
        j += d >= 0;
    }
    if (n == m && same == n)
        rz_gym_give(c, o, 1, "every role is right");
    else if (n == m && same)
        rz_gym_give(c, o, 0.3 + 0.7 * (double)same / (double)n, "some roles are right");
    else
        rz_gym_give(c, o, 0, "no role is right, or not as many as in the answer");
}

/* ---- mini_sudoku ---- */

/* Whether the texts are the same but for white space at the ends of lines. */
static bool same_lines(rz_slice a, rz_slice b)
{
    rz_slice x, y;
    size_t i = 0, j = 0;
    for (;;) {
        bool more_a = rz_python_piece(a, "\n", &i, &x), more_b = rz_python_piece(b, "\n", &j, &y);
        if (!more_a || !more_b) return more_a == more_b;
        if (!rz_python_equal(rz_python_rstrip(x), rz_python_rstrip(y))) return false;
    }
}

/* Cells that agree: the rows are the lines with as many digits 1 … 9 as the board is wide. */
static int matching_cells(rz_slice t, const json_t *solution, size_t width)
{
    rz_slice line;
    size_t at = 0, row = 0, n;
    int matching = 0;
    while (row < json_array_size(solution) && rz_python_piece(t, "\n", &at, &line)) {
        int agreeing = 0;
        n = 0;
        for (size_t i = 0; i < line.len; i++) {
            if (line.s[i] < '1' || line.s[i] > '9') continue;
            const json_t *cells = json_array_get(solution, row);
            if (n < width) agreeing += json_is_integer(json_array_get(cells, n)) && json_integer_value(json_array_get(cells, n)) == line.s[i] - '0';
            n++;
        }
        if (n != width) continue;
        matching += agreeing;
        row++;
    }
    return matching;
}

void rz_gym_mini_sudoku(const rz_case *c, outcome *o)
{
    rz_slice gold;
    const json_t *solution;
    if (!rz_gym_gold(c, o, &gold) || !(solution = rz_gym_meta(c, o, "solution", JSON_ARRAY)) || !rz_gym_text(c, o, 0, MAX_COMPLETION)) return;
    size_t width = json_array_size(json_array_get(solution, 0)), len = rz_python_len(c->text), gold_len = rz_python_len(gold);
    if (!width) {
        rz_outcome_gold_error(o, "meta.solution must be a list of rows");
        return;
    }
    bool same = same_lines(c->text, gold);
    double points = same ? 1 : (double)matching_cells(c->text, solution, width) / (double)(width * width) * 0.9;
    if (len > gold_len) points *= (double)gold_len / (double)len;
    rz_gym_give(c, o, points, len > gold_len ? "less for a text that is longer than the answer" : same ? "the answer" : "0.9 of the share of right cells");
}

/* ---- number_sorting ---- */

/* float() of a member of a JSON list. */
static bool member_number(rz_arena *a, const rz_scan_member *m, double *out)
{
    if (m->type == RZ_SCAN_BOOL) return *out = m->value.s[0] == 't', true;
    if (m->type == RZ_SCAN_STRING) return rz_python_float(a, rz_json_unquote(m->value, a), out);
    if (m->type != RZ_SCAN_INT && m->type != RZ_SCAN_REAL) return false;
    return rz_python_float(a, m->value, out) && (m->type == RZ_SCAN_REAL || isfinite(*out));
}

/* The text as a list of numbers, quotes of either kind. */
static bool number_list(rz_arena *a, rz_slice t, double **numbers, size_t *n)
{
    t = rz_python_replace(a, t, "'", "\"");
    rz_scan s = {.members = RZ_NEW(a, t.len / 2 + 1, rz_scan_member), .room = t.len / 2 + 1};
    if (rz_json_scan(t, &s) != RZ_SCAN_VALID || s.type != RZ_SCAN_LIST) return false;
    *n = s.n;
    *numbers = RZ_NEW(a, s.n + 1, double);
    for (size_t i = 0; i < s.n; i++)
        if (!member_number(a, &s.members[i], &(*numbers)[i])) return false;
    return true;
}

void rz_gym_number_sorting(const rz_case *c, outcome *o)
{
    rz_slice gold;
    const json_t *direction;
    double *want, *got;
    size_t n, m;
    if (!rz_gym_gold(c, o, &gold) || !(direction = rz_gym_meta(c, o, "direction", JSON_STRING)) || !rz_gym_text(c, o, 0, MAX_ANSWER)) return;
    bool ascending = strcmp(json_string_value(direction), "ascending") == 0;
    if (!number_list(c->env->scratch, gold, &want, &n)) {
        rz_outcome_gold_error(o, "the answer of the problem is no list of numbers");
    } else if (!number_list(c->env->scratch, c->text, &got, &m) || m != n) {
        rz_gym_give(c, o, 0, "no JSON list of as many numbers as in the answer");
    } else {
        for (size_t i = 0; i < n; i++) {
            bool apart = fabs(got[i] - want[i]) > 1; /* false for nan, as in the original */
            if (apart || (i && (ascending ? got[i] < got[i - 1] : got[i - 1] < got[i]))) {
                rz_gym_give(c, o, 0, apart ? "a number is over 1 away from the answer's" : "not in order");
                return;
            }
        }
        rz_gym_give(c, o, 1, "in order, and each within 1 of the answer's");
    }
}

/* ---- word_sorting ---- */

static int by_word(const void *a, const void *b) { return by_text(*(const rz_slice *)a, *(const rz_slice *)b); }

/* The words between commas, without the white space around them. Commas that touch part empty words. */
static rz_slice *comma_words(rz_arena *a, rz_slice t, size_t *n)
{
    *n = rz_python_count(t, ",") + 1;
    rz_slice *words = RZ_NEW(a, *n, rz_slice), word;
    size_t at = 0;
    for (size_t i = 0; rz_python_piece(t, ",", &at, &word); i++) words[i] = rz_python_strip(word);
    return words;
}

void rz_gym_word_sorting(const rz_case *c, outcome *o)
{
    const json_t *sorted = rz_gym_meta(c, o, "sorted_words", JSON_ARRAY);
    size_t n = json_array_size(sorted), m, in_place = 0;
    if (!sorted || !rz_gym_text(c, o, 0, MAX_ANSWER)) return;
    rz_slice *want = RZ_NEW(c->env->scratch, n + 1, rz_slice), *got = comma_words(c->env->scratch, c->text, &m);
    for (size_t i = 0; i < n; i++) {
        want[i] = rz_gym_json_text(json_array_get(sorted, i));
        if (!want[i].s) n = 0;
    }
    if (!n) {
        rz_outcome_gold_error(o, "meta.sorted_words must be a list of words");
        return;
    }
    for (size_t i = 0; i < n && i < m; i++) in_place += rz_python_equal(want[i], got[i]);
    double points = (double)in_place / (double)n;
    if (m == n && in_place == n) {
        rz_gym_give(c, o, 1, "the words in their order");
        return;
    }
    bool same_words = n == m;
    qsort(want, n, sizeof *want, by_word);
    qsort(got, m, sizeof *got, by_word);
    for (size_t i = 0; same_words && i < n; i++) same_words = rz_python_equal(want[i], got[i]);
    rz_gym_give(c, o, same_words && points < 0.2 ? 0.2 : points, "the share of words in their place, at least 0.2 for the right words");
}

/* ---- shortest_path ---- */

static bool find_cell(const json_t *matrix, const char *mark, int *row, int *column)
{
    size_t r, k;
    const json_t *cells, *cell;
    json_array_foreach(matrix, r, cells)
        json_array_foreach(cells, k, cell)
            if (json_is_string(cell) && strcmp(json_string_value(cell), mark) == 0) return *row = (int)r, *column = (int)k, true;
    return false;
}

/* Whether the steps lead from * to # without crossing X; *n is their number, counted to the first that is wrong. */
static bool leads(const json_t *matrix, rz_slice steps, int row, int column, int to_row, int to_column, size_t *n)
{
    static const struct { const char *name; int down, right; } moves[] = {{"right", 0, 1}, {"down", 1, 0}, {"left", 0, -1}, {"up", -1, 0}};
    int rows = (int)json_array_size(matrix), columns = (int)json_array_size(json_array_get(matrix, 0));
    rz_slice step;
    size_t at = 0;
    for (*n = 0; rz_python_word(steps, &at, &step); ++*n) {
        int i = 0;
        while (i < 4 && !rz_python_equal(step, RZ_SLICE(moves[i].name))) i++;
        if (i == 4) return false;
        row += moves[i].down;
        column += moves[i].right;
        if (row < 0 || row >= rows || column < 0 || column >= columns) return false;
        const char *cell = json_string_value(json_array_get(json_array_get(matrix, (size_t)row), (size_t)column));
        if (!cell || strcmp(cell, "X") == 0) return false;
    }
    return row == to_row && column == to_column;
}

void rz_gym_shortest_path(const rz_case *c, outcome *o)
{
    rz_slice gold, word;
    const json_t *matrix;
    int row, column, to_row, to_column;
    size_t at = 0, n = 0, steps;
    if (!rz_gym_gold(c, o, &gold) || !(matrix = rz_gym_meta(c, o, "matrix", JSON_ARRAY)) || !rz_gym_text(c, o, 0, MAX_COMPLETION)) return;
    if (rz_python_equal(rz_python_strip(gold), rz_python_strip(c->text))) {
        rz_gym_give(c, o, 1, "the answer");
        return;
    }
    if (!find_cell(matrix, "*", &row, &column) || !find_cell(matrix, "#", &to_row, &to_column)) {
        rz_outcome_gold_error(o, "meta.matrix has no * or no #");
        return;
    }
    while (rz_python_word(gold, &at, &word)) n++;
    if (!leads(matrix, c->text, row, column, to_row, to_column, &steps))
        rz_gym_give(c, o, 0, "not a path to the goal");
    else
        rz_gym_give(c, o, steps == n ? 1 : 0.5, steps == n ? "a path as short as the answer" : "a path, but not as short as the answer");
}

/* ---- prime_factorization ---- */

typedef struct {
    rz_python_integer *factors; /* sorted by value */
    size_t n;
} factors;

static int by_integer(const void *a, const void *b)
{
    const rz_python_integer *x = a, *y = b;
    if (x->negative != y->negative) return x->negative ? -1 : 1;
    int d = x->digits.len != y->digits.len ? (x->digits.len > y->digits.len ? 1 : -1) : memcmp(x->digits.s, y->digits.s, x->digits.len);
    return x->negative ? -d : d;
}

/* False when a piece is no whole number: the original raises. */
static bool read_factors(rz_arena *a, rz_slice t, factors *out)
{
    size_t at = 0;
    rz_slice piece;
    *out = (factors){RZ_NEW(a, rz_python_count(t, "×") + 1, rz_python_integer), 0};
    while (rz_python_piece(t, "×", &at, &piece)) {
        piece = rz_python_strip(piece);
        if (piece.len && !rz_python_int(a, piece, &out->factors[out->n++])) return false;
    }
    qsort(out->factors, out->n, sizeof *out->factors, by_integer);
    return true;
}

/* The product while it stays below 2^127; *fits is false from then on. A factor of 0 makes 0 of any product. */
static rz_int128 product(const factors *f, bool *fits)
{
    rz_int128 p = 1;
    *fits = true;
    for (size_t i = 0; i < f->n; i++) {
        int64_t v = 0;
        bool small = rz_python_int_small(f->factors[i], &v);
        if (small && !v) return *fits = true, 0;
        *fits = *fits && small && !__builtin_mul_overflow(p, (rz_int128)v, &p);
    }
    return p;
}

void rz_gym_prime_factorization(const rz_case *c, outcome *o)
{
    rz_slice gold;
    factors want, got;
    bool fits, gold_fits, same;
    if (!rz_gym_gold(c, o, &gold)) return;
    if (!c->text.s) {
        rz_gym_give(c, o, 0, "there is no answer");
        return;
    }
    if (c->text.len > MAX_ANSWER) {
        rz_outcome_error(o, "the text is over 65536 bytes: give the rule a smaller view");
        return;
    }
    if (!read_factors(c->env->scratch, gold, &want)) {
        rz_outcome_gold_error(o, "the answer of the problem is no product of whole numbers");
        return;
    }
    if (!read_factors(c->env->scratch, c->text, &got)) {
        rz_outcome_error(o, "a factor is no whole number: the original raises ValueError");
        return;
    }
    same = want.n == got.n;
    for (size_t i = 0; same && i < want.n; i++) same = rz_python_int_equal(want.factors[i], got.factors[i]);
    rz_int128 p = product(&got, &fits), wanted = product(&want, &gold_fits);
    if (same)
        rz_gym_give(c, o, 1, "the factors of the answer");
    else if (fits && gold_fits && p == wanted)
        rz_gym_give(c, o, 0.5, "the right product of other factors");
    else
        rz_gym_give(c, o, 0.01, "another product");
}
