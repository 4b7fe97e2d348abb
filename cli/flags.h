/* Flags of a command, declared as rows of options (base/options.h): the table is the parser, the check and the help. Keys have hyphens. */
#ifndef RZ_CLI_FLAGS_H
#define RZ_CLI_FLAGS_H
#include "base/options.h"

/* A flag that may be given several times: --name V. */
typedef struct {
    const char *name;
    const char **values; /* room for as many as there are arguments */
    int n;
} rz_flag_list;

/* Sets the defaults, then every --key value, --key=value and key=value; a bare --key switches a BOOL on. What is neither goes to *word, which only
 * one may (word NULL: none). given (n of them) marks the rows that were set; given and list may be NULL. RZ_EUSAGE. The caller gives texts back with
 * rz_options_finish, whatever is returned. */
bool rz_flags_parse(const rz_option *rows, int n, void *base, bool *given, rz_flag_list *list, const char **word, int argc, char **argv,
                    rz_err *err);
#endif
