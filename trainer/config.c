#include "trainer/config.h"

#include "base/fault.h"
#include "base/file.h"
#include "data/source.h"
#include "policy/policy.h"
#include "trainer/objective.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(rz_config, field)
#define INT(key, field, def, min, max, change, help) {key, RZ_OPT_INT, AT(field), def, min, max, NULL, change, help}
#define FLOAT(key, field, def, min, max, help) {key, RZ_OPT_FLOAT, AT(field), def, min, max, NULL, RZ_OPT_FIXED, help}
#define TEXT(key, field, def, change, help) {key, RZ_OPT_TEXT, AT(field), def, 0, 0, NULL, change, help}
#define ENUM(key, field, def, choices, help) {key, RZ_OPT_ENUM, AT(field), def, 0, 0, choices, RZ_OPT_FIXED, help}
#define BOOL(key, field, def, change, help) {key, RZ_OPT_BOOL, AT(field), def, 0, 0, NULL, change, help}
#define FIXED RZ_OPT_FIXED
#define FREE RZ_OPT_FREE

/* The rows of an optimizer section. */
#define OPTIMIZER(prefix, field, lr_, b2_, wd_, warmup_, schedule_)                                                                                 \
    FLOAT(prefix "learning_rate", field.learning_rate, lr_, 0, 10, "peak step size of AdamW"),                                                      \
    FLOAT(prefix "beta1", field.beta1, "0.9", 0, 0.9999999, "decay of the first moment"),                                                          \
    FLOAT(prefix "beta2", field.beta2, b2_, 0, 0.9999999, "decay of the second moment"),                                                         \
    FLOAT(prefix "eps", field.eps, "1e-8", 1e-20, 1, "added to the root of the second moment"),                                                    \
    FLOAT(prefix "weight_decay", field.weight_decay, wd_, 0, 10, "decoupled decay of the matrices (norms have none)"),                              \
    FLOAT(prefix "max_grad_norm", field.max_grad_norm, "1", 0, 1e30, "the gradient is scaled down to this global norm; 0: never"),                 \
    INT(prefix "warmup_steps", field.warmup_steps, warmup_, 0, 1e9, FIXED, "steps over which the learning rate rises linearly"),                    \
    ENUM(prefix "schedule", field.schedule, schedule_, "constant|linear|cosine", "learning rate after the warm-up, down to min_lr_ratio at the end"), \
    FLOAT(prefix "min_lr_ratio", field.min_lr_ratio, "0.1", 0, 1, "where the schedule ends, as a share of learning_rate")

