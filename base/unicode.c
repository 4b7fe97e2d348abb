#include "base/unicode.h"
#include <utf8proc.h>

int32_t rz_unicode_read(const char *s, size_t *len)
{
    utf8proc_int32_t c = 0;
    *len = (size_t)utf8proc_iterate((const utf8proc_uint8_t *)s, 4, &c);
    return c;
}

size_t rz_unicode_write(int32_t c, char out[4]) { return (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)out); }

const char *rz_unicode_category(int32_t c) { return utf8proc_category_string(c); }

int rz_unicode_class(int32_t c) { return utf8proc_get_property(c)->combining_class; }

int32_t rz_unicode_lower(int32_t c) { return utf8proc_tolower(c); }

static int parts(int32_t c, int options, int32_t *out)
{
    int last = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char(c, out, RZ_UNICODE_PARTS, (utf8proc_option_t)options, &last);
    if (n >= 1 && n <= RZ_UNICODE_PARTS) return (int)n;
    out[0] = c;
    return 1;
}

int rz_unicode_fold(int32_t c, int32_t out[RZ_UNICODE_PARTS]) { return parts(c, UTF8PROC_CASEFOLD, out); }

int rz_unicode_decompose(int32_t c, bool compatible, int32_t out[RZ_UNICODE_PARTS])
{
    return parts(c, UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0), out);
}

int32_t rz_unicode_pair(int32_t a, int32_t b)
{
    utf8proc_int32_t both[3] = {a, b};
    if (b == 0x11A7) return -1; /* one before the first final of Hangul; utf8proc 2.8 takes it for one */
    return utf8proc_normalize_utf32(both, 2, (utf8proc_option_t)(UTF8PROC_COMPOSE | UTF8PROC_STABLE)) == 1 ? both[0] : -1;
}
