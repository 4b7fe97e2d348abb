#include "base/file.h"
#include "base/packed.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>

struct rz_lines {
    rz_unpacker *file;
    char *path, *buffer;
    size_t start, end, room; /* buffer[start … end) is read but not yet returned */
    size_t max_line;
    int64_t number;
    bool at_eof;
};

/* Reads more behind `end`, making room first; sets at_eof at the end. */
static bool refill(rz_lines *l, rz_err *err)
{
    if (l->start > 0) {
        memmove(l->buffer, l->buffer + l->start, l->end - l->start);
        l->end -= l->start;
        l->start = 0;
    }
    if (l->end + 1 >= l->room) { /* one byte stays free for a NUL */
        l->room *= 2;
        l->buffer = rz_realloc(l->buffer, l->room);
    }
    size_t n;
    if (!rz_unpacker_read(l->file, l->buffer + l->end, l->room - 1 - l->end, &n, err)) {
        l->at_eof = true; /* what is damaged has no more lines */
        return false;
    }
    l->at_eof = n == 0;
    l->end += n;
    return true;
}

bool rz_lines_open(rz_lines **out, const char *path, size_t max_line, rz_err *err)
{
    *out = NULL;
    rz_unpacker *file;
    if (!rz_unpacker_open(&file, path, err)) return false;
    rz_lines *l = rz_calloc(1, sizeof *l);
    *l = (rz_lines){.file = file, .path = rz_strdup(path ? path : "the standard input"), .room = 1 << 16, .max_line = max_line};
    l->buffer = rz_malloc(l->room);
    while (l->end < 3 && !l->at_eof) {
        if (!refill(l, err)) {
            rz_lines_close(l);
            return false;
        }
    }
    if (l->end >= 3 && memcmp(l->buffer, "\xEF\xBB\xBF", 3) == 0) l->start = 3;
    *out = l;
    return true;
}

/* Skips the rest of a line that is too long, so that the next call returns the line after it. */
static bool too_long(rz_lines *l, rz_err *err)
{
    for (;;) {
        char *newline = memchr(l->buffer + l->start, '\n', l->end - l->start);
        l->start = newline != NULL ? (size_t)(newline + 1 - l->buffer) : l->end;
        if (newline != NULL || l->at_eof) break;
        if (!refill(l, err)) return false;
    }
    return rz_fail(err, RZ_EDATA, "%s:%lld: the line is longer than %zu bytes", l->path, (long long)l->number, l->max_line);
}

static bool check_text(const rz_lines *l, const char *line, size_t len, rz_err *err)
{
    const char *nul = memchr(line, '\0', len);
    if (nul != NULL)
        return rz_fail(err, RZ_EDATA, "%s:%lld: byte %zu of the line is NUL; this is not a text file", l->path, (long long)l->number,
                       (size_t)(nul - line) + 1);
    size_t valid = rz_utf8_valid(line, len);
    if (valid < len)
        return rz_fail(err, RZ_EDATA, "%s:%lld: byte %zu of the line (0x%02x) is not valid UTF-8; convert the file to UTF-8", l->path,
                       (long long)l->number, valid + 1, (unsigned char)line[valid]);
    return true;
}

bool rz_lines_next(rz_lines *l, char **line, size_t *len, rz_err *err)
{
    size_t searched = 0; /* bytes behind start that hold no newline */
    char *newline = NULL;
    err->code = RZ_OK;
    l->number++;
    for (;;) {
        newline = memchr(l->buffer + l->start + searched, '\n', l->end - l->start - searched);
        searched = l->end - l->start;
        if (newline != NULL || l->at_eof) break;
        if (searched > l->max_line && searched - l->max_line > 1) return too_long(l, err); /* 1: it may be a CR */
        if (!refill(l, err)) return false;
    }
    if (newline == NULL && searched == 0) {
        l->number--;
        return false;
    }
    char *text = l->buffer + l->start;
    size_t n = newline != NULL ? (size_t)(newline - text) : searched;
    size_t next = l->start + n + (newline != NULL);
    if (newline != NULL && n > 0 && text[n - 1] == '\r') n--;
    if (n > l->max_line) return too_long(l, err);
    l->start = next;
    text[n] = '\0';
    *line = text;
    *len = n;
    return check_text(l, text, n, err);
}

int64_t rz_lines_number(const rz_lines *l) { return l->number; }

void rz_lines_close(rz_lines *l)
{
    if (l == NULL) return;
    rz_unpacker_close(l->file);
    free(l->buffer);
    free(l->path);
    free(l);
}

bool rz_lines_each(const char *path, size_t max_line, rz_line_fn fn, void *ctx, rz_err *err)
{
    rz_lines *l;
    char *text;
    size_t len;
    bool ok = rz_lines_open(&l, path, max_line, err);
    if (ok) err->code = RZ_OK;
    while (ok && rz_lines_next(l, &text, &len, err))
        if (text[strspn(text, " \t\r")])
            ok = fn(ctx, text, len, l->number, err) || rz_err_note(err, "%s:%lld", path ? path : "stdin", (long long)l->number);
    rz_lines_close(l);
    return ok && err->code == RZ_OK;
}