/* Files are FREE: what counts is their content, whose hash a checkpoint holds. */
const rz_option rz_config_rows[] = {
    TEXT("out", out, "", FREE, "run directory (default runs/<config name>)"),
    INT("seed", seed, "1", 0, 4294967295.0, FIXED, "one number that every random choice is addressed with"),
    INT("steps", steps, "100", 0, 1e9, FIXED, "GRPO steps"),
    TEXT("model", model, "", FREE, "base policy: a checkpoint (*.h5); empty: made by the pretrain section"),
    TEXT("data", data, "countdown", FREE, "problems: the name of a task, or a JSONL or HDF5 file"),
    TEXT("rules", rules, "configs/rules/countdown.yaml", FREE, "rule file that scores completions"),
    {"rules_allow", RZ_OPT_TEXTS, AT(rules_allow), "", 0, 0, NULL, FREE, "kinds of rules that run with all your rights and may: plugin, program (docs/rules/plugins.md)"},
    BOOL("allow_changed_rules", allow_changed_rules, "false", FREE, "a run goes on although the text of its rules is another than when it began"),
    ENUM("reward", reward, "rules", "rules|random", "random: every completion scores 0 or 1 by a coin, the control run"),
    TEXT("tokenizer", tokenizer, "data/countdown/tokenizer.json", FREE, "tokenizer.json of a base that is pretrained (a checkpoint brings its own)"),
    TEXT("eos_token", eos_token, "<eos>", FIXED, "token that ends a document and, beside those that the model names, a completion"),
    TEXT("prompt_template", prompt.template, "default", FIXED, "none: a problem is the prompt; r1-zero; chat: the model's own; a text that says {prompt}; default: r1-zero, but none for a vocabulary of whole words"),
    TEXT("examples", prompt.examples, "", FREE, "solved problems before the problem: a JSONL file of {\"prompt\", \"completion\"}, or such lines themselves"),
    TEXT("system_prompt", prompt.system_prompt, "", FIXED, "first message of a chat"),
    TEXT("response_prefix", prompt.response_prefix, "", FIXED, "every completion begins with it: given to the model, seen by the rules"),
    TEXT("prompt_date", prompt.date, "", FIXED, "YYYY-MM-DD, the date a chat template is told (strftime_now)"),
    BOOL("allow_special_in_data", prompt.allow_special_in_data, "false", FIXED, "special tokens written in a problem are special, not text"),
    INT("group_size", group_size, "8", 2, 4096, FIXED, "completions a prompt"),
    INT("prompts_per_step", prompts_per_step, "16", 1, 65536, FIXED, "prompts a GRPO step"),
    INT("gradient_shards", gradient_shards, "4", 1, 1024, FIXED, "parts of a batch that are summed by a fixed tree (a power of two; ranks beyond it only sample)"),
    INT("threads", threads, "1", 1, 1024, FREE, "threads a rank; changes no bit"),
    ENUM("dtype", dtype, "f32", RZ_STORED_NAMES, "what is computed with: the matrices as they are, or rounded to bfloat16 (faster where memory is slow); "
         "a base is pretrained, and weights are updated and saved, in f32"),
    ENUM("compute", compute, "f32", RZ_COMPUTE_NAMES, "how matrix products multiply, of a base too: floats, or both factors rounded to bfloat16 and added up as floats (other numbers; a job is two to three times "
         "as fast where the processor has AMX tiles, 1.3 to 2 times where AVX512_BF16 pays, which doctor tells, a tenth slower on others; docs/performance.md)"),
    ENUM("kv_dtype", kv_dtype, "f32", RZ_KV_DTYPE_NAMES, "what keys and values are attended to as, in training too: floats, or rounded to bfloat16, which halves the cache and what a step of sampling "
         "reads of it (other numbers; worth it where sequences are long or many; a base is pretrained in f32)"),
    {"recompute", RZ_OPT_ENUM, AT(recompute), "none", 0, 0, RZ_RECOMPUTE_NAMES, FREE,
     "what a backward pass computes again instead of keeping it: norms saves a third of the activations for almost nothing, layer nine tenths for a fifth more time; changes no bit"},
    INT("activation_mib", activation_mib, "1024", 1, 1e9, FREE, "activations a rank holds at once, in MiB: prompts are taken together as far as they fit; changes no bit"),
    {"time_limit", RZ_OPT_FLOAT, AT(time_limit), "0", 0, 1e9, NULL, FREE, "seconds after which the job saves a checkpoint and ends with status 85; 0: none"},
    BOOL("strict", strict, "true", FREE, "a logp_mismatch other than 0, or a rule that the clock ended, ends the run instead of being counted"),
    {"fault", RZ_OPT_TEXTS, AT(fault), "", 0, 0, NULL, FREE, "faults made on purpose, as [\"kill:rank=1,step=7\"]: kill, stop, hang, slow, nan, io (docs/faults.md)"},

    ENUM("algorithm", algorithm, "grpo", RZ_OBJECTIVE_NAMES, "row of the objective table (docs/algorithm.md)"),
    ENUM("aggregation", aggregation, "default", "default|" RZ_AGGREGATION_NAMES, "how token losses are averaged; default: the algorithm's own"),
    ENUM("advantage_std", advantage_std, "default", "default|none|group", "divide advantages by the group's standard deviation; default: the algorithm's own"),
    FLOAT("clip_eps_low", clip_eps_low, "0.2", 0, 1, "ratios below 1 - this give no gradient to negative advantages"),
    FLOAT("clip_eps_high", clip_eps_high, "0.28", 0, 1e9, "ratios above 1 + this give no gradient to positive advantages"),
    FLOAT("kl.coef", kl.coef, "0", 0, 1e6, "weight of the divergence from the base in the loss; 0: the base is not kept in memory"),
    ENUM("truncated", truncated, "mask", "mask|punish", "completions cut at max_new: in the baseline but not in the loss, or trained on like others"),
    INT("minibatches", minibatches, "1", 1, 4096, FIXED, "optimizer steps a batch of groups is cut into"),
    INT("epochs", epochs, "1", 1, 64, FIXED, "passes over a batch"),
    BOOL("dynamic_sampling", dynamic_sampling, "false", FIXED, "sample more prompts until prompts_per_step groups have scores that differ, and train on those (DAPO)"),
    INT("dynamic_sampling_max_rounds", dynamic_sampling_max_rounds, "4", 2, 64, FIXED, "rounds of sampling in a step at most; then it trains on what there is"),
    OPTIMIZER("optimizer.", optimizer, "3e-4", "0.99", "0", "5", "linear"),

    FLOAT("rollout.temperature", rollout.temperature, "1", 0.01, 100, "sampling temperature; ratios are taken under it too"),
    INT("rollout.top_k", rollout.top_k, "0", 0, 1e7, FIXED, "keep the k most likely tokens; 0: all"),
    FLOAT("rollout.top_p", rollout.top_p, "1", 1e-6, 1, "then the smallest set of at least this probability"),
    FLOAT("rollout.min_p", rollout.min_p, "0", 0, 1, "then tokens of at least this share of the most likely one's probability"),
    INT("rollout.max_new", rollout.max_new, "128", 1, 1e7, FIXED, "tokens a completion may have"),
    {"rollout.stop", RZ_OPT_TEXTS, AT(rollout.stop), "", 0, 0, NULL, FIXED, "texts that end a completion, as [\"</answer>\"], whatever tokens they are cut into; it keeps them"},
    INT("rollout.slots", rollout.slots, "0", 0, 4096, FREE, "sequences a rank decodes together; 0: 32, or as many as keep keys and values in the third cache; changes no bit (more pay when the weights are much larger than the caches)"),
    BOOL("rollout.speculative", rollout.speculative, "false", FREE, "draft tokens by what followed the same ones before, and keep those that would have been sampled anyway; changes no bit (pays with large weights and few slots)"),
    INT("rollout.keep", rollout.keep, "0", 0, 1e9, FREE, "rollout files kept on disk; 0: all"),
    {"checkpoint.seconds", RZ_OPT_FLOAT, AT(checkpoint.seconds), "60", 0, 1e9, NULL, FREE,
     "seconds of work that a kill may cost: checkpoints are begun so that it is no more; 0: by steps alone"},
    INT("checkpoint.every", checkpoint.every, "50", 0, 1e9, FREE, "steps between checkpoints that are written whatever the time (and the last step always writes one); 0: by time alone"),
    INT("checkpoint.keep", checkpoint.keep, "2", 1, 1e9, FREE, "newest checkpoints kept on disk"),
    INT("checkpoint.keep_every", checkpoint.keep_every, "0", 0, 1e9, FREE, "each so many steps one is written that is kept for ever; 0: none"),
    BOOL("checkpoint.keep_best", checkpoint.keep_best, "false", FREE, "the one with the best held-out accuracy so far is kept too"),
    INT("checkpoint.part_bytes", checkpoint.part_bytes, "4294967296", 4096, 1e18, FREE, "a checkpoint whose weights and moments are larger is written in files of about so many bytes"),
    {"watchdog.setup_s", RZ_OPT_FLOAT, AT(watchdog.setup_s), "1800", 0, 1e9, NULL, FREE, "seconds that a rank may be without a sign of life before the first step; then the job ends with status 86; 0: any"},
    {"watchdog.step_s", RZ_OPT_FLOAT, AT(watchdog.step_s), "600", 0, 1e9, NULL, FREE, "likewise in a step: a token, a prompt scored, a piece of a gradient are signs of life"},
    {"watchdog.eval_s", RZ_OPT_FLOAT, AT(watchdog.eval_s), "600", 0, 1e9, NULL, FREE, "likewise in an evaluation"},
    {"watchdog.save_s", RZ_OPT_FLOAT, AT(watchdog.save_s), "1800", 0, 1e9, NULL, FREE, "likewise while a checkpoint is waited for: every block written is one"},
    {"on_save_error", RZ_OPT_ENUM, AT(on_save_error), "stop", 0, 0, "stop|continue", FREE,
     "when a checkpoint or a line of a log cannot be written (the disk is full): end with status 74, or go on, keep it in memory and try again with the next checkpoint"},
    INT("guard.skips", guard.skips, "3", 1, 1e9, FREE, "steps in a row with numbers that are not finite (they are left out) after which the run goes back to its last checkpoint"),
    INT("guard.rollbacks", guard.rollbacks, "3", 0, 1e6, FREE, "times it may go back, and on with other problems, before it ends with status 87"),
    INT("eval.every", eval.every, "0", 0, 1e9, FIXED, "steps between evaluations on held-out problems (also before the first and after the last step); 0: only those two"),
    TEXT("eval.data", eval.data, "", FREE, "held-out problems: a file; empty: the validation split of a task (none for a file)"),
    INT("eval.problems", eval.problems, "128", 0, 1e7, FIXED, "held-out problems an evaluation draws, of a file at most all; 0: no evaluation"),
    INT("eval.samples", eval.samples, "1", 1, 4096, FIXED, "completions a held-out problem"),
    FLOAT("eval.temperature", eval.temperature, "1", 0, 100, "sampling temperature of evaluations; 0: greedy"),

    {"task.numbers", RZ_OPT_INTS, AT(task.countdown.numbers), "[3]", 2, RZ_COUNTDOWN_MAX_NUMBERS, NULL, FIXED, "countdown: how many numbers a problem has, drawn from this list"},
    INT("task.max_input", task.countdown.max_input, "10", 1, 99, FIXED, "countdown: inputs are 1 to this"),
    INT("task.max_value", task.countdown.max_value, "50", 2, 9999, FIXED, "countdown: targets and intermediate results are 1 to this"),
    ENUM("task.targets", task.countdown.targets, "deriv", "deriv|uniform|mix", "countdown: value of a random derivation, uniform over what is reachable, or half and half"),
    INT("task.whole_digits", task.decimals.whole_digits, "2", 1, RZ_DECIMALS_MAX_DIGITS, FIXED, "decimals: digits before the point at most"),
    INT("task.fraction_digits", task.decimals.fraction_digits, "2", 1, RZ_DECIMALS_MAX_DIGITS, FIXED, "decimals: digits behind the point at most"),
    INT("task.candidates", task.decimals.candidates, "4", 3, RZ_DECIMALS_MAX_CANDIDATES, FIXED, "decimals: numbers that a problem of kind several gives at most"),
    FLOAT("task.hard_share", task.decimals.hard, "0.35", 0, 1, "decimals: share of problems with one whole part whose longer number is the smaller, as 3.9 and 3.11"),
    FLOAT("task.longer_share", task.decimals.longer, "0.15", 0, 1, "decimals: share of problems with one whole part whose longer number is the larger, as 3.9 and 3.95"),
    FLOAT("task.several_share", task.decimals.several, "0.1", 0, 1, "decimals: share of problems of three numbers or more"),
    FLOAT("task.signed_share", task.decimals.signed_, "0.1", 0, 1, "decimals: share of problems with a negative number"),
    FLOAT("task.equal_share", task.decimals.equal, "0.05", 0, 1, "decimals: share of problems with one number in two spellings (what is left of 1 is of kind easy)"),
    {"task.terms", RZ_OPT_INTS, AT(task.sums.terms), "[2, 3, 4]", 2, RZ_SUMS_MAX_TERMS, NULL, FIXED, "sums: how many terms a problem has, drawn from this list"},
    INT("task.digits", task.sums.digits, "2", 1, RZ_SUMS_MAX_DIGITS, FIXED, "sums: digits of a term at most"),
    INT("task.items", task.keys[RZ_ITEMS], "0", 0, 1e9, FIXED, "of tasks that have it: how many things a problem has (docs/tasks.md); 0: as the level has it"),
    INT("task.largest", task.keys[RZ_LARGEST], "0", 0, 1e9, FIXED, "likewise: the largest number in it"),
    INT("task.length", task.keys[RZ_LENGTH], "0", 0, 1e9, FIXED, "likewise: letters of a word, cells of a side"),
    INT("task.variety", task.keys[RZ_VARIETY], "0", 0, 1e9, FIXED, "likewise: how many kinds of things occur, the easy ones first"),
    {"task.level", RZ_OPT_INTS, AT(task.levels), "[0]", 0, RZ_TASK_LEVELS, NULL, FIXED,
     "difficulty of the problems, 1 to 5; of several levels each has its turn; 0: as the keys of the task have it, or 1"},
    INT("curriculum.every", curriculum.every, "0", 0, 1e9, FIXED, "steps of one level after another of task.level, and between decisions which; 0: levels take turns, problem by problem"),
    FLOAT("curriculum.up", curriculum.up, "0", 0, 1, "the next level comes when this share of the completions of these steps was right; 0: in any case"),
    FLOAT("curriculum.down", curriculum.down, "0", 0, 1, "the level before comes back when less than this share was; 0: never"),
    INT("task.split_seed", task.countdown.split_seed, "1", 0, 4294967295.0, FIXED, "which contents of problems (as multisets of numbers) are held out"),
    FLOAT("task.test_share", task.countdown.test_share, "0.15", 0, 0.9, "share of contents kept for testing"),
    FLOAT("task.validation_share", task.countdown.validation_share, "0.1", 0, 0.9, "share of contents kept for choosing settings"),

    FLOAT("corpus.goal_aware", corpus.goal_aware, "0.4", 0, 1, "share of writers whose last combination comes closest to the target"),
    FLOAT("corpus.wrong_result", corpus.wrong_result, "0.005", 0, 1, "share of equations with a wrong result"),
    FLOAT("corpus.wrong_verdict", corpus.wrong_verdict, "0.005", 0, 1, "share of wrong yes and no behind a written self-check"),
    FLOAT("corpus.wrong_unchecked", corpus.wrong_unchecked, "0.25", 0, 1, "share of wrong yes and no without one"),
    FLOAT("corpus.wait", corpus.wait, "0.15", 0, 1, "share of retries that begin with 'wait'"),
    INT("corpus.max_attempts", corpus.max_attempts, "12", 1, 1000, FIXED, "attempts a document holds at most"),
    INT("corpus.max_words", corpus.max_words, "230", 20, 100000, FIXED, "longer documents are drawn again"),
    BOOL("corpus.repeat_attempts", corpus.repeat_attempts, "false", FIXED, "writers may write the same attempt twice"),

    INT("arch.hidden_size", arch.hidden_size, "128", 1, 65536, FIXED, "width"),
    INT("arch.intermediate_size", arch.intermediate_size, "352", 1, 1048576, FIXED, "width of the feed-forward layer"),
    INT("arch.num_hidden_layers", arch.num_hidden_layers, "4", 1, 1024, FIXED, "layers"),
    INT("arch.num_attention_heads", arch.num_attention_heads, "4", 1, 1024, FIXED, "query heads"),
    INT("arch.num_key_value_heads", arch.num_key_value_heads, "2", 1, 1024, FIXED, "key and value heads"),
    INT("arch.head_dim", arch.head_dim, "32", 2, 1024, FIXED, "width of a head"),
    INT("arch.max_position_embeddings", arch.max_position_embeddings, "512", 2, 4194304, FIXED, "longest sequence"),
    FLOAT("arch.rms_norm_eps", arch.rms_norm_eps, "1e-5", 1e-12, 0.1, "added to the mean square"),
    FLOAT("arch.rope_theta", arch.rope_theta, "10000", 1, 1e9, "base of the rotary frequencies"),
    BOOL("arch.tie_word_embeddings", arch.tie_word_embeddings, "true", FIXED, "the head is the embedding"),

    TEXT("pretrain.data", pretrain.data, "countdown", FREE, "documents: the corpus of a task, or a JSONL file of {\"text\": …}"),
    INT("pretrain.steps", pretrain.steps, "0", 0, 1e9, FIXED, "next-token steps; 0: no pretraining"),
    INT("pretrain.documents_per_step", pretrain.documents_per_step, "64", 1, 65536, FIXED, "documents a step"),
    OPTIMIZER("pretrain.optimizer.", pretrain.optimizer, "3e-3", "0.95", "0.1", "40", "linear"),
};
const int rz_config_n_rows = sizeof rz_config_rows / sizeof rz_config_rows[0];

