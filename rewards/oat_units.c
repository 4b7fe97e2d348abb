/* The units that oat's grader takes out of an answer, wherever one stands between characters that are no part of words. */
#include "rewards/hendrycks.h"
#include <string.h>

/* In oat's order, which decides: what one leaves the next may find. To oat they are regular expressions, so that a "." is any character. */
static const char units[] =
    "east|degree|mph|kmph|ft|m sqaure| m east|sq m|deg|mile|q .|monkey|prime|ratio|profit of rs|rd|o|gm|p . m|lb|tile|per|dm|lt|gain|ab|way|west|"
    "a .|b .|c .|d .|e .|f .|g .|h .|t|a|h|no change|men|soldier|pie|bc|excess|st|inches|noon|percent|by|gal|kmh|c|acre|rise|a . m|th|π r 2|sq|"
    "mark|l|toy|coin|sq . m|gallon|° f|profit|minw|yr|women|feet|am|pm|hr|cu cm|square|v â € ™|are|rupee|rounds|cubic|cc|mtr|s|ohm|number|kmph|"
    "day|hour|minute|min|second|man|woman|sec|cube|mt|sq inch|mp|∏ cm ³|hectare|more|sec|unit|cu . m|cm 2|rs .|rs|kg|g|month|km|m|cm|mm|apple|"
    "liter|loss|yard|pure|year|increase|decrease|d|less|Surface|litre|pi sq m|s .|metre|meter|inch|";

typedef struct {
    char literal[24]; /* what stands before the first ".", which is sought */
    rz_slice rest;    /* what follows it */
    bool plural;      /* and then an s */
} unit;

/* Behind the unit whose literal part ends at t.s[at]; SIZE_MAX: it is not there. */
static size_t unit_end(rz_slice t, size_t at, const unit *u)
{
    for (size_t i = 0; i < u->rest.len + u->plural; i++) {
        char c = i < u->rest.len ? u->rest.s[i] : 's';
        if (at >= t.len || (c == '.' ? t.s[at] == '\n' : t.s[at] != c)) return SIZE_MAX;
        at += c == '.' ? rz_char_size(t, at) : 1;
    }
    return at;
}

/* re.sub("(^|\W)unit($|\W)", "\1\2"): a character beside a unit is spent, and bounds no second one. */
static rz_slice drop_unit(rz_arena *a, rz_slice t, const unit *u)
{
    size_t n = strlen(u->literal), done = 0, mark = a->used, before;
    rz_builder b = {0};
    for (size_t at = 0; (at = rz_python_find(t, u->literal, at)) != SIZE_MAX;) {
        size_t end = unit_end(t, at + n, u);
        bool opens = at == 0 || (at > done && !rz_python_is_word(rz_python_char_before(t, at, &before)));
        bool closes = end != SIZE_MAX && (end == t.len || !rz_python_is_word(rz_python_char(t, end, &before)));
        if (!opens || !closes) {
            at++;
            continue;
        }
        if (!b.s) b = rz_build(a, t.len);
        rz_build_add(&b, rz_slice_cut(t, done, at));
        done = at = end + rz_char_size(t, end);
        rz_build_add(&b, rz_slice_cut(t, end, done));
    }
    if (!b.s) return t;
    rz_build_add(&b, rz_python_from(t, done));
    if (b.len) return rz_built(&b);
    rz_arena_release(a, mark);
    return t; /* an answer that is nothing but a unit stays */
}

/* Whether every character of the unit's literal part is in the text at all: most units need not be sought. */
static bool may_be_in(const bool *bytes, const unit *u)
{
    for (const char *p = u->literal; *p; p++)
        if (!bytes[(unsigned char)*p]) return false;
    return true;
}

rz_slice rz_oat_drop_units(rz_arena *a, rz_slice t)
{
    bool bytes[256] = {false};
    for (size_t i = 0; i < t.len; i++) bytes[(unsigned char)t.s[i]] = true; /* of the text as it is now: later there are fewer */
    for (int pass = 0; pass < 4; pass++) { /* each twice: alone, then all as plurals */
        rz_slice name, all = {units, sizeof units - 2};
        size_t next = 0;
        while (rz_python_piece(all, "|", &next, &name)) {
            unit u = {.plural = pass % 2};
            size_t dot = rz_python_find(name, ".", 0), n = dot == SIZE_MAX ? name.len : dot;
            memcpy(u.literal, name.s, n);
            u.rest = rz_python_from(name, n);
            if (may_be_in(bytes, &u)) t = drop_unit(a, t, &u);
        }
    }
    return t;
}
