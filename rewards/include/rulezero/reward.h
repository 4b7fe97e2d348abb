/* A reward written in C (or in anything that can export a C function), loaded by `plugin: ./my_reward.so` in a rule file. docs/rules/plugins.md is the way in.
 *
 *     cc -shared -fPIC -o my_reward.so my_reward.c $(pkg-config --cflags rulezero)
 *
 * A plugin runs in a process of its own, one a rank: it may crash, loop or eat memory, which costs a sample. It should be a function of the sample and nothing
 * else: no clock, no random numbers, no memory of earlier samples, or the same job gives other results on another number of ranks.
 * This header depends on nothing but the C library and stays compatible within one RZ_REWARD_ABI. */
#ifndef RULEZERO_REWARD_H
#define RULEZERO_REWARD_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RZ_REWARD_ABI 1

typedef struct { const char *s; size_t len; } rz_reward_text; /* UTF-8, ended by a NUL that len does not count; s NULL: there is none */

typedef struct {
    rz_reward_text completion; /* all of it */
    rz_reward_text text;       /* what the rule reads: its view of the completion, or all */
    rz_reward_text prompt;
    rz_reward_text answer;     /* of the problem */
    rz_reward_text meta;       /* of the problem: a JSON object */
    int32_t n_tokens;          /* of the completion; -1: not known */
    int32_t truncated;         /* 1: it was cut at the length limit */
} rz_reward_sample;

typedef enum { RZ_REWARD_SCORED, RZ_REWARD_SKIPPED, RZ_REWARD_ERROR } rz_reward_state;
enum { RZ_REWARD_BY_POINTS = -1 };

/* Comes filled in as: scored, 0 points, passed by points, no span, empty texts. */
typedef struct {
    int32_t state;      /* rz_reward_state. SKIPPED: the rule abstains. ERROR: recorded and counted, never a point */
    int32_t passed;     /* 1, 0, or RZ_REWARD_BY_POINTS: if the points are at least `score: {pass: …}` of the rule, which is 1 by default */
    double points;      /* finite, within a million */
    int64_t span_start, span_end; /* bytes of text that decided; -1: none */
    char reason[480];   /* one sentence, for people; all three end with a NUL */
    char found[240];    /* what was read */
    char expected[240]; /* what would have been right */
} rz_reward_result;

typedef struct {
    uint32_t abi; /* RZ_REWARD_ABI */
    /* params: the rule's `params:` as a JSON object. Returns what score is given as self, or NULL with a sentence in error. May be NULL: then self is NULL. */
    void *(*open)(const char *params, char *error, size_t error_size);
    void (*score)(void *self, const rz_reward_sample *sample, rz_reward_result *result);
} rz_reward_plugin;

/* The one symbol that a plugin exports. */
const rz_reward_plugin *rz_reward_plugin_entry(void);

#ifdef __cplusplus
}
#endif
#endif