static bool is_task(const char *name)
{
    int n;
    const char *const *names = rz_task_names(&n);
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

/* A path given in a config: as it is if something is there (or it is a task's name), else beside the config, else in the folder above that (where
 * configs/ itself lies): a job does not depend on the directory it is started from. */
static void resolve(char **path, const char *config, bool may_be_task)
{
    const char *slash = strrchr(config, '/');
    int len = slash ? (int)(slash - config) : 0;
    const char *const folders[] = {"", "/.."};
    if (!(*path)[0] || (*path)[0] == '/' || rz_file_exists(*path) || (may_be_task && is_task(*path)))
        return;
    for (size_t i = 0; i < 2; i++) {
        char *other = rz_asprintf("%.*s%s/%s", len ? len : 1, len ? config : ".", folders[i], *path);
        if (rz_file_exists(other)) {
            free(*path);
            *path = other;
            return;
        }
        free(other);
    }
}

/* runs/<config name>, the name without folders and extension. */
static char *default_out(const char *path)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    const char *dot = strrchr(name, '.');
    int len = (int)(dot && dot > name ? dot - name : (ptrdiff_t)strlen(name));
    return rz_asprintf("runs/%.*s", len, name);
}

bool rz_config_load(rz_config *c, const char *path, const char *const *assignments, int n_assignments, rz_err *err)
{
    memset(c, 0, sizeof *c);
    bool ok = rz_options_init(rz_config_rows, rz_config_n_rows, c, err) && rz_options_load(rz_config_rows, rz_config_n_rows, c, path, NULL, err);
    for (int i = 0; ok && i < n_assignments; i++)
        ok = rz_options_override(rz_config_rows, rz_config_n_rows, c, assignments[i], NULL, err);
    if (!ok) {
        rz_config_finish(c);
        return false;
    }
    char **const paths[] = {&c->model, &c->data, &c->rules, &c->tokenizer, &c->eval.data, &c->pretrain.data};
    if (c->prompt.examples[strspn(c->prompt.examples, " \t\r\n")] != '{')
        resolve(&c->prompt.examples, path, false);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        resolve(paths[i], path, paths[i] == &c->data || paths[i] == &c->pretrain.data);
    if (!c->out[0]) {
        free(c->out);
        c->out = default_out(path);
    }
    return true;
}

