#include "data/tasks/draft.h"

static const char *const weekdays[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
static const char *const months[] = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};

typedef struct { int year, month, day; } date; /* month, day from 1 */

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* The date so many days after 1 January 2001, a Monday. */
static date date_of(int days)
{
    date d = {2001, 1, 1 + days};
    while (d.day > days_in(d.year, d.month)) {
        d.day -= days_in(d.year, d.month);
        if (++d.month > 12) d.month = 1, d.year++;
    }
    return d;
}

/* n days after a weekday, or before it. */
static void around(rz_stream *s, int most, bool before, rz_draft *d)
{
    int today = rz_stream_range(s, 0, 6), n = rz_stream_range(s, 2, most);
    rz_draft_prompt(d, before ? "Today is %s. Which day of the week was it %d days ago?" : "Today is %s. Which day of the week is it in %d days?", weekdays[today], n);
    rz_draft_answer(d, "%s", weekdays[(today + (before ? 7 - n % 7 : n)) % 7]);
}

static void between(rz_stream *s, int most, rz_draft *d)
{
    int from = rz_stream_range(s, 0, 49 * 365), n = rz_stream_range(s, 2, most);
    date a = date_of(from), b = date_of(from + n);
    rz_draft_prompt(d, "How many days after %d %s %d is %d %s %d?", a.day, months[a.month - 1], a.year, b.day, months[b.month - 1], b.year);
    rz_draft_answer(d, "%d", n);
}

/* Counted from the first day of a month whose weekday is told. */
static void weekday_of(rz_stream *s, int most, rz_draft *d)
{
    int first = rz_stream_range(s, 0, 49 * 365), n = rz_stream_range(s, 2, most);
    date a = date_of(first);
    first -= a.day - 1;
    a.day = 1;
    date b = date_of(first + n);
    rz_draft_prompt(d, "1 %s %d is a %s. Which day of the week is %d %s %d?", months[a.month - 1], a.year, weekdays[first % 7], b.day, months[b.month - 1], b.year);
    rz_draft_answer(d, "%s", weekdays[(first + n) % 7]);
}

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    int kind = rz_stream_range(s, 1, (int)p[RZ_VARIETY]), most = (int)p[RZ_LARGEST];
    if (kind <= 2) around(s, most, kind == 2, d);
    else if (kind == 3) between(s, most, d);
    else weekday_of(s, most, d);
    rz_draft_content_text(d, d->prompt);
    return true;
}

const rz_task rz_task_calendar = {
    .name = "calendar", .about = "Days of the week and days between dates.", .answer = "a day of the week in English, in either case, or an integer", .generator = 1,
    .make = make,
    .params = {{RZ_LARGEST, "days between at most", 14, 10000, {20, 60, 60, 150, 600}},
               {RZ_VARIETY, "1: days after a weekday; 2: days before it too; 3: days between two dates too; 4: the weekday of a date too", 1, 4, {1, 2, 3, 4, 4}}},
};
