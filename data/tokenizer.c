/* The vocabulary, added tokens, and the way from text to ids. */
#include "base/file.h"
#include "base/text.h"
#include "data/tokenizer_parts.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE_BYTES = 256 << 20, LARGE_WORD = 1 << 16 };

/* ---- growing memory ---- */

void *rz_token_grow(void *data, size_t *room, size_t n, size_t size)
{
    if (n <= *room) return data;
    size_t more = *room ? *room * 2 : 64;
    *room = more > n ? more : n;
    return rz_realloc(data, *room * size);
}

void rz_token_add_text(rz_token_text *to, const char *s, size_t len)
{
    to->data = rz_token_grow(to->data, &to->room, to->len + len + 1, 1);
    memcpy(to->data + to->len, s, len);
    to->len += len;
}

/* ---- working memory ---- */

bool rz_token_work_take(const rz_tokenizer *t, rz_token_work **out, rz_err *err)
{
    pthread_mutex_lock(t->lock);
    rz_token_work *w = *t->idle;
    if (w) *t->idle = w->next;
    pthread_mutex_unlock(t->lock);
    if (!w) {
        w = rz_calloc(1, sizeof *w);
        if (!rz_matcher_create(&w->matcher, err)) {
            free(w);
            return false;
        }
    }
    w->ids.n = 0;
    *out = w;
    return true;
}

void rz_token_work_give(const rz_tokenizer *t, rz_token_work *w)
{
    if (w->room > LARGE_WORD) rz_token_bpe_finish(w); /* one long word must not keep its memory for ever */
    pthread_mutex_lock(t->lock);
    w->next = *t->idle;
    *t->idle = w;
    pthread_mutex_unlock(t->lock);
}

void rz_token_work_destroy(rz_token_work *w)
{
    rz_matcher_destroy(w->matcher);
    for (int i = 0; i < RZ_TOKEN_MAX_STEPS; i++) {
        free(w->normalized[i].data);
        free(w->split[i].data);
        free(w->pieces[i].data);
    }
    free(w->ids.data);
    free(w->spelled.data);
    rz_token_bpe_finish(w);
    free(w->cache);
    free(w->cached_words.data);
    free(w->cached_ids.data);
    free(w);
}

/* ---- vocabulary ---- */

/* FNV-1a, 64 bits, with a last stirring: tables take its low bits. */
uint64_t rz_token_hash(const char *s, size_t len)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < len; i++) h = (h ^ (unsigned char)s[i]) * 1099511628211u;
    return h ^ h >> 32;
}

size_t rz_token_slot(const rz_tokenizer *t, const char *s, size_t len)
{
    size_t i = (size_t)rz_token_hash(s, len) & (t->n_slots - 1);
    while (t->slots[i] >= 0) {
        int32_t id = t->slots[i];
        if (t->lens[id] == len && memcmp(t->tokens[id], s, len) == 0) break;
        i = (i + 1) & (t->n_slots - 1);
    }
    return i;
}

int rz_token_find(const rz_tokenizer *t, const char *s, size_t len) { return t->slots[rz_token_slot(t, s, len)]; }

/* ---- making ---- */

bool rz_tokenizer_parse(rz_tokenizer **out, const char *name, const char *json, size_t len, rz_err *err)
{
    json_error_t why;
    *out = NULL;
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
    if (!root) return rz_fail(err, RZ_EDATA, "%s:%d: not valid JSON: %s", name, why.line, why.text);
    rz_tokenizer *t = rz_calloc(1, sizeof *t);
    t->name = rz_strdup(name);
    t->json = rz_strndup(json, len);
    t->lock = rz_malloc(sizeof *t->lock);
    t->idle = rz_calloc(1, sizeof *t->idle);
    pthread_mutex_init(t->lock, NULL);
    bool ok = rz_token_read(t, root, err);
    json_decref(root);
    if (ok) *out = t;
    else rz_tokenizer_destroy(t);
    return ok;
}

bool rz_tokenizer_load(rz_tokenizer **out, const char *path, rz_err *err)
{
    char *json;
    size_t len;
    *out = NULL;
    if (!rz_file_read(path, MAX_FILE_BYTES, &json, &len, err)) return false;
    bool ok = rz_tokenizer_parse(out, path, json, len, err);
    free(json);
    return ok;
}

