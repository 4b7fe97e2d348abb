/* Verifiers of answers that have parts, or of which many are right: lists, who is what, sudokus, ways through a grid, stack programs. What is right follows from
 * the problem, not from one solution of it. Linear in the text, but for a list without an order: its items times those of the gold. */
#include "rewards/internal.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 128, MAX_SEPARATORS = 8, MAX_SIDE = 16, MAX_CELLS = 64 * 64, MAX_WORDS = 1024 };

/* What was found, and what will do. */
static void show(outcome *o, const rz_case *c, const char *expected)
{
    rz_slice t = rz_trim(c->text);
    rz_show(o->found, sizeof o->found, t.s, t.len);
    rz_show(o->expected, sizeof o->expected, expected, strlen(expected));
}

#define FAIL(o, ...) rz_outcome_scored(o, false, 0, __VA_ARGS__)
#define PASS(o) rz_outcome_scored(o, true, 1, "passed")

static bool starts(rz_slice t, const char *with) { return t.len >= strlen(with) && memcmp(t.s, with, strlen(with)) == 0; }
static rz_slice from(rz_slice t, size_t n) { return (rz_slice){t.s + n, t.len - n}; }

/* ---- list ---- */

typedef struct {
    rz_slice item[MAX_ITEMS];
    int n;
} list;

/* "[1, 2]" is "1, 2". */
static rz_slice without_brackets(rz_slice t)
{
    static const char *const pairs[] = {"[]", "()", "{}"};
    t = rz_trim(t);
    for (int i = 0; i < 3; i++)
        if (t.len >= 2 && t.s[0] == pairs[i][0] && t.s[t.len - 1] == pairs[i][1]) return (rz_slice){t.s + 1, t.len - 2};
    return t;
}

/* NULL, or what is wrong with it. */
static const char *split(rz_slice t, const json_t *separators, list *out)
{
    size_t begin = 0, skip;
    out->n = 0;
    t = without_brackets(t);
    for (size_t i = 0; i <= t.len; i += skip) {
        skip = 1;
        bool ends = i == t.len;
        for (size_t k = 0; !ends && k < json_array_size(separators); k++) {
            const char *s = json_string_value(json_array_get(separators, k));
            if ((ends = starts(from(t, i), s))) skip = strlen(s);
        }
        if (!ends) continue;
        rz_slice item = rz_trim((rz_slice){t.s + begin, i - begin});
        if (!item.len) return "an item of the list is empty";
        if (out->n == MAX_ITEMS) return "the list has over 128 items";
        out->item[out->n++] = item;
        begin = i + skip;
    }
    return NULL;
}

static bool gold_list(const rz_case *c, const json_t *separators, list *out, outcome *o)
{
    const json_t *item;
    size_t i;
    const char *wrong = NULL;
    out->n = 0;
    if (json_is_string(c->gold)) {
        wrong = split(rz_case_gold(c), separators, out);
    } else if (!json_is_array(c->gold) || !json_array_size(c->gold) || json_array_size(c->gold) > MAX_ITEMS) {
        wrong = "it must be a text, or a list of 1 to 128 texts or whole numbers";
    } else {
        json_array_foreach(c->gold, i, item) {
            char *digits = RZ_NEW(c->env->scratch, 24, char);
            snprintf(digits, 24, "%" JSON_INTEGER_FORMAT, json_integer_value(item));
            if (!json_is_string(item) && !json_is_integer(item)) wrong = "an item is neither a text nor a whole number";
            out->item[out->n++] = json_is_string(item) ? (rz_slice){json_string_value(item), json_string_length(item)} : (rz_slice){digits, strlen(digits)};
        }
    }
    if (wrong) rz_outcome_gold_error(o, "the problem's list is none: %s", wrong);
    return !wrong;
}

static const rz_comparer *comparer_of(const json_t *params)
{
    const char *name = json_string_value(json_object_get(params, "items"));
    static const char *const exact[] = {"string", "casefold", "int", "decimal", "rational"};
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (strcmp(exact[i], name) == 0) return rz_comparer_find(name);
    return NULL;
}

