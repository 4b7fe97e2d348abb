#include "data/tasks/draft.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* {A} {B}: names; {t}: things; {x} {y} {z}: numbers from 2 to `largest`; {m} {n}: numbers from 2 to 12. The answer in reverse Polish: letters are those numbers,
 * digits are themselves. A result below 0 or a division that leaves a rest makes no problem. */
typedef struct {
    int steps;
    const char *text, *answer;
} template;

static const template templates[] = {
    {1, "{A} has {x} {t}. {B} gives {A} {y} more. How many {t} does {A} have now?", "x y +"},
    {1, "{A} had {x} {t} and gave {y} of them to {B}. How many {t} does {A} have left?", "x y -"},
    {1, "{A} fills {m} boxes with {x} {t} each. How many {t} are that?", "m x *"},
    {1, "{A} shares {x} {t} equally among {m} friends. How many {t} does each friend get?", "x m /"},
    {1, "{A} is {x} years old, and {B} is {y} years older. How old is {B}?", "x y +"},
    {1, "There were {x} {t} in a shop in the morning and {y} in the evening. How many were sold?", "x y -"},
    {2, "{A} has {x} {t}, and {B} has {m} times as many. How many {t} do they have together?", "x m * x +"},
    {2, "{A} buys {m} bags of {x} {t} and loses {y} of the {t}. How many {t} are left?", "m x * y -"},
    {2, "A ticket for a child costs {x} coins, one for an adult {y} coins. How many coins do {m} children and one adult pay?", "m x * y +"},
    {2, "{A} reads {x} pages on Monday and {y} pages on Tuesday. The book has {z} pages. How many pages are left?", "z x - y -"},
    {2, "{A} and {B} pick {x} and {y} {t} and share them equally. How many {t} does each of them get?", "x y + 2 /"},
    {2, "{A} saves {x} coins a week. How many coins are missing after {m} weeks for a bicycle that costs {z} coins?", "z x m * -"},
    {2, "A bus with {x} people stops. {y} people get off and {z} get on. How many people are in the bus now?", "x y - z +"},
    {3, "{A} has {m} boxes of {x} {t}, {B} has {n} boxes of {y} {t}. How many {t} do they have together?", "m x * n y * +"},
    {3, "{A} has {x} {t}, {B} has {y} more than {A}, and they give away {z} of them all. How many {t} are left?", "x x y + + z -"},
    {3, "On a farm there are {x} hens and {y} cows. How many legs do they have together?", "x 2 * y 4 * +"},
    {3, "{A} bakes {m} trays of {x} cakes, keeps {y} and sells the others for {n} coins each. How many coins are that?", "m x * y - n *"},
    {3, "A box holds {m} {t}. {A} has {x} {t}, buys {y} more and fills as many boxes as the {t} fill exactly. How many boxes are that?", "x y + m /"},
    {4, "{A} earns {x} coins an hour and works {m} hours a day for {n} days. Then {A} spends {y} coins and gives {z} to {B}. How many coins are left?", "x m * n * y - z -"},
    {4, "{m} friends buy {n} boxes of {x} {t} and find {y} more. They share all {t} equally. How many {t} does each of them get?", "n x * y + m /"},
};
enum { N_TEMPLATES = sizeof templates / sizeof templates[0] };

static const char *const things[] = {"apples", "marbles", "stamps", "books", "pencils", "stickers", "coins", "shells", "cards", "buttons", "nuts", "pears"};

/* False when the numbers make no problem. At most 12·12·10⁶ + … on the way. */
static bool evaluate(const char *rpn, const int64_t *numbers, int64_t *out)
{
    int64_t stack[8];
    int n = 0;
    for (; *rpn; rpn++) {
        if (*rpn == ' ') continue;
        if (isalpha((unsigned char)*rpn) || isdigit((unsigned char)*rpn)) {
            stack[n++] = isalpha((unsigned char)*rpn) ? numbers[*rpn - 'a'] : *rpn - '0';
            continue;
        }
        int64_t b = stack[--n], a = stack[n - 1];
        if (*rpn == '/' && a % b != 0) return false;
        stack[n - 1] = *rpn == '+' ? a + b : *rpn == '-' ? a - b : *rpn == '*' ? a * b : a / b;
        if (stack[n - 1] < 0) return false;
    }
    *out = stack[0];
    return true;
}

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    int64_t numbers[26] = {0}, answer;
    int order[16], which;
    do which = rz_stream_range(s, 0, N_TEMPLATES - 1);
    while (templates[which].steps > p[RZ_VARIETY]);
    const template *t = &templates[which];
    do { /* until they do: each template is as frequent as any other */
        for (int c = 'm'; c <= 'z'; c++) numbers[c - 'a'] = rz_stream_range(s, 2, c <= 'n' ? 12 : (int)p[RZ_LARGEST]);
    } while (!evaluate(t->answer, numbers, &answer) || answer == 0);
    rz_draft_shuffle(s, order, 16);
    const char *names[] = {rz_draft_name(s, order[0]), rz_draft_name(s, order[1])}, *thing = things[rz_stream_below(s, sizeof things / sizeof things[0])];
    rz_draft_content(d, which);
    for (const char *c = t->text; *c; c++) {
        if (*c != '{') {
            rz_draft_prompt(d, "%c", *c);
            continue;
        }
        char what = c[1];
        c += 2;
        if (what == 'A' || what == 'B') rz_draft_prompt(d, "%s", names[what - 'A']);
        else if (what == 't') rz_draft_prompt(d, "%s", thing);
        else rz_draft_prompt(d, "%" PRId64, numbers[what - 'a']);
        if (islower((unsigned char)what) && what != 't') rz_draft_content(d, numbers[what - 'a']);
    }
    rz_draft_answer(d, "%" PRId64, answer);
    rz_draft_meta_number(d, "steps", t->steps);
    return true;
}

const rz_task rz_task_word_problems = {
    .name = "word_problems", .about = "Grade-school word problems, of 20 templates.", .answer = "an integer", .generator = 1, .make = make,
    .params = {{RZ_LARGEST, "largest number in the text (of boxes, weeks and the like 12)", 10, 1000000, {12, 30, 50, 99, 500}},
               {RZ_VARIETY, "steps of the calculation at most", 1, 4, {1, 1, 2, 3, 4}}},
};
