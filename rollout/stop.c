#include "rollout/stop.h"

#include <string.h>

/* Tokens looked at beyond as many as the longest stop text has bytes: a token has a byte at least, but a character that the tail begins in the middle of is
 * lost, and a decoder may take a space off the first one. */
enum { MORE = 8 };

bool rz_stop_ids(const rz_tokenizer *t, const char *eos_token, int32_t ids[RZ_MAX_STOPS], int *n)
{
    const rz_token_extras *extras = rz_tokenizer_get_extras(t);
    int id = rz_tokenizer_id(t, eos_token);
    *n = extras->n_eos;
    memcpy(ids, extras->eos, (size_t)extras->n_eos * sizeof *ids);
    for (int i = 0; i < extras->n_eos; i++)
        if (ids[i] == id)
            return true;
    if (id >= 0)
        ids[(*n)++] = id;
    return id >= 0 || (extras->n_eos && !strcmp(eos_token, RZ_DEFAULT_EOS));
}

bool rz_stop_is_id(const rz_sampling *s, int32_t id)
{
    for (int i = 0; i < s->n_stop; i++)
        if (s->stop[i] == id)
            return true;
    return false;
}

bool rz_stop_is_text(const rz_sampling *s, const int32_t *ids, int n, rz_arena scratch)
{
    size_t most = 0, len;
    for (int i = 0; i < s->n_stop_texts; i++)
        most = strlen(s->stop_texts[i]) > most ? strlen(s->stop_texts[i]) : most;
    if (!most)
        return false;
    int tail = (size_t)n > most + MORE ? (int)most + MORE : n;
    const char *text = rz_tokenizer_decode(s->tokenizer, ids + n - tail, tail, true, &scratch, &len);
    for (int i = 0; i < s->n_stop_texts; i++)
        if (s->stop_texts[i][0] && memmem(text, len, s->stop_texts[i], strlen(s->stop_texts[i])))
            return true;
    return false;
}
