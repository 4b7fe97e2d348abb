/* Where answers stand in texts: boxes, blocks of code, the last line. Each is one pass over the text. */
#include "rewards/internal.h"
#include <ctype.h>
#include <string.h>

/* ---- \boxed{...} ---- */

static const char *const boxes[] = {"\\boxed", "\\fbox"};

/* Bytes of "\boxed{" (blanks may stand before the brace) at the text's start, or 0. */
static size_t box_at(rz_slice t)
{
    if (t.len < 2 || (t.s[1] != 'b' && t.s[1] != 'f')) return 0;
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(boxes[i]);
        if (t.len <= n || memcmp(t.s, boxes[i], n) != 0) continue;
        while (n < t.len && t.s[n] == ' ') n++;
        if (n < t.len && t.s[n] == '{') return n + 1;
    }
    return 0;
}

typedef struct { size_t depth; rz_span span; } box; /* depth: of the braces around it */

static int count_boxes(rz_slice t)
{
    int n = 0;
    for (const char *p = t.s, *end = t.s + t.len; (p = memchr(p, '\\', (size_t)(end - p)));)
        for (; p < end && *p == '\\'; p++) n += box_at((rz_slice){p, (size_t)(end - p)}) > 0; /* a run of them is no work for memchr */
    return n;
}

/* open: the boxes without an end so far, the outer ones first; done: those with one, without those inside others. Both are stacks. */
void rz_find_boxed(rz_slice t, rz_arena *scratch, hits *h)
{
    int n = count_boxes(t), n_open = 0, n_done = 0;
    box *open = RZ_NEW(scratch, n + 1, box), *done = RZ_NEW(scratch, n + 1, box);
    size_t depth = 0, skip;
    for (size_t i = 0; n && i < t.len; i += skip) {
        skip = 1;
        if (t.s[i] == '\\') {
            size_t head = box_at((rz_slice){t.s + i, t.len - i});
            if (head) open[n_open++] = (box){depth++, {i + head, 0}};
            skip = head ? head : 2;
        } else if (t.s[i] == '{') {
            depth++;
        } else if (t.s[i] == '}' && depth) {
            depth--;
            if (!n_open || open[n_open - 1].depth != depth) continue;
            box closed = open[--n_open];
            closed.span.end = i;
            while (n_done && done[n_done - 1].span.start > closed.span.start) n_done--;
            done[n_done++] = closed;
        }
    }
    for (int i = 0; i < n_done && rz_hit(h, done[i].span); i++);
}

/* ---- blocks of code ---- */

/* The line that begins at i, without its end; *next is where the following one begins. */
static rz_slice line_at(rz_slice t, size_t i, size_t *next)
{
    const char *newline = memchr(t.s + i, '\n', t.len - i);
    size_t end = newline ? (size_t)(newline - t.s) : t.len;
    *next = newline ? end + 1 : t.len;
    return (rz_slice){t.s + i, end - i - (end > i && t.s[end - 1] == '\r')};
}

/* "```python", indented by at most three blanks: the number of backticks, and what follows them. 0: no fence. */
static size_t fence(rz_slice line, rz_slice *info)
{
    size_t from = 0, n = 0;
    while (from < 3 && from < line.len && line.s[from] == ' ') from++;
    while (from + n < line.len && line.s[from + n] == '`') n++;
    *info = rz_trim((rz_slice){line.s + from + n, line.len - from - n});
    return n >= 3 && !memchr(info->s, '`', info->len) ? n : 0;
}

static bool speaks(rz_slice info, const char *language)
{
    size_t n = 0, len = strlen(language);
    while (n < info.len && !rz_is_space(info.s[n])) n++;
    if (n != len) return false;
    for (size_t i = 0; i < n; i++)
        if (tolower((unsigned char)info.s[i]) != tolower((unsigned char)language[i])) return false;
    return true;
}

void rz_find_code(rz_slice t, const char *language, hits *h)
{
    size_t opened = 0, start = 0; /* backticks of the block that is open; 0: none */
    bool wanted = false;
    for (size_t i = 0, next; i < t.len; i = next) {
        rz_slice info, line = line_at(t, i, &next);
        size_t n = fence(line, &info);
        if (!n || (opened && (info.len || n < opened))) continue;
        if (opened) {
            opened = 0;
            if (wanted && !rz_hit(h, (rz_span){start, i > start ? i - 1 : start})) return; /* without the last newline */
            continue;
        }
        opened = n;
        start = next;
        wanted = !language || speaks(info, language);
    }
}

/* ---- the last line ---- */

void rz_find_last_line(rz_slice t, hits *h)
{
    size_t end = t.len;
    while (end && rz_is_space(t.s[end - 1])) end--;
    if (!end) return;
    const char *newline = memrchr(t.s, '\n', end);
    size_t start = newline ? (size_t)(newline - t.s) + 1 : 0;
    while (rz_is_space(t.s[start])) start++;
    rz_hit(h, (rz_span){start, end});
}
