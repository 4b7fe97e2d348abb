/* Where a completion ends: tokens by their ids, and texts whatever tokens they are cut into. */
#ifndef RZ_ROLLOUT_STOP_H
#define RZ_ROLLOUT_STOP_H
#include "rollout/sampler.h"

#define RZ_DEFAULT_EOS "<eos>" /* what our own vocabularies call it */
enum { RZ_MAX_STOPS = RZ_MAX_EOS + 1 };

/* The ids that end a completion of this model: those that come with it (rz_token_extras), and eos_token. False when the vocabulary lacks eos_token, unless
 * that is RZ_DEFAULT_EOS, which a model with ends of its own need not have. */
bool rz_stop_ids(const rz_tokenizer *t, const char *eos_token, int32_t ids[RZ_MAX_STOPS], int *n);

bool rz_stop_is_id(const rz_sampling *s, int32_t id);
/* The text of ids(n) holds a stop text that ends in the last token; to be asked after every token. Looks at a tail of the text only. */
bool rz_stop_is_text(const rz_sampling *s, const int32_t *ids, int n, rz_arena scratch);
#endif
