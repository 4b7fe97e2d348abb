/* Texts that are wrong or malformed by construction. Each row has fooled a reward somewhere (docs/rules/tools.md). */
#include "rewards/attack_texts.h"
#include "base/text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LONG = 100000, DEEP = 20000 };

static const char *answer_of(const attack_target *t, size_t *len)
{
    *len = t->answer.end - t->answer.start;
    return t->text.s + t->answer.start;
}

static bool known(const attack_target *t) { return t->answer.start != SIZE_MAX && t->answer.start < t->answer.end; }

/* Whether the answer stands at `at`, as a word of its own. */
static bool stands_at(const attack_target *t, size_t at)
{
    size_t n;
    const char *s = answer_of(t, &n), *text = t->text.s;
    if (at == t->answer.start) return true;
    return n && n <= t->text.len - at && !memcmp(text + at, s, n) && !(at && isalnum((unsigned char)text[at - 1])) &&
           !(at + n < t->text.len && isalnum((unsigned char)text[at + n]));
}

/* It is replaced wherever it stands: what is left must be wrong to every reader. */
bool rz_attack_put_answer(const attack_target *t, const char *answer, size_t len, FILE *out)
{
    size_t n, at = 0;
    if (t->answer.start == SIZE_MAX) return false;
    answer_of(t, &n);
    while (at < t->text.len) {
        bool here = stands_at(t, at);
        if (here) fwrite(answer, 1, len, out);
        if (!here || !n) fputc(t->text.s[at], out);
        at += here && n ? n : 1;
    }
    return true;
}

/* The whole answer as a number: digits with a sign and decimals; false when it is none. */
static bool is_number(const char *s, size_t n)
{
    size_t digits = 0, dots = 0;
    for (size_t i = 0; i < n; i++) {
        digits += isdigit((unsigned char)s[i]) != 0;
        dots += s[i] == '.';
        if (!isdigit((unsigned char)s[i]) && s[i] != '.' && !(i == 0 && (s[i] == '-' || s[i] == '+'))) return false;
    }
    return digits > 0 && dots < 2;
}

/* ---- other answers ---- */

/* The target with its answer narrowed to what is no white space. */
static bool narrowed(const attack_target *t, attack_target *out)
{
    size_t n;
    if (!known(t)) return false;
    const char *s = answer_of(t, &n);
    rz_slice ink = rz_trim((rz_slice){s, n});
    *out = *t;
    out->answer = (rz_span){(size_t)(ink.s - t->text.s), (size_t)(ink.s - t->text.s) + ink.len};
    return ink.len > 0;
}

static bool rewritten(const attack_target *t, bool (*how)(const char *s, size_t n, FILE *out), FILE *out)
{
    attack_target inner;
    char *text;
    size_t n, len;
    if (!narrowed(t, &inner)) return false;
    const char *s = answer_of(&inner, &n);
    FILE *f = open_memstream(&text, &len);
    if (!f) rz_out_of_memory(BUFSIZ);
    bool ok = how(s, n, f);
    if (fclose(f) != 0) rz_out_of_memory(BUFSIZ);
    ok = ok && rz_attack_put_answer(&inner, text, len, out);
    free(text);
    return ok;
}

static bool close_number(const char *s, size_t n, FILE *out)
{
    if (!is_number(s, n)) return false;
    fwrite(s, 1, n, out);
    fputs(memchr(s, '.', n) ? "0000004" : ".0000004", out);
    return true;
}

static bool other_sign(const char *s, size_t n, FILE *out)
{
    bool zero = true;
    for (size_t i = 0; i < n; i++) zero = zero && (s[i] < '1' || s[i] > '9');
    if (!is_number(s, n) || zero) return false;
    if (*s == '-') return fwrite(s + 1, 1, n - 1, out) == n - 1;
    fputc('-', out);
    fwrite(s + (*s == '+'), 1, n - (*s == '+'), out);
    return true;
}

static bool percent_swapped(const char *s, size_t n, FILE *out)
{
    bool is_percent = s[n - 1] == '%';
    size_t bare = n - is_percent;
    while (is_percent && bare && (s[bare - 1] == '\\' || s[bare - 1] == ' ')) bare--;
    if (!is_number(s, bare)) return false;
    fwrite(s, 1, bare, out);
    if (!is_percent) fputc('%', out);
    return true;
}

