/* \boxed{…} and \fbox{…} with balanced braces, in one pass. */
#include "rewards/math.h"
#include <string.h>

/* "\boxed{" or "\fbox{" (blanks may stand before the brace) at i: where its content begins, or 0. */
static size_t opening(rz_slice t, size_t i)
{
    if (i + 1 == t.len || (t.s[i + 1] != 'b' && t.s[i + 1] != 'f')) return 0; /* nearly always */
    static const char *const names[] = {"\\boxed", "\\fbox"};
    for (int k = 0; k < 2; k++) {
        size_t n = strlen(names[k]), at = i + n;
        if (t.len - i <= n || memcmp(t.s + i, names[k], n) != 0) continue;
        while (at < t.len && rz_is_space(t.s[at])) at++;
        if (at < t.len && t.s[at] == '{') return at + 1;
    }
    return 0;
}

/* The boxes that are open at a place; of those nested deeper only the outer ones count. */
enum { NESTED = 32 };

bool rz_boxed_find(rz_slice t, rz_boxed_pick pick, bool escapes, rz_span *content, int *n)
{
    struct { size_t from; int depth; } open[NESTED];
    int n_open = 0, depth = 0, boxes = 0;
    rz_span best = {SIZE_MAX, SIZE_MAX};
    for (size_t i = 0; i < t.len;) {
        size_t in = t.s[i] == '\\' ? opening(t, i) : 0;
        if (in) {
            if (n_open == 0) depth = 0;
            if (n_open < NESTED) open[n_open].from = in, open[n_open].depth = depth, n_open++;
            depth++;
            i = in;
            continue;
        }
        if (escapes && t.s[i] == '\\') {
            i += 2;
            continue;
        }
        if (t.s[i] == '{') depth++;
        if (t.s[i] == '}' && n_open && --depth == open[n_open - 1].depth) {
            size_t from = open[--n_open].from;
            boxes++;
            bool earlier = best.start == SIZE_MAX || from < best.start, later = best.start == SIZE_MAX || from > best.start;
            if (pick == RZ_BOXED_FIRST ? earlier : later) best = (rz_span){from, i};
        }
        i++;
    }
    if (n) *n = boxes;
    *content = best;
    return boxes > 0 && (pick != RZ_BOXED_ONLY || boxes == 1);
}
