/* The parts of the report's page: text that can only be text, numbers, charts that stay in their box, completions that were written to do harm. */
#include "base/rng.h"
#include "base/store.h"
#include "base/text.h"
#include "cli/chart.h"
#include "cli/report.h"
#include "tests/suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- text ---- */

static const struct { const char *text; size_t len; const char *html; } texts[] = {
    {"plain, é, 日本, 😀", 0, "plain, é, 日本, 😀"},
    {"<script>alert('x')</script>", 0, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"},
    {"a=\"b\" & c", 0, "a=&quot;b&quot; &amp; c"},
    {"&lt;", 0, "&amp;lt;"},
    {"line\n\ttab", 0, "line\n\ttab"},
    {"\x1b[31m\r\x07\x7f", 0, "&#x241b;[31m&#x240d;&#x2407;&#x2421;"},
    {"nul\0l", 5, "nul&#x2400;l"},
    {"\xff\xfe|\xc3|\xed\xa0\x80|", 0, "\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|"},
    {"\xe2\x80\xae" "evil\xe2\x80\xac", 0, "[U+202E]evil[U+202C]"},
    {"a\xe2\x80\x8b" "b\xef\xbb\xbf", 0, "a[U+200B]b[U+FEFF]"},
    {"\xd8\x9c\xe2\x81\xa7\xc2\x85", 0, "[U+061C][U+2067][U+0085]"},
    {"\xef\xbf\xbe\xf3\xa0\x80\x81", 0, "[U+FFFE][U+E0001]"},
};

START_TEST(text_is_only_text)
{
    rz_html h;
    size_t len = texts[_i].len ? texts[_i].len : strlen(texts[_i].text);
    rz_html_init(&h);
    rz_html_text(&h, texts[_i].text, len);
    rz_html_finish(&h);
    ck_assert_str_eq(h.data, texts[_i].html);
    free(h.data);
    rz_html_init(&h);
    rz_html_say(&h, "%.*s", (int)len, texts[_i].text);
    rz_html_finish(&h);
    if (!texts[_i].len)
        ck_assert_str_eq(h.data, texts[_i].html);
    free(h.data);
}
END_TEST

/* Whatever the bytes: valid UTF-8 without markup, controls, and the marks of direction (E2 80 8E…8F, AA…AE; E2 81 A6…A9). */
START_TEST(any_bytes)
{
    for (uint32_t round = 0; round < 2000; round++) {
        char bytes[64];
        rz_html h;
        for (uint32_t i = 0; i < sizeof bytes; i++) {
            uint32_t x = rz_rng_at(7, RZ_RNG_TEST, round, i, 0, 0).v[0];
            static const char likely[] = "<>&\"'\xe2\x80\xae\xe2\x81\xa6\xc2\x80/";
            bytes[i] = x & 256 ? likely[x % (sizeof likely - 1)] : (char)x;
        }
        rz_html_init(&h);
        rz_html_text(&h, bytes, sizeof bytes);
        rz_html_finish(&h);
        ck_assert_uint_eq(rz_utf8_valid(h.data, h.len), h.len);
        ck_assert_uint_eq(strlen(h.data), h.len);
        ck_assert(!strpbrk(h.data, "<>\"'\x01\x1b\r\x7f"));
        ck_assert(!strstr(h.data, "\xe2\x80\xae") && !strstr(h.data, "\xe2\x81\xa6") && !strstr(h.data, "\xc2\x80"));
        free(h.data);
    }
}
END_TEST

/* ---- numbers ---- */

static const struct { void (*write)(double x, char *out); double x; const char *text; } numbers[] = {
    {rz_whole_text, 0, "0"}, {rz_whole_text, 999, "999"}, {rz_whole_text, 1000, "1,000"}, {rz_whole_text, 1234567, "1,234,567"},
    {rz_whole_text, -123456, "-123,456"}, {rz_whole_text, NAN, "–"}, {rz_whole_text, 1e300, "1e+300"},
    {rz_short_text, 0, "0"}, {rz_short_text, 0.17871, "0.179"}, {rz_short_text, 12.34, "12.3"}, {rz_short_text, 4512.3, "4512"},
    {rz_short_text, 12345, "12.3k"}, {rz_short_text, 4.5e6, "4.5M"}, {rz_short_text, 1e-5, "1e-05"}, {rz_short_text, -2e9, "-2G"},
    {rz_short_text, INFINITY, "–"}, {rz_percent_text, 0.17871, "17.9%"}, {rz_percent_text, 1, "100.0%"}, {rz_percent_text, NAN, "–"},
    {rz_time_text, 3.54, "3.5 s"}, {rz_time_text, 260, "4 min 20 s"}, {rz_time_text, 3600 * 3 + 300, "3 h 05 min"}, {rz_time_text, NAN, "0.0 s"},
};

START_TEST(numbers_for_people)
{
    char out[RZ_NUMBER_TEXT];
    numbers[_i].write(numbers[_i].x, out);
    ck_assert_str_eq(out, numbers[_i].text);
}
END_TEST

START_TEST(ticks)
{
    for (int most = 2; most <= 9; most++)
        for (double range = 1e-6; range < 1e9; range *= 1.37) {
            double step = rz_tick_step(range, most), best = INFINITY;
            for (int e = -12; e <= 12; e++)
                for (int f = 0; f < 3; f++) {
                    double candidate = (f == 0 ? 1 : f == 1 ? 2 : 5) * pow(10, e);
                    if (range / candidate <= most + 1e-9 && candidate < best)
                        best = candidate;
                }
            ck_assert_double_eq_tol(step / best, 1, 1e-12);
        }
}
END_TEST

/* ---- charts ---- */

enum { LONGEST = 100000 };
static double xs[LONGEST], ys[LONGEST];

static char *drawn(const rz_chart *c, bool *wrote)
{
    rz_html h;
    rz_html_init(&h);
    *wrote = rz_chart_write(&h, c);
    rz_html_finish(&h);
    return h.data;
}

static int count(const char *in, const char *what)
{
    int n = 0;
    for (const char *at = in; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

/* Every point of every polyline lies in the plot; returns how many there are. */
static int points_in_box(const char *svg)
{
    int n = 0;
    for (const char *at = svg; (at = strstr(at, "points=\"")); ) {
        char *end = (char *)at + 8;
        while (*end != '"') {
            double x = strtod(end, &end), y = (ck_assert(*end == ','), strtod(end + 1, &end));
            ck_assert_msg(x >= 44 && x <= 472 && y >= 8 && y <= 182, "%g,%g", x, y);
            n++;
        }
        at = end;
    }
    return n;
}

/* Ten points on a line, by hand: x 1..10 over 44..472, y 0..9 over a frame 0..10 whose top is 8 and whose foot is 182. */
START_TEST(a_line_by_hand)
{
    bool wrote;
    for (int i = 0; i < 10; i++) {
        xs[i] = i + 1;
        ys[i] = i;
    }
    rz_chart c = {"title <b>", "unit", .points = true, .low = NAN, .high = NAN, .n = 1, .series = {{"", xs, ys, NULL, NULL, 10}}};
    char *svg = drawn(&c, &wrote), expected[400] = "points=\"";
    for (int i = 0; i < 10; i++)
        sprintf(expected + strlen(expected), "%s%.1f,%.1f", i ? " " : "", 44 + 428 * i / 9.0, 182 - 17.4 * i);
    ck_assert(wrote);
    ck_assert_msg(strstr(svg, expected) != NULL, "%s\n%s", expected, svg);
    ck_assert(strstr(svg, "title &lt;b&gt;") && !strstr(svg, "<b>title <b>"));
    ck_assert(strstr(svg, ">0 → 9<"));
    ck_assert_int_eq(count(svg, "class=\"cell\""), 10);
    ck_assert(strstr(svg, "step 4\n3</title>"));
    free(svg);
}
END_TEST

static double value(int kind, int i)
{
    switch (kind) {
    case 0: return 0.5 + 0.4 * sin(i / 50.0);
    case 1: return 3;
    case 2: return -1e300;
    case 3: return i % 7 ? 1e300 * (i % 2 ? 1 : -1) : NAN;
    case 4: return i % 10 < 5 ? NAN : i;
    case 5: return i ? NAN : -2.5;
    case 6: return INFINITY;
    default: return i == 1 ? 1e-300 : 0;
    }
}

START_TEST(charts_stay_in_their_box)
{
    static const int lengths[] = {1, 2, 3, 79, 80, 81, 160, 214, 401, 9999, LONGEST};
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++)
        for (int variant = 0; variant < 4; variant++) {
            int n = lengths[k];
            bool wrote, finite = false;
            for (int i = 0; i < n; i++) {
                xs[i] = i + 1;
                ys[i] = value(_i, i);
                finite |= isfinite(ys[i]);
            }
            bool bounds = variant & 1;
            rz_chart c = {"t", "", .percent = bounds, .points = variant & 2, .low = bounds ? 0 : NAN, .high = bounds ? 1 : NAN, .n = 2,
                          .series = {{"a", xs, ys, ys, ys, n}, {"b", xs, ys, NULL, NULL, n}}};
            char *svg = drawn(&c, &wrote);
            ck_assert_int_eq(wrote, finite);
            if (!wrote)
                ck_assert_str_eq(svg, "");
            ck_assert(!strstr(svg, "nan") && !strstr(svg, "inf"));
            ck_assert_int_le(points_in_box(svg), 2 * 214);
            ck_assert_int_le(count(svg, "class=\"cell\""), 80);
            ck_assert_int_eq(count(svg, "<text"), count(svg, "</text>"));
            ck_assert_int_le(count(svg, "<text"), 20);
            if (!c.points)
                ck_assert_uint_lt(strlen(svg), 60000);
            free(svg);
        }
}
END_TEST

/* A long series is drawn by means that are right: a ramp stays a ramp. */
START_TEST(a_long_ramp)
{
    bool wrote;
    for (int i = 0; i < LONGEST; i++)
        xs[i] = ys[i] = i + 1;
    rz_chart c = {"t", "", .low = 0, .high = LONGEST, .n = 1, .series = {{"", xs, ys, NULL, NULL, LONGEST}}};
    char *svg = drawn(&c, &wrote), *end = strstr(svg, "points=\"") + 8;
    int n = 0;
    for (; *end != '"'; n++) {
        double x = strtod(end, &end), y = strtod(end + 1, &end), along = (x - 44) / 428;
        if (along > 0.06 && along < 0.94) /* at the ends the mean is of one side */
            ck_assert_double_eq_tol(y, 182 - 174 * along, 0.2);
    }
    ck_assert_int_eq(n, 214);
    free(svg);
}
END_TEST

/* ---- samples ---- */

static const char evil[] = "<think> x </think> <script>alert(1)</script> </pre></section><img src=x onerror=alert(2)> \x1b[2J \xe2\x80\xae \xff\xfe "
                           "<answer> 1 & 2 </answer> <think> not closed </script>";

static void put_texts(rz_store *s, const char *column, const char *text, size_t len)
{
    rz_err err = {0};
    int64_t offsets[] = {0, (int64_t)len};
    char name[64];
    snprintf(name, sizeof name, "%s/offsets", column);
    ck_assert(rz_store_put(s, name, (rz_shape){RZ_I64, 1, {2}}, offsets, &err));
    snprintf(name, sizeof name, "%s/bytes", column);
    ck_assert(rz_store_put(s, name, (rz_shape){RZ_U8, 1, {(int64_t)len}}, text, &err));
}

static void write_samples(const char *path, int64_t step, int64_t bad_offset)
{
    rz_err err = {0};
    rz_store *s;
    const int32_t zero = 0, tokens = 12;
    const uint8_t one = 1;
    const double score = 1.1;
    ck_assert(rz_store_create(&s, path, &err));
    const struct { const char *name; rz_type type; const void *data; } columns[] = {
        {"step", RZ_I64, &step}, {"prompts/step", RZ_I64, &step}, {"slot", RZ_I32, &zero}, {"prompts/slot", RZ_I32, &zero}, {"sample", RZ_I32, &zero},
        {"n_tokens", RZ_I32, &tokens}, {"correct", RZ_U8, &one}, {"format_ok", RZ_U8, &one}, {"truncated", RZ_U8, &one}, {"score", RZ_F64, &score},
    };
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        ck_assert(rz_store_put(s, columns[i].name, (rz_shape){columns[i].type, 1, {1}}, columns[i].data, &err));
    if (bad_offset) {
        int64_t offsets[] = {0, bad_offset};
        ck_assert(rz_store_put(s, "text/offsets", (rz_shape){RZ_I64, 1, {2}}, offsets, &err));
        ck_assert(rz_store_put(s, "text/bytes", (rz_shape){RZ_U8, 1, {4}}, "text", &err));
    } else {
        put_texts(s, "text", evil, sizeof evil - 1);
    }
    put_texts(s, "explain", evil, sizeof evil - 1);
    put_texts(s, "prompts/prompt", evil, sizeof evil - 1);
    ck_assert(rz_store_commit(s, &err));
    rz_store_close(s);
}

static const int64_t lies[] = {0, 5, -1, INT64_MAX, INT64_MIN}; /* ends of a text of 4 bytes; 0: none */

START_TEST(completions_cannot_break_out)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = rz_asprintf("%s/rulezero-test-XXXXXX", tmp ? tmp : "/tmp"), path[400], path2[400];
    rz_html h;
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/eval", dir);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/eval/step-000000.h5", dir);
    snprintf(path2, sizeof path2, "%s/eval/step-000009.h5", dir);
    write_samples(path, 0, 0);
    write_samples(path2, 9, lies[_i]);
    rz_report r = {.dir = dir};
    rz_html_init(&h);
    rz_report_samples(&h, &r);
    rz_html_finish(&h);
    ck_assert(strstr(h.data, "After step 0<") && !strstr(h.data, "After step 9<") == (_i != 0)); /* a file that lies is passed over */
    ck_assert_int_eq(count(h.data, "class=\"card\""), _i ? 1 : 2);
    ck_assert(!strstr(h.data, "<script") && !strstr(h.data, "<img") && !strstr(h.data, "\x1b") && !strstr(h.data, "\xe2\x80\xae"));
    ck_assert(strstr(h.data, "&lt;script&gt;alert(1)&lt;/script&gt;") && strstr(h.data, "<span class=\"thought\">&lt;think&gt; x &lt;/think&gt;</span>"));
    ck_assert(strstr(h.data, "<span class=\"answer\">&lt;answer&gt; 1 &amp; 2 &lt;/answer&gt;</span>"));
    ck_assert(strstr(h.data, "<span class=\"thought\">&lt;think&gt; not closed &lt;/script&gt;</span></pre>"));
    static const char *const tags[][2] = {{"<pre", "</pre>"}, {"<div", "</div>"}, {"<section", "</section>"}, {"<span", "</span>"}, {"<details", "</details>"}};
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        ck_assert_int_eq(count(h.data, tags[i][0]), count(h.data, tags[i][1]));
    free(h.data);
    unlink(path);
    unlink(path2);
    snprintf(path, sizeof path, "%s/eval", dir);
    rmdir(path);
    rmdir(dir);
    free(dir);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("html");
    TCase *t = tcase_create("html");
    tcase_add_loop_test(t, text_is_only_text, 0, sizeof texts / sizeof texts[0]);
    tcase_add_test(t, any_bytes);
    tcase_add_loop_test(t, numbers_for_people, 0, sizeof numbers / sizeof numbers[0]);
    tcase_add_test(t, ticks);
    tcase_add_test(t, a_line_by_hand);
    tcase_add_loop_test(t, charts_stay_in_their_box, 0, 8);
    tcase_add_test(t, a_long_ramp);
    tcase_add_loop_test(t, completions_cannot_break_out, 0, sizeof lies / sizeof lies[0]);
    tcase_set_timeout(t, 60);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