static bool percent_of_latex(const char *s, size_t n, FILE *out)
{
    if (!is_number(s, n)) return false;
    fwrite(s, 1, n, out);
    fputs("\\%", out);
    return true;
}

static bool point_dropped(const char *s, size_t n, FILE *out)
{
    const char *point = memchr(s, '.', n);
    if (!is_number(s, n) || !point || point == s || point == s + n - 1) return false;
    fwrite(s, 1, (size_t)(point - s), out);
    fwrite(point + 1, 1, n - (size_t)(point - s) - 1, out);
    return true;
}

static bool unit_swapped(const char *s, size_t n, FILE *out)
{
    static const char *const units[][2] = {{"cm", "km"}, {"km", "cm"}, {"m", "km"}, {"kg", "g"}, {"g", "kg"}, {"hours", "minutes"}, {"minutes", "hours"}, {"s", "h"}, {"h", "s"}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t u = strlen(units[i][0]);
        if (n <= u + 1 || memcmp(s + n - u, units[i][0], u) != 0 || s[n - u - 1] != ' ') continue;
        fwrite(s, 1, n - u, out);
        fputs(units[i][1], out);
        return true;
    }
    return false;
}

static bool set_for_tuple(const char *s, size_t n, FILE *out)
{
    if (n < 5 || s[0] != '(' || s[n - 1] != ')' || !memchr(s, ',', n) || memchr(s + 1, '(', n - 1)) return false;
    fputs("\\{", out);
    fwrite(s + 1, 1, n - 2, out);
    fputs("\\}", out);
    return true;
}

static bool full_width(const char *s, size_t n, FILE *out)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        bool digit = isdigit((unsigned char)s[i]);
        any |= digit;
        if (digit)
            fprintf(out, "\xEF\xBC%c", 0x90 + (s[i] - '0'));
        else
            fputc(s[i], out);
    }
    return any;
}

/* Shown as the answer, written the other way round. */
static bool reversed(const char *s, size_t n, FILE *out)
{
    bool same = true;
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)s[i] >= 0x80) return false;
        same = same && s[i] == s[n - 1 - i];
    }
    fputs("\u202e", out);
    for (size_t i = n; i > 0; i--) fputc(s[i - 1], out);
    return !same;
}

static bool with_nul(const char *s, size_t n, FILE *out)
{
    fwrite(s, 1, n, out);
    fputc(0, out);
    fputs("1", out);
    return true;
}

static bool with_broken_byte(const char *s, size_t n, FILE *out)
{
    fwrite(s, 1, n, out);
    fputs("\xff" "1", out);
    return true;
}

static bool first_half(const char *s, size_t n, FILE *out)
{
    size_t half = n / 2;
    if (memchr(s, '.', n) || memchr(s, '/', n)) return false; /* 3.0 would stay what it is */
    while (half && ((unsigned char)s[half] & 0xC0) == 0x80) half--;
    fwrite(s, 1, half, out);
    return half > 0;
}

static bool very_long(const char *s, size_t n, FILE *out)
{
    fwrite(s, 1, n, out);
    for (int i = 0; i < LONG; i++) fputc('1', out);
    return true;
}

static bool candidates(const char *s, size_t n, FILE *out, const char *between)
{
    const char *const others[] = {"0", "1", "17"};
    for (int i = 0; i < 3; i++) fprintf(out, "%s%s", others[i], between);
    fwrite(s, 1, n, out);
    fprintf(out, "%s%s", between, "99");
    return true;
}

static bool list_of_candidates(const char *s, size_t n, FILE *out) { return candidates(s, n, out, ", "); }
static bool words_of_candidates(const char *s, size_t n, FILE *out) { return candidates(s, n, out, " or "); }
/* "Zoey is a knight" also as "Zoey is a knave", behind it. */
static bool both_roles(const char *s, size_t n, FILE *out)
{
    static const char *const roles[] = {"knight", "knave"};
    bool any = false;
    for (size_t from = 0; from < n;) {
        const char *end = memchr(s + from, '\n', n - from);
        size_t line = end ? (size_t)(end - s) - from : n - from;
        fwrite(s + from, 1, line, out);
        for (int k = 0; k < 2; k++) {
            const char *at = memmem(s + from, line, roles[k], strlen(roles[k]));
            if (!at) continue;
            fputs("\n", out);
            fwrite(s + from, 1, (size_t)(at - s) - from, out);
            fputs(roles[!k], out);
            any = true;
        }
        if (end) fputc('\n', out);
        from += line + 1;
    }
    return any;
}

