#include "rewards/follow.h"
#include "base/unicode.h"
#include <string.h>

static bool space_at(rz_slice t, size_t i, size_t *n) { return rz_python_is_space(rz_python_char(t, i, n)); }

static size_t skip_space(rz_slice t, size_t i)
{
    for (size_t n; i < t.len && space_at(t, i, &n);) i += n;
    return i;
}

static size_t line_end(rz_slice t, size_t i)
{
    const char *p = i < t.len ? memchr(t.s + i, '\n', t.len - i) : NULL;
    return p ? (size_t)(p - t.s) : t.len;
}

/* ---- words and sentences ---- */

size_t rz_follow_word_runs(rz_slice t)
{
    size_t runs = 0, n;
    bool inside = false;
    for (size_t i = 0; i < t.len; i += n) {
        bool word = rz_python_is_word(rz_python_char(t, i, &n));
        runs += word && !inside;
        inside = word;
    }
    return runs;
}

static bool has_word_character(rz_slice t)
{
    for (size_t i = 0, n; i < t.len; i += n) {
        int32_t c = rz_python_char(t, i, &n);
        if (c != '_' && rz_python_is_word(c)) return true;
    }
    return false;
}

size_t rz_follow_words(rz_slice t)
{
    size_t words = 0, at = 0;
    for (rz_slice word; rz_python_word(t, &at, &word);) words += has_word_character(word);
    return words;
}

/* In small letters, without the last period; those with a period inside are found by it. */
static const char *const abbreviations[] = {
    "adj", "al", "apr", "aug", "ave", "blvd", "bros", "capt", "cf", "ch", "co", "col", "corp", "dec", "dept", "dr", "ed", "eds", "eq", "est", "etc", "feb",
        "fig", "figs",
    "fri", "gen", "gov", "hon", "inc", "jan", "jr", "lt", "ltd", "maj", "mr", "mrs", "ms", "mt", "no", "nos", "nov", "oct", "op", "pp", "prof", "rep",
        "rev", "sat",
    "sec", "sen", "sept", "sgt", "sr", "st", "tel", "thu", "tue", "univ", "vol", "vols", "vs", "wed"};

static bool is_abbreviation(rz_slice word)
{
    char low[16];
    if (word.len < 2 || word.len >= sizeof low) return false;
    for (size_t i = 0; i < word.len; i++) low[i] = (char)(word.s[i] >= 'A' && word.s[i] <= 'Z' ? word.s[i] + 32 : word.s[i]);
    for (size_t i = 0; i < sizeof abbreviations / sizeof *abbreviations; i++)
        if (low[0] == abbreviations[i][0] && strlen(abbreviations[i]) == word.len && memcmp(low, abbreviations[i], word.len) == 0) return true;
    return false;
}

static const char *const closers[] = {")", "]", "}", "\"", "'", "*", "_", "”", "’", "»"};

static rz_slice without_closers(rz_slice t)
{
    if (t.len && !(t.s[t.len - 1] & 0x80) && !strchr(")]}\"'*_", t.s[t.len - 1])) return t;
    for (size_t i = 0; i < sizeof closers / sizeof *closers;) {
        bool ends = t.len > strlen(closers[i]) && rz_python_ends(t, closers[i]);
        if (ends) t.len -= strlen(closers[i]);
        i = ends ? 0 : i + 1;
    }
    return t;
}

static rz_slice without_openers(rz_slice t)
{
    size_t i = 0, n;
    while (i < t.len && !rz_python_is_word(rz_python_char(t, i, &n))) i += n;
    return rz_python_from(t, i);
}

static bool starts_large(rz_slice t)
{
    size_t n;
    t = without_openers(t);
    return t.len && rz_unicode_lower(rz_python_char(t, 0, &n)) != rz_python_char(t, 0, &n);
}

static bool ends_sentence(rz_slice piece, rz_slice next)
{
    size_t last;
    if (rz_python_is_word(rz_python_char_before(piece, piece.len, &last))) return false;
    rz_slice t = without_closers(piece);
    if (rz_python_ends(t, "!") || rz_python_ends(t, "?")) return true;
    if (!rz_python_ends(t, ".")) return false;
    if (rz_python_ends(t, "..")) return starts_large(next);
    rz_slice word = without_openers((rz_slice){t.s, t.len - 1});
    bool number = word.len, inner = false, letter = false;
    size_t n, length = 0;
    for (size_t i = 0; i < word.len; i += n, length++) {
        int32_t c = rz_python_char(word, i, &n);
        number = number && (rz_python_digit(c) >= 0 || c == '.' || c == ',');
        inner = inner || c == '.';
        letter = letter || (rz_python_is_word(c) && rz_python_digit(c) < 0);
    }
    if (number) return starts_large(next);
    bool dotted = inner && letter && length <= 8; /* U.S., e.g., p.m. */
    return !(length == 1 && letter) && !dotted && !is_abbreviation(word);
}