static bool same(const rz_case *c, const rz_comparer *by, rz_slice found, rz_slice gold)
{
    size_t mark = c->env->scratch->used;
    bool equal = by->compare(c->env, found, gold, NULL) == RZ_EQUAL;
    rz_arena_release(c->env->scratch, mark);
    return equal;
}

static void score_list(const rz_case *c, outcome *o)
{
    const json_t *separators = rz_param(c, "separators");
    const rz_comparer *by = comparer_of(c->params);
    bool ordered = rz_param_bool(c, "ordered"), used[MAX_ITEMS] = {false};
    list found, gold;
    char expected[32];
    if (!gold_list(c, separators, &gold, o)) return;
    snprintf(expected, sizeof expected, "%d items", gold.n);
    show(o, c, json_is_string(c->gold) ? json_string_value(c->gold) : expected);
    for (int i = 0; i < gold.n; i++) {
        if (same(c, by, gold.item[i], gold.item[i])) continue;
        rz_outcome_gold_error(o, "item %d of the problem's list is not %s", i + 1, by->wanted);
        return;
    }
    const char *wrong = split(c->text, separators, &found);
    if (wrong)
        FAIL(o, "%s", wrong);
    else if (found.n != gold.n)
        FAIL(o, "has %d items, must have %d", found.n, gold.n);
    for (int i = 0; !wrong && found.n == gold.n && i < found.n; i++) {
        int k = ordered ? i : 0;
        while (k < gold.n && (used[k] || !same(c, by, found.item[i], gold.item[k]))) k = ordered ? gold.n : k + 1;
        if (k == gold.n) {
            FAIL(o, ordered ? "item %d is another (compared as %s)" : "item %d is not one of them, or once too often (compared as %s)", i + 1, by->name);
            return;
        }
        used[k] = true;
        if (i == found.n - 1) PASS(o);
    }
}

static bool check_list(const json_t *params, rz_err *err)
{
    const json_t *separators = json_object_get(params, "separators"), *s;
    size_t i, n = json_array_size(separators);
    if (!comparer_of(params))
        return rz_fail(err, RZ_ECONFIG, "items is '%.40s', must be one of string, casefold, int, decimal, rational", json_string_value(json_object_get(params, "items")));
    json_array_foreach(separators, i, s) if (!json_string_length(s)) n = 0;
    return (n >= 1 && n <= MAX_SEPARATORS) || rz_fail(err, RZ_ECONFIG, "separators must hold 1 to %d texts, none of them empty", MAX_SEPARATORS);
}

/* ---- assignment ---- */

/* "Ann is a knight" → " is a knight" when it begins with the name and the name ends there. */
static bool takes_name(rz_slice *t, const char *name)
{
    size_t n = strlen(name);
    if (!starts(*t, name) || (t->len > n && (isalnum((unsigned char)t->s[n]) || t->s[n] == '_'))) return false;
    *t = from(*t, n);
    return true;
}

static rz_slice value_of(rz_slice t)
{
    static const char *const signs[] = {"is ", ":", "="}, *const articles[] = {"a ", "an ", "the "};
    t = rz_trim(t);
    for (int i = 0; i < 3; i++)
        if (starts(t, signs[i])) {
            t = rz_trim(from(t, strlen(signs[i])));
            for (int k = 0; k < 3; k++)
                if (starts(t, articles[k])) return rz_trim(from(t, strlen(articles[k])));
            return t;
        }
    return (rz_slice){t.s, 0};
}

