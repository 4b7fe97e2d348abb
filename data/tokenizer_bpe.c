/* Byte pair encoding: of all neighbours that a merge joins, the pair with the best merge first and of several the leftmost, until none is left. Short words
 * look through their pairs each time; long ones keep them in a heap, so that a word of n characters takes n log n. Words met before are remembered. */
#include "data/tokenizer_parts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT_WORD = 24, CACHE_TEXT = 1 << 20, CACHE_IDS = 1 << 19 };

/* ---- the table of merges ---- */

static size_t pair_slot(const rz_merges *m, uint64_t pair)
{
    uint64_t h = pair * 0x9E3779B97F4A7C15u;
    size_t i = (size_t)(h ^ h >> 32) & (m->n_slots - 1);
    while (m->slots[i].rank >= 0 && m->slots[i].pair != pair) i = (i + 1) & (m->n_slots - 1);
    return i;
}

/* −1: they do not merge, or what comes of it may not come of data. */
static inline int32_t rank_of(const rz_token_encoder *e, int32_t a, int32_t b)
{
    const rz_merges *m = &e->t->merges;
    int32_t rank = m->slots[pair_slot(m, (uint64_t)(uint32_t)a << 32 | (uint32_t)b)].rank;
    if (!e->plain || rank < 0 || !e->t->special[m->made[rank]]) return rank;
    e->w->met_special = true;
    return -1;
}

static int in_model(const rz_tokenizer *t, const char *s, size_t len)
{
    int id = rz_token_find(t, s, len);
    return id >= 0 && t->in_model[id] ? id : -1;
}

/* "a b", or ["a", "b"] for tokens with spaces in them. */
static bool merge_sides(const rz_tokenizer *t, size_t i, json_t *merge, const char *sides[2], size_t lens[2], rz_err *err)
{
    json_t *a = json_array_get(merge, 0), *b = json_array_get(merge, 1);
    if (json_is_string(a) && json_is_string(b) && json_array_size(merge) == 2) {
        sides[0] = json_string_value(a), lens[0] = json_string_length(a);
        sides[1] = json_string_value(b), lens[1] = json_string_length(b);
        return true;
    }
    const char *text = json_string_value(merge), *space = text ? strchr(text, ' ') : NULL;
    if (!space || strchr(space + 1, ' ')) return rz_fail(err, RZ_EDATA, "%s: model.merges[%zu] must be \"a b\" or [\"a\", \"b\"]", t->name, i);
    sides[0] = text, lens[0] = (size_t)(space - text);
    sides[1] = space + 1, lens[1] = strlen(space + 1);
    return true;
}

bool rz_token_merges_read(rz_tokenizer *t, json_t *merges, rz_err *err)
{
    rz_merges *m = &t->merges;
    rz_token_text both = {0};
    size_t i;
    json_t *merge;
    if (!json_is_array(merges)) return rz_fail(err, RZ_EDATA, "%s: model.merges must be a list", t->name);
    for (m->n_slots = 4; m->n_slots < 2 * json_array_size(merges); m->n_slots *= 2) {}
    m->slots = rz_malloc(m->n_slots * sizeof *m->slots);
    memset(m->slots, 0xff, m->n_slots * sizeof *m->slots);
    m->made = rz_malloc((json_array_size(merges) + 1) * sizeof *m->made);
    bool ok = true;
    json_array_foreach(merges, i, merge) {
        const char *sides[2] = {NULL, NULL};
        size_t lens[2] = {0, 0};
        ok = merge_sides(t, i, merge, sides, lens, err);
        if (!ok) break;
        both.len = 0;
        rz_token_add_text(&both, sides[0], lens[0]);
        rz_token_add_text(&both, sides[1], lens[1]);
        int a = in_model(t, sides[0], lens[0]), b = in_model(t, sides[1], lens[1]), made = in_model(t, both.data, both.len);
        if (a < 0 || b < 0 || made < 0) {
            ok = rz_fail(err, RZ_EDATA, "%s: model.merges[%zu] has \"%.100s\", which is not in model.vocab", t->name, i,
                         a < 0 ? sides[0] : b < 0 ? sides[1] : (both.data[both.len] = 0, both.data));
            break;
        }
        const uint64_t pair = (uint64_t)(uint32_t)a << 32 | (uint32_t)b;
        size_t slot = pair_slot(m, pair);
        m->slots[slot].pair = pair;
        m->slots[slot].rank = (int32_t)i; /* the last one counts, as in the original */
        m->made[i] = made;
        m->n = (int)i + 1;
    }
    free(both.data);
    return ok;
}