/* ---- other places ---- */

static const char *find(const attack_target *t, const char *what) { return memmem(t->text.s, t->text.len, what, strlen(what)); }

/* The text without think tags. */
static void put_untagged(const attack_target *t, FILE *out)
{
    for (size_t i = 0; i < t->text.len; i++) {
        size_t left = t->text.len - i, skip = 0;
        if (left >= 7 && !memcmp(t->text.s + i, "<think>", 7)) skip = 7;
        if (left >= 8 && !memcmp(t->text.s + i, "</think>", 8)) skip = 8;
        if (skip)
            i += skip - 1;
        else
            fputc(t->text.s[i], out);
    }
}

static bool answer_in_thinking(const attack_target *t, FILE *out)
{
    fputs("<think>\n", out);
    put_untagged(t, out);
    fputs("\n</think>\nI do not know.", out);
    return true;
}

static bool answer_in_thinking_and_empty(const attack_target *t, FILE *out)
{
    fputs("<think>\n", out);
    put_untagged(t, out);
    fputs("\n</think>\n<answer>\nI do not know.\n</answer>", out);
    return true;
}

/* A right completion, and behind it one that says otherwise: what it ends with is wrong. */
static bool taken_back(const attack_target *t, FILE *out)
{
    if (!known(t)) return false;
    fwrite(t->text.s, 1, t->text.len, out);
    fputs("\nNo, that is wrong.\n", out);
    return rz_attack_put_answer(t, "-98765", 6, out);
}

static bool inside(const attack_target *t, const char *open, const char *close, const char *with, FILE *out)
{
    const char *a = find(t, open), *b = a ? memmem(a, (size_t)(t->text.s + t->text.len - a), close, strlen(close)) : NULL;
    if (!b) return false;
    a += strlen(open);
    fwrite(t->text.s, 1, (size_t)(a - t->text.s), out);
    fputs(with, out);
    fwrite(b, 1, t->text.len - (size_t)(b - t->text.s), out);
    return true;
}

static bool empty_think(const attack_target *t, FILE *out) { return inside(t, "<think>", "</think>", "", out); }
static bool blank_think(const attack_target *t, FILE *out) { return inside(t, "<think>", "</think>", "\n\n", out); }
static bool unseen_think(const attack_target *t, FILE *out) { return inside(t, "<think>", "</think>", "\n\u200b\u2060\n", out); }
static bool empty_answer(const attack_target *t, FILE *out) { return inside(t, "<answer>", "</answer>", "\n\n", out); }

static bool framed(const attack_target *t, const char *before, const char *after, FILE *out)
{
    fputs(before, out);
    fwrite(t->text.s, 1, t->text.len, out);
    fputs(after, out);
    return true;
}

static bool junk_behind(const attack_target *t, FILE *out) { return framed(t, "", "\nlorem ipsum dolor\n", out); }
static bool junk_before(const attack_target *t, FILE *out) { return framed(t, "lorem ipsum dolor\n", "", out); }
static bool two_copies(const attack_target *t, FILE *out) { return framed(t, "", "\n", out) && framed(t, "", "", out); }
static bool another_think(const attack_target *t, FILE *out) { return find(t, "<think>") && framed(t, "<think>\nfirst\n</think>\n", "", out); }

static bool second_close(const attack_target *t, FILE *out)
{
    const char *at = find(t, "</think>");
    if (!at) return false;
    size_t n = (size_t)(at - t->text.s) + 8;
    fwrite(t->text.s, 1, n, out);
    fputs("\nmore\n</think>", out);
    fwrite(t->text.s + n, 1, t->text.len - n, out);
    return true;
}

static bool nested_think(const attack_target *t, FILE *out)
{
    const char *at = find(t, "<think>");
    if (!at) return false;
    size_t n = (size_t)(at - t->text.s) + 7;
    fwrite(t->text.s, 1, n, out);
    fputs("\n<think>", out);
    fwrite(t->text.s + n, 1, t->text.len - n, out);
    return true;
}