static void score_assignment(const rz_case *c, outcome *o)
{
    const json_t *between = json_pack("[s,s,s,s]", ",", ";", "\n", " and "), *v;
    json_t *open = json_is_object(c->gold) ? json_copy((json_t *)c->gold) : json_object();
    const char *name = NULL;
    list parts;
    rz_slice text = rz_trim(c->text);
    bool ok = json_object_size(open) > 0;
    json_object_foreach(open, name, v) ok = ok && *name && json_string_length(v);
    show(o, c, "for every name its value");
    if (text.len && text.s[text.len - 1] == '.') text.len--;
    const char *wrong = ok ? split(text, between, &parts) : NULL;
    if (!ok) rz_outcome_gold_error(o, "the problem has no map of names to values");
    else if (wrong) FAIL(o, "%s", wrong);
    for (int i = 0; ok && !wrong && i < parts.n; i++) {
        rz_slice rest = parts.item[i], value;
        const char *found = NULL;
        json_object_foreach(open, name, v) {
            rest = parts.item[i];
            if (takes_name(&rest, name)) {
                found = name;
                break;
            }
        }
        if (!found) FAIL(o, "part %d is about nobody who is asked for, or about somebody again", i + 1);
        if (!found) break;
        value = value_of(rest);
        v = json_object_get(open, found);
        if (value.len != json_string_length(v) || memcmp(value.s, json_string_value(v), value.len) != 0) {
            FAIL(o, "what is said of %.60s is wrong, or is not in the form NAME is VALUE", found);
            break;
        }
        json_object_del(open, found);
        if (i < parts.n - 1) continue;
        if (json_object_size(open)) FAIL(o, "nothing is said of %.60s", json_object_iter_key(json_object_iter(open)));
        else PASS(o);
    }
    json_decref(open);
    json_decref((json_t *)between);
}

/* ---- sudoku ---- */

/* Rows of symbols, by newlines or slashes; blanks and commas between symbols mean nothing. NULL, or what is wrong. */
static const char *read_rows(rz_slice t, const char *symbols, int side, char cells[MAX_SIDE][MAX_SIDE])
{
    int row = 0, column = 0;
    t = rz_trim(t);
    for (size_t i = 0; i <= t.len; i++) {
        char ch = i < t.len ? t.s[i] : '\n';
        if (ch == '\n' || ch == '/') {
            if (column && column != side) return "a row is too short";
            row += column > 0;
            column = 0;
        } else if (ch && strchr(symbols, ch)) {
            if (row == side) return "there are too many rows";
            if (column == side) return "a row is too long";
            cells[row][column++] = ch;
        } else if (ch != ' ' && ch != ',' && ch != '\t' && ch != '\r') {
            return "there is something that is no symbol";
        }
    }
    return row == side ? NULL : "there are too few rows";
}

/* The rows of the problem; each place is a symbol, or the blank. */
static bool gold_rows(const rz_case *c, const char *symbols, char blank, int side, outcome *o, const char *rows[MAX_SIDE])
{
    bool ok = json_is_array(c->gold) && json_array_size(c->gold) == (size_t)side;
    for (int i = 0; ok && i < side; i++) {
        const json_t *row = json_array_get(c->gold, (size_t)i);
        ok = json_is_string(row) && json_string_length(row) == (size_t)side;
        rows[i] = json_string_value(row);
        for (int k = 0; ok && k < side; k++) ok = rows[i][k] && (rows[i][k] == blank || strchr(symbols, rows[i][k]));
    }
    if (!ok) rz_outcome_gold_error(o, "the problem's grid is no list of %d texts of %d symbols or blanks", side, side);
    return ok;
}

/* The first group (row, column or box) with a symbol twice, or NULL. */
static const char *broken_rule(const char *symbols, int side, int box_rows, int box_columns, char cells[MAX_SIDE][MAX_SIDE])
{
    static const char *const names[] = {"a row holds a symbol twice", "a column holds a symbol twice", "a box holds a symbol twice"};
    for (int kind = 0; kind < (box_rows ? 3 : 2); kind++)
        for (int group = 0; group < side; group++) {
            unsigned seen = 0;
            for (int i = 0; i < side; i++) {
                int row = kind == 0 ? group : i, column = kind == 0 ? i : group;
                if (kind == 2) {
                    row = group / (side / box_columns) * box_rows + i / box_columns;
                    column = group % (side / box_columns) * box_columns + i % box_columns;
                }
                unsigned bit = 1u << (strchr(symbols, cells[row][column]) - symbols);
                if (seen & bit) return names[kind];
                seen |= bit;
            }
        }
    return NULL;
}

