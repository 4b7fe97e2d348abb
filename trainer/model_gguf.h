/* What reading and writing GGUF share: names, and the order of rows. */
#ifndef RZ_TRAINER_MODEL_GGUF_H
#define RZ_TRAINER_MODEL_GGUF_H
#include "base/gguf.h"
#include "policy/arch.h"

typedef struct { const char *hf, *gguf; } rz_gguf_name_row;
extern const rz_gguf_name_row rz_gguf_layer_names[];
extern const int rz_gguf_n_layer_names;

/* GGUF's name of a tensor of the layout; "" when there is none. */
void rz_gguf_tensor_name(const char *name, char out[96]);
/* llama.cpp rotates neighbours where Hugging Face rotates halves of a head, so rows of a llama's queries and keys (and their biases) stand in another
 * order in GGUF; not those of qwen. The number of heads in the tensor, 0 when it stays as it is. */
int rz_gguf_permuted_heads(const rz_arch *a, const char *name);
/* In each head row j·E/2 + i of ours is row 2·i + j there. w(rows,cols) is changed in place. */
void rz_gguf_permute(float *w, int64_t rows, int64_t cols, int heads, bool to_gguf);
/* factor(head_dim/2): by which each frequency is divided (rope_freqs.weight). */
void rz_gguf_rope_factors(float *factor, const rz_arch *a);
#endif
