/* GPT-2's alphabet: a printable character for every byte, so that a vocabulary of bytes can be written as text. Printable bytes stand for themselves as
 * Latin-1, the 68 others are U+0100 … U+0143 in their order. */
#include "data/tokenizer_parts.h"

static bool printable(unsigned b) { return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE; }

/* The unprintable bytes are 0 … 0x20, 0x7F … 0xA0 and 0xAD. */
size_t rz_token_spell(unsigned char byte, char out[2])
{
    unsigned b = byte, code = b;
    if (!printable(b)) code = 0x100 + (b <= 0x20 ? b : b <= 0xA0 ? b - 0x7F + 33 : 67);
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    out[0] = (char)(0xC0 | code >> 6);
    out[1] = (char)(0x80 | (code & 63));
    return 2;
}

bool rz_token_unspell(const char *s, size_t len, char *out, size_t *out_len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned code = (unsigned char)s[i];
        if (code >= 0x80) {
            if (code < 0xC2 || code > 0xC5 || i + 1 == len) return false;
            code = (code & 31) << 6 | ((unsigned char)s[++i] & 63);
        }
        if (code > 0x143 || (code < 0x100 && !printable(code))) return false;
        if (code >= 0x100) code = code - 0x100 <= 0x20 ? code - 0x100 : code == 0x143 ? 0xAD : code - 0x100 - 33 + 0x7F;
        out[n++] = (char)code;
    }
    *out_len = n;
    return true;
}