static void score_sudoku(const rz_case *c, outcome *o)
{
    const char *symbols = rz_param_text(c, "symbols"), *rows[MAX_SIDE], *wrong;
    char blank = rz_param_text(c, "blank")[0], cells[MAX_SIDE][MAX_SIDE];
    int side = (int)strlen(symbols);
    if (!gold_rows(c, symbols, blank, side, o, rows)) return;
    show(o, c, "every symbol once in each row, column and box, and what is given kept");
    if ((wrong = read_rows(c->text, symbols, side, cells))) {
        FAIL(o, "%s", wrong);
        return;
    }
    for (int i = 0; i < side; i++)
        for (int k = 0; k < side; k++)
            if (rows[i][k] != blank && rows[i][k] != cells[i][k]) {
                FAIL(o, "row %d, column %d is %c, but %c is given there", i + 1, k + 1, cells[i][k], rows[i][k]);
                return;
            }
    if ((wrong = broken_rule(symbols, side, (int)rz_param_int(c, "box_rows"), (int)rz_param_int(c, "box_columns"), cells)))
        FAIL(o, "%s", wrong);
    else
        PASS(o);
}

static bool check_sudoku(const json_t *params, rz_err *err)
{
    const char *symbols = json_string_value(json_object_get(params, "symbols")), *blank = json_string_value(json_object_get(params, "blank"));
    json_int_t rows = json_integer_value(json_object_get(params, "box_rows")), columns = json_integer_value(json_object_get(params, "box_columns"));
    size_t n = strlen(symbols);
    bool ok = n >= 2 && n <= MAX_SIDE;
    for (size_t i = 0; ok && i < n; i++) ok = isalnum((unsigned char)symbols[i]) && strchr(symbols, symbols[i]) == symbols + i;
    if (!ok) return rz_fail(err, RZ_ECONFIG, "symbols is '%.40s', must be 2 to %d different letters and digits", symbols, MAX_SIDE);
    if (strlen(blank) != 1 || strchr(symbols, blank[0]) || isspace((unsigned char)blank[0]))
        return rz_fail(err, RZ_ECONFIG, "blank is '%.40s', must be one character that is no symbol", blank);
    if ((rows == 0 && columns == 0) || (rows > 0 && columns > 0 && rows <= MAX_SIDE && columns <= MAX_SIDE && rows * columns == (json_int_t)n)) return true;
    return rz_fail(err, RZ_ECONFIG, "a box has %" JSON_INTEGER_FORMAT " rows and %" JSON_INTEGER_FORMAT " columns, must have as many cells as there are symbols (%zu); 0 and 0: no boxes",
                   rows, columns, n);
}

/* ---- path ---- */

typedef struct {
    const char *row[64];
    int height, width, start, goal, distance; /* of the shortest way; −1: there is none */
} map;

static int neighbour(const map *m, int at, int move, char wall)
{
    static const int down[] = {-1, 1, 0, 0}, right[] = {0, 0, -1, 1};
    int y = at / m->width + down[move], x = at % m->width + right[move];
    return y < 0 || x < 0 || y >= m->height || x >= m->width || m->row[y][x] == wall ? -1 : y * m->width + x;
}

static void measure(map *m, char wall)
{
    int queue[MAX_CELLS], distance[MAX_CELLS], first = 0, last = 0;
    for (int i = 0; i < m->width * m->height; i++) distance[i] = -1;
    queue[last++] = m->start;
    distance[m->start] = 0;
    while (first < last) {
        int at = queue[first++];
        for (int move = 0; move < 4; move++) {
            int to = neighbour(m, at, move, wall);
            if (to < 0 || distance[to] >= 0) continue;
            distance[to] = distance[at] + 1;
            queue[last++] = to;
        }
    }
    m->distance = distance[m->goal];
}

