/* From ids to text: decoders as stages through which tokens flow one by one. A whole text is decoded by the same code as a stream. */
#include "base/text.h"
#include "data/tokenizer_parts.h"
#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

typedef struct {
    bool fused;         /* what comes is parts of one text, not tokens */
    size_t n;           /* tokens so far */
    int stripped;       /* characters taken from the start of a fused text; −1: that is over */
    rz_token_text held; /* what cannot be said yet */
} stage;

struct rz_detokenizer {
    const rz_tokenizer *t;
    bool keep_special, started;
    stage stages[RZ_TOKEN_MAX_STEPS];
    rz_token_work *work; /* for patterns; NULL until wanted */
    rz_token_text made, ready;
};

static void feed(rz_detokenizer *d, int at, const char *s, size_t len);

/* Bytes of a character at the end that is only begun, but may still become one. */
static size_t begun(const char *s, size_t len)
{
    for (size_t n = 1; n <= 3 && n <= len; n++) {
        const unsigned char *u = (const unsigned char *)s + len - n;
        if ((u[0] & 0xC0) == 0x80) continue;
        size_t whole = u[0] >= 0xF0 && u[0] <= 0xF4 ? 4 : u[0] >= 0xE0 && u[0] < 0xF0 ? 3 : u[0] >= 0xC2 && u[0] < 0xE0 ? 2 : 1;
        if (whole <= n) return 0;
        bool bad = n > 1 && ((u[0] == 0xE0 && u[1] < 0xA0) || (u[0] == 0xED && u[1] > 0x9F) || (u[0] == 0xF0 && u[1] < 0x90) || (u[0] == 0xF4 && u[1] > 0x8F));
        return bad ? 0 : n;
    }
    return 0;
}

/* ---- stages ---- */

static void pass_bytes(rz_detokenizer *d, int at, size_t len)
{
    rz_token_text *held = &d->stages[at].held;
    if (rz_utf8_valid(held->data, len) == len) feed(d, at + 1, held->data, len);
    else {
        size_t repaired_len;
        char *repaired = rz_utf8_repair(held->data, len, &repaired_len);
        feed(d, at + 1, repaired, repaired_len);
        free(repaired);
    }
    memmove(held->data, held->data + len, held->len - len);
    held->len -= len;
}

static void byte_level(rz_detokenizer *d, int at, const char *s, size_t len)
{
    rz_token_text *held = &d->stages[at].held;
    size_t bytes = 0;
    held->data = rz_token_grow(held->data, &held->room, held->len + len + 1, 1);
    if (rz_token_unspell(s, len, held->data + held->len, &bytes)) held->len += bytes;
    else rz_token_add_text(held, s, len);
    size_t sure = held->len - begun(held->data, held->len);
    if (sure > 0) pass_bytes(d, at, sure);
}

/* A run of <0xNN> is text when all of it is UTF-8; else each byte is U+FFFD. */
static void pass_fallback(rz_detokenizer *d, int at)
{
    rz_token_text *held = &d->stages[at].held;
    if (held->len == 0) return;
    bool valid = rz_utf8_valid(held->data, held->len) == held->len;
    if (valid) feed(d, at + 1, held->data, held->len);
    for (size_t i = 0; !valid && i < held->len; i++) feed(d, at + 1, replacement, 3);
    held->len = 0;
}

static int hex(char c) { return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1; }

static void byte_fallback(rz_detokenizer *d, int at, const char *s, size_t len)
{
    int high = len == 6 && memcmp(s, "<0x", 3) == 0 && s[5] == '>' ? hex(s[3]) : -1, low = high >= 0 ? hex(s[4]) : -1;
    if (low >= 0) {
        char byte = (char)(high << 4 | low);
        rz_token_add_text(&d->stages[at].held, &byte, 1);
        return;
    }
    pass_fallback(d, at);
    feed(d, at + 1, s, len);
}

static bool starts_with(const char *s, size_t len, const rz_token_step *step) { return len >= step->len && memcmp(s, step->text, step->len) == 0; }

