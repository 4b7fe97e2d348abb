/* What a pattern is made of, so that texts can be made that it matches or labours at: a tree read from PCRE2's syntax. The pattern has been compiled, so it is valid; what the
 * reader does not model (look-around, recursion, back references, verbs) is there as OTHER and taken to match nothing at no length. Private to rewards/. */
#ifndef RZ_REWARDS_SHAPE_H
#define RZ_REWARDS_SHAPE_H
#include "base/arena.h"
#include <stdint.h>

typedef enum {
    SHAPE_SET,    /* one character */
    SHAPE_CAT,    /* one after the other; of none: the empty text */
    SHAPE_ALT,    /* one of them */
    SHAPE_REPEAT, /* items[0], min to max times */
    SHAPE_START,  /* ^ \A */
    SHAPE_END,    /* $ \z \Z */
    SHAPE_OTHER,
} shape_kind;

typedef struct shape {
    shape_kind kind;
    int n;
    struct shape **items;
    int min, max;        /* REPEAT; max −1: no limit */
    bool possessive;     /* REPEAT: never given back; also an atomic group around it */
    bool multiline;      /* START, END: at every line */
    uint8_t set[16];     /* SET: bits of ASCII */
    bool beyond;         /* SET: characters beyond ASCII too */
    const char *name;    /* of a named group, else NULL */
    size_t at;           /* byte of the pattern where it begins */
} shape;

/* flags: RZ_PATTERN_* (base/pattern.h). Lives in the arena. */
shape *rz_shape_read(rz_arena *arena, const char *pattern, unsigned flags);

/* Whether it can be the empty text; whether it always is. */
bool rz_shape_nullable(const shape *s);
/* A character that both can begin with, 0: none in ASCII. NULL for b: any that a can begin with. Likely ones first. */
char rz_shape_common(const shape *a, const shape *b);
/* A text that is being made. Beyond its room nothing is added. */
typedef struct { char *s; size_t n, room; int work; /* nodes that may still be looked at */ } shape_text;
/* Adds a text it matches: as short as can be (fill 0), or with every repetition done at least `fill` times where it may be. Alternative number `alternative` (modulo theirs) is
 * taken everywhere. Returns true when it came to the node `until`, before which it stops. */
bool rz_shape_sample(const shape *s, int fill, int alternative, const shape *until, shape_text *out);
/* Every node, parents first; false from visit ends it. */
bool rz_shape_walk(shape *s, bool (*visit)(shape *s, void *ctx), void *ctx);
#endif
