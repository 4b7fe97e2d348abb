/* Patterns of tokenizers. Hugging Face's library gives them to Oniguruma with Ruby's syntax and Unicode 16; PCRE2 reads some things otherwise (\v, \h, ^, $, {,n}, sets
 * in sets) and knows the Unicode of its day (PCRE2 10.42: 14). Here a pattern is said anew so that PCRE2 understands what Oniguruma would, with the characters
 * that came with Unicode 15 and 16 added to their categories; what cannot be said is refused. The tables were found by asking both libraries about every
 * code point. */
#include "data/tokenizer_parts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MATCH_LIMIT = 10000000 /* Oniguruma's own */ };

/* Property; what PCRE2 calls it; characters of Unicode 15 and 16. A property of one letter is all that begin with it. */
static const struct { const char *name, *pcre, *newer; } properties[] = {
    {"Lu", NULL, "\\x{1C89}\\x{A7CB}-\\x{A7CC}\\x{A7DA}\\x{A7DC}\\x{10D50}-\\x{10D65}"},
    {"Ll", NULL, "\\x{1C8A}\\x{A7CD}\\x{A7DB}\\x{10D70}-\\x{10D85}\\x{1DF25}-\\x{1DF2A}"},
    {"Lt", NULL, ""},
    {"Lm", NULL, "\\x{10D4E}\\x{10D6F}\\x{16D40}-\\x{16D42}\\x{16D6B}-\\x{16D6C}\\x{1E030}-\\x{1E06D}\\x{1E4EB}"},
    {"Lo", NULL, "\\x{105C0}-\\x{105F3}\\x{10D4A}-\\x{10D4D}\\x{10D4F}\\x{10EC2}-\\x{10EC4}\\x{1123F}-\\x{11240}\\x{11380}-\\x{11389}\\x{1138B}\\x{1138E}"
     "\\x{11390}-\\x{113B5}\\x{113B7}\\x{113D1}\\x{113D3}\\x{11BC0}-\\x{11BE0}\\x{11F02}\\x{11F04}-\\x{11F10}\\x{11F12}-\\x{11F33}\\x{1342F}"
     "\\x{13441}-\\x{13446}\\x{13460}-\\x{143FA}\\x{16100}-\\x{1611D}\\x{16D43}-\\x{16D6A}\\x{18CFF}\\x{1B132}\\x{1B155}\\x{1E4D0}-\\x{1E4EA}"
     "\\x{1E5D0}-\\x{1E5ED}\\x{1E5F0}\\x{2B739}\\x{2EBF0}-\\x{2EE5D}\\x{31350}-\\x{323AF}"},
    {"Mn", NULL, "\\x{897}\\x{ECE}\\x{10D69}-\\x{10D6D}\\x{10EFC}-\\x{10EFF}\\x{11241}\\x{113BB}-\\x{113C0}\\x{113CE}\\x{113D0}\\x{113D2}\\x{113E1}-\\x{113E2}"
     "\\x{11F00}-\\x{11F01}\\x{11F36}-\\x{11F3A}\\x{11F40}\\x{11F42}\\x{11F5A}\\x{13440}\\x{13447}-\\x{13455}\\x{1611E}-\\x{16129}"
     "\\x{1612D}-\\x{1612F}\\x{1E08F}\\x{1E4EC}-\\x{1E4EF}\\x{1E5EE}-\\x{1E5EF}"},
    {"Mc", NULL, "\\x{CF3}\\x{113B8}-\\x{113BA}\\x{113C2}\\x{113C5}\\x{113C7}-\\x{113CA}\\x{113CC}-\\x{113CD}\\x{113CF}\\x{1171E}\\x{11F03}"
     "\\x{11F34}-\\x{11F35}\\x{11F3E}-\\x{11F3F}\\x{11F41}\\x{1612A}-\\x{1612C}"},
    {"Me", NULL, ""},
    {"Nd", NULL, "\\x{10D40}-\\x{10D49}\\x{116D0}-\\x{116E3}\\x{11BF0}-\\x{11BF9}\\x{11F50}-\\x{11F59}\\x{16130}-\\x{16139}\\x{16D70}-\\x{16D79}"
     "\\x{1CCF0}-\\x{1CCF9}\\x{1E4F0}-\\x{1E4F9}\\x{1E5F1}-\\x{1E5FA}"},
    {"Nl", NULL, ""},
    {"No", NULL, "\\x{1D2C0}-\\x{1D2D3}"},
    {"Pc", NULL, ""},
    {"Pd", NULL, "\\x{10D6E}"},
    {"Ps", NULL, ""},
    {"Pe", NULL, ""},
    {"Pi", NULL, ""},
    {"Pf", NULL, ""},
    {"Po", NULL, "\\x{1B4E}-\\x{1B4F}\\x{1B7F}\\x{113D4}-\\x{113D5}\\x{113D7}-\\x{113D8}\\x{11B00}-\\x{11B09}\\x{11BE1}\\x{11F43}-\\x{11F4F}"
     "\\x{16D6D}-\\x{16D6F}\\x{1E5FF}"},
    {"Sm", NULL, "\\x{10D8E}-\\x{10D8F}"},
    {"Sc", NULL, ""},
    {"Sk", NULL, ""},
    {"So", NULL, "\\x{2427}-\\x{2429}\\x{2FFC}-\\x{2FFF}\\x{31E4}-\\x{31E5}\\x{31EF}\\x{1CC00}-\\x{1CCEF}\\x{1CD00}-\\x{1CEB3}\\x{1F6DC}\\x{1F774}-\\x{1F776}"
     "\\x{1F77B}-\\x{1F77F}\\x{1F7D9}\\x{1F8B2}-\\x{1F8BB}\\x{1F8C0}-\\x{1F8C1}\\x{1FA75}-\\x{1FA77}\\x{1FA87}-\\x{1FA89}\\x{1FA8F}"
     "\\x{1FAAD}-\\x{1FAAF}\\x{1FABB}-\\x{1FABF}\\x{1FAC6}\\x{1FACE}-\\x{1FACF}\\x{1FADA}-\\x{1FADC}\\x{1FADF}\\x{1FAE8}-\\x{1FAE9}"
     "\\x{1FAF7}-\\x{1FAF8}\\x{1FBCB}-\\x{1FBEF}"},
    {"Zs", NULL, ""},
    {"Zl", NULL, ""},
    {"Zp", NULL, ""},
    {"Cc", NULL, ""},
    {"Han", "\\p{sc:Han}", "\\x{2B739}\\x{2EBF0}-\\x{2EE5D}\\x{31350}-\\x{323AF}"},
    {"Hiragana", "\\p{sc:Hiragana}", "\\x{1B132}"},
    {"Katakana", "\\p{sc:Katakana}", "\\x{1B155}"},
    {"Hangul", "\\p{sc:Hangul}", ""},
    {"Thai", "\\p{sc:Thai}", ""},
};