size_t rz_follow_sentences(rz_slice t)
{
    size_t sentences = 0, at = 0;
    rz_slice piece, next;
    bool open = false;
    for (bool more = rz_python_word(t, &at, &piece); more; piece = next) {
        more = rz_python_word(t, &at, &next);
        open = true;
        if (more && ends_sentence(piece, next)) {
            sentences++;
            open = false;
        }
    }
    return sentences + open;
}

/* ---- Markdown ---- */

/* Places where a line starts, white space of any length and lines, the mark, and (for *) something that is no *. The match goes to the end of its line. */
static size_t count_bullets(rz_slice t, char mark)
{
    size_t count = 0;
    for (size_t line = 0; line < t.len;) {
        size_t i = skip_space(t, line), end;
        bool hit = i < t.len && t.s[i] == mark && (mark != '*' || (i + 1 < t.len && t.s[i + 1] != '*'));
        count += hit;
        end = line_end(t, hit && mark == '*' ? i + 2 : i); /* what follows * may be the newline itself */
        line = end + 1;
    }
    return count;
}

size_t rz_follow_markdown_bullets(rz_slice t) { return count_bullets(t, '*') + count_bullets(t, '-'); }

size_t rz_follow_placeholders(rz_slice t)
{
    size_t count = 0;
    for (size_t i = 0; (i = rz_python_find(t, "[", i)) != SIZE_MAX;) {
        size_t end = line_end(t, i);
        const char *close = memchr(t.s + i, ']', end - i);
        count += close != NULL;
        i = close ? (size_t)(close - t.s) + 1 : end;
    }
    return count;
}

static bool blank(const char *from, const char *to) { return !rz_python_strip((rz_slice){from, (size_t)(to - from)}).len; }

/* `stars` stars on either side of a run without stars and newlines. */
static size_t count_highlights(rz_slice t, size_t stars)
{
    size_t count = 0;
    const char *mark = stars == 1 ? "*" : "**";
    for (size_t i = 0; (i = rz_python_find(t, mark, i)) != SIZE_MAX;) {
        size_t from = i + stars, to = from;
        while (to < t.len && t.s[to] != '*' && t.s[to] != '\n') to++;
        bool closed = t.len - to >= stars && memcmp(t.s + to, mark, stars) == 0;
        count += closed && !blank(t.s + from, t.s + to);
        i = closed ? to + stars : to > from ? to : i + 1; /* in the run no star stands */
    }
    return count;
}

size_t rz_follow_highlights(rz_slice t) { return count_highlights(t, 1) + count_highlights(t, 2); }

bool rz_follow_title(rz_slice t)
{
    rz_slice line;
    size_t at = 0;
    while (rz_python_piece(t, "\n", &at, &line)) {
        size_t open = rz_python_find(line, "<<", 0), close = rz_python_rfind(line, ">>");
        if (open == SIZE_MAX || close == SIZE_MAX || close < open + 3) continue;
        while (open < close && line.s[open] == '<') open++;
        while (close > open && line.s[close - 1] == '>') close--;
        if (!blank(line.s + open, line.s + close)) return true;
    }
    return false;
}

/* ---- capitals ---- */

/* 'u', 'l', or 0: a letter of this case. Of a title letter (ǅ), as of a small one, isupper() knows that it is not large. */
static char case_of(int32_t c)
{
    if (c < 128) return c >= 'A' && c <= 'Z' ? 'u' : c >= 'a' && c <= 'z' ? 'l' : 0;
    const char *category = rz_unicode_category(c);
    if (category[0] == 'L' && category[1] != 'o' && category[1] != 'm') return category[1] == 'u' ? 'u' : category[1] == 'l' ? 'l' : 't';
    if (c >= 0x2160 && c <= 0x217F) return c < 0x2170 ? 'u' : 'l'; /* Roman numerals */
    if (c >= 0x24B6 && c <= 0x24E9) return c < 0x24D0 ? 'u' : 'l'; /* letters in circles */
    bool small_modifier = c == 0xAA || c == 0xBA || (c >= 0x2B0 && c <= 0x2B8) || (c >= 0x1D2C && c <= 0x1D6A);
    return small_modifier ? 'l' : 0;
}

/* Whether there is a letter of this case, and none of another. */
static bool all_of_case(rz_slice t, char wanted)
{
    bool any = false;
    for (size_t i = 0, n; i < t.len; i += n) {
        char is = case_of(rz_python_char(t, i, &n));
        if (is && is != wanted) return false;
        any = any || is;
    }
    return any;
}

