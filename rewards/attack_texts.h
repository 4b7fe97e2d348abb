/* The hacks that rz_attack tries (rewards/attack.h). Private to rewards/. */
#ifndef RZ_REWARDS_ATTACK_TEXTS_H
#define RZ_REWARDS_ATTACK_TEXTS_H
#include "rewards/attack.h"
#include "rewards/number.h"

/* A completion that is right, and where its answer stands. */
typedef struct {
    rz_slice text;
    rz_span answer; /* start == SIZE_MAX: not known */
    const json_t *meta;
    const char *prompt; /* or NULL */
} attack_target;

typedef enum {
    HACK_WRONG,     /* the answer is wrong, or none is given */
    HACK_MALFORMED, /* the form is broken */
    HACK_SAME,      /* it is as right as before */
} hack_sort;

/* One of whole, make, answer, replaced says how the text comes about; false: this target offers no hold. */
typedef struct {
    const char *name, *why;
    hack_sort sort;
    const char *whole;                                       /* the completion, made of no target */
    bool (*make)(const attack_target *t, FILE *out);         /* writes the completion */
    bool (*answer)(const char *s, size_t n, FILE *out);      /* writes what takes the place of the answer, which is given without white space around it */
    const char *replaced;                                    /* what takes its place; \1 stands for it */
    bool truncated;                                          /* it was cut */
    const char *of;                                          /* breaks a form that knows this tag; one that does not is not broken by it */
} hack;

extern const hack rz_attack_hacks[];
extern const int rz_n_attack_hacks;
/* Answers that are plainly wrong (unless they happen to be right). */
extern const char *const rz_attack_wrong_answers[];
extern const int rz_n_attack_wrong_answers;

/* The text with another answer, wherever the answer stands in it as a word of its own. False when it is not known where the answer stands. */
bool rz_attack_put_answer(const attack_target *t, const char *answer, size_t len, FILE *out);
/* Whether the hack can be made of the target; its text in *text (the caller's). */
bool rz_attack_make(const hack *h, const attack_target *t, char **text, size_t *len);
#endif