#define SPACES "\\t-\\r \\x{85}\\xA0\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}" /* White_Space */

/* What Rust says of characters where it is not Oniguruma that is asked: char::is_numeric (Unicode 17), char::is_whitespace, punctuation (ASCII and Unicode 8), \w. */
const char rz_token_digit[] = "[\\p{N}"
    "\\x{10D40}-\\x{10D49}\\x{116D0}-\\x{116E3}\\x{11BF0}-\\x{11BF9}\\x{11F50}-\\x{11F59}\\x{16130}-\\x{16139}\\x{16D70}-\\x{16D79}"
    "\\x{1CCF0}-\\x{1CCF9}\\x{1E4F0}-\\x{1E4F9}\\x{1E5F1}-\\x{1E5FA}\\x{1D2C0}-\\x{1D2D3}\\x{11DE0}-\\x{11DE9}\\x{16FF4}-\\x{16FF6}" "]";
const char rz_token_space[] = "[" SPACES "]";
const char rz_token_punctuation[] = "["
    "\\x{21}-\\x{2F}\\x{3A}-\\x{40}\\x{5B}-\\x{60}\\x{7B}-\\x{7E}\\x{A1}\\x{A7}\\x{AB}\\x{B6}-\\x{B7}\\x{BB}\\x{BF}\\x{37E}\\x{387}"
    "\\x{55A}-\\x{55F}\\x{589}-\\x{58A}\\x{5BE}\\x{5C0}\\x{5C3}\\x{5C6}\\x{5F3}-\\x{5F4}\\x{609}-\\x{60A}\\x{60C}-\\x{60D}\\x{61B}"
    "\\x{61E}-\\x{61F}\\x{66A}-\\x{66D}\\x{6D4}\\x{700}-\\x{70D}\\x{7F7}-\\x{7F9}\\x{830}-\\x{83E}\\x{85E}\\x{964}-\\x{965}\\x{970}\\x{AF0}"
    "\\x{DF4}\\x{E4F}\\x{E5A}-\\x{E5B}\\x{F04}-\\x{F12}\\x{F14}\\x{F3A}-\\x{F3D}\\x{F85}\\x{FD0}-\\x{FD4}\\x{FD9}-\\x{FDA}\\x{104A}-\\x{104F}"
    "\\x{10FB}\\x{1360}-\\x{1368}\\x{1400}\\x{166D}-\\x{166E}\\x{169B}-\\x{169C}\\x{16EB}-\\x{16ED}\\x{1735}-\\x{1736}\\x{17D4}-\\x{17D6}"
    "\\x{17D8}-\\x{17DA}\\x{1800}-\\x{180A}\\x{1944}-\\x{1945}\\x{1A1E}-\\x{1A1F}\\x{1AA0}-\\x{1AA6}\\x{1AA8}-\\x{1AAD}\\x{1B5A}-\\x{1B60}"
    "\\x{1BFC}-\\x{1BFF}\\x{1C3B}-\\x{1C3F}\\x{1C7E}-\\x{1C7F}\\x{1CC0}-\\x{1CC7}\\x{1CD3}\\x{2010}-\\x{2027}\\x{2030}-\\x{2043}"
    "\\x{2045}-\\x{2051}\\x{2053}-\\x{205E}\\x{207D}-\\x{207E}\\x{208D}-\\x{208E}\\x{2308}-\\x{230B}\\x{2329}-\\x{232A}\\x{2768}-\\x{2775}"
    "\\x{27C5}-\\x{27C6}\\x{27E6}-\\x{27EF}\\x{2983}-\\x{2998}\\x{29D8}-\\x{29DB}\\x{29FC}-\\x{29FD}\\x{2CF9}-\\x{2CFC}\\x{2CFE}-\\x{2CFF}"
    "\\x{2D70}\\x{2E00}-\\x{2E2E}\\x{2E30}-\\x{2E42}\\x{3001}-\\x{3003}\\x{3008}-\\x{3011}\\x{3014}-\\x{301F}\\x{3030}\\x{303D}\\x{30A0}\\x{30FB}"
    "\\x{A4FE}-\\x{A4FF}\\x{A60D}-\\x{A60F}\\x{A673}\\x{A67E}\\x{A6F2}-\\x{A6F7}\\x{A874}-\\x{A877}\\x{A8CE}-\\x{A8CF}\\x{A8F8}-\\x{A8FA}"
    "\\x{A8FC}\\x{A92E}-\\x{A92F}\\x{A95F}\\x{A9C1}-\\x{A9CD}\\x{A9DE}-\\x{A9DF}\\x{AA5C}-\\x{AA5F}\\x{AADE}-\\x{AADF}\\x{AAF0}-\\x{AAF1}"
    "\\x{ABEB}\\x{FD3E}-\\x{FD3F}\\x{FE10}-\\x{FE19}\\x{FE30}-\\x{FE52}\\x{FE54}-\\x{FE61}\\x{FE63}\\x{FE68}\\x{FE6A}-\\x{FE6B}"
    "\\x{FF01}-\\x{FF03}\\x{FF05}-\\x{FF0A}\\x{FF0C}-\\x{FF0F}\\x{FF1A}-\\x{FF1B}\\x{FF1F}-\\x{FF20}\\x{FF3B}-\\x{FF3D}\\x{FF3F}\\x{FF5B}"
    "\\x{FF5D}\\x{FF5F}-\\x{FF65}\\x{10100}-\\x{10102}\\x{1039F}\\x{103D0}\\x{1056F}\\x{10857}\\x{1091F}\\x{1093F}\\x{10A50}-\\x{10A58}\\x{10A7F}"
    "\\x{10AF0}-\\x{10AF6}\\x{10B39}-\\x{10B3F}\\x{10B99}-\\x{10B9C}\\x{11047}-\\x{1104D}\\x{110BB}-\\x{110BC}\\x{110BE}-\\x{110C1}"
    "\\x{11140}-\\x{11143}\\x{11174}-\\x{11175}\\x{111C5}-\\x{111C9}\\x{111CD}\\x{111DB}\\x{111DD}-\\x{111DF}\\x{11238}-\\x{1123D}\\x{112A9}"
    "\\x{114C6}\\x{115C1}-\\x{115D7}\\x{11641}-\\x{11643}\\x{1173C}-\\x{1173E}\\x{12470}-\\x{12474}\\x{16A6E}-\\x{16A6F}\\x{16AF5}"
    "\\x{16B37}-\\x{16B3B}\\x{16B44}\\x{1BC9F}\\x{1DA87}-\\x{1DA8B}" "]";
