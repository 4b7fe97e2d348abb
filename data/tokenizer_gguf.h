/* Tokenizers in GGUF files (tokenizer.ggml.*), and in whatever else holds one. */
#ifndef RZ_DATA_TOKENIZER_GGUF_H
#define RZ_DATA_TOKENIZER_GGUF_H
#include "base/gguf.h"
#include "data/tokenizer.h"

/* With its extras. tokenizer.ggml.model must be gpt2 and tokenizer.ggml.pre a known one; else RZ_EDATA names it. */
bool rz_tokenizer_from_gguf(rz_tokenizer **out, const rz_gguf *g, rz_err *err);
/* Tokenizer and extras as keys. llama.cpp wants a token for every row of the embedding: ids up to n_rows that have none are written as unused.
 * RZ_EDATA when GGUF has no words for this tokenizer. */
bool rz_tokenizer_put_gguf(const rz_tokenizer *t, rz_gguf_writer *w, int n_rows, rz_err *err);

/* Of a model (a Hugging Face folder, GGUF, our .h5) or a tokenizer.json, told apart by content; weights are not read. Extras only from GGUF. */
bool rz_tokenizer_open(rz_tokenizer **out, const char *path, rz_err *err);
#endif