/* ---- words ---- */

/* From characters to the first symbols, which go to w->symbols. */
typedef struct {
    const rz_token_encoder *e;
    size_t n;
    int32_t waiting; /* the id for unknown characters, not yet written; −1: none */
} speller;

static void add_symbol(speller *x, int32_t id) { x->e->w->symbols[x->n++] = id; }

/* As in_model, but for special tokens in plain mode: unknown. */
static int symbol_of(const rz_token_encoder *e, const char *s, size_t len)
{
    int id = in_model(e->t, s, len);
    if (id < 0 || !e->t->special[id]) return id;
    e->w->met_special = true;
    return e->plain ? -1 : id;
}

/* A character that byte_ids does not know: its own id, ids of its bytes, unk_token, or nothing. The order of things is the original's. */
static bool spell(speller *x, const char *s, size_t len, rz_err *err)
{
    const rz_tokenizer *t = x->e->t;
    int id = symbol_of(x->e, s, len);
    if (id >= 0) {
        if (x->waiting >= 0) add_symbol(x, x->waiting);
        x->waiting = -1;
        add_symbol(x, id);
        return true;
    }
    if (t->byte_fallback) {
        int32_t bytes[4];
        size_t n = 0;
        for (char name[8]; n < len; n++) {
            int wrote = snprintf(name, sizeof name, "<0x%02X>", (unsigned)(unsigned char)s[n]);
            bytes[n] = symbol_of(x->e, name, (size_t)wrote);
            if (bytes[n] < 0) break;
        }
        if (n == len) {
            for (size_t i = 0; i < n; i++) add_symbol(x, bytes[i]);
            return true;
        }
    }
    if (t->unknown_missing) return rz_fail(err, RZ_EDATA, "%s: \"%.*s\" is unknown, and model.unk_token is not in model.vocab", t->name, (int)len, s);
    if (t->unknown < 0) return true;
    if (x->waiting >= 0 && !t->fuse_unknown) add_symbol(x, x->waiting);
    x->waiting = t->unknown;
    return true;
}

static bool spell_word(speller *x, const char *word, size_t len, rz_err *err)
{
    const rz_tokenizer *t = x->e->t;
    for (size_t i = 0, n; i < len; i += n) {
        if (t->byte_level) {
            char c[2];
            int32_t id = t->byte_ids[(unsigned char)word[i]];
            n = 1;
            if (id >= 0 && x->waiting < 0 && !t->special[id]) add_symbol(x, id);
            else if (!spell(x, c, rz_token_spell((unsigned char)word[i], c), err)) return false;
        } else {
            for (n = 1; i + n < len && ((unsigned char)word[i + n] & 0xC0) == 0x80;) n++;
            if (!spell(x, word + i, n, err)) return false;
        }
    }
    if (x->waiting >= 0) add_symbol(x, x->waiting);
    return true;
}