bool rz_follow_is_upper(rz_slice t) { return all_of_case(t, 'u'); }
bool rz_follow_is_lower(rz_slice t) { return all_of_case(t, 'l'); }

/* Marks that word_tokenize makes tokens of their own, whatever is around them. */
static bool parts_words(int32_t c)
{
    static const char ascii[] = ";@#$%&?!*[](){}<>\"`";
    return c < 128 ? c && strchr(ascii, c) : (c >= 0x2012 && c <= 0x2015) || (c >= 0x2018 && c <= 0x201E && c != 0x201A && c != 0x201B) || c == 0xAB ||
        c == 0xBB;
}

static size_t ends_with_clitic(rz_slice t)
{
    static const char *const clitics[] = {"'S", "'M", "'D", "'LL", "'RE", "'VE", "N'T"};
    for (size_t i = 0; i < sizeof clitics / sizeof *clitics; i++)
        if (t.len > strlen(clitics[i]) && rz_python_ends(t, clitics[i]) && t.s[t.len - strlen(clitics[i]) - 1] != '\'') return strlen(clitics[i]);
    return 0;
}

/* A piece without white space and marks: its clitics ("IT'S" is IT and 'S) and "CANNOT" count as two. */
static size_t capital_parts(rz_slice t)
{
    static const char *const doubles[] = {"CANNOT", "GIMME", "GONNA", "GOTTA", "LEMME", "WANNA"};
    if (rz_python_ends(t, ".")) t.len--; /* the end of a sentence, or of an abbreviation that counts the same without it */
    size_t clitic = ends_with_clitic(t), count;
    if (!rz_follow_is_upper(t)) return clitic && rz_follow_is_upper(rz_python_from(t, t.len - clitic)) && !rz_follow_is_upper((rz_slice){t.s,
        t.len - clitic});
    count = 1 + (clitic && rz_follow_is_upper((rz_slice){t.s, t.len - clitic}));
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) count += rz_python_equal(t, RZ_SLICE(doubles[i]));
    return count;
}

size_t rz_follow_capital_words(rz_slice t)
{
    size_t count = 0, from = 0, n;
    for (size_t i = 0; i <= t.len; i += n) {
        n = 1;
        int32_t c = i < t.len ? rz_python_char(t, i, &n) : ' ', next = i + n < t.len ? (unsigned char)t.s[i + n] : ' ';
        bool dashes = (c == '-' && next == '-') || (c == '.' && next == '.'), list = (c == ':' || c == ',') && (next < '0' || next > '9');
        if (!dashes && !list && !rz_python_is_space(c) && !parts_words(c)) continue;
        if (i > from) count += capital_parts((rz_slice){t.s + from, i - from});
        n += dashes;
        from = i + n;
    }
    return count;
}

/* ---- finding without regard to case ---- */

static int32_t fold(int32_t c)
{
    static const struct { int32_t from, to; } pairs[] = {{0x130, 'i'}, {0x131, 'i'}, {0x17F, 's'}, {0x212A, 'k'}, {0x3C2, 0x3C3}, {0xB5, 0x3BC}};
    if (c < 128) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (c == pairs[i].from) return pairs[i].to;
    return rz_unicode_lower(c);
}

rz_slice rz_follow_fold(rz_arena *a, rz_slice t)
{
    char *out = RZ_NEW(a, 2 * t.len + 1, char); /* two bytes may become three, never more than twice as many */
    size_t len = 0;
    for (size_t i = 0, n; i < t.len; i += n) len += rz_unicode_write(fold(rz_python_char(t, i, &n)), out + len);
    return (rz_slice){out, len};
}

bool rz_follow_is_plain(rz_slice t)
{
    for (size_t i = 0; i < t.len; i++)
        if (!t.s[i] || strchr(".^$*+?{}[]\\|()", t.s[i])) return false;
    return t.len;
}

static bool word_before(rz_slice t, size_t i)
{
    size_t n;
    return i > 0 && rz_python_is_word(rz_python_char_before(t, i, &n));
}

static bool word_from(rz_slice t, size_t i)
{
    size_t n;
    return i < t.len && rz_python_is_word(rz_python_char(t, i, &n));
}

/* Whether words part at byte i: letters and the like not on both sides or, for an edge, on exactly one. */
static bool parts(rz_slice t, size_t i, bool edge) { return edge ? word_before(t, i) != word_from(t, i) : !(word_before(t, i) && word_from(t, i)); }

size_t rz_follow_find_word(rz_slice t, rz_slice word, size_t from, bool edges)
{
    size_t n;
    while ((from = rz_python_find_slice(t, word, from)) != SIZE_MAX) {
        size_t end = from + word.len;
        if (parts(t, from, edges) && parts(t, end, edges)) return from;
        rz_python_char(t, from, &n);
        from += n;
    }
    return SIZE_MAX;
}
