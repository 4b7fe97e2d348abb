/* What a training job needs of memory, from its sizes, before its first step. */
#ifndef RZ_TRAINER_PLAN_H
#define RZ_TRAINER_PLAN_H
#include "data/source.h"
#include "data/tokenizer.h"
#include "rollout/decode.h"
#include "trainer/loop.h"

typedef struct {
    const rz_config *config;
    const rz_policy *policy;
    const rz_update *update;
    rz_comm *comm;
    const rz_learner *reference; /* of the base, if it is kept beside the policy; else NULL */
    int slots;                  /* sequences that are decoded together */
    int max_prompt;             /* tokens of the longest prompt */
} rz_plan_job;

/* In bytes, each at its most. */
typedef struct {
    double weights;             /* of the policy with its panels, and of the reference: once a machine when shared, else once a rank */
    bool shared;
    rz_update_memory update;    /* of a rank */
    double caches;              /* of a rank while it samples, logits included; the activations of an update come and go in turn with them */
    double group;               /* activations of one whole group of completions of full length */
    double copy;                /* of weights and moments, that rank 0 has from its first checkpoint on: it is written from there */
    double start;               /* of the ranks of this machine together until the weights are shared: each reads them for itself, then there is a common copy */
    double machine;             /* all ranks of this machine together */
    double missing;             /* that the machine lacks for it; 0 when it suffices, or when the system does not say */
    double available;           /* what the machine has left now */
} rz_plan;

/* Tokens of the longest prompt of the first step. */
bool rz_plan_longest(int *max_prompt, rz_source *source, const rz_prompt *prompt, int prompts, rz_arena scratch, rz_err *err);
/* Bytes that this machine, or the container that this runs in, has left, what it merely caches of files among them; −1: nobody says. The system's files are
 * read below `root`: "", but for tests. */
double rz_plan_available(const char *root);
void rz_plan_make(rz_plan *plan, const rz_plan_job *j);
/* Notes: what there is (all), and what looks wrong. */
void rz_plan_tell(const rz_plan *plan, const rz_plan_job *j, rz_loop *l, bool all);
#endif
