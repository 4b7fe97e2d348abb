/* HTML as it is written: markup is ours and goes out as it is; text is anybody's and can only ever be text. */
#ifndef RZ_CLI_HTML_H
#define RZ_CLI_HTML_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct {
    FILE *f;
    char *data; /* valid after rz_html_finish, NUL-terminated; caller frees */
    size_t len;
} rz_html;

void rz_html_init(rz_html *h);
void rz_html_finish(rz_html *h);

/* printf of markup: never of text that comes from a file. */
__attribute__((format(printf, 2, 3))) void rz_html_markup(rz_html *h, const char *fmt, ...);
/* Text, in an element or a quoted attribute. < > & " ' are escaped; invalid UTF-8 becomes U+FFFD; control characters become their pictures (U+2400 …);
 * marks that are not seen but turn or hide other text (direction, zero width) are spelt out as [U+202E]. Tabs and newlines stay. */
void rz_html_text(rz_html *h, const char *s, size_t len);
/* printf of text. */
__attribute__((format(printf, 2, 3))) void rz_html_say(rz_html *h, const char *fmt, ...);

/* ---- numbers for people; static or caller's buffers ---- */

enum { RZ_NUMBER_TEXT = 48 };
/* 1234567 -> "1,234,567"; rounds. "–" for what is not finite. */
void rz_whole_text(double x, char out[RZ_NUMBER_TEXT]);
/* Three or four significant digits: 0.1787, 12.3, 4512, 12.3k, 4.5M. */
void rz_short_text(double x, char out[RZ_NUMBER_TEXT]);
/* 0.1787 -> "17.9%". */
void rz_percent_text(double x, char out[RZ_NUMBER_TEXT]);
/* "3.5 s", "4 min 20 s", "3 h 05 min". */
void rz_time_text(double s, char out[RZ_NUMBER_TEXT]);
#endif
