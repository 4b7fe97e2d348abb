/* The report of a run directory (docs/report.md): what its files say, read once, and the parts that the page is made of. */
#ifndef RZ_CLI_REPORT_H
#define RZ_CLI_REPORT_H
#include "cli/html.h"
#include "trainer/config.h"
#include "trainer/diagnose.h"
#include "trainer/history.h"

typedef struct { char *name, *value; } rz_fact;

typedef struct {
    const char *dir;              /* as given */
    rz_history metrics, eval;     /* n 0 when there is no such file */
    rz_history base;              /* pretraining of the base made in this run (dir/base-…), n 0 when there was none */
    bool pretrain;                /* the run itself is a pretraining */
    bool has_config, control;     /* control: reward is random */
    rz_config config, defaults;
    char *config_text;            /* config.yaml, NULL when there is none */
    char *rules;                  /* text of the rule file, NULL: not known */
    int n_facts;                  /* attributes of the checkpoint */
    rz_fact *facts;
    int64_t parameters;           /* 0: not known */
    int64_t step, steps;          /* done; of how many (0: not known) */
    bool finished;
    double wall_s, steps_s;       /* of all starts of the job together; in steps */
    rz_diagnosis *diagnosis;      /* NULL for pretraining and control runs */
} rz_report;

/* RZ_EIO when there is no such directory, RZ_EDATA when it is no run directory. What is missing or damaged in one is left out. */
bool rz_report_read(rz_report *r, const char *dir, rz_err *err);
/* Then rules, facts and parameters: of the newest checkpoint that can be read, if there is one (its seal is verified: large ones take seconds). */
void rz_report_read_checkpoint(rz_report *r);
void rz_report_finish(rz_report *r); /* accepts a zeroed one */

/* An evaluation's share or mean and its 95 % interval: NAME_low and NAME_high, else from NAME_se, else NaN. */
void rz_report_interval(const rz_history *eval, const char *name, int64_t line, double *low, double *high);

/* Tokens sampled, or of a pretraining read. */
double rz_report_tokens(const rz_report *r);
/* Seconds from start to last line, of all starts of the job together. */
double rz_report_wall(const rz_history *metrics);
/* The name of a bound of another column's interval: …_low, …_high, …_se. */
bool rz_report_is_bound(const char *name);

/* Parts, each a <section> or nothing. */
void rz_report_curves(rz_html *h, const rz_report *r);
void rz_report_evaluations(rz_html *h, const rz_report *r);
void rz_report_samples(rz_html *h, const rz_report *r);
void rz_report_about(rz_html *h, const rz_report *r); /* time, config, rules, commands, facts */

/* The page. */
void rz_report_page(rz_html *h, const rz_report *r);
/* Reads `dir`, writes the page to `path`. */
bool rz_report_write(const char *dir, const char *path, rz_err *err);
#endif
