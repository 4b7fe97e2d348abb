/* shortest_path and maze: a grid with walls, and the way through it or its length. */
#include "data/tasks/draft.h"
#include <stdio.h>
#include <string.h>

enum { MAX_SIDE = 16, CELLS = MAX_SIDE * MAX_SIDE };

typedef struct {
    int side, start, goal;
    char cells[CELLS]; /* '.', '#', 'S', 'G' */
    int distance[CELLS]; /* to the goal; −1: there is no way */
} grid;

/* The neighbour of a cell, or −1. */
static int next(const grid *g, int at, int move)
{
    int row = at / g->side, column = at % g->side;
    switch (move) {
    case 0: return row > 0 ? at - g->side : -1;
    case 1: return row < g->side - 1 ? at + g->side : -1;
    case 2: return column > 0 ? at - 1 : -1;
    default: return column < g->side - 1 ? at + 1 : -1;
    }
}

static void measure(grid *g)
{
    int queue[CELLS], first = 0, last = 0;
    for (int i = 0; i < g->side * g->side; i++) g->distance[i] = -1;
    g->distance[g->goal] = 0;
    queue[last++] = g->goal;
    while (first < last) {
        int at = queue[first++];
        for (int move = 0; move < 4; move++) {
            int to = next(g, at, move);
            if (to < 0 || g->cells[to] == '#' || g->distance[to] >= 0) continue;
            g->distance[to] = g->distance[at] + 1;
            queue[last++] = to;
        }
    }
}

/* A way of two moves at least. */
static bool draw_grid(rz_stream *s, const int64_t *p, grid *g)
{
    int order[CELLS], n, walls;
    g->side = (int)p[RZ_LENGTH];
    n = g->side * g->side;
    walls = n * (int)p[RZ_ITEMS] / 100;
    rz_draft_shuffle(s, order, n);
    for (int i = 0; i < n; i++) {
        g->cells[i] = order[i] < walls ? '#' : order[i] == n - 1 ? 'S' : order[i] == n - 2 ? 'G' : '.';
        if (g->cells[i] == 'S') g->start = i;
        if (g->cells[i] == 'G') g->goal = i;
    }
    measure(g);
    return g->distance[g->start] >= 2;
}

static void draw_picture(const grid *g, rz_draft *d)
{
    char rows[MAX_SIDE][MAX_SIDE + 1];
    const char *lines[MAX_SIDE];
    for (int y = 0; y < g->side; y++) {
        rz_draft_prompt(d, "\n");
        for (int x = 0; x < g->side; x++) rz_draft_prompt(d, "%s%c", x ? " " : "", rows[y][x] = g->cells[y * g->side + x]);
        rows[y][g->side] = 0;
        lines[y] = rows[y];
        rz_draft_content_text(d, rows[y]);
    }
    rz_draft_meta_texts(d, "grid", lines, g->side);
}

static bool make_path(rz_stream *s, const int64_t *p, rz_draft *d)
{
    grid g;
    if (!draw_grid(s, p, &g)) return false;
    rz_draft_prompt(d, "Find a shortest way from S to G; # is a wall. Answer with a letter a move: U, D, L or R.");
    draw_picture(&g, d);
    for (int at = g.start; at != g.goal;) {
        int move = 0, to;
        while ((to = next(&g, at, move)) < 0 || g.cells[to] == '#' || g.distance[to] != g.distance[at] - 1) move++;
        rz_draft_answer(d, "%c", "UDLR"[move]);
        at = to;
    }
    return true;
}

static bool make_length(rz_stream *s, const int64_t *p, rz_draft *d)
{
    grid g;
    if (!draw_grid(s, p, &g)) return false;
    rz_draft_prompt(d, "How many moves (up, down, left, right) has the shortest way from S to G? # is a wall.");
    draw_picture(&g, d);
    rz_draft_answer(d, "%d", g.distance[g.start]);
    return true;
}

#define PARAMS {RZ_ITEMS, "walls, in percent of the cells", 1, 60, {12, 25, 25, 30, 35}}, {RZ_LENGTH, "cells a side", 3, MAX_SIDE, {4, 4, 5, 6, 8}}
const rz_task rz_task_shortest_path = {
    .name = "shortest_path", .about = "A shortest way through a grid.", .answer = "moves as letters, U D L R; any way that is as short as can be", .generator = 1,
    .make = make_path, .params = {PARAMS},
};
const rz_task rz_task_maze = {
    .name = "maze", .about = "The length of the shortest way through a grid.", .answer = "an integer", .generator = 1, .make = make_length, .params = {PARAMS},
};
