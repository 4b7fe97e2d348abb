/* Architecture of a policy and where each tensor lies. Names are those of Hugging Face's config.json and safetensors. */
#ifndef RZ_POLICY_ARCH_H
#define RZ_POLICY_ARCH_H
#include "base/error.h"
#include <stdint.h>

/* A Llama-style decoder: RMSNorm, RoPE, grouped-query attention, SwiGLU. */
typedef struct {
    int vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim,
        max_position_embeddings;
    double rms_norm_eps, rope_theta;
    bool tie_word_embeddings;
} rz_arch;

/* RZ_ECONFIG naming the field, its value and what it must be. */
bool rz_arch_check(const rz_arch *a, rz_err *err);
/* config.json text (caller frees) and back. RZ_EDATA on a missing, wrong or unsupported field. */
char *rz_arch_dump(const rz_arch *a);
bool rz_arch_parse(rz_arch *a, const char *name, const char *json, rz_err *err);
/* First field in which two differ, as "hidden_size is 64, expected 128" in buf; false when equal. */
bool rz_arch_differ(const rz_arch *have, const rz_arch *want, char *buf, size_t size);

typedef struct {
    char name[96];
    int64_t offset;     /* floats from the start of the parameters */
    int64_t rows, cols; /* (out, in); a vector has cols 0 */
    bool decay;         /* weight decay applies: matrices yes, norms no */
} rz_tensor;

/* All parameters are one array, without gaps: q, k, v of a layer are one (H+2G)·E × D matrix, gate and up one 2F × D matrix. */
typedef struct {
    int64_t norm1, qkv, o, norm2, gate_up, down; /* offsets */
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