static bool gold_map(const rz_case *c, char wall, outcome *o, map *m)
{
    size_t n = json_array_size(c->gold);
    int starts_seen = 0, goals = 0;
    bool ok = json_is_array(c->gold) && n >= 1 && n <= 64;
    *m = (map){.height = (int)n, .width = (int)json_string_length(json_array_get(c->gold, 0))};
    ok = ok && m->width >= 1 && m->width <= 64;
    for (int y = 0; ok && y < m->height; y++) {
        const json_t *row = json_array_get(c->gold, (size_t)y);
        ok = json_is_string(row) && json_string_length(row) == (size_t)m->width;
        m->row[y] = json_string_value(row);
        for (int x = 0; ok && x < m->width; x++) {
            if (m->row[y][x] == rz_param_text(c, "start")[0]) m->start = y * m->width + x, starts_seen++;
            if (m->row[y][x] == rz_param_text(c, "goal")[0]) m->goal = y * m->width + x, goals++;
        }
    }
    ok = ok && starts_seen == 1 && goals == 1;
    if (ok) measure(m, wall);
    if (ok && m->distance > 0) return true;
    rz_outcome_gold_error(o, "the problem's grid is no list of 1 to 64 texts of one length (at most 64) with one start, one goal and a way between them");
    return false;
}

static void score_path(const rz_case *c, outcome *o)
{
    const char *moves = rz_param_text(c, "moves");
    char wall = rz_param_text(c, "wall")[0], expected[80];
    bool shortest = rz_param_bool(c, "shortest");
    map m;
    if (!gold_map(c, wall, o, &m)) return;
    snprintf(expected, sizeof expected, shortest ? "a way from start to goal of %d moves" : "a way from start to goal (the shortest has %d moves)", m.distance);
    show(o, c, expected);
    int at = m.start, n = 0;
    for (size_t i = 0; i < c->text.len; i++) {
        if (rz_is_space(c->text.s[i]) || c->text.s[i] == ',') continue;
        const char *move = c->text.s[i] ? strchr(moves, toupper((unsigned char)c->text.s[i])) : NULL;
        if (!move) {
            FAIL(o, "byte %zu is no move: moves are %s", i + 1, moves);
            return;
        }
        n++;
        if ((at = neighbour(&m, at, (int)(move - moves), wall)) < 0) {
            FAIL(o, "move %d leads into a wall or out of the grid", n);
            return;
        }
    }
    if (at != m.goal)
        FAIL(o, "it does not end at the goal");
    else if (shortest && n != m.distance)
        FAIL(o, "it has %d moves, the shortest way has %d", n, m.distance);
    else
        PASS(o);
}

static bool check_path(const json_t *params, rz_err *err)
{
    static const char *const one[] = {"start", "goal", "wall"};
    const char *moves = json_string_value(json_object_get(params, "moves"));
    bool ok = strlen(moves) == 4;
    for (int i = 0; ok && i < 4; i++) ok = isupper((unsigned char)moves[i]) && strchr(moves, moves[i]) == moves + i;
    if (!ok) return rz_fail(err, RZ_ECONFIG, "moves is '%.40s', must be four different capitals: for up, down, left and right", moves);
    for (int i = 0; i < 3; i++)
        if (json_string_length(json_object_get(params, one[i])) != 1) return rz_fail(err, RZ_ECONFIG, "%s must be one character", one[i]);
    return true;
}

/* ---- stack_program ---- */

#define STACK_LIMIT 1000000000 /* of a value: products fit in 64 bits */

typedef struct {
    int64_t stack[MAX_WORDS];
    int depth;
} machine;

/* NULL, or what is wrong. */
static const char *run_word(machine *m, rz_slice word)
{
    static const struct { const char *name; int takes; } words[] = {{"+", 2}, {"-", 2}, {"*", 2}, {"dup", 1}, {"swap", 2}, {"drop", 1}, {"over", 2}};
    char text[12] = "", *end;
    snprintf(text, sizeof text, "%.*s", (int)(word.len < 11 ? word.len : 11), word.s);
    int64_t *top = m->stack + m->depth, value = strtol(text, &end, 10);
    int which = -1;
    for (int i = 0; i < 7; i++) which = strcmp(words[i].name, text) == 0 ? i : which;
    if (which < 0 && (*end || end == text || word.len > 9)) return "it is neither a number nor a word of the machine";
    if (which >= 0 && m->depth < words[which].takes) return "there are too few numbers on the stack";
    switch (which) {
    case 0: top[-2] += top[-1], m->depth--; break;
    case 1: top[-2] -= top[-1], m->depth--; break;
    case 2: top[-2] *= top[-1], m->depth--; break;
    case 3: top[0] = top[-1], m->depth++; break;
    case 4: value = top[-1], top[-1] = top[-2], top[-2] = value; break;
    case 5: m->depth--; break;
    case 6: top[0] = top[-2], m->depth++; break;
    default: top[0] = value, m->depth++;
    }
    return m->depth && llabs(m->stack[m->depth - 1]) > STACK_LIMIT ? "a value is over 1,000,000,000" : NULL;
}