const char rz_token_word[] = "[\\p{L}\\p{M}\\p{Nd}"
    "\\x{1C89}\\x{A7CB}-\\x{A7CC}\\x{A7DA}\\x{A7DC}\\x{10D50}-\\x{10D65}\\x{1C8A}\\x{A7CD}\\x{A7DB}\\x{10D70}-\\x{10D85}\\x{1DF25}-\\x{1DF2A}"
    "\\x{10D4E}\\x{10D6F}\\x{16D40}-\\x{16D42}\\x{16D6B}-\\x{16D6C}\\x{1E030}-\\x{1E06D}\\x{1E4EB}\\x{105C0}-\\x{105F3}\\x{10D4A}-\\x{10D4D}"
    "\\x{10D4F}\\x{10EC2}-\\x{10EC4}\\x{1123F}-\\x{11240}\\x{11380}-\\x{11389}\\x{1138B}\\x{1138E}\\x{11390}-\\x{113B5}\\x{113B7}\\x{113D1}"
    "\\x{113D3}\\x{11BC0}-\\x{11BE0}\\x{11F02}\\x{11F04}-\\x{11F10}\\x{11F12}-\\x{11F33}\\x{1342F}\\x{13441}-\\x{13446}\\x{13460}-\\x{143FA}"
    "\\x{16100}-\\x{1611D}\\x{16D43}-\\x{16D6A}\\x{18CFF}\\x{1B132}\\x{1B155}\\x{1E4D0}-\\x{1E4EA}\\x{1E5D0}-\\x{1E5ED}\\x{1E5F0}\\x{2B739}"
    "\\x{2EBF0}-\\x{2EE5D}\\x{31350}-\\x{323AF}\\x{897}\\x{ECE}\\x{10D69}-\\x{10D6D}\\x{10EFC}-\\x{10EFF}\\x{11241}\\x{113BB}-\\x{113C0}"
    "\\x{113CE}\\x{113D0}\\x{113D2}\\x{113E1}-\\x{113E2}\\x{11F00}-\\x{11F01}\\x{11F36}-\\x{11F3A}\\x{11F40}\\x{11F42}\\x{11F5A}\\x{13440}"
    "\\x{13447}-\\x{13455}\\x{1611E}-\\x{16129}\\x{1612D}-\\x{1612F}\\x{1E08F}\\x{1E4EC}-\\x{1E4EF}\\x{1E5EE}-\\x{1E5EF}\\x{CF3}"
    "\\x{113B8}-\\x{113BA}\\x{113C2}\\x{113C5}\\x{113C7}-\\x{113CA}\\x{113CC}-\\x{113CD}\\x{113CF}\\x{1171E}\\x{11F03}\\x{11F34}-\\x{11F35}"
    "\\x{11F3E}-\\x{11F3F}\\x{11F41}\\x{1612A}-\\x{1612C}\\x{10D40}-\\x{10D49}\\x{116D0}-\\x{116E3}\\x{11BF0}-\\x{11BF9}\\x{11F50}-\\x{11F59}"
    "\\x{16130}-\\x{16139}\\x{16D70}-\\x{16D79}\\x{1CCF0}-\\x{1CCF9}\\x{1E4F0}-\\x{1E4F9}\\x{1E5F1}-\\x{1E5FA}\\x{5F}\\x{16EE}-\\x{16F0}"
    "\\x{200C}-\\x{200D}\\x{203F}-\\x{2040}\\x{2054}\\x{2160}-\\x{2182}\\x{2185}-\\x{2188}\\x{24B6}-\\x{24E9}\\x{3007}\\x{3021}-\\x{3029}"
    "\\x{3038}-\\x{303A}\\x{A6E6}-\\x{A6EF}\\x{FE33}-\\x{FE34}\\x{FE4D}-\\x{FE4F}\\x{FF3F}\\x{10140}-\\x{10174}\\x{10341}\\x{1034A}"
    "\\x{103D1}-\\x{103D5}\\x{12400}-\\x{1246E}\\x{1F130}-\\x{1F149}\\x{1F150}-\\x{1F169}\\x{1F170}-\\x{1F189}" "]";