static void strip(rz_detokenizer *d, int at, const char *s, size_t len)
{
    const rz_token_step *step = &d->t->decoders.items[at];
    for (int i = 0; i < step->start && starts_with(s, len, step); i++) s += step->len, len -= step->len;
    for (int i = 0; i < step->stop && len >= step->len && memcmp(s + len - step->len, step->text, step->len) == 0; i++) len -= step->len;
    feed(d, at + 1, s, len);
}

/* Of a text in parts the start can be stripped as it comes; what may be stripped from its end is held. */
static void strip_fused(rz_detokenizer *d, int at, const char *s, size_t len)
{
    const rz_token_step *step = &d->t->decoders.items[at];
    stage *x = &d->stages[at];
    while (x->stripped >= 0 && x->stripped < step->start && starts_with(s, len, step)) s += step->len, len -= step->len, x->stripped++;
    if (len == 0) return;
    x->stripped = -1;
    rz_token_add_text(&x->held, s, len);
    size_t sure = x->held.len;
    for (int i = 0; i < step->stop && sure >= step->len && memcmp(x->held.data + sure - step->len, step->text, step->len) == 0; i++) sure -= step->len;
    if (sure == 0) return;
    feed(d, at + 1, x->held.data, sure);
    memmove(x->held.data, x->held.data + sure, x->held.len - sure);
    x->held.len -= sure;
}

static void metaspace(rz_detokenizer *d, int at, const char *s, size_t len)
{
    const rz_token_step *step = &d->t->decoders.items[at];
    bool drop = d->stages[at].n == 1 && step->prepend != RZ_PREPEND_NEVER;
    d->made.len = 0;
    for (size_t i = 0; i < len;) {
        bool space = starts_with(s + i, len - i, step);
        if (!space) rz_token_add_text(&d->made, s + i, 1);
        else if (!drop) rz_token_add_text(&d->made, " ", 1);
        i += space ? step->len : 1;
    }
    rz_token_text made = d->made;
    d->made = (rz_token_text){0}; /* a later stage may be of this kind too */
    feed(d, at + 1, made.data ? made.data : "", made.len);
    free(made.data);
}

static void replace(rz_detokenizer *d, int at, const char *s, size_t len)
{
    const rz_token_step *step = &d->t->decoders.items[at];
    rz_err err = {0};
    if (!d->work && !rz_token_work_take(d->t, &d->work, &err)) rz_out_of_memory(sizeof *d->work);
    rz_token_pieces *pieces = &d->work->pieces[0];
    if (!rz_token_find_all(d->t, d->work, step->pattern, s, len, pieces, &err)) {
        feed(d, at + 1, s, len); /* a pattern that gives up has found nothing */
        return;
    }
    rz_token_text made = {0};
    for (size_t i = 0; i < pieces->n; i++) {
        rz_token_piece p = pieces->data[i];
        if (p.match) rz_token_add_text(&made, step->text, step->len);
        else rz_token_add_text(&made, s + p.start, p.end - p.start);
    }
    feed(d, at + 1, made.data ? made.data : "", made.len);
    free(made.data);
}

static void work_on(rz_detokenizer *d, int at, const char *s, size_t len)
{
    d->stages[at].n++;
    switch (d->t->decoders.items[at].kind) {
    case RZ_BYTE_LEVEL: byte_level(d, at, s, len); break;
    case RZ_BYTE_FALLBACK: byte_fallback(d, at, s, len); break;
    case RZ_STRIP: strip(d, at, s, len); break;
    case RZ_METASPACE: metaspace(d, at, s, len); break;
    case RZ_REPLACE: replace(d, at, s, len); break;
    default: feed(d, at + 1, s, len); break;
    }
}

