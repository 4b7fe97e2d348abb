#include "cli/chart.h"

#include "base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The plot in the view box, user units (at the usual width about a pixel each). */
enum { WIDTH = 484, HEIGHT = 206, LEFT = 44, RIGHT = 472, TOP = 8, BOTTOM = 182 };
enum { MOST_DOTS = 400, MOST_POINTS = (RIGHT - LEFT) / 2, MOST_CELLS = 80, SMOOTHED_PARTS = 24 };
enum { MOST_WITH_DOTS = 3 }; /* lines: of more the dots are a fog */
static const double FAR = 1e30; /* values beyond are drawn as this: room for sums */

typedef struct { double x0, x1, y0, y1; } frame;

static double near_enough(double y)
{
    return y > FAR ? FAR : y < -FAR ? -FAR : y;
}

static double place_x(const frame *f, double x)
{
    double p = LEFT + (x - f->x0) / (f->x1 - f->x0) * (RIGHT - LEFT);
    return p < LEFT ? LEFT : p > RIGHT ? RIGHT : p;
}

static double place_y(const frame *f, double y)
{
    double p = BOTTOM - (near_enough(y) - f->y0) / (f->y1 - f->y0) * (BOTTOM - TOP);
    return p < TOP ? TOP : p > BOTTOM ? BOTTOM : p;
}

double rz_tick_step(double range, int most)
{
    double step = pow(10, floor(log10(range / most)));
    static const double factors[] = {1, 2, 5, 10, 20};
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++)
        if (range / (factors[i] * step) <= most + 1e-9)
            return factors[i] * step;
    return range;
}

static void widen(double *low, double *high, double x)
{
    if (!isfinite(x))
        return;
    x = near_enough(x);
    if (!(x >= *low))
        *low = x;
    if (!(x <= *high))
        *high = x;
}

/* The bounds: as given, else from the values, out to a whole tick. False without a finite value. */
static bool frame_of(const rz_chart *c, frame *f)
{
    double low = NAN, high = NAN, first = NAN, last = NAN;
    for (int s = 0; s < c->n; s++)
        for (int64_t i = 0; i < c->series[s].n; i++) {
            const rz_series *r = &c->series[s];
            widen(&first, &last, r->x[i]);
            if (!isfinite(r->y[i]))
                continue;
            widen(&low, &high, r->y[i]);
            if (r->low && r->high) {
                widen(&low, &high, r->low[i]);
                widen(&low, &high, r->high[i]);
            }
        }
    if (isnan(low) || isnan(first))
        return false;
    if (isfinite(c->low))
        low = c->low;
    if (isfinite(c->high))
        high = c->high;
    if (high - low <= 1e-9 * (fabs(high) + fabs(low)) || high <= low) { /* flat */
        double room = fabs(high) > 0 ? 0.1 * fabs(high) : c->percent ? 0.01 : 1;
        high = (high > low ? high : low) + room;
        low = isfinite(c->low) ? low : low - room;
    }
    double step = rz_tick_step(high - low, 5);
    *f = (frame){first, last > first ? last : first + 1, isfinite(c->low) ? low : floor(low / step + 1e-9) * step,
                 isfinite(c->high) ? high : ceil(high / step - 1e-9) * step};
    return true;
}

static void value_text(const rz_chart *c, double y, char out[RZ_NUMBER_TEXT])
{
    if (c->percent)
        snprintf(out, RZ_NUMBER_TEXT, isfinite(y) ? "%.3g%%" : "–", 100 * y);
    else
        rz_short_text(y, out);
}

