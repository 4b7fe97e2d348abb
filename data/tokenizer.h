/* Tokenizers in Hugging Face `tokenizer.json` form: models BPE and WordLevel with the normalizers, pre-tokenizers and decoders that docs/tokenizers.md lists.
 * Ids and texts are those of Hugging Face's own library. Anything not supported is an error that names the field. Threads may share a tokenizer. */
#ifndef RZ_DATA_TOKENIZER_H
#define RZ_DATA_TOKENIZER_H
#include "base/arena.h"
#include "base/text.h"
#include <stdint.h>

typedef struct rz_tokenizer rz_tokenizer;

/* json: the text of a tokenizer.json; name is used in messages. RZ_EDATA. */
bool rz_tokenizer_parse(rz_tokenizer **out, const char *name, const char *json, size_t len, rz_err *err);
bool rz_tokenizer_load(rz_tokenizer **out, const char *path, rz_err *err);
void rz_tokenizer_destroy(rz_tokenizer *t);

const char *rz_tokenizer_json(const rz_tokenizer *t); /* the text it was made from, to be kept in checkpoints */
int rz_tokenizer_size(const rz_tokenizer *t);         /* vocab_size: highest id + 1 */
int rz_tokenizer_id(const rz_tokenizer *t, const char *token); /* −1 when there is no such token */
const char *rz_tokenizer_token(const rz_tokenizer *t, int id); /* NULL when there is no such id */
bool rz_tokenizer_has_words(const rz_tokenizer *t); /* whole words (WordLevel): most texts cannot be said */
bool rz_tokenizer_is_special(const rz_tokenizer *t, int id);

/* What a model says of its texts beside tokenizer.json (tokenizer_config.json, chat_template.jinja, generation_config.json, or a GGUF's keys). Kept with
 * the tokenizer wherever that goes; owned by it. All of it may be missing: NULL, 0. */
enum { RZ_MAX_EOS = 16 };
typedef struct {
    char *chat_template;              /* Jinja */
    char *bos_token, *eos_token;      /* as text */
    bool add_bos;                     /* the model expects bos_token at the start of every text */
    int n_eos;
    int32_t eos[RZ_MAX_EOS];          /* ids that end a completion */
} rz_token_extras;
rz_token_extras *rz_tokenizer_extras(rz_tokenizer *t);
const rz_token_extras *rz_tokenizer_get_extras(const rz_tokenizer *t);

/* ids are taken from the arena. Special and other added tokens written in the text are recognised; nothing is added. A word outside the vocabulary becomes
 * unk_token if there is one; else WordLevel names the word (RZ_EDATA), and BPE leaves it out, as the original does. */
bool rz_tokenizer_encode(const rz_tokenizer *t, const char *text, size_t len, rz_arena *arena, int32_t **ids, int *n, rz_err *err);
/* The same for text that is data and not ours: added tokens in it are text like any other, and no special token can come of it, by merges neither; but what
 * is unknown becomes unk_token even if that is special. */
bool rz_tokenizer_encode_plain(const rz_tokenizer *t, const char *text, size_t len, rz_arena *arena, int32_t **ids, int *n, rz_err *err);
/* The same for text of which the ranges data (n_data, in order, not touching) are data, the rest ours: an added token is recognised where none of its bytes is
 * data. Where there is no such token in the data, the ids are those of rz_tokenizer_encode. */
bool rz_tokenizer_encode_marked(const rz_tokenizer *t, const char *text, size_t len, const rz_range *data, int n_data, rz_arena *arena, int32_t **ids, int *n,
                                rz_err *err);
/* Ids that the tokenizer's template (post_processor) puts before and after a text of its own. Owned by t. */
void rz_tokenizer_template(const rz_tokenizer *t, const int32_t **before_ids, int *n_before, const int32_t **after_ids, int *n_after);

/* Text of ids (NUL-terminated, from the arena; *len without the NUL); ids out of range become U+FFFD; special tokens are left out unless keep_special.
 * Bytes that are no UTF-8 become U+FFFD each maximal part. */
char *rz_tokenizer_decode(const rz_tokenizer *t, const int32_t *ids, int n, bool keep_special, rz_arena *arena, size_t *len);

/* The same id by id: what push returns are bytes that no later id can change, whole characters only; all of them in a row with what finish returns are
 * the text that rz_tokenizer_decode makes. Bytes are valid until the next call. After finish it is ready for another text. t must outlive it. */
typedef struct rz_detokenizer rz_detokenizer;
rz_detokenizer *rz_detokenizer_create(const rz_tokenizer *t, bool keep_special);
void rz_detokenizer_destroy(rz_detokenizer *d);
const char *rz_detokenizer_push(rz_detokenizer *d, int32_t id, size_t *len);
const char *rz_detokenizer_finish(rz_detokenizer *d, size_t *len);
#endif