void rz_tokenizer_destroy(rz_tokenizer *t)
{
    if (!t) return;
    for (rz_token_work *w = *t->idle, *next; w; w = next) {
        next = w->next;
        rz_token_work_destroy(w);
    }
    pthread_mutex_destroy(t->lock);
    free(t->lock);
    free(t->idle);
    for (int i = 0; t->tokens && i < t->size; i++) free(t->tokens[i]);
    free(t->tokens);
    free(t->lens);
    free(t->said);
    free(t->special);
    free(t->in_model);
    free(t->slots);
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < t->added[k].n; i++) free(t->added[k].items[i].text);
        free(t->added[k].items);
    }
    rz_token_steps_finish(&t->normalizers);
    rz_token_steps_finish(&t->splits);
    rz_token_steps_finish(&t->decoders);
    rz_pattern_destroy(t->word);
    free(t->merges.slots);
    free(t->merges.made);
    free(t->before);
    free(t->after);
    free(t->extras.chat_template);
    free(t->extras.bos_token);
    free(t->extras.eos_token);
    free(t->json);
    free(t->name);
    free(t);
}

/* ---- use ---- */

const char *rz_tokenizer_json(const rz_tokenizer *t) { return t->json; }
rz_token_extras *rz_tokenizer_extras(rz_tokenizer *t) { return &t->extras; }
const rz_token_extras *rz_tokenizer_get_extras(const rz_tokenizer *t) { return &t->extras; }
int rz_tokenizer_size(const rz_tokenizer *t) { return t->size; }
int rz_tokenizer_id(const rz_tokenizer *t, const char *token) { return rz_token_find(t, token, strlen(token)); }
const char *rz_tokenizer_token(const rz_tokenizer *t, int id) { return id >= 0 && id < t->size ? t->tokens[id] : NULL; }
bool rz_tokenizer_has_words(const rz_tokenizer *t) { return !t->bpe; }
bool rz_tokenizer_is_special(const rz_tokenizer *t, int id) { return id >= 0 && id < t->size && t->special[id]; }

/* The longest added token that begins at s, or NULL. Tokens that share their first k bytes with the text are a range, narrowed byte by byte. */
static const rz_added_token *match_added(const rz_added_set *set, const char *s, const char *end)
{
    const rz_added_token *best = NULL;
    int low = 0, high = set->n;
    if (!set->starts[(unsigned char)*s]) return NULL;
    for (size_t k = 0; low < high; k++) {
        if (set->items[low].len == k) best = &set->items[low++]; /* a prefix sorts before what it begins */
        if (s + k == end) break;
        unsigned char c = (unsigned char)s[k];
        int a = low, b = high;
        while (a < b) {
            int middle = a + (b - a) / 2;
            if ((unsigned char)set->items[middle].text[k] < c) a = middle + 1;
            else b = middle;
        }
        low = a;
        b = high;
        while (a < b) {
            int middle = a + (b - a) / 2;
            if ((unsigned char)set->items[middle].text[k] <= c) a = middle + 1;
            else b = middle;
        }
        high = a;
    }
    return best;
}

/* Bytes of the whitespace character (Unicode property White_Space) at s, or 0. The text is valid UTF-8. */
static size_t whitespace(const char *s, const char *end)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t left = (size_t)(end - s);
    if (u[0] == ' ' || (u[0] >= '\t' && u[0] <= '\r')) return 1;
    if (u[0] == 0xC2 && left > 1 && (u[1] == 0x85 || u[1] == 0xA0)) return 2;
    if (left < 3 || u[0] < 0xE1 || u[0] > 0xE3) return 0;
    unsigned c = (u[0] & 15u) << 12 | (u[1] & 63u) << 6 | (u[2] & 63u);
    bool white = c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
    return white ? 3 : 0;
}

static const char *before(const char *s, const char *start)
{
    do s--;
    while (s > start && ((unsigned char)*s & 0xC0) == 0x80);
    return s;
}

static bool word_at(const rz_token_encoder *e, const char *s, const char *end)
{
    return rz_pattern_match(e->t->word, e->w->matcher, s, (size_t)(end - s), 0, NULL, 0) == RZ_MATCH;
}

static bool stands_alone(const rz_token_encoder *e, const char *start, const char *s, const char *stop, const char *end)
{
    return (s == start || !word_at(e, before(s, start), end)) && (stop == end || !word_at(e, stop, end));
}

static bool encode_rest(const rz_token_encoder *e, int pass, const char *s, const char *origin, size_t len, bool first, rz_err *err);

/* Where an added token that begins at byte `at` of the text must end at the latest: where data begins. at itself: it is data. *next (a hint, at first 0) is the
 * first range that ends behind `at`. */
static size_t limit_of(const rz_token_encoder *e, size_t at, size_t end, int *next)
{
    while (*next < e->n_data && e->data[*next].end <= at) ++*next;
    if (*next == e->n_data || e->data[*next].start >= end) return end;
    return e->data[*next].start > at ? e->data[*next].start : at;
}

/* Added tokens are cut out wherever they stand, leftmost and then longest first; what lies between goes on. The order of things (where the next search
 * begins, what happens where two tokens want the same spaces) is that of Hugging Face's library. origin: where the text that was given says the same; NULL: no
 * part of it is data. */