static void write_axes(rz_html *h, const rz_chart *c, const frame *f)
{
    char text[RZ_NUMBER_TEXT];
    double step = rz_tick_step(f->y1 - f->y0, 5), first = ceil(f->y0 / step - 1e-9);
    for (double k = first; k * step <= f->y1 + 1e-9 * step && k < first + 8; k++) {
        double y = place_y(f, k * step);
        value_text(c, k == 0 ? 0 : k * step, text);
        rz_html_markup(h, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>", LEFT, y, RIGHT, LEFT - 6,
                       y + 3.5, text);
    }
    step = rz_tick_step(f->x1 - f->x0, 6);
    step = step < 1 ? 1 : step; /* steps are whole */
    first = ceil(f->x0 / step - 1e-9);
    rz_html_markup(h, "<path class=\"axis\" d=\"M%d %dH%d\"/>", LEFT, BOTTOM, RIGHT);
    for (double k = first; k * step <= f->x1 + 1e-9 * step && k < first + 9; k++) {
        double x = place_x(f, k * step);
        rz_short_text(k == 0 ? 0 : k * step, text); /* no -0 */
        rz_html_markup(h, "<path class=\"axis\" d=\"M%.1f %dv4\"/>", x, BOTTOM);
        rz_html_markup(h, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>", x, BOTTOM + 16, text);
    }
    rz_html_markup(h, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">step</text>", LEFT - 10, BOTTOM + 16);
}

/* ---- a series in parts: part p of n_parts holds the points from … to − 1 ---- */

static int64_t part_start(const rz_series *s, int n_parts, int p)
{
    return s->n / n_parts * p + s->n % n_parts * p / n_parts;
}

/* Mean of the finite values of a range; NaN when there are none. */
static double mean(const double *v, int64_t from, int64_t to)
{
    double sum = 0;
    int64_t n = 0;
    for (int64_t i = from; i < to; i++)
        if (isfinite(v[i])) {
            sum += near_enough(v[i]);
            n++;
        }
    return n ? sum / (double)n : NAN;
}

static int parts(const rz_series *s, int most)
{
    return s->n < most ? (int)s->n : most;
}

/* Mean around the middle of a part, SMOOTHED_PARTS windows to the whole; short series are left as they are. */
static double smoothed(const rz_series *s, int n_parts, int p)
{
    int64_t from = part_start(s, n_parts, p), to = part_start(s, n_parts, p + 1), middle = (from + to) / 2;
    int64_t half = s->n >= 24 ? s->n / SMOOTHED_PARTS + 1 : 0;
    from = from < middle - half ? from : middle - half;
    to = to > middle + half + 1 ? to : middle + half + 1;
    return mean(s->y, from < 0 ? 0 : from, to > s->n ? s->n : to);
}

static void write_dots(rz_html *h, const frame *f, const rz_series *s, int index)
{
    rz_html_markup(h, "<path class=\"dots s%d\" d=\"", index);
    for (int64_t i = 0; i < s->n; i++)
        if (isfinite(s->y[i]) && isfinite(s->x[i]))
            rz_html_markup(h, "M%.1f %.1fh0", place_x(f, s->x[i]), place_y(f, s->y[i]));
    rz_html_markup(h, "\"/>");
}

/* Least to greatest of every part, as a bar. */
static void write_range(rz_html *h, const frame *f, const rz_series *s, int index)
{
    rz_html_markup(h, "<path class=\"range s%d\" d=\"", index);
    for (int p = 0; p < MOST_POINTS; p++) {
        double low = NAN, high = NAN;
        int64_t from = part_start(s, MOST_POINTS, p), to = part_start(s, MOST_POINTS, p + 1);
        for (int64_t i = from; i < to; i++)
            widen(&low, &high, s->y[i]);
        double x = mean(s->x, from, to);
        if (!isnan(low) && !isnan(x))
            rz_html_markup(h, "M%.1f %.1fV%.1f", place_x(f, x), place_y(f, low), place_y(f, high));
    }
    rz_html_markup(h, "\"/>");
}

static void write_line(rz_html *h, const frame *f, const rz_series *s, int index, bool smooth)
{
    int n = parts(s, MOST_POINTS);
    bool open = false;
    for (int p = 0; p < n; p++) {
        int64_t from = part_start(s, n, p), to = part_start(s, n, p + 1);
        double x = mean(s->x, from, to), y = smooth ? smoothed(s, n, p) : mean(s->y, from, to);
        bool here = isfinite(x) && isfinite(y);
        if (here && !open)
            rz_html_markup(h, "<polyline class=\"line s%d\" points=\"", index);
        if (here)
            rz_html_markup(h, "%s%.1f,%.1f", open ? " " : "", place_x(f, x), place_y(f, y));
        if (!here && open)
            rz_html_markup(h, "\"/>");
        open = here;
    }
    if (open)
        rz_html_markup(h, "\"/>");
}

static void write_points(rz_html *h, const frame *f, const rz_series *s, int index)
{
    for (int64_t i = 0; i < s->n; i++) {
        if (!isfinite(s->y[i]) || !isfinite(s->x[i]))
            continue;
        double x = place_x(f, s->x[i]);
        if (s->low && s->high && isfinite(s->low[i]) && isfinite(s->high[i]))
            rz_html_markup(h, "<path class=\"bar s%d\" d=\"M%.1f %.1fV%.1fm-3 0h6M%.1f %.1fh6\"/>", index, x, place_y(f, s->low[i]),
                           place_y(f, s->high[i]), x - 3, place_y(f, s->low[i]));
        rz_html_markup(h, "<circle class=\"point s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.2\"/>", index, x, place_y(f, s->y[i]));
    }
}

/* Invisible columns that say their values. All series of a chart but those of other lengths: one reads them by the first. */
static void write_cells(rz_html *h, const rz_chart *c, const frame *f)
{
    const rz_series *first = &c->series[0];
    char text[RZ_NUMBER_TEXT], at[RZ_NUMBER_TEXT], to_text[RZ_NUMBER_TEXT];
    int n = parts(first, MOST_CELLS);
    double left = LEFT;
    for (int p = 0; p < n; p++) {
        int64_t from = part_start(first, n, p), to = part_start(first, n, p + 1);
        double right = p == n - 1 ? RIGHT : (place_x(f, first->x[to - 1]) + place_x(f, first->x[to])) / 2, width = right - left;
        if (!(width > 0))
            continue;
        rz_whole_text(first->x[from], at);
        rz_whole_text(first->x[to - 1], to_text);
        rz_html_markup(h, "<rect class=\"cell\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"><title>step %s", left, TOP, width, BOTTOM - TOP, at);
        if (to - from > 1)
            rz_html_markup(h, " to %s", to_text);
        for (int s = 0; s < c->n; s++) {
            const rz_series *r = &c->series[s];
            if (r->n != first->n)
                continue;
            value_text(c, mean(r->y, from, to), text);
            rz_html_say(h, "\n%s%s%s", r->label, r->label[0] ? " " : "", text);
            if (r->low && r->high && to - from == 1 && isfinite(r->low[from]) && isfinite(r->high[from])) {
                value_text(c, r->low[from], at);
                value_text(c, r->high[from], to_text);
                rz_html_markup(h, " [%s, %s]", at, to_text);
            }
        }
        rz_html_markup(h, "</title></rect>");
        left = right;
    }
}

/* Title and unit, what each line is, and where the first one begins and ends. */
static void write_caption(rz_html *h, const rz_chart *c)
{
    const rz_series *s = &c->series[0];
    char from[RZ_NUMBER_TEXT], to[RZ_NUMBER_TEXT];
    int n = parts(s, MOST_POINTS);
    rz_html_markup(h, "<figcaption><b>");
    rz_html_say(h, "%s", c->title);
    rz_html_markup(h, "</b>");
    if (c->unit[0]) {
        rz_html_markup(h, " <span class=\"unit\">");
        rz_html_say(h, "%s", c->unit);
        rz_html_markup(h, "</span>");
    }
    for (int k = 0; k < c->n && c->n > 1; k++) {
        rz_html_markup(h, " <span class=\"key\"><svg viewBox=\"0 0 18 8\" width=\"18\" height=\"8\" aria-hidden=\"true\">"
                          "<path class=\"line s%d\" d=\"M0 4H18\"/></svg>", k);
        rz_html_say(h, "%s", c->series[k].label);
        rz_html_markup(h, "</span>");
    }
    if (n > 1) {
        value_text(c, c->points ? s->y[0] : smoothed(s, n, 0), from);
        value_text(c, c->points ? s->y[s->n - 1] : smoothed(s, n, n - 1), to);
        rz_html_markup(h, "<span class=\"ends\">%s → %s</span>", from, to);
    }
    rz_html_markup(h, "</figcaption>");
}

bool rz_chart_write(rz_html *h, const rz_chart *c)
{
    frame f;
    if (!frame_of(c, &f))
        return false;
    rz_html_markup(h, "<figure>");
    write_caption(h, c);
    rz_html_markup(h, "<svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    rz_html_say(h, "%s by step", c->title);
    rz_html_markup(h, "\">");
    write_axes(h, c, &f);
    for (int s = c->n - 1; s >= 0 && !c->points && c->n <= MOST_WITH_DOTS; s--) { /* the first is on top */
        if (c->series[s].n <= MOST_DOTS)
            write_dots(h, &f, &c->series[s], s);
        else
            write_range(h, &f, &c->series[s], s);
    }
    for (int s = c->n - 1; s >= 0; s--) {
        write_line(h, &f, &c->series[s], s, !c->points);
        if (c->points)
            write_points(h, &f, &c->series[s], s);
    }
    write_cells(h, c, &f);
    rz_html_markup(h, "</svg></figure>\n");
    return true;
}