static bool is_known(const json_t *words, rz_slice word)
{
    const json_t *w;
    size_t i;
    json_array_foreach(words, i, w) if (json_string_length(w) == word.len && memcmp(json_string_value(w), word.s, word.len) == 0) return true;
    return false;
}

static void score_stack_program(const rz_case *c, outcome *o)
{
    const json_t *words = json_object_get(c->meta, "words"), *max = json_object_get(c->meta, "max_words"), *target = json_object_get(c->meta, "target");
    json_int_t max_words = json_integer_value(max);
    machine m = {.depth = 0};
    char expected[80];
    if (!json_is_array(words) || json_array_size(words) > 64 || !json_is_integer(max) || max_words < 1 || max_words > MAX_WORDS || !json_is_integer(target)) {
        rz_outcome_gold_error(o, "the problem's meta must hold words (a list of at most 64), max_words (1 to %d) and target", MAX_WORDS);
        return;
    }
    snprintf(expected, sizeof expected, "at most %" JSON_INTEGER_FORMAT " words that leave only %" JSON_INTEGER_FORMAT, max_words, json_integer_value(target));
    show(o, c, expected);
    rz_slice rest = rz_trim(c->text), word;
    for (json_int_t n = 0; rest.len; rest = rz_trim(from(rest, word.len)), n++) {
        for (word = (rz_slice){rest.s, 0}; word.len < rest.len && !rz_is_space(rest.s[word.len]);) word.len++;
        const char *wrong = n == max_words ? "there are too many words" : !is_known(words, word) ? "it is no word that may be used" : run_word(&m, word);
        if (wrong) {
            FAIL(o, "word %" JSON_INTEGER_FORMAT ": %s", n + 1, wrong);
            return;
        }
    }
    if (m.depth != 1)
        FAIL(o, "it leaves %d numbers, must leave one", m.depth);
    else if (m.stack[0] != json_integer_value(target))
        FAIL(o, "it leaves %" PRId64 ", must leave %" JSON_INTEGER_FORMAT, m.stack[0], json_integer_value(target));
    else
        PASS(o);
}

const rz_verifier rz_verifiers_tasks[] = {
    {.name = "list", .about = "a list whose items are those of the gold, in its order or in any; an item compared as text or number",
     .params = "{\"items\": \"string\", \"ordered\": true, \"separators\": [\",\"]}", .gold = "answer: the list as text; or a list of meta", .top = 1,
     .score = score_list, .check = check_list},
    {.name = "assignment", .about = "for every name its value: Ann is a knight, Bob is a knave; each once, in any order", .gold = "a map of meta: name to value", .top = 1,
     .score = score_assignment},
    {.name = "sudoku", .about = "a grid with every symbol once in each row, column and box that keeps what is given",
     .params = "{\"symbols\": \"123456789\", \"blank\": \"_\", \"box_rows\": 3, \"box_columns\": 3}", .gold = "a list of meta: the rows as texts, with blanks", .top = 1,
     .score = score_sudoku, .check = check_sudoku},
    {.name = "path", .about = "moves that lead from the start to the goal of a grid around its walls",
     .params = "{\"moves\": \"UDLR\", \"start\": \"S\", \"goal\": \"G\", \"wall\": \"#\", \"shortest\": true}", .gold = "a list of meta: the rows as texts", .top = 1,
     .score = score_path, .check = check_path},
    {.name = "stack_program", .about = "a program for a stack machine (numbers, + - * dup swap drop over) that leaves the target and nothing else",
     .gold = "meta: words, max_words, target", .top = 1, .score = score_stack_program},
};
const int rz_n_verifiers_tasks = sizeof rz_verifiers_tasks / sizeof *rz_verifiers_tasks;
