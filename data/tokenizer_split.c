/* Pre-tokenizers: from text to words. Each step hands its pieces to the next, one after the other; behind the last stands the model. */
#include "data/tokenizer_parts.h"
#include <string.h>

static bool word_level(const rz_token_encoder *e, const char *word, size_t len, rz_err *err)
{
    const rz_tokenizer *t = e->t;
    if (t->byte_level) {
        rz_token_text *spelled = &e->w->spelled;
        spelled->len = 0;
        for (size_t i = 0; i < len; i++) {
            char c[2];
            rz_token_add_text(spelled, c, rz_token_spell((unsigned char)word[i], c));
        }
        word = spelled->data;
        len = spelled->len;
    }
    int id = rz_token_find(t, word, len);
    if (id >= 0 && (!t->in_model[id] || (e->plain && t->special[id]))) id = -1;
    if (id < 0) id = t->unknown;
    if (id < 0) {
        return rz_fail(err, RZ_EDATA, "%s: the word \"%.*s\" is not in the vocabulary of %d tokens, and there is no unk_token", t->name,
                       len > 100 ? 100 : (int)len, word, t->size);
    }
    rz_token_add_id(&e->w->ids, id);
    return true;
}

/* Joins pieces as the behavior wants, in place. What is to be dropped becomes empty. */
static void join(const rz_token_step *step, rz_token_pieces *x)
{
    size_t n = 0;
    bool previous = false;
    if (step->behavior == RZ_WITH_NEXT) { /* from behind: a match goes to what follows it */
        size_t at = x->n;
        for (size_t i = x->n; i-- > 0;) {
            rz_token_piece p = x->data[i];
            if (p.match && !previous && at < x->n) x->data[at].start = p.start;
            else x->data[--at] = p;
            previous = p.match;
        }
        memmove(x->data, x->data + at, (x->n - at) * sizeof *x->data);
        x->n -= at;
        return;
    }
    for (size_t i = 0; i < x->n; i++) {
        rz_token_piece p = x->data[i];
        bool joins = step->behavior == RZ_CONTIGUOUS ? p.match == previous : p.match && !previous;
        if (joins && n > 0) x->data[n - 1].end = p.end;
        else x->data[n++] = p;
        previous = p.match;
    }
    x->n = n;
}

static bool split(const rz_token_encoder *e, int at, const char *s, size_t len, bool first, rz_err *err)
{
    const rz_token_step *step = &e->t->splits.items[at];
    rz_token_pieces *x = &e->w->pieces[at];
    if (!rz_token_find_all(e->t, e->w, step->pattern, s, len, x, err)) return false;
    if (step->invert) {
        for (size_t i = 0; i < x->n; i++) x->data[i].match = !x->data[i].match;
    }
    if (step->behavior >= RZ_CONTIGUOUS) join(step, x);
    for (size_t i = 0; i < x->n; i++) {
        rz_token_piece p = x->data[i];
        if (step->behavior == RZ_REMOVED && p.match) continue;
        if (!rz_token_split(e, at + 1, s + p.start, p.end - p.start, first && p.start == 0, err)) return false;
    }
    return true;
}

static void metaspace(const rz_token_step *step, const char *s, size_t len, bool first, rz_token_text *out)
{
    out->len = 0;
    bool starts = *s == ' ' || (len >= step->len && memcmp(s, step->text, step->len) == 0);
    if (!starts && (step->prepend == RZ_PREPEND_ALWAYS || (step->prepend == RZ_PREPEND_FIRST && first))) rz_token_add_text(out, step->text, step->len);
    for (size_t i = 0; i < len; i++) {
        if (s[i] == ' ') rz_token_add_text(out, step->text, step->len);
        else rz_token_add_text(out, s + i, 1);
    }
}

bool rz_token_split(const rz_token_encoder *e, int at, const char *s, size_t len, bool first, rz_err *err)
{
    if (len == 0) return true;
    if (at == e->t->splits.n) return e->t->bpe ? rz_token_bpe(e, s, len, err) : word_level(e, s, len, err);
    const rz_token_step *step = &e->t->splits.items[at];
    if (step->kind == RZ_SPLIT) return split(e, at, s, len, first, err);
    rz_token_text *out = &e->w->split[at];
    if (step->kind == RZ_METASPACE) metaspace(step, s, len, first, out);
    else {
        if (*s == ' ') return rz_token_split(e, at + 1, s, len, first, err);
        out->len = 0;
        rz_token_add_text(out, " ", 1);
        rz_token_add_text(out, s, len);
    }
    return rz_token_split(e, at + 1, out->data, out->len, first, err);
}