void rz_config_finish(rz_config *c)
{
    rz_options_finish(rz_config_rows, rz_config_n_rows, c);
}

static bool power_of_two(int64_t x)
{
    return x > 0 && (x & (x - 1)) == 0;
}

bool rz_config_check(const rz_config *c, rz_stage stage, rz_err *err)
{
    for (int i = 0; i < c->fault.n; i++)
        if (!rz_fault_check(c->fault.v[i], err))
            return false;
    if (!power_of_two(c->gradient_shards))
        return rz_fail(err, RZ_ECONFIG, "gradient_shards is %lld, must be a power of two", (long long)c->gradient_shards);
    if (c->task.countdown.test_share + c->task.countdown.validation_share > 0.9)
        return rz_fail(err, RZ_ECONFIG, "task.test_share + task.validation_share is %g, must leave at least 0.1 for training",
                       c->task.countdown.test_share + c->task.countdown.validation_share);
    if (c->corpus.max_words > c->arch.max_position_embeddings && c->pretrain.steps > 0)
        return rz_fail(err, RZ_ECONFIG, "corpus.max_words is %lld, must be at most arch.max_position_embeddings (%lld)",
                       (long long)c->corpus.max_words, (long long)c->arch.max_position_embeddings);
    if (stage == RZ_STAGE_PRETRAIN) {
        if (c->pretrain.steps < 1)
            return rz_fail(err, RZ_ECONFIG, "pretrain.steps is 0: nothing to pretrain; set it, or give model=CHECKPOINT");
        return true;
    }
    if (!rz_prompt_check(c->prompt.template, err))
        return rz_err_note(err, "prompt_template");
    if (c->steps < 1)
        return rz_fail(err, RZ_ECONFIG, "steps is %lld, must be at least 1", (long long)c->steps);
    if (!c->model[0] && c->pretrain.steps < 1)
        return rz_fail(err, RZ_ECONFIG, "model is empty and pretrain.steps is 0: give model=CHECKPOINT.h5, or a pretrain section that makes a base");
    if (c->model[0] && c->pretrain.steps > 0)
        return rz_fail(err, RZ_ECONFIG, "model is '%s' and pretrain.steps is %lld: give one of them", c->model, (long long)c->pretrain.steps);
    if (c->minibatches > c->prompts_per_step)
        return rz_fail(err, RZ_ECONFIG, "minibatches is %lld, more than prompts_per_step (%lld): some would be empty", (long long)c->minibatches,
                       (long long)c->prompts_per_step);
    return true;
}

