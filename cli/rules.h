/* What the commands of `rules` share. */
#ifndef RZ_CLI_RULES_H
#define RZ_CLI_RULES_H
#include "cli/cli.h"
#include <jansson.h>

int rz_cmd_rules_parity(rz_comm *comm, int argc, char **argv, rz_err *err);

extern const rz_option rz_rules_parity_flags[];
extern const int rz_rules_parity_n_flags;

/* A JSON text on one line of people's output, at most so many bytes of it. */
void rz_print_json(FILE *to, const json_t *j, size_t most);
#endif
