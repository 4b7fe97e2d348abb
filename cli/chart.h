/* Line charts as inline SVG: no script; the values under the pointer come from <title>, the colours from the page's style. Any number of points becomes
 * at most one a pixel column: the mean as a line, the range behind it. */
#ifndef RZ_CLI_CHART_H
#define RZ_CLI_CHART_H
#include "cli/html.h"

#include <stdint.h>

enum { RZ_CHART_SERIES = 6 };

typedef struct {
    const char *label;         /* "" when there is only one */
    const double *x, *y;       /* (n) x rising; what is not finite is a gap */
    const double *low, *high;  /* (n) interval of each point, or NULL */
    int64_t n;
} rz_series;

typedef struct {
    const char *title, *unit;  /* unit: said behind the title, may be "" */
    bool percent;              /* y is a share of 1 */
    bool points;               /* few measured points, joined by lines, with their intervals; else dots or a range, and a smoothed line */
    double low, high;          /* bounds of y, NaN: from the values */
    int n;
    rz_series series[RZ_CHART_SERIES];
} rz_chart;

/* A <figure>; false, and nothing written, when there is no finite value. */
bool rz_chart_write(rz_html *h, const rz_chart *c);

/* 1, 2 or 5 times a power of ten: the least such distance that cuts `range` into at most `most` parts. */
double rz_tick_step(double range, int most);
#endif
