/* The command line: the only argv, the only output to the terminal, the only exit status. */
#ifndef RZ_CLI_CLI_H
#define RZ_CLI_CLI_H
#include "base/comm.h"
#include "base/error.h"
#include "base/options.h"
#include "rollout/decode.h"
#include "trainer/job.h"
#include <stdio.h>

typedef struct rz_command {
    const char *name;
    const char *arguments; /* after the name, for the usage line */
    const char *summary;   /* one line */
    const char *help;      /* paragraphs, may be "" */
    const char *example;
    bool mpi;              /* may run under mpirun */
    /* argv[0] is the first argument behind the command's name. The status is err->code (0: done) unless it says otherwise. */
    int (*run)(rz_comm *comm, int argc, char **argv, rz_err *err);
    const rz_option *flags; /* (*n_flags), told by --help; NULL: told by `help`, or a config's keys */
    const int *n_flags;
    const struct rz_command *parts; /* a command that is several: its first argument names one of them. Ended by a row without a name */
    bool scores; /* it may run rules, and some of them need a process that is forked before MPI starts */
} rz_command;

int rz_cmd_train(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_pretrain(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_score(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_data(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_inspect(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_report(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_diff(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_generate(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_eval(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_convert(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_bench(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_tokenize(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_logprobs(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_gradnorms(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_launch(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_ckpt_verify(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_ckpt_list(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_doctor(rz_comm *comm, int argc, char **argv, rz_err *err);

extern const rz_command rz_rules_commands[]; /* cli/rules.c */
extern const rz_command rz_ckpt_commands[];  /* cli/ckpt.c */

/* Flags of the commands that declare them as options (cli/flags.h). */
extern const rz_option rz_generate_flags[], rz_bench_flags[], rz_eval_flags[], rz_score_flags[], rz_tokenize_flags[],
    rz_logprobs_flags[], rz_convert_flags[], rz_launch_flags[], rz_doctor_flags[];
extern const int rz_generate_n_flags, rz_bench_n_flags, rz_eval_n_flags, rz_score_n_flags, rz_tokenize_n_flags, rz_logprobs_n_flags,
    rz_convert_n_flags, rz_launch_n_flags, rz_doctor_n_flags;

/* The run directory of a command that is a job (mpirun ... rulezero train CONFIG ...), or NULL; caller frees. */
char *rz_cli_job_out(int argc, char **argv);

/* Runs the rules that are programs; NULL for a command that scores nothing. */
rz_helper *rz_cli_helper(void);

/* Set by SIGTERM, SIGINT and SIGUSR1 (cli/main.c). */
extern volatile sig_atomic_t rz_stop_asked;

/* The kernels this CPU runs best, or those that RULEZERO_CPU names. */
bool rz_cli_kernels(const rz_kernels **k, rz_err *err);

/* Completions of all requests, in arena (rollout/decode.h). */
bool rz_cli_decode(rz_decoder *d, rz_request *requests, int n, const rz_sampling *s, rz_address at, rz_arena *arena, rz_err *err);

/* Progress on stderr: one line rewritten in place on a terminal, a plain line now and then elsewhere. */
typedef struct rz_view rz_view;
rz_view *rz_view_create(void);
void rz_view_destroy(rz_view *v);
rz_listener rz_view_listener(rz_view *v);
/* How far it has come, now and then: on the line in place, elsewhere a line every ten seconds. */
__attribute__((format(printf, 2, 3))) void rz_view_progress(rz_view *v, const char *fmt, ...);
/* Ends the line in place, so that other text starts on a fresh one. */
void rz_view_break(rz_view *v);

/* Text of a model or of a file, for people: control characters, which could do anything to a terminal, become '?'. */
void rz_print_safe(FILE *to, const char *text, size_t len);

/* What a finished run directory came to, for people, on stderr: before and after, the reward's curve, where things are. */
void rz_tell_result(const char *dir);
/* A completion of a rollout file with its prompt and the verdict of each rule, for people, on stderr. */
void rz_tell_sample(const char *rollouts);
/* The newest step-*.h5 of DIR/FOLDER, or NULL; caller frees. */
char *rz_newest_step_file(const char *dir, const char *folder);
#endif