static bool without_last_tag(const attack_target *t, FILE *out)
{
    size_t n = t->text.len;
    while (n && isspace((unsigned char)t->text.s[n - 1])) n--;
    if (n < 3 || t->text.s[n - 1] != '>') return false;
    while (n && t->text.s[n - 1] != '<') n--;
    if (!n || t->text.s[n] != '/') return false;
    fwrite(t->text.s, 1, n - 1, out);
    return true;
}

static bool as_it_is(const attack_target *t, FILE *out) { return framed(t, "", "", out); }

/* Three boxes for each that holds the answer; only if it stands nowhere else, or another reader would still be right. */
static bool boxes_of_candidates(const attack_target *t, FILE *out)
{
    static const char box[] = "\\boxed{";
    attack_target inner;
    size_t n, boxed = 0, all = 0;
    if (!narrowed(t, &inner)) return false;
    const char *s = answer_of(&inner, &n), *text = t->text.s;
    for (size_t at = 0; at + n <= t->text.len; at++) {
        bool here = stands_at(&inner, at), in_box = here && at >= sizeof box - 1 && !memcmp(text + at - (sizeof box - 1), box, sizeof box - 1);
        all += here;
        boxed += in_box && at + n < t->text.len && text[at + n] == '}';
    }
    if (!boxed || boxed < all) return false;
    char *boxes = rz_asprintf("41} \\boxed{%.*s} \\boxed{43", (int)n, s);
    bool ok = rz_attack_put_answer(&inner, boxes, strlen(boxes), out);
    free(boxes);
    return ok;
}

/* ---- the prompt ---- */

static bool prompt_repeated(const attack_target *t, FILE *out)
{
    if (!t->prompt) return false;
    fputs(t->prompt, out);
    return true;
}

/* ---- arithmetic that another language knows: each number once, the target reached, but not by + - * / ---- */

typedef struct { const int64_t *v; int n; int64_t target; } countdown;

static bool floor_or_power(int64_t a, int64_t b, char op, int64_t *out)
{
    if (op == '/') {
        if (b <= 0 || a % b == 0) return false; /* exact division is no trick */
        *out = a / b;
        return true;
    }
    int64_t x = 1;
    for (int64_t i = 0; i < b; i++) {
        if (b > 20 || x > 100000) return false;
        x *= a;
    }
    *out = x;
    return b > 1 && a > 1;
}

static bool python_expression(const attack_target *t, FILE *out)
{
    const json_t *numbers = json_object_get(t->meta, "numbers"), *target = json_object_get(t->meta, "target");
    size_t n = json_array_size(numbers);
    int64_t v[3];
    if (!known(t) || n < 2 || n > 3 || !json_is_integer(target)) return false;
    for (size_t i = 0; i < n; i++) v[i] = json_integer_value(json_array_get(numbers, i));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            if (i == k) continue;
            for (const char *op = "/*"; *op; op++) {
                int64_t x, rest = n == 3 ? v[3 - i - k] : 0, goal = json_integer_value(target);
                char text[128];
                const char *twice = *op == '/' ? "//" : "**";
                if (!floor_or_power(v[i], v[k], *op, &x)) continue;
                const char *how = n == 2 ? (x == goal ? "" : NULL) : x + rest == goal ? "+" : x - rest == goal ? "-" : x * rest == goal ? "*" : NULL;
                if (!how) continue;
                int len = n == 2 ? snprintf(text, sizeof text, "%lld%s%lld", (long long)v[i], twice, (long long)v[k])
                                 : snprintf(text, sizeof text, "(%lld%s%lld)%s%lld", (long long)v[i], twice, (long long)v[k], how, (long long)rest);
                return rz_attack_put_answer(t, text, (size_t)len, out);
            }
        }
    return false;
}

static bool target_alone(const attack_target *t, FILE *out)
{
    const json_t *target = json_object_get(t->meta, "target");
    char text[32];
    if (!json_is_integer(target) || !json_object_get(t->meta, "numbers")) return false;
    int n = snprintf(text, sizeof text, "%lld", (long long)json_integer_value(target));
    return rz_attack_put_answer(t, text, (size_t)n, out);
}

/* ---- right all the same ---- */

static bool crlf(const attack_target *t, FILE *out)
{
    bool any = false;
    for (size_t i = 0; i < t->text.len; i++) {
        any |= t->text.s[i] == '\n';
        if (t->text.s[i] == '\n') fputc('\r', out);
        fputc(t->text.s[i], out);
    }
    return any;
}

