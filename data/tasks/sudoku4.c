#include "data/tasks/draft.h"
#include <stdio.h>

static bool fits(const int *cells, int at, int value)
{
    for (int i = 0; i < at; i++) {
        bool sees = i / 4 == at / 4 || i % 4 == at % 4 || (i / 8 == at / 8 && i % 4 / 2 == at % 4 / 2);
        if (sees && cells[i] == value) return false;
    }
    return true;
}

/* One of the 288 grids, cell by cell: a cell without a value begins the grid again. */
static void draw_grid(rz_stream *s, int *cells)
{
    for (int at = 0; at < 16; at++) {
        int values[4], n = 0;
        for (int v = 1; v <= 4; v++) {
            if (fits(cells, at, v)) values[n++] = v;
        }
        if (n) cells[at] = values[rz_stream_below(s, (uint32_t)n)];
        else at = -1;
    }
}

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    int cells[16], order[16];
    char rows[4][5] = {{0}};
    draw_grid(s, cells);
    rz_draft_shuffle(s, order, 16);
    rz_draft_prompt(d, "Fill in the blanks so that each row, each column and each 2x2 box holds 1, 2, 3 and 4. Answer with the four rows.\n");
    for (int i = 0; i < 16; i++) {
        rows[i / 4][i % 4] = order[i] < (int)p[RZ_ITEMS] ? '_' : (char)('0' + cells[i]);
        rz_draft_prompt(d, "%c%s", rows[i / 4][i % 4], i == 15 ? "" : i % 4 == 3 ? "\n" : " ");
        rz_draft_answer(d, "%d%s", cells[i], i == 15 ? "" : i % 4 == 3 ? "\n" : " ");
        rz_draft_content(d, cells[i]); /* the solution: no grid of the test split is seen in training with other blanks */
    }
    rz_draft_meta_texts(d, "grid", (const char *const[]){rows[0], rows[1], rows[2], rows[3]}, 4);
    return true;
}

const rz_task rz_task_sudoku4 = {
    .name = "sudoku4", .about = "A sudoku of 4 times 4.", .answer = "four rows of four digits; any grid that obeys the rules and keeps what is given", .generator = 1,
    .make = make, .params = {{RZ_ITEMS, "blanks", 1, 16, {3, 5, 7, 9, 11}}},
};
