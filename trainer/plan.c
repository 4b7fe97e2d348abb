#include "trainer/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number behind `key` in the first line that begins with it of a file below `root`; −1: there is none. */
static double read_number(const char *root, const char *name, const char *key)
{
    char line[256], *path = rz_asprintf("%s%s", root, name);
    double found = -1;
    FILE *f = fopen(path, "r");
    free(path);
    while (f && found < 0 && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key))) {
            char *end;
            double x = strtod(line + strlen(key), &end);
            found = end == line + strlen(key) ? -1 : x;
        }
    if (f)
        fclose(f);
    return found;
}

/* What a container's limit (a control group, version 2 and 1) is read from. */
static const struct {
    const char *most, *used, *stat, *files[2];
} limits[] = {
    {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", {"inactive_file ", "active_file "}},
    {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes", "/sys/fs/cgroup/memory/memory.stat",
     {"total_inactive_file ", "total_active_file "}},
};

double rz_plan_available(const char *root)
{
    double kib = read_number(root, "/proc/meminfo", "MemAvailable:"), least = kib < 0 ? -1 : kib * 1024;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        /* no limit is a word, or far beyond any memory */
        double most = read_number(root, limits[i].most, ""), used = read_number(root, limits[i].used, "");
        if (most < 0 || used < 0)
            continue;
        for (int k = 0; k < 2; k++) /* the page cache counts as used, but is given back to whoever asks, as MemAvailable knows by itself */
            used -= fmax(read_number(root, limits[i].stat, limits[i].files[k]), 0);
        double left = fmax(most - fmax(used, 0), 0);
        least = least < 0 || left < least ? left : least;
    }
    return least;
}

bool rz_plan_longest(int *max_prompt, rz_source *source, const rz_prompt *prompt, int prompts, rz_arena scratch, rz_err *err)
{
    *max_prompt = 1;
    for (int i = 0; i < prompts; i++) {
        rz_arena one = scratch;
        rz_problem p;
        rz_prompt_made made;
        if (!rz_source_problem(source, RZ_TRAIN, (uint64_t)i, &p, &one, err) || !rz_prompt_make(prompt, p.prompt, &one, &made, err))
            return rz_err_note(err, "problem %d", i);
        *max_prompt = made.n > *max_prompt ? made.n : *max_prompt;
    }
    return true;
}

static double largest_activations(const rz_plan_job *j, int max_new, double *group)
{
    const rz_config *c = j->config;
    int64_t n_trees = (c->prompts_per_step + c->minibatches - 1) / c->minibatches, shard = (n_trees + c->gradient_shards - 1) / c->gradient_shards;
    rz_sequence *sequences = rz_calloc((size_t)c->group_size, sizeof *sequences);
    rz_tree *trees = rz_calloc((size_t)shard, sizeof *trees);
    for (int64_t i = 0; i < c->group_size; i++)
        sequences[i].n = max_new;
    for (int64_t i = 0; i < shard; i++)
        trees[i] = (rz_tree){NULL, j->max_prompt - 1, (int)c->group_size, sequences};
    double beside = j->reference ? (double)rz_learner_bytes(j->reference, trees, 1) : 0; /* it takes a group at a time while the policy's are held */
    *group = (double)rz_update_needs(j->update, trees, 1).activations;
    double most = (double)rz_update_needs(j->update, trees, (int)shard).activations + beside;
    free(trees);
    free(sequences);
    return most;
}

void rz_plan_make(rz_plan *plan, const rz_plan_job *j)
{
    const rz_config *c = j->config;
    const rz_policy *p = j->policy;
    int room = p->arch.max_position_embeddings - j->max_prompt, local = rz_comm_local_size(j->comm),
        max_new = c->rollout.max_new < room ? (int)c->rollout.max_new : room;
    *plan = (rz_plan){.shared = p->w_memory.common, .update = rz_update_needs(j->update, NULL, 0)};
    plan->update.activations = (size_t)largest_activations(j, max_new, &plan->group);
    plan->weights = (j->reference ? 2 : 1) * (double)p->w_memory.bytes + (double)p->packed_memory.bytes;
    plan->caches = (double)rz_decoder_bytes(p, j->slots, j->max_prompt, max_new, c->rollout.speculative);
    double rank = (double)plan->update.gradients + (double)plan->update.moments + fmax(plan->caches, (double)plan->update.activations);
    plan->copy = 3 * sizeof(float) * (double)p->layout.n_params;
    plan->start = (local + plan->shared) * (double)p->w_memory.bytes;
    plan->machine = fmax(plan->start, (plan->shared ? 1 : local) * plan->weights + local * rank + plan->copy);
    plan->available = rz_plan_available("");
    double to_come = local * rank - local * (double)plan->update.moments + plan->copy; /* weights and moments are there by now */
    plan->missing = plan->available >= 0 && to_come > plan->available ? to_come - plan->available : 0;
}

static double mib(double bytes)
{
    return bytes / (1 << 20);
}

void rz_plan_tell(const rz_plan *plan, const rz_plan_job *j, rz_loop *l, bool all)
{
    static const char *const types[] = {[RZ_STORED_F32] = "f32", [RZ_STORED_BF16] = "bf16"}, *const recompute[] = {"none", "norms", "layer"};
    const rz_config *c = j->config;
    int local = rz_comm_local_size(j->comm);
    if (all) {
        rz_loop_note(l, "memory of this machine: %.1f MiB at most: weights of %.1f MiB (dtype %s%s) %s, and what %d rank%s ha%s each, and a copy of %.1f MiB "
                     "that checkpoints are written from; %.1f MiB until the model is read and shared", mib(plan->machine),
                     mib(plan->weights), types[c->dtype], j->reference ? ", with those of the reference" : "", plan->shared ? "in common" : "a rank", local,
                     local == 1 ? "" : "s", local == 1 ? "s" : "ve", mib(plan->copy), mib(plan->start));
        rz_loop_note(l, "memory of a rank: gradients %.1f MiB, moments %.1f MiB; in turn activations of %.1f MiB (recompute %s), and caches and logits of %.1f MiB "
                     "(%d slots, prompts of up to %d tokens)", mib((double)plan->update.gradients), mib((double)plan->update.moments),
                     mib((double)plan->update.activations), recompute[c->recompute], mib(plan->caches), j->slots, j->max_prompt);
    }
    if (plan->group > (double)c->activation_mib * (1 << 20))
        rz_loop_note(l, "a group of %lld completions of %lld tokens takes activations of %.1f MiB, activation_mib is %lld: it is computed by itself all the same%s",
                     (long long)c->group_size, (long long)c->rollout.max_new, mib(plan->group), (long long)c->activation_mib,
                     c->recompute == RZ_RECOMPUTE_LAYER ? "" : "; recompute=layer takes less");
    if (plan->missing > 0)
        rz_loop_note(l, "memory: this machine may lack %.1f MiB for the job (it has %.1f MiB left): lower rollout.slots, rollout.max_new, activation_mib or "
                     "gradient_shards (%lld; a rank needs a gradient for each of its shards, but for few), or set recompute", mib(plan->missing),
                     mib(plan->available), (long long)c->gradient_shards);
}
