/* Shows a model's text as it comes: <think> … </think>, tags included, dimmed, the rest plain. Tags and characters may come in pieces; no piece of either is
 * shown before it is known what it is. */
#ifndef RZ_CLI_THINKING_H
#define RZ_CLI_THINKING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct {
    FILE *to;
    bool safe;     /* control characters become '?' (rz_print_safe) */
    bool dim;      /* thinking stands in the escapes for dim and normal */
    bool inside;   /* of <think>; true to begin with: the prompt opened it */
    bool styled;
    char held[8];
    size_t n_held; /* bytes that may be the beginning of a tag or of a character */
} rz_thinking;

void rz_thinking_feed(rz_thinking *t, const char *text, size_t len);
/* Shows what is held and goes back to normal. */
void rz_thinking_end(rz_thinking *t);
/* A text that ends inside of <think>. */
bool rz_thinking_is_open(const char *text);
#endif
