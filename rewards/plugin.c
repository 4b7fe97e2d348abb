/* Rules in C, in the worker: a shared object that the rule names (rewards/include/rulezero/reward.h). */
#include "rewards/custom.h"
#include "rewards/include/rulezero/reward.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const rz_reward_plugin *plugin;
    void *self;
    char *copy[5]; /* of the texts, ended by NUL */
} loaded;

static void *open_rule(const json_t *setup, rz_err *err)
{
    const char *path = json_string_value(json_object_get(setup, "path"));
    char why[512] = "";
    union { void *object; const rz_reward_plugin *(*function)(void); } entry;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        rz_fail(err, RZ_ECONFIG, "cannot load it: %s", dlerror());
        return NULL;
    }
    entry.object = dlsym(library, "rz_reward_plugin_entry");
    const rz_reward_plugin *p = entry.object ? entry.function() : NULL;
    if (!p || p->abi != RZ_REWARD_ABI || !p->score) {
        rz_fail(err, RZ_ECONFIG, entry.object ? "it was built for version %u of rulezero/reward.h and gives version %u: build it again"
                                              : "it exports no rz_reward_plugin_entry (rulezero/reward.h)", p ? p->abi : 0, (unsigned)RZ_REWARD_ABI);
        return NULL;
    }
    loaded *l = rz_calloc(1, sizeof *l);
    l->plugin = p;
    char *params = json_dumps(json_object_get(setup, "params"), JSON_COMPACT);
    l->self = p->open ? p->open(params, why, sizeof why) : NULL;
    free(params);
    if (l->self || !p->open) return l;
    why[sizeof why - 1] = 0;
    rz_fail(err, RZ_ECONFIG, "it refuses its params: %s", why[0] ? why : "it does not say why");
    return NULL;
}

static rz_reward_text text_of(char **copy, rz_slice t)
{
    if (!t.s) return (rz_reward_text){NULL, 0};
    *copy = rz_realloc(*copy, t.len + 1);
    memcpy(*copy, t.s, t.len);
    (*copy)[t.len] = 0;
    return (rz_reward_text){*copy, t.len};
}

static void score(void *self, const rz_custom_sample *s, rz_custom_verdict *v)
{
    loaded *l = self;
    const rz_slice view = {s->completion.s + s->view.start, s->view.end - s->view.start};
    const rz_reward_sample sample = {text_of(&l->copy[0], s->completion), text_of(&l->copy[1], view), text_of(&l->copy[2], s->prompt),
                                     text_of(&l->copy[3], s->answer), text_of(&l->copy[4], s->meta), s->n_tokens, s->truncated};
    rz_reward_result r = {.state = RZ_REWARD_SCORED, .passed = RZ_REWARD_BY_POINTS, .span_start = -1, .span_end = -1};
    l->plugin->score(l->self, &sample, &r);
    v->state = r.state == RZ_REWARD_SCORED ? RZ_PART_SCORED : r.state == RZ_REWARD_SKIPPED ? RZ_PART_SKIPPED : RZ_PART_ERROR;
    v->passed = r.passed < 0 ? -1 : r.passed != 0;
    v->points = r.points;
    if (r.span_start >= 0 && r.span_end >= r.span_start && (size_t)r.span_end <= view.len)
        v->span = (rz_span){s->view.start + (size_t)r.span_start, s->view.start + (size_t)r.span_end};
    memcpy(v->reason, r.reason, sizeof v->reason);
    memcpy(v->found, r.found, sizeof v->found);
    memcpy(v->expected, r.expected, sizeof v->expected);
}

const rz_language rz_language_plugin = {"plugin", open_rule, score};
_Static_assert(sizeof((rz_reward_result *)0)->reason == REASON && sizeof((rz_reward_result *)0)->found == SHOWN, "reward.h promises these sizes");
