/* Kinds of problems: what their meta calls "kind". The names come from data: they are bounded in number, length and letters before they become names of
 * metrics. */
#ifndef RZ_TRAINER_KINDS_H
#define RZ_TRAINER_KINDS_H
#include "trainer/group.h"
#include "trainer/metrics.h"

enum { RZ_MAX_KINDS = 16, RZ_KIND_ROOM = 33 };

/* The first 15 kinds that were met, and "other": every kind met later, and names that are not 1 to 32 letters, digits, '_', '-', '.', or end like the name of
 * a bound (_low, _high, _se). */
typedef struct {
    int n;
    char name[RZ_MAX_KINDS][RZ_KIND_ROOM];
} rz_kinds;

/* Which of the kinds a problem is, entered if need be; −1: its meta has no kind. */
int rz_kinds_find(rz_kinds *k, const rz_problem *p);
/* The kinds in the order of their names: order(n) indices. */
void rz_kinds_order(const rz_kinds *k, int order[RZ_MAX_KINDS]);

/* accuracy/kind/K of the kinds among these groups, and accuracy/well_formed/K where a completion was well-formed. */
void rz_kinds_measure(const rz_group *groups, int n_groups, rz_metrics *m);
#endif