static bool encode_pass(const rz_token_encoder *e, int pass, const char *start, const char *origin, size_t len, bool first, rz_err *err)
{
    const rz_added_set *set = &e->t->added[pass];
    const char *end = start + len, *rest = start, *s = start;
    const size_t offset = origin ? (size_t)(origin - e->text) : 0;
    int next = 0;
    if (set->n == 0) return encode_rest(e, pass, start, origin, len, first, err);
    while (s < end) {
        size_t at = offset + (size_t)(s - start), limit = origin ? limit_of(e, at, offset + len, &next) : offset + len;
        const rz_added_token *a = limit > at ? match_added(set, s, start + (limit - offset)) : NULL;
        if (!a) {
            s += limit > at ? 1 : (e->data[next].end < offset + len ? e->data[next].end : offset + len) - at;
            continue;
        }
        const char *from = s, *stop = s + a->len;
        s = stop;
        if (a->single_word && !stands_alone(e, start, from, stop, end)) continue;
        while (a->lstrip && from > rest) {
            const char *space = before(from, start);
            if (!whitespace(space, end)) break;
            from = space;
        }
        for (size_t space; a->rstrip && stop < end && (space = whitespace(stop, end)) > 0;) stop += space;
        if (rest < from && !encode_rest(e, pass, rest, origin ? origin + (rest - start) : NULL, (size_t)(from - rest), first && rest == start, err)) return false;
        rz_token_add_id(&e->w->ids, a->id);
        rest = stop;
    }
    return rest >= end || encode_rest(e, pass, rest, origin ? origin + (rest - start) : NULL, (size_t)(end - rest), first && rest == start, err);
}

static bool encode_rest(const rz_token_encoder *e, int pass, const char *s, const char *origin, size_t len, bool first, rz_err *err)
{
    const char *given = s;
    size_t given_len = len;
    int next = 0;
    if (len == 0) return true;
    if (pass == 1) return rz_token_split(e, 0, s, len, first, err);
    if (!rz_token_normalize(e->t, e->w, &s, &len, err)) return false;
    size_t at = origin ? (size_t)(origin - e->text) : 0;
    bool has_data = origin && limit_of(e, at, at + given_len, &next) < at + given_len;
    if (has_data && (len != given_len || memcmp(s, given, len) != 0)) return rz_token_split(e, 0, s, len, first, err); /* nobody knows where the data is now */
    return encode_pass(e, 1, s, has_data ? origin : NULL, len, first, err);
}

bool rz_tokenizer_encode_marked(const rz_tokenizer *t, const char *text, size_t len, const rz_range *data, int n_data, rz_arena *arena, int32_t **ids, int *n,
                                rz_err *err)
{
    *ids = NULL;
    *n = 0;
    if (len > INT32_MAX) return rz_fail(err, RZ_EDATA, "%s: a text of %zu bytes is too long to encode, at most %d", t->name, len, INT32_MAX);
    size_t valid = rz_utf8_valid(text, len);
    if (valid < len) return rz_fail(err, RZ_EDATA, "%s: the text to encode is not valid UTF-8 at byte %zu", t->name, valid);
    rz_token_work *w;
    if (!rz_token_work_take(t, &w, err)) return false;
    const rz_token_encoder e = {t, w, n_data > 0, text, data, n_data};
    bool ok = encode_pass(&e, 0, text, n_data ? text : NULL, len, true, err);
    if (ok && w->ids.n > INT32_MAX) ok = rz_fail(err, RZ_EDATA, "%s: a text of %zu bytes becomes %zu ids, at most %d", t->name, len, w->ids.n, INT32_MAX);
    if (ok) {
        *n = (int)w->ids.n;
        *ids = RZ_NEW(arena, *n + 1, int32_t);
        if (*n > 0) memcpy(*ids, w->ids.data, (size_t)*n * sizeof **ids);
    }
    rz_token_work_give(t, w);
    return ok;
}

bool rz_tokenizer_encode(const rz_tokenizer *t, const char *text, size_t len, rz_arena *arena, int32_t **ids, int *n, rz_err *err)
{
    return rz_tokenizer_encode_marked(t, text, len, NULL, 0, arena, ids, n, err);
}

bool rz_tokenizer_encode_plain(const rz_tokenizer *t, const char *text, size_t len, rz_arena *arena, int32_t **ids, int *n, rz_err *err)
{
    return rz_tokenizer_encode_marked(t, text, len, &(rz_range){0, len}, 1, arena, ids, n, err);
}

void rz_tokenizer_template(const rz_tokenizer *t, const int32_t **before_ids, int *n_before, const int32_t **after_ids, int *n_after)
{
    *before_ids = t->before;
    *n_before = t->n_before;
    *after_ids = t->after;
    *n_after = t->n_after;
}
