#include "cli/html.h"

#include "base/error.h"
#include "base/text.h"
#include "base/unicode.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void rz_html_init(rz_html *h)
{
    *h = (rz_html){0};
    h->f = open_memstream(&h->data, &h->len);
    if (!h->f)
        rz_out_of_memory(BUFSIZ);
}

void rz_html_finish(rz_html *h)
{
    if (fclose(h->f) != 0)
        rz_out_of_memory(BUFSIZ);
    h->f = NULL;
}

void rz_html_markup(rz_html *h, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vfprintf(h->f, fmt, args);
    va_end(args);
}

/* Code points that are not seen but change how the text around them is: first, last. */
static const uint32_t unseen[][2] = {
    {0x80, 0x9F}, {0xAD, 0xAD}, {0x61C, 0x61C}, {0x180E, 0x180E}, {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF},
    {0xFFF9, 0xFFFB}, {0xE0000, 0xE0FFF},
};

static bool is_unseen(uint32_t c)
{
    for (size_t i = 0; i < sizeof unseen / sizeof unseen[0]; i++)
        if (c >= unseen[i][0] && c <= unseen[i][1])
            return true;
    return (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF); /* no characters */
}

static void put(FILE *f, const char *s, uint32_t c, size_t n)
{
    const char *name = c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : c == '\'' ? "&#39;" : NULL;
    if (name)
        fputs(name, f);
    else if (c == '\n' || c == '\t')
        fputc((int)c, f);
    else if (c < 0x20 || c == 0x7F)
        fprintf(f, "&#x%x;", c == 0x7F ? 0x2421u : 0x2400u + c);
    else if (is_unseen(c))
        fprintf(f, "[U+%04X]", c);
    else
        fwrite(s, 1, n, f);
}

void rz_html_text(rz_html *h, const char *text, size_t len)
{
    size_t valid, n;
    char *good = rz_utf8_repair(text, len, &valid);
    for (const char *s = good; s < good + valid; s += n) {
        uint32_t c = (uint32_t)rz_unicode_read(s, &n);
        put(h->f, s, c, n);
    }
    free(good);
}

void rz_html_say(rz_html *h, const char *fmt, ...)
{
    char *text;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        rz_out_of_memory(BUFSIZ);
    rz_html_text(h, text, (size_t)n);
    free(text);
}

void rz_whole_text(double x, char out[RZ_NUMBER_TEXT])
{
    char digits[RZ_NUMBER_TEXT];
    if (!isfinite(x) || fabs(x) >= 1e15) {
        snprintf(out, RZ_NUMBER_TEXT, isfinite(x) ? "%.3g" : "–", x);
        return;
    }
    int n = snprintf(digits, sizeof digits, "%.0f", x), to = 0;
    for (int i = 0; i < n; i++) {
        out[to++] = digits[i];
        if (i < n - 1 && (n - 1 - i) % 3 == 0 && digits[i] != '-')
            out[to++] = ',';
    }
    out[to] = 0;
}

void rz_short_text(double x, char out[RZ_NUMBER_TEXT])
{
    double a = fabs(x);
    if (!isfinite(x))
        snprintf(out, RZ_NUMBER_TEXT, "–");
    else if (a >= 1e12)
        snprintf(out, RZ_NUMBER_TEXT, "%.3g", x);
    else if (a >= 1e9)
        snprintf(out, RZ_NUMBER_TEXT, "%.3gG", x / 1e9);
    else if (a >= 1e6)
        snprintf(out, RZ_NUMBER_TEXT, "%.3gM", x / 1e6);
    else if (a >= 1e4)
        snprintf(out, RZ_NUMBER_TEXT, "%.3gk", x / 1e3);
    else if (a >= 100)
        snprintf(out, RZ_NUMBER_TEXT, "%.0f", x);
    else
        snprintf(out, RZ_NUMBER_TEXT, "%.3g", x);
}

void rz_percent_text(double x, char out[RZ_NUMBER_TEXT])
{
    if (!isfinite(x) || fabs(x) > 1e6)
        rz_short_text(100 * x, out);
    else
        snprintf(out, RZ_NUMBER_TEXT, "%.1f%%", 100 * x);
}

void rz_time_text(double s, char out[RZ_NUMBER_TEXT])
{
    long t = isfinite(s) && s >= 0 && s < 1e12 ? (long)(s + 0.5) : 0;
    if (t < 60)
        snprintf(out, RZ_NUMBER_TEXT, "%.1f s", isfinite(s) ? s : 0);
    else if (t < 3600)
        snprintf(out, RZ_NUMBER_TEXT, "%ld min %02ld s", t / 60, t % 60);
    else
        snprintf(out, RZ_NUMBER_TEXT, "%ld h %02ld min", t / 3600, t / 60 % 60);
}
