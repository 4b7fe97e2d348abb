#include "policy/arch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PER_LAYER = 9 + 7 + 2, APART = 3 }; /* weights, biases, norms of heads; embedding, norm, head */

static int64_t put(rz_layout *l, int64_t rows, int64_t cols, bool bias, const char *name)
{
    rz_tensor *t = &l->tensors[l->n_tensors++];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->offset = l->n_params;
    t->rows = rows;
    t->cols = cols;
    t->decay = cols > 0;
    t->bias = bias;
    l->n_params += rows * (cols ? cols : 1);
    return t->offset;
}

/* The tensors of one layer are put one after the other. */
typedef struct { rz_layout *l; int layer; } place;

static int64_t put_weight(place p, int64_t rows, int64_t cols, const char *part)
{
    char name[96];
    snprintf(name, sizeof name, "model.layers.%d.%s.weight", p.layer, part);
    return put(p.l, rows, cols, false, name);
}

static int64_t put_bias(place p, int64_t rows, const char *part)
{
    char name[96];
    snprintf(name, sizeof name, "model.layers.%d.%s.bias", p.layer, part);
    return put(p.l, rows, 0, true, name);
}

static void put_attention(place p, rz_layer_offsets *o, const rz_arch *a)
{
    int64_t D = a->hidden_size, q = (int64_t)a->num_attention_heads * a->head_dim, kv = (int64_t)a->num_key_value_heads * a->head_dim;
    o->norm1 = put_weight(p, D, 0, "input_layernorm");
    o->qkv = put_weight(p, q, D, "self_attn.q_proj");
    put_weight(p, kv, D, "self_attn.k_proj");
    put_weight(p, kv, D, "self_attn.v_proj");
    if (rz_arch_qkv_bias(a)) {
        o->qkv_bias = put_bias(p, q, "self_attn.q_proj");
        put_bias(p, kv, "self_attn.k_proj");
        put_bias(p, kv, "self_attn.v_proj");
    }
    if (rz_arch_family(a)->qk_norm) {
        o->q_norm = put_weight(p, a->head_dim, 0, "self_attn.q_norm");
        o->k_norm = put_weight(p, a->head_dim, 0, "self_attn.k_norm");
    }
    o->o = put_weight(p, D, q, "self_attn.o_proj");
    if (a->attention_bias)
        o->o_bias = put_bias(p, D, "self_attn.o_proj");
}

static void put_feed_forward(place p, rz_layer_offsets *o, const rz_arch *a)
{
    int64_t D = a->hidden_size, F = a->intermediate_size;
    o->norm2 = put_weight(p, D, 0, "post_attention_layernorm");
    o->gate_up = put_weight(p, F, D, "mlp.gate_proj");
    put_weight(p, F, D, "mlp.up_proj");
    if (a->mlp_bias) {
        o->gate_up_bias = put_bias(p, F, "mlp.gate_proj");
        put_bias(p, F, "mlp.up_proj");
    }
    o->down = put_weight(p, D, F, "mlp.down_proj");
    if (a->mlp_bias)
        o->down_bias = put_bias(p, D, "mlp.down_proj");
}

void rz_layout_init(rz_layout *l, const rz_arch *a)
{
    int64_t D = a->hidden_size;
    memset(l, 0, sizeof *l);
    l->tensors = rz_calloc((size_t)a->num_hidden_layers * PER_LAYER + APART, sizeof *l->tensors);
    l->layers = rz_calloc((size_t)a->num_hidden_layers, sizeof *l->layers);
    l->embed = put(l, a->vocab_size, D, false, "model.embed_tokens.weight");
    for (int i = 0; i < a->num_hidden_layers; i++) {
        rz_layer_offsets *o = &l->layers[i];
        *o = (rz_layer_offsets){.qkv_bias = -1, .o_bias = -1, .gate_up_bias = -1, .down_bias = -1, .q_norm = -1, .k_norm = -1};
        put_attention((place){l, i}, o, a);
        put_feed_forward((place){l, i}, o, a);
    }
    l->norm = put(l, D, 0, false, "model.norm.weight");
    l->head = a->tie_word_embeddings ? l->embed : put(l, a->vocab_size, D, false, "lm_head.weight");
}

void rz_layout_finish(rz_layout *l)
{
    free(l->tensors);
    free(l->layers);
    memset(l, 0, sizeof *l);
}