bool rz_config_arch(const rz_config *c, int vocab_size, rz_arch *arch, rz_err *err)
{
    *arch = (rz_arch){vocab_size,
                      (int)c->arch.hidden_size,
                      (int)c->arch.intermediate_size,
                      (int)c->arch.num_hidden_layers,
                      (int)c->arch.num_attention_heads,
                      (int)c->arch.num_key_value_heads,
                      (int)c->arch.head_dim,
                      (int)c->arch.max_position_embeddings,
                      c->arch.rms_norm_eps,
                      c->arch.rope_theta,
                      c->arch.tie_word_embeddings};
    return rz_arch_check(arch, err) || rz_err_note(err, "arch");
}

bool rz_config_decides(rz_stage stage, const char *key)
{
    static const char *const base[] = {"seed", "gradient_shards", "compute", "tokenizer", "eos_token", "task.", "corpus.", "arch.", "pretrain."};
    if (stage == RZ_STAGE_TRAIN)
        return true;
    for (size_t i = 0; i < sizeof base / sizeof base[0]; i++)
        if (!strncmp(key, base[i], strlen(base[i])))
            return true;
    return false;
}

void rz_config_hash(const rz_config *c, rz_stage stage, const char *more, char out[33])
{
    char *all = rz_strdup(more);
    for (int i = 0; i < rz_config_n_rows; i++) {
        const rz_option *row = &rz_config_rows[i];
        const bool no_choice = (row->offset == AT(compute) && c->compute == RZ_COMPUTE_F32) || (row->offset == AT(kv_dtype) && c->kv_dtype == RZ_KV_F32); /* as before there was one */
        if (row->change == RZ_OPT_FREE || !rz_config_decides(stage, row->key) || no_choice)
            continue;
        char *value = rz_options_value(row, c), *longer = rz_asprintf("%s\n%s=%s", all, row->key, value);
        free(value);
        free(all);
        all = longer;
    }
    rz_hash_hex(all, strlen(all), out);
    free(all);
}
