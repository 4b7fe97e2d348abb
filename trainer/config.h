/* Every config key of a job, once: rz_config_rows is the table that parses, checks, documents and saves them. */
#ifndef RZ_TRAINER_CONFIG_H
#define RZ_TRAINER_CONFIG_H
#include "base/options.h"
#include "data/tasks.h"
#include "data/prompt.h"
#include "policy/arch.h"

typedef enum { RZ_REWARD_RULES, RZ_REWARD_RANDOM } rz_reward;
typedef enum { RZ_SAVE_ERROR_STOP, RZ_SAVE_ERROR_CONTINUE } rz_save_error;
typedef enum { RZ_TRUNCATED_MASK, RZ_TRUNCATED_PUNISH } rz_truncated;
typedef enum { RZ_SCHEDULE_CONSTANT, RZ_SCHEDULE_LINEAR, RZ_SCHEDULE_COSINE } rz_schedule_kind;

/* One optimizer section ("optimizer.*" for GRPO, "pretrain.optimizer.*"): AdamW, clipping, schedule. */
typedef struct {
    double learning_rate, beta1, beta2, eps, weight_decay, max_grad_norm, min_lr_ratio;
    int64_t warmup_steps;
    int schedule; /* rz_schedule_kind */
} rz_optimizer_options;

typedef struct {
    char *out, *model, *data, *rules, *tokenizer, *eos_token;
    rz_prompt_options prompt;
    int64_t seed, steps, group_size, prompts_per_step, gradient_shards, threads, activation_mib;
    int reward;           /* rz_reward */
    int recompute;        /* rz_recompute */
    int dtype;            /* rz_stored */
    int compute;          /* rz_compute */
    int kv_dtype;         /* rz_kv_dtype */
    int on_save_error;    /* rz_save_error */
    double time_limit;    /* seconds; 0: none */
    bool strict, allow_changed_rules;
    rz_text_list rules_allow, fault;

    int algorithm, aggregation, advantage_std, truncated;
    double clip_eps_low, clip_eps_high;
    struct { double coef; } kl;
    bool dynamic_sampling;
    int64_t dynamic_sampling_max_rounds;
    int64_t minibatches, epochs;
    rz_optimizer_options optimizer;

    struct { double temperature, top_p, min_p; int64_t top_k, max_new, slots, keep; rz_text_list stop; bool speculative; } rollout;
    struct { int64_t every, keep, keep_every, part_bytes; double seconds; bool keep_best; } checkpoint;
    struct { int64_t skips, rollbacks; } guard;
    struct { double setup_s, step_s, eval_s, save_s; } watchdog;
    struct { char *data; int64_t every, problems, samples; double temperature; } eval;

    rz_task_options task;
    struct { int64_t every; double up, down; } curriculum;
    rz_corpus_options corpus;
    struct { int64_t hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim, max_position_embeddings;
             double rms_norm_eps, rope_theta; bool tie_word_embeddings; } arch;
    struct { char *data; int64_t steps, documents_per_step; rz_optimizer_options optimizer; } pretrain;
} rz_config;

extern const rz_option rz_config_rows[];
extern const int rz_config_n_rows;

/* Defaults, then the file (YAML), then each "key=value". */
bool rz_config_load(rz_config *c, const char *path, const char *const *assignments, int n_assignments, rz_err *err);
void rz_config_finish(rz_config *c);
/* What a table cannot say: combinations that could not do what they say. For the stage that is about to run. RZ_ECONFIG. */
typedef enum { RZ_STAGE_TRAIN, RZ_STAGE_PRETRAIN } rz_stage;
bool rz_config_check(const rz_config *c, rz_stage stage, rz_err *err);
/* The architecture of the arch.* keys for this vocabulary. */
bool rz_config_arch(const rz_config *c, int vocab_size, rz_arch *arch, rz_err *err);
/* The key can change the bits that a stage makes. */
bool rz_config_decides(rz_stage stage, const char *key);
/* XXH3-128 in hex of every key that decides the bits of a stage, and of `more`. */
void rz_config_hash(const rz_config *c, rz_stage stage, const char *more, char out[33]);
#endif