/* n symbols become fewer, in place. */
static size_t merge_short(const rz_token_encoder *e, size_t n)
{
    const rz_merges *m = &e->t->merges;
    int32_t *ids = e->w->symbols, *ranks = e->w->ranks;
    for (size_t i = 0; i + 1 < n; i++) ranks[i] = rank_of(e, ids[i], ids[i + 1]);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++) {
            if ((uint32_t)ranks[i] < (uint32_t)ranks[best]) best = i; /* −1 is the worst of all */
        }
        if (ranks[best] < 0) break;
        ids[best] = m->made[ranks[best]];
        e->w->met_special |= e->t->special[ids[best]];
        n--;
        memmove(ids + best + 1, ids + best + 2, (n - best - 1) * sizeof *ids);
        memmove(ranks + best, ranks + best + 1, (n - best - 1) * sizeof *ranks);
        if (best + 1 < n) ranks[best] = rank_of(e, ids[best], ids[best + 1]);
        if (best > 0) ranks[best - 1] = rank_of(e, ids[best - 1], ids[best]);
    }
    return n;
}

static void sift_down(uint64_t *heap, size_t n, size_t i)
{
    uint64_t x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && heap[child + 1] < heap[child]) child++;
        if (x <= heap[child]) break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

static void push(uint64_t *heap, size_t *n, uint64_t x)
{
    size_t i = (*n)++;
    for (size_t parent; i > 0 && heap[parent = (i - 1) / 2] > x; i = parent) heap[i] = heap[parent];
    heap[i] = x;
}

/* The same with a list of neighbours and a heap of rank << 32 | place. An entry is stale when the pair at its place has another rank by now. Each merge adds
 * two entries at most and takes a symbol away, so there are never more than 3 n. */
static size_t merge_long(const rz_token_encoder *e, size_t n)
{
    const rz_merges *m = &e->t->merges;
    rz_token_work *w = e->w;
    int32_t *ids = w->symbols, *next = w->next_symbol, *previous = w->previous, *ranks = w->ranks;
    size_t n_heap = 0;
    for (size_t i = 0; i < n; i++) {
        next[i] = i + 1 < n ? (int32_t)i + 1 : -1;
        previous[i] = (int32_t)i - 1;
        ranks[i] = next[i] >= 0 ? rank_of(e, ids[i], ids[i + 1]) : -1;
        if (ranks[i] >= 0) w->heap[n_heap++] = (uint64_t)ranks[i] << 32 | i;
    }
    for (size_t i = n_heap / 2; i-- > 0;) sift_down(w->heap, n_heap, i);
    while (n_heap > 0) {
        const uint64_t top = w->heap[0];
        w->heap[0] = w->heap[--n_heap];
        if (n_heap > 0) sift_down(w->heap, n_heap, 0);
        int32_t at = (int32_t)(uint32_t)top, rank = (int32_t)(top >> 32);
        if (ranks[at] != rank) continue;
        int32_t gone = next[at], before = previous[at];
        ids[at] = m->made[rank];
        w->met_special |= e->t->special[ids[at]];
        next[at] = next[gone];
        ids[gone] = ranks[gone] = -1;
        if (next[at] >= 0) previous[next[at]] = at;
        ranks[at] = next[at] >= 0 ? rank_of(e, ids[at], ids[next[at]]) : -1;
        if (ranks[at] >= 0) push(w->heap, &n_heap, (uint64_t)ranks[at] << 32 | (uint32_t)at);
        if (before < 0) continue;
        ranks[before] = rank_of(e, ids[before], ids[at]);
        if (ranks[before] >= 0) push(w->heap, &n_heap, (uint64_t)ranks[before] << 32 | (uint32_t)before);
    }
    size_t kept = 0;
    for (int32_t i = 0; i >= 0; i = next[i]) ids[kept++] = ids[i];
    return kept;
}

static void reserve(rz_token_work *w, size_t n)
{
    if (n <= w->room) return;
    w->room = n < 4096 ? 4096 : n;
    w->symbols = rz_realloc(w->symbols, w->room * sizeof *w->symbols);
    w->next_symbol = rz_realloc(w->next_symbol, w->room * sizeof *w->next_symbol);
    w->previous = rz_realloc(w->previous, w->room * sizeof *w->previous);
    w->ranks = rz_realloc(w->ranks, w->room * sizeof *w->ranks);
    w->heap = rz_realloc(w->heap, 3 * w->room * sizeof *w->heap);
}