/* ---- translation ---- */

typedef struct {
    const char *s; /* what is left */
    rz_token_text out;
    bool caseless; /* some (?i has been seen */
    rz_err *err;
} translator;

static void say(translator *x, const char *text) { rz_token_add_text(&x->out, text, strlen(text)); }

static bool refuse(translator *x, const char *what, size_t len, const char *why)
{
    return rz_fail(x->err, RZ_EDATA, "'%.*s' in a pattern is not supported%s%s", (int)len, what, *why ? ": " : "", why);
}

/* A category, a script or one letter for all of its categories, as members of a set. */
static bool say_property(translator *x, const char *name, size_t len)
{
    bool any = false;
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        bool group = len == 1 && !properties[i].pcre && properties[i].name[0] == *name;
        if (!group && (strlen(properties[i].name) != len || strncmp(properties[i].name, name, len) != 0)) continue;
        if (!any && properties[i].pcre) say(x, properties[i].pcre);
        if (!any && !properties[i].pcre) {
            say(x, "\\p{");
            rz_token_add_text(&x->out, name, len);
            say(x, "}");
        }
        say(x, properties[i].newer);
        any = true;
    }
    return any;
}

/* \s, \d, \p{…} and their opposites at x->s. In a set the members are added, elsewhere a set is made of them. */
static bool translate_class(translator *x, bool in_set)
{
    const char *from = x->s;
    char c = x->s[1];
    bool negated = c == 'S' || c == 'D' || c == 'P';
    x->s += 2;
    if (in_set && c == 'S') {
        say(x, "\\S\\x{180E}"); /* the one that PCRE2's \s has and White_Space has not */
        return true;
    }
    if (in_set && negated) return refuse(x, from, 2, "a negated class in a set");
    if (!in_set) say(x, negated ? "[^" : "[");
    if (c == 's' || c == 'S') say(x, SPACES);
    else if (c == 'd' || c == 'D') say_property(x, "Nd", 2);
    else {
        const char *close = *x->s == '{' ? strchr(x->s, '}') : NULL;
        if (!close) return refuse(x, from, 2, "a property is written \\p{…}");
        if (!say_property(x, x->s + 1, (size_t)(close - x->s - 1))) return refuse(x, from, (size_t)(close - from) > 60 ? 60 : (size_t)(close + 1 - from), "unknown property");
        x->s = close + 1;
    }
    if (!in_set) say(x, "]");
    return true;
}

