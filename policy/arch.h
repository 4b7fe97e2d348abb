/* Architecture of a policy and where each tensor lies. Names are those of Hugging Face's config.json and safetensors. */
#ifndef RZ_POLICY_ARCH_H
#define RZ_POLICY_ARCH_H
#include "base/error.h"
#include <stdint.h>

typedef enum { RZ_LLAMA, RZ_MISTRAL, RZ_QWEN2, RZ_QWEN3, RZ_N_MODEL_TYPES } rz_model_type;
typedef enum { RZ_ROPE_DEFAULT, RZ_ROPE_LINEAR, RZ_ROPE_LLAMA3, RZ_N_ROPE_TYPES } rz_rope_type;

/* A decoder of the Llama kind: RMSNorm, RoPE, grouped-query attention, SwiGLU. What is not set is 0: llama, no biases, plain RoPE. */
typedef struct {
    int vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim,
        max_position_embeddings;
    double rms_norm_eps, rope_theta;
    bool tie_word_embeddings;
    int model_type;                      /* rz_model_type */
    bool attention_bias, mlp_bias;       /* q, k, v and o; gate, up and down. Only where the family leaves the choice to the config */
    int rope_type;                       /* rz_rope_type; the fields below are 0 unless it uses them: */
    double factor;                       /* linear, llama3 */
    double low_freq_factor, high_freq_factor;
    int original_max_position_embeddings; /* llama3 */
} rz_arch;

/* What a model_type implies. */
typedef struct {
    const char *name, *architecture;        /* model_type and class in config.json */
    bool qkv_bias;                          /* q, k and v have a bias, whatever the config says */
    bool may_attention_bias, may_mlp_bias;  /* the config may ask for those */
    bool qk_norm;                           /* queries and keys are normed by head, before RoPE */
    int head_dim, num_key_value_heads, max_position_embeddings; /* what a config means that is silent; head_dim 0: hidden_size / heads */
    int sliding_window;                     /* 0: none */
} rz_family;

const rz_family *rz_arch_family(const rz_arch *a);
/* Biases of this architecture. */
static inline bool rz_arch_qkv_bias(const rz_arch *a) { return a->attention_bias || rz_arch_family(a)->qkv_bias; }

/* RZ_ECONFIG naming the field, its value and what it must be. */
bool rz_arch_check(const rz_arch *a, rz_err *err);
/* config.json text (caller frees) and back. Dump writes what every version of transformers reads (rope_theta, rope_scaling); parse takes that
 * and rope_parameters. Fields that the text lacks have the defaults of transformers. RZ_EDATA on a wrong field, on one that is missing without having
 * a default, and on one that would change the numbers and is not supported. Fields it does not know are passed over. */
char *rz_arch_dump(const rz_arch *a);
bool rz_arch_parse(rz_arch *a, const char *name, const char *json, rz_err *err);
/* First field in which two differ, as "hidden_size is 64, expected 128" in buf; false when equal. */
bool rz_arch_differ(const rz_arch *have, const rz_arch *want, char *buf, size_t size);

typedef struct {
    char name[96];
    int64_t offset;     /* floats from the start of the parameters */
    int64_t rows, cols; /* (out, in); a vector has cols 0 */
    bool decay;         /* weight decay applies: matrices yes, norms and biases no */
    bool bias;
} rz_tensor;

/* All parameters are one array, without gaps: q, k, v of a layer are one (H+2G)·E × D matrix, gate and up one 2F × D matrix; so are their biases. */
typedef struct {
    int64_t norm1, qkv, o, norm2, gate_up, down;        /* offsets */
    int64_t qkv_bias, o_bias, gate_up_bias, down_bias;  /* −1: none */
    int64_t q_norm, k_norm;                             /* (E), −1: none */
} rz_layer_offsets;

typedef struct {
    int n_tensors;
    rz_tensor *tensors;       /* in memory order */
    rz_layer_offsets *layers;
    int64_t embed, norm, head; /* head == embed when tied */
    int64_t n_params;
} rz_layout;

void rz_layout_init(rz_layout *l, const rz_arch *a);
void rz_layout_finish(rz_layout *l);
#endif
