/* Hacks tried on rules: texts made out of completions that are right, and texts known to have fooled rewards elsewhere, each of them wrong or malformed by construction.
 * What the rules pay for all the same is a hole. */
#ifndef RZ_REWARDS_ATTACK_H
#define RZ_REWARDS_ATTACK_H
#include "rewards/example.h"

typedef enum {
    RZ_HACK_RIGHT,   /* the rules call it right, or it scores as high as a right answer */
    RZ_HACK_FORMED,  /* it passes the rule about the form */
    RZ_HACK_PARTIAL, /* it earns more than a plain wrong answer does */
    RZ_HACK_LOST,    /* the other way round: right, and not paid for. No hole */
} rz_hack_verdict;

typedef struct {
    const char *hack, *why;      /* its name; why the text is not right (or is, if lost) */
    rz_hack_verdict verdict;
    const char *rule;            /* the one that was fooled */
    int example;                 /* the first that it was made of; −1: of none */
    int n;                       /* on how many it works */
    double score, right, wrong;  /* what it scores; what the right completion does; what a plain wrong answer does */
    char *text; size_t len;      /* the completion; owned, as the next */
    bool truncated;
    char *explained;             /* rz_score_explain of it */
} rz_hack;

typedef struct {
    rz_hack *v; /* (n) */
    int n;
    int n_good;     /* examples that score full, of which the texts were made */
    int n_tried;    /* texts */
    bool form_only; /* the rules have nothing to do with answers: only the form was attacked */
} rz_hacks;

/* RZ_EDATA when none of the examples is right by the rules, or when no rule of the file passes or fails. To be finished whatever is returned. */
bool rz_attack(rz_hacks *out, const rz_rules *r, rz_rules_worker *w, const rz_examples *examples, rz_err *err);
void rz_attack_finish(rz_hacks *h);
/* Names and reasons of all hacks, 0 …; false behind the last. */
bool rz_attack_at(int i, const char **name, const char **why);
#endif