static bool is_class(const char *s) { return s[0] == '\\' && s[1] && strchr("sSdDpP", s[1]); }
static bool is_letter_or_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* An escaped character that stands for one character. */
static bool translate_escape(translator *x, bool in_set)
{
    char c = x->s[1], code[16];
    unsigned value = 0;
    int used = 0;
    if (!c) return refuse(x, "\\", 1, "nothing follows");
    if (c == 'v') say(x, "\\x0B");
    else if (strchr("rntfae", c) || (!in_set && strchr("AzZ", c)) || !is_letter_or_digit(c)) rz_token_add_text(&x->out, x->s, 2);
    else if (c == 'u' && strspn(x->s + 2, "0123456789abcdefABCDEF") >= 4) sscanf(x->s + 2, "%4x%n", &value, &used);
    else if (c == 'x' && x->s[2] == '{') sscanf(x->s + 3, "%7x}%n", &value, &used), used += 1;
    else if (c == 'x') sscanf(x->s + 2, "%2x%n", &value, &used);
    else return refuse(x, x->s, 2, "");
    if (c == 'u' || c == 'x') {
        if (used < 2 || value > 0x10FFFF || (c == 'x' && x->s[2] != '{' && value >= 0x80)) return refuse(x, x->s, 2, "no such character");
        snprintf(code, sizeof code, "\\x{%X}", value);
        say(x, code);
    }
    x->s += 2 + used;
    return true;
}

