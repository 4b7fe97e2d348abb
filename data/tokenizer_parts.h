/* What the files data/tokenizer*.c share; nobody else includes it. */
#ifndef RZ_DATA_TOKENIZER_PARTS_H
#define RZ_DATA_TOKENIZER_PARTS_H
#include "base/pattern.h"
#include "data/tokenizer.h"
#include <jansson.h>
#include <pthread.h>

enum { RZ_TOKEN_MAX_ID = 10000000, RZ_TOKEN_MAX_STEPS = 32 };

/* ---- the parts of a tokenizer ---- */

typedef enum {
    /* normalizers; REPLACE is a decoder too */
    RZ_NFC, RZ_NFD, RZ_NFKC, RZ_NFKD, RZ_LOWERCASE, RZ_REPLACE, RZ_PREPEND,
    /* pre-tokenizers: all but two are a SPLIT by some pattern */
    RZ_SPLIT, RZ_PREFIX_SPACE, RZ_METASPACE,
    /* decoders, METASPACE among them */
    RZ_BYTE_LEVEL, RZ_BYTE_FALLBACK, RZ_FUSE, RZ_STRIP
} rz_token_step_kind;

typedef enum { RZ_ISOLATED, RZ_REMOVED, RZ_CONTIGUOUS, RZ_WITH_PREVIOUS, RZ_WITH_NEXT } rz_split_behavior;
typedef enum { RZ_PREPEND_NEVER, RZ_PREPEND_FIRST, RZ_PREPEND_ALWAYS } rz_prepend_scheme;

/* One step of the way from text to words or back. */
typedef struct {
    rz_token_step_kind kind;
    rz_pattern *pattern; /* SPLIT, REPLACE */
    rz_split_behavior behavior;
    bool invert;
    char *text; /* REPLACE, PREPEND: what is put in; METASPACE: what stands for a space; STRIP: the character */
    size_t len;
    size_t growth; /* REPLACE: a text can become so many times as long */
    rz_prepend_scheme prepend;
    int start, stop; /* STRIP: how many at most at either end */
} rz_token_step;

typedef struct {
    rz_token_step items[RZ_TOKEN_MAX_STEPS];
    int n;
} rz_token_steps;

typedef struct {
    char *text; /* for those that are looked for in normalized text: normalized */
    size_t len;
    int id;
    bool lstrip, rstrip, single_word;
} rz_added_token;

/* Sorted by bytes, so that the longest that begins at a place is found by narrowing a range. */
typedef struct {
    rz_added_token *items;
    int n;
    bool starts[256]; /* some token begins with this byte */
} rz_added_set;

/* What turns two neighbours into one, best first. */
typedef struct {
    struct { uint64_t pair; int32_t rank; } *slots; /* hash table by first << 32 | second; rank −1: free */
    size_t n_slots;
    int32_t *made; /* by rank: the id that comes of it */
    int n;
} rz_merges;

typedef struct rz_token_work rz_token_work;

struct rz_tokenizer {
    char *json, *name;
    int size;
    char **tokens; /* by id; NULL: no such token */
    uint32_t *lens; /* of tokens */
    const char **said; /* by id: what an added token decodes to where that is not the token but its normalized text; NULL: there is none such */
    bool *special;
    bool *in_model; /* by id: the model's own vocabulary holds it; false for a token that was only added */
    int32_t *slots; /* hash table of ids, −1: free */
    size_t n_slots; /* a power of two, at least twice the number of tokens */
    int unknown;    /* id for what is not in the vocabulary, or −1 */
    bool unknown_missing; /* BPE names an unk_token that its vocabulary lacks: an error only where it is wanted */
    bool bpe;             /* else WordLevel */
    bool fuse_unknown, byte_fallback, ignore_merges;
    bool byte_level;        /* words are spelled in the alphabet of bytes (tokenizer_bytes.c) */
    int32_t byte_ids[256];  /* with byte_level: the id of a single byte, −1: none; with byte_fallback alone: of <0xNN> */
    rz_merges merges;
    rz_added_set added[2]; /* looked for in the text as it is; in normalized text */
    rz_token_steps normalizers, splits, decoders;
    int32_t *before, *after; /* what the template puts around a text */
    int n_before, n_after;
    rz_pattern *word; /* a character of a word, for single_word; or NULL */
    rz_token_extras extras;
    pthread_mutex_t *lock; /* of idle */
    rz_token_work **idle;  /* working memory that no thread uses at present */
};

/* ---- growing memory ---- */

typedef struct { char *data; size_t len, room; } rz_token_text;
typedef struct { int32_t *data; size_t n, room; } rz_token_ids;
typedef struct { size_t start, end; bool match; } rz_token_piece;
typedef struct { rz_token_piece *data; size_t n, room; } rz_token_pieces;

