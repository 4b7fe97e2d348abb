/* What the commands of `rules` share. */
#ifndef RZ_CLI_RULES_H
#define RZ_CLI_RULES_H
#include "cli/cli.h"
#include "rewards/rules.h"
#include <jansson.h>

int rz_cmd_rules_list(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_rules_show(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_rules_test(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_rules_diff(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_rules_bench(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_rules_lint(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_rules_attack(rz_comm *comm, int argc, char **argv, rz_err *err);
int rz_cmd_rules_parity(rz_comm *comm, int argc, char **argv, rz_err *err);

extern const rz_option rz_rules_list_flags[], rz_rules_test_flags[], rz_rules_diff_flags[], rz_rules_bench_flags[], rz_rules_lint_flags[], rz_rules_attack_flags[], rz_rules_parity_flags[];
extern const int rz_rules_list_n_flags, rz_rules_test_n_flags, rz_rules_diff_n_flags, rz_rules_bench_n_flags, rz_rules_lint_n_flags, rz_rules_attack_n_flags, rz_rules_parity_n_flags;

/* The exit status of a command that did its work and found something wrong with the rules. */
enum { RZ_RULES_FINDINGS = RZ_EDATA };

/* A rule file with a worker that may run what --rules-allow names; both are to be closed whatever is returned. */
bool rz_rules_open(const char *path, const rz_text_list *allow, rz_rules **r, rz_rules_worker **w, rz_err *err);
void rz_rules_close(rz_rules *r, rz_rules_worker *w);

/* A JSON text on one line of people's output, at most so many bytes of it. */
void rz_print_json(FILE *to, const json_t *j, size_t most);
/* Text as JSON; bytes that are none become U+FFFD. */
json_t *rz_text_json(const char *text, size_t len);
/* Each line of the text behind a prefix. */
void rz_print_lines(FILE *to, const char *prefix, const char *text);
#endif