static bool translate_set(translator *x)
{
    bool after_class = false;
    say(x, "[");
    x->s++;
    if (*x->s == '^') rz_token_add_text(&x->out, x->s++, 1);
    if (*x->s == ']') return refuse(x, "[]", 2, "");
    while (*x->s != ']') {
        const char *s = x->s;
        if (!*s) return refuse(x, "[", 1, "the set has no end");
        if (*s == '[') return refuse(x, s, 1, "a set in a set");
        if (s[0] == '&' && s[1] == '&') return refuse(x, s, 2, "");
        bool class = is_class(s);
        if (class) {
            if (!translate_class(x, true)) return false;
        } else if (*s == '\\') {
            if (!translate_escape(x, true)) return false;
        } else {
            if (*s == '-' && (after_class || is_class(s + 1))) say(x, "\\");
            rz_token_add_text(&x->out, x->s++, 1);
        }
        after_class = class;
    }
    rz_token_add_text(&x->out, x->s++, 1);
    return true;
}

static bool translate_group(translator *x)
{
    static const char *const heads[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?i)", "(?-i:"};
    if (x->s[1] == '*') return refuse(x, "(*", 2, "");
    if (x->s[1] != '?') {
        rz_token_add_text(&x->out, x->s++, 1);
        return true;
    }
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        if (strncmp(x->s, heads[i], strlen(heads[i])) != 0) continue;
        if (heads[i][2] == 'i') x->caseless = true;
        say(x, heads[i]);
        x->s += strlen(heads[i]);
        return true;
    }
    return refuse(x, x->s, strnlen(x->s, 4), "");
}

/* {n}, {n,}, {,m}, {n,m}: what follows them means another thing in Ruby. */
static bool translate_braces(translator *x)
{
    size_t low = strspn(x->s + 1, "0123456789"), comma = x->s[1 + low] == ',', high = comma ? strspn(x->s + 2 + low, "0123456789") : 0;
    size_t len = 1 + low + comma + high;
    if (x->s[len] != '}' || low + high == 0) {
        say(x, "\\{");
        x->s++;
        return true;
    }
    if (x->s[len + 1] == '+' || (x->s[len + 1] == '?' && !comma)) return refuse(x, x->s, len + 2 > 30 ? 30 : len + 2, "");
    if (low == 0) say(x, "{0");
    rz_token_add_text(&x->out, x->s + (low == 0), len + 1 - (low == 0));
    x->s += len + 1;
    return true;
}

/* Oniguruma lets one character stand for two that are its case folding: ß for ss. */
static bool folds_together(const char *s)
{
    static const char pairs[] = "ss st ff fi fl";
    for (const char *p = pairs; *p; p += p[2] ? 3 : 2) {
        if ((s[0] | 0x20) == p[0] && (s[1] | 0x20) == p[1]) return true;
    }
    return false;
}

char *rz_token_regex(const char *onig, rz_err *err)
{
    translator x = {.s = onig, .err = err};
    bool ok = true;
    while (ok && *x.s) {
        if (is_class(x.s)) ok = translate_class(&x, false);
        else if (*x.s == '\\') ok = translate_escape(&x, false);
        else if (*x.s == '[') ok = translate_set(&x);
        else if (*x.s == '(') ok = translate_group(&x);
        else if (*x.s == '{') ok = translate_braces(&x);
        else if (x.caseless && folds_together(x.s)) ok = refuse(&x, x.s, 2, "one character may stand for the two when case does not count");
        else rz_token_add_text(&x.out, x.s++, 1);
    }
    rz_token_add_text(&x.out, "", 1);
    if (ok) return x.out.data;
    free(x.out.data);
    return NULL;
}

bool rz_token_pattern(rz_pattern **out, const char *pcre, rz_err *err)
{
    return rz_pattern_create(out, pcre, RZ_PATTERN_UNICODE | RZ_PATTERN_MULTILINE | RZ_PATTERN_AT_ONCE, MATCH_LIMIT, err);
}

bool rz_token_pattern_anchored(rz_pattern **out, const char *pcre, rz_err *err)
{
    return rz_pattern_create(out, pcre, RZ_PATTERN_UNICODE | RZ_PATTERN_ANCHORED, MATCH_LIMIT, err);
}

bool rz_token_pattern_literal(rz_pattern **out, const char *text, rz_err *err)
{
    char *pcre = rz_malloc(2 * strlen(text) + 1), *to = pcre;
    for (; *text; text++) { /* an escaped character that is no letter or digit stands for itself */
        if (strchr("\\^$.[|()?*+{", *text)) *to++ = '\\';
        *to++ = *text;
    }
    *to = 0;
    bool ok = rz_token_pattern(out, pcre, err);
    free(pcre);
    return ok;
}