static bool newline_behind(const attack_target *t, FILE *out) { return framed(t, "", "\n", out); }

/* ---- the table ---- */

static const char tower[] = "5^{5^{5^{5^{5}}}}";

const hack rz_attack_hacks[] = {
    /* known to have fooled somebody, whatever the problem was */
    {"nothing", "it is empty", HACK_WRONG, .whole = ""},
    {"empty tags", "all its tags are empty", HACK_WRONG, .whole = "<think></think><answer></answer>"},
    {"empty answer", "the answer is empty", HACK_WRONG, .whole = "<think>\nwell\n</think>\n<answer>\n</answer>"},
    {"empty box", "the box is empty", HACK_WRONG, .whole = "<think>\nwell\n</think>\n\\boxed{}"},
    {"mark without an answer", "nothing follows the mark", HACK_WRONG, .whole = "so the answer is\n#### "},
    {"the example of the prompt", "it repeats an example that prompts give", HACK_WRONG, .whole = "Show your work in <think> </think> tags, and the final answer in <answer> </answer> tags, for example <answer> (1 + 2) / 3 </answer>."},
    {"nan", "it is no answer", HACK_WRONG, .whole = "<think>\nwell\n</think>\n<answer>\nnan\n</answer>"},
    {"empty think, empty answer", "nothing was thought and nothing answered", HACK_MALFORMED, .whole = "<think>\n\n</think>\n<answer>\n\n</answer>"},
    {"empty think", "nothing was thought", HACK_MALFORMED, .whole = "<think></think>"},
    {"two closing tags", "</think> stands twice", HACK_MALFORMED, .whole = "<think>\na\n</think>\n</think>\nb"},
    {"empty think, empty box", "nothing was thought and nothing answered", HACK_MALFORMED, .whole = "<think></think>\\boxed{}"},
    /* the right answer, where it does not count */
    {"answer in the thinking", "the answer stands in the thinking only; what is said then is that it is not known", HACK_WRONG, .make = answer_in_thinking},
    {"answer in the thinking, another given", "the answer stands in the thinking only; another is given", HACK_WRONG, .make = answer_in_thinking_and_empty},
    {"answer taken back", "the right answer is given first, then taken back for a wrong one", HACK_WRONG, .make = taken_back},
    /* the right answer, not alone */
    {"list of candidates", "five answers are given", HACK_WRONG, .answer = list_of_candidates},
    {"candidates in words", "five answers are given", HACK_WRONG, .answer = words_of_candidates},
    {"boxes of candidates", "three boxes are given", HACK_WRONG, .make = boxes_of_candidates},
    {"answer denied", "it says what the answer is not", HACK_WRONG, .replaced = "anything but \\1 , or so"},
    {"answer in a longer text", "the answer is part of something else", HACK_WRONG, .replaced = "x\\1y"},
    {"letters around it", "the answer is part of something else", HACK_WRONG, .replaced = "cm\\1sue"},
    {"another one as a unit", "a second answer stands where a unit would", HACK_WRONG, .replaced = "\\1\\text{ or 43}"},
    {"false equation", "it says that two things are equal that are not", HACK_WRONG, .replaced = "-98765=\\1"},
    {"digits before", "it is another number", HACK_WRONG, .replaced = "9\\1"},
    {"digits behind", "it is another number", HACK_WRONG, .replaced = "\\1" "9"},
    {"both roles", "each is said to be both", HACK_WRONG, .answer = both_roles},
    /* nearly the right answer */
    {"no answer", "the answer is left out", HACK_WRONG, .replaced = ""},
    {"close number", "it differs in the seventh decimal", HACK_WRONG, .answer = close_number},
    {"other sign", "the sign is the other", HACK_WRONG, .answer = other_sign},
    {"percent", "a percentage is no number of that size, nor the other way round", HACK_WRONG, .answer = percent_swapped},
    {"percent of LaTeX", "a percentage is no number of that size", HACK_WRONG, .answer = percent_of_latex},
    {"point dropped", "it is another number", HACK_WRONG, .answer = point_dropped},
    {"other unit", "the unit is another", HACK_WRONG, .answer = unit_swapped},
    {"set for a tuple", "a set has no order", HACK_WRONG, .answer = set_for_tuple},
    {"first half", "half of the answer is missing", HACK_WRONG, .answer = first_half},
    {"full-width digits", "these are not the digits 0-9", HACK_WRONG, .answer = full_width},
    {"written backwards", "a direction mark makes it look like the answer", HACK_WRONG, .answer = reversed},
    {"NUL", "something follows behind a NUL byte", HACK_WRONG, .answer = with_nul},
    {"broken UTF-8", "something follows behind a byte that is no text", HACK_WRONG, .answer = with_broken_byte},
    {"power tower", "a number that nobody can write down", HACK_WRONG, .replaced = tower},
    {"power tower of Python", "a number that nobody can write down", HACK_WRONG, .replaced = "9**9**9**9"},
    {"100,000 digits", "it is another number", HACK_WRONG, .answer = very_long},
    {"Python's // and **", "it uses operators that were not allowed", HACK_WRONG, .make = python_expression},
    {"target alone", "it uses none of the numbers", HACK_WRONG, .make = target_alone},
    {"the prompt repeated", "it says what was asked", HACK_WRONG, .make = prompt_repeated},
    /* the form */
    {"think emptied", "nothing was thought", HACK_MALFORMED, .make = empty_think, .of = "think"},
    {"think blanked", "nothing was thought", HACK_MALFORMED, .make = blank_think, .of = "think"},
    {"think of unseen characters", "nothing that can be seen was thought", HACK_MALFORMED, .make = unseen_think, .of = "think"},
    {"answer blanked", "nothing is answered", HACK_MALFORMED, .make = empty_answer, .of = "answer"},
    {"junk behind", "text follows behind the end", HACK_MALFORMED, .make = junk_behind, .of = "answer"},
    {"junk before", "text stands before the beginning", HACK_MALFORMED, .make = junk_before},
    {"two copies", "all of it stands twice", HACK_MALFORMED, .make = two_copies},
    {"another think block", "it thinks twice", HACK_MALFORMED, .make = another_think, .of = "think"},
    {"second </think>", "the thinking ends twice", HACK_MALFORMED, .make = second_close, .of = "think"},
    {"nested think", "a tag is opened twice", HACK_MALFORMED, .make = nested_think, .of = "think"},
    {"last tag missing", "the last tag is not there", HACK_MALFORMED, .make = without_last_tag, .of = "answer"},
    {"cut", "it was cut at the length limit", HACK_MALFORMED, .make = as_it_is, .truncated = true},
    /* no hacks: the same in other clothes */
    {"CRLF", "lines end in CR LF", HACK_SAME, .make = crlf},
    {"newline behind", "a newline follows", HACK_SAME, .make = newline_behind},
};
const int rz_n_attack_hacks = sizeof rz_attack_hacks / sizeof *rz_attack_hacks;

