#include "cli/thinking.h"

#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

static const char open_tag[] = "<think>", close_tag[] = "</think>";

static void show(rz_thinking *t, const char *text, size_t len)
{
    if (!len)
        return;
    if (t->dim && t->styled != t->inside)
        fputs(t->inside ? "\033[2m" : "\033[0m", t->to);
    t->styled = t->inside;
    if (t->safe)
        rz_print_safe(t->to, text, len);
    else
        fwrite(text, 1, len, t->to);
}

/* Bytes at the end of a text that are the beginning of the tag. */
static size_t begun_tag(const char *text, size_t len, const char *tag)
{
    size_t n = strlen(tag) - 1;
    for (n = n < len ? n : len; n; n--)
        if (!memcmp(text + len - n, tag, n))
            break;
    return n;
}

/* Bytes at the end of a text that are the beginning of a character. */
static size_t begun_character(const char *text, size_t len)
{
    for (size_t n = 1; n <= 3 && n <= len; n++) {
        unsigned char c = (unsigned char)text[len - n];
        size_t whole = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
        if ((c & 0xC0) != 0x80)
            return whole > n ? n : 0;
    }
    return 0;
}

void rz_thinking_feed(rz_thinking *t, const char *text, size_t len)
{
    char *all = rz_malloc(t->n_held + len + 1);
    memcpy(all, t->held, t->n_held);
    memcpy(all + t->n_held, text, len);
    const char *at = all, *end = all + t->n_held + len;
    for (;;) {
        const char *tag = t->inside ? close_tag : open_tag, *found = memmem(at, (size_t)(end - at), tag, strlen(tag));
        if (!found) {
            size_t left = (size_t)(end - at), held = begun_tag(at, left, tag);
            t->n_held = held ? held : begun_character(at, left);
            show(t, at, left - t->n_held);
            memcpy(t->held, end - t->n_held, t->n_held);
            break;
        }
        const char *to = t->inside ? found + strlen(tag) : found;
        show(t, at, (size_t)(to - at));
        t->inside = !t->inside;
        at = to;
    }
    free(all);
}

void rz_thinking_end(rz_thinking *t)
{
    show(t, t->held, t->n_held);
    t->n_held = 0;
    if (t->dim && t->styled)
        fputs("\033[0m", t->to);
    t->styled = false;
}

bool rz_thinking_is_open(const char *text)
{
    const char *opened = NULL;
    for (const char *at = text; (at = strstr(at, open_tag)); at++)
        opened = at;
    return opened && !strstr(opened, close_tag);
}