/* Room for at least n elements of a size; contents stay. */
void *rz_token_grow(void *data, size_t *room, size_t n, size_t size);
void rz_token_add_text(rz_token_text *to, const char *s, size_t len);
static inline void rz_token_add_id(rz_token_ids *to, int32_t id)
{
    if (to->n == to->room) to->data = rz_token_grow(to->data, &to->room, to->n + 1, sizeof *to->data);
    to->data[to->n++] = id;
}

/* What one thread needs to encode; kept from text to text. */
enum { RZ_CACHE_SLOTS = 1 << 15, RZ_CACHE_WORD = 64 };
typedef struct { uint64_t hash; uint32_t word, ids; uint16_t len, n; } rz_cache_slot; /* places in the cache's texts and ids */
struct rz_token_work {
    rz_token_work *next;
    rz_matcher *matcher;
    rz_token_ids ids;
    rz_token_text normalized[RZ_TOKEN_MAX_STEPS], split[RZ_TOKEN_MAX_STEPS]; /* by step: text that it has changed */
    rz_token_pieces pieces[RZ_TOKEN_MAX_STEPS];
    rz_token_text spelled; /* a word in the alphabet of bytes */
    /* of a word that is being merged */
    int32_t *symbols, *next_symbol, *previous, *ranks;
    uint64_t *heap;
    size_t room;
    bool met_special; /* the word at hand has special tokens in its way, taken or, in plain mode, not */
    /* words met before, with their ids */
    rz_cache_slot *cache;
    rz_token_text cached_words;
    rz_token_ids cached_ids;
};
bool rz_token_work_take(const rz_tokenizer *t, rz_token_work **out, rz_err *err);
void rz_token_work_give(const rz_tokenizer *t, rz_token_work *w);
void rz_token_work_destroy(rz_token_work *w);

/* ---- by file ---- */

/* tokenizer.c */
uint64_t rz_token_hash(const char *s, size_t len);
int rz_token_find(const rz_tokenizer *t, const char *s, size_t len); /* −1: none */
size_t rz_token_slot(const rz_tokenizer *t, const char *s, size_t len); /* the slot that holds it, or the free one where it would go */

/* tokenizer_read.c: everything from the JSON text. */
bool rz_token_read(rz_tokenizer *t, json_t *root, rz_err *err);
bool rz_token_check_keys(const rz_tokenizer *t, const char *where, json_t *object, const char *const *known, rz_err *err);
/* tokenizer_steps.c: normalizer, pre_tokenizer, decoder, post_processor. */
bool rz_token_read_steps(rz_tokenizer *t, json_t *root, rz_err *err);
bool rz_token_read_template(rz_tokenizer *t, json_t *root, rz_err *err);
void rz_token_steps_finish(rz_token_steps *s);

/* tokenizer_regex.c: a pattern as Oniguruma (Ruby) reads it, in Unicode 16, said in PCRE2's words. Caller frees; NULL with the reason. */
char *rz_token_regex(const char *onig, rz_err *err);
bool rz_token_pattern(rz_pattern **out, const char *pcre, rz_err *err);          /* searches; limits per place */
bool rz_token_pattern_literal(rz_pattern **out, const char *text, rz_err *err);
bool rz_token_pattern_anchored(rz_pattern **out, const char *pcre, rz_err *err); /* matches at the start only */
extern const char rz_token_digit[], rz_token_punctuation[], rz_token_space[], rz_token_word[]; /* classes of characters, in PCRE2's words */

/* tokenizer_bytes.c: GPT-2's alphabet, a printable character for each byte. */
size_t rz_token_spell(unsigned char byte, char out[2]);          /* bytes of the character */
bool rz_token_unspell(const char *s, size_t len, char *out, size_t *out_len); /* false: some character is not of the alphabet. out: room for len */

/* tokenizer_normal.c: text as the normalizers leave it; in w's memory, or the text itself. */
bool rz_token_normalize(const rz_tokenizer *t, rz_token_work *w, const char **s, size_t *len, rz_err *err);
/* Matches of a pattern and what lies between, as Hugging Face's library walks through them. Empty text has none. */
bool rz_token_find_all(const rz_tokenizer *t, rz_token_work *w, const rz_pattern *p, const char *s, size_t len, rz_token_pieces *out, rz_err *err);

/* tokenizer_split.c: pre-tokenizers, then the model, from step on. first: the piece begins where the text does. plain: no special token may come of it.
 * data: parts of the text in which added tokens are not looked for. */
typedef struct { const rz_tokenizer *t; rz_token_work *w; bool plain; const char *text; const rz_range *data; int n_data; } rz_token_encoder;
bool rz_token_split(const rz_token_encoder *e, int step, const char *s, size_t len, bool first, rz_err *err);

/* tokenizer_bpe.c */
bool rz_token_merges_read(rz_tokenizer *t, json_t *merges, rz_err *err);
void rz_token_bpe_finish(rz_token_work *w); /* gives back what words have taken */
bool rz_token_bpe(const rz_token_encoder *e, const char *word, size_t len, rz_err *err);
#endif