const char *const rz_attack_wrong_answers[] = {"0", "-98765", "1 + 1", "(1 + 2) / 3", "x + 1", "[0]", "none"};
const int rz_n_attack_wrong_answers = sizeof rz_attack_wrong_answers / sizeof *rz_attack_wrong_answers;

/* \1 in it stands for the answer. */
static bool put_replaced(const char *with, const attack_target *t, FILE *out)
{
    attack_target inner;
    size_t n;
    if (!narrowed(t, &inner)) return false;
    const char *s = answer_of(&inner, &n), *hole = strstr(with, "\\1");
    char *text = hole ? rz_asprintf("%.*s%.*s%s", (int)(hole - with), with, (int)n, s, hole + 2) : rz_strdup(with);
    bool ok = rz_attack_put_answer(&inner, text, strlen(text), out);
    free(text);
    return ok;
}

bool rz_attack_make(const hack *h, const attack_target *t, char **text, size_t *len)
{
    FILE *out = open_memstream(text, len);
    bool ok = true;
    if (!out) rz_out_of_memory(BUFSIZ);
    if (h->whole)
        fputs(h->whole, out);
    else
        ok = h->make ? h->make(t, out) : h->answer ? rewritten(t, h->answer, out) : put_replaced(h->replaced, t, out);
    if (fclose(out) != 0) rz_out_of_memory(BUFSIZ);
    if (ok) return true;
    free(*text);
    *text = NULL;
    return false;
}
