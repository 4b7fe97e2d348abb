#include "base/text.h"
#include "base/error.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the well-formed sequence at s (Unicode 15, table 3-7), or 0 with *bad = bytes of its maximal ill-formed part. */
static size_t sequence(const unsigned char *s, size_t len, size_t *bad)
{
    *bad = 1;
    unsigned lead = s[0];
    if (lead < 0x80) return 1;
    if (lead < 0xC2 || lead > 0xF4) return 0;
    size_t need = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    unsigned low = 0x80, high = 0xBF; /* range of the second byte */
    if (lead == 0xE0) low = 0xA0;     /* overlong */
    if (lead == 0xED) high = 0x9F;    /* surrogates */
    if (lead == 0xF0) low = 0x90;     /* overlong */
    if (lead == 0xF4) high = 0x8F;    /* over U+10FFFF */
    for (size_t i = 1; i < need; i++) {
        if (i >= len || s[i] < low || s[i] > high) {
            *bad = i;
            return 0;
        }
        low = 0x80, high = 0xBF;
    }
    return need;
}

/* The same as a machine, a byte a step and no branch on what it is, for a text of characters of all lengths is one that no processor foresees: of each byte, what each state
 * becomes, six bits a state. */
enum { WHOLE = 0, ONE = 6, TWO = 12, THREE = 18, AFTER_E0 = 24, AFTER_ED = 30, AFTER_F0 = 36, AFTER_F4 = 42, ILL = 48 };
#define STEP(whole, one, two, three, e0, ed, f0, f4) \
    ((uint64_t)(whole) << WHOLE | (uint64_t)(one) << ONE | (uint64_t)(two) << TWO | (uint64_t)(three) << THREE | (uint64_t)(e0) << AFTER_E0 | (uint64_t)(ed) << AFTER_ED | \
     (uint64_t)(f0) << AFTER_F0 | (uint64_t)(f4) << AFTER_F4 | (uint64_t)ILL << ILL)
#define LEAD(state) STEP(state, ILL, ILL, ILL, ILL, ILL, ILL, ILL)
#define TIMES_4(x) x, x, x, x
#define TIMES_16(x) TIMES_4(x), TIMES_4(x), TIMES_4(x), TIMES_4(x)
#define TIMES_64(x) TIMES_16(x), TIMES_16(x), TIMES_16(x), TIMES_16(x)

static const uint64_t steps[256] = {
    TIMES_64(LEAD(WHOLE)), TIMES_64(LEAD(WHOLE)),                              /* 00 … 7F */
    TIMES_16(STEP(ILL, WHOLE, ONE, TWO, ILL, ONE, ILL, TWO)),                  /* 80 … 8F */
    TIMES_16(STEP(ILL, WHOLE, ONE, TWO, ILL, ONE, TWO, ILL)),                  /* 90 … 9F */
    TIMES_16(STEP(ILL, WHOLE, ONE, TWO, ONE, ILL, TWO, ILL)), TIMES_16(STEP(ILL, WHOLE, ONE, TWO, ONE, ILL, TWO, ILL)), /* A0 … BF */
    LEAD(ILL), LEAD(ILL), LEAD(ONE), LEAD(ONE), TIMES_4(LEAD(ONE)), TIMES_4(LEAD(ONE)), TIMES_4(LEAD(ONE)), TIMES_16(LEAD(ONE)), /* C0 … DF */
    LEAD(AFTER_E0), TIMES_4(LEAD(TWO)), TIMES_4(LEAD(TWO)), TIMES_4(LEAD(TWO)), LEAD(AFTER_ED), LEAD(TWO), LEAD(TWO), /* E0 … EF */
    LEAD(AFTER_F0), LEAD(THREE), LEAD(THREE), LEAD(THREE), LEAD(AFTER_F4), LEAD(ILL), LEAD(ILL), LEAD(ILL), TIMES_4(LEAD(ILL)), TIMES_4(LEAD(ILL)), /* F0 … FF */
};

size_t rz_utf8_valid(const char *text, size_t len)
{
    enum { RUN = 32 }; /* bytes until a look for words of ASCII alone, which go faster */
    const unsigned char *s = (const unsigned char *)text;
    size_t i = 0; /* where a character begins */
    while (i < len) {
        uint64_t word, state = WHOLE;
        while (len - i >= sizeof word) {
            memcpy(&word, s + i, sizeof word);
            if (word & UINT64_C(0x8080808080808080)) break;
            i += sizeof word;
        }
        size_t good = i, end = len - i < RUN ? len : i + RUN;
        for (size_t k = i; k < end && state != ILL; k++) {
            state = steps[s[k]] >> state & 63;
            good = state == WHOLE ? k + 1 : good;
        }
        if (good == i) break;
        i = good;
    }
    return i;
}

char *rz_utf8_repair(const char *text, size_t len, size_t *out_len) { return rz_utf8_repair_some(text, len, SIZE_MAX, out_len); }

char *rz_utf8_repair_some(const char *text, size_t len, size_t most, size_t *out_len)
{
    char *out = rz_malloc(3 * len + 1); /* each byte may be ill-formed alone */
    size_t at = 0, to = 0, bad;
    while (at < len) {
        size_t good = rz_utf8_valid(text + at, len - at);
        memcpy(out + to, text + at, good);
        at += good, to += good;
        while (at < len && !sequence((const unsigned char *)text + at, len - at, &bad)) {
            if (most-- == 0) {
                free(out);
                return NULL;
            }
            memcpy(out + to, "\xEF\xBF\xBD", 3);
            at += bad, to += 3;
        }
    }
    out[to] = 0;
    *out_len = to;
    return rz_realloc(out, to + 1);
}

size_t rz_utf8_count(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) n += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n;
}

enum { MAX_WORD = 127 };

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Damerau-Levenshtein in its optimal string alignment form; both words at most MAX_WORD bytes. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t rows[3][MAX_WORD + 1];
    for (size_t j = 0; j <= m; j++) rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t d = least(least(above[j], now[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d = least(d, above2[j - 2] + 1);
            now[j] = d;
        }
    }
    return rows[n % 3][m];
}

const char *rz_nearest(const char *word, const char *const *candidates, int n)
{
    size_t len = strlen(word), best = len / 3 + 1;
    const char *found = NULL;
    if (len > MAX_WORD) return NULL;
    for (int i = 0; i < n; i++) {
        size_t other = strlen(candidates[i]);
        if (other > MAX_WORD) continue;
        size_t d = distance(word, len, candidates[i], other);
        if (d < best) best = d, found = candidates[i];
    }
    return found;
}

void rz_double_text(double x, char out[32])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, 32, "%.*g", digits, x);
        if (strtod(out, NULL) == x) return;
    }
}
