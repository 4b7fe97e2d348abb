/* A score as text for people. */
#include "rewards/internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In quotes, on one line. */
static void put_quoted(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '\n')
            fputs("\\n", f);
        else if (*s == '\t')
            fputs("\\t", f);
        else if (*s == '"' || *s == '\\')
            fprintf(f, "\\%c", *s);
        else if ((unsigned char)*s < 0x20 || *s == 0x7F)
            fprintf(f, "\\x%02x", (unsigned)*s);
        else
            fputc(*s, f);
    }
    fputc('"', f);
}

static void put_part(FILE *f, const rule *u, const rz_part *p, int width)
{
    static const char *const states[] = {"scored", "skipped", "error"};
    fprintf(f, "%-*s  %-7s ", width, u->name, states[p->state]);
    if (p->state == RZ_PART_SCORED || p->points != 0) /* an error may cost what failing does */
        fprintf(f, "%g = %g x weight %g", u->weight * p->points, p->points, u->weight);
    else
        fputs("counts nothing", f);
    fprintf(f, ": %s", p->reason);
    if (p->span.start != SIZE_MAX) fprintf(f, "; bytes %zu..%zu", p->span.start, p->span.end);
    if (*p->found) fputs("; found ", f), put_quoted(f, p->found);
    if (*p->expected) fputs("; expected ", f), put_quoted(f, p->expected);
    fputc('\n', f);
}

char *rz_score_explain(const rz_rules *r, const rz_score *s)
{
    char *text = NULL;
    size_t size;
    int width = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f) rz_out_of_memory(BUFSIZ);
    fprintf(f, "score %g", s->score);
    if (r->accuracy >= 0) fprintf(f, ", %s", s->correct ? "correct" : "not correct");
    if (r->format >= 0) fprintf(f, ", format %s", s->format_ok ? "ok" : "not ok");
    if (s->n_errors) fprintf(f, ", %d error%s", s->n_errors, s->n_errors > 1 ? "s" : "");
    if (*s->note) fprintf(f, " (%s)", s->note);
    fputc('\n', f);
    for (int i = 0; i < r->n; i++) {
        int n = (int)strlen(r->rules[i].name);
        if (n > width) width = n;
    }
    for (int i = 0; i < r->n; i++) put_part(f, &r->rules[i], &s->parts[i], width);
    if (fclose(f) != 0) rz_out_of_memory(BUFSIZ);
    return text;
}