void rz_token_bpe_finish(rz_token_work *w)
{
    free(w->symbols);
    free(w->next_symbol);
    free(w->previous);
    free(w->ranks);
    free(w->heap);
    w->symbols = w->next_symbol = w->previous = w->ranks = NULL;
    w->heap = NULL;
    w->room = 0;
}

/* The id of a word that is a token as it stands, or −1. */
static int whole(const rz_token_encoder *e, const char *word, size_t len)
{
    rz_token_text *spelled = &e->w->spelled;
    if (!e->t->byte_level) return in_model(e->t, word, len);
    spelled->len = 0;
    for (size_t i = 0; i < len; i++) {
        char c[2];
        rz_token_add_text(spelled, c, rz_token_spell((unsigned char)word[i], c));
    }
    return in_model(e->t, spelled->data, spelled->len);
}

static bool encode_word(const rz_token_encoder *e, const char *word, size_t len, rz_err *err)
{
    rz_token_work *w = e->w;
    int id = e->t->ignore_merges ? whole(e, word, len) : -1;
    w->met_special = id >= 0 && e->t->special[id];
    if (id >= 0 && !(e->plain && w->met_special)) {
        rz_token_add_id(&w->ids, id);
        return true;
    }
    if (len > INT32_MAX / 2) return rz_fail(err, RZ_EDATA, "%s: a word of %zu bytes is too long to encode", e->t->name, len);
    reserve(w, 2 * len + 1); /* a byte may be two characters of the alphabet, each a token */
    speller x = {e, 0, -1};
    if (!spell_word(&x, word, len, err)) return false;
    size_t n = x.n <= SHORT_WORD ? merge_short(e, x.n) : merge_long(e, x.n);
    for (size_t i = 0; i < n; i++) rz_token_add_id(&w->ids, w->symbols[i]);
    return true;
}

/* ---- the cache ---- */

static void remember(rz_token_work *w, rz_cache_slot *slot, uint64_t hash, const char *word, size_t len, size_t first)
{
    size_t n = w->ids.n - first;
    if (w->cached_words.len + len > CACHE_TEXT || w->cached_ids.n + n > CACHE_IDS) {
        memset(w->cache, 0, RZ_CACHE_SLOTS * sizeof *w->cache);
        w->cached_words.len = w->cached_ids.n = 0;
    }
    *slot = (rz_cache_slot){hash, (uint32_t)w->cached_words.len, (uint32_t)w->cached_ids.n, (uint16_t)len, (uint16_t)n};
    rz_token_add_text(&w->cached_words, word, len);
    for (size_t i = 0; i < n; i++) rz_token_add_id(&w->cached_ids, w->ids.data[first + i]);
}

/* In recognising and in plain mode the same, but for words with special tokens in their way: those are never remembered. */
bool rz_token_bpe(const rz_token_encoder *e, const char *word, size_t len, rz_err *err)
{
    rz_token_work *w = e->w;
    if (len > RZ_CACHE_WORD) return encode_word(e, word, len, err);
    if (!w->cache) w->cache = rz_calloc(RZ_CACHE_SLOTS, sizeof *w->cache);
    const uint64_t hash = rz_token_hash(word, len);
    rz_cache_slot *slot = &w->cache[hash & (RZ_CACHE_SLOTS - 1)];
    if (slot->hash == hash && slot->len == len && memcmp(w->cached_words.data + slot->word, word, len) == 0) {
        for (size_t i = 0; i < slot->n; i++) rz_token_add_id(&w->ids, w->cached_ids.data[slot->ids + i]);
        return true;
    }
    size_t first = w->ids.n;
    if (!encode_word(e, word, len, err)) return false;
    if (!w->met_special) remember(w, slot, hash, word, len, first);
    return true;
}