/* Of a text in parts most stages need the whole. */
static void feed(rz_detokenizer *d, int at, const char *s, size_t len)
{
    if (at == d->t->decoders.n) rz_token_add_text(&d->ready, s, len);
    else if (!d->stages[at].fused) work_on(d, at, s, len);
    else if (d->t->decoders.items[at].kind == RZ_STRIP) strip_fused(d, at, s, len);
    else if (d->t->decoders.items[at].kind == RZ_FUSE) feed(d, at + 1, s, len);
    else rz_token_add_text(&d->stages[at].held, s, len);
}

static void flush(rz_detokenizer *d, int at)
{
    stage *x = &d->stages[at];
    rz_token_step_kind kind = d->t->decoders.items[at].kind;
    if (x->fused && kind != RZ_STRIP && kind != RZ_FUSE && x->held.len > 0) {
        rz_token_text whole = x->held;
        x->held = (rz_token_text){0};
        work_on(d, at, whole.data, whole.len);
        free(whole.data);
    }
    if (kind == RZ_BYTE_LEVEL && x->held.len > 0) pass_bytes(d, at, x->held.len);
    if (kind == RZ_BYTE_FALLBACK) pass_fallback(d, at);
    x->held.len = x->n = 0; /* what STRIP still holds is stripped */
    x->stripped = 0;
}

/* ---- use ---- */

rz_detokenizer *rz_detokenizer_create(const rz_tokenizer *t, bool keep_special)
{
    rz_detokenizer *d = rz_calloc(1, sizeof *d);
    d->t = t;
    d->keep_special = keep_special;
    for (int i = 1; i < t->decoders.n; i++) {
        rz_token_step_kind before = t->decoders.items[i - 1].kind;
        d->stages[i].fused = d->stages[i - 1].fused || before == RZ_FUSE || before == RZ_BYTE_LEVEL;
    }
    return d;
}

void rz_detokenizer_destroy(rz_detokenizer *d)
{
    if (!d) return;
    if (d->work) rz_token_work_give(d->t, d->work);
    for (int i = 0; i < RZ_TOKEN_MAX_STEPS; i++) free(d->stages[i].held.data);
    free(d->made.data);
    free(d->ready.data);
    free(d);
}

static void add(rz_detokenizer *d, int32_t id)
{
    const rz_tokenizer *t = d->t;
    const char *token = rz_tokenizer_token(t, id);
    if (!d->keep_special && rz_tokenizer_is_special(t, id)) return;
    if (t->decoders.n == 0 && d->started) rz_token_add_text(&d->ready, " ", 1); /* no decoder: words with a space between */
    d->started = true;
    if (token && t->said && t->said[id]) feed(d, 0, t->said[id], strlen(t->said[id])); /* as tokenizers 0.23 does it */
    else if (token) feed(d, 0, token, t->lens[id]);
    else feed(d, 0, replacement, 3);
}

static void finish(rz_detokenizer *d)
{
    for (int i = 0; i < d->t->decoders.n; i++) flush(d, i);
    d->started = false;
}

static const char *ready(rz_detokenizer *d, size_t *len)
{
    rz_token_add_text(&d->ready, "", 1);
    *len = --d->ready.len;
    return d->ready.data;
}

const char *rz_detokenizer_push(rz_detokenizer *d, int32_t id, size_t *len)
{
    d->ready.len = 0;
    add(d, id);
    return ready(d, len);
}

const char *rz_detokenizer_finish(rz_detokenizer *d, size_t *len)
{
    d->ready.len = 0;
    finish(d);
    return ready(d, len);
}

char *rz_tokenizer_decode(const rz_tokenizer *t, const int32_t *ids, int n, bool keep_special, rz_arena *arena, size_t *len)
{
    rz_detokenizer *d = rz_detokenizer_create(t, keep_special);
    for (int i = 0; i < n; i++) add(d, ids[i]);
    finish(d);
    *len = d->ready.len;
    char *text = RZ_NEW(arena, *len + 1, char);
    if (*len > 0) memcpy(text, d->ready.data, *len);
    text[*len] = 0;
    rz_detokenizer_destroy(d);
    return text;
}
