#include "base/place.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BEFORE = 60, WIDTH = 100 }; /* characters that are shown of a long line: before the place, in all */

static bool begins_character(char c) { return ((unsigned char)c & 0xC0) != 0x80; }

rz_place rz_place_of(const rz_document *d, size_t offset)
{
    rz_place p = {1, 1};
    for (size_t i = 0; i < offset && i < d->len; i++) {
        bool newline = d->text[i] == '\n';
        p.line += newline;
        p.column = newline ? 1 : p.column + begins_character(d->text[i]);
    }
    return p;
}

static const char *line_start(const rz_document *d, int line)
{
    const char *s = d->text, *end = d->text + d->len;
    for (int i = 1; i < line && s < end; i++) {
        const char *newline = memchr(s, '\n', (size_t)(end - s));
        s = newline ? newline + 1 : end;
    }
    return s;
}

size_t rz_place_offset(const rz_document *d, rz_place at)
{
    const char *s = line_start(d, at.line), *end = d->text + d->len;
    for (int column = 1; s < end && *s != '\n'; s++)
        if (begins_character(*s) && column++ == at.column) return (size_t)(s - d->text);
    return d->len;
}

/* The part of the line around the place, control characters as blanks, so that the caret stands under its character. */
static void show_line(FILE *f, const rz_document *d, rz_place at)
{
    const char *s = line_start(d, at.line), *end = d->text + d->len, *newline = memchr(s, '\n', (size_t)(end - s));
    int first = at.column > BEFORE + 1 ? at.column - BEFORE : 1, column = 0;
    if (newline) end = newline;
    if (end > s && end[-1] == '\r') end--;
    if (first > 1) fputs("\u2026", f);
    for (; s < end; s++) {
        column += begins_character(*s);
        if (column < first) continue;
        if (column >= first + WIDTH) {
            fputs("\u2026", f);
            break;
        }
        fputc((unsigned char)*s < 0x20 || *s == 0x7F ? ' ' : *s, f);
    }
}

bool rz_fail_at(rz_err *err, rz_code code, const rz_document *d, rz_place at, const char *fmt, ...)
{
    char sentence[1024], *shown = NULL;
    size_t size;
    va_list args;
    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    FILE *f = open_memstream(&shown, &size);
    if (!f) rz_out_of_memory(BUFSIZ);
    int gutter = fprintf(f, "%6d | ", at.line), first = at.column > BEFORE + 1 ? at.column - BEFORE - 1 : 1;
    show_line(f, d, at);
    fprintf(f, "\n%*s", gutter, "| ");
    fprintf(f, "%*s", at.column - first + 1, "^");
    if (fclose(f) != 0) rz_out_of_memory(BUFSIZ);
    char *text = rz_utf8_repair(shown, strlen(shown), &size); /* what a byte that is no text does to a terminal is nobody's business here */
    rz_fail(err, code, "%s:%d:%d: %s\n%s", d->name, at.line, at.column, sentence, text);
    free(text);
    free(shown);
    return false;
}
