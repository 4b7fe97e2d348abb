/* Comparers by degrees: how much of a text is right. */
#include "rewards/compare.h"
#include "rewards/python.h"
#include "rewards/verify.h"
#include <stdlib.h>
#include <string.h>

static bool check_degrees(const json_t *options, rz_err *err)
{
    double threshold = json_number_value(json_object_get(options, "threshold"));
    return (threshold > 0 && threshold <= 1) || rz_fail(err, RZ_ECONFIG, "threshold is %g, must be above 0 and at most 1", threshold);
}

/* ---- F1 of words, as SQuAD's evaluation has it: lower case, without ASCII punctuation and articles ---- */

enum { MAX_F1_BYTES = 16 << 10, F1_PRICE = 150 /* units of work a byte: sorting */ };

static bool is_article(rz_slice w)
{
    static const char *const articles[] = {"a", "an", "the"};
    for (int i = 0; i < 3; i++)
        if (w.len == strlen(articles[i]) && memcmp(w.s, articles[i], w.len) == 0) return true;
    return false;
}

static bool is_punctuation(char c) { return c > 0x20 && c < 0x7F && !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')); }

static int by_bytes(const void *x, const void *y)
{
    const rz_slice *a = x, *b = y;
    int order = memcmp(a->s, b->s, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

/* The words, sorted. */
static rz_slice *words_of(rz_arena *scratch, rz_slice t, size_t *n)
{
    t = rz_python_lower(scratch, t);
    rz_slice *words = RZ_NEW(scratch, t.len / 2 + 1, rz_slice), word;
    char *clean = RZ_NEW(scratch, t.len + 1, char);
    size_t at = 0, len = 0;
    *n = 0;
    for (size_t i = 0; i < t.len; i++)
        if (!is_punctuation(t.s[i])) clean[len++] = t.s[i];
    while (rz_python_word((rz_slice){clean, len}, &at, &word))
        if (!is_article(word)) words[(*n)++] = word;
    qsort(words, *n, sizeof *words, by_bytes);
    return words;
}

static double f1(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    (void)options;
    size_t n, m, common = 0;
    if (found.len > MAX_F1_BYTES || gold.len > MAX_F1_BYTES || !rz_env_spend(env, (int64_t)(found.len + gold.len) * F1_PRICE)) return -1;
    rz_slice *a = words_of(env->scratch, found, &n), *b = words_of(env->scratch, gold, &m);
    if (!n || !m) return n == m;
    for (size_t i = 0, k = 0; i < n && k < m;) {
        int order = by_bytes(&a[i], &b[k]);
        common += order == 0;
        i += order <= 0;
        k += order >= 0;
    }
    return 2 * (double)common / (double)(n + m); /* of precision common / n and recall common / m */
}

/* ---- edit distance ---- */

enum { MAX_EDIT_CHARACTERS = 1024, EDIT_PRICE = 8 /* units of work for a character against another */ };

/* Where each character starts, and the end; −1 for too many. */
static int characters(rz_slice t, size_t starts[MAX_EDIT_CHARACTERS + 1])
{
    int n = 0;
    for (size_t i = 0; i < t.len; i++) {
        if (((unsigned char)t.s[i] & 0xC0) == 0x80) continue;
        if (n == MAX_EDIT_CHARACTERS) return -1;
        starts[n++] = i;
    }
    starts[n] = t.len;
    return n;
}

/* 1 − (insertions, deletions and replacements of characters, at least so many) / (characters of the longer text). */
static double edit(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    (void)options;
    size_t a[MAX_EDIT_CHARACTERS + 1], b[MAX_EDIT_CHARACTERS + 1];
    int n = characters(found, a), m = characters(gold, b), row[MAX_EDIT_CHARACTERS + 1];
    if (n < 0 || m < 0 || !rz_env_spend(env, (int64_t)n * m * EDIT_PRICE)) return -1;
    if (!n && !m) return 1;
    for (int k = 0; k <= m; k++) row[k] = k;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int k = 1; k <= m; k++) {
            size_t len = a[i] - a[i - 1];
            bool same = len == b[k] - b[k - 1] && memcmp(found.s + a[i - 1], gold.s + b[k - 1], len) == 0;
            int best = diagonal + !same;
            diagonal = row[k];
            if (row[k] + 1 < best) best = row[k] + 1;
            if (row[k - 1] + 1 < best) best = row[k - 1] + 1;
            row[k] = best;
        }
    }
    return 1 - (double)row[m] / (n > m ? n : m);
}

#define DEGREES "{\"threshold\": 1.0, \"partial\": true}"
const rz_comparer rz_compare_f1 = {.name = "f1", .about = "as much as the words are the same (F1, as SQuAD)", .wanted = "a text of at most 16384 bytes", .options = DEGREES, .likeness = f1, .check = check_degrees};
const rz_comparer rz_compare_edit = {.name = "edit_distance", .about = "as much as the characters are the same", .wanted = "a text of at most 1024 characters", .options = DEGREES, .likeness = edit, .check = check_degrees};
