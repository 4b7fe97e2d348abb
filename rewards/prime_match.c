/* PRIME's chain of announcements (prime_match.h): "answer is", a box, the last sentence, "=" … Each cuts the text that the next one reads. */
#include "rewards/prime_match.h"
#include <string.h>

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

/* The original seeks in text.lower() and cuts the text at the place found there. U+0130 becomes two characters when it is lowered, so that each one before the place moves
 * the cut by one character; no other character has that effect, and none that is not ASCII becomes one of the letters that are sought. */
static size_t moved(rz_slice t, size_t at)
{
    size_t shift = 0;
    for (size_t i = 0; (i = rz_python_find((rz_slice){t.s, at}, "\xC4\xB0", i)) != SIZE_MAX; i += 2) shift++;
    while (shift-- && at < t.len) at += rz_char_size(t, at);
    return at;
}

/* Byte of the last c before byte `end`, or SIZE_MAX. */
static size_t last_of(rz_slice t, char c, size_t end)
{
    const char *p = memrchr(t.s, c, end);
    return p ? (size_t)(p - t.s) : SIZE_MAX;
}

/* Byte behind (or before) the last marker, as it is to be cut; SIZE_MAX: there is none. Markers are lower-case. */
static size_t cut_at(rz_slice t, const char *marker, bool behind)
{
    size_t n = strlen(marker), end = t.len >= n ? t.len - n + 1 : 0;
    char small = marker[0], big = small >= 'a' ? (char)(small - 32) : small;
    size_t at[2] = {last_of(t, small, end), big != small ? last_of(t, big, end) : SIZE_MAX};
    while (at[0] != SIZE_MAX || at[1] != SIZE_MAX) {
        bool is_big = at[0] == SIZE_MAX || (at[1] != SIZE_MAX && at[1] > at[0]);
        size_t i = at[is_big], k = 1;
        while (k < n && lower(t.s[i + k]) == marker[k]) k++;
        if (k == n) return moved(t, behind ? i + n : i);
        at[is_big] = i && t.s[i - 1] == t.s[i] ? i - 1 : last_of(t, t.s[i], i); /* a run of the letter is no work for memrchr */
    }
    return SIZE_MAX;
}

/* What the last box holds, without white space around it; false when it is empty or does not end. */
static bool box_content(rz_slice t, rz_slice *out)
{
    size_t at = rz_python_rfind(t, "\\boxed");
    if (at == SIZE_MAX) at = rz_python_rfind(t, "\\fbox");
    if (at == SIZE_MAX) return false;
    size_t open = rz_python_find(t, "{", at), close = rz_brace_close(t, at);
    if (open == SIZE_MAX || close == SIZE_MAX) return false;
    *out = rz_python_strip(rz_slice_cut(t, open + 1, close));
    return out->len > 0;
}

bool rz_prime_match(rz_slice t, rz_slice *answer)
{
    static const char *const before[] = {"answer:", "answer is", "answers are"};
    static const char *const after[] = {"is answer", "is the answer", "are answers", "are the answers"};
    static const char *const inner[] = {"be ", "is ", "are ", "=", ": ", "get ", "be\n", "is\n", "are\n", ":\n", "get\n"};
    bool announced = false;
    size_t at;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        if ((at = cut_at(t, before[i], true)) == SIZE_MAX) continue;
        t = rz_python_strip(rz_python_from(t, at));
        announced = true;
    }
    for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
        if ((at = cut_at(t, after[i], false)) == SIZE_MAX) continue;
        t = rz_python_strip(rz_slice_cut(t, 0, at));
        announced = true;
    }
    rz_slice box;
    if (box_content(t, &box)) {
        t = box;
        announced = true;
    }
    if ((at = cut_at(t, ". ", false)) != SIZE_MAX) t = rz_python_strip(rz_slice_cut(t, 0, at));
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        if ((at = cut_at(t, inner[i], true)) == SIZE_MAX) continue;
        t = rz_python_strip(rz_python_from(t, at));
        announced = true;
    }
    *answer = t;
    return announced && rz_python_any_digit(t);
}
